#ifndef SETT_CONFORMANCE_CASES_H
#define SETT_CONFORMANCE_CASES_H
/* The cases of conformance.h, and CONFORMANCE_CASES to run them all. */
#include "conformance.h"

static void conform_absent(void **state)
{
    struct runtime_order o = conformance_order();
    struct runtime_status status;
    struct err err;

    (void)state;
    assert_int_equal(conformance_status(&o).state, RUNTIME_ABSENT);
    CONFORM(subject.runtime->stop(subject.runtime->self, &o, &err));
    CONFORM(subject.runtime->remove(subject.runtime->self, &o, false, &err));
    CONFORM(subject.runtime->remove(subject.runtime->self, &o, true, &err));
    assert_int_equal(conformance_status(&o).state, RUNTIME_ABSENT);
    (void)conformance_inside(&o, "exit 0", &err);
    assert_int_not_equal(err.kind, ERR_NONE);
    if (conformance_cannot(CANNOT_REFUSE_A_START))
        return;
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static void conform_create_is_idempotent(void **state)
{
    uint32_t made = conformance_cannot(CANNOT_SAY_CREATED) ? RUNTIME_STOPPED : RUNTIME_CREATED;
    struct runtime_order o = conformance_order();
    struct runtime_status status, before;
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        CONFORM(conformance_create(&o, &status, &err));
        assert_int_equal(status.state, made);
        assert_int_equal(conformance_status(&o).state, made);
    }
    conformance_put(&o, "index.html", "one");
    CONFORM(conformance_start(&o, &before, &err));
    WAIT_FOR(conformance_answers(&o, "one"));
    before = conformance_status(&o);
    CONFORM(conformance_create(&o, &status, &err));
    CONFORM(conformance_start(&o, &status, &err));
    status = conformance_status(&o);
    assert_int_equal(status.state, RUNTIME_RUNNING);
    assert_string_equal(status.id, before.id);
    if (!conformance_cannot(CANNOT_SAY_WHEN))
        assert_int_equal(status.started_at, before.started_at);
    assert_true(conformance_answers(&o, "one"));
    conformance_gone(&o);
}

static void conform_create_after_a_crash(void **state)
{
    (void)state;
    for (unsigned i = 0;; i++) {
        struct runtime_order o = conformance_order();
        struct runtime_status status;
        struct err err;

        if (!subject.half_made(&o, i))
            return;
        CONFORM(conformance_create(&o, &status, &err));
        conformance_put(&o, "index.html", "whole");
        CONFORM(conformance_start(&o, &status, &err));
        WAIT_FOR(conformance_answers(&o, "whole"));
        conformance_gone(&o);
        /* and what is half made can be taken away as it is */
        assert_true(subject.half_made(&o, i));
        conformance_gone(&o);
    }
}

