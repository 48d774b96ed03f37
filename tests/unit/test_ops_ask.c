/* Operations that need the worker, with one that answers: plans that change nothing, checkouts that
 * hold a name and give it back, logs and stats of one's own. */
#include "ops_world.h"

#include <pthread.h>

#include "ask.h"
#include "audit.h"
#include "channel.h"
#include "job.h"
#include "name.h"
#include "subscription.h"
#include "tenant.h"

/* A worker that answers whatever it is asked with one text, and remembers the question. */
struct worker {
    pthread_t thread;
    int fd;
    const char *answer; /* NULL: it refuses */
    char question[64];
    struct kv params;
    unsigned asked;
};

static void *serve(void *arg)
{
    struct worker *worker = arg;
    struct err err, refusal;
    uid_t uid;
    int fd;

    while ((fd = channel_accept(worker->fd, &uid, &err)) >= 0) {
        if (ask_read(fd, worker->question, &worker->params, &err) != 0) {
            (void)close(fd);
            break;
        }
        worker->asked++;
        if (str_equal(worker->question, "stop")) {
            (void)ask_end(fd, NULL);
            (void)close(fd);
            break;
        }
        if (worker->answer == NULL) {
            err_set(&refusal, ERR_UNAUTHENTICATED, "stripe_key", "Stripe does not take this key");
            (void)ask_end(fd, &refusal);
        } else {
            (void)ask_answer(fd, worker->answer, strlen(worker->answer));
            (void)ask_end(fd, NULL);
        }
        (void)close(fd);
    }
    return NULL;
}

struct place {
    struct ops_world world;
    struct worker worker;
};

static int open_world(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct err err;

    assert_non_null(p);
    ops_world_open(&p->world);
    ops_plan(&p->world);
    p->worker.fd = channel_listen(p->world.box.paths.ask_sock, 0600, &err);
    assert_true(p->worker.fd >= 0);
    assert_int_equal(pthread_create(&p->worker.thread, NULL, serve, &p->worker), 0);
    *state = p;
    return 0;
}

static int close_world(void **state)
{
    struct place *p = *state;
    struct kv none;
    struct buf out;
    struct err err;

    kv_clear(&none);
    buf_init(&out, 1024);
    assert_int_equal(ask(p->world.box.paths.ask_sock, "stop", &none, 5000, &out, &err), 0);
    buf_free(&out);
    assert_int_equal(pthread_join(p->worker.thread, NULL), 0);
    (void)close(p->worker.fd);
    ops_world_close(&p->world);
    free(p);
    return 0;
}

static void a_plan_is_told_and_nothing_done(void **state)
{
    struct place *p = *state;
    struct ops_world *w = &p->world;
    struct actor operator= ops_actor(ROLE_OPERATOR);
    struct ops_extra plan = {.plan = true, .key = "once"}, key = {.key = "once"};
    const char *json = "{\"name\":\"Acme\",\"plan\":\"demo\"}";
    int64_t audits = ops_count(w, &audit_table);

    p->worker.answer = "{\"object\":\"plan\",\"saga\":\"tenant.provision\",\"steps\":[]}";
    assert_int_equal(ops_call(w, "tenant.create", &operator, & plan, json), 200);
    assert_string_equal(ops_text(w, "object"), "plan");
    assert_string_equal(w->call.job_id, "");
    assert_string_equal(w->call.location, "");
    assert_false(w->call.wake);
    assert_string_equal(p->worker.question, "plan");
    assert_string_equal(kv_get_or(&p->worker.params, "saga", ""), "tenant.provision");
    assert_string_equal(kv_get_or(&p->worker.params, "subdomain", ""), "acme");
    assert_int_equal(ops_count(w, &tenant_table), 0);
    assert_int_equal(ops_count(w, &job_table), 0);
    assert_int_equal(ops_count(w, &name_table), 0);
    assert_int_equal(ops_count(w, &audit_table), audits);
    /* A plan does not use up the key of the deed. */
    assert_int_equal(ops_call(w, "tenant.create", &operator, & key, json), 202);
    /* An answer that is no JSON is the worker's mistake, not the caller's. */
    p->worker.answer = "{\"object\":";
    assert_true(
        ops_call(w, "tenant.create", &operator, & plan, "{\"name\":\"B\",\"plan\":\"demo\"}") < 0);
}

static int count_open(struct ops_world *w)
{
    ops_ok(w, 200, "order.list", ROLE_VIEWER, "{\"state\":\"open\"}");
    return json_size(w->answer, "data");
}

