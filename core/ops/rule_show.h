#ifndef SETT_RULE_SHOW_H
#define SETT_RULE_SHOW_H
/* How rules are shown: as a list with the tunnel's own route, and as what a change comes to. */
#include "rule.h"
#include "view.h"

/** rule_show_list(call, tunnel, list, err): all of a tunnel's rules, its own route and what catches
 * all with no id. Return 0 or -1. */
int rule_show_list(struct op_call *call, const struct tunnel *tunnel, const struct rule_list *list,
                   struct err *err);

/** rule_show_change(before, after, out): members of a plan, in place of what ${out} held: "before",
 * "after" as cloudflared's JSON, "changes" as lines. */
void rule_show_change(const struct cloudflared_config *before,
                      const struct cloudflared_config *after, struct buf *out);

/** rule_show_changes(before, after, j): an array of lines: what goes ("- 1. …") and what comes. */
void rule_show_changes(const struct cloudflared_config *before,
                       const struct cloudflared_config *after, struct json_out *j);

#endif
