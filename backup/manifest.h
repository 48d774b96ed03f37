#ifndef SETT_MANIFEST_H
#define SETT_MANIFEST_H
/* The list of all that a section holds or refers to, a line an entry, in the order of the walk. It
 * is written while the section is, and read beside another one: neither is ever whole in memory. */
#include <stdio.h>
#include "pack.h"
#include "seal.h"

#define MANIFEST_LINE_MAX (3 * (2 * PACK_NAME_MAX) + 512)

struct manifest_entry {
    char type;    /* 'f' 'd' 'l' 'h' 's' */
    bool changed; /* a file that changed while it was read */
    uint32_t mode, uid, gid;
    int64_t mtime_s;
    uint32_t mtime_ns;
    uint64_t size;
    bool has_hash;
    uint8_t hash[32];
    bool here; /* its content is in the same file; else in snapshot ${from} */
    uint8_t from[SEAL_ID];
    char name[PACK_NAME_MAX + 1], target[PACK_NAME_MAX + 1];
};

/** manifest_begin(out, err): the first line. Return 0 or -1. */
int manifest_begin(FILE *out, struct err *err);

/** manifest_write(out, entry, err): one line. Return 0 or -1. */
int manifest_write(FILE *out, const struct manifest_entry *entry, struct err *err);

/** manifest_end(out, count, err): the last line, and all of it to the file. Return 0 or -1. */
int manifest_end(FILE *out, uint64_t count, struct err *err);

/* A manifest being read. */
struct manifest_reader {
    FILE *in;
    uint64_t count;
    bool ended;
    char line[MANIFEST_LINE_MAX];
};

/** manifest_open(r, in, err): check the first line. ${in} stays the caller's. Return 0 or -1. */
int manifest_open(struct manifest_reader *r, FILE *in, struct err *err);

/** manifest_next(r, entry, err): Return 1, 0 behind the last entry, whose END line has been
 * checked, or -1 (ERR_CORRUPT). */
int manifest_next(struct manifest_reader *r, struct manifest_entry *entry, struct err *err);

/** manifest_name_at(file, at, name, err): the name in the line that begins at byte ${at} of a
 * manifest being written. Return 0 or -1. */
int manifest_name_at(FILE *file, uint64_t at, char name[PACK_NAME_MAX + 1], struct err *err);

/** manifest_put_name(out, name): with %XX where it must. */
void manifest_put_name(FILE *out, const char *name);

/** manifest_take_name(out, text): the way back. Return 0, or -1 if it is not of that form. */
int manifest_take_name(char out[PACK_NAME_MAX + 1], const char *text);

/** manifest_within(name, only): whether it is one of those that ${only} names, a line each, or
 * below one; NULL names all. */
bool manifest_within(const char *name, const char *only);

/** manifest_order(a, b): the order of the walk: names part by part, as bytes; a folder before what
 * is in it. <0, 0, >0. */
int manifest_order(const char *a, const char *b);

#endif
