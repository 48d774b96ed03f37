/*
 * The check of a whole store from one snapshot. Apart from what reads and writes records, and built
 * on raw pairs, so that it does not believe the code whose work it checks.
 */
#include "maintain.h"

#include <stdlib.h>
#include <string.h>

#include "db_raw.h"
#include "id.h"
#include "record.h"
#include "str.h"
#include "value.h"

struct check {
    struct txn *txn;
    const struct schema *schema;
    fsck_found *found;
    void *arg;
    int64_t findings;
    uint64_t equals; /* numbers of counted indexes that were met */
    void *record;    /* room for a record of any table */
    struct err *err;
};

static void report(struct check *c, const struct table *table, const uint8_t *key, size_t len,
                   const char *what, const char *detail)
{
    char name[KEY_TEXT_SIZE] = "", text[ERR_TEXT_SIZE];

    if (len > 0)
        key_text(table, key, len, name);
    (void)snprintf(text, sizeof text, "%s%s", what, detail);
    c->findings++;
    if (c->found != NULL)
        c->found(c->arg, table == NULL ? "store" : table->name, name, text);
}

/* The pair after ${at} if its key begins with ${byte}; ${at} moves there. Return 1, 0 or -1. */
static int step(struct check *c, uint8_t byte, struct key *at, struct db_raw_pair *pair)
{
    int got = db_raw_near(c->txn, at->len == 1 ? DB_RAW_FROM : DB_RAW_AFTER, at->data, at->len,
                          pair, c->err);

    if (got != 1 || pair->key[0] != byte || pair->key_len > KEY_MAX)
        return got == -1 ? -1 : 0;
    at->len = pair->key_len;
    memcpy(at->data, pair->key, pair->key_len);
    return 1;
}

static int exists(struct check *c, const struct key *key)
{
    struct db_raw_pair pair;

    return db_raw_get(c->txn, key->data, key->len, &pair, c->err);
}

static int check_entries(struct check *c, const struct table *table, const struct key *at)
{
    struct key entry;
    size_t ignored;
    int got;

    for (size_t i = 0; i < table->index_count; i++) {
        const struct index *index = &table->indexes[i];
        for (unsigned n = 0;
             (got = key_entry_nth(table, index, c->record, n, &entry, &ignored)) == 1; n++) {
            int there = exists(c, &entry);
            if (there == -1)
                return -1;
            if (there == 0)
                report(c, table, at->data, at->len, "no entry in index ", index->name);
        }
        if (got == -1)
            report(c, table, at->data, at->len, "a value that cannot be in index ", index->name);
    }
    return 0;
}

static int check_references(struct check *c, const struct table *table, const struct key *at)
{
    for (size_t i = 0; i < table->fields.count; i++) {
        const struct field *f = &table->fields.at[i];
        const char *id = (const char *)c->record + f->offset;
        struct key key = {.len = 1 + ID_BYTES};
        const struct table *to;
        int got;
        if ((f->flags & FIELD_KEY) == 0 || id[0] == '\0')
            continue;
        to = table_by_prefix(c->schema, f->ref_prefix);
        if (to == NULL || id_bytes(id, f->ref_prefix, key.data + 1) == -1) {
            report(c, table, at->data, at->len, "not a reference: ", f->name);
            continue;
        }
        key.data[0] = to->id;
        if ((got = exists(c, &key)) == -1)
            return -1;
        if (got == 0)
            report(c, table, at->data, at->len, "what it refers to does not exist: ", f->name);
    }
    return 0;
}

static int check_count(struct check *c, const struct table *table, uint64_t seen)
{
    struct err why;
    char what[64];
    struct key key;
    uint64_t n;

    db_raw_own_key(&key, DB_RAW_COUNT, &table->id, 1);
    if (db_raw_number(c->txn, &key, &n, &why) == -1) {
        report(c, table, NULL, 0, "the count: ", why.text);
        return 0;
    }
    if (n == seen)
        return 0;
    (void)str_format(what, sizeof what, "%llu, and there are %llu", (unsigned long long)n,
                     (unsigned long long)seen);
    report(c, table, NULL, 0, "the count says ", what);
    return 0;
}

