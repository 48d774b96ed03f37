/* What event streams tell of a store, what a thread may remember of it, and what the front can no
 * longer do. */
#include "domain_world.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "confine.h"
#include "job.h"
#include "recall.h"
#include "site.h"
#include "stream.h"
#include "tenant.h"
#include "tunnel.h"

static struct world *world;
static char job_id[ID_SIZE], tenant_id[ID_SIZE];
static struct actor admin = {.role = ROLE_ADMIN}, customer = {.role = ROLE_CUSTOMER};

static int set_up(void **state)
{
    (void)state;
    world = world_new();
    id_make(job_id, "job");
    id_make(tenant_id, "tn");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(world);
    return 0;
}

struct change {
    const char *id;
    enum job_state state;
    uint32_t row; /* 0: none */
    bool ended;
};

static int change(struct txn *txn, void *arg, struct err *err)
{
    const struct change *c = arg;
    struct job job = {.state = c->state, .live = c->state < JOB_STUCK, .created_at = 1000};
    struct job_step row = {.number = c->row,
                           .started_at = 2000,
                           .ended_at = c->ended ? 3000 : 0,
                           .outcome = c->ended ? STEP_DONE : STEP_BEGUN,
                           .attempt = 1};
    (void)str_copy(job.id, sizeof job.id, c->id);
    (void)str_copy(job.saga, sizeof job.saga, "tenant.provision");
    (void)str_format(job.subjects[0], sizeof job.subjects[0], "tenant:%s", tenant_id);
    if (record_put(txn, &job_table, &job, err) == -1)
        return -1;
    (void)str_copy(row.job_id, sizeof row.job_id, c->id);
    (void)str_copy(row.step, sizeof row.step, "reserve");
    return c->row == 0 ? 0 : record_put(txn, &job_step_table, &row, err);
}

static int tenant_change(struct txn *txn, void *arg, struct err *err)
{
    struct tenant t = {.number = 1, .state = *(const enum tenant_state *)arg};
    (void)str_copy(t.id, sizeof t.id, tenant_id);
    (void)str_copy(t.name, sizeof t.name, "Acme \"1\"\n");
    return record_put(txn, &tenant_table, &t, err);
}

static void job_now(const char *id, enum job_state state, uint32_t row, bool ended)
{
    struct change c = {id, state, row, ended};
    must_write(world, change, &c);
}

static void begin(struct stream *s, const char *id, const char *query, const char *last_id)
{
    struct err err = {0};
    struct txn *txn = must_read(world);
    if (stream_start(s, txn, id, query, last_id, &err) != 0)
        fail_msg("%s", err.text);
    db_read_end(txn);
}

