/* The history: written, folded, read, bounded, and made anew when it is missing or broken. */
#include "children.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "db_raw.h"
#include "history_write.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  (INT64_C(1790000000000) / DAY * DAY) /* the first moment of a day */
#define MANY   5000

static char folder[PATH_SIZE], place[PATH_SIZE + 16];
static struct history *h;
static struct history_tenant *points;
static struct history_box *boxes;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    make_folder(folder);
    (void)str_format(place, sizeof place, "%s/history", folder);
    h = history_new(place, &err);
    points = calloc(HISTORY_POINTS, sizeof *points);
    boxes = calloc(HISTORY_POINTS, sizeof *boxes);
    return h == NULL || points == NULL || boxes == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    history_free(h);
    free(points);
    free(boxes);
    remove_folder(folder);
    return 0;
}

static void must(int result, const struct err *err)
{
    if (result == -1)
        fail_msg("%s: %s", err->code, err->text);
}

/* One minute of the box and of ${count} tenants from number ${first} on. */
static void write_minute(int64_t at, const struct history_tenant *tenants, size_t count)
{
    struct history_minute m = {.at = at, .tenants = tenants, .count = count};
    struct err err;

    m.box.minutes = 1;
    m.box.cores = 2;
    m.box.cpu_millis = 500;
    m.box.events = 3;
    m.box.tenants = count;
    must(history_write(h, place, folder, &m, &err), &err);
}

static int tenant_points(uint64_t number, enum history_step step, int64_t now)
{
    struct err err;
    int n = history_tenant_points(h, number, step, now, points, HISTORY_POINTS, &err);

    must(n, &err);
    return n;
}

static void nothing_is_there_at_first(void **state)
{
    struct history_box box;
    struct err err;

    (void)state;
    assert_int_equal(tenant_points(1, HISTORY_MINUTE, START), 0);
    assert_int_equal(history_box_last(h, START, &box, &err), 0);
}

static void minutes_become_tens_and_hours_and_days(void **state)
{
    struct history_tenant t[2] = {{.number = 7}, {.number = 1000, .healthy = 1}};
    struct history_tenant last;
    struct err err;
    int n;

    (void)state;
    for (int i = 0; i < 26 * 60; i++) {
        bool down = i >= 30 && i < 36; /* six minutes of the first hour */
        t[0].healthy = !down;
        t[0].unreachable = down;
        t[0].latency_ms = down ? 0 : 20;
        t[0].latency_max_ms = i == 5 ? 900 : t[0].latency_ms;
        t[0].cpu_millis = i % 2 == 0 ? 100 : 300;
        t[0].received_bytes = 1000;
        t[0].storage_bytes = 1000000 + (uint64_t)i;
        write_minute(START + i * MINUTE + 59999, t, 2);
    }
    n = tenant_points(7, HISTORY_HOUR, START + 26 * HOUR);
    assert_int_equal(n, 26);
    assert_true(points[0].at == START);
    assert_int_equal(points[0].healthy, 54);
    assert_int_equal(points[0].unreachable, 6);
    assert_int_equal(points[0].latency_ms, 20); /* of those that answered */
    assert_int_equal(points[0].latency_max_ms, 900);
    assert_int_equal(points[0].cpu_millis, 200);
    assert_int_equal(points[0].received_bytes, 60000);
    assert_int_equal(points[0].storage_bytes, 1000059);
    assert_int_equal(history_up_millis(&points[0]), 900);
    assert_int_equal(points[25].healthy, 60);
    /* minutes: two hours of them; tens: all, as two days have not passed */
    assert_int_equal(tenant_points(7, HISTORY_MINUTE, START + 26 * HOUR - 1), 120);
    assert_int_equal(tenant_points(7, HISTORY_TEN, START + 26 * HOUR), 26 * 6);
    assert_int_equal(points[3].unreachable, 6);
    /* the day that has ended, and what there is of the present one */
    assert_int_equal(tenant_points(7, HISTORY_DAY, START + 26 * HOUR), 2);
    assert_int_equal(points[0].healthy, 24 * 60 - 6);
    assert_int_equal(points[1].healthy, 120);
    assert_int_equal(tenant_points(1000, HISTORY_HOUR, START + 26 * HOUR), 26);
    assert_int_equal(tenant_points(8, HISTORY_HOUR, START + 26 * HOUR), 0);
    assert_int_equal(history_tenant_last(h, 7, START + 26 * HOUR, &last, &err), 1);
    assert_int_equal(last.storage_bytes, 1000000 + 26 * 60 - 1);
    assert_int_equal(history_tenant_last(h, 7, START + 27 * HOUR, &last, &err), 0);
    n = history_box_points(h, HISTORY_HOUR, START + 26 * HOUR, boxes, HISTORY_POINTS, &err);
    assert_int_equal(n, 26);
    assert_int_equal(boxes[0].minutes, 60);
    assert_int_equal(boxes[0].events, 180);
    assert_int_equal(boxes[0].cpu_millis, 500);
}

