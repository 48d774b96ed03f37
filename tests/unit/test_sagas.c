/*
 * The sagas of tenants and tunnels over a real store and engine: what the hands were told, in which
 * order, and what the store says at the end.
 */
#include "saga_world.h"

#include "ask.h"
#include "health_watch.h"
#include "json_in.h"

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

/* A tenant "acme" that is active. */
static void provisioned(struct box *b, char id[ID_SIZE])
{
    char job_id[ID_SIZE];
    struct job job;

    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "runtime_create runtime_start runtime_init route_setacme.localhost");
}

static void get_name(struct box *b, const char *label, struct name *name)
{
    memset(name, 0, sizeof *name);
    (void)str_copy(name->label, sizeof name->label, label);
    box_get(b, &name_table, name);
}

static void test_provision(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct tunnel tunnel;
    char id[ID_SIZE], expected[64];

    provisioned(b, id);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_ACTIVE);
    assert_int_equal(tenant.health, HEALTH_HEALTHY);
    assert_int_equal(tenant.port, b->ports[0]);
    assert_string_equal(tenant.runtime, "process");
    box_tunnel(b, tenant.tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_ACTIVE);
    assert_string_equal(tunnel.hostname, "acme.localhost");
    (void)str_format(expected, sizeof expected, "http://127.0.0.1:%u", b->ports[0]);
    assert_string_equal(tunnel.service, expected);
    assert_string_equal(b->route, "acme.localhost");
    assert_int_equal(b->route_port, b->ports[0]);
    assert_int_equal(box_count(b, &subject_table), 0);
    assert_int_equal(box_count(b, &secret_table), 0);
}

static void test_foreign_port_is_skipped(void **state)
{
    struct box *b = *state;
    struct port port = {0};
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    atomic_store(&b->foreign_port, b->ports[0]);
    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.port, b->ports[1]);
    assert_string_equal(tenant.runtime, "process"); /* known although it was reserved twice */
    assert_int_equal(b->route_port, b->ports[1]);
    port.port = b->ports[0];
    box_get(b, &port_table, &port);
    assert_string_equal(port.foreign, "nginx (pid 812)");
    assert_string_equal(port.tenant_id, "");
}

static void test_all_ports_foreign(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char one[ID_SIZE], two[ID_SIZE], job_id[ID_SIZE];

    provisioned(b, one);
    atomic_store(&b->foreign_port, b->ports[1]);
    box_provision(b, "beta", "", two, job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.cause_class, "quota");
    box_tenant(b, two, &tenant);
    assert_int_equal(tenant.state, TENANT_FAILED);
    assert_true(strlen(tenant.state_reason) > 0);
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    box_tenant(b, two, &tenant);
    assert_int_equal(tenant.state, TENANT_DELETED);
    assert_int_equal(tenant.port, 0);
}

static void test_failure_is_kept_and_retried(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    atomic_store(&b->fail_verb, HANDS_RUNTIME_INIT);
    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.step_name, "init");
    assert_string_equal(job.cause, "there is no such image");
    assert_string_equal(job.remedy, "pull it");
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_FAILED);
    assert_string_equal(tenant.state_reason, "there is no such image");
    assert_true(tenant.failed_at > 0);
    assert_true(b->running[tenant.number % BOX_TENANTS]);
    atomic_store(&b->fail_verb, HANDS_VERBS);
    box_steer(b, job_id, 'r');
    box_wait(b, job_id, JOB_DONE, &job);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_ACTIVE);
    assert_string_equal(tenant.state_reason, "");
    expect_ledger(b, "runtime_create runtime_start runtime_init runtime_init "
                     "route_setacme.localhost");
}

static void test_failure_undone_leaves_nothing(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct tunnel tunnel;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE], again[ID_SIZE], tunnel_id[ID_SIZE];

    atomic_store(&b->fail_verb, HANDS_ROUTE_SET);
    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    box_tenant(b, id, &tenant);
    memcpy(tunnel_id, tenant.tunnel_id, sizeof tunnel_id);
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_FAILED);
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    expect_ledger(b, "runtime_create runtime_start runtime_init route_setacme.localhost "
                     "route_unsetacme.localhost runtime_remove+data");
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_DELETED);
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_DELETED);
    assert_int_equal(box_count(b, &port_table), 0);
    assert_int_equal(box_count(b, &subject_table), 0);
    atomic_store(&b->fail_verb, HANDS_VERBS);
    box_provision(b, "acme", "", again, job_id); /* the name is free at once: nobody ever saw it */
    box_wait(b, job_id, JOB_DONE, &job);
}

