/*
 * The two commits around a sending. Apart from the threads, because these are what a crash is
 * measured against: what is written before, and what after.
 */
#include "post.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "notice.h"
#include "setting.h"
#include "str.h"
#include "user_letter.h"

#define MINUTE_MS     INT64_C(60000)
#define HOUR_MS       INT64_C(3600000)
#define DAY_MS        INT64_C(86400000)
#define LONGEST_S     28800
#define FAILURES_SAID 5 /* in a row, until a channel is called failing */
#define DELAY_SAID    5 /* attempts, until letters are called delayed */

uint32_t post_backoff_s(uint32_t retry_s, uint32_t attempts)
{
    uint64_t wait_s = retry_s;

    for (uint32_t i = 1; i < attempts && wait_s < LONGEST_S; i++)
        wait_s *= 6;
    return wait_s > LONGEST_S ? LONGEST_S : (uint32_t)wait_s;
}

/* ---- before ---- */

struct claim {
    const struct saga_context *context;
    const char *id;
    struct post_item *item;
    bool taken;
};

/* The token of the letter's link: made at the first attempt, the same at every further one. */
static int link_token(struct txn *txn, struct claim *c, struct err *err)
{
    struct post_item *item = c->item;
    struct message *m = &item->message;
    const struct vault *vault = &c->context->vault;
    struct buf plain;
    char name[96];
    int got = 0;

    buf_init(&plain, KV_SIZE);
    if (m->secret.len != 0) {
        got = vault_open(vault, message_table.name, m->id, "secret", &m->secret, &plain, err);
        if (got == 0)
            got = str_copy_n(item->token, sizeof item->token, plain.data, plain.len);
    } else if (str_format(name, sizeof name, "credentials:%s", m->tenant_id) == 0 &&
               (got = secret_get(txn, vault, name, &plain, err)) == 1) {
        struct kv content;

        got = kv_load(&content, plain.data, plain.len);
        if (got == 0)
            got = reveal_new(txn, &c->context->web_key, m->tenant_id, &content,
                             item->terms.credentials_days * DAY_MS, item->token, err);
        if (got == 0)
            got = vault_seal(vault, message_table.name, m->id, "secret", item->token,
                             strlen(item->token), &m->secret, err);
        sodium_memzero(&content, sizeof content);
    }
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return got < 0 ? -1 : 0;
}

/* A letter that was asked for by a name: whose it is. 1; 0: nobody's, and there is none; -1. */
static int who(struct txn *txn, struct claim *c, struct err *err)
{
    int64_t minutes = (int64_t)setting_u64(txn, &c->context->conf, "auth.reset_minutes");

    return user_letter_fill(txn, &c->context->vault, minutes * MINUTE_MS, &c->item->message, err);
}

/* Whether somebody has asked for just this letter. */
static bool by_hand(const struct message *m)
{
    return str_equal(m->kind, "message") || str_equal(m->kind, "maintenance") ||
           str_equal(m->kind, "credentials");
}

static int claim(struct txn *txn, void *arg, struct err *err)
{
    struct claim *c = arg;
    struct message *m = &c->item->message;
    const struct letter_kind *kind;
    int64_t now_ms = txn_time_ms(txn);
    int found;

    c->taken = false;
    if ((found = post_item_read(txn, c->context, c->id, c->item, err)) < 0)
        return -1;
    if (found == 0 || m->state != MESSAGE_QUEUED || m->due_at > now_ms)
        return 0;
    kind = m->audience != MESSAGE_OPERATOR ? letter_kind_find(m->kind) : NULL;
    if (m->audience == MESSAGE_USER && m->recipient[0] == '\0') {
        found = m->give_up_at <= now_ms ? 0 : who(txn, c, err);
        if (found != 1) /* nobody's, so there was none */
            return found < 0 || record_delete(txn, &message_table, m, err) < 0 ? -1 : 0;
    }
    if (m->audience == MESSAGE_USER && m->give_up_at <= now_ms) {
        (void)str_copy(m->cause, sizeof m->cause, "its link is over");
        return message_end(txn, m, MESSAGE_FAILED, err);
    }
    if (m->audience == MESSAGE_CUSTOMER && !c->item->terms.customers && !by_hand(m)) {
        (void)str_copy(m->cause, sizeof m->cause, "mails to customers are off (mail.customers)");
        return message_end(txn, m, MESSAGE_FAILED, err);
    }
    if (kind != NULL && kind->page != NULL && link_token(txn, c, err) != 0) {
        (void)str_copy(m->cause, sizeof m->cause, "its link cannot be made");
        return message_end(txn, m, MESSAGE_FAILED, err);
    }
    m->attempts++;
    m->due_at = now_ms + (int64_t)post_backoff_s(c->item->terms.retry_s, m->attempts) * 1000;
    c->taken = true;
    return record_put(txn, &message_table, m, err);
}

int post_claim(const struct saga_context *context, const char *id, struct post_item *item,
               struct err *err)
{
    struct claim c = {.context = context, .id = id, .item = item};

