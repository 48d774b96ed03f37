/* Operations on tenants and what belongs to them: one commit each, seen by whom they concern, the
 * same request twice being one, plans changing nothing, and all of it without a worker. */
#include "ops_world.h"

#include "audit.h"
#include "job.h"
#include "name.h"
#include "port.h"
#include "subscription.h"
#include "tenant.h"
#include "tunnel.h"

#include <sched.h>
#include <sys/mount.h>

static int open_world(void **state)
{
    struct ops_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    ops_world_open(w);
    ops_plan(w);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    ops_world_close(*state);
    free(*state);
    return 0;
}

static void make(struct ops_world *w, const char *name, char id[ID_SIZE])
{
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"%s\",\"plan\":\"demo\"}", name);
    ops_keep(w, "id", id, ID_SIZE);
}

/* What a saga would do: the job has ended, and the tenant, if one is named, is in this state. */
struct ended {
    const char *job, *tenant;
    enum tenant_state state;
    uint32_t port;
};

static int end_job(struct txn *txn, const char *id, struct err *err)
{
    struct job job = {0};
    struct subject subject = {0};

    (void)str_copy(job.id, sizeof job.id, id);
    if (record_get(txn, &job_table, &job, err) != 1)
        return -1;
    job.state = JOB_DONE;
    job.live = false;
    for (unsigned i = 0; i < JOB_SUBJECTS; i++) {
        (void)str_copy(subject.name, sizeof subject.name, job.subjects[i]);
        if (subject.name[0] != '\0' && record_delete(txn, &subject_table, &subject, err) < 0)
            return -1;
    }
    return record_put(txn, &job_table, &job, err);
}

static int end_jobs(struct txn *txn, void *arg, struct err *err)
{
    const struct ended *e = arg;
    struct tenant tenant = {0};
    struct port port = {.port = e->port};

    if (e->job != NULL)
        return end_job(txn, e->job, err);
    (void)str_copy(tenant.id, sizeof tenant.id, e->tenant);
    (void)str_copy(port.tenant_id, sizeof port.tenant_id, e->tenant);
    if (record_get(txn, &tenant_table, &tenant, err) != 1 || end_job(txn, tenant.job_id, err) != 0)
        return -1;
    tenant.state = e->state;
    tenant.port = e->port;
    if (e->port != 0 && record_put(txn, &port_table, &port, err) != 0)
        return -1;
    return record_put(txn, &tenant_table, &tenant, err);
}

static void finish(struct ops_world *w, const char *id, enum tenant_state to, uint32_t port)
{
    struct ended e = {NULL, id, to, port};

    if (db_write(w->box.db, end_jobs, &e, &w->err) != 0)
        fail_msg("%s", w->err.text);
}

static void finish_job(struct ops_world *w, const char *job)
{
    struct ended e = {.job = job};

    if (db_write(w->box.db, end_jobs, &e, &w->err) != 0)
        fail_msg("%s", w->err.text);
}

