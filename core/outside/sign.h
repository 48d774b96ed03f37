#ifndef SETT_SIGN_H
#define SETT_SIGN_H
/* The key by which a box signs its snapshots: keys/sign.key (0400), its public half in sign.pub. */
#include "err.h"
#include <stdbool.h>
#include <stdint.h>

#define SIGN_TEXT 65 /* a public key in hex */

/** sign_key_load(folder, key, err): from ${folder} (live/keys); made if it is not there, as on a
 * box that is older than snapshots. ${key}: Ed25519, 64 bytes, to be wiped. Return 0 or -1. */
int sign_key_load(const char *folder, uint8_t key[64], struct err *err);

/** sign_public_load(folder, out, err): the public half in hex, without the secret one.
 * ERR_NOT_FOUND when there is none yet. Return 0 or -1. */
int sign_public_load(const char *folder, char out[SIGN_TEXT], struct err *err);

/** sign_rotate(folder, before, vouch, at, after, err): a new key in the place of ${before}, its
 * public half in hex, if that is the one that is there; what was cut short is finished, and what
 * was done stays. ${vouch}: the old key says that the new one is its successor (succession.h);
 * ${at}: wall, ms. The old secret one is gone. ${after}: the key that is there then. 0 or -1. */
int sign_rotate(const char *folder, const char *before, bool vouch, int64_t at,
                char after[SIGN_TEXT], struct err *err);

#endif
