/* Percent-encoding for URLs and form bodies (RFC 3986). Apart from http.c because programs without
 * libcurl need it as well. */
#include "http.h"

#include <string.h>

static bool unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

/* The form of one byte: 1 or 3 characters. */
static size_t encode(char out[3], char c)
{
    static const char digits[] = "0123456789ABCDEF";

    if (unreserved(c)) {
        out[0] = c;
        return 1;
    }
    out[0] = '%';
    out[1] = digits[(unsigned char)c >> 4];
    out[2] = digits[(unsigned char)c & 15];
    return 3;
}

int http_escape(char *out, size_t size, const char *s)
{
    size_t at = 0;

    for (; *s != '\0'; s++) {
        char form[3] = "";
        size_t len = encode(form, *s);
        if (at + len >= size) {
            out[0] = '\0';
            return -1;
        }
        memcpy(out + at, form, len);
        at += len;
    }
    if (at >= size)
        return -1;
    out[at] = '\0';
    return 0;
}

static void add_encoded(struct buf *out, const char *s)
{
    for (; *s != '\0'; s++) {
        char form[3];
        size_t len = encode(form, *s);
        (void)buf_add(out, form, len);
    }
}

void http_form(struct buf *out, const char *name, const char *value)
{
    if (out->len > 0)
        (void)buf_byte(out, '&');
    add_encoded(out, name);
    (void)buf_byte(out, '=');
    add_encoded(out, value);
}
