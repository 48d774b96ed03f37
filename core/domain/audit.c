/*
 * The audit chain. Each entry carries a digest over the entry before it and itself, and the newest
 * is noted apart, so that an entry that was edited, taken out, put in or moved shows.
 */
#include "audit.h"

#include <sodium.h>
#include <string.h>

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
    .name = "audit",
    .noun = "audit_entry",
    .id = 14,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct audit)},
    .key = {"number"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "audit"},
};

static const struct field head_rows[] = {
    FIELD(struct audit_head, id, FIELD_U32),
    FIELD(struct audit_head, number, FIELD_U64, .help = "newest entry"),
    FIELD(struct audit_head, hash, FIELD_BYTES, .help = "its digest"),
};

const struct table audit_head_table = {
    .name = "audit_head",
    .noun = "audit_head",
    .id = 15,
    .version = 1,
    .fields = {head_rows, sizeof head_rows / sizeof head_rows[0], sizeof(struct audit_head)},
    .key = {"id"},
};

/* Room for one encoded audit entry, and for the largest record whose digest is taken. */
#define ENCODED_MAX (64u * 1024u)

/* hash = BLAKE2b-256(hash before || entry encoded with a hash of zeros). */
static int chain(const uint8_t before[32], const struct audit *entry, uint8_t out[32],
                 struct err *err)
{
    crypto_generichash_state state;
    struct audit copy = *entry;
    struct buf encoded;

    memset(copy.hash, 0, sizeof copy.hash);
    buf_init(&encoded, ENCODED_MAX);
    if (fields_encode(&audit_table.fields, &copy, &encoded) != 0) {
        buf_free(&encoded);
        return err_set(err, ERR_INTERNAL, "audit_too_large", "an audit entry is too large");
    }
    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, before, 32);
    crypto_generichash_update(&state, (const uint8_t *)encoded.data, encoded.len);
    crypto_generichash_final(&state, out, 32);
    buf_free(&encoded);
    return 0;
}

int audit_add(struct txn *txn, struct audit *entry, struct err *err)
{
    struct audit_head head = {.id = 1};

    if (record_get(txn, &audit_head_table, &head, err) < 0)
        return -1;
    entry->number = head.number + 1;
    entry->at = txn_time_ms(txn);
    if (chain(head.hash, entry, entry->hash, err) != 0)
        return -1;
    if (record_insert(txn, &audit_table, entry, err) != 0)
        return -1;
    head.number = entry->number;
    memcpy(head.hash, entry->hash, sizeof head.hash);
    return record_put(txn, &audit_head_table, &head, err);
}

void audit_digest(const struct table *table, const void *record, uint8_t out[32])
{
    crypto_generichash_state state;
    struct buf encoded;

    memset(out, 0, 32);
    if (record == NULL)
        return;
    buf_init(&encoded, ENCODED_MAX);
    if (fields_encode(&table->fields, record, &encoded) == 0) {
        crypto_generichash_init(&state, NULL, 0, 32);
        crypto_generichash_update(&state, (const uint8_t *)table->name, strlen(table->name) + 1);
        crypto_generichash_update(&state, (const uint8_t *)encoded.data, encoded.len);
        crypto_generichash_final(&state, out, 32);
    }
    buf_free(&encoded);
}

int audit_verify(struct txn *txn, uint64_t *count, struct err *err)
{
    struct audit_head head = {.id = 1};
    struct audit entry;
    struct scan scan;
    uint8_t before[32] = {0};
    uint8_t hash[32];
    uint64_t number = 0;
    int got = 0;

    *count = 0;
    if (scan_start(&scan, txn, &audit_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &entry, err)) == 1) {
        number++;
        if (entry.number != number)
            return err_set(err, ERR_CORRUPT, "audit_gap",
                           "audit entry %llu is missing: %llu follows the one before it",
                           (unsigned long long)number, (unsigned long long)entry.number);
        if (chain(before, &entry, hash, err) != 0)
            return -1;
        if (sodium_memcmp(hash, entry.hash, sizeof hash) != 0)
            return err_set(err, ERR_CORRUPT, "audit_changed",
                           "audit entry %llu, or the one before it, was changed",
                           (unsigned long long)number);
        memcpy(before, hash, sizeof before);
    }
    if (got < 0)
        return -1;
    if (record_get(txn, &audit_head_table, &head, err) < 0)
        return -1;
    if (head.number != number || sodium_memcmp(head.hash, before, sizeof before) != 0)
        return err_set(err, ERR_CORRUPT, "audit_truncated",
                       "the audit ends at entry %llu, but entry %llu was noted as its last",
                       (unsigned long long)number, (unsigned long long)head.number);
    *count = number;
    return 0;
}

int audit_intact(const struct audit *entry, const uint8_t previous[32], bool *intact,
                 struct err *err)
{
    uint8_t hash[32];

    if (chain(previous, entry, hash, err) != 0)
        return -1;
    *intact = sodium_memcmp(hash, entry->hash, sizeof hash) == 0;
    return 0;
}

int audit_first(struct txn *txn, int64_t at_ms, uint64_t *number, struct err *err)
{
    struct audit_head head = {.id = 1};
    uint64_t low = 1, high;

    if (record_get(txn, &audit_head_table, &head, err) < 0)
        return -1;
    high = head.number + 1;
    while (low < high) {
        struct audit entry = {.number = low + (high - low) / 2};
        uint64_t middle = entry.number;
        int found = record_get(txn, &audit_table, &entry, err);

        if (found < 0)
            return -1;
        if (found == 1 && entry.at >= at_ms)
            high = middle;
        else
            low = middle + 1;
    }
    *number = low;
    return 0;
}
