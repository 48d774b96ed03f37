/* Files: whole reads, whole writes, and removals that stay where they were sent. The log's line. */
#include "store_samples.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "log.h"

static char folder[PATH_SIZE];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static const char *below(const char *name)
{
    static char path[2 * PATH_SIZE];

    assert_int_equal(str_format(path, sizeof path, "%s/%s", folder, name), 0);
    return path;
}

static void a_write_replaces_as_a_whole(void **state)
{
    struct buf b;
    struct err err;
    struct stat st;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(file_write(below("f"), "one", 3, 0640, &err), 0);
    assert_int_equal(file_write(below("f"), "other", 5, 0600, &err), 0);
    assert_int_equal(stat(below("f"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(file_read(below("f"), &b, &err), 0);
    assert_string_equal(buf_string(&b), "other");
    assert_int_equal(file_private(below("f"), &err), 0);
    assert_int_equal(chmod(below("f"), 0640), 0);
    assert_int_equal(file_private(below("f"), &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_int_equal(file_read(below("none"), &b, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    b.max = 7;
    assert_int_equal(file_read(below("f"), &b, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    buf_free(&b);
    assert_int_equal(file_write(below("no/f"), "x", 1, 0600, &err), -1);
}

static void a_write_that_does_not_fit_leaves_the_old(void **state)
{
    struct rlimit before, small;
    struct err err;
    struct buf b;
    char data[5000];

    (void)state;
    memset(data, 'x', sizeof data);
    assert_int_equal(file_write(below("f"), "old", 3, 0600, &err), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(file_write(below("f"), data, sizeof data, 0600, &err), -1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err.kind, ERR_FULL);
    buf_init(&b, 100);
    assert_int_equal(file_read(below("f"), &b, &err), 0);
    assert_string_equal(buf_string(&b), "old");
    buf_free(&b);
    assert_int_equal(unlink(below("f")), 0);
    assert_int_equal(rmdir(folder), 0); /* no half-written file is left beside it */
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void folders_are_made_with_those_above(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(file_mkdirs(below("a/b//c/"), 0700, &err), 0);
    assert_int_equal(file_mkdirs(below("a/b"), 0700, &err), 0);
    assert_true(file_exists(below("a/b/c")));
    assert_int_equal(file_write(below("f"), "x", 1, 0600, &err), 0);
    assert_int_equal(file_mkdirs(below("f"), 0700, &err), -1);
    assert_int_equal(file_mkdirs(below("f/g"), 0700, &err), -1);
    assert_int_equal(file_mkdirs("", 0700, &err), -1);
}

static void a_removal_follows_no_link(void **state)
{
    struct err err;
    char target[2 * PATH_SIZE], inner[2 * PATH_SIZE];

    (void)state;
    assert_int_equal(file_mkdirs(below("keep/inner"), 0700, &err), 0);
    assert_int_equal(file_write(below("keep/inner/f"), "x", 1, 0600, &err), 0);
    assert_int_equal(str_copy(target, sizeof target, below("keep")), 0);
    assert_int_equal(file_mkdirs(below("go/locked"), 0700, &err), 0);
    assert_int_equal(symlink(target, below("go/link")), 0);
    assert_int_equal(symlink("../../keep", below("go/locked/link")), 0);
    assert_int_equal(str_copy(inner, sizeof inner, below("keep/inner/f")), 0);
    assert_int_equal(link(inner, below("go/hard")), 0);
    assert_int_equal(mkfifo(below("go/pipe"), 0600), 0);
    assert_int_equal(chmod(below("go/locked"), 0), 0);
    assert_int_equal(file_remove_tree(below("go"), &err), 0);
    assert_false(file_exists(below("go")));
    assert_true(file_exists(below("keep/inner/f")));
    assert_int_equal(file_remove_tree(below("go"), &err), 0);
    assert_int_equal(symlink(target, below("top")), 0);
    assert_int_equal(file_remove_tree(below("top"), &err), -1);
    assert_true(file_exists(below("keep/inner/f")));
}

/* A tree far deeper than the descriptors that may be open. */
static void a_removal_goes_as_deep_as_needed(void **state)
{
    struct rlimit before, few;
    struct err err;
    int at = open(folder, O_RDONLY | O_DIRECTORY), next;

    (void)state;
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(mkdirat(at, "a-rather-long-name-for-a-folder", 0700), 0);
        assert_int_equal(mkdirat(at, "side", 0700), 0);
        next = openat(at, "a-rather-long-name-for-a-folder", O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        (void)close(at);
        at = next;
    }
    (void)close(at);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 80;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    next = file_remove_tree(below("a-rather-long-name-for-a-folder"), &err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(next, 0);
    assert_false(file_exists(below("a-rather-long-name-for-a-folder")));
}

static void the_log_is_one_line(void **state)
{
    int kept = dup(STDERR_FILENO);
    int to = open(below("log"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct err err;
    struct buf b;
    struct stat st;
    char stream[64], longer[4000];

    (void)state;
    memset(longer, 'y', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(dup2(to, STDERR_FILENO), STDERR_FILENO);
    log_open("sett-test", LOG_LEVEL_INFO);
    log_warning("a\nb\x1b%d", 1);
    log_debug("not shown");
    assert_int_equal(fstat(to, &st), 0);
    (void)str_format(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_open("sett-test", LOG_LEVEL_DEBUG);
    log_debug("shown");
    log_error("%s", longer);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    (void)close(kept);
    (void)close(to);
    log_open("sett", LOG_LEVEL_INFO);
    buf_init(&b, 10000);
    assert_int_equal(file_read(below("log"), &b, &err), 0);
    assert_non_null(strstr(buf_string(&b), "Z sett-test warning: a b 1\n<7>sett-test: shown\n<3>"));
    assert_null(strstr(buf_string(&b), "not shown"));
    assert_int_equal(b.data[b.len - 1], '\n');
    assert_int_equal(b.data[b.len - 2], 'y');
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_write_replaces_as_a_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_that_does_not_fit_leaves_the_old, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(folders_are_made_with_those_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removal_follows_no_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_removal_goes_as_deep_as_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_is_one_line, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
