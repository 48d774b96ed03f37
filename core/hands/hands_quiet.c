/*
 * A tenant kept quiet while its files are read: the blueprint's commands before, a pause, and the
 * way back, which always comes. Apart from the other verbs because this one lasts: it ends with its
 * connection, and what is to be undone stands in a file (hands/quiet/NUMBER: the request) before
 * anything is done, so that the next hands undo what these could not.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "crash.h"
#include "file.h"
#include "hands_world.h"
#include "hands_verb.h"
#include "log.h"
#include "str.h"

#define STEP_MS    100   /* between looks whether the hands end */
#define SWEEP_MS   500   /* first wait before what could not be undone is tried again */
#define SWEEP_MOST 60000 /* and the longest */
#define MARKER_MAX (CHANNEL_MESSAGE_MAX)

/* ---- who is quiet now ---- */

static bool change_number(struct hands_world *w, uint64_t from, uint64_t to)
{
    struct hands_stillness *s = &w->still;
    size_t place = sizeof s->numbers / sizeof s->numbers[0];
    bool there = false;

    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < sizeof s->numbers / sizeof s->numbers[0]; i++) {
        there = there || (to != 0 && s->numbers[i] == to);
        if (s->numbers[i] == from)
            place = i;
    }
    there = there || place == sizeof s->numbers / sizeof s->numbers[0];
    if (!there)
        s->numbers[place] = to;
    (void)pthread_mutex_unlock(&s->lock);
    return !there;
}

/* false: somebody else is at work about its quiet. */
static bool enter(struct hands_world *w, uint64_t number)
{
    return change_number(w, 0, number);
}

static void leave(struct hands_world *w, uint64_t number)
{
    (void)change_number(w, number, 0);
}

static bool ending(struct hands_world *w)
{
    bool is;

    (void)pthread_mutex_lock(&w->still.lock);
    is = w->still.ending;
    (void)pthread_mutex_unlock(&w->still.lock);
    return is;
}

/* ---- the marker ---- */

static int marker_path(const struct hands_world *w, uint64_t number, char out[PATHS_SIZE + 40])
{
    return str_format(out, PATHS_SIZE + 40, "%s/quiet/%llu", w->paths->hands,
                      (unsigned long long)number);
}

static int marker_write(const struct hands_world *w, const struct hands_request *q, struct err *err)
{
    char path[PATHS_SIZE + 40];
    struct buf text;
    int rc;

    buf_init(&text, MARKER_MAX);
    (void)str_format(path, sizeof path, "%s/quiet", w->paths->hands);
    rc = file_mkdirs(path, 0700, err);
    if (rc == 0 && (marker_path(w, q->number, path) == -1 ||
                    fields_encode(&hands_request_fields, q, &text) == -1))
        rc = err_set(err, ERR_TOO_LARGE, "quiet_marker", "what is to be undone does not fit");
    if (rc == 0)
        rc = file_write(path, text.data, text.len, 0600, err);
    if (text.data != NULL)
        explicit_bzero(text.data, text.len);
    buf_free(&text);
    return rc;
}

/* 1, 0 if there is none, or -1: it cannot be read. */
static int marker_read(const struct hands_world *w, uint64_t number, struct hands_request *q,
                       struct err *err)
{
    char path[PATHS_SIZE + 40];
    struct buf text;
    int rc = -1;

    buf_init(&text, MARKER_MAX);
    (void)marker_path(w, number, path);
    if (file_read(path, &text, err) == -1)
        rc = err->kind == ERR_NOT_FOUND ? 0 : -1;
    else if (fields_decode(&hands_request_fields, 1, (const uint8_t *)text.data, text.len, q,
                           err) == 0 &&
             q->number == number && hands_check(q, err) == 0)
        rc = 1;
    else
        (void)err_set(err, ERR_CORRUPT, "quiet_marker", "%s cannot be read", path);
    if (text.data != NULL)
        explicit_bzero(text.data, text.len);
    buf_free(&text);
    return rc;
}

static void marker_remove(const struct hands_world *w, uint64_t number)
{
    char path[PATHS_SIZE + 40];

    (void)marker_path(w, number, path);
    if (unlink(path) == -1 && errno != ENOENT)
        log_error("%s cannot be removed: %s", path, strerror(errno));
}

/* ---- there and back ---- */

static int run(struct hands_task *t, const struct blueprint_command *list, uint32_t count,
               struct err *err)
{
    struct buf out;
    int rc = 0;

    buf_init(&out, 4096);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        buf_reset(&out);
        rc = t->runtime->exec(t->runtime->self, &t->o, &t->b, &list[i], t->b.backup.command_s, &out,
                              err);
    }
    buf_free(&out);
    return rc;
}

