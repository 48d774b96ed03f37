/* Indexes of words: whatever is written and taken back, a walk by the beginning of a word gives the
 * records that have one, as a model says; and fsck tells what is not so. */
#include "store_samples.h"

#define NOTES 40

struct note {
    char id[ID_SIZE];
    char text[400];
};
static const struct field note_fields[] = {
    FIELD(struct note, id, FIELD_ID, .ref_prefix = "no"),
    FIELD(struct note, text, FIELD_TEXT),
};
static const struct index note_indexes[] = {
    {.name = "text", .id = 140, .words = true, .fields = {"text"}}};
static const struct table notes = {
    .name = "notes",
    .noun = "note",
    .id = 9,
    .version = 1,
    .prefix = "no",
    .fields = {note_fields, sizeof note_fields / sizeof note_fields[0], sizeof(struct note)},
    .key = {"id"},
    .indexes = note_indexes,
    .index_count = 1};
static const struct table *const note_tables[] = {&notes};
static const struct schema note_schema = {.tables = note_tables, .table_count = 1, .version = 1};

struct world {
    char folder[PATH_SIZE];
    struct db *db;
    struct note notes[NOTES];
};

static struct db *make_notes(const char *folder)
{
    char path[PATH_SIZE];
    struct db *db;
    struct err err;

    (void)str_format(path, sizeof path, "%s/db", folder);
    if (db_create(path, &note_schema, &err) == -1 || db_open(&db, path, &note_schema, &err) == -1)
        fail_msg("%s", err.text);
    return db;
}

static int put_note(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &notes, arg, err);
}

static int delete_note(struct txn *txn, void *arg, struct err *err)
{
    return record_delete(txn, &notes, arg, err) == -1 ? -1 : 0;
}

static int reindex(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return record_reindex(txn, &notes, "text", err);
}

static void doing(struct world *w, db_change *change, void *arg)
{
    struct err err = {0};

    if (db_write(w->db, change, arg, &err) == -1)
        fail_msg("%s", err.text);
}

static int64_t findings(struct world *w)
{
    struct err err = {0};

    return db_fsck(w->db, NULL, NULL, &err);
}

