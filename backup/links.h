#ifndef SETT_LINKS_H
#define SETT_LINKS_H
/*
 * Which files with several names have been packed, and where in the manifest the first of them
 * stands. Bounded: a file beyond what fits is packed once for each of its names, which costs room
 * and is not wrong.
 */
#include <stdbool.h>
#include "err.h"
#include "volumes.h"

#define LINKS_MOST 196608 /* files */

struct links;

/** links_new(): NULL when there is no memory. */
struct links *links_new(void);

/** links_find(l, e, line): whether this file was noted, and is as it was then: an inode that has
 * been written to since, or belongs to another file now, is not. *${line}: what was noted. */
bool links_find(const struct links *l, const struct volume_entry *e, uint64_t *line);

/** links_note(l, e, line): remember the file ${e}. Return whether there was room. */
bool links_note(struct links *l, const struct volume_entry *e, uint64_t line);

/** links_free(l): NULL is fine. */
void links_free(struct links *l);

#endif
