/*
 * The hand-over of a restore from the worker to whoever may do it. Apart from both, because each
 * believes the other no more than is written here.
 */
#include "asked.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "str.h"

#define LOOK_MS   50
#define SECRET_MS 15000
#define DAY_MS    (INT64_C(24) * 3600 * 1000)
#define ENDING    ".json"
#define DIGITS    32

struct asked_at {
    char folder[PATHS_SIZE + 16], request[PATHS_SIZE + 32], secret[PATHS_SIZE + 32];
};

static void places(const struct paths *p, struct asked_at *at)
{
    (void)str_format(at->folder, sizeof at->folder, "%s/restore", p->run);
    (void)str_format(at->request, sizeof at->request, "%s/request", at->folder);
    (void)str_format(at->secret, sizeof at->secret, "%s/secret", at->folder);
}

void asked_fetched(const struct paths *paths, char out[PATHS_SIZE + 32])
{
    (void)str_format(out, PATHS_SIZE + 32, "%s/%s/0.sett", paths->snapshots, ASKED_FOLDER);
}

uint64_t asked_bytes(const struct paths *paths)
{
    char path[PATHS_SIZE + 48];
    uint64_t bytes = 0;
    struct stat st;

    for (unsigned i = 0;
         str_format(path, sizeof path, "%s/%s/%u.sett", paths->snapshots, ASKED_FOLDER, i) == 0 &&
         stat(path, &st) == 0;
         i++)
        bytes += (uint64_t)st.st_size;
    return bytes;
}

/* ---- the worker's side ---- */

static int prepare(const struct asked_at *at, struct err *err)
{
    if (file_mkdirs(at->folder, 0700, err) == -1)
        return -1;
    if (file_exists(at->request))
        return err_set(err, ERR_CONFLICT, "restore_asked", "a restore has been asked for already");
    if (unlink(at->secret) == -1 && errno != ENOENT)
        return err_sys(err, "restore_secret", errno, at->secret);
    return mkfifo(at->secret, 0600) == 0 ? 0 : err_sys(err, "restore_secret", errno, at->secret);
}

/* Until somebody reads. Return 0, or -1 at the deadline. */
static int give(const struct asked_at *at, const char *secret, int64_t deadline_ms)
{
    size_t len = strlen(secret);
    int fd, rc;

    while ((fd = open(at->secret, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) == -1) {
        if ((errno != ENXIO && errno != EINTR) || clock_mono_ms() > deadline_ms)
            return -1;
        clock_sleep_ms(LOOK_MS);
    }
    rc = file_write_all(fd, secret, len);
    (void)close(fd);
    return rc;
}

int asked_hand_over(const struct paths *paths, const struct kv *request, const char *secret,
                    int wait_ms, struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    struct asked_at at;
    int rc;

    places(paths, &at);
    if (strlen(secret) >= ASKED_SECRET)
        return err_field(err, "recovery", "too_long", "that is no recovery secret");
    if (prepare(&at, err) == -1 ||
        file_write(at.request, request->data, request->len, 0600, err) == -1)
        return -1;
    rc = give(&at, secret, deadline_ms);
    (void)unlink(at.secret);
    if (rc == 0)
        return 0;
    (void)unlink(at.request);
    (void)err_set(err, ERR_UNAVAILABLE, "nobody_restores",
                  "nothing on this box takes up a restore that is asked for");
    return err_hint(err, "systemctl enable --now sett-restore.path; or on the box: sett restore "
                         "FILE");
}

/* ---- the other side ---- */

/* A file that is nobody's link and nobody else's than the folder's owner's. */
static int read_request(const struct asked_at *at, struct kv *request, struct err *err)
{
    int fd = open(at->request, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st, folder;
    char data[KV_SIZE];
    ssize_t got;

    if (fd == -1)
        return errno == ENOENT ? 0 : err_sys(err, "restore_request", errno, at->request);
    got = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && lstat(at->folder, &folder) == 0 &&
                  S_ISDIR(folder.st_mode) && folder.st_uid == st.st_uid &&
                  (folder.st_mode & 077) == 0
              ? read(fd, data, sizeof data)
              : -1;
    (void)close(fd);
    (void)unlink(at->request);
    if (got <= 0 || kv_load(request, data, (size_t)got) == -1)
        return err_set(err, ERR_CORRUPT, "restore_request", "%s is no request", at->request);
    return 1;
}

static int read_secret(const struct asked_at *at, char secret[ASKED_SECRET], struct err *err)
{
    int64_t deadline_ms = clock_mono_ms() + SECRET_MS;
    int fd = open(at->secret, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    struct stat st;
    size_t len = 0;
    ssize_t got = -1;

    if (fd == -1 || fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode)) {
        if (fd != -1)
            (void)close(fd);
        return err_set(err, ERR_CORRUPT, "restore_secret", "%s is no pipe", at->secret);
    }
    while (len < ASKED_SECRET - 1 && clock_mono_ms() < deadline_ms) {
        (void)poll(&poll_fd, 1, LOOK_MS);
        got = read(fd, secret + len, ASKED_SECRET - 1 - len);
        if (got > 0)
            len += (size_t)got;
        else if (got == 0 && len > 0)
            break;
        else if (got == 0)
            clock_sleep_ms(LOOK_MS); /* nobody has opened its other end yet */
    }
    secret[len] = '\0';
    (void)close(fd);
    return len > 0
               ? 0
               : err_set(err, ERR_TIMEOUT, "restore_secret", "no recovery secret was handed over");
}

int asked_take(const struct paths *paths, struct kv *request, char secret[ASKED_SECRET],
               struct err *err)
{
    struct asked_at at;
    int got;

    places(paths, &at);
    if ((got = read_request(&at, request, err)) != 1)
        return got;
    return read_secret(&at, secret, err) == 0 ? 1 : -1;
}

static bool is_progress(const char *name)
{
    return str_starts(name, ASKED_PROGRESS) &&
           strspn(name + strlen(ASKED_PROGRESS), "0123456789abcdef") == DIGITS &&
           str_equal(name + strlen(ASKED_PROGRESS) + DIGITS, ENDING);
}

int asked_progress(const struct paths *paths, const struct kv *request, char out[PATHS_SIZE + 64],
                   struct err *err)
{
    const char *name = kv_get_or(request, ASKED_NAME, "");

    if (!is_progress(name))
        return err_set(err, ERR_CORRUPT, "restore_request",
                       "the request names no file of progress");
    return str_format(out, PATHS_SIZE + 64, "%s/%s", paths->status, name);
}

void asked_sweep(const struct paths *paths)
{
    char path[PATHS_SIZE + 32];
    DIR *dir = opendir(paths->status);
    struct dirent *d;
    struct stat st;

    while (dir != NULL && (d = readdir(dir)) != NULL)
        if (is_progress(d->d_name) &&
            fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (int64_t)st.st_mtime * 1000 + DAY_MS < clock_wall_ms())
            (void)unlinkat(dirfd(dir), d->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    (void)str_format(path, sizeof path, "%s/%s", paths->snapshots, ASKED_FOLDER);
    if (stat(path, &st) == 0 && (int64_t)st.st_mtime * 1000 + DAY_MS < clock_wall_ms())
        (void)file_remove_tree(path, NULL);
}
