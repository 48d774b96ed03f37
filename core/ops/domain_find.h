#ifndef SETT_DOMAIN_FIND_H
#define SETT_DOMAIN_FIND_H
/* The list of customers' domains: which are meant, in which order, how many there are of what. */
#include "op.h"

extern const struct fields domain_list_fields;

/** domain_list_run(call, err): the operation domain.list, whose parameters these are. 0 or -1. */
int domain_list_run(struct op_call *call, struct err *err);

#endif