    if (db_write(context->db, claim, &c, err) != 0)
        return -1;
    return c.taken ? 1 : 0;
}

/* ---- after ---- */

struct noting {
    const struct post_item *item;
    const struct post_result *result;
};

/* How the channel fares, and whether somebody must be told. */
static int note_channel(struct txn *txn, const struct noting *n, bool ended, struct err *err)
{
    struct alert_channel c = {0};
    char text[400];
    int found;

    (void)str_copy(c.id, sizeof c.id, n->item->message.channel_id);
    if ((found = record_get(txn, &alert_channel_table, &c, err)) <= 0)
        return found;
    if (n->result->outcome == POST_SENT) {
        c.sent_at = txn_time_ms(txn);
        c.failures = 0;
        c.last_error[0] = '\0';
        if (notice_clear(txn, "channel.failing", c.name, err) != 0)
            return -1;
        return channel_put(txn, &c, err);
    }
    c.failed_at = txn_time_ms(txn);
    c.failures++;
    (void)str_copy(c.last_error, sizeof c.last_error, n->result->cause);
    if (n->result->outcome == POST_GONE) {
        c.enabled = false;
        (void)str_copy(c.disabled_reason, sizeof c.disabled_reason,
                       "the other side says that it is gone (410)");
    }
    (void)str_format(text, sizeof text, "nothing gets through over the channel %s: %s", c.name,
                     n->result->cause);
    if ((ended || c.failures >= FAILURES_SAID || !c.enabled) &&
        notice_raise(txn, "channel.failing", c.name, NOTICE_USUAL, text, err) != 0)
        return -1;
    return channel_put(txn, &c, err);
}

static int note_letter(struct txn *txn, const struct noting *n, const struct message *m,
                       struct err *err)
{
    char text[400];

    if (m->state == MESSAGE_SENT)
        return notice_clear(txn, "mail.delayed", "", err);
    (void)str_format(text, sizeof text, "the mail %s to %.120s was given up: %.200s", m->kind,
                     m->recipient, n->result->cause);
    if (m->state == MESSAGE_FAILED)
        return notice_raise(txn, "mail.failed", m->id, NOTICE_USUAL, text, err);
    if (m->attempts < DELAY_SAID)
        return 0;
    (void)str_format(text, sizeof text, "mails to customers do not get through: %.200s",
                     n->result->cause);
    return notice_raise(txn, "mail.delayed", "", NOTICE_USUAL, text, err);
}

static int note(struct txn *txn, void *arg, struct err *err)
{
    const struct noting *n = arg;
    const struct post_result *r = n->result;
    const struct post_terms *terms = &n->item->terms;
    struct message m = {0};
    int64_t now_ms = txn_time_ms(txn), wait_ms;
    bool ended = false;
    int found;

    (void)str_copy(m.id, sizeof m.id, n->item->message.id);
    if ((found = record_get(txn, &message_table, &m, err)) <= 0 || m.state != MESSAGE_QUEUED)
        return found < 0 ? -1 : 0;
    (void)str_copy(m.subject, sizeof m.subject, r->subject);
    (void)str_copy(m.answer, sizeof m.answer, r->answer);
    (void)str_copy(m.cause, sizeof m.cause, r->cause);
    wait_ms = (int64_t)post_backoff_s(terms->retry_s, m.attempts) * 1000;
    if ((int64_t)r->retry_after_s * 1000 > wait_ms)
        wait_ms = (int64_t)r->retry_after_s * 1000;
    m.due_at = now_ms + wait_ms;
    ended = r->outcome != POST_AGAIN || m.due_at > m.created_at + terms->give_up_hours * HOUR_MS;
    if (ended ? message_end(txn, &m, r->outcome == POST_SENT ? MESSAGE_SENT : MESSAGE_FAILED,
                            err) != 0
              : record_put(txn, &message_table, &m, err) != 0)
        return -1;
    return m.audience != MESSAGE_OPERATOR ? note_letter(txn, n, &m, err)
                                          : note_channel(txn, n, ended, err);
}

int post_note(const struct saga_context *context, const struct post_item *item,
              const struct post_result *result, struct err *err)
{
    struct noting n = {.item = item, .result = result};

    return db_write(context->db, note, &n, err);
}

int post_prune(struct txn *txn, unsigned most, struct err *err)
{
    struct message m;
    struct scan scan;
    unsigned removed = 0, looked = 0;
    int got;

    if (scan_start(&scan, txn, &message_table, "due_at", NULL, 0, false, err) != 0)
        return -1;
    while (removed < most && looked++ < 8 * most && (got = scan_next(&scan, &m, err)) != 0) {
        if (got < 0)
            return -1;
        if (m.due_at > txn_time_ms(txn))
            break;
        if (m.state == MESSAGE_QUEUED)
            continue;
        if (record_delete(txn, &message_table, &m, err) < 0)
            return -1;
        removed++;
    }
    return (int)removed;
}
