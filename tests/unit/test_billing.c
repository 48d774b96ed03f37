/*
 * From Stripe's facts to tenants: each rule by itself, the samples in both shapes, and that the same
 * facts in any order and number end in the same state.
 */
#include "domain_world.h"

#include "billing.h"
#include "billing_read.h"
#include "customer.h"
#include "job_start.h"
#include "json_in.h"
#include "name.h"
#include "plan.h"
#include "subscription.h"
#include "tenant.h"

#include <dirent.h>

#define DAY_S 86400
#define DAY_MS (INT64_C(86400) * 1000)

static struct world *w;
static struct plan demo, pro;
static unsigned made; /* facts made so far: their ids */

static int add_plans(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return plan_new(txn, &demo, err) != 0 || plan_new(txn, &pro, err) != 0 ? -1 : 0;
}

static void make_plan(struct plan *plan, const char *name, const char *price)
{
    memset(plan, 0, sizeof *plan);
    (void)str_copy(plan->name, sizeof plan->name, name);
    (void)str_copy(plan->blueprint, sizeof plan->blueprint, "site");
    (void)str_copy(plan->stripe_price, sizeof plan->stripe_price, price);
    plan->past_due_days = plan->delete_days = PLAN_DAYS_INHERIT;
    plan->offered = true;
}

static int set_up(void **state)
{
    (void)state;
    w = world_new();
    made = 0;
    make_plan(&demo, "demo", "price_demo");
    make_plan(&pro, "pro", "price_1TPro0001");
    must_write(w, add_plans, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

/* ---- a worker that does every job at once ---- */

static int finish_job(struct txn *txn, struct job *job, struct err *err)
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
        if (state == TENANT_DELETED &&
            name_give(txn, tenant.subdomain, tenant.id, 0, err) != 0)
            return -1;
        if (tenant_put(txn, &tenant, err) != 0)
            return -1;
    }
    job->state = JOB_DONE;
    job->live = false;
    return job_release(txn, job, err) != 0 ? -1 : record_put(txn, &job_table, job, err);
}

/* Finish every live job. */
static int finish_all(struct txn *txn, void *arg, struct err *err)
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

static int tick(struct txn *txn, void *arg, struct err *err)
{
    bool wake = false;

    *(int *)arg = billing_tick(txn, NULL, 1000, &wake, err);
    return *(int *)arg < 0 ? -1 : 0;
}

/* Let time pass until nothing is left to do. */
static void settle_down(void)
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

static struct billing_facts facts_of(const char *type, const char *sub, int64_t at)
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

