/* Supervised processes: started, ended, started again, found again, and never mistaken. */
#include "process_box.h"
#include "process_user.h"

static void start(const char *name, const char *script)
{
    struct process_plan *p = plan_of(name, script);
    struct err err;

    if (process_group_start(group, p, &err) == -1)
        fail_msg("%s", err.text);
    free(p);
}

static struct process_status status_of(const char *name)
{
    struct process_status s;

    process_group_status(group, name, &s);
    return s;
}

static bool alive(pid_t pid)
{
    struct process_seen seen;

    return process_see(pid, &seen) == 0 && seen.state != 'Z';
}

static void stop(const char *name)
{
    struct err err;

    if (process_group_stop(group, name, "", &err) == -1)
        fail_msg("%s", err.text);
}

static void test_start_stop(void **state)
{
    struct process_status s;
    struct process_plan *p;
    struct process_seen seen;
    struct err err;
    struct buf log;
    char path[128];
    pid_t pid;

    (void)state;
    s = status_of("a");
    assert_false(s.known);
    start("a", SLEEPER);
    s = status_of("a");
    assert_true(s.known && s.running && s.wanted);
    pid = s.pid;
    assert_int_equal(process_see(pid, &seen), 0);
    assert_int_equal(seen.session, pid);
    start("a", SLEEPER); /* fine if it runs */
    assert_int_equal(status_of("a").pid, pid);
    p = plan_of("a", SLEEPER);
    (void)str_copy(p->owner, sizeof p->owner, "tn_two");
    assert_int_equal(process_group_start(group, p, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(process_group_stop(group, "a", "tn_two", &err), -1);
    assert_true(alive(pid));
    free(p);
    buf_init(&log, 4096);
    assert_int_equal(process_log_tail("/nonexistent", 5, &log, &err), 0);
    assert_int_equal(log.len, 0);
    (void)str_format(path, sizeof path, "%s/a.log", folder);
    WAIT_FOR((buf_reset(&log), process_log_tail(path, 5, &log, &err)) == 0 && log.len > 0);
    assert_string_equal(buf_string(&log), "here a%b\tc\n");
    buf_free(&log);
    stop("a");
    assert_false(alive(pid));
    s = status_of("a");
    assert_true(s.known && !s.running && !s.wanted);
    assert_int_equal(s.exit_code, 128 + SIGTERM);
    stop("a");
    assert_int_equal(process_group_remove(group, "a", "tn_one", &err), 0);
    assert_false(status_of("a").known);
    assert_int_equal(process_group_remove(group, "a", "tn_one", &err), 0);
    stop("a");
}

static void test_early_end(void **state)
{
    struct process_plan *p = plan_of("b", "echo no luck; exit 3");
    struct err err;

    (void)state;
    assert_int_equal(process_group_start(group, p, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "code 3: no luck"));
    assert_false(status_of("b").wanted);
    free(p);
    p = plan_of("b2", "");
    p->argc = p->arg_used = 0;
    assert_int_equal(process_plan_arg(p, "/nonexistent/program"), 0);
    assert_int_equal(process_group_start(group, p, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(status_of("b2").wanted);
    p->nofile = 64; /* now prlimit is what cannot execute it */
    assert_int_equal(process_group_start(group, p, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    p->argc = p->arg_used = 0;
    assert_int_equal(process_plan_arg(p, "sh"), 0);
    assert_int_equal(process_group_start(group, p, &err), -1);
    assert_string_equal(err.code, "command_path");
    free(p);
    assert_int_equal(process_group_remove(group, "b", "", &err), 0);
    assert_int_equal(process_group_remove(group, "b2", "", &err), 0);
}

static void test_restart(void **state)
{
    struct process_status s;
    pid_t before;

    (void)state;
    start("c", SLEEPER);
    for (uint32_t i = 1; i <= 3; i++) {
        before = status_of("c").pid;
        assert_int_equal(kill(before, SIGKILL), 0);
        WAIT_FOR((s = status_of("c")).running && s.pid != before);
        assert_int_equal(s.restarts, i);
    }
    assert_int_equal(s.exit_code, 128 + SIGKILL);
    stop("c");
    clock_sleep_ms(300); /* longer than the longest delay: it must stay down */
    assert_false(status_of("c").running);
}

/* A program that will not hear SIGTERM, with a child that will not either. */
static void test_stubborn(void **state)
{
    char text[64] = "", path[128];
    struct buf log;
    int child = 0;
    pid_t pid;

    (void)state;
    start("d", "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & "
               "while :; do sleep 1; done");
    pid = status_of("d").pid;
    (void)str_format(path, sizeof path, "%s/d.log", folder);
    buf_init(&log, 4096);
    WAIT_FOR((buf_reset(&log), process_log_tail(path, 1, &log, NULL)) == 0 && log.len > 1);
    (void)str_copy(text, sizeof text, buf_string(&log));
    assert_int_equal(sscanf(text, "%d", &child), 1);
    buf_free(&log);
    assert_true(alive(child));
    stop("d");
    assert_false(alive(pid));
    WAIT_FOR(!alive(child));
}

static void test_limits_and_environment(void **state)
{
    struct process_plan *p =
        plan_of("e", "ulimit -n; ulimit -d; env | grep SETT_UNIT; exec sleep 99");
    char path[128], expected[160];
    struct buf log;
    struct err err;

    (void)state;
    p->nofile = 77;
    p->memory_bytes = 64u << 20;
    if (process_group_start(group, p, &err) == -1)
        fail_msg("%s", err.text);
    (void)str_format(path, sizeof path, "%s/e.log", folder);
    (void)str_format(expected, sizeof expected, "77\n65536\nSETT_UNIT=%s/units/e\n", folder);
    buf_init(&log, 4096);
    WAIT_FOR((buf_reset(&log), process_log_tail(path, 9, &log, NULL)) == 0 &&
             str_equal(buf_string(&log), expected));
    buf_free(&log);
    free(p);
    stop("e");
}

static void test_own_user(void **state)
{
    struct process_plan *p;
    char path[128];
    struct buf log;
    struct err err;

    (void)state;
    if (geteuid() != 0)
        skip();
    p = plan_of("u", "id -u; id -g; grep -E 'CapEff|NoNewPr' /proc/self/status; exec sleep 99");
    p->uid = 200012;
    p->pids = 32;
    assert_int_equal(chmod(folder, 0711), 0);
    if (process_group_start(group, p, &err) == -1)
        fail_msg("%s", err.text);
    (void)str_format(path, sizeof path, "%s/u.log", folder);
    buf_init(&log, 4096);
    WAIT_FOR((buf_reset(&log), process_log_tail(path, 9, &log, NULL)) == 0 &&
             strstr(buf_string(&log), "NoNewPrivs:\t1") != NULL);
    assert_non_null(strstr(buf_string(&log), "200012\n200012\n"));
    assert_non_null(strstr(buf_string(&log), "CapEff:\t0000000000000000"));
    buf_free(&log);
    free(p);
    stop("u");
}

/* A tenant with a user of its own: its folder and volumes are that user's, and a link that it put
 * there leads nobody out. */
static void test_tenant_with_own_user(void **state)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct runtime_order *o = calloc(1, sizeof *o);
    struct runtime_process_setup setup = {.group = group, .own_uid = true};
    char at[128], path[160];
    struct runtime_status status;
    struct runtime r;
    struct err err;
    struct stat st;

    (void)state;
    if (geteuid() != 0)
        skip();
    (void)str_format(at, sizeof at, "%s/tenants", folder);
    setup.tenants = at;
    assert_int_equal(runtime_process_new(&r, &setup, &err), 0);
    o->number = 5;
    (void)str_copy(o->tenant_id, sizeof o->tenant_id, "tn_five");
    (void)str_copy(b->volumes[0].name, sizeof b->volumes[0].name, "data");
    b->volume_count = 1;
    assert_int_equal(
        blueprint_split(&b->command, "/bin/sh -c \"id -u >data/who; exec sleep 99\"", &err), 0);
    if (r.start(r.self, o, b, &status, &err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(status.state, RUNTIME_RUNNING);
    (void)str_format(path, sizeof path, "%s/5/data/who", at);
    WAIT_FOR(stat(path, &st) == 0 && st.st_size == 7);
    assert_int_equal(st.st_uid, process_user_first(NULL) + 5);
    (void)str_format(path, sizeof path, "%s/5", at);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, process_user_first(NULL) + 5);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(r.stop(r.self, o, &err), 0);
    (void)str_format(path, sizeof path, "%s/5/data", at);
    assert_int_equal(file_remove_tree(path, NULL), 0);
    assert_int_equal(symlink(folder, path), 0);
    assert_int_equal(r.start(r.self, o, b, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(r.remove(r.self, o, true, &err), 0);
    assert_true(file_exists(at) && file_exists(folder));
    assert_int_equal(r.inspect(r.self, o, &status, &err), 0);
    assert_int_equal(status.state, RUNTIME_ABSENT);
    runtime_process_free(&r);
    free(b);
    free(o);
}

/* The hands end, others begin: what runs is found again, what died meanwhile is started, and what
 * was stopped stays so. */
static void test_found_again(void **state)
{
    struct process_status s;
    pid_t f, g;

    (void)state;
    start("f", SLEEPER);
    start("g", SLEEPER);
    start("h", SLEEPER);
    stop("h");
    f = status_of("f").pid;
    g = status_of("g").pid;
    process_group_free(group);
    group = NULL;
    assert_true(alive(f));
    assert_int_equal(kill(g, SIGKILL), 0);
    assert_int_equal(waitpid(g, NULL, 0), g);
    group = open_group();
    s = status_of("f");
    assert_true(s.running);
    assert_int_equal(s.pid, f);
    assert_string_equal(s.owner, "tn_one");
    WAIT_FOR((s = status_of("g")).running);
    assert_int_not_equal(s.pid, g);
    assert_false(status_of("h").running);
    /* What was found is no longer known as a child; it is watched all the same. */
    assert_int_equal(kill(f, SIGKILL), 0);
    WAIT_FOR((s = status_of("f")).running && s.pid != f);
    assert_int_equal(waitpid(f, NULL, 0), f);
    stop("f");
    stop("g");
}

/* The pid in the file now belongs to another process: it is not taken, not signalled. */
static void test_pid_of_another(void **state)
{
    struct process_status s;
    struct buf b;
    char path[128], text[256];
    unsigned long long start_time;
    char rest[128];
    struct process_plan *p;
    struct err err;
    pid_t other, mine;
    int old;

    (void)state;
    start("i", SLEEPER);
    mine = status_of("i").pid;
    process_group_free(group);
    group = NULL;
    assert_int_equal(kill(mine, SIGKILL), 0);
    assert_int_equal(waitpid(mine, NULL, 0), mine);
    p = plan_of("other", "exec sleep 1000");
    assert_int_equal(process_spawn(p, STDERR_FILENO, &other, &err), 0);
    free(p);
    (void)str_format(path, sizeof path, "%s/units/i.pid", folder);
    buf_init(&b, 256);
    assert_int_equal(file_read(path, &b, NULL), 0);
    assert_int_equal(sscanf(b.data, "%d %llu %127[^\n]", &old, &start_time, rest), 3);
    assert_int_equal(old, mine);
    (void)str_format(text, sizeof text, "%d %llu %s\n", (int)other, start_time, rest);
    assert_int_equal(file_write(path, text, strlen(text), 0600, NULL), 0);
    buf_free(&b);
    group = open_group();
    WAIT_FOR((s = status_of("i")).running);
    assert_int_not_equal(s.pid, other);
    stop("i");
    assert_true(alive(other));
    assert_int_equal(kill(other, SIGKILL), 0);
    assert_int_equal(waitpid(other, NULL, 0), other);
}

/* Killed between the start and the noting of the pid: the process is found by its mark, once. */
static void test_orphan(void **state)
{
    char path[128];
    pid_t pid;

    (void)state;
    start("j", SLEEPER);
    pid = status_of("j").pid;
    process_group_free(group);
    group = NULL;
    (void)str_format(path, sizeof path, "%s/units/j.pid", folder);
    assert_int_equal(unlink(path), 0);
    group = open_group();
    assert_int_equal(status_of("j").pid, pid);
    assert_true(file_exists(path));
    process_group_free(group);
    group = open_group(); /* and now by its file again */
    assert_int_equal(status_of("j").pid, pid);
    assert_int_equal(kill(-pid, 0), 0);
    /* It was our child in truth, and somebody must wait for it; found, it is not known as one. */
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    stop("j");
}

static void test_halt(void **state)
{
    struct process_status s;
    pid_t pid;

    (void)state;
    start("k", SLEEPER);
    pid = status_of("k").pid;
    process_group_halt(group);
    assert_false(alive(pid));
    clock_sleep_ms(150);
    assert_false(status_of("k").running);
    process_group_free(group);
    group = open_group();
    WAIT_FOR((s = status_of("k")).running);
    stop("k");
}

static void test_broken_file(void **state)
{
    char path[128];

    (void)state;
    process_group_free(group);
    (void)str_format(path, sizeof path, "%s/units/broken.unit", folder);
    assert_int_equal(file_write(path, "name=broken\nargx=1\n", 19, 0600, NULL), 0);
    group = open_group();
    assert_false(status_of("broken").known);
    assert_true(file_exists(path));
}

static void test_log(void **state)
{
    char path[128], other[128];
    struct buf out;
    struct err err;
    int fd;

    (void)state;
    (void)str_format(path, sizeof path, "%s/some.log", folder);
    (void)str_format(other, sizeof other, "%s/other", folder);
    fd = process_log_open(path, &err);
    assert_true(fd >= 0);
    for (int i = 0; i < 2000; i++)
        (void)dprintf(fd, "line %d\n", i);
    assert_int_equal(process_log_rotate(path, 100000), 0);
    assert_int_equal(process_log_rotate(path, 1000), 1);
    (void)dprintf(fd, "after\n");
    buf_init(&out, 65536);
    assert_int_equal(process_log_tail(path, 3, &out, &err), 0);
    assert_string_equal(buf_string(&out), "line 1998\nline 1999\nafter\n");
    buf_reset(&out);
    assert_int_equal(process_log_tail(path, 1, &out, &err), 0);
    assert_string_equal(buf_string(&out), "after\n");
    (void)close(fd);
    /* A tenant may put a link where its log was. */
    assert_int_equal(file_write(other, "secret\n", 7, 0600, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(process_log_open(path, &err), -1);
    buf_reset(&out);
    assert_int_equal(process_log_tail(path, 1, &out, &err), -1);
    assert_int_equal(out.len, 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(other, path), 0);
    assert_int_equal(process_log_open(path, &err), -1);
    assert_int_equal(process_log_tail(path, 1, &out, &err), -1);
    buf_free(&out);
}

static void test_run(void **state)
{
    struct process_plan *p = plan_of("r", "echo out; echo err >&2; exit 5");
    struct buf out;
    struct err err;
    int code;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(process_run(p, 10, &out, &code, &err), 0);
    assert_int_equal(code, 5);
    assert_string_equal(buf_string(&out), "out\nerr\n");
    free(p);
    p = plan_of("r", "i=0; while [ $i -lt 1000 ]; do echo 0123456789; i=$((i+1)); done");
    buf_reset(&out);
    assert_int_equal(process_run(p, 10, &out, &code, &err), 0);
    assert_int_equal(out.len, 100); /* cut, not stuck */
    free(p);
    p = plan_of("r", "sleep 1000 & sleep 1000");
    buf_reset(&out);
    assert_int_equal(process_run(p, 1, &out, &code, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    free(p);
    buf_free(&out);
}

static void test_users(void **state)
{
    static const char wide[] = "         0          0 4294967295\n";
    static const char few[] = "0 100000 65536\n", two[] = "0 1000 1\n1 100000 300000\n";
    uint32_t uid;
    struct err err;

    (void)state;
    assert_int_equal(process_user_first(wide), PROCESS_USER_FIRST);
    assert_int_equal(process_user_first(two), PROCESS_USER_FIRST);
    assert_int_equal(process_user_first(few), PROCESS_USER_INSIDE);
    assert_int_equal(process_user_first(""), PROCESS_USER_INSIDE);
    assert_int_equal(process_user(PROCESS_USER_FIRST, 7, &uid, &err), 0);
    assert_int_equal(uid, 200007);
    assert_int_equal(process_user(PROCESS_USER_INSIDE, 7, &uid, &err), 0);
    assert_int_equal(uid, 20007);
    assert_int_equal(process_user(PROCESS_USER_INSIDE, 39998, &uid, &err), 0);
    assert_int_equal(uid, 59998);
    assert_int_equal(process_user(PROCESS_USER_INSIDE, 39999, &uid, &err), -1);
    assert_int_equal(process_user(PROCESS_USER_INSIDE, PROCESS_USER_DRILL, &uid, &err), 0);
    assert_int_equal(uid, 59999);
    assert_int_equal(process_user(PROCESS_USER_FIRST, UINT32_MAX, &uid, &err), -1);
    assert_int_equal(process_user(PROCESS_USER_INSIDE, 0, &uid, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_start_stop),
                                       cmocka_unit_test(test_users),
                                       cmocka_unit_test(test_early_end),
                                       cmocka_unit_test(test_restart),
                                       cmocka_unit_test(test_stubborn),
                                       cmocka_unit_test(test_limits_and_environment),
                                       cmocka_unit_test(test_own_user),
                                       cmocka_unit_test(test_tenant_with_own_user),
                                       cmocka_unit_test(test_found_again),
                                       cmocka_unit_test(test_pid_of_another),
                                       cmocka_unit_test(test_orphan),
                                       cmocka_unit_test(test_halt),
                                       cmocka_unit_test(test_broken_file),
                                       cmocka_unit_test(test_log),
                                       cmocka_unit_test(test_run)};

    return cmocka_run_group_tests(tests, process_setup, process_teardown);
}
