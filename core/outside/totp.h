#ifndef SETT_TOTP_H
#define SETT_TOTP_H
/*
 * Codes of an authenticator app: TOTP (RFC 6238) as every such app makes them: HMAC-SHA-1, six
 * digits, steps of thirty seconds. What was accepted before is the caller's to remember.
 */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define TOTP_SECRET_BYTES 20 /* RFC 4226, 4: at least 128 bits, 160 recommended */
#define TOTP_SECRET_TEXT  33 /* in base32 */
#define TOTP_DIGITS       6
#define TOTP_STEP_S       30
#define TOTP_URI_SIZE     640

/** totp_secret_new(secret): random bytes. */
void totp_secret_new(uint8_t secret[TOTP_SECRET_BYTES]);

/** totp_secret_text(secret, out, err): in base32, as people type it into an app. Return 0 or -1. */
int totp_secret_text(const uint8_t secret[TOTP_SECRET_BYTES], char out[TOTP_SECRET_TEXT],
                     struct err *err);

/** totp_uri(secret, issuer, account, out, err): otpauth://totp/…, what a QR code carries to an app
 * (Key Uri Format of Google Authenticator). Return 0 or -1. */
int totp_uri(const uint8_t secret[TOTP_SECRET_BYTES], const char *issuer, const char *account,
             char out[TOTP_URI_SIZE], struct err *err);

/** totp_check(secret, now_s, code, step, err): whether ${code} is that of the present step or of
 * the one before it (RFC 6238, 5.2: typing takes time, a clock ahead of ours does not happen
 * to phones); ${step} is then which. Compared in constant time. Return 1, 0 if it is neither, -1.
 */
int totp_check(const uint8_t secret[TOTP_SECRET_BYTES], int64_t now_s, const char *code,
               uint64_t *step, struct err *err);

#endif
