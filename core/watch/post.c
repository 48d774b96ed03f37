/*
 * The threads that send. One of them looks at the outbox while the others send or sleep; who finds
 * something hands the look on before it goes out with it.
 */
#include "post.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "cond.h"
#include "crash.h"
#include "log.h"
#include "str.h"

#define LOOK_MS   1000
#define LOOK_MOST 20000 /* messages passed over in one look */

struct post {
    const struct saga_context *context;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[POST_THREADS];
    unsigned thread_count;
    bool stopping, looking;
    uint64_t seen_txn; /* nothing was to do at that state of the store */
    int64_t next_ms;   /* wall: but something will be then */
    struct {
        char id[ID_SIZE], lane[ID_SIZE];
    } under_way[POST_THREADS]; /* id "": free */
};

/* Whether it is being sent, or as much over its lane as may be. Locked. */
static bool busy(const struct post *p, const struct message *m)
{
    unsigned lane = 0;

    for (unsigned i = 0; i < POST_THREADS; i++) {
        if (p->under_way[i].id[0] == '\0')
            continue;
        if (str_equal(p->under_way[i].id, m->id))
            return true;
        lane += str_equal(p->under_way[i].lane, m->channel_id);
    }
    return lane >= POST_LANE;
}

/* The first message that is due and free. Return 1, 0 or -1. Locked: it only reads. */
static int find(struct post *p, struct message *m, struct err *err)
{
    int64_t now_ms = clock_wall_ms();
    struct txn *txn;
    struct scan scan;
    unsigned passed = 0;
    int got;

    if (db_read(&txn, p->context->db, err) != 0)
        return -1;
    p->next_ms = INT64_MAX;
    got = scan_start(&scan, txn, &message_table, "due_at", NULL, 0, false, err) != 0 ? -1 : 1;
    while (got == 1 && passed++ < LOOK_MOST && (got = scan_next(&scan, m, err)) == 1) {
        if (m->due_at > now_ms) {
            p->next_ms = m->due_at;
            got = 0;
        } else if (m->state == MESSAGE_QUEUED && !busy(p, m)) {
            break;
        }
    }
    db_read_end(txn);
    return got;
}

/* Wait until something may be to do, or the time is over. Locked. */
static void rest(struct post *p)
{
    int64_t until_ms = clock_mono_ms() + LOOK_MS;

    (void)cond_until(&p->changed, &p->lock, until_ms);
}

/* The next message, its place taken. Locked. Return its place, or -1 when it is over. */
static int next(struct post *p, char id[ID_SIZE])
{
    struct message m;
    struct err err;

    while (!p->stopping) {
        uint64_t last = db_last_txn(p->context->db);
        int got = 0;

        if (last != p->seen_txn || clock_wall_ms() >= p->next_ms) {
            p->seen_txn = last;
            if ((got = find(p, &m, &err)) < 0)
                log_warning("the outbox cannot be read: %s", err.text);
        }
        for (int i = 0; got == 1 && i < POST_THREADS; i++) {
            if (p->under_way[i].id[0] != '\0')
                continue;
            memcpy(p->under_way[i].id, m.id, sizeof m.id);
            memcpy(p->under_way[i].lane, m.channel_id, sizeof m.channel_id);
            memcpy(id, m.id, sizeof m.id);
            p->seen_txn = 0; /* there may be more */
            return i;
        }
        rest(p);
    }
    return -1;
}

static void send_one(struct post *p, const char *id, struct post_item *item)
{
    struct post_result result;
    struct err err = {0};
    int got = post_claim(p->context, id, item, &err);

    if (got == 1) {
        CP("post.claimed");
        post_send(item, &p->context->vault, p->context->paths.mail, clock_wall_ms(), &result);
        CP("post.sent");
        if (result.outcome != POST_SENT)
            log_event(LOG_LETTER_LOST, LOG_LEVEL_WARNING, "the message %s (%s) was not sent: %s",
                      id, item->message.kind, result.cause);
        got = post_note(p->context, item, &result, &err);
        CP("post.noted");
    }
    sodium_memzero(item, sizeof *item); /* a password and a link stood in it */
    if (got < 0) {
        log_error("the message %s: %s", id, err.text);
        clock_sleep_ms(LOOK_MS);
    }
}

static void *post_main(void *arg)
{
    struct post *p = arg;
    struct post_item *item = malloc(sizeof *item);
    char id[ID_SIZE];

    (void)pthread_mutex_lock(&p->lock);
    while (item != NULL && !p->stopping) {
        int place;

        if (p->looking) {
            (void)pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        p->looking = true;
        place = next(p, id);
        p->looking = false;
        (void)pthread_cond_broadcast(&p->changed);
        if (place < 0)
            break;
        (void)pthread_mutex_unlock(&p->lock);
        send_one(p, id, item);
        (void)pthread_mutex_lock(&p->lock);
        p->under_way[place].id[0] = '\0';
        p->seen_txn = 0; /* its lane is free */
        (void)pthread_cond_broadcast(&p->changed);
    }
    (void)pthread_mutex_unlock(&p->lock);
    free(item);
    return NULL;
}

int post_start(struct post **out, const struct saga_context *context, struct err *err)
{
    struct post *p = calloc(1, sizeof *p);
    int rc = 0;

    if (p == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the outbox");
    p->context = context;
    (void)pthread_mutex_init(&p->lock, NULL);
    cond_init(&p->changed);
    while (p->thread_count < POST_THREADS &&
           (rc = pthread_create(&p->threads[p->thread_count], NULL, post_main, p)) == 0)
        p->thread_count++;
    *out = p;
    if (p->thread_count > 0)
        return 0;
    (void)err_sys(err, "thread", rc, "the threads of the outbox");
    free(p);
    return -1;
}

void post_stop(struct post *p)
{
    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->stopping = true;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
}