static int check_table(struct check *c, const struct table *table)
{
    struct key at = {.len = 1, .data = {table->id}}, own;
    struct db_raw_pair pair;
    uint64_t seen = 0;
    struct err why;
    int got;

    while ((got = step(c, table->id, &at, &pair)) == 1) {
        const char *wrong =
            value_read(table, at.data, at.len, pair.value, pair.value_len, c->record, &why);
        seen++;
        if (wrong != NULL) {
            report(c, table, at.data, at.len, wrong, "");
            continue;
        }
        if (key_record(table, c->record, &own) == -1 || own.len != at.len ||
            memcmp(own.data, at.data, at.len) != 0)
            report(c, table, at.data, at.len, "a record under a key that is not its own", "");
        if (check_entries(c, table, &at) == -1 || check_references(c, table, &at) == -1)
            return -1;
    }
    return got == -1 ? -1 : check_count(c, table, seen);
}

/* Whether the record that was read has this entry. */
static bool is_own(struct check *c, const struct table *table, const struct index *index,
                   const struct key *at)
{
    struct key own;
    size_t ignored;

    for (unsigned n = 0; key_entry_nth(table, index, c->record, n, &own, &ignored) == 1; n++)
        if (own.len == at->len && memcmp(own.data, at->data, at->len) == 0)
            return true;
    return false;
}

/* One entry of an index against the record it points to. */
static int check_entry(struct check *c, const struct table *table, const struct index *index,
                       const struct key *at, size_t values_len)
{
    struct key key = {.len = 1, .data = {table->id}};
    struct db_raw_pair pair;
    struct err why;
    int got;

    key.len += at->len - values_len;
    memcpy(key.data + 1, at->data + values_len, key.len - 1);
    if ((got = db_raw_get(c->txn, key.data, key.len, &pair, c->err)) == -1)
        return -1;
    if (got == 0) {
        report(c, table, key.data, key.len, "no record for the entry in index ", index->name);
        return 0;
    }
    if (value_read(table, key.data, key.len, pair.value, pair.value_len, c->record, &why) != NULL)
        return 0; /* reported with its table */
    if (!is_own(c, table, index, at))
        report(c, table, key.data, key.len, "a wrong entry in index ", index->name);
    return 0;
}

/* That so many entries, which all begin as this one, are kept as their number. */
static int check_equal(struct check *c, const struct table *table, const struct index *index,
                       const struct key *entry, size_t values_len, uint64_t seen)
{
    char what[96];
    uint64_t n;

    if (!index->counted || seen == 0)
        return 0;
    if (counted_read(c->txn, entry->data, values_len, &n, c->err) == -1)
        return -1;
    c->equals++;
    if (n == seen)
        return 0;
    (void)str_format(what, sizeof what, "%s: %llu, and there are %llu", index->name,
                     (unsigned long long)n, (unsigned long long)seen);
    report(c, table, NULL, 0, "the count of equal values in index ", what);
    return 0;
}

static int check_index(struct check *c, const struct table *table, const struct index *index)
{
    struct key at = {.len = 1, .data = {index->id}}, last = {.len = 0};
    struct db_raw_pair pair;
    size_t values_len, last_values = 0;
    uint64_t equal = 0;
    int got;

    while ((got = step(c, index->id, &at, &pair)) == 1) {
        if (key_values_len(table, index, at.data, at.len, &values_len) == -1) {
            report(c, table, at.data, at.len, "a key that is none in index ", index->name);
            continue;
        }
        if (pair.value_len != 0)
            report(c, table, at.data, at.len, "an entry with a value in index ", index->name);
        if (index->unique && values_len == last_values &&
            memcmp(at.data, last.data, values_len) == 0)
            report(c, table, at.data, at.len, "two records with the same values in unique index ",
                   index->name);
        if (values_len != last_values || memcmp(at.data, last.data, values_len) != 0) {
            if (check_equal(c, table, index, &last, last_values, equal) == -1)
                return -1;
            equal = 0;
        }
        equal++;
        last = at;
        last_values = values_len;
        if (check_entry(c, table, index, &at, values_len) == -1)
            return -1;
    }
    return got == -1 ? -1 : check_equal(c, table, index, &last, last_values, equal);
}

