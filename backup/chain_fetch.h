#ifndef SETT_CHAIN_FETCH_H
#define SETT_CHAIN_FETCH_H
/* A snapshot out of a vault and into a folder of the worker's, opened by file keys: every file of
 * the chain is fetched, read whole and compared with its manifest. */
#include <stdio.h>
#include "kept.h"
#include "paths.h"
#include "place.h"

#define CHAIN_FETCH_RESTORE "restore-" /* folders of restores; then the job's id */

struct chain_fetch {
    /* set by the caller */
    struct place *place;
    const struct kept_chain *chain; /* all with their keys */
    const char *only;               /* units of the second section, a line each; NULL: all of it */
    bool store; /* the newest one's first section, too, as root/var/lib/sett/live of the folder */
    /* Told of bytes of files as they are unpacked; may stop it. May be NULL. */
    int (*progress)(void *arg, uint64_t bytes, struct err *err);
    void *arg;
    /* what there is */
    uint64_t bytes;             /* fetched */
    uint64_t files;             /* unpacked */
    FILE *manifest;             /* of the newest one's second section */
    char path[PATHS_SIZE + 96]; /* the folder; "" : there is none */
    char name[64];
    int parent, folder, control, data; /* data: holds the second section */
};

/** chain_fetch_begin(f, paths, name, err): the folder ${name} below paths->snapshots, empty. 0 or
 * -1; chain_fetch_end in any case. */
int chain_fetch_begin(struct chain_fetch *f, const struct paths *paths, const char *name,
                      struct err *err);

/** chain_fetch(f, err): all of it. What does not agree is ERR_CORRUPT. Return 0 or -1. */
int chain_fetch(struct chain_fetch *f, struct err *err);

/** chain_fetch_end(f): the folder goes. */
void chain_fetch_end(struct chain_fetch *f);

#endif
