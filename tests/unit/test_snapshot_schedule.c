/* When snapshots are due: times of the day through nights on which clocks are changed, runs that
 * were missed, clocks that jumped; and whose turn it is among tenants. */
#include "domain_world.h"

#include "clock.h"
#include "plan.h"
#include "snapshot.h"
#include "snapshot_schedule.h"
#include "tenant.h"

static int64_t at(const char *text)
{
    int64_t ms = 0;

    if (text[0] != '\0' && clock_parse(text, &ms) != 0)
        fail_msg("%s is no time", text);
    return ms;
}

static void test_check(void **state)
{
    static const char *const good[] = {"", "off", "03:00", "00:00,23:59",
                                       "00:00,06:00,12:00,18:00"};
    static const char *const bad[] = {"3:00",   "24:00", "03:60", "03:00,",
                                      ",03:00", "03-00", "never", "03:00, 04:00",
                                      "03:000", "on",    "03:0",  " "};
    char many[SNAPSHOT_SCHEDULE_SIZE + 8] = "00:00";
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (snapshot_schedule_check(good[i], &err) == -1)
            fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (snapshot_schedule_check(bad[i], &err) != -1)
            fail_msg("\"%s\" was taken", bad[i]);
    for (unsigned i = 1; i < 25; i++) {
        size_t len = strlen(many);
        assert_int_equal(snapshot_schedule_check(many, &err), 0);
        (void)str_format(many + len, sizeof many - len, ",%02u:30", i % 24);
    }
    assert_int_equal(snapshot_schedule_check(many, &err), -1);
}

/* When the latest time was. Berlin: 2026-03-29 02:00 becomes 03:00, 2026-10-25 03:00 becomes 02:00.
 */
