/*
 * The sagas of a tenant's life, as tables. Apart from the steps so that the whole of "what happens
 * when" is on this one page, and is the same page that ?plan=1 shows.
 */
#include "sagas.h"

#include "steps.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

static const struct step provision[] = {
    {.name = "reserve", .title = "Reserve name and port", .apply = tenant_reserve,
     .revert = tenant_unreserve, .plan = plan_reserve},
    {.name = "port", .title = "Try the port", .make = port_make, .fall_back = port_fall_back,
     .plan = plan_port},
    {.name = "database", .title = "Make the database", .needless = without_database,
     .check = database_check, .make = database_make, .undo = database_undo,
     .prepare = database_prepare, .unsettle = database_unsettle, .plan = plan_database},
    {.name = "runtime", .title = "Create and start the program", .check = runtime_check,
     .make = runtime_make, .undo = runtime_remove, .prepare = database_recall,
     .plan = plan_runtime},
    {.name = "init", .title = "Run the blueprint's own commands", .make = init_make,
     .prepare = database_recall},
    {.name = "healthy", .title = "Wait until it answers", .make = healthy_make,
     .attempts = PATIENT, .plan = plan_healthy},
    {.name = "tunnel", .title = "Create the tunnel", .needless = without_tunnel,
     .check = tunnel_check, .make = tunnel_make, .undo = tunnel_undo, .prepare = tunnel_prepare,
     .settle = tunnel_settle, .unsettle = tunnel_unsettle, .plan = plan_tunnel},
    {.name = "ingress", .title = "Lead its host name to its port", .check = rules_check,
     .make = rules_make, .undo = rules_undo, .plan = plan_rules},
    {.name = "connector", .title = "Start the connector", .needless = without_tunnel,
     .check = connector_check, .make = connector_make, .undo = connector_undo,
     .prepare = tunnel_prepare, .plan = plan_connector},
    {.name = "dns", .title = "Enter its name in the DNS", .needless = without_tunnel,
     .check = dns_check, .make = dns_make, .undo = dns_undo, .settle = tunnel_settle,
     .unsettle = tunnel_unsettle_record, .plan = plan_dns},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = without_front_door, .make = reachable_make, .attempts = PATIENT,
     .plan = plan_reachable},
    {.name = "active", .title = "Note that it is active", .apply = tenant_active},
};
const struct saga saga_tenant_provision = {
    .name = "tenant.provision", .title = "Provision a tenant", .subject = "tenant",
    .steps = provision, .step_count = COUNT(provision), .begun = tenant_provision_begun,
    .ended = tenant_provision_ended, .keep_on_fail = true,
};

static const struct step suspend[] = {
    {.name = "read", .title = "Read what is there", .apply = tenant_read, .flags = STEP_QUIET},
    {.name = "unroute", .title = "Take its host name off", .needless = without_ingress,
     .make = rules_undo, .undo = rules_make, .plan = plan_rules},
    {.name = "disconnect", .title = "Stop the connector", .needless = without_tunnel,
     .make = connector_undo, .plan = plan_connector},
    {.name = "stop", .title = "Stop the program", .make = runtime_stop, .undo = runtime_start,
     .plan = plan_runtime},
    {.name = "suspended", .title = "Note that it is suspended", .apply = tenant_suspended},
};
const struct saga saga_tenant_suspend = {
    .name = "tenant.suspend", .title = "Suspend a tenant", .subject = "tenant",
    .steps = suspend, .step_count = COUNT(suspend), .begun = tenant_job_begun,
    .ended = tenant_job_ended, .keep_on_fail = true,
};

static const struct step resume[] = {
    {.name = "read", .title = "Read what is there", .apply = tenant_read, .flags = STEP_QUIET},
    {.name = "start", .title = "Start the program", .check = runtime_check, .make = runtime_make,
     .undo = runtime_stop, .prepare = database_recall, .plan = plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = in_maintenance,
     .make = healthy_make, .attempts = PATIENT, .plan = plan_healthy},
    {.name = "ingress", .title = "Lead its host name to its port", .needless = without_ingress,
     .check = rules_check, .make = rules_make, .undo = rules_undo, .plan = plan_rules},
    {.name = "connector", .title = "Start the connector", .needless = without_tunnel,
     .check = connector_check, .make = connector_make, .undo = connector_undo,
     .prepare = tunnel_prepare, .plan = plan_connector},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = without_front_door, .make = reachable_make, .attempts = PATIENT,
     .plan = plan_reachable},
    {.name = "resumed", .title = "Note that it is active", .apply = tenant_resumed},
};
const struct saga saga_tenant_resume = {
    .name = "tenant.resume", .title = "Resume a tenant", .subject = "tenant",
    .steps = resume, .step_count = COUNT(resume), .begun = tenant_job_begun,
    .ended = tenant_job_ended, .keep_on_fail = true,
};

