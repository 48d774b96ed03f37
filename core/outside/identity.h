#ifndef SETT_IDENTITY_H
#define SETT_IDENTITY_H
/*
 * The recovery identity: an X25519 pair whose secret half opens the box's snapshots and is never
 * kept on it. Written in bech32 (BIP 173): what is copied wrongly from paper is refused, not tried.
 */
#include <stdint.h>
#include "err.h"

#define IDENTITY_TEXT 96 /* of a secret, a public key or a share, with its NUL */

/** identity_new(secret, public): a new pair. */
void identity_new(uint8_t secret[32], uint8_t public_key[32]);

/** identity_public(secret, public): the public half. */
void identity_public(const uint8_t secret[32], uint8_t public_key[32]);

/** identity_secret_text(secret, out): "SETT-RECOVERY-1…", in capitals, as QR codes are smallest. */
void identity_secret_text(const uint8_t secret[32], char out[IDENTITY_TEXT]);

/** identity_secret_parse(text, secret, err): blanks and line breaks in it and the case of its
 * letters are of no meaning. ERR_INVALID saying what is wrong, never what was typed. Return 0 or
 * -1. */
int identity_secret_parse(const char *text, uint8_t secret[32], struct err *err);

/** identity_public_text(public, out): "settrec1…". */
void identity_public_text(const uint8_t public_key[32], char out[IDENTITY_TEXT]);

/** identity_public_parse(text, public, err): ERR_INVALID naming the field "recipient". 0 or -1. */
int identity_public_parse(const char *text, uint8_t public_key[32], struct err *err);

/* ---- shares: the secret for several people, any ${needed} of whom can put it together ---- */

#define IDENTITY_SHARES_MOST 16

struct identity_share {
    uint8_t set[4];         /* which secret it is of: random, the same for all of them */
    uint8_t needed, number; /* 2 to IDENTITY_SHARES_MOST; from 1 */
    uint8_t data[32];
};

/** identity_split(secret, needed, count, shares, err): Shamir's scheme over GF(256), byte by byte:
 * fewer than ${needed} shares say nothing about the secret. ERR_INVALID. Return 0 or -1. */
int identity_split(const uint8_t secret[32], unsigned needed, unsigned count,
                   struct identity_share *shares, struct err *err);

/** identity_join(shares, count, secret, err): ERR_INVALID when they are too few, of different
 * secrets, or the same one twice. That the secret is the right one is seen by its public half. 0 or
 * -1. */
int identity_join(const struct identity_share *shares, unsigned count, uint8_t secret[32],
                  struct err *err);

/** identity_share_text(share, out): "SETT-SHARE-1…". */
void identity_share_text(const struct identity_share *share, char out[IDENTITY_TEXT]);

/** identity_share_parse(text, share, err): as identity_secret_parse. Return 0 or -1. */
int identity_share_parse(const char *text, struct identity_share *share, struct err *err);

#endif
