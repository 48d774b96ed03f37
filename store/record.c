/*
 * Records: one value and its index entries, changed together. Apart from scan.c because this is
 * where the promise is kept that an index never disagrees with what it points to.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "maintain.h"
#include "str.h"
#include "value.h"

/* Give ${why} to the caller and to a write transaction's memory. */
static int failed(struct txn *txn, const struct err *why, struct err *err)
{
    if (err != NULL)
        *err = *why;
    return db_raw_fail(txn, why);
}

/* Whether an earlier error has ended the transaction; then it is the error of everything after. */
static bool is_over(const struct txn *txn, struct err *err)
{
    if (txn->failed.kind == ERR_NONE)
        return false;
    if (err != NULL)
        *err = txn->failed;
    return true;
}

static int out_of_memory(struct txn *txn, struct err *err)
{
    struct err why;

    (void)err_set(&why, ERR_UNAVAILABLE, "out_of_memory", "out of memory");
    return failed(txn, &why, err);
}

static int misfit(struct txn *txn, const struct table *table, struct err *err)
{
    struct err why;

    (void)err_set(&why, ERR_INTERNAL, "bad_record",
                  "a %s holds a value that its table cannot store", table->noun);
    return failed(txn, &why, err);
}

static int must_write(struct txn *txn, struct err *err)
{
    struct err why;

    if (is_over(txn, err))
        return -1;
    if (txn->writing)
        return 0;
    (void)err_set(&why, ERR_INTERNAL, "read_only", "a change in a transaction that only reads");
    return failed(txn, &why, err);
}

int record_at(struct txn *txn, const struct table *table, const struct key *key, void *record,
              struct err *err)
{
    struct db_raw_pair pair;
    struct err why;
    int got = db_raw_get(txn, key->data, key->len, &pair, err);

    if (got != 1)
        return got;
    if (value_decode(table, key->data, key->len, pair.value, pair.value_len, record, &why) == 0)
        return 1;
    return failed(txn, &why, err);
}

/* The record that is about to be replaced, into room of the transaction's own. Return as record_at.
 */
static int load_old(struct txn *txn, const struct table *table, const struct key *key,
                    struct err *err)
{
    void *room;

    if (txn->old_size < table->fields.struct_size) {
        if ((room = realloc(txn->old, table->fields.struct_size)) == NULL)
            return out_of_memory(txn, err);
        txn->old = room;
        txn->old_size = table->fields.struct_size;
    }
    return record_at(txn, table, key, txn->old, err);
}

int record_get(struct txn *txn, const struct table *table, void *record, struct err *err)
{
    struct key key;

    if (is_over(txn, err))
        return -1;
    if (key_record(table, record, &key) == -1)
        return 0; /* no record can have such a key */
    return record_at(txn, table, &key, record, err);
}

int record_of_entry(struct txn *txn, const struct table *table, const struct index *index,
                    const struct db_raw_pair *entry, void *record, struct err *err)
{
    struct key key = {.len = 1, .data = {table->id}};
    size_t values_len = 0;
    struct err why;
    char name[KEY_TEXT_SIZE];
    int got = 0;

    if (key_values_len(table, index, entry->key, entry->key_len, &values_len) == 0) {
        key.len += entry->key_len - values_len;
        memcpy(key.data + 1, entry->key + values_len, key.len - 1);
        if ((got = record_at(txn, table, &key, record, err)) != 0)
            return got;
    }
    key_text(table, key.data, key.len, name);
    (void)err_set(&why, ERR_CORRUPT, "index_corrupt", "%s %s: index %s points to no record",
                  table->name, name, index->name);
    return failed(txn, &why, err);
}

/* The first entry of an index with the same values. Return 1, 0 or -1. */
static int first_entry(struct txn *txn, const struct key *entry, size_t values_len,
                       struct db_raw_pair *pair, struct err *err)
{
    int got = db_raw_near(txn, DB_RAW_FROM, entry->data, values_len, pair, err);

    if (got == 1 && (pair->key_len < values_len || memcmp(pair->key, entry->data, values_len) != 0))
        return 0;
    return got;
}

