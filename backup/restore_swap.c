/*
 * One tree in the place of another. The exchange is the only step that counts: before it the box is
 * wholly the old one, behind it wholly the new one, and what else is done here can be done again by
 * whoever comes next, from what the folders themselves say.
 *
 *   live.staging with "unfinished"   something is being unpacked, or was: it goes
 *   live.staging with "restored"     whole, and not exchanged: it goes, too
 *   live.staging with neither        what was live before the exchange: it gets its name
 *   live with "restored"             the file says as what the tree from before is kept
 */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "crash.h"
#include "file.h"
#include "hands.h"
#include "restore_health.h"
#include "str.h"

#define STAGING    ".staging"
#define TRASH      ".trash"
#define UNFINISHED "unfinished"
#define RESTORED   "restored"

static void beside(const struct paths *paths, const char *suffix, char out[PATHS_SIZE + 128])
{
    (void)str_format(out, PATHS_SIZE + 128, "%s%s", paths->live, suffix);
}

static bool has(const char *folder, const char *name)
{
    char path[PATHS_SIZE + 160];

    return str_format(path, sizeof path, "%s/%s", folder, name) == 0 && file_exists(path);
}

static int sync_above(const struct paths *paths, struct err *err)
{
    char above[PATHS_SIZE], *slash;

    (void)str_copy(above, sizeof above, paths->live);
    if ((slash = strrchr(above, '/')) != NULL)
        *slash = '\0';
    return file_sync_folder(above, err);
}

/* "live.before-20261126T184600Z" of the file that says it, in ${folder}. 1, 0 or -1. */
static int read_before(const char *folder, char out[RESTORE_BEFORE], struct err *err)
{
    char path[PATHS_SIZE + 160];
    struct buf text;
    int rc;

    out[0] = '\0';
    if (!has(folder, RESTORED))
        return 0;
    (void)str_format(path, sizeof path, "%s/%s", folder, RESTORED);
    buf_init(&text, RESTORE_BEFORE);
    rc = file_read(path, &text, err);
    if (rc == 0 && (text.data == NULL || str_copy(out, RESTORE_BEFORE, str_trim(text.data)) == -1 ||
                    !str_starts(out, "live.") || strchr(out, '/') != NULL))
        rc = err_set(err, ERR_CORRUPT, "restore_mark", "%s does not name a folder", path);
    buf_free(&text);
    return rc == -1 ? -1 : 1;
}

static void path_before(const struct paths *paths, const char *before, char out[PATHS_SIZE + 128])
{
    beside(paths, before + strlen("live"), out);
}

/* Put aside in one step, then remove: what is being removed never has a name that means something.
 */
static int discard(const struct paths *paths, const char *path, struct err *err)
{
    char trash[PATHS_SIZE + 128];

    beside(paths, TRASH, trash);
    if (file_remove_tree(trash, err) == -1)
        return -1;
    if (rename(path, trash) == -1)
        return errno == ENOENT ? 0 : err_sys(err, "restore_discard", errno, path);
    CP("restore.discard");
    return file_remove_tree(trash, err);
}

/* A restored tree that was taken back, and whose removal was cut short: it says of itself that the
 * one from before is kept under the name that it has now. */
static int discard_taken_back(const struct paths *paths, struct err *err)
{
    char above[PATHS_SIZE], path[PATHS_SIZE + 300], before[RESTORE_BEFORE], *slash;
    struct dirent *d;
    int rc = 0;
    DIR *dir;

    (void)str_copy(above, sizeof above, paths->live);
    if ((slash = strrchr(above, '/')) != NULL)
        *slash = '\0';
    if ((dir = opendir(above)) == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "restore_tidy", errno, above);
    while (rc == 0 && (d = readdir(dir)) != NULL)
        if (str_starts(d->d_name, "live.before-") &&
            str_format(path, sizeof path, "%s/%s", above, d->d_name) == 0 &&
            read_before(path, before, NULL) == 1 && str_equal(before, d->d_name))
            rc = discard(paths, path, err);
    (void)closedir(dir);
    return rc;
}

int restore_tidy(const struct paths *paths, struct err *err)
{
    char staging[PATHS_SIZE + 128], path[PATHS_SIZE + 128], before[RESTORE_BEFORE];
    int got;

    beside(paths, STAGING, staging);
    beside(paths, TRASH, path);
    if (file_remove_tree(path, err) == -1 || discard_taken_back(paths, err) == -1)
        return -1;
    if (!file_exists(staging))
        return 0;
    if (has(staging, UNFINISHED) || has(staging, RESTORED) || !has(staging, "db"))
        return discard(paths, staging, err);
    if ((got = read_before(paths->live, before, err)) == -1)
        return -1;
    if (got == 0) /* nothing was exchanged, and yet: somebody's hands were here; keep it */
        (void)str_format(before, sizeof before, "live.before-%lld", (long long)clock_wall_ms());
    path_before(paths, before, path);
    if (file_exists(path))
        return discard(paths, staging, err);
    return rename(staging, path) == 0 ? sync_above(paths, err)
                                      : err_sys(err, "restore_name", errno, path);
}

