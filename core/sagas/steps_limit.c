/*
 * Steps that say how often one address may ask for a tenant. Apart from Access because here the
 * former figures are small enough to come back when a change fails.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"

#include <string.h>

#include "guard.h"
#include "guard_cloudflare.h"
#include "job_start.h"
#include "str.h"

bool steps_without_limit(const struct job *job)
{
    return kv_get(&job->facts, FACT_LIMIT) == NULL;
}

/* The figures and the host names, as they are when the step is begun. */
int steps_limit_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                        struct err *err)
{
    const char *tenant_id = kv_get_or(&job->args, "tenant_id", "");
    char hosts[GUARD_HOSTS_SIZE];
    struct rate_limit limit;
    int found = rate_limit_get(txn, tenant_id, &limit, err);

    (void)context;
    (void)secrets;
    if (found != 1)
        return found;
    if (guard_hosts(txn, tenant_id, hosts, sizeof hosts, err) == -1 ||
        facts_set(job, FACT_GUARD_HOSTS, hosts, err) == -1 ||
        facts_set_u64(job, FACT_LIMIT, limit.requests, err) == -1 ||
        facts_set_u64(job, FACT_LIMIT_PERIOD, limit.period_s, err) == -1)
        return -1;
    return facts_set_u64(job, FACT_LIMIT_BLOCK, limit.block_s, err);
}

static void wanted(const struct step_call *call, struct guard_limit *want)
{
    const struct kv *facts = call->facts;

    memset(want, 0, sizeof *want);
    (void)str_format(want->mark, sizeof want->mark, "sett %s %s", kv_get_or(facts, FACT_BOX, "-"),
                     kv_get_or(&call->job->args, "tenant_id", ""));
    (void)str_copy(want->hosts, sizeof want->hosts, kv_get_or(facts, FACT_GUARD_HOSTS, ""));
    want->requests = (uint32_t)kv_get_u64(facts, FACT_LIMIT, 0);
    want->period_s = (uint32_t)kv_get_u64(facts, FACT_LIMIT_PERIOD, 0);
    want->block_s = (uint32_t)kv_get_u64(facts, FACT_LIMIT_BLOCK, 0);
}

enum verb { CHECK, MAKE, UNDO };

static enum outcome act(struct step_call *call, enum verb verb, const struct guard_limit *want,
                        struct err *err)
{
    struct providers *p = outside_use(call->outside);
    enum outcome outcome = OUTCOME_FAIL;

    if (!p->cloudflare_set)
        *err = p->cloudflare_why;
    else if (verb == UNDO || want->hosts[0] == '\0') /* about no host name there is no rule */
        outcome = guard_limit_undo(&p->cloudflare, want->mark, err);
    else if (verb == CHECK)
        outcome = guard_limit_check(&p->cloudflare, want, err);
    else
        outcome = guard_limit_make(&p->cloudflare, want, err);
    outside_done(call->outside, p);
    return outcome;
}

enum outcome steps_limit_check(struct step_call *call, struct err *err)
{
    struct guard_limit want;

    wanted(call, &want);
    return act(call, CHECK, &want, err);
}

enum outcome steps_limit_make(struct step_call *call, struct err *err)
{
    struct guard_limit want;

    wanted(call, &want);
    return act(call, MAKE, &want, err);
}

enum outcome steps_limit_remove(struct step_call *call, struct err *err)
{
    struct guard_limit want;

    wanted(call, &want);
    return act(call, UNDO, &want, err);
}

/* As it was before the change, or not there. */
enum outcome steps_limit_undo(struct step_call *call, struct err *err)
{
    const struct kv *args = &call->job->args;
    struct guard_limit want;

    wanted(call, &want);
    if (kv_get(args, "old_requests") == NULL)
        return steps_guard_leave(call, act(call, UNDO, &want, err), err);
    want.requests = (uint32_t)kv_get_u64(args, "old_requests", 0);
    want.period_s = (uint32_t)kv_get_u64(args, "old_period_s", 0);
    want.block_s = (uint32_t)kv_get_u64(args, "old_block_s", 0);
    return steps_guard_leave(call, act(call, MAKE, &want, err), err);
}

