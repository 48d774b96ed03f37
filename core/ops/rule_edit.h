#ifndef SETT_RULE_EDIT_H
#define SETT_RULE_EDIT_H
/* What all operations that change a tunnel's rules share: who may be changed, the version before
 * it, the count of changes with its job, and what a plan is shown. */
#include "op.h"
#include "rule.h"

/* A change of one tunnel's rules, from before to after. */
struct rule_edit {
    struct tunnel tunnel;
    struct cloudflared_config before; /* only for a plan; the operation frees it */
};

/** rule_edit_begin(call, which, edit, err): find a tunnel whose rules may be changed, and keep the
 * version that they are now. Return 0 or -1. */
int rule_edit_begin(struct op_call *call, const char *which, struct rule_edit *edit,
                    struct err *err);

/** rule_edit_end(call, edit, err): count the change, start its job, which the answer names; a plan
 * is shown what it comes to. Return 0 or -1. */
int rule_edit_end(struct op_call *call, struct rule_edit *edit, struct err *err);

/** rule_edit_host_free(call, tunnel, rule, err): that no other tunnel serves the rule's host name,
 * whose DNS record is that one's. ERR_CONFLICT hostname_taken. Return 0 or -1. */
int rule_edit_host_free(struct op_call *call, const struct tunnel *tunnel, const struct rule *rule,
                        struct err *err);

/** rule_edit_meaning(call, tunnel, config, err): the whole configuration that its records mean now,
 * into an empty one. Return 0 or -1. */
int rule_edit_meaning(struct op_call *call, const struct tunnel *tunnel,
                      struct cloudflared_config *config, struct err *err);

#endif