static void a_tenant_is_made_with_its_job(void **state)
{
    struct ops_world *w = *state;
    int64_t audits = ops_count(w, &audit_table);
    char id[ID_SIZE], job[ID_SIZE], location[160];

    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"Acme Ltd\",\"subdomain\":\"acme\",\"plan\":\"demo\","
           "\"limits\":{\"memory_bytes\":1000000}}");
    ops_keep(w, "id", id, sizeof id);
    ops_keep(w, "job", job, sizeof job);
    assert_string_equal(ops_text(w, "object"), "tenant");
    assert_string_equal(ops_text(w, "state"), "pending");
    assert_string_equal(ops_text(w, "plan"), "demo");
    assert_string_equal(ops_text(w, "container_id"), "sett-t000001");
    assert_int_equal(json_i64(w->answer, "limits.memory_bytes", 0), 1000000);
    assert_true(json_at(w->answer, "customer_id") == NULL);
    (void)str_format(location, sizeof location, "/api/jobs/%s", job);
    assert_string_equal(w->call.location, location);
    assert_true(w->call.wake);
    assert_int_equal(ops_count(w, &tenant_table), 1);
    assert_int_equal(ops_count(w, &job_table), 1);
    assert_int_equal(ops_count(w, &audit_table), audits + 1);
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].action"), "tenant.create");
    assert_string_equal(ops_text(w, "data[0].object_id"), id);
    assert_string_equal(ops_text(w, "data[0].object"), "audit_entry");
    assert_string_equal(ops_text(w, "data[0].job_id"), job);
    ops_ok(w, 200, "job.show", ROLE_VIEWER, "{\"id\":\"%s\"}", job);
    assert_string_equal(ops_text(w, "saga"), "tenant.provision");
    assert_string_equal(ops_text(w, "args.tenant_id"), id);
    assert_string_equal(ops_text(w, "args.subdomain"), "acme");
    ops_ok(w, 200, "tenant.show", ROLE_VIEWER, "{\"id\":\"1\"}");
    ops_ok(w, 200, "tenant.show", ROLE_VIEWER, "{\"id\":\"%s\"}", id);
    ops_ok(w, 200, "tenant.show", ROLE_VIEWER, "{\"id\":\"acme\"}");
    assert_string_equal(ops_text(w, "id"), id);
    ops_no(w, 404, "tenant_not_found", "tenant.show", ROLE_VIEWER, "{\"id\":\"acm\"}");
    ops_ok(w, 200, "job.list", ROLE_VIEWER, "{\"tenant_id\":1}");
    assert_int_equal(json_size(w->answer, "data"), 1);
}

static void what_is_wrong_is_named(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE];

    make(w, "Acme", id);
    ops_no(w, 422, "plan_not_found", "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"B\",\"plan\":\"gold\"}");
    assert_string_equal(w->err.field, "plan");
    ops_no(w, 422, "customer_not_found", "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"B\",\"plan\":\"demo\",\"customer_id\":77}");
    assert_string_equal(w->err.field, "customer_id");
    ops_no(w, 409, "name_taken", "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"B\",\"plan\":\"demo\",\"subdomain\":\"acme\"}");
    assert_non_null(strstr(w->err.text, id));
    ops_no(w, 422, "required", "tenant.create", ROLE_OPERATOR, "{\"name\":\"B\"}");
    ops_no(w, 422, "required", "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"  \",\"plan\":\"demo\"}");
    ops_no(w, 403, "role_too_low", "tenant.create", ROLE_VIEWER,
           "{\"name\":\"B\",\"plan\":\"demo\"}");
    ops_no(w, 401, "sign_in_needed", "tenant.create", ROLE_PUBLIC,
           "{\"name\":\"B\",\"plan\":\"demo\"}");
    assert_int_equal(ops_do(w, "tenant.create", ROLE_OPERATOR,
                            "{\"name\":\"B\",\"plan\":\"demo\",\"subdomain\":\"xn--a\"}"),
                     -422);
    assert_string_equal(w->err.field, "subdomain");
    ops_no(w, 404, "tenant_not_found", "tenant.show", ROLE_VIEWER, "{\"id\":\"99\"}");
    ops_no(w, 400, "action_needed", "tenant.delete", ROLE_OPERATOR, "{\"id\":\"%s\"}", id);
    ops_no(w, 409, "busy", "tenant.suspend", ROLE_OPERATOR, "{\"id\":\"%s\"}", id);
    assert_int_equal(ops_count(w, &tenant_table), 1);
    assert_int_equal(ops_count(w, &job_table), 1);
}

