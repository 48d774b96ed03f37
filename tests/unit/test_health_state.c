/* The rules of health and of restarts: blips, N of M, hysteresis, giving up, causes in common. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "health_state.h"
#include "restart_rules.h"

static const struct health_rules usual = {
    .window = 5, .degraded_after = 2, .bad_after = 3, .good_after = 2};

/* Answers as letters (g, b, m), and the state after each (u, h, d, b for unhealthy, r). */
static void follow(const char *answers, const char *states)
{
    static const char letters[] = {'u', 'h', 'd', 'b', 'r'};
    struct health_aspect a = {0};

    for (size_t i = 0; answers[i] != '\0'; i++) {
        uint32_t before = a.state;
        bool changed = health_note(&a, &usual,
                                   answers[i] == 'g'   ? HEALTH_GOOD
                                   : answers[i] == 'b' ? HEALTH_BAD
                                                       : HEALTH_MISSING);
        if (letters[a.state] != states[i])
            fail_msg("%s: after %zu answers %c, not %c", answers, i + 1, letters[a.state],
                     states[i]);
        assert_int_equal(changed, before != a.state);
    }
}

static void one_blip_is_no_alarm(void **state)
{
    (void)state;
    follow("g", "h");
    follow("gbg", "hhh");
    follow("gmgggg", "hhhhhh");
    follow("gbggggbggggb", "hhhhhhhhhhhh");
    follow("b", "u"); /* nor is the first answer of all */
}

static void several_of_the_last_are(void **state)
{
    (void)state;
    follow("gbb", "hhd");
    follow("gbbb", "hhdb");
    follow("gmmm", "hhdr");
    follow("bbb", "udb");
    follow("gmmb", "hhdr"); /* most were missing */
    follow("gbbm", "hhdb");
    follow("gbmgm", "hhddr"); /* not one after the other */
}

static void coming_back_takes_more_than_one(void **state)
{
    (void)state;
    follow("gbbbg", "hhdbd");
    follow("gbbbgg", "hhdbdh");
    follow("gbbbgb", "hhdbdb");
    follow("gmmmgmgm", "hhdrdrdr"); /* one that comes and goes never counts as back */
    follow("gbbbggb", "hhdbdhh");   /* what was before is forgotten */
    follow("gbbgg", "hhddh");
}

static void unhealthy_becomes_unreachable(void **state)
{
    (void)state;
    follow("gbbbmmm", "hhdbbbr");
}

static void the_whole_is_as_its_worst_part_that_counts(void **state)
{
    (void)state;
    assert_int_equal(health_whole(HEALTH_HEALTHY, 0, 0), HEALTH_HEALTHY);
    assert_int_equal(health_whole(HEALTH_HEALTHY, HEALTH_UNHEALTHY, 0), HEALTH_UNREACHABLE);
    assert_int_equal(health_whole(HEALTH_HEALTHY, 0, HEALTH_UNHEALTHY), HEALTH_UNHEALTHY);
    assert_int_equal(health_whole(HEALTH_HEALTHY, 0, HEALTH_UNREACHABLE), HEALTH_UNREACHABLE);
    assert_int_equal(health_whole(HEALTH_UNHEALTHY, HEALTH_UNREACHABLE, 0), HEALTH_UNHEALTHY);
    assert_int_equal(health_whole(HEALTH_HEALTHY, HEALTH_HEALTHY, HEALTH_DEGRADED),
                     HEALTH_DEGRADED);
    assert_int_equal(health_whole(HEALTH_UNKNOWN, HEALTH_HEALTHY, HEALTH_HEALTHY), HEALTH_UNKNOWN);
}

#define MINUTE INT64_C(60000)
static const struct restart_rules rules = {.on = true,
                                           .most = 3,
                                           .window_ms = 60 * MINUTE,
                                           .wait_ms = MINUTE,
                                           .common_percent = 40,
                                           .common_least = 5};

static void three_restarts_and_then_no_more(void **state)
{
    struct restart_tries t = {0};
    int64_t now = 1000 * MINUTE;

    (void)state;
    assert_int_equal(restart_judge(&t, &rules, now), RESTART_NOW);
    restart_note(&t, now);
    assert_int_equal(restart_judge(&t, &rules, now + MINUTE - 1), RESTART_WAIT);
    assert_int_equal(restart_judge(&t, &rules, now + MINUTE), RESTART_NOW);
    restart_note(&t, now + MINUTE);
    assert_int_equal(restart_judge(&t, &rules, now + 2 * MINUTE), RESTART_WAIT); /* twice as long */
    assert_int_equal(restart_judge(&t, &rules, now + 3 * MINUTE), RESTART_NOW);
    restart_note(&t, now + 3 * MINUTE);
    assert_int_equal(restart_judge(&t, &rules, now + 4 * MINUTE), RESTART_WAIT);
    assert_int_equal(restart_judge(&t, &rules, now + 7 * MINUTE), RESTART_GIVE_UP);
    t.given_up_at = now + 7 * MINUTE;
    assert_int_equal(restart_judge(&t, &rules, now + 8 * MINUTE), RESTART_WAIT);
    assert_int_equal(restart_judge(&t, &rules, now + 500 * MINUTE), RESTART_WAIT);
    t.given_up_at = 0; /* it came back by itself, and fails anew much later */
    assert_int_equal(restart_judge(&t, &rules, now + 501 * MINUTE), RESTART_NOW);
}

static void a_window_that_is_over_is_forgotten(void **state)
{
    struct restart_tries t = {.count = 2, .since = 1000 * MINUTE, .last = 1010 * MINUTE};

    (void)state;
    assert_int_equal(restart_judge(&t, &rules, 1061 * MINUTE), RESTART_NOW);
    assert_int_equal(t.count, 0);
    /* and a clock that was ahead does not hold restarts up for a year */
    t = (struct restart_tries){.count = 1, .since = 99999 * MINUTE, .last = 99999 * MINUTE};
    assert_int_equal(restart_judge(&t, &rules, 1000 * MINUTE), RESTART_NOW);
}

static void none_when_they_are_switched_off(void **state)
{
    struct restart_rules off = rules;
    struct restart_tries t = {0};

    (void)state;
    off.on = false;
    assert_int_equal(restart_judge(&t, &off, MINUTE), RESTART_WAIT);
}

static void many_at_once_have_a_cause_in_common(void **state)
{
    (void)state;
    assert_false(restart_common(&rules, 4, 4));
    assert_true(restart_common(&rules, 5, 5));
    assert_true(restart_common(&rules, 400, 1000));
    assert_false(restart_common(&rules, 399, 1000));
    assert_false(restart_common(&rules, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_blip_is_no_alarm),
        cmocka_unit_test(several_of_the_last_are),
        cmocka_unit_test(coming_back_takes_more_than_one),
        cmocka_unit_test(unhealthy_becomes_unreachable),
        cmocka_unit_test(the_whole_is_as_its_worst_part_that_counts),
        cmocka_unit_test(three_restarts_and_then_no_more),
        cmocka_unit_test(a_window_that_is_over_is_forgotten),
        cmocka_unit_test(none_when_they_are_switched_off),
        cmocka_unit_test(many_at_once_have_a_cause_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
