/* The audit's list: filters, ends in time, walks that are bounded and go on; the same entries as
 * lines. SETT_MANY=1000000 says how fast it is with so many. */
#include "ops_world.h"

#include "audit.h"
#include "audit_export.h"
#include "clock.h"

#define ENTRIES 9000

static struct ops_world w;
static unsigned many = ENTRIES;
static int64_t began_ms; /* the time of the first entry; each later one is a second later */

/* A thousand in one commit. The time of an entry is its commit's, so it is put in afterwards, with
 * the chain made anew: here it is only to be found. */
static int add(struct txn *txn, void *arg, struct err *err)
{
    unsigned *from = arg;

    for (unsigned i = 0; i < 1000 && *from < many; i++, (*from)++) {
        struct audit e = {0};
        (void)str_format(e.actor, sizeof e.actor, "usr_%u", *from % 7);
        (void)str_format(e.action, sizeof e.action, "%s",
                         *from % 3 == 0   ? "tenant.create"
                         : *from % 3 == 1 ? "tenant.delete"
                                          : "plan.create");
        (void)str_format(e.object, sizeof e.object, "tn_%u", *from % 1000);
        (void)str_copy(e.result, sizeof e.result, *from % 100 == 99 ? "forbidden" : "ok");
        if (*from == 17)
            (void)str_copy(e.reason, sizeof e.reason, "a Needle in it");
        if (*from == 18)
            (void)str_copy(e.reason, sizeof e.reason, "=cmd|\"x\"");
        if (audit_add(txn, &e, err) != 0)
            return -1;
        e.at = began_ms + (int64_t)(e.number - 1) * 1000;
        if (record_put(txn, &audit_table, &e, err) != 0)
            return -1;
    }
    return 0;
}

static int setup(void **state)
{
    const char *text = getenv("SETT_MANY");
    unsigned from = 0;

    (void)state;
    if (text != NULL)
        many = (unsigned)strtoul(text, NULL, 10);
    ops_world_open(&w);
    began_ms = clock_wall_ms() / 1000 * 1000 - (int64_t)many * 1000;
    while (from < many)
        if (db_write(w.box.db, add, &from, &w.err) != 0)
            fail_msg("%s", w.err.text);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ops_world_close(&w);
    return 0;
}

/* One page; how long it took is told, when there are many. */
static int page(const char *what, const char *json)
{
    int64_t began = clock_mono_ms();
    struct actor actor = ops_actor(ROLE_ADMIN);
    int status = ops_call(&w, "audit.list", &actor, NULL, json);

    if (status != 200)
        fail_msg("%s: %d %s", what, status, w.err.text);
    if (many > ENTRIES)
        printf("# %s: %lld ms\n", what, (long long)(clock_mono_ms() - began));
    return json_size(w.answer, "data");
}

static int64_t number(int at)
{
    char path[32];

    (void)str_format(path, sizeof path, "data[%d].number", at);
    return json_i64(w.answer, path, 0);
}

static void filters(void **state)
{
    char json[400];

    (void)state;
    assert_int_equal(page("all", "{}"), 25);
    assert_int_equal(number(0), many);
    assert_int_equal(page("an object", "{\"object_id\":\"tn_7\"}"), many / 1000 > 25 ? 25 : 9);
    assert_int_equal(number(0), many - 1000 + 8);
    assert_int_equal(page("an actor", "{\"actor\":\"usr_3\",\"limit\":100}"), 100);
    assert_int_equal(page("an action", "{\"action\":\"tenant.create\"}"), 25);
    assert_int_equal(page("a noun", "{\"action\":\"tenant.*\",\"limit\":3}"), 3);
    assert_true(str_starts(ops_text(&w, "data[1].action"), "tenant."));
    assert_int_equal(page("what failed", "{\"result\":\"failed\",\"limit\":40}"), 40);
    assert_int_equal(number(0), many);
    assert_string_equal(ops_text(&w, "data[3].result"), "forbidden");
    (void)str_format(json, sizeof json, "{\"starting_after\":\"%u\",\"actor\":\"usr_3\"}",
                     many / 2);
    assert_int_equal(page("an actor, further on", json), 25);
    assert_true(number(0) < many / 2);
}

