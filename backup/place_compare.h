#ifndef SETT_PLACE_COMPARE_H
#define SETT_PLACE_COMPARE_H
/* What comes back from a vault: held against the file that was sent, or written into a file. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct place_compare {
    int fd;
    uint64_t length, at; /* at: so many bytes are equal */
};

/** place_compare_begin(c, fd, length): with the first ${length} bytes of ${fd}. */
void place_compare_begin(struct place_compare *c, int fd, uint64_t length);

/** place_compare_take(arg, data, len, err): ${arg}: the struct place_compare. ERR_CORRUPT at the
 * first byte that differs. Return 0 or -1. */
int place_compare_take(void *arg, const void *data, size_t len, struct err *err);

/** place_compare_end(c, name, err): that all of it came. Return 0 or -1 (ERR_CORRUPT). */
int place_compare_end(const struct place_compare *c, const char *name, struct err *err);

struct place_fetch {
    int fd;
    uint64_t got; /* bytes so far */
};

/** place_fetch_take(arg, data, len, err): ${arg}: the struct place_fetch. Return 0 or -1. */
int place_fetch_take(void *arg, const void *data, size_t len, struct err *err);

#endif
