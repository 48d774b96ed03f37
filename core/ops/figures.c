/* Counts. Apart because they would grow with the box: what could is kept as numbers by the store and
 * by the jobs; the rest is taken by short walks, and kept for a while. */
#include "figures.h"

#include <pthread.h>
#include <sys/stat.h>

#include "clock.h"
#include "customer.h"
#include "plan.h"
#include "port.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"
#include "tunnel.h"

#define KEEP_MS      5000
#define KEEP_SLOW_MS 60000 /* at most; what is counted quickly is counted again sooner */
#define SLOW_TIMES   200   /* so many times as long as the counting took */

struct figures_cache {
    pthread_mutex_t lock;
    struct figures figures;
};

struct figures_cache *figures_cache_new(struct err *err)
{
    struct figures_cache *cache = calloc(1, sizeof *cache);

    if (cache == NULL || pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache);
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for figures");
        return NULL;
    }
    return cache;
}

/* By the number of an enum, from a counted index of it. */
static int by_state(struct txn *txn, const struct table *table, const char *field, void *match,
                    uint64_t *out, unsigned states, struct err *err)
{
    const struct field *f = fields_find(&table->fields, field);
    int64_t count;

    for (unsigned i = 0; i < states; i++) {
        memcpy((char *)match + f->offset, &(uint32_t){i}, sizeof(uint32_t));
        if ((count = record_count_equal(txn, table, field, match, err)) < 0)
            return -1;
        out[i] = (uint64_t)count;
    }
    return 0;
}

static int counted(struct txn *txn, const struct table *table, const char *index, uint64_t *out,
                   struct err *err)
{
    struct scan scan;
    int64_t count;

    if (index == NULL)
        count = record_count(txn, table, err);
    else if (scan_start(&scan, txn, table, index, NULL, 0, false, err) != 0)
        return -1;
    else
        count = scan_count(&scan, err);
    *out = count < 0 ? 0 : (uint64_t)count;
    return count < 0 ? -1 : 0;
}

static int take_quick(struct op_call *call, struct figures *f, struct err *err)
{
    struct txn *txn = call->txn;
    struct tenant tenant = {0};
    struct job job = {0};
    struct subscription subscription = {0};
    struct event event = {0};
    struct order order = {0};
    char ranges[512];
    uint32_t total = 0;
    struct err unset;

    if (by_state(txn, &tenant_table, "state", &tenant, f->tenants, FIGURES_TENANT_STATES, err) !=
            0 ||
        by_state(txn, &job_table, "state", &job, f->jobs, FIGURES_JOB_STATES, err) != 0 ||
        by_state(txn, &subscription_table, "status", &subscription, f->subscriptions,
                 FIGURES_SUBSCRIPTIONS, err) != 0 ||
        by_state(txn, &event_table, "state", &event, f->events, FIGURES_EVENT_STATES, err) != 0 ||
        by_state(txn, &order_table, "state", &order, f->orders, FIGURES_ORDER_STATES, err) != 0 ||
        counted(txn, &tenant_table, NULL, &f->tenant_count, err) != 0 ||
        counted(txn, &customer_table, NULL, &f->customer_count, err) != 0 ||
        counted(txn, &user_table, NULL, &f->user_count, err) != 0 ||
        counted(txn, &port_table, NULL, &f->ports_used, err) != 0 ||
        counted(txn, &tunnel_table, NULL, &f->tunnels, err) != 0 ||
        counted(txn, &subscription_table, "flag", &f->flagged, err) != 0)
        return -1;
    if (setting_text(txn, &call->box->conf, "ports.ranges", ranges, sizeof ranges, err) < 0)
        return -1;
    (void)port_ranges_check(ranges, &total, &unset); /* what is set was checked when it was set */
    f->ports_total = total;
    return 0;
}

/* What a plan brings in a month: the price as Stripe has it where that is known, spread over the
 * months of its period; else what was written down, taken as a month's. */
static uint64_t a_month(const struct plan *plan)
{
    uint64_t periods = plan->price_intervals == 0 ? 1 : plan->price_intervals;

    if (!plan_price_known(plan))
        return plan->amount;
    switch (plan->price_interval) {
    case PLAN_INTERVAL_DAY:
        return plan->price_amount * 365 / (12 * periods);
    case PLAN_INTERVAL_WEEK:
        return plan->price_amount * 365 / (84 * periods);
    case PLAN_INTERVAL_MONTH:
        return plan->price_amount / periods;
    case PLAN_INTERVAL_YEAR:
        return plan->price_amount / (12 * periods);
    default: /* paid once: nothing that comes again */
        return 0;
    }
}

static void add_revenue(struct figures *f, const struct plan *plan, uint64_t paying)
{
    const char *currency = plan_price_known(plan) ? plan->price_currency : plan->currency;
    uint64_t amount = a_month(plan);
    uint32_t i = 0;

    while (i < f->currencies && !str_equal(f->revenue[i].currency, currency))
        i++;
    if (i == FIGURES_CURRENCIES || amount == 0 || paying == 0)
        return;
    if (i == f->currencies) {
        (void)str_copy(f->revenue[i].currency, sizeof f->revenue[i].currency, currency);
        f->currencies++;
    }
    f->revenue[i].amount += amount * paying;
    f->revenue[i].subscriptions += paying;
}

