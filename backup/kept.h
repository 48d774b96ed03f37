#ifndef SETT_KEPT_H
#define SETT_KEPT_H
/* A snapshot with all that it builds on, as the box's records have it, and the file keys that the
 * box keeps: those of the newest of each vault and its chain, sealed, for drills and restores. */
#include "snapshot.h"
#include "steps_snapshot.h"

#define KEPT_MOST   (SNAP_CHAIN + 1)
#define KEPT_VAULTS 16

struct kept_link {
    struct snapshot s;
    bool has_key;
    uint8_t key[32];
};

/* To be wiped: keys. */
struct kept_chain {
    size_t count;
    struct kept_link at[KEPT_MOST]; /* the newest first */
};

/** kept_chain(txn, snapshot, chain, err): ${snapshot} and what it builds on. ERR_CORRUPT when one
 * of them is not known. Return 0 or -1. */
int kept_chain(struct txn *txn, const struct snapshot *snapshot, struct kept_chain *chain,
               struct err *err);

/** kept_keys(txn, vault, chain, err): the keys that are kept, opened. Return the first link, from
 * the newest, that has none; chain->count: all have one; or -1. */
int kept_keys(struct txn *txn, const struct vault *vault, struct kept_chain *chain,
              struct err *err);

/** kept_vaults(txn, chain, ids, err): the vaults that have all of it, as far as is known. Return
 * how many, at most KEPT_VAULTS, or -1. */
int kept_vaults(struct txn *txn, const struct kept_chain *chain, char ids[KEPT_VAULTS][ID_SIZE],
                struct err *err);

#endif
