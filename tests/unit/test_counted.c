/* Counted indexes: whatever is written and taken back, the numbers are those of a model, and fsck
 * tells when they are not. */
#include "store_samples.h"

#include "record.h"

#define NOTES  60
#define KINDS  3
#define OWNERS 2

struct note {
    char id[ID_SIZE];
    uint32_t kind;
    char owner[ID_SIZE];
};
static const char *const kind_names[] = {"a", "b", "c", NULL};
static const struct field note_fields[] = {
    FIELD(struct note, id, FIELD_ID, .ref_prefix = "no"),
    FIELD(struct note, kind, FIELD_ENUM, .names = kind_names),
    FIELD(struct note, owner, FIELD_ID, .ref_prefix = "ow"),
};
static const struct index note_indexes[] = {
    {.name = "kind", .id = 140, .counted = true, .fields = {"kind"}},
    {.name = "both", .id = 141, .counted = true, .fields = {"kind", "owner"}},
    {.name = "owner", .id = 142, .counted = true, .sparse = true, .fields = {"owner"}}};
static const struct table notes = {
    .name = "notes",
    .noun = "note",
    .id = 9,
    .version = 1,
    .prefix = "no",
    .fields = {note_fields, sizeof note_fields / sizeof note_fields[0], sizeof(struct note)},
    .key = {"id"},
    .indexes = note_indexes,
    .index_count = 3};
static const struct table *const note_tables[] = {&notes};
static const struct schema note_schema = {.tables = note_tables, .table_count = 1, .version = 1};

struct world {
    char folder[PATH_SIZE];
    struct db *db;
    struct note notes[NOTES];
    bool there[NOTES];
    char owners[OWNERS][ID_SIZE];
};

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
    return record_reindex(txn, &notes, arg, err);
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

static void is_as_the_model(struct world *w)
{
    struct note match = {0};
    struct txn *txn;
    struct err err;

    assert_int_equal(db_read(&txn, w->db, &err), 0);
    for (uint32_t kind = 0; kind < KINDS; kind++)
        for (unsigned o = 0; o <= OWNERS; o++) {
            int64_t kinds = 0, both = 0, of_owner = 0;

            match.kind = kind;
            (void)str_copy(match.owner, ID_SIZE, o == OWNERS ? "" : w->owners[o]);
            for (unsigned i = 0; i < NOTES; i++) {
                bool own = str_equal(w->notes[i].owner, match.owner);
                kinds += w->there[i] && w->notes[i].kind == kind;
                both += w->there[i] && w->notes[i].kind == kind && own;
                of_owner += w->there[i] && own && o < OWNERS;
            }
            assert_int_equal(record_count_equal(txn, &notes, "kind", &match, &err), kinds);
            assert_int_equal(record_count_equal(txn, &notes, "both", &match, &err), both);
            assert_int_equal(record_count_equal(txn, &notes, "owner", &match, &err), of_owner);
        }
    db_read_end(txn);
}

static void numbers_follow_their_records(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < NOTES; i++)
        id_make(w->notes[i].id, "no");
    for (unsigned o = 0; o < OWNERS; o++)
        id_make(w->owners[o], "ow");
    for (unsigned turn = 0; turn < 500; turn++) {
        unsigned i = (unsigned)rand() % NOTES;
        unsigned o = (unsigned)rand() % (OWNERS + 1);

        w->there[i] = rand() % 4 != 0;
        w->notes[i].kind = (uint32_t)rand() % KINDS;
        (void)str_copy(w->notes[i].owner, ID_SIZE, o == OWNERS ? "" : w->owners[o]);
        doing(w, w->there[i] ? put_note : delete_note, &w->notes[i]);
        if (turn % 50 == 49)
            is_as_the_model(w);
    }
    assert_int_equal(findings(w), 0);
    for (size_t i = 0; i < 3; i++)
        doing(w, reindex, (void *)(uintptr_t)note_indexes[i].name);
    is_as_the_model(w);
    assert_int_equal(findings(w), 0);
    for (unsigned i = 0; i < NOTES; i++) {
        w->there[i] = false;
        doing(w, delete_note, &w->notes[i]);
    }
    is_as_the_model(w);
    assert_int_equal(findings(w), 0);
}

static int miscount(struct txn *txn, void *arg, struct err *err)
{
    const uint8_t entry[] = {140, 0, 0, 0, 1};

    (void)arg;
    return counted_change(txn, entry, sizeof entry, true, err);
}

static void fsck_tells(void **state)
{
    struct world *w = *state;
    struct note note = {.kind = 1};

    doing(w, miscount, NULL);
    assert_int_equal(findings(w), 1); /* of values that no entry has */
    doing(w, reindex, (void *)(uintptr_t) "kind");
    assert_int_equal(findings(w), 0);
    id_make(note.id, "no");
    doing(w, put_note, &note);
    doing(w, miscount, NULL);
    assert_int_equal(findings(w), 1); /* 2, and there is 1 */
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    char path[PATH_SIZE];
    struct err err;

    assert_non_null(w);
    make_folder(w->folder);
    (void)str_format(path, sizeof path, "%s/db", w->folder);
    if (db_create(path, &note_schema, &err) == -1 ||
        db_open(&w->db, path, &note_schema, &err) == -1)
        fail_msg("%s", err.text);
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
        cmocka_unit_test_setup_teardown(numbers_follow_their_records, open_world, close_world),
        cmocka_unit_test_setup_teardown(fsck_tells, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
