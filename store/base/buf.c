/*
 * The growable buffer. Apart so that nothing else calls realloc: every growing thing in the
 * program has a limit that was named when it was made.
 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof *b);
    b->max = max;
}

void buf_free(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t len)
{
    size_t cap;
    char *data;

    if (b->failed)
        return NULL;
    if (len > b->max || b->len > b->max - len)
        goto fail;
    if (b->data != NULL && b->len + len < b->cap)
        return b->data + b->len;
    cap = b->cap < 256 ? 256 : b->cap;
    while (cap <= b->len + len)
        cap *= 2;
    if ((data = realloc(b->data, cap)) == NULL)
        goto fail;
    b->data = data;
    b->cap = cap;
    return b->data + b->len;
fail:
    b->failed = true;
    return NULL;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
    char *to = buf_reserve(b, len);

    if (to == NULL)
        return -1;
    if (len > 0)
        memcpy(to, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_text(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_byte(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_format(struct buf *b, const char *fmt, ...)
{
    char small[512];
    va_list ap;
    int len;
    char *to;

    va_start(ap, fmt);
    len = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    if (len < 0) {
        b->failed = true;
        return -1;
    }
    if ((size_t)len < sizeof small)
        return buf_add(b, small, (size_t)len);
    if ((to = buf_reserve(b, (size_t)len)) == NULL)
        return -1;
    va_start(ap, fmt);
    (void)vsnprintf(to, (size_t)len + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)len;
    return 0;
}

const char *buf_string(const struct buf *b)
{
    return b->data == NULL ? "" : b->data;
}
