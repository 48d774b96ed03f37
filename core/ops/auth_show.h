#ifndef SETT_AUTH_SHOW_H
#define SETT_AUTH_SHOW_H
/* What the operations of signing in answer: one shape, whichever step it was. */
#include "auth.h"
#include "op.h"

extern const struct fields auth_grant_fields;

/** auth_show_grant(call, terms, grant): the members of tokens, and the session's cookie. */
void auth_show_grant(struct op_call *call, const struct auth_terms *terms,
                     const struct auth_grant *grant);

/** auth_show_session(call, terms, grant, user, step, err): the whole answer of a sign-in that is
 * done: ${step}: "none" or "given"; somebody who has to enter a second factor first is told so.
 * Return 0 or -1. */
int auth_show_session(struct op_call *call, const struct auth_terms *terms,
                      const struct auth_grant *grant, const struct user *user, const char *step,
                      struct err *err);

/** auth_first_step(call, user, kind, err): of somebody who has a second factor: what he has given,
 * ${kind} of it for the audit, is not enough: no session and no cookie yet, but a token for the
 * second step. ${user} as it was when that was checked. Return 0 or -1. */
int auth_first_step(struct op_call *call, const struct user *user, const char *kind,
                    struct err *err);

#endif
