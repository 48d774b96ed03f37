/*
 * Maintenance of a tenant over a real store and engine: its visitors are led to the web server's
 * own page and back, its further tunnels follow, and nothing waits for a program that is worked on.
 */
#include "saga_world.h"

#include "health_watch.h"

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

static void expect_ledger(struct box *b, const char *expected)
{
    char ledger[4096];

    box_ledger(b, ledger);
    assert_string_equal(ledger, expected);
}

/* A job about the tenant, to its end. */
static void run(struct box *b, const char *saga, const char *id, const char *args)
{
    char job_id[ID_SIZE];
    struct job job;

    box_job(b, saga, id, args, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
}

static void provisioned(struct box *b, char id[ID_SIZE])
{
    char job_id[ID_SIZE], ledger[4096];
    struct job job;

    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_ledger(b, ledger);
}

static void expect_tenant(struct box *b, const char *id, bool maintenance, uint32_t state,
                          uint32_t health)
{
    struct tenant tenant;

    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.maintenance, maintenance);
    assert_int_equal(tenant.state, state);
    assert_int_equal(tenant.health, health);
}

static void test_on_and_off(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE];

    provisioned(b, id);
    atomic_store(&b->http_up, false); /* it need not answer */
    run(b, "tenant.update", id, "maintenance=1");
    expect_ledger(b, "route_setacme.localhost+maintenance");
    expect_tenant(b, id, true, TENANT_ACTIVE, HEALTH_UNKNOWN);
    run(b, "tenant.restart", id, "");
    expect_ledger(b, "runtime_restart");
    expect_tenant(b, id, true, TENANT_ACTIVE, HEALTH_UNKNOWN);
    atomic_store(&b->http_up, true);
    run(b, "tenant.update", id, "maintenance=0");
    expect_ledger(b, "route_setacme.localhost");
    expect_tenant(b, id, false, TENANT_ACTIVE, HEALTH_HEALTHY);
}

/* Out of maintenance comes what answers; the way back is into maintenance again. */
static void test_off_waits_for_an_answer(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE], job_id[ID_SIZE];
    struct job job;

    provisioned(b, id);
    run(b, "tenant.update", id, "maintenance=1");
    atomic_store(&b->http_up, false);
    box_job(b, "tenant.update", id, "maintenance=0", job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.step_name, "healthy");
    expect_ledger(b, "route_setacme.localhost+maintenance");
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    expect_tenant(b, id, true, TENANT_ACTIVE, HEALTH_UNKNOWN);
}

static void test_on_undone(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE], job_id[ID_SIZE];
    struct job job;

    provisioned(b, id);
    atomic_store(&b->fail_verb, HANDS_ROUTE_SET);
    box_job(b, "tenant.update", id, "maintenance=1", job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.step_name, "maintenance");
    atomic_store(&b->fail_verb, HANDS_VERBS);
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    expect_ledger(b, "route_setacme.localhost+maintenance route_setacme.localhost");
    expect_tenant(b, id, false, TENANT_ACTIVE, HEALTH_UNKNOWN);
}

static void test_suspend_and_resume(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE];

    provisioned(b, id);
    run(b, "tenant.update", id, "maintenance=1");
    run(b, "tenant.suspend", id, "");
    expect_ledger(b, "route_setacme.localhost+maintenance route_unsetacme.localhost runtime_stop");
    atomic_store(&b->http_up, false);
    run(b, "tenant.resume", id, "");
    expect_ledger(b, "runtime_create runtime_start route_setacme.localhost+maintenance");
    expect_tenant(b, id, true, TENANT_ACTIVE, HEALTH_UNKNOWN);
    run(b, "tenant.suspend", id, "");
    run(b, "tenant.update", id, "maintenance=0"); /* nothing is routed: only noted */
    expect_ledger(b, "route_unsetacme.localhost runtime_stop");
    atomic_store(&b->http_up, true);
    run(b, "tenant.resume", id, "");
    expect_ledger(b, "runtime_create runtime_start route_setacme.localhost");
    expect_tenant(b, id, false, TENANT_ACTIVE, HEALTH_HEALTHY);
}

static void test_with_another_name(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE];

    provisioned(b, id);
    run(b, "tenant.update", id, "maintenance=1 subdomain=beta");
    expect_ledger(b, "route_unsetacme.localhost route_setbeta.localhost+maintenance");
    run(b, "tenant.update", id, "subdomain=gamma"); /* it stays in maintenance */
    expect_ledger(b, "route_unsetbeta.localhost route_setgamma.localhost+maintenance");
    run(b, "tenant.update", id, "maintenance=0");
    expect_ledger(b, "route_setgamma.localhost");
}

