/*
 * Webhook events as they came. Apart from what they mean: an event is kept and acknowledged in one
 * commit before anybody reads more of it than its id.
 */
#include "event.h"
#include "billing.h"

#include "buf.h"
#include "job_start.h"
#include "str.h"
#include "subscription.h"

#include <stdlib.h>
#include <string.h>

const char *const event_state_names[] = {"stored", "applied", "ignored", "failed", NULL};

static const struct field rows[] = {
    FIELD(struct event, id, FIELD_TEXT, .help = "Stripe's id of the event"),
    FIELD(struct event, type, FIELD_TEXT, .help = "as in checkout.session.completed"),
    FIELD(struct event, api_version, FIELD_TEXT, .help = "version of Stripe's API that shaped it"),
    FIELD(struct event, object_id, FIELD_TEXT, .help = "Stripe's id of the object"),
    FIELD(struct event, livemode, FIELD_BOOL, .help = "real money"),
    FIELD(struct event, state, FIELD_ENUM, .names = event_state_names, .help = "where it stands"),
    FIELD(struct event, parts, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct event, body_bytes, FIELD_U64, .help = "length of its body"),
    FIELD(struct event, job_id, FIELD_ID, .ref_prefix = "job", .help = "job that applies it"),
    FIELD(struct event, note, FIELD_TEXT, .help = "what came of it"),
    FIELD(struct event, event_at, FIELD_TIME, .help = "made by Stripe at"),
    FIELD(struct event, received_at, FIELD_TIME, .help = "stored at"),
    FIELD(struct event, applied_at, FIELD_TIME, .help = "applied at"),
};

static const struct index indexes[] = {
    {.name = "state", .id = 163, .counted = true, .fields = {"state"}},
    {.name = "received_at", .id = 164, .fields = {"received_at"}},
};

const struct table event_table = {
    .name = "events",
    .noun = "event",
    .id = 12,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct event)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "event"},
};

static const struct field part_rows[] = {
    FIELD(struct event_part, event_id, FIELD_TEXT, .help = "event that it is part of"),
    FIELD(struct event_part, number, FIELD_U32, .help = "from 1"),
    FIELD(struct event_part, body, FIELD_TEXT, .flags = FIELD_FREE, .help = "bytes of the body"),
};

const struct table event_part_table = {
    .name = "event_parts",
    .noun = "event_part",
    .id = 13,
    .version = 1,
    .fields = {part_rows, sizeof part_rows / sizeof part_rows[0], sizeof(struct event_part)},
    .key = {"event_id", "number"},
};

/* The longest piece of the body that fits into a part and ends at a whole character. */
static size_t piece(const char *body, size_t len)
{
    size_t n = len;

    if (len <= EVENT_PART_BYTES)
        return len;
    for (n = EVENT_PART_BYTES; n > 0 && ((unsigned char)body[n] & 0xc0) == 0x80; n--)
        ;
    return n > EVENT_PART_BYTES - 4 ? n : EVENT_PART_BYTES;
}

static int store_parts(struct txn *txn, struct event *event, const char *body, size_t len,
                       struct err *err)
{
    struct event_part part;

    event->parts = 0;
    event->body_bytes = len;
    for (size_t at = 0; at < len;) {
        size_t n = piece(body + at, len - at);

        memset(&part, 0, sizeof part);
        (void)str_copy(part.event_id, sizeof part.event_id, event->id);
        part.number = ++event->parts;
        if (str_copy_n(part.body, sizeof part.body, body + at, n) != 0)
            return err_set(err, ERR_MALFORMED, "event_body", "the event's body has a NUL in it");
        if (record_insert(txn, &event_part_table, &part, err) != 0)
            return -1;
        at += n;
    }
    return 0;
}

