/* Declarations of tables: a sound one passes, and each way of being wrong is found before any
 * record is. */
#include "store_samples.h"

static struct field fields[4];
static struct index indexes[2];
static struct table one, two;
static const struct table *all[] = {&one, &two};
static struct schema schema;

static int set_up(void **state)
{
    (void)state;
    memcpy(fields, thing_fields, sizeof fields);
    memcpy(indexes, thing_indexes, sizeof indexes);
    indexes[1].fields[1] = NULL;
    one = things;
    one.fields.at = fields;
    one.fields.count = 4;
    one.indexes = indexes;
    one.index_count = 2;
    two = owners;
    schema = (struct schema){all, 2, 1, false};
    return 0;
}

static void refused(const char *because)
{
    struct err err;

    assert_int_equal(schema_check(&schema, &err), -1);
    if (strstr(err.text, because) == NULL)
        fail_msg("%s", err.text);
    (void)set_up(NULL);
    assert_int_equal(schema_check(&schema, &err), 0);
}

static void every_mistake_is_named(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(schema_check(&sample, &err), 0);
    assert_int_equal(schema_check(&sample_2, &err), 0);
    assert_int_equal(schema_check(&schema, &err), 0);
    schema.version = 0;
    refused("version");
    one.id = 0;
    refused("table's byte");
    one.id = 128;
    refused("table's byte");
    one.id = two.id;
    refused("table's byte");
    one.name = two.name;
    refused("twice");
    one.prefix = two.prefix;
    refused("prefix");
    one.noun = NULL;
    refused("noun");
    one.key[0] = "nothing";
    refused("no such field");
    one.key[0] = NULL;
    refused("no fields");
    fields[1].name = "id";
    refused("twice");
    fields[1].size = 4;
    refused("size");
    fields[3].offset = sizeof(struct thing) - 4;
    refused("size");
    fields[1].since = 2;
    refused("order of the versions");
    fields[0].since = 0;
    refused("order of the versions");
    fields[0].ref_prefix = "thing";
    refused("1 to 4");
    fields[1].type = FIELD_ENUM;
    fields[1].size = 4;
    refused("words");
    indexes[0].id = 127;
    refused("index's byte");
    indexes[0].id = 255;
    refused("index's byte");
    indexes[0].id = indexes[1].id;
    refused("index's byte");
    indexes[0].name = indexes[1].name;
    refused("twice");
    fields[3].size = 500;
    indexes[1].fields[1] = "name";
    refused("511");
    fields[3].size = 600;
    one.key[1] = "name";
    refused("511");
    fields[2].ref_prefix = "none";
    refused("a table of this schema");
    two.key[1] = "number";
    refused("not kept by that id alone");
    fields[1].flags = FIELD_KEY;
    refused("a table of this schema");
}

static void things_are_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(table_find(&sample, "things"), &things);
    assert_null(table_find(&sample, "thing"));
    assert_ptr_equal(table_by_prefix(&sample, "ow"), &owners);
    assert_null(table_by_prefix(&sample, "x"));
    assert_null(table_by_prefix(&sample, NULL));
    assert_ptr_equal(index_find(&things, "owner"), &thing_indexes[1]);
    assert_null(index_find(&things, "nothing"));
}

static void keys_are_readable(void **state)
{
    static struct thing t;
    char text[KEY_TEXT_SIZE];
    struct key key;
    size_t values_len, found;

    (void)state;
    make_thing(&t, 12);
    assert_int_equal(key_record(&things, &t, &key), 0);
    key_text(&things, key.data, key.len, text);
    assert_string_equal(text, t.id);
    key_text(&things, key.data, key.len - 1, text);
    assert_int_equal(strlen(text), 2 * (key.len - 1));
    key_text(NULL, key.data, key.len, text);
    assert_int_equal(strncmp(text, "02", 2), 0);
    assert_int_equal(key_entry(&things, &thing_indexes[2], &t, &key, &values_len), 1);
    assert_int_equal(key_values_len(&things, &thing_indexes[2], key.data, key.len, &found), 0);
    assert_int_equal(found, values_len);
    for (size_t len = 0; len <= values_len; len++)
        assert_int_equal(key_values_len(&things, &thing_indexes[2], key.data, len, &found), -1);
    t.name[0] = '\0';
    assert_int_equal(key_entry(&things, &thing_indexes[2], &t, &key, &values_len), 0);
    memset(key.data, 0xff, sizeof key.data);
    key.len = 5;
    assert_int_equal(key_behind(&key), -1);
    key.len = 3;
    key.data[0] = 7;
    assert_int_equal(key_behind(&key), 0);
    assert_int_equal(key.len, 1);
    assert_int_equal(key.data[0], 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_mistake_is_named, set_up),
        cmocka_unit_test(things_are_found_by_name),
        cmocka_unit_test(keys_are_readable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