static const char *look(struct stream *s, struct buf *out)
{
    struct err err = {0};
    struct txn *txn = must_read(world);
    buf_reset(out);
    if (stream_look(s, txn, &admin, out, &err) == -1)
        fail_msg("%s", err.text);
    db_read_end(txn);
    return buf_string(out);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

static void a_job_is_told_as_it_moves(void **state)
{
    struct stream s;
    struct buf out;
    const char *text;

    (void)state;
    buf_init(&out, 1 << 20);
    job_now(job_id, JOB_QUEUED, 0, false);
    begin(&s, job_id, "", "");
    text = look(&s, &out);
    assert_int_equal(count(text, "event: job\n"), 1);
    assert_non_null(strstr(text, "\"state\":\"queued\""));
    assert_string_equal(look(&s, &out), ""); /* nothing new, nothing told */
    job_now(job_id, JOB_RUNNING, 1, false);
    text = look(&s, &out);
    assert_int_equal(count(text, "event: step\n"), 1); /* under way: without an id */
    assert_int_equal(count(text, "id: "), 0);
    assert_string_equal(look(&s, &out), "");
    job_now(job_id, JOB_RUNNING, 1, true);
    text = look(&s, &out);
    assert_true(str_starts(text, "id: 1\nevent: step\ndata: {"));
    job_now(job_id, JOB_RUNNING, 2, true);
    job_now(job_id, JOB_RUNNING, 3, true);
    text = look(&s, &out);
    assert_non_null(strstr(text, "id: 2\n"));
    assert_non_null(strstr(text, "id: 3\n"));
    assert_false(s.over);
    job_now(job_id, JOB_DONE, 0, true);
    text = look(&s, &out);
    assert_int_equal(count(text, "event: end\n"), 1);
    assert_true(s.over);
    begin(&s, job_id, "", "2"); /* Last-Event-ID: what comes behind it, and the end */
    text = look(&s, &out);
    assert_int_equal(count(text, "event: step\n"), 1);
    assert_non_null(strstr(text, "id: 3\n"));
    assert_true(s.over);
    begin(&s, job_id, "", "99"); /* one beyond the end is told the end */
    text = look(&s, &out);
    assert_int_equal(count(text, "event: step\n"), 0);
    assert_true(s.over);
    buf_free(&out);
}

static void what_cannot_be_streamed_is_refused(void **state)
{
    struct stream s;
    struct err err = {0};
    struct txn *txn = must_read(world);

    (void)state;
    assert_int_equal(stream_start(&s, txn, "job_00000000000000000000000000", "", "", &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(stream_start(&s, txn, "no id at all", "", "", &err), -1);
    assert_int_equal(stream_start(&s, txn, "", "", "", &err), -1);
    assert_int_equal(stream_start(&s, txn, NULL, "topics=weather", "", &err), -1);
    assert_string_equal(err.code, "unknown_topic");
    db_read_end(txn);
    job_now(job_id, JOB_QUEUED, 0, false);
    txn = must_read(world);
    assert_int_equal(stream_start(&s, txn, job_id, "", "1x", &err), -1);
    assert_string_equal(err.code, "last_event_id");
    db_read_end(txn);
}

static void what_changes_is_told_from_now_on(void **state)
{
    enum tenant_state t = TENANT_PROVISIONING;
    struct stream s, later;
    struct buf out;
    const char *text;
    char place[FEED_PLACE_SIZE], query[100];

    (void)state;
    buf_init(&out, 1 << 20);
    must_write(world, tenant_change, &t);
    begin(&s, NULL, "topics=job%2Ctenant", "");
    text = look(&s, &out); /* what was there before is not news */
    assert_int_equal(count(text, "event: ready\n"), 1);
    assert_int_equal(count(text, "id: "), 1);
    assert_string_equal(look(&s, &out), "");
    feed_place_text(&s.place, place);
    t = TENANT_ACTIVE;
    must_write(world, tenant_change, &t);
    job_now(job_id, JOB_RUNNING, 1, false);
    job_now(job_id, JOB_RUNNING, 1, true);
    text = look(&s, &out);
    assert_int_equal(count(text, "event: change\n"), 2); /* the job's two are one */
    assert_non_null(strstr(text, "\"object\":\"tenant\""));
    assert_non_null(strstr(text, tenant_id));
    assert_non_null(strstr(text, "\"change\":\"put\""));
    assert_string_equal(look(&s, &out), "");
    begin(&later, NULL, "topics=tenant", place); /* Last-Event-ID: what came behind it */
    text = look(&later, &out);
    assert_int_equal(count(text, "event: ready\n"), 1);
    assert_int_equal(count(text, "event: change\n"), 1);
    assert_int_equal(count(text, "\"object\":\"job\""), 0);
    begin(&later, NULL, "", "7.1"); /* of another store, or long ago */
    text = look(&later, &out);
    assert_int_equal(count(text, "event: reset\n"), 1);
    assert_int_equal(count(text, "event: change\n"), 0);
    (void)str_format(query, sizeof query, "topics=all&after=%s", place);
    t = TENANT_PAST_DUE;
    must_write(world, tenant_change, &t);
    begin(&later, NULL, query, ""); /* the same for a page that opens a new one */
    assert_int_equal(count(look(&later, &out), "event: change\n"), 2);
    begin(&later, NULL, "", "no place");
    assert_int_equal(count(look(&later, &out), "event: reset\n"), 1);
    assert_string_equal(look(&later, &out), "");
    buf_reset(&out);
    stream_beat(&later, &out);
    assert_int_equal(count(buf_string(&out), "id: "), 1);
    buf_free(&out);
}

/* A tenant of the customer's, its tunnel, and what only an admin may know of. */
static int theirs(struct txn *txn, void *arg, struct err *err)
{
    struct tenant t = {.number = 7};
    struct tunnel tunnel = {.number = 7};
    struct user user = {.role = ROLE_CUSTOMER};
    struct session own = {.seen_at = 1}, other = {.seen_at = 1};

    (void)arg;
    id_make(own.id, "ses");
    id_make(other.id, "ses");
    (void)str_copy(own.user_id, sizeof own.user_id, customer.user_id);
    id_make(other.user_id, "us");
    if (record_put(txn, &session_table, &own, err) == -1 ||
        record_put(txn, &session_table, &other, err) == -1)
        return -1;
    id_make(t.id, "tn");
    id_make(tunnel.id, "tun");
    id_make(user.id, "us");
    (void)str_copy(user.name, sizeof user.name, "ada");
    (void)str_copy(tunnel.name, sizeof tunnel.name, "t");
    memcpy(t.customer_id, customer.customer_id, sizeof t.customer_id);
    memcpy(tunnel.customer_id, customer.customer_id, sizeof t.customer_id);
    memcpy(user.customer_id, customer.customer_id, sizeof t.customer_id);
    if (record_put(txn, &tenant_table, &t, err) == -1 ||
        record_put(txn, &tunnel_table, &tunnel, err) == -1)
        return -1;
    return record_put(txn, &user_table, &user, err);
}

static void what_is_not_theirs_is_not_told(void **state)
{
    struct stream s;
    struct buf out;
    struct txn *txn;
    struct err err = {0};
    enum tenant_state t = TENANT_ACTIVE;

    (void)state;
    buf_init(&out, 1 << 20);
    id_make(customer.customer_id, "cu");
    id_make(customer.user_id, "us");
    begin(&s, NULL, "", "");
    (void)look(&s, &out);
    must_write(world, tenant_change, &t); /* nobody's */
    buf_reset(&out);
    txn = must_read(world);
    assert_int_equal(stream_look(&s, txn, &customer, &out, &err), 0);
    db_read_end(txn);
    assert_int_equal(out.len, 0);
    must_write(world, theirs, NULL);
    txn = must_read(world);
    assert_int_equal(stream_look(&s, txn, &customer, &out, &err), 0);
    db_read_end(txn);
    assert_int_equal(count(buf_string(&out), "event: change\n"), 3);        /* not of the user */
    assert_int_equal(count(buf_string(&out), "\"object\":\"session\""), 1); /* their own */
    assert_int_equal(count(buf_string(&out), "\"object\":\"tenant\""), 1);
    assert_int_equal(count(buf_string(&out), "\"object\":\"tunnel\""), 1);
    buf_free(&out);
}

static int many_tenants(struct txn *txn, void *arg, struct err *err)
{
    struct tenant t;

    for (int i = 0; i < *(const int *)arg; i++) {
        memset(&t, 0, sizeof t);
        id_make(t.id, "tn");
        if (record_next_number(txn, "t", err) == 0)
            return -1;
        (void)record_last_number(txn, "t", &t.number, err);
        t.number += 1000;
        if (record_put(txn, &tenant_table, &t, err) == -1)
            return -1;
    }
    return 0;
}

static void a_storm_is_a_reset(void **state)
{
    struct stream s;
    struct buf out;
    int some = 60, many = 1500;
    unsigned told = 0;

    (void)state;
    buf_init(&out, 1 << 20);
    begin(&s, NULL, "", "");
    (void)look(&s, &out);
    must_write(world, many_tenants, &some);
    for (int i = 0; i < 5; i++) {
        unsigned n = count(look(&s, &out), "event: change\n");
        assert_true(n <= 25);
        told += n;
    }
    assert_int_equal(told, 60);
    must_write(world, many_tenants, &many);
    assert_int_equal(count(look(&s, &out), "event: reset\n"), 1);
    assert_string_equal(look(&s, &out), "");
    buf_free(&out);
}

/* ---- what a thread remembers ---- */

struct page_params {
    char id[16];
};
static const struct field page_rows[] = {FIELD(struct page_params, id, FIELD_TEXT)};
static const struct fields page_fields = {page_rows, 1, sizeof(struct page_params)};
static const struct op page_op = {.name = "page", .params = &page_fields};
static const struct op other_op = {.name = "other", .params = &page_fields};

static bool recalls(struct recall *r, uint64_t txn, const struct op *op, const char *id,
                    enum role role, const char *whose, uint64_t given, int64_t now_ms,
                    const char *body)
{
    struct page_params params = {{0}};
    struct op_call call = {.op = op, .params = &params, .given = given};
    struct json_out j;
    struct buf out;
    bool hit;

    buf_init(&out, 1024);
    json_out_init(&j, &out);
    (void)str_copy(params.id, sizeof params.id, id);
    call.out = &j;
    call.actor.role = role;
    (void)str_copy(call.actor.customer_id, sizeof call.actor.customer_id, whose);
    if (body != NULL) {
        (void)buf_text(&out, body);
        recall_note_answer(r, txn, &call, now_ms);
        hit = true;
    } else {
        hit = recall_answer(r, txn, &call, now_ms);
    }
    buf_free(&out);
    return hit;
}

static void an_answer_is_for_its_own_question_alone(void **state)
{
    static struct recall r;

    (void)state;
    recall_init(&r);
    (void)recalls(&r, 7, &page_op, "a", ROLE_CUSTOMER, "cu_1", 1, 100, "{}");
    assert_true(recalls(&r, 7, &page_op, "a", ROLE_CUSTOMER, "cu_1", 1, 200, NULL));
    assert_false(recalls(&r, 8, &page_op, "a", ROLE_CUSTOMER, "cu_1", 1, 200, NULL)); /* a commit */
    assert_false(
        recalls(&r, 7, &page_op, "a", ROLE_CUSTOMER, "cu_1", 1, 1100, NULL)); /* a second */
    assert_false(recalls(&r, 7, &page_op, "a", ROLE_CUSTOMER, "cu_2", 1, 200, NULL));
    assert_false(recalls(&r, 7, &page_op, "a", ROLE_CUSTOMER, "", 1, 200, NULL));
    assert_false(recalls(&r, 7, &page_op, "a", ROLE_VIEWER, "cu_1", 1, 200, NULL));
    assert_false(recalls(&r, 7, &page_op, "b", ROLE_CUSTOMER, "cu_1", 1, 200, NULL));
    assert_false(recalls(&r, 7, &page_op, "a", ROLE_CUSTOMER, "cu_1", 0, 200, NULL));
    assert_false(recalls(&r, 7, &other_op, "a", ROLE_CUSTOMER, "cu_1", 1, 200, NULL));
    assert_false(
        recalls(&r, 0, &page_op, "", ROLE_PUBLIC, "", 0, 0, NULL)); /* nothing is no answer */
    recall_free(&r);
}

static bool knows(const struct recall *r, uint64_t txn, const char *authorization,
                  const char *cookie, int64_t now_ms)
{
    static struct request request;

    (void)str_copy(request.authorization, sizeof request.authorization, authorization);
    (void)str_copy(request.cookie, sizeof request.cookie, cookie);
    return recall_who(r, txn, &request, now_ms) != NULL;
}

static void a_sender_is_known_by_all_that_was_presented(void **state)
{
    static struct recall r;
    static struct request request;
    struct identity identity = {.role = ROLE_ADMIN};
    char longer[RECALL_TEXT + 8];

    (void)state;
    recall_init(&r);
    assert_false(knows(&r, 7, "", "", 100));
    (void)str_copy(request.authorization, sizeof request.authorization, "Bearer abc");
    recall_note_who(&r, 7, &request, &identity, 100);
    assert_true(knows(&r, 7, "Bearer abc", "", 200));
    assert_false(knows(&r, 8, "Bearer abc", "", 200));
    assert_false(knows(&r, 7, "Bearer abc", "", 1100));
    assert_false(knows(&r, 7, "Bearer abd", "", 200));
    assert_false(knows(&r, 7, "Bearer ab", "", 200));
    assert_false(knows(&r, 7, "Bearer abc", "sett=x", 200));
    assert_false(knows(&r, 7, "", "Bearer abc", 200));
    assert_false(knows(&r, 7, "", "", 200));
    identity.touch = true; /* its use must be noted: looked up again */
    (void)str_copy(request.authorization, sizeof request.authorization, "Bearer t");
    recall_note_who(&r, 7, &request, &identity, 100);
    assert_false(knows(&r, 7, "Bearer t", "", 200));
    identity.touch = false;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)str_copy(request.authorization, sizeof request.authorization, longer);
    recall_note_who(&r, 7, &request, &identity, 100);
    assert_false(knows(&r, 7, longer, "", 200));
    recall_free(&r);
}

/* ---- which pages are ours ---- */

static bool same(const struct site *s, const char *fetch_site, const char *origin, const char *host)
{
    static struct request r;

    (void)str_copy(r.fetch_site, sizeof r.fetch_site, fetch_site);
    (void)str_copy(r.origin, sizeof r.origin, origin);
    (void)str_copy(r.host_text, sizeof r.host_text, host);
    return site_same(s, &r);
}

static void our_pages_are_those_of_our_origin(void **state)
{
    static struct conf conf = {.count = 3,
                               .rows = {{"box", "url", "https://Box.Example:8443/admin", 1},
                                        {"box", "domain", "example.org", 2},
                                        {"front", "hosts", "10.0.0.7, box.lan", 3}}};
    static struct site s;
    static struct request r;
    static const char *const ours[] = {"box.example", "example.org", "10.0.0.7", "box.lan",
                                       "localhost",   "127.0.0.1",   NULL};
    struct err err;

    (void)state;
    assert_int_equal(site_refresh(&s, world->db, &conf, 5000, &err), 0);
    assert_true(s.https);
    assert_string_equal(s.origin, "https://box.example:8443");
    for (size_t i = 0; ours[i] != NULL; i++) {
        (void)str_copy(r.host, sizeof r.host, ours[i]);
        assert_true(site_host(&s, &r));
    }
    (void)str_copy(r.host, sizeof r.host,
                   "acme.example.org"); /* a tenant's name is not the box's */
    assert_false(site_host(&s, &r));
    assert_true(same(&s, "same-origin", "", "x"));
    assert_false(same(&s, "same-site", "https://box.example:8443", "x"));
    assert_false(same(&s, "none", "", "x"));
    assert_true(same(&s, "", "https://box.example:8443", "x"));
    assert_false(same(&s, "", "http://box.example:8443", "x"));
    assert_false(same(&s, "", "https://box.example", "x"));
    assert_true(same(&s, "", "http://box.lan:81", "box.lan:81"));
    assert_false(same(&s, "", "http://box.lan", "box.lan:81"));
    assert_false(same(&s, "", "null", ""));
    assert_false(same(&s, "", "", ""));
    assert_false(same(&s, "", "https://", ""));
}

/* ---- the filter ---- */

static int refused_calls(void)
{
    struct err err = {0};
    char *const none[] = {NULL};
    int wrong = 0, fd;

    if (confine(&err) != 0)
        return 99;
    for (int domain = 0; domain < 46; domain++) {
        fd = socket(domain, SOCK_STREAM, 0);
        if (domain == AF_UNIX ? fd == -1 : fd != -1 || errno != EPERM)
            wrong++;
    }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (execve("/bin/true", none, none) != -1 || errno != EPERM)
        wrong++;
#else
    (void)none;
#endif
    return wrong;
}

static void the_front_can_reach_no_network_and_run_no_program(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        _exit(refused_calls());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_is_told_as_it_moves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_streamed_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changes_is_told_from_now_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_theirs_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_storm_is_a_reset, set_up, tear_down),
        cmocka_unit_test(an_answer_is_for_its_own_question_alone),
        cmocka_unit_test(a_sender_is_known_by_all_that_was_presented),
        cmocka_unit_test_setup_teardown(our_pages_are_those_of_our_origin, set_up, tear_down),
        cmocka_unit_test(the_front_can_reach_no_network_and_run_no_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
