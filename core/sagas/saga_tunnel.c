/*
 * The sagas of a tunnel that is made or deleted on its own. Apart from the tenants' because a
 * tunnel may outlive a tenant's wish for it, and the tenant outlives its tunnel.
 */
#include "sagas.h"

#include "steps.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

/* A step is a row, not a column. */
/* clang-format off */
static const struct step create[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tunnel_read,
     .flags = STEP_QUIET},
    {.name = "tunnel", .title = "Create the tunnel", .needless = steps_without_tunnel,
     .check = steps_tunnel_check, .make = steps_tunnel_make, .undo = steps_tunnel_undo,
     .prepare = steps_tunnel_prepare, .settle = steps_tunnel_settle,
     .unsettle = steps_tunnel_unsettle, .plan = steps_plan_tunnel},
    {.name = "access", .title = "Let in who may come in, and nobody else",
     .needless = steps_without_access, .check = steps_access_check, .make = steps_access_make,
     .undo = steps_access_undo, .prepare = steps_access_prepare,
     .settle = steps_access_settle, .unsettle = steps_access_forget, .plan = steps_plan_access},
    {.name = "ingress", .title = "Lead its host name to the service",
     .needless = steps_carried, .check = steps_rules_check,
     .make = steps_rules_make, .undo = steps_rules_undo, .prepare = steps_rules_prepare,
     .bring = steps_rules_bring,
     .settle = steps_rules_settle, .unsettle = steps_rules_unsettle, .plan = steps_plan_rules},
    {.name = "carrier", .title = "Wait for the shared tunnel", .needless = steps_uncarried,
     .apply = steps_carrier_await, .revert = steps_share_await, .attempts = PATIENT,
     .flags = STEP_QUIET},
    {.name = "share", .title = "Let the shared tunnel lead its host name to its port",
     .needless = steps_uncarried, .apply = steps_share_on, .revert = steps_share_off,
     .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "connector", .title = "Start the connector", .needless = steps_without_connector,
     .check = steps_connector_check, .make = steps_connector_make, .undo = steps_connector_undo,
     .prepare = steps_tunnel_prepare, .plan = steps_plan_connector},
    {.name = "dns", .title = "Enter its name in the DNS", .needless = steps_without_record,
     .check = steps_dns_check, .make = steps_dns_make, .undo = steps_dns_undo,
     .settle = steps_tunnel_settle, .unsettle = steps_tunnel_unsettle_record,
     .plan = steps_plan_dns},
    {.name = "elsewhere", .title = "Wait for its name in the DNS of another provider",
     .needless = steps_here, .make = steps_elsewhere_make, .attempts = PATIENT,
     .plan = steps_plan_elsewhere},
    {.name = "active", .title = "Note that it is active", .apply = steps_tunnel_active},
};
const struct saga saga_tunnel_create = {
    .name = "tunnel.create", .title = "Create a tunnel", .subject = "tunnel",
    .steps = create, .step_count = COUNT(create), .begun = steps_tunnel_job_begun,
    .ended = steps_tunnel_job_ended, .keep_on_fail = true,
};

static const struct step delete[] = {
    {.name = "deleting", .title = "Note that it is being deleted", .apply = steps_tunnel_deleting,
     .flags = STEP_PIVOT},
    {.name = "unname", .title = "Take its name out of the DNS", .needless = steps_without_record,
     .make = steps_dns_undo, .settle = steps_tunnel_unsettle_record, .plan = steps_plan_dns},
    {.name = "disconnect", .title = "Stop the connector", .needless = steps_without_connector,
     .make = steps_connector_undo, .plan = steps_plan_connector},
    {.name = "unroute", .title = "Take its host name off",
     .needless = steps_carried, .make = steps_rules_undo,
     .plan = steps_plan_rules},
    {.name = "unshare", .title = "Let the shared tunnel lead to it no more",
     .needless = steps_uncarried, .apply = steps_share_off, .plan = steps_plan_rules},
    {.name = "unshared", .title = "See that it does not", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "unaccess", .title = "Take away who may come in", .needless = steps_without_access,
     .make = steps_access_undo, .settle = steps_access_forget, .plan = steps_plan_access},
    {.name = "untunnel", .title = "Delete the tunnel", .needless = steps_without_tunnel,
     .make = steps_tunnel_undo, .prepare = steps_tunnel_recall, .settle = steps_tunnel_unsettle,
     .plan = steps_plan_tunnel},
    {.name = "deleted", .title = "Note that it is gone", .apply = steps_tunnel_deleted},
};
const struct saga saga_tunnel_delete = {
    .name = "tunnel.delete", .title = "Delete a tunnel", .subject = "tunnel",
    .steps = delete, .step_count = COUNT(delete), .begun = steps_tunnel_job_begun,
    .ended = steps_tunnel_job_ended, .keep_on_fail = true,
};

