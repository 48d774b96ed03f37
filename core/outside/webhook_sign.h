#ifndef SETT_WEBHOOK_SIGN_H
#define SETT_WEBHOOK_SIGN_H
/* Signatures of webhooks that we send, as Standard Webhooks 1.0.0 describes them
 * (https://www.standardwebhooks.com): HMAC-SHA256 over "id.timestamp.body". */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define WEBHOOK_SECRET_SIZE    64  /* "whsec_" and the base 64 of 32 bytes */
#define WEBHOOK_SIGNATURE_SIZE 160 /* of up to two secrets */

/** webhook_secret(out): a fresh secret, "whsec_…". */
void webhook_secret(char out[WEBHOOK_SECRET_SIZE]);

/** webhook_sign(out, secret, previous, id, timestamp_s, body, len, err): the value of the header
 * webhook-signature: "v1,…", or with ${previous} (NULL or "": none) "v1,… v1,…". ERR_INVALID for a
 * secret that is none. Return 0 or -1. */
int webhook_sign(char out[WEBHOOK_SIGNATURE_SIZE], const char *secret, const char *previous,
                 const char *id, int64_t timestamp_s, const void *body, size_t len,
                 struct err *err);

#endif