static bool in_secret(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* A checkout session speaks of the addresses that it leads back to, and behind their # stands an
 * order's secret, which nobody is to read in an event. */
static void blank_secrets(char *body, size_t len)
{
    for (size_t at = 0; at + ORDER_SECRET_SIZE < len; at++) {
        size_t n = 0;

        if (body[at] != '#')
            continue;
        while (n < ORDER_SECRET_SIZE && in_secret(body[at + 1 + n]))
            n++;
        if (n == ORDER_SECRET_SIZE - 1 && body[at + 1 + n] == '"')
            memset(body + at + 1, 'x', n);
    }
}

static int store_body(struct txn *txn, struct event *event, const char *body, size_t len,
                      struct err *err)
{
    char *copy = NULL;
    int result;

    if (!str_starts(event->type, "checkout.session.") || len == 0)
        return store_parts(txn, event, body, len, err);
    if ((copy = malloc(len)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an event");
    memcpy(copy, body, len);
    blank_secrets(copy, len);
    result = store_parts(txn, event, copy, len, err);
    free(copy);
    return result;
}

/* Start the job that applies the event. */
static int start(struct txn *txn, struct event *event, const char *actor, const char *request_id,
                 struct err *err)
{
    struct job job;

    memset(&job, 0, sizeof job);
    (void)str_copy(job.saga, sizeof job.saga, "event.apply");
    (void)str_copy(job.actor, sizeof job.actor, actor);
    (void)str_copy(job.request_id, sizeof job.request_id, request_id ? request_id : "");
    if (kv_set(&job.args, "event_id", event->id) != 0)
        return err_set(err, ERR_INTERNAL, "event_id", "the event's id is too long");
    if (job_start(txn, &job, err) != 0)
        return -1;
    (void)str_copy(event->job_id, sizeof event->job_id, job.id);
    return 0;
}

int event_store(struct txn *txn, struct event *event, const char *body, size_t len,
                const char *request_id, bool *fresh, struct err *err)
{
    struct event known;

    *fresh = false;
    memset(&known, 0, sizeof known);
    (void)str_copy(known.id, sizeof known.id, event->id);
    int found = record_get(txn, &event_table, &known, err);
    if (found < 0)
        return -1;
    if (found > 0) {
        *event = known;
        return 0;
    }
    event->state = EVENT_STORED;
    event->received_at = txn_time_ms(txn);
    event->applied_at = 0;
    if (billing_kind(event->type) == BILLING_OTHER) {
        event->state = EVENT_IGNORED;
        event->applied_at = event->received_at;
        (void)str_copy(event->note, sizeof event->note, "an event of this type moves nothing here");
    } else if (start(txn, event, "stripe", request_id, err) != 0)
        return -1;
    if (store_body(txn, event, body, len, err) != 0 ||
        record_insert(txn, &event_table, event, err) != 0)
        return -1;
    *fresh = true;
    return 0;
}

int event_body(struct txn *txn, const struct event *event, struct buf *out, struct err *err)
{
    struct event_part part;
    size_t before = out->len;

    for (uint32_t number = 1; number <= event->parts; number++) {
        memset(&part, 0, sizeof part);
        (void)str_copy(part.event_id, sizeof part.event_id, event->id);
        part.number = number;
        int found = record_get(txn, &event_part_table, &part, err);
        if (found < 0)
            return -1;
        if (found == 0)
            return err_set(err, ERR_CORRUPT, "event_part_missing",
                           "part %u of the event %s is missing", number, event->id);
        if (buf_text(out, part.body) != 0)
            return err_set(err, ERR_TOO_LARGE, "event_too_large", "the event %s is too large",
                           event->id);
    }
    if (out->len - before != event->body_bytes)
        return err_set(err, ERR_CORRUPT, "event_body", "the body of the event %s is not whole",
                       event->id);
    return 0;
}

int event_replay(struct txn *txn, const char *id, const char *actor, const char *request_id,
                 char job_id[ID_SIZE], struct err *err)
{
    struct event event;
    struct job job;

    memset(&event, 0, sizeof event);
    if (str_copy(event.id, sizeof event.id, id) != 0)
        event.id[0] = '\0';
    int found = event.id[0] == '\0' ? 0 : record_get(txn, &event_table, &event, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "event_not_found", "there is no event %s", id);
    memset(&job, 0, sizeof job);
    (void)str_copy(job.id, sizeof job.id, event.job_id);
    found = job.id[0] == '\0' ? 0 : record_get(txn, &job_table, &job, err);
    if (found < 0)
        return -1;
    if (found > 0 && job.live)
        return err_set(err, ERR_CONFLICT, "busy", "the job %s is applying the event %s", job.id,
                       id);
    event.state = EVENT_STORED;
    event.note[0] = '\0';
    if (start(txn, &event, actor, request_id, err) != 0 ||
        record_put(txn, &event_table, &event, err) != 0)
        return -1;
    (void)str_copy(job_id, ID_SIZE, event.job_id);
    return 0;
}
