/*
 * A newer store in the place of an older one. Apart from the migrations, which know records, since
 * this is about folders and their names, from which alone whoever comes after a crash tells where
 * things stood:
 *
 *   F.next with "unfinished"          a copy that was being made: it goes
 *   F.next with "trial" or "migrated" made and never live, or taken back: it goes
 *   F.next with none of them          what was live: F has "trial", or it only lacks its name
 */
#include "stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "db_raw.h"
#include "file.h"
#include "str.h"

#define UNFINISHED "unfinished"
#define MIGRATED   "migrated"
#define NOTE       "before" /* "program schema level at": in a store that was live once */
#define PLACE      (DB_RAW_PATH + 80)
#define RESERVE    (UINT64_C(64) << 20) /* left free on the disk beside a copy */

static void plain(const char *folder, char out[DB_RAW_PATH])
{
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    (void)str_copy_n(out, DB_RAW_PATH, folder, len);
}

static void beside(const char *folder, const char *suffix, char out[PLACE])
{
    char name[DB_RAW_PATH];

    plain(folder, name);
    (void)str_format(out, PLACE, "%s%s", name, suffix);
}

static bool has(const char *folder, const char *name)
{
    char path[PLACE];

    return str_format(path, sizeof path, "%s/%s", folder, name) == 0 && file_exists(path);
}

static int put(const char *folder, const char *name, const char *text, struct err *err)
{
    char path[PLACE];

    if (str_format(path, sizeof path, "%s/%s", folder, name) == -1)
        return err_sys(err, "store_stage", ENAMETOOLONG, folder);
    return file_write(path, text, strlen(text), 0660, err);
}

static int drop(const char *folder, const char *name, struct err *err)
{
    char path[PLACE];

    if (str_format(path, sizeof path, "%s/%s", folder, name) == -1)
        return err_sys(err, "store_stage", ENAMETOOLONG, folder);
    if (unlink(path) == -1 && errno != ENOENT)
        return err_sys(err, "store_stage", errno, path);
    return file_sync_folder(folder, err);
}

static int sync_above(const char *folder, struct err *err)
{
    char path[PLACE], *slash;

    beside(folder, "", path);
    if ((slash = strrchr(path, '/')) == NULL)
        return file_sync_folder(".", err);
    slash[slash == path ? 1 : 0] = '\0';
    return file_sync_folder(path, err);
}

bool stage_on_trial(const char *folder)
{
    return has(folder, STAGE_TRIAL_FILE);
}

/* Put aside in one step, then remove: what is being removed has no name that means something. */
static int discard(const char *folder, const char *path, struct err *err)
{
    char trash[PLACE];

    beside(folder, ".trash", trash);
    if (file_remove_tree(trash, err) == -1)
        return -1;
    if (rename(path, trash) == -1)
        return errno == ENOENT ? 0 : err_sys(err, "store_stage", errno, path);
    CP("stage.discard");
    return file_remove_tree(trash, err);
}

/* ---- what is kept ---- */

#define BEFORE ".before-"

