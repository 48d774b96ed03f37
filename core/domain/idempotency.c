/* Answers kept for requests that are sent again. Apart because it knows nothing of what was asked:
 * digests in, an answer out. */
#include "idempotency.h"

#include <sodium.h>
#include <string.h>

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
    .name = "idempotency",
    .noun = "idempotency_key",
    .id = 21,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct idempotency)},
    .key = {"key_hash"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

/* The NUL between them keeps actor and key from running into each other. */
void idempotency_hash(const char *actor, const char *key, uint8_t out[32])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, (const uint8_t *)actor, strlen(actor) + 1);
    crypto_generichash_update(&state, (const uint8_t *)key, strlen(key));
    crypto_generichash_final(&state, out, 32);
}

int idempotency_find(struct txn *txn, struct idempotency *record, struct err *err)
{
    struct idempotency asked = *record;

    int found = record_get(txn, &idempotency_table, record, err);
    if (found <= 0)
        return found;
    if (record->created_at + IDEMPOTENCY_KEEP_MS <= txn_time_ms(txn)) {
        *record = asked;
        return 0;
    }
    if (sodium_memcmp(record->request_hash, asked.request_hash, sizeof asked.request_hash) != 0)
        return err_set(err, ERR_CONFLICT, "idempotency_mismatch",
                       "this Idempotency-Key was used for another request");
    return 1;
}

int idempotency_keep(struct txn *txn, struct idempotency *record, struct err *err)
{
    record->created_at = txn_time_ms(txn);
    return record_put(txn, &idempotency_table, record, err);
}

int idempotency_prune(struct txn *txn, unsigned most, struct err *err)
{
    struct idempotency record;
    struct scan scan;
    unsigned removed = 0;

    while (removed < most) {
        if (scan_start(&scan, txn, &idempotency_table, "created_at", NULL, 0, false, err) != 0)
            return -1;
        int got = scan_next(&scan, &record, err);
        if (got < 0)
            return -1;
        if (got == 0 || record.created_at + IDEMPOTENCY_KEEP_MS > txn_time_ms(txn))
            break;
        if (record_delete(txn, &idempotency_table, &record, err) < 0)
            return -1;
        removed++;
    }
    return (int)removed;
}
