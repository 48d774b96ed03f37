/*
 * How many entries of an index have the same values: kept as numbers beside the index, in the
 * change that makes or takes an entry, so that figures cost nothing however much there is. Apart
 * from record.c, which knows when entries come and go.
 */
#include "record.h"

#include <string.h>

/* The store's own key: the index's byte and the values, as an entry begins. */
static void count_key(struct key *key, const uint8_t *entry, size_t values_len)
{
    db_raw_own_key(key, DB_RAW_EQUAL, entry, values_len);
}

int counted_change(struct txn *txn, const uint8_t *entry, size_t values_len, bool more,
                   struct err *err)
{
    struct key key;
    uint64_t n;

    count_key(&key, entry, values_len);
    if (db_raw_number(txn, &key, &n, err) == -1)
        return -1;
    if (!more && n <= 1)
        return db_raw_delete(txn, key.data, key.len, err) == -1 ? -1 : 0;
    return db_raw_set_number(txn, &key, more ? n + 1 : n - 1, err);
}

int counted_clear(struct txn *txn, const struct index *index, struct err *err)
{
    struct db_raw_pair pair;
    struct key prefix, key;
    int got;

    count_key(&prefix, &index->id, 1);
    while ((got = db_raw_near(txn, DB_RAW_FROM, prefix.data, prefix.len, &pair, err)) == 1 &&
           pair.key_len >= prefix.len && memcmp(pair.key, prefix.data, prefix.len) == 0) {
        key.len = pair.key_len < KEY_MAX ? pair.key_len : KEY_MAX;
        memcpy(key.data, pair.key, key.len);
        if (db_raw_delete(txn, key.data, key.len, err) == -1)
            return -1;
    }
    return got == -1 ? -1 : 0;
}

int counted_read(struct txn *txn, const uint8_t *entry, size_t values_len, uint64_t *n,
                 struct err *err)
{
    struct key key;

    count_key(&key, entry, values_len);
    return db_raw_number(txn, &key, n, err);
}

int64_t record_count_equal(struct txn *txn, const struct table *table, const char *name,
                           const void *match, struct err *err)
{
    const struct index *index = index_find(table, name);
    struct key entry;
    struct err why;
    uint64_t n;

    if (index == NULL || !index->counted) {
        (void)err_set(&why, ERR_INTERNAL, "bad_index", "%s has no counted index %s", table->name,
                      name);
        if (err != NULL)
            *err = why;
        return db_raw_fail(txn, &why);
    }
    if (key_leading(table, index, match, key_fields(index->fields, INDEX_FIELDS), &entry) == -1)
        return 0;
    return counted_read(txn, entry.data, entry.len, &n, err) == -1 ? -1 : (int64_t)n;
}
