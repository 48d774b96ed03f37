/*
 * Tenants' databases after the restore of a whole box, and what is left of them when that is over.
 * Apart from the restore of one tenant, which is made of files as well.
 */
#include "sagas.h"

#include "facts.h"
#include "steps.h"
#include "str.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

static bool keeps_on(const struct job *job)
{
    return !str_equal(kv_get_or(&job->args, "forget", "0"), "1");
}

/* A step is a row, not a column. */
/* clang-format off */

/* One of a whole box's, before its sagas go on. */
static const struct step database[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_database_back_read,
     .flags = STEP_QUIET},
    {.name = "choose", .title = "Choose a name for the database",
     .needless = steps_database_unfilled, .make = steps_database_choose, .attempts = PATIENT,
     .plan = steps_plan_database},
    {.name = "fill", .title = "Put the snapshot's dump into a new database",
     .needless = steps_database_unfilled, .make = steps_database_fill,
     .undo = steps_database_unfill, .prepare = steps_database_recall, .attempts = PATIENT,
     .plan = steps_plan_database},
    {.name = "swap", .title = "Note which database it uses", .needless = steps_database_unfilled,
     .apply = steps_database_swap, .flags = STEP_PIVOT},
    {.name = "tidy", .title = "Remove the dump", .make = steps_database_tidy},
};
const struct saga saga_database_restore = {
    .name = "database.restore", .title = "Put a tenant's database back", .subject = "database",
    .steps = database, .step_count = COUNT(database), .keep_on_fail = true,
};

/* Its program, once the box goes on: what is there of it was made with the database of before. */
static const struct step start[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read_running,
     .flags = STEP_QUIET},
    {.name = "remake", .title = "Make the program anew, with the database that it has now",
     .make = steps_runtime_recreate, .prepare = steps_database_recall,
     .settle = steps_runtime_settle, .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_in_maintenance,
     .make = steps_healthy_make, .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "restarted", .title = "Note that it answers", .apply = steps_tenant_restarted,
     .flags = STEP_QUIET},
};
const struct saga saga_database_start = {
    .name = "database.start", .title = "Start a tenant with its restored database",
    .subject = "tenant", .steps = start, .step_count = COUNT(start),
    .begun = steps_tenant_job_begun, .ended = steps_tenant_job_ended, .keep_on_fail = true,
};

/* A new password: given up and made anew in the store first, sealed, so that whatever is killed both
 * sides get the same one. Its program knows the old one until it is made anew. */
static const struct step rekey[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read_running,
     .flags = STEP_QUIET},
    {.name = "forget", .title = "Give the present password up", .apply = steps_database_unsettle,
     .flags = STEP_PIVOT},
    {.name = "password", .title = "Give the database a new password", .make = steps_database_make,
     .prepare = steps_database_prepare, .plan = steps_plan_database},
    {.name = "remake", .title = "Make the program anew, with the new password",
     .make = steps_runtime_recreate, .prepare = steps_database_recall,
     .settle = steps_runtime_settle, .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_in_maintenance,
     .make = steps_healthy_make, .attempts = PATIENT, .plan = steps_plan_healthy},
    {.name = "restarted", .title = "Note that it answers", .apply = steps_tenant_restarted,
     .flags = STEP_QUIET},
};
const struct saga saga_tenant_rekey = {
    .name = "tenant.rekey", .title = "Give a tenant's database a new password",
    .subject = "tenant", .steps = rekey, .step_count = COUNT(rekey),
    .begun = steps_tenant_job_begun, .ended = steps_tenant_job_ended, .keep_on_fail = true,
};

/* With argument forget, what a restore put aside goes as well. */
static const struct step sweep[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_database_back_read,
     .flags = STEP_QUIET},
    {.name = "forget", .title = "Let go of the one that was put aside", .needless = keeps_on,
     .apply = steps_database_forget, .flags = STEP_QUIET | STEP_PIVOT},
    {.name = "sweep", .title = "Drop databases that it neither uses nor keeps",
     .needless = steps_without_database, .make = steps_database_sweep, .attempts = PATIENT,
     .plan = steps_plan_database},
};
const struct saga saga_database_sweep = {
    .name = "database.sweep", .title = "Drop databases that a restore left", .subject = "database",
    .steps = sweep, .step_count = COUNT(sweep), .keep_on_fail = true,
};
/* clang-format on */
