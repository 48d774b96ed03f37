#ifndef SETT_FEED_H
#define SETT_FEED_H
/*
 * The feed: what has changed, for those who look on. Each change of a record whose table has a
 * table_feed leaves a row here, in the same transaction; several changes of one thing in one
 * transaction are one row. A ring: the newest FEED_KEPT rows are there, and who was away for longer
 * looks at everything anew.
 */
#include "db.h"
#include "id.h"

#define FEED_KEPT 4096

enum feed_change { FEED_PUT, FEED_DELETED };
extern const char *const feed_change_names[];

struct feed_row {
    uint32_t slot;   /* number % FEED_KEPT */
    uint64_t number; /* from 1, without gaps */
    char object[24]; /* "tenant" */
    char id[128];    /* of the object; cut if it is a longer name */
    char about[64];  /* id of what it belongs to: a tenant, a tunnel, a user; "": nothing */
    char customer_id[ID_SIZE];
    uint32_t change;
    int64_t at;
};
extern const struct table feed_table; /* "changes", key slot */

/* Where somebody stands who has been told of all that came before. A store that was put back to an
 * older state gives the same numbers again, but not at the same time. */
struct feed_place {
    uint64_t number; /* the last row that was told; 0: none yet */
    int64_t at;      /* its time */
};

#define FEED_PLACE_SIZE 48

/** feed_now(txn, place, err): the newest place. Return 0 or -1. */
int feed_now(struct txn *txn, struct feed_place *place, struct err *err);

/** feed_known(txn, place, behind, err): whether all that came behind the place is still there, and
 * how many rows that are. Return 1, 0 or -1. */
int feed_known(struct txn *txn, const struct feed_place *place, uint64_t *behind, struct err *err);

/** feed_next(txn, place, row, err): the row behind the place, which moves there; ${place} must be
 * known in this transaction. Return 1, 0 when there is none, or -1. */
int feed_next(struct txn *txn, struct feed_place *place, struct feed_row *row, struct err *err);

/** feed_place_text(place, out): as text: "NUMBER.TIME". */
void feed_place_text(const struct feed_place *place, char out[FEED_PLACE_SIZE]);

/** feed_place_read(text, place): and back. Return 0, or -1 if it is none. */
int feed_place_read(const char *text, struct feed_place *place);

/** feed_note(txn, table, old, new, err): for record.c: one record was changed; NULL: was not there,
 * is gone. Return 0 or -1. */
int feed_note(struct txn *txn, const struct table *table, const void *old, const void *new,
              struct err *err);

#endif
