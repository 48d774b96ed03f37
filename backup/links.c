/*
 * Files with several names, by inode. Apart from the packing because of what can go wrong here: an
 * inode that is given to another file while the walk goes on must not turn that file into a name of
 * the first.
 */
#include "links.h"

#include <stdlib.h>

#define PLACES 262144 /* a power of two; of them LINKS_MOST are filled */

struct place {
    uint64_t device, inode, mark, line; /* line + 1; 0: free */
};

struct links {
    size_t count;
    struct place at[PLACES];
};

static uint64_t mix(uint64_t a, uint64_t b)
{
    a = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ a >> 29;
}

/* What a change of its content changes. */
static uint64_t mark_of(const struct volume_entry *e)
{
    return mix(mix(mix(1, e->size), (uint64_t)e->mtime_s), e->mtime_ns);
}

/* Where it is, or would be. There is always a free place. */
static size_t place_of(const struct links *l, const struct volume_entry *e)
{
    size_t i = (size_t)mix(e->inode, e->device) % PLACES;

    while (l->at[i].line != 0 && (l->at[i].inode != e->inode || l->at[i].device != e->device))
        i = (i + 1) % PLACES;
    return i;
}

struct links *links_new(void)
{
    return calloc(1, sizeof(struct links));
}

bool links_find(const struct links *l, const struct volume_entry *e, uint64_t *line)
{
    const struct place *p = &l->at[place_of(l, e)];

    if (p->line == 0 || p->mark != mark_of(e))
        return false;
    *line = p->line - 1;
    return true;
}

bool links_note(struct links *l, const struct volume_entry *e, uint64_t line)
{
    struct place *p = &l->at[place_of(l, e)];

    if (p->line == 0 && l->count == LINKS_MOST)
        return false;
    l->count += p->line == 0;
    *p = (struct place){e->device, e->inode, mark_of(e), line + 1};
    return true;
}

void links_free(struct links *l)
{
    free(l);
}
