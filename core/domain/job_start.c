/*
 * Starting, steering and waking jobs by writing to the store alone. Apart from the engine because
 * the front and the CLI do this too, and neither of them may link a saga.
 */
#include "job_start.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "str.h"

void job_subject(char out[JOB_SUBJECT_SIZE], const char *kind, const char *id)
{
    if (str_format(out, JOB_SUBJECT_SIZE, "%s:%s", kind, id) == -1)
        (void)str_copy(out, JOB_SUBJECT_SIZE, kind);
}

/* In the order of the alphabet, each once, empty ones last. */
static void sort_subjects(struct job *job)
{
    char kept[JOB_SUBJECT_SIZE];

    for (unsigned i = 0; i < JOB_SUBJECTS; i++) {
        for (unsigned j = i + 1; j < JOB_SUBJECTS; j++) {
            if (str_equal(job->subjects[i], job->subjects[j]))
                job->subjects[j][0] = '\0';
            if (job->subjects[j][0] == '\0')
                continue;
            if (job->subjects[i][0] != '\0' && strcmp(job->subjects[i], job->subjects[j]) < 0)
                continue;
            memcpy(kept, job->subjects[i], sizeof kept);
            memcpy(job->subjects[i], job->subjects[j], sizeof kept);
            memcpy(job->subjects[j], kept, sizeof kept);
        }
    }
}

/* Take the lock of one subject. */
static int take_subject(struct txn *txn, const struct job *job, const char *name, struct err *err)
{
    struct subject subject = {0};
    struct job holder = {0};
    int found;

    if (str_copy(subject.name, sizeof subject.name, name) == -1)
        return err_set(err, ERR_INTERNAL, "subject_too_long", "the subject's name is too long");
    if ((found = record_get(txn, &subject_table, &subject, err)) == -1)
        return -1;
    if (found == 1) {
        (void)str_copy(holder.id, sizeof holder.id, subject.job_id);
        if (record_get(txn, &job_table, &holder, err) == -1)
            return -1;
        (void)err_set(err, ERR_CONFLICT, "busy", "%s is held by job %s (%s, %s)", name,
                      subject.job_id, holder.saga, job_state_names[holder.state]);
        if (holder.state == JOB_STUCK)
            return err_hint(err, "sett job show %s says why it is stuck; retry or resolve it",
                            subject.job_id);
        return err_hint(err, "wait for it: sett job watch %s%s", subject.job_id,
                        holder.state == JOB_WAITING ? "; or sett job resolve ID --how undo" : "");
    }
    (void)str_copy(subject.job_id, sizeof subject.job_id, job->id);
    return record_insert(txn, &subject_table, &subject, err);
}

int job_start(struct txn *txn, struct job *job, struct err *err)
{
    if (job->saga[0] == '\0')
        return err_set(err, ERR_INTERNAL, "job_without_saga", "a job must name its saga");
    id_make(job->id, "job");
    sort_subjects(job);
    for (unsigned i = 0; i < JOB_SUBJECTS && job->subjects[i][0] != '\0'; i++)
        if (take_subject(txn, job, job->subjects[i], err) == -1)
            return -1;
    job->state = JOB_QUEUED;
    job->live = true;
    job->undo = job->cancel = job->intent = false;
    job->step = job->attempt = job->journal = 0;
    job->step_at = job->started_at = job->ended_at = 0;
    job->worker[0] = job->step_name[0] = '\0';
    job->cause_class[0] = job->cause[0] = job->remedy[0] = '\0';
    job->created_at = job->updated_at = txn_time_ms(txn);
    return record_insert(txn, &job_table, job, err);
}

static int load(struct txn *txn, const char *job_id, struct job *job, struct err *err)
{
    int found;

    memset(job, 0, sizeof *job);
    if (str_copy(job->id, sizeof job->id, job_id) == -1)
        found = 0;
    else if ((found = record_get(txn, &job_table, job, err)) == -1)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "job_not_found", "there is no job %.40s", job_id);
    return 0;
}

static int load_stuck(struct txn *txn, const char *job_id, struct job *job, struct err *err)
{
    if (load(txn, job_id, job, err) == -1)
        return -1;
    if (job->state != JOB_STUCK) {
        (void)err_set(err, ERR_CONFLICT, "job_not_stuck", "job %s is %s, not stuck", job->id,
                      job_state_names[job->state]);
        return -1;
    }
    return 0;
}

/* Make a stuck job live again; the engine takes it from here. */
static int revive(struct txn *txn, struct job *job, struct err *err)
{
    job->state = job->undo ? JOB_UNDOING : JOB_QUEUED;
    job->live = true;
    job->attempt = 0;
    job->step_at = job->wake_at = job->ended_at = 0;
    job->worker[0] = '\0';
    job->updated_at = txn_time_ms(txn);
    return record_put(txn, &job_table, job, err);
}

