/* A vault that is a folder: what is put there is there whole or not at all, and is what was sent.
 */
#include "place_world.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

#define SIZE 3000000
#define NAME "sett-box_test-00000001-20260101T030000Z.sett"

static char folder[64];
static struct place place;

static unsigned files(void)
{
    DIR *dir = opendir(folder);
    struct dirent *d;
    unsigned count = 0;

    assert_non_null(dir);
    while ((d = readdir(dir)) != NULL)
        count += d->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

static void test_usual(void **state)
{
    int fd = place_file_of(SIZE, 1);
    struct place_seen seen = {0};
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 2; i++) /* fine if it is there */
        if (place.put(place.self, NAME, fd, SIZE, NULL, NULL, &err) == -1)
            fail_msg("%s", err.text);
    place_same(&place, NAME, fd, SIZE, 0);
    place_same(&place, NAME, fd, SIZE, SIZE - 100);
    assert_int_equal(place.list(place.self, "sett-", place_count, &seen, &err), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(place.remove(place.self, NAME, &err), 0);
    assert_int_equal(files(), 0);
    (void)close(fd);
}

/* The source after it was read: as a disk that has kept something else. */
static int change(void *arg, uint64_t bytes, struct err *err)
{
    int fd = *(int *)arg;

    (void)bytes, (void)err;
    assert_int_equal(pwrite(fd, "other", 5, 1000), 5);
    return 0;
}

static int stop(void *arg, uint64_t bytes, struct err *err)
{
    uint64_t *left = arg;

    *left -= bytes < *left ? bytes : *left;
    return *left > 0 ? 0 : err_set(err, ERR_UNAVAILABLE, "stopped", "stopped");
}

static void test_read_back(void **state)
{
    int fd = place_file_of(SIZE, 2);
    uint64_t left = SIZE / 2;
    struct err err = {0};

    (void)state;
    assert_int_equal(place.put(place.self, NAME, fd, SIZE, change, &fd, &err), -1);
    assert_string_equal(err.code, "vault_changed");
    assert_int_equal(files(), 0);
    assert_int_equal(place.put(place.self, NAME, fd, SIZE, stop, &left, &err), -1);
    assert_int_equal(files(), 0);
    assert_int_equal(place.put(place.self, NAME, fd, SIZE + 1, NULL, NULL, &err), -1);
    assert_string_equal(err.code, "vault_short");
    assert_int_equal(files(), 0);
    (void)close(fd);
}

/* What a crash left under the name of a part is begun anew, and is in no list. */
static void test_left(void **state)
{
    struct place_seen seen = {0};
    struct err err = {0};
    int fd = place_file_of(SIZE, 3);
    char path[256];

    (void)state;
    (void)str_format(path, sizeof path, "%s/" NAME ".part", folder);
    assert_int_equal(file_write(path, "half", 4, 0600, NULL), 0);
    assert_int_equal(place.list(place.self, "sett-", place_count, &seen, &err), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(place.put(place.self, NAME, fd, SIZE, NULL, NULL, &err), 0);
    place_same(&place, NAME, fd, SIZE, 0);
    assert_int_equal(files(), 1);
    (void)close(fd);
}

/* More than there is room for is refused before a byte is written. */
static void test_room(void **state)
{
    struct err err = {0};
    int fd = place_file_of(10, 4);

    (void)state;
    assert_int_equal(
        place.put(place.self, "sett-huge.sett", fd, UINT64_C(1) << 60, NULL, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_FULL);
    assert_non_null(strstr(err.text, "MiB are free"));
    assert_non_null(strstr(err.text, folder));
    (void)close(fd);
}

static int setup(void **state)
{
    struct err err;

    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-place-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : place_folder(&place, folder, &err);
}

static int teardown(void **state)
{
    (void)state;
    place_free(&place);
    return file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_left),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