static void test_delete_turns_a_provision_round(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    atomic_store(&b->http_up, false); /* it never answers */
    box_provision(b, "acme", "", id, job_id);
    box_wait_step(b, job_id, "healthy");
    box_steer(b, job_id, 'c');
    box_wait(b, job_id, JOB_UNDONE, &job);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_DELETED);
    expect_ledger(b, "runtime_create runtime_start runtime_init runtime_remove+data");
    assert_int_equal(box_count(b, &port_table), 0);
}

static void test_program_that_ends_fails_early(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];
    int64_t began = clock_mono_ms();

    atomic_store(&b->http_up, false);
    box_provision(b, "acme", "", id, job_id);
    box_wait_step(b, job_id, "healthy");
    box_tenant(b, id, &tenant);
    (void)pthread_mutex_lock(&b->lock);
    b->running[tenant.number % BOX_TENANTS] = false;
    (void)pthread_mutex_unlock(&b->lock);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.cause, "the program has ended with status 3");
    assert_non_null(strstr(job.remedy, "sett tenant logs"));
    assert_true(clock_mono_ms() - began < 5000);
}

static void test_program_that_never_answers_fails(void **state)
{
    struct box *b = *state;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    atomic_store(&b->http_up, false);
    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_STUCK, &job); /* after the blueprint's health_timeout_s */
    assert_string_equal(job.step_name, "healthy");
    assert_non_null(strstr(job.cause, "503"));
}

static void test_blueprint_that_is_not_there(void **state)
{
    struct box *b = *state;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE], path[300];

    (void)str_format(path, sizeof path, "%s/etc/sett/blueprints/site.conf", b->root);
    assert_int_equal(unlink(path), 0);
    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.step_name, "port");
    expect_ledger(b, "");
}

static void test_suspend_and_resume(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct tunnel tunnel;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    provisioned(b, id);
    box_job(b, "tenant.suspend", id, "reason=unpaid", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "route_unsetacme.localhost runtime_stop");
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_SUSPENDED);
    assert_string_equal(tenant.state_reason, "unpaid");
    assert_true(tenant.suspended_at > 0);
    box_tunnel(b, tenant.tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_PAUSED);
    box_job(b, "tenant.restart", id, "", job_id); /* what does not run is not restarted */
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.cause_class, "conflict");
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    box_job(b, "tenant.resume", id, "", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "runtime_create runtime_start route_setacme.localhost");
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_ACTIVE);
    assert_string_equal(tenant.job_id, job_id);
    box_job(b, "tenant.restart", id, "", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "runtime_restart");
}

static void test_suspend_undone_runs_again(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    provisioned(b, id);
    atomic_store(&b->fail_verb, HANDS_RUNTIME_STOP);
    box_job(b, "tenant.suspend", id, "", job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_ACTIVE);
    assert_string_equal(tenant.state_reason, "there is no such image");
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    expect_ledger(b, "route_unsetacme.localhost runtime_stop runtime_start "
                     "route_setacme.localhost");
    assert_string_equal(b->route, "acme.localhost");
}

static void test_delete(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct tunnel tunnel;
    struct name name;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE], tunnel_id[ID_SIZE];

    provisioned(b, id);
    box_tenant(b, id, &tenant);
    memcpy(tunnel_id, tenant.tunnel_id, sizeof tunnel_id);
    atomic_store(&b->fail_verb, HANDS_RUNTIME_REMOVE);
    box_job(b, "tenant.delete", id, "data=1", job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_DELETING);
    assert_int_equal(tenant.port, b->ports[0]); /* held until it is sure */
    atomic_store(&b->fail_verb, HANDS_VERBS);
    box_steer(b, job_id, 'r');
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "route_unsetacme.localhost runtime_remove+data runtime_remove+data");
    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, TENANT_DELETED);
    assert_int_equal(tenant.port, 0);
    assert_string_equal(tenant.tunnel_id, "");
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_DELETED);
    get_name(b, "acme", &name);
    assert_int_equal(name.state, NAME_RESTING);
    assert_int_equal(box_count(b, &port_table), 0);
    assert_int_equal(box_count(b, &subject_table), 0);
}

