/*
 * Shared commits. One thread writes for all that wait: it takes what is in the queue, runs it in
 * one transaction and syncs once, so that durable throughput is not one sync for each change. Apart
 * from db.c because what happens to neighbours when one of them fails is decided here: a change
 * that fails after it wrote something takes the whole transaction with it, and the others are run
 * again without it. There are no nested transactions, which LMDB's own fixes have been about.
 */
#include "commit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "crash.h"
#include "db_raw.h"
#include "stage.h"

#define BATCH_CHANGES 512
#define BATCH_MS      20 /* a transaction that took longer to fill is committed with what it has */
#define TRIAL_RETRY_S 20
#define LOOK_MS       50 /* past its deadline, but begun: it looks again so often */

enum state { WAITING, RUNNING, DONE };

/* A change that waits; it lies on its caller's stack. Its end is told by a semaphore of its own:
 * those of a batch all end at once, and would else stand in line for the queue's lock to hear it.
 */
struct request {
    struct db *db;
    db_change *change;
    void *arg;
    struct err err;
    int result;
    bool out;                 /* it failed after writing: not to be run again */
    _Atomic enum state state; /* moves under the queue's lock, but for DONE */
    sem_t done;
    struct request *next;
};

struct commit_queue {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    pthread_t thread;
    _Atomic int64_t held_at; /* monotonic, ms, since when the writer has the lock; 0: it has not */
    bool started, idle;      /* idle: the writer waits for ${arrived} */
    struct request *first, **end;
};

struct commit_queue *commit_queue_new(void)
{
    struct commit_queue *queue = calloc(1, sizeof *queue);

    if (queue == NULL)
        return NULL;
    queue->end = &queue->first;
    (void)pthread_mutex_init(&queue->lock, NULL);
    (void)pthread_cond_init(&queue->arrived, NULL);
    return queue;
}

int64_t commit_queue_held_ms(struct commit_queue *queue)
{
    int64_t at = atomic_load(&queue->held_at);

    return at == 0 ? 0 : clock_mono_ms() - at;
}

unsigned commit_queue_waiting(struct commit_queue *queue)
{
    unsigned n = 0;

    (void)pthread_mutex_lock(&queue->lock);
    for (const struct request *r = queue->first; r != NULL; r = r->next)
        n++;
    (void)pthread_mutex_unlock(&queue->lock);
    return n;
}

/* Run one change. Its error is its own; what it left in the transaction is in txn->wrote. */
static void run_one(struct txn *txn, struct request *r)
{
    err_clear(&r->err);
    err_clear(&txn->failed);
    txn->db = r->db;
    txn->wrote = false;
    txn->time_ms = clock_wall_ms();
    r->result = r->change(txn, r->arg, &r->err);
    if (txn->failed.kind != ERR_NONE) {
        if (r->result == 0 || r->err.kind == ERR_NONE)
            r->err = txn->failed;
        r->result = -1;
    }
    if (r->result != 0 && r->err.kind == ERR_NONE)
        (void)err_set(&r->err, ERR_INTERNAL, "no_reason", "a change failed and did not say why");
}

static void fail_rest(struct request *batch, const struct err *err)
{
    for (struct request *r = batch; r != NULL; r = r->next)
        if (!r->out && r->result == 0) {
            r->result = -1;
            r->err = *err;
        }
}

/* Put what did not get its turn back to the head of the queue. */
static void put_back(struct commit_queue *queue, struct request *last)
{
    struct request *rest = last->next, *end = rest;

    if (rest == NULL)
        return;
    last->next = NULL;
    (void)pthread_mutex_lock(&queue->lock);
    for (struct request *r = rest; r != NULL; r = r->next) {
        r->state = WAITING; /* its deadline counts again */
        end = r;
    }
    end->next = queue->first;
    if (queue->first == NULL)
        queue->end = &end->next;
    queue->first = rest;
    (void)pthread_mutex_unlock(&queue->lock);
}

/* Run the batch in the transaction. Return 1 if there is something to commit, 0 if not, or -1 when
 * a change failed after it wrote: it is marked, and the transaction is of no use any more. */
