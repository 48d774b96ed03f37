/* JSON: what our scanner accepts, the parser behind it must accept as well. */
#include "fuzz.h"
#include "json_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct err err = {0};
    struct cJSON *json;

    if (json_check(text, size, &json_limits_api, &err) == 0) {
        if ((json = json_parse(text, size, &json_limits_api, &err)) == NULL)
            abort();
        json_free(json);
    } else if (err.kind == ERR_NONE)
        abort();
    free(text);
    return 0;
}
