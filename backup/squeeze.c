/*
 * libzstd. Apart from the archive, whose library could press as well: it neither shares the work
 * among threads within a bound of memory nor refuses a window that is wider than ours ever are.
 */
#include "squeeze.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <zstd.h>

#define OUT_BYTES (128u * 1024u)
#define JOB_BYTES (4u * 1024u * 1024u) /* of a thread that presses */
#define JOB_BACK  4 /* where it begins it looks back 1/32 of the window: 256 KiB */
#define SLOTS     4
#define SLOT      (256u * 1024u)

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for zstd");
}

/* ---- pressing ---- */

struct squeeze {
    ZSTD_CCtx *zstd;
    int (*write)(void *arg, const void *data, size_t len, struct err *err);
    void *arg;
    char out[OUT_BYTES];
};

int squeeze_new(struct squeeze **out,
                int (*write)(void *arg, const void *data, size_t len, struct err *err), void *arg,
                int level, unsigned threads, struct err *err)
{
    struct squeeze *s = calloc(1, sizeof *s);

    if (s == NULL || (s->zstd = ZSTD_createCCtx()) == NULL) {
        squeeze_free(s);
        return no_memory(err);
    }
    s->write = write;
    s->arg = arg;
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_windowLog, SQUEEZE_WINDOW_LOG);
    /* A library without threads does it alone. */
    if (threads > 1 &&
        !ZSTD_isError(ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_nbWorkers, (int)threads))) {
        (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_jobSize, (int)JOB_BYTES);
        (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_overlapLog, JOB_BACK);
    }
    *out = s;
    return 0;
}

void squeeze_far(struct squeeze *s)
{
    (void)ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_enableLongDistanceMatching, 1);
}

/* Press until ${in} is taken or, at the end, nothing is left to write. */
static int press(struct squeeze *s, ZSTD_inBuffer *in, ZSTD_EndDirective how, struct err *err)
{
    for (;;) {
        ZSTD_outBuffer out = {.dst = s->out, .size = sizeof s->out};
        size_t left = ZSTD_compressStream2(s->zstd, &out, in, how);

        if (ZSTD_isError(left))
            return err_set(err, ERR_INTERNAL, "zstd", "cannot press: %s", ZSTD_getErrorName(left));
        if (out.pos > 0 && s->write(s->arg, s->out, out.pos, err) == -1)
            return -1;
        if (how == ZSTD_e_end ? left == 0 : in->pos == in->size)
            return 0;
    }
}

int squeeze_add(struct squeeze *s, const void *data, size_t len, struct err *err)
{
    ZSTD_inBuffer in = {.src = data, .size = len};

    return len == 0 ? 0 : press(s, &in, ZSTD_e_continue, err);
}

int squeeze_end(struct squeeze *s, struct err *err)
{
    ZSTD_inBuffer in = {.src = ""};

    return press(s, &in, ZSTD_e_end, err);
}

void squeeze_free(struct squeeze *s)
{
    if (s == NULL)
        return;
    (void)ZSTD_freeCCtx(s->zstd);
    sodium_memzero(s->out, sizeof s->out);
    free(s);
}

/* ---- opening ---- */

struct unsqueeze {
    ZSTD_DCtx *zstd;
    int (*next)(void *arg, const void **data, size_t *len, struct err *err);
    void *arg;
    ZSTD_inBuffer in; /* the thread's own */
    bool within;      /* a frame is not at its end */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *slots[SLOTS];
    size_t lens[SLOTS];
    unsigned first, count;
    bool held, stopping, ended, failed;
    struct err why;
};

/* More pressed bytes. Return 1, 0 at the end, or -1. */
static int more(struct unsqueeze *u, struct err *err)
{
    int got;

    u->in.pos = u->in.size = 0;
    while ((got = u->next(u->arg, &u->in.src, &u->in.size, err)) == 1 && u->in.size == 0)
        continue;
    if (got != 1)
        u->in.size = 0; /* whatever was left there */
    if (got == 0 && u->within)
        return err_set(err, ERR_CORRUPT, "snapshot_corrupt",
                       "the snapshot is not sound: what is pressed is cut off");
    return got;
}

