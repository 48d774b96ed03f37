#ifndef SETT_DIGEST_H
#define SETT_DIGEST_H
/*
 * Hashes of many bytes: what a file holds, and all of a snapshot. The only file that knows
 * libcrypto, whose SHA-256 takes what the processor has for it, and whose BLAKE2b takes half the
 * time of libsodium's; everything else that is cryptographic stays with libsodium.
 */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define DIGEST_CONTENT 32 /* SHA-256: of a file's content */
#define DIGEST_WHOLE   64 /* BLAKE2b: of a snapshot, for its trailer */

struct digest;

/** digest_new(out, size, err): one of the two, begun. Return 0 or -1. */
int digest_new(struct digest **out, size_t size, struct err *err);

/** digest_add(d, data, len): the next bytes. A failure shows at the end. */
void digest_add(struct digest *d, const void *data, size_t len);

/** digest_end(d, out, err): as many bytes as it has; then it begins anew. Return 0 or -1. */
int digest_end(struct digest *d, uint8_t *out, struct err *err);

/** digest_free(d): NULL is fine. */
void digest_free(struct digest *d);

#endif