static void a_checkout_holds_its_name(void **state)
{
    struct place *p = *state;
    struct ops_world *w = &p->world;
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    struct ops_extra key = {.key = "c1"};
    const char *json = "{\"name\":\"Ann\",\"email\":\"ann@example.com\",\"subdomain\":\"ann\","
                       "\"plan\":\"demo\"}";
    char order[ID_SIZE];

    p->worker.answer = "{\"object\":\"checkout_session\",\"session\":\"cs_1\","
                       "\"url\":\"https://checkout.example/cs_1\"}";
    assert_int_equal(ops_call(w, "checkout.create", &nobody, &key, json), 201);
    ops_keep(w, "order", order, sizeof order);
    assert_string_equal(ops_text(w, "url"), "https://checkout.example/cs_1");
    assert_string_equal(kv_get_or(&p->worker.params, "order_id", ""), order);
    /* Again with the same key: the same page, and nobody is asked. */
    assert_int_equal(ops_call(w, "checkout.create", &nobody, &key, json), 201);
    assert_string_equal(ops_text(w, "order"), order);
    assert_true(w->call.replayed);
    assert_int_equal(p->worker.asked, 1);
    assert_int_equal(count_open(w), 1);
    ops_ok(w, 200, "order.show", ROLE_VIEWER, "{\"id\":\"%s\"}", order);
    assert_string_equal(ops_text(w, "stripe_session"), "cs_1");
    /* Somebody else wants the name: refused, without a word of whose it is. */
    assert_int_equal(ops_call(w, "checkout.create", &nobody, NULL, json), -409);
    assert_string_equal(w->err.code, "name_taken");
    assert_null(strstr(w->err.text, "ord_"));
    assert_int_equal(count_open(w), 1);
    ops_no(w, 422, "bad_email", "checkout.create", ROLE_PUBLIC,
           "{\"name\":\"B\",\"email\":\"b at home\",\"subdomain\":\"bob\",\"plan\":\"demo\"}");
    ops_no(w, 422, "plan_not_for_sale", "checkout.create", ROLE_PUBLIC,
           "{\"name\":\"B\",\"email\":\"b@example.com\",\"subdomain\":\"bob\",\"plan\":\"gold\"}");
}

static void a_checkout_that_fails_gives_the_name_back(void **state)
{
    struct place *p = *state;
    struct ops_world *w = &p->world;
    const char *json = "{\"name\":\"Ann\",\"email\":\"ann@example.com\",\"subdomain\":\"ann\","
                       "\"plan\":\"demo\"}";

    p->worker.answer = NULL;
    assert_true(ops_do(w, "checkout.create", ROLE_PUBLIC, "%s", json) < 0);
    assert_int_equal(count_open(w), 0);
    /* Placed and taken back: a record of each, the newest first. */
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"action\":\"checkout.create\"}");
    assert_int_equal(json_size(w->answer, "data"), 2);
    assert_string_equal(ops_text(w, "data[0].result"), "network");
    assert_string_equal(ops_text(w, "data[1].result"), "ok");
    assert_string_equal(ops_text(w, "data[0].before"), ops_text(w, "data[1].after"));
    p->worker.answer = "{\"session\":\"cs_2\"}"; /* no page */
    assert_true(ops_do(w, "checkout.create", ROLE_PUBLIC, "%s", json) < 0);
    assert_int_equal(count_open(w), 0);
    p->worker.answer = "{\"session\":\"cs_2\",\"url\":\"https://checkout.example/cs_2\"}";
    ops_ok(w, 201, "checkout.create", ROLE_PUBLIC, "%s", json);
}

static void logs_and_stats_come_through(void **state)
{
    struct place *p = *state;
    struct ops_world *w = &p->world;
    struct actor ann = ops_actor(ROLE_CUSTOMER);
    char id[ID_SIZE], customer[ID_SIZE], json[128];
    unsigned asked;

    ops_ok(w, 201, "customer.create", ROLE_OPERATOR, "{\"name\":\"Ann\"}");
    ops_keep(w, "id", customer, sizeof customer);
    (void)str_copy(ann.customer_id, sizeof ann.customer_id, customer);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Acme\",\"plan\":\"demo\"}");
    ops_keep(w, "id", id, sizeof id);
    p->worker.answer = "one\r\ntwo \"2\"\n\nfour";
    ops_ok(w, 200, "tenant.logs", ROLE_VIEWER, "{\"id\":\"%s\",\"lines\":7}", id);
    assert_int_equal(json_size(w->answer, "lines"), 4);
    assert_string_equal(ops_text(w, "lines[0]"), "one");
    assert_string_equal(ops_text(w, "lines[1]"), "two \"2\"");
    assert_string_equal(kv_get_or(&p->worker.params, "lines", ""), "7");
    assert_string_equal(kv_get_or(&p->worker.params, "tenant_id", ""), id);
    p->worker.answer = "{\"object\":\"tenant_stats\",\"memory_bytes\":5}";
    ops_ok(w, 200, "tenant.stats", ROLE_VIEWER, "{\"id\":\"1\"}");
    assert_int_equal(json_i64(w->answer, "memory_bytes", 0), 5);
    /* A tenant of somebody else's is not even asked about. */
    asked = p->worker.asked;
    (void)str_format(json, sizeof json, "{\"id\":\"%s\"}", id);
    assert_int_equal(ops_call(w, "tenant.logs", &ann, NULL, json), -404);
    assert_int_equal(p->worker.asked, asked);
}

int main(void)
{
#define TEST(f_) cmocka_unit_test_setup_teardown(f_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(a_plan_is_told_and_nothing_done),
        TEST(a_checkout_holds_its_name),
        TEST(a_checkout_that_fails_gives_the_name_back),
        TEST(logs_and_stats_come_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
