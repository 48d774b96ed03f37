#ifndef SETT_ALERT_TELL_H
#define SETT_ALERT_TELL_H
/*
 * From notices to messages: what has held long enough is told to each channel that wants it, told
 * again while nobody answers for it, and its end is told too. A notice and its messages change in
 * one commit, so a restart loses nothing and tells nothing twice.
 *
 * What is not critical waits until quiet hours are over. When many of one kind come at once, they
 * are told of as one, and the kind then keeps still for a minute.
 */
#include "saga_context.h"

#define ALERT_BITE   200 /* notices looked at in one commit */
#define ALERT_SINGLY 5   /* of one kind; more are told of as one */
#define ALERT_KINDS  64  /* rows of notice_kinds at most */

struct alert_tell {
    const struct saga_context *context;
    int64_t still_until_ms[ALERT_KINDS]; /* wall; by row of notice_kinds */
};

/** alert_tell(t, err): do what is due now. Return how many notices were looked at (ALERT_BITE:
 * there may be more), or -1. */
int alert_tell(struct alert_tell *t, struct err *err);

/** alert_due(t): whether there is something to do. In a read transaction of its own. */
bool alert_due(const struct alert_tell *t);

#endif
