#ifndef SETT_COMMIT_WORLD_H
#define SETT_COMMIT_WORLD_H
/* What the tests of shared commits and of full disks have in common: a store, a sync that can be
 * slow or fail, callers that wish for something, and a door that keeps them waiting together. */
#include "children.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "clock.h"

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

static inline int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    db = make_store(folder);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    atomic_store(&sync_ms, 0);
    remove_folder(folder);
    return 0;
}

static inline void must(int result, const struct err *err)
{
    if (result == -1)
        fail_msg("%s: %s", err->code, err->text);
}

static inline int64_t count(void)
{
    struct txn *txn;
    struct err err;
    int64_t n;

    must(db_read(&txn, db, &err), &err);
    n = record_count(txn, &things, &err);
    db_read_end(txn);
    return n;
}

static inline bool there(uint64_t number)
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

static inline int grant(struct txn *txn, void *arg, struct err *err)
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

static inline void *ask(void *arg)
{
    struct wish *wish = arg;

    wish->result = db_write(db, grant, wish, &wish->err);
    return NULL;
}

/* A change that holds the writer until all others wait behind it, so that they are one batch. */
static pthread_mutex_t door_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t door_moved = PTHREAD_COND_INITIALIZER;
static bool door_reached, door_open;

static inline int hold_door(struct txn *txn, void *arg, struct err *err)
{
    (void)pthread_mutex_lock(&door_lock);
    door_reached = true;
    (void)pthread_cond_broadcast(&door_moved);
    while (!door_open)
        (void)pthread_cond_wait(&door_moved, &door_lock);
    (void)pthread_mutex_unlock(&door_lock);
    return record_insert(txn, &things, arg, err);
}

static inline void *doorkeeper(void *arg)
{
    struct wish *wish = arg;

    wish->result = db_write(db, hold_door, &wish->thing, &wish->err);
    return NULL;
}

static inline void close_door(struct wish *keeper, uint64_t number)
{
    make_thing(&keeper->thing, number);
    door_reached = door_open = false;
    assert_int_equal(pthread_create(&keeper->thread, NULL, doorkeeper, keeper), 0);
    (void)pthread_mutex_lock(&door_lock);
    while (!door_reached)
        (void)pthread_cond_wait(&door_moved, &door_lock);
    (void)pthread_mutex_unlock(&door_lock);
}

static inline void open_door(void)
{
    (void)pthread_mutex_lock(&door_lock);
    door_open = true;
    (void)pthread_cond_broadcast(&door_moved);
    (void)pthread_mutex_unlock(&door_lock);
}

/* Start them one after the other, each waiting in the queue before the next. */
static inline void queue_up(struct wish *wishes, unsigned n)
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

#endif