/* What is asked of a tenant depends on where it stands. */
static void state_decides(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE], job[ID_SIZE];

    make(w, "Acme", id);
    finish(w, id, TENANT_ACTIVE, 3100);
    ops_ok(w, 200, "tenant.resume", ROLE_OPERATOR, "{\"id\":\"%s\"}", id);
    ops_ok(w, 202, "tenant.suspend", ROLE_OPERATOR, "{\"id\":\"%s\",\"reason\":\"asked\"}", id);
    ops_no(w, 409, "busy", "tenant.resume", ROLE_OPERATOR, "{\"id\":\"%s\"}", id);
    finish(w, id, TENANT_SUSPENDED, 0);
    ops_ok(w, 200, "tenant.delete", ROLE_OPERATOR, "{\"id\":\"%s\",\"action\":\"suspend\"}", id);
    ops_no(w, 409, "tenant_not_running", "tenant.restart", ROLE_OPERATOR, "{\"id\":\"%s\"}", id);
    ops_ok(w, 202, "tenant.delete", ROLE_OPERATOR, "{\"id\":\"%s\",\"action\":\"delete\"}", id);
    ops_keep(w, "job", job, sizeof job);
    ops_ok(w, 200, "job.show", ROLE_VIEWER, "{\"id\":\"%s\"}", job);
    assert_string_equal(ops_text(w, "saga"), "tenant.delete");
    assert_string_equal(ops_text(w, "args.data"), "1");
    finish(w, id, TENANT_FAILED, 0);
    ops_no(w, 409, "tenant_state", "tenant.resume", ROLE_OPERATOR, "{\"id\":\"%s\"}", id);
    ops_ok(w, 202, "tenant.delete", ROLE_OPERATOR, "{\"id\":\"%s\",\"action\":\"delete\"}", id);
    finish(w, id, TENANT_DELETED, 0);
    ops_no(w, 409, "tenant_deleted", "tenant.delete", ROLE_OPERATOR,
           "{\"id\":\"%s\",\"action\":\"delete\"}", id);
    ops_no(w, 409, "tenant_deleted", "tenant.update", ROLE_OPERATOR,
           "{\"id\":\"%s\",\"name\":\"New\"}", id);
}

/* A delete turns a provision that is under way round, and starts nothing beside it. */
static void a_delete_turns_a_provision_round(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE], job[ID_SIZE];

    make(w, "Acme", id);
    ops_keep(w, "job", job, sizeof job);
    ops_ok(w, 202, "tenant.delete", ROLE_OPERATOR, "{\"id\":\"%s\",\"action\":\"delete\"}", id);
    assert_string_equal(ops_text(w, "job"), job);
    ops_ok(w, 200, "job.show", ROLE_VIEWER, "{\"id\":\"%s\"}", job);
    assert_true(json_bool(w->answer, "cancel", false));
    assert_int_equal(ops_count(w, &job_table), 1);
}

static void a_change_needs_a_job_only_outside(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE];

    make(w, "Acme", id);
    finish(w, id, TENANT_ACTIVE, 3100);
    ops_ok(w, 200, "tenant.update", ROLE_OPERATOR, "{\"id\":\"%s\",\"name\":\"Acme & Sons\"}", id);
    assert_string_equal(ops_text(w, "name"), "Acme & Sons");
    assert_string_equal(ops_text(w, "job"), "");
    ops_ok(w, 202, "tenant.update", ROLE_OPERATOR,
           "{\"id\":\"%s\",\"subdomain\":\"sons\",\"limits\":{\"pids\":7}}", id);
    assert_string_equal(ops_text(w, "subdomain"), "acme");
    assert_int_equal(json_i64(w->answer, "limits.pids", 0), 7);
    ops_ok(w, 200, "job.list", ROLE_VIEWER, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].args.subdomain"), "sons");
    assert_string_equal(ops_text(w, "data[0].args.limits"), "1");
    ops_no(w, 409, "name_taken", "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"Sons\",\"plan\":\"demo\"}");
}

