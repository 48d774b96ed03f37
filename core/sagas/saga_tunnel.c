/*
 * The sagas of a tunnel that is made or deleted on its own. Apart from the tenants' because a tunnel
 * may outlive a tenant's wish for it, and the tenant outlives its tunnel.
 */
#include "sagas.h"

#include "steps.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

static const struct step create[] = {
    {.name = "read", .title = "Read what is there", .apply = tunnel_read, .flags = STEP_QUIET},
    {.name = "tunnel", .title = "Create the tunnel", .needless = without_tunnel,
     .check = tunnel_check, .make = tunnel_make, .undo = tunnel_undo, .prepare = tunnel_prepare,
     .settle = tunnel_settle, .unsettle = tunnel_unsettle, .plan = plan_tunnel},
    {.name = "ingress", .title = "Lead its host name to the service", .check = rules_check,
     .make = rules_make, .undo = rules_undo, .plan = plan_rules},
    {.name = "connector", .title = "Start the connector", .needless = without_tunnel,
     .check = connector_check, .make = connector_make, .undo = connector_undo,
     .prepare = tunnel_prepare, .plan = plan_connector},
    {.name = "dns", .title = "Enter its name in the DNS", .needless = without_tunnel,
     .check = dns_check, .make = dns_make, .undo = dns_undo, .settle = tunnel_settle,
     .unsettle = tunnel_unsettle_record, .plan = plan_dns},
    {.name = "active", .title = "Note that it is active", .apply = tunnel_active},
};
const struct saga saga_tunnel_create = {
    .name = "tunnel.create", .title = "Create a tunnel", .subject = "tunnel",
    .steps = create, .step_count = COUNT(create), .begun = tunnel_job_begun,
    .ended = tunnel_job_ended, .keep_on_fail = true,
};

static const struct step delete[] = {
    {.name = "deleting", .title = "Note that it is being deleted", .apply = tunnel_deleting,
     .flags = STEP_PIVOT},
    {.name = "unname", .title = "Take its name out of the DNS", .needless = without_tunnel,
     .make = dns_undo, .settle = tunnel_unsettle_record, .plan = plan_dns},
    {.name = "disconnect", .title = "Stop the connector", .needless = without_tunnel,
     .make = connector_undo, .plan = plan_connector},
    {.name = "unroute", .title = "Take its host name off", .make = rules_undo,
     .plan = plan_rules},
    {.name = "untunnel", .title = "Delete the tunnel", .needless = without_tunnel,
     .make = tunnel_undo, .prepare = tunnel_recall, .settle = tunnel_unsettle, .plan = plan_tunnel},
    {.name = "deleted", .title = "Note that it is gone", .apply = tunnel_deleted},
};
const struct saga saga_tunnel_delete = {
    .name = "tunnel.delete", .title = "Delete a tunnel", .subject = "tunnel",
    .steps = delete, .step_count = COUNT(delete), .begun = tunnel_job_begun,
    .ended = tunnel_job_ended, .keep_on_fail = true,
};

/* A local tunnel has no connector: its route is put down once more. */
static bool with_tunnel(const struct job *job)
{
    return !without_tunnel(job);
}

static const struct step restart[] = {
    {.name = "read", .title = "Read what is there", .apply = tunnel_read, .flags = STEP_QUIET},
    {.name = "reroute", .title = "Lead its host name to the service anew",
     .needless = with_tunnel, .make = rules_make, .plan = plan_rules},
    {.name = "restart", .title = "Restart the connector", .needless = without_tunnel,
     .make = connector_restart, .plan = plan_connector},
    {.name = "active", .title = "Note that it is active", .apply = tunnel_active,
     .flags = STEP_QUIET},
};
const struct saga saga_tunnel_restart = {
    .name = "tunnel.restart", .title = "Restart a tunnel", .subject = "tunnel",
    .steps = restart, .step_count = COUNT(restart), .begun = tunnel_job_begun,
    .ended = tunnel_job_ended, .keep_on_fail = true,
};

/* A tunnel follows its tenant into maintenance and out of it. */
static const struct step reroute[] = {
    {.name = "read", .title = "Read what is there", .apply = tunnel_read, .flags = STEP_QUIET},
    {.name = "ingress", .title = "Lead its visitors to the page of maintenance, or back",
     .check = rules_check, .make = rules_make, .plan = plan_rules},
    {.name = "rerouted", .title = "Note that it follows", .apply = tunnel_rerouted,
     .flags = STEP_QUIET},
};
const struct saga saga_tunnel_reroute = {
    .name = "tunnel.reroute", .title = "Lead a tunnel's visitors as its tenant is", .subject = "tunnel",
    .steps = reroute, .step_count = COUNT(reroute), .begun = tunnel_job_begun,
    .ended = tunnel_job_ended, .keep_on_fail = true,
};
