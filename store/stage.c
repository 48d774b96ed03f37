/*
 * A newer store in the place of an older one: copied, migrated, checked, exchanged. Apart from the
 * migrations, which know records, and from the folders' names (stage_place.c), which say after a
 * crash where things stood.
 */
#include "stage_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "str.h"

#define RESERVE (UINT64_C(64) << 20) /* left free on the disk beside a copy */

/* ---- the copy ---- */

static int check_room(const char *folder, uint64_t bytes, struct err *err)
{
    struct statvfs fs;

    if (statvfs(folder, &fs) == -1)
        return err_sys(err, "store_stage", errno, folder);
    if ((uint64_t)fs.f_bavail * fs.f_frsize >= bytes + bytes / 8 + RESERVE)
        return 0;
    (void)err_set(err, ERR_FULL, "no_room_for_copy",
                  "a copy of the store needs %llu MiB, and %llu are free",
                  (unsigned long long)((bytes + bytes / 8 + RESERVE) >> 20),
                  (unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
    return err_hint(err, "make room on the disk: sett snapshot prune; sett unstick in need");
}

/* The compact copy as a store in ${to}, which says of itself that it is unfinished. */
static int make_copy(struct db *db, const char *to, struct err *err)
{
    char path[STAGE_PLACE];
    struct stat st;
    int fd, failed = 0, rc;

    if (mkdir(to, 0770) == -1)
        return err_sys(err, "store_copy", errno, to);
    if (stat(db->folder, &st) == -1 || (chown(to, (uid_t)-1, st.st_gid) == -1 && errno != EPERM) ||
        chmod(to, 02770) == -1)
        return err_sys(err, "store_copy", errno, to);
    if (stage_put(to, STAGE_UNFINISHED, "", err) == -1)
        return -1;
    CP("stage.copy");
    (void)str_format(path, sizeof path, "%s/data.mdb", to);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0660)) == -1)
        return err_sys(err, "store_copy", errno, path);
    rc = db_copy(db, fd, err);
    if (rc == 0 && (fchmod(fd, 0660) == -1 || fsync(fd) == -1))
        failed = errno;
    if (close(fd) == -1 && failed == 0)
        failed = errno;
    CP("stage.copied");
    return failed == 0 ? rc : err_sys(err, "store_copy", failed, path);
}

static int write_note(const char *folder, const struct stage_report *r, const char *program,
                      struct err *err)
{
    char line[128];

    (void)str_format(line, sizeof line, "%.31s %u %llu %lld\n",
                     program == NULL || program[0] == '\0' ? "unknown" : program, (unsigned)r->from,
                     (unsigned long long)r->level_from, (long long)clock_wall_ms());
    return stage_put(folder, STAGE_NOTE, line, err);
}

/* ---- versions ---- */

static int look(struct db *db, const struct schema *schema, struct stage_report *r, struct err *err)
{
    char path[STAGE_PLACE];
    struct stat st;
    struct txn txn;
    int rc;

    memset(r, 0, sizeof *r);
    r->to = schema->version;
    r->level_to = schema_level(schema);
    if (db_raw_begin(db, false, &txn, err) == -1)
        return -1;
    rc = db_raw_schema(&txn, &r->from, err) == -1 || db_raw_level(&txn, &r->level_from, err) == -1
             ? -1
             : 0;
    db_raw_abort(&txn);
    (void)str_format(path, sizeof path, "%s/data.mdb", db->folder);
    if (stat(path, &st) == 0)
        r->bytes = (uint64_t)st.st_size;
    if (rc == -1)
        return -1;
    if (r->from > r->to || (r->from == r->to && r->level_from > r->level_to))
        return db_raw_newer(r->from, r->to, r->level_from, r->level_to, err);
    return r->from < r->to || r->level_from < r->level_to ? 1 : 0;
}

int stage_due(const char *folder, const struct schema *schema, struct stage_report *report,
              struct err *err)
{
    char next[STAGE_PLACE];
    struct db *db;
    int rc;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    rc = look(db, schema, report, err);
    db_raw_release(db);
    stage_beside(folder, ".next", next);
    return rc == 0 && (file_exists(next) || stage_has(folder, STAGE_MIGRATED)) &&
                   !stage_on_trial(folder)
               ? 1
               : rc;
}

/* ---- migrated, checked ---- */

static int migrate_copy(const struct stage *s, const char *next, struct stage_report *r,
                        struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    struct stat st;
    struct db *db;
    char path[STAGE_PLACE];
    int rc;

    if (db_migrate(next, s->schema, s->migrations, s->count, err) == -1 ||
        db_open(&db, next, s->schema, err) == -1)
        return -1;
    CP("stage.migrated");
    r->run_ms = clock_mono_ms() - start_ms;
    start_ms = clock_mono_ms();
    rc = s->check == NULL ? 0 : s->check(db, s->arg, err);
    r->check_ms = clock_mono_ms() - start_ms;
    (void)str_format(path, sizeof path, "%s/data.mdb", next);
    if (stat(path, &st) == 0)
        r->copy_bytes = (uint64_t)st.st_size;
    db_raw_release(db);
    return rc;
}