static void maintenance_is_switched_by_a_job(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE];

    make(w, "Acme", id);
    ops_no(w, 409, "busy", "tenant.update", ROLE_OPERATOR, "{\"id\":\"%s\",\"maintenance\":true}",
           id); /* it is being made */
    finish(w, id, TENANT_ACTIVE, 3100);
    ops_ok(w, 200, "tenant.update", ROLE_OPERATOR, "{\"id\":\"%s\",\"maintenance\":false}", id);
    assert_string_equal(ops_text(w, "job"), ""); /* as it is */
    ops_ok(w, 202, "tenant.update", ROLE_OPERATOR, "{\"id\":\"%s\",\"maintenance\":true}", id);
    assert_true(json_bool(w->answer, "maintenance", false));
    ops_ok(w, 200, "job.list", ROLE_VIEWER, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].args.maintenance"), "1");
    finish(w, id, TENANT_FAILED, 3100);
    ops_no(w, 409, "tenant_state", "tenant.update", ROLE_OPERATOR,
           "{\"id\":\"%s\",\"maintenance\":false}", id);
}

static void a_version_can_be_named(void **state)
{
    struct ops_world *w = *state;
    struct actor operator= ops_actor(ROLE_OPERATOR);
    char id[ID_SIZE], json[256], etag[40], two[128];

    make(w, "Acme", id);
    finish(w, id, TENANT_ACTIVE, 3100);
    ops_ok(w, 200, "tenant.show", ROLE_VIEWER, "{\"id\":\"%s\"}", id);
    (void)str_copy(etag, sizeof etag, w->call.etag);
    assert_int_equal(etag[0], '"');
    (void)str_format(json, sizeof json, "{\"id\":\"%s\",\"name\":\"One\"}", id);
    assert_int_equal(
        ops_call(w, "tenant.update", &operator, &(struct ops_extra){.if_match = "\"0123\""}, json),
        -412);
    (void)str_format(two, sizeof two, "\"0123\", %s", etag);
    assert_int_equal(
        ops_call(w, "tenant.update", &operator, &(struct ops_extra){.if_match = two}, json), 200);
    assert_string_not_equal(w->call.etag, etag);
    assert_int_equal(
        ops_call(w, "tenant.update", &operator, &(struct ops_extra){.if_match = etag}, json), -412);
    assert_string_equal(w->err.code, "changed");
    assert_int_equal(
        ops_call(w, "tenant.update", &operator, &(struct ops_extra){.if_match = "*"}, json), 200);
}

static void the_same_request_twice_is_one(void **state)
{
    struct ops_world *w = *state;
    struct actor operator= ops_actor(ROLE_OPERATOR), admin = ops_actor(ROLE_ADMIN);
    struct ops_extra key = {.key = "7b1c"};
    const char *json = "{\"name\":\"Acme\",\"plan\":\"demo\"}";
    char first[8192], etag[40];
    int64_t audits;

    assert_int_equal(ops_call(w, "tenant.create", &operator, & key, json), 202);
    (void)str_copy(first, sizeof first, buf_string(&w->out));
    (void)str_copy(etag, sizeof etag, w->call.etag);
    assert_false(w->call.replayed);
    audits = ops_count(w, &audit_table);
    assert_int_equal(ops_call(w, "tenant.create", &operator, & key, json), 202);
    assert_true(w->call.replayed);
    assert_string_equal(buf_string(&w->out), first);
    assert_string_equal(w->call.etag, etag);
    assert_true(str_starts(w->call.location, "/api/jobs/job_"));
    assert_int_equal(ops_count(w, &tenant_table), 1);
    assert_int_equal(ops_count(w, &audit_table), audits);
    assert_int_equal(
        ops_call(w, "tenant.create", &operator, & key, "{\"name\":\"Bcme\",\"plan\":\"demo\"}"),
        -422);
    assert_string_equal(w->err.code, "idempotency_mismatch");
    assert_int_equal(ops_call(w, "customer.create", &operator, & key, "{\"name\":\"Acme\"}"), -422);
    /* Somebody else's key is another key. */
    assert_int_equal(
        ops_call(w, "tenant.create", &admin, &key, "{\"name\":\"Bcme\",\"plan\":\"demo\"}"), 202);
    /* What failed is not kept. */
    key.key = "9";
    assert_int_equal(ops_call(w, "tenant.create", &operator, & key,
                              "{\"name\":\"C\",\"plan\":\"demo\",\"subdomain\":\"acme\"}"),
                     -409);
    assert_int_equal(ops_call(w, "tenant.create", &operator, & key,
                              "{\"name\":\"C\",\"plan\":\"demo\",\"subdomain\":\"ccme\"}"),
                     202);
}

