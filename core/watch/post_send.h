#ifndef SETT_POST_SEND_H
#define SETT_POST_SEND_H
/* One message on its way out: by mail, to Slack or to a webhook. Sees no store. */
#include "post_item.h"

enum post_outcome {
    POST_SENT,
    POST_AGAIN, /* not now: try later */
    POST_NEVER, /* this message will never be taken */
    POST_GONE   /* nor will any other: the channel is closed (410) */
};

struct post_result {
    enum post_outcome outcome;
    uint32_t retry_after_s; /* what the other side asked for, 0 */
    char subject[240];      /* as it was sent */
    char answer[240];       /* what the other side said */
    char cause[240];        /* why not */
};

/** post_send(item, vault, folder, now_ms, result): send it now, waiting for the other side's answer
 * within bounds. ${vault} opens the channel's secrets, ${folder} has root's texts. */
void post_send(const struct post_item *item, const struct vault *vault, const char *folder,
               int64_t now_ms, struct post_result *result);

#endif
