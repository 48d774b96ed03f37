/*
 * Folders of stores and their names, from which alone whoever comes after a crash tells where
 * things stood. Apart from the migrations because whoever leads an upgrade puts stores in each
 * other's place as root, and never opens one:
 *
 *   F.next with "unfinished"          a copy that was being made: it goes
 *   F.next with "trial" or "migrated" made and never live, or taken back: it goes
 *   F.next with none of them          what was live: F has "trial", or it only lacks its name
 */
#include "stage_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "str.h"

static void plain(const char *folder, char out[DB_RAW_PATH])
{
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    (void)str_copy_n(out, DB_RAW_PATH, folder, len);
}

void stage_beside(const char *folder, const char *suffix, char out[STAGE_PLACE])
{
    char name[DB_RAW_PATH];

    plain(folder, name);
    (void)str_format(out, STAGE_PLACE, "%s%s", name, suffix);
}

bool stage_has(const char *folder, const char *name)
{
    char path[STAGE_PLACE];

    return str_format(path, sizeof path, "%s/%s", folder, name) == 0 && file_exists(path);
}

int stage_put(const char *folder, const char *name, const char *text, struct err *err)
{
    char path[STAGE_PLACE];

    if (str_format(path, sizeof path, "%s/%s", folder, name) == -1)
        return err_sys(err, "store_stage", ENAMETOOLONG, folder);
    return file_write(path, text, strlen(text), 0660, err);
}

int stage_drop(const char *folder, const char *name, struct err *err)
{
    char path[STAGE_PLACE];

    if (str_format(path, sizeof path, "%s/%s", folder, name) == -1)
        return err_sys(err, "store_stage", ENAMETOOLONG, folder);
    if (unlink(path) == -1 && errno != ENOENT)
        return err_sys(err, "store_stage", errno, path);
    return file_sync_folder(folder, err);
}

static int sync_above(const char *folder, struct err *err)
{
    char path[STAGE_PLACE], *slash;

    stage_beside(folder, "", path);
    if ((slash = strrchr(path, '/')) == NULL)
        return file_sync_folder(".", err);
    slash[slash == path ? 1 : 0] = '\0';
    return file_sync_folder(path, err);
}

bool stage_on_trial(const char *folder)
{
    return stage_has(folder, STAGE_TRIAL_FILE);
}

/* Put aside in one step, then remove: what is being removed has no name that means something. */
int stage_discard(const char *folder, const char *path, struct err *err)
{
    char trash[STAGE_PLACE];

    stage_beside(folder, ".trash", trash);
    if (file_remove_tree(trash, err) == -1)
        return -1;
    if (rename(path, trash) == -1)
        return errno == ENOENT ? 0 : err_sys(err, "store_stage", errno, path);
    CP("stage.discard");
    return file_remove_tree(trash, err);
}

/* ---- what is kept ---- */

/* The part of the path behind the last slash. */
static const char *last_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static void read_note(const char *path, struct stage_copy *copy)
{
    char file[STAGE_PLACE], data[STAGE_PLACE];
    struct err ignored;
    struct stat st;
    struct buf text;

    (void)str_format(file, sizeof file, "%s/" STAGE_NOTE, path);
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
    char above[STAGE_PLACE], prefix[DB_RAW_PATH], path[2 * STAGE_PLACE], *slash;
    struct dirent *d;
    size_t n = 0;
    DIR *dir;

    stage_beside(folder, "", above);
    (void)str_format(prefix, sizeof prefix, "%s" STAGE_BEFORE, last_of(above));
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
static void name_before(const char *folder, char name[STAGE_NAME_SIZE], char path[STAGE_PLACE])
{
    time_t now = (time_t)(clock_wall_ms() / 1000);
    char stamp[40];
    struct tm tm;

    do {
        (void)gmtime_r(&now, &tm);
        (void)strftime(stamp, sizeof stamp, STAGE_BEFORE "%Y%m%dT%H%M%SZ", &tm);
        stage_beside(folder, stamp, path);
        now++;
    } while (file_exists(path));
    (void)str_copy(name, STAGE_NAME_SIZE, last_of(path));
}

static void prune(const char *folder)
{
    struct stage_copy copies[32];
    size_t n = stage_copies(folder, copies, sizeof copies / sizeof copies[0]);
    char path[STAGE_PLACE], base[STAGE_PLACE], *slash;

    stage_beside(folder, "", base);
    if ((slash = strrchr(base, '/')) != NULL)
        slash[1] = '\0';
    for (size_t i = STAGE_KEPT; i < n; i++)
        if (str_format(path, sizeof path, "%s%s", slash == NULL ? "" : base, copies[i].name) == 0)
            (void)stage_discard(folder, path, NULL);
}

/* ${path}, which was live or is a copy of what is, gets its name. */
int stage_name(const char *folder, const char *path, char name[STAGE_NAME_SIZE], struct err *err)
{
    char to[STAGE_PLACE];

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

int stage_tidy(const char *folder, struct err *err)
{
    char next[STAGE_PLACE], trash[STAGE_PLACE], name[STAGE_NAME_SIZE];

    stage_beside(folder, ".next", next);
    stage_beside(folder, ".trash", trash);
    if (file_remove_tree(trash, err) == -1)
        return -1;
    if (stage_has(next, STAGE_UNFINISHED) || stage_has(next, STAGE_TRIAL_FILE) ||
        stage_has(next, STAGE_MIGRATED) || (file_exists(next) && !stage_has(next, "data.mdb"))) {
        if (stage_discard(folder, next, err) == -1)
            return -1;
    } else if (file_exists(next)) {
        if (stage_on_trial(folder))
            return err_set(err, ERR_CONFLICT, "store_on_trial",
                           "an upgrade of the store is on trial");
        if (stage_name(folder, next, name, err) == -1)
            return -1;
    }
    return file_exists(folder) ? stage_drop(folder, STAGE_MIGRATED, err) : 0;
}

int stage_swap(const char *folder, const char *next, struct err *err)
{
    if (renameat2(AT_FDCWD, next, AT_FDCWD, folder, RENAME_EXCHANGE) == -1)
        return err_sys(err, "store_exchange", errno, folder);
    CP("stage.exchanged");
    return sync_above(folder, err);
}

int stage_commit(const char *folder, struct err *err)
{
    char next[STAGE_PLACE], name[STAGE_NAME_SIZE];

    if (stage_drop(folder, STAGE_TRIAL_FILE, err) == -1)
        return -1;
    CP("stage.commit");
    stage_beside(folder, ".next", next);
    if (!file_exists(next) || stage_has(next, STAGE_TRIAL_FILE) ||
        stage_has(next, STAGE_UNFINISHED))
        return stage_tidy(folder, err);
    return stage_name(folder, next, name, err);
}

int stage_back(const char *folder, struct err *err)
{
    char next[STAGE_PLACE];

    if (!stage_on_trial(folder))
        return stage_tidy(folder, err);
    stage_beside(folder, ".next", next);
    if (!stage_has(next, "data.mdb"))
        return err_set(err, ERR_NOT_FOUND, "nothing_before",
                       "the store from before the trial is not at %s", next);
    if (stage_swap(folder, next, err) == -1)
        return -1;
    CP("stage.back");
    return stage_discard(folder, next, err) == -1 ? -1 : 1;
}
