/*
 * The proxmox runtime, called by itself, on a cluster that is played (tests/fake/world.py): the
 * questions that every runtime is asked (conformance.h), as far as they need no shell inside, and
 * what is its own: tasks that go on, locks, warnings, answers that are lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "clock.h"
#include "proxmox_world.h"

static struct blueprint blueprint;
static unsigned last = 100;

static struct runtime_order order(void)
{
    struct runtime_order o = {.number = ++last};

    (void)str_format(o.mark, sizeof o.mark, "sett-t%06u", last);
    (void)str_format(o.tenant_id, sizeof o.tenant_id, "tn_%026u", last);
    (void)str_copy(o.job_id, sizeof o.job_id, "job_x");
    (void)str_copy(o.box_id, sizeof o.box_id, "box_x");
    place(&o);
    return o;
}

#define OK(call_)                                                                                  \
    do {                                                                                           \
        err_clear(&err);                                                                           \
        if ((call_) != 0)                                                                          \
            fail_msg("%s: %s (%s)", #call_, err.text, err.code);                                   \
    } while (0)
#define CREATE(o_) runtime.create(runtime.self, (o_), &blueprint, &status, &err)
#define START(o_)  runtime.start(runtime.self, (o_), &blueprint, &status, &err)
#define REMOVE(o_) runtime.remove(runtime.self, (o_), true, &err)

/* Asked again for as long as it says that it goes on. */
static int patiently(int (*verb)(struct runtime_order *o, struct err *err), struct runtime_order *o,
                     struct err *err)
{
    int64_t until = clock_mono_ms() + 10000;

    for (;;) {
        err_clear(err);
        if (verb(o, err) == 0)
            return 0;
        if ((err->kind != ERR_UNAVAILABLE && err->kind != ERR_TIMEOUT &&
             err->kind != ERR_NETWORK) ||
            clock_mono_ms() > until)
            return -1;
        clock_sleep_ms(30);
    }
}

static int create_verb(struct runtime_order *o, struct err *err)
{
    struct runtime_status status;

    return runtime.create(runtime.self, o, &blueprint, &status, err);
}

static int remove_verb(struct runtime_order *o, struct err *err)
{
    return runtime.remove(runtime.self, o, true, err);
}

static void absent(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct runtime_stats stats;
    struct err err;
    struct buf out;

    (void)state;
    OK(runtime.inspect(runtime.self, &o, &status, &err));
    assert_int_equal(status.state, RUNTIME_ABSENT);
    OK(runtime.stop(runtime.self, &o, &err));
    OK(REMOVE(&o));
    assert_int_equal(START(&o), -1);
    assert_string_equal(err.code, "guest_missing");
    assert_int_equal(runtime.stats(runtime.self, &o, &stats, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    buf_init(&out, 1000);
    assert_int_equal(runtime.logs(runtime.self, &o, 5, &out, &err), -1);
    buf_free(&out);
}

static void verbs_may_be_repeated(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        OK(CREATE(&o));
        assert_int_equal(status.state, RUNTIME_STOPPED);
    }
    for (int i = 0; i < 2; i++) {
        OK(START(&o));
        assert_int_equal(status.state, RUNTIME_RUNNING);
        assert_true(str_ends(status.address, ".7:8080"));
        assert_string_equal(status.node, "pve1");
    }
    OK(CREATE(&o)); /* what runs goes on running */
    assert_int_equal(status.state, RUNTIME_RUNNING);
    OK(runtime.restart(runtime.self, &o, &blueprint, &status, &err));
    for (int i = 0; i < 2; i++)
        OK(runtime.stop(runtime.self, &o, &err));
    assert_true(there(&o, "stopped"));
    OK(runtime.remove(runtime.self, &o, false, &err)); /* its disk is its data */
    assert_true(there(&o, NULL));
    for (int i = 0; i < 2; i++)
        OK(REMOVE(&o));
    assert_false(there(&o, NULL));
}

static void foreign_is_refused_and_left(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;
    char said[32];

    (void)state;
    (void)str_format(said, sizeof said, "{\"vmid\":%u}", o.guest);
    tell("pve-foreign", said);
    assert_int_equal(CREATE(&o), -1);
    assert_string_equal(err.code, "guest_foreign");
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "theirs on pve1"));
    assert_int_equal(START(&o), -1);
    assert_int_equal(runtime.stop(runtime.self, &o, &err), -1);
    assert_int_equal(runtime.inspect(runtime.self, &o, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    OK(REMOVE(&o)); /* ours is gone: its number is somebody else's */
    assert_true(there(&o, "theirs"));
}

/* An answer that was lost, a lock, a warning, an answer that is not the API's. */
static void goes_on_after_trouble(void **state)
{
    static const char *const faults[] = {"lose", "drop", "429", "500", "409", "garbage"};
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct runtime_order o = order();
        char plan[200];

        (void)str_format(plan, sizeof plan,
                         "[{\"match\":\"POST /nodes/*\",\"fault\":\"%s\"},{\"match\":\"DELETE "
                         "/nodes/*\",\"fault\":\"%s\"}]",
                         faults[i], faults[i]);
        tell("faults", plan);
        assert_int_equal(patiently(create_verb, &o, &err), 0);
        assert_true(there(&o, o.mark));
        assert_int_equal(patiently(remove_verb, &o, &err), 0);
        assert_false(there(&o, NULL));
    }
    tell("faults", "[]");
}