static void a_plan_changes_nothing(void **state)
{
    struct ops_world *w = *state;
    struct actor operator= ops_actor(ROLE_OPERATOR);
    struct ops_extra plan = {.plan = true, .key = "k"};
    int64_t audits = ops_count(w, &audit_table);

    /* Nobody is there to say the steps. */
    assert_int_equal(
        ops_call(w, "tenant.create", &operator, & plan, "{\"name\":\"Acme\",\"plan\":\"demo\"}"),
        -503);
    assert_true(w->err.retry_after_s > 0);
    /* What is wrong is told first. */
    assert_int_equal(
        ops_call(w, "tenant.create", &operator, & plan, "{\"name\":\"Acme\",\"plan\":\"gold\"}"),
        -422);
    assert_int_equal(ops_call(w, "customer.create", &operator, & plan, "{\"name\":\"A\"}"), -400);
    assert_int_equal(ops_count(w, &tenant_table), 0);
    assert_int_equal(ops_count(w, &job_table), 0);
    assert_int_equal(ops_count(w, &name_table), 0);
    assert_int_equal(ops_count(w, &audit_table), audits);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Acme\",\"plan\":\"demo\"}");
    assert_string_equal(ops_text(w, "container_id"), "sett-t000001");
}

static void without_a_worker_the_rest_answers(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE];

    make(w, "Acme", id);
    ops_no(w, 503, w->err.code, "tenant.logs", ROLE_VIEWER, "{\"id\":\"%s\"}", id);
    assert_true(w->err.retry_after_s > 0);
    assert_int_equal(ops_do(w, "tenant.stats", ROLE_VIEWER, "{\"id\":\"%s\"}", id), -503);
    ops_no(w, 404, "tenant_not_found", "tenant.logs", ROLE_VIEWER, "{\"id\":\"99\"}");
    ops_ok(w, 200, "health", ROLE_PUBLIC, "{}");
    assert_string_equal(ops_text(w, "status"), "degraded");
    ops_ok(w, 200, "system.health", ROLE_VIEWER, "{}");
    ops_ok(w, 200, "tenant.health", ROLE_VIEWER, "{\"id\":\"%s\"}", id);
    assert_string_equal(ops_text(w, "health"), "unknown");
    ops_ok(w, 200, "dashboard.metrics", ROLE_VIEWER, "{}");
    assert_int_equal(json_i64(w->answer, "tenants.pending", -1), 1);
    assert_int_equal(json_i64(w->answer, "tenants.active", -1), 0);
    assert_int_equal(json_i64(w->answer, "jobs.queued", -1), 1);
    assert_int_equal(json_i64(w->answer, "ports.total", -1), 900);
    ops_ok(w, 200, "metrics", ROLE_PUBLIC, "{}");
    assert_non_null(strstr(buf_string(&w->out), "sett_tenants{state=\"pending\"} 1\n"));
    assert_non_null(strstr(buf_string(&w->out), "sett_worker_up 0\n"));
}