static int set_pause(struct hands_task *t, bool pause, struct err *err)
{
    if (t->runtime->pause != NULL)
        return t->runtime->pause(t->runtime->self, &t->o, pause, err);
    return !pause ? 0
                  : err_set(err, ERR_INVALID, "pause_unknown",
                            "a tenant of runtime %s cannot pause", t->runtime->name);
}

/* It goes on, and each command of after has its chance whatever became of the others. 0; 1: it was
 * done, and a command failed; -1: it could not be done. */
static int let_go(struct hands_task *t, struct err *err)
{
    struct err why = {0};
    int rc = 0;

    CP("hands.quiet.resume");
    if (set_pause(t, false, err) == -1)             /* whatever its blueprint says by now */
        return err->kind == ERR_NOT_FOUND ? 0 : -1; /* gone: nothing is quiet any more */
    for (uint32_t i = 0; i < t->b.backup.after_count; i++) {
        CP("hands.quiet.after");
        if (run(t, &t->b.backup.after[i], 1, &why) == 0)
            continue;
        if (rc == 0)
            *err = why;
        if (!str_equal(why.code, "command_failed") && why.kind != ERR_INVALID)
            rc = -1;
        else if (rc == 0)
            rc = 1;
    }
    return rc;
}

static int make_quiet(struct hands_task *t, struct err *err)
{
    CP("hands.quiet.before");
    if (run(t, t->b.backup.before, t->b.backup.before_count, err) == -1)
        return -1;
    CP("hands.quiet.pause");
    return t->b.backup.pause ? set_pause(t, true, err) : 0;
}

/* Until the asker says something or is gone, or the time is over, or the hands end. 0, or -1: it is
 * let go before its files were read. */
static int wait_for_end(struct hands_job *job, int64_t until_ms, struct err *err)
{
    struct pollfd at = {.fd = job->connection, .events = POLLIN};

    for (;;) {
        int got = poll(&at, 1, STEP_MS);
        if (got > 0)
            return 0;
        if (got == -1 && errno != EINTR)
            return err_sys(err, "quiet_wait", errno, "waiting for the worker");
        if (ending(job->world))
            return err_set(err, ERR_UNAVAILABLE, "quiet_over",
                           "the hands ended before the files were read");
        if (clock_mono_ms() >= until_ms)
            return err_set(err, ERR_TIMEOUT, "quiet_over",
                           "it was let go after hold_s, before its files were read");
    }
}

/* ---- what was left ---- */

static void sweep_soon(struct hands_world *w);

/* What the marker of ${number} says is undone, and the marker goes. 0; -1: another time. */
static int undo_left(struct hands_world *w, uint64_t number, struct err *err)
{
    struct hands_request *q = calloc(1, sizeof *q);
    struct hands_task *t = NULL;
    int rc = q == NULL ? -1 : marker_read(w, number, q, err);

    if (rc == -1 && err->kind == ERR_CORRUPT) {
        log_error("%s", err->text);
        marker_remove(w, number);
        rc = 0;
    }
    if (rc == 1) {
        if ((t = hands_task_take(w, q, false, err)) == NULL ||
            t->runtime->inspect(t->runtime->self, &t->o, &t->status, err) == -1)
            rc = -1;
        else if (t->status.state == RUNTIME_ABSENT)
            rc = 0;
        else if ((rc = let_go(t, err)) == 1)
            log_warning("tenant %llu goes on; a command after failed: %s",
                        (unsigned long long)number, err->text);
        if (rc >= 0) {
            log_info("tenant %llu was left quiet and goes on", (unsigned long long)number);
            marker_remove(w, number);
        }
    }
    if (q != NULL)
        explicit_bzero(q, sizeof *q);
    free(q);
    if (t != NULL)
        explicit_bzero(t, sizeof *t);
    free(t);
    return rc == -1 ? -1 : 0;
}

/* One look at all markers: how many are left. */
static unsigned sweep_once(struct hands_world *w, char said[ERR_TEXT_SIZE])
{
    char path[PATHS_SIZE + 40];
    struct dirent *d;
    unsigned left = 0;
    DIR *dir;

    (void)str_format(path, sizeof path, "%s/quiet", w->paths->hands);
    if ((dir = opendir(path)) == NULL)
        return 0;
    while (!ending(w) && (d = readdir(dir)) != NULL) {
        struct err err = {0};
        uint64_t number;
        if (str_u64(d->d_name, 1, UINT32_MAX, &number) == -1 || !enter(w, number))
            continue; /* who is quiet now goes on by itself */
        if (undo_left(w, number, &err) == -1) {
            left++;
            if (!str_equal(said, err.text))
                log_error("tenant %llu is left quiet and cannot go on yet: %s",
                          (unsigned long long)number, err.text);
            (void)str_copy(said, ERR_TEXT_SIZE, err.text);
        }
        leave(w, number);
    }
    (void)closedir(dir);
    return ending(w) ? 0 : left;
}

