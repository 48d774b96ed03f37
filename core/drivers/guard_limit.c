/* The rate-limiting rule of a tenant. Apart from Access because a zone has few rules and many
 * tenants: what the plan has is counted here before anything is sent. */
#include "guard_cloudflare.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_limit.h"
#include "ingress_cloudflare.h"
#include "str.h"

#define LAG_MS 2000

static bool same(const struct cloudflare_limit *have, const struct cloudflare_limit *want)
{
    return have->enabled && have->requests == want->requests && have->period_s == want->period_s &&
           have->block_s == want->block_s && str_equal(have->expression, want->expression);
}

static int wish(const struct guard_limit *want, struct cloudflare_limit *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    out->requests = want->requests;
    out->period_s = want->period_s;
    out->block_s = want->block_s;
    if (want->mark[0] == '\0' || str_copy(out->mark, sizeof out->mark, want->mark) == -1)
        return err_set(err, ERR_INVALID, "mark_too_long", "The mark \"%s\" is not one for a rule.",
                       want->mark);
    return cloudflare_limit_expression(want->hosts, out->expression, sizeof out->expression, err);
}

/* What the zone's plan allows of it; ${more}: one more rule than there are now. */
static int allowed(const struct cloudflare_limit_plan *plan, const struct cloudflare_limit *want,
                   uint32_t count, bool more, struct err *err)
{
    static const char hint[] = "A zone has 1 rule in Cloudflare's free plan, 2 in Pro, 5 in "
                               "Business, 100 in Enterprise.";

    if (!plan->host) {
        (void)err_set(
            err, ERR_QUOTA, "limit_plan",
            "The zone is in Cloudflare's %s plan, whose one rate-limiting rule cannot tell "
            "host names apart.",
            plan->name);
        return err_hint(err, "From Pro on it can. %s", hint);
    }
    if (want->period_s > plan->period_s || want->block_s > plan->block_s) {
        (void)err_set(
            err, ERR_QUOTA, "limit_period",
            "In Cloudflare's %s plan a rate is counted over at most %u seconds and blocks "
            "for at most %u.",
            plan->name, plan->period_s, plan->block_s);
        return err_hint(err, "Set it with a shorter period, or move the zone to a larger plan.");
    }
    if (more && count >= plan->rules) {
        (void)err_set(err, ERR_QUOTA, "limit_rules",
                      "The zone has %u of the %u rate-limiting rules of Cloudflare's %s plan.",
                      count, plan->rules, plan->name);
        return err_hint(err, "Take one back: sett ratelimit clear TENANT. %s", hint);
    }
    return 0;
}

enum outcome guard_limit_check(struct cloudflare *c, const struct guard_limit *want,
                               struct err *err)
{
    struct cloudflare_limit wanted, have;
    uint32_t count;
    int found;

    if (wish(want, &wanted, err) == -1)
        return OUTCOME_FAIL;
    if ((found = cloudflare_limit_find(c, want->mark, &have, &count, err)) == -1)
        return ingress_cloudflare_outcome(err);
    return found == 1 && same(&have, &wanted) ? OUTCOME_OK : OUTCOME_ABSENT;
}

enum outcome guard_limit_make(struct cloudflare *c, const struct guard_limit *want, struct err *err)
{
    const struct cloudflare_limit_plan *plan;
    struct cloudflare_limit wanted, have;
    uint32_t count;
    int found;

    if (wish(want, &wanted, err) == -1)
        return OUTCOME_FAIL;
    if ((found = cloudflare_limit_find(c, want->mark, &have, &count, err)) == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 1 && same(&have, &wanted))
        return OUTCOME_OK;
    if (cloudflare_limit_plan(c, &plan, err) == -1)
        return ingress_cloudflare_outcome(err);
    if (allowed(plan, &wanted, count, found == 0, err) == -1)
        return OUTCOME_FAIL;
    (void)str_copy(wanted.ruleset, sizeof wanted.ruleset, have.ruleset);
    (void)str_copy(wanted.id, sizeof wanted.id, have.id);
    return cloudflare_limit_put(c, &wanted, err) == 0 ? OUTCOME_OK
                                                      : ingress_cloudflare_outcome(err);
}

enum outcome guard_limit_undo(struct cloudflare *c, const char *mark, struct err *err)
{
    struct cloudflare_limit have;
    uint32_t count;
    int found = cloudflare_limit_find(c, mark, &have, &count, err);

    if (found == 0) {
        clock_sleep_ms(LAG_MS);
        found = cloudflare_limit_find(c, mark, &have, &count, err);
    }
    if (found == -1 || (found == 1 && cloudflare_limit_delete(c, &have, err) == -1))
        return ingress_cloudflare_outcome(err);
    return OUTCOME_OK;
}
