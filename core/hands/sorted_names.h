#ifndef SETT_SORTED_NAMES_H
#define SETT_SORTED_NAMES_H
/*
 * The names in a folder, sorted as bytes, however many there are, in bounded memory: the folder is
 * read again for each portion, of which the smallest names behind the last one are kept.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include "err.h"

struct sorted_names {
    DIR *dir;
    size_t budget; /* bytes that a portion may take */
    char **at;     /* the portion; a heap while the folder is read, the greatest on top */
    size_t count, room, bytes, next;
    bool more;      /* names behind this portion were left out */
    char last[256]; /* the one given out last */
};

/** sorted_names_open(n, folder, budget, err): of the folder ${folder}, which stays open. Return 0
 * or -1; sorted_names_close in any case. */
int sorted_names_open(struct sorted_names *n, int folder, size_t budget, struct err *err);

/** sorted_names_next(n, name, err): the next name, valid until the next call; each once, and what
 * is made or removed meanwhile may be among them or not. Return 1, 0 at the end, or -1. */
int sorted_names_next(struct sorted_names *n, const char **name, struct err *err);

/** sorted_names_close(n): fine for one that is all zero. */
void sorted_names_close(struct sorted_names *n);

#endif