/* The part of the path behind the last slash. */
static const char *last_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static void read_note(const char *path, struct stage_copy *copy)
{
    char file[PLACE], data[PLACE];
    struct err ignored;
    struct stat st;
    struct buf text;

    (void)str_format(file, sizeof file, "%s/" NOTE, path);
    (void)str_format(data, sizeof data, "%s/data.mdb", path);
    buf_init(&text, 256);
    /* Numbers that stage.c wrote. NOLINTNEXTLINE(cert-err34-c) */
    if (file_read(file, &text, &ignored) == 0 &&
        sscanf(buf_string(&text), "%31s %u %lu %ld", copy->program, &copy->schema, &copy->level,
               &copy->at) != 4)
        copy->program[0] = '\0';
    buf_free(&text);
    copy->bytes = stat(data, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static int newest_first(const void *a, const void *b)
{
    const struct stage_copy *x = a, *y = b;

    return strcmp(y->name, x->name);
}

#define COPIES_SEEN 64

size_t stage_copies(const char *folder, struct stage_copy *out, size_t most)
{
    struct stage_copy seen[COPIES_SEEN];
    char above[PLACE], prefix[DB_RAW_PATH], path[2 * PLACE], *slash;
    struct dirent *d;
    size_t n = 0;
    DIR *dir;

    beside(folder, "", above);
    (void)str_format(prefix, sizeof prefix, "%s" BEFORE, last_of(above));
    if ((slash = strrchr(above, '/')) == NULL)
        (void)str_copy(above, sizeof above, ".");
    else
        *slash = '\0';
    if ((dir = opendir(above[0] == '\0' ? "/" : above)) == NULL)
        return 0;
    while (n < COPIES_SEEN && (d = readdir(dir)) != NULL)
        if (str_starts(d->d_name, prefix) && strlen(d->d_name) < STAGE_NAME_SIZE) {
            memset(&seen[n], 0, sizeof seen[n]);
            (void)str_copy(seen[n].name, sizeof seen[n].name, d->d_name);
            (void)str_format(path, sizeof path, "%s/%s", above, d->d_name);
            read_note(path, &seen[n++]);
        }
    (void)closedir(dir);
    qsort(seen, n, sizeof *seen, newest_first);
    if (n > most)
        n = most;
    memcpy(out, seen, n * sizeof *out);
    return n;
}

/* "db.before-20261126T184600Z", later in time than all that are there. */
static void name_before(const char *folder, char name[STAGE_NAME_SIZE], char path[PLACE])
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    char stamp[40];
    struct tm tm;

    do {
        (void)gmtime_r(&now, &tm);
        (void)strftime(stamp, sizeof stamp, BEFORE "%Y%m%dT%H%M%SZ", &tm);
        beside(folder, stamp, path);
        now++;
    } while (file_exists(path));
    (void)str_copy(name, STAGE_NAME_SIZE, last_of(path));
}

static void prune(const char *folder)
{
    struct stage_copy copies[32];
    size_t n = stage_copies(folder, copies, sizeof copies / sizeof copies[0]);
    char path[PLACE], base[PLACE], *slash;

    beside(folder, "", base);
    if ((slash = strrchr(base, '/')) != NULL)
        slash[1] = '\0';
    for (size_t i = STAGE_KEPT; i < n; i++)
        if (str_format(path, sizeof path, "%s%s", slash == NULL ? "" : base, copies[i].name) == 0)
            (void)discard(folder, path, NULL);
}

/* ${path}, which was live or is a copy of what is, gets its name. */
static int keep(const char *folder, const char *path, char name[STAGE_NAME_SIZE], struct err *err)
{
    char to[PLACE];

    name_before(folder, name, to);
    if (rename(path, to) == -1)
        return err_sys(err, "store_stage", errno, to);
    CP("stage.named");
    if (sync_above(folder, err) == -1)
        return -1;
    prune(folder);
    return 0;
}

/* ---- after a crash ---- */

static int tidy(const char *folder, struct err *err)
{
    char next[PLACE], trash[PLACE], name[STAGE_NAME_SIZE];

    beside(folder, ".next", next);
    beside(folder, ".trash", trash);
    if (file_remove_tree(trash, err) == -1)
        return -1;
    if (has(next, UNFINISHED) || has(next, STAGE_TRIAL_FILE) || has(next, MIGRATED) ||
        (file_exists(next) && !has(next, "data.mdb"))) {
        if (discard(folder, next, err) == -1)
            return -1;
    } else if (file_exists(next)) {
        if (stage_on_trial(folder))
            return err_set(err, ERR_CONFLICT, "store_on_trial",
                           "an upgrade of the store is on trial");
        if (keep(folder, next, name, err) == -1)
            return -1;
    }
    return file_exists(folder) ? drop(folder, MIGRATED, err) : 0;
}

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
    char path[PLACE];
    struct stat st;
    int fd, failed = 0, rc;

    if (mkdir(to, 0770) == -1)
        return err_sys(err, "store_copy", errno, to);
    if (stat(db->folder, &st) == -1 || (chown(to, (uid_t)-1, st.st_gid) == -1 && errno != EPERM) ||
        chmod(to, 02770) == -1)
        return err_sys(err, "store_copy", errno, to);
    if (put(to, UNFINISHED, "", err) == -1)
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
    return put(folder, NOTE, line, err);
}

/* ---- versions ---- */

static int look(struct db *db, const struct schema *schema, struct stage_report *r, struct err *err)
{
    char path[PLACE];
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
    char next[PLACE];
    struct db *db;
    int rc;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    rc = look(db, schema, report, err);
    db_raw_release(db);
    beside(folder, ".next", next);
    return rc == 0 && (file_exists(next) || has(folder, MIGRATED)) && !stage_on_trial(folder) ? 1
                                                                                              : rc;
}

/* ---- migrated, checked ---- */