static bool is_counted(const struct schema *schema, const struct key *key)
{
    for (size_t i = 0; i < schema->table_count; i++)
        if (key->len == 3 && key->data[2] == schema->tables[i]->id)
            return true;
    return false;
}

/* The schema's record, counters, and that every count belongs to a table. */
static int check_own(struct check *c)
{
    struct key at = {.len = 1, .data = {DB_RAW_OWN}};
    struct db_raw_pair pair;
    uint32_t version;
    struct err why;
    uint64_t n, equals = 0;
    int got;

    if (db_raw_schema(c->txn, &version, &why) == -1)
        report(c, NULL, NULL, 0, why.text, "");
    while ((got = step(c, DB_RAW_OWN, &at, &pair)) == 1) {
        uint8_t kind = at.len < 2 ? 0 : at.data[1];
        if (kind == DB_RAW_COUNTER && db_raw_number(c->txn, &at, &n, &why) == -1)
            report(c, NULL, at.data, at.len, why.text, "");
        equals += kind == DB_RAW_EQUAL;
        if (kind != DB_RAW_COUNTER && kind != DB_RAW_EQUAL &&
            !((kind == DB_RAW_SCHEMA || kind == DB_RAW_LEVEL) && at.len == 2) &&
            !(kind == DB_RAW_COUNT && is_counted(c->schema, &at)))
            report(c, NULL, at.data, at.len, "a key that means nothing", "");
    }
    if (got != -1 && equals > c->equals)
        report(c, NULL, NULL, 0, "counts of values that no entry has", "");
    return got == -1 ? -1 : 0;
}

/* Keys that begin with a byte of no table and no index: the first of each byte. */
static int check_strays(struct check *c)
{
    bool known[256] = {[DB_RAW_OWN] = true};

    for (size_t i = 0; i < c->schema->table_count; i++) {
        const struct table *table = c->schema->tables[i];
        known[table->id] = true;
        for (size_t k = 0; k < table->index_count; k++)
            known[table->indexes[k].id] = true;
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        struct key at = {.len = 1, .data = {(uint8_t)byte}};
        struct db_raw_pair pair;
        int got;
        if (known[byte])
            continue;
        if ((got = step(c, (uint8_t)byte, &at, &pair)) == -1)
            return -1;
        if (got == 1)
            report(c, NULL, at.data, at.len, "a key of no table", "");
    }
    return 0;
}

static int check_all(struct check *c)
{
    for (size_t i = 0; i < c->schema->table_count; i++) {
        const struct table *table = c->schema->tables[i];
        if (check_table(c, table) == -1)
            return -1;
        for (size_t k = 0; k < table->index_count; k++)
            if (check_index(c, table, &table->indexes[k]) == -1)
                return -1;
    }
    return check_own(c) == -1 || check_strays(c) == -1 ? -1 : 0;
}

int64_t db_fsck(struct db *db, fsck_found *found, void *arg, struct err *err)
{
    struct check c = {.schema = db->schema, .found = found, .arg = arg, .err = err};
    size_t size = 1;
    int result;

    for (size_t i = 0; i < db->schema->table_count; i++)
        if (db->schema->tables[i]->fields.struct_size > size)
            size = db->schema->tables[i]->fields.struct_size;
    if ((c.record = malloc(size)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "out_of_memory", "out of memory");
    result = db_read(&c.txn, db, err);
    if (result == 0) {
        c.txn->long_reader = true;
        result = check_all(&c);
        db_read_end(c.txn);
    }
    free(c.record);
    return result == -1 ? -1 : c.findings;
}
