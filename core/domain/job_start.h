#ifndef SETT_JOB_START_H
#define SETT_JOB_START_H
/* Starting and steering jobs: the part of the engine that those need who only write to the store
 * (the front and the CLI). No saga's code is linked here. */
#include "job.h"

/** job_subject(out, kind, id): "tenant:tn_…". */
void job_subject(char out[JOB_SUBJECT_SIZE], const char *kind, const char *id);

/** job_start(txn, job, err): insert a new job: id, state, times and subjects' locks are set here;
 * the caller has set saga, args, subjects (sorted here), actor, request_id, wake_at. ERR_CONFLICT
 * "busy" naming the job that holds a subject. Return 0 or -1. */
int job_start(struct txn *txn, struct job *job, struct err *err);

/** job_retry(txn, job_id, err): a stuck job goes on from its failed step, in its direction; one
 * that waits before it tries again does so at once. ERR_CONFLICT "job_not_stuck". 0 or -1. */
int job_retry(struct txn *txn, const char *job_id, struct err *err);

/** job_resolve(txn, job_id, undo, err): a stuck job is turned round (undo; ERR_CONFLICT
 * "past_pivot" when it can only go forward), or its failed step is called done by hand and the job
 * goes on with the next. 0 or -1. */
int job_resolve(struct txn *txn, const char *job_id, bool undo, struct err *err);

/** job_cancel(txn, job_id, err): ask a live job to turn round at its next step boundary; a stuck
 * one is turned round at once. Fine if it is on its way back already. ERR_CONFLICT "past_pivot" or
 * "job_ended". 0 or -1. */
int job_cancel(struct txn *txn, const char *job_id, struct err *err);

/** job_of_subject(txn, kind, id, job, err): the live or stuck job that holds it. 1, 0 or -1. */
int job_of_subject(struct txn *txn, const char *kind, const char *id, struct job *job,
                   struct err *err);

/** job_take(txn, job, kind, id, err): a job that is at work takes one more subject, which must sort
 * behind those it has. ${job} itself is the caller's to store. ERR_CONFLICT "busy" while a live job
 * holds it; one that is stuck is no hindrance: it looks again when it is taken up. 0 or -1. */
int job_take(struct txn *txn, struct job *job, const char *kind, const char *id, struct err *err);

/** job_release(txn, job, err): give the subjects back (the engine, at the end). 0 or -1. */
int job_release(struct txn *txn, const struct job *job, struct err *err);

/** job_wake(wake_sock): send the datagram; no error if nobody listens. */
void job_wake(const char *wake_sock);

#endif
