/*
 * Webhook events as they came. Apart from what they mean: an event is kept and acknowledged in one
 * commit before anybody reads more of it than its id.
 */
#include "event.h"

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
    {.name = "state", .id = 163, .fields = {"state"}},
    {.name = "received_at", .id = 164, .fields = {"received_at"}},
};

const struct table event_table = {
    .name = "events", .noun = "event", .id = 12, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct event)},
    .key = {"id"},
    .indexes = indexes, .index_count = sizeof indexes / sizeof indexes[0],
};

static const struct field part_rows[] = {
    FIELD(struct event_part, event_id, FIELD_TEXT, .help = "event that it is part of"),
    FIELD(struct event_part, number, FIELD_U32, .help = "from 1"),
    FIELD(struct event_part, body, FIELD_TEXT, .flags = FIELD_FREE, .help = "bytes of the body"),
};

const struct table event_part_table = {
    .name = "event_parts", .noun = "event_part", .id = 13, .version = 1,
    .fields = {part_rows, sizeof part_rows / sizeof part_rows[0], sizeof(struct event_part)},
    .key = {"event_id", "number"},
};
