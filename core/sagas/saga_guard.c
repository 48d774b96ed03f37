/*
 * The sagas of what stands before a tenant's door. Apart from the tenant's own because a tenant
 * lives without them, and each is set and taken back while it runs. What is refused turns round by
 * itself: an extra does not hold its tenant.
 */
#include "sagas.h"

#include "steps.h"

#define PATIENT   STEP_ATTEMPTS_ENDLESS
#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])

/* A step is a row, not a column. */
/* clang-format off */
static const struct step access_apply[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_guard_read,
     .flags = STEP_QUIET},
    {.name = "open", .title = "Let the connectors ask for no token who will get none",
     .apply = steps_access_open, .flags = STEP_QUIET},
    {.name = "unask", .title = "Tell its own connector", .needless = steps_access_unopened,
     .check = steps_rules_check, .make = steps_rules_make,
     .prepare = steps_rules_prepare, .bring = steps_rules_bring, .settle = steps_rules_settle},
    {.name = "opened", .title = "See that they do not", .apply = steps_access_opened,
     .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "access", .title = "Let in who may come in, and nobody else",
     .check = steps_access_check_all, .make = steps_access_make_all,
     .undo = steps_access_undo_first, .prepare = steps_access_prepare,
     .settle = steps_access_settle_all, .unsettle = steps_access_take_back,
     .plan = steps_plan_access},
    {.name = "applied", .title = "Note that it holds, and let the connectors ask for its token",
     .apply = steps_access_applied, .plan = steps_plan_doors},
    {.name = "ask", .title = "Tell its own connector", .needless = steps_access_untold,
     .check = steps_rules_check, .make = steps_rules_make,
     .prepare = steps_rules_prepare, .bring = steps_rules_bring, .settle = steps_rules_settle},
    {.name = "told", .title = "See that they do", .apply = steps_access_told,
     .attempts = PATIENT, .flags = STEP_QUIET},
};
const struct saga saga_access_apply = {
    .name = "access.apply", .title = "Say who may come in", .subject = "tenant",
    .steps = access_apply, .step_count = COUNT(access_apply), .begun = steps_tenant_job_begun,
    .ended = steps_access_ended,
};

static const struct step access_remove[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_guard_read,
     .flags = STEP_QUIET | STEP_PIVOT},
    {.name = "open", .title = "Let the connectors ask for no token any more",
     .apply = steps_access_open, .plan = steps_plan_doors},
    {.name = "unask", .title = "Tell its own connector", .needless = steps_access_unopened,
     .check = steps_rules_check, .make = steps_rules_make,
     .prepare = steps_rules_prepare, .bring = steps_rules_bring, .settle = steps_rules_settle},
    {.name = "opened", .title = "See that they do not", .apply = steps_access_opened,
     .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "unaccess", .title = "Let everybody in again", .make = steps_access_undo_all,
     .plan = steps_plan_access},
    {.name = "removed", .title = "Note that it is gone", .apply = steps_access_removed,
     .flags = STEP_QUIET},
};
const struct saga saga_access_remove = {
    .name = "access.remove", .title = "Let everybody in", .subject = "tenant",
    .steps = access_remove, .step_count = COUNT(access_remove), .begun = steps_tenant_job_begun,
    .ended = steps_access_ended, .keep_on_fail = true,
};

static const struct step limit_apply[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_guard_read,
     .flags = STEP_QUIET},
    {.name = "limit", .title = "Enter the rule", .check = steps_limit_check,
     .make = steps_limit_make, .undo = steps_limit_undo, .prepare = steps_limit_prepare,
     .plan = steps_plan_limit},
    {.name = "applied", .title = "Note that it holds", .apply = steps_limit_applied,
     .flags = STEP_QUIET},
};
const struct saga saga_limit_apply = {
    .name = "ratelimit.apply", .title = "Say how often one address may ask",
    .subject = "tenant", .steps = limit_apply, .step_count = COUNT(limit_apply),
    .begun = steps_tenant_job_begun, .ended = steps_limit_ended,
};

static const struct step limit_remove[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_guard_read,
     .flags = STEP_QUIET | STEP_PIVOT},
    {.name = "unlimit", .title = "Take the rule out", .make = steps_limit_remove,
     .plan = steps_plan_limit},
    {.name = "removed", .title = "Note that it is gone", .apply = steps_limit_removed,
     .flags = STEP_QUIET},
};
const struct saga saga_limit_remove = {
    .name = "ratelimit.remove", .title = "Let everybody ask as often as they like",
    .subject = "tenant", .steps = limit_remove, .step_count = COUNT(limit_remove),
    .begun = steps_tenant_job_begun, .ended = steps_limit_ended, .keep_on_fail = true,
};
