/* Processes that open a store, use it and exit, all at once. The last to go must not take the lock
 * file's mutexes from under the next to come, as LMDB 0.9.31 does in mdb_env_close: a process ends
 * by exiting, and then nothing may fail. Meant to be run against each release's library. */
#include "children.h"

#include <lmdb.h>

#include "clock.h"

#define WAVES_MS 4000 /* how long it goes on */
#define AT_ONCE  6
#define THINGS   20

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

/* In a child: the number of things is what it was made with; one of them changes. */
static int open_and_exit(const char *where)
{
    static struct thing t;
    struct db *db = child_store(where);
    struct txn *txn;
    struct err err = {0};
    int64_t count;

    if (db_read(&txn, db, &err) == -1)
        goto failed;
    count = record_count(txn, &things, &err);
    t.number = (uint64_t)getpid() % THINGS;
    if (count != THINGS || record_find(txn, &things, "number", &t, &err) != 1) {
        db_read_end(txn);
        goto failed;
    }
    db_read_end(txn);
    t.size++;
    if (getpid() % 2 != 0 && db_write(db, put_thing, &t, &err) == -1)
        goto failed;
    return 0;
failed:
    (void)fprintf(stderr, "child %d: %s %s\n", (int)getpid(), err.code, err.text);
    return 1;
}

/* In a child: the store and what is in it. */
static int make_things(const char *where)
{
    static struct thing t;
    struct db *db = make_store(where);
    struct err err = {0};

    for (uint64_t n = 0; n < THINGS; n++) {
        make_thing(&t, n);
        if (db_write(db, insert_thing, &t, &err) == -1)
            return 1;
    }
    return 0;
}

static void end(struct child *child, unsigned *bad)
{
    int status = child_end(child);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        print_message("# a child ended with status %d\n", status);
        ++*bad;
    }
}

/* This process keeps the store closed: only so there is a last one, again and again. */
static void nobody_fails(void **state)
{
    struct child child[AT_ONCE], maker = child_start("make", folder);
    int64_t until = clock_mono_ms() + WAVES_MS;
    unsigned runs = 0, bad = 0, width = 0, at = 0;

    (void)state;
    end(&maker, &bad);
    assert_int_equal(bad, 0);
    while (clock_mono_ms() < until || runs < 3 * AT_ONCE) {
        width = width % AT_ONCE + 1;
        for (at = 0; at < width; at++)
            child[at] = child_start("use", folder);
        for (unsigned n = 0; n < 2 * width; n++) {
            end(&child[n % width], &bad);
            child[n % width] = child_start("use", folder);
        }
        for (at = 0; at < width; at++)
            end(&child[at], &bad);
        runs += 3 * width;
    }
    print_message("# %u processes on %s: %u failed\n", runs, mdb_version(NULL, NULL, NULL), bad);
    assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_fails, set_up, tear_down),
    };

    if (argc == 3 && str_equal(argv[1], "use"))
        return open_and_exit(argv[2]);
    if (argc == 3 && str_equal(argv[1], "make"))
        return make_things(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
