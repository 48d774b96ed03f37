#ifndef SETT_FIGURES_H
#define SETT_FIGURES_H
/*
 * How many of what: for the dashboard and for /metrics. Counting walks indexes, so what was counted
 * is kept for some seconds, and what needs the records themselves for up to a minute.
 */
#include "event.h"
#include "job_tally.h"
#include "op.h"
#include "subscription.h"
#include "tenant.h"

#define FIGURES_TENANT_STATES 8
#define FIGURES_JOB_STATES    7
#define FIGURES_SUBSCRIPTIONS 8
#define FIGURES_EVENT_STATES  4
#define FIGURES_ORDER_STATES  5
#define FIGURES_CURRENCIES    8
#define FIGURES_SAGAS         24
#define FIGURES_VAULTS        16
#define FIGURES_BUCKETS       JOB_TALLY_BUCKETS

struct figures_revenue {
    char currency[4];
    uint64_t amount; /* a month, in the smallest unit */
    uint64_t subscriptions;
};
struct figures_saga {
    char saga[32];
    uint64_t done, undone, buckets[FIGURES_BUCKETS]; /* each bucket for itself, not cumulated */
    uint64_t total_ms;
};

struct figures_vault {
    char id[ID_SIZE];
    uint64_t copies, bytes;
    int64_t newest_at; /* when it last got one */
};

struct figures {
    int64_t taken_ms;
    uint64_t tenants[FIGURES_TENANT_STATES], jobs[FIGURES_JOB_STATES],
        subscriptions[FIGURES_SUBSCRIPTIONS], events[FIGURES_EVENT_STATES],
        orders[FIGURES_ORDER_STATES];
    uint64_t tenant_count, customer_count, user_count, flagged, ports_used, ports_total, tunnels;
    int64_t slow_taken_ms, slow_took_ms;
    uint32_t currencies, sagas;
    struct figures_revenue revenue[FIGURES_CURRENCIES];
    struct figures_saga saga[FIGURES_SAGAS];
    uint64_t snapshots, snapshot_bytes; /* that are kept, each once; slow, too */
    uint32_t vaults;
    struct figures_vault vault[FIGURES_VAULTS];
};

/** figures_cache_new(err): for op_box.figures, one per process and for its whole life. NULL on
 * error. */
struct figures_cache *figures_cache_new(struct err *err);

/** figures_read(call, out, err): in call's read transaction, or from what was counted a moment ago.
 * Return 0 or -1. */
int figures_read(struct op_call *call, struct figures *out, struct err *err);

/* How the worker is: it touches a file each second. */
struct figures_worker {
    bool alive;
    int64_t age_ms; /* since it last did; -1: never */
};
#define FIGURES_BEAT_OLD_MS 15000

/** figures_worker(box, out): read it. */
void figures_worker(const struct op_box *box, struct figures_worker *out);

#endif
