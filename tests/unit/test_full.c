/* A disk that is full, a sync that fails, a process that is killed: what was promised is there, and
 * everything goes on. */
#include "commit_world.h"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void fill_big(struct thing *t, uint64_t number)
{
    make_thing(t, number);
    t->secret.len = SEALED_MAX;
    memset(t->secret.data, (int)number, sizeof t->secret.data);
}

/* Insert until the disk is full; then reading and removing go on, and with room again all is well.
 * ${more} makes room. Return 0, or the line that went wrong (it also runs in a child). */
static int live_on_a_full_disk(bool (*more)(void))
{
    static struct thing t;
    struct txn *txn;
    struct err err;
    uint64_t n = 0;
    int64_t counted;

    do
        fill_big(&t, ++n);
    while (n < 5000 && db_write(db, insert_thing, &t, &err) == 0);
    if (n == 5000 || n < 3 || err.kind != ERR_FULL)
        return __LINE__;
    for (int again = 0; again < 3; again++)
        if (db_write(db, insert_thing, &t, &err) == 0 || err.kind != ERR_FULL)
            return __LINE__;
    if (db_read(&txn, db, &err) == -1)
        return __LINE__;
    t.number = 1;
    if (record_find(txn, &things, "number", &t, &err) != 1)
        return __LINE__;
    counted = record_count(txn, &things, &err);
    db_read_end(txn);
    if (counted != (int64_t)n - 1 || db_fsck(db, NULL, NULL, &err) != 0)
        return __LINE__;
    if (db_write(db, delete_thing, &t, &err) == -1)
        return __LINE__;
    if (!more())
        return __LINE__;
    fill_big(&t, n);
    if (db_write(db, insert_thing, &t, &err) == -1)
        return __LINE__;
    return db_fsck(db, NULL, NULL, &err) == 0 ? 0 : __LINE__;
}

static off_t data_size(void)
{
    char path[2 * PATH_SIZE];
    struct stat st;

    (void)str_format(path, sizeof path, "%s/db/data.mdb", folder);
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static struct rlimit before_limit;

static bool lift_limit(void)
{
    return setrlimit(RLIMIT_FSIZE, &before_limit) == 0;
}

static void limit_size(rlim_t more)
{
    struct rlimit limit;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before_limit), 0);
    limit = before_limit;
    limit.rlim_cur = (rlim_t)data_size() + more;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_limit_of_size_is_only_full(void **state)
{
    static const rlim_t some[] = {300000, 301000, 303104, 306789};
    int line;

    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        limit_size(some[i]);
        line = live_on_a_full_disk(lift_limit);
        (void)lift_limit();
        assert_int_equal(line, 0);
        remove_folder(folder);
        (void)set_up(NULL);
    }
}

/* In the child: the same on a small disk of its own. 77: this is not allowed here. */
static bool remove_some(void)
{
    static struct thing t;
    struct scan scan;
    struct txn *txn;
    struct err err;
    int got;

    for (int i = 0; i < 10; i++) { /* freed pages are for the commits after the next */
        if (db_read(&txn, db, &err) == -1)
            return false;
        got = scan_start(&scan, txn, &things, "number", NULL, 0, false, &err) == 0
                  ? scan_next(&scan, &t, &err)
                  : -1;
        db_read_end(txn);
        if (got != 1 || db_write(db, delete_thing, &t, &err) == -1)
            return false;
    }
    return true;
}

static int fill_disk(const char *where)
{
    int line;

    if (unshare(CLONE_NEWNS) == -1 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
        mount("none", where, "tmpfs", 0, "size=1m") == -1)
        return 77;
    (void)str_copy(folder, sizeof folder, where);
    db = make_store(where);
    line = live_on_a_full_disk(remove_some);
    if (line != 0)
        (void)fprintf(stderr, "child: line %d\n", line);
    return line == 0 ? 0 : 1;
}

