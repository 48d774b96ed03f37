#ifndef SETT_CHAIN_H
#define SETT_CHAIN_H
/* The files that an incremental snapshot is restored from, found beside it. */
#include "seal.h"

#define CHAIN_MOST 64

struct chain_file {
    int fd;
    char path[600];
    struct seal_header header;
};

struct chain {
    unsigned count;
    struct chain_file files[CHAIN_MOST]; /* the newest first */
};

/** chain_open(c, path, alone, err): the file at ${path} and, unless ${alone}, all that it builds
 * on: files in the same folder, told by id and header hash. ERR_NOT_FOUND naming what is missing.
 * Return 0 or -1; chain_close in any case. */
int chain_open(struct chain *c, const char *path, bool alone, struct err *err);

/** chain_close(c): fine for one that is all zero. */
void chain_close(struct chain *c);

#endif
