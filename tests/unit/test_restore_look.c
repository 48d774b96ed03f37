/* A snapshot's store before it is believed: one of an older version is migrated where it was
 * unpacked and nowhere else, one that cannot be is refused, and so is a newer one; what is there
 * never changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "audit.h"
#include "customer.h"
#include "file.h"
#include "restore.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

struct world {
    char top[64], staging[PATHS_SIZE], staged_db[PATHS_SIZE + 8];
    struct paths paths;
    struct schema older, newer; /* of versions 1 and 2 */
};

static int named(struct txn *txn, void *arg, struct err *err)
{
    struct customer customer = {0};

    (void)str_copy(customer.name, sizeof customer.name, arg);
    return customer_new(txn, &customer, err) == -1 ||
                   setting_set(txn, "box.id", "box_00000000000000000000000001", "test", err) == -1
               ? -1
               : 0;
}

static void make_store(const char *folder, const struct schema *schema, const char *customer)
{
    char name[64];
    struct err err;
    struct db *db;

    (void)str_copy(name, sizeof name, customer);
    assert_int_equal(db_create(folder, schema, &err), 0);
    assert_int_equal(db_open(&db, folder, schema, &err), 0);
    assert_int_equal(db_write(db, named, name, &err), 0);
}

/* A box of version ${live}, and a staging folder with a store of ${staged}. */
static void begin(struct world *w, unsigned live, unsigned staged)
{
    struct err err;

    memset(w, 0, sizeof *w);
    w->older = w->newer = sett_schema;
    w->older.version = 1;
    w->newer.version = 2;
    (void)str_copy(w->top, sizeof w->top, "/tmp/sett-look-XXXXXX");
    assert_non_null(mkdtemp(w->top));
    assert_int_equal(paths_set(&w->paths, w->top, &err), 0);
    assert_int_equal(file_mkdirs(w->paths.live, 0755, &err), 0);
    (void)str_format(w->staging, sizeof w->staging, "%s.staging", w->paths.live);
    (void)str_format(w->staged_db, sizeof w->staged_db, "%s/db", w->staging);
    assert_int_equal(file_mkdirs(w->staging, 0700, &err), 0);
    make_store(w->paths.db, live == 2 ? &w->newer : &w->older, "Of the box");
    make_store(w->staged_db, staged == 2 ? &w->newer : &w->older, "Of the snapshot");
}

static void end(struct world *w)
{
    (void)file_remove_tree(w->top, NULL);
}

/* What a migration to version 2 might do. */
static int rename_box(struct txn *txn, struct err *err)
{
    return setting_set(txn, "box.name", "migrated", "migration", err);
}

static int fails_late(struct txn *txn, struct err *err)
{
    return setting_set(txn, "box.name", "half done", "migration", err) == -1
               ? -1
               : err_set(err, ERR_CORRUPT, "migration_broke", "the migration broke");
}

/* All that the store in ${folder} says, as a number; its own file times aside. */
static void name_in(const char *folder, const struct schema *schema, char out[64])
{
    struct err err;
    struct txn *txn;
    struct db *db;

    assert_int_equal(db_open(&db, folder, schema, &err), 0);
    assert_int_equal(db_read(&txn, db, &err), 0);
    assert_true(setting_text(txn, NULL, "box.name", out, 64, &err) != -1);
    db_read_end(txn);
}

static void read_store(const struct world *w, struct buf *out)
{
    char path[PATHS_SIZE + 16];
    struct err err;

    (void)str_format(path, sizeof path, "%s/data.mdb", w->paths.db);
    buf_init(out, 64u << 20);
    assert_int_equal(file_read(path, out, &err), 0);
}

static void assert_untouched(const struct world *w, struct buf *was)
{
    struct buf is;

    read_store(w, &is);
    assert_int_equal(is.len, was->len);
    assert_memory_equal(is.data, was->data, is.len);
    buf_free(&is);
    buf_free(was);
}

static void an_older_store_is_migrated_where_it_lies(void **state)
{
    static const struct migration migrations[] = {{2, "the box has another name", rename_box}};
    static struct restore_plan plan;
    char name[64];
    struct world w;
    struct err err;
    struct buf was;

    (void)state;
    begin(&w, 2, 1);
    read_store(&w, &was);
    const struct restore_program program = {&w.newer, migrations, 1};
    assert_int_equal(restore_look(&program, w.staging, &w.paths, &plan, &err), 0);
    assert_int_equal(plan.migrated, 1);
    assert_true(plan.present && plan.lost.customers.count == 1);
    assert_string_equal(plan.lost.customers.names[0], "Of the box");
    name_in(w.staged_db, &w.newer, name);
    assert_string_equal(name, "migrated");
    assert_untouched(&w, &was);
    end(&w);
}

static void one_that_cannot_be_is_refused(void **state)
{
    static const struct migration broken[] = {{2, "breaks", fails_late}};
    static struct restore_plan plan;
    char name[64];
    struct world w;
    struct err err;
    struct buf was;

    (void)state;
    begin(&w, 2, 1);
    read_store(&w, &was);
    const struct restore_program program = {&w.newer, broken, 1};
    assert_int_equal(restore_look(&program, w.staging, &w.paths, &plan, &err), -1);
    assert_string_equal(err.code, "migration_broke");
    assert_non_null(strstr(err.hint, "nothing was changed"));
    assert_untouched(&w, &was);
    name_in(w.staged_db, &w.older, name);
    assert_string_equal(name, "sett"); /* half a migration is none */
    end(&w);
}

static void a_newer_store_is_refused(void **state)
{
    static struct restore_plan plan;
    struct seal_header h = {.schema = 2, .made_by = "sett 9.9"};
    struct world w;
    struct err err;
    struct buf was;

    (void)state;
    begin(&w, 1, 2);
    read_store(&w, &was);
    const struct restore_program program = {&w.older, sett_migrations, sett_migration_count};
    assert_int_equal(restore_look(&program, w.staging, &w.paths, &plan, &err), -1);
    assert_string_equal(err.code, "store_newer");
    assert_untouched(&w, &was);
    assert_int_equal(restore_version(&h, &w.older, &err), -1);
    assert_string_equal(err.code, "snapshot_newer");
    assert_non_null(strstr(err.text, "sett 9.9"));
    assert_int_equal(restore_version(&h, &w.newer, &err), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_older_store_is_migrated_where_it_lies),
        cmocka_unit_test(one_that_cannot_be_is_refused),
        cmocka_unit_test(a_newer_store_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
