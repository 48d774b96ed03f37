#ifndef SETT_PLACE_H
#define SETT_PLACE_H
/*
 * The driver of a vault: a place that keeps files under flat names. A file is there whole under its
 * name or it is not there; what is half there has another name, or none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define PLACE_NAME_MAX 128

/* One file of a place. */
struct place_file {
    char name[PLACE_NAME_MAX];
    uint64_t bytes;
    int64_t stored_at; /* wall, ms; 0: not told */
};

/* Of the disk that it lies on, as it is for those who are not root. */
struct place_room {
    uint64_t free_bytes, size_bytes;
};

/* The beginning of a file. */
struct place_head {
    uint8_t *data;
    size_t len, got;
};

typedef int place_each(void *arg, const struct place_file *file, struct err *err);

struct place {
    const char *kind;
    void *self;
    /* put: ${length} bytes from the start of ${fd}, durable when it returns and compared with what
     * the other side says it has. Fine if it is there already. ${progress} is told of bytes as they
     * go and may stop it; it may be NULL. */
    int (*put)(void *self, const char *name, int fd, uint64_t length,
               int (*progress)(void *arg, uint64_t bytes, struct err *err), void *arg,
               struct err *err);
    /* get: the file into ${fd}, or from byte ${from} on. ERR_NOT_FOUND. */
    int (*get)(void *self, const char *name, uint64_t from, int fd, struct err *err);
    /* head: its first ${h->len} bytes, or all if it has fewer, into ${h->data}: so many are in
     * ${h->got}. ERR_NOT_FOUND. */
    int (*head)(void *self, const char *name, struct place_head *h, struct err *err);
    /* list: all whose name begins with ${prefix}, in no order. */
    int (*list)(void *self, const char *prefix, place_each *each, void *arg, struct err *err);
    /* remove: fine if it is not there. ERR_FORBIDDEN where nothing may be deleted. */
    int (*remove)(void *self, const char *name, struct err *err);
    /* tidy: give up what was begun there before ${before_ms} (wall) under names with ${prefix} and
     * never ended, and takes room there unseen. NULL: nothing can be left so. */
    int (*tidy)(void *self, const char *prefix, int64_t before_ms, struct err *err);
    /* room: what there is; NULL: nobody can tell. */
    int (*room)(void *self, struct place_room *room, struct err *err);
    void (*free)(void *self);
};

/** place_name_check(name, err): letters, digits, "._-", no dot at its start. Return 0 or -1. */
int place_name_check(const char *name, struct err *err);

/** place_folder(out, path, err): a folder, which must be there and writable. Return 0 or -1. */
int place_folder(struct place *out, const char *path, struct err *err);

/** place_head_take(arg, data, len, err): ${arg}: a struct place_head, which takes what it has room
 * for. Return 0, or -1 once it is full: it needs no more. */
int place_head_take(void *arg, const void *data, size_t len, struct err *err);

/** place_free(p): fine for one that is all zero. */
void place_free(struct place *p);

#endif
