/*
 * The server of questions. Apart from the answers because here is only who may ask, how many at
 * once, and that a hung look outside holds up nobody else.
 */
#include "answer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "answer_about.h"
#include "answer_engine.h"
#include "answer_plan.h"
#include "answer_proxmox.h"
#include "ask.h"
#include "channel.h"
#include "clock.h"
#include "cond.h"
#include "log.h"
#include "sagas.h"
#include "str.h"

#define AT_ONCE    8
#define ANSWER_MAX (1024u * 1024u)
#define SOCK_MODE  0660
#define BUSY_S     2

struct answer {
    struct answer_setup setup;
    int listen_fd, stop_fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t left;
    unsigned under_way;
    atomic_bool stopping;
};

static int plan(const struct answer_setup *s, const struct kv *params, struct buf *out,
                struct err *err)
{
    const char *name = kv_get_or(params, "saga", "");
    const struct saga *saga = sagas_find(name);

    for (size_t i = 0; saga == NULL && i < s->saga_count; i++)
        if (str_equal(s->sagas[i]->name, name))
            saga = s->sagas[i];
    if (saga == NULL)
        return err_set(err, ERR_NOT_FOUND, "saga_not_found", "there is no saga %s", name);
    return answer_plan(s->context, s->outside, saga, params, out, err);
}

static const struct answer_row questions[] = {
    {"plan", plan},
    {"logs", answer_logs},
    {"log", answer_log},
    {"stats", answer_stats},
    {"status", answer_status},
    {"quotas", answer_quotas},
    {"trial", answer_trial},
    {"adopt", answer_adopt},
    {"probe", answer_probe},
    {"proxmox", answer_proxmox},
    {"engine_test", answer_engine_test},
    {"engine_local", answer_engine_local},
    {"checkout", answer_checkout},
    {"checkout_end", answer_checkout_end},
    {"reveal", answer_reveal},
    {"portal", answer_portal},
    {"domain", answer_domain},
    {"ports", answer_ports},
    {"tunnel_probe", answer_tunnel_probe},
    {"turn_credentials", answer_turn_credentials},
    {"turn_revoke", answer_turn_revoke},
    {"turn_usage", answer_turn_usage},
    {"audit_export", answer_audit_export},
};

static const struct answer_row *row_of(const struct answer_setup *setup, const char *question)
{
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        if (str_equal(questions[i].question, question))
            return &questions[i];
    for (const struct answer_row *r = setup->more; r != NULL && r->question != NULL; r++)
        if (str_equal(r->question, question))
            return r;
    for (const struct answer_row *r = setup->backup; r != NULL && r->question != NULL; r++)
        if (str_equal(r->question, question))
            return r;
    return NULL;
}

int answer_to(const struct answer_setup *setup, const char *question, const struct kv *params,
              struct buf *out, struct err *err)
{
    const struct answer_row *row = row_of(setup, question);

    if (row == NULL)
        return err_set(err, ERR_NOT_FOUND, "question_unknown", "nobody here answers %.64s",
                       question);
    if (row->answer(setup, params, out, err) == -1)
        return -1;
    if (out->failed)
        return err_set(err, ERR_TOO_LARGE, "answer_too_large", "the answer is too large");
    return 0;
}

/* One question, on a thread of its own. */
struct visit {
    struct answer *a;
    int fd;
};

static void tell(void *arg, const char *line)
{
    const struct visit *v = arg;

    (void)ask_progress(v->fd, line);
}

static int send_file(void *arg, struct buf *out, int fd)
{
    const struct visit *v = arg;
    int rc = ask_send_file(v->fd, out->data, out->len, fd);

    buf_reset(out);
    return rc;
}

static void serve(struct visit *v)
{
    struct answer_setup setup = v->a->setup;
    char question[64];
    struct kv params;
    struct buf out;
    struct err err = {0};

    if (ask_read(v->fd, question, &params, &err) == -1) {
        (void)ask_end(v->fd, &err);
        return;
    }
    setup.progress = tell;
    setup.progress_arg = v;
    setup.file = send_file;
    buf_init(&out, ANSWER_MAX);
    if (answer_to(&setup, question, &params, &out, &err) == -1) {
        if (err.kind == ERR_NONE)
            (void)err_set(&err, ERR_INTERNAL, "no_answer", "there is no answer to %s", question);
        (void)ask_end(v->fd, &err);
    } else if (ask_answer(v->fd, out.data, out.len) == 0) {
        (void)ask_end(v->fd, NULL);
    }
    explicit_bzero(&params, sizeof params); /* they may have held a secret */
    buf_free(&out);
}