static void a_full_disk_is_only_full(void **state)
{
    char elsewhere[PATH_SIZE];
    struct child child;
    int status;

    (void)state;
    make_folder(elsewhere);
    child = child_start("fill", elsewhere);
    status = child_end(&child);
    remove_folder(elsewhere);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* making a disk needs root */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int insert_pile(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;
    const uint64_t *from = arg;

    for (uint64_t i = 0; i < 200; i++) {
        fill_big(&t, *from + i);
        if (record_insert(txn, &things, &t, err) == -1)
            return -1;
    }
    return 0;
}

static void *ask_pile(void *arg)
{
    struct wish *wish = arg;
    uint64_t from = wish->thing.number;

    wish->result = db_write(db, insert_pile, &from, &wish->err);
    return NULL;
}

static void what_does_not_fit_does_not_hold_up_the_rest(void **state)
{
    static struct wish keeper, small[2], pile;
    int64_t end = clock_mono_ms() + 10000;
    unsigned waiting;

    (void)state;
    memset(small, 0, sizeof small);
    close_door(&keeper, 1000);
    make_thing(&small[0].thing, 1);
    make_thing(&small[1].thing, 2);
    queue_up(small, 1);
    waiting = commit_queue_waiting(db->env->queue);
    pile.thing.number = 2000;
    assert_int_equal(pthread_create(&pile.thread, NULL, ask_pile, &pile), 0);
    while (commit_queue_waiting(db->env->queue) == waiting) {
        assert_true(clock_mono_ms() < end);
        (void)sched_yield();
    }
    queue_up(small + 1, 1);
    limit_size(400000);
    open_door();
    (void)pthread_join(keeper.thread, NULL);
    (void)pthread_join(pile.thread, NULL);
    (void)pthread_join(small[0].thread, NULL);
    (void)pthread_join(small[1].thread, NULL);
    assert_true(lift_limit());
    assert_int_equal(pile.result, -1);
    assert_int_equal(pile.err.kind, ERR_FULL);
    must(small[0].result, &small[0].err);
    must(small[1].result, &small[1].err);
    assert_int_equal(count(), 3);
}

/* In the child: a sync that fails for good. */
static int fail_sync(const char *where)
{
    static struct thing t;
    struct rlimit none = {0, 0};
    struct err err;

    (void)setrlimit(RLIMIT_CORE, &none);
    db = child_store(where);
    make_thing(&t, 1);
    if (db_write(db, insert_thing, &t, &err) == -1)
        return 1;
    atomic_store(&sync_error, EIO);
    make_thing(&t, 2);
    (void)db_write(db, insert_thing, &t, &err);
    return 2; /* not reached: the process ends itself */
}

static void a_failed_sync_ends_the_process(void **state)
{
    struct child child = child_start("sync", folder);
    int status = child_end(&child);
    static struct thing t;
    struct err err;

    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_true(there(1));
    assert_false(there(2)); /* and its lock is free again */
    make_thing(&t, 3);
    must(db_write(db, insert_thing, &t, &err), &err);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

/* In the child: write as fast as possible until killed. */
static int write_on(const char *where)
{
    static struct thing t;
    struct err err;

    db = child_store(where);
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    for (uint64_t n = (uint64_t)getpid() * 1000000;; n++) {
        make_thing(&t, n);
        (void)str_format(t.name, sizeof t.name, "%llu", (unsigned long long)n);
        if (db_write(db, insert_thing, &t, &err) == -1)
            return 1;
    }
}

static void killed_writers_leave_a_sound_store(void **state)
{
    struct child child[2];
    struct err err;
    int64_t last = 0;

    (void)state;
    for (int round = 0; round < 10; round++) {
        int64_t now, end = clock_mono_ms() + 30000;
        for (int i = 0; i < 2; i++)
            child[i] = child_start("write", folder);
        for (int i = 0; i < 2; i++)
            child_ready(&child[i]);
        while ((now = count()) < last + 20 + round)
            assert_true(clock_mono_ms() < end);
        last = now;
        child_kill(&child[0]);
        child_kill(&child[1]);
        assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
    }
}

int main(int argc, char **argv)
{
#define WITH_STORE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_limit_of_size_is_only_full),
        WITH_STORE(a_full_disk_is_only_full),
        WITH_STORE(what_does_not_fit_does_not_hold_up_the_rest),
        WITH_STORE(a_failed_sync_ends_the_process),
        WITH_STORE(killed_writers_leave_a_sound_store),
    };
    static const struct {
        const char *what;
        int (*run)(const char *where);
    } roles[] = {{"fill", fill_disk}, {"sync", fail_sync}, {"write", write_on}};

    for (size_t i = 0; argc == 3 && i < sizeof roles / sizeof roles[0]; i++)
        if (str_equal(argv[1], roles[i].what))
            return roles[i].run(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
