/* Tables and schemas: finding them, and proving at start that what was declared can work. Apart
 * because a wrong declaration must be found by a test and not by a customer's record. */
#include "table.h"

#include <string.h>

#include "id.h"
#include "key.h"
#include "str.h"

const struct table *table_find(const struct schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->table_count; i++)
        if (str_equal(schema->tables[i]->name, name))
            return schema->tables[i];
    return NULL;
}

const struct table *table_by_prefix(const struct schema *schema, const char *prefix)
{
    for (size_t i = 0; i < schema->table_count; i++) {
        const char *mine = schema->tables[i]->prefix;
        if (mine != NULL && prefix != NULL && str_equal(mine, prefix))
            return schema->tables[i];
    }
    return NULL;
}

const struct index *index_find(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (str_equal(table->indexes[i].name, name))
            return &table->indexes[i];
    return NULL;
}

uint64_t schema_level(const struct schema *schema)
{
    uint64_t level = schema->version;

    for (size_t i = 0; i < schema->table_count; i++)
        level += 1 + schema->tables[i]->version + schema->tables[i]->index_count;
    return level;
}

static int bad(struct err *err, const struct table *table, const char *name, const char *what)
{
    return err_set(err, ERR_INTERNAL, "bad_schema", "table %s, %s: %s", table->name, name, what);
}

/* Whether a member's size is what its type asks for. */
static bool size_fits(const struct field *f)
{
    switch (f->type) {
    case FIELD_BOOL:
        return f->size == sizeof(bool);
    case FIELD_U32:
    case FIELD_ENUM:
        return f->size == sizeof(uint32_t);
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_TIME:
        return f->size == sizeof(uint64_t);
    case FIELD_TEXT:
    case FIELD_BYTES:
        return f->size > 0;
    case FIELD_ID:
        return f->size == ID_SIZE;
    case FIELD_KV:
        return f->size == sizeof(struct kv);
    case FIELD_SEALED:
        return f->size == sizeof(struct sealed);
    }
    return false;
}

static int check_fields(const struct table *table, struct err *err)
{
    uint8_t since = 1;

    for (size_t i = 0; i < table->fields.count; i++) {
        const struct field *f = &table->fields.at[i];
        if (fields_find(&table->fields, f->name) != f)
            return bad(err, table, f->name, "the field stands there twice");
        if (!size_fits(f) || f->offset + f->size > table->fields.struct_size)
            return bad(err, table, f->name, "the member's size does not fit its type");
        if (f->since < since || f->since > table->version)
            return bad(err, table, f->name,
                       "fields must be in the order of the versions they came in");
        if (f->type == FIELD_ENUM && f->names == NULL)
            return bad(err, table, f->name, "an enum needs its words");
        if (f->ref_prefix != NULL &&
            (f->ref_prefix[0] == '\0' || strlen(f->ref_prefix) > ID_PREFIX_MAX))
            return bad(err, table, f->name, "a prefix has 1 to 4 characters");
        since = f->since;
    }
    return 0;
}

/* The most bytes that the named fields take in a key; 0 after an error. */
static size_t names_size(const struct table *table, const char *const *names, unsigned max,
                         struct err *err)
{
    size_t size = 0;

    if (names[0] == NULL) {
        (void)bad(err, table, "a key or index", "it has no fields");
        return 0;
    }
    for (unsigned i = 0; i < max && names[i] != NULL; i++) {
        const struct field *f = fields_find(&table->fields, names[i]);
        if (f == NULL || key_size(f) == 0) {
            (void)bad(err, table, names[i], "there is no such field, or it cannot be in a key");
            return 0;
        }
        size += key_size(f);
    }
    return size;
}

static int check_index(const struct table *table, const struct index *index, size_t key_len,
                       bool used[256], struct err *err)
{
    size_t size = names_size(table, index->fields, INDEX_FIELDS, err);

    if (size == 0)
        return -1;
    if (index->words) {
        if (index->unique || index->counted || index->fields[1] != NULL ||
            fields_find(&table->fields, index->fields[0])->type != FIELD_TEXT)
            return bad(err, table, index->name, "an index of words is of one text, not unique");
        size = INDEX_WORD_MAX + 1;
    }
    if (index->id < 128 || index->id == 255 || used[index->id])
        return bad(err, table, index->name, "the index's byte is taken or not from 128 to 254");
    if (index_find(table, index->name) != index)
        return bad(err, table, index->name, "the index stands there twice");
    if (1 + size + key_len > KEY_MAX)
        return bad(err, table, index->name, "the index's key can be longer than 511 bytes");
    used[index->id] = true;
    return 0;
}

/* What a reference points to must be a table whose key is that one id. */
static int check_references(const struct schema *schema, const struct table *table, struct err *err)
{
    for (size_t i = 0; i < table->fields.count; i++) {
        const struct field *f = &table->fields.at[i];
        const struct table *to;
        const struct field *key;
        if ((f->flags & FIELD_KEY) == 0)
            continue;
        to = table_by_prefix(schema, f->ref_prefix);
        if (f->type != FIELD_ID || to == NULL)
            return bad(err, table, f->name, "a reference must be an id of a table of this schema");
        key = fields_find(&to->fields, to->key[0]);
        if (key == NULL || to->key[1] != NULL || key->type != FIELD_ID || key->ref_prefix == NULL ||
            !str_equal(key->ref_prefix, f->ref_prefix))
            return bad(err, table, f->name, "the table referred to is not kept by that id alone");
    }
    return 0;
}

static int check_feed(const struct table *table, struct err *err)
{
    const struct table_feed *feed = &table->feed;
    const char *names[3 + FEED_BESIDE] = {feed->id, feed->about, feed->customer};

    memcpy(names + 3, feed->beside, sizeof feed->beside);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i] != NULL &&
            (feed->object == NULL || fields_find(&table->fields, names[i]) == NULL))
            return bad(err, table, names[i], "the feed names what is not there");
    return 0;
}

static int check_table(const struct schema *schema, const struct table *table, bool used[256],
                       struct err *err)
{
    size_t key_len;

    if (table_find(schema, table->name) != table)
        return bad(err, table, table->name, "the table stands there twice");
    if (table->prefix != NULL && table_by_prefix(schema, table->prefix) != table)
        return bad(err, table, table->prefix, "two tables have this prefix");
    if (table->id < 1 || table->id > 127 || used[table->id])
        return bad(err, table, table->name, "the table's byte is taken or not from 1 to 127");
    used[table->id] = true;
    if (table->noun == NULL || table->version < 1)
        return bad(err, table, table->name, "it needs a noun and a version");
    if (check_fields(table, err) == -1)
        return -1;
    if ((key_len = names_size(table, table->key, TABLE_KEY_FIELDS, err)) == 0)
        return -1;
    if (1 + key_len > KEY_MAX)
        return bad(err, table, table->name, "the key can be longer than 511 bytes");
    if (check_feed(table, err) == -1)
        return -1;
    for (size_t i = 0; i < table->index_count; i++)
        if (check_index(table, &table->indexes[i], key_len, used, err) == -1)
            return -1;
    return 0;
}

int schema_check(const struct schema *schema, struct err *err)
{
    bool used[256] = {false};

    if (schema->version < 1)
        return err_set(err, ERR_INTERNAL, "bad_schema", "a schema's version begins with 1");
    for (size_t i = 0; i < schema->table_count; i++)
        if (check_table(schema, schema->tables[i], used, err) == -1)
            return -1;
    for (size_t i = 0; i < schema->table_count; i++)
        if (check_references(schema, schema->tables[i], err) == -1)
            return -1;
    return 0;
}
