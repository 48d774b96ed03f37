#ifndef SETT_BUF_H
#define SETT_BUF_H
/*
 * A growable byte buffer that is given its maximum at birth. Failure is sticky: once an addition
 * did not fit or memory was refused, `failed` is set and all later additions do nothing, so that
 * a writer checks once, at its end.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NUL-terminated whenever it is not NULL; the NUL is not counted in len */
    size_t len, cap, max;
    bool failed;
};

/** buf_init(b, max): an empty buffer that never holds more than ${max} bytes. No memory yet. */
void buf_init(struct buf *b, size_t max);

/** buf_free(b): give the memory back; the buffer is empty and usable again. */
void buf_free(struct buf *b);

/** buf_reset(b): empty it, keep the memory, forget a failure. */
void buf_reset(struct buf *b);

/** buf_add(b, data, len): append bytes. Return 0, or -1 if the buffer has failed. */
int buf_add(struct buf *b, const void *data, size_t len);

/** buf_text(b, s): append a NUL-terminated string. Return 0 or -1. */
int buf_text(struct buf *b, const char *s);

/** buf_byte(b, c): append one byte. Return 0 or -1. */
int buf_byte(struct buf *b, char c);

/** buf_format(b, fmt, ...): append formatted text. Return 0 or -1. */
int buf_format(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** buf_reserve(b, len): room for ${len} more bytes, or NULL; the caller writes and adds to len. */
char *buf_reserve(struct buf *b, size_t len);

/** buf_string(b): the content as a string, "" when empty; valid until the next change. */
const char *buf_string(const struct buf *b);

#endif