/* A local tunnel has no connector: its route is put down once more. */
static bool with_tunnel(const struct job *job)
{
    return !steps_without_tunnel(job) || steps_carried(job);
}

static const struct step restart[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tunnel_read,
     .flags = STEP_QUIET},
    {.name = "reroute", .title = "Lead its host name to the service anew", .needless = with_tunnel,
     .make = steps_rules_make, .plan = steps_plan_rules},
    {.name = "restart", .title = "Restart the connector", .needless = steps_without_connector,
     .make = steps_connector_restart, .plan = steps_plan_connector},
    {.name = "active", .title = "Note that it is active", .apply = steps_tunnel_active,
     .flags = STEP_QUIET},
};
const struct saga saga_tunnel_restart = {
    .name = "tunnel.restart", .title = "Restart a tunnel", .subject = "tunnel",
    .steps = restart, .step_count = COUNT(restart), .begun = steps_tunnel_job_begun,
    .ended = steps_tunnel_job_ended, .keep_on_fail = true,
};

/* A tunnel follows its tenant into maintenance and out of it. */
static const struct step reroute[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tunnel_read,
     .flags = STEP_QUIET},
    {.name = "ingress", .title = "Lead its visitors to the page of maintenance, or back",
     .needless = steps_carried, .check = steps_rules_check, .make = steps_rules_make, .prepare = steps_rules_prepare,
     .bring = steps_rules_bring,
     .settle = steps_rules_settle, .plan = steps_plan_rules},
    {.name = "share", .title = "Let the shared tunnel lead them so", .needless = steps_uncarried,
     .apply = steps_share_on, .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "rerouted", .title = "Note that it follows", .apply = steps_tunnel_rerouted,
     .flags = STEP_QUIET},
};
const struct saga saga_tunnel_reroute = {
    .name = "tunnel.reroute", .title = "Lead a tunnel's visitors as its tenant is",
    .subject = "tunnel", .steps = reroute, .step_count = COUNT(reroute),
    .begun = steps_tunnel_job_begun, .ended = steps_tunnel_job_ended, .keep_on_fail = true,
};

/* What is refused leaves the former configuration in force: there is nothing to keep and nothing to
 * undo, so the job ends and says why, and the tunnel is free for the change that mends it. */
static const struct step configure[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tunnel_read,
     .flags = STEP_QUIET},
    {.name = "configure", .title = "Bring its rules to what they are to be",
     .check = steps_rules_check, .make = steps_rules_make, .prepare = steps_rules_prepare,
     .bring = steps_rules_bring,
     .settle = steps_rules_settle, .plan = steps_plan_configure},
};
const struct saga saga_tunnel_configure = {
    .name = "tunnel.configure", .title = "Configure a tunnel", .subject = "tunnel",
    .steps = configure, .step_count = COUNT(configure), .ended = steps_tunnel_configured,
};

/* A tunnel that somebody else made becomes this box's: nothing of it is changed. Its rules are in the
 * records already, as they were read when it was asked for. */
static const struct step adopt[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tunnel_read,
     .flags = STEP_QUIET},
    {.name = "look", .title = "See that the tunnel is there", .make = steps_adopt_look,
     .plan = steps_plan_tunnel},
    {.name = "connector", .title = "Start a connector of this box",
     .needless = steps_without_connector, .check = steps_connector_check,
     .make = steps_connector_make, .undo = steps_connector_undo, .prepare = steps_tunnel_recall,
     .plan = steps_plan_connector},
    {.name = "active", .title = "Note that it is active", .apply = steps_tunnel_active},
};
const struct saga saga_tunnel_adopt = {
    .name = "tunnel.adopt", .title = "Adopt a tunnel", .subject = "tunnel",
    .steps = adopt, .step_count = COUNT(adopt), .ended = steps_tunnel_adopt_ended,
};

/* And back: the box forgets it. */
static const struct step release[] = {
    {.name = "releasing", .title = "Note that it is let go", .apply = steps_tunnel_releasing,
     .flags = STEP_PIVOT},
    {.name = "disconnect", .title = "Stop the connector of this box",
     .needless = steps_without_connector, .make = steps_connector_undo,
     .plan = steps_plan_connector},
    {.name = "released", .title = "Forget it; at Cloudflare it stays as it is",
     .apply = steps_tunnel_deleted},
};
const struct saga saga_tunnel_release = {
    .name = "tunnel.release", .title = "Let a tunnel go", .subject = "tunnel",
    .steps = release, .step_count = COUNT(release), .ended = steps_tunnel_job_ended,
    .keep_on_fail = true,
};