static void tunnels_lead_where_they_may(void **state)
{
    struct ops_world *w = *state;
    char acme[ID_SIZE], other[ID_SIZE], job[ID_SIZE], first[ID_SIZE];

    make(w, "Acme", acme);
    finish(w, acme, TENANT_ACTIVE, 3100);
    make(w, "Other", other);
    finish(w, other, TENANT_ACTIVE, 3101);
    ops_ok(w, 202, "tunnel.create", ROLE_OPERATOR, "{\"container_id\":1,\"local_port\":8069}");
    assert_string_equal(ops_text(w, "service"), "http://127.0.0.1:8069");
    assert_string_equal(ops_text(w, "hostname"), "acme.localhost");
    assert_string_equal(ops_text(w, "tenant_id"), acme);
    assert_string_equal(ops_text(w, "container_id"), "sett-t000001");
    ops_keep(w, "job", job, sizeof job);
    ops_keep(w, "id", first, sizeof first);
    ops_no(w, 409, "busy", "tunnel.delete", ROLE_OPERATOR, "{\"id\":\"%s\"}", first);
    finish_job(w, job);
    ops_ok(w, 202, "tunnel.restart", ROLE_OPERATOR, "{\"id\":\"%s\"}", first);
    ops_ok(w, 202, "tunnel.create", ROLE_OPERATOR, "{\"container_id\":1}");
    assert_string_equal(ops_text(w, "hostname"), "acme-3100.localhost");
    ops_no(w, 409, "port_taken", "tunnel.create", ROLE_OPERATOR,
           "{\"container_id\":\"2\",\"local_port\":3100}");
    assert_non_null(strstr(w->err.text, acme));
    assert_string_equal(w->err.field, "local_port");
    ops_no(w, 409, "name_taken", "tunnel.create", ROLE_OPERATOR,
           "{\"container_id\":\"sett-t000002\",\"hostname\":\"acme.localhost\"}");
    ops_no(w, 409, "hostname_taken", "tunnel.create", ROLE_OPERATOR,
           "{\"container_id\":2,\"hostname\":\"acme-3100.localhost\"}");
    ops_no(w, 422, "bad_hostname", "tunnel.create", ROLE_OPERATOR,
           "{\"container_id\":2,\"hostname\":\"a..b\"}");
    ops_no(w, 422, "tenant_not_found", "tunnel.create", ROLE_OPERATOR, "{\"container_id\":9}");
    assert_string_equal(w->err.field, "container_id");
    ops_no(w, 422, "subscription_not_found", "tunnel.create", ROLE_OPERATOR,
           "{\"container_id\":2,\"subscription_id\":5}");
    ops_ok(w, 202, "tunnel.create", ROLE_OPERATOR,
           "{\"container_id\":2,\"hostname\":\"shop.example.com\"}");
    assert_string_equal(ops_text(w, "service"), "http://127.0.0.1:3101");
    ops_ok(w, 200, "tunnel.list", ROLE_VIEWER, "{\"tenant_id\":1}");
    assert_int_equal(json_size(w->answer, "data"), 2);
    ops_ok(w, 200, "port.list", ROLE_VIEWER, "{}");
    assert_string_equal(ops_text(w, "data[0].owner"), "acme");
}

