/* What needs a person: each thing once, gravest first, a few of a kind; and what comes in a month.
 */
#include "ops_world.h"

#include "clock.h"
#include "custom_domain.h"
#include "job.h"
#include "notice.h"
#include "snapshot.h"
#include "subscription.h"
#include "tenant.h"

static struct ops_world *world;

static int set_up(void **state)
{
    (void)state;
    world = calloc(1, sizeof *world);
    assert_non_null(world);
    ops_world_open(world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ops_world_close(world);
    free(world);
    return 0;
}

static void must_write(db_change *change, void *arg)
{
    struct err err = {0};

    if (db_write(world->box.db, change, arg, &err) != 0)
        fail_msg("%s: %s", err.code, err.text);
}

/* The items of a kind, and how many there are of all. */
static unsigned count(const char *kind, unsigned *all)
{
    struct actor viewer = ops_actor(ROLE_VIEWER);
    const struct cJSON *data;
    unsigned n = 0;

    if (ops_call(world, "system.attention", &viewer, NULL, "{}") != 200)
        fail_msg("%s", world->err.text);
    *all = 0;
    data = json_at(world->answer, "data");
    for (const struct cJSON *item = json_next(data, NULL); item != NULL;
         item = json_next(data, item)) {
        ++*all;
        n += str_equal(json_text(item, "kind", ""), kind);
    }
    return n;
}

static const char *first(const char *path)
{
    return json_text(json_next(json_at(world->answer, "data"), NULL), path, "");
}

struct many {
    unsigned n;
    uint64_t number;
};

static int failed_tenants(struct txn *txn, void *arg, struct err *err)
{
    struct many *m = arg;
    struct tenant t;

    for (unsigned i = 0; i < m->n; i++) {
        memset(&t, 0, sizeof t);
        id_make(t.id, "tn");
        t.number = ++m->number;
        t.state = TENANT_FAILED;
        t.failed_at = (int64_t)(1000 + i);
        (void)str_format(t.name, sizeof t.name, "Failed %u", i);
        (void)str_copy(t.state_reason, sizeof t.state_reason, "no port was free");
        if (record_put(txn, &tenant_table, &t, err) == -1)
            return -1;
    }
    return 0;
}

static int stuck_job(struct txn *txn, void *arg, struct err *err)
{
    struct job *job = arg;

    return record_put(txn, &job_table, job, err);
}

static int notices(struct txn *txn, void *arg, struct err *err)
{
    struct notice n = {.state = NOTICE_OPEN, .severity = NOTICE_WARNING, .raised_at = 5};

    (void)arg;
    id_make(n.id, "al");
    (void)str_copy(n.kind, sizeof n.kind, "box.disk");
    (void)str_copy(n.subject, sizeof n.subject, "box");
    (void)str_copy(n.live, sizeof n.live, "box.disk ");
    if (record_put(txn, &notice_table, &n, err) == -1)
        return -1;
    id_make(n.id, "al"); /* the job says so itself */
    (void)str_copy(n.kind, sizeof n.kind, "job.stuck");
    (void)str_copy(n.live, sizeof n.live, "job.stuck x");
    if (record_put(txn, &notice_table, &n, err) == -1)
        return -1;
    id_make(n.id, "al"); /* somebody wants to hear no more of it */
    n.silenced_until = clock_wall_ms() + 100000;
    (void)str_copy(n.kind, sizeof n.kind, "box.memory");
    (void)str_copy(n.live, sizeof n.live, "box.memory ");
    return record_put(txn, &notice_table, &n, err);
}

static int domains(struct txn *txn, void *arg, struct err *err)
{
    struct custom_domain d = {.state = DOMAIN_PENDING};

    (void)arg;
    for (int i = 0; i < 30; i++) {
        id_make(d.id, "dom");
        (void)str_format(d.name, sizeof d.name, "d%d.example", i);
        (void)str_copy(d.live, sizeof d.live, d.name);
        d.deadline_at = clock_wall_ms() + (i == 7 ? 1 : 30) * INT64_C(86400000);
        if (record_put(txn, &custom_domain_table, &d, err) == -1)
            return -1;
    }
    return 0;
}

static void each_thing_stands_once_and_gravest_first(void **state)
{
    struct job job = {.state = JOB_STUCK, .updated_at = 5000};
    struct many some = {.n = 2};
    unsigned all;

    (void)state;
    assert_int_equal(count("worker.down", &all), 1); /* none runs here */
    assert_int_equal(count("backup.vaultless", &all), 1);
    assert_int_equal(all, 2);
    id_make(job.id, "job");
    (void)str_copy(job.saga, sizeof job.saga, "tenant.provision");
    (void)str_copy(job.step_name, sizeof job.step_name, "tunnel");
    (void)str_copy(job.cause, sizeof job.cause, "the provider's token is over");
    (void)str_copy(job.remedy, sizeof job.remedy, "enter a new one");
    must_write(stuck_job, &job);
    must_write(failed_tenants, &some);
    must_write(notices, NULL);
    must_write(domains, NULL);
    assert_int_equal(count("job.stuck", &all), 1);
    assert_int_equal(all, 7);
    assert_string_equal(first("severity"), "critical");
    assert_string_equal(first("kind"), "job.stuck");
    assert_string_equal(first("text"), "the provider's token is over");
    assert_string_equal(first("hint"), "enter a new one");
    assert_int_equal(count("tenant.failed", &all), 2);
    assert_int_equal(count("domain.deadline", &all), 1);
    assert_int_equal(count("box.disk", &all), 1);
    assert_int_equal(count("box.memory", &all), 0);
}

static void a_flood_is_counted(void **state)
{
    struct many many = {.n = 300};
    unsigned all;

    (void)state;
    must_write(failed_tenants, &many);
    assert_int_equal(count("tenant.failed", &all), 20);
    assert_int_equal((int)json_loose(world->answer, "more", 0), 280);
}

struct sale {
    struct plan plan;
    struct subscription subscription;
};

static int sell(struct txn *txn, void *arg, struct err *err)
{
    struct sale *sale = arg;

    if (record_put(txn, &plan_table, &sale->plan, err) == -1)
        return -1;
    (void)str_copy(sale->subscription.plan_id, ID_SIZE, sale->plan.id);
    return record_put(txn, &subscription_table, &sale->subscription, err);
}

static void sold(uint64_t number, const char *name, uint64_t amount, enum plan_interval interval,
                 enum subscription_status status)
{
    struct sale s = {.plan = {.amount = 1, .price_intervals = 1, .price_amount = amount}};

    id_make(s.plan.id, "pl");
    id_make(s.subscription.id, "su");
    s.plan.price_interval = interval;
    s.subscription.number = number;
    s.subscription.status = status;
    (void)str_copy(s.plan.name, sizeof s.plan.name, name);
    (void)str_copy(s.plan.stripe_price, sizeof s.plan.stripe_price, name);
    (void)str_copy(s.plan.price_of, sizeof s.plan.price_of, name);
    (void)str_copy(s.plan.price_currency, sizeof s.plan.price_currency, "eur");
    must_write(sell, &s);
}

static void a_year_is_twelve_months(void **state)
{
    struct actor viewer = ops_actor(ROLE_VIEWER);
    const struct cJSON *eur;

    (void)state;
    sold(1, "year", 12000, PLAN_INTERVAL_YEAR, SUBSCRIPTION_ACTIVE);
    sold(2, "month", 500, PLAN_INTERVAL_MONTH, SUBSCRIPTION_PAST_DUE);
    sold(3, "once", 7000, PLAN_INTERVAL_ONCE, SUBSCRIPTION_ACTIVE);
    sold(4, "gone", 900, PLAN_INTERVAL_MONTH, SUBSCRIPTION_CANCELED);
    assert_int_equal(ops_call(world, "dashboard.metrics", &viewer, NULL, "{}"), 200);
    eur = json_next(json_at(world->answer, "revenue"), NULL);
    assert_string_equal(json_text(eur, "currency", ""), "eur");
    assert_int_equal((int)json_loose(eur, "amount", 0), 1500);
    assert_int_equal((int)json_loose(eur, "subscriptions", 0), 2);
    assert_int_equal((int)json_loose(world->answer, "orders.open", -1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_thing_stands_once_and_gravest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_flood_is_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_year_is_twelve_months, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