/* Ends in time, from both sides, along the chain and along an index. */
static void spans(void **state)
{
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE], json[400];

    (void)state;
    clock_text(from, began_ms + 99 * 1000 - 500);
    clock_text(until, began_ms + 109 * 1000 + 500);
    (void)str_format(json, sizeof json, "{\"from\":\"%s\",\"until\":\"%s\"}", from, until);
    assert_int_equal(page("a span", json), 11);
    assert_int_equal(number(0), 110);
    assert_int_equal(number(10), 100);
    assert_false(json_bool(w.answer, "has_more", true));
    (void)str_format(json, sizeof json,
                     "{\"from\":\"%s\",\"until\":\"%s\",\"object_id\":\"tn_104\"}", from, until);
    assert_int_equal(page("a span of an object", json), 1);
    assert_int_equal(number(0), 105);
    assert_false(json_bool(w.answer, "has_more", true));
    (void)str_format(json, sizeof json,
                     "{\"from\":\"%s\",\"until\":\"%s\",\"limit\":4,\"ending_before\":\"103\"}",
                     from, until);
    assert_int_equal(page("backward in a span", json), 4);
    assert_int_equal(number(3), 104);
    assert_true(json_bool(w.answer, "has_more", false));
    (void)str_format(json, sizeof json,
                     "{\"from\":\"%s\",\"until\":\"%s\",\"limit\":4,\"ending_before\":\"108\"}",
                     from, until);
    assert_int_equal(page("to its end", json), 2);
    assert_false(json_bool(w.answer, "has_more", true));
    (void)str_format(json, sizeof json, "{\"from\":\"2100-01-01T00:00:00Z\"}");
    assert_int_equal(page("nothing", json), 0);
}

/* What no index knows: looked for piece by piece, and found. */
static void needle(void **state)
{
    char json[200] = "{\"text\":\"needle\"}";
    unsigned pages = 1;

    (void)state;
    while (page("a needle", json) == 0 && json_bool(w.answer, "has_more", false)) {
        char next[32];
        ops_keep(&w, "next", next, sizeof next);
        (void)str_format(json, sizeof json, "{\"text\":\"needle\",\"starting_after\":\"%s\"}",
                         next);
        pages++;
    }
    assert_int_equal(json_size(w.answer, "data"), 1);
    assert_int_equal(number(0), 18);
    assert_true(pages >= many / 4000 && pages <= many / 4000 + 2);
}

static void lines(void **state)
{
    struct audit_span span;
    struct txn *txn;
    struct buf out;
    unsigned count = 0, formulas = 0;

    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(db_read(&txn, w.box.db, &w.err), 0);
    (void)err_set(&w.err, ERR_CONFLICT, "stale", "what an earlier call left there is not ours");
    assert_int_equal(audit_span_find(txn, began_ms + 1, 0, &span, &w.err), 0);
    assert_int_equal(span.next, 2);
    assert_int_equal(span.last, many);
    while (span.next <= span.last && count < ENTRIES) {
        buf_reset(&out);
        assert_int_equal(audit_export_some(txn, AUDIT_CSV, &span, 100, &out, &w.err), 0);
        for (size_t i = 0; i < out.len; i++)
            count += out.data[i] == '\n';
        formulas += strstr(buf_string(&out), "\"'=cmd|\"\"x\"\"\"") != NULL;
    }
    db_read_end(txn);
    buf_free(&out);
    assert_int_equal(formulas, 1); /* text that a table does not reckon */
    assert_true(count >= ENTRIES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(spans),
        cmocka_unit_test(needle),
        cmocka_unit_test(lines),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