static struct billing_facts object(const char *type, const char *sub, int64_t at,
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

static struct billing_facts checkout(const char *sub, int64_t at, const char *payment,
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

static int apply(struct txn *txn, void *arg, struct err *err)
{
    struct applying *a = arg;
    return billing_apply(txn, NULL, &a->facts, &a->result, err);
}

static struct billing_result apply_now(struct billing_facts facts)
{
    struct applying a = {.facts = facts};

    must_write(w, apply, &a);
    return a.result;
}

static struct subscription subscription_of(const char *sub)
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

static struct tenant tenant_of(const char *sub)
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

static int64_t count(const struct table *table)
{
    struct txn *txn = must_read(w);
    struct err err;
    int64_t n = record_count(txn, table, &err);

    db_read_end(txn);
    return n;
}

/* ---- the rules ---- */

static void a_payment_becomes_a_tenant(void **state)
{
    int64_t t = clock_wall_ms() - 60000;
    struct billing_result r;

    (void)state;
    r = apply_now(object("created", "acme", t, "incomplete", "price_demo"));
    assert_int_equal(r.state, EVENT_APPLIED);
    assert_string_equal(r.tenant_id, "");
    r = apply_now(checkout("acme", t + 1000, "paid", "Müller & Söhne"));
    assert_true(r.wake);
    assert_string_not_equal(r.tenant_id, "");
    assert_int_equal(tenant_of("acme").state, TENANT_PENDING);
    settle_down();
    struct tenant tenant = tenant_of("acme");
    assert_int_equal(tenant.state, TENANT_ACTIVE);
    assert_string_equal(tenant.subdomain, "mueller-soehne");
    assert_string_equal(tenant.name, "Müller & Söhne");
    assert_string_equal(tenant.plan_id, demo.id);
    assert_string_equal(tenant.url, "http://mueller-soehne.localhost:4443/");
    assert_int_equal(subscription_of("acme").status, SUBSCRIPTION_ACTIVE);
    assert_string_equal(subscription_of("acme").flag, "");
    assert_int_equal(count(&tenant_table), 1);
    world_sound(w);
}

static void unpaid_waits(void **state)
{
    int64_t t = clock_wall_ms() - 60000;

    (void)state;
    apply_now(object("created", "late", t, "active", "price_demo"));
    apply_now(checkout("late", t + 1000, "unpaid", "Late"));
    settle_down();
    world_wait(w, 1000);
    settle_down();
    assert_int_equal(count(&tenant_table), 0);
    struct billing_facts f = checkout("late", t + 9000, "unpaid", "Late");
    (void)str_copy(f.type, sizeof f.type, "checkout.session.async_payment_succeeded");
    apply_now(f);
    settle_down();
    assert_int_equal(tenant_of("late").state, TENANT_ACTIVE);

    apply_now(checkout("never", t + 1000, "unpaid", "Never"));
    f = checkout("never", t + 9000, "unpaid", "Never");
    (void)str_copy(f.type, sizeof f.type, "checkout.session.async_payment_failed");
    apply_now(f);
    settle_down();
    assert_string_equal(subscription_of("never").flag, "its payment failed");
    assert_int_equal(count(&tenant_table), 1);
}

static void without_a_checkout(void **state)
{
    int64_t t = clock_wall_ms();
    struct billing_facts f = object("created", "dash", t, "active", "price_demo");

    (void)state;
    f.wanted_name[0] = '\0';
    apply_now(f);
    assert_int_equal(count(&tenant_table), 0); /* the rest may be on its way */
    settle_down();
    assert_int_equal(tenant_of("dash").state, TENANT_ACTIVE);
    assert_string_equal(tenant_of("dash").subdomain, "t");
    f = object("created", "meta", t, "trialing", "price_demo");
    (void)str_copy(f.wanted_name, sizeof f.wanted_name, "meta-name");
    apply_now(f);
    apply_now(facts_of("invoice.paid", "meta", t));
    assert_string_equal(tenant_of("meta").subdomain, "meta-name");
}

static void names_in_their_order(void **state)
{
    int64_t t = clock_wall_ms();
    struct billing_facts f = checkout("a", t, "paid", "Acme");

    (void)state;
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(f.custom_name, sizeof f.custom_name, "My Shop");
    apply_now(f);
    settle_down();
    assert_string_equal(tenant_of("a").subdomain, "my-shop");
    for (int i = 0; i < 3; i++) {
        char sub[8];

        (void)str_format(sub, sizeof sub, "n%d", i);
        f = checkout(sub, t, "paid", i == 2 ? "Admin" : "Acme");
        (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
        apply_now(f);
    }
    assert_string_equal(tenant_of("n0").subdomain, "acme");
    assert_string_equal(tenant_of("n1").subdomain, "acme-2");
    assert_string_equal(tenant_of("n2").subdomain, "admin-2"); /* "admin" is reserved */
    f = checkout("m", t, "paid", "Acme");
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(f.wanted_name, sizeof f.wanted_name, "acme");
    struct billing_result r = apply_now(f);
    assert_int_equal(r.state, EVENT_FAILED);
    assert_non_null(strstr(r.note, "acme is taken by tn_"));
    assert_non_null(strstr(subscription_of("m").flag, "acme is taken by tn_"));
    assert_string_equal(subscription_of("m").tenant_id, "");
    world_sound(w);
}

static int add_order(struct txn *txn, void *arg, struct err *err)
{
    return order_new(txn, arg, err);
}

static struct order make_order(const char *name, const char *subdomain)
{
    struct order order;

    memset(&order, 0, sizeof order);
    (void)str_copy(order.name, sizeof order.name, name);
    (void)str_copy(order.subdomain, sizeof order.subdomain, subdomain);
    (void)str_copy(order.plan_id, sizeof order.plan_id, demo.id);
    order.expires_at = clock_wall_ms() + 3600 * 1000;
    must_write(w, add_order, &order);
    return order;
}

static struct order order_now(const char *id)
{
    struct order order;
    struct txn *txn = must_read(w);
    struct err err;

    memset(&order, 0, sizeof order);
    (void)str_copy(order.id, sizeof order.id, id);
    assert_int_equal(record_get(txn, &order_table, &order, &err), 1);
    db_read_end(txn);
    return order;
}

static void orders(void **state)
{
    int64_t t = clock_wall_ms();
    struct order first = make_order("Acme", "acme");
    struct order second = make_order("Bolt", "bolt");
    struct billing_facts f = checkout("one", t, "paid", "Acme Holding");

    (void)state;
    struct order taken = {.subdomain = "acme"};
    taken.expires_at = t + 1000000;
    refuse_write(w, add_order, &taken, "name_taken");
    (void)str_copy(f.order_id, sizeof f.order_id, first.id);
    struct billing_result r = apply_now(f);
    assert_string_equal(r.order_id, first.id);
    settle_down();
    assert_string_equal(tenant_of("one").subdomain, "acme");
    assert_int_equal(order_now(first.id).state, ORDER_DONE);
    assert_string_equal(order_now(first.id).tenant_id, tenant_of("one").id);
    /* One that expires gives its name back; Stripe's word and the clock both do it. */
    f = checkout("two", t, "unpaid", "Bolt");
    (void)str_copy(f.type, sizeof f.type, "checkout.session.expired");
    (void)str_copy(f.order_id, sizeof f.order_id, second.id);
    f.stripe_subscription[0] = '\0';
    apply_now(f);
    assert_int_equal(order_now(second.id).state, ORDER_EXPIRED);
    struct order third = make_order("Bolt", "bolt");
    world_wait(w, 3700);
    settle_down();
    assert_int_equal(order_now(third.id).state, ORDER_EXPIRED);
    /* It was paid in the last second after all, but somebody else has the name by now. */
    f = checkout("four", clock_wall_ms(), "paid", "Bolt Two");
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(f.wanted_name, sizeof f.wanted_name, "bolt");
    apply_now(f);
    f = checkout("three", t, "paid", "Bolt");
    (void)str_copy(f.order_id, sizeof f.order_id, third.id);
    r = apply_now(f);
    assert_int_equal(r.state, EVENT_FAILED);
    assert_int_equal(order_now(third.id).state, ORDER_FLAGGED);
    assert_non_null(strstr(order_now(third.id).flag, "bolt is taken by tn_"));
    /* Paid, but no subscription came of it: it is not lost. */
    struct order fourth = make_order("Coil", "coil");
    f = checkout("five", t, "paid", "Coil");
    (void)str_copy(f.order_id, sizeof f.order_id, fourth.id);
    f.stripe_subscription[0] = '\0';
    r = apply_now(f);
    assert_int_equal(r.state, EVENT_FAILED);
    assert_int_equal(order_now(fourth.id).state, ORDER_FLAGGED);
    world_sound(w);
}

/* A running tenant of a subscription begun `days` ago. */
static int64_t running(const char *sub, int days)
{
    int64_t t = clock_wall_ms() - days * DAY_MS;

    apply_now(object("created", sub, t, "active", "price_demo"));
    apply_now(checkout(sub, t, "paid", sub));
    settle_down();
    assert_int_equal(tenant_of(sub).state, TENANT_ACTIVE);
    return t;
}

static void grace_then_suspended_then_resumed(void **state)
{
    running("g", 60);
    int64_t t = clock_wall_ms();

    (void)state;
    apply_now(facts_of("invoice.payment_failed", "g", t));
    settle_down();
    assert_int_equal(tenant_of("g").state, TENANT_PAST_DUE);
    assert_int_equal(subscription_of("g").past_due_at, t);
    assert_int_equal(subscription_of("g").suspend_at, t + 7 * DAY_MS);
    world_wait(w, 3 * DAY_S);
    apply_now(facts_of("invoice.payment_failed", "g", clock_wall_ms())); /* tried once more */
    apply_now(object("updated", "g", clock_wall_ms(), "past_due", "price_demo"));
    settle_down();
    assert_int_equal(subscription_of("g").suspend_at, t + 7 * DAY_MS); /* from the first on */
    world_wait(w, 3 * DAY_S);
    settle_down();
    assert_int_equal(tenant_of("g").state, TENANT_PAST_DUE);
    world_wait(w, DAY_S);
    settle_down();
    assert_int_equal(tenant_of("g").state, TENANT_SUSPENDED);
    apply_now(facts_of("invoice.paid", "g", clock_wall_ms()));
    settle_down();
    assert_int_equal(tenant_of("g").state, TENANT_ACTIVE);
    assert_int_equal(subscription_of("g").status, SUBSCRIPTION_ACTIVE);
    assert_int_equal(subscription_of("g").past_due_at, 0);
    world_wait(w, 30 * DAY_S);
    t = clock_wall_ms();
    apply_now(facts_of("invoice.payment_failed", "g", t)); /* a new month, a new grace */
    settle_down();
    assert_int_equal(subscription_of("g").suspend_at, t + 7 * DAY_MS);
    assert_int_equal(tenant_of("g").state, TENANT_PAST_DUE);
    world_sound(w);
}

static void grace_of_none(void **state)
{
    (void)state;
    pro.past_due_days = 0;
    pro.delete_days = 0;
    running("x", 40);
    int64_t t = clock_wall_ms();
    struct billing_facts f = object("updated", "x", t, "past_due", "price_demo");
    struct subscription sub;

    memset(&sub, 0, sizeof sub);
    apply_now(f);
    settle_down();
    assert_int_equal(tenant_of("x").state, TENANT_PAST_DUE); /* demo inherits the seven days */
}

static int put_plan(struct txn *txn, void *arg, struct err *err)
{
    return plan_put(txn, arg, err);
}

static void days_of_the_plan(void **state)
{
    (void)state;
    demo.past_due_days = 0;
    demo.delete_days = 0;
    must_write(w, put_plan, &demo);
    running("z", 40);
    apply_now(object("updated", "z", clock_wall_ms(), "past_due", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("z").state, TENANT_SUSPENDED);
    apply_now(object("deleted", "z", clock_wall_ms(), "canceled", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("z").state, TENANT_DELETED);
}

static void the_end(void **state)
{
    running("e", 60);
    int64_t t = clock_wall_ms();

    (void)state;
    apply_now(object("deleted", "e", t, "canceled", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("e").state, TENANT_SUSPENDED);
    assert_int_equal(subscription_of("e").delete_at, t + 14 * DAY_MS);
    apply_now(facts_of("invoice.paid", "e", t + 1000)); /* what has ended is not revived */
    apply_now(object("updated", "e", t + 2000, "active", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("e").state, TENANT_SUSPENDED);
    world_wait(w, 14 * DAY_S);
    settle_down();
    assert_int_equal(tenant_of("e").state, TENANT_DELETED);
    assert_int_equal(count(&name_table), 0);
    world_sound(w);
}

static void paused_and_unpaid(void **state)
{
    int64_t t = running("p", 60);

    (void)state;
    t = clock_wall_ms();
    apply_now(object("updated", "p", t, "unpaid", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("p").state, TENANT_SUSPENDED);
    apply_now(object("updated", "p", t - 1000, "active", "price_demo")); /* older: no change */
    settle_down();
    assert_int_equal(tenant_of("p").state, TENANT_SUSPENDED);
    apply_now(object("updated", "p", t + 1000, "active", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("p").state, TENANT_ACTIVE);
    apply_now(object("paused", "p", t + 2000, "paused", "price_demo"));
    settle_down();
    assert_int_equal(tenant_of("p").state, TENANT_SUSPENDED);
}

/* Stripe's times are whole seconds: of two objects of one second the one further along holds. */
static void in_one_second(void **state)
{
    int64_t t = clock_wall_ms();
    struct billing_facts f[4];

    (void)state;
    f[0] = object("created", "v", t, "trialing", "price_demo");
    f[1] = object("updated", "v", t, "active", "price_demo");
    f[2] = object("updated", "v", t, "past_due", "price_demo");
    f[3] = object("updated", "v", t, "past_due", "price_1TPro0001");
    for (int k = 0; k < 24; k++) {
        char sub[8];
        int left[4] = {0, 1, 2, 3};

        (void)str_format(sub, sizeof sub, "v%d", k);
        for (int i = 4, rest = k; i > 0; rest /= i, i--) { /* each order once */
            struct billing_facts one = f[left[rest % i]];

            left[rest % i] = left[i - 1];
            (void)str_format(one.stripe_subscription, sizeof one.stripe_subscription, "sub_%s",
                             sub);
            apply_now(one);
        }
        assert_int_equal(subscription_of(sub).status, SUBSCRIPTION_PAST_DUE);
        assert_string_equal(subscription_of(sub).plan_id, pro.id);
    }
}

static void plan_changes(void **state)
{
    running("c", 60);
    int64_t t = clock_wall_ms();

    (void)state;
    apply_now(object("updated", "c", t, "active", "price_1TPro0001"));
    assert_string_equal(subscription_of("c").plan_id, pro.id);
    settle_down();
    assert_string_equal(tenant_of("c").plan_id, pro.id);
    assert_int_equal(tenant_of("c").state, TENANT_ACTIVE);
    int64_t jobs = count(&job_table);
    apply_now(object("updated", "c", t + 1000, "active", "price_1TPro0001"));
    settle_down();
    assert_int_equal(count(&job_table), jobs);
}

static void unknown_price(void **state)
{
    int64_t t = clock_wall_ms();

    (void)state;
    apply_now(checkout("u", t, "paid", "Unknown"));
    struct billing_result r = apply_now(object("created", "u", t, "active", "price_none"));
    assert_int_equal(r.state, EVENT_FAILED);
    assert_non_null(strstr(r.note, "price_none"));
    assert_non_null(strstr(subscription_of("u").flag, "price_none"));
    settle_down();
    assert_int_equal(count(&tenant_table), 0);
    (void)str_copy(demo.stripe_price, sizeof demo.stripe_price, "price_none");
    must_write(w, put_plan, &demo); /* the operator sees to it, and replays the event */
    r = apply_now(object("created", "u", t, "active", "price_none"));
    assert_int_equal(r.state, EVENT_APPLIED);
    settle_down();
    assert_int_equal(tenant_of("u").state, TENANT_ACTIVE);
    r = apply_now(object("updated", "u", t + 1000, "exotic", "price_none"));
    assert_int_equal(r.state, EVENT_FAILED);
    assert_non_null(strstr(r.note, "exotic"));
}

static void refunds(void **state)
{
    struct billing_facts f;

    (void)state;
    running("r", 60);
    f = facts_of("charge.refunded", "r", clock_wall_ms());
    f.stripe_subscription[0] = '\0'; /* the newer shape does not name it */
    f.refunded = true;
    apply_now(f);
    settle_down();
    assert_string_equal(subscription_of("r").flag, "refunded");
    assert_int_equal(tenant_of("r").state, TENANT_ACTIVE);
    demo.refund = PLAN_REFUND_SUSPEND;
    must_write(w, put_plan, &demo);
    running("s", 60);
    f = facts_of("charge.refunded", "s", clock_wall_ms());
    apply_now(f);
    settle_down();
    assert_string_equal(subscription_of("s").flag, "partly refunded");
    assert_int_equal(tenant_of("s").state, TENANT_ACTIVE);
    f.refunded = true;
    apply_now(f);
    settle_down();
    assert_int_equal(tenant_of("s").state, TENANT_SUSPENDED);
    apply_now(facts_of("invoice.paid", "s", clock_wall_ms() + 1000)); /* and paid again */
    settle_down();
    assert_int_equal(tenant_of("s").state, TENANT_ACTIVE);
}

/* What an operator did stays until the subscription wants something else. */
static int suspend_by_hand(struct txn *txn, void *arg, struct err *err)
{
    struct tenant tenant;

    return tenant_resolve(txn, arg, &tenant, err) != 1
               ? -1 : tenant_move(txn, &tenant, TENANT_SUSPENDED, "by hand", err);
}

static void the_operator_rules(void **state)
{
    char id[ID_SIZE];

    (void)state;
    running("o", 60);
    (void)str_copy(id, sizeof id, tenant_of("o").id);
    must_write(w, suspend_by_hand, id);
    apply_now(facts_of("invoice.paid", "o", clock_wall_ms()));
    settle_down();
    assert_int_equal(tenant_of("o").state, TENANT_SUSPENDED);
    assert_string_equal(subscription_of("o").flag, "paid, and its tenant is suspended");
}

static int stick(struct txn *txn, void *arg, struct err *err)
{
    struct job job;
    struct tenant tenant;

    if (tenant_resolve(txn, arg, &tenant, err) != 1 ||
        job_of_subject(txn, "tenant", tenant.id, &job, err) != 1)
        return -1;
    job.state = JOB_STUCK;
    job.live = false;
    return record_put(txn, &job_table, &job, err) != 0 ? -1
           : tenant_move(txn, &tenant, TENANT_FAILED, "no image", err);
}

static struct job job_of(const char *tenant_id)
{
    struct job job;
    struct txn *txn = must_read(w);
    struct err err;

    assert_int_equal(job_of_subject(txn, "tenant", tenant_id, &job, &err), 1);
    db_read_end(txn);
    return job;
}

static void a_failed_provision(void **state)
{
    int64_t t = clock_wall_ms();
    struct billing_facts f = checkout("f", t, "paid", "Fail");
    char id[ID_SIZE];
    int done = 0;

    (void)state;
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(id, sizeof id, apply_now(f).tenant_id);
    must_write(w, stick, id);
    world_wait(w, 6 * DAY_S);
    must_write(w, tick, &done);
    assert_int_equal(job_of(id).state, JOB_STUCK); /* a person may still mend it */
    world_wait(w, DAY_S + 60);
    must_write(w, tick, &done);
    assert_true(job_of(id).live);
    assert_true(job_of(id).cancel); /* and now it is undone */

    f = checkout("q", clock_wall_ms(), "paid", "Quit");
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(id, sizeof id, apply_now(f).tenant_id);
    must_write(w, stick, id);
    apply_now(object("deleted", "q", clock_wall_ms(), "canceled", "price_demo"));
    assert_true(job_of(id).live); /* the subscription's end undoes it at once */
    assert_true(job_of(id).cancel);
}

static void nothing_of_ours(void **state)
{
    struct billing_facts f = facts_of("payment_intent.succeeded", "x", clock_wall_ms());

    (void)state;
    assert_int_equal(apply_now(f).state, EVENT_IGNORED);
    f = facts_of("invoice.paid", "x", clock_wall_ms());
    f.stripe_subscription[0] = '\0';
    assert_int_equal(apply_now(f).state, EVENT_IGNORED);
    f = checkout("x", clock_wall_ms(), "paid", "X");
    f.stripe_subscription[0] = '\0';
    assert_int_equal(apply_now(f).state, EVENT_IGNORED);
    assert_int_equal(count(&subscription_table), 0);
}

static void facts_cross_a_commit(void **state)
{
    struct billing_facts f = checkout("k", 1784500006000, "paid", "Ka");
    struct billing_facts back;
    struct kv kv;
    struct err err;

    (void)state;
    f.refunded = true;
    f.period_end = 5;
    (void)str_copy(f.order_id, sizeof f.order_id, "ord_x");
    kv_clear(&kv);
    assert_int_equal(billing_facts_to_kv(&f, &kv, &err), 0);
    assert_int_equal(billing_facts_from_kv(&kv, &back, &err), 0);
    assert_memory_equal(&f, &back, sizeof f);
    assert_int_equal(kv_set(&kv, "at", "soon"), 0);
    assert_int_equal(billing_facts_from_kv(&kv, &back, &err), -1);
    assert_string_equal(err.field, "at");
}

/* ---- samples and orders ---- */

#define FACTS_MAX 64

struct history {
    char sub[16];
    struct billing_facts at[FACTS_MAX];
    size_t count;
    unsigned order[2 * FACTS_MAX]; /* of delivery, with repetitions */
    size_t deliveries;
    bool jobs_between;
};

/* Deliver a whole history in one change, with jobs that end in between here and there. */
static int deliver(struct txn *txn, void *arg, struct err *err)
{
    const struct history *h = arg;
    struct billing_result result;

    for (size_t i = 0; i < h->deliveries; i++) {
        if (billing_apply(txn, NULL, &h->at[h->order[i]], &result, err) != 0)
            return -1;
        if (h->jobs_between && h->order[i] % 3 == 0 && finish_all(txn, NULL, err) != 0)
            return -1;
    }
    return 0;
}

static void shuffle(struct history *h)
{
    h->deliveries = 0;
    for (unsigned i = 0; i < h->count; i++) {
        h->order[h->deliveries++] = i;
        if (rand() % 4 == 0)
            h->order[h->deliveries++] = i;
    }
    for (size_t i = h->deliveries; i > 1; i--) {
        size_t k = (size_t)rand() % i;
        unsigned kept = h->order[i - 1];

        h->order[i - 1] = h->order[k];
        h->order[k] = kept;
    }
}

static void in_order(struct history *h)
{
    h->deliveries = h->count;
    for (unsigned i = 0; i < h->count; i++)
        h->order[i] = i;
}

/* What must come out the same whatever the order. A tenant that is gone and one that was never made
 * because all was over before the first fact came are the same to everybody. */
struct outcome {
    bool made;
    uint32_t status, wanted, tenant_state;
    char plan_id[ID_SIZE], tenant_plan[ID_SIZE], subdomain[64];
    int64_t past_due_at, suspend_at, delete_at, ended_at, period_end, refunded_at;
    char customer[128], email[256];
};

static struct outcome outcome_of(const char *sub)
{
    struct subscription s = subscription_of(sub);
    struct customer customer;
    struct tenant tenant;
    struct outcome o;
    struct txn *txn = must_read(w);
    struct err err;
    bool on = s.wanted == SUBSCRIPTION_WANTS_RUNNING || s.wanted == SUBSCRIPTION_WANTS_GRACE;

    memset(&o, 0, sizeof o);
    o.status = s.status;
    o.wanted = s.wanted;
    (void)str_copy(o.plan_id, sizeof o.plan_id, s.plan_id);
    o.past_due_at = s.past_due_at;
    o.suspend_at = s.suspend_at;
    o.delete_at = s.delete_at;
    o.ended_at = s.ended_at;
    o.period_end = s.period_end;
    assert_int_equal(customer_resolve(txn, s.customer_id, &customer, &err), 1);
    (void)str_copy(o.customer, sizeof o.customer, customer.name);
    (void)str_copy(o.email, sizeof o.email, customer.email);
    o.refunded_at = customer.refunded_at;
    o.tenant_state = TENANT_DELETED;
    if (tenant_resolve(txn, s.tenant_id, &tenant, &err) == 1) {
        o.made = true;
        o.tenant_state = tenant.state;
        if (on) {
            (void)str_copy(o.tenant_plan, sizeof o.tenant_plan, tenant.plan_id);
            (void)str_copy(o.subdomain, sizeof o.subdomain, tenant.subdomain);
        }
    }
    assert_int_equal(s.look_at, 0);
    db_read_end(txn);
    return o;
}

static bool same_tenant(const struct outcome *a, const struct outcome *b)
{
    if (a->made == b->made)
        return a->tenant_state == b->tenant_state;
    return a->wanted >= SUBSCRIPTION_WANTS_SUSPENDED &&
           (a->made ? a : b)->tenant_state >= TENANT_SUSPENDED;
}

static void same_outcome(const struct outcome *a, const struct outcome *b, unsigned seed)
{
    if (a->status != b->status || a->wanted != b->wanted || !same_tenant(a, b))
        print_error("seed %u: status %u %u wanted %u %u tenant %u %u\n", seed, a->status,
                    b->status, a->wanted, b->wanted, a->tenant_state, b->tenant_state);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->wanted, b->wanted);
    assert_true(same_tenant(a, b));
    assert_string_equal(a->plan_id, b->plan_id);
    assert_string_equal(a->tenant_plan, b->tenant_plan);
    assert_int_equal(a->past_due_at, b->past_due_at);
    assert_int_equal(a->suspend_at, b->suspend_at);
    assert_int_equal(a->delete_at, b->delete_at);
    assert_int_equal(a->ended_at, b->ended_at);
    assert_int_equal(a->period_end, b->period_end);
    assert_int_equal(a->refunded_at, b->refunded_at);
    assert_string_equal(a->customer, b->customer);
    assert_string_equal(a->email, b->email);
    assert_int_equal(a->subdomain[0] == '\0', b->subdomain[0] == '\0');
}

static void add(struct history *h, struct billing_facts facts)
{
    assert_true(h->count < FACTS_MAX);
    h->at[h->count++] = facts;
}

static void add_customer(struct history *h, const char *type, int64_t at, int n)
{
    struct billing_facts f = facts_of(type, h->sub, at);

    f.stripe_subscription[0] = '\0';
    (void)str_format(f.customer_name, sizeof f.customer_name, "Customer %s", h->sub);
    (void)str_format(f.email, sizeof f.email, "mail%d@example.com", n);
    add(h, f);
}

/* A life as Stripe would tell it: begun, paid or not, changed, perhaps ended. */
static void live(struct history *h, int64_t t)
{
    bool later = rand() % 4 == 0;
    const char *price = rand() % 2 ? "price_demo" : "price_1TPro0001";
    int months = rand() % 4;

    h->count = 0;
    add_customer(h, "customer.created", t, 0);
    add(h, object("created", h->sub, t, later ? "active" : "incomplete", price));
    struct billing_facts f = checkout(h->sub, t + 1000, later ? "unpaid" : "paid", "Some Name");
    (void)str_copy(f.wanted_name, sizeof f.wanted_name, h->sub);
    add(h, f);
    add(h, object("updated", h->sub, t + (rand() % 2) * 1000, "active", price));
    if (!later || rand() % 4) {
        add(h, facts_of("invoice.paid", h->sub, t + 1000 + (later ? DAY_MS : 0)));
        if (later) {
            f.at += DAY_MS;
            (void)str_copy(f.type, sizeof f.type, "checkout.session.async_payment_succeeded");
            add(h, f);
        }
    }
    for (int m = 1; m <= months; m++) {
        int64_t due = t + m * 30 * DAY_MS;
        int tries = rand() % 3;

        if (rand() % 3 == 0)
            price = rand() % 2 ? "price_demo" : "price_1TPro0001";
        for (int k = 0; k < tries; k++) {
            add(h, facts_of("invoice.payment_failed", h->sub, due + k * DAY_MS));
            add(h, object("updated", h->sub, due + k * DAY_MS + (rand() % 2) * 1000, "past_due",
                          price));
        }
        if (tries > 0 && m == months && rand() % 2) {
            if (rand() % 2)
                add(h, object("updated", h->sub, due + 5 * DAY_MS, "unpaid", price));
            continue;
        }
        add(h, facts_of("invoice.paid", h->sub, due + 6 * DAY_MS));
        f = object("updated", h->sub, due + 6 * DAY_MS + (rand() % 2) * 1000, "active", price);
        f.period_end = due + 30 * DAY_MS;
        add(h, f);
    }
    if (rand() % 3 == 0)
        add_customer(h, "customer.updated", t + DAY_MS, 1);
    if (rand() % 5 == 0) {
        f = facts_of("charge.refunded", h->sub, t + 2 * DAY_MS);
        f.stripe_subscription[0] = '\0';
        f.refunded = true;
        add(h, f);
    }
    if (rand() % 4 == 0)
        add(h, object("deleted", h->sub, t + 110 * DAY_MS, "canceled", price));
}

/* The history again, for another subscription: same facts, other ids. */
static void rename_to(struct history *h, const char *sub)
{
    (void)str_copy(h->sub, sizeof h->sub, sub);
    for (size_t i = 0; i < h->count; i++) {
        struct billing_facts *f = &h->at[i];

        if (f->stripe_subscription[0] != '\0')
            (void)str_format(f->stripe_subscription, sizeof f->stripe_subscription, "sub_%s", sub);
        (void)str_format(f->stripe_customer, sizeof f->stripe_customer, "cus_%s", sub);
        if (billing_kind(f->type) == BILLING_CHECKOUT) {
            (void)str_format(f->object_id, sizeof f->object_id, "cs_%s", sub);
            (void)str_copy(f->wanted_name, sizeof f->wanted_name, sub);
        }
    }
}

#define SEEDS    120
#define ORDERS   4

/* Many lives, each told in its order and in several others; then time passes, and all are the same. */
static void any_order_ends_the_same(void **state)
{
    static struct history h;
    int64_t now = clock_wall_ms();
    char sub[16];

    (void)state;
    demo.refund = PLAN_REFUND_SUSPEND;
    must_write(w, put_plan, &demo);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        srand(seed + 1);
        (void)str_format(h.sub, sizeof h.sub, "l%u-0", seed);
        live(&h, now - (seed % 2 ? 120 : 130) * DAY_MS);
        for (unsigned k = 0; k <= ORDERS; k++) {
            (void)str_format(sub, sizeof sub, "l%u-%u", seed, k);
            rename_to(&h, sub);
            h.jobs_between = k % 2 == 0;
            if (k == 0)
                in_order(&h);
            else
                shuffle(&h);
            must_write(w, deliver, &h);
        }
    }
    settle_down();
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        (void)str_format(sub, sizeof sub, "l%u-0", seed);
        struct outcome first = outcome_of(sub);

        for (unsigned k = 1; k <= ORDERS; k++) {
            (void)str_format(sub, sizeof sub, "l%u-%u", seed, k);
            struct outcome other = outcome_of(sub);
            same_outcome(&first, &other, seed);
        }
    }
    world_sound(w);
}

static void read_samples(const char *shape, struct history *h)
{
    char folder[128];
    struct dirent **names = NULL;
    struct buf text;
    struct err err;

    h->count = 0;
    (void)str_format(folder, sizeof folder, "tests/contracts/events/%s", shape);
    int n = scandir(folder, &names, NULL, alphasort);
    buf_init(&text, 1 << 20);
    for (int i = 0; i < n; i++) {
        char path[512];

        (void)str_format(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (str_ends(path, ".json")) {
            buf_reset(&text);
            assert_int_equal(file_read(path, &text, &err), 0);
            struct cJSON *json = json_parse(text.data, text.len, &json_limits_webhook, &err);
            assert_non_null(json);
            if (billing_read_event(json, &h->at[h->count++], &err) != 0)
                fail_msg("%s: %s", path, err.text);
            json_free(json);
        }
        free(names[i]);
    }
    free(names);
    buf_free(&text);
}

static void the_samples(const char *shape)
{
    static struct history h;
    struct outcome first;

    read_samples(shape, &h);
    assert_int_equal(h.count, 24);
    for (int k = 0; k < 12; k++) {
        void *state = NULL;

        if (k == 0)
            in_order(&h);
        else
            shuffle(&h);
        h.jobs_between = k % 2 == 0;
        must_write(w, deliver, &h);
        settle_down();
        struct outcome o = outcome_of("1TAlpha0001");
        assert_int_equal(o.status, SUBSCRIPTION_CANCELED);
        assert_int_equal(o.ended_at, INT64_C(1787178400) * 1000);
        assert_string_equal(o.plan_id, pro.id);
        assert_string_equal(o.email, "alice@new.example.com");
        assert_int_equal(o.refunded_at, INT64_C(1784500036) * 1000);
        if (k == 0)
            first = o;
        (void)str_copy(o.plan_id, sizeof o.plan_id, first.plan_id); /* a new store, a new id */
        same_outcome(&first, &o, (unsigned)k);
        tear_down(&state);
        set_up(&state);
    }
}

static void the_samples_of_the_older_shape(void **state)
{
    (void)state;
    srand(3);
    the_samples("acacia");
}

static void the_samples_of_the_newer_shape(void **state)
{
    (void)state;
    srand(4);
    the_samples("dahlia");
}

/* The samples up to the first payment make the tenant, under the name that they ask for. */
static void the_samples_make_a_tenant(void **state)
{
    static struct history h;

    (void)state;
    read_samples("dahlia", &h);
    for (size_t i = 0; i < h.count; i++)
        if (h.at[i].at <= INT64_C(1784500006) * 1000)
            apply_now(h.at[i]);
    settle_down();
    assert_int_equal(tenant_of("1TAlpha0001").state, TENANT_ACTIVE);
    assert_string_equal(tenant_of("1TAlpha0001").subdomain, "t-42");
    assert_string_equal(tenant_of("1TAlpha0001").plan_id, pro.id);
    assert_int_equal(subscription_of("1TAlpha0001").period_end, INT64_C(1787178400) * 1000);
}

/* The same again changes no record at all. */
static void twice_is_once(void **state)
{
    static struct history h;
    struct subscription before;
    struct subscription after;

    (void)state;
    srand(5);
    (void)str_copy(h.sub, sizeof h.sub, "twice");
    live(&h, clock_wall_ms() - 120 * DAY_MS);
    rename_to(&h, "twice");
    in_order(&h);
    must_write(w, deliver, &h);
    settle_down();
    before = subscription_of("twice");
    int64_t jobs = count(&job_table);
    world_wait(w, 100);
    shuffle(&h);
    must_write(w, deliver, &h);
    after = subscription_of("twice");
    assert_true(fields_equal(&subscription_table.fields, &before, &after));
    assert_int_equal(count(&job_table), jobs);
    assert_int_equal(count(&customer_table), 1);
}

/* ---- events ---- */

struct storing {
    struct event event;
    const char *body;
    size_t len;
    bool fresh;
};

static int store(struct txn *txn, void *arg, struct err *err)
{
    struct storing *s = arg;
    return event_store(txn, &s->event, s->body, s->len, "req_1", &s->fresh, err);
}

static int replay(struct txn *txn, void *arg, struct err *err)
{
    char job[ID_SIZE];
    return event_replay(txn, arg, "cli:root", "", job, err);
}

static void events_are_kept_whole(void **state)
{
    static char body[100000];
    struct storing s;
    struct buf out;
    struct err err;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof body; i += 3) /* characters that straddle the parts */
        memcpy(body + i, "\xe2\x82\xac", 3);
    memset(&s, 0, sizeof s);
    s.body = body;
    s.len = strlen(body);
    (void)str_copy(s.event.id, sizeof s.event.id, "evt_big");
    (void)str_copy(s.event.type, sizeof s.event.type, "invoice.paid");
    must_write(w, store, &s);
    assert_true(s.fresh);
    assert_true(s.event.parts > 6);
    must_write(w, store, &s);
    assert_false(s.fresh);
    assert_int_equal(count(&job_table), 1);
    struct txn *txn = must_read(w);
    buf_init(&out, sizeof body);
    assert_int_equal(event_body(txn, &s.event, &out, &err), 0);
    assert_int_equal(out.len, s.len);
    assert_memory_equal(out.data, body, out.len);
    buf_free(&out);
    db_read_end(txn);
    refuse_write(w, replay, "evt_big", "busy");
    refuse_write(w, replay, "evt_none", "event_not_found");
    must_write(w, finish_all, NULL);
    must_write(w, replay, "evt_big");
    assert_int_equal(count(&job_table), 2);
    world_sound(w);
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_payment_becomes_a_tenant), CASE(unpaid_waits), CASE(without_a_checkout),
        CASE(names_in_their_order), CASE(orders), CASE(grace_then_suspended_then_resumed),
        CASE(grace_of_none), CASE(days_of_the_plan), CASE(the_end), CASE(paused_and_unpaid),
        CASE(in_one_second), CASE(plan_changes), CASE(unknown_price), CASE(refunds), CASE(the_operator_rules),
        CASE(a_failed_provision), CASE(nothing_of_ours), CASE(facts_cross_a_commit),
        CASE(any_order_ends_the_same), CASE(the_samples_of_the_older_shape),
        CASE(the_samples_of_the_newer_shape), CASE(the_samples_make_a_tenant),
        CASE(twice_is_once), CASE(events_are_kept_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
