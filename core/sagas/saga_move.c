/*
 * The move of a tenant to another runtime or machine, as a table. Apart from the other sagas of its
 * life because it is the only one that has two of everything for a while.
 */
#include "sagas.h"

#include "steps.h"
#include "steps_move.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS
#define ANSWER_S  300  /* on the way back: until the old one answers */
#define MIGRATE_S 7200 /* a large disk over a slow network */

/* What runs is stopped before the new one starts, since both write to the same files; it is removed
 * only once the new one has answered, at its own place and at the front door. */
/* A step is a row, not a column. */
/* clang-format off */
static const struct step move_steps[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_move_read,
     .flags = STEP_QUIET},
    {.name = "target", .title = "Look whether it fits where it is to go",
     .make = steps_move_target, .plan = steps_plan_target},
    {.name = "reserve", .title = "Reserve another port", .needless = steps_move_within,
     .apply = steps_move_reserve, .revert = steps_move_unreserve},
    {.name = "port", .title = "Try the port", .needless = steps_move_within,
     .make = steps_port_make, .fall_back = steps_port_fall_back, .plan = steps_plan_port},
    {.name = "create", .title = "Make the new one beside the old",
     .needless = steps_move_uncreated, .make = steps_move_create, .undo = steps_move_uncreate,
     .prepare = steps_database_recall, .plan = steps_plan_new},
    {.name = "pause", .title = "Lead its visitors to the page of maintenance",
     .needless = steps_without_rules, .make = steps_move_pause, .undo = steps_rules_make_old,
     .plan = steps_plan_pause},
    {.name = "migrate", .title = "Carry it from one machine to the other",
     .needless = steps_move_between, .make = steps_move_migrate, .undo = steps_move_unmigrate,
     .settle = steps_move_settle, .unsettle = steps_runtime_settle, .attempts = PATIENT,
     .timeout_s = MIGRATE_S, .plan = steps_plan_target},
    {.name = "stop", .title = "Stop the old one", .needless = steps_move_within,
     .make = steps_move_stop, .undo = steps_move_unstop, .prepare = steps_database_recall,
     .attempts = PATIENT, .timeout_s = ANSWER_S, .plan = steps_plan_old},
    {.name = "start", .title = "Start the new one", .needless = steps_move_within,
     .make = steps_move_start, .undo = steps_move_unstart, .prepare = steps_database_recall,
     .plan = steps_plan_new},
    {.name = "healthy", .title = "Wait until it answers", .make = steps_healthy_make,
     .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "ingress", .title = "Lead its host name to the new one",
     .needless = steps_without_rules, .check = steps_rules_check, .make = steps_rules_make,
     .undo = steps_move_pause, .prepare = steps_rules_prepare, .bring = steps_rules_bring,
     .settle = steps_rules_settle, .plan = steps_plan_rules},
    {.name = "share", .title = "Let the shared tunnel lead to the new one",
     .needless = steps_uncarried, .apply = steps_share_on, .revert = steps_share_back,
     .plan = steps_plan_rules},
    {.name = "shared", .title = "See that it does", .needless = steps_uncarried,
     .apply = steps_share_await, .attempts = PATIENT, .flags = STEP_QUIET},
    {.name = "reachable", .title = "Ask for it at the front door",
     .needless = steps_without_front_door, .make = steps_reachable_make, .attempts = PATIENT,
     .plan = steps_plan_reachable},
    {.name = "moved", .title = "Note where it is", .apply = steps_move_moved,
     .flags = STEP_PIVOT},
    {.name = "clear", .title = "Remove the old one", .needless = steps_move_within,
     .make = steps_move_clear, .plan = steps_plan_old},
    {.name = "freed", .title = "Give its port back", .needless = steps_move_within,
     .apply = steps_move_freed, .flags = STEP_QUIET},
};
const struct saga saga_tenant_move = {
    .name = "tenant.move", .title = "Move a tenant", .subject = "tenant",
    .steps = move_steps, .step_count = COUNT(move_steps), .begun = steps_tenant_job_begun,
    .ended = steps_move_ended,
};
