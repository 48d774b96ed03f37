/* Rules as YAML or JSON and the regular expressions in them: what is taken can be written, is read as
 * the same, and can be asked which rule an address meets. */
#include "fuzz.h"
#include "cloudflared.h"
#include "re2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct cloudflared_config config = {0}, again = {0};
    struct cloudflared_remarks remarks;
    struct err err = {0};
    struct buf out;
    struct re2 *re;

    buf_init(&out, CLOUDFLARED_TEXT_MAX);
    if (size > 16384) {
        free(text);
        return 0;
    }
    if (cloudflared_validate(text, size, &config, &remarks, &err) == 0) {
        if (cloudflared_write_json(&config, &out) == -1 ||
            cloudflared_parse_json(out.data, out.len, &again, &err) == -1 ||
            !cloudflared_same(&config, &again) ||
            cloudflared_match(&config, "https://a.example.com/x/y", &err) == -1)
            abort();
    } else if (err.kind == ERR_NONE) {
        abort();
    }
    if (size < 200 && (re = re2_new(text, &err)) != NULL) {
        (void)re2_match(re, "/a/b.jpg?c", 10);
        re2_free(re);
    }
    buf_free(&out);
    cloudflared_free(&config);
    cloudflared_free(&again);
    free(text);
    return 0;
}