/* Whether the thread is needed no more; then it is not sweeping any more. */
static bool may_end(struct hands_world *w)
{
    bool may;

    (void)pthread_mutex_lock(&w->still.lock);
    may = w->still.ending || !w->still.again;
    w->still.again = false;
    w->still.sweeping = !may;
    (void)pthread_mutex_unlock(&w->still.lock);
    return may;
}

static void *sweep(void *arg)
{
    struct hands_world *w = arg;
    char said[ERR_TEXT_SIZE] = "";
    int64_t wait_ms = SWEEP_MS;

    while (sweep_once(w, said) > 0 || !may_end(w)) {
        int64_t until_ms = clock_mono_ms() + wait_ms;
        while (!ending(w) && clock_mono_ms() < until_ms)
            clock_sleep_ms(STEP_MS);
        wait_ms = 2 * wait_ms > SWEEP_MOST ? SWEEP_MOST : 2 * wait_ms;
    }
    return NULL;
}

static void sweep_soon(struct hands_world *w)
{
    pthread_t thread;
    bool begin;

    (void)pthread_mutex_lock(&w->still.lock);
    begin = !w->still.sweeping && !w->still.ending;
    w->still.again = !begin;
    w->still.sweeping = w->still.sweeping || begin;
    (void)pthread_mutex_unlock(&w->still.lock);
    if (!begin)
        return;
    if (pthread_create(&thread, NULL, sweep, w) == 0) {
        (void)pthread_detach(thread);
        return;
    }
    log_error("no thread to let quiet tenants go on");
    (void)pthread_mutex_lock(&w->still.lock);
    w->still.sweeping = false;
    (void)pthread_mutex_unlock(&w->still.lock);
}

void hands_quiet_resume(struct hands_world *world)
{
    char path[PATHS_SIZE + 40];

    (void)str_format(path, sizeof path, "%s/quiet", world->paths->hands);
    if (file_exists(path))
        sweep_soon(world);
}

int hands_quiet_end(struct hands_world *world, int wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    bool sweeping;

    for (;;) {
        (void)pthread_mutex_lock(&world->still.lock);
        world->still.ending = true;
        sweeping = world->still.sweeping;
        (void)pthread_mutex_unlock(&world->still.lock);
        if (!sweeping || clock_mono_ms() >= until_ms)
            return sweeping ? -1 : 0;
        clock_sleep_ms(10);
    }
}

/* ---- the verb ---- */

/* What was begun is ended. The first thing that went wrong is what is told. */
static int end_quiet(struct hands_job *job, struct hands_task *t, int rc, struct err *err)
{
    struct err why = {0};
    int gone = let_go(t, &why);

    if (gone == -1)
        sweep_soon(job->world);
    else
        marker_remove(job->world, t->o.number);
    if (rc == 0 && gone != 0)
        *err = why;
    return rc == -1 || gone != 0 ? -1 : 0;
}

static int be_quiet(struct hands_job *job, struct hands_task *t, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + (int64_t)t->b.backup.hold_s * 1000;
    int rc;

    /* What an earlier one left is undone first: its commands may be others by now. */
    if (undo_left(job->world, t->o.number, err) == -1 ||
        marker_write(job->world, job->request, err) == -1)
        return -1;
    CP("hands.quiet.marked");
    if ((rc = make_quiet(t, err)) == 0 && (rc = channel_send(job->connection, "q", 1, err)) == 0) {
        job->reply->present = true;
        CP("hands.quiet.held");
        rc = wait_for_end(job, until_ms, err);
    }
    return end_quiet(job, t, rc, err);
}

enum outcome hands_quiet(struct hands_job *job, struct err *err)
{
    struct hands_task *t = hands_task_take(job->world, job->request, true, err);
    int rc = 0;

    if (t == NULL)
        return hands_outcome(-1, err);
    job->reply->flag = t->b.backup.must;
    if (!blueprint_is_quieted(&t->b)) {
        free(t);
        return OUTCOME_ABSENT;
    }
    if (!enter(job->world, t->o.number)) {
        rc = err_set(err, ERR_UNAVAILABLE, "quiet_busy", "it is still being let go on");
    } else {
        rc = t->runtime->inspect(t->runtime->self, &t->o, &t->status, err);
        if (rc == 0 && t->status.state == RUNTIME_RUNNING)
            rc = be_quiet(job, t, err);
        leave(job->world, t->o.number);
    }
    explicit_bzero(&t->o.env, sizeof t->o.env);
    free(t);
    return hands_outcome(rc, err);
}
