#ifndef SETT_SCOPE_H
#define SETT_SCOPE_H
/*
 * Scopes of API keys: which operations a key is for, besides what its role may. A closed list: the
 * noun of an operation, or *, and read or write ("tenant:read", "snapshot:write", "*:read"); write
 * does not include read. A key without scopes may all that its role may.
 */
#include "op.h"

/** scope_list(text, out, err): ${text}, parted by blanks or commas, into ${out} in the order of the
 * closed list, each once. "" stays "". ERR_INVALID, field "scopes". Return 0 or -1. */
int scope_list(const char *text, char out[AUTH_SCOPES_SIZE], struct err *err);

/** scope_of(op, out): the scope that a key needs for ${op}: "tenant:read". What writes to the
 * store, leaves an audit record or shows a secret is write. "" for what any key may: to ask who it
 * is. */
void scope_of(const struct op *op, char out[48]);

/** scope_has(list, op): whether a list (not "") has what ${op} needs. */
bool scope_has(const char *list, const struct op *op);

/** scope_tenant_op(op): whether a key for one tenant can be of use for ${op}: those about a tenant
 * that is named, by "id" or "tenant". All else is not for such a key, lists included. */
bool scope_tenant_op(const struct op *op);

/** scope_tenant(call, err): that the tenant which is named is the key's. ERR_FORBIDDEN
 * "key_of_tenant" for another, also for one that does not exist. Return 0 or -1. */
int scope_tenant(struct op_call *call, struct err *err);

/** scope_next(at, out): walk over the closed list: ${at} is 0 first and is moved on. 1, or 0 at the
 * end. */
int scope_next(size_t *at, char out[48]);

#endif
