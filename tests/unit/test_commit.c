/* Changes of many threads in shared commits: what fails leaves no trace and disturbs nobody; a
 * writer that dies or hangs stops nobody for long. */
#include "commit_world.h"

#define THREADS 16
#define ROUNDS  20

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
    assert_true(wishes[0].runs == 3); /* once, and again after each that took it down */
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

/* LMDB shows a commit in its meta page before readers may use it. Here that moment is made long. */
static atomic_int meta_ms;

ssize_t pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t done = syscall(SYS_pwrite64, fd, data, len, at);

    if (atomic_load(&meta_ms) > 0 && (fcntl(fd, F_GETFL) & O_DSYNC))
        clock_sleep_ms(atomic_load(&meta_ms));
    return done;
}

static void a_number_is_never_ahead_of_readers(void **state)
{
    static struct wish wish;
    uint64_t before = db_last_txn(db), number = before, seen;
    struct txn *txn;
    struct err err;

    (void)state;
    atomic_store(&meta_ms, 100);
    make_thing(&wish.thing, 1);
    assert_int_equal(pthread_create(&wish.thread, NULL, ask, &wish), 0);
    while (number == before) {
        number = db_last_txn(db);
        must(db_read(&txn, db, &err), &err);
        seen = txn_number(txn);
        db_read_end(txn);
        assert_true(seen >= number);
    }
    (void)pthread_join(wish.thread, NULL);
    atomic_store(&meta_ms, 0);
    assert_int_equal(wish.result, 0);
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
        WITH_STORE(a_number_is_never_ahead_of_readers),
    };
    static const struct {
        const char *what;
        int (*run)(const char *where);
    } roles[] = {{"hold", hold_write_lock}};

    for (size_t i = 0; argc == 3 && i < sizeof roles / sizeof roles[0]; i++)
        if (str_equal(argv[1], roles[i].what))
            return roles[i].run(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
