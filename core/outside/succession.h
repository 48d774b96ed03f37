#ifndef SETT_SUCCESSION_H
#define SETT_SUCCESSION_H
/*
 * How a box's signing key came to be the one that it is: each former key vouched for the one after
 * it, so that who knows only an old one (from paper) finds the way to the present one. Kept in
 * keys/signers, which is no secret, and told by every snapshot.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define SUCCESSION_MOST 16  /* links that are kept: the newest */
#define SUCCESSION_LINK 136 /* bytes of one in a snapshot's header */

struct succession_link {
    int64_t at; /* wall, ms */
    uint8_t before[32], after[32];
    bool vouched; /* by ${before}; not when it was given up because somebody else may have it */
    uint8_t signature[64];
};

struct succession {
    unsigned count;
    struct succession_link links[SUCCESSION_MOST]; /* the oldest first */
};

/** succession_vouch(link, secret_key): sign it; time and keys are set. ${secret_key}: Ed25519 of
 * link->before, 64 bytes. */
void succession_vouch(struct succession_link *link, const uint8_t secret_key[64]);

/** succession_add(s, link): behind the others; the oldest goes when there are too many. */
void succession_add(struct succession *s, const struct succession_link *link);

/** succession_load(folder, s, err): from ${folder} (live/keys); none if there is no such file.
 * ERR_CORRUPT. Return 0 or -1. */
int succession_load(const char *folder, struct succession *s, struct err *err);

/** succession_save(folder, s, err): Return 0 or -1. */
int succession_save(const char *folder, const struct succession *s, struct err *err);

/** succession_put(link, out): as it stands in a snapshot's header. */
void succession_put(const struct succession_link *link, uint8_t out[SUCCESSION_LINK]);

/** succession_take(data, link): read from there. It is called vouched for if the signature is good;
 * one that is not is worth nothing. */
void succession_take(const uint8_t data[SUCCESSION_LINK], struct succession_link *link);

/** succession_leads(s, from, to): whether ${from} is ${to}, or vouched for one that ... vouched for
 * ${to}. */
bool succession_leads(const struct succession *s, const uint8_t from[32], const uint8_t to[32]);

#endif
