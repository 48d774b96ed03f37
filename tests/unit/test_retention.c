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
    uint32_t daily, weekly, monthly, last;
} cases[] = {
    {"", "", 30, 0, 0, 0},
    {"f", "F", 0, 0, 0, 0},
    {"fff", "FFF", 0, 0, 0, 0},
    {"ffff", "fFFF", 0, 0, 0, 0},
    {"ffffffff", "fffFFFFF", 5, 0, 0, 0},
    {"fiii", "FIII", 0, 0, 0, 0},
    {"ffffffff", "fffFFFFF", 0, 0, 0, 5},
    {"ffffffff", "fffffFFF", 0, 0, 0, 1},
    {"fiiif", "FIIIF", 0, 0, 0, 0},
    {"fiiifff", "fiiiFFF", 0, 0, 0, 0},
    {"fiifii", "fiiFII", 0, 0, 0, 0},
    {"fiiiiif", "FIIIIIF", 2, 0, 0, 0},
    {"fu", "FU", 0, 0, 0, 0},
    {"fuuuu", "FUUUU", 0, 0, 0, 0},
    {"uuuu", "UUUU", 0, 0, 0, 0},
    {"ufff", "uFFF", 0, 0, 0, 0},
    {"fufufuff", "fufuFuFF", 0, 0, 0, 0},
    {"fsssfss", "fsssFSS", 1, 0, 0, 0},
    {"fssssssfss", "fsssssSFSS", 2, 0, 0, 0},
    {"ffffffffffffffffffffffffffffffffffff", "ffffffFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 30, 0, 0, 0},
    /* From Monday 2024-01-01: Sundays are the 7th, 14th, 21st letter. */
    {"fffffffffffffffffffffff", "ffffffFffffffFffffffFFF", 0, 4, 0, 0},
    {"fffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffFfFFF", 0, 0, 2, 0},
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
        struct retention_rules rules = {
            .box = {cases[i].daily, cases[i].weekly, cases[i].monthly, cases[i].last}};
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

/* Histories of several scopes, a word each: whose (b the box's, x and y two tenants'), what (as
 * above; i builds on the one before of the same scope), h: six hours after the one before and not a
 * day. Rules: of the box and of tenants, daily and newest. */
static const struct {
    const char *history, *stays;
    struct retention_rules rules;
} mixed[] = {
    /* A tenant's own do not count for the box's, nor the other way round. */
    {"bf xf xf xf xf xf", "+ - - + + +", {{0}, {0}}},
    {"bf bf bf xf bf xf xf", "- + + + + + +", {{0}, {0}}},
    {"bf bf bf bf xf xf xf xf", "- + + + + + + +", {{0}, {.daily = 4}}},
    {"bf bf bf bf xf xf xf xf", "+ + + + - + + +", {{.daily = 4}, {0}}},
    {"xf yf xf yf xf yf xf yf", "- - + + + + + +", {{0}, {0}}},
    /* Four a day: the newest of each day, and so many newest. */
    {"xf xfh xfh xfh xf xfh xfh xfh", "- - - + - + + +", {{0}, {.daily = 2}}},
    {"xf xfh xfh xfh xf xfh xfh xfh", "- - - + + + + +", {{0}, {.daily = 2, .last = 4}}},
    {"xf xfh xfh xfh xf xfh xfh xfh", "- - - - - + + +", {{.daily = 9, .last = 9}, {0}}},
    /* What a kept one builds on stays, whatever lies between. */
    {"xf bf xi bf xi bf xi bf xi", "+ - + + + + + + +", {{0}, {0}}},
    {"xf xi xi xf xf xf", "- - - + + +", {{0}, {0}}},
    {"xf xi xi xf xi xi", "- - - + + +", {{0}, {0}}},
    {"bf bi bi bi bf bi", "+ + + + + +", {{0}, {0}}},
    /* Not verified, or lost since: no newer verified one, no deletion. */
    {"bf bu bu bu", "+ + + +", {{0}, {0}}},
    {"bf bf bf bf bu", "- + + + +", {{0}, {0}}},
    {"bf bu bf bf bf", "- - + + +", {{0}, {0}}},
    {"bu bi bi bf", "+ + + +", {{0}, {0}}},
    {"xu bf bf bf bf", "+ - + + +", {{0}, {0}}},
};

static size_t build_mixed(const char *history, struct retention_item *items)
{
    int64_t at = INT64_C(1704110400000);
    size_t n = 0;

    for (const char *c = history; *c != '\0'; c += strcspn(c, " "), c += *c == ' ') {
        struct retention_item *item = &items[n];
        bool soon = c[2] == 'h';
        at += soon ? DAY / 4 : (at / DAY + 1) * DAY - at; /* a day begins at midnight */
        *item = (struct retention_item){.number = n + 1, .created_at = at, .verified = c[1] != 'u'};
        (void)str_format(item->id, sizeof item->id, "snap_%04zu", n);
        (void)str_format(item->tenant_id, sizeof item->tenant_id, "%.*s", *c == 'b' ? 0 : 1, c);
        for (size_t k = n; c[1] == 'i' && k-- > 0;)
            if (str_equal(items[k].tenant_id, item->tenant_id)) {
                (void)str_copy(item->base_id, sizeof item->base_id, items[k].id);
                break;
            }
        n++;
    }
    return n;
}

static void test_mixed(void **state)
{
    static struct retention_item items[MOST];
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof mixed / sizeof mixed[0]; i++) {
        size_t n = build_mixed(mixed[i].history, items);
        char got[2 * MOST + 1] = "";
        int go = retention_decide(items, n, &mixed[i].rules, &err);
        for (size_t k = 0; k < n; k++) {
            (void)str_format(got + 2 * k, sizeof got - 2 * k, "%c ", items[k].keep ? '+' : '-');
            go -= !items[k].keep;
            assert_true(items[k].reason[0] != '\0');
            if (!items[k].keep)
                assert_true(str_equal(items[k].reason, "no rule keeps it") ||
                            str_equal(items[k].reason, "newer ones are verified"));
        }
        got[2 * n - 1] = '\0';
        assert_int_equal(go, 0);
        if (strcmp(got, mixed[i].stays) != 0)
            fail_msg("%s: %s, and not %s", mixed[i].history, got, mixed[i].stays);
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
        struct retention_rules rules = {{chance(40), chance(10), chance(14), chance(9)},
                                        {chance(20), chance(5), chance(4), chance(20)}};
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
    struct retention_rules rules = {.box = {1, 0, 0, 0}};
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
        rules.box.daily = 5;
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
        cmocka_unit_test(test_cases),     cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_by_chance), cmocka_unit_test(test_clock),
        cmocka_unit_test(test_jumped),
    };

    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
