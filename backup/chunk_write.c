/*
 * Writing a snapshot's chunks. Apart from the packing, which fills them: here a chunk that is full
 * goes to a thread that seals, hashes and hands it on while the next one is being filled.
 */
#include "chunk.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "enc.h"
#include "file.h"

#define SLOTS      4
#define LENGTH     4            /* bytes before each message */
#define PLAIN      (LENGTH + 1) /* where plain text is sealed in place: behind the sealed tag */
#define PAD        65536u
#define SENT       (1024u * 1024u) /* bytes that go to the disk at once */
#define ON_THE_WAY (8u * SENT)     /* and that have not come there */
#define SKIPPABLE                                                                                  \
    "\x50\x2a\x4d\x18" /* zstd's skippable frame (RFC 8878, 3.1.2), least byte first */

struct slot {
    uint8_t *at; /* length, message */
    size_t len;  /* of the plain text */
    bool last;
};

struct chunk_writer {
    struct seal_header header;
    struct seal_keys keys;
    struct seal_sizes sizes;
    uint8_t signing_key[64];
    struct chunk_sink sink;
    unsigned section; /* that is open or was ended last; 0: none */
    bool open, broken;
    uint64_t plain; /* bytes of this section so far */
    /* Shared with the thread. */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot slots[SLOTS];
    unsigned first, count; /* slots that wait for the thread */
    bool ending, failed;
    struct err why;
    /* The thread's own while a section is open. */
    crypto_secretstream_xchacha20poly1305_state stream;
    struct digest *digest;
    uint64_t number, length;
};

static int hand_on(struct chunk_writer *w, const void *data, size_t len, struct err *err)
{
    digest_add(w->digest, data, len);
    w->length += len;
    return w->sink.write(w->sink.arg, data, len, err);
}

/* Seal one chunk in its place and hand it on. */
static int seal_slot(struct chunk_writer *w, struct slot *s, struct err *err)
{
    uint32_t length = (uint32_t)(s->len + SEAL_OVERHEAD);
    uint8_t said[64];
    size_t said_len = seal_chunk_data(&w->header, w->section, w->number, length, said);

    enc_put32(s->at, length);
    if (crypto_secretstream_xchacha20poly1305_push(
            &w->stream, s->at + LENGTH, NULL, s->at + PLAIN, s->len, said, said_len,
            s->last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                    : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE) != 0)
        return err_set(err, ERR_INTERNAL, "seal", "a chunk cannot be sealed");
    w->number++;
    return hand_on(w, s->at, LENGTH + length, err);
}