int record_find(struct txn *txn, const struct table *table, const char *name, void *record,
                struct err *err)
{
    const struct index *index = index_find(table, name);
    struct db_raw_pair pair;
    struct key key;
    struct err why;
    int got;

    if (is_over(txn, err))
        return -1;
    if (index == NULL || !index->unique) {
        (void)err_set(&why, ERR_INTERNAL, "bad_index", "%s has no unique index %s", table->name,
                      name);
        return failed(txn, &why, err);
    }
    if (key_leading(table, index, record, key_fields(index->fields, INDEX_FIELDS), &key) == -1)
        return 0;
    if ((got = first_entry(txn, &key, key.len, &pair, err)) != 1)
        return got;
    return record_of_entry(txn, table, index, &pair, record, err);
}

/* An index entry before and after a change; a length of 0 says that there is none. */
struct entries {
    struct key old, new;
    size_t old_values_len, values_len;
};

static bool same(const struct entries *e)
{
    return e->old.len == e->new.len &&memcmp(e->old.data, e->new.data, e->old.len) == 0;
}

static int work_out(struct txn *txn, const struct table *table, const struct index *index,
                    const void *old, const void *new, struct entries *e, struct err *err)
{
    e->old.len = e->new.len = 0;
    if (old != NULL && key_entry(table, index, old, &e->old, &e->old_values_len) != 1)
        e->old.len = 0;
    if (new == NULL)
        return 0;
    switch (key_entry(table, index, new, &e->new, &e->values_len)) {
    case 1:
        return 0;
    case 0:
        e->new.len = 0;
        return 0;
    default:
        return misfit(txn, table, err);
    }
}

static int conflict(struct txn *txn, const struct table *table, const char *field, struct err *err)
{
    char code[ERR_CODE_SIZE];
    struct err why;

    (void)str_format(code, sizeof code, "%s_exists", table->noun);
    (void)err_set(&why, ERR_CONFLICT, code, "there is a %s with this %s already", table->noun,
                  field);
    (void)str_copy(why.field, sizeof why.field, field);
    return failed(txn, &why, err);
}

/* That no other record has the same values in a unique index, before anything is written. */
static int check_unique(struct txn *txn, const struct table *table, const void *old,
                        const void *new, struct err *err)
{
    struct db_raw_pair pair;
    struct entries e;

    for (size_t i = 0; i < table->index_count; i++) {
        const struct index *index = &table->indexes[i];
        int got;
        if (index->words)
            continue;
        if (work_out(txn, table, index, old, new, &e, err) == -1)
            return -1;
        if (!index->unique || e.new.len == 0 || same(&e))
            continue;
        if ((got = first_entry(txn, &e.new, e.values_len, &pair, err)) == -1)
            return -1;
        if (got == 1 && (pair.key_len != e.new.len || memcmp(pair.key, e.new.data, e.new.len) != 0))
            return conflict(txn, table, index->fields[0], err);
    }
    return 0;
}

/* Whether the record has this entry in an index of words. */
static bool has_word(const struct table *table, const struct index *index, const void *record,
                     const struct key *entry)
{
    struct key own;
    size_t ignored;

    for (unsigned n = 0; record != NULL; n++) {
        if (key_entry_nth(table, index, record, n, &own, &ignored) != 1)
            return false;
        if (own.len == entry->len && memcmp(own.data, entry->data, own.len) == 0)
            return true;
    }
    return false;
}

/* Only the words that come and go are written. */
static int move_words(struct txn *txn, const struct table *table, const struct index *index,
                      const void *old, const void *new, struct err *err)
{
    struct key entry;
    size_t ignored;
    int got = 0;

    for (unsigned n = 0; old != NULL && key_entry_nth(table, index, old, n, &entry, &ignored) == 1;
         n++)
        if (!has_word(table, index, new, &entry) &&
            db_raw_delete(txn, entry.data, entry.len, err) == -1)
            return -1;
    for (unsigned n = 0;
         new != NULL && (got = key_entry_nth(table, index, new, n, &entry, &ignored)) == 1; n++)
        if (!has_word(table, index, old, &entry) &&
            db_raw_put(txn, entry.data, entry.len, "", 0, err) == -1)
            return -1;
    return got == -1 ? misfit(txn, table, err) : 0;
}

