#ifndef SETT_POST_TEST_H
#define SETT_POST_TEST_H
/* Test messages: really sent, at once, by the same ways as all others. Answers to the front and the
 * CLI; see answer.h. */
#include "answer.h"

/** post_test_channel(setup, params, out, err): params channel_id: an alert of the kind "test" over
 * that channel, whether it is enabled or not. JSON: what the other side said. An error if it did
 * not take it. Return 0 or -1. */
int post_test_channel(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                      struct err *err);

/** post_test_mail(setup, params, out, err): params to: a mail by the box's mail server. 0 or -1. */
int post_test_mail(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                   struct err *err);

#endif
