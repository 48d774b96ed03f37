/* The hands' socket: who may ask, how many at once, what never runs at the same time. Apart from
 * the verbs, which can be run without a socket. */
#include "hands_serve.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "cond.h"
#include "hands_verb.h"
#include "log.h"
#include "str.h"

#define REQUEST_MS  5000
#define STACK_SIZE  (1024u * 1024u)
#define STREAM_PART (CHANNEL_MESSAGE_MAX / 2)

struct busy {
    uint64_t number; /* 0: this place is free */
    bool of_tunnel;
};

struct hands_serve {
    struct hands_world *world;
    uid_t worker;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* monotonic; a request ended */
    unsigned active;
    struct busy busy[HANDS_CONNECTIONS];
};

struct connection {
    struct hands_serve *serve;
    int fd;
    uid_t uid;
    struct hands_request request;
    struct hands_reply reply;
};

/* Read and check the one request. Return 0 or -1 (logged). */
static int read_request(struct connection *c)
{
    struct buf message;
    struct err err;
    int got;

    err_clear(&err);
    buf_init(&message, CHANNEL_MESSAGE_MAX);
    got = channel_receive(c->fd, &message, REQUEST_MS, &err);
    if (got == 1 && (message.len < 1 || message.data[0] != HANDS_VERSION ||
                     fields_decode(&hands_request_fields, 1, (const uint8_t *)message.data + 1,
                                   message.len - 1, &c->request, &err) == -1))
        got = err_set(&err, ERR_MALFORMED, "request_unread", "a request that cannot be read");
    if (got == 1)
        got = hands_check(&c->request, &err) == 0 ? 1 : -1;
    if (message.data != NULL)
        explicit_bzero(message.data, message.len);
    buf_free(&message);
    if (got == -1)
        log_event(LOG_PEER_MALFORMED, LOG_LEVEL_WARNING, "user %u was cut off: %s",
                  (unsigned)c->uid, err.text);
    return got == 1 ? 0 : -1;
}

/* Wait until nothing else is at work about the same number; take the place. */
static size_t enter(struct hands_serve *s, uint64_t number, bool of_tunnel)
{
    size_t free_place;
    bool taken;

    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        free_place = HANDS_CONNECTIONS;
        taken = false;
        for (size_t i = 0; i < HANDS_CONNECTIONS; i++) {
            if (s->busy[i].number == 0)
                free_place = i;
            else if (s->busy[i].number == number && s->busy[i].of_tunnel == of_tunnel)
                taken = true;
        }
        if (!taken && free_place < HANDS_CONNECTIONS)
            break;
        (void)pthread_cond_wait(&s->changed, &s->lock);
    }
    s->busy[free_place] = (struct busy){number, of_tunnel};
    (void)pthread_mutex_unlock(&s->lock);
    return free_place;
}

static void leave(struct hands_serve *s, size_t place)
{
    (void)pthread_mutex_lock(&s->lock);
    s->busy[place].number = 0;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
}

static void answer(struct connection *c, const struct buf *stream)
{
    struct buf message;
    struct err err;
    int result = 0;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    (void)buf_byte(&message, HANDS_VERSION);
    if (fields_encode(&hands_reply_fields, &c->reply, &message) == -1)
        result = err_set(&err, ERR_TOO_LARGE, "reply_too_large", "an answer does not fit");
    else
        result = channel_send(c->fd, message.data, message.len, &err);
    for (size_t at = 0; result == 0 && at < stream->len; at += STREAM_PART) {
        size_t part = stream->len - at < STREAM_PART ? stream->len - at : STREAM_PART;
        result = channel_send(c->fd, stream->data + at, part, &err);
    }
    if (result == 0)
        result = channel_send(c->fd, "", 0, &err);
    if (result == -1)
        log_info("the answer to %s was not taken: %s", hands_verb_names[c->request.verb], err.text);
    buf_free(&message);
}