static void test_delete_may_keep_the_data(void **state)
{
    struct box *b = *state;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    provisioned(b, id);
    box_job(b, "tenant.delete", id, "data=0", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "route_unsetacme.localhost runtime_remove");
}

static void test_update_of_name_and_plan(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct tunnel tunnel;
    struct name name;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE], args[100];

    provisioned(b, id);
    (void)str_format(args, sizeof args, "subdomain=beta plan_id=%s", b->large.id);
    box_job(b, "tenant.update", id, args, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    expect_ledger(b, "runtime_remove runtime_create runtime_start route_unsetacme.localhost "
                     "route_setbeta.localhost");
    box_tenant(b, id, &tenant);
    assert_string_equal(tenant.subdomain, "beta");
    assert_string_equal(tenant.plan_id, b->large.id);
    assert_non_null(strstr(tenant.url, "//beta.localhost"));
    box_tunnel(b, tenant.tunnel_id, &tunnel);
    assert_string_equal(tunnel.hostname, "beta.localhost");
    get_name(b, "acme", &name);
    assert_int_equal(name.state, NAME_RESTING);
    get_name(b, "beta", &name);
    assert_int_equal(name.state, NAME_HELD);
}

static void test_update_undone_has_the_old_name(void **state)
{
    struct box *b = *state;
    struct tenant tenant;
    struct tunnel tunnel;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    provisioned(b, id);
    atomic_store(&b->fail_verb, HANDS_ROUTE_SET);
    box_job(b, "tenant.update", id, "subdomain=beta", job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    atomic_store(&b->fail_verb, HANDS_VERBS);
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_UNDONE, &job);
    box_tenant(b, id, &tenant);
    assert_string_equal(tenant.subdomain, "acme");
    assert_int_equal(tenant.state, TENANT_ACTIVE);
    box_tunnel(b, tenant.tunnel_id, &tunnel);
    assert_string_equal(tunnel.hostname, "acme.localhost");
    assert_string_equal(b->route, "acme.localhost");
}

static void test_tunnels_of_their_own(void **state)
{
    struct box *b = *state;
    struct tunnel tunnel;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE], tunnel_id[ID_SIZE];

    provisioned(b, id);
    box_more_tunnel(b, id, tunnel_id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_ACTIVE);
    expect_ledger(b, "route_setshop.example.com");
    /* The tenant's end is the end of all ways to it. */
    box_job(b, "tenant.delete", id, "data=1", job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    box_tunnel(b, tunnel_id, &tunnel);
    assert_int_equal(tunnel.state, TUNNEL_DELETED);
    assert_int_equal(box_count(b, &subject_table), 0);
}

