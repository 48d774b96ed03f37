#ifndef SETT_CLOUDFLARE_LIMIT_H
#define SETT_CLOUDFLARE_LIMIT_H
/*
 * Rate-limiting rules of a zone: its ruleset of the phase http_ratelimit. One rule is added,
 * changed and deleted by itself, so that those of others stay as they are. Errors as in
 * cloudflare.h. Source: https://developers.cloudflare.com/api/resources/rulesets and, for what a
 * plan has, https://developers.cloudflare.com/waf/rate-limiting-rules (seen in August 2026).
 */
#include "cloudflare.h"

#define CLOUDFLARE_HOSTS_MAX 1024 /* bytes of the host names of one rule */

/* What the zone's plan has: rules in all, the longest period and block in seconds, and whether a
 * rule may ask for the host name, without which it cannot tell tenants apart. */
struct cloudflare_limit_plan {
    const char *name; /* "free": as Cloudflare calls it */
    uint32_t rules, period_s, block_s;
    bool host;
};
extern const struct cloudflare_limit_plan cloudflare_limit_plans[]; /* ended by name NULL */

/* The periods over which can be counted, in seconds, ended by 0. A plan has those up to its own. */
extern const uint32_t cloudflare_limit_periods[];

/** cloudflare_limit_plan(c, out, err): the plan of the zone; one that is not known here is taken
 * for the largest. Return 0 or -1. */
int cloudflare_limit_plan(struct cloudflare *c, const struct cloudflare_limit_plan **out,
                          struct err *err);

struct cloudflare_limit {
    char ruleset[CLOUDFLARE_ID_SIZE], id[CLOUDFLARE_ID_SIZE];
    char mark[160]; /* the rule's description */
    char expression[CLOUDFLARE_HOSTS_MAX * 2];
    uint32_t requests, period_s, block_s;
    bool enabled;
};

/** cloudflare_limit_find(c, mark, out, count, err): the rule whose description is ${mark}; without
 * one only out->ruleset is filled, "" while the zone has no ruleset. ${count}: all rules there are.
 * Return 1, 0 or -1. */
int cloudflare_limit_find(struct cloudflare *c, const char *mark, struct cloudflare_limit *out,
                          uint32_t *count, struct err *err);

/** cloudflare_limit_expression(hosts, out, size, err): what a rule about these host names,
 * separated by commas, asks of a request. ERR_INVALID. Return 0 or -1. */
int cloudflare_limit_expression(const char *hosts, char *out, size_t size, struct err *err);

/** cloudflare_limit_put(c, limit, err): change the rule limit->id; add it when that is "", in a
 * ruleset made for it when limit->ruleset is "". Visitors are told apart by their address; one who
 * exceeds the rate is refused with 429. ERR_QUOTA beyond the plan's rules. Return 0 or -1. */
int cloudflare_limit_put(struct cloudflare *c, const struct cloudflare_limit *limit,
                         struct err *err);

/** cloudflare_limit_delete(c, limit, err): fine if it is gone. Return 0 or -1. */
int cloudflare_limit_delete(struct cloudflare *c, const struct cloudflare_limit *limit,
                            struct err *err);

#endif