/* The worker was down when an hour ended: the next minute folds it all the same. */
static void an_end_that_nobody_saw_is_folded_later(void **state)
{
    struct history_tenant t = {.number = 3, .healthy = 1};

    (void)state;
    for (int i = 0; i < 50; i++)
        write_minute(START + i * MINUTE, &t, 1);
    write_minute(START + 95 * MINUTE, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_TEN, START + 96 * MINUTE), 6);
    assert_int_equal(tenant_points(3, HISTORY_HOUR, START + 96 * MINUTE), 2);
    assert_int_equal(points[0].healthy, 50);
    assert_int_equal(points[1].healthy, 1); /* the hour under way */
}

/* Rows of one line. */
static size_t count_rows(uint8_t line)
{
    struct series_key key = {.line = line, .at = INT64_MIN};
    struct txn *txn;
    struct db *db;
    struct err err;
    size_t n = 0;

    assert_int_equal(history_db(h, &db, &err), 1);
    must(db_read(&txn, db, &err), &err);
    while (series_next(txn, &key, &err) == 1) {
        n++;
        key.part++;
    }
    db_read_end(txn);
    return n;
}

static void old_rows_go(void **state)
{
    struct history_tenant t = {.number = 3, .healthy = 1};

    (void)state;
    /* one minute each hour for 63 days: an hour's row each */
    for (int i = 0; i < 63 * 24; i++)
        write_minute(START + i * HOUR, &t, 1);
    assert_in_range(count_rows(history_spans[HISTORY_MINUTE].tenant_line), 1, 4);
    assert_in_range(count_rows(history_spans[HISTORY_TEN].tenant_line), 47, 50);
    assert_in_range(count_rows(history_spans[HISTORY_HOUR].tenant_line), 1438, 1442);
    assert_in_range(count_rows(history_spans[HISTORY_DAY].tenant_line), 60, 62);
    assert_int_equal(tenant_points(3, HISTORY_DAY, START + 63 * DAY - 1), 61);
}

/* A clock that jumps a year ahead and comes back costs some of the oldest rows, not the memory. */
static void a_clock_that_jumps_costs_little(void **state)
{
    struct history_tenant t = {.number = 3, .healthy = 1};

    (void)state;
    for (int i = 0; i < 120; i++)
        write_minute(START + i * MINUTE, &t, 1);
    write_minute(START + 365 * DAY, &t, 1);
    write_minute(START + 365 * DAY + MINUTE, &t, 1);
    write_minute(START + 120 * MINUTE, &t, 1);
    assert_in_range(tenant_points(3, HISTORY_MINUTE, START + 121 * MINUTE), 100, 120);
    /* and backwards: what was is written over */
    write_minute(START + 60 * MINUTE, &t, 1);
    assert_in_range(tenant_points(3, HISTORY_MINUTE, START + 121 * MINUTE), 100, 120);
    for (int i = 0; i < 3; i++)
        write_minute(START + (121 + i) * MINUTE, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + 365 * DAY + MINUTE), 0);
}

