/*
 * The audit chain. Each entry carries a digest over the entry before it and itself, and the newest
 * is noted apart, so that an entry that was edited, taken out, put in or moved shows.
 */
#include "audit.h"

static const struct field rows[] = {
    FIELD(struct audit, number, FIELD_U64, .help = "from 1, without gaps"),
    FIELD(struct audit, at, FIELD_TIME, .help = "when"),
    FIELD(struct audit, actor, FIELD_TEXT, .help = "who"),
    FIELD(struct audit, actor_kind, FIELD_TEXT, .help = "cookie, token, key, cli, webhook, worker"),
    FIELD(struct audit, address, FIELD_TEXT, .help = "from where"),
    FIELD(struct audit, request_id, FIELD_TEXT, .help = "request"),
    FIELD(struct audit, job_id, FIELD_ID, .ref_prefix = "job", .help = "job that was started"),
    FIELD(struct audit, action, FIELD_TEXT, .help = "operation"),
    FIELD(struct audit, object, FIELD_TEXT, .help = "id of what was changed"),
    FIELD(struct audit, result, FIELD_TEXT, .help = "ok, or the kind of the error"),
    FIELD(struct audit, reason, FIELD_TEXT, .help = "why"),
    FIELD(struct audit, before, FIELD_BYTES, .help = "digest of the object before"),
    FIELD(struct audit, after, FIELD_BYTES, .help = "digest of the object after"),
    FIELD(struct audit, hash, FIELD_BYTES, .help = "digest of this entry and the one before"),
};

static const struct index indexes[] = {
    {.name = "object", .id = 165, .sparse = true, .fields = {"object"}},
    {.name = "actor", .id = 166, .sparse = true, .fields = {"actor"}},
};

const struct table audit_table = {
    .name = "audit", .noun = "audit_entry", .id = 14, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct audit)},
    .key = {"number"},
    .indexes = indexes, .index_count = sizeof indexes / sizeof indexes[0],
};

static const struct field head_rows[] = {
    FIELD(struct audit_head, id, FIELD_U32),
    FIELD(struct audit_head, number, FIELD_U64, .help = "newest entry"),
    FIELD(struct audit_head, hash, FIELD_BYTES, .help = "its digest"),
};

const struct table audit_head_table = {
    .name = "audit_head", .noun = "audit_head", .id = 15, .version = 1,
    .fields = {head_rows, sizeof head_rows / sizeof head_rows[0], sizeof(struct audit_head)},
    .key = {"id"},
};
