#ifndef SETT_STREAM_H
#define SETT_STREAM_H
/* What a stream tells: the difference between what was told before and what the store says now, as
 * server-sent events. No connection, no waiting: tested on a store alone. */
#include <stdbool.h>
#include "buf.h"
#include "db.h"
#include "feed.h"
#include "id.h"
#include "op.h"

#define STREAM_TOPICS 512

struct stream {
    char job_id[ID_SIZE];   /* "" : what changes, whatever it is */
    char order_id[ID_SIZE]; /* of an order's page, else "" */
    uint32_t told;          /* journal rows that were told with their end */
    uint32_t begun;         /* the row that was told as under way */
    uint64_t job_mark;      /* of the job or the order as it was told; 0: not yet */
    bool over;              /* the last event was told */
    /* a stream of changes */
    char topics[STREAM_TOPICS];
    struct feed_place place; /* told up to here */
    bool greeted;            /* the first event was told */
    bool lost;               /* what is behind the place cannot be told any more */
};

/** stream_start(s, txn, job_id, query, last_id, err): ${job_id} NULL: a stream of changes, whose
 * topics are in the ${query}. ${last_id}: Last-Event-ID or "". ERR_NOT_FOUND, ERR_INVALID. Return 0
 * or -1. */
int stream_start(struct stream *s, struct txn *txn, const char *job_id, const char *query,
                 const char *last_id, struct err *err);

/** stream_start_order(s, txn, secret, err): how the order behind the secret goes. ERR_NOT_FOUND. 0
 * or -1. */
int stream_start_order(struct stream *s, struct txn *txn, const char *secret, struct err *err);

/** stream_look(s, txn, actor, out, err): append what is new and the ${actor} may see. Sets s->over
 * behind the last event. Return 1 when there is more at once, 0, or -1. */
int stream_look(struct stream *s, struct txn *txn, const struct actor *actor, struct buf *out,
                struct err *err);

/** stream_beat(s, out): that it is alive: a comment, or for a stream of changes the event "beat"
 * with the place up to which it has told all. */
void stream_beat(const struct stream *s, struct buf *out);

#endif
