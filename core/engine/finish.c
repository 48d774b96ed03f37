/*
 * How jobs end. Apart from the moves between steps because an end touches more than the job: locks,
 * secrets, the job that follows, the audit.
 */
#include "finish.h"

#include <string.h>

#include "audit.h"
#include "job_start.h"
#include "job_tally.h"
#include "setting.h"
#include "str.h"

void finish_secret_name(char out[FINISH_SECRET_NAME_SIZE], const struct job *job)
{
    (void)str_format(out, FINISH_SECRET_NAME_SIZE, "job:%s", job->id);
}

static int drop_secrets(const struct move *m, struct txn *txn, struct err *err)
{
    struct secret secret = {0};

    if (m->world->vault == NULL)
        return 0;
    finish_secret_name(secret.name, &m->job);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

/* The job that was asked to follow takes over arguments and subjects. */
static int start_follower(const struct move *m, struct txn *txn, struct err *err)
{
    struct job *next;
    int result;

    if ((next = calloc(1, sizeof *next)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the job that follows");
    memcpy(next->saga, m->job.next_saga, sizeof next->saga);
    memcpy(next->subjects, m->job.subjects, sizeof next->subjects);
    memcpy(next->actor, m->job.actor, sizeof next->actor);
    memcpy(next->request_id, m->job.request_id, sizeof next->request_id);
    next->args = m->job.args;
    result = job_start(txn, next, err);
    free(next);
    return result;
}

/* "tenant:tn_…" -> "tn_…" */
static const char *object_of(const struct job *job)
{
    const char *colon = strchr(job->subjects[0], ':');

    return colon == NULL ? job->id : colon + 1;
}

static int audit_end(const struct move *m, struct txn *txn, enum job_state state, struct err *err)
{
    struct audit entry = {0};
    const struct job *job = &m->job;

    (void)str_copy(entry.actor, sizeof entry.actor, job->actor);
    (void)str_copy(entry.actor_kind, sizeof entry.actor_kind, "worker");
    (void)str_copy(entry.request_id, sizeof entry.request_id, job->request_id);
    (void)str_copy(entry.job_id, sizeof entry.job_id, job->id);
    (void)str_copy(entry.action, sizeof entry.action, job->saga);
    (void)str_copy(entry.object, sizeof entry.object, object_of(job));
    if (state == JOB_DONE)
        (void)str_copy(entry.result, sizeof entry.result, "ok");
    else
        (void)str_copy(entry.result, sizeof entry.result, job_state_names[state]);
    if (str_copy(entry.reason, sizeof entry.reason, job->cause) == -1)
        (void)str_copy_n(entry.reason, sizeof entry.reason, job->cause_class,
                         strlen(job->cause_class));
    return audit_add(txn, &entry, err);
}

int finish(struct move *m, struct txn *txn, enum job_state state, struct err *err)
{
    struct job *job = &m->job;

    job->state = (uint32_t)state;
    job->live = false;
    job->worker[0] = '\0';
    job->wake_at = 0;
    job->ended_at = txn_time_ms(txn);
    if (state != JOB_STUCK) {
        job->intent = job->cancel = false;
        if (drop_secrets(m, txn, err) == -1 || job_release(txn, job, err) == -1 ||
            job_tally_add(txn, job, err) == -1)
            return -1;
    }
    if (m->saga != NULL && m->saga->ended != NULL && !m->no_hooks &&
        m->saga->ended(txn, job, m->world->context, err) == -1) {
        m->refused = true;
        return -1;
    }
    if (state == JOB_DONE && job->next_saga[0] != '\0' && start_follower(m, txn, err) == -1) {
        m->refused = true;
        return -1;
    }
    return audit_end(m, txn, state, err);
}
