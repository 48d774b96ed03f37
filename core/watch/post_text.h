#ifndef SETT_POST_TEXT_H
#define SETT_POST_TEXT_H
/* What a message says: letters to customers from their templates, alerts to operators as mail, as
 * Slack's text and as JSON for webhooks. */
#include "letter_text.h"
#include "post_item.h"

/** post_text_letter(item, folder, parts, err): a letter to a customer. 0 or -1. */
int post_text_letter(const struct post_item *item, const char *folder, struct letter_parts *parts,
                     struct err *err);

/** post_text_alert(item, parts): an alert as a mail. */
void post_text_alert(const struct post_item *item, struct letter_parts *parts);

/** post_text_slack(item, out): the same as a body for an incoming webhook of Slack
 * (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
void post_text_slack(const struct post_item *item, struct buf *out);

/** post_text_webhook(item, out): the same as Standard Webhooks wants it: type, timestamp, data. The
 * bytes are the same whenever it is sent again. */
void post_text_webhook(const struct post_item *item, struct buf *out);

#endif
