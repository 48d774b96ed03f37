#ifndef SETT_SECTION_H
#define SETT_SECTION_H
/*
 * Filling one section: members into the archive, a line each into the manifest, and at the end the
 * manifest itself. Names must come in the manifest's order. Hard links are found by inode; files
 * that are as a catalog remembers them are named and not packed. A thread of the section reads and
 * packs, so that whoever walks finds the next files, and the disk fetches them, meanwhile.
 */
#include "catalog.h"
#include "chunk.h"

struct section;

struct section_setup {
    struct chunk_writer *writer;
    const char *scratch;  /* folder for what is spooled: manifest, catalog */
    int level;            /* zstd's; 0: 2 */
    bool far;             /* what is alike lies far apart in it, as in a store */
    unsigned threads;     /* of compression; 0: one a processor, at most four */
    struct catalog *base; /* NULL: everything is packed */
    FILE *catalog;        /* the next catalog, begun; or NULL */
    uint8_t id[SEAL_ID];  /* of the snapshot being written */
    /* Told of bytes that were read, on the thread that calls section_…; returns 0, or -1 having
     * filled err to stop. May be NULL. */
    int (*progress)(void *arg, uint64_t bytes, struct err *err);
    void *progress_arg;
};

struct section_figures {
    uint64_t files, folders, links, skipped;
    uint64_t changed;                   /* while they were read */
    uint64_t copies;                    /* files with several names beyond what links.h remembers */
    uint64_t bytes, packed_bytes, kept; /* of files; kept: files left to the base */
};

/** section_begin(out, setup, index, err): begin the next section; ${index}: text of its INDEX.
 * Return 0 or -1. */
int section_begin(struct section **out, const struct section_setup *setup, const char *index,
                  struct err *err);

/** section_entry(s, unit, e, fd, err): a volume's entry, as ${unit}/e->name; for 'f' its content is
 * read from ${fd}, of which a copy is kept until then. An error shows here or later. Return 0 or
 * -1. */
int section_entry(struct section *s, const char *unit, const struct volume_entry *e, int fd,
                  struct err *err);

/** section_file(s, name, fd, err): a file of the box's own, under ${name}, as fstat describes it. 0
 * or -1. */
int section_file(struct section *s, const char *name, int fd, struct err *err);

/** section_settle(s, err): until all that was handed in has been read. Return 0 or -1. */
int section_settle(struct section *s, struct err *err);

/** section_end(s, figures, err): the manifest, and the end of the section. Return 0 or -1. */
int section_end(struct section *s, struct section_figures *figures, struct err *err);

/** section_free(s): NULL is fine. */
void section_free(struct section *s);

#endif
