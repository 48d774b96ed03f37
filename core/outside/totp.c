/* TOTP. The only file that knows liboath; it keeps no state and no clock, so that what makes a code
 * good only once is decided where the store is. */
#include "totp.h"

#include <liboath/oath.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

void totp_secret_new(uint8_t secret[TOTP_SECRET_BYTES])
{
    randombytes_buf(secret, TOTP_SECRET_BYTES);
}

int totp_secret_text(const uint8_t secret[TOTP_SECRET_BYTES], char out[TOTP_SECRET_TEXT],
                     struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    int rc = oath_base32_encode((const char *)secret, TOTP_SECRET_BYTES, &text, &len);

    if (rc == OATH_OK)
        rc = str_copy_n(out, TOTP_SECRET_TEXT, text, len);
    if (text != NULL) {
        sodium_memzero(text, len);
        free(text);
    }
    return rc == 0 ? 0 : err_set(err, ERR_INTERNAL, "totp_secret", "the secret has no text form");
}

/* Percent-encode all but what RFC 3986 leaves alone. Return 0 or -1. */
static int escape(char *out, size_t size, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;

    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~@", c) != NULL;

        if (n + (plain ? 1 : 3) >= size)
            return -1;
        if (!plain) {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    out[n] = '\0';
    return 0;
}

int totp_uri(const uint8_t secret[TOTP_SECRET_BYTES], const char *issuer, const char *account,
             char out[TOTP_URI_SIZE], struct err *err)
{
    char text[TOTP_SECRET_TEXT], by[128], who[256];

    if (totp_secret_text(secret, text, err) != 0)
        return -1;
    if (escape(by, sizeof by, issuer) != 0 || escape(who, sizeof who, account) != 0 ||
        str_format(out, TOTP_URI_SIZE,
                   "otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
                   by, who, text, by, TOTP_DIGITS, TOTP_STEP_S) != 0)
        (void)err_set(err, ERR_TOO_LARGE, "totp_uri", "the names are too long for an app's entry");
    else
        err = NULL;
    sodium_memzero(text, sizeof text);
    return err == NULL ? 0 : -1;
}

static int compare(void *given, const char *right)
{
    return sodium_memcmp(given, right, TOTP_DIGITS) == 0 ? 0 : 1; /* less than 0 is a failure */
}

int totp_check(const uint8_t secret[TOTP_SECRET_BYTES], int64_t now_s, const char *code,
               uint64_t *step, struct err *err)
{
    char given[TOTP_DIGITS + 1];
    int found = 0;

    if (str_copy(given, sizeof given, code) != 0 || strlen(given) != TOTP_DIGITS ||
        strspn(given, "0123456789") != TOTP_DIGITS || now_s < TOTP_STEP_S)
        return 0;
    /* liboath's window looks ahead as well, so each step is asked for alone. */
    for (int back = 0; back < 2 && found == 0; back++) {
        uint64_t counter = 0;
        int rc = oath_totp_validate4_callback((const char *)secret, TOTP_SECRET_BYTES,
                                              (time_t)(now_s - back * TOTP_STEP_S), TOTP_STEP_S,
                                              OATH_TOTP_DEFAULT_START_TIME, TOTP_DIGITS, 0, NULL,
                                              &counter, 0, compare, given);
        if (rc >= 0) {
            *step = counter;
            found = 1;
        } else if (rc != OATH_INVALID_OTP) {
            found = err_set(err, ERR_INTERNAL, "totp", "%s", oath_strerror(rc));
        }
    }
    return found;
}
