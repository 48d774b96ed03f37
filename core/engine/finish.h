#ifndef SETT_FINISH_H
#define SETT_FINISH_H
/* The end of a job, inside the commit that brings it. */
#include "move.h"

/** finish(m, txn, state, err): m->job ends as JOB_DONE, JOB_UNDONE or JOB_STUCK: subjects and
 * secrets are given back (not when stuck), the saga's hook runs, a follower is started, the audit
 * gets its record. The caller puts the job. Return 0 or -1. */
int finish(struct move *m, struct txn *txn, enum job_state state, struct err *err);

#define FINISH_SECRET_NAME_SIZE 64

/** finish_secret_name(out, job): where the secrets of a job's steps stand in secret_table. */
void finish_secret_name(char out[FINISH_SECRET_NAME_SIZE], const struct job *job);

#endif
