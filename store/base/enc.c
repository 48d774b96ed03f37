/* Text forms of bytes. Apart so that there is one strict decoder of each form and not several
 * forgiving ones; libsodium does the work in constant time. */
#include "enc.h"

#include <sodium.h>
#include <string.h>

#include "buf.h"

void enc_hex(char *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

int enc_unhex(void *out, size_t len, const char *s)
{
    size_t got;
    const char *end;

    if (strlen(s) != 2 * len)
        return -1;
    if (len == 0)
        return 0;
    if (sodium_hex2bin(out, len, s, 2 * len, NULL, &got, &end) != 0)
        return -1;
    return got == len && *end == '\0' ? 0 : -1;
}

static int to_base64(char *out, size_t size, const void *data, size_t len, int variant)
{
    size_t need;

    if (len > INT32_MAX / 2)
        return -1;
    need = sodium_base64_encoded_len(len, variant); /* with the NUL */
    if (need > size)
        return -1;
    (void)sodium_bin2base64(out, size, data, len, variant);
    return (int)(need - 1);
}

int enc_base64url(char *out, size_t size, const void *data, size_t len)
{
    return to_base64(out, size, data, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

int enc_base64(char *out, size_t size, const void *data, size_t len)
{
    return to_base64(out, size, data, len, sodium_base64_VARIANT_ORIGINAL);
}

int enc_unbase64url(void *out, size_t size, const char *s, size_t slen)
{
    size_t got;
    const char *end;

    if (slen > INT32_MAX / 2)
        return -1;
    if (slen == 0)
        return 0;
    /* It refuses trailing bits that are not zero, so each value has one spelling. */
    if (sodium_base642bin(out, size, s, slen, NULL, &got, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != s + slen)
        return -1;
    return (int)got;
}

void enc_html(struct buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (s[i]) {
        case '&':
            (void)buf_text(out, "&amp;");
            break;
        case '<':
            (void)buf_text(out, "&lt;");
            break;
        case '>':
            (void)buf_text(out, "&gt;");
            break;
        case '"':
            (void)buf_text(out, "&quot;");
            break;
        case '\'':
            (void)buf_text(out, "&#39;");
            break;
        default:
            (void)buf_byte(out, s[i]);
            break;
        }
    }
}

void enc_put16(uint8_t *p, uint16_t n)
{
    p[0] = (uint8_t)(n >> 8);
    p[1] = (uint8_t)n;
}

void enc_put32(uint8_t *p, uint32_t n)
{
    enc_put16(p, (uint16_t)(n >> 16));
    enc_put16(p + 2, (uint16_t)n);
}

void enc_put64(uint8_t *p, uint64_t n)
{
    enc_put32(p, (uint32_t)(n >> 32));
    enc_put32(p + 4, (uint32_t)n);
}

uint16_t enc_get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t enc_get32(const uint8_t *p)
{
    return (uint32_t)enc_get16(p) << 16 | enc_get16(p + 2);
}

uint64_t enc_get64(const uint8_t *p)
{
    return (uint64_t)enc_get32(p) << 32 | enc_get32(p + 4);
}
