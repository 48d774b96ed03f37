#ifndef SETT_STREAM_H
#define SETT_STREAM_H
/* What a stream tells: the difference between what was told before and what the store says now, as
 * server-sent events. No connection, no waiting: tested on a store alone. */
#include <stdbool.h>
#include "buf.h"
#include "db.h"
#include "id.h"

#define STREAM_JOBS 100 /* the newest so many jobs are watched by a stream of all */

struct stream_seen; /* memory of a stream of all */

struct stream {
    char job_id[ID_SIZE];   /* "" : all jobs */
    char order_id[ID_SIZE]; /* of an order's page, else "" */
    bool jobs, tenants;     /* topics of a stream of all */
    uint32_t told;          /* journal rows that were told with their end */
    uint32_t begun;         /* the row that was told as under way */
    uint64_t job_mark;      /* of the job's state as it was told; 0: not yet */
    bool over;              /* the last event was told */
    struct stream_seen *seen;
};

/** stream_start(s, txn, job_id, query, last_id, err): ${job_id} NULL: a stream of all, whose topics
 * are in the ${query}. ${last_id}: Last-Event-ID or "". ERR_NOT_FOUND, ERR_INVALID. Return 0 or -1.
 */
int stream_start(struct stream *s, struct txn *txn, const char *job_id, const char *query,
                 const char *last_id, struct err *err);

/** stream_start_order(s, txn, secret, err): how the order behind the secret goes. ERR_NOT_FOUND. 0
 * or -1. */
int stream_start_order(struct stream *s, struct txn *txn, const char *secret, struct err *err);

/** stream_look(s, txn, out, err): append what is new. Sets s->over behind the last event. 0 or -1.
 */
int stream_look(struct stream *s, struct txn *txn, struct buf *out, struct err *err);

/** stream_free(s): its memory; fine for one that was never started. */
void stream_free(struct stream *s);

#endif
