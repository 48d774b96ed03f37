#ifndef SETT_SNAPSHOT_WORLD_H
#define SETT_SNAPSHOT_WORLD_H
/* Small snapshots in memory, for tests of backup/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "pack.h"
#include "str.h"
#include "chunk.h"

struct shot { /* a file, and all the keys of it */
    uint8_t *data;
    size_t len, room;
    uint8_t file_key[32], sign_key[64], sign_public[32], secret[32], public[32];
    size_t fail_at; /* the sink fails there; 0: not */
};

static inline int shot_write(void *arg, const void *data, size_t len, struct err *err)
{
    struct shot *s = arg;

    if (s->fail_at != 0 && s->len + len > s->fail_at)
        return err_set(err, ERR_FULL, "disk_full", "no room");
    while (s->len + len > s->room) {
        s->room = s->room == 0 ? 65536 : s->room * 2;
        s->data = realloc(s->data, s->room);
        assert_non_null(s->data);
    }
    memcpy(s->data + s->len, data, len);
    s->len += len;
    return 0;
}

struct at {
    const uint8_t *data;
    size_t len, pos;
};

static inline long at_read(void *arg, void *data, size_t len, struct err *err)
{
    struct at *a = arg;
    size_t n = a->len - a->pos < len ? a->len - a->pos : len;

    (void)err;
    memcpy(data, a->data + a->pos, n);
    a->pos += n;
    return (long)n;
}

static inline void shot_keys(struct shot *s)
{
    uint8_t seed[32];

    memset(s, 0, sizeof *s);
    randombytes_buf(s->file_key, 32);
    randombytes_buf(seed, 32);
    (void)crypto_sign_seed_keypair(s->sign_public, s->sign_key, seed);
    (void)crypto_box_keypair(s->public, s->secret);
}

static inline struct seal_header shot_header(const struct shot *s, uint32_t chunk)
{
    struct seal_header h = {.number = 7,
                            .created_at = 1764200000000,
                            .chunk = chunk,
                            .schema = 1,
                            .layout = 1,
                            .recipient_count = 1};

    memset(h.id, 5, sizeof h.id);
    (void)str_copy(h.box_id, sizeof h.box_id, "box_1");
    (void)str_copy(h.scope, sizeof h.scope, "box");
    (void)str_copy(h.made_by, sizeof h.made_by, "sett test");
    h.recipients[0].kind = SEAL_TO_KEY;
    memcpy(h.recipients[0].public_key, s->public, 32);
    return h;
}

struct packing {
    struct chunk_writer *w;
};

static inline int into_section(void *arg, const void *data, size_t len, struct err *err)
{
    return chunk_writer_add(((struct packing *)arg)->w, data, len, err);
}

static inline int from_section(void *arg, const void **data, size_t *len, struct err *err)
{
    return chunk_reader_next(arg, data, len, err);
}

/* A section with ${count} files of ${size} bytes that do not compress. 0 or -1. */
static inline int shot_section(struct chunk_writer *w, const char *unit, unsigned count,
                               size_t size, struct err *err)
{
    struct packing packing = {w};
    struct pack_writer *p = NULL;
    uint8_t *data = malloc(size + 1);
    char name[64];
    int rc = -1;

    assert_non_null(data);
    if (chunk_writer_section(w, err) == -1 ||
        pack_writer_new(&p, into_section, &packing, 3, 1, err) == -1)
        goto done;
    for (unsigned i = 0; i < count; i++) {
        struct pack_entry e = {.type = PACK_FILE,
                               .mode = 0640,
                               .uid = 100000 + i,
                               .gid = 5,
                               .mtime_s = 1764200000,
                               .mtime_ns = 123456789,
                               .size = size,
                               .name = name};

        (void)str_format(name, sizeof name, "%s/file-%u", unit, i);
        randombytes_buf_deterministic(data, size,
                                      (const uint8_t *)"0123456789abcdef0123456789abcdef");
        if (pack_writer_entry(p, &e, err) == -1 || pack_writer_data(p, data, size, err) == -1)
            goto done;
    }
    rc = pack_writer_finish(p, err) == 0 ? chunk_writer_end(w, err) : -1;
done:
    pack_writer_free(p);
    free(data);
    return rc;
}

/* A whole one. 0 or -1. */
static inline int shot_make(struct shot *s, struct seal_header *h, unsigned count, size_t size,
                            struct err *err)
{
    struct chunk_sink sink = {shot_write, s};
    struct chunk_writer *w;
    uint64_t length = 0;
    int rc;

    if (chunk_writer_new(&w, h, s->file_key, s->sign_key, &sink, err) == -1)
        return -1;
    rc = shot_section(w, "db", 1, 1000, err) == 0 &&
                 shot_section(w, "tenants/1", count, size, err) == 0 &&
                 chunk_writer_finish(w, &length, err) == 0
             ? 0
             : -1;
    chunk_writer_free(w);
    if (rc == 0)
        assert_int_equal(length, s->len);
    return rc;
}

/* Read all of it with the secret: how many members were seen, or -1. */
static inline long shot_read(const uint8_t *data, size_t len, const uint8_t secret[32],
                             struct err *err)
{
    struct at at = {data, len, 0};
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r = NULL;
    uint64_t length;
    long members = 0;
    int got = 0;

    if (chunk_reader_new(&r, &source, err) == -1)
        return -1;
    if (chunk_reader_open(r, secret, NULL, err) == -1)
        got = -1;
    for (unsigned i = 0; i < SEAL_SECTIONS && got == 0; i++) {
        struct pack_reader *p = NULL;
        struct pack_entry e;
        char block[8192];
        const void *rest;
        size_t rest_len;
        long n = 0;

        if (chunk_reader_section(r, err) == -1 || pack_reader_new(&p, from_section, r, err) == -1)
            got = -1;
        while (got == 0 && (got = pack_reader_entry(p, &e, err)) == 1) {
            members++;
            while ((n = pack_reader_data(p, block, sizeof block, err)) > 0)
                continue;
            got = n < 0 ? -1 : 0;
        }
        pack_reader_free(p);
        while (got == 0 && (got = chunk_reader_next(r, &rest, &rest_len, err)) == 1)
            got = 0; /* the padding */
    }
    if (got == 0)
        got = chunk_reader_finish(r, &length, NULL, err);
    chunk_reader_free(r);
    return got == 0 ? members : -1;
}

/* What can be checked without the secret. 0 or -1. */
static inline int shot_verify(const uint8_t *data, size_t len, struct err *err)
{
    struct at at = {data, len, 0};
    struct chunk_source source = {at_read, &at};
    struct chunk_reader *r;
    uint64_t length;
    int rc;

    if (chunk_reader_new(&r, &source, err) == -1)
        return -1;
    rc = chunk_reader_verify(r, &length, err);
    chunk_reader_free(r);
    return rc;
}

#endif