/* ---- the record ---- */

static int note(struct txn *txn, struct rate_limit *limit, enum guard_state state,
                const char *reason, struct err *err)
{
    limit->state = (uint32_t)state;
    str_cut(limit->state_reason, sizeof limit->state_reason, reason);
    return rate_limit_put(txn, limit, err);
}

int steps_limit_applied(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct rate_limit limit;
    int found = rate_limit_get(txn, kv_get_or(&job->args, "tenant_id", ""), &limit, err);

    (void)context;
    if (found != 1)
        return found;
    limit.state_remedy[0] = '\0';
    limit.absent = false;
    return note(txn, &limit, GUARD_ACTIVE, "", err);
}

int steps_limit_removed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct rate_limit limit = {0};

    (void)context;
    (void)str_copy(limit.tenant_id, sizeof limit.tenant_id, kv_get_or(&job->args, "tenant_id", ""));
    return record_delete(txn, &rate_limit_table, &limit, err) == -1 ? -1 : 0;
}

/* Refused: the record says why. What held before holds again, with its figures. */
int steps_limit_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct kv *args = &job->args;
    bool undone = job->state == JOB_UNDONE && kv_get(&job->facts, FACT_GUARD_LEFT) == NULL;
    bool former = kv_get(args, "old_requests") != NULL;
    struct rate_limit limit;
    int found;

    if (job->state == JOB_DONE)
        return 0;
    if ((found = rate_limit_get(txn, kv_get_or(args, "tenant_id", ""), &limit, err)) != 1)
        return found;
    if (undone && !former && job->cause[0] == '\0')
        return steps_limit_removed(txn, job, context, err);
    limit.absent = undone && !former;
    limit.state = undone && former ? GUARD_ACTIVE : GUARD_FAILED;
    if (limit.state == GUARD_ACTIVE) {
        limit.requests = (uint32_t)kv_get_u64(args, "old_requests", 0);
        limit.period_s = (uint32_t)kv_get_u64(args, "old_period_s", 0);
        limit.block_s = (uint32_t)kv_get_u64(args, "old_block_s", 0);
    }
    if (job->cause[0] == '\0')
        limit.state_reason[0] = limit.state_remedy[0] = '\0';
    else
        steps_guard_why(job, !limit.absent, limit.state_reason, sizeof limit.state_reason,
                        limit.state_remedy, sizeof limit.state_remedy);
    return rate_limit_put(txn, &limit, err);
}

int steps_limit_follow(struct txn *txn, const struct job *job, const char *tenant_id,
                       struct err *err)
{
    struct rate_limit limit;
    struct job other = {0};
    int found = rate_limit_get(txn, tenant_id, &limit, err);

    if (found != 1 || limit.absent)
        return found == -1 ? -1 : 0;
    if ((found = job_of_subject(txn, "tenant", tenant_id, &other, err)) == -1)
        return -1;
    if (found == 1) /* it is held: whoever looks at the limit sees that it is behind */
        return note(txn, &limit, GUARD_PENDING, "its tenant's host names have changed", err);
    memset(&other, 0, sizeof other);
    (void)str_copy(other.saga, sizeof other.saga, "ratelimit.apply");
    memcpy(other.actor, job->actor, sizeof other.actor);
    memcpy(other.request_id, job->request_id, sizeof other.request_id);
    job_subject(other.subjects[0], "tenant", tenant_id);
    if (kv_set(&other.args, "tenant_id", tenant_id) == -1 ||
        (limit.state != GUARD_FAILED &&
         (kv_set_u64(&other.args, "old_requests", limit.requests) == -1 ||
          kv_set_u64(&other.args, "old_period_s", limit.period_s) == -1 ||
          kv_set_u64(&other.args, "old_block_s", limit.block_s) == -1)))
        return err_set(err, ERR_INTERNAL, "args_full", "the arguments of a job are full");
    return job_start(txn, &other, err);
}