static int run_all(struct commit_queue *queue, struct txn *txn, struct request *batch)
{
    int64_t start_ms = clock_mono_ms();
    int wrote = 0;

    for (struct request *r = batch; r != NULL; r = r->next) {
        if (r->out)
            continue;
        run_one(txn, r);
        if (r->result != 0 && txn->wrote) {
            r->out = true;
            return -1;
        }
        if (txn->wrote)
            wrote = 1;
        if (clock_mono_ms() - start_ms > BATCH_MS)
            put_back(queue, r);
    }
    return wrote;
}

static unsigned succeeded(const struct request *batch)
{
    unsigned n = 0;

    for (const struct request *r = batch; r != NULL; r = r->next)
        if (r->result == 0)
            n++;
    return n;
}

/* Begin again for the same batch, or fail all of it. */
static int begin_again(struct txn *txn, struct request *batch)
{
    struct err err;

    if (db_raw_begin(batch->db, true, txn, &err) == 0)
        return 0;
    for (struct request *r = batch; r != NULL; r = r->next)
        if (!r->out) {
            r->result = -1;
            r->err = err;
        }
    return -1;
}

/* There was no room for all of them together: each alone, so that those that fit or make room
 * are not held up by one that does not. */
static void commit_each(struct commit_queue *queue, struct request *batch)
{
    struct request *next;
    struct txn txn;

    for (struct request *r = batch; r != NULL; r = next) {
        next = r->next;
        if (r->out)
            continue;
        r->next = NULL;
        if (begin_again(&txn, r) == 0) {
            if (run_all(queue, &txn, r) != 1)
                db_raw_abort(&txn);
            else if (db_raw_commit(&txn, &r->err) == -1)
                r->result = -1;
        }
        r->next = next;
    }
}

/* Run and commit a batch; the transaction has begun. Afterwards every result is final. */
static void commit_batch(struct commit_queue *queue, struct txn *txn, struct request *batch)
{
    struct err err;
    int got;

    while ((got = run_all(queue, txn, batch)) == -1) {
        db_raw_abort(txn);
        if (begin_again(txn, batch) == -1)
            return;
    }
    if (got == 0) {
        db_raw_abort(txn);
        return;
    }
    CP("store.commit.before");
    if (db_raw_commit(txn, &err) == 0) {
        CP("store.commit.after");
        return;
    }
    if (err.kind == ERR_FULL && succeeded(batch) > 1)
        commit_each(queue, batch);
    else
        fail_rest(batch, &err);
}

/* Take what waits, up to a batch; NULL if all have gone away. */
static struct request *take_batch(struct commit_queue *queue)
{
    struct request *batch, *r;
    unsigned n = 1;

    (void)pthread_mutex_lock(&queue->lock);
    batch = queue->first;
    for (r = batch; r != NULL; r = r->next) {
        r->state = RUNNING;
        r->out = false;
        r->result = 0;
        if (n++ == BATCH_CHANGES || r->next == NULL) {
            queue->first = r->next;
            r->next = NULL;
        }
    }
    if (queue->first == NULL)
        queue->end = &queue->first;
    (void)pthread_mutex_unlock(&queue->lock);
    return batch;
}

/* Every result is final: nobody can withdraw any more, so that no lock is needed. */
static void give_back(struct request *batch)
{
    struct request *next;

    for (struct request *r = batch; r != NULL; r = next) {
        next = r->next; /* once it is done, its caller may leave with it */
        r->state = DONE;
        (void)sem_post(&r->done);
    }
}

/* Who waits is asked for a handle; all of one queue belong to one environment. */
static struct db *wait_for_work(struct commit_queue *queue, struct db *copy)
{
    (void)pthread_mutex_lock(&queue->lock);
    queue->idle = true;
    while (queue->first == NULL)
        (void)pthread_cond_wait(&queue->arrived, &queue->lock);
    queue->idle = false;
    *copy = *queue->first->db; /* its owner may withdraw while the write lock is waited for */
    (void)pthread_mutex_unlock(&queue->lock);
    return copy;
}

static void *writer(void *arg)
{
    struct commit_queue *queue = arg;
    struct request *batch;
    struct db db;
    struct txn txn;
    struct err err;

    for (;;) {
        bool begun = db_raw_begin(wait_for_work(queue, &db), true, &txn, &err) == 0;
        if (begun)
            atomic_store(&queue->held_at, clock_mono_ms());
        batch = take_batch(queue);
        if (begun && batch == NULL)
            db_raw_abort(&txn);
        else if (begun)
            commit_batch(queue, &txn, batch);
        else
            fail_rest(batch, &err);
        atomic_store(&queue->held_at, 0);
        give_back(batch);
    }
    return NULL;
}

