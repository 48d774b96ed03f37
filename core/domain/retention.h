#ifndef SETT_RETENTION_H
#define SETT_RETENTION_H
/*
 * Which snapshots may go. Counted in days, weeks and months that have a snapshot, not by age: a
 * clock that jumps cannot make old what is new. The records are read by retention_read; what is
 * decided depends on nothing else.
 */
#include "conf.h"
#include "snapshot.h"

#define RETENTION_LEAST 3 /* verified ones that stay, whatever is set */

struct retention_scope {
    uint32_t daily, weekly, monthly; /* the newest of each of so many */
    uint32_t last;                   /* and so many newest; at least RETENTION_LEAST do */
};

struct retention_rules {
    struct retention_scope box, tenant; /* of the whole box; of one tenant, made for itself */
};

struct retention_item {
    char id[ID_SIZE], base_id[ID_SIZE], tenant_id[ID_SIZE];
    uint64_t number, bytes;
    int64_t created_at; /* wall, ms */
    bool verified;      /* whole when it was written, and nothing was found wrong with it since */
    bool keep;          /* decided: it stays */
    char reason[64];    /* and why, or why it goes */
};

/** retention_decide(items, count, rules, err): fill keep and reason of each; ${items} become sorted
 * by number. Each tenant's own snapshots, and those of the box, are counted apart. ERR_CONFLICT
 * "clock_jumped" when their times do not grow with their numbers, by more than a day: then nothing
 * is decided and all stay. Return how many go, or -1. */
int retention_decide(struct retention_item *items, size_t count,
                     const struct retention_rules *rules, struct err *err);

/** retention_rules_read(txn, conf, rules): as they are set. */
void retention_rules_read(struct txn *txn, const struct conf *conf, struct retention_rules *rules);

/** retention_read(txn, items, count, err): all snapshots that are done, as items; *${items} becomes
 * the caller's to free. Return 0 or -1. */
int retention_read(struct txn *txn, struct retention_item **items, size_t *count, struct err *err);

#endif
