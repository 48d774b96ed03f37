/*
 * The way of a tenant from a tunnel of its own to a shared one, and back, as tables. Apart from the
 * other sagas of its life because here two ways in stand side by side until the name has gone over.
 */
#include "sagas.h"

#include "steps.h"

#define COUNT(a_)   (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT     STEP_ATTEMPTS_ENDLESS
#define CONNECTED_S 180

/* A step is a row, not a column. */
/* clang-format off */
static const struct step share[] = {
    {.name = "join", .title = "Take a place in a shared tunnel", .apply = steps_remode_join,
     .revert = steps_remode_unjoin},
    {.name = "carrier", .title = "Wait for the shared tunnel", .apply = steps_remode_carrier,
     .revert = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "share", .title = "Let the shared tunnel lead its host name to its port",
     .apply = steps_share_on, .revert = steps_share_off, .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .apply = steps_share_await,
     .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "rename", .title = "Let its name lead to the shared tunnel",
     .make = steps_remode_dns, .undo = steps_dns_make, .unsettle = steps_tunnel_settle,
     .plan = steps_plan_dns},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = steps_without_front_door, .make = steps_reachable_make, .attempts = PATIENT,
     .plan = steps_plan_reachable},
    {.name = "moved", .title = "Note that it goes by the shared tunnel",
     .apply = steps_remode_shared, .flags = STEP_PIVOT},
    {.name = "disconnect", .title = "Stop the connector of its own", .make = steps_connector_undo,
     .plan = steps_plan_connector},
    {.name = "untunnel", .title = "Delete the tunnel of its own", .make = steps_tunnel_undo,
     .prepare = steps_tunnel_recall, .settle = steps_tunnel_unsettle, .plan = steps_plan_tunnel},
    {.name = "cleared", .title = "Forget its secret", .apply = steps_remode_cleared,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_share = {
    .name = "tenant.share", .title = "Let a tenant go by a shared tunnel", .subject = "tenant",
    .steps = share, .step_count = COUNT(share), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended, .keep_on_fail = true,
};

static const struct step unshare[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_remode_read,
     .flags = STEP_QUIET},
    {.name = "tunnel", .title = "Create a tunnel of its own", .check = steps_tunnel_check,
     .make = steps_tunnel_make, .undo = steps_tunnel_undo, .prepare = steps_tunnel_prepare,
     .settle = steps_tunnel_settle, .unsettle = steps_tunnel_unsettle, .plan = steps_plan_tunnel},
    {.name = "ingress", .title = "Lead its host name to its port", .check = steps_rules_check,
     .make = steps_rules_make, .undo = steps_rules_undo, .bring = steps_rules_bring,
     .settle = steps_rules_settle, .unsettle = steps_rules_unsettle, .plan = steps_plan_rules},
    {.name = "connector", .title = "Start the connector", .check = steps_connector_check,
     .make = steps_connector_make, .undo = steps_connector_undo, .prepare = steps_tunnel_prepare,
     .plan = steps_plan_connector},
    {.name = "connected", .title = "Wait until it is connected", .make = steps_remode_connected,
     .attempts = PATIENT, .timeout_s = CONNECTED_S},
    {.name = "dns", .title = "Let its name lead to the tunnel of its own",
     .check = steps_dns_check, .make = steps_dns_make, .undo = steps_remode_dns,
     .settle = steps_tunnel_settle, .unsettle = steps_tunnel_unsettle_record,
     .plan = steps_plan_dns},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = steps_without_front_door, .make = steps_reachable_make, .attempts = PATIENT,
     .plan = steps_plan_reachable},
    {.name = "moved", .title = "Note that it has a tunnel of its own", .apply = steps_remode_own,
     .flags = STEP_PIVOT},
    {.name = "unshare", .title = "Let the shared tunnel lead to it no more",
     .apply = steps_share_off, .plan = steps_plan_rules},
    {.name = "unshared", .title = "See that it does not", .apply = steps_share_await,
     .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "left", .title = "Give its place back", .apply = steps_remode_unjoin,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_unshare = {
    .name = "tenant.unshare", .title = "Give a tenant a tunnel of its own", .subject = "tenant",
    .steps = unshare, .step_count = COUNT(unshare), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended, .keep_on_fail = true,
};
