#ifndef SETT_CHAIN_H
#define SETT_CHAIN_H
/*
 * The files of a snapshot: the one that is asked for and, if it is incremental, those on which it
 * builds. A file's name is of no meaning: its header says what it is, and the newer one's header
 * says which it must be.
 */
#include "seal.h"

#define CHAIN_MOST 64

struct chain_file {
    int fd; /* at its start */
    uint64_t size;
    char path[600];
    struct seal_header header;
    struct seal_sizes sizes; /* once restore_unlock has opened it */
};

struct chain {
    size_t count;
    struct chain_file files[CHAIN_MOST]; /* the newest first; each builds on the one behind it */
};

/** chain_open(c, path, alone, more, more_count, err): the file at ${path} and, unless ${alone}, all
 * that it builds on, told by id and header hash, which is looked for among ${more} (files or
 * folders), beside the file that builds on it, and beside ${path}. Links are not followed.
 * ERR_NOT_FOUND naming what is missing. Return 0 or -1; chain_close in any case. */
int chain_open(struct chain *c, const char *path, bool alone, const char *const *more,
               size_t more_count, struct err *err);

/** chain_header(f, size, err): all of a file's header, as it is in the file, to be freed; *${size}:
 * how many bytes. Return NULL with err. */
uint8_t *chain_header(const struct chain_file *f, size_t *size, struct err *err);

/** chain_close(c): fine for one that is all zero. */
void chain_close(struct chain *c);

#endif