static void *seal_main(void *arg)
{
    struct chunk_writer *w = arg;
    struct err err = {0};

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        struct slot *s;
        int rc;

        while (w->count == 0 && !w->ending)
            (void)pthread_cond_wait(&w->changed, &w->lock);
        if (w->count == 0)
            break;
        s = &w->slots[w->first];
        (void)pthread_mutex_unlock(&w->lock);
        rc = w->failed ? 0 : seal_slot(w, s, &err);
        (void)pthread_mutex_lock(&w->lock);
        if (rc == -1) {
            w->failed = true;
            w->why = err;
        }
        w->first = (w->first + 1) % SLOTS;
        w->count--;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int check(struct chunk_writer *w, struct err *err)
{
    bool failed;

    (void)pthread_mutex_lock(&w->lock);
    failed = w->failed;
    if (failed && err != NULL)
        *err = w->why;
    (void)pthread_mutex_unlock(&w->lock);
    return failed ? -1 : 0;
}

/* The slot that is being filled: the one behind those that wait. */
static struct slot *filling(struct chunk_writer *w)
{
    struct slot *s;

    (void)pthread_mutex_lock(&w->lock);
    while (w->count == SLOTS - 1)
        (void)pthread_cond_wait(&w->changed, &w->lock);
    s = &w->slots[(w->first + w->count) % SLOTS];
    (void)pthread_mutex_unlock(&w->lock);
    return s;
}

static void give(struct chunk_writer *w, struct slot *s, bool last)
{
    s->last = last;
    (void)pthread_mutex_lock(&w->lock);
    w->count++;
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

/* Until the thread has nothing left to do. */
static int drain(struct chunk_writer *w, struct err *err)
{
    (void)pthread_mutex_lock(&w->lock);
    while (w->count > 0)
        (void)pthread_cond_wait(&w->changed, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    return check(w, err);
}

static int into_file(void *arg, const void *data, size_t len, struct err *err)
{
    struct chunk_file *f = arg;

    if (file_write_all(f->fd, data, len) == -1)
        return err_sys(err, "snapshot_write", errno, f->path);
    f->length += len;
    while (f->length - f->sent >= SENT) { /* hints: where they are none, the sync does it all */
        (void)sync_file_range(f->fd, (off_t)f->sent, SENT, SYNC_FILE_RANGE_WRITE);
        if (f->sent >= ON_THE_WAY)
            (void)sync_file_range(f->fd, (off_t)(f->sent - ON_THE_WAY), SENT,
                                  SYNC_FILE_RANGE_WAIT_BEFORE);
        f->sent += SENT;
    }
    return 0;
}

void chunk_sink_file(struct chunk_sink *sink, struct chunk_file *file)
{
    *sink = (struct chunk_sink){into_file, file};
}

int chunk_writer_new(struct chunk_writer **out, struct seal_header *h,
                     const uint8_t file_key[SEAL_KEY], const uint8_t signing_key[64],
                     const struct chunk_sink *sink, struct err *err)
{
    struct chunk_writer *w = calloc(1, sizeof *w);
    struct buf head;
    int rc = -1;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to write a snapshot");
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    w->sink = *sink;
    memcpy(w->signing_key, signing_key, sizeof w->signing_key);
    seal_keys(file_key, h->id, &w->keys);
    buf_init(&head, SEAL_HEADER_MAX + 4096);
    if (digest_new(&w->digest, DIGEST_WHOLE, err) == -1)
        goto done;
    for (size_t i = 0; i < SLOTS; i++)
        if ((w->slots[i].at = malloc(LENGTH + (size_t)h->chunk + SEAL_OVERHEAD)) == NULL)
            goto no_memory;
    if (seal_header_write(h, file_key, signing_key, &head, err) == -1)
        goto done;
    w->header = *h;
    if (hand_on(w, head.data, head.len, err) == -1)
        goto done;
    if (pthread_create(&w->thread, NULL, seal_main, w) != 0)
        goto no_memory;
    w->threaded = true;
    rc = 0;
    goto done;
no_memory:
    (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to write a snapshot");
done:
    buf_free(&head);
    if (rc == -1)
        chunk_writer_free(w);
    else
        *out = w;
    return rc;
}

int chunk_writer_section(struct chunk_writer *w, struct err *err)
{
    uint8_t head[SEAL_STREAM];

    if (w->open || w->section == SEAL_SECTIONS)
        return err_set(err, ERR_INTERNAL, "snapshot_order", "there is no section to begin");
    w->section++;
    w->open = true;
    w->plain = w->number = 0;
    (void)crypto_secretstream_xchacha20poly1305_init_push(&w->stream, head,
                                                          w->keys.section[w->section - 1]);
    filling(w)->len = 0;
    return check(w, err) == -1 ? -1 : hand_on(w, head, sizeof head, err);
}

int chunk_writer_add(struct chunk_writer *w, const void *data, size_t len, struct err *err)
{
    const uint8_t *at = data;
    struct slot *s = filling(w);

    if (!w->open)
        return err_set(err, ERR_INTERNAL, "snapshot_order", "no section is open");
    w->plain += len;
    while (len > 0) {
        size_t n = w->header.chunk - s->len < len ? w->header.chunk - s->len : len;

        memcpy(s->at + PLAIN + s->len, at, n);
        s->len += n;
        at += n;
        len -= n;
        if (s->len == w->header.chunk) {
            give(w, s, false);
            s = filling(w);
            s->len = 0;
        }
    }
    return check(w, err);
}

/* A skippable frame that brings the section to a multiple of PAD. */
static int pad(struct chunk_writer *w, struct err *err)
{
    static const uint8_t zeros[4096];
    uint64_t need = (PAD - w->plain % PAD) % PAD;
    uint8_t head[8];

    if (need == 0)
        return 0;
    if (need < sizeof head)
        need += PAD;
    need -= sizeof head;
    /* Bytes, not text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(head, SKIPPABLE, 4);
    for (unsigned i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(need >> 8 * i);
    if (chunk_writer_add(w, head, sizeof head, err) == -1)
        return -1;
    for (size_t n; need > 0; need -= n) {
        n = need < sizeof zeros ? (size_t)need : sizeof zeros;
        if (chunk_writer_add(w, zeros, n, err) == -1)
            return -1;
    }
    return 0;
}

int chunk_writer_end(struct chunk_writer *w, struct err *err)
{
    if (pad(w, err) == -1)
        return -1;
    give(w, filling(w), true);
    w->open = false;
    return drain(w, err);
}

void chunk_writer_count(struct chunk_writer *w, const struct seal_sizes *sizes)
{
    w->sizes.bytes += sizes->bytes;
    w->sizes.room += sizes->room;
    w->sizes.members += sizes->members;
    w->sizes.lists += sizes->lists;
}

int chunk_writer_finish(struct chunk_writer *w, uint64_t *length, struct err *err)
{
    uint8_t digest[64], trailer[SEAL_TRAILER];

    if (w->open || w->section != SEAL_SECTIONS)
        return err_set(err, ERR_INTERNAL, "snapshot_order", "a section is missing");
    if (digest_end(w->digest, digest, err) == -1)
        return -1;
    seal_trailer_write(&w->header, w->length, digest, &w->keys, &w->sizes, w->signing_key, trailer);
    *length = w->length + sizeof trailer;
    return w->sink.write(w->sink.arg, trailer, sizeof trailer, err);
}

void chunk_writer_free(struct chunk_writer *w)
{
    if (w == NULL)
        return;
    if (w->threaded) {
        (void)pthread_mutex_lock(&w->lock);
        w->ending = true;
        (void)pthread_cond_broadcast(&w->changed);
        (void)pthread_mutex_unlock(&w->lock);
        (void)pthread_join(w->thread, NULL);
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (w->slots[i].at != NULL)
            sodium_memzero(w->slots[i].at, LENGTH + (size_t)w->header.chunk);
        free(w->slots[i].at);
    }
    digest_free(w->digest);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    sodium_memzero(w, sizeof *w);
    free(w);
}
