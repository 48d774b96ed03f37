/*
 * Migrations: all that are due in one transaction, after a copy was put aside, so that whatever is
 * killed and whenever there is the old store or the new one. Apart because nothing else may
 * open a store of another version.
 */
#include "maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash.h"
#include "db_raw.h"
#include "file.h"
#include "str.h"

struct work {
    const struct migration *migrations;
    size_t count;
    uint32_t from, to;
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
    return db_raw_set_schema(txn, work->to, err);
}

/* The compact copy as a file that does not exist yet. */
static int write_copy(struct db *db, const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660), failed = 0, result;

    if (fd == -1)
        return err_sys(err, "store_copy", errno, path);
    result = db_copy(db, fd, err);
    if (result == 0 && (fchmod(fd, 0660) == -1 || fsync(fd) == -1))
        failed = errno;
    if (close(fd) == -1 && failed == 0)
        failed = errno;
    return failed == 0 ? result : err_sys(err, "store_copy", failed, path);
}

/* A folder beside the store that is a store of the old version. One from an earlier attempt makes
 * way. */
static int put_copy_aside(struct db *db, uint32_t version, struct err *err)
{
    char place[DB_RAW_PATH], aside[DB_RAW_PATH], path[DB_RAW_PATH];
    size_t len = strlen(db->folder);

    while (len > 1 && db->folder[len - 1] == '/')
        len--;
    if (str_format(place, sizeof place, "%.*s-version-%u", (int)len, db->folder,
                   (unsigned)version) == -1)
        return err_sys(err, "store_copy", ENAMETOOLONG, db->folder);
    if (db_raw_aside(place, aside, err) == -1)
        return -1;
    if (str_format(path, sizeof path, "%s/data.mdb", aside) == 0 &&
        write_copy(db, path, err) == 0 && file_sync_folder(aside, err) == 0 &&
        file_remove_tree(place, err) == 0) {
        if (rename(aside, place) == 0)
            return 0;
        (void)err_sys(err, "store_copy", errno, place);
    }
    (void)file_remove_tree(aside, NULL);
    return -1;
}

/* That there is a way from one version to the other, without a gap. */
static int check_way(const struct work *work, struct err *err)
{
    if (work->from > work->to)
        return err_set(err, ERR_PRECONDITION, "store_newer",
                       "the store is of version %u and this program knows up to %u",
                       (unsigned)work->from, (unsigned)work->to);
    for (uint32_t number = work->from + 1; number <= work->to; number++)
        if (find(work, number) == NULL)
            return err_set(err, ERR_PRECONDITION, "migration_missing",
                           "no migration leads to version %u", (unsigned)number);
    return 0;
}

static int migrate(struct db *db, struct work *work, struct err *err)
{
    struct txn txn;
    int result;

    if (db_raw_begin(db, false, &txn, err) == -1)
        return -1;
    result = db_raw_schema(&txn, &work->from, err);
    db_raw_abort(&txn);
    if (result == -1 || check_way(work, err) == -1)
        return -1;
    if (work->from == work->to)
        return 0;
    if (put_copy_aside(db, work->from, err) == -1)
        return -1;
    CP("store.migrate.copied");
    if (db_write(db, run_all, work, err) == -1)
        return -1;
    CP("store.migrate.done");
    return (int)(work->to - work->from);
}

int db_migrate(const char *folder, const struct schema *schema, const struct migration *migrations,
               size_t count, struct err *err)
{
    struct work work = {.migrations = migrations, .count = count, .to = schema->version};
    struct db *db;
    int result;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    result = migrate(db, &work, err);
    db_raw_release(db);
    return result;
}
