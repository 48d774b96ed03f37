/*
 * The sagas that bring what is outside back to what the records want, one finding at a time. Apart
 * from those of tenants and tunnels, whose steps they borrow, because nothing here is undone: what
 * was mended so far is better than what was there.
 */
#include "sagas.h"

#include "steps.h"
#include "steps_drift.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

/* A step is a row, not a column. */
/* clang-format off */

/* A tenant's program runs again, or stops again. */
static const struct step mend[] = {
    {.name = "read", .title = "Read what should be there", .apply = steps_drift_read_tenant,
     .flags = STEP_QUIET},
    {.name = "stop", .title = "Stop the program", .needless = steps_drift_without_stop,
     .make = steps_runtime_stop, .plan = steps_plan_runtime},
    {.name = "runtime", .title = "Make what is missing and start it",
     .needless = steps_drift_without_start, .check = steps_runtime_check,
     .make = steps_runtime_make, .prepare = steps_database_recall, .plan = steps_plan_runtime},
    {.name = "init", .title = "Run those of its own commands that have not run",
     .needless = steps_drift_without_start, .make = steps_init_make,
     .prepare = steps_database_recall},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_drift_without_answer,
     .make = steps_healthy_make, .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "noted", .title = "Note that it is in order", .apply = steps_drift_mended},
};
const struct saga saga_drift_mend = {
    .name = "drift.mend", .title = "Bring a tenant's program back", .subject = "tenant",
    .steps = mend, .step_count = COUNT(mend), .ended = steps_drift_ended, .keep_on_fail = true,
};

/* A tunnel leads again where it should. */
static const struct step lead[] = {
    {.name = "read", .title = "Read what should be there", .apply = steps_tunnel_read,
     .flags = STEP_QUIET},
    {.name = "tunnel", .title = "See that the tunnel is there", .needless = steps_without_tunnel,
     .check = steps_tunnel_check, .make = steps_tunnel_make, .prepare = steps_tunnel_prepare,
     .settle = steps_tunnel_settle, .plan = steps_plan_tunnel},
    {.name = "ingress", .title = "Lead its host name to the service", .check = steps_rules_check,
     .make = steps_rules_make, .prepare = steps_rules_prepare,
     .bring = steps_rules_bring, .settle = steps_rules_settle,
     .plan = steps_plan_rules},
    {.name = "connector", .title = "Start the connector", .needless = steps_without_tunnel,
     .check = steps_connector_check, .make = steps_connector_make,
     .prepare = steps_tunnel_prepare, .plan = steps_plan_connector},
    {.name = "dns", .title = "Enter its name in the DNS", .needless = steps_without_tunnel,
     .check = steps_dns_check, .make = steps_dns_make, .settle = steps_tunnel_settle,
     .plan = steps_plan_dns},
    {.name = "noted", .title = "Note that it is in order", .apply = steps_drift_mended},
};
const struct saga saga_drift_lead = {
    .name = "drift.lead", .title = "Lead a tunnel where it should", .subject = "tunnel",
    .steps = lead, .step_count = COUNT(lead), .ended = steps_drift_ended, .keep_on_fail = true,
};

/* What nobody wants goes. */
static const struct step remove_orphan[] = {
    {.name = "read", .title = "See that still no record wants it", .apply = steps_drift_read_orphan,
     .flags = STEP_QUIET},
    {.name = "remove", .title = "Remove what no record wants", .make = steps_drift_remove,
     .plan = steps_plan_drift_remove},
    {.name = "noted", .title = "Note that it is in order", .apply = steps_drift_mended},
};
const struct saga saga_drift_remove = {
    .name = "drift.remove", .title = "Remove what no record wants", .subject = "drift",
    .steps = remove_orphan, .step_count = COUNT(remove_orphan), .ended = steps_drift_ended,
    .keep_on_fail = true,
};
