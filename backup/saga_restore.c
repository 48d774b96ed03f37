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

/* A step is a row, not a column. */
/* clang-format off */
static const struct step restore[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read_running,
     .flags = STEP_QUIET},
    {.name = "fetch", .title = "Fetch the data from a vault, and lay it ready",
     .needless = steps_restore_laid, .prepare = steps_restore_keys, .make = steps_restore_fetch,
     .undo = steps_restore_unfetch, .attempts = 4, .plan = steps_restore_plan_fetch},
    {.name = "stop", .title = "Stop the program", .make = steps_runtime_stop,
     .undo = steps_runtime_make, .prepare = steps_database_recall, .plan = steps_plan_runtime},
    {.name = "exchange", .title = "Put the snapshot's data in the place of its own",
     .make = exchange_make, .undo = exchange_undo, .plan = steps_plan_runtime},
    {.name = "start", .title = "Start the program", .make = steps_runtime_make,
     .undo = steps_runtime_stop, .prepare = steps_database_recall,
     .settle = steps_runtime_settle, .plan = steps_plan_runtime},
    {.name = "healthy", .title = "Wait until it answers", .needless = steps_in_maintenance,
     .make = steps_healthy_make, .attempts = ANSWER_TRIES, .plan = steps_plan_healthy},
    {.name = "restored", .title = "Note that it answers", .apply = steps_tenant_restarted,
     .flags = STEP_QUIET},
    {.name = "clear", .title = "Clear away what was not wanted",
     .needless = steps_restore_uncleared, .make = steps_restore_clear},
};
const struct saga saga_tenant_restore = {
    .name = "tenant.restore", .title = "Restore a tenant's data", .subject = "tenant",
    .steps = restore, .step_count = COUNT(restore), .begun = steps_restore_begun,
    .ended = steps_restore_ended,
};

static const struct step commit[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_tenant_read,
     .flags = STEP_QUIET},
    {.name = "forget", .title = "Remove what the tenant had before its restore",
     .make = steps_restore_forget},
    {.name = "committed", .title = "Note that it is gone", .apply = steps_restore_committed},
};
const struct saga saga_restore_commit = {
    .name = "restore.commit", .title = "Keep what was restored", .subject = "tenant",
    .steps = commit, .step_count = COUNT(commit), .begun = steps_tenant_job_begun,
    .ended = steps_tenant_job_ended,
};
/* clang-format on */
