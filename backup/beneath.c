/*
 * A restore's hands. Apart from the unpacking, because each of these calls must be safe whatever
 * the one before has made: a link that was restored leads no later name anywhere.
 */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "str.h"
#include "volumes.h"

static int corrupt(struct err *err, const char *what, const char *name)
{
    return err_set(err, ERR_CORRUPT, "snapshot_corrupt", "the snapshot is not sound: %s: %.160s",
                   what, name);
}

static int open_at(int folder, const char *name, uint64_t flags, mode_t mode)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW,
                           .mode = mode,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

/* The folder that a name is in, and its last part. */
struct place {
    int folder; /* to be closed */
    const char *part;
};

/* Units and the folders above them are in no archive: they are made here, at most so deep. */
#define MADE_DEPTH 3

static int make_above(int folder, const char *name, struct err *err)
{
    char path[PACK_NAME_MAX + 1];
    unsigned depth = 0;

    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const char *part;
        int parent;

        if (++depth > MADE_DEPTH)
            return corrupt(err, "the folder of a name is missing", name);
        (void)str_copy_n(path, sizeof path, name, (size_t)(slash - name));
        if ((part = strrchr(path, '/')) == NULL) {
            part = path;
            parent = fcntl(folder, F_DUPFD_CLOEXEC, 3);
        } else {
            path[part - path] = '\0';
            part++;
            parent = open_at(folder, path, O_PATH | O_DIRECTORY, 0);
        }
        if (parent == -1)
            return errno == ENOTDIR || errno == ELOOP || errno == EXDEV
                       ? corrupt(err, "a name leads through what is no folder", name)
                       : err_sys(err, "restore_folder", errno, name);
        if (mkdirat(parent, part, 0700) == -1 && errno != EEXIST) {
            (void)err_sys(err, "restore_folder", errno, name);
            (void)close(parent);
            return -1;
        }
        (void)close(parent);
    }
    return 0;
}

static int find_place(int folder, const char *name, bool make, struct place *out, struct err *err)
{
    const char *slash = strrchr(name, '/');
    char path[PACK_NAME_MAX + 1];

    out->part = slash == NULL ? name : slash + 1;
    if (slash == NULL) {
        out->folder = fcntl(folder, F_DUPFD_CLOEXEC, 3);
        return out->folder == -1 ? err_sys(err, "restore_folder", errno, name) : 0;
    }
    if (str_copy_n(path, sizeof path, name, (size_t)(slash - name)) == -1)
        return corrupt(err, "a name is too long", name);
    out->folder = open_at(folder, path, O_PATH | O_DIRECTORY, 0);
    if (out->folder == -1 && errno == ENOENT && make) {
        if (make_above(folder, name, err) == -1)
            return -1;
        out->folder = open_at(folder, path, O_PATH | O_DIRECTORY, 0);
    }
    if (out->folder != -1)
        return 0;
    if (errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "restore_missing", "there is no %.200s", name);
    if (errno == ENOTDIR || errno == ELOOP || errno == EXDEV)
        return corrupt(err, "a name leads through what is no folder", name);
    return err_sys(err, "restore_folder", errno, name);
}

