/*
 * What the worker does besides its jobs: clearing away what is over, taking over credentials as
 * they are set, and changing a tenant that does not run.
 */
#include "saga_world.h"

#include "idempotency.h"
#include "schedule_tick.h"
#include "user.h"

static int set_up(void **state)
{
    *state = box_new();
    return 0;
}

static int tear_down(void **state)
{
    box_end(*state);
    return 0;
}

static int litter(struct txn *txn, void *arg, struct err *err)
{
    struct session session = {0};
    struct name name = {0};
    struct user user = {0};
    int64_t now = txn_time_ms(txn);

    (void)arg;
    id_make(user.id, user_table.prefix);
    (void)str_copy(user.name, sizeof user.name, "ann");
    if (record_put(txn, &user_table, &user, err) == -1)
        return -1;
    for (int i = 0; i < 3; i++) { /* two are over, one is not */
        memset(&session, 0, sizeof session);
        id_make(session.id, session_table.prefix);
        memcpy(session.user_id, user.id, sizeof session.user_id);
        session.expires_at = i < 2 ? now - 1000 : now + 600000;
        if (record_put(txn, &session_table, &session, err) == -1)
            return -1;
    }
    for (int i = 0; i < 2; i++) {
        memset(&name, 0, sizeof name);
        (void)str_copy(name.label, sizeof name.label, i == 0 ? "rested" : "resting");
        name.state = NAME_RESTING;
        name.until = i == 0 ? now - 1000 : now + 600000;
        if (record_put(txn, &name_table, &name, err) == -1)
            return -1;
    }
    return 0;
}

static void test_what_is_over_goes(void **state)
{
    struct box *b = *state;
    struct schedule_tick tick = {
        .context = &b->context, .prune_ms = -3600000, .alarm_ms = -3600000};
    struct err err = {0};
    bool wake = false;
    uint64_t before;

    if (db_write(b->context.db, litter, NULL, &err) == -1)
        fail_msg("litter: %s", err.text);
    schedule_tick(&tick, &wake);
    assert_int_equal(box_count(b, &session_table), 1);
    assert_int_equal(box_count(b, &name_table), 1);
    assert_false(wake);
    before = db_last_txn(b->context.db);
    schedule_tick(&tick, &wake); /* nothing is due: nothing is written */
    assert_int_equal(db_last_txn(b->context.db), before);
}

static int set_token(struct txn *txn, void *arg, struct err *err)
{
    struct box *b = arg;

    return secret_set(txn, &b->context.vault, "cloudflare.token", "a-token-of-forty-characters", 27,
                      err) == 0 &&
                   setting_set(txn, "cloudflare.account", "0123456789abcdef0123456789abcdef",
                               "test", err) == 0
               ? 0
               : -1;
}

static void test_credentials_are_taken_over(void **state)
{
    struct box *b = *state;
    struct saga_context *c = &b->context;
    struct providers *old = outside_use(b->outside), *now;
    struct err err = {0};

    assert_false(old->cloudflare_set);
    assert_int_equal(old->cloudflare_why.kind, ERR_UNAUTHENTICATED);
    if (db_write(c->db, set_token, b, &err) == -1)
        fail_msg("secret: %s", err.text);
    assert_int_equal(outside_refresh(b->outside, c->db, &c->conf, &c->vault, &err), 0);
    now = outside_use(b->outside);
    assert_true(now->cloudflare_set);
    assert_false(old->cloudflare_set); /* whoever uses the old ones keeps them */
    assert_int_equal(outside_refresh(b->outside, c->db, &c->conf, &c->vault, &err), 0);
    assert_ptr_equal(now, b->outside->providers); /* unchanged: the same ones */
    outside_done(b->outside, old);
    outside_done(b->outside, now);
}

static void test_update_of_a_suspended_tenant(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE], args[100], ledger[4096];

    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_job(b, "tenant.suspend", id, "", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_ledger(b, ledger);
    (void)str_format(args, sizeof args, "subdomain=beta plan_id=%s", b->large.id);
    box_job(b, "tenant.update", id, args, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_ledger(b, ledger);
    assert_string_equal(ledger, "runtime_remove"); /* it does not run, and is not led to */
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_SUSPENDED);
    box_job(b, "tenant.resume", id, "", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_ledger(b, ledger);
    assert_string_equal(ledger, "runtime_create runtime_start route_setbeta.localhost");
}

static void test_delete_of_a_suspended_tenant(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_job(b, "tenant.suspend", id, "", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_job(b, "tenant.delete", id, "", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_DELETED);
    assert_int_equal(box_count(b, &port_table), 0);
}

static void test_many_tenants_meet_in_the_pool(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char ids[4][ID_SIZE], jobs[4][ID_SIZE], name[16];
    unsigned active = 0, failed = 0;
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    for (unsigned i = 0; i < 4; i++) { /* four want one of two ports */
        (void)str_format(name, sizeof name, "many%c", (char)('a' + i));
        box_provision(b, name, "", ids[i], jobs[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        do {
            memset(&job, 0, sizeof job);
            (void)str_copy(job.id, sizeof job.id, jobs[i]);
            box_get(b, &job_table, &job);
            assert_true(clock_mono_ms() < until);
            clock_sleep_ms(2);
        } while (job.live);
        box_tenant(b, ids[i], &tenant);
        active += tenant.state == TENANT_ACTIVE;
        failed += tenant.state == TENANT_FAILED;
        assert_true(tenant.state == TENANT_FAILED || tenant.port != 0);
    }
    assert_int_equal(active, 2);
    assert_int_equal(failed, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_over_goes),
        TEST(test_credentials_are_taken_over),
        TEST(test_update_of_a_suspended_tenant),
        TEST(test_delete_of_a_suspended_tenant),
        TEST(test_many_tenants_meet_in_the_pool),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
