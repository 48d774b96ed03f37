/* Log files of processes. Apart because whoever writes such a file may not be trusted by whoever
 * reads, copies and empties it. */
#include "process_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "str.h"

#define TAIL_MAX (256u * 1024u)

/* Open a plain file with one name, following no link: neither it nor the folder it lies in is one.
 * Return -1 with errno. */
static int open_plain(const char *path, int flags, struct stat *st)
{
    const char *slash = strrchr(path, '/');
    int folder = AT_FDCWD, fd;
    char above[PATH_MAX];

    if (slash != NULL && slash != path) {
        if (str_copy_n(above, sizeof above, path, (size_t)(slash - path)) == -1) {
            errno = ENAMETOOLONG;
            return -1;
        }
        folder = open(above, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (folder == -1)
            return -1;
        path = slash + 1;
    }
    fd = openat(folder, path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    if (folder != AT_FDCWD) {
        int failed = errno;
        (void)close(folder);
        errno = failed;
    }
    if (fd == -1)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1)
        return fd;
    (void)close(fd);
    errno = EPERM;
    return -1;
}

int process_log_open(const char *path, struct err *err)
{
    struct stat st;
    int fd = open_plain(path, O_WRONLY | O_APPEND | O_CREAT, &st);

    return fd == -1 ? err_sys(err, "log_open", errno, path) : fd;
}

/* Copy ${from} to a new file that then takes the name ${path}.1. */
static int keep_old(const char *path, int from, off_t size)
{
    char old[PATH_MAX], aside[PATH_MAX];
    off_t at = 0;
    int to;

    if (str_format(old, sizeof old, "%s.1", path) == -1 ||
        str_format(aside, sizeof aside, "%s.new", path) == -1)
        return -1;
    (void)unlink(aside);
    if ((to = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
        return -1;
    while (at < size) {
        ssize_t put = sendfile(to, from, &at, (size_t)(size - at));
        if (put == -1 && errno == EINTR)
            continue;
        if (put <= 0)
            break;
    }
    (void)close(to);
    if (at >= size && rename(aside, old) == 0)
        return 0;
    (void)unlink(aside);
    return -1;
}

int process_log_rotate(const char *path, uint64_t max_bytes)
{
    struct stat st;
    int fd, result = 0;

    if (lstat(path, &st) == -1 || (uint64_t)st.st_size <= max_bytes)
        return 0;
    if ((fd = open_plain(path, O_RDWR, &st)) == -1)
        return -1;
    if ((uint64_t)st.st_size > max_bytes) {
        result = 1;
        if (keep_old(path, fd, st.st_size) == -1 && errno != ENOSPC)
            result = -1;
        else if (ftruncate(fd, 0) == -1) /* also when there was no room for the copy */
            result = -1;
    }
    (void)close(fd);
    return result;
}

/* The end of a file, at most TAIL_MAX bytes, appended to ${b}. Return 0 or -1 with errno. */
static int read_end(const char *path, struct buf *b)
{
    struct stat st;
    off_t at;
    int fd = open_plain(path, O_RDONLY, &st);

    if (fd == -1)
        return errno == ENOENT ? 0 : -1;
    at = st.st_size > (off_t)TAIL_MAX ? st.st_size - (off_t)TAIL_MAX : 0;
    for (;;) {
        char chunk[8192];
        ssize_t got = pread(fd, chunk, sizeof chunk, at);
        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0 || buf_add(b, chunk, (size_t)got) == -1)
            break;
        at += got;
    }
    (void)close(fd);
    return 0;
}

/* How many lines ${b} holds; a last one without its end counts. */
static uint32_t count_lines(const struct buf *b)
{
    uint32_t lines = 0;

    for (size_t i = 0; i < b->len; i++)
        lines += b->data[i] == '\n';
    return lines + (b->len > 0 && b->data[b->len - 1] != '\n');
}

/* Where the last ${lines} lines of ${b} begin. */
static size_t begin_of_last(const struct buf *b, uint32_t lines)
{
    size_t at = b->len;

    if (lines == 0)
        return b->len;
    if (at > 0 && b->data[at - 1] == '\n')
        at--;
    for (; at > 0; at--)
        if (b->data[at - 1] == '\n' && --lines == 0)
            break;
    return at;
}

int process_log_tail(const char *path, uint32_t lines, struct buf *out, struct err *err)
{
    char old[PATH_MAX];
    struct buf now, before;
    uint32_t have;
    int result = 0;

    buf_init(&now, 2 * TAIL_MAX);
    buf_init(&before, 2 * TAIL_MAX);
    if (str_format(old, sizeof old, "%s.1", path) == -1 || read_end(path, &now) == -1)
        result = err_sys(err, "log_read", errno, path);
    have = count_lines(&now);
    if (result == 0 && have < lines && read_end(old, &before) == 0 && before.len > 0) {
        size_t from = begin_of_last(&before, lines - have);
        if (before.len - from + now.len <= out->max - out->len)
            (void)buf_add(out, before.data + from, before.len - from);
    }
    if (result == 0 && now.len > 0) {
        size_t from = begin_of_last(&now, lines), room = out->max - out->len;
        if (now.len - from > room)
            from = now.len - room;
        (void)buf_add(out, now.data + from, now.len - from);
    }
    buf_free(&now);
    buf_free(&before);
    return result;
}