static int migrate_copy(const struct stage *s, const char *next, struct stage_report *r,
                        struct err *err)
{
    int64_t start_ms = clock_mono_ms();
    struct stat st;
    struct db *db;
    char path[PLACE];
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

static int swap(const char *folder, const char *next, struct err *err)
{
    if (renameat2(AT_FDCWD, next, AT_FDCWD, folder, RENAME_EXCHANGE) == -1)
        return err_sys(err, "store_exchange", errno, folder);
    CP("stage.exchanged");
    return sync_above(folder, err);
}

/* The copy is whole: it says what it is, and takes the place. */
static int exchange(const struct stage *s, const char *next, struct stage_report *r,
                    struct err *err)
{
    if (write_note(s->folder, r, s->program, err) == -1 ||
        put(next, s->trial ? STAGE_TRIAL_FILE : MIGRATED, "", err) == -1 ||
        drop(next, UNFINISHED, err) == -1)
        return -1;
    CP("stage.ready");
    if (swap(s->folder, next, err) == -1)
        return -1;
    if (s->trial)
        return 0;
    if (keep(s->folder, next, r->kept, err) == -1)
        return -1;
    CP("stage.kept");
    return drop(s->folder, MIGRATED, err);
}

static int upgrade(const struct stage *s, struct db *db, struct stage_report *r, struct err *err)
{
    char next[PLACE];
    int64_t start_ms = clock_mono_ms();
    int rc;

    beside(s->folder, s->rehearse ? ".rehearsal" : ".next", next);
    if ((s->rehearse ? file_remove_tree(next, err) : tidy(s->folder, err)) == -1 ||
        check_room(s->folder, r->bytes, err) == -1)
        return -1;
    rc = make_copy(db, next, err);
    r->copy_ms = clock_mono_ms() - start_ms;
    if (rc == 0)
        rc = migrate_copy(s, next, r, err);
    if (rc == 0 && !s->rehearse)
        return exchange(s, next, r, err) == -1 ? -1 : 1;
    (void)discard(s->folder, next, NULL);
    return rc == -1 ? -1 : 1;
}

int stage_upgrade(const struct stage *stage, struct stage_report *report, struct err *err)
{
    struct db *db;
    int rc;

    if (db_raw_open(stage->folder, stage->schema, &db, err) == -1)
        return -1;
    rc = look(db, stage->schema, report, err);
    if (rc == 1 || (rc == 0 && stage->rehearse))
        rc = upgrade(stage, db, report, err);
    else if (rc == 0 && !stage_on_trial(stage->folder))
        rc = tidy(stage->folder, err);
    db_raw_release(db);
    return rc;
}

int stage_commit(const char *folder, struct err *err)
{
    char next[PLACE], name[STAGE_NAME_SIZE];

    if (drop(folder, STAGE_TRIAL_FILE, err) == -1)
        return -1;
    CP("stage.commit");
    beside(folder, ".next", next);
    if (!file_exists(next) || has(next, STAGE_TRIAL_FILE) || has(next, UNFINISHED))
        return tidy(folder, err);
    return keep(folder, next, name, err);
}

int stage_back(const char *folder, struct err *err)
{
    char next[PLACE];

    if (!stage_on_trial(folder))
        return tidy(folder, err);
    beside(folder, ".next", next);
    if (!has(next, "data.mdb"))
        return err_set(err, ERR_NOT_FOUND, "nothing_before",
                       "the store from before the trial is not at %s", next);
    if (swap(folder, next, err) == -1)
        return -1;
    CP("stage.back");
    return discard(folder, next, err) == -1 ? -1 : 1;
}

int stage_keep(const char *folder, const struct schema *schema, const char *program,
               char kept[STAGE_NAME_SIZE], struct err *err)
{
    struct stage_report r;
    char next[PLACE];
    struct db *db;
    int rc;

    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    beside(folder, ".next", next);
    rc = look(db, schema, &r, err) == -1 || tidy(folder, err) == -1 ||
                 check_room(folder, r.bytes, err) == -1 || make_copy(db, next, err) == -1 ||
                 write_note(next, &r, program, err) == -1 || drop(next, UNFINISHED, err) == -1
             ? -1
             : keep(folder, next, kept, err);
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
    char path[PLACE], base[PLACE], name[STAGE_NAME_SIZE], *slash;

    if (tidy(folder, err) == -1 || note_present(folder, schema, program, err) == -1)
        return -1;
    beside(folder, "", base);
    slash = strrchr(base, '/');
    if (slash != NULL)
        slash[1] = '\0';
    if (strchr(kept, '/') != NULL || strstr(kept, BEFORE) == NULL ||
        str_format(path, sizeof path, "%s%s", slash == NULL ? "" : base, kept) == -1 ||
        !has(path, "data.mdb"))
        return err_set(err, ERR_NOT_FOUND, "copy_not_found", "no store is kept as %s", kept);
    if (swap(folder, path, err) == -1 || drop(folder, NOTE, err) == -1)
        return -1;
    return keep(folder, path, name, err);
}
