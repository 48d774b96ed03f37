/*
 * Reading a snapshot's chunks. Nothing comes out of here that was not authenticated, and no end is
 * taken for one that was not proven. A thread reads, hashes and opens the next chunks while the
 * caller unpacks one.
 */
#include "chunk.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "enc.h"

#define SLOTS 4

struct slot {
    uint8_t *at; /* a message; its plain text is opened in place, behind the sealed tag */
    size_t len;
    bool last;
};

struct chunk_reader {
    struct chunk_source source;
    struct seal_header header;
    uint8_t *head; /* magic to signature, as read */
    size_t head_len;
    struct seal_keys keys;
    bool opened;
    unsigned section;
    bool in_section, held; /* held: the caller looks at slots[first] */
    /* Shared with the thread of a section. */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot slots[SLOTS];
    unsigned first, count;
    bool ending, failed;
    struct err why;
    /* The thread's own while it runs. */
    crypto_secretstream_xchacha20poly1305_state stream;
    struct digest *digest;
    uint64_t number, length;
};

static int corrupt(struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "snapshot_corrupt",
                   "the snapshot is damaged or was changed: %s", what);
}

/* Up to ${len} bytes. Return how many; fewer only at the end of the file. */
static long take_some(struct chunk_reader *r, uint8_t *data, size_t len, struct err *err)
{
    size_t have = 0;

    while (have < len) {
        long n = r->source.read(r->source.arg, data + have, len - have, err);

        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (long)have;
}

/* Exactly ${len} bytes, which count for the trailer. */
static int take(struct chunk_reader *r, void *data, size_t len, struct err *err)
{
    long n = take_some(r, data, len, err);

    if (n < 0)
        return -1;
    if ((size_t)n != len)
        return corrupt(err, "it is cut off");
    digest_add(r->digest, data, len);
    r->length += len;
    return 0;
}

static int read_header(struct chunk_reader *r, struct err *err)
{
    uint8_t prefix[SEAL_PREFIX];
    long n = take_some(r, prefix, sizeof prefix, err);

    if (n < 0 || (r->head_len = seal_header_size(prefix, (size_t)n, err)) == 0)
        return -1;
    if ((r->head = malloc(r->head_len)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to read a snapshot");
    memcpy(r->head, prefix, sizeof prefix);
    digest_add(r->digest, prefix, sizeof prefix);
    r->length = sizeof prefix;
    if (take(r, r->head + sizeof prefix, r->head_len - sizeof prefix, err) == -1)
        return -1;
    return seal_header_read(r->head, r->head_len, &r->header, err);
}

int chunk_reader_new(struct chunk_reader **out, const struct chunk_source *source, struct err *err)
{
    struct chunk_reader *r = calloc(1, sizeof *r);

    if (r == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to read a snapshot");
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    r->source = *source;
    if (digest_new(&r->digest, DIGEST_WHOLE, err) == -1 || read_header(r, err) == -1) {
        chunk_reader_free(r);
        return -1;
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if ((r->slots[i].at = malloc((size_t)r->header.chunk + SEAL_OVERHEAD)) == NULL) {
            chunk_reader_free(r);
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to read a snapshot");
        }
    }
    *out = r;
    return 0;
}

const struct seal_header *chunk_reader_header(const struct chunk_reader *r)
{
    return &r->header;
}

int chunk_reader_open_key(struct chunk_reader *r, const uint8_t file_key[SEAL_KEY], struct err *err)
{
    if (seal_header_prove(r->head, r->head_len, &r->header, file_key, err) == -1)
        return -1;
    seal_keys(file_key, r->header.id, &r->keys);
    r->opened = true;
    return 0;
}

int chunk_reader_open(struct chunk_reader *r, const uint8_t *secret_key, const char *passphrase,
                      struct err *err)
{
    uint8_t file_key[SEAL_KEY];
    int rc =
        seal_header_open(r->head, r->head_len, &r->header, secret_key, passphrase, file_key, err);

    if (rc == 0)
        rc = chunk_reader_open_key(r, file_key, err);
    sodium_memzero(file_key, sizeof file_key);
    return rc;
}

/* The next message as it is in the file: its length in s->len, and whether it is the last. */
static int take_message(struct chunk_reader *r, struct slot *s, struct err *err)
{
    uint8_t length[4];
    uint32_t n;

    if (take(r, length, sizeof length, err) == -1)
        return -1;
    n = enc_get32(length);
    if (n < SEAL_OVERHEAD || n > r->header.chunk + SEAL_OVERHEAD)
        return corrupt(err, "the length of a chunk");
    s->len = n;
    s->last = n < r->header.chunk + SEAL_OVERHEAD;
    return take(r, s->at, n, err);
}

static int open_message(struct chunk_reader *r, struct slot *s, struct err *err)
{
    uint8_t said[64], tag = 0;
    size_t said_len = seal_chunk_data(&r->header, r->section, r->number, (uint32_t)s->len, said);
    unsigned long long plain = 0;

    if (crypto_secretstream_xchacha20poly1305_pull(&r->stream, s->at + 1, &plain, &tag, s->at,
                                                   s->len, said, said_len) != 0)
        return corrupt(err, "a chunk is not what was written there");
    if (tag != (s->last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                        : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE))
        return corrupt(err, "a section does not end where it should");
    s->len = (size_t)plain;
    r->number++;
    return 0;
}

/* One section, from its first bytes to its proven end. */
static void *read_main(void *arg)
{
    struct chunk_reader *r = arg;
    struct err err = {0};
    bool more = true;

    while (more) {
        struct slot *s;
        int rc;

        (void)pthread_mutex_lock(&r->lock);
        while (r->count == SLOTS - 1 && !r->ending)
            (void)pthread_cond_wait(&r->changed, &r->lock);
        s = &r->slots[(r->first + r->count) % SLOTS];
        more = !r->ending;
        (void)pthread_mutex_unlock(&r->lock);
        if (!more)
            break;
        rc = take_message(r, s, &err) == 0 && open_message(r, s, &err) == 0 ? 0 : -1;
        more = rc == 0 && !s->last;
        (void)pthread_mutex_lock(&r->lock);
        if (rc == 0) {
            r->count++;
        } else {
            r->failed = true;
            r->why = err;
        }
        (void)pthread_cond_broadcast(&r->changed);
        (void)pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

static void stop(struct chunk_reader *r)
{
    if (!r->threaded)
        return;
    (void)pthread_mutex_lock(&r->lock);
    r->ending = true;
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    r->threaded = false;
}

int chunk_reader_section(struct chunk_reader *r, struct err *err)
{
    uint8_t head[SEAL_STREAM];

    if (!r->opened || r->in_section || r->section == SEAL_SECTIONS)
        return err_set(err, ERR_INTERNAL, "snapshot_order", "there is no section to begin");
    if (take(r, head, sizeof head, err) == -1)
        return -1;
    if (crypto_secretstream_xchacha20poly1305_init_pull(&r->stream, head,
                                                        r->keys.section[r->section]) != 0)
        return corrupt(err, "the head of a section");
    r->section++;
    r->number = 0;
    r->first = r->count = 0;
    r->ending = r->failed = r->held = false;
    if (pthread_create(&r->thread, NULL, read_main, r) != 0)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no thread to read a snapshot");
    r->threaded = true;
    r->in_section = true;
    return 0;
}

int chunk_reader_next(struct chunk_reader *r, const void **data, size_t *len, struct err *err)
{
    struct slot *s;
    bool failed;

    if (!r->in_section)
        return 0;
    (void)pthread_mutex_lock(&r->lock);
    if (r->held) { /* the one before is done with */
        r->held = false;
        r->first = (r->first + 1) % SLOTS;
        r->count--;
        (void)pthread_cond_broadcast(&r->changed);
    }
    while (r->count == 0 && !r->failed)
        (void)pthread_cond_wait(&r->changed, &r->lock);
    failed = r->count == 0;
    if (failed && err != NULL)
        *err = r->why;
    s = &r->slots[r->first];
    r->held = !failed;
    (void)pthread_mutex_unlock(&r->lock);
    if (failed)
        return -1;
    *data = s->at + 1;
    *len = s->len;
    if (s->last) {
        stop(r);
        r->in_section = false;
    }
    return s->len > 0 ? 1 : 0; /* behind a last one that was not empty, the next call says so */
}

int chunk_reader_ahead(const struct chunk_reader *r, int fd, struct seal_sizes *sizes,
                       struct err *err)
{
    uint8_t trailer[SEAL_TRAILER];
    struct stat st;

    if (!r->opened)
        return err_set(err, ERR_INTERNAL, "snapshot_order", "the snapshot was not opened");
    if (fstat(fd, &st) == -1)
        return err_sys(err, "snapshot_read", errno, "the end of the snapshot");
    if (st.st_size < SEAL_TRAILER ||
        pread(fd, trailer, sizeof trailer, st.st_size - SEAL_TRAILER) != SEAL_TRAILER)
        return corrupt(err, "it is cut off");
    return seal_trailer_sizes(&r->header, (uint64_t)st.st_size - SEAL_TRAILER, trailer, &r->keys,
                              sizes, err);
}

/* The trailer, and nothing behind it. */
static int check_end(struct chunk_reader *r, uint64_t *length, struct seal_sizes *sizes,
                     struct err *err)
{
    uint8_t trailer[SEAL_TRAILER + 1], digest[64];
    long n = take_some(r, trailer, sizeof trailer, err);

    if (n < 0)
        return -1;
    if (n != SEAL_TRAILER)
        return corrupt(err, n < SEAL_TRAILER ? "it is cut off" : "something follows its end");
    if (digest_end(r->digest, digest, err) == -1)
        return -1;
    *length = r->length + SEAL_TRAILER;
    if (seal_trailer_check(&r->header, r->length, digest, trailer, err) == -1)
        return -1;
    return sizes == NULL ? 0
                         : seal_trailer_sizes(&r->header, r->length, trailer, &r->keys, sizes, err);
}

int chunk_reader_finish(struct chunk_reader *r, uint64_t *length, struct seal_sizes *sizes,
                        struct err *err)
{
    if (r->in_section || r->section != SEAL_SECTIONS)
        return err_set(err, ERR_INTERNAL, "snapshot_order", "a section was not read to its end");
    return check_end(r, length, sizes, err);
}

int chunk_reader_verify(struct chunk_reader *r, uint64_t *length, struct err *err)
{
    struct slot *s = &r->slots[0];
    uint8_t head[SEAL_STREAM];

    for (unsigned i = 0; i < SEAL_SECTIONS; i++) {
        if (take(r, head, sizeof head, err) == -1)
            return -1;
        do {
            if (take_message(r, s, err) == -1)
                return -1;
        } while (!s->last);
    }
    return check_end(r, length, NULL, err);
}

void chunk_reader_free(struct chunk_reader *r)
{
    if (r == NULL)
        return;
    stop(r);
    for (size_t i = 0; i < SLOTS; i++) {
        if (r->slots[i].at != NULL)
            sodium_memzero(r->slots[i].at, r->header.chunk);
        free(r->slots[i].at);
    }
    free(r->head);
    digest_free(r->digest);
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    sodium_memzero(r, sizeof *r);
    free(r);
}