int beneath_open(int folder, const char *name, struct err *err)
{
    int fd = open_at(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    struct stat st;

    if (fd == -1)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? err_set(err, ERR_NOT_FOUND, "restore_missing", "there is no %.200s", name)
                   : err_sys(err, "restore_open", errno, name);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    (void)close(fd);
    return err_set(err, ERR_NOT_FOUND, "restore_missing", "%.200s is no file", name);
}

int beneath_create(int folder, const char *name, struct err *err)
{
    struct place at;
    int fd, failed;

    if (find_place(folder, name, true, &at, err) == -1)
        return -1;
    fd = open_at(at.folder, at.part, O_WRONLY | O_CREAT | O_EXCL, 0600);
    failed = errno;
    (void)close(at.folder);
    if (fd == -1 && failed == EEXIST)
        return corrupt(err, "something is there already", name);
    return fd == -1 ? err_sys(err, "restore_create", failed, name) : fd;
}

int beneath_folder(int folder, const char *name, bool replace, struct err *err)
{
    struct place at;
    struct stat st;
    int rc = 0;

    if (find_place(folder, name, true, &at, err) == -1)
        return -1;
    if (fstatat(at.folder, at.part, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISDIR(st.st_mode))
            goto done;
        rc = replace ? beneath_remove(folder, name, err)
                     : corrupt(err, "something is there already", name);
    }
    if (rc == 0 && mkdirat(at.folder, at.part, 0700) == -1)
        rc = err_sys(err, "restore_folder", errno, name);
done:
    (void)close(at.folder);
    return rc;
}

static int drop(void *arg, const struct volume_entry *e, int fd, struct err *err);

/* A name in an open folder, with what is below it. */
static int remove_at(int folder, const char *part, struct err *err)
{
    int fd, rc = 0;

    if (unlinkat(folder, part, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_sys(err, "restore_remove", errno, part);
    if ((fd = open_at(folder, part, O_RDONLY | O_DIRECTORY, 0)) == -1)
        return err_sys(err, "restore_remove", errno, part);
    rc = volumes_walk_top(fd, drop, &fd, err);
    (void)close(fd);
    if (rc == 0 && unlinkat(folder, part, AT_REMOVEDIR) == -1 && errno != ENOENT)
        rc = err_sys(err, "restore_remove", errno, part);
    return rc;
}

static int drop(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    (void)fd;
    return remove_at(*(const int *)arg, e->name, err);
}

int beneath_remove(int folder, const char *name, struct err *err)
{
    struct place at;
    int rc;

    if (find_place(folder, name, false, &at, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    rc = remove_at(at.folder, at.part, err);
    (void)close(at.folder);
    return rc;
}

int beneath_link(int folder, const char *target, const char *name, struct err *err)
{
    struct place from, to;
    struct stat st;
    int rc = 0;

    if (find_place(folder, target, false, &from, err) == -1)
        return -1;
    if (find_place(folder, name, true, &to, err) == -1) {
        (void)close(from.folder);
        return -1;
    }
    if (fstatat(from.folder, from.part, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
        rc = corrupt(err, "a link to what is no file", name);
    else if (linkat(from.folder, from.part, to.folder, to.part, 0) == -1)
        rc = err_sys(err, "restore_link", errno, name);
    (void)close(from.folder);
    (void)close(to.folder);
    return rc;
}

static void times_of(const struct manifest_entry *line, struct timespec out[2])
{
    out[0] = (struct timespec){.tv_sec = line->mtime_s, .tv_nsec = line->mtime_ns};
    out[1] = out[0];
}

int beneath_symlink(int folder, const struct manifest_entry *line, bool own, struct err *err)
{
    struct timespec times[2];
    struct place at;
    int rc = 0;

    if (find_place(folder, line->name, true, &at, err) == -1)
        return -1;
    times_of(line, times);
    if (symlinkat(line->target, at.folder, at.part) == -1 ||
        (own && fchownat(at.folder, at.part, line->uid, line->gid, AT_SYMLINK_NOFOLLOW) == -1) ||
        utimensat(at.folder, at.part, times, AT_SYMLINK_NOFOLLOW) == -1)
        rc = err_sys(err, "restore_link", errno, line->name);
    (void)close(at.folder);
    return rc;
}

int beneath_dress(int fd, const struct manifest_entry *line, bool own, struct err *err)
{
    struct timespec times[2];

    times_of(line, times);
    if ((own && fchown(fd, line->uid, line->gid) == -1) || fchmod(fd, line->mode & 01777) == -1 ||
        futimens(fd, times) == -1)
        return err_sys(err, "restore_dress", errno, line->name);
    return 0;
}

int beneath_dress_folder(int folder, const struct manifest_entry *line, bool own, struct err *err)
{
    int fd = open_at(folder, line->name, O_RDONLY | O_DIRECTORY, 0), rc;

    if (fd == -1)
        return err_sys(err, "restore_dress", errno, line->name);
    rc = beneath_dress(fd, line, own, err);
    (void)close(fd);
    return rc;
}

int beneath_hash(int fd, uint64_t size, struct digest *digest, uint8_t hash[32], char *block,
                 size_t block_size, struct err *err)
{
    uint64_t have = 0;
    ssize_t n;
    int failed;

    while ((n = read(fd, block, block_size)) > 0) {
        digest_add(digest, block, (size_t)n);
        have += (uint64_t)n;
    }
    failed = errno;
    if (digest_end(digest, hash, err) == -1)
        return -1;
    if (n < 0)
        return err_sys(err, "restore_read", failed, "a restored file");
    if (have != size)
        return corrupt(err, "an older file of the chain has another length", "");
    return 0;
}

/* ---- pruning ---- */

struct prune {
    int folder;
    const char *only;
    struct manifest_reader *manifest;
    struct manifest_entry at;
    bool more;
    char gone[PACK_NAME_MAX + 2]; /* removed with all below it: "name/" */
};

static int next_named(struct prune *p, struct err *err)
{
    int got;

    do {
        got = manifest_next(p->manifest, &p->at, err);
    } while (got == 1 && p->at.type == 's');
    p->more = got == 1;
    return got == -1 ? -1 : 0;
}

/* Folders above a unit are in no manifest. */
static bool above_named(const struct prune *p, const char *name)
{
    size_t len = strlen(name);

    return p->more && strncmp(p->at.name, name, len) == 0 && p->at.name[len] == '/';
}

static int prune_one(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    struct prune *p = arg;

    (void)fd;
    if (p->gone[0] != '\0' && strncmp(e->name, p->gone, strlen(p->gone)) == 0)
        return 0;
    if (!manifest_within(e->name, p->only))
        return 0;
    while (p->more && manifest_order(p->at.name, e->name) < 0)
        if (next_named(p, err) == -1)
            return -1;
    if ((p->more && str_equal(p->at.name, e->name)) || above_named(p, e->name))
        return 0;
    (void)str_format(p->gone, sizeof p->gone, "%s/", e->name);
    return beneath_remove(p->folder, e->name, err);
}

int beneath_prune(int folder, const char *only, struct manifest_reader *manifest, struct err *err)
{
    struct prune *p = calloc(1, sizeof *p);
    int rc;

    if (p == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to tidy up");
    p->folder = folder;
    p->only = only;
    p->manifest = manifest;
    rc = next_named(p, err) == 0 ? volumes_walk_fd(folder, prune_one, p, err) : -1;
    free(p);
    return rc;
}