/* Fill one slot. Return 1, 0 when there is no more and nothing in it, or -1. */
static int fill(struct unsqueeze *u, char *slot, size_t *len, struct err *err)
{
    ZSTD_outBuffer out = {.dst = slot, .size = SLOT};
    int got = 1;

    while (out.pos < out.size) {
        size_t before = out.pos, rc;

        if (u->in.pos == u->in.size && !u->within && (got = more(u, err)) != 1)
            break;
        rc = ZSTD_decompressStream(u->zstd, &out, &u->in);
        if (ZSTD_isError(rc))
            return err_set(err, ERR_CORRUPT, "snapshot_corrupt",
                           "the snapshot is not sound: it cannot be opened: %s",
                           ZSTD_getErrorName(rc));
        u->within = rc != 0;
        /* Nothing came of nothing: the frame wants more. */
        if (u->within && u->in.pos == u->in.size && out.pos == before && (got = more(u, err)) != 1)
            break;
    }
    *len = out.pos;
    return got == -1 ? -1 : out.pos > 0;
}

static void *open_main(void *arg)
{
    struct unsqueeze *u = arg;
    struct err err = {0};
    int got = 1;

    while (got == 1) {
        unsigned at;

        (void)pthread_mutex_lock(&u->lock);
        while (u->count == SLOTS && !u->stopping)
            (void)pthread_cond_wait(&u->changed, &u->lock);
        at = (u->first + u->count) % SLOTS;
        got = u->stopping ? 0 : 1;
        (void)pthread_mutex_unlock(&u->lock);
        if (got == 1)
            got = fill(u, u->slots[at], &u->lens[at], &err);
        (void)pthread_mutex_lock(&u->lock);
        u->count += got == 1;
        u->ended = got != 1;
        u->failed = got == -1;
        if (got == -1)
            u->why = err;
        (void)pthread_cond_broadcast(&u->changed);
        (void)pthread_mutex_unlock(&u->lock);
    }
    return NULL;
}

int unsqueeze_new(struct unsqueeze **out,
                  int (*next)(void *arg, const void **data, size_t *len, struct err *err),
                  void *arg, struct err *err)
{
    struct unsqueeze *u = calloc(1, sizeof *u);
    bool ready = u != NULL && (u->zstd = ZSTD_createDCtx()) != NULL;

    if (u == NULL)
        return no_memory(err);
    u->next = next;
    u->arg = arg;
    (void)pthread_mutex_init(&u->lock, NULL);
    (void)pthread_cond_init(&u->changed, NULL);
    for (size_t i = 0; i < SLOTS; i++)
        ready = ready && (u->slots[i] = malloc(SLOT)) != NULL;
    ready = ready &&
            !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, SQUEEZE_WINDOW_LOG));
    u->threaded = ready && pthread_create(&u->thread, NULL, open_main, u) == 0;
    if (!u->threaded) {
        unsqueeze_free(u);
        return no_memory(err);
    }
    *out = u;
    return 0;
}

int unsqueeze_next(struct unsqueeze *u, const void **data, size_t *len, struct err *err)
{
    int got = 1;

    (void)pthread_mutex_lock(&u->lock);
    if (u->held) {
        u->held = false;
        u->first = (u->first + 1) % SLOTS;
        u->count--;
        (void)pthread_cond_broadcast(&u->changed);
    }
    while (u->count == 0 && !u->ended)
        (void)pthread_cond_wait(&u->changed, &u->lock);
    if (u->count == 0)
        got = u->failed ? -1 : 0;
    if (got == -1 && err != NULL)
        *err = u->why;
    u->held = got == 1;
    *data = u->slots[u->first];
    *len = u->lens[u->first];
    (void)pthread_mutex_unlock(&u->lock);
    return got;
}

void unsqueeze_free(struct unsqueeze *u)
{
    if (u == NULL)
        return;
    if (u->threaded) {
        (void)pthread_mutex_lock(&u->lock);
        u->stopping = true;
        (void)pthread_cond_broadcast(&u->changed);
        (void)pthread_mutex_unlock(&u->lock);
        (void)pthread_join(u->thread, NULL);
    }
    (void)ZSTD_freeDCtx(u->zstd);
    for (size_t i = 0; i < SLOTS; i++) {
        if (u->slots[i] != NULL)
            sodium_memzero(u->slots[i], SLOT);
        free(u->slots[i]);
    }
    (void)pthread_cond_destroy(&u->changed);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}
