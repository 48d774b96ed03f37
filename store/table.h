#ifndef SETT_TABLE_H
#define SETT_TABLE_H
/*
 * A table: a field table with a key, indexes, and a byte that stands before its keys. Declared once
 * by the floor above; the store does not know what a tenant is.
 */
#include "field.h"

#define TABLE_KEY_FIELDS 3
#define INDEX_FIELDS     3
#define INDEX_WORD_MAX   64 /* bytes; a longer word has no entry */

struct index {
    const char *name;
    uint8_t id;   /* first byte of its keys; never reused */
    bool unique;  /* at most one record with the same values */
    bool sparse;  /* records whose first indexed field is "" or 0 have no entry */
    bool counted; /* how many entries have the same values is kept: record_count_equal */
    bool words;   /* its one field is a text, and each of its words has an entry: scan_words */
    const char *fields[INDEX_FIELDS]; /* names, NULL after the last */
};

/* What those who look on are told of changes of a table's records (feed.h). The names are of
 * fields; NULL: none. */
#define FEED_BESIDE 4
struct table_feed {
    const char *object; /* what a record is told as; NULL: nothing is told, "": what its id is of */
    const char *id;     /* what names it; NULL: the key's first */
    const char *about;  /* what it belongs to: an id, or "kind:id" */
    const char *customer;            /* whose it is */
    const char *beside[FEED_BESIDE]; /* changes of nothing but these are no news */
};

struct table {
    const char *name;   /* "tenants" */
    const char *noun;   /* "tenant", as in error codes: tenant_not_found */
    uint8_t id;         /* first byte of its keys; never reused */
    uint8_t version;    /* of its field table; grows when a field is appended */
    const char *prefix; /* of its ids, or NULL */
    struct fields fields;
    const char *key[TABLE_KEY_FIELDS]; /* names of the key's fields, NULL after the last */
    const struct index *indexes;
    size_t index_count;
    struct table_feed feed;
};

/* All tables of a store; id bytes 1..127 are tables, 128..254 indexes, 255 the store's own. */
struct schema {
    const struct table *const *tables;
    size_t table_count;
    uint32_t version; /* of the whole; a store with a newer one is refused */
    bool feed;        /* changes are noted: feed_table is one of the tables */
};

/** table_find(schema, name): by name, or NULL. */
const struct table *table_find(const struct schema *schema, const char *name);

/** table_by_prefix(schema, prefix): the table whose ids begin so, or NULL. */
const struct table *table_by_prefix(const struct schema *schema, const char *prefix);

/** index_find(table, name): by name, or NULL. */
const struct index *index_find(const struct table *table, const char *name);

/** schema_level(schema): a number that grows with every table, field version, index and version of
 * the whole that is added, and never falls: a program can read all that programs of its level and
 * below have written. */
uint64_t schema_level(const struct schema *schema);

/** schema_check(schema, err): that a declaration is sound: bytes and names unique, keys and indexes
 * name fields that can be keys, key sizes within LMDB's 511 bytes. For tests and db_open. 0 or -1.
 */
int schema_check(const struct schema *schema, struct err *err);

#endif