/* What those pay who pay now. */
static int take_revenue(struct txn *txn, struct figures *f, struct err *err)
{
    static const uint32_t paying[] = {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_PAST_DUE};
    struct subscription s = {0};
    struct plan plan;
    struct scan scan;
    int64_t count;
    int found;

    if (scan_start(&scan, txn, &plan_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &plan, err)) == 1)
        for (size_t i = 0; i < sizeof paying / sizeof paying[0]; i++) {
            s.status = paying[i];
            (void)str_copy(s.plan_id, sizeof s.plan_id, plan.id);
            count = record_count_equal(txn, &subscription_table, "status_plan", &s, err);
            if (count < 0)
                return -1;
            add_revenue(f, &plan, (uint64_t)count);
        }
    return found;
}

static int take_jobs(struct txn *txn, struct figures *f, struct err *err)
{
    struct job_tally t;
    struct scan scan;
    int found = 0;

    if (scan_start(&scan, txn, &job_tally_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while (f->sagas < FIGURES_SAGAS && (found = scan_next(&scan, &t, err)) == 1) {
        const uint64_t buckets[FIGURES_BUCKETS] = {t.bucket_0, t.bucket_1, t.bucket_2, t.bucket_3,
                                                   t.bucket_4, t.bucket_5, t.bucket_6};
        struct figures_saga *saga = &f->saga[f->sagas++];

        (void)str_copy(saga->saga, sizeof saga->saga, t.saga);
        saga->done = t.done;
        saga->undone = t.undone;
        saga->total_ms = t.total_ms;
        memcpy(saga->buckets, buckets, sizeof saga->buckets);
    }
    return found < 0 ? -1 : 0;
}

static void add_copy(struct figures *f, const struct snapshot_copy *copy)
{
    struct figures_vault *vault;
    uint32_t i = 0;

    while (i < f->vaults && !str_equal(f->vault[i].id, copy->vault_id))
        i++;
    if (i == FIGURES_VAULTS)
        return;
    vault = &f->vault[i];
    if (i == f->vaults) {
        (void)str_copy(vault->id, sizeof vault->id, copy->vault_id);
        f->vaults++;
    }
    vault->copies++;
    vault->bytes += copy->bytes;
    if (copy->stored_at > vault->newest_at)
        vault->newest_at = copy->stored_at;
}

static int take_snapshots(struct txn *txn, struct figures *f, struct err *err)
{
    struct snapshot s = {.state = SNAPSHOT_DONE};
    struct snapshot_copy copy;
    struct scan scan;
    int found;

    if (scan_start(&scan, txn, &snapshot_table, "state", &s, 1, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &s, err)) == 1) {
        f->snapshots++;
        f->snapshot_bytes += s.bytes;
    }
    if (found < 0 || scan_start(&scan, txn, &snapshot_copy_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &copy, err)) == 1)
        add_copy(f, &copy);
    return found;
}

static int64_t slow_keep_ms(const struct figures *f)
{
    int64_t keep = f->slow_took_ms * SLOW_TIMES;

    return keep < KEEP_MS ? KEEP_MS : keep > KEEP_SLOW_MS ? KEEP_SLOW_MS : keep;
}

static int take(struct op_call *call, struct figures *f, struct err *err)
{
    struct figures fresh = *f;
    int64_t now = clock_mono_ms();

    if (f->taken_ms == 0 || now - f->taken_ms >= KEEP_MS) {
        if (take_quick(call, &fresh, err) != 0)
            return -1;
        fresh.taken_ms = now;
    }
    if (f->slow_taken_ms == 0 || now - f->slow_taken_ms >= slow_keep_ms(f)) {
        fresh.currencies = fresh.sagas = 0;
        memset(fresh.revenue, 0, sizeof fresh.revenue);
        memset(fresh.saga, 0, sizeof fresh.saga);
        fresh.snapshots = fresh.snapshot_bytes = 0;
        fresh.vaults = 0;
        memset(fresh.vault, 0, sizeof fresh.vault);
        if (take_revenue(call->txn, &fresh, err) != 0 || take_jobs(call->txn, &fresh, err) != 0 ||
            take_snapshots(call->txn, &fresh, err) != 0)
            return -1;
        fresh.slow_taken_ms = now;
        fresh.slow_took_ms = clock_mono_ms() - now;
    }
    *f = fresh;
    return 0;
}

int figures_read(struct op_call *call, struct figures *out, struct err *err)
{
    struct figures_cache *cache = call->box->figures;
    int r;

    if (cache == NULL) {
        memset(out, 0, sizeof *out);
        return take(call, out, err);
    }
    (void)pthread_mutex_lock(&cache->lock);
    r = take(call, &cache->figures, err);
    *out = cache->figures;
    (void)pthread_mutex_unlock(&cache->lock);
    return r;
}

void figures_worker(const struct op_box *box, struct figures_worker *out)
{
    char path[PATHS_SIZE + 32];
    struct stat st;

    out->alive = false;
    out->age_ms = -1;
    if (str_format(path, sizeof path, "%s/worker.beat", box->paths.run) != 0 ||
        stat(path, &st) != 0)
        return;
    out->age_ms =
        clock_wall_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
    if (out->age_ms < 0)
        out->age_ms = 0;
    out->alive = out->age_ms <= FIGURES_BEAT_OLD_MS;
}
