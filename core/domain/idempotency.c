/* Answers kept for requests that are sent again. Apart because it knows nothing of what was asked:
 * digests in, an answer out. */
#include "idempotency.h"

static const struct field rows[] = {
    FIELD(struct idempotency, key_hash, FIELD_BYTES),
    FIELD(struct idempotency, request_hash, FIELD_BYTES),
    FIELD(struct idempotency, status, FIELD_U32),
    FIELD(struct idempotency, body, FIELD_TEXT, .flags = FIELD_FREE | FIELD_HIDDEN),
    FIELD(struct idempotency, location, FIELD_TEXT),
    FIELD(struct idempotency, etag, FIELD_TEXT),
    FIELD(struct idempotency, created_at, FIELD_TIME),
};

static const struct index indexes[] = {
    {.name = "created_at", .id = 176, .fields = {"created_at"}},
};

const struct table idempotency_table = {
    .name = "idempotency", .noun = "idempotency_key", .id = 21, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct idempotency)},
    .key = {"key_hash"},
    .indexes = indexes, .index_count = sizeof indexes / sizeof indexes[0],
};