/* The writer begins with the first change. It takes no signals: they are for those who expect them.
 * The queue is locked. */
static int start_writer(struct commit_queue *queue)
{
    sigset_t all, before;
    int rc;

    if (queue->started)
        return 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&queue->thread, NULL, writer, queue);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return -1;
    (void)pthread_detach(queue->thread);
    queue->started = true;
    return 0;
}

static void append(struct commit_queue *queue, struct request *r)
{
    *queue->end = r;
    queue->end = &r->next;
    if (queue->idle)
        (void)pthread_cond_signal(&queue->arrived);
}

static void withdraw(struct commit_queue *queue, struct request *r)
{
    struct request **at = &queue->first;

    while (*at != NULL && *at != r)
        at = &(*at)->next;
    if (*at != r)
        return;
    *at = r->next;
    if (*at == NULL)
        queue->end = at;
}

static void add_ms(struct timespec *t, long ms)
{
    t->tv_sec += ms / 1000;
    t->tv_nsec += ms % 1000 * 1000000;
    if (t->tv_nsec >= 1000000000) {
        t->tv_sec++;
        t->tv_nsec -= 1000000000;
    }
}

/* Whether the change had not been started; then it is off the queue. */
static bool gave_up(struct commit_queue *queue, struct request *r)
{
    bool waiting;

    (void)pthread_mutex_lock(&queue->lock);
    waiting = r->state == WAITING;
    if (waiting)
        withdraw(queue, r);
    (void)pthread_mutex_unlock(&queue->lock);
    return waiting;
}

/* Wait for the end, or for the deadline if the change has not been started by then. Return 0, or -1
 * after withdrawing. Only the semaphore says that the writer is through with it. */
static int wait_for_end(struct commit_queue *queue, struct request *r)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    add_ms(&until, DB_WRITE_WAIT_MS);
    while (sem_clockwait(&r->done, CLOCK_MONOTONIC, &until) == -1) {
        if (errno != ETIMEDOUT)
            continue;
        if (gave_up(queue, r))
            return -1;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        add_ms(&until, LOOK_MS);
    }
    /* DONE is read for what it orders: the results were written before it was. */
    return r->state == DONE ? 0 : -1;
}

/* The file comes with a store that is put in another's place and goes once: it is looked for no
 * more when it is not there. */
bool db_on_trial(struct db *db)
{
    if (db->env->settled)
        return false;
    db->env->settled = !stage_on_trial(db->folder);
    return !db->env->settled;
}

static int on_trial(struct err *err)
{
    (void)err_set(err, ERR_UNAVAILABLE, "store_on_trial",
                  "a new version is on trial for a minute; nothing is changed meanwhile");
    if (err != NULL)
        err->retry_after_s = TRIAL_RETRY_S;
    return -1;
}

int db_write(struct db *db, db_change *change, void *arg, struct err *err)
{
    struct commit_queue *queue = db->env->queue;
    struct request r = {.db = db, .change = change, .arg = arg};
    int waited;

    if (db_on_trial(db))
        return on_trial(err);
    (void)pthread_mutex_lock(&queue->lock);
    if (queue->started && pthread_equal(queue->thread, pthread_self())) {
        (void)pthread_mutex_unlock(&queue->lock);
        return err_set(err, ERR_INTERNAL, "nested_write",
                       "a change cannot wait for another change");
    }
    if (start_writer(queue) == -1) {
        (void)pthread_mutex_unlock(&queue->lock);
        return err_set(err, ERR_UNAVAILABLE, "no_thread",
                       "the writer's thread could not be started");
    }
    (void)sem_init(&r.done, 0, 0);
    append(queue, &r);
    (void)pthread_mutex_unlock(&queue->lock);
    waited = wait_for_end(queue, &r);
    (void)sem_destroy(&r.done);
    if (waited == -1) {
        (void)err_set(err, ERR_UNAVAILABLE, "store_busy",
                      "the store's write lock was not free within %d ms; nothing was changed",
                      DB_WRITE_WAIT_MS);
        if (err != NULL)
            err->retry_after_s = 1;
        return -1;
    }
    if (r.result != 0 && err != NULL)
        *err = r.err;
    return r.result == 0 ? 0 : -1;
}