int restore_staging(const struct paths *paths, char out[PATHS_SIZE], struct err *err)
{
    char staging[PATHS_SIZE + 128], path[PATHS_SIZE + 160];

    beside(paths, STAGING, staging);
    if (restore_tidy(paths, err) == -1)
        return -1;
    if (str_copy(out, PATHS_SIZE, staging) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", staging);
    if (mkdir(staging, 0700) == -1)
        return err_sys(err, "staging", errno, staging);
    (void)str_format(path, sizeof path, "%s/%s", staging, UNFINISHED);
    return file_write(path, "", 0, 0600, err);
}

/* Owner and mode of the folder that it is going to be. */
static int dress_live(const char *staging, const struct paths *paths, struct err *err)
{
    struct stat st;
    bool there = stat(paths->live, &st) == 0;

    if (there && geteuid() == 0 && chown(staging, st.st_uid, st.st_gid) == -1)
        return err_sys(err, "restore_owner", errno, staging);
    return chmod(staging, there ? st.st_mode & 07777 : 0755) == 0
               ? 0
               : err_sys(err, "restore_mode", errno, staging);
}

int restore_ready(const struct paths *paths, const char *before, struct err *err)
{
    char staging[PATHS_SIZE + 128], path[PATHS_SIZE + 160], line[RESTORE_BEFORE + 2];
    struct stat st;
    int fd, rc;

    beside(paths, STAGING, staging);
    (void)str_format(line, sizeof line, "%s\n", before);
    (void)str_format(path, sizeof path, "%s/%s", staging, RESTORED);
    if (file_write(path, line, strlen(line), 0644, err) == -1)
        return -1;
    CP("restore.ready.marked");
    /* Who looked at the store meanwhile made its lock. */
    (void)str_format(path, sizeof path, "%s/db", staging);
    if (geteuid() == 0 && stat(path, &st) == 0) {
        (void)str_format(path, sizeof path, "%s/db/lock.mdb", staging);
        if (chown(path, st.st_uid, st.st_gid) == -1 && errno != ENOENT)
            return err_sys(err, "restore_owner", errno, path);
    }
    (void)str_format(path, sizeof path, "%s/%s", staging, UNFINISHED);
    if (unlink(path) == -1 && errno != ENOENT)
        return err_sys(err, "restore_ready", errno, path);
    if (dress_live(staging, paths, err) == -1)
        return -1;
    if ((fd = open(staging, O_RDONLY | O_CLOEXEC)) == -1)
        return err_sys(err, "restore_ready", errno, staging);
    rc = syncfs(fd) == 0 ? 0 : err_sys(err, "restore_sync", errno, staging);
    (void)close(fd);
    CP("restore.ready.synced");
    return rc;
}

/* ${a} and ${b} change places; when there is no ${b}, ${a} takes its name. */
static int exchange(const struct paths *paths, const char *a, const char *b, struct err *err)
{
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == -1 &&
        (errno != ENOENT || renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE) == -1))
        return err_sys(err, "restore_exchange", errno, b);
    CP("restore.exchanged");
    return sync_above(paths, err);
}

int restore_exchange(const struct paths *paths, const char *before, struct err *err)
{
    char staging[PATHS_SIZE + 128], path[PATHS_SIZE + 128];

    beside(paths, STAGING, staging);
    path_before(paths, before, path);
    CP("restore.exchange");
    if (exchange(paths, staging, paths->live, err) == -1)
        return -1;
    if (rename(staging, path) == -1 && errno != ENOENT)
        return err_sys(err, "restore_name", errno, path);
    CP("restore.named");
    return sync_above(paths, err);
}

int restore_back(const struct paths *paths, const char *before, struct err *err)
{
    char path[PATHS_SIZE + 128];

    path_before(paths, before, path);
    if (!file_exists(path))
        return err_set(err, ERR_NOT_FOUND, "nothing_before",
                       "the tree from before is not there any more");
    if (exchange(paths, path, paths->live, err) == -1)
        return -1;
    CP("restore.back");
    return discard(paths, path, err);
}

int restore_before(const struct paths *paths, char out[RESTORE_BEFORE], struct err *err)
{
    char path[PATHS_SIZE + 128];
    int got = read_before(paths->live, out, err);

    if (got != 1)
        return got;
    path_before(paths, out, path);
    return file_exists(path);
}

int restore_commit(const struct paths *paths, struct err *err)
{
    char before[RESTORE_BEFORE], path[PATHS_SIZE + 160];
    int got = restore_before(paths, before, err);

    if (got == -1)
        return -1;
    if (got == 1) {
        path_before(paths, before, path);
        if (discard(paths, path, err) == -1)
            return -1;
    }
    CP("restore.committed");
    (void)str_format(path, sizeof path, "%s/%s", paths->live, RESTORED);
    if (unlink(path) == -1 && errno != ENOENT)
        return err_sys(err, "restore_commit", errno, path);
    return got;
}

/* ---- is it well? ---- */

static int hands_answer(const struct paths *paths, struct err *err)
{
    struct hands_request request = {.verb = HANDS_PING};
    struct hands_reply reply;

    return hands_call(paths->hands_sock, &request, 2000, &reply, NULL, err) == OUTCOME_OK ? 0 : -1;
}

/* The worker writes its beat each second, from the loop that does its work. */
static int worker_beats(const struct paths *paths, int64_t since_ms, struct err *err)
{
    char path[PATHS_SIZE + 16];
    struct stat st;

    (void)str_format(path, sizeof path, "%s/worker.beat", paths->run);
    if (stat(path, &st) == 0 &&
        (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 > since_ms)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "worker_silent", "the worker does not start");
}

int restore_healthy(const struct paths *paths, int wait_ms, bool (*stop)(void), struct err *err)
{
    int64_t deadline = clock_mono_ms() + wait_ms, since_ms = clock_wall_ms();

    for (;;) {
        if (worker_beats(paths, since_ms, err) == 0 && hands_answer(paths, err) == 0 &&
            restore_front_answers(paths->front_sock, err) == 0)
            return 0;
        if (stop != NULL && stop())
            return err_set(err, ERR_CONFLICT, "interrupted", "interrupted");
        if (clock_mono_ms() >= deadline)
            return err_hint(err, "the restored box did not come up in %d s", wait_ms / 1000);
        clock_sleep_ms(100);
    }
}