/* What was not there, in a store that does not have the index yet, is not counted either. */
static int swap_entries(struct txn *txn, const struct index *index, const struct entries *e,
                        struct err *err)
{
    int gone = e->old.len == 0 ? 0 : db_raw_delete(txn, e->old.data, e->old.len, err);

    if (gone == -1 ||
        (e->new.len > 0 && db_raw_put(txn, e->new.data, e->new.len, "", 0, err) == -1))
        return -1;
    if (!index->counted)
        return 0;
    if (gone == 1 && counted_change(txn, e->old.data, e->old_values_len, false, err) == -1)
        return -1;
    return e->new.len > 0 ? counted_change(txn, e->new.data, e->values_len, true, err) : 0;
}

static int move_entries(struct txn *txn, const struct table *table, const void *old,
                        const void *new, struct err *err)
{
    struct entries e;

    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].words) {
            if (move_words(txn, table, &table->indexes[i], old, new, err) == -1)
                return -1;
            continue;
        }
        if (work_out(txn, table, &table->indexes[i], old, new, &e, err) == -1)
            return -1;
        if (same(&e))
            continue;
        if (swap_entries(txn, &table->indexes[i], &e, err) == -1)
            return -1;
    }
    return 0;
}

static int count_change(struct txn *txn, const struct table *table, bool more, struct err *err)
{
    struct key key;
    uint64_t n;

    db_raw_own_key(&key, DB_RAW_COUNT, &table->id, 1);
    if (db_raw_number(txn, &key, &n, err) == -1)
        return -1;
    if (!more && n == 0)
        return 0; /* fsck will find the count wrong */
    return db_raw_set_number(txn, &key, more ? n + 1 : n - 1, err);
}

/* The record as it will be stored, into the transaction's own buffer. */
static int make_value(struct txn *txn, const struct table *table, const struct key *key,
                      const void *record, struct err *err)
{
    struct buf *value = &txn->value;

    value_begin(value, table->version);
    if (fields_encode(&table->fields, record, value) == -1 ||
        value_end(value, key->data, key->len) == -1)
        return misfit(txn, table, err);
    return 0;
}

/* Whether the stored bytes already are those of make_value: then there is nothing to do. */
static int is_stored(struct txn *txn, const struct key *key, struct err *err)
{
    const struct buf *value = &txn->value;
    struct db_raw_pair pair;

    if (db_raw_get(txn, key->data, key->len, &pair, err) != 1)
        return -1;
    return pair.value_len == value->len && memcmp(pair.value, value->data, value->len) == 0;
}

static int store(struct txn *txn, const struct table *table, const void *record, bool only_new,
                 struct err *err)
{
    struct key key;
    const void *old;
    int got;

    if (must_write(txn, err) == -1)
        return -1;
    if (key_record(table, record, &key) == -1)
        return misfit(txn, table, err);
    if ((got = load_old(txn, table, &key, err)) == -1)
        return -1;
    if (got == 1 && only_new)
        return conflict(txn, table, table->key[0], err);
    if (make_value(txn, table, &key, record, err) == -1)
        return -1;
    if (got == 1) {
        int stored = is_stored(txn, &key, err);
        if (stored != 0)
            return stored == 1 ? 0 : -1;
    }
    old = got == 1 ? txn->old : NULL;
    if (check_unique(txn, table, old, record, err) == -1 ||
        db_raw_put(txn, key.data, key.len, txn->value.data, txn->value.len, err) == -1 ||
        move_entries(txn, table, old, record, err) == -1) /* which may use txn->value anew */
        return -1;
    if (old == NULL && count_change(txn, table, true, err) == -1)
        return -1;
    return feed_note(txn, table, old, record, err);
}

int record_insert(struct txn *txn, const struct table *table, const void *record, struct err *err)
{
    return store(txn, table, record, true, err);
}

int record_put(struct txn *txn, const struct table *table, const void *record, struct err *err)
{
    return store(txn, table, record, false, err);
}

