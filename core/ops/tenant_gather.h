#ifndef SETT_TENANT_GATHER_H
#define SETT_TENANT_GATHER_H
/* The few that can be meant, if they are few. */
#include "tenant_filter.h"

#define TENANT_GATHER_MOST 2000

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
