#ifndef SETT_HISTORY_H
#define SETT_HISTORY_H
/*
 * How the box and its tenants were: the reading side. The history is an environment of its own,
 * written by the worker once a minute for all tenants together; it may be lost and is then made
 * anew. Minutes are kept for two hours, ten minutes for two days, hours for sixty, and a day's sum
 * as long. Nothing here touches the store.
 */
#include <sys/types.h>
#include "history_row.h"

enum history_step { HISTORY_MINUTE, HISTORY_TEN, HISTORY_HOUR, HISTORY_DAY, HISTORY_STEPS };

struct history_span {
    int64_t step_ms, keep_ms;
    uint8_t box_line, tenant_line; /* first bytes of the keys; never used for anything else */
    unsigned back; /* how many ended periods are looked at for not having been folded yet */
};
extern const struct history_span history_spans[HISTORY_STEPS];

/* What ranges people ask for; names ended by NULL, and the step that each is told in. */
extern const char *const history_range_names[];
extern const enum history_step history_range_steps[];

extern const struct schema history_schema; /* of no tables */

#define HISTORY_POINTS 1448 /* most of one range: 60 days of hours, and the present one */
#define HISTORY_DAYS   61

struct history; /* a reader: thread-safe, one per process; opened when it is first asked */

/** history_new(folder, err): nothing is opened yet. NULL on error. */
struct history *history_new(const char *folder, struct err *err);

/** history_free(h): the environment stays open until the process ends. NULL is fine. */
void history_free(struct history *h);

/** history_db(h, db, err): the environment as it stands there now; it is made anew when it was
 * lost, so it is not to be kept. Return 1, 0 when there is none yet, -1. */
int history_db(struct history *h, struct db **db, struct err *err);

/** history_tenant_points(h, number, step, now_ms, out, most, err): what is kept of a tenant in this
 * step, oldest first, the newest that fit in ${most}; behind the ended periods the present one, as
 * far as it has come. Return how many, 0 without a history, or -1. */
int history_tenant_points(struct history *h, uint64_t number, enum history_step step,
                          int64_t now_ms, struct history_tenant *out, size_t most, struct err *err);

/** history_box_points(h, step, now_ms, out, most, err): the same of the box. */
int history_box_points(struct history *h, enum history_step step, int64_t now_ms,
                       struct history_box *out, size_t most, struct err *err);

/** history_tenant_last(h, number, now_ms, out, err): its newest minute, at most five minutes old.
 * Return 1, 0 or -1. */
int history_tenant_last(struct history *h, uint64_t number, int64_t now_ms,
                        struct history_tenant *out, struct err *err);

/** history_box_last(h, now_ms, out, err): the box's newest minute. Return 1, 0 or -1. */
int history_box_last(struct history *h, int64_t now_ms, struct history_box *out, struct err *err);

/** history_each(h, now_ms, visit, arg, err): every tenant's row of the newest minute, by number;
 * ${visit} must not wait. Return 0 or -1. */
int history_each(struct history *h, int64_t now_ms,
                 void (*visit)(void *arg, const struct history_tenant *row), void *arg,
                 struct err *err);

/** history_up_millis(row): how much of the measured time it answered, 0 to 1000; -1: nothing was
 * measured. Maintenance and what was not watched do not count. */
int history_up_millis(const struct history_tenant *row);

/** history_fold(txn, kind, line, part, from, to, sums): add all rows of a part with from <= time <
 * to; ${sums} has HISTORY_PART places (the box: one) and begins as zero. Damaged ones are passed
 * over. Return 0 or -1. */
int history_fold(struct txn *txn, const struct history_kind *kind, uint8_t line, uint32_t part,
                 int64_t from, int64_t to, struct history_sum *sums, struct err *err);

#endif
