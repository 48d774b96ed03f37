/* Acts on many: each like the same act on one, what cannot be done said of each, nothing of a plan
 * done; and the list as CSV. */
#include "ops_world.h"

#include "audit.h"
#include "clock.h"
#include "idempotency.h"
#include "job.h"
#include "tenant.h"

static char ids[6][ID_SIZE];

static int set_states(struct txn *txn, void *arg, struct err *err)
{
    static const uint32_t states[] = {TENANT_ACTIVE, TENANT_ACTIVE,   TENANT_SUSPENDED,
                                      TENANT_FAILED, TENANT_PAST_DUE, TENANT_ACTIVE};

    (void)arg;
    for (unsigned i = 0; i < 6; i++) {
        struct tenant t = {0};
        struct subject subject = {0};

        (void)str_copy(t.id, sizeof t.id, ids[i]);
        if (record_get(txn, &tenant_table, &t, err) != 1)
            return -1;
        if (tenant_move(txn, &t, (enum tenant_state)states[i], "", err) != 0)
            return -1;
        if (i == 5) /* its provision goes on */
            continue;
        (void)str_format(subject.name, sizeof subject.name, "tenant:%s", t.id);
        if (record_delete(txn, &subject_table, &subject, err) != 1)
            return -1;
    }
    return 0;
}

/* active, active, suspended, failed, past due, active but busy */
static void six(struct ops_world *w)
{
    ops_plan(w);
    for (unsigned i = 0; i < 6; i++) {
        ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"T %u\",\"plan\":\"demo\"}", i);
        ops_keep(w, "id", ids[i], sizeof ids[i]);
        for (int64_t now = clock_wall_ms(); clock_wall_ms() == now;)
            ; /* ids of one millisecond have no order */
    }
    assert_int_equal(db_write(w->box.db, set_states, NULL, &w->err), 0);
}

static void tallied(const struct ops_world *w, int count, int started, int unchanged, int refused)
{
    assert_int_equal(json_i64(w->answer, "count", -1), count);
    assert_int_equal(json_i64(w->answer, "started", -1), started);
    assert_int_equal(json_i64(w->answer, "unchanged", -1), unchanged);
    assert_int_equal(json_i64(w->answer, "refused", -1), refused);
    assert_int_equal(json_size(w->answer, "results"), count);
}

static void each_is_told_apart(void **state)
{
    struct ops_world *w = *state;
    const struct ops_extra plan = {.plan = true};
    struct actor actor = ops_actor(ROLE_OPERATOR);
    int64_t jobs, audits;
    char json[512];

    six(w);
    jobs = ops_count(w, &job_table);
    audits = ops_count(w, &audit_table);
    (void)str_format(json, sizeof json,
                     "{\"act\":\"suspend\",\"ids\":\"%s,%s,3,t-3,%s,%s,nobody\",\"reason\":\"x\"}",
                     ids[0], ids[1], ids[4], ids[5]);
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, &plan, json), 200);
    tallied(w, 7, 3, 1, 3);
    assert_string_equal(ops_text(w, "results[0].job"), ""); /* there is none yet */
    assert_int_equal(ops_count(w, &job_table), jobs);
    assert_int_equal(ops_count(w, &audit_table), audits);
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, NULL, json), 200);
    tallied(w, 7, 3, 1, 3);
    assert_int_equal(ops_count(w, &job_table), jobs + 3);
    assert_int_equal(ops_count(w, &audit_table), audits + 4);
    assert_string_equal(ops_text(w, "results[0].result"), "started");
    assert_true(str_starts(ops_text(w, "results[0].job"), "job_"));
    assert_string_equal(ops_text(w, "results[2].result"), "unchanged");
    assert_string_equal(ops_text(w, "results[3].code"), "tenant_state");
    assert_string_equal(ops_text(w, "results[5].code"), "busy");
    assert_string_equal(ops_text(w, "results[6].code"), "tenant_not_found");
    assert_true(w->call.wake);
    /* Again: now all of them are busy or so already. */
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, NULL, json), 200);
    tallied(w, 7, 0, 1, 6);
}

static void filters_choose(void **state)
{
    struct ops_world *w = *state;

    six(w);
    ops_no(w, 422, "which", "tenant.bulk", ROLE_OPERATOR, "{\"act\":\"restart\"}");
    ops_no(w, 422, "which", "tenant.bulk", ROLE_OPERATOR,
           "{\"act\":\"restart\",\"ids\":\"1\",\"state\":\"active\"}");
    ops_no(w, 422, "new_plan", "tenant.bulk", ROLE_OPERATOR, "{\"act\":\"plan\",\"all\":true}");
    ops_no(w, 403, "role_too_low", "tenant.bulk", ROLE_VIEWER,
           "{\"act\":\"restart\",\"all\":true}");
    ops_ok(w, 200, "tenant.bulk", ROLE_OPERATOR,
           "{\"act\":\"maintenance_on\",\"state\":\"active,past_due\",\"limit\":2}");
    tallied(w, 2, 1, 0, 1); /* newest first: the busy one and the one past due */
    assert_true(json_bool(w->answer, "has_more", false));
    char next[96];
    ops_keep(w, "next", next, sizeof next);
    ops_ok(w, 200, "tenant.bulk", ROLE_OPERATOR,
           "{\"act\":\"maintenance_on\",\"state\":\"active,past_due\",\"starting_after\":\"%s\"}",
           next);
    tallied(w, 2, 2, 0, 0);
    assert_false(json_bool(w->answer, "has_more", true));
    ops_ok(w, 200, "tenant.bulk", ROLE_OPERATOR, "{\"act\":\"restart\",\"q\":\"nothing\"}");
    tallied(w, 0, 0, 0, 0);
}

