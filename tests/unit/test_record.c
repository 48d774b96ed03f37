/* Records: keys that sort, indexes that follow, walks, conflicts, and values that are damaged. */
#include "store_samples.h"

#include "enc.h"
#include "value.h"

static char folder[PATH_SIZE];
static struct db *db;

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    db = make_store(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static void must(int result, const struct err *err)
{
    if (result == -1)
        fail_msg("%s: %s", err->code, err->text);
}

static void write_thing(db_change *change, struct thing *t)
{
    struct err err;

    must(db_write(db, change, t, &err), &err);
}

static int64_t count(void)
{
    struct txn *txn;
    struct err err;
    int64_t n;

    must(db_read(&txn, db, &err), &err);
    n = record_count(txn, &things, &err);
    db_read_end(txn);
    return n;
}

static void a_record_is_written_found_changed_removed(void **state)
{
    static struct thing t, got;
    struct txn *txn;
    struct err err;

    (void)state;
    make_thing(&t, 7);
    write_thing(insert_thing, &t);
    assert_int_equal(count(), 1);
    must(db_read(&txn, db, &err), &err);
    memset(&got, 0, sizeof got);
    memcpy(got.id, t.id, sizeof got.id);
    assert_int_equal(record_get(txn, &things, &got, &err), 1);
    assert_true(fields_equal(&things.fields, &t, &got));
    got.number = 7;
    assert_int_equal(record_find(txn, &things, "number", &got, &err), 1);
    assert_string_equal(got.id, t.id);
    got.number = 8;
    assert_int_equal(record_find(txn, &things, "number", &got, &err), 0);
    assert_string_equal(got.id, t.id);                                    /* unchanged */
    assert_int_equal(record_find(txn, &things, "owner", &got, &err), -1); /* not unique */
    (void)str_copy(got.id, sizeof got.id, "th_nonsense");
    assert_int_equal(record_get(txn, &things, &got, &err), 0);
    (void)str_copy(got.owner_id, sizeof got.owner_id, "nonsense");
    db_read_end(txn);
    db_read_end(NULL);

    t.number = 8;
    (void)str_copy(t.name, sizeof t.name, "");
    write_thing(put_thing, &t);
    write_thing(put_thing, &t); /* the same again changes nothing */
    assert_int_equal(count(), 1);
    must(db_read(&txn, db, &err), &err);
    got.number = 7;
    assert_int_equal(record_find(txn, &things, "number", &got, &err), 0);
    (void)str_copy(got.name, sizeof got.name, "thing-7");
    assert_int_equal(record_find(txn, &things, "name", &got, &err), 0);
    db_read_end(txn);

    write_thing(delete_thing, &t);
    write_thing(delete_thing, &t);
    assert_int_equal(count(), 0);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

static void a_value_that_must_be_unique_is_refused(void **state)
{
    static struct thing a, b;
    struct err err;

    (void)state;
    make_thing(&a, 1);
    make_thing(&b, 2);
    write_thing(insert_thing, &a);
    assert_int_equal(db_write(db, insert_thing, &a, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "thing_exists");
    assert_string_equal(err.field, "id");
    memcpy(b.name, a.name, sizeof b.name);
    assert_int_equal(db_write(db, insert_thing, &b, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.field, "name");
    b.name[0] = '\0';
    write_thing(insert_thing, &b); /* sparse: no entry for "" */
    make_thing(&a, 3);
    a.name[0] = '\0';
    write_thing(insert_thing, &a);
    b.number = 1;
    assert_int_equal(db_write(db, put_thing, &b, &err), -1);
    assert_string_equal(err.field, "number");
    assert_int_equal(count(), 3);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

static int write_two_ignoring(struct txn *txn, void *arg, struct err *err)
{
    struct thing *pair = arg;
    struct err ignored;
    int64_t n;

    (void)record_insert(txn, &things, &pair[0], &ignored);
    (void)record_insert(txn, &things, &pair[0], &ignored); /* a conflict nobody looks at */
    n = record_count(txn, &things, err);
    assert_int_equal(n, -1);
    assert_int_equal(record_insert(txn, &things, &pair[1], &ignored), -1);
    assert_int_equal(ignored.kind, ERR_CONFLICT);
    return 0;
}

static void an_ignored_error_still_ends_the_change(void **state)
{
    static struct thing pair[2];
    struct err err;

    (void)state;
    make_thing(&pair[0], 1);
    make_thing(&pair[1], 2);
    assert_int_equal(db_write(db, write_two_ignoring, pair, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(count(), 0);
}

static int insert_many(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;
    const uint64_t *range = arg;
    uint8_t raw[ID_BYTES] = {0};

    for (uint64_t n = 1; n <= 3; n++) {
        struct owner owner = {.number = n};
        enc_put64(raw + 8, n);
        id_text(owner.id, "ow", raw);
        if (record_put(txn, &owners, &owner, err) == -1)
            return -1;
    }
    for (uint64_t n = range[0]; n < range[1]; n++) {
        make_thing(&t, n);
        enc_put64(raw + 8, n % 2 == 0 ? n : range[1] * 2 - n);
        id_text(t.id, "th", raw);
        enc_put64(raw + 8, n % 3 + 1);
        id_text(t.owner_id, "ow", raw);
        t.colour = (uint32_t)(n % 3);
        if (record_insert(txn, &things, &t, err) == -1)
            return -1;
    }
    return 0;
}

/* Walk and compare with what sorting would give: each number once, in strict order. */
static uint64_t walk(const char *index, const struct thing *match, unsigned fields, bool backward,
                     int (*order)(const struct thing *, const struct thing *))
{
    static struct thing t, last;
    struct scan scan;
    struct txn *txn;
    struct err err;
    uint64_t n = 0;
    int got;

    must(db_read(&txn, db, &err), &err);
    must(scan_start(&scan, txn, &things, index, match, fields, backward, &err), &err);
    while ((got = scan_next(&scan, &t, &err)) == 1) {
        if (n++ > 0 && order != NULL)
            assert_true(backward ? order(&last, &t) > 0 : order(&last, &t) < 0);
        last = t;
    }
    must(got, &err);
    assert_int_equal(scan_next(&scan, &t, &err), 0);
    db_read_end(txn);
    return n;
}

static int by_id(const struct thing *a, const struct thing *b)
{
    return strcmp(a->id, b->id);
}

static int by_number(const struct thing *a, const struct thing *b)
{
    return a->number < b->number ? -1 : a->number > b->number;
}

static int by_balance(const struct thing *a, const struct thing *b)
{
    if (a->balance != b->balance)
        return a->balance < b->balance ? -1 : 1;
    return strcmp(a->id, b->id);
}

static void walks_follow_the_order_of_fields(void **state)
{
    static struct thing match;
    uint64_t range[2] = {1, 1000};
    uint8_t raw[ID_BYTES] = {[15] = 2};
    struct err err;

    (void)state;
    must(db_write(db, insert_many, range, &err), &err);
    for (int backward = 0; backward < 2; backward++) {
        assert_int_equal(walk(NULL, NULL, 0, backward, by_id), 999);
        assert_int_equal(walk("number", NULL, 0, backward, by_number), 999);
        id_text(match.owner_id, "ow", raw);
        assert_int_equal(walk("owner", &match, 1, backward, by_balance), 333);
        match.balance = -3;
        assert_int_equal(walk("owner", &match, 2, backward, by_balance), 48);
        match.colour = 2;
        assert_int_equal(walk("colour", &match, 1, backward, by_id), 333);
        assert_int_equal(walk("colour", NULL, 0, backward, NULL), 666); /* sparse: red has none */
        match.number = 5000;
        assert_int_equal(walk("number", &match, 1, backward, NULL), 0);
        (void)str_copy(match.owner_id, sizeof match.owner_id, "nonsense");
        assert_int_equal(walk("owner", &match, 1, backward, NULL), 0);
    }
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

/* Pages of any size, going on behind the last record, even when that was removed in between. */
static void pages_join_without_gap_or_repeat(void **state)
{
    static struct thing t, last;
    uint64_t range[2] = {1, 200};
    struct scan scan;
    struct txn *txn;
    struct err err;

    (void)state;
    must(db_write(db, insert_many, range, &err), &err);
    for (int backward = 0; backward < 2; backward++) {
        uint64_t seen = 0;
        for (int more = 1; more == 1;) {
            must(db_read(&txn, db, &err), &err);
            must(scan_start(&scan, txn, &things, "number", NULL, 0, backward, &err), &err);
            if (seen > 0)
                must(scan_after(&scan, &last, &err), &err);
            for (int i = 0; i < 7 && (more = scan_next(&scan, &t, &err)) == 1; i++) {
                assert_int_equal(t.number, backward ? 199 - seen : seen + 1);
                seen++;
                last = t;
            }
            db_read_end(txn);
        }
        assert_int_equal(seen, 199);
    }
    /* behind one that is gone */
    must(db_read(&txn, db, &err), &err);
    memset(&t, 0, sizeof t);
    t.number = 100;
    assert_int_equal(record_find(txn, &things, "number", &t, &err), 1);
    db_read_end(txn);
    write_thing(delete_thing, &t);
    must(db_read(&txn, db, &err), &err);
    must(scan_start(&scan, txn, &things, "number", NULL, 0, false, &err), &err);
    must(scan_after(&scan, &t, &err), &err);
    assert_int_equal(scan_next(&scan, &last, &err), 1);
    assert_int_equal(last.number, 101);
    /* from a value, there or not, in both directions */
    must(scan_start(&scan, txn, &things, "number", NULL, 0, false, &err), &err);
    must(scan_from(&scan, &t, 1, &err), &err);
    assert_int_equal(scan_next(&scan, &last, &err), 1);
    assert_int_equal(last.number, 101);
    must(scan_start(&scan, txn, &things, "number", NULL, 0, true, &err), &err);
    must(scan_from(&scan, &t, 1, &err), &err);
    assert_int_equal(scan_next(&scan, &last, &err), 1);
    assert_int_equal(last.number, 99);
    t.number = 150;
    must(scan_start(&scan, txn, &things, "number", NULL, 0, true, &err), &err);
    must(scan_from(&scan, &t, 1, &err), &err);
    assert_int_equal(scan_next(&scan, &last, &err), 1);
    assert_int_equal(last.number, 150);
    db_read_end(txn);
}

static void a_place_outside_of_the_walk_is_its_end_or_beginning(void **state)
{
    static struct thing match, at, t;
    uint64_t range[2] = {1, 100};
    uint8_t low[ID_BYTES] = {[15] = 1}, middle[ID_BYTES] = {[15] = 2}, high[ID_BYTES] = {[15] = 3};
    struct scan scan;
    struct txn *txn;
    struct err err;

    (void)state;
    must(db_write(db, insert_many, range, &err), &err);
    id_text(match.owner_id, "ow", middle);
    (void)str_copy(at.id, sizeof at.id, match.id);
    must(db_read(&txn, db, &err), &err);
    for (int backward = 0; backward < 2; backward++) {
        id_text(at.owner_id, "ow", low);
        must(scan_start(&scan, txn, &things, "owner", &match, 1, backward, &err), &err);
        must(scan_after(&scan, &at, &err), &err);
        assert_int_equal(scan_next(&scan, &t, &err), backward ? 0 : 1);
        id_text(at.owner_id, "ow", high);
        must(scan_start(&scan, txn, &things, "owner", &match, 1, backward, &err), &err);
        must(scan_from(&scan, &at, 2, &err), &err);
        assert_int_equal(scan_next(&scan, &t, &err), backward ? 1 : 0);
    }
    db_read_end(txn);
}

static int remove_on_the_way(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;
    struct scan scan;
    int *removed = arg, got;

    *removed = 0;
    if (scan_start(&scan, txn, &things, "number", NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &t, err)) == 1) {
        if (t.number % 2 == 0 && record_delete(txn, &things, &t, err) != 1)
            return -1;
        if (t.number % 2 == 0)
            ++*removed;
    }
    return got;
}

static void records_may_change_under_a_walk(void **state)
{
    uint64_t range[2] = {1, 500};
    struct err err;
    int removed;

    (void)state;
    must(db_write(db, insert_many, range, &err), &err);
    must(db_write(db, remove_on_the_way, &removed, &err), &err);
    assert_int_equal(removed, 249);
    assert_int_equal(count(), 250);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
}

static int next_number(struct txn *txn, void *arg, struct err *err)
{
    uint64_t *n = arg;

    return (*n = record_next_number(txn, "thing", err)) == 0 ? -1 : 0;
}

static void counters_never_go_back(void **state)
{
    struct err err;
    uint64_t n;

    (void)state;
    for (uint64_t i = 1; i < 20; i++) {
        must(db_write(db, next_number, &n, &err), &err);
        assert_int_equal(n, i);
    }
}

static void numbers_sort_as_numbers(void **state)
{
    static const int64_t some[] = {INT64_MIN, -256, -255, -1, 0, 1, 255, 256, INT64_MAX};
    static struct thing a, b;
    struct key x, y;
    const struct index *owner = index_find(&things, "owner");

    (void)state;
    for (size_t i = 0; i + 1 < sizeof some / sizeof some[0]; i++) {
        a.balance = some[i];
        b.balance = some[i + 1];
        assert_int_equal(key_leading(&things, owner, &a, 2, &x), 0);
        assert_int_equal(key_leading(&things, owner, &b, 2, &y), 0);
        assert_int_equal(x.len, y.len);
        assert_true(memcmp(x.data, y.data, x.len) < 0);
    }
}

/* What tests do to a value by raw access. */
struct damage {
    struct key key;
    size_t at;
    uint8_t flip;
    size_t len;  /* of the value, told back */
    int version; /* instead: write this version, with a right tag */
};

static int do_damage(struct txn *txn, void *arg, struct err *err)
{
    static uint8_t value[20000];
    struct damage *d = arg;
    struct db_raw_pair pair;

    if (db_raw_get(txn, d->key.data, d->key.len, &pair, err) != 1)
        return -1;
    d->len = pair.value_len;
    memcpy(value, pair.value, pair.value_len);
    if (d->version > 0) {
        value_begin(&txn->value, (uint8_t)d->version);
        (void)buf_add(&txn->value, value + VALUE_HEAD, pair.value_len - VALUE_HEAD - VALUE_TAG);
        assert_int_equal(value_end(&txn->value, d->key.data, d->key.len), 0);
        return db_raw_put(txn, d->key.data, d->key.len, txn->value.data, txn->value.len, err);
    }
    value[d->at % pair.value_len] ^= d->flip;
    return db_raw_put(txn, d->key.data, d->key.len, value, pair.value_len, err);
}

static void any_flipped_bit_is_found(void **state)
{
    static struct thing t, got;
    struct damage d = {.flip = 0};
    struct txn *txn;
    struct err err;

    (void)state;
    make_thing(&t, 1);
    (void)kv_set(&t.facts, "a", "b");
    write_thing(insert_thing, &t);
    assert_int_equal(key_record(&things, &t, &d.key), 0);
    must(db_write(db, do_damage, &d, &err), &err);
    assert_true(d.len > 100);
    for (size_t at = 0; at < d.len; at++) {
        d.at = at;
        d.flip = (uint8_t)(1 << at % 8);
        must(db_write(db, do_damage, &d, &err), &err);
        must(db_read(&txn, db, &err), &err);
        memcpy(got.id, t.id, sizeof got.id);
        assert_int_equal(record_get(txn, &things, &got, &err), -1);
        assert_int_equal(err.kind, ERR_CORRUPT);
        assert_non_null(strstr(err.text, t.id)); /* table and key are named */
        assert_non_null(strstr(err.text, "things"));
        db_read_end(txn);
        must(db_write(db, do_damage, &d, &err), &err); /* and back */
    }
    must(db_read(&txn, db, &err), &err);
    assert_int_equal(record_get(txn, &things, &got, &err), 1);
    db_read_end(txn);
}

static void a_damaged_record_does_not_hide_the_others(void **state)
{
    static struct thing t;
    struct damage d = {.at = 30, .flip = 4};
    uint64_t range[2] = {1, 11};
    struct scan scan;
    struct txn *txn;
    struct err err;
    char id[KEY_TEXT_SIZE];
    int good = 0, bad = 0, got;

    (void)state;
    must(db_write(db, insert_many, range, &err), &err);
    must(db_read(&txn, db, &err), &err);
    t.number = 5;
    assert_int_equal(record_find(txn, &things, "number", &t, &err), 1);
    db_read_end(txn);
    assert_int_equal(key_record(&things, &t, &d.key), 0);
    must(db_write(db, do_damage, &d, &err), &err);
    for (int by_index = 0; by_index < 2; by_index++) {
        good = bad = 0;
        must(db_read(&txn, db, &err), &err);
        must(scan_start(&scan, txn, &things, by_index ? "number" : NULL, NULL, 0, false, &err),
             &err);
        while ((got = scan_next(&scan, &t, &err)) != 0) {
            good += got == 1;
            bad += got == -1 && err.kind == ERR_CORRUPT;
            assert_true(good + bad <= 10);
        }
        db_read_end(txn);
        assert_int_equal(good, 9);
        assert_int_equal(bad, 1);
    }
    /* nothing may be built upon it */
    assert_int_equal(db_write(db, put_thing, &t, &err), 0);
    memset(&t, 0, sizeof t);
    key_text(&things, d.key.data, d.key.len, id);
    (void)str_copy(t.id, sizeof t.id, id);
    t.number = 1000;
    assert_int_equal(db_write(db, put_thing, &t, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
}

static void a_newer_record_is_refused(void **state)
{
    static struct thing t;
    struct damage d = {.version = 2};
    struct txn *txn;
    struct err err;

    (void)state;
    make_thing(&t, 1);
    write_thing(insert_thing, &t);
    assert_int_equal(key_record(&things, &t, &d.key), 0);
    must(db_write(db, do_damage, &d, &err), &err);
    must(db_read(&txn, db, &err), &err);
    assert_int_equal(record_get(txn, &things, &t, &err), -1);
    assert_non_null(strstr(err.text, "newer"));
    db_read_end(txn);
}

static int move_value(struct txn *txn, void *arg, struct err *err)
{
    struct damage *two = arg;
    struct db_raw_pair pair;

    if (db_raw_get(txn, two[0].key.data, two[0].key.len, &pair, err) != 1)
        return -1;
    value_begin(&txn->value, 1);
    buf_reset(&txn->value);
    (void)buf_add(&txn->value, pair.value, pair.value_len);
    return db_raw_put(txn, two[1].key.data, two[1].key.len, txn->value.data, txn->value.len, err);
}

static void a_value_under_another_key_is_refused(void **state)
{
    static struct thing a, b;
    struct damage two[2];
    struct txn *txn;
    struct err err;

    (void)state;
    make_thing(&a, 1);
    make_thing(&b, 2);
    write_thing(insert_thing, &a);
    write_thing(insert_thing, &b);
    assert_int_equal(key_record(&things, &a, &two[0].key), 0);
    assert_int_equal(key_record(&things, &b, &two[1].key), 0);
    must(db_write(db, move_value, two, &err), &err);
    must(db_read(&txn, db, &err), &err);
    assert_int_equal(record_get(txn, &things, &b, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    db_read_end(txn);
}

static void a_record_that_cannot_be_stored_is_a_clear_error(void **state)
{
    static struct thing t;
    struct txn *txn;
    struct err err;

    (void)state;
    make_thing(&t, 1);
    (void)str_copy(t.owner_id, sizeof t.owner_id, "not-an-id");
    assert_int_equal(db_write(db, insert_thing, &t, &err), -1);
    assert_string_equal(err.code, "bad_record");
    make_thing(&t, 1);
    (void)str_copy(t.id, sizeof t.id, "ow_x");
    assert_int_equal(db_write(db, insert_thing, &t, &err), -1);
    assert_int_equal(count(), 0);
    must(db_read(&txn, db, &err), &err);
    make_thing(&t, 1);
    assert_int_equal(record_insert(txn, &things, &t, &err), -1);
    assert_string_equal(err.code, "read_only");
    db_read_end(txn);
}

int main(void)
{
#define WITH_STORE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_record_is_written_found_changed_removed),
        WITH_STORE(a_value_that_must_be_unique_is_refused),
        WITH_STORE(an_ignored_error_still_ends_the_change),
        WITH_STORE(walks_follow_the_order_of_fields),
        WITH_STORE(pages_join_without_gap_or_repeat),
        WITH_STORE(a_place_outside_of_the_walk_is_its_end_or_beginning),
        WITH_STORE(records_may_change_under_a_walk),
        WITH_STORE(counters_never_go_back),
        cmocka_unit_test(numbers_sort_as_numbers),
        WITH_STORE(any_flipped_bit_is_found),
        WITH_STORE(a_damaged_record_does_not_hide_the_others),
        WITH_STORE(a_newer_record_is_refused),
        WITH_STORE(a_value_under_another_key_is_refused),
        WITH_STORE(a_record_that_cannot_be_stored_is_a_clear_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
