/* Whole stores: the check finds every kind of damage, a dump loads back to the same bytes and
 * nothing else loads, migrations are all or nothing. */
#include "children.h"

#include <sys/stat.h>

#include "enc.h"
#include "value.h"

static char folder[PATH_SIZE], place[PATH_SIZE + 16];
static struct db *db;

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    db = make_store(folder);
    (void)str_format(place, sizeof place, "%s/db", folder);
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

static void owner_id(char out[ID_SIZE], uint64_t n)
{
    uint8_t raw[ID_BYTES] = {0};

    enc_put64(raw + 8, n);
    id_text(out, "ow", raw);
}

/* Records with all that a dump has to escape. */
static int fill(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;
    struct owner o;
    uint8_t raw[ID_BYTES] = {0};

    (void)arg;
    for (uint64_t n = 1; n <= 5; n++) {
        memset(&o, 0, sizeof o);
        owner_id(o.id, n);
        o.number = record_next_number(txn, "owner", err);
        (void)str_format(o.name, sizeof o.name, "Owner %llu", (unsigned long long)n);
        if (record_insert(txn, &owners, &o, err) == -1)
            return -1;
    }
    for (uint64_t n = 1; n <= 300; n++) {
        make_thing(&t, n);
        enc_put64(raw + 8, n * 7919 % 1000);
        id_text(t.id, "th", raw);
        owner_id(t.owner_id, n % 5 + 1);
        (void)str_format(t.name, sizeof t.name, "a\\b\tc\nd\re\x01\x7f=\xc3\xa9 %llu",
                         (unsigned long long)n);
        t.colour = (uint32_t)(n % 5); /* 3 and 4 have no word */
        t.open = n % 2 == 0;
        t.created_at = n % 3 == 0 ? 0 : n % 3 == 1 ? INT64_MIN + (int64_t)n : (int64_t)n * 1000003;
        t.balance = n % 2 == 0 ? -(int64_t)n : (int64_t)n;
        t.digest[3] = (uint8_t)n;
        (void)kv_set(&t.facts, "na=me\n", "va\tlue");
        t.secret.len = (uint16_t)(n * 13);
        memset(t.secret.data, (int)n, t.secret.len);
        if (record_insert(txn, &things, &t, err) == -1)
            return -1;
    }
    return record_next_number(txn, "a counter", err) == 0 ? -1 : 0;
}

/* What a check found, as one text. */
struct found {
    struct buf text;
};

static void note(void *arg, const char *table, const char *key, const char *what)
{
    struct found *found = arg;

    (void)buf_format(&found->text, "%s|%s|%s\n", table, key, what);
}

/* The check finds exactly ${n} things, one of them with these words. */
static void finds(int64_t n, const char *words)
{
    struct found found;
    struct err err;
    int64_t got;

    buf_init(&found.text, 1 << 20);
    got = db_fsck(db, note, &found, &err);
    if (got != n || strstr(buf_string(&found.text), words) == NULL)
        fail_msg("%lld findings:\n%s", (long long)got, buf_string(&found.text));
    buf_free(&found.text);
}

/* Raw changes, and the way back. */
struct raw {
    struct key key;
    bool put; /* put the value, or delete */
    const void *value;
    size_t len;
    int flip; /* instead: turn a bit of the stored value over */
};

static int do_raw(struct txn *txn, void *arg, struct err *err)
{
    static uint8_t room[20000];
    struct raw *raw = arg;
    struct db_raw_pair pair;

    if (raw->flip != 0) {
        if (db_raw_get(txn, raw->key.data, raw->key.len, &pair, err) != 1)
            return -1;
        memcpy(room, pair.value, pair.value_len);
        room[pair.value_len / 2] ^= (uint8_t)raw->flip;
        return db_raw_put(txn, raw->key.data, raw->key.len, room, pair.value_len, err);
    }
    if (raw->put)
        return db_raw_put(txn, raw->key.data, raw->key.len, raw->value, raw->len, err);
    return db_raw_delete(txn, raw->key.data, raw->key.len, err) == 1 ? 0 : -1;
}

