/*
 * The walk through a tenant's folder. Apart from who asks for it, because its care is one thing: a
 * tenant may do anything to its own files while they are read, and must never lead the walk
 * elsewhere. So every name is opened below its folder's descriptor, without following a link.
 */
#include "volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sorted_names.h"
#include "str.h"

#define NAMES_MEMORY (16u << 20) /* for the names of all folders that are open at once */
#define NAMES_LEAST  (64u << 10) /* for those of one */

struct walk {
    int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err);
    void *arg;
    bool (*leave)(const void *arg, const char *path); /* NULL: nothing is left out */
    const void *leave_arg;
    struct volume_entry entry; /* its name is the path so far */
    unsigned depth;
    size_t memory; /* that is left for names; a folder takes half of it */
};

static int open_beneath(int folder, const char *name, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to walk through a folder");
}

static void describe(struct volume_entry *e, const struct stat *st)
{
    e->mode = st->st_mode & 07777;
    e->uid = st->st_uid;
    e->gid = st->st_gid;
    e->links = (uint32_t)st->st_nlink;
    e->mtime_s = st->st_mtim.tv_sec;
    e->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
    e->ctime_s = st->st_ctim.tv_sec;
    e->ctime_ns = (uint32_t)st->st_ctim.tv_nsec;
    e->size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
    e->device = st->st_dev;
    e->inode = st->st_ino;
    e->target[0] = '\0';
}

static int skip(struct walk *w, const char *why, struct err *err)
{
    w->entry.type = 's';
    w->entry.size = 0;
    (void)str_copy(w->entry.target, sizeof w->entry.target, why);
    return w->send(w->arg, &w->entry, -1, err);
}

/* It is gone, or it is said to be left out; unless it is us who can open nothing at all. */
static int unread(struct walk *w, struct err *err)
{
    if (errno == ENOSYS)
        return err_sys(err, "openat2", errno, "a file below a folder, without following links");
    return errno == ENOENT ? 0 : skip(w, strerror(errno), err);
}

static bool left_out(const struct walk *w)
{
    return w->leave != NULL && w->leave(w->leave_arg, w->entry.name);
}

static int walk_folder(struct walk *w, int folder, struct err *err);

static int walk_file(struct walk *w, int folder, const char *name, struct err *err)
{
    struct stat st;
    int fd = open_beneath(folder, name, O_RDONLY), rc;

    if (fd == -1 || fstat(fd, &st) == -1) {
        rc = unread(w, err);
    } else if (!S_ISREG(st.st_mode)) {
        rc = skip(w, "it became something else", err);
    } else {
        describe(&w->entry, &st);
        w->entry.type = 'f';
        rc = w->send(w->arg, &w->entry, fd, err);
    }
    if (fd != -1)
        (void)close(fd);
    return rc;
}

static int walk_link(struct walk *w, int folder, const char *name, struct err *err)
{
    ssize_t n = readlinkat(folder, name, w->entry.target, sizeof w->entry.target - 1);

    if (n == -1)
        return errno == ENOENT ? 0 : skip(w, strerror(errno), err);
    w->entry.target[n] = '\0';
    w->entry.type = 'l';
    return w->send(w->arg, &w->entry, -1, err);
}

static int walk_into(struct walk *w, int folder, const char *name, struct err *err)
{
    struct stat st;
    int fd, rc;

    if (w->depth == VOLUMES_DEPTH)
        return skip(w, "folders lie too deep within each other", err);
    fd = open_beneath(folder, name, O_RDONLY | O_DIRECTORY);
    if (fd == -1 || fstat(fd, &st) == -1) {
        rc = unread(w, err);
    } else {
        describe(&w->entry, &st);
        w->entry.type = 'd';
        w->depth++;
        rc = w->send(w->arg, &w->entry, -1, err);
        if (rc == 0 && !left_out(w))
            rc = walk_folder(w, fd, err);
        w->depth--;
    }
    if (fd != -1)
        (void)close(fd);
    return rc;
}

static int walk_name(struct walk *w, int folder, const char *name, struct err *err)
{
    struct stat st;

    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT ? 0 : skip(w, strerror(errno), err); /* gone meanwhile */
    describe(&w->entry, &st);
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return skip(w, "a control character in its name", err);
    if (!S_ISDIR(st.st_mode) && left_out(w))
        return 0;
    if (S_ISREG(st.st_mode))
        return walk_file(w, folder, name, err);
    if (S_ISLNK(st.st_mode))
        return walk_link(w, folder, name, err);
    if (S_ISDIR(st.st_mode))
        return walk_into(w, folder, name, err);
    return skip(w,
                S_ISSOCK(st.st_mode)   ? "a socket"
                : S_ISFIFO(st.st_mode) ? "a pipe"
                                       : "a device",
                err);
}

static int walk_folder(struct walk *w, int folder, struct err *err)
{
    size_t len = strlen(w->entry.name), share = w->memory / 2;
    struct sorted_names names;
    const char *name;
    int rc = sorted_names_open(&names, folder, share < NAMES_LEAST ? NAMES_LEAST : share, err);
    int got = 0;

    w->memory -= share;
    while (rc == 0 && (got = sorted_names_next(&names, &name, err)) == 1) {
        if (str_format(w->entry.name + len, sizeof w->entry.name - len, "%s%s", len == 0 ? "" : "/",
                       name) == -1) {
            w->entry.name[len] = '\0'; /* the folder itself stands for what is too long */
            rc = skip(w, "a path in it is too long", err);
        } else {
            rc = walk_name(w, folder, name, err);
        }
        w->entry.name[len] = '\0';
    }
    w->memory += share;
    sorted_names_close(&names);
    return rc == 0 && got == 0 ? 0 : -1;
}

static int walk_fd(int folder, bool (*leave)(const void *arg, const char *path),
                   const void *leave_arg,
                   int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                   void *arg, struct err *err)
{
    struct walk *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL)
        return no_memory(err);
    w->memory = NAMES_MEMORY;
    w->send = send;
    w->arg = arg;
    w->leave = leave;
    w->leave_arg = leave_arg;
    rc = walk_folder(w, folder, err);
    free(w);
    return rc;
}

int volumes_walk_fd(int folder,
                    int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                    void *arg, struct err *err)
{
    return walk_fd(folder, NULL, NULL, send, arg, err);
}

int volumes_walk_top(int folder,
                     int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                     void *arg, struct err *err)
{
    struct volume_entry *e = calloc(1, sizeof *e);
    struct sorted_names names = {0};
    const char *name;
    int rc = e == NULL ? no_memory(err) : sorted_names_open(&names, folder, NAMES_MEMORY, err);
    int got = 0;

    while (rc == 0 && (got = sorted_names_next(&names, &name, err)) == 1) {
        e->type = 's';
        (void)str_copy(e->name, sizeof e->name, name);
        rc = send(arg, e, -1, err);
    }
    sorted_names_close(&names);
    free(e);
    return rc == 0 && got == 0 ? 0 : -1;
}

int volumes_walk_but(const char *folder, bool (*leave)(const void *arg, const char *path),
                     const void *leave_arg,
                     int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                     void *arg, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc;

    if (fd == -1)
        return errno == ENOENT ? 0 : err_sys(err, "volume_open", errno, folder);
    rc = walk_fd(fd, leave, leave_arg, send, arg, err);
    (void)close(fd);
    return rc;
}

int volumes_walk(const char *folder,
                 int (*send)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                 void *arg, struct err *err)
{
    return volumes_walk_but(folder, NULL, NULL, send, arg, err);
}
