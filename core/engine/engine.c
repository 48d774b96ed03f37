/*
 * The engine's threads: one scheduler that looks for due jobs, keeps the pauses and hears the wake
 * datagrams, and a pool that flies the jobs. It is all about waiting well: nothing here knows what
 * a step is.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cond.h"
#include "log.h"
#include "paths.h"
#include "schedule.h"
#include "str.h"

#define THREADS_DEFAULT  32
#define THREADS_MOST     64
#define FLIGHTS_MOST     512
#define BUCKETS          256
#define TICK_MS          1000
#define WOKEN_TICK_MS    100
#define LOOK_EVERY_MS    10 /* looks at the store are at least so far apart */
#define READERS_EVERY_MS 10000

struct queue {
    struct flight *first, **last;
};

struct engine {
    struct flight_world world;
    struct schedule schedule;
    void (*tick)(void *context);
    void *tick_context;
    char wake_path[PATHS_SIZE];
    int wake_fd, event_fd;
    pthread_t scheduler, threads[THREADS_MOST];
    unsigned threads_most;
    atomic_bool stopping;
    atomic_uint_fast64_t turns;

    pthread_mutex_t lock; /* holds all below */
    pthread_cond_t work, left;
    unsigned threads_made, threads_idle, threads_left;
    struct queue ready;
    struct flight *pauses;           /* in no order */
    struct flight *buckets[BUCKETS]; /* all flights by id */
    unsigned flights;
    bool look; /* something ended, room was made: look again */
};

static bool stopping(void *arg)
{
    return atomic_load(&((struct engine *)arg)->stopping);
}

static void poke(struct engine *e)
{
    uint64_t one = 1;

    (void)!write(e->event_fd, &one, sizeof one);
}

static void push(struct queue *q, struct flight *f)
{
    f->next = NULL;
    *q->last = f;
    q->last = &f->next;
}

static struct flight *pop(struct queue *q)
{
    struct flight *f = q->first;

    if (f != NULL && (q->first = f->next) == NULL)
        q->last = &q->first;
    return f;
}

static struct flight **bucket(struct engine *e, const char *id)
{
    unsigned hash = 5381;

    for (const char *p = id; *p != '\0'; p++)
        hash = hash * 33u + (unsigned char)*p;
    return &e->buckets[hash % BUCKETS];
}

/* Called by the scheduler alone, which alone adds flights; the lock is not held. */
static bool busy(void *arg, const char *id)
{
    struct engine *e = arg;
    bool found = false;

    (void)pthread_mutex_lock(&e->lock);
    for (struct flight *f = *bucket(e, id); f != NULL && !found; f = f->chain)
        found = str_equal(f->id, id);
    (void)pthread_mutex_unlock(&e->lock);
    return found;
}

/* Take a flight out of the table. Locked. */
static void forget(struct engine *e, struct flight *gone)
{
    struct flight **at = bucket(e, gone->id);

    while (*at != gone)
        at = &(*at)->chain;
    *at = gone->chain;
    e->flights--;
    e->look = true;
}