static void task_that_fails_says_why(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;

    (void)state;
    tell("pve-plan", "{\"fail\":{\"vzcreate\":\"unable to create CT - no space left\"}}");
    assert_int_equal(CREATE(&o), -1);
    assert_string_equal(err.code, "proxmox_task_failed");
    assert_non_null(strstr(err.text, "no space left"));
    assert_false(there(&o, NULL));
    tell("pve-plan", "{\"warn\":true}"); /* warnings are success */
    OK(CREATE(&o));
    tell("pve-plan", "{\"warn\":false}");
    OK(REMOVE(&o));
}

/* Somebody moved it by hand: it is found where it is. */
static void is_found_elsewhere(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;

    (void)state;
    OK(CREATE(&o));
    OK(runtime_proxmox_migrate(&runtime, &o, &blueprint, "pve2", &status, &err));
    OK(runtime_proxmox_migrate(&runtime, &o, &blueprint, "pve2", &status, &err));
    OK(runtime.inspect(runtime.self, &o, &status, &err)); /* the order says pve1 */
    assert_string_equal(status.node, "pve2");
    assert_int_equal(status.state, RUNTIME_RUNNING);
    OK(REMOVE(&o));
}

struct sought {
    uint64_t number;
    unsigned found, all;
};

static int seek(void *arg, const struct runtime_found *found, struct err *err)
{
    struct sought *s = arg;

    (void)err;
    s->all++;
    s->found += found->number == s->number && str_starts(found->tenant_id, "tn_") &&
                found->state == RUNTIME_STOPPED;
    return 0;
}

static void is_listed(void **state)
{
    struct runtime_order o = order(), other = order();
    struct sought sought = {.number = o.number};
    struct runtime_status status;
    struct err err;

    (void)state;
    OK(CREATE(&o));
    (void)str_copy(other.box_id, sizeof other.box_id, "box_y");
    OK(CREATE(&other));
    OK(runtime.list(runtime.self, "box_x", seek, &sought, &err));
    assert_int_equal(sought.found, 1);
    assert_int_equal(sought.all, 1); /* another box's are not ours */
    OK(REMOVE(&o));
    OK(REMOVE(&other));
}

static void says_what_it_cannot(void **state)
{
    struct runtime_order o = order();
    struct blueprint_command command = {.count = 1};
    struct err err;
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(runtime.exec(runtime.self, &o, &blueprint, &command, 5, &out, &err), -1);
    assert_string_equal(err.code, "exec_not_possible");
    assert_non_null(strstr(err.hint, "first boot"));
    buf_free(&out);
}

static void as_described(void **state)
{
    char *breaches = told("breaches");

    (void)state;
    assert_string_equal(breaches, "[]");
    free(breaches);
}

static int setup(void **state)
{
    if (world_setup(state) == -1)
        return -1;
    (void)str_copy(blueprint.name, sizeof blueprint.name, "pve");
    (void)str_copy(blueprint.runtime, sizeof blueprint.runtime, "proxmox");
    (void)str_copy(blueprint.image, sizeof blueprint.image, "local:vztmpl/site_1_amd64.tar.zst");
    blueprint.inner_port = 8080;
    blueprint.limits.memory_bytes = 64u << 20;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent),
        cmocka_unit_test(verbs_may_be_repeated),
        cmocka_unit_test(foreign_is_refused_and_left),
        cmocka_unit_test(goes_on_after_trouble),
        cmocka_unit_test(task_that_fails_says_why),
        cmocka_unit_test(is_found_elsewhere),
        cmocka_unit_test(is_listed),
        cmocka_unit_test(says_what_it_cannot),
        cmocka_unit_test(as_described),
    };

    return cmocka_run_group_tests(tests, setup, world_teardown);
}
