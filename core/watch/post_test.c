/* Test messages. Apart from the outbox because somebody waits for the answer, and there is nothing
 * to try again. */
#include "post_test.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json_out.h"
#include "post_send.h"
#include "str.h"

static void fill(struct post_item *item)
{
    char now[CLOCK_TEXT_SIZE];
    struct kv *p = &item->message.params;

    item->message.audience = MESSAGE_OPERATOR;
    item->message.created_at = clock_wall_ms();
    id_make(item->message.id, message_table.prefix);
    clock_text(now, item->message.created_at);
    (void)str_copy(item->message.kind, sizeof item->message.kind, "test");
    (void)kv_set(p, "event", "test");
    (void)kv_set(p, "kind", "test");
    (void)kv_set(p, "severity", "info");
    (void)kv_set(p, "subject", "box");
    (void)kv_set(p, "subject_id", "");
    (void)kv_set(p, "text", "This is a test: alerts of this box arrive here.");
    (void)kv_set(p, "raised_at", now);
    (void)kv_set(p, "box", item->terms.box_name);
}

static int read_item(const struct saga_context *context, const char *channel_id,
                     struct post_item *item, struct err *err)
{
    struct txn *txn;
    int found = 1;

    memset(item, 0, sizeof *item);
    if (db_read(&txn, context->db, err) != 0)
        return -1;
    if (channel_id != NULL) {
        (void)str_copy(item->channel.id, sizeof item->channel.id, channel_id);
        found = record_get(txn, &alert_channel_table, &item->channel, err);
    }
    if (found == 1 && post_terms_read(txn, context, &item->terms, err) != 0)
        found = -1;
    db_read_end(txn);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "channel_not_found", "there is no channel %.40s",
                       channel_id);
    return found < 0 ? -1 : 0;
}

/* Send it and say what came of it. */
static int send_it(const struct saga_context *context, const struct post_item *item,
                   struct buf *out, struct err *err)
{
    int64_t begun_ms = clock_mono_ms();
    struct post_result result;
    struct json_out j;

    post_send(item, &context->vault, context->paths.mail, clock_wall_ms(), &result);
    if (result.outcome != POST_SENT)
        return err_set(err, ERR_NETWORK, "test_not_sent", "it was not sent: %s", result.cause);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "test");
    json_out_key_text(&j, "message", item->message.id);
    json_out_key_text(&j, "target", item->channel.target);
    json_out_key_text(&j, "answer", result.answer);
    json_out_key_u64(&j, "took_ms", (uint64_t)(clock_mono_ms() - begun_ms));
    json_out_end_object(&j);
    return 0;
}

int post_test_channel(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                      struct err *err)
{
    struct post_item *item = malloc(sizeof *item);
    int result = -1;

    if (item == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a message");
    if (read_item(setup->context, kv_get_or(params, "channel_id", ""), item, err) == 0) {
        fill(item);
        result = send_it(setup->context, item, out, err);
    }
    free(item);
    return result;
}

int post_test_mail(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                   struct err *err)
{
    struct post_item *item = malloc(sizeof *item);
    int result = -1;

    if (item == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a message");
    if (read_item(setup->context, NULL, item, err) == 0) {
        fill(item);
        id_make(item->channel.id, alert_channel_table.prefix);
        item->channel.type = CHANNEL_EMAIL;
        (void)str_copy(item->channel.target, sizeof item->channel.target,
                       kv_get_or(params, "to", ""));
        result = send_it(setup->context, item, out, err);
    }
    free(item);
    return result;
}
