/* Findings of drift from scan to scan, what a person's word is worth then, and when a scan is due.
 */
#include "domain_world.h"

#include <time.h>

#include "drift.h"
#include "drift_watch.h"
#include "job_start.h"

struct noted {
    struct drift found, after;
    int changed;
    unsigned kinds;
};

static int note(struct txn *txn, void *arg, struct err *err)
{
    struct noted *n = arg;

    if (drift_note(txn, &n->found, err) == -1)
        return -1;
    n->after = n->found;
    return record_find(txn, &drift_table, "place", &n->after, err) == 1 ? 0 : -1;
}

static int put(struct txn *txn, void *arg, struct err *err)
{
    struct noted *n = arg;

    return drift_put(txn, &n->after, err);
}

/* The job that reverts it. */
static int begin(struct txn *txn, void *arg, struct err *err)
{
    struct noted *n = arg;
    struct job job = {0};

    (void)str_copy(job.saga, sizeof job.saga, "drift.lead");
    job_subject(job.subjects[0], "tunnel", "tun_1");
    if (job_start(txn, &job, err) == -1)
        return -1;
    memcpy(n->after.job_id, job.id, sizeof n->after.job_id);
    return 0;
}

static int settle(struct txn *txn, void *arg, struct err *err)
{
    struct noted *n = arg;

    n->changed = drift_settle(txn, n->found.scan, n->kinds, 100, err);
    return n->changed == -1 ? -1 : 0;
}

static int look(struct txn *txn, void *arg, struct err *err)
{
    struct noted *n = arg;

    n->changed = record_get(txn, &drift_table, &n->after, err);
    return n->changed == -1 ? -1 : 0;
}

static struct noted found(uint64_t scan, const char *thing, const char *actual)
{
    struct noted n = {.found = {.kind = DRIFT_DNS, .verdict = DRIFT_DIFFERS, .scan = scan}};

    (void)str_copy(n.found.thing, sizeof n.found.thing, thing);
    (void)str_copy(n.found.actual, sizeof n.found.actual, actual);
    return n;
}

static uint32_t state_of(struct world *w, struct noted *n)
{
    must_write(w, look, n);
    return n->changed == 0 ? UINT32_MAX : n->after.state;
}

static void test_life(void **state)
{
    struct world *w = world_new();
    struct noted n = found(1, "record 1", "to x"), first;

    (void)state;
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_OPEN);
    assert_true(str_starts(n.after.id, "drf_"));
    first = n;
    /* Seen again: the same finding, known since then. */
    n.found.scan = 2;
    must_write(w, note, &n);
    assert_string_equal(n.after.id, first.after.id);
    assert_int_equal(n.after.first_seen_at, first.after.first_seen_at);
    assert_int_equal(n.after.scan, 2);
    /* Not seen by a scan that could not read its kind: nothing is concluded. */
    n.found.scan = 3;
    n.kinds = 1u << DRIFT_ROUTE;
    must_write(w, settle, &n);
    assert_int_equal(n.changed, 0);
    n.kinds = 1u << DRIFT_DNS;
    must_write(w, settle, &n);
    assert_int_equal(n.changed, 1);
    assert_int_equal(state_of(w, &n), DRIFT_GONE);
    /* It comes back: open, and new. */
    world_wait(w, 60);
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_OPEN);
    assert_string_equal(n.after.id, first.after.id);
    assert_true(n.after.first_seen_at > first.after.first_seen_at);
    /* Gone for a week: forgotten. */
    n.found.scan = 4;
    must_write(w, settle, &n);
    world_wait(w, 8 * 86400);
    n.found.scan = 5;
    must_write(w, settle, &n);
    assert_int_equal(state_of(w, &n), UINT32_MAX);
    world_sound(w);
    world_end(w);
}

static void test_words(void **state)
{
    struct world *w = world_new();
    struct noted n = found(1, "record 1", "to x");

    (void)state;
    must_write(w, note, &n);
    /* Accepted as long as it stays so. */
    n.after.state = DRIFT_ACCEPTED;
    (void)str_copy(n.after.reason, sizeof n.after.reason, "known");
    must_write(w, put, &n);
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_ACCEPTED);
    assert_string_equal(n.after.reason, "known");
    (void)str_copy(n.found.actual, sizeof n.found.actual, "to y");
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_OPEN);
    assert_string_equal(n.after.reason, "");
    /* Ignored until its day. */
    n.after.state = DRIFT_IGNORED;
    n.after.ignore_until = clock_wall_ms() + 3600 * 1000;
    must_write(w, put, &n);
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_IGNORED);
    world_wait(w, 3700);
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_OPEN);
    assert_int_equal(n.after.ignore_until, 0);
    /* A job is at work on it: neither a scan that sees it nor one that does not changes that. */
    n.after.state = DRIFT_REVERTING;
    must_write(w, begin, &n);
    must_write(w, put, &n);
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_REVERTING);
    n.found.scan = 9;
    n.kinds = ~0u;
    must_write(w, settle, &n);
    assert_int_equal(state_of(w, &n), DRIFT_REVERTING);
    /* Once the job has ended, the next scan says what came of it. */
    n.after.job_id[0] = '\0';
    must_write(w, put, &n);
    must_write(w, settle, &n);
    assert_int_equal(state_of(w, &n), DRIFT_GONE);
    n.after.state = DRIFT_REVERTING;
    must_write(w, put, &n);
    must_write(w, note, &n);
    assert_int_equal(n.after.state, DRIFT_OPEN);
    world_end(w);
}

static int64_t at(int day, int hour, int minute)
{
    struct tm tm = {.tm_year = 126,
                    .tm_mon = 10,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_isdst = -1};

    return (int64_t)mktime(&tm) * 1000;
}

static void test_due(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    assert_false(drift_watch_due("", 0, at(26, 12, 0)));
    assert_false(drift_watch_due("nonsense", 0, at(26, 12, 0)));
    assert_false(drift_watch_due("03:40", at(26, 3, 41), at(26, 12, 0)));
    assert_true(drift_watch_due("03:40", at(26, 3, 41), at(27, 3, 40)));
    assert_false(drift_watch_due("03:40", at(26, 3, 41), at(27, 3, 39)));
    assert_true(drift_watch_due("03:40", at(25, 3, 41), at(26, 12, 0))); /* missed: caught up */
    assert_true(drift_watch_due("00:00", at(25, 23, 59), at(26, 0, 0)));
    assert_false(drift_watch_due("08:09", at(26, 8, 9), at(26, 23, 0)));
    unsetenv("TZ");
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_life), cmocka_unit_test(test_words),
                                       cmocka_unit_test(test_due)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
