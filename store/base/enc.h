#ifndef SETT_ENC_H
#define SETT_ENC_H
/* Text forms of bytes: hex (lower case), base64 (RFC 4648, strict), big-endian numbers,
 * text within HTML. */
#include <stddef.h>
#include <stdint.h>

struct buf;

/** enc_hex(out, data, len): 2*len characters and a NUL. */
void enc_hex(char *out, const void *data, size_t len);

/** enc_unhex(out, len, s): exactly ${len} bytes from lower- or upper-case hex. Return 0 or -1. */
int enc_unhex(void *out, size_t len, const char *s);

/** enc_base64url(out, size, data, len): no padding. Return the length, or -1 if it does not fit. */
int enc_base64url(char *out, size_t size, const void *data, size_t len);

/** enc_unbase64url(out, size, s, slen): strict: canonical, no padding. Return the length or -1. */
int enc_unbase64url(void *out, size_t size, const char *s, size_t slen);

/** enc_base64(out, size, data, len): standard alphabet with padding. Return the length or -1. */
int enc_base64(char *out, size_t size, const void *data, size_t len);

/** enc_html(out, s, len): append text so that it is text within an element or a quoted attribute.
 * */
void enc_html(struct buf *out, const char *s, size_t len);

/** enc_put16(p, n): two bytes of ${n}, the high one first; enc_put32 and enc_put64 alike. */
void enc_put16(uint8_t *p, uint16_t n);
/** enc_put32(p, n): four bytes. */
void enc_put32(uint8_t *p, uint32_t n);
/** enc_put64(p, n): eight bytes. */
void enc_put64(uint8_t *p, uint64_t n);
/** enc_get16(p): the number that two bytes make, the high one first; the others alike. */
uint16_t enc_get16(const uint8_t *p);
/** enc_get32(p): of four bytes. */
uint32_t enc_get32(const uint8_t *p);
/** enc_get64(p): of eight bytes. */
uint64_t enc_get64(const uint8_t *p);

#endif
