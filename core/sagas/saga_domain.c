/*
 * The sagas of customers' domains. Adding one ends where the customer has to do something; the
 * rounds of core/watch look, and start the second saga when what is needed is there. So no job
 * waits for weeks, and a domain can be removed at any time.
 */
#include "sagas.h"

#include "steps.h"
#include "steps_domain.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

/* A step is a row, not a column. */
/* clang-format off */
static const struct step add[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_domain_read,
     .flags = STEP_QUIET},
    {.name = "look", .title = "Look whether the provider has it already",
     .needless = steps_domain_not_provided, .make = steps_domain_look},
    {.name = "fallback", .title = "Set the zone's fallback origin",
     .needless = steps_domain_not_hostname, .make = steps_domain_fallback},
    {.name = "provide", .title = "Make its zone or custom hostname",
     .needless = steps_domain_not_provided, .check = steps_domain_check,
     .make = steps_domain_make, .undo = steps_domain_drop, .settle = steps_domain_settle,
     .unsettle = steps_domain_unsettle, .plan = steps_domain_plan_provider},
    {.name = "sign", .title = "Put our mark into the zone", .needless = steps_domain_not_zone,
     .make = steps_domain_sign, .undo = steps_domain_clear_all},
    {.name = "waiting", .title = "Wait for the customer", .apply = steps_domain_waiting},
};
const struct saga saga_domain_add = {
    .name = "domain.add", .title = "Add a domain", .subject = "domain",
    .steps = add, .step_count = COUNT(add), .begun = steps_domain_begun,
    .ended = steps_domain_ended, .keep_on_fail = true,
};

/* The rule comes before the name: who finds the name finds the tenant. */
static const struct step route[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_domain_read,
     .flags = STEP_QUIET},
    {.name = "prove", .title = "See that it is the customer's", .needless = steps_domain_not_wanted,
     .make = steps_domain_prove},
    {.name = "origin", .title = "Lead its custom hostname to the tenant's own name",
     .needless = steps_domain_no_origin, .make = steps_domain_origin,
     .settle = steps_domain_settle},
    {.name = "access", .title = "Let in who may come in, and nobody else",
     .needless = steps_domain_no_guard, .check = steps_access_check_all,
     .make = steps_access_make_all, .undo = steps_access_undo_hosts,
     .settle = steps_access_settle_all, .unsettle = steps_access_forget_all,
     .prepare = steps_access_prepare},
    {.name = "rules", .title = "Lead its names to the tenant", .needless = steps_domain_not_ruled,
     .apply = steps_domain_rules, .revert = steps_domain_unrules,
     .plan = steps_domain_plan_names},
    {.name = "configured", .title = "Wait until the tunnel knows them",
     .needless = steps_domain_not_ruled, .apply = steps_domain_configured, .attempts = PATIENT},
    {.name = "map", .title = "Lead its names to the tenant", .needless = steps_domain_not_local,
     .check = steps_domain_map_check, .make = steps_domain_map, .undo = steps_domain_unmap,
     .plan = steps_domain_plan_names},
    {.name = "dns", .title = "Enter its names in its zone", .needless = steps_domain_no_dns,
     .check = steps_domain_dns_check, .make = steps_domain_dns, .undo = steps_domain_undns,
     .plan = steps_domain_plan_names},
    {.name = "reachable", .title = "Ask for it at the front door", .needless = steps_domain_no_door,
     .make = steps_domain_reachable, .attempts = PATIENT},
    {.name = "routed", .title = "Note that it is led", .apply = steps_domain_routed},
    {.name = "limits", .title = "Count its visitors with the tenant's", .apply = steps_domain_limits,
     .flags = STEP_QUIET},
};
const struct saga saga_domain_route = {
    .name = "domain.route", .title = "Lead a domain to its tenant", .subject = "domain",
    .steps = route, .step_count = COUNT(route), .begun = steps_domain_begun,
    .ended = steps_domain_ended, .keep_on_fail = true,
};

static const struct step remove_[] = {
    {.name = "removing", .title = "Note that it is being removed", .apply = steps_domain_removing,
     .flags = STEP_PIVOT},
    {.name = "unname", .title = "Take our records out of its zone",
     .needless = steps_domain_not_zone, .make = steps_domain_clear_all,
     .plan = steps_domain_plan_names},
    {.name = "unrule", .title = "Take its names off the tunnel", .needless = steps_domain_not_ruled,
     .apply = steps_domain_unrules, .plan = steps_domain_plan_names},
    {.name = "unruled", .title = "Wait until the tunnel has forgotten them",
     .needless = steps_domain_not_ruled, .apply = steps_domain_configured, .attempts = PATIENT},
    {.name = "unaccess", .title = "Take away who may come in", .needless = steps_domain_no_guard,
     .make = steps_access_undo_hosts, .settle = steps_access_forget_all},
    {.name = "unmap", .title = "Take its names off the web server",
     .needless = steps_domain_not_local, .make = steps_domain_unmap,
     .plan = steps_domain_plan_names},
    {.name = "unprovide", .title = "Take back its zone or custom hostname, if it is ours",
     .needless = steps_domain_not_provided, .make = steps_domain_drop,
     .plan = steps_domain_plan_provider},
    {.name = "removed", .title = "Note that it is gone", .apply = steps_domain_removed},
    {.name = "limits", .title = "Count its visitors no more", .apply = steps_domain_limits,
     .flags = STEP_QUIET},
};
const struct saga saga_domain_remove = {
    .name = "domain.remove", .title = "Remove a domain", .subject = "domain",
    .steps = remove_, .step_count = COUNT(remove_), .begun = steps_domain_begun,
    .ended = steps_domain_ended, .keep_on_fail = true,
};

static const struct step claim[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_domain_claim_read,
     .flags = STEP_QUIET},
    {.name = "prove", .title = "See the claimant's TXT record", .make = steps_domain_prove_claim},
    {.name = "unmap", .title = "Take its names off the web server",
     .needless = steps_domain_not_local, .make = steps_domain_unmap},
    {.name = "unaccess", .title = "Take away who may come in", .needless = steps_domain_no_guard,
     .make = steps_access_undo_hosts, .settle = steps_access_forget_all},
    {.name = "take", .title = "Give it to the claimant, and tell the former owner",
     .apply = steps_domain_take, .flags = STEP_PIVOT},
};
const struct saga saga_domain_claim = {
    .name = "domain.claim", .title = "Take over a domain", .subject = "domain",
    .steps = claim, .step_count = COUNT(claim), .begun = steps_domain_begun,
    .ended = steps_domain_ended,
};
/* clang-format on */
