/* The hand-over of a restore: a request and a secret from one process to another, and all that may
 * be wrong with what lies there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asked.h"
#include "file.h"
#include "str.h"

#define NAME "restore-00112233445566778899aabbccddeeff.json"

static struct paths paths;
static char folder[PATHS_SIZE + 16], request[PATHS_SIZE + 32], pipe_path[PATHS_SIZE + 32];

static int setup(void **state)
{
    static char root[] = "/tmp/sett-asked-XXXXXX";
    struct err err;

    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(paths_set(&paths, root, &err), 0);
    assert_int_equal(file_mkdirs(paths.run, 0755, &err), 0);
    (void)str_format(folder, sizeof folder, "%s/restore", paths.run);
    (void)str_format(request, sizeof request, "%s/request", folder);
    (void)str_format(pipe_path, sizeof pipe_path, "%s/secret", folder);
    return 0;
}

static int teardown(void **state)
{
    struct err err;

    (void)state;
    return file_remove_tree(paths.root, &err);
}

static struct kv wish(void)
{
    struct kv kv;

    kv_clear(&kv);
    assert_int_equal(kv_set(&kv, ASKED_NAME, NAME), 0);
    assert_int_equal(kv_set(&kv, ASKED_CHECK, "1"), 0);
    return kv;
}

struct taking {
    struct kv request;
    char secret[ASKED_SECRET];
    int got;
    struct err err;
};

static void *take_main(void *arg)
{
    struct taking *t = arg;

    for (int i = 0; i < 500 && !file_exists(request); i++)
        (void)usleep(10000);
    t->got = asked_take(&paths, &t->request, t->secret, &t->err);
    return NULL;
}

static void it_is_handed_over(void **state)
{
    static char secret[ASKED_SECRET];
    struct kv kv = wish();
    struct taking t = {.got = -2};
    pthread_t thread;
    struct err err;

    (void)state;
    memset(secret, 'S', sizeof secret - 1); /* as long as one may be */
    assert_int_equal(pthread_create(&thread, NULL, take_main, &t), 0);
    assert_int_equal(asked_hand_over(&paths, &kv, secret, 10000, &err), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(t.got, 1);
    assert_string_equal(t.secret, secret);
    assert_string_equal(kv_get_or(&t.request, ASKED_CHECK, ""), "1");
    assert_false(file_exists(request));
    assert_false(file_exists(pipe_path));
    /* There is nothing more to take. */
    assert_int_equal(asked_take(&paths, &t.request, t.secret, &t.err), 0);
}

static void nobody_comes(void **state)
{
    struct kv kv = wish();
    struct err err;

    (void)state;
    assert_int_equal(asked_hand_over(&paths, &kv, "secret", 200, &err), -1);
    assert_string_equal(err.code, "nobody_restores");
    assert_false(file_exists(request));
    assert_false(file_exists(pipe_path));
}

static void one_at_a_time(void **state)
{
    struct kv kv = wish();
    struct err err;

    (void)state;
    assert_int_equal(file_write(request, kv.data, kv.len, 0600, &err), 0);
    assert_int_equal(asked_hand_over(&paths, &kv, "secret", 200, &err), -1);
    assert_string_equal(err.code, "restore_asked");
    assert_int_equal(unlink(request), 0);
}

/* Whoever takes it may be root, and what lies there may be by somebody else. */
static void what_is_wrong_is_refused(void **state)
{
    struct kv kv = wish();
    struct taking t;

    (void)state;
    assert_int_equal(file_write(pipe_path, "no pipe", 7, 0600, &t.err), 0);
    assert_int_equal(file_write(request, kv.data, kv.len, 0600, &t.err), 0);
    assert_int_equal(asked_take(&paths, &t.request, t.secret, &t.err), -1); /* a file for a pipe */
    assert_string_equal(t.err.code, "restore_secret");
    assert_false(file_exists(request));
    assert_int_equal(symlink("/etc/hostname", request), 0);
    assert_int_equal(asked_take(&paths, &t.request, t.secret, &t.err), -1); /* a link */
    assert_true(file_exists(request));
    assert_int_equal(unlink(request), 0);
    assert_int_equal(file_write(request, "x", 1, 0600, &t.err), 0);
    assert_int_equal(asked_take(&paths, &t.request, t.secret, &t.err), -1); /* no list of words */
    assert_int_equal(file_write(request, kv.data, kv.len, 0600, &t.err), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(asked_take(&paths, &t.request, t.secret, &t.err), -1); /* an open folder */
    assert_string_equal(t.err.code, "restore_request");
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(unlink(pipe_path), 0);
}

static void progress_is_one_kind_of_file(void **state)
{
    static const char *const bad[] = {"",
                                      "restore-.json",
                                      "../restore-00112233445566778899aabbccddeeff.json",
                                      "restore-00112233445566778899aabbccddeeff.json/x",
                                      "restore-00112233445566778899aabbccddeeff.jsonx",
                                      "restore-00112233445566778899aabbccddeef/.json",
                                      "restore-00112233445566778899AABBCCDDEEFF.json"};
    struct kv kv = wish();
    char path[PATHS_SIZE + 64], want[PATHS_SIZE + 64];
    struct err err;

    (void)state;
    assert_int_equal(asked_progress(&paths, &kv, path, &err), 0);
    (void)str_format(want, sizeof want, "%s/%s", paths.status, NAME);
    assert_string_equal(path, want);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(kv_set(&kv, ASKED_NAME, bad[i]), 0);
        assert_int_equal(asked_progress(&paths, &kv, path, &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_handed_over),
        cmocka_unit_test(nobody_comes),
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(progress_is_one_kind_of_file),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
