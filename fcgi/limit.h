#ifndef SETT_LIMIT_H
#define SETT_LIMIT_H
/*
 * Limits of rate: token buckets in a table of fixed size. A bucket holds as many tokens as may be
 * taken in a minute and fills up evenly. Where the table is full the fullest bucket gives way, so
 * memory stays bounded and whoever is being limited is forgotten last.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct limit; /* thread-safe */

/* What is counted; the same peer has a bucket in each. */
enum limit_kind {
    LIMIT_LOGIN,
    LIMIT_ANONYMOUS,
    LIMIT_CREDENTIAL,
    LIMIT_WEBHOOK,
    LIMIT_REFUSAL,
    LIMIT_NAMES
};

/** limit_new(limit, err): an empty table, 1.5 MiB of which only what is used is touched. 0 or -1.
 */
int limit_new(struct limit **limit, struct err *err);

/** limit_free(limit): NULL is fine. */
void limit_free(struct limit *limit);

#define LIMIT_ADDRESS_BYTES 8

/** limit_address(out, address): what stands for an address: the whole of an IPv4 one (also one
 * mapped into IPv6), the /64 of an IPv6 one; anything else is one peer. */
void limit_address(uint8_t out[LIMIT_ADDRESS_BYTES], const char *address);

/** limit_take(limit, kind, id, len, per_minute, now_ms, wait_s): take one token of ${id}. ${now_ms}
 * is monotonic. False when there is none, ${wait_s} then being when there will be. per_minute 0: no
 * limit. */
bool limit_take(struct limit *limit, enum limit_kind kind, const void *id, size_t len,
                uint64_t per_minute, int64_t now_ms, uint32_t *wait_s);

/** limit_peek(…): whether limit_take would find a token, taking none. */
bool limit_peek(struct limit *limit, enum limit_kind kind, const void *id, size_t len,
                uint64_t per_minute, int64_t now_ms);

#endif
