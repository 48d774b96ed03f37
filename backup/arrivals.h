#ifndef SETT_ARRIVALS_H
#define SETT_ARRIVALS_H
/*
 * Snapshots that lie in a vault, whether or not this box has a record of them: what their headers
 * say. For a box that is to be restored from them, and knows nothing yet.
 */
#include <stddef.h>
#include "place.h"
#include "seal.h"

#define ARRIVALS_MOST 2000 /* names of a vault, the newest */

struct arrivals {
    const struct place *place;
    struct place_file *at; /* the newest first */
    size_t count;
    bool more; /* there are more than that */
};

/** arrivals_list(a, place, err): all names that could be snapshots. Return 0 or -1; arrivals_free
 * in any case. */
int arrivals_list(struct arrivals *a, const struct place *place, struct err *err);

/** arrivals_header(a, name, h, err): what the header of one says. Return 0 or -1. */
int arrivals_header(const struct arrivals *a, const char *name, struct seal_header *h,
                    struct err *err);

/** arrivals_base(a, of, file, h, err): the file that ${of} builds on, and its header.
 * ERR_NOT_FOUND "chain_broken". Return 0 or -1. */
int arrivals_base(const struct arrivals *a, const struct seal_header *of, struct place_file *file,
                  struct seal_header *h, struct err *err);

/** arrivals_free(a): fine for one that is all zero. */
void arrivals_free(struct arrivals *a);

#endif