static void conform_verbs_may_be_repeated(void **state)
{
    struct runtime_order o = conformance_serving();
    struct runtime_status status;
    struct err err;

    (void)state;
    CONFORM(subject.runtime->restart(subject.runtime->self, &o, &subject.b, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    WAIT_FOR(conformance_answers(&o, o.mark));
    for (int i = 0; i < 2; i++) {
        CONFORM(subject.runtime->stop(subject.runtime->self, &o, &err));
        assert_int_equal(conformance_status(&o).state, RUNTIME_STOPPED);
        assert_false(conformance_answers(&o, o.mark));
    }
    CONFORM(subject.runtime->restart(subject.runtime->self, &o, &subject.b, &status, &err));
    WAIT_FOR(conformance_answers(&o, o.mark));
    CONFORM(subject.runtime->stop(subject.runtime->self, &o, &err));
    for (int i = 0; i < 2; i++) {
        CONFORM(conformance_start(&o, &status, &err));
        WAIT_FOR(conformance_answers(&o, o.mark));
    }
    conformance_gone(&o);
    conformance_gone(&o);
}

static void conform_foreign_is_refused_and_left(void **state)
{
    struct runtime_order o = conformance_order();
    struct runtime_status status;
    struct err err;

    (void)state;
    subject.foreign(&o);
    err_clear(&err);
    assert_int_equal(conformance_create(&o, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    (void)str_format(status.detail, sizeof status.detail, "%u", (unsigned)o.number);
    assert_non_null(strstr(err.text, status.detail)); /* named */
    assert_int_equal(subject.runtime->stop(subject.runtime->self, &o, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    if (conformance_cannot(CANNOT_HOLD_A_NAME)) {
        CONFORM(subject.runtime->remove(subject.runtime->self, &o, true, &err));
    } else {
        assert_int_equal(subject.runtime->remove(subject.runtime->self, &o, true, &err), -1);
        assert_int_equal(err.kind, ERR_CONFLICT);
    }
    assert_int_equal(subject.runtime->inspect(subject.runtime->self, &o, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_true(subject.untouched(&o));
    if (subject.cannot[CANNOT_HOLD_A_NAME] == NULL)
        conformance_gone(&o);
}

/* Limits as the tenant meets them: what it reads, and what happens beyond them. */
static void conform_limits_hold_inside(void **state)
{
    struct runtime_order o;
    struct runtime_stats a, b;
    struct err err;

    (void)state;
    if (conformance_cannot(CANNOT_RUN_INSIDE))
        return;
    o = conformance_serving();
    assert_string_equal(conformance_says(&o, "ulimit -n"), "200\n");
    if (!conformance_cannot(CANNOT_LIMIT_MEMORY)) {
        assert_string_equal(conformance_says(&o, "cat /sys/fs/cgroup/memory.max 2>/dev/null || "
                                                 "cat /sys/fs/cgroup/memory/memory.limit_in_bytes"),
                            "50331648\n");
        (void)conformance_inside(&o, "exec tail /dev/zero", &err);
        assert_string_equal(err.code, "command_failed");
        assert_non_null(strstr(err.text, "137"));
    }
    if (!conformance_cannot(CANNOT_LIMIT_PIDS))
        assert_non_null(
            strstr(conformance_inside(&o, "for i in $(seq 60); do sleep 2 & done 2>&1; wait", &err),
                   "fork"));
    if (!conformance_cannot(CANNOT_LIMIT_CPU)) {
        CONFORM(subject.runtime->stats(subject.runtime->self, &o, &a, &err));
        (void)conformance_says(&o, "timeout 2 sh -c 'while :; do :; done' || true");
        CONFORM(subject.runtime->stats(subject.runtime->self, &o, &b, &err));
        /* two seconds at a quarter of a processor, and what else it does */
        assert_true(b.cpu_ns > a.cpu_ns && b.cpu_ns - a.cpu_ns < 1200000000u);
    }
    WAIT_FOR(conformance_answers(&o, o.mark));
    conformance_gone(&o);
}

/* How a TCP port of this machine looks from next door: through a pair of interfaces out of a
 * network namespace of its own, as another machine of the same network would see it. */
static bool conformance_reachable(uint32_t port)
{
    char script[1024];
    int code;

    (void)str_format(
        script, sizeof script,
        "set -e; unshare -n sleep 60 & pid=$!; trap 'code=$?; kill $pid; ip link del settn%u "
        "2>/dev/null || true; exit $code' EXIT; until [ \"$(readlink /proc/$pid/ns/net)\" != "
        "\"$(readlink "
        "/proc/self/ns/net)\" ]; do sleep 0.01; done; "
        "ip link add settn%u type veth peer name eth0 netns $pid; "
        "ip addr add 198.18.213.1/30 dev settn%u; ip link set settn%u up; "
        "nsenter -n -t $pid ip addr add 198.18.213.2/30 dev eth0; "
        "nsenter -n -t $pid ip link set eth0 up; nsenter -n -t $pid python3 -c 'import socket; "
        "socket.create_connection((\"198.18.213.1\", %u), 2)' 2>/dev/null",
        port, port, port, port, port);
    code = system(script); /* NOLINT: a test's own script */
    return code == 0;
}

static void conform_port_is_of_this_machine_alone(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct runtime_order o;
    unsigned control = 0;
    int fd;

    (void)state;
    if (conformance_cannot(CANNOT_BE_LOCAL))
        return;
    if (geteuid() != 0) {
        print_message("# not shown without root: whether another machine reaches the port\n");
        return;
    }
    /* the control: what listens everywhere is reached; no tenant has a port so low */
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    do
        at.sin_port = htons((uint16_t)(9000 + ++control));
    while (bind(fd, (struct sockaddr *)&at, sizeof at) == -1 && control < 900);
    assert_int_equal(listen(fd, 8), 0);
    assert_true(conformance_reachable(ntohs(at.sin_port)));
    (void)close(fd);
    o = conformance_serving();
    assert_false(conformance_reachable(o.port));
    assert_true(conformance_answers(&o, o.mark));
    conformance_gone(&o);
}

static void conform_volumes_outlive_the_program(void **state)
{
    struct runtime_order o;
    struct runtime_status status;
    char path[256], script[256];
    struct err err;

    (void)state;
    if (conformance_cannot(CANNOT_SHARE_FILES))
        return;
    o = conformance_serving();
    (void)str_format(script, sizeof script, "echo kept > %s/kept", subject.site);
    (void)conformance_says(&o, script);
    CONFORM(subject.runtime->remove(subject.runtime->self, &o, false, &err));
    assert_int_equal(conformance_status(&o).state, RUNTIME_ABSENT);
    conformance_path(&o, "index.html", path);
    assert_true(file_exists(path));
    CONFORM(conformance_create(&o, &status, &err));
    CONFORM(conformance_start(&o, &status, &err));
    WAIT_FOR(conformance_answers(&o, o.mark));
    (void)str_format(script, sizeof script, "cat %s/kept", subject.site);
    assert_string_equal(conformance_says(&o, script), "kept\n");
    conformance_gone(&o);
    assert_false(file_exists(path));
}

static void conform_logs_are_bounded(void **state)
{
    struct runtime_order o;
    struct buf out;
    struct err err;

    (void)state;
    if (conformance_cannot(CANNOT_READ_OUTPUT))
        return;
    o = conformance_serving();
    buf_init(&out, 64 * 1024);
    do {
        buf_reset(&out);
        CONFORM(subject.runtime->logs(subject.runtime->self, &o, 1000, &out, &err));
        clock_sleep_ms(20);
    } while (strstr(buf_string(&out), "begun\n") == NULL);
    buf_reset(&out);
    for (int i = 0; i < 2; i++) { /* it says "begun" a second and a third time */
        struct runtime_status status;
        CONFORM(subject.runtime->restart(subject.runtime->self, &o, &subject.b, &status, &err));
        WAIT_FOR(conformance_answers(&o, o.mark));
    }
    WAIT_FOR(
        (buf_reset(&out), subject.runtime->logs(subject.runtime->self, &o, 1, &out, &err) == 0 &&
                              str_ends(buf_string(&out), "\n")));
    assert_ptr_equal(strchr(buf_string(&out), '\n'), buf_string(&out) + out.len - 1);
    buf_free(&out);
    conformance_gone(&o);
}

/* Paused it answers nobody and is not said to have ended; it goes on where it was, is stopped and
 * removed out of a pause, and may be told either thing twice. */
static void conform_stands_still(void **state)
{
    struct runtime *r = subject.runtime;
    struct runtime_status before;
    struct runtime_order o;
    struct err err;

    (void)state;
    if (conformance_cannot(CANNOT_STAND_STILL))
        return;
    o = conformance_serving();
    before = conformance_status(&o);
    CONFORM(r->pause(r->self, &o, false, &err));
    CONFORM(r->pause(r->self, &o, true, &err));
    CONFORM(r->pause(r->self, &o, true, &err));
    assert_int_equal(conformance_status(&o).state, RUNTIME_RUNNING);
    assert_false(conformance_answers(&o, o.mark));
    CONFORM(r->pause(r->self, &o, false, &err));
    WAIT_FOR(conformance_answers(&o, o.mark));
    assert_string_equal(conformance_status(&o).id, before.id);
    assert_string_equal(conformance_says(&o, "echo here"), "here\n");
    CONFORM(r->pause(r->self, &o, true, &err));
    CONFORM(r->stop(r->self, &o, &err));
    CONFORM(r->pause(r->self, &o, false, &err));
    assert_int_equal(r->pause(r->self, &o, true, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    conformance_gone(&o);
}

static void conform_stats(void **state)
{
    struct runtime_order o = conformance_serving();
    struct runtime_stats stats;
    char script[256];
    struct err err;

    (void)state;
    (void)str_format(script, sizeof script,
                     "dd if=/dev/zero of=%s/big bs=1024 count=3072 2>/dev/null", subject.site);
    if (subject.cannot[CANNOT_RUN_INSIDE] == NULL)
        (void)conformance_says(&o, script);
    CONFORM(subject.runtime->stats(subject.runtime->self, &o, &stats, &err));
    assert_in_range(stats.memory_bytes, 1, 48u << 20);
    assert_int_equal(stats.memory_limit_bytes, 48u << 20);
    if (!conformance_cannot(CANNOT_LIMIT_PIDS))
        assert_in_range(stats.pids, 1, 24);
    if (!conformance_cannot(CANNOT_RUN_INSIDE))
        assert_in_range(stats.storage_bytes, 3072u * 1024u, 16u << 20);
    if (!conformance_cannot(CANNOT_COUNT_TRAFFIC))
        assert_true(stats.received_bytes > 0 && stats.sent_bytes > 0);
    CONFORM(subject.runtime->stop(subject.runtime->self, &o, &err));
    CONFORM(subject.runtime->stats(subject.runtime->self, &o, &stats, &err));
    assert_int_equal(stats.memory_bytes, 0);
    assert_int_equal(stats.pids, 0);
    if (subject.cannot[CANNOT_RUN_INSIDE] == NULL)
        assert_true(stats.storage_bytes >= 3072u * 1024u);
    conformance_gone(&o);
}

static void conform_init_runs_once(void **state)
{
    struct runtime_order o;
    struct hands_request *q = calloc(1, sizeof *q);
    struct hands_reply reply;
    char text[256];

    (void)state;
    assert_non_null(q);
    if (subject.world == NULL) {
        print_message("# %s: the hands do not run it\n", subject.name);
        free(q);
        return;
    }
    o = conformance_serving();
    q->verb = HANDS_RUNTIME_INIT;
    q->number = o.number;
    q->port = o.port;
    q->env = o.env;
    (void)str_copy(q->tenant_id, sizeof q->tenant_id, o.tenant_id);
    (void)str_copy(q->box_id, sizeof q->box_id, o.box_id);
    (void)str_copy(q->blueprint, sizeof q->blueprint, o.blueprint);
    for (int i = 0; i < 2; i++) {
        hands_run(subject.world, q, -1, &reply, NULL);
        if (reply.outcome != OUTCOME_OK)
            fail_msg("%s: %s", subject.name, reply.err_text);
    }
    assert_int_equal(conformance_ask(o.port, "inits", text, sizeof text), 200);
    assert_string_equal(text, "init\n");
    q->verb = HANDS_RUNTIME_REMOVE; /* with its data: what comes next begins anew */
    q->flag = true;
    hands_run(subject.world, q, -1, &reply, NULL);
    assert_int_equal(reply.outcome, OUTCOME_OK);
    free(q);
    conformance_gone(&o);
}

static void conform_variables_are_expanded(void **state)
{
    struct runtime_order o = conformance_serving();
    struct runtime_status status;
    char expected[64];
    struct err err;

    (void)state;
    (void)str_format(expected, sizeof expected, "Hello Acme of blue$\n%u tn_conform%u\n",
                     (unsigned)o.number, (unsigned)o.number);
    if (!conformance_cannot(CANNOT_RUN_INSIDE))
        assert_string_equal(
            conformance_says(&o, "echo \"$GREETING\"; echo $TENANT_NUMBER $TENANT_ID"), expected);
    /* what an order may not set */
    o.number = ++subject.last;
    (void)str_format(o.mark, sizeof o.mark, "sett-t%06u", subject.last);
    if (subject.order != NULL)
        subject.order(&o);
    assert_int_equal(kv_set(&o.env, "LD_PRELOAD", "/tmp/x"), 0);
    if (conformance_create(&o, &status, &err) == 0)
        assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.code, "variable_unknown");
    kv_unset(&o.env, "LD_PRELOAD");
    conformance_gone(&o);
    o.number--;
    (void)str_format(o.mark, sizeof o.mark, "sett-t%06u", subject.last - 1);
    if (subject.order != NULL)
        subject.order(&o);
    conformance_gone(&o);
}

static void conform_ends_are_told(void **state)
{
    struct runtime_order o;
    struct err err;

    (void)state;
    if (conformance_cannot(CANNOT_RUN_INSIDE))
        return;
    o = conformance_serving();
    (void)conformance_inside(&o, "echo last words; exit 7", &err);
    assert_string_equal(err.code, "command_failed");
    assert_non_null(strstr(err.text, "7"));
    assert_non_null(strstr(err.text, "last words"));
    (void)conformance_inside(&o, "/no/such/program", &err);
    assert_int_equal(err.kind, ERR_INVALID);
    conformance_put(&o, "end", "");
    if (!conformance_cannot(CANNOT_SAY_EXIT))
        WAIT_FOR(conformance_status(&o).exit_code == 3);
    if (!conformance_cannot(CANNOT_COUNT_RESTARTS))
        WAIT_FOR(conformance_status(&o).restarts >= 1);
    WAIT_FOR(conformance_status(&o).state == RUNTIME_RUNNING && conformance_answers(&o, o.mark));
    if (!conformance_cannot(CANNOT_SAY_OOM)) {
        conformance_put(&o, "oom", "");
        WAIT_FOR(conformance_status(&o).oom_killed);
    }
    conformance_gone(&o);
}

struct conformance_sought {
    const struct runtime_order *o;
    uint32_t state;
    unsigned found;
};

static int conformance_seen(void *arg, const struct runtime_found *found, struct err *err)
{
    struct conformance_sought *s = arg;

    (void)err;
    if (found->number == s->o->number) {
        assert_string_equal(found->tenant_id, s->o->tenant_id);
        s->found++;
        s->state = found->state > s->state ? found->state : s->state;
    }
    return 0;
}

/* All with the box's mark is listed, whoever remembers it. */
static void conform_is_listed(void **state)
{
    struct runtime_order o = conformance_serving();
    struct conformance_sought sought = {&o, RUNTIME_ABSENT, 0};
    struct err err;

    (void)state;
    assert_non_null(subject.runtime->list);
    CONFORM(
        subject.runtime->list(subject.runtime->self, o.box_id, conformance_seen, &sought, &err));
    assert_true(sought.found > 0);
    assert_int_equal(sought.state, RUNTIME_RUNNING);
    conformance_gone(&o);
    sought.found = 0;
    CONFORM(
        subject.runtime->list(subject.runtime->self, o.box_id, conformance_seen, &sought, &err));
    assert_int_equal(sought.found, 0);
}

static void conform_tenants_are_apart(void **state)
{
    struct runtime_order a, b;
    char address[64], script[256];
    struct err err;

    (void)state;
    if (conformance_cannot(CANNOT_PART_TENANTS))
        return;
    a = conformance_serving();
    b = conformance_serving();
    subject.address(&b, address);
    (void)str_format(script, sizeof script,
                     "printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | timeout 1 nc %s", address);
    assert_non_null(strstr(conformance_inside(&b, script, &err), b.mark)); /* the control */
    assert_null(strstr(conformance_inside(&a, script, &err), b.mark));
    (void)str_format(script, sizeof script,
                     "printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | timeout 1 nc 127.0.0.1 %u",
                     b.port);
    assert_null(strstr(conformance_inside(&a, script, &err), b.mark));
    (void)str_format(script, sizeof script,
                     "g=$(ip route | sed -n 's/default via \\([0-9.]*\\).*/\\1/p'); printf 'GET "
                     "/index.html HTTP/1.0\\r\\n\\r\\n' | timeout 1 nc ${g:-198.18.213.1} %u",
                     b.port);
    assert_null(strstr(conformance_inside(&a, script, &err), b.mark));
    (void)str_format(script, sizeof script, "ls %s/%u", subject.tenants, (unsigned)b.number);
    assert_null(strstr(conformance_inside(&a, script, &err), "site"));
    conformance_gone(&a);
    conformance_gone(&b);
}

#define CONFORMANCE_CASES                                                                          \
    cmocka_unit_test(conform_absent), cmocka_unit_test(conform_create_is_idempotent),              \
        cmocka_unit_test(conform_create_after_a_crash),                                            \
        cmocka_unit_test(conform_verbs_may_be_repeated),                                           \
        cmocka_unit_test(conform_foreign_is_refused_and_left),                                     \
        cmocka_unit_test(conform_limits_hold_inside),                                              \
        cmocka_unit_test(conform_port_is_of_this_machine_alone),                                   \
        cmocka_unit_test(conform_volumes_outlive_the_program),                                     \
        cmocka_unit_test(conform_logs_are_bounded), cmocka_unit_test(conform_stats),               \
        cmocka_unit_test(conform_stands_still), cmocka_unit_test(conform_init_runs_once),          \
        cmocka_unit_test(conform_variables_are_expanded), cmocka_unit_test(conform_ends_are_told), \
        cmocka_unit_test(conform_is_listed), cmocka_unit_test(conform_tenants_are_apart)

#endif