static void *pool_main(void *arg)
{
    struct engine *e = arg;
    struct flight *f;
    enum flight_state state;

    (void)pthread_mutex_lock(&e->lock);
    while (!stopping(e)) {
        if ((f = pop(&e->ready)) == NULL) {
            e->threads_idle++;
            (void)pthread_cond_wait(&e->work, &e->lock);
            e->threads_idle--;
            continue;
        }
        (void)pthread_mutex_unlock(&e->lock);
        state = flight_run(&e->world, f);
        (void)pthread_mutex_lock(&e->lock);
        if (state == FLIGHT_PAUSE) {
            f->next = e->pauses;
            e->pauses = f;
        } else {
            forget(e, f);
            flight_free(f);
        }
        poke(e);
    }
    e->threads_left++;
    (void)pthread_cond_broadcast(&e->left);
    (void)pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* More threads when there is more to do than idle ones. Locked. */
static void staff(struct engine *e)
{
    unsigned waiting = 0, missing;
    int rc;

    for (struct flight *f = e->ready.first; f != NULL && waiting < e->threads_most; f = f->next)
        waiting++;
    missing = waiting > e->threads_idle ? waiting - e->threads_idle : 0;
    while (missing-- > 0 && e->threads_made < e->threads_most) {
        rc = pthread_create(&e->threads[e->threads_made], NULL, pool_main, e);
        if (rc != 0) {
            log_warning("no more threads: %s", strerror(rc));
            break;
        }
        e->threads_made++;
    }
    for (struct flight *f = e->ready.first; f != NULL && waiting-- > 0; f = f->next)
        (void)pthread_cond_signal(&e->work);
}

/* Pauses that are over become ready. Return the time of the next, or INT64_MAX. Locked. */
static int64_t end_pauses(struct engine *e)
{
    int64_t now_ms = clock_mono_ms(), next_ms = INT64_MAX;
    struct flight **at = &e->pauses, *f;

    while ((f = *at) != NULL) {
        if (f->due_ms <= now_ms) {
            *at = f->next;
            push(&e->ready, f);
            continue;
        }
        if (f->due_ms < next_ms)
            next_ms = f->due_ms;
        at = &f->next;
    }
    return next_ms;
}

static void add_found(struct engine *e, const struct schedule_found *found)
{
    for (size_t i = 0; i < found->count; i++) {
        struct flight *f = flight_new(found->ids[i]), **at;

        if (f == NULL)
            return;
        at = bucket(e, f->id);
        f->chain = *at;
        *at = f;
        e->flights++;
        push(&e->ready, f);
    }
}

/* What the scheduler remembers between its turns. */
struct rounds {
    uint64_t seen_txn;
    int64_t looked_ms, ticked_ms, readers_ms; /* monotonic */
    bool woken;                               /* by a datagram, since the last tick */
    int64_t due_ms;                           /* wall: the next job that waits in the store */
    bool look;
    struct schedule_found found;
};

static void look(struct engine *e, struct rounds *r)
{
    struct err err = {0};
    bool room;

    (void)pthread_mutex_lock(&e->lock);
    room = e->flights + SCHEDULE_BATCH <= FLIGHTS_MOST;
    e->look = false;
    (void)pthread_mutex_unlock(&e->lock);
    r->looked_ms = clock_mono_ms();
    if (!room)
        return; /* the end of a flight makes room and asks for a look */
    r->seen_txn = db_last_txn(e->schedule.db);
    r->look = false;
    if (schedule_look(&e->schedule, busy, e, &r->found, &err) == -1) {
        log_error("cannot look for jobs: %s", err.text);
        return;
    }
    r->due_ms = r->found.next_ms;
    r->look = r->found.more;
    (void)pthread_mutex_lock(&e->lock);
    add_found(e, &r->found);
    (void)pthread_mutex_unlock(&e->lock);
}

/* Once a second, and soon after a datagram (which may tell of new settings): what a lost datagram
 * would have told, the caller's own business, dead readers. */
static void tick(struct engine *e, struct rounds *r)
{
    r->ticked_ms = clock_mono_ms();
    r->woken = false;
    if (db_last_txn(e->schedule.db) != r->seen_txn)
        r->look = true;
    if (r->ticked_ms - r->readers_ms >= READERS_EVERY_MS) {
        r->readers_ms = r->ticked_ms;
        r->look = true; /* leases of workers that died meanwhile */
        (void)db_check_readers(e->schedule.db);
    }
    if (e->tick != NULL)
        e->tick(e->tick_context);
}

static int64_t next_tick_ms(const struct rounds *r)
{
    return r->ticked_ms + (r->woken ? WOKEN_TICK_MS : TICK_MS);
}

static void drain(int fd)
{
    char bytes[64];

    while (fd != -1 && read(fd, bytes, sizeof bytes) > 0)
        continue;
}

/* How long the scheduler may sleep. */
static int sleep_ms(const struct rounds *r, int64_t pause_ms, bool wanted)
{
    int64_t now_ms = clock_mono_ms(), until_ms = next_tick_ms(r), due_ms;

    if (pause_ms < until_ms)
        until_ms = pause_ms;
    if (r->due_ms != 0) {
        due_ms = now_ms + (r->due_ms - clock_wall_ms());
        if (due_ms < r->looked_ms + LOOK_EVERY_MS)
            due_ms = r->looked_ms + LOOK_EVERY_MS;
        if (due_ms < until_ms)
            until_ms = due_ms;
    }
    if (wanted && r->looked_ms + LOOK_EVERY_MS < until_ms)
        until_ms = r->looked_ms + LOOK_EVERY_MS;
    return until_ms <= now_ms ? 0 : (int)(until_ms - now_ms);
}

static void rest(struct engine *e, struct rounds *r, int64_t pause_ms, bool wanted)
{
    struct pollfd fds[2] = {{.fd = e->event_fd, .events = POLLIN},
                            {.fd = e->wake_fd, .events = POLLIN}};

    if (poll(fds, 2, sleep_ms(r, pause_ms, wanted)) <= 0)
        return;
    if (fds[0].revents != 0)
        drain(e->event_fd);
    if (fds[1].revents != 0) {
        drain(e->wake_fd);
        r->look = r->woken = true;
    }
}

static void *scheduler_main(void *arg)
{
    struct engine *e = arg;
    struct rounds rounds = {.look = true}, *r = &rounds;
    int64_t pause_ms;
    bool room, wanted;

    r->looked_ms = r->ticked_ms = -TICK_MS;
    while (!stopping(e)) {
        (void)atomic_fetch_add(&e->turns, 1);
        if (clock_mono_ms() >= next_tick_ms(r))
            tick(e, r);
        (void)pthread_mutex_lock(&e->lock);
        r->look = r->look || e->look;
        (void)pthread_mutex_unlock(&e->lock);
        if (r->due_ms != 0 && r->due_ms <= clock_wall_ms())
            r->look = true;
        if (r->look && clock_mono_ms() - r->looked_ms >= LOOK_EVERY_MS)
            look(e, r);
        (void)pthread_mutex_lock(&e->lock);
        pause_ms = end_pauses(e);
        staff(e);
        room = e->flights + SCHEDULE_BATCH <= FLIGHTS_MOST;
        wanted = room && (r->look || e->look);
        (void)pthread_mutex_unlock(&e->lock);
        rest(e, r, pause_ms, wanted);
    }
    return NULL;
}

/* The socket that wakes us. One that a former worker left is replaced. */
static int listen_for_wakes(struct engine *e, const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    e->wake_fd = -1;
    if (path == NULL || path[0] == '\0')
        return 0;
    if (str_copy(address.sun_path, sizeof address.sun_path, path) == -1 ||
        str_copy(e->wake_path, sizeof e->wake_path, path) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long for a socket", path);
    e->wake_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->wake_fd == -1)
        return err_sys(err, "wake_socket", errno, path);
    (void)unlink(path);
    if (bind(e->wake_fd, (struct sockaddr *)&address, sizeof address) == -1 ||
        chmod(path, 0660) == -1)
        return err_sys(err, "wake_socket", errno, path);
    return 0;
}

static void set_up(struct engine *e, const struct engine_setup *setup)
{
    struct flight_world *w = &e->world;

    w->moves.db = e->schedule.db = setup->db;
    w->moves.sagas = setup->sagas;
    w->moves.saga_count = setup->saga_count;
    w->moves.context = setup->context;
    w->moves.vault = setup->vault;
    w->outside = setup->outside;
    w->backoff.min_ms = setup->backoff_min_ms == 0 ? 500 : setup->backoff_min_ms;
    w->backoff.max_ms = setup->backoff_max_ms == 0 ? 300000 : setup->backoff_max_ms;
    w->short_wait_ms = setup->short_wait_ms == 0 ? 2000 : setup->short_wait_ms;
    w->stopping = stopping;
    w->stopping_arg = e;
    e->tick = setup->tick;
    e->tick_context = setup->tick_context;
    e->schedule.may = setup->may;
    e->schedule.may_context = setup->tick_context;
    e->threads_most = setup->threads == 0 ? THREADS_DEFAULT : setup->threads;
    if (e->threads_most > THREADS_MOST)
        e->threads_most = THREADS_MOST;
    e->schedule.lease = w->moves.lease;
    e->schedule.offset_ms = clock_wall_ms() - clock_mono_ms();
    e->ready.last = &e->ready.first;
}

static void release(struct engine *e)
{
    struct flight *f;

    for (unsigned i = 0; i < BUCKETS; i++) {
        while ((f = e->buckets[i]) != NULL) {
            e->buckets[i] = f->chain;
            flight_free(f);
        }
    }
    if (e->wake_fd != -1) {
        (void)close(e->wake_fd);
        (void)unlink(e->wake_path);
    }
    if (e->event_fd != -1)
        (void)close(e->event_fd);
    (void)pthread_cond_destroy(&e->work);
    (void)pthread_cond_destroy(&e->left);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

int engine_start(struct engine **out, const struct engine_setup *setup, struct err *err)
{
    struct engine *e = calloc(1, sizeof *e);
    int rc;

    if (e == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the engine");
    set_up(e, setup);
    (void)pthread_mutex_init(&e->lock, NULL);
    (void)pthread_cond_init(&e->work, NULL);
    cond_init(&e->left);
    e->wake_fd = -1;
    e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->event_fd == -1) {
        (void)err_sys(err, "eventfd", errno, "eventfd");
        goto fail;
    }
    if (lease_own(e->world.moves.lease, err) == -1 ||
        listen_for_wakes(e, setup->wake_sock, err) == -1)
        goto fail;
    if ((rc = pthread_create(&e->scheduler, NULL, scheduler_main, e)) != 0) {
        (void)err_sys(err, "thread", rc, "the scheduler's thread");
        goto fail;
    }
    *out = e;
    return 0;
fail:
    release(e);
    return -1;
}

void engine_wake(struct engine *e)
{
    (void)pthread_mutex_lock(&e->lock);
    e->look = true;
    (void)pthread_mutex_unlock(&e->lock);
    poke(e);
}

void engine_stop(struct engine *e, int wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    bool all;

    if (e == NULL)
        return;
    atomic_store(&e->stopping, true);
    poke(e);
    (void)pthread_join(e->scheduler, NULL);
    (void)pthread_mutex_lock(&e->lock);
    (void)pthread_cond_broadcast(&e->work);
    while (e->threads_left < e->threads_made && cond_until(&e->left, &e->lock, until_ms))
        continue;
    all = e->threads_left == e->threads_made;
    (void)pthread_mutex_unlock(&e->lock);
    if (!all) {
        log_warning("some steps are still outside; they are checked at the next start");
        return;
    }
    for (unsigned i = 0; i < e->threads_made; i++)
        (void)pthread_join(e->threads[i], NULL);
    release(e);
}

uint64_t engine_alive(const struct engine *e)
{
    return atomic_load(&((struct engine *)(uintptr_t)e)->turns);
}