/* For a customer, what is not theirs does not exist: every operation that a customer may call. */
static void a_customer_sees_their_own(void **state)
{
    struct ops_world *w = *state;
    struct actor ann = ops_actor(ROLE_CUSTOMER), nobody = ops_actor(ROLE_CUSTOMER);
    char customer[ID_SIZE], hers[ID_SIZE], his[ID_SIZE], tunnel[ID_SIZE], json[128];
    const struct op *op = NULL;
    unsigned tried = 0;

    ops_ok(w, 201, "customer.create", ROLE_OPERATOR, "{\"name\":\"Ann\"}");
    ops_keep(w, "id", customer, sizeof customer);
    (void)str_copy(ann.customer_id, sizeof ann.customer_id, customer);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"Hers\",\"plan\":\"demo\",\"customer_id\":\"%s\"}", customer);
    ops_keep(w, "id", hers, sizeof hers);
    make(w, "His", his);
    finish(w, his, TENANT_ACTIVE, 3100);
    ops_ok(w, 202, "tunnel.create", ROLE_OPERATOR, "{\"container_id\":\"%s\"}", his);
    ops_keep(w, "id", tunnel, sizeof tunnel);

    assert_int_equal(ops_call(w, "tenant.list", &ann, NULL, "{}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 1);
    assert_string_equal(ops_text(w, "data[0].id"), hers);
    assert_int_equal(ops_call(w, "tenant.list", &ann, NULL, "{\"subdomain\":\"his\"}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 0);
    assert_int_equal(ops_call(w, "tenant.list", &ann, NULL, "{\"state\":\"active\"}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 0);
    assert_int_equal(ops_call(w, "tunnel.list", &ann, NULL, "{}"), 200);
    assert_int_equal(json_size(w->answer, "data"), 0);
    assert_int_equal(ops_call(w, "tenant.show", &ann, NULL, "{\"id\":\"hers\"}"), 200);
    assert_int_equal(ops_call(w, "tenant.show", &ann, NULL, "{\"id\":\"his\"}"), -404);
    (void)str_format(json, sizeof json, "{\"tenant_id\":\"%s\"}", his);
    assert_int_equal(ops_call(w, "tunnel.list", &ann, NULL, json), -422);
    (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", hers);
    assert_int_equal(ops_call(w, "tenant.show", &ann, NULL, json), 200);
    assert_int_equal(ops_call(w, "tenant.show", &nobody, NULL, json), -403);

    while ((op = op_next(op)) != NULL) {
        const char *id = str_starts(op->name, "tunnel.") ? tunnel : his;
        if (op->role != ROLE_CUSTOMER ||
            !(str_starts(op->name, "tenant.") || str_starts(op->name, "tunnel.")) ||
            op->params == NULL || fields_find(op->params, "id") == NULL)
            continue;
        (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", id);
        if (ops_call(w, op->name, &ann, NULL, json) != -404)
            fail_msg("%s shows what is somebody else's", op->name);
        tried++;
    }
    assert_true(tried >= 6);
    /* And what is above a customer is refused before it is looked for. */
    assert_int_equal(ops_call(w, "tenant.suspend", &ann, NULL, json), -403);
}

/* On a disk that is nearly full nothing new begins, but what was answered before is answered again,
 * and what exists can be changed and removed. The small disk is laid over the store's folder, where
 * only this process sees it. */
static void nothing_new_begins_on_a_full_disk(void **state)
{
    static const struct ops_extra keyed = {.key = "once"};
    static const char globex[] = "{\"name\":\"Globex\",\"plan\":\"demo\"}";
    struct ops_world *w = *state;
    struct actor operator= ops_actor(ROLE_OPERATOR);
    char id[ID_SIZE];

    make(w, "Acme", id);
    finish(w, id, TENANT_ACTIVE, 3100);
    assert_int_equal(ops_call(w, "tenant.create", &operator, & keyed, globex), 202);
    if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", w->box.paths.db, "tmpfs", 0, "size=64m") == -1)
        skip();
    ops_no(w, 507, "disk_nearly_full", "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"Initech\",\"plan\":\"demo\"}");
    assert_int_equal(ops_call(w, "tenant.create", &operator, & keyed, globex), 202);
    ops_ok(w, 202, "tenant.delete", ROLE_OPERATOR, "{\"id\":\"%s\",\"action\":\"delete\"}", id);
    assert_int_equal(umount(w->box.paths.db), 0);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Initech\",\"plan\":\"demo\"}");
}

int main(void)
{
#define TEST(f_) cmocka_unit_test_setup_teardown(f_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(a_tenant_is_made_with_its_job),
        TEST(what_is_wrong_is_named),
        TEST(state_decides),
        TEST(a_delete_turns_a_provision_round),
        TEST(a_change_needs_a_job_only_outside),
        TEST(maintenance_is_switched_by_a_job),
        TEST(a_version_can_be_named),
        TEST(the_same_request_twice_is_one),
        TEST(a_plan_changes_nothing),
        TEST(without_a_worker_the_rest_answers),
        TEST(tunnels_lead_where_they_may),
        TEST(a_customer_sees_their_own),
        TEST(nothing_new_begins_on_a_full_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
