/*
 * Rows of bytes by line, time and part. Apart from the records because figures have no fields that
 * the store should know: thousands of them lie packed in one value, and only their owner can say
 * what a byte means.
 */
#include "series.h"

#include <string.h>

#include "db_raw.h"
#include "enc.h"
#include "value.h"

#define KEY_LEN 13
#define TOP_BIT (UINT64_C(1) << 63) /* turned over, negative times sort before positive */

static void key_make(uint8_t out[KEY_LEN], const struct series_key *key)
{
    out[0] = key->line;
    enc_put64(out + 1, (uint64_t)key->at ^ TOP_BIT);
    enc_put32(out + 9, key->part);
}

/* Whether the pair is a row of the line; then its key is taken. */
static bool key_take(const struct db_raw_pair *pair, uint8_t line, struct series_key *key)
{
    if (pair->key_len != KEY_LEN || pair->key[0] != line)
        return false;
    key->line = line;
    key->at = (int64_t)(enc_get64(pair->key + 1) ^ TOP_BIT);
    key->part = enc_get32(pair->key + 9);
    return true;
}

int series_put(struct txn *txn, const struct series_key *key, const void *data, size_t len,
               struct err *err)
{
    uint8_t raw[KEY_LEN];
    struct err mine;

    key_make(raw, key);
    value_begin(&txn->value, 1);
    (void)buf_add(&txn->value, data, len);
    if (len <= SERIES_VALUE_MAX && value_end(&txn->value, raw, KEY_LEN) == 0)
        return db_raw_put(txn, raw, KEY_LEN, txn->value.data, txn->value.len, err);
    (void)err_set(&mine, ERR_TOO_LARGE, "row_too_large", "a row of %zu bytes is too large", len);
    if (err != NULL)
        *err = mine;
    return db_raw_fail(txn, &mine);
}

int series_get(struct txn *txn, const struct series_key *key, const uint8_t **data, size_t *len,
               struct err *err)
{
    struct db_raw_pair pair;
    uint8_t raw[KEY_LEN], version;
    const char *wrong;
    int got;

    key_make(raw, key);
    if ((got = db_raw_get(txn, raw, KEY_LEN, &pair, err)) != 1)
        return got;
    wrong = value_open(raw, KEY_LEN, pair.value, pair.value_len, &version, data, len);
    if (wrong == NULL && version == 1)
        return 1;
    return err_set(err, ERR_CORRUPT, "row_corrupt", "the row of line %u at %lld: %s",
                   (unsigned)key->line, (long long)key->at,
                   wrong == NULL ? "an unknown version" : wrong);
}

int series_next(struct txn *txn, struct series_key *key, struct err *err)
{
    struct db_raw_pair pair;
    uint8_t raw[KEY_LEN];
    int got;

    key_make(raw, key);
    if ((got = db_raw_near(txn, DB_RAW_FROM, raw, KEY_LEN, &pair, err)) != 1)
        return got;
    return key_take(&pair, key->line, key) ? 1 : 0;
}

int series_last(struct txn *txn, uint8_t line, struct series_key *key, struct err *err)
{
    struct db_raw_pair pair;
    uint8_t behind = (uint8_t)(line + 1);
    int got = db_raw_near(txn, DB_RAW_BEFORE, &behind, 1, &pair, err);

    return got == 1 ? key_take(&pair, line, key) : got;
}

int series_drop(struct txn *txn, uint8_t line, int64_t from, int64_t before, unsigned most,
                struct err *err)
{
    struct series_key key = {.line = line, .at = from};
    int64_t last = from;
    uint8_t raw[KEY_LEN];
    unsigned times = 0;
    int got, dropped = 0;

    while ((got = series_next(txn, &key, err)) == 1 && key.at < before) {
        if ((times == 0 || key.at != last) && times++ == most)
            break;
        last = key.at;
        key_make(raw, &key);
        if (db_raw_delete(txn, raw, KEY_LEN, err) == -1)
            return -1;
        dropped++;
    }
    return got == -1 ? -1 : dropped;
}
