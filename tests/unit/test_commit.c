/* Changes of many threads in shared commits: what fails leaves no trace and disturbs nobody; what
 * happens when the lock, the disk or another process stands in the way. */
#include "children.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "clock.h"

#define THREADS 16
#define ROUNDS  20

static char folder[PATH_SIZE];
static struct db *db;

/* LMDB's sync goes through here: slower, or failing, when a test says so. */
static atomic_int sync_ms, sync_error;

int fdatasync(int fd)
{
    int error = atomic_load(&sync_error);

    clock_sleep_ms(atomic_load(&sync_ms));
    if (error != 0) {
        errno = error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    db = make_store(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&sync_ms, 0);
    remove_folder(folder);
    return 0;
}

static void must(int result, const struct err *err)
{
    if (result == -1)
        fail_msg("%s: %s", err->code, err->text);
}

static int64_t count(void)
{
    struct txn *txn;
    struct err err;
    int64_t n;

    must(db_read(&txn, db, &err), &err);
    n = record_count(txn, &things, &err);
    db_read_end(txn);
    return n;
}

static bool there(uint64_t number)
{
    static _Thread_local struct thing t;
    struct txn *txn;
    struct err err;
    int got;

    must(db_read(&txn, db, &err), &err);
    t.number = number;
    got = record_find(txn, &things, "number", &t, &err);
    db_read_end(txn);
    return got == 1;
}

/* What one caller wants: a thing, and to fail after or before it was written. */
enum manner { WELL, FAIL_AFTER, FAIL_BEFORE, FAIL_SILENTLY };
struct wish {
    struct thing thing;
    enum manner manner;
    int result;
    struct err err;
    atomic_int runs;
    pthread_t thread;
};

static int grant(struct txn *txn, void *arg, struct err *err)
{
    struct wish *wish = arg;

    atomic_fetch_add(&wish->runs, 1);
    if (wish->manner == FAIL_BEFORE)
        return err_set(err, ERR_QUOTA, "before", "failed before");
    if (record_insert(txn, &things, &wish->thing, err) == -1)
        return -1;
    if (wish->manner == FAIL_SILENTLY)
        return -1;
    return wish->manner == FAIL_AFTER ? err_set(err, ERR_QUOTA, "after", "failed after") : 0;
}

static void *ask(void *arg)
{
    struct wish *wish = arg;

    wish->result = db_write(db, grant, wish, &wish->err);
    return NULL;
}

struct many {
    uint64_t from;
    unsigned good, bad;
    pthread_t thread;
};

static void *ask_often(void *arg)
{
    struct many *m = arg;
    struct wish *wish = calloc(1, sizeof *wish);

    for (uint64_t i = 0; i < ROUNDS; i++) {
        make_thing(&wish->thing, m->from + i);
        wish->manner = (enum manner)((m->from + i) % 7 < 3 ? (m->from + i) % 7 + 1 : WELL);
        (void)ask(wish);
        if (wish->result == 0)
            m->good++;
        else
            m->bad++;
        if ((wish->result == 0) != (wish->manner == WELL) ||
            (wish->manner == FAIL_AFTER && !str_equal(wish->err.code, "after")) ||
            (wish->manner == FAIL_BEFORE && !str_equal(wish->err.code, "before")) ||
            (wish->manner == FAIL_SILENTLY && !str_equal(wish->err.code, "no_reason")))
            m->bad += 1000;
    }
    free(wish);
    return NULL;
}

static void many_threads_share_commits_and_keep_apart(void **state)
{
    static struct many many[THREADS];
    unsigned good = 0, bad = 0;
    uint64_t before = db_last_txn(db), commits;
    struct err err;

    (void)state;
    memset(many, 0, sizeof many);
    atomic_store(&sync_ms, 5);
    for (unsigned i = 0; i < THREADS; i++) {
        many[i].from = 1 + i * ROUNDS;
        assert_int_equal(pthread_create(&many[i].thread, NULL, ask_often, &many[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(many[i].thread, NULL);
        good += many[i].good;
        bad += many[i].bad;
    }
    commits = db_last_txn(db) - before;
    assert_int_equal(good + bad, THREADS * ROUNDS);
    assert_int_equal(count(), good);
    for (uint64_t n = 1; n <= THREADS * ROUNDS; n++)
        assert_int_equal(there(n), n % 7 >= 3);
    assert_true(commits > 0);
    assert_true(commits * 3 < good);
    atomic_store(&sync_ms, 0);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

/* A change that holds the writer until all others wait behind it, so that they are one batch. */
static pthread_mutex_t door_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t door_moved = PTHREAD_COND_INITIALIZER;
static bool door_reached, door_open;

static int hold_door(struct txn *txn, void *arg, struct err *err)
{
    (void)pthread_mutex_lock(&door_lock);
    door_reached = true;
    (void)pthread_cond_broadcast(&door_moved);
    while (!door_open)
        (void)pthread_cond_wait(&door_moved, &door_lock);
    (void)pthread_mutex_unlock(&door_lock);
    return record_insert(txn, &things, arg, err);
}

static void *doorkeeper(void *arg)
{
    struct wish *wish = arg;

    wish->result = db_write(db, hold_door, &wish->thing, &wish->err);
    return NULL;
}

static void close_door(struct wish *keeper, uint64_t number)
{
    make_thing(&keeper->thing, number);
    door_reached = door_open = false;
    assert_int_equal(pthread_create(&keeper->thread, NULL, doorkeeper, keeper), 0);
    (void)pthread_mutex_lock(&door_lock);
    while (!door_reached)
        (void)pthread_cond_wait(&door_moved, &door_lock);
    (void)pthread_mutex_unlock(&door_lock);
}

static void open_door(void)
{
    (void)pthread_mutex_lock(&door_lock);
    door_open = true;
    (void)pthread_cond_broadcast(&door_moved);
    (void)pthread_mutex_unlock(&door_lock);
}

/* Start them one after the other, each waiting in the queue before the next. */
static void queue_up(struct wish *wishes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        int64_t end = clock_mono_ms() + 10000;
        unsigned before = commit_queue_waiting(db->env->queue);
        assert_int_equal(pthread_create(&wishes[i].thread, NULL, ask, &wishes[i]), 0);
        while (commit_queue_waiting(db->env->queue) == before) {
            assert_true(clock_mono_ms() < end);
            (void)sched_yield();
        }
    }
}

static void one_batch_with_failures_is_one_commit(void **state)
{
    static struct wish keeper, wishes[6];
    uint64_t before = db_last_txn(db);

    (void)state;
    memset(wishes, 0, sizeof wishes);
    close_door(&keeper, 100);
    for (unsigned i = 0; i < 6; i++)
        make_thing(&wishes[i].thing, i + 1);
    wishes[1].manner = FAIL_AFTER;
    wishes[2].manner = FAIL_BEFORE;
    wishes[3].thing.number = 1; /* collides with the first, which it must see */
    wishes[4].manner = FAIL_SILENTLY;
    queue_up(wishes, 6);
    open_door();
    (void)pthread_join(keeper.thread, NULL);
    for (unsigned i = 0; i < 6; i++)
        (void)pthread_join(wishes[i].thread, NULL);
    assert_int_equal(keeper.result, 0);
    assert_int_equal(wishes[0].result, 0);
    assert_string_equal(wishes[1].err.code, "after");
    assert_string_equal(wishes[2].err.code, "before");
    assert_int_equal(wishes[3].err.kind, ERR_CONFLICT);
    assert_string_equal(wishes[4].err.code, "no_reason");
    assert_int_equal(wishes[5].result, 0);
    assert_int_equal(count(), 3);
    assert_true(there(1) && there(6) && there(100));
    assert_int_equal(db_last_txn(db), before + 2); /* the doorkeeper's, and one for all of them */
    assert_int_equal(wishes[1].runs, 1);           /* what failed after writing is not run again */
    assert_true(wishes[0].runs == 3);              /* once, and again after each that took it down */
}

static void a_change_that_does_nothing_commits_nothing(void **state)
{
    static struct thing t;
    uint64_t before;
    struct err err;

    (void)state;
    make_thing(&t, 1);
    must(db_write(db, insert_thing, &t, &err), &err);
    before = db_last_txn(db);
    must(db_write(db, put_thing, &t, &err), &err);
    assert_int_equal(db_write(db, insert_thing, &t, &err), -1);
    assert_int_equal(db_last_txn(db), before);
}

static int write_inside(struct txn *txn, void *arg, struct err *err)
{
    (void)txn;
    return db_write(db, insert_thing, arg, err);
}

static void a_change_inside_a_change_is_refused(void **state)
{
    static struct thing t;
    struct err err;

    (void)state;
    make_thing(&t, 1);
    assert_int_equal(db_write(db, write_inside, &t, &err), -1);
    assert_string_equal(err.code, "nested_write");
}

/* In the child: begin to write, and neither end nor give up. */
static int hold_write_lock(const char *where)
{
    static struct thing t;
    struct txn txn;
    struct err err;

    db = child_store(where);
    make_thing(&t, 77);
    if (db_raw_begin(db, true, &txn, &err) == -1 || record_insert(&txn, &things, &t, &err) == -1)
        return 1;
    return child_wait();
}

static void a_dead_writer_is_followed_by_the_next(void **state)
{
    static struct wish wish;
    struct child child;
    int64_t start;
    struct err err;

    (void)state;
    child = child_start("hold", folder);
    child_ready(&child);
    make_thing(&wish.thing, 1);
    assert_int_equal(pthread_create(&wish.thread, NULL, ask, &wish), 0);
    start = clock_mono_ms();
    child_kill(&child);
    (void)pthread_join(wish.thread, NULL);
    must(wish.result, &wish.err);
    assert_true(clock_mono_ms() - start < DB_WRITE_WAIT_MS);
    assert_int_equal(count(), 1);
    assert_false(there(77));
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

static void a_hung_writer_is_not_waited_for_without_end(void **state)
{
    static struct wish a, b;
    struct child child;
    int64_t start, took;

    (void)state;
    child = child_start("hold", folder);
    child_ready(&child);
    make_thing(&a.thing, 1);
    make_thing(&b.thing, 2);
    start = clock_mono_ms();
    assert_int_equal(pthread_create(&b.thread, NULL, ask, &b), 0);
    (void)ask(&a);
    (void)pthread_join(b.thread, NULL);
    took = clock_mono_ms() - start;
    assert_int_equal(a.result, -1);
    assert_int_equal(b.result, -1);
    assert_int_equal(a.err.kind, ERR_UNAVAILABLE);
    assert_string_equal(a.err.code, "store_busy");
    assert_true(took >= DB_WRITE_WAIT_MS && took < 4 * DB_WRITE_WAIT_MS);
    assert_int_equal(count(), 0); /* readers are not held up */
    child_kill(&child);
    (void)ask(&a);
    must(a.result, &a.err);
    assert_int_equal(a.runs, 1); /* it was withdrawn before it began */
    assert_int_equal(b.runs, 0);
    assert_int_equal(count(), 1);
    assert_false(there(2));
}

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
        WITH_STORE(many_threads_share_commits_and_keep_apart),
        WITH_STORE(one_batch_with_failures_is_one_commit),
        WITH_STORE(a_change_that_does_nothing_commits_nothing),
        WITH_STORE(a_change_inside_a_change_is_refused),
        WITH_STORE(a_dead_writer_is_followed_by_the_next),
        WITH_STORE(a_hung_writer_is_not_waited_for_without_end),
        WITH_STORE(a_limit_of_size_is_only_full),
        WITH_STORE(a_full_disk_is_only_full),
        WITH_STORE(what_does_not_fit_does_not_hold_up_the_rest),
        WITH_STORE(a_failed_sync_ends_the_process),
        WITH_STORE(killed_writers_leave_a_sound_store),
    };
    static const struct {
        const char *what;
        int (*run)(const char *where);
    } roles[] = {
        {"hold", hold_write_lock}, {"fill", fill_disk}, {"sync", fail_sync}, {"write", write_on}};

    for (size_t i = 0; argc == 3 && i < sizeof roles / sizeof roles[0]; i++)
        if (str_equal(argv[1], roles[i].what))
            return roles[i].run(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