/* The copy is whole: it says what it is, and takes the place. */
static int exchange(const struct stage *s, const char *next, struct stage_report *r,
                    struct err *err)
{
    if (write_note(s->folder, r, s->program, err) == -1 ||
        stage_put(next, s->trial ? STAGE_TRIAL_FILE : STAGE_MIGRATED, "", err) == -1 ||
        stage_drop(next, STAGE_UNFINISHED, err) == -1)
        return -1;
    CP("stage.ready");
    if (stage_swap(s->folder, next, err) == -1)
        return -1;
    if (s->trial)
        return 0;
    if (stage_name(s->folder, next, r->kept, err) == -1)
        return -1;
    CP("stage.kept");
    return stage_drop(s->folder, STAGE_MIGRATED, err);
}

static int upgrade(const struct stage *s, struct db *db, struct stage_report *r, struct err *err)
{
    char next[STAGE_PLACE];
    int64_t start_ms = clock_mono_ms();
    int rc;

    stage_beside(s->folder, s->rehearse ? ".rehearsal" : ".next", next);
    if ((s->rehearse ? file_remove_tree(next, err) : stage_tidy(s->folder, err)) == -1 ||
        check_room(s->folder, r->bytes, err) == -1)
        return -1;
    rc = make_copy(db, next, err);
    r->copy_ms = clock_mono_ms() - start_ms;
    if (rc == 0)
        rc = migrate_copy(s, next, r, err);
    if (rc == 0 && !s->rehearse)
        return exchange(s, next, r, err) == -1 ? -1 : 1;
    (void)stage_discard(s->folder, next, NULL);
    return rc == -1 ? -1 : 1;
}

int stage_upgrade(const struct stage *stage, struct stage_report *report, struct err *err)
{
    struct db *db;
    int rc;

    if (db_raw_open(stage->folder, stage->schema, &db, err) == -1)
        return -1;
    rc = look(db, stage->schema, report, err);
    if (rc == 1 || (rc == 0 && (stage->rehearse || stage->always)))
        rc = upgrade(stage, db, report, err);
    else if (rc == 0 && !stage_on_trial(stage->folder))
        rc = stage_tidy(stage->folder, err);
    db_raw_release(db);
    return rc;
}

int stage_keep(const char *folder, const struct schema *schema, const char *program,
               char kept[STAGE_NAME_SIZE], struct err *err)
{
    struct stage_report r;
    char next[STAGE_PLACE];
    struct db *db;
    int rc;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    stage_beside(folder, ".next", next);
    rc = look(db, schema, &r, err) == -1 || stage_tidy(folder, err) == -1 ||
                 check_room(folder, r.bytes, err) == -1 || make_copy(db, next, err) == -1 ||
                 write_note(next, &r, program, err) == -1 ||
                 stage_drop(next, STAGE_UNFINISHED, err) == -1
             ? -1
             : stage_name(folder, next, kept, err);
    db_raw_release(db);
    return rc;
}

/* That the present one is newer than this program is no hindrance: it is why one goes back. */
static int note_present(const char *folder, const struct schema *schema, const char *program,
                        struct err *err)
{
    struct stage_report r;
    struct db *db;
    int rc;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    rc = look(db, schema, &r, err) == -1 && r.from == 0 ? -1 : write_note(folder, &r, program, err);
    db_raw_release(db);
    return rc;
}

int stage_return(const char *folder, const struct schema *schema, const char *program,
                 const char *kept, struct err *err)
{
    char path[STAGE_PLACE], base[STAGE_PLACE], name[STAGE_NAME_SIZE], *slash;

    if (stage_tidy(folder, err) == -1 || note_present(folder, schema, program, err) == -1)
        return -1;
    stage_beside(folder, "", base);
    slash = strrchr(base, '/');
    if (slash != NULL)
        slash[1] = '\0';
    if (strchr(kept, '/') != NULL || strstr(kept, STAGE_BEFORE) == NULL ||
        str_format(path, sizeof path, "%s%s", slash == NULL ? "" : base, kept) == -1 ||
        !stage_has(path, "data.mdb"))
        return err_set(err, ERR_NOT_FOUND, "copy_not_found", "no store is kept as %s", kept);
    if (stage_swap(folder, path, err) == -1 || stage_drop(folder, STAGE_NOTE, err) == -1)
        return -1;
    return stage_name(folder, path, name, err);
}
