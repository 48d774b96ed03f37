/*
 * The sagas of a tenant's life, as tables. Apart from the steps so that the whole of "what happens
 * when" is on this one page, and is the same page that ?plan=1 shows.
 */
#include "sagas.h"

#include "steps.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

/* A step is a row, not a column. */
/* clang-format off */
static const struct step provision[] = {
    {.name = "reserve", .title = "Reserve name and port", .apply = steps_tenant_reserve,
     .revert = steps_tenant_unreserve, .plan = steps_plan_reserve},
    {.name = "port", .title = "Try the port", .make = steps_port_make,
     .fall_back = steps_port_fall_back, .plan = steps_plan_port},
    {.name = "database", .title = "Make the database", .needless = steps_without_database,
     .check = steps_database_check, .make = steps_database_make, .undo = steps_database_undo,
     .prepare = steps_database_prepare, .unsettle = steps_database_unsettle,
     .plan = steps_plan_database},
    {.name = "runtime", .title = "Create and start the program", .check = steps_runtime_check,
     .make = steps_runtime_make, .undo = steps_runtime_remove, .prepare = steps_database_recall,
     .plan = steps_plan_runtime},
    {.name = "init", .title = "Run the blueprint's own commands", .make = steps_init_make,
     .prepare = steps_database_recall},
    {.name = "healthy", .title = "Wait until it answers", .make = steps_healthy_make,
     .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "tunnel", .title = "Create the tunnel", .needless = steps_without_tunnel,
     .check = steps_tunnel_check, .make = steps_tunnel_make, .undo = steps_tunnel_undo,
     .prepare = steps_tunnel_prepare, .settle = steps_tunnel_settle,
     .unsettle = steps_tunnel_unsettle, .plan = steps_plan_tunnel},
    {.name = "ingress", .title = "Lead its host name to its port",
     .needless = steps_without_rules, .check = steps_rules_check,
     .make = steps_rules_make, .undo = steps_rules_undo, .bring = steps_rules_bring,
     .settle = steps_rules_settle, .unsettle = steps_rules_unsettle, .plan = steps_plan_rules},
    {.name = "carrier", .title = "Wait for the shared tunnel", .needless = steps_uncarried,
     .apply = steps_carrier_await, .revert = steps_share_await, .attempts = PATIENT,
     .flags = STEP_QUIET},
    {.name = "share", .title = "Let the shared tunnel lead its host name to its port",
     .needless = steps_uncarried, .apply = steps_share_on, .revert = steps_share_off,
     .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "connector", .title = "Start the connector", .needless = steps_without_tunnel,
     .check = steps_connector_check, .make = steps_connector_make, .undo = steps_connector_undo,
     .prepare = steps_tunnel_prepare, .plan = steps_plan_connector},
    {.name = "dns", .title = "Enter its name in the DNS", .needless = steps_without_record,
     .check = steps_dns_check, .make = steps_dns_make, .undo = steps_dns_undo,
     .settle = steps_tunnel_settle, .unsettle = steps_tunnel_unsettle_record,
     .plan = steps_plan_dns},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = steps_without_front_door, .make = steps_reachable_make, .attempts = PATIENT,
     .plan = steps_plan_reachable},
    {.name = "active", .title = "Note that it is active", .apply = steps_tenant_active},
};
const struct saga saga_tenant_provision = {
    .name = "tenant.provision", .title = "Provision a tenant", .subject = "tenant",
    .steps = provision, .step_count = COUNT(provision), .begun = steps_tenant_provision_begun,
    .ended = steps_tenant_provision_ended, .keep_on_fail = true,
};

