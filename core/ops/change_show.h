#ifndef SETT_CHANGE_SHOW_H
#define SETT_CHANGE_SHOW_H
/* Rows of the feed (feed.h) as they are told: in event streams and to who asks for them. */
#include "feed.h"
#include "op.h"

#define CHANGE_TOPICS 512

/** change_topics_check(topics, err): that they are names of objects with commas between.
 * ERR_INVALID naming "topics". Return 0 or -1. */
int change_topics_check(const char *topics, struct err *err);

/** change_told(txn, actor, topics, row, err): whether the row is of a topic that was asked for, and
 * of an object that the actor may see. Return 1, 0 or -1. */
int change_told(struct txn *txn, const struct actor *actor, const char *topics,
                const struct feed_row *row, struct err *err);

/** change_write(row, j): {"object":"tenant","id":"tn_…","change":"put","about":…,"at":…}. */
void change_write(const struct feed_row *row, struct json_out *j);

#endif
