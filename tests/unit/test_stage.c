/* A newer store in the place of an older one: killed at every point there is the old one or the new
 * one, whole; on trial nothing is changed, and the way back loses nothing. The points are compiled
 * in here whatever the build. */
#ifndef SETT_CRASH_POINTS
#define SETT_CRASH_POINTS 1
#endif
#include "crash.c"
#include "stage.c"
#include "stage_place.c"

#include "children.h"

#define THINGS 40

static char folder[PATH_SIZE], place[PATH_SIZE + 16], passes[PATH_SIZE + 16];

static int note_things(struct txn *txn, struct err *err)
{
    static struct thing t;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &things_2, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &t, err)) == 1) {
        (void)str_copy(t.note, sizeof t.note, "noted");
        if (record_put(txn, &things_2, &t, err) == -1)
            return -1;
    }
    return got;
}

static const struct migration migrations[] = {{2, "things have notes", note_things}};

static int sound(struct db *db, void *arg, struct err *err)
{
    bool *refuse = arg;

    if (refuse != NULL && *refuse)
        return err_set(err, ERR_CORRUPT, "not_sound", "it is not sound");
    return db_fsck(db, NULL, NULL, err) == 0 ? 0 : -1;
}

static struct stage stage_of(const char *path, bool trial)
{
    return (struct stage){.folder = path,
                          .schema = &sample_2,
                          .migrations = migrations,
                          .count = 1,
                          .check = sound,
                          .trial = trial,
                          .program = "0.1"};
}

static int fill(struct txn *txn, void *arg, struct err *err)
{
    static struct thing t;
    uint64_t *from = arg;

    for (uint64_t n = *from; n < *from + THINGS; n++) {
        make_thing(&t, n);
        if (record_insert(txn, &things, &t, err) == -1)
            return -1;
    }
    return 0;
}

static int set_up(void **state)
{
    uint64_t from = 1;
    struct err err;

    (void)state;
    make_folder(folder);
    (void)str_format(place, sizeof place, "%s/db", folder);
    (void)str_format(passes, sizeof passes, "%s/passes", folder);
    if (db_write(make_store(folder), fill, &from, &err) == -1)
        fail_msg("%s", err.text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("SETT_CRASH"), 0);
    assert_int_equal(unsetenv("SETT_CRASH_LOG"), 0);
    remove_folder(folder);
    return 0;
}

static void must(int result, const struct err *err)
{
    if (result == -1)
        fail_msg("%s: %s", err->code, err->text);
}

static int64_t count_of(struct db *db, const struct table *table)
{
    struct txn *txn;
    struct err err;
    int64_t n;

    must(db_read(&txn, db, &err), &err);
    n = record_count(txn, table, &err);
    db_read_end(txn);
    return n;
}

/* Which of the two it is: 1 or 2, whole. */
static int version_of(const char *path)
{
    struct err err;
    struct db *db;
    bool old = db_open(&db, path, &sample, &err) == 0;

    if (!old) {
        assert_string_equal(err.code, "store_newer");
        must(db_open(&db, path, &sample_2, &err), &err);
    }
    assert_int_equal(db_fsck(db, NULL, NULL, &err), 0);
    assert_int_equal(count_of(db, old ? &things : &things_2), THINGS);
    return old ? 1 : 2;
}

static void it_is_exchanged_and_the_old_one_kept(void **state)
{
    struct stage stage = stage_of(place, false);
    struct stage_copy copies[8];
    struct stage_report r;
    char old[2 * PATH_SIZE];
    struct err err;

    (void)state;
    must(stage_due(place, &sample_2, &r, &err), &err);
    assert_int_equal(r.from, 1);
    assert_true(r.level_from == schema_level(&sample) && r.level_to == schema_level(&sample_2));
    must(stage_upgrade(&stage, &r, &err), &err);
    assert_int_equal(version_of(place), 2);
    assert_int_equal(stage_upgrade(&stage, &r, &err), 0);
    assert_int_equal(stage_copies(place, copies, 8), 1);
    assert_string_equal(copies[0].program, "0.1");
    assert_int_equal(copies[0].schema, 1);
    (void)str_format(old, sizeof old, "%s/%s", folder, copies[0].name);
    assert_int_equal(version_of(old), 1);
    /* and back again, by the older program */
    must(stage_return(place, &sample, "0.2", copies[0].name, &err), &err);
    assert_int_equal(version_of(place), 1);
    assert_int_equal(stage_copies(place, copies, 8), 1);
    assert_int_equal(copies[0].schema, 2);
}