static void raw(const struct key *key, bool put, const void *value, size_t len)
{
    struct raw change = {.key = *key, .put = put, .value = value, .len = len};
    struct err err;

    must(db_write(db, do_raw, &change, &err), &err);
}

static void get_thing(struct thing *t, uint64_t number)
{
    struct txn *txn;
    struct err err;

    memset(t, 0, sizeof *t);
    t->number = number;
    must(db_read(&txn, db, &err), &err);
    assert_int_equal(record_find(txn, &things, "number", t, &err), 1);
    db_read_end(txn);
}

static void the_check_finds_wrong_indexes(void **state)
{
    static struct thing t;
    struct key entry;
    struct err err;
    size_t ignored;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
    get_thing(&t, 17);
    for (size_t i = 0; i < things.index_count; i++) {
        char words[80];
        assert_int_equal(key_entry(&things, &thing_indexes[i], &t, &entry, &ignored), 1);
        (void)str_format(words, sizeof words, "things|%s|no entry in index %s", t.id,
                         thing_indexes[i].name);
        raw(&entry, false, NULL, 0);
        finds(1, words);
        raw(&entry, true, "x", 1);
        finds(1, "an entry with a value");
        raw(&entry, true, "", 0);
        finds(0, "");
    }
    /* an entry that points to nothing */
    make_thing(&t, 5000);
    assert_int_equal(key_entry(&things, &thing_indexes[0], &t, &entry, &ignored), 1);
    raw(&entry, true, "", 0);
    finds(1, "no record for the entry in index number");
    raw(&entry, false, NULL, 0);
    /* an entry with values that the record does not have */
    get_thing(&t, 17);
    t.number = 5000;
    assert_int_equal(key_entry(&things, &thing_indexes[0], &t, &entry, &ignored), 1);
    raw(&entry, true, "", 0);
    finds(1, "a wrong entry in index number");
    raw(&entry, false, NULL, 0);
    /* two records under one unique value */
    get_thing(&t, 17);
    t.number = 18;
    assert_int_equal(key_entry(&things, &thing_indexes[0], &t, &entry, &ignored), 1);
    raw(&entry, true, "", 0);
    finds(2, "same values in unique index number");
    raw(&entry, false, NULL, 0);
    /* a key that is none */
    entry.len = 4;
    raw(&entry, true, "", 0);
    finds(1, "a key that is none in index number");
}

static int write_reference(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;

    t = *(struct thing *)arg;
    owner_id(t.owner_id, 77);
    return record_put(txn, &things, &t, err);
}

static void the_check_finds_wrong_records(void **state)
{
    static struct thing t;
    static uint8_t copy[20000];
    struct raw change = {.flip = 64};
    struct key key, other;
    struct db_raw_pair pair;
    struct txn *txn;
    struct err err;
    char words[100];
    size_t len;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    get_thing(&t, 17);
    /* a bit that turned over */
    assert_int_equal(key_record(&things, &t, &change.key), 0);
    must(db_write(db, do_raw, &change, &err), &err);
    (void)str_format(words, sizeof words, "things|%s|a value that fails its check", t.id);
    finds(1, words);
    must(db_write(db, do_raw, &change, &err), &err);
    /* a value cut short */
    key = change.key;
    must(db_read(&txn, db, &err), &err);
    assert_int_equal(db_raw_get(txn, key.data, key.len, &pair, &err), 1);
    len = pair.value_len;
    memcpy(copy, pair.value, len);
    db_read_end(txn);
    raw(&key, true, copy, len - 1);
    finds(1, "a value of a wrong length");
    raw(&key, true, copy, len);
    /* a reference to nobody */
    must(db_write(db, write_reference, &t, &err), &err);
    finds(1, "what it refers to does not exist: owner_id");
    raw(&key, true, copy, len); /* the value as it was; now its entry of the owner is wrong */
    finds(2, "no entry in index owner");
    must(db_write(db, write_reference, &t, &err), &err);
    must(db_write(db, put_thing, &t, &err), &err);
    /* the first write there left an entry behind that the store never knew of */
    finds(0, "");
    /* a record that vanished without its entries */
    raw(&key, false, NULL, 0);
    finds(5, "the count says 300, and there are 299");
    raw(&key, true, copy, len);
    finds(0, "");
    /* a wrong count, a count of no table, a damaged counter */
    db_raw_own_key(&other, DB_RAW_COUNT, &things.id, 1);
    raw(&other, false, NULL, 0);
    finds(1, "the count says 0, and there are 300");
    db_raw_own_key(&other, DB_RAW_COUNT, "\x63", 1);
    raw(&other, true, "", 0);
    finds(2, "a key that means nothing");
    raw(&other, false, NULL, 0);
    db_raw_own_key(&change.key, DB_RAW_COUNTER, "owner", 5);
    must(db_write(db, do_raw, &change, &err), &err);
    finds(2, "fails its check");
    must(db_write(db, do_raw, &change, &err), &err);
    db_raw_own_key(&change.key, DB_RAW_SCHEMA, "", 0);
    must(db_write(db, do_raw, &change, &err), &err);
    finds(2, "fails its check");
    must(db_write(db, do_raw, &change, &err), &err);
    /* something of no table */
    other.len = 3;
    other.data[0] = 99;
    raw(&other, true, "", 0);
    finds(2, "a key of no table");
}

