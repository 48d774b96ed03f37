#ifndef SETT_PACK_H
#define SETT_PACK_H
/*
 * Members of a section: a pax archive within a zstd stream. The only file that knows libarchive. It
 * is handed bytes that were authenticated, reads no other format than this one, and still believes
 * nothing that it is told: see pack_name_check.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define PACK_NAME_MAX 4096
#define PACK_PART_MAX 255

enum pack_type { PACK_FILE = 'f', PACK_FOLDER = 'd', PACK_SYMLINK = 'l', PACK_HARDLINK = 'h' };

struct pack_entry {
    enum pack_type type;
    uint32_t mode; /* the lower nine bits; folders also 01000 */
    uint32_t uid, gid;
    int64_t mtime_s;
    uint32_t mtime_ns;
    uint64_t size;             /* PACK_FILE */
    const char *name, *target; /* target: of links */
};

/** pack_name_check(name, err): that a member may have this name: relative, 1 to PACK_NAME_MAX
 * bytes, parts of 1 to PACK_PART_MAX that are neither "." nor "..", no control characters, no "//",
 * no "/" at its end. ERR_CORRUPT. Return 0 or -1. */
int pack_name_check(const char *name, struct err *err);

struct pack_writer;

/** pack_writer_new(out, write, arg, level, threads, err): what is packed goes to ${write}, which
 * returns 0 or -1 with err. ${level}: zstd's. Return 0 or -1. */
int pack_writer_new(struct pack_writer **out,
                    int (*write)(void *arg, const void *data, size_t len, struct err *err),
                    void *arg, int level, unsigned threads, struct err *err);

/** pack_writer_far(w): before the first member: see squeeze_far. */
void pack_writer_far(struct pack_writer *w);

/** pack_writer_entry(w, entry, err): begin a member. Return 0 or -1. */
int pack_writer_entry(struct pack_writer *w, const struct pack_entry *entry, struct err *err);

/** pack_writer_data(w, data, len, err): the next bytes of a PACK_FILE; together they must be
 * entry->size. Return 0 or -1. */
int pack_writer_data(struct pack_writer *w, const void *data, size_t len, struct err *err);

/** pack_writer_finish(w, err): the end of the archive. Return 0 or -1. */
int pack_writer_finish(struct pack_writer *w, struct err *err);

/** pack_writer_free(w): NULL is fine. */
void pack_writer_free(struct pack_writer *w);

struct pack_reader;

/** pack_reader_new(out, next, arg, err): ${next} gives the next bytes, valid until it is called
 * again: 1, 0 at the end, or -1 with err. Return 0 or -1. */
int pack_reader_new(struct pack_reader **out,
                    int (*next)(void *arg, const void **data, size_t *len, struct err *err),
                    void *arg, struct err *err);

/** pack_reader_entry(r, entry, err): the next member; its texts live until the next call. What is
 * not one of the four types, has a name that may not be, or is told of in a way that libarchive
 * only warns about is ERR_CORRUPT. Return 1, 0 at the end, or -1. */
int pack_reader_entry(struct pack_reader *r, struct pack_entry *entry, struct err *err);

/** pack_reader_data(r, data, len, err): the next bytes of the member. Return how many, 0 at its
 * end, or -1. */
long pack_reader_data(struct pack_reader *r, void *data, size_t len, struct err *err);

/** pack_reader_free(r): NULL is fine. */
void pack_reader_free(struct pack_reader *r);

#endif