/* How often the model says that a record comes: once for each of its words that begin so. */
static unsigned times(const char *text, const char *prefix)
{
    char seen[32][80], word[80];
    unsigned n = 0, count = 0;

    for (const char *at = text + strspn(text, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        unsigned i = 0;

        (void)str_format(word, sizeof word, "%.*s", (int)len, at);
        at += len;
        while (i < n && !str_equal(seen[i], word))
            i++;
        if (i < n || len > INDEX_WORD_MAX || !str_starts(word, prefix))
            continue;
        (void)str_copy(seen[n++], sizeof seen[0], word);
        count++;
    }
    return count;
}

static void is_as_the_model(struct world *w, const char *prefix)
{
    unsigned got[NOTES] = {0};
    struct note note;
    struct scan scan;
    struct txn *txn;
    struct err err;
    int found;

    assert_int_equal(db_read(&txn, w->db, &err), 0);
    assert_int_equal(scan_words(&scan, txn, &notes, "text", prefix, &err), 0);
    for (;;) {
        memset(&note, 0, sizeof note);
        if ((found = scan_skim(&scan, &note, &err)) != 1)
            break;
        for (unsigned i = 0; i < NOTES; i++)
            got[i] += str_equal(w->notes[i].id, note.id);
    }
    assert_int_equal(found, 0);
    db_read_end(txn);
    for (unsigned i = 0; i < NOTES; i++)
        assert_int_equal(got[i], times(w->notes[i].text, prefix));
}

static void words_follow_their_records(void **state)
{
    static const char *const words[] = {"a",
                                        "ab",
                                        "abc",
                                        "b",
                                        "ba",
                                        "abba",
                                        "acme",
                                        "",
                                        "  ",
                                        "zz-9",
                                        "abc",
                                        "\xc3\xa9t\xc3\xa9",
                                        "a-word-that-is-longer-than-the-most-that-has-an-entry-of-"
                                        "its-own-in-an-index"};
    static const char *const asked[] = {"", "a", "ab", "abc", "b", "x", "zz-9", "\xc3\xa9", "abcd"};
    struct world *w = *state;

    for (unsigned i = 0; i < NOTES; i++)
        id_make(w->notes[i].id, "no");
    for (unsigned turn = 0; turn < 400; turn++) {
        struct note *note = &w->notes[rand() % NOTES];

        note->text[0] = '\0';
        for (int n = rand() % 6; n > 0; n--) {
            size_t used = strlen(note->text);
            (void)str_format(note->text + used, sizeof note->text - used, "%s%s",
                             used > 0 ? " " : "",
                             words[(size_t)rand() % (sizeof words / sizeof words[0])]);
        }
        if (turn % 9 == 8) {
            note->text[0] = '\0';
            doing(w, delete_note, note);
        } else {
            doing(w, put_note, note);
        }
        if (turn % 40 == 39)
            for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
                is_as_the_model(w, asked[i]);
    }
    assert_int_equal(findings(w), 0);
    doing(w, reindex, NULL);
    assert_int_equal(findings(w), 0);
    is_as_the_model(w, "a");
}

/* A walk reads the records behind the words, too. */
static void walks_give_records(void **state)
{
    struct world *w = *state;
    struct note note = {.text = "one two"};
    struct scan scan;
    struct txn *txn;
    struct err err;

    id_make(note.id, "no");
    doing(w, put_note, &note);
    memset(&note, 0, sizeof note);
    assert_int_equal(db_read(&txn, w->db, &err), 0);
    assert_int_equal(scan_words(&scan, txn, &notes, "text", "tw", &err), 0);
    assert_int_equal(scan_next(&scan, &note, &err), 1);
    assert_string_equal(note.text, "one two");
    assert_int_equal(scan_next(&scan, &note, &err), 0);
    db_read_end(txn);
}

static int take_entry(struct txn *txn, void *arg, struct err *err)
{
    struct key key;
    size_t ignored;

    assert_int_equal(key_entry_nth(&notes, &note_indexes[0], arg, 1, &key, &ignored), 1);
    assert_int_equal(db_raw_delete(txn, key.data, key.len, err), 1);
    memcpy(key.data + 1, "xx", 2);
    return db_raw_put(txn, key.data, key.len, "", 0, err);
}

static void fsck_tells(void **state)
{
    struct world *w = *state;
    struct note note = {.text = "one two three"};

    id_make(note.id, "no");
    doing(w, put_note, &note);
    assert_int_equal(findings(w), 0);
    doing(w, take_entry, &note);
    assert_int_equal(findings(w), 2); /* one that is missing, one that is nobody's */
    doing(w, reindex, NULL);
    assert_int_equal(findings(w), 0);
}

static void a_wrong_declaration_is_refused(void **state)
{
    struct index index = {.name = "text", .id = 140, .words = true, .fields = {"id"}};
    struct table table = notes;
    const struct table *const tables[] = {&table};
    const struct schema schema = {.tables = tables, .table_count = 1, .version = 1};
    struct err err;

    (void)state;
    table.indexes = &index;
    assert_int_equal(schema_check(&note_schema, &err), 0);
    assert_int_equal(schema_check(&schema, &err), -1);
    index.fields[0] = "text";
    assert_int_equal(schema_check(&schema, &err), 0);
    index.unique = true;
    assert_int_equal(schema_check(&schema, &err), -1);
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    make_folder(w->folder);
    w->db = make_notes(w->folder);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;

    remove_folder(w->folder);
    free(w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_follow_their_records, open_world, close_world),
        cmocka_unit_test_setup_teardown(walks_give_records, open_world, close_world),
        cmocka_unit_test_setup_teardown(fsck_tells, open_world, close_world),
        cmocka_unit_test(a_wrong_declaration_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
