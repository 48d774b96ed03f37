/* Which snapshots may go: a table of small cases, and thousands of histories made by chance of
 * which some things must be true whatever the rules are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "backup_watch.h"
#include "retention.h"
#include "str.h"

#define DAY  (INT64_C(86400) * 1000)
#define MOST 400

/* In a case each letter is a snapshot, a day after the one before: f whole, i builds on the one
 * before, u whole and not verified, s as f and on the same day. What stays is written in capitals.
 */
static const struct {
    const char *history, *stays;
    uint32_t daily, weekly, monthly;
} cases[] = {
    {"", "", 30, 0, 0},
    {"f", "F", 0, 0, 0},
    {"fff", "FFF", 0, 0, 0},
    {"ffff", "fFFF", 0, 0, 0},
    {"ffffffff", "fffFFFFF", 5, 0, 0},
    {"fiii", "FIII", 0, 0, 0},
    {"fiiif", "FIIIF", 0, 0, 0},
    {"fiiifff", "fiiiFFF", 0, 0, 0},
    {"fiifii", "fiiFII", 0, 0, 0},
    {"fiiiiif", "FIIIIIF", 2, 0, 0},
    {"fu", "FU", 0, 0, 0},
    {"fuuuu", "FUUUU", 0, 0, 0},
    {"uuuu", "UUUU", 0, 0, 0},
    {"ufff", "uFFF", 0, 0, 0},
    {"fufufuff", "fufuFuFF", 0, 0, 0},
    {"fsssfss", "fsssFSS", 1, 0, 0},
    {"fssssssfss", "fsssssSFSS", 2, 0, 0},
    {"ffffffffffffffffffffffffffffffffffff", "ffffffFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 30, 0, 0},
    /* From Monday 2024-01-01: Sundays are the 7th, 14th, 21st letter. */
    {"fffffffffffffffffffffff", "ffffffFffffffFffffffFFF", 0, 4, 0},
    {"fffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffFfFFF", 0, 0, 2},
};

static size_t build(const char *history, struct retention_item *items)
{
    int64_t at = INT64_C(1704110400000) - DAY; /* 2023-12-31 12:00 UTC */
    size_t n = 0;

    for (const char *c = history; *c != '\0'; c++, n++) {
        struct retention_item *item = &items[n];
        at += *c == 's' ? 1000 : DAY;
        *item = (struct retention_item){.number = n + 1, .created_at = at, .verified = *c != 'u'};
        (void)str_format(item->id, sizeof item->id, "snap_%04zu", n);
        if (*c == 'i')
            (void)str_format(item->base_id, sizeof item->base_id, "snap_%04zu", n - 1);
    }
    return n;
}

static void test_cases(void **state)
{
    static struct retention_item items[MOST];
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct retention_rules rules = {cases[i].daily, cases[i].weekly, cases[i].monthly};
        size_t n = build(cases[i].history, items);
        char got[MOST + 1];
        assert_true(retention_decide(items, n, &rules, &err) >= 0);
        for (size_t k = 0; k < n; k++) {
            got[k] = (char)(cases[i].history[k] - (items[k].keep ? 32 : 0));
            assert_true(items[k].reason[0] != '\0');
        }
        got[n] = '\0';
        if (strcmp(got, cases[i].stays) != 0)
            fail_msg("%s: %s, and not %s", cases[i].history, got, cases[i].stays);
    }
}

static uint32_t seed = 1;
static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static struct retention_item *with_id(struct retention_item *items, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(items[i].id, id))
            return &items[i];
    return NULL;
}

static size_t by_chance(struct retention_item *items)
{
    size_t n = chance(120), scopes = 1 + chance(3);
    int64_t at = INT64_C(1700000000000);

    for (size_t i = 0; i < n; i++) {
        at += (int64_t)chance(3 * 86400) * 1000 - 3600000; /* it may go back an hour */
        items[i] =
            (struct retention_item){.number = i + 1, .created_at = at, .verified = chance(5) != 0};
        (void)str_format(items[i].id, sizeof items[i].id, "snap_%04zu", i);
        (void)str_format(items[i].tenant_id, sizeof items[i].tenant_id, "%.*s",
                         (int)chance((uint32_t)scopes), "ab");
        for (size_t k = i; k-- > 0 && chance(4) != 0;)
            if (str_equal(items[k].tenant_id, items[i].tenant_id)) {
                (void)str_copy(items[i].base_id, sizeof items[i].base_id, items[k].id);
                break;
            }
    }
    return n;
}

static void check(struct retention_item *items, size_t n, int go)
{
    size_t gone = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned newer_kept = 0, verified = 0, verified_kept = 0;
        struct retention_item *base = with_id(items, n, items[i].base_id);
        gone += !items[i].keep;
        for (size_t k = 0; k < n; k++) {
            if (!str_equal(items[k].tenant_id, items[i].tenant_id))
                continue;
            newer_kept += items[k].verified && items[k].keep && items[k].number > items[i].number;
            verified += items[k].verified;
            verified_kept += items[k].verified && items[k].keep;
        }
        if (!items[i].keep)
            assert_true(newer_kept >= 1);
        assert_true(verified_kept >= (verified < 3 ? verified : 3));
        if (items[i].keep && base != NULL)
            assert_true(base->keep);
    }
    assert_int_equal(gone, go);
}

static void test_by_chance(void **state)
{
    static struct retention_item items[MOST], again[MOST];
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        struct retention_rules rules = {chance(40), chance(10), chance(14)};
        size_t n = by_chance(items), left = 0;
        int go = retention_decide(items, n, &rules, &err);
        if (go == -1)
            fail_msg("%s", err.text);
        check(items, n, go);
        /* Who is left after that is left for good: nothing more goes the second time. */
        for (size_t k = 0; k < n; k++)
            if (items[k].keep)
                again[left++] = items[k];
        go = retention_decide(again, left, &rules, &err);
        assert_true(go >= 0);
        check(again, left, go);
    }
}

/* A clock that jumps makes nothing go. */
static void test_clock(void **state)
{
    static struct retention_item items[MOST];
    struct retention_rules rules = {1, 0, 0};
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        size_t n = build("ffffffffffffffffffff", items), at = 1 + chance(19);
        items[at].created_at = items[at - 1].created_at - DAY - 1000 - (int64_t)chance(4000) * DAY;
        assert_int_equal(retention_decide(items, n, &rules, &err), -1);
        assert_string_equal(err.code, "clock_jumped");
        for (size_t k = 0; k < n; k++)
            assert_true(items[k].keep);
    }
    /* Forward it may: days are counted that have a snapshot, and not by today's date. */
    for (unsigned i = 0; i < 100; i++) {
        size_t n = build("fffff", items);
        rules.daily = 5;
        items[4].created_at += (int64_t)chance(10000) * DAY;
        assert_int_equal(retention_decide(items, n, &rules, &err), 0);
    }
}

/* The worker's own look at the clock: wall against monotonic. */
static void test_jumped(void **state)
{
    (void)state;
    assert_false(backup_watch_jumped(1000, 1000));
    assert_false(backup_watch_jumped(40 * DAY, 40 * DAY + 3600000));
    assert_false(backup_watch_jumped(-DAY + 1000, 0));
    assert_true(backup_watch_jumped(2 * DAY, 1000));
    assert_true(backup_watch_jumped(-DAY - 1000, 0));
    assert_true(backup_watch_jumped(0, DAY + 1000)); /* it was set back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_by_chance),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_jumped),
    };

    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
