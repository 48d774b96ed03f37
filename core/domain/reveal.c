/*
 * Reveals: kept as a hash, shown once, forgotten. Apart because of what must not be here: nothing
 * in the store can be turned into a link, and a link that was used can be turned into nothing.
 */
#include "reveal.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define KEEP_MS  (INT64_C(30) * 86400 * 1000)
#define KEY_SIZE 65

static const struct field rows[] = {
    FIELD(struct reveal, token_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct reveal, tenant_id, FIELD_ID, .ref_prefix = "tn", .help = "whose credentials"),
    FIELD(struct reveal, content, FIELD_SEALED, .flags = FIELD_HIDDEN),
    FIELD(struct reveal, address, FIELD_TEXT, .help = "who was shown it"),
    FIELD(struct reveal, expires_at, FIELD_TIME, .help = "worth nothing from"),
    FIELD(struct reveal, used_at, FIELD_TIME, .help = "shown at"),
    FIELD(struct reveal, created_at, FIELD_TIME, .help = "made at"),
};

static const struct index indexes[] = {
    {.name = "expires_at", .id = 221, .fields = {"expires_at"}},
    {.name = "tenant_id", .id = 222, .sparse = true, .fields = {"tenant_id"}},
};

const struct table reveal_table = {
    .name = "reveals",
    .noun = "reveal",
    .id = 44,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct reveal)},
    .key = {"token_hash"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

static int seal_content(const struct web_key *key, struct reveal *reveal, const struct kv *content,
                        struct err *err)
{
    char place[KEY_SIZE];

    enc_hex(place, reveal->token_hash, sizeof reveal->token_hash);
    return web_key_seal(key, reveal_table.name, place, "content", content->data, content->len,
                        &reveal->content, err);
}

static int open_content(const struct web_key *key, const struct reveal *reveal, struct kv *content,
                        struct err *err)
{
    char place[KEY_SIZE];
    struct buf plain;
    int result;

    enc_hex(place, reveal->token_hash, sizeof reveal->token_hash);
    buf_init(&plain, KV_SIZE);
    result = web_key_open(key, reveal_table.name, place, "content", &reveal->content, &plain, err);
    if (result == 0 && kv_load(content, plain.data, plain.len) != 0)
        result = err_set(err, ERR_CORRUPT, "reveal_content", "a reveal holds no credentials");
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return result;
}

static int drop(struct txn *txn, const char *tenant_id, bool used_too, struct err *err)
{
    struct reveal match, found;
    struct scan scan;
    int got;

    memset(&match, 0, sizeof match);
    if (tenant_id[0] == '\0' || str_copy(match.tenant_id, sizeof match.tenant_id, tenant_id) != 0)
        return 0;
    if (scan_start(&scan, txn, &reveal_table, "tenant_id", &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &found, err)) == 1)
        if ((used_too || found.used_at == 0) && record_delete(txn, &reveal_table, &found, err) < 0)
            return -1;
    return got;
}

int reveal_forget(struct txn *txn, const char *tenant_id, struct err *err)
{
    return drop(txn, tenant_id, true, err);
}

/* Those that nobody has used are over; used ones stay, to be asked about. */
int reveal_end(struct txn *txn, const char *tenant_id, struct err *err)
{
    return drop(txn, tenant_id, false, err);
}

int reveal_new(struct txn *txn, const struct web_key *key, const char *tenant_id,
               const struct kv *content, int64_t life_ms, char token[REVEAL_TOKEN_SIZE],
               struct err *err)
{
    struct reveal reveal;

    memset(&reveal, 0, sizeof reveal);
    if (reveal_end(txn, tenant_id, err) != 0)
        return -1;
    link_token_make(token, reveal.token_hash);
    (void)str_copy(reveal.tenant_id, sizeof reveal.tenant_id, tenant_id);
    reveal.created_at = txn_time_ms(txn);
    reveal.expires_at = reveal.created_at + life_ms;
    if (seal_content(key, &reveal, content, err) != 0)
        return -1;
    return record_insert(txn, &reveal_table, &reveal, err);
}

static int gone(struct err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "reveal_gone", "this link was used before or is over");
    return err_hint(err, "ask for a new one");
}

int reveal_use(struct txn *txn, const struct web_key *key, const char *token, const char *address,
               struct reveal *reveal, struct kv *content, struct err *err)
{
    int found;

    memset(reveal, 0, sizeof *reveal);
    if (link_token_hash(token, reveal->token_hash) != 0)
        return gone(err);
    if ((found = record_get(txn, &reveal_table, reveal, err)) < 0)
        return -1;
    if (found == 0 || reveal->used_at != 0 || reveal->expires_at <= txn_time_ms(txn))
        return gone(err);
    if (open_content(key, reveal, content, err) != 0)
        return -1;
    memset(&reveal->content, 0, sizeof reveal->content);
    reveal->used_at = txn_time_ms(txn);
    (void)str_copy(reveal->address, sizeof reveal->address, address);
    return record_put(txn, &reveal_table, reveal, err);
}

int reveal_used(struct txn *txn, const char *tenant_id, struct err *err)
{
    struct reveal match, found;
    struct scan scan;
    int got;

    memset(&match, 0, sizeof match);
    if (tenant_id[0] == '\0' || str_copy(match.tenant_id, sizeof match.tenant_id, tenant_id) != 0)
        return 0;
    if (scan_start(&scan, txn, &reveal_table, "tenant_id", &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &found, err)) == 1)
        if (found.used_at != 0)
            return 1;
    return got;
}

int reveal_prune(struct txn *txn, unsigned most, struct err *err)
{
    struct reveal reveal;
    struct scan scan;
    unsigned removed = 0;
    int got;

    if (scan_start(&scan, txn, &reveal_table, "expires_at", NULL, 0, false, err) != 0)
        return -1;
    while (removed < most && (got = scan_next(&scan, &reveal, err)) != 0) {
        if (got < 0)
            return -1;
        if (reveal.expires_at + KEEP_MS > txn_time_ms(txn))
            break;
        if (record_delete(txn, &reveal_table, &reveal, err) < 0)
            return -1;
        removed++;
    }
    return (int)removed;
}