static void on_trial_nothing_is_changed(void **state)
{
    struct stage stage = stage_of(place, true);
    struct stage_report r;
    struct db *db;
    struct err err;
    uint64_t from = 1000;

    (void)state;
    must(stage_upgrade(&stage, &r, &err), &err);
    must(db_open(&db, place, &sample_2, &err), &err);
    assert_true(db_on_trial(db));
    assert_int_equal(db_write(db, fill, &from, &err), -1);
    assert_string_equal(err.code, "store_on_trial");
    assert_int_equal(err_http_status(err.kind), 503);
    assert_true(err.retry_after_s > 0);
    assert_int_equal(stage_upgrade(&stage, &r, &err), 0); /* it waits, and may be asked again */
    assert_true(stage_on_trial(place));
    assert_int_equal(stage_back(place, &err), 1);
    assert_int_equal(version_of(place), 1);
    assert_int_equal(stage_back(place, &err), 0);
    must(stage_upgrade(&stage, &r, &err), &err);
    must(stage_commit(place, &err), &err);
    must(stage_commit(place, &err), &err);
    must(db_open(&db, place, &sample_2, &err), &err);
    must(db_write(db, fill, &from, &err), &err);
    assert_int_equal(count_of(db, &things_2), 2 * THINGS);
    assert_int_equal(stage_back(place, &err), 0);
}

static void what_is_not_sound_never_lives(void **state)
{
    struct stage stage = stage_of(place, false);
    struct stage_copy copies[8];
    struct stage_report r;
    struct err err;
    bool refuse = true;

    (void)state;
    stage.arg = &refuse;
    assert_int_equal(stage_upgrade(&stage, &r, &err), -1);
    assert_string_equal(err.code, "not_sound");
    assert_int_equal(version_of(place), 1);
    refuse = false;
    stage.rehearse = true;
    assert_int_equal(stage_upgrade(&stage, &r, &err), 1);
    assert_true(r.copy_bytes > 0);
    assert_int_equal(version_of(place), 1);
    assert_int_equal(stage_copies(place, copies, 8), 0);
    for (const char *const *left = (const char *const[]){".next", ".trash", ".rehearsal", NULL};
         *left != NULL; left++) {
        char path[STAGE_PLACE];
        stage_beside(place, *left, path);
        assert_false(file_exists(path));
    }
}

static void the_last_three_are_kept(void **state)
{
    struct stage_copy copies[8];
    char name[STAGE_NAME_SIZE], first[STAGE_NAME_SIZE];
    struct err err;

    (void)state;
    must(stage_keep(place, &sample, "0.1", first, &err), &err);
    for (int i = 0; i < 3; i++)
        must(stage_keep(place, &sample, "0.2", name, &err), &err);
    assert_int_equal(stage_copies(place, copies, 8), STAGE_KEPT);
    assert_string_equal(copies[0].name, name);
    for (int i = 0; i < STAGE_KEPT; i++)
        assert_string_not_equal(copies[i].name, first);
    assert_int_equal(stage_return(place, &sample, "", "db.before-nothing", &err), -1);
    assert_string_equal(err.code, "copy_not_found");
}

/* The same schema, but a field more: the older program is told, instead of finding records that it
 * cannot read. */
