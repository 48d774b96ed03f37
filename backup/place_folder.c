/* A vault that is a folder: of this machine, or of whatever is mounted there. */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file.h"
#include "place_compare.h"
#include "room.h"
#include "str.h"

#define BLOCK (1024u * 1024u)

struct folder {
    int fd;
    char path[512];
};

int place_name_check(const char *name, struct err *err)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    if (len > 0 && len < PLACE_NAME_MAX && name[len] == '\0' && name[0] != '.')
        return 0;
    return err_set(err, ERR_INVALID, "vault_name", "\"%.100s\" is no name for a file in a vault",
                   name);
}

int place_head_take(void *arg, const void *data, size_t len, struct err *err)
{
    struct place_head *h = arg;
    size_t room = h->len - h->got;

    memcpy(h->data + h->got, data, len < room ? len : room);
    h->got += len < room ? len : room;
    return h->got < h->len ? 0 : err_set(err, ERR_CONFLICT, "enough", "no more is wanted of it");
}

void place_free(struct place *p)
{
    if (p->free != NULL)
        p->free(p->self);
    memset(p, 0, sizeof *p);
}

static int failed(const struct folder *f, const char *name, struct err *err)
{
    char what[700];

    (void)str_format(what, sizeof what, "%s/%s", f->path, name);
    return err_sys(err, "vault_folder", errno, what);
}

/* ${length} bytes of ${from} to ${to}. */
static int copy(const struct folder *f, const char *name, int from, int to, uint64_t length,
                int (*progress)(void *arg, uint64_t bytes, struct err *err), void *arg,
                struct err *err)
{
    char *block = malloc(BLOCK);
    uint64_t done = 0;
    int rc = 0;

