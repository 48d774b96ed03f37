#ifndef SETT_TENANT_GATHER_H
#define SETT_TENANT_GATHER_H
/* The few that can be meant, if they are few. */
#include "tenant_filter.h"
#include "tenant_text.h"

#define TENANT_GATHER_MOST 1200

/* An index of tenants or of their texts, and what its entries must have. */
struct tenant_match {
    const char *index; /* NULL: by key, of tenants */
    struct tenant tenant;
    struct tenant_text text;
};

/** tenant_match_set(m, filter): the texts that the filter asks for, whichever index is chosen. */
void tenant_match_set(struct tenant_match *m, const struct tenant_filter *filter);

/** tenant_match_texts(m): whether its index is of texts. */
bool tenant_match_texts(const struct tenant_match *m);

/** tenant_match_scan(scan, txn, m, fields, backward, err): scan_start on the right table. 0 or -1.
 */
int tenant_match_scan(struct scan *scan, struct txn *txn, const struct tenant_match *m,
                      unsigned fields, bool backward, struct err *err);

struct tenant_gather {
    bool few; /* ids has all that can be meant; else there are too many to gather */
    unsigned count;
    uint32_t proven; /* a bit for each word of the filter that all of them have */
    bool flagged;    /* all of them want attention */
    uint8_t (*ids)[ID_BYTES];
};

/** tenant_gather(call, filter, out, err): by the indexes, without reading a tenant. ${out} is freed
 * by tenant_gather_free. Return 0 or -1. */
int tenant_gather(struct op_call *call, const struct tenant_filter *filter,
                  struct tenant_gather *out, struct err *err);

/** tenant_gather_free(g): fine for one that is all zero. */
void tenant_gather_free(struct tenant_gather *g);

#endif
