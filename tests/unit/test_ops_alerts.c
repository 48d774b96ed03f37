/* Alerts in lists, and many of them answered for at once. */
#include "ops_world.h"

#include "notice.h"

static struct ops_world w;

static int raise(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    for (int i = 0; i < 120; i++) {
        char name[16];
        (void)str_format(name, sizeof name, "vault%d", i);
        if (notice_raise(txn, "backup.vault", name, NOTICE_USUAL, "cannot be used", err) != 0)
            return -1;
    }
    return notice_raise(txn, "backup.failed", NULL, NOTICE_USUAL, "snapshot 7 failed", err) != 0 ||
                   notice_raise(txn, "job.stuck", "job_1", NOTICE_USUAL, "a job is stuck", err) != 0
               ? -1
               : 0;
}

/* As core/watch does once they have held. */
static int open_all(struct txn *txn, void *arg, struct err *err)
{
    struct notice match = {.state = NOTICE_HOLDING}, all[200];
    struct scan scan;
    int count = 0, got = scan_start(&scan, txn, &notice_table, "state", &match, 1, false, err);

    (void)arg;
    while (got != -1 && (got = scan_next(&scan, &all[count], err)) == 1)
        count++;
    for (int i = 0; got != -1 && i < count; i++) {
        all[i].state = NOTICE_OPEN;
        got = notice_put(txn, &all[i], err);
    }
    return got;
}

static int setup(void **state)
{
    (void)state;
    ops_world_open(&w);
    if (db_write(w.box.db, raise, NULL, &w.err) != 0 ||
        db_write(w.box.db, open_all, NULL, &w.err) != 0)
        fail_msg("%s", w.err.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ops_world_close(&w);
    return 0;
}

static int listed(const char *json)
{
    ops_ok(&w, 200, "alert.list", ROLE_VIEWER, "%s", json);
    return json_size(w.answer, "data");
}

static void lists(void **state)
{
    char id[ID_SIZE];

    (void)state;
    assert_int_equal(listed("{\"kind\":\"backup.failed\"}"), 1);
    assert_int_equal(listed("{\"kind\":\"backup.*\",\"limit\":100}"), 100);
    assert_int_equal(listed("{\"kind\":\"backup.\"}"), 0);
    assert_int_equal(listed("{\"text\":\"SNAPSHOT 7\"}"), 1);
    assert_int_equal(listed("{\"text\":\"vault119\"}"), 1);
    assert_int_equal(listed("{\"silenced\":true}"), 0);
    assert_int_equal(listed("{\"kind\":\"job.stuck\",\"silenced\":false}"), 1);
    ops_keep(&w, "data[0].id", id, sizeof id);
    ops_ok(&w, 200, "alert.silence", ROLE_OPERATOR, "{\"id\":\"%s\",\"minutes\":5}", id);
    assert_int_equal(listed("{\"silenced\":true}"), 1);
    assert_int_equal(listed("{\"kind\":\"job.stuck\",\"silenced\":false}"), 0);
}

static int64_t acked(const char *json, int64_t passed)
{
    ops_ok(&w, 200, "alert.ackall", ROLE_OPERATOR, "%s", json);
    assert_int_equal(json_i64(w.answer, "passed_over", -1), passed);
    return json_i64(w.answer, "acknowledged", -1);
}

static void many_at_once(void **state)
{
    char one[ID_SIZE], two[ID_SIZE], json[400];

    (void)state;
    assert_int_equal(listed("{\"kind\":\"backup.vault\"}"), 25);
    ops_keep(&w, "data[0].id", one, sizeof one);
    ops_keep(&w, "data[1].id", two, sizeof two);
    (void)str_format(json, sizeof json, "{\"ids\":\"%s,%s\",\"note\":\"moved\"}", one, two);
    assert_int_equal(acked(json, 0), 2);
    assert_int_equal(acked(json, 2), 0);
    ops_ok(&w, 200, "alert.show", ROLE_VIEWER, "{\"id\":\"%s\"}", two);
    assert_string_equal(ops_text(&w, "note"), "moved");
    assert_int_equal(acked("{\"kind\":\"backup.*\"}", 0), 100);
    assert_int_equal(acked("{\"kind\":\"backup.*\"}", 0), 19);
    assert_int_equal(acked("{\"kind\":\"backup.*\"}", 0), 0);
    assert_int_equal(listed("{\"state\":\"open\"}"), 1); /* the job */
    ops_no(&w, 422, "one_of", "alert.ackall", ROLE_OPERATOR, "{}");
    ops_no(&w, 422, "alert_not_found", "alert.ackall", ROLE_OPERATOR, "{\"ids\":\"al_1\"}");
    ops_no(&w, 403, "role_too_low", "alert.ackall", ROLE_VIEWER, "{\"kind\":\"backup.*\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(many_at_once),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
