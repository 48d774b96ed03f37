/*
 * Migrations: all that are due in one transaction. Apart because nothing else may open a store of
 * another version. That there is a way back is stage.c's affair, which has them run on a copy.
 */
#include "maintain.h"

#include "crash.h"
#include "db_raw.h"

struct work {
    const struct migration *migrations;
    size_t count;
    uint32_t from, to;
    uint64_t level; /* schema_level: what a program must know to read all of it */
};

static const struct migration *find(const struct work *work, uint32_t number)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->migrations[i].number == number)
            return &work->migrations[i];
    return NULL;
}

static int run_all(struct txn *txn, void *arg, struct err *err)
{
    const struct work *work = arg;
    uint32_t now;

    if (db_raw_schema(txn, &now, err) == -1)
        return -1;
    if (now != work->from)
        return err_set(err, ERR_CONFLICT, "store_changed", "somebody else has migrated the store");
    for (uint32_t number = work->from + 1; number <= work->to; number++) {
        const struct migration *migration = find(work, number);
        if (migration == NULL || migration->run(txn, err) != 0)
            return -1;
    }
    return db_raw_set_schema(txn, work->to, err) == -1 ? -1
                                                       : db_raw_set_level(txn, work->level, err);
}

/* That there is a way from one version to the other, without a gap. */
static int check_way(const struct work *work, uint64_t level, struct err *err)
{
    if (work->from > work->to || (work->from == work->to && level > work->level))
        return db_raw_newer(work->from, work->to, level, work->level, err);
    for (uint32_t number = work->from + 1; number <= work->to; number++)
        if (find(work, number) == NULL)
            return err_set(err, ERR_PRECONDITION, "migration_missing",
                           "no migration leads to version %u", (unsigned)number);
    return 0;
}

static int migrate(struct db *db, struct work *work, struct err *err)
{
    uint64_t level = 0;
    struct txn txn;
    int result;

    if (db_raw_begin(db, false, &txn, err) == -1)
        return -1;
    result = db_raw_schema(&txn, &work->from, err);
    if (result == 0)
        result = db_raw_level(&txn, &level, err);
    db_raw_abort(&txn);
    if (result == -1 || check_way(work, level, err) == -1)
        return -1;
    if (work->from == work->to && level == work->level)
        return 0;
    if (db_write(db, run_all, work, err) == -1)
        return -1;
    CP("store.migrate.done");
    return (int)(work->to - work->from);
}

int db_migrate(const char *folder, const struct schema *schema, const struct migration *migrations,
               size_t count, struct err *err)
{
    struct work work = {.migrations = migrations,
                        .count = count,
                        .to = schema->version,
                        .level = schema_level(schema)};
    struct db *db;
    int result;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    result = migrate(db, &work, err);
    db_raw_release(db);
    return result;
}