static const struct step suspend[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read,
     .flags = STEP_QUIET},
    {.name = "unroute", .title = "Take its host name off", .needless = steps_without_rules,
     .make = steps_rules_undo, .undo = steps_rules_make, .bring = steps_rules_bring,
     .settle = steps_rules_unsettle, .unsettle = steps_rules_settle, .plan = steps_plan_rules},
    {.name = "unshare", .title = "Let the shared tunnel lead to it no more",
     .needless = steps_uncarried, .apply = steps_share_off, .revert = steps_share_on,
     .plan = steps_plan_rules},
    {.name = "unshared", .title = "See that it does not", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "disconnect", .title = "Stop the connector", .needless = steps_without_tunnel,
     .make = steps_connector_undo, .plan = steps_plan_connector},
    {.name = "stop", .title = "Stop the program", .make = steps_runtime_stop,
     .undo = steps_runtime_start, .plan = steps_plan_runtime},
    {.name = "suspended", .title = "Note that it is suspended", .apply = steps_tenant_suspended},
};
const struct saga saga_tenant_suspend = {
    .name = "tenant.suspend", .title = "Suspend a tenant", .subject = "tenant",
    .steps = suspend, .step_count = COUNT(suspend), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended, .keep_on_fail = true,
};

static const struct step resume[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read,
     .flags = STEP_QUIET},
    {.name = "start", .title = "Start the program", .check = steps_runtime_check,
     .make = steps_runtime_make, .undo = steps_runtime_stop, .prepare = steps_database_recall,
     .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_in_maintenance,
     .make = steps_healthy_make, .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "ingress", .title = "Lead its host name to its port",
     .needless = steps_without_rules, .check = steps_rules_check, .make = steps_rules_make,
     .undo = steps_rules_undo, .bring = steps_rules_bring, .settle = steps_rules_settle,
     .unsettle = steps_rules_unsettle, .plan = steps_plan_rules},
    {.name = "carrier", .title = "Wait for the shared tunnel", .needless = steps_uncarried,
     .apply = steps_carrier_await, .revert = steps_share_await, .attempts = PATIENT,
     .flags = STEP_QUIET},
    {.name = "share", .title = "Let the shared tunnel lead its host name to its port",
     .needless = steps_uncarried, .apply = steps_share_on, .revert = steps_share_off,
     .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "connector", .title = "Start the connector", .needless = steps_without_tunnel,
     .check = steps_connector_check, .make = steps_connector_make, .undo = steps_connector_undo,
     .prepare = steps_tunnel_prepare, .plan = steps_plan_connector},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = steps_without_front_door, .make = steps_reachable_make, .attempts = PATIENT,
     .plan = steps_plan_reachable},
    {.name = "resumed", .title = "Note that it is active", .apply = steps_tenant_resumed},
};
const struct saga saga_tenant_resume = {
    .name = "tenant.resume", .title = "Resume a tenant", .subject = "tenant",
    .steps = resume, .step_count = COUNT(resume), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended, .keep_on_fail = true,
};