static void dump_to(struct db *from, struct buf *out)
{
    struct err err;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);

    must(db_dump(from, file, &err), &err);
    assert_int_equal(fclose(file), 0);
    buf_init(out, 64 << 20);
    assert_int_equal(buf_add(out, text, size), 0);
    free(text);
}

static int load(const char *text, size_t len, struct db **out, struct err *err)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, len, "r");
    int result;

    assert_non_null(file);
    (void)str_format(place, sizeof place, "%s/loaded", folder);
    result = db_load(place, &sample, file, err);
    (void)fclose(file);
    if (result == 0)
        must(db_open(out, place, &sample, err), err);
    else
        assert_false(file_exists(place));
    return result;
}

static uint64_t next;
static int take_number(struct txn *txn, void *arg, struct err *err)
{
    return (next = record_next_number(txn, arg, err)) == 0 ? -1 : 0;
}

static void a_dump_loads_back_to_the_same_bytes(void **state)
{
    char name[] = "owner";
    struct buf first, second;
    struct db *loaded;
    struct err err;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    dump_to(db, &first);
    must(load(first.data, first.len, &loaded, &err), &err);
    assert_int_equal(db_fsck(loaded, NULL, NULL, &err), 0);
    dump_to(loaded, &second);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    must(db_write(loaded, take_number, name, &err), &err);
    assert_int_equal(next, 6);
    assert_int_equal(db_load(place, &sample, stdin, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    buf_free(&first);
    buf_free(&second);
}

static void an_empty_store_goes_there_and_back(void **state)
{
    struct buf first;
    struct db *loaded;
    struct err err;

    (void)state;
    dump_to(db, &first);
    assert_string_equal(buf_string(&first),
                        "sett-dump 1\nschema 1\ntable owners\ntable things\nend 0\n");
    must(load(first.data, first.len, &loaded, &err), &err);
    buf_free(&first);
}

#define OWNER_1 "id=ow_00000000000000000000000001\tnumber=1\tname=A\n"
#define OWNER_2 "id=ow_00000000000000000000000002\tnumber=2\tname=B\n"
#define HEAD    "sett-dump 1\nschema 1\n"

static void only_a_dump_loads(void **state)
{
    static const struct {
        const char *text;
        unsigned line; /* 0: it loads */
    } cases[] = {
        {HEAD "counter job 4\ntable owners\n" OWNER_1 OWNER_2 "table things\nend 2\n", 0},
        {"x", 1},
        {"sett-dump 2\nschema 1\ntable owners\ntable things\nend 0\n", 1},
        {"sett-dump 1\nschema x\ntable owners\ntable things\nend 0\n", 2},
        {HEAD "table owners\ntable things\nend 0", 5},
        {HEAD "table owners\ntable things\nend 0\nx\n", 6},
        {HEAD "table owners\ntable things\n", 5},
        {HEAD "table owners\n" OWNER_1 "table things\nend 0\n", 6},
        {HEAD "table owners\n" OWNER_1 "table things\nend 2\n", 6},
        {HEAD "table owners\nend 0\n", 4},
        {HEAD "table things\ntable owners\nend 0\n", 3},
        {HEAD "table owners\ntable owners\ntable things\nend 0\n", 4},
        {HEAD "table owners\n" OWNER_2 OWNER_1 "table things\nend 2\n", 5},
        {HEAD "table owners\n" OWNER_1 OWNER_1 "table things\nend 2\n", 5},
        {HEAD "table owners\n" OWNER_1
              "id=ow_00000000000000000000000002\tnumber=1\tname=B\ntable things\nend 2\n",
         5},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\tname=A\tx=1\n", 4},
        {HEAD "table owners\nnumber=1\tid=ow_00000000000000000000000001\tname=A\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=01\tname=A\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\tname=\\x41\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\tname=\\q\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\tname=\\\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\tname=\\x0\n", 4},
        {HEAD "table owners\nid=ow_00000000000000000000000001\tnumber=1\tname=a\\x00b\n", 4},
        {HEAD "table owners\nid=th_00000000000000000000000001\tnumber=1\tname=A\n", 4},
        {HEAD "table owners\nid=ow_0000000000000000000000000I\tnumber=1\tname=A\n", 4},
        {HEAD "counter job 0\n", 3},
        {HEAD "counter job\n", 3},
        {HEAD "counter  4\n", 3},
        {HEAD "counter b 1\ncounter a 1\n", 4},
        {HEAD "counter a 1\ncounter a 1\n", 4},
        {HEAD "\ntable owners\ntable things\nend 0\n", 3},
    };
    struct buf again;
    struct db *loaded;
    struct err err;
    char words[20];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int result = load(cases[i].text, strlen(cases[i].text), &loaded, &err);
        if (cases[i].line == 0) {
            must(result, &err);
            dump_to(loaded, &again);
            assert_string_equal(buf_string(&again), cases[i].text);
            buf_free(&again);
            remove_folder(place);
            continue;
        }
        (void)str_format(words, sizeof words, "line %u:", cases[i].line);
        if (result != -1 || err.kind != ERR_INVALID || !str_starts(err.text, words))
            fail_msg("%s\n%s", cases[i].text, result == 0 ? "was loaded" : err.text);
    }
    assert_int_equal(load("sett-dump 1\nschema 2\n", 21, &loaded, &err), -1);
    assert_int_equal(err.kind, ERR_PRECONDITION);
    assert_int_equal(load(HEAD "table owners\n\0", 35, &loaded, &err), -1);
}

/* A dump of random damage either is refused or was the same dump. */
static void a_damaged_dump_is_never_taken_for_another(void **state)
{
    struct buf first, again;
    struct db *loaded;
    struct err err;
    unsigned taken = 0;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    dump_to(db, &first);
    for (unsigned i = 0; i < 60; i++) {
        size_t at = (size_t)i * 7919 * 31 % first.len;
        char kept = first.data[at];
        first.data[at] = (char)(kept ^ 1);
        if (load(first.data, first.len, &loaded, &err) == 0) {
            taken++;
            dump_to(loaded, &again);
            assert_int_equal(first.len, again.len);
            assert_memory_equal(first.data, again.data, first.len);
            buf_free(&again);
            remove_folder(place);
        }
        first.data[at] = kept;
    }
    assert_true(taken < 60);
    buf_free(&first);
}

static int note_things(struct txn *txn, struct err *err)
{
    static struct thing t;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &things_2, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &t, err)) == 1) {
        assert_string_equal(t.note, ""); /* an older value gives the default */
        if (t.number % 2 == 0) {
            (void)str_format(t.note, sizeof t.note, "note %llu", (unsigned long long)t.number % 10);
            if (record_put(txn, &things_2, &t, err) == -1)
                return -1;
        }
    }
    return got;
}