static const struct step restart[] = {
    {.name = "read", .title = "Read what is there", .apply = tenant_read_running,
     .flags = STEP_QUIET},
    {.name = "restart", .title = "Restart the program", .make = runtime_restart,
     .prepare = database_recall, .plan = plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = in_maintenance,
     .make = healthy_make, .attempts = PATIENT, .plan = plan_healthy},
    {.name = "restarted", .title = "Note that it answers", .apply = tenant_restarted,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_restart = {
    .name = "tenant.restart", .title = "Restart a tenant", .subject = "tenant",
    .steps = restart, .step_count = COUNT(restart), .begun = tenant_job_begun,
    .ended = tenant_job_ended, .keep_on_fail = true,
};

/* In maintenance nothing waits for an answer; out of it, the program must answer before its visitors
 * are led to it again. Its further tunnels follow at the end, each by a job of its own. */
static const struct step update[] = {
    {.name = "change", .title = "Note the new plan and name", .apply = tenant_change,
     .revert = tenant_unchange},
    {.name = "recreate", .title = "Make the program anew within its new limits",
     .needless = update_without_runtime, .make = runtime_recreate, .prepare = database_recall,
     .plan = plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = update_without_answer,
     .make = healthy_make, .attempts = PATIENT, .plan = plan_healthy},
    {.name = "unname", .title = "Take the old name out of the DNS",
     .needless = update_without_tunnel_name, .make = dns_undo_old},
    {.name = "unroute", .title = "Take the old host name off", .needless = update_without_route,
     .make = rules_undo_old, .undo = rules_make_old},
    {.name = "ingress", .title = "Lead the new host name to its port",
     .needless = update_without_route, .check = rules_check, .make = rules_make,
     .undo = rules_undo, .plan = plan_rules},
    {.name = "maintenance", .title = "Lead its visitors to the page of maintenance, or back",
     .needless = update_without_maintenance, .check = rules_check, .make = rules_make,
     .undo = rules_make_old, .plan = plan_rules},
    {.name = "dns", .title = "Enter the new name in the DNS",
     .needless = update_without_tunnel_name, .check = dns_check, .make = dns_make,
     .undo = dns_undo, .settle = tunnel_settle, .plan = plan_dns},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = update_without_answer, .make = reachable_make, .attempts = PATIENT,
     .plan = plan_reachable},
    {.name = "changed", .title = "Let the old name rest", .apply = tenant_changed,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_update = {
    .name = "tenant.update", .title = "Change a tenant", .subject = "tenant",
    .steps = update, .step_count = COUNT(update), .begun = tenant_job_begun,
    .ended = tenant_update_ended, .keep_on_fail = true,
};

/* From its first step on there is no way back: what is taken off here is about to be destroyed, and
 * a tenant that is half deleted must not come to life again because a provider was slow. */
static const struct step delete[] = {
    {.name = "deleting", .title = "Note that it is being deleted", .apply = tenant_deleting,
     .flags = STEP_PIVOT, .plan = plan_free},
    {.name = "unname", .title = "Take its name out of the DNS", .needless = without_tunnel,
     .make = dns_undo, .settle = tunnel_unsettle_record, .plan = plan_dns},
    {.name = "disconnect", .title = "Stop the connector", .needless = without_tunnel,
     .make = connector_undo, .plan = plan_connector},
    {.name = "unroute", .title = "Take its host name off", .needless = without_ingress,
     .make = rules_undo, .plan = plan_rules},
    {.name = "untunnel", .title = "Delete the tunnel", .needless = without_tunnel,
     .make = tunnel_undo, .prepare = tunnel_recall, .settle = tunnel_unsettle, .plan = plan_tunnel},
    {.name = "remove", .title = "Remove the program and its data", .make = runtime_remove_asked,
     .plan = plan_remove},
    {.name = "undatabase", .title = "Drop the database", .make = database_drop,
     .prepare = database_recall, .settle = database_unsettle, .plan = plan_database},
    {.name = "deleted", .title = "Give back name and port", .apply = tenant_deleted,
     .attempts = PATIENT, .plan = plan_free},
};
const struct saga saga_tenant_delete = {
    .name = "tenant.delete", .title = "Delete a tenant", .subject = "tenant",
    .steps = delete, .step_count = COUNT(delete), .begun = tenant_job_begun,
    .ended = tenant_job_ended, .keep_on_fail = true,
};
