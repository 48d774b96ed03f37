#ifndef SETT_PLACE_S3_H
#define SETT_PLACE_S3_H
/* A vault that is a bucket. */
#include "place.h"
#include "snapshot.h"

struct place_s3_terms {
    const char *ca_file; /* trusted instead of the system's; "" */
    uint64_t part_bytes; /* 0: 16 MiB, more for what would have more than 9,000 parts */
    uint32_t silence_s;  /* 0: 60 */
    uint32_t wait_ms;    /* before the first repetition, then four times as long each; 0: 300 */
};

/** place_s3(out, vault, secret, terms, err): no connection yet. Return 0 or -1. */
int place_s3(struct place *out, const struct vault_place *vault, const char *secret,
             const struct place_s3_terms *terms, struct err *err);

#endif
