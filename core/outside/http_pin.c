/* Fingerprints of certificates. Apart from http.c because reading one needs no libcurl. */
#include "http.h"

#include <sodium.h>
#include <string.h>

#define BEGIN   "-----BEGIN CERTIFICATE-----"
#define END     "-----END CERTIFICATE-----"
#define DER_MAX 16384

int http_pin_read(uint8_t out[32], const char *fingerprint)
{
    size_t len;

    return sodium_hex2bin(out, 32, fingerprint, strlen(fingerprint), ":", &len, NULL) == 0 &&
                   len == 32
               ? 0
               : -1;
}

int http_pin_of(uint8_t out[32], const char *pem)
{
    const char *begin = strstr(pem, BEGIN), *end;
    uint8_t der[DER_MAX];
    size_t len;

    if (begin == NULL || (end = strstr(begin, END)) == NULL)
        return -1;
    begin += strlen(BEGIN);
    if (sodium_base642bin(der, sizeof der, begin, (size_t)(end - begin), "\r\n \t", &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return -1;
    return crypto_hash_sha256(out, der, len);
}
