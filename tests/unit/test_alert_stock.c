/* Taking stock: what is wrong is raised once and cleared when it is over, from the store and from
 * figures. */
#include "domain_world.h"

#include "alert_rule.h"
#include "alert_stock.h"
#include "ballast.h"
#include "customer.h"
#include "event.h"
#include "file.h"
#include "history_write.h"
#include "job.h"
#include "notice.h"
#include "subscription.h"
#include "tenant.h"
#include "x509.h"

static struct world *w;
static struct saga_context context;
static struct alert_stock stock;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    w = world_new();
    memset(&context, 0, sizeof context);
    context.db = w->db;
    (void)str_format(context.paths.history, sizeof context.paths.history, "%s/history", w->folder);
    assert_int_equal(alert_stock_init(&stock, &context, &err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    alert_stock_free(&stock);
    world_end(w);
    return 0;
}

static int run(void)
{
    struct err err;
    int written = alert_stock_round(&stock, &err);

    if (written < 0)
        fail_msg("%s", err.text);
    return written;
}

static bool raised(const char *kind, const char *id, struct notice *notice)
{
    struct txn *txn = must_read(w);
    struct err err;
    int found = notice_live(txn, kind, id, notice, &err);

    db_read_end(txn);
    assert_true(found >= 0);
    return found == 1;
}

struct putting {
    const struct table *table;
    const void *record;
};

static int put_record(struct txn *txn, void *arg, struct err *err)
{
    struct putting *p = arg;
    return record_put(txn, p->table, p->record, err);
}

static void put(const struct table *table, const void *record)
{
    struct putting p = {table, record};

    must_write(w, put_record, &p);
}

static void what_the_store_says(void **state)
{
    static struct job job;
    struct event event = {.state = EVENT_FAILED};
    struct notice n;

    (void)state;
    memset(&job, 0, sizeof job);
    id_make(job.id, "job");
    (void)str_copy(job.saga, sizeof job.saga, "tenant.provision");
    (void)str_copy(job.step_name, sizeof job.step_name, "dns");
    (void)str_copy(job.cause, sizeof job.cause, "no token");
    job.state = JOB_STUCK;
    put(&job_table, &job);
    (void)str_copy(event.id, sizeof event.id, "evt_1");
    (void)str_copy(event.note, sizeof event.note, "no plan has the price x");
    put(&event_table, &event);
    assert_int_equal(run(), 2);
    assert_int_equal(run(), 0); /* and nothing is written while it stays so */
    assert_true(raised("job.stuck", job.id, &n));
    assert_string_equal(n.text, "tenant.provision is stuck at dns: no token");
    assert_true(raised("event.failed", "evt_1", &n));
    job.state = JOB_DONE;
    put(&job_table, &job);
    (void)str_copy(event.note, sizeof event.note, "another cause");
    put(&event_table, &event);
    assert_int_equal(run(), 2);
    assert_false(raised("job.stuck", job.id, &n));
    assert_true(raised("event.failed", "evt_1", &n));
    assert_non_null(strstr(n.text, "another cause"));
    event.state = EVENT_APPLIED;
    put(&event_table, &event);
    assert_int_equal(run(), 1);
    world_sound(w);
}

static void paid_is_provisioned(void **state)
{
    struct subscription sub = {.status = SUBSCRIPTION_ACTIVE, .wanted = SUBSCRIPTION_WANTS_RUNNING};
    struct tenant tenant = {.state = TENANT_PROVISIONING, .number = 7};
    struct notice n;

    (void)state;
    id_make(sub.id, "su");
    id_make(tenant.id, "tn");
    sub.number = 3;
    sub.created_at = clock_wall_ms();
    (void)str_copy(sub.tenant_id, sizeof sub.tenant_id, tenant.id);
    (void)str_copy(tenant.subscription_id, sizeof tenant.subscription_id, sub.id);
    put(&tenant_table, &tenant);
    put(&subscription_table, &sub);
    assert_int_equal(run(), 0);
    world_wait(w, 9 * 60);
    assert_int_equal(run(), 0);
    world_wait(w, 61);
    assert_int_equal(run(), 1);
    assert_true(raised("subscription.unprovisioned", sub.id, &n));
    assert_int_equal(n.severity, NOTICE_CRITICAL);
    world_wait(w, 5 * 60);
    assert_int_equal(run(), 0); /* its age is told in steps */
    tenant.state = TENANT_ACTIVE;
    put(&tenant_table, &tenant);
    assert_int_equal(run(), 1);
    assert_false(raised("subscription.unprovisioned", sub.id, &n));
    /* one that has no tenant at all, and says why */
    (void)str_copy(sub.flag, sizeof sub.flag, "no plan has the price x");
    sub.tenant_id[0] = '\0';
    put(&subscription_table, &sub);
    assert_int_equal(run(), 2);
    assert_true(raised("subscription.unprovisioned", sub.id, &n));
    assert_non_null(strstr(n.text, "no plan has the price x"));
    assert_true(raised("subscription.flagged", sub.id, &n));
    sub.status = SUBSCRIPTION_CANCELED;
    sub.flag[0] = '\0';
    put(&subscription_table, &sub);
    assert_int_equal(run(), 2);
}

static void figure(uint64_t cpu, uint64_t disk, uint64_t tenant_memory)
{
    struct history_tenant tenants[] = {
        {.number = 7, .memory_bytes = tenant_memory, .storage_bytes = 1, .cpu_millis = 1}};
    struct history_minute minute = {.at = clock_wall_ms(),
                                    .box = {.minutes = 1,
                                            .cores = 4,
                                            .cpu_millis = cpu,
                                            .memory_bytes = 1,
                                            .memory_total_bytes = 100,
                                            .disk_bytes = disk,
                                            .disk_total_bytes = 1000},
                                    .tenants = tenants,
                                    .count = 1};
    struct err err;

    if (history_write(stock.history, context.paths.history, w->folder, &minute, &err) != 0)
        fail_msg("%s", err.text);
}

static int set_rule(struct txn *txn, void *arg, struct err *err)
{
    return alert_rule_put(txn, arg, err);
}

/* Neither the tenant nor a plan says how much memory it may have: its blueprint does. */
static void limits_of_the_blueprint(void **state)
{
    static const char conf[] = "[blueprint]\nruntime = process\ncommand = /bin/true\n"
                               "[limits]\nmemory = 10M\n";
    struct tenant tenant = {.state = TENANT_ACTIVE, .number = 7};
    struct notice n;
    char path[400];
    struct err err;

    (void)state;
    (void)str_format(context.paths.blueprints, sizeof context.paths.blueprints, "%s/blueprints",
                     w->folder);
    (void)str_format(path, sizeof path, "%s/small.conf", context.paths.blueprints);
    assert_int_equal(file_mkdirs(context.paths.blueprints, 0755, &err), 0);
    assert_int_equal(file_write(path, conf, strlen(conf), 0644, &err), 0);
    id_make(tenant.id, "tn");
    (void)str_copy(tenant.blueprint, sizeof tenant.blueprint, "small");
    put(&tenant_table, &tenant);
    figure(100, 100, 10000000);
    assert_int_equal(run(), 1);
    assert_true(raised("tenant.memory", tenant.id, &n));
    world_wait(w, 60);
    tenant.limits.memory_bytes = 100000000; /* its own goes before the blueprint's */
    put(&tenant_table, &tenant);
    figure(100, 100, 10000000);
    assert_int_equal(run(), 1);
    assert_false(raised("tenant.memory", tenant.id, &n));
}

static void what_the_figures_say(void **state)
{
    struct tenant tenant = {.state = TENANT_ACTIVE, .number = 7};
    struct alert_rule rule = {
        .kind = "box.disk", .threshold = 95, .hold_s = UINT32_MAX, .resend_s = UINT32_MAX};
    struct notice n;

    (void)state;
    id_make(tenant.id, "tn");
    tenant.limits.memory_bytes = 1000;
    put(&tenant_table, &tenant);
    figure(100, 100, 10);
    assert_int_equal(run(), 0);
    world_wait(w, 60);
    figure(3700, 900, 960); /* 92 % of four cores, 90 % of the disk, 96 % of the tenant's memory */
    assert_int_equal(run(), 3);
    assert_true(raised("box.cpu", "", &n));
    assert_string_equal(n.text, "the processors are busy: 90 % or more (limit 90 %)");
    assert_true(raised("box.disk", "", &n));
    assert_true(raised("tenant.memory", tenant.id, &n));
    world_wait(w, 60);
    figure(3710, 910, 961); /* much the same: nothing is written */
    assert_int_equal(run(), 0);
    must_write(w, set_rule, &rule);
    assert_int_equal(run(), 1);
    assert_false(raised("box.disk", "", &n));
    rule.threshold = 93;
    must_write(w, set_rule, &rule);
    world_wait(w, 60);
    figure(4000, 940, 961);
    assert_int_equal(run(), 2);
    assert_true(raised("box.disk", "", &n)); /* never less than what it was to reach */
    assert_non_null(strstr(n.text, ": 93 % or more (limit 93 %)"));
    assert_true(raised("box.cpu", "", &n));
    assert_string_equal(n.text, "the processors are busy: 100 % (limit 90 %)");
    world_wait(w, 60);
    figure(100, 100, 10);
    assert_int_equal(run(), 3);
    assert_false(raised("box.cpu", "", &n));
    world_wait(w, 60);
    figure(4000, 100, 10);
    assert_int_equal(run(), 1);
    world_wait(w, 3600); /* no figures any more: nobody knows, and nothing is called over */
    assert_int_equal(run(), 0);
    assert_true(raised("box.cpu", "", &n));
}

static void certificates_end(void **state)
{
    struct notice n;

    (void)state;
    stock.certificates_ms = clock_mono_ms(); /* looked at just now */
    stock.certificate_count = 1;
    (void)str_copy(stock.certificates[0].url, sizeof stock.certificates[0].url,
                   "https://box.example/");
    stock.certificates[0].expires_ms = clock_wall_ms() + INT64_C(15) * 86400 * 1000;
    assert_int_equal(run(), 0);
    world_wait(w, 2 * 86400);
    assert_int_equal(run(), 1);
    assert_true(raised("box.certificate", "https://box.example/", &n));
    assert_non_null(strstr(n.text, " ends on "));
    world_wait(w, 14 * 86400);
    assert_int_equal(run(), 1);
    assert_true(raised("box.certificate", "https://box.example/", &n));
    assert_non_null(strstr(n.text, " ended on "));
}

/* The web server's own file, too, wherever box.url leads. */
static void certificate_of_the_web_server_ends(void **state)
{
    const char *const names[] = {"box.example"};
    struct buf cert, key;
    struct notice n;
    struct err err;
    char path[300];

    (void)state;
    buf_init(&cert, 1u << 16);
    buf_init(&key, 1u << 16);
    (void)str_format(context.paths.tls, sizeof context.paths.tls, "%s", w->folder);
    (void)str_format(path, sizeof path, "%s/cert.pem", w->folder);
    assert_int_equal(x509_self_signed(names, 1, 8, &cert, &key, &err), 0);
    assert_int_equal(file_write(path, cert.data, cert.len, 0644, &err), 0);
    assert_int_equal(run(), 1);
    assert_true(raised("box.certificate", path, &n));
    assert_non_null(strstr(n.text, " ends on "));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(), 0); /* it is looked at once an hour */
    stock.certificates_ms = 0;
    assert_int_equal(run(), 1);
    assert_false(raised("box.certificate", path, &n));
    buf_free(&cert);
    buf_free(&key);
}

static void ballast_is_kept_while_there_is_room(void **state)
{
    char path[300];
    struct err err;

    (void)state;
    (void)str_format(path, sizeof path, "%s/ballast", w->folder);
    assert_int_equal(ballast_keep(path, 1 << 20, &err), 1);
    assert_true(file_exists(path));
    assert_int_equal(ballast_keep(path, 1 << 20, &err), 0);
    assert_int_equal(ballast_keep(path, UINT64_C(1) << 60, &err), 0); /* no room for that */
    assert_int_equal(ballast_keep(path, 0, &err), 0);
    assert_false(file_exists(path));
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_the_store_says),
        CASE(paid_is_provisioned),
        CASE(what_the_figures_say),
        CASE(limits_of_the_blueprint),
        CASE(certificates_end),
        CASE(certificate_of_the_web_server_ends),
        CASE(ballast_is_kept_while_there_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