static void a_broken_one_is_made_anew(void **state)
{
    struct history_tenant t = {.number = 3, .healthy = 1};
    char path[2 * PATH_SIZE];
    struct err err;

    (void)state;
    write_minute(START, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + MINUTE), 1);
    /* taken away under our feet */
    remove_folder(place);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + MINUTE), 0);
    write_minute(START + MINUTE, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + MINUTE), 1);
    /* replaced by rubbish */
    remove_folder(place);
    assert_int_equal(mkdir(place, 0700), 0);
    (void)str_format(path, sizeof path, "%s/data.mdb", place);
    must(file_write(path, "this is no store, but it is somewhat long", 41, 0600, &err), &err);
    assert_int_equal(
        history_tenant_points(h, 3, HISTORY_MINUTE, START, points, HISTORY_POINTS, &err), -1);
    write_minute(START + 2 * MINUTE, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + 2 * MINUTE), 1);
    /* empty, as a power cut may leave it */
    remove_folder(place);
    assert_int_equal(mkdir(place, 0700), 0);
    must(file_write(path, "", 0, 0600, &err), &err);
    write_minute(START + 3 * MINUTE, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + 3 * MINUTE), 1);
}

static int spoil(struct txn *txn, void *arg, struct err *err)
{
    struct series_key key = {.line = history_spans[HISTORY_MINUTE].tenant_line, .at = START};
    uint8_t raw[13] = {key.line, 0x80}, value[40] = {1};

    (void)arg;
    raw[1] = 0x80;
    for (int i = 0; i < 7; i++)
        raw[2 + i] = (uint8_t)((uint64_t)key.at >> (8 * (6 - i)));
    return db_raw_put(txn, raw, sizeof raw, value, sizeof value, err);
}

static void a_damaged_row_is_a_gap(void **state)
{
    struct history_tenant t = {.number = 3, .healthy = 1};
    struct err err;
    struct db *db;

    (void)state;
    for (int i = 0; i < 9; i++)
        write_minute(START + i * MINUTE, &t, 1);
    assert_int_equal(history_db(h, &db, &err), 1);
    must(db_write(db, spoil, NULL, &err), &err);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START + 9 * MINUTE), 8);
    write_minute(START + 9 * MINUTE, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_TEN, START + 10 * MINUTE), 1);
    assert_int_equal(points[0].healthy, 9);
}

static void count_one(void *arg, const struct history_tenant *row)
{
    size_t *n = arg;

    if (row->healthy == 1 && row->memory_bytes == row->number * 4096)
        ++*n;
}

/* Five thousand tenants: a minute is some hundred kilobytes and some milliseconds. */
static void a_minute_of_many_is_small(void **state)
{
    struct history_tenant *t = calloc(MANY, sizeof *t);
    struct db_figures before, after;
    struct err err;
    struct db *db;
    size_t seen = 0;

    (void)state;
    assert_non_null(t);
    for (size_t i = 0; i < MANY; i++) {
        t[i].number = 1 + i * 2;
        t[i].healthy = 1;
        t[i].memory_bytes = t[i].number * 4096;
    }
    write_minute(START, t, 1);
    assert_int_equal(history_db(h, &db, &err), 1);
    must(db_figures(db, &before, &err), &err);
    write_minute(START + MINUTE, t, MANY);
    must(db_figures(db, &after, &err), &err);
    assert_true(after.used_bytes - before.used_bytes < 400 * 1024);
    must(history_each(h, START + MINUTE, count_one, &seen, &err), &err);
    assert_int_equal(seen, MANY);
    assert_int_equal(tenant_points(9999, HISTORY_MINUTE, START + MINUTE), 1);
    free(t);
}

static void a_figure_too_large_becomes_the_largest(void **state)
{
    struct history_tenant t = {.number = 3, .latency_ms = 1000000, .memory_bytes = UINT64_MAX};

    (void)state;
    write_minute(START, &t, 1);
    assert_int_equal(tenant_points(3, HISTORY_MINUTE, START), 1);
    assert_int_equal(points[0].latency_ms, 65535);
    assert_true(points[0].memory_bytes == (UINT64_C(1) << 40) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_there_at_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(minutes_become_tens_and_hours_and_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_end_that_nobody_saw_is_folded_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_rows_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_jumps_costs_little, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_one_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_row_is_a_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_minute_of_many_is_small, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_figure_too_large_becomes_the_largest, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
