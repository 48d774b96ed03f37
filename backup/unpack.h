#ifndef SETT_UNPACK_H
#define SETT_UNPACK_H
/*
 * A section's members into a staging folder. What comes in was authenticated by whoever signed the
 * snapshot, and is still not believed: every name is opened beneath the folder without following a
 * link, names must come in the manifest's order (so none comes twice), links are made last, and at
 * the end what is there is held against the manifest.
 */
#include "chunk.h"
#include "manifest.h"

struct unpack_setup {
    int folder; /* the staging folder's descriptor; empty, or with the chain's older files; -1:
                   nothing is written, everything is read, hashed and compared */
    const char *only; /* units, folders or files, a line each: nothing else is written; NULL: all */
    bool own;         /* give everything the owner that it had; else it stays ours */
    bool chain;       /* an older file of the chain was unpacked here: what is there is replaced */
    const char *scratch;           /* folder for its lists; NULL: the system's for such things */
    const struct seal_sizes *most; /* what goes beyond it is refused; NULL: not known ahead */
    struct seal_sizes *got;        /* counted on, over both sections; see unpack_finish */
    /* Told of each block written. 0, or -1 having filled err to stop. May be NULL. */
    int (*progress)(void *arg, uint64_t bytes, struct err *err);
    void *arg;
};

struct unpack_figures {
    uint64_t files, folders, links, skipped, bytes;
    uint64_t kept, kept_bytes; /* files in older files of the chain, beside those */
};

/** unpack_section(r, setup, manifest, figures, err): begin the next section of ${r} and unpack it
 * to its proven end. Its manifest is left in ${manifest}, an empty file open for both, and what was
 * written has been compared with it; entries whose content older files hold are only counted.
 * ERR_CORRUPT for anything that is not as the format says. Return 0 or -1. */
int unpack_section(struct chunk_reader *r, const struct unpack_setup *setup, FILE *manifest,
                   struct unpack_figures *figures, struct err *err);

/** unpack_finish(r, setup, length, err): the file's end, after both sections; and, if all of it was
 * taken (no setup->only), that setup->got is what its trailer says. Return 0 or -1. */
int unpack_finish(struct chunk_reader *r, const struct unpack_setup *setup, uint64_t *length,
                  struct err *err);

/** unpack_settle(setup, manifest, figures, err): once the newest file of a chain is unpacked: what
 * its manifest does not name goes, what it names must be there with its content, and gets its
 * owner, mode and time. Return 0 or -1. */
int unpack_settle(const struct unpack_setup *setup, FILE *manifest, struct unpack_figures *figures,
                  struct err *err);

#endif
