/* Crash points: a process dies exactly where it was told to, and its passes are on record. The
 * points are compiled in here whatever the build. */
#ifndef SETT_CRASH_POINTS
#define SETT_CRASH_POINTS 1
#endif
#include "crash.c"

#include "children.h"

static char folder[PATH_SIZE], passes[PATH_SIZE + 8];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    (void)str_format(passes, sizeof passes, "%s/passes", folder);
    assert_int_equal(setenv("SETT_CRASH_LOG", passes, 1), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("SETT_CRASH"), 0);
    assert_int_equal(unsetenv("SETT_CRASH_LOG"), 0);
    remove_folder(folder);
    return 0;
}

/* In the child: what it passes. */
static int pass(void)
{
    for (int i = 0; i < 3; i++)
        CP("first");
    CP("first.more");
    CP("last");
    return 0;
}

static void run(const char *crash, bool dies, const char *passed)
{
    struct child child;
    struct buf log;
    struct err err;
    int status;

    assert_int_equal(setenv("SETT_CRASH", crash, 1), 0);
    child = child_start("pass", folder);
    status = child_end(&child);
    assert_int_equal(WIFSIGNALED(status), dies);
    if (dies)
        assert_int_equal(WTERMSIG(status), SIGKILL);
    buf_init(&log, 1000);
    assert_int_equal(file_read(passes, &log, &err), 0);
    assert_string_equal(buf_string(&log), passed);
    buf_free(&log);
    assert_int_equal(unlink(passes), 0);
}

static void it_dies_where_it_was_told(void **state)
{
    static const char all[] = "first\nfirst\nfirst\nfirst.more\nlast\n";

    (void)state;
    run("first", true, "first\n");
    run("first:3", true, "first\nfirst\nfirst\n");
    run("first:4", false, all);
    run("first.more:1", true, "first\nfirst\nfirst\nfirst.more\n");
    run("last", true, all);
    run("las", false, all);
    run("last:0", false, all);
    run("last:x", false, all);
    run("", false, all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_dies_where_it_was_told, set_up, tear_down),
    };

    if (argc == 3 && str_equal(argv[1], "pass"))
        return pass();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