static int fail_late(struct txn *txn, struct err *err)
{
    if (note_things(txn, err) == -1)
        return -1;
    return err_set(err, ERR_INTERNAL, "late", "failed at the end");
}

static void a_migration_brings_a_new_field(void **state)
{
    static const struct migration migrations[] = {{2, "things have notes", note_things}};
    static struct thing match, t;
    struct db *new, *before;
    struct scan scan;
    struct txn *txn;
    struct err err;
    int n = 0;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    assert_int_equal(db_migrate(place, &sample_2, migrations, 1, &err), 1);
    assert_int_equal(db_migrate(place, &sample_2, migrations, 1, &err), 0);
    must(db_open(&new, place, &sample_2, &err), &err);
    assert_int_equal(db_fsck(new, NULL, NULL, &err), 0);
    must(db_read(&txn, new, &err), &err);
    (void)str_copy(match.note, sizeof match.note, "note 4");
    must(scan_start(&scan, txn, &things_2, "note", &match, 1, false, &err), &err);
    while (scan_next(&scan, &t, &err) == 1) {
        assert_int_equal(t.number % 10, 4);
        n++;
    }
    assert_int_equal(n, 30);
    t.number = 17; /* not touched: still of version 1 */
    assert_int_equal(record_find(txn, &things_2, "number", &t, &err), 1);
    assert_string_equal(t.note, "");
    db_read_end(txn);
    /* the older program refuses it */
    assert_int_equal(db_open(&before, place, &sample, &err), -1);
    assert_string_equal(err.code, "store_newer");
    assert_int_equal(db_migrate(place, &sample, migrations, 1, &err), -1);
    assert_string_equal(err.code, "store_newer");
}

