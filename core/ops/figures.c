/* Counts. Apart because they are the one thing that grows with the box: they are taken by walking
 * indexes without reading the records, and kept for a while. */
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

const uint32_t figures_bucket_s[FIGURES_BUCKETS - 1] = {1, 5, 15, 60, 300, 1800};

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

/* Entries of an index by the number of an enum; the state that has most (by rule ${most}) is what
 * is left of all, so that it need not be walked. */
static int by_state(struct txn *txn, const struct table *table, const char *field, void *match,
                    uint64_t *out, unsigned states, unsigned most, struct err *err)
{
    const struct field *f = fields_find(&table->fields, field);
    int64_t total = record_count(txn, table, err), count;
    struct scan scan;

    if (total < 0)
        return -1;
    for (unsigned i = 0; i < states; i++) {
        if (i == most)
            continue;
        memcpy((char *)match + f->offset, &(uint32_t){i}, sizeof(uint32_t));
        if (scan_start(&scan, txn, table, field, match, 1, false, err) != 0 ||
            (count = scan_count(&scan, err)) < 0)
            return -1;
        out[i] = (uint64_t)count;
        total -= count;
    }
    out[most] = total < 0 ? 0 : (uint64_t)total;
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

    if (by_state(txn, &tenant_table, "state", &tenant, f->tenants, FIGURES_TENANT_STATES,
                 TENANT_ACTIVE, err) != 0 ||
        by_state(txn, &job_table, "state", &job, f->jobs, FIGURES_JOB_STATES, JOB_DONE, err) != 0 ||
        by_state(txn, &subscription_table, "status", &subscription, f->subscriptions,
                 FIGURES_SUBSCRIPTIONS, SUBSCRIPTION_ACTIVE, err) != 0 ||
        by_state(txn, &event_table, "state", &event, f->events, FIGURES_EVENT_STATES, EVENT_APPLIED,
                 err) != 0 ||
        by_state(txn, &order_table, "state", &order, f->orders, FIGURES_ORDER_STATES, ORDER_DONE,
                 err) != 0 ||
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

static void add_revenue(struct figures *f, const struct plan *plan)
{
    const char *currency = plan_price_known(plan) ? plan->price_currency : plan->currency;
    uint64_t amount = a_month(plan);
    uint32_t i = 0;

    while (i < f->currencies && !str_equal(f->revenue[i].currency, currency))
        i++;
    if (i == FIGURES_CURRENCIES || amount == 0)
        return;
    if (i == f->currencies) {
        (void)str_copy(f->revenue[i].currency, sizeof f->revenue[i].currency, currency);
        f->currencies++;
    }
    f->revenue[i].amount += amount;
    f->revenue[i].subscriptions++;
}

/* What those pay who pay now. */
static int take_revenue(struct txn *txn, struct figures *f, struct err *err)
{
    static const uint32_t paying[] = {SUBSCRIPTION_ACTIVE, SUBSCRIPTION_PAST_DUE};
    struct subscription s = {0};
    struct plan plan = {0};
    struct scan scan;
    int found = 0;

    for (size_t i = 0; i < sizeof paying / sizeof paying[0]; i++) {
        s.status = paying[i];
        if (scan_start(&scan, txn, &subscription_table, "status", &s, 1, false, err) != 0)
            return -1;
        while ((found = scan_next(&scan, &s, err)) == 1) {
            if (s.plan_id[0] == '\0')
                continue;
            if (!str_equal(plan.id, s.plan_id)) {
                memset(&plan, 0, sizeof plan);
                (void)str_copy(plan.id, sizeof plan.id, s.plan_id);
                if (record_get(txn, &plan_table, &plan, err) < 0)
                    return -1;
            }
            add_revenue(f, &plan);
        }
        if (found < 0)
            return -1;
    }
    return 0;
}

static void add_job(struct figures *f, const struct job *job)
{
    struct figures_saga *saga;
    int64_t took_ms = job->ended_at - job->created_at;
    uint32_t i = 0, bucket = 0;

    while (i < f->sagas && !str_equal(f->saga[i].saga, job->saga))
        i++;
    if (i == FIGURES_SAGAS)
        return;
    saga = &f->saga[i];
    if (i == f->sagas) {
        (void)str_copy(saga->saga, sizeof saga->saga, job->saga);
        f->sagas++;
    }
    *(job->state == JOB_DONE ? &saga->done : &saga->undone) += 1;
    if (took_ms < 0)
        took_ms = 0;
    while (bucket < FIGURES_BUCKETS - 1 && took_ms > (int64_t)figures_bucket_s[bucket] * 1000)
        bucket++;
    saga->buckets[bucket]++;
    saga->total_ms += (uint64_t)took_ms;
}

static int take_jobs(struct txn *txn, struct figures *f, struct err *err)
{
    static const uint32_t ended[] = {JOB_DONE, JOB_UNDONE};
    struct job job = {0};
    struct scan scan;
    int found = 0;

    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++) {
        job.state = ended[i];
        if (scan_start(&scan, txn, &job_table, "state", &job, 1, false, err) != 0)
            return -1;
        while ((found = scan_next(&scan, &job, err)) == 1)
            add_job(f, &job);
        if (found < 0)
            return -1;
    }
    return 0;
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
