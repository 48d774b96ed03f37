#ifndef SETT_SNAPSHOT_ROUND_H
#define SETT_SNAPSHOT_ROUND_H
/* What the box does about its snapshots by itself: when it did it last, and what somebody wants it
 * to do out of turn. And its drills: newest snapshots restored aside. */
#include "db.h"
#include "id.h"

/* A drill comes at its time of the day, the first one after this: half a day less than a week, so
 * that one that began late does not move the next to another day. */
#define DRILL_EVERY_MS ((INT64_C(7) * 24 - 12) * 3600 * 1000)

/* One record. */
struct snapshot_round {
    uint32_t id; /* always 1 */
    bool prune_wanted, drill_wanted;
    char actor[64];                 /* who wanted it last */
    int64_t began_at;               /* since when this is looked after */
    int64_t run_at;                 /* the last scheduled snapshot was begun */
    int64_t pruned_at;              /* it was last looked what may go */
    int64_t drilled_at, checked_at; /* the last drill; the last look at all copies */
    int64_t read_at;                /* a copy was last read whole */
    char problem[240];              /* why the last scheduled snapshot was not begun */
};
extern const struct table snapshot_round_table; /* key id */

enum drill_program {
    DRILL_PROGRAM_NONE,    /* nobody to be tried */
    DRILL_PROGRAM_UNTRIED, /* it could not be started here: program_note says why */
    DRILL_PROGRAM_SILENT,  /* it was started and did not answer */
    DRILL_PROGRAM_ANSWERED
};
extern const char *const drill_program_names[];

struct drill {
    char id[ID_SIZE], vault_id[ID_SIZE], snapshot_id[ID_SIZE];
    uint64_t number; /* of the snapshot */
    bool passed;
    char problem[240];         /* why not */
    uint32_t chain;            /* files read */
    uint64_t bytes, files;     /* fetched; restored and compared */
    uint64_t entries, tenants; /* audit entries whose chain held; tenants whose files are in it */
    int64_t started_at, took_ms;
    uint32_t program;                /* one tenant's, started on what was restored and asked */
    char program_tenant_id[ID_SIZE]; /* whose */
    char program_note[240];          /* why it was not, or did not answer */
    int64_t program_ms;              /* from its files to its answer */
};
extern const struct table drill_table; /* key id; index: vault_id */

/** snapshot_round_get(txn, round, err): as it stands; all zero before the first. Return 0 or -1. */
int snapshot_round_get(struct txn *txn, struct snapshot_round *round, struct err *err);

/** snapshot_round_put(txn, round, err): Return 0 or -1. */
int snapshot_round_put(struct txn *txn, const struct snapshot_round *round, struct err *err);

#endif