int job_retry(struct txn *txn, const char *job_id, struct err *err)
{
    struct job job;

    if (load(txn, job_id, &job, err) == -1)
        return -1;
    if (job.live && job.wake_at > txn_time_ms(txn)) {
        job.wake_at = 0;
        job.updated_at = txn_time_ms(txn);
        return record_put(txn, &job_table, &job, err);
    }
    if (load_stuck(txn, job_id, &job, err) == -1)
        return -1;
    return revive(txn, &job, err);
}

static int past_pivot(const struct job *job, struct err *err)
{
    const char *pivot = kv_get(&job->facts, JOB_FACT_PIVOT);

    if (pivot == NULL)
        return 0;
    (void)err_set(err, ERR_CONFLICT, "past_pivot",
                  "job %s has done its step \"%s\", from which there is no way back", job->id,
                  pivot);
    return err_hint(err, "retry it, or resolve it as done");
}

int job_resolve(struct txn *txn, const char *job_id, bool undo, struct err *err)
{
    struct job job;

    if (load_stuck(txn, job_id, &job, err) == -1)
        return -1;
    if (undo) {
        if (past_pivot(&job, err) == -1)
            return -1;
        job.cancel = !job.undo || kv_get(&job.facts, JOB_FACT_BACK_TO) != NULL;
    } else if (kv_set(&job.facts, JOB_FACT_CALLED_DONE, "1") == -1) {
        return err_set(err, ERR_INTERNAL, "facts_full", "the job's facts are full");
    }
    return revive(txn, &job, err);
}

int job_cancel(struct txn *txn, const char *job_id, struct err *err)
{
    struct job job;

    if (load(txn, job_id, &job, err) == -1)
        return -1;
    if (job.state == JOB_STUCK)
        return job_resolve(txn, job_id, true, err);
    if (!job.live)
        return err_set(err, ERR_CONFLICT, "job_ended", "job %s has ended: it is %s", job.id,
                       job_state_names[job.state]);
    if (job.cancel || (job.undo && kv_get(&job.facts, JOB_FACT_BACK_TO) == NULL))
        return 0;
    if (past_pivot(&job, err) == -1)
        return -1;
    job.cancel = true;
    job.wake_at = 0;
    job.updated_at = txn_time_ms(txn);
    return record_put(txn, &job_table, &job, err);
}

int job_of_subject(struct txn *txn, const char *kind, const char *id, struct job *job,
                   struct err *err)
{
    struct subject subject = {0};
    int found;

    job_subject(subject.name, kind, id);
    if ((found = record_get(txn, &subject_table, &subject, err)) != 1)
        return found;
    memset(job, 0, sizeof *job);
    (void)str_copy(job->id, sizeof job->id, subject.job_id);
    return record_get(txn, &job_table, job, err);
}

int job_take(struct txn *txn, struct job *job, const char *kind, const char *id, struct err *err)
{
    char name[JOB_SUBJECT_SIZE];
    struct job holder;
    unsigned at = 0;
    int found;

    job_subject(name, kind, id);
    for (; at < JOB_SUBJECTS && job->subjects[at][0] != '\0'; at++)
        if (str_equal(job->subjects[at], name))
            return 0;
    if (at == JOB_SUBJECTS || (at > 0 && strcmp(job->subjects[at - 1], name) > 0))
        return err_set(err, ERR_INTERNAL, "subjects", "job %s cannot take %s", job->id, name);
    if ((found = job_of_subject(txn, kind, id, &holder, err)) == -1)
        return -1;
    if (found == 1 && !holder.live)
        return 0;
    if (take_subject(txn, job, name, err) == -1)
        return -1;
    memcpy(job->subjects[at], name, sizeof job->subjects[at]);
    return 0;
}

int job_release(struct txn *txn, const struct job *job, struct err *err)
{
    struct subject subject;
    int found;

    for (unsigned i = 0; i < JOB_SUBJECTS && job->subjects[i][0] != '\0'; i++) {
        memset(&subject, 0, sizeof subject);
        (void)str_copy(subject.name, sizeof subject.name, job->subjects[i]);
        if ((found = record_get(txn, &subject_table, &subject, err)) == -1)
            return -1;
        if (found == 0 || !str_equal(subject.job_id, job->id))
            continue;
        if (record_delete(txn, &subject_table, &subject, err) == -1)
            return -1;
    }
    return 0;
}

void job_wake(const char *wake_sock)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (str_copy(address.sun_path, sizeof address.sun_path, wake_sock) == -1)
        return;
    if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
        return;
    (void)sendto(fd, "w", 1, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 sizeof address);
    (void)close(fd);
}