    if (block == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to copy a snapshot");
    while (rc == 0 && done < length) {
        size_t want = length - done < BLOCK ? (size_t)(length - done) : BLOCK;
        ssize_t n = pread(from, block, want, (off_t)done);

        if (n <= 0)
            rc = n == 0
                     ? err_set(err, ERR_CORRUPT, "vault_short", "%s is shorter than it was", name)
                     : failed(f, name, err);
        else if (file_write_all(to, block, (size_t)n) == -1)
            rc = failed(f, name, err);
        else if (progress != NULL && progress(arg, (uint64_t)n, err) == -1)
            rc = -1;
        else
            done += (uint64_t)n;
    }
    free(block);
    return rc;
}

/* What the disk has, not what was handed to it: its pages are given up first, if they will go. */
static int read_back(const struct folder *f, const char *name, int from, int written,
                     uint64_t length, struct err *err)
{
    char *block = malloc(BLOCK);
    struct place_compare compare;
    uint64_t at = 0;
    ssize_t n = 0;
    int rc = 0;

    if (block == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to compare a snapshot");
    place_compare_begin(&compare, from, length);
    (void)posix_fadvise(written, 0, 0, POSIX_FADV_DONTNEED);
    while (rc == 0 && (n = pread(written, block, BLOCK, (off_t)at)) > 0) {
        rc = place_compare_take(&compare, block, (size_t)n, err);
        at += (uint64_t)n;
    }
    if (rc == 0)
        rc = n < 0 ? failed(f, name, err) : place_compare_end(&compare, name, err);
    free(block);
    return rc;
}

/* On the same file system a second name costs nothing. Only for the first vault: two on one disk
 * shall not have one content. 1, or 0: it has to be copied. */
static int link_to(const struct folder *f, const char *part, int fd)
{
    char from[64];
    struct stat st;

    (void)str_format(from, sizeof from, "/proc/self/fd/%d", fd);
    return fstat(fd, &st) == 0 && st.st_nlink == 1 &&
           linkat(AT_FDCWD, from, f->fd, part, AT_SYMLINK_FOLLOW) == 0;
}

static int folder_put(void *self, const char *name, int fd, uint64_t length,
                      int (*progress)(void *arg, uint64_t bytes, struct err *err), void *arg,
                      struct err *err)
{
    struct folder *f = self;
    char part[PLACE_NAME_MAX + 8];
    struct stat st;
    int to, rc;

    if (place_name_check(name, err) == -1)
        return -1;
    if (fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size == length)
        return 0;
    (void)str_format(part, sizeof part, "%s.part", name);
    (void)unlinkat(f->fd, part, 0);
    if (link_to(f, part, fd))
        return renameat(f->fd, part, f->fd, name) == -1 || fsync(f->fd) == -1 ? failed(f, name, err)
                                                                              : 0;
    if (room_check_fd(f->fd, f->path, length, "a snapshot", err) == -1)
        return -1;
    if ((to = openat(f->fd, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
        return failed(f, part, err);
    rc = copy(f, name, fd, to, length, progress, arg, err);
    if (rc == 0 && fsync(to) == -1)
        rc = failed(f, part, err);
    if (rc == 0)
        rc = read_back(f, name, fd, to, length, err);
    if (rc == 0 && (renameat(f->fd, part, f->fd, name) == -1 || fsync(f->fd) == -1))
        rc = failed(f, name, err);
    (void)close(to);
    if (rc == -1)
        (void)unlinkat(f->fd, part, 0);
    return rc;
}

/* One file, to be read: its descriptor, or -1. */
static int open_named(const struct folder *f, const char *name, struct err *err)
{
    int fd;

    if (place_name_check(name, err) == -1)
        return -1;
    fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd != -1)
        return fd;
    return errno == ENOENT
               ? err_set(err, ERR_NOT_FOUND, "vault_missing", "%s is not in %s", name, f->path)
               : failed(f, name, err);
}

static int folder_get(void *self, const char *name, uint64_t from, int fd, struct err *err)
{
    struct folder *f = self;
    int in = open_named(f, name, err);
    struct stat st;
    int rc = 0;

    if (in == -1)
        return -1;
    if (fstat(in, &st) == -1 || lseek(in, (off_t)from, SEEK_SET) == -1)
        rc = failed(f, name, err);
    else if (from > 0 || st.st_size > 0) {
        char *block = malloc(BLOCK);
        ssize_t n = 0;

        if (block == NULL)
            rc = err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to fetch a snapshot");
        while (rc == 0 && (n = read(in, block, BLOCK)) > 0)
            if (file_write_all(fd, block, (size_t)n) == -1)
                rc = failed(f, name, err);
        if (rc == 0 && n < 0)
            rc = failed(f, name, err);
        free(block);
    }
    (void)close(in);
    return rc;
}

static int folder_head(void *self, const char *name, struct place_head *h, struct err *err)
{
    struct folder *f = self;
    int in = open_named(f, name, err);
    ssize_t n = 0;

    if (in == -1)
        return -1;
    for (h->got = 0; h->got < h->len; h->got += (size_t)n)
        if ((n = read(in, h->data + h->got, h->len - h->got)) <= 0)
            break;
    (void)close(in);
    return h->got < h->len && n < 0 ? failed(f, name, err) : 0;
}

static int folder_list(void *self, const char *prefix, place_each *each, void *arg, struct err *err)
{
    struct folder *f = self;
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *d;

    if (dir == NULL)
        return failed(f, ".", err);
    while (rc == 0 && (d = readdir(dir)) != NULL) {
        struct place_file file = {0};
        struct stat st;

        if (!str_starts(d->d_name, prefix) || str_ends(d->d_name, ".part") ||
            place_name_check(d->d_name, NULL) == -1 ||
            fstatat(f->fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
            continue;
        (void)str_copy(file.name, sizeof file.name, d->d_name);
        file.bytes = (uint64_t)st.st_size;
        file.stored_at = (int64_t)st.st_mtim.tv_sec * 1000;
        rc = each(arg, &file, err);
    }
    (void)closedir(dir);
    return rc;
}

static int folder_remove(void *self, const char *name, struct err *err)
{
    struct folder *f = self;

    if (place_name_check(name, err) == -1)
        return -1;
    if ((unlinkat(f->fd, name, 0) == -1 && errno != ENOENT) || fsync(f->fd) == -1)
        return failed(f, name, err);
    return 0;
}

static int folder_room(void *self, struct place_room *room, struct err *err)
{
    const struct folder *f = self;
    struct statvfs fs;

    if (fstatvfs(f->fd, &fs) == -1)
        return failed(f, ".", err);
    room->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    room->size_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
    return 0;
}

static void folder_free(void *self)
{
    struct folder *f = self;

    (void)close(f->fd);
    free(f);
}

int place_folder(struct place *out, const char *path, struct err *err)
{
    struct folder *f = calloc(1, sizeof *f);

    memset(out, 0, sizeof *out);
    if (f == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a vault");
    if (path[0] != '/' || str_copy(f->path, sizeof f->path, path) == -1) {
        free(f);
        return err_field(err, "address", "vault_folder", "\"%.200s\" is no absolute path", path);
    }
    f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->fd == -1) {
        (void)err_sys(err, "vault_folder", errno, path);
        free(f);
        return err_hint(err, "make the folder, owned by the user sett; or is it not mounted?");
    }
    *out = (struct place){.kind = "folder",
                          .self = f,
                          .put = folder_put,
                          .get = folder_get,
                          .head = folder_head,
                          .list = folder_list,
                          .remove = folder_remove,
                          .room = folder_room,
                          .free = folder_free};
    return 0;
}