static const struct step restart[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read_running,
     .flags = STEP_QUIET},
    {.name = "restart", .title = "Restart the program", .make = steps_runtime_restart,
     .prepare = steps_database_recall, .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_in_maintenance,
     .make = steps_healthy_make, .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "restarted", .title = "Note that it answers", .apply = steps_tenant_restarted,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_restart = {
    .name = "tenant.restart", .title = "Restart a tenant", .subject = "tenant",
    .steps = restart, .step_count = COUNT(restart), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended, .keep_on_fail = true,
};

/* In maintenance nothing waits for an answer; out of it, the program must answer before its visitors
 * are led to it again. Its further tunnels follow at the end, each by a job of its own. */
static const struct step update[] = {
    {.name = "change", .title = "Note the new plan and name", .apply = steps_tenant_change,
     .revert = steps_tenant_unchange},
    {.name = "recreate", .title = "Make the program anew within its new limits",
     .needless = steps_update_without_runtime, .make = steps_runtime_recreate,
     .prepare = steps_database_recall, .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_update_without_answer,
     .make = steps_healthy_make, .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "unname", .title = "Take the old name out of the DNS",
     .needless = steps_update_without_tunnel_name, .make = steps_dns_undo_old,
     .undo = steps_dns_make_old},
    {.name = "unroute", .title = "Take the old host name off",
     .needless = steps_update_without_route, .make = steps_rules_undo_old,
     .undo = steps_rules_make_old, .bring = steps_rules_bring_old,
     .settle = steps_rules_unsettle, .unsettle = steps_rules_settle},
    {.name = "access", .title = "Let in under the new name who may come in",
     .needless = steps_update_without_access, .check = steps_access_check,
     .make = steps_access_make, .undo = steps_access_undo, .prepare = steps_access_prepare,
     .plan = steps_plan_access},
    {.name = "ingress", .title = "Lead the new host name to its port",
     .needless = steps_update_without_route, .check = steps_rules_check, .make = steps_rules_make,
     .undo = steps_rules_undo, .bring = steps_rules_bring, .settle = steps_rules_settle,
     .unsettle = steps_rules_unsettle, .plan = steps_plan_rules},
    {.name = "maintenance", .title = "Lead its visitors to the page of maintenance, or back",
     .needless = steps_update_without_maintenance, .check = steps_rules_check,
     .make = steps_rules_make, .undo = steps_rules_make_old, .bring = steps_rules_bring_old,
     .settle = steps_rules_settle, .unsettle = steps_rules_settle, .plan = steps_plan_rules},
    {.name = "share", .title = "Let the shared tunnel lead to it as it is now",
     .needless = steps_update_without_share, .apply = steps_share_on, .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .needless = steps_update_without_share,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "dns", .title = "Enter the new name in the DNS",
     .needless = steps_update_without_tunnel_name, .check = steps_dns_check,
     .make = steps_dns_make, .undo = steps_dns_undo, .settle = steps_tunnel_settle,
     .plan = steps_plan_dns},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = steps_update_without_answer, .make = steps_reachable_make, .attempts = PATIENT,
     .plan = steps_plan_reachable},
    {.name = "unaccess", .title = "Take away who may come in under the old name",
     .needless = steps_update_without_access, .make = steps_access_undo_old,
     .undo = steps_access_make_old},
    {.name = "changed", .title = "Let the old name rest", .apply = steps_tenant_changed,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_update = {
    .name = "tenant.update", .title = "Change a tenant", .subject = "tenant",
    .steps = update, .step_count = COUNT(update), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_update_ended, .keep_on_fail = true,
};

/* From its first step on there is no way back: what is taken off here is about to be destroyed, and
 * a tenant that is half deleted must not come to life again because a provider was slow. */
static const struct step delete[] = {
    {.name = "deleting", .title = "Note that it is being deleted", .apply = steps_tenant_deleting,
     .flags = STEP_PIVOT, .plan = steps_plan_free},
    {.name = "unname", .title = "Take its name out of the DNS", .needless = steps_without_record,
     .make = steps_dns_undo, .settle = steps_tunnel_unsettle_record, .plan = steps_plan_dns},
    {.name = "disconnect", .title = "Stop the connector", .needless = steps_without_tunnel,
     .make = steps_connector_undo, .plan = steps_plan_connector},
    {.name = "unroute", .title = "Take its host name off", .needless = steps_without_rules,
     .make = steps_rules_undo, .plan = steps_plan_rules},
    {.name = "unshare", .title = "Let the shared tunnel lead to it no more",
     .needless = steps_uncarried, .apply = steps_share_off, .plan = steps_plan_rules},
    {.name = "unshared", .title = "See that it does not", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "unaccess", .title = "Take away who may come in", .needless = steps_without_access,
     .make = steps_access_undo_all, .plan = steps_plan_access},
    {.name = "unlimit", .title = "Take away how often one may ask",
     .needless = steps_without_limit, .make = steps_limit_remove, .plan = steps_plan_limit},
    {.name = "untunnel", .title = "Delete the tunnel", .needless = steps_without_tunnel,
     .make = steps_tunnel_undo, .prepare = steps_tunnel_recall, .settle = steps_tunnel_unsettle,
     .plan = steps_plan_tunnel},
    {.name = "remove", .title = "Remove the program and its data",
     .make = steps_runtime_remove_asked, .plan = steps_plan_remove},
    {.name = "undatabase", .title = "Drop the database", .make = steps_database_drop,
     .prepare = steps_database_recall, .settle = steps_database_unsettle,
     .plan = steps_plan_database},
    {.name = "deleted", .title = "Give back name and port", .apply = steps_tenant_deleted,
     .attempts = PATIENT, .plan = steps_plan_free},
};
const struct saga saga_tenant_delete = {
    .name = "tenant.delete", .title = "Delete a tenant", .subject = "tenant",
    .steps = delete, .step_count = COUNT(delete), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended, .keep_on_fail = true,
};
