/*
 * Looking at what a vault holds. Apart from the catalog and the records: here only the files
 * themselves are believed, and of them only what their headers say.
 */
#include "arrivals.h"

#include <stdlib.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define ENDING ".sett"

static int take(void *arg, const struct place_file *file, struct err *err)
{
    struct arrivals *a = arg;

    (void)err;
    if (!str_ends(file->name, ENDING))
        return 0;
    if (a->count == ARRIVALS_MOST)
        a->more = true;
    else
        a->at[a->count++] = *file;
    return 0;
}

/* By when they were stored, then by name: both have the number of the snapshot in order. */
static int newer(const void *a, const void *b)
{
    const struct place_file *x = a, *y = b;

    if (x->stored_at != y->stored_at)
        return x->stored_at > y->stored_at ? -1 : 1;
    return strcmp(y->name, x->name);
}

int arrivals_list(struct arrivals *a, const struct place *place, struct err *err)
{
    memset(a, 0, sizeof *a);
    a->place = place;
    if ((a->at = calloc(ARRIVALS_MOST, sizeof *a->at)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a list of snapshots");
    if (place->list(place->self, "sett-", take, a, err) == -1)
        return -1;
    qsort(a->at, a->count, sizeof *a->at, newer);
    return 0;
}

int arrivals_header(const struct arrivals *a, const char *name, struct seal_header *h,
                    struct err *err)
{
    struct place_head head = {.len = SEAL_HEADER_MAX + 256};
    size_t size;
    int rc = -1;

    if ((head.data = malloc(head.len)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a header");
    if (a->place->head(a->place->self, name, &head, err) == 0 &&
        (size = seal_header_size(head.data, head.got, err)) != 0)
        rc = size > head.got ? err_set(err, ERR_CORRUPT, "snapshot_cut", "%s is cut off", name)
                             : seal_header_read(head.data, size, h, err);
    free(head.data);
    return rc;
}

int arrivals_base(const struct arrivals *a, const struct seal_header *of, struct place_file *file,
                  struct seal_header *h, struct err *err)
{
    char id[2 * SEAL_ID + 1];
    struct err why;

    for (size_t i = 0; i < a->count; i++)
        if (arrivals_header(a, a->at[i].name, h, &why) == 0 &&
            memcmp(h->id, of->base_id, SEAL_ID) == 0 &&
            memcmp(h->hash, of->base_hash, SEAL_HASH) == 0) {
            *file = a->at[i];
            return 0;
        }
    enc_hex(id, of->base_id, SEAL_ID);
    return err_set(err, ERR_NOT_FOUND, "chain_broken",
                   "it builds on snapshot %s, which this vault does not have", id);
}

void arrivals_free(struct arrivals *a)
{
    free(a->at);
    memset(a, 0, sizeof *a);
}
