#ifndef SETT_BILLING_WORLD_H
#define SETT_BILLING_WORLD_H
/* A store with two plans, a worker that does every job at once, and Stripe's facts made short: for
 * tests of billing. */
#include "domain_world.h"

#include "billing.h"
#include "customer.h"
#include "job_start.h"
#include "name.h"
#include "plan.h"
#include "subscription.h"
#include "tenant.h"

#define DAY_S  86400
#define DAY_MS (INT64_C(86400) * 1000)

static struct world *w;
static struct plan demo, pro;
static unsigned made; /* facts made so far: their ids */

static inline int add_plans(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return plan_new(txn, &demo, err) != 0 || plan_new(txn, &pro, err) != 0 ? -1 : 0;
}

static inline int put_plan(struct txn *txn, void *arg, struct err *err)
{
    return plan_put(txn, arg, err);
}

static inline void make_plan(struct plan *plan, const char *name, const char *price)
{
    memset(plan, 0, sizeof *plan);
    (void)str_copy(plan->name, sizeof plan->name, name);
    (void)str_copy(plan->blueprint, sizeof plan->blueprint, "site");
    (void)str_copy(plan->stripe_price, sizeof plan->stripe_price, price);
    plan->past_due_days = plan->delete_days = PLAN_DAYS_INHERIT;
    plan->offered = true;
}

static inline int set_up(void **state)
{
    (void)state;
    w = world_new();
    made = 0;
    make_plan(&demo, "demo", "price_demo");
    make_plan(&pro, "pro", "price_1TPro0001");
    must_write(w, add_plans, NULL);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

/* ---- a worker that does every job at once ---- */

static inline int finish_job(struct txn *txn, struct job *job, struct err *err)
{
    struct tenant tenant;
    uint32_t state = TENANT_ACTIVE;

    if (tenant_resolve(txn, kv_get_or(&job->args, "tenant_id", ""), &tenant, err) == 1) {
        if (str_equal(job->saga, "tenant.suspend"))
            state = TENANT_SUSPENDED;
        else if (str_equal(job->saga, "tenant.delete"))
            state = TENANT_DELETED;
        if (str_equal(job->saga, "tenant.update"))
            (void)str_copy(tenant.plan_id, sizeof tenant.plan_id,
                           kv_get_or(&job->args, "plan_id", ""));
        else if (tenant_move(txn, &tenant, (enum tenant_state)state, "", err) != 0)
            return -1;
        if (state == TENANT_DELETED && name_give(txn, tenant.subdomain, tenant.id, 0, err) != 0)
            return -1;
        if (tenant_put(txn, &tenant, err) != 0)
            return -1;
    }
    job->state = JOB_DONE;
    job->live = false;
    return job_release(txn, job, err) != 0 ? -1 : record_put(txn, &job_table, job, err);
}

/* Finish every live job. */
static inline int finish_all(struct txn *txn, void *arg, struct err *err)
{
    struct job job;
    struct scan scan;

    (void)arg;
    for (;;) {
        memset(&job, 0, sizeof job);
        job.live = true;
        if (scan_start(&scan, txn, &job_table, "by_wake", &job, 1, false, err) != 0)
            return -1;
        int got = scan_next(&scan, &job, err);
        if (got <= 0)
            return got;
        if (finish_job(txn, &job, err) != 0)
            return -1;
    }
}

static inline int tick(struct txn *txn, void *arg, struct err *err)
{
    bool wake = false;

    *(int *)arg = billing_tick(txn, NULL, 1000, &wake, err);
    return *(int *)arg < 0 ? -1 : 0;
}

/* Let time pass until nothing is left to do. */
static inline void settle_down(void)
{
    int done = 1;

    for (int i = 0; i < 12; i++) {
        must_write(w, finish_all, NULL);
        world_wait(w, 31);
        must_write(w, tick, &done);
    }
    struct txn *txn = must_read(w);
    struct err err;
    assert_int_equal(billing_due(txn, NULL, &err), 0);
    db_read_end(txn);
}

/* ---- facts ---- */

static inline struct billing_facts facts_of(const char *type, const char *sub, int64_t at)
{
    struct billing_facts f;

    memset(&f, 0, sizeof f);
    (void)str_format(f.event_id, sizeof f.event_id, "evt_%u", ++made);
    (void)str_copy(f.type, sizeof f.type, type);
    f.at = at;
    (void)str_format(f.stripe_subscription, sizeof f.stripe_subscription, "sub_%s", sub);
    (void)str_format(f.stripe_customer, sizeof f.stripe_customer, "cus_%s", sub);
    return f;
}

static inline struct billing_facts object(const char *type, const char *sub, int64_t at,
                                          const char *status, const char *price)
{
    char full[64];

    (void)str_format(full, sizeof full, "customer.subscription.%s", type);
    struct billing_facts f = facts_of(full, sub, at);
    (void)str_copy(f.object_id, sizeof f.object_id, f.stripe_subscription);
    (void)str_copy(f.status, sizeof f.status, status);
    (void)str_copy(f.price, sizeof f.price, price);
    return f;
}

static inline struct billing_facts checkout(const char *sub, int64_t at, const char *payment,
                                            const char *name)
{
    struct billing_facts f = facts_of("checkout.session.completed", sub, at);

    (void)str_format(f.object_id, sizeof f.object_id, "cs_%s", sub);
    (void)str_copy(f.payment_status, sizeof f.payment_status, payment);
    (void)str_copy(f.customer_name, sizeof f.customer_name, name);
    return f;
}

struct applying {
    struct billing_facts facts;
    struct billing_result result;
};

static inline int apply(struct txn *txn, void *arg, struct err *err)
{
    struct applying *a = arg;
    return billing_apply(txn, NULL, &a->facts, &a->result, err);
}

static inline struct billing_result apply_now(struct billing_facts facts)
{
    struct applying a = {.facts = facts};

    must_write(w, apply, &a);
    return a.result;
}

static inline struct subscription subscription_of(const char *sub)
{
    struct subscription record;
    char id[64];
    struct txn *txn = must_read(w);
    struct err err;

    (void)str_format(id, sizeof id, "sub_%s", sub);
    if (subscription_resolve(txn, id, &record, &err) != 1)
        fail_msg("no subscription %s", id);
    db_read_end(txn);
    return record;
}

static inline struct tenant tenant_of(const char *sub)
{
    struct subscription record = subscription_of(sub);
    struct tenant tenant;
    struct txn *txn = must_read(w);
    struct err err;

    if (tenant_resolve(txn, record.tenant_id, &tenant, &err) != 1)
        fail_msg("no tenant of %s", sub);
    db_read_end(txn);
    return tenant;
}

static inline int64_t count(const struct table *table)
{
    struct txn *txn = must_read(w);
    struct err err;
    int64_t n = record_count(txn, table, &err);

    db_read_end(txn);
    return n;
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

#endif
