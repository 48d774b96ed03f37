/* Stores on the disk: made whole or not at all, opened only when whole, and their readers. */
#include "children.h"

#include <sys/stat.h>

static char folder[PATH_SIZE], place[PATH_SIZE + 8];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
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

static mode_t mode_of(const char *name)
{
    char path[2 * PATH_SIZE];
    struct stat st;

    (void)str_format(path, sizeof path, "%s%s", place, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_store_is_made_once_with_its_modes(void **state)
{
    struct err err;
    struct db *db;
    mode_t before = umask(077);

    (void)state;
    must(db_create(place, &sample, &err), &err);
    (void)umask(before);
    assert_int_equal(mode_of(""), 02770);
    assert_int_equal(mode_of("/data.mdb"), 0660);
    assert_int_equal(mode_of("/lock.mdb"), 0660);
    assert_int_equal(db_create(place, &sample, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    must(db_open(&db, place, &sample, &err), &err);
    assert_int_equal(unlink(place), -1);
    /* nothing is left beside it */
    assert_int_equal(rmdir(folder), -1);
    remove_folder(place);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void a_store_takes_the_place_of_an_empty_folder_only(void **state)
{
    char path[2 * PATH_SIZE];
    struct err err;

    (void)state;
    assert_int_equal(mkdir(place, 0750), 0);
    must(db_create(place, &sample, &err), &err);
    remove_folder(place);
    assert_int_equal(mkdir(place, 0750), 0);
    (void)str_format(path, sizeof path, "%s/somebody's", place);
    must(file_write(path, "x", 1, 0600, &err), &err);
    assert_int_equal(db_create(place, &sample, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_true(file_exists(path));
    assert_int_equal(db_create("/nonexistent/folder/db", &sample, &err), -1);
}

static void check_refusal(enum err_kind kind, const char *code)
{
    struct err err;
    struct db *db;

    assert_int_equal(db_open(&db, place, &sample, &err), -1);
    assert_null(db);
    if (err.kind != kind || (code != NULL && !str_equal(err.code, code)))
        fail_msg("%s: %s", err.code, err.text);
}

/* A folder whose data file has these bytes. */
static void put_data(const void *data, size_t len)
{
    char path[2 * PATH_SIZE];
    struct err err;

    remove_folder(place);
    assert_int_equal(mkdir(place, 0700), 0);
    (void)str_format(path, sizeof path, "%s/data.mdb", place);
    must(file_write(path, data, len, 0600, &err), &err);
}

static int insert_some(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;
    const uint64_t *range = arg;

    for (uint64_t n = range[0]; n < range[1]; n++) {
        make_thing(&t, n);
        if (record_insert(txn, &things, &t, err) == -1)
            return -1;
    }
    return 0;
}

/* The data file's bytes of a store with something in it. */
static void good_data(struct buf *out)
{
    char elsewhere[PATH_SIZE], path[2 * PATH_SIZE];
    uint64_t range[2] = {1, 500};
    struct err err;

    make_folder(elsewhere);
    must(db_write(make_store(elsewhere), insert_some, range, &err), &err);
    (void)str_format(path, sizeof path, "%s/db/data.mdb", elsewhere);
    buf_init(out, 64 << 20);
    must(file_read(path, out, &err), &err);
    remove_folder(elsewhere);
}

static void what_is_no_whole_store_is_not_opened(void **state)
{
    char garbage[20000], path[2 * PATH_SIZE];
    struct buf data;
    struct err err;
    struct db *db;

    (void)state;
    check_refusal(ERR_NOT_FOUND, "store_missing");
    assert_int_equal(mkdir(place, 0700), 0);
    check_refusal(ERR_NOT_FOUND, "store_missing");
    put_data("", 0);
    check_refusal(ERR_CORRUPT, NULL);
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (char)(i * 7919 >> 3);
    put_data(garbage, 100);
    check_refusal(ERR_CORRUPT, NULL);
    put_data(garbage, sizeof garbage);
    check_refusal(ERR_CORRUPT, NULL);
    remove_folder(place);
    assert_int_equal(mkdir(place, 0700), 0);
    (void)str_format(path, sizeof path, "%s/data.mdb", place);
    assert_int_equal(mkdir(path, 0700), 0);
    check_refusal(ERR_CORRUPT, NULL);
    assert_false(file_exists("db/lock.mdb"));

    good_data(&data);
    put_data(data.data, data.len);
    must(db_open(&db, place, &sample, &err), &err);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
    for (size_t cut = 1; cut < data.len; cut = cut * 3 + 4000) {
        put_data(data.data, data.len - cut);
        check_refusal(ERR_CORRUPT, NULL);
        put_data(data.data, cut);
        check_refusal(ERR_CORRUPT, NULL);
    }
    buf_free(&data);
}

static int put_and_remove(struct txn *txn, void *arg, struct err *err)
{
    static char some[1000];
    const int *count = arg;
    uint8_t key[] = {200, 0};

    for (int i = 0; i < *count; i++) {
        key[1] = (uint8_t)i;
        if (db_raw_put(txn, key, sizeof key, some, sizeof some, err) == -1)
            return -1;
    }
    for (int i = *count - 1; i >= 0; i--) {
        key[1] = (uint8_t)i;
        if (db_raw_delete(txn, key, sizeof key, err) != 1)
            return -1;
    }
    return 0;
}

/* LMDB does not write pages that were freed in the commit that took them, so the file may end
 * before its last page; that is not a damaged file. */
static void a_file_whose_end_is_free_is_whole(void **state)
{
    char path[2 * PATH_SIZE];
    struct db *db = make_store(folder);
    struct db_figures figures;
    struct buf data;
    struct err err;
    bool shorter = false;

    (void)state;
    buf_init(&data, 64 << 20);
    (void)str_format(path, sizeof path, "%s/data.mdb", place);
    for (int count = 10; count < 250 && !shorter; count += 10) {
        must(db_write(db, put_and_remove, &count, &err), &err);
        must(db_figures(db, &figures, &err), &err);
        buf_reset(&data);
        must(file_read(path, &data, &err), &err);
        shorter = data.len < figures.used_bytes + figures.free_bytes;
    }
    if (!shorter) {
        buf_free(&data);
        skip(); /* this LMDB wrote them all: there is nothing to show */
    }
    put_data(data.data, data.len);
    must(db_open(&db, place, &sample, &err), &err);
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
    buf_free(&data);
}

static int set_newer(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return db_raw_set_schema(txn, 2, err);
}

static void other_versions_are_refused(void **state)
{
    struct db *db = make_store(folder);
    struct err err;

    (void)state;
    assert_int_equal(db_open(&db, place, &sample_2, &err), -1);
    assert_int_equal(err.kind, ERR_PRECONDITION);
    assert_string_equal(err.code, "store_needs_migration");
    must(db_open(&db, place, &sample, &err), &err);
    must(db_write(db, set_newer, NULL, &err), &err);
    check_refusal(ERR_PRECONDITION, "store_newer");
}

static void a_foreign_file_is_refused(void **state)
{
    struct db_raw_env *env;
    struct txn txn;
    struct db *db;
    struct err err;

    (void)state;
    assert_int_equal(mkdir(place, 0700), 0);
    must(db_raw_env_create(place, &env, &err), &err);
    db = db_raw_handle(env, place, &sample, &err);
    assert_non_null(db);
    must(db_raw_begin(db, true, &txn, &err), &err);
    must(db_raw_put(&txn, "other", 5, "program", 7, &err), &err);
    must(db_raw_commit(&txn, &err), &err);
    check_refusal(ERR_CORRUPT, "store_foreign");
}

static void the_same_store_opened_twice_is_one(void **state)
{
    struct db *a = make_store(folder), *b;
    static struct thing t;
    struct txn *txn;
    struct err err;

    (void)state;
    must(db_open(&b, place, &sample, &err), &err);
    make_thing(&t, 1);
    must(db_write(a, insert_thing, &t, &err), &err);
    must(db_read(&txn, b, &err), &err);
    assert_int_equal(record_count(txn, &things, &err), 1);
    assert_int_equal(txn_number(txn), db_last_txn(a));
    assert_true(txn_time_ms(txn) > 0);
    db_read_end(txn);
}

static void a_snapshot_stays_as_it_was(void **state)
{
    struct db *db = make_store(folder);
    static struct thing t;
    struct txn *before, *after;
    struct err err;

    (void)state;
    must(db_read(&before, db, &err), &err);
    make_thing(&t, 1);
    must(db_write(db, insert_thing, &t, &err), &err);
    must(db_read(&after, db, &err), &err);
    assert_int_equal(record_count(before, &things, &err), 0);
    assert_int_equal(record_get(before, &things, &t, &err), 0);
    assert_int_equal(record_count(after, &things, &err), 1);
    assert_int_equal(txn_number(after), txn_number(before) + 1);
    db_read_end(before);
    db_read_end(after);
}

static void all_slots_taken_is_a_clear_error(void **state)
{
    struct db *db = make_store(folder);
    static struct txn *txns[DB_READERS];
    struct db_figures figures;
    struct txn *more;
    struct err err;

    (void)state;
    for (size_t i = 0; i < DB_READERS; i++)
        must(db_read(&txns[i], db, &err), &err);
    assert_int_equal(db_read(&more, db, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_string_equal(err.code, "readers_full");
    assert_null(more);
    db_read_end(txns[0]);
    must(db_figures(db, &figures, &err), &err);
    assert_int_equal(figures.readers_max, DB_READERS);
    assert_in_range(figures.readers, DB_READERS - 1, DB_READERS);
    assert_int_equal(figures.oldest_reader_txn, 1);
    assert_int_equal(figures.last_txn, 1);
    assert_true(figures.used_bytes > 0 && figures.map_bytes == DB_MAP_BYTES);
    must(db_read(&txns[0], db, &err), &err);
    for (size_t i = 0; i < DB_READERS; i++)
        db_read_end(txns[i]);
}

/* In the child: take every slot and wait. */
static int take_all_slots(const char *where)
{
    struct db *db = child_store(where);
    struct txn *txn;
    struct err err;

    for (size_t i = 0; i < DB_READERS; i++)
        if (db_read(&txn, db, &err) == -1)
            return 1;
    return child_wait();
}

static void slots_of_the_dead_are_taken_back(void **state)
{
    struct db *db = make_store(folder);
    struct txn *txn;
    struct child child;
    struct err err;

    (void)state;
    child = child_start("slots", folder);
    child_ready(&child);
    assert_int_equal(db_read(&txn, db, &err), -1);
    child_kill(&child);
    must(db_read(&txn, db, &err), &err); /* finds the slots full, looks for dead, finds room */
    db_read_end(txn);

    child = child_start("slots", folder);
    child_ready(&child);
    child_kill(&child);
    assert_int_equal(db_check_readers(db), DB_READERS);
    assert_int_equal(db_check_readers(db), 0);
}

static void a_copy_is_a_store(void **state)
{
    char path[2 * PATH_SIZE];
    struct db *db = make_store(folder), *copy;
    uint64_t range[2] = {1, 300};
    struct txn *txn;
    struct err err;
    int fd;

    (void)state;
    must(db_write(db, insert_some, range, &err), &err);
    (void)str_format(place, sizeof place, "%s/copy", folder);
    assert_int_equal(mkdir(place, 0700), 0);
    (void)str_format(path, sizeof path, "%s/data.mdb", place);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(db_copy(db, fd, &err), &err);
    (void)close(fd);
    must(db_open(&copy, place, &sample, &err), &err);
    assert_int_equal(db_fsck(copy, NULL, NULL, &err), 0);
    must(db_read(&txn, copy, &err), &err);
    assert_int_equal(record_count(txn, &things, &err), 299);
    db_read_end(txn);
    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(db_copy(db, fd, &err), -1);
    assert_int_equal(err.kind, ERR_FULL);
    (void)close(fd);
}

static void room_is_told_by_the_disk(void **state)
{
    struct db *db = make_store(folder);
    struct db_figures figures;
    struct err err;
    int room;

    (void)state;
    must(db_figures(db, &figures, &err), &err);
    room = db_room(db, &err);
    if (figures.disk_free_bytes > UINT64_C(300) << 20)
        assert_int_equal(room, 0);
    else
        assert_true(room == 0 || err.kind == ERR_FULL);
}

int main(int argc, char **argv)
{
#define WITH_FOLDER(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_store_is_made_once_with_its_modes),
        WITH_FOLDER(a_store_takes_the_place_of_an_empty_folder_only),
        WITH_FOLDER(what_is_no_whole_store_is_not_opened),
        WITH_FOLDER(a_file_whose_end_is_free_is_whole),
        WITH_FOLDER(other_versions_are_refused),
        WITH_FOLDER(a_foreign_file_is_refused),
        WITH_FOLDER(the_same_store_opened_twice_is_one),
        WITH_FOLDER(a_snapshot_stays_as_it_was),
        WITH_FOLDER(all_slots_taken_is_a_clear_error),
        WITH_FOLDER(slots_of_the_dead_are_taken_back),
        WITH_FOLDER(a_copy_is_a_store),
        WITH_FOLDER(room_is_told_by_the_disk),
    };

    if (argc == 3 && str_equal(argv[1], "slots"))
        return take_all_slots(argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