/* The hands' end keeps a single route: what each tunnel was last told is in the ledger. */
static void wait_ledger(struct box *b, const char *part)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    char ledger[4096] = "";
    bool there;

    do {
        (void)pthread_mutex_lock(&b->lock);
        memcpy(ledger, b->ledger, sizeof ledger);
        (void)pthread_mutex_unlock(&b->lock);
        there = strstr(ledger, part) != NULL;
        if (!there && clock_mono_ms() > until)
            fail_msg("no \"%s\" in \"%s\"", part, ledger);
        if (!there)
            clock_sleep_ms(2);
    } while (!there);
    box_ledger(b, ledger);
}

static void wait_no_live_job(struct box *b)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (box_count(b, &subject_table) > 0) {
        if (clock_mono_ms() > until)
            fail_msg("a subject is still held");
        clock_sleep_ms(2);
    }
}

static void test_all_tunnels_follow(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE], job_id[ID_SIZE], tunnel_id[ID_SIZE];
    struct tunnel tunnel;
    struct job job;

    provisioned(b, id);
    run(b, "tenant.update", id, "maintenance=1");
    expect_ledger(b, "route_setacme.localhost+maintenance");
    box_more_tunnel(b, id, tunnel_id,
                    job_id); /* made meanwhile: in maintenance from its first day */
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "route_setshop.example.com+maintenance");
    run(b, "tenant.update", id, "maintenance=0");
    wait_ledger(b, "route_setshop.example.com");
    wait_no_live_job(b);
    run(b, "tenant.update", id, "maintenance=1");
    wait_ledger(b, "route_setshop.example.com+maintenance");
    wait_no_live_job(b);
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_ACTIVE);
    assert_string_equal(tunnel.state_reason, "");
}

/* A tunnel whose job had read the old state goes after the new one at its end. */
static void test_tunnel_at_work_follows(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE], job_id[ID_SIZE], tunnel_id[ID_SIZE], ledger[4096];
    struct tenant tenant;
    struct job job;

    provisioned(b, id);
    atomic_store(&b->fail_verb, HANDS_ROUTE_SET);
    box_more_tunnel(b, id, tunnel_id, job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    atomic_store(&b->fail_verb, HANDS_VERBS);
    /* In this world the job holds the tenant, too, so that its record is switched by hand. */
    box_tenant(b, id, &tenant);
    tenant.maintenance = true;
    box_put(b, &tenant_table, &tenant);
    box_ledger(b, ledger);
    box_steer(b, job_id, 'r');
    box_wait(b, job_id, JOB_DONE, &job);
    wait_ledger(b, "route_setshop.example.com route_setshop.example.com+maintenance");
}

/* One that cannot follow is stuck, and holds up neither the next switch nor the tenant's end. */
static void test_stuck_tunnel_holds_nothing_up(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE], job_id[ID_SIZE], tunnel_id[ID_SIZE];
    struct tunnel tunnel;
    struct job job;
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    provisioned(b, id);
    box_more_tunnel(b, id, tunnel_id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_job(b, "tenant.suspend", id, "",
            job_id); /* only the further tunnel has a route to change */
    box_wait(b, job_id, JOB_DONE, &job);
    atomic_store(&b->fail_verb, HANDS_ROUTE_SET);
    run(b, "tenant.update", id, "maintenance=1");
    do {
        box_tunnel(b, tunnel_id, &tunnel);
        if (clock_mono_ms() > until)
            fail_msg("the tunnel does not say why it cannot follow");
        clock_sleep_ms(2);
    } while (!str_equal(tunnel.state_reason, "there is no such image"));
    assert_int_equal(tunnel.state, TUNNEL_ACTIVE);
    atomic_store(&b->fail_verb, HANDS_VERBS);
    run(b, "tenant.update", id, "maintenance=0");
    run(b, "tenant.delete", id, "data=1");
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_DELETED);
    wait_no_live_job(b);
}

static void test_health_watch_leaves_it_alone(void **state)
{
    struct box *b = *state;
    struct health_watch *watch;
    struct err err = {0};
    char id[ID_SIZE], other[ID_SIZE], job_id[ID_SIZE];
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    struct tenant tenant;
    struct job job;

    provisioned(b, id);
    box_provision(b, "beta", "", other, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    run(b, "tenant.update", id, "maintenance=1");
    atomic_store(&b->http_up, false);
    assert_int_equal(health_watch_start(&watch, &b->context, b->outside, 1, &err), 0);
    do { /* two rounds over both */
        box_tenant(b, other, &tenant);
        if (clock_mono_ms() > until)
            fail_msg("health is %s", tenant_health_names[tenant.health]);
        clock_sleep_ms(10);
    } while (tenant.health != HEALTH_UNHEALTHY);
    health_watch_stop(watch);
    expect_tenant(b, id, true, TENANT_ACTIVE, HEALTH_UNKNOWN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_on_and_off),
        TEST(test_off_waits_for_an_answer),
        TEST(test_on_undone),
        TEST(test_suspend_and_resume),
        TEST(test_with_another_name),
        TEST(test_all_tunnels_follow),
        TEST(test_tunnel_at_work_follows),
        TEST(test_stuck_tunnel_holds_nothing_up),
        TEST(test_health_watch_leaves_it_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
