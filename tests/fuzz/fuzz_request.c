/* Requests: the input is a list of FastCGI parameters, a line each. What is accepted must be clean.
 */
#include "fuzz.h"
#include "request.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *params[REQUEST_PARAMS_MAX + 8];
    static struct request r;
    char *text = fuzz_text(data, size), *line = text, *end;
    struct err err = {0};
    size_t n = 0;

    while (n + 1 < sizeof params / sizeof *params && *line != '\0') {
        params[n++] = line;
        if ((end = strchr(line, '\n')) == NULL)
            break;
        *end = '\0';
        line = end + 1;
    }
    params[n] = NULL;
    memset(&r, 0, sizeof r);
    if (request_parse(&r, params, &err) == 0) {
        if (r.path[0] != '/' || strstr(r.path, "//") != NULL || strstr(r.path, "/../") != NULL ||
            !str_utf8(r.path, strlen(r.path)))
            abort();
    } else if (err.kind == ERR_NONE)
        abort();
    free(text);
    return 0;
}
