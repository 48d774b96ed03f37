#ifndef SETT_JOB_TALLY_H
#define SETT_JOB_TALLY_H
/* How many jobs of each kind have ended, how, and how long they took: kept as they end, so that it
 * need not be counted. */
#include "job.h"

#define JOB_TALLY_BUCKETS 7 /* of a duration; the last one has no end */

extern const uint32_t job_tally_bucket_s[JOB_TALLY_BUCKETS - 1];

struct job_tally {
    char saga[32];
    uint64_t done, undone, total_ms;
    uint64_t bucket_0, bucket_1, bucket_2, bucket_3, bucket_4, bucket_5, bucket_6; /* each alone */
};
extern const struct table job_tally_table; /* key saga */

/** job_tally_add(txn, job, err): a job has ended, done or undone. Return 0 or -1. */
int job_tally_add(struct txn *txn, const struct job *job, struct err *err);

/** job_tally_remake(txn, err): for migrations: from all jobs that there are. Return 0 or -1. */
int job_tally_remake(struct txn *txn, struct err *err);

#endif
