#ifndef SETT_STORE_SAMPLES_H
#define SETT_STORE_SAMPLES_H
/* A small schema for the store's tests: owners and their things, with every type of field, and the
 * next version of it. Helpers for folders that clean up after themselves. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "db_raw.h"
#include "file.h"
#include "id.h"
#include "maintain.h"
#include "str.h"

struct owner {
    char id[ID_SIZE];
    uint64_t number;
    char name[64];
};

struct thing {
    char id[ID_SIZE];
    uint64_t number;
    char owner_id[ID_SIZE];
    char name[64];
    uint32_t colour;
    bool open;
    uint32_t size;
    int64_t balance;
    int64_t created_at;
    uint8_t digest[16];
    struct kv facts;
    struct sealed secret;
    char any_id[ID_SIZE];
    char note[200]; /* since version 2 */
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct field owner_fields[] = {
    FIELD(struct owner, id, FIELD_ID, .ref_prefix = "ow"),
    FIELD(struct owner, number, FIELD_U64),
    FIELD(struct owner, name, FIELD_TEXT, .flags = FIELD_REQUIRED),
};

#define THING_FIELDS                                                                               \
    FIELD(struct thing, id, FIELD_ID, .ref_prefix = "th"), FIELD(struct thing, number, FIELD_U64), \
        FIELD(struct thing, owner_id, FIELD_ID, .ref_prefix = "ow", .flags = FIELD_KEY),           \
        FIELD(struct thing, name, FIELD_TEXT),                                                     \
        FIELD(struct thing, colour, FIELD_ENUM, .names = colours),                                 \
        FIELD(struct thing, open, FIELD_BOOL), FIELD(struct thing, size, FIELD_U32),               \
        FIELD(struct thing, balance, FIELD_I64), FIELD(struct thing, created_at, FIELD_TIME),      \
        FIELD(struct thing, digest, FIELD_BYTES), FIELD(struct thing, facts, FIELD_KV),            \
        FIELD(struct thing, secret, FIELD_SEALED), FIELD(struct thing, any_id, FIELD_ID)

static const struct field thing_fields[] = {THING_FIELDS};
static const struct field thing_fields_2[] = {THING_FIELDS,
                                              {.name = "note",
                                               .type = FIELD_TEXT,
                                               .offset = offsetof(struct thing, note),
                                               .size = sizeof(((struct thing *)0)->note),
                                               .since = 2}};

static const struct index owner_indexes[] = {
    {.name = "number", .id = 130, .unique = true, .fields = {"number"}},
};

#define THING_INDEXES                                                                              \
    {.name = "number", .id = 131, .unique = true, .fields = {"number"}},                           \
        {.name = "owner", .id = 132, .fields = {"owner_id", "balance"}},                           \
        {.name = "name", .id = 133, .unique = true, .sparse = true, .fields = {"name"}},           \
    {                                                                                              \
        .name = "colour", .id = 134, .sparse = true, .fields = { "colour" }                        \
    }

static const struct index thing_indexes[] = {THING_INDEXES};
static const struct index thing_indexes_2[] = {
    THING_INDEXES, {.name = "note", .id = 135, .sparse = true, .fields = {"note"}}};

static const struct table owners = {
    .name = "owners",
    .noun = "owner",
    .id = 1,
    .version = 1,
    .prefix = "ow",
    .fields = {owner_fields, sizeof owner_fields / sizeof owner_fields[0], sizeof(struct owner)},
    .key = {"id"},
    .indexes = owner_indexes,
    .index_count = 1};

static const struct table things = {
    .name = "things",
    .noun = "thing",
    .id = 2,
    .version = 1,
    .prefix = "th",
    .fields = {thing_fields, sizeof thing_fields / sizeof thing_fields[0], sizeof(struct thing)},
    .key = {"id"},
    .indexes = thing_indexes,
    .index_count = 4};

static const struct table things_2 = {.name = "things",
                                      .noun = "thing",
                                      .id = 2,
                                      .version = 2,
                                      .prefix = "th",
                                      .fields = {thing_fields_2,
                                                 sizeof thing_fields_2 / sizeof thing_fields_2[0],
                                                 sizeof(struct thing)},
                                      .key = {"id"},
                                      .indexes = thing_indexes_2,
                                      .index_count = 5};

static const struct table *const sample_tables[] = {&owners, &things};
static const struct table *const sample_tables_2[] = {&owners, &things_2};
static const struct schema sample = {sample_tables, 2, 1, false};
static const struct schema sample_2 = {sample_tables_2, 2, 2, false};

#define PATH_SIZE 512

/* A fresh folder below $TMPDIR; its path. */
static inline void make_folder(char out[PATH_SIZE])
{
    const char *tmp = getenv("TMPDIR");

    assert_int_equal(str_format(out, PATH_SIZE, "%s/sett-test-XXXXXX", tmp == NULL ? "/tmp" : tmp),
                     0);
    assert_non_null(mkdtemp(out));
}

static inline void remove_folder(const char *path)
{
    struct err err;

    if (file_remove_tree(path, &err) == -1)
        fail_msg("%s", err.text);
}

/* A fresh store in ${folder}/db. */
static inline struct db *make_store(const char *folder)
{
    char path[PATH_SIZE];
    struct db *db;
    struct err err;

    assert_int_equal(str_format(path, sizeof path, "%s/db", folder), 0);
    if (db_create(path, &sample, &err) == -1 || db_open(&db, path, &sample, &err) == -1)
        fail_msg("%s", err.text);
    return db;
}

static inline void make_thing(struct thing *t, uint64_t number)
{
    memset(t, 0, sizeof *t);
    id_make(t->id, "th");
    t->number = number;
    (void)str_format(t->name, sizeof t->name, "thing-%llu", (unsigned long long)number);
    t->created_at = INT64_C(1764000000000) + (int64_t)number;
    t->balance = (int64_t)(number % 7) - 3;
}

/* Changes that tests make. */
static inline int insert_thing(struct txn *txn, void *arg, struct err *err)
{
    return record_insert(txn, &things, arg, err);
}

static inline int put_thing(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &things, arg, err);
}

static inline int delete_thing(struct txn *txn, void *arg, struct err *err)
{
    return record_delete(txn, &things, arg, err) == -1 ? -1 : 0;
}

static inline int insert_owner(struct txn *txn, void *arg, struct err *err)
{
    return record_insert(txn, &owners, arg, err);
}

#endif
