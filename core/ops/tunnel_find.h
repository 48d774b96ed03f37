#ifndef SETT_TUNNEL_FIND_H
#define SETT_TUNNEL_FIND_H
/* The list of tunnels: which are meant, in which order, and how many there are of what. */
#include "find.h"
#include "params.h"
#include "tunnel.h"

struct tunnel_list_params {
    struct list_params list;
    char q[160], state[96], tenant_id[96], customer_id[96], carrier_id[96], hostname[256];
    uint32_t kind, sort;
    bool trouble, deleted, totals;
};
extern const struct fields tunnel_list_fields;

/** tunnel_list_run(call, err): the operation tunnel.list, whose parameters these are. 0 or -1. */
int tunnel_list_run(struct op_call *call, struct err *err);

#endif
