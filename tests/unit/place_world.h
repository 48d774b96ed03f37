#ifndef SETT_PLACE_WORLD_H
#define SETT_PLACE_WORLD_H
/* What tests of vaults' drivers share: a file to send, and counting what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include <sodium.h>

#include "canned.h"
#include "clock.h"
#include "place.h"
#include "snapshot.h"

/* A file of ${size} bytes that do not repeat, the same each time for one ${seed}. */
static inline int place_file_of(size_t size, uint8_t seed)
{
    uint8_t key[32] = {seed}, *data = malloc(size);
    int fd = memfd_create("sent", MFD_CLOEXEC);

    assert_non_null(data);
    assert_true(fd != -1);
    randombytes_buf_deterministic(data, size, key);
    assert_int_equal(file_write_all(fd, data, size), 0);
    free(data);
    return fd;
}

/* That the place gives back what ${fd} has. */
static inline void place_same(struct place *p, const char *name, int fd, size_t size, size_t from)
{
    int back = memfd_create("back", MFD_CLOEXEC);
    uint8_t *a = malloc(size), *b = malloc(size + 1);
    struct err err = {0};

    if (p->get(p->self, name, from, back, &err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(pread(fd, a, size - from, (off_t)from), size - from);
    assert_int_equal(pread(back, b, size + 1, 0), size - from);
    assert_memory_equal(a, b, size - from);
    free(a);
    free(b);
    (void)close(back);
}

struct place_seen {
    unsigned count;
    uint64_t bytes;
    char last[PLACE_NAME_MAX];
};

static inline int place_count(void *arg, const struct place_file *file, struct err *err)
{
    struct place_seen *s = arg;

    (void)err;
    s->count++;
    s->bytes += file->bytes;
    (void)str_copy(s->last, sizeof s->last, file->name);
    return 0;
}

static inline struct place_seen place_list_of(struct place *p, const char *prefix)
{
    struct place_seen s = {0};
    struct err err = {0};

    if (p->list(p->self, prefix, place_count, &s, &err) == -1)
        fail_msg("%s", err.text);
    return s;
}

static inline int place_told(void *arg, uint64_t bytes, struct err *err)
{
    (void)err;
    *(uint64_t *)arg += bytes;
    return 0;
}

#endif