static void a_newer_writer_is_known(void **state)
{
    static const struct schema grown = {sample_tables_2, 2, 1, false};
    struct err err;
    struct db *db;

    (void)state;
    must(db_open(&db, place, &grown, &err), &err);
    assert_int_equal(db_open(&db, place, &sample, &err), -1);
    assert_string_equal(err.code, "store_newer");
    assert_non_null(strstr(err.hint, "sett db back"));
}

/* ---- killed ---- */

static int child_acts(const char *what, const char *where)
{
    char path[PATH_SIZE + 16];
    struct stage stage;
    struct stage_report r;
    struct err err;
    int rc;

    (void)str_format(path, sizeof path, "%s/db", where);
    stage = stage_of(path, !str_equal(what, "upgrade"));
    rc = stage_upgrade(&stage, &r, &err);
    if (rc == 1 && str_equal(what, "commit"))
        rc = stage_commit(path, &err);
    if (rc == 1 && str_equal(what, "back"))
        rc = stage_back(path, &err);
    if (rc == -1)
        (void)fprintf(stderr, "%s: %s\n", err.code, err.text);
    return rc == -1 ? 9 : 0;
}

static int act(const char *what, const char *point)
{
    struct child child;

    assert_int_equal(setenv("SETT_CRASH", point, 1), 0);
    child = child_start(what, folder);
    assert_int_equal(unsetenv("SETT_CRASH"), 0);
    return child_end(&child);
}

/* Whoever comes next brings it to an end: the new store, and nothing left but what is kept. */
static void end_of(const char *what, bool was_trial)
{
    struct stage stage = stage_of(place, false);
    struct stage_copy copies[8];
    struct stage_report r;
    struct err err;

    if (was_trial && stage_on_trial(place) && str_equal(what, "back"))
        must(stage_back(place, &err), &err);
    else if (was_trial)
        must(stage_commit(place, &err), &err);
    must(stage_upgrade(&stage, &r, &err), &err);
    assert_int_equal(version_of(place), 2);
    assert_in_range(stage_copies(place, copies, 8), 1, STAGE_KEPT);
}

static void killed(const char *what)
{
    char points[64][40];
    unsigned count = 0;
    struct buf log;
    struct err err;

    assert_int_equal(setenv("SETT_CRASH_LOG", passes, 1), 0);
    assert_int_equal(act(what, ""), 0);
    buf_init(&log, 10000);
    must(file_read(passes, &log, &err), &err);
    assert_int_equal(unsetenv("SETT_CRASH_LOG"), 0);
    for (char *at = log.data; *at != '\0' && count < 64; at += strcspn(at, "\n") + 1)
        (void)str_copy_n(points[count++], 40, at, strcspn(at, "\n"));
    buf_free(&log);
    assert_in_range(count, 6, 63);
    for (unsigned i = 0; i < count; i++) {
        int version;

        remove_folder(folder);
        assert_int_equal(mkdir(folder, 0700), 0);
        uint64_t from = 1;
        must(db_write(make_store(folder), fill, &from, &err), &err);
        assert_true(WIFSIGNALED(act(what, points[i])));
        version = version_of(place);
        if (version == 2 && str_equal(what, "back"))
            assert_true(stage_on_trial(place));
        end_of(what, !str_equal(what, "upgrade"));
    }
}

static void killed_while_it_is_exchanged(void **state)
{
    (void)state;
    killed("upgrade");
}

static void killed_while_a_trial_ends_well(void **state)
{
    (void)state;
    killed("commit");
}

static void killed_on_the_way_back(void **state)
{
    (void)state;
    killed("back");
}

int main(int argc, char **argv)
{
#define WITH_STORE(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_STORE(it_is_exchanged_and_the_old_one_kept),
        WITH_STORE(on_trial_nothing_is_changed),
        WITH_STORE(what_is_not_sound_never_lives),
        WITH_STORE(the_last_three_are_kept),
        WITH_STORE(a_newer_writer_is_known),
        WITH_STORE(killed_while_it_is_exchanged),
        WITH_STORE(killed_while_a_trial_ends_well),
        WITH_STORE(killed_on_the_way_back),
    };

    if (argc == 3)
        return child_acts(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
