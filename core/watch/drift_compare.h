#ifndef SETT_DRIFT_COMPARE_H
#define SETT_DRIFT_COMPARE_H
/* Desired × recorded × actual: what is there against what the records want. */
#include "drift_actual.h"
#include "job.h"

#define DRIFT_FOUND_MAX 2000 /* of one scan; the rest is found by the next */

#define DRIFT_HELD_MAX 64 /* of which each is counted once */

struct drift_found {
    struct drift *at; /* kind to remedy are set */
    size_t count, room;
    bool full;               /* there is more than fits: nothing may be called gone */
    uint32_t looked;         /* tenants and tunnels that were compared */
    uint32_t domains_unread; /* customers' zones that could not be read */
    uint32_t rules_unread;   /* configurations that could not be read */
    uint32_t held;           /* records that were passed over, each once */
    char held_ids[DRIFT_HELD_MAX][ID_SIZE];
    char held_why[400]; /* the first few, and what holds them */
};

/** drift_finding(out, kind, verdict): a new finding, to be filled; NULL, and out->full, when there
 * are enough. Valid until the next one. */
struct drift *drift_finding(struct drift_found *out, enum drift_kind kind,
                            enum drift_verdict verdict);

/** drift_held(out, id, what, job): the record ${id}, ${what} for people, is passed over since
 * ${job} is at work on it; NULL: since it changed while it was looked. */
void drift_held(struct drift_found *out, const char *id, const char *what, const struct job *job);

/** drift_compare(out, a, db, err): walk the records in short read transactions and compare.
 * Whatever a job is at work on, or was changed since the looking began, is left to the next scan.
 * Return 0 or -1; either way ${out} is to be freed. */
int drift_compare(struct drift_found *out, const struct drift_actual *a, struct db *db,
                  struct err *err);

/** drift_found_free(out): give the memory back. */
void drift_found_free(struct drift_found *out);

#endif