static void test_cloudflare_without_a_token(void **state)
{
    struct box *b = *state;
    struct job job;
    char id[ID_SIZE], job_id[ID_SIZE];

    box_provision(b, "acme", "cloudflare", id, job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    assert_string_equal(job.step_name, "tunnel");
    assert_string_equal(job.cause_class, "unauthenticated");
    assert_true(strlen(job.remedy) > 0);
    assert_int_equal(box_count(b, &secret_table), 2); /* the tunnel's, and the job's copy */
    box_steer(b, job_id, 'u');
    box_wait(b, job_id, JOB_STUCK, &job); /* undo cannot look either: it does not guess */
    assert_true(job.undo);
}

static struct cJSON *plan_of(struct box *b, const char *saga, const char *name, const char *value)
{
    struct answer_setup setup = {.context = &b->context, .outside = b->outside};
    struct err err = {0};
    struct cJSON *json;
    struct kv params;
    struct buf out;

    kv_clear(&params);
    (void)kv_set(&params, "saga", saga);
    (void)kv_set(&params, name, value);
    buf_init(&out, 65536);
    if (answer_to(&setup, "plan", &params, &out, &err) == -1)
        fail_msg("plan: %s", err.text);
    json = json_parse(buf_string(&out), out.len, &json_limits_provider, &err);
    assert_non_null(json);
    buf_free(&out);
    return json;
}

static void test_plans_change_nothing(void **state)
{
    struct box *b = *state;
    char id[ID_SIZE];
    int64_t jobs;
    struct cJSON *json;

    provisioned(b, id);
    jobs = box_count(b, &job_table);
    json = plan_of(b, "tenant.delete", "tenant_id", id);
    assert_string_equal(json_text(json, "steps[0].name", ""), "deleting");
    assert_false(json_bool(json, "steps[0].way_back", true));
    assert_non_null(strstr(json_text(json, "steps[1].touches", ""), "acme.localhost"));
    json_free(json);
    json = plan_of(b, "tenant.provision", "subdomain", "beta"); /* of a tenant that is not there */
    assert_string_equal(json_text(json, "steps[0].name", ""), "reserve");
    assert_non_null(strstr(json_text(json, "steps[0].touches", ""), "beta"));
    assert_true(json_bool(json, "steps[0].way_back", false));
    json_free(json);
    assert_int_equal(box_count(b, &job_table), jobs);
    expect_ledger(b, "");
}

static void test_questions(void **state)
{
    struct box *b = *state;
    struct answer_setup setup = {.context = &b->context, .outside = b->outside};
    const char *sock = b->context.paths.ask_sock;
    struct answer *answer;
    struct err err = {0};
    struct kv params;
    struct buf out;
    char id[ID_SIZE];

    provisioned(b, id);
    kv_clear(&params);
    (void)kv_set(&params, "tenant_id", id);
    buf_init(&out, 65536);
    assert_int_equal(ask(sock, "status", &params, 2000, &out, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(answer_start(&answer, &setup, &err), 0);
    assert_int_equal(ask(sock, "status", &params, 5000, &out, &err), 0);
    assert_non_null(strstr(buf_string(&out), "\"runtime\":\"running\""));
    buf_reset(&out);
    assert_int_equal(ask(sock, "logs", &params, 5000, &out, &err), 0);
    assert_string_equal(buf_string(&out), "one\ntwo\n");
    buf_reset(&out);
    assert_int_equal(ask(sock, "stats", &params, 5000, &out, &err), 0);
    buf_reset(&out);
    assert_int_equal(ask(sock, "probe", &params, 5000, &out, &err), 0);
    assert_non_null(strstr(buf_string(&out), "\"status\":200"));
    buf_reset(&out);
    assert_int_equal(ask(sock, "format the disk", &params, 5000, &out, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    (void)kv_set(&params, "tenant_id", "tn_nothing");
    assert_int_equal(ask(sock, "status", &params, 5000, &out, &err), -1);
    assert_string_equal(err.code, "tenant_not_found");
    kv_clear(&params);
    (void)kv_set(&params, "order_id", "ord_nothing");
    assert_int_equal(ask(sock, "checkout", &params, 5000, &out, &err), -1);
    assert_string_equal(err.code, "order_not_found");
    buf_free(&out);
    answer_stop(answer, 5000);
}

static void wait_health(struct box *b, const char *id, enum tenant_health health)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    struct tenant tenant;

    do {
        box_tenant(b, id, &tenant);
        if (clock_mono_ms() > until)
            fail_msg("health is %s, not %s", tenant_health_names[tenant.health],
                     tenant_health_names[health]);
        clock_sleep_ms(10);
    } while (tenant.health != (uint32_t)health);
}

static void test_health_rounds(void **state)
{
    struct box *b = *state;
    struct health_watch *watch;
    struct err err = {0};
    char id[ID_SIZE];

    provisioned(b, id);
    atomic_store(&b->http_up, false);
    assert_int_equal(health_watch_start(&watch, &b->context, b->outside, 1, &err), 0);
    wait_health(b, id, HEALTH_UNHEALTHY);
    atomic_store(&b->http_up, true);
    wait_health(b, id, HEALTH_HEALTHY);
    health_watch_stop(watch);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_provision),
        TEST(test_foreign_port_is_skipped),
        TEST(test_all_ports_foreign),
        TEST(test_failure_is_kept_and_retried),
        TEST(test_failure_undone_leaves_nothing),
        TEST(test_delete_turns_a_provision_round),
        TEST(test_program_that_ends_fails_early),
        TEST(test_program_that_never_answers_fails),
        TEST(test_blueprint_that_is_not_there),
        TEST(test_suspend_and_resume),
        TEST(test_suspend_undone_runs_again),
        TEST(test_delete),
        TEST(test_delete_may_keep_the_data),
        TEST(test_update_of_name_and_plan),
        TEST(test_update_undone_has_the_old_name),
        TEST(test_tunnels_of_their_own),
        TEST(test_cloudflare_without_a_token),
        TEST(test_plans_change_nothing),
        TEST(test_questions),
        TEST(test_health_rounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
