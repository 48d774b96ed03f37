/* Response headers. Apart because it is the only place where text from elsewhere becomes a header.
 */
#include "head.h"
#include "problem.h"
#include "str.h"

static const char always[] =
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'\r\n"
    "Cache-Control: no-store\r\n";

static bool is_clean(const char *value)
{
    for (; *value != '\0'; value++) {
        if ((unsigned char)*value < 0x20 || *value == 0x7f) {
            return false;
        }
    }
    return true;
}

/* One header; nothing for NULL and "". */
static int put(struct buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0') {
        return 0;
    }
    if (!is_clean(value)) {
        return -1;
    }
    buf_text(out, name);
    buf_add(out, ": ", 2);
    buf_text(out, value);
    buf_add(out, "\r\n", 2);
    return 0;
}

int head_write(struct buf *out, const struct head *a)
{
    char location[256] = "";
    size_t before = out->len;
    if (a->location != NULL && a->location[0] != '\0') {
        (void)str_format(location, sizeof(location), "%s%s", a->prefix == NULL ? "" : a->prefix,
                         a->location);
    }
    buf_format(out, "Status: %u %s\r\n", a->status, problem_reason(a->status));
    const struct {
        const char *name, *value;
    } list[] = {
        {"Content-Type", a->content_type},
        {"X-Request-Id", a->request_id},
        {"ETag", a->etag},
        {"Location", location},
        {"Set-Cookie", a->cookie},
        {"Allow", a->allow},
        {"WWW-Authenticate", a->authenticate},
        {"Content-Disposition", a->disposition},
        {"Content-Range", a->content_range},
        {"Accept-Ranges", a->file ? "bytes" : NULL},
        {"X-Accel-Buffering", a->file ? "no" : NULL},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (put(out, list[i].name, list[i].value) < 0) {
            if (out->data != NULL) {
                out->len = before;
                out->data[before] = '\0';
            }
            return -1;
        }
    }
    if (a->retry_after_s > 0) {
        buf_format(out, "Retry-After: %u\r\n", a->retry_after_s);
    }
    if (a->stream) {
        buf_text(out, "X-Accel-Buffering: no\r\n");
    } else if (a->status != 304) {
        buf_format(out, "Content-Length: %zu\r\n", a->content_length);
    }
    if (a->replayed) {
        buf_text(out, "Idempotent-Replayed: true\r\n");
    }
    if (a->hsts) {
        buf_text(out, "Strict-Transport-Security: max-age=31536000\r\n");
    }
    buf_add(out, always, sizeof(always) - 1);
    buf_add(out, "\r\n", 2);
    return out->failed ? -1 : 0;
}
