/*
 * One tenant's data back from a snapshot, and the way back from that: the same saga for data that
 * the box fetches itself and for data that `sett restore` has laid ready.
 */
#include "steps_restore.h"

#include "facts.h"
#include "outside.h"
#include "steps.h"
#include "str.h"

#define COUNT(a_)    (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT      STEP_ATTEMPTS_ENDLESS
#define EXCHANGE_MS  60000
#define ANSWER_TRIES 20

static bool is_back(const struct step_call *call)
{
    return str_equal(kv_get_or(&call->job->args, RESTORE_ARG_BACK, "0"), "1");
}

static enum outcome exchange(struct step_call *call, bool back, struct err *err)
{
    struct hands_reply reply;

    return steps_runtime_ask(call, HANDS_EXCHANGE, back, EXCHANGE_MS, &reply, err);
}

static enum outcome exchange_make(struct step_call *call, struct err *err)
{
    return exchange(call, is_back(call), err);
}

/* Fine if it never came to it: then nothing was put aside. */
static enum outcome exchange_undo(struct step_call *call, struct err *err)
{
    enum outcome outcome = exchange(call, !is_back(call), err);

    return outcome == OUTCOME_FAIL && str_equal(err->code, "nothing_staged") ? OUTCOME_ABSENT
                                                                             : outcome;
}

/* The database's name is among what the program was made with: with another, it is made anew. */
static enum outcome start_make(struct step_call *call, struct err *err)
{
    return steps_without_database(call->job) ? steps_runtime_make(call, err)
                                             : steps_runtime_recreate(call, err);
}

static int read_database(struct txn *txn, struct job *job, struct err *err)
{
    struct tenant tenant;

    return facts_load_tenant(txn, job, &tenant, err) == -1
               ? -1
               : steps_database_back_facts(txn, job, &tenant, err);
}

static int read_restore(struct txn *txn, struct job *job, void *context, struct err *err)
{
    return steps_tenant_read_running(txn, job, context, err) == -1 ? -1
                                                                   : read_database(txn, job, err);
}

static int read_commit(struct txn *txn, struct job *job, void *context, struct err *err)
{
    return steps_tenant_read(txn, job, context, err) == -1 ? -1 : read_database(txn, job, err);
}

/* A step is a row, not a column. */
/* clang-format off */

/* The database is filled while the program still runs; then it stops, files and database change
 * places, and it starts. Behind the pivot there is only clearing up. */
static const struct step restore[] = {
    {.name = "read", .title = "Read what is there", .apply = read_restore, .flags = STEP_QUIET},
    {.name = "fetch", .title = "Fetch the data from a vault, and lay it ready",
     .needless = steps_restore_laid, .prepare = steps_restore_keys, .make = steps_restore_fetch,
     .undo = steps_restore_unfetch, .attempts = 4, .plan = steps_restore_plan_fetch},
    {.name = "choose", .title = "Choose a name for the database",
     .needless = steps_database_unfilled, .make = steps_database_choose, .attempts = PATIENT,
     .plan = steps_plan_database},
    {.name = "fill", .title = "Put the snapshot's dump into a new database",
     .needless = steps_database_unfilled, .make = steps_database_fill,
     .undo = steps_database_unfill, .prepare = steps_database_recall,
     .plan = steps_plan_database},
    {.name = "stop", .title = "Stop the program", .make = steps_runtime_stop,
     .undo = start_make, .prepare = steps_database_recall, .plan = steps_plan_runtime},
    {.name = "exchange", .title = "Put the snapshot's data in the place of its own",
     .make = exchange_make, .undo = exchange_undo, .plan = steps_plan_runtime},
    {.name = "swap", .title = "Note which database it uses", .needless = steps_without_database,
     .apply = steps_database_swap, .revert = steps_database_unswap},
    {.name = "start", .title = "Start the program", .make = start_make,
     .undo = steps_runtime_stop, .prepare = steps_database_recall,
     .settle = steps_runtime_settle, .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_in_maintenance,
     .make = steps_healthy_make, .attempts = ANSWER_TRIES, .plan = steps_plan_healthy},
    {.name = "restored", .title = "Note that it answers", .apply = steps_tenant_restarted,
     .flags = STEP_QUIET | STEP_PIVOT},
    {.name = "unkeep", .title = "Let go of the database that was taken back",
     .needless = steps_database_unchanged_back, .apply = steps_database_forget,
     .flags = STEP_QUIET},
    {.name = "sweep", .title = "Drop the database that was taken back",
     .needless = steps_database_unchanged_back, .make = steps_database_sweep,
     .attempts = PATIENT},
    {.name = "tidy", .title = "Remove the dump", .needless = steps_database_unfilled,
     .make = steps_database_tidy},
    {.name = "clear", .title = "Clear away what was not wanted",
     .needless = steps_restore_uncleared, .make = steps_restore_clear},
};
const struct saga saga_tenant_restore = {
    .name = "tenant.restore", .title = "Restore a tenant's data", .subject = "tenant",
    .steps = restore, .step_count = COUNT(restore), .begun = steps_restore_begun,
    .ended = steps_restore_ended,
};

static const struct step commit[] = {
    {.name = "read", .title = "Read what is there", .apply = read_commit, .flags = STEP_QUIET},
    {.name = "forget", .title = "Remove what the tenant had before its restore",
     .make = steps_restore_forget},
    {.name = "unkeep", .title = "Let go of the database that it had", .flags = STEP_QUIET,
     .needless = steps_without_database, .apply = steps_database_forget},
    {.name = "sweep", .title = "Drop the database that it had",
     .needless = steps_without_database, .make = steps_database_sweep, .attempts = PATIENT},
    {.name = "committed", .title = "Note that it is gone", .apply = steps_restore_committed},
};
const struct saga saga_restore_commit = {
    .name = "restore.commit", .title = "Keep what was restored", .subject = "tenant",
    .steps = commit, .step_count = COUNT(commit), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended,
};
/* clang-format on */