static void *visit_main(void *arg)
{
    struct visit *v = arg;
    struct answer *a = v->a;

    serve(v);
    (void)close(v->fd);
    free(v);
    (void)pthread_mutex_lock(&a->lock);
    a->under_way--;
    (void)pthread_cond_broadcast(&a->left);
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}

static bool may_ask(const struct answer *a, uid_t uid)
{
    if (uid == 0 || uid == geteuid())
        return true;
    for (unsigned i = 0; i < a->setup.peer_count; i++)
        if (a->setup.peers[i] == uid)
            return true;
    return false;
}

static void refuse(int fd, enum err_kind kind, const char *code, const char *text)
{
    struct err err = {0};

    (void)err_set(&err, kind, code, "%s", text);
    if (kind == ERR_UNAVAILABLE)
        err.retry_after_s = BUSY_S;
    (void)ask_end(fd, &err);
    (void)close(fd);
}

/* Room for one more? */
static bool enter(struct answer *a)
{
    bool room;

    (void)pthread_mutex_lock(&a->lock);
    room = a->under_way < AT_ONCE;
    if (room)
        a->under_way++;
    (void)pthread_mutex_unlock(&a->lock);
    return room;
}

static void leave(struct answer *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->under_way--;
    (void)pthread_mutex_unlock(&a->lock);
}

static void receive(struct answer *a)
{
    struct err err = {0};
    struct visit *v;
    pthread_t thread;
    uid_t uid;
    int fd = channel_accept(a->listen_fd, &uid, &err);

    if (fd == -1)
        return;
    if (!may_ask(a, uid)) {
        log_event(LOG_PEER_REFUSED, LOG_LEVEL_WARNING, "user %u may not ask and was turned away",
                  (unsigned)uid);
        refuse(fd, ERR_FORBIDDEN, "may_not_ask", "you may not ask");
        return;
    }
    if (!enter(a)) {
        refuse(fd, ERR_UNAVAILABLE, "busy_answering", "too many questions at once");
        return;
    }
    if ((v = calloc(1, sizeof *v)) != NULL) {
        v->a = a;
        v->fd = fd;
        if (pthread_create(&thread, NULL, visit_main, v) == 0) {
            (void)pthread_detach(thread);
            return;
        }
        free(v);
    }
    leave(a);
    refuse(fd, ERR_UNAVAILABLE, "no_memory", "no memory to answer");
}

static void *server_main(void *arg)
{
    struct answer *a = arg;
    struct pollfd fds[2] = {{.fd = a->listen_fd, .events = POLLIN},
                            {.fd = a->stop_fd, .events = POLLIN}};

    while (!atomic_load(&a->stopping)) {
        if (poll(fds, 2, -1) == -1 && errno != EINTR)
            clock_sleep_ms(100);
        if (fds[0].revents != 0)
            receive(a);
    }
    return NULL;
}

static void release(struct answer *a)
{
    if (a->listen_fd != -1) {
        (void)close(a->listen_fd);
        (void)unlink(a->setup.context->paths.ask_sock);
    }
    if (a->stop_fd != -1)
        (void)close(a->stop_fd);
    (void)pthread_cond_destroy(&a->left);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

int answer_start(struct answer **out, const struct answer_setup *setup, struct err *err)
{
    struct answer *a = calloc(1, sizeof *a);
    int rc;

    if (a == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the answers");
    a->setup = *setup;
    (void)pthread_mutex_init(&a->lock, NULL);
    cond_init(&a->left);
    a->listen_fd = channel_listen(setup->context->paths.ask_sock, SOCK_MODE, err);
    if ((a->stop_fd = eventfd(0, EFD_CLOEXEC)) == -1 && a->listen_fd != -1)
        (void)err_sys(err, "eventfd", errno, "eventfd");
    if (a->listen_fd == -1 || a->stop_fd == -1) {
        release(a);
        return -1;
    }
    if ((rc = pthread_create(&a->thread, NULL, server_main, a)) != 0) {
        (void)err_sys(err, "thread", rc, "the thread of answers");
        release(a);
        return -1;
    }
    *out = a;
    return 0;
}

void answer_stop(struct answer *a, int wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    uint64_t one = 1;
    bool idle;

    if (a == NULL)
        return;
    atomic_store(&a->stopping, true);
    (void)!write(a->stop_fd, &one, sizeof one);
    (void)pthread_join(a->thread, NULL);
    (void)pthread_mutex_lock(&a->lock);
    while (a->under_way > 0 && cond_until(&a->left, &a->lock, until_ms))
        continue;
    idle = a->under_way == 0;
    (void)pthread_mutex_unlock(&a->lock);
    if (idle)
        release(a);
}