static void test_latest(void **state)
{
    static const struct {
        const char *times, *zone, *now, *latest;
    } cases[] = {
        {"", "UTC", "2026-06-01T12:00:00Z", ""},
        {"off", "UTC", "2026-06-01T12:00:00Z", ""},
        {"03:00", "UTC", "2026-06-01T03:00:00Z", "2026-06-01T03:00:00Z"},
        {"03:00", "UTC", "2026-06-01T02:59:59Z", "2026-05-31T03:00:00Z"},
        {"03:00", "Europe/Berlin", "2026-06-01T03:00:00Z", "2026-06-01T01:00:00Z"},
        {"03:00", "Europe/Berlin", "2026-06-01T00:59:00Z", "2026-05-31T01:00:00Z"},
        {"03:00", "Pacific/Auckland", "2026-06-01T16:00:00Z", "2026-06-01T15:00:00Z"},
        {"23:30", "America/Los_Angeles", "2026-06-02T06:29:00Z", "2026-06-01T06:30:00Z"},
        {"00:00,06:00,12:00,18:00", "UTC", "2026-06-01T17:59:00Z", "2026-06-01T12:00:00Z"},
        {"18:00,00:00", "UTC", "2026-06-01T17:59:00Z", "2026-06-01T00:00:00Z"},
        /* forward: there is no 02:30 that night; it is when clocks show 03:30 */
        {"02:30", "Europe/Berlin", "2026-03-29T01:29:00Z", "2026-03-28T01:30:00Z"},
        {"02:30", "Europe/Berlin", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"},
        {"02:30", "Europe/Berlin", "2026-03-30T00:30:00Z", "2026-03-30T00:30:00Z"},
        {"03:00", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
        /* back: 02:30 is there twice, and meant once: the first */
        {"02:30", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z"},
        {"02:30", "Europe/Berlin", "2026-10-25T01:45:00Z", "2026-10-25T00:30:00Z"},
        {"02:30", "Europe/Berlin", "2026-10-26T01:30:00Z", "2026-10-26T01:30:00Z"},
        {"03:00", "Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t got = snapshot_schedule_latest(cases[i].times, cases[i].zone, at(cases[i].now));
        char text[CLOCK_TEXT_SIZE];
        clock_text(text, got);
        if (got != at(cases[i].latest))
            fail_msg("%s %s at %s: %s", cases[i].times, cases[i].zone, cases[i].now, text);
        if (got == 0)
            continue;
        /* The next is the mirror of it: none lies between. */
        assert_true(snapshot_schedule_next(cases[i].times, cases[i].zone, got - 1) == got);
        int64_t next = snapshot_schedule_next(cases[i].times, cases[i].zone, at(cases[i].now));
        assert_true(next > at(cases[i].now));
        assert_true(snapshot_schedule_latest(cases[i].times, cases[i].zone, next - 1) == got);
        assert_true(snapshot_schedule_latest(cases[i].times, cases[i].zone, next) == next);
    }
}

static void test_due(void **state)
{
    static const struct {
        const char *last, *now;
        bool due;
    } cases[] = {
        {"2026-06-01T03:00:05Z", "2026-06-02T02:59:59Z", false},
        {"2026-06-01T03:00:05Z", "2026-06-02T03:00:00Z", true},
        {"2026-06-02T03:00:00Z", "2026-06-02T03:00:01Z", false}, /* it has just begun */
        {"2026-05-01T03:00:05Z", "2026-06-02T12:00:00Z", true},  /* a month was missed: once */
        {"2026-06-02T12:00:00Z", "2026-06-02T12:00:01Z", false},
        {"2026-06-02T12:30:00Z", "2026-06-02T12:00:00Z", false}, /* set back a little */
        {"2027-06-02T12:30:00Z", "2026-06-02T12:00:00Z", true}, /* made by a clock that was wrong */
        {"", "2026-06-02T12:00:00Z", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (snapshot_schedule_due("03:00", "UTC", at(cases[i].last), at(cases[i].now)) !=
            cases[i].due)
            fail_msg("%s, %s", cases[i].last, cases[i].now);
}

/* The weeks in which clocks change, looked at each hour: once a day, no more. */
static void test_weeks(void **state)
{
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"};
    static const char *const from[] = {"2026-03-01T12:00:00Z", "2026-10-01T12:00:00Z"};

    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        for (size_t k = 0; k < sizeof from / sizeof from[0]; k++) {
            int64_t last = at(from[k]), end = last + INT64_C(45) * 86400000;
            unsigned runs = 0;
            for (int64_t now = last; now < end; now += 3600000)
                if (snapshot_schedule_due("02:15", zones[i], last, now)) {
                    assert_true(now - last >= 22 * INT64_C(3600000) || runs == 0);
                    last = now;
                    runs++;
                }
            assert_int_equal(runs, 45);
        }
}

/* ---- whose turn ---- */

struct choosing {
    struct world *w;
    struct plan plan;
    struct tenant tenants[3];
};

static int fill(struct txn *txn, void *arg, struct err *err)
{
    struct choosing *c = arg;

    (void)str_copy(c->plan.name, sizeof c->plan.name, "demo");
    if (plan_new(txn, &c->plan, err) == -1)
        return -1;
    for (unsigned i = 0; i < 3; i++) {
        struct tenant *t = &c->tenants[i];
        id_make(t->id, "tn");
        t->number = i + 1;
        t->state = TENANT_ACTIVE;
        t->created_at = txn_time_ms(txn);
        (void)str_copy(t->plan_id, sizeof t->plan_id, c->plan.id);
        if (record_insert(txn, &tenant_table, t, err) == -1)
            return -1;
    }
    return 0;
}

static int put(struct txn *txn, void *arg, struct err *err)
{
    struct choosing *c = arg;

    if (record_put(txn, &plan_table, &c->plan, err) == -1)
        return -1;
    for (unsigned i = 0; i < 3; i++)
        if (record_put(txn, &tenant_table, &c->tenants[i], err) == -1)
            return -1;
    return 0;
}

static int made(struct txn *txn, void *arg, struct err *err)
{
    struct conf conf = {.count = 0};
    struct snapshot s;

    return snapshot_new(txn, &conf, arg, &s, err);
}

/* The number of whom it is, so many hours from now; 0: nobody. */
static uint64_t turn(const struct choosing *c, int64_t hours)
{
    struct txn *txn = must_read(c->w);
    struct tenant t = {0};
    struct err err = {0};
    int got = snapshot_schedule_tenant(txn, "UTC", clock_wall_ms() + hours * 3600000, t.id, &err);

    if (got == -1)
        fail_msg("%s", err.text);
    if (got == 1)
        assert_int_equal(record_get(txn, &tenant_table, &t, &err), 1);
    db_read_end(txn);
    return got == 1 ? t.number : 0;
}

static void test_turns(void **state)
{
    struct choosing c = {.w = world_new()};

    (void)state;
    must_write(c.w, fill, &c);
    assert_int_equal(turn(&c, 48), 0); /* nobody has times */
    (void)str_copy(c.plan.backup_at, sizeof c.plan.backup_at, "00:00,06:00,12:00,18:00");
    (void)str_copy(c.tenants[0].backup_at, sizeof c.tenants[0].backup_at, "off");
    c.tenants[1].state = TENANT_PROVISIONING;
    must_write(c.w, put, &c);
    assert_int_equal(turn(&c, 0), 0); /* what lies before they were set was never promised */
    assert_int_equal(turn(&c, 7), 3);
    c.tenants[1].state = TENANT_SUSPENDED;
    must_write(c.w, put, &c);
    assert_true(turn(&c, 7) >= 2);
    (void)str_copy(c.tenants[1].backup_at, sizeof c.tenants[1].backup_at, "off");
    must_write(c.w, put, &c);
    assert_int_equal(turn(&c, 7), 3);
    must_write(c.w, made, c.tenants[2].id);
    assert_int_equal(turn(&c, 0), 0);
    assert_int_equal(turn(&c, 7), 3); /* the next time */
    c.tenants[2].state = TENANT_DELETED;
    must_write(c.w, put, &c);
    assert_int_equal(turn(&c, 7), 0);
    world_end(c.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check), cmocka_unit_test(test_latest), cmocka_unit_test(test_due),
        cmocka_unit_test(test_weeks), cmocka_unit_test(test_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
