#ifndef SETT_CATALOG_H
#define SETT_CATALOG_H
/*
 * What the box remembers of the files in its newest snapshot: for each regular file, in the order
 * of the manifest, what its file system said of it (inode, times, size) with the hash of its
 * content and the snapshot that holds it. So the next one can tell what has not changed without
 * reading it. It may be lost: then the next snapshot is whole.
 */
#include <stdio.h>
#include "manifest.h"
#include "volumes.h"

struct catalog_entry {
    int64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns;
    uint64_t size, device, inode;
    uint8_t hash[32], from[SEAL_ID]; /* from: whose file has the content */
    char name[PACK_NAME_MAX + 1];
};

/** catalog_begin(out, id, hash, err): of which snapshot it is: its id and header hash. 0 or -1. */
int catalog_begin(FILE *out, const uint8_t id[SEAL_ID], const uint8_t hash[SEAL_HASH],
                  struct err *err);

/** catalog_write(out, entry, err): one file. Return 0 or -1. */
int catalog_write(FILE *out, const struct catalog_entry *entry, struct err *err);

/** catalog_end(out, err): the last line, to the disk. Return 0 or -1. */
int catalog_end(FILE *out, struct err *err);

/* A catalog being read beside a walk. */
struct catalog {
    FILE *in;
    uint8_t id[SEAL_ID], hash[SEAL_HASH];
    struct catalog_entry at; /* the next one that the walk has not passed */
    bool more;
    char line[3 * PACK_NAME_MAX + 512];
};

/** catalog_open(c, in, err): ${in} stays the caller's. ERR_CORRUPT: not one, or not a whole one
 * (its last line is looked for first). Return 0 or -1. */
int catalog_open(struct catalog *c, FILE *in, struct err *err);

/** catalog_find(c, name, e, found, err): the file ${name}, if it is as it was: the names asked for
 * must come in order. *${found}: whether it is; then c->at is what is remembered of it. Return 0 or
 * -1. */
int catalog_find(struct catalog *c, const char *name, const struct volume_entry *e, bool *found,
                 struct err *err);

#endif
