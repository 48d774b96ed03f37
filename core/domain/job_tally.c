/* Tallies of jobs. Apart from jobs because there is one for each kind, however many jobs there
 * were.
 */
#include "job_tally.h"

#include "str.h"

#include <string.h>

static const struct field rows[] = {
    FIELD(struct job_tally, saga, FIELD_TEXT),    FIELD(struct job_tally, done, FIELD_U64),
    FIELD(struct job_tally, undone, FIELD_U64),   FIELD(struct job_tally, total_ms, FIELD_U64),
    FIELD(struct job_tally, bucket_0, FIELD_U64), FIELD(struct job_tally, bucket_1, FIELD_U64),
    FIELD(struct job_tally, bucket_2, FIELD_U64), FIELD(struct job_tally, bucket_3, FIELD_U64),
    FIELD(struct job_tally, bucket_4, FIELD_U64), FIELD(struct job_tally, bucket_5, FIELD_U64),
    FIELD(struct job_tally, bucket_6, FIELD_U64),
};

const struct table job_tally_table = {
    .name = "job_tallies",
    .noun = "job_tally",
    .id = 89,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct job_tally)},
    .key = {"saga"},
};

const uint32_t job_tally_bucket_s[JOB_TALLY_BUCKETS - 1] = {1, 5, 15, 60, 300, 1800};

int job_tally_add(struct txn *txn, const struct job *job, struct err *err)
{
    struct job_tally tally = {0};
    uint64_t *const buckets[JOB_TALLY_BUCKETS] = {&tally.bucket_0, &tally.bucket_1, &tally.bucket_2,
                                                  &tally.bucket_3, &tally.bucket_4, &tally.bucket_5,
                                                  &tally.bucket_6};
    int64_t took_ms = job->ended_at - job->created_at;
    unsigned bucket = 0;

    (void)str_copy(tally.saga, sizeof tally.saga, job->saga);
    if (record_get(txn, &job_tally_table, &tally, err) < 0)
        return -1;
    if (took_ms < 0)
        took_ms = 0;
    while (bucket < JOB_TALLY_BUCKETS - 1 && took_ms > (int64_t)job_tally_bucket_s[bucket] * 1000)
        bucket++;
    ++*buckets[bucket];
    ++*(job->state == JOB_DONE ? &tally.done : &tally.undone);
    tally.total_ms += (uint64_t)took_ms;
    return record_put(txn, &job_tally_table, &tally, err);
}

int job_tally_remake(struct txn *txn, struct err *err)
{
    static const uint32_t ended[] = {JOB_DONE, JOB_UNDONE};
    struct job job = {0};
    struct scan scan;
    int found = 0;

    for (size_t i = 0; found == 0 && i < sizeof ended / sizeof ended[0]; i++) {
        job.state = ended[i];
        if (scan_start(&scan, txn, &job_table, "state", &job, 1, false, err) != 0)
            return -1;
        while ((found = scan_next(&scan, &job, err)) == 1)
            if (job_tally_add(txn, &job, err) != 0)
                return -1;
    }
    return found;
}