static void work(struct connection *c)
{
    struct hands_serve *s = c->serve;
    bool of_tunnel, alone = hands_alone(c->request.verb, &of_tunnel);
    struct log_about about = {0};
    size_t place = 0;
    struct buf stream;

    (void)str_copy(about.tenant_id, sizeof about.tenant_id, c->request.tenant_id);
    (void)str_copy(about.job, sizeof about.job, c->request.job_id);
    log_about(&about);

    buf_init(&stream, HANDS_STREAM_MAX);
    if (alone)
        place = enter(s, c->request.number, of_tunnel);
    hands_run(s->world, &c->request, c->fd, &c->reply, &stream);
    if (alone)
        leave(s, place);
    answer(c, &stream);
    buf_free(&stream);
}

static void *serve_one(void *arg)
{
    struct connection *c = arg;
    struct hands_serve *s = c->serve;

    if (read_request(c) == 0)
        work(c);
    (void)close(c->fd);
    explicit_bzero(&c->request, sizeof c->request);
    free(c);
    (void)pthread_mutex_lock(&s->lock);
    s->active--;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

int hands_serve_fd(struct hands_serve *s)
{
    int fd;

    (void)pthread_mutex_lock(&s->lock);
    fd = s->active < HANDS_CONNECTIONS ? s->fd : -1;
    (void)pthread_mutex_unlock(&s->lock);
    return fd;
}

static int start_thread(struct connection *c)
{
    pthread_attr_t attr;
    pthread_t thread;
    int failed;

    if ((failed = pthread_attr_init(&attr)) != 0)
        return failed;
    (void)pthread_attr_setstacksize(&attr, STACK_SIZE);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    failed = pthread_create(&thread, &attr, serve_one, c);
    (void)pthread_attr_destroy(&attr);
    return failed;
}

void hands_serve_accept(struct hands_serve *s)
{
    struct connection *c;
    struct err err;
    uid_t uid;
    int fd = channel_accept(s->fd, &uid, &err);

    if (fd == -1) {
        log_warning("a connection was lost: %s", err.text);
        return;
    }
    if (uid != s->worker && uid != 0 && uid != geteuid()) {
        log_event(LOG_PEER_REFUSED, LOG_LEVEL_WARNING,
                  "user %u may not ask the hands and was cut off", (unsigned)uid);
        (void)close(fd);
        return;
    }
    if ((c = calloc(1, sizeof *c)) == NULL) {
        (void)close(fd);
        return;
    }
    c->serve = s;
    c->fd = fd;
    c->uid = uid;
    (void)pthread_mutex_lock(&s->lock);
    s->active++;
    (void)pthread_mutex_unlock(&s->lock);
    if (start_thread(c) == 0)
        return;
    log_error("no thread for a request");
    (void)close(fd);
    free(c);
    (void)pthread_mutex_lock(&s->lock);
    s->active--;
    (void)pthread_mutex_unlock(&s->lock);
}

int hands_serve_new(struct hands_serve **out, struct hands_world *world, uid_t worker,
                    struct err *err)
{
    struct hands_serve *s = calloc(1, sizeof *s);
    const char *path = world->paths->hands_sock;

    if (s == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the hands' socket");
    s->world = world;
    s->worker = worker;
    (void)pthread_mutex_init(&s->lock, NULL);
    cond_init(&s->changed);
    s->fd = channel_listen(path, 0600, err);
    if (s->fd != -1 && geteuid() == 0 && worker != 0 && chown(path, worker, (gid_t)-1) == -1) {
        (void)err_sys(err, "socket_owner", errno, path);
        (void)close(s->fd);
        s->fd = -1;
    }
    if (s->fd != -1) {
        *out = s;
        return 0;
    }
    free(s);
    return -1;
}

int hands_serve_end(struct hands_serve *s, int wait_ms)
{
    int64_t until = clock_mono_ms() + wait_ms;
    unsigned left;

    (void)close(s->fd);
    (void)pthread_mutex_lock(&s->lock);
    while (s->active > 0)
        if (!cond_until(&s->changed, &s->lock, until))
            break;
    left = s->active;
    (void)pthread_mutex_unlock(&s->lock);
    if (left > 0)
        return -1;
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
    return 0;
}
