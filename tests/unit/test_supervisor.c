/* Supervisors: the same verbs with and without a service manager. */
#include "process_box.h"

static void test_supervisor_child(void **state)
{
    struct supervisor s;
    struct supervisor_unit u = {.name = "sett-tunnel@12", .argv = {"/bin/sh", "-c", SLEEPER}};
    struct supervisor_status status;
    struct buf out;
    struct err err;
    char logs[128];
    uint32_t pid;

    (void)state;
    (void)str_format(logs, sizeof logs, "%s/logs", folder);
    assert_int_equal(supervisor_child_new(&s, group, logs, 1, &err), 0);
    assert_int_equal(s.status(s.self, &u, &status, &err), 0);
    assert_false(status.known);
    assert_int_equal(s.start(s.self, &u, &err), 0);
    assert_int_equal(s.start(s.self, &u, &err), 0);
    assert_int_equal(s.status(s.self, &u, &status, &err), 0);
    assert_true(status.known && status.running && status.pid != 0);
    pid = status.pid;
    assert_int_equal(s.restart(s.self, &u, &err), 0);
    assert_int_equal(s.status(s.self, &u, &status, &err), 0);
    assert_true(status.running && status.pid != pid);
    buf_init(&out, 4096);
    WAIT_FOR((buf_reset(&out), s.logs(s.self, &u, 10, &out, &err)) == 0 &&
             str_starts(buf_string(&out), "here \nhere "));
    buf_free(&out);
    assert_int_equal(s.stop(s.self, &u, &err), 0);
    assert_int_equal(s.stop(s.self, &u, &err), 0);
    assert_int_equal(s.status(s.self, &u, &status, &err), 0);
    assert_false(status.known);
    (void)str_copy(u.name, sizeof u.name, "../evil");
    assert_int_equal(s.start(s.self, &u, &err), -1);
    supervisor_child_free(&s);
}

/* Programs in the place of systemd's: what is asked is written down, what is answered is canned. */
static void test_supervisor_systemd(void **state)
{
    static const char script[] =
        "#!/bin/sh\necho \"$*\" >>\"$0.asked\"\ncase \"$1\" in show) cat \"$0.answer\";; "
        "--output=*|--no-pager) echo a line;; esac\n";
    static const char running[] = "MainPID=77\nNRestarts=2\nExecMainStatus=0\nLoadState=loaded\n"
                                  "ActiveState=activating\nSubState=start\n"
                                  "ActiveEnterTimestamp=@1700000000\n";
    static const char waiting[] = "MainPID=0\nNRestarts=3\nExecMainStatus=243\nLoadState=loaded\n"
                                  "ActiveState=activating\nSubState=auto-restart\nJob=\n";
    static const char late[] = "MainPID=0\nNRestarts=0\nExecMainStatus=0\nLoadState=loaded\n"
                               "ActiveState=inactive\nSubState=dead\nJob=78\n";
    static const char missing[] = "MainPID=0\nNRestarts=0\nExecMainStatus=0\nLoadState=not-found\n"
                                  "ActiveState=inactive\nSubState=dead\nActiveEnterTimestamp=\n";
    struct supervisor_unit u = {.name = "sett-tunnel@12"};
    struct supervisor_status status;
    char program[128], asked[140], answer[140];
    struct supervisor s;
    struct buf out;
    struct err err;

    (void)state;
    (void)str_format(program, sizeof program, "%s/ctl", folder);
    (void)str_format(asked, sizeof asked, "%s.asked", program);
    (void)str_format(answer, sizeof answer, "%s.answer", program);
    assert_int_equal(file_write(program, script, sizeof script - 1, 0700, NULL), 0);
    assert_int_equal(file_write(answer, running, sizeof running - 1, 0600, NULL), 0);
    assert_int_equal(supervisor_systemd_new(&s, program, program, &err), 0);
    if (s.start(s.self, &u, &err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(s.status(s.self, &u, &status, &err), 0);
    assert_true(status.known && status.running);
    assert_int_equal(status.pid, 77);
    assert_int_equal(status.restarts, 2);
    assert_true(status.since == 1700000000000);
    assert_int_equal(s.restart(s.self, &u, &err), 0);
    assert_int_equal(s.stop(s.self, &u, &err), 0);
    buf_init(&out, 8192);
    assert_int_equal(s.logs(s.self, &u, 7, &out, &err), 0);
    assert_string_equal(buf_string(&out), "a line\n");
    buf_reset(&out);
    assert_int_equal(file_read(asked, &out, NULL), 0);
    assert_true(str_starts(buf_string(&out), "--no-block start -- sett-tunnel@12.service\n"));
    assert_non_null(strstr(buf_string(&out), "\n--no-block restart -- sett-tunnel@12.service\n"));
    assert_non_null(strstr(buf_string(&out), "\n--quiet stop -- sett-tunnel@12.service\n"));
    assert_non_null(strstr(buf_string(&out), "--lines 7 --unit sett-tunnel@12.service\n"));
    assert_int_equal(file_write(answer, missing, sizeof missing - 1, 0600, NULL), 0);
    assert_int_equal(s.stop(s.self, &u, &err), 0);
    assert_int_equal(s.start(s.self, &u, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(file_write(answer, waiting, sizeof waiting - 1, 0600, NULL), 0);
    assert_int_equal(s.start(s.self, &u, &err), -1);
    assert_string_equal(err.code, "unit_ended");
    assert_int_equal(file_write(answer, late, sizeof late - 1, 0600, NULL), 0);
    assert_int_equal(s.start(s.self, &u, &err), 0);
    assert_int_equal(file_write(answer, "nonsense\n", 9, 0600, NULL), 0);
    assert_int_equal(s.status(s.self, &u, &status, &err), -1);
    (void)str_copy(u.name, sizeof u.name, "ssh");
    assert_int_equal(s.stop(s.self, &u, &err), -1); /* no unit of ours */
    buf_free(&out);
    supervisor_systemd_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_supervisor_child),
                                       cmocka_unit_test(test_supervisor_systemd)};

    return cmocka_run_group_tests(tests, process_setup, process_teardown);
}
