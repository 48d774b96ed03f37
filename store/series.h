#ifndef SETT_SERIES_H
#define SETT_SERIES_H
/*
 * Rows of bytes by line, time and part: what a store of figures is made of. A line is one
 * resolution of one kind of thing; a part is a slice of all things of that time, so that one thing
 * is read without the others. Values carry the tag of all values of the store; what they hold is
 * their owner's. For environments without tables (a schema of none).
 */
#include "db.h"

#define SERIES_VALUE_MAX (512u * 1024u)

struct series_key {
    uint8_t line; /* 1..127 */
    int64_t at;   /* milliseconds since 1970 */
    uint32_t part;
};

/** series_put(txn, key, data, len, err): insert or replace. Return 0 or -1. */
int series_put(struct txn *txn, const struct series_key *key, const void *data, size_t len,
               struct err *err);

/** series_get(txn, key, data, len, err): ${data} points into the map until ${txn} writes or ends.
 * ERR_CORRUPT when its tag is wrong. Return 1, 0 if there is none, -1. */
int series_get(struct txn *txn, const struct series_key *key, const uint8_t **data, size_t *len,
               struct err *err);

/** series_next(txn, key, err): the first key of the same line not before *${key}, in the order of
 * time and part, put into *${key}. Return 1, 0 behind the last, -1. */
int series_next(struct txn *txn, struct series_key *key, struct err *err);

/** series_last(txn, line, key, err): the newest key of the line. Return 1, 0 if it has none, -1. */
int series_last(struct txn *txn, uint8_t line, struct series_key *key, struct err *err);

/** series_drop(txn, line, from, before, most, err): remove the oldest rows with from <= time <
 * before, those of at most ${most} times. Return how many rows went, or -1. */
int series_drop(struct txn *txn, uint8_t line, int64_t from, int64_t before, unsigned most,
                struct err *err);

#endif
