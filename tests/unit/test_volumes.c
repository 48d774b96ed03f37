/* A tenant's files as the hands hand them on: all of them, in order, and nothing that is not below
 * the tenant's folder, whatever the tenant does meanwhile. */
#include "hands_box.h"

#include <sys/socket.h>

#include "sorted_names.h"
#include "volumes.h"

#define SECRET "what is outside"

struct list {
    unsigned count, files, skipped;
    char names[64][128], last[VOLUMES_NAME_MAX + 1];
    char types[64];
    bool leaked;
    unsigned stop_after;
};

static int take(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    struct list *l = arg;
    char text[64] = "";

    if (l->count < 64) {
        (void)str_copy(l->names[l->count], sizeof l->names[0], e->name);
        l->types[l->count] = e->type;
    }
    l->count++;
    l->files += e->type == 'f';
    l->skipped += e->type == 's';
    assert_int_equal(fd >= 0, e->type == 'f');
    if (fd >= 0) {
        assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
        assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        (void)!read(fd, text, sizeof text - 1);
        l->leaked = l->leaked || strstr(text, SECRET) != NULL;
    }
    if (l->stop_after != 0 && l->count == l->stop_after)
        return err_set(err, ERR_FULL, "enough", "enough");
    return 0;
}

static void at(char path[300], const char *name)
{
    (void)str_format(path, 300, "%s/5/%s", paths.tenants, name);
}

static void make(const char *name, const char *text)
{
    char path[300];

    at(path, name);
    put(path, text, 0600);
}

static int open_fds(void)
{
    int count = 0;

    for (int fd = 0; fd < 512; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void test_all_of_it(void **state)
{
    static const char *const wanted[] = {"a",      "a/inner", "a-file", "b",
                                         "b/hard", "b/link",  "b/pipe", "z"};
    static const char types[] = "ddfdflsf";
    struct list l = {0};
    char path[300], other[300], outside[300];
    struct err err = {0};

    (void)state;
    assert_int_equal(volumes_fetch(paths.hands_sock, 5, "", take, &l, &err), 0);
    assert_int_equal(l.count, 0); /* no such tenant */
    at(path, "a/inner");
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    at(path, "b");
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    make("z", "the last");
    make("a-file", "sorts behind a and all that is in it");
    at(path, "z");
    at(other, "b/hard");
    assert_int_equal(link(path, other), 0);
    (void)str_format(outside, sizeof outside, "%s/outside", folder);
    put(outside, SECRET, 0600);
    at(path, "b/link");
    assert_int_equal(symlink(outside, path), 0);
    at(path, "b/pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    if (volumes_fetch(paths.hands_sock, 5, "", take, &l, &err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(l.count, 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_string_equal(l.names[i], wanted[i]);
        assert_int_equal(l.types[i], types[i]);
    }
    assert_false(l.leaked);
}

static void test_many(void **state)
{
    struct list l = {0};
    char name[64];
    struct err err = {0};
    int before;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        (void)str_format(name, sizeof name, "a/inner/file-%u", i);
        make(name, "x");
    }
    before = open_fds();
    if (volumes_fetch(paths.hands_sock, 5, "", take, &l, &err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(l.files, 3003);
    /* Whoever has enough says so, and nothing stays open on this side; the hands close theirs, too,
     * before they can be asked again. */
    memset(&l, 0, sizeof l);
    l.stop_after = 1000;
    assert_int_equal(volumes_fetch(paths.hands_sock, 5, "", take, &l, &err), -1);
    assert_string_equal(err.code, "enough");
    WAIT_FOR(open_fds() == before);
}

static volatile bool swapping;

/* The tenant: a folder, then a link to what is outside in its place, then the folder again. */
static void *swap(void *arg)
{
    char path[300], aside[300], evil[300];

    (void)arg;
    at(path, "a");
    at(aside, "a.aside");
    at(evil, "evil");
    while (swapping) {
        (void)rename(path, aside);
        (void)rename(evil, path);
        (void)rename(path, evil);
        (void)rename(aside, path);
    }
    return NULL;
}

static void test_swapped(void **state)
{
    char evil[300], outside[300];
    struct list l = {0};
    struct err err = {0};
    pthread_t thread;

    (void)state;
    (void)str_format(outside, sizeof outside, "%s/secrets/inner", folder);
    assert_int_equal(file_mkdirs(outside, 0700, NULL), 0);
    (void)str_format(outside, sizeof outside, "%s/secrets/inner/file-1", folder);
    put(outside, SECRET, 0600);
    (void)str_format(outside, sizeof outside, "%s/secrets", folder);
    at(evil, "evil");
    assert_int_equal(symlink(outside, evil), 0);
    swapping = true;
    assert_int_equal(pthread_create(&thread, NULL, swap, NULL), 0);
    for (unsigned i = 0; i < 30; i++)
        (void)volumes_fetch(paths.hands_sock, 5, "", take, &l, &err);
    swapping = false;
    (void)pthread_join(thread, NULL);
    assert_true(l.files > 0);
    assert_false(l.leaked);
}

static void test_own_folder(void **state)
{
    struct list l = {0};
    struct err err = {0};
    char path[300];

    (void)state;
    (void)str_format(path, sizeof path, "%s/tunnels/7.token", paths.hands);
    put(path, "token", 0600);
    if (volumes_fetch(paths.hands_sock, 0, "", take, &l, &err) == -1)
        fail_msg("%s", err.text);
    assert_true(l.files >= 1);
}

#define NAMES  5000
#define BUDGET 8192

/* In portions that are much smaller than the folder: each once, sorted, and while it changes. */
static void test_portions(void **state)
{
    char path[64] = "/tmp/sett-names-XXXXXX", name[300], last[300] = "";
    struct sorted_names n;
    struct err err = {0};
    const char *got;
    size_t count = 0, peak = 0;
    int names, rc;

    (void)state;
    assert_non_null(mkdtemp(path));
    names = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; i < NAMES; i++) { /* of many lengths, the longest among them */
        (void)str_format(name, sizeof name, "%u-%0*u", i * 7919u % NAMES, (int)(i % 249 + 1), 1);
        (void)close(openat(names, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    }
    assert_int_equal(sorted_names_open(&n, names, BUDGET, &err), 0);
    while ((rc = sorted_names_next(&n, &got, &err)) == 1) {
        assert_true(strcmp(last, got) < 0);
        (void)str_copy(last, sizeof last, got);
        peak = n.bytes > peak ? n.bytes : peak;
        count += got[0] != '~';
        if (count == NAMES / 2) { /* one is gone that was told, one comes that is behind */
            (void)unlinkat(names, got, 0);
            (void)close(openat(names, "~late", O_WRONLY | O_CREAT, 0600));
        }
    }
    assert_int_equal(rc, 0);
    assert_int_equal(count, NAMES);
    assert_string_equal(last, "~late");
    assert_true(peak <= BUDGET);
    sorted_names_close(&n);
    (void)close(names);
    assert_int_equal(file_remove_tree(path, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_of_it),
                                       cmocka_unit_test(test_many), cmocka_unit_test(test_swapped),
                                       cmocka_unit_test(test_own_folder),
                                       cmocka_unit_test(test_portions)};

    log_open("test-volumes", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, hands_setup, hands_teardown);
}
