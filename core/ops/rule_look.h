#ifndef SETT_RULE_LOOK_H
#define SETT_RULE_LOOK_H
/* A list of rules that somebody wrote, as what it would be for a tunnel: which of its rules is the
 * tunnel's own route, what follows that, and what is wrong with each. */
#include "op.h"
#include "rule.h"

/** rule_look_read(call, tunnel, config, list, err): the rules of a configuration, without the one
 * that catches all, into an empty list, which is to be freed. A rule that leads to where the own
 * route leads, and followed it before, follows it still; what visitors are asked for by the
 * tenant's access is not the rule's; rules of customers' domains that are not there are added.
 * Return 0 or -1. */
int rule_look_read(struct op_call *call, const struct tunnel *tunnel,
                   const struct cloudflared_config *config, struct rule_list *list,
                   struct err *err);

/** rule_look_last(tunnel, config, err): its last rule becomes the tunnel's catch_all. ERR_INVALID
 * if that cannot hold all that it says. Return 0 or -1. */
int rule_look_last(struct tunnel *tunnel, const struct cloudflared_config *config, struct err *err);

/** rule_look_domains(call, tunnel, list, err): rules of customers' domains as they are now: those
 * of former ones go, those that the list lacks are added. Return 0 or -1. */
int rule_look_domains(struct op_call *call, const struct tunnel *tunnel, struct rule_list *list,
                      struct err *err);

/** rule_look_position(tunnel, list, i): the place of a rule, from 1, with the own route counted. */
uint32_t rule_look_position(const struct tunnel *tunnel, const struct rule_list *list, uint32_t i);

/** rule_look(call, tunnel, text, url, err): the answer of rule.check: each rule's errors by
 * position and field, warnings, what would change, and, unless ${url} is "", which rule it would
 * meet. Return 0 or -1. */
int rule_look(struct op_call *call, const struct tunnel *tunnel, const char *text, const char *url,
              struct err *err);

#endif
