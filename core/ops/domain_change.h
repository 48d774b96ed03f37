#ifndef SETT_DOMAIN_CHANGE_H
#define SETT_DOMAIN_CHANGE_H
/* Changes of domains, for the rows in domain_ops.c. */
#include "custom_domain.h"
#include "op.h"

extern const struct fields domain_change_add, domain_change_claim, domain_change_remove;

/** domain_change_name(text, name, err): the ASCII spelling of what a person wrote. 0 or -1. */
int domain_change_name(const char *text, char name[256], struct err *err);

/** domain_change_find(call, text, domain, err): by id or by name in either spelling: the live one
 * of that name, else the newest that had it. ERR_NOT_FOUND domain_not_found. 0 or -1. */
int domain_change_find(struct op_call *call, const char *text, struct custom_domain *domain,
                       struct err *err);

/** domain_change_add_run(call, err): name, tenant, via, www, adopt. 0 or -1. */
int domain_change_add_run(struct op_call *call, struct err *err);

/** domain_change_claim_run(call, err): name, tenant, prove. 0 or -1. */
int domain_change_claim_run(struct op_call *call, struct err *err);

/** domain_change_remove_run(call, err): id, reason. 0 or -1. */
int domain_change_remove_run(struct op_call *call, struct err *err);

#endif
