/*
 * A preload that writes down what a program does to the files below CUT_FOLDER, for a power cut to
 * be replayed: writes with their data, syncs, truncations, names made, moved and removed. Entries
 * go to the file CUT_JOURNAL: a line of text, then the data of a write.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name_) ((__typeof__(&name_))real(#name_))

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* The path behind a descriptor, when it is one of ours. */
static const char *ours(int fd, char path[PATH_MAX])
{
    const char *folder = getenv("CUT_FOLDER");
    char link[64];
    ssize_t len;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (folder == NULL || (len = readlink(link, path, PATH_MAX - 1)) <= 0)
        return NULL;
    path[len] = '\0';
    return strncmp(path, folder, strlen(folder)) == 0 ? path : NULL;
}

static void put(const void *data, size_t len)
{
    static int fd = -1;
    const char *p = data;

    if (fd == -1)
        fd = (int)syscall(SYS_openat, AT_FDCWD, getenv("CUT_JOURNAL"),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (len > 0) {
        long n = syscall(SYS_write, fd, p, len);
        if (n <= 0)
            abort();
        p += n;
        len -= (size_t)n;
    }
}

static void entry(const void *data, size_t len, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void entry(const void *data, size_t len, const char *fmt, ...)
{
    char line[2 * PATH_MAX + 64];
    va_list ap;
    int n, kept = errno;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    (void)pthread_mutex_lock(&lock);
    put(line, (size_t)n);
    if (len > 0)
        put(data, len);
    (void)pthread_mutex_unlock(&lock);
    errno = kept;
}

static void wrote(int fd, const void *data, ssize_t len, off_t at)
{
    char path[PATH_MAX];

    if (len <= 0 || ours(fd, path) == NULL)
        return;
    if (strstr(path, ".acks") != NULL)
        entry(data, (size_t)len, "A %zd\n", len);
    else
        entry(data, (size_t)len, "W %d %lld %zd %s\n",
              (fcntl(fd, F_GETFL) & (O_DSYNC | O_SYNC)) != 0, (long long)at, len, path);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    ssize_t n = REAL(pwrite)(fd, data, len, at);

    wrote(fd, data, n, at);
    return n;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    return pwrite(fd, data, len, at);
}

ssize_t write(int fd, const void *data, size_t len)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t n = REAL(write)(fd, data, len);

    wrote(fd, data, n, at);
    return n;
}

static ssize_t vector(int fd, const struct iovec *v, int count, off_t at, ssize_t n)
{
    ssize_t left = n;

    for (int i = 0; i < count && left > 0; i++) {
        ssize_t part = left < (ssize_t)v[i].iov_len ? left : (ssize_t)v[i].iov_len;
        wrote(fd, v[i].iov_base, part, at);
        at += part;
        left -= part;
    }
    return n;
}

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t at)
{
    return vector(fd, v, count, at, REAL(pwritev)(fd, v, count, at));
}

ssize_t pwritev64(int fd, const struct iovec *v, int count, off64_t at)
{
    return pwritev(fd, v, count, at);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
    off_t at = lseek(fd, 0, SEEK_CUR);

    return vector(fd, v, count, at, REAL(writev)(fd, v, count));
}

static int synced(int fd, int rc)
{
    char path[PATH_MAX];

    if (rc == 0 && ours(fd, path) != NULL)
        entry(NULL, 0, "S %s\n", path);
    return rc;
}

int fdatasync(int fd)
{
    return synced(fd, REAL(fdatasync)(fd));
}

int fsync(int fd)
{
    return synced(fd, REAL(fsync)(fd));
}

int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];
    int rc = REAL(ftruncate)(fd, size);

    if (rc == 0 && ours(fd, path) != NULL)
        entry(NULL, 0, "T %lld %s\n", (long long)size, path);
    return rc;
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

static int opened(int fd, int flags)
{
    char path[PATH_MAX];

    if (fd != -1 && (flags & O_CREAT) && ours(fd, path) != NULL)
        entry(NULL, 0, "C %s\n", path);
    return fd;
}

#define MODE_OF(flags_)                                                                            \
    mode_t mode = 0;                                                                               \
    if ((flags_) & (O_CREAT | __O_TMPFILE)) {                                                      \
        va_list ap;                                                                                \
        va_start(ap, flags_);                                                                      \
        mode = va_arg(ap, mode_t);                                                                 \
        va_end(ap);                                                                                \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), flags);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags)
    return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode), flags);
}

int openat(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return opened((int)syscall(SYS_openat, folder, path, flags, mode), flags);
}

int openat64(int folder, const char *path, int flags, ...)
{
    MODE_OF(flags)
    return opened((int)syscall(SYS_openat, folder, path, flags, mode), flags);
}

static int named(const char *path)
{
    const char *folder = getenv("CUT_FOLDER");

    return folder != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

int rename(const char *from, const char *to)
{
    int rc = REAL(rename)(from, to);

    if (rc == 0 && named(to))
        entry(NULL, 0, "R %s\t%s\n", from, to);
    return rc;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    int rc = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);

    if (rc == 0 && named(to))
        entry(NULL, 0, "R %s\t%s\n", from, to);
    return rc;
}

int unlink(const char *path)
{
    int rc = REAL(unlink)(path);

    if (rc == 0 && named(path))
        entry(NULL, 0, "U %s\n", path);
    return rc;
}

int mkdir(const char *path, mode_t mode)
{
    int rc = REAL(mkdir)(path, mode);

    if (rc == 0 && named(path))
        entry(NULL, 0, "D %s\n", path);
    return rc;
}