static void a_failed_migration_leaves_the_old_store(void **state)
{
    static const struct migration late[] = {{2, "fails", fail_late}};
    static const struct migration works[] = {{2, "things have notes", note_things}};
    struct buf before, after;
    struct err err;
    struct db *new;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    dump_to(db, &before);
    assert_int_equal(db_migrate(place, &sample_2, late, 1, &err), -1);
    assert_string_equal(err.code, "late");
    assert_int_equal(db_migrate(place, &sample_2, late, 0, &err), -1);
    assert_string_equal(err.code, "migration_missing");
    dump_to(db, &after);
    assert_string_equal(buf_string(&before), buf_string(&after));
    assert_int_equal(db_migrate(place, &sample_2, works, 1, &err), 1);
    must(db_open(&new, place, &sample_2, &err), &err);
    buf_free(&before);
    buf_free(&after);
}

static int reindex(struct txn *txn, void *arg, struct err *err)
{
    return record_reindex(txn, &things, arg, err);
}

static void an_index_can_be_made_anew(void **state)
{
    static struct thing t;
    char name[] = "number", none[] = "none";
    struct key entry;
    struct err err;
    size_t ignored;

    (void)state;
    must(db_write(db, fill, NULL, &err), &err);
    get_thing(&t, 17);
    assert_int_equal(key_entry(&things, &thing_indexes[0], &t, &entry, &ignored), 1);
    raw(&entry, false, NULL, 0);
    make_thing(&t, 900);
    assert_int_equal(key_entry(&things, &thing_indexes[0], &t, &entry, &ignored), 1);
    raw(&entry, true, "", 0);
    finds(2, "number");
    must(db_write(db, reindex, name, &err), &err);
    finds(0, "");
    assert_int_equal(db_write(db, reindex, none, &err), -1);
}

int main(void)
{
#define WITH_STORE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(the_check_finds_wrong_indexes),
        WITH_STORE(the_check_finds_wrong_records),
        WITH_STORE(a_dump_loads_back_to_the_same_bytes),
        WITH_STORE(an_empty_store_goes_there_and_back),
        WITH_STORE(only_a_dump_loads),
        WITH_STORE(a_damaged_dump_is_never_taken_for_another),
        WITH_STORE(a_migration_brings_a_new_field),
        WITH_STORE(a_failed_migration_leaves_the_old_store),
        WITH_STORE(an_index_can_be_made_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
