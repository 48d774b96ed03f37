/* Files, the careful way: whole reads with a limit, writes that are there or are not. Apart so
 * that the order of fsync and rename is written down once. file_tree.c removes trees. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "str.h"

int file_read(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), result = -1;

    if (fd == -1 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "file_not_found", "%s does not exist", path);
    if (fd == -1)
        return err_sys(err, "file_open", errno, path);
    for (;;) {
        char chunk[16384];
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1) {
            (void)err_sys(err, "file_read", errno, path);
            break;
        }
        if (got == 0) {
            result = 0;
            break;
        }
        if (buf_add(out, chunk, (size_t)got) == -1) {
            (void)err_set(err, ERR_TOO_LARGE, "file_too_large", "%s is larger than %zu bytes", path,
                          out->max);
            break;
        }
    }
    (void)close(fd);
    return result;
}

int file_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t put = write(fd, p, len);
        if (put == -1 && errno == EINTR)
            continue;
        if (put == -1)
            return -1;
        p += put;
        len -= (size_t)put;
    }
    return 0;
}

/* The folder that ${path} stands in. Return 0, or -1 if the name is too long. */
static int parent(char out[PATH_MAX], const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return str_copy(out, PATH_MAX, ".");
    return str_copy_n(out, PATH_MAX, path, slash == path ? 1 : (size_t)(slash - path));
}

int file_sync_folder(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed;

    if (fd == -1)
        return err_sys(err, "folder_open", errno, path);
    failed = fsync(fd) == -1 ? errno : 0;
    (void)close(fd);
    return failed == 0 ? 0 : err_sys(err, "folder_sync", failed, path);
}

/* A new file beside ${path} takes its name; ${durable}: not before the disk has it all. */
static int replace(const char *path, const void *data, size_t len, mode_t mode, bool durable,
                   struct err *err)
{
    char aside[PATH_MAX], folder[PATH_MAX];
    int fd, failed = 0;

    if (str_format(aside, sizeof aside, "%s.XXXXXX", path) == -1 || parent(folder, path) == -1)
        return err_sys(err, "file_write", ENAMETOOLONG, path);
    if ((fd = mkostemp(aside, O_CLOEXEC)) == -1)
        return err_sys(err, "file_write", errno, path);
    if (fchmod(fd, mode) == -1 || file_write_all(fd, data, len) == -1 ||
        (durable && fsync(fd) == -1))
        failed = errno;
    if (close(fd) == -1 && failed == 0)
        failed = errno;
    if (failed == 0 && rename(aside, path) == -1)
        failed = errno;
    if (failed != 0) {
        (void)unlink(aside);
        return err_sys(err, "file_write", failed, path);
    }
    return durable ? file_sync_folder(folder, err) : 0;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    return replace(path, data, len, mode, true, err);
}

int file_write_soon(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    return replace(path, data, len, mode, false, err);
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];
    struct stat st;

    if (str_copy(part, sizeof part, path) == -1 || part[0] == '\0')
        return err_sys(err, "folder_make", path[0] == '\0' ? ENOENT : ENAMETOOLONG, path);
    for (char *p = part + 1;; p++) {
        char kept = *p;
        if (kept != '/' && kept != '\0')
            continue;
        *p = '\0';
        if (mkdir(part, mode) == -1 && errno != EEXIST)
            return err_sys(err, "folder_make", errno, part);
        *p = kept;
        if (kept == '\0')
            break;
    }
    if (stat(path, &st) == -1)
        return err_sys(err, "folder_make", errno, path);
    if (!S_ISDIR(st.st_mode))
        return err_sys(err, "folder_make", ENOTDIR, path);
    return 0;
}

bool file_exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

int file_private(const char *path, struct err *err)
{
    struct stat st;

    if (stat(path, &st) == -1 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "file_not_found", "%s does not exist", path);
    if (stat(path, &st) == -1)
        return err_sys(err, "file_stat", errno, path);
    if ((st.st_mode & 077) == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "file_not_private",
                  "%s may be read or changed by others than its owner (mode %04o)", path,
                  (unsigned)st.st_mode & 07777);
    return err_hint(err, "chmod 600 %s", path);
}