static void deleting_is_confirmed(void **state)
{
    struct ops_world *w = *state;
    struct actor actor = ops_actor(ROLE_OPERATOR);
    const struct ops_extra plan = {.plan = true};
    static const char meant[] = "{\"act\":\"delete\",\"state\":\"suspended,failed\"}";

    six(w);
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, &plan, meant), 200);
    tallied(w, 2, 2, 0, 0);
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, NULL, meant), -422);
    assert_string_equal(w->err.code, "not_confirmed");
    static const char sure[] =
        "{\"act\":\"delete\",\"state\":\"suspended,failed\",\"confirm\":\"2\"}";
    (void)str_copy(actor.kind, sizeof actor.kind, "cookie");
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, NULL, sure), -403);
    assert_string_equal(w->err.code, "password_needed");
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, &plan, meant), 200);
    (void)str_copy(actor.kind, sizeof actor.kind, "cli");
    assert_int_equal(ops_call(w, "tenant.bulk", &actor, NULL, sure), 200);
    tallied(w, 2, 2, 0, 0);
}

/* The answer for a hundred fits into what is kept for an Idempotency-Key. */
static void an_answer_is_kept(void **state)
{
    struct ops_world *w = *state;
    struct actor actor = ops_actor(ROLE_OPERATOR);
    const struct ops_extra keyed = {.key = "k1"};

    ops_plan(w);
    for (unsigned i = 0; i < 100; i++)
        ops_ok(w, 202, "tenant.create", ROLE_OPERATOR,
               "{\"name\":\"A rather long name, as some customers like to have it, number %u\","
               "\"plan\":\"demo\",\"subdomain\":\"t%u\"}",
               i, i);
    assert_int_equal(
        ops_call(w, "tenant.bulk", &actor, &keyed, "{\"act\":\"restart\",\"all\":true}"), 200);
    tallied(w, 100, 0, 0, 100);
    assert_int_equal(
        ops_call(w, "tenant.bulk", &actor, &keyed, "{\"act\":\"restart\",\"all\":true}"), 200);
    assert_true(w->call.replayed);
}

static unsigned lines_of(const struct ops_world *w)
{
    unsigned n = 0;

    for (size_t i = 0; i < w->out.len; i++)
        n += w->out.data[i] == '\n';
    return n;
}

static void a_list_can_be_taken_away(void **state)
{
    struct ops_world *w = *state;

    six(w);
    ops_ok(w, 200, "tenant.update", ROLE_OPERATOR, "{\"id\":\"1\",\"name\":\"=1+\\\"x\\\", y\"}");
    ops_ok(w, 200, "tenant.export", ROLE_VIEWER, "{\"sort\":\"created\"}");
    assert_true(str_starts(w->call.content_type, "text/csv"));
    assert_int_equal(lines_of(w), 7);
    assert_true(str_starts(buf_string(&w->out), "id,number,name,subdomain,"));
    assert_non_null(strstr(buf_string(&w->out), ",1,\"'=1+\"\"x\"\", y\",\"t-0\","));
    ops_ok(w, 200, "tenant.export", ROLE_VIEWER, "{\"sort\":\"created\",\"limit\":2}");
    assert_int_equal(lines_of(w), 3);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{\"sort\":\"created\",\"limit\":2}");
    char second[ID_SIZE];
    ops_keep(w, "data[1].id", second, sizeof second);
    ops_ok(w, 200, "tenant.export", ROLE_VIEWER, "{\"sort\":\"created\",\"starting_after\":\"%s\"}",
           second);
    assert_int_equal(lines_of(w), 4);
    ops_ok(w, 200, "tenant.export", ROLE_VIEWER, "{\"state\":\"failed\"}");
    assert_int_equal(lines_of(w), 2);
    ops_no(w, 403, "role_too_low", "tenant.export", ROLE_CUSTOMER, "{}");
}

static int open_world(void **state)
{
    struct ops_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    ops_world_open(w);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    ops_world_close(*state);
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_is_told_apart, open_world, close_world),
        cmocka_unit_test_setup_teardown(filters_choose, open_world, close_world),
        cmocka_unit_test_setup_teardown(deleting_is_confirmed, open_world, close_world),
        cmocka_unit_test_setup_teardown(an_answer_is_kept, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_list_can_be_taken_away, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
