/*
 * The samples in both shapes, and made-up lives of subscriptions: the same facts in any order and
 * number end in the same state.
 */
#include "billing_world.h"

#include "billing_read.h"
#include "json_in.h"

#include <dirent.h>

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
    memset(&customer, 0, sizeof customer);
    (void)str_copy(customer.id, sizeof customer.id, s.customer_id);
    assert_int_equal(record_get(txn, &customer_table, &customer, &err), 1);
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
        print_error("seed %u: status %u %u wanted %u %u tenant %u %u\n", seed, a->status, b->status,
                    a->wanted, b->wanted, a->tenant_state, b->tenant_state);
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

#define SEEDS  120
#define ORDERS 4

/* Many lives, each told in its order and in several others; then time passes, and all are the
 * same. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(any_order_ends_the_same),
        CASE(the_samples_of_the_older_shape),
        CASE(the_samples_of_the_newer_shape),
        CASE(the_samples_make_a_tenant),
        CASE(twice_is_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
