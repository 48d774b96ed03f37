/* From Stripe's facts to tenants: each rule by itself. */
#include "billing_world.h"

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
    for (int i = 0; i < 40; i++) /* tried many times more */
        apply_now(facts_of("invoice.payment_failed", "g", clock_wall_ms() - i * 60000));
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

static void unknown_plan(void **state)
{
    struct billing_facts f = checkout("v", clock_wall_ms(), "paid", "Misnamed");

    (void)state;
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "gold");
    apply_now(f);
    settle_down();
    assert_int_equal(count(&tenant_table), 0);
    assert_string_equal(subscription_of("v").flag, "paid, and there is no plan gold");
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
               ? -1
               : tenant_move(txn, &tenant, TENANT_SUSPENDED, "by hand", err);
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
    return record_put(txn, &job_table, &job, err) != 0
               ? -1
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_payment_becomes_a_tenant),
        CASE(unpaid_waits),
        CASE(without_a_checkout),
        CASE(grace_then_suspended_then_resumed),
        CASE(grace_of_none),
        CASE(days_of_the_plan),
        CASE(the_end),
        CASE(paused_and_unpaid),
        CASE(in_one_second),
        CASE(plan_changes),
        CASE(unknown_plan),
        CASE(unknown_price),
        CASE(refunds),
        CASE(the_operator_rules),
        CASE(a_failed_provision),
        CASE(nothing_of_ours),
        CASE(facts_cross_a_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