int record_delete(struct txn *txn, const struct table *table, const void *record, struct err *err)
{
    struct key key;
    int got;

    if (must_write(txn, err) == -1)
        return -1;
    if (key_record(table, record, &key) == -1)
        return 0;
    if ((got = load_old(txn, table, &key, err)) != 1)
        return got;
    if (move_entries(txn, table, txn->old, NULL, err) == -1 ||
        db_raw_delete(txn, key.data, key.len, err) == -1 ||
        count_change(txn, table, false, err) == -1 ||
        feed_note(txn, table, txn->old, NULL, err) == -1)
        return -1;
    return 1;
}

int64_t record_count(struct txn *txn, const struct table *table, struct err *err)
{
    struct key key;
    uint64_t n;

    if (is_over(txn, err))
        return -1;
    db_raw_own_key(&key, DB_RAW_COUNT, &table->id, 1);
    if (db_raw_number(txn, &key, &n, err) == -1)
        return -1;
    return (int64_t)n;
}

uint64_t record_next_number(struct txn *txn, const char *name, struct err *err)
{
    struct key key;
    uint64_t n;

    if (must_write(txn, err) == -1)
        return 0;
    db_raw_own_key(&key, DB_RAW_COUNTER, name, strlen(name));
    if (db_raw_number(txn, &key, &n, err) == -1 || db_raw_set_number(txn, &key, n + 1, err) == -1)
        return 0;
    return n + 1;
}

int record_last_number(struct txn *txn, const char *name, uint64_t *number, struct err *err)
{
    struct key key;

    if (is_over(txn, err))
        return -1;
    db_raw_own_key(&key, DB_RAW_COUNTER, name, strlen(name));
    return db_raw_number(txn, &key, number, err);
}

int record_raise_number(struct txn *txn, const char *name, uint64_t least, struct err *err)
{
    struct key key;
    uint64_t n;

    if (must_write(txn, err) == -1)
        return -1;
    db_raw_own_key(&key, DB_RAW_COUNTER, name, strlen(name));
    if (db_raw_number(txn, &key, &n, err) == -1)
        return -1;
    return n >= least ? 0 : db_raw_set_number(txn, &key, least, err);
}

int record_reindex(struct txn *txn, const struct table *table, const char *name, struct err *err)
{
    const struct index *index = index_find(table, name);
    struct scan scan;
    struct err why;
    void *record;
    int got = -1;

    if (must_write(txn, err) == -1)
        return -1;
    if (index == NULL) {
        (void)err_set(&why, ERR_INTERNAL, "bad_index", "%s has no index %s", table->name, name);
        return failed(txn, &why, err);
    }
    if ((record = malloc(table->fields.struct_size)) == NULL)
        return out_of_memory(txn, err);
    if (record_clear_index(txn, index, err) == 0 &&
        scan_start(&scan, txn, table, NULL, NULL, 0, false, err) == 0)
        while ((got = scan_next(&scan, record, err)) == 1)
            if (record_add_entry(txn, table, index, record, err) == -1) {
                got = -1;
                break;
            }
    free(record);
    return got;
}

int record_clear_index(struct txn *txn, const struct index *index, struct err *err)
{
    struct db_raw_pair pair;
    struct key key;
    int got;

    while ((got = db_raw_near(txn, DB_RAW_FROM, &index->id, 1, &pair, err)) == 1 &&
           pair.key[0] == index->id) {
        key.len = pair.key_len < KEY_MAX ? pair.key_len : KEY_MAX;
        memcpy(key.data, pair.key, key.len);
        if (db_raw_delete(txn, key.data, key.len, err) == -1)
            return -1;
    }
    return got == -1 ? -1 : counted_clear(txn, index, err);
}

int record_add_entry(struct txn *txn, const struct table *table, const struct index *index,
                     const void *record, struct err *err)
{
    struct db_raw_pair pair;
    struct entries e;
    int got;

    if (index->words)
        return move_words(txn, table, index, NULL, record, err);
    if (work_out(txn, table, index, NULL, record, &e, err) == -1)
        return -1;
    if (e.new.len == 0)
        return 0;
    if (index->unique) {
        if ((got = first_entry(txn, &e.new, e.values_len, &pair, err)) == -1)
            return -1;
        if (got == 1)
            return conflict(txn, table, index->fields[0], err);
    }
    return swap_entries(txn, index, &e, err);
}
