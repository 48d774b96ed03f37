/*
 * Walks in the order of keys or of an index. Apart from record.c because a walk keeps only where it
 * stands, as bytes: no cursor lives between its steps, so nothing has to be ended and nothing can
 * point into a page that a change has moved.
 */
#include <string.h>

#include "record.h"
#include "value.h"

int scan_start(struct scan *s, struct txn *txn, const struct table *table, const char *index,
               const void *match, unsigned fields, bool backward, struct err *err)
{
    struct key key;

    memset(s, 0, offsetof(struct scan, prefix));
    s->txn = txn;
    s->table = table;
    s->backward = backward;
    if (index != NULL && (s->index = index_find(table, index)) == NULL) {
        struct err why;
        (void)err_set(&why, ERR_INTERNAL, "bad_index", "%s has no index %s", table->name, index);
        if (err != NULL)
            *err = why;
        return db_raw_fail(txn, &why);
    }
    if (key_leading(table, s->index, match, match == NULL ? 0 : fields, &key) == -1) {
        s->nothing = true;
        return 0;
    }
    s->prefix_len = (uint16_t)key.len;
    memcpy(s->prefix, key.data, key.len);
    if (backward && key_behind(&key) == -1)
        s->nothing = true; /* a table's or index's byte is never the last one */
    s->inclusive = !backward;
    s->at_len = (uint16_t)key.len;
    memcpy(s->at, key.data, key.len);
    return 0;
}

int scan_words(struct scan *s, struct txn *txn, const struct table *table, const char *index,
               const char *prefix, struct err *err)
{
    size_t len = strlen(prefix);

    if (scan_start(s, txn, table, index, NULL, 0, false, err) == -1)
        return -1;
    if (len > INDEX_WORD_MAX) {
        s->nothing = true;
        return 0;
    }
    memcpy(s->prefix + s->prefix_len, prefix, len);
    s->prefix_len = (uint16_t)(s->prefix_len + len);
    memcpy(s->at, s->prefix, s->prefix_len);
    s->at_len = s->prefix_len;
    return 0;
}

static void stand_at(struct scan *s, const struct key *key, bool inclusive)
{
    s->inclusive = inclusive;
    s->at_len = (uint16_t)key->len;
    memcpy(s->at, key->data, key->len);
}

/* Whether the key stands before all that begin with the walk's prefix (-1), among them (0) or
 * behind them (1). */
static int side(const struct scan *s, const struct key *key)
{
    size_t len = key->len < s->prefix_len ? key->len : s->prefix_len;
    int order = memcmp(key->data, s->prefix, len);

    if (order == 0 && key->len < s->prefix_len)
        return -1;
    return order < 0 ? -1 : order > 0 ? 1 : 0;
}

/* Take a place over unless it lies outside of what is walked: then the walk begins at its own
 * beginning, or is over. */
static void start_at(struct scan *s, struct key *key, bool inclusive)
{
    int where = side(s, key);

    if (where == 0)
        stand_at(s, key, inclusive);
    else if ((where > 0) != s->backward)
        s->nothing = true;
}

int scan_after(struct scan *s, const void *record, struct err *err)
{
    struct key key;

    (void)err;
    if (s->nothing)
        return 0;
    if (key_leading(s->table, s->index, record, INDEX_FIELDS + TABLE_KEY_FIELDS, &key) == -1)
        s->nothing = true;
    else
        start_at(s, &key, false);
    return 0;
}

int scan_from(struct scan *s, const void *record, unsigned fields, struct err *err)
{
    struct key key;

    (void)err;
    if (s->nothing)
        return 0;
    if (key_leading(s->table, s->index, record, fields, &key) == -1) {
        s->nothing = true;
        return 0;
    }
    if (key.len < s->prefix_len && memcmp(key.data, s->prefix, key.len) == 0)
        return 0; /* it says less than the walk already asks for */
    if (side(s, &key) != 0) {
        start_at(s, &key, true);
        return 0;
    }
    if (s->backward && key_behind(&key) == -1)
        return 0; /* nothing can be behind: from the very end */
    stand_at(s, &key, true);
    return 0;
}

/* One pair further on: 1, 0 at the end, -1. */
static int step(struct scan *s, struct db_raw_pair *pair, struct err *err)
{
    enum db_raw_where where = s->backward    ? DB_RAW_BEFORE
                              : s->inclusive ? DB_RAW_FROM
                                             : DB_RAW_AFTER;
    int got;

    if (s->txn->failed.kind != ERR_NONE) {
        if (err != NULL)
            *err = s->txn->failed;
        return -1;
    }
    if (s->nothing)
        return 0;
    if ((got = db_raw_near(s->txn, where, s->at, s->at_len, pair, err)) != 1)
        return got;
    if (pair->key_len < s->prefix_len || pair->key_len > KEY_MAX ||
        memcmp(pair->key, s->prefix, s->prefix_len) != 0)
        return 0;
    s->inclusive = false;
    s->at_len = (uint16_t)pair->key_len;
    memcpy(s->at, pair->key, pair->key_len);
    return 1;
}

int scan_next(struct scan *s, void *record, struct err *err)
{
    struct db_raw_pair pair;
    struct err why;
    int got;

    if ((got = step(s, &pair, err)) != 1)
        return got;
    if (s->index != NULL)
        return record_of_entry(s->txn, s->table, s->index, &pair, record, err);
    if (value_decode(s->table, pair.key, pair.key_len, pair.value, pair.value_len, record, &why) ==
        0)
        return 1;
    if (err != NULL)
        *err = why;
    return db_raw_fail(s->txn, &why);
}

static int bad_key(struct scan *s, struct err *err)
{
    struct err why;

    (void)err_set(&why, ERR_CORRUPT, "index_corrupt", "%s: a key that is none", s->table->name);
    if (err != NULL)
        *err = why;
    return db_raw_fail(s->txn, &why);
}

int scan_skim(struct scan *s, void *record, struct err *err)
{
    struct key key = {.len = 1, .data = {s->table->id}};
    struct db_raw_pair pair;
    size_t values_len = 0;
    int got;

    if ((got = step(s, &pair, err)) != 1)
        return got;
    if (s->index == NULL)
        return key_read(s->table, pair.key, pair.key_len, record) == 0 ? 1 : bad_key(s, err);
    if (key_values_len(s->table, s->index, pair.key, pair.key_len, &values_len) == -1)
        return bad_key(s, err);
    key.len += pair.key_len - values_len;
    memcpy(key.data + 1, pair.key + values_len, key.len - 1);
    return key_read(s->table, key.data, key.len, record) == 0 ? 1 : bad_key(s, err);
}

int64_t scan_count(struct scan *s, struct err *err)
{
    struct db_raw_pair pair;
    int64_t count = 0;
    int got;

    while ((got = step(s, &pair, err)) == 1)
        count++;
    return got < 0 ? -1 : count;
}
