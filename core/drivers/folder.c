/* Folders of tenants. Apart because root works here in places where a tenant may have put a
 * link. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

#define GIVE_DEPTH 128 /* folders in folders, each held open meanwhile */

int folder_bytes(const char *path, uint64_t *out, struct err *err)
{
    char *const paths[] = {(char *)path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *entry;

    *out = 0;
    if (tree == NULL)
        return err_sys(err, "folder_measure", errno, path);
    while ((entry = fts_read(tree)) != NULL)
        if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS && entry->fts_info != FTS_ERR)
            *out += (uint64_t)entry->fts_statp->st_blocks * 512;
    (void)fts_close(tree);
    return 0;
}

/* Make ${name} in the folder ${at}, and open it. Return the descriptor, or -1 with errno. */
static int make_at(int at, const char *name, uint32_t uid)
{
    struct stat st;
    int fd;

    if (mkdirat(at, name, 0700) == -1 && errno != EEXIST)
        return -1;
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return -1;
    if (uid == 0 || (fstat(fd, &st) == 0 && st.st_uid == uid && st.st_gid == uid) ||
        fchown(fd, uid, uid) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int folder_make(const char *path, const char *name, uint32_t uid, struct err *err)
{
    int fd = make_at(AT_FDCWD, path, uid), inner = -1;

    if (fd != -1 && name != NULL)
        inner = make_at(fd, name, uid);
    if (fd == -1 || (name != NULL && inner == -1)) {
        int failed = errno;
        if (fd != -1)
            (void)close(fd);
        if (failed == ELOOP || failed == ENOTDIR)
            return err_set(err, ERR_CONFLICT, "not_a_folder", "%s%s%s is not a folder of ours",
                           path, name == NULL ? "" : "/", name == NULL ? "" : name);
        return err_sys(err, "folder_make", failed, path);
    }
    if (inner != -1)
        (void)close(inner);
    (void)close(fd);
    return 0;
}

int folder_ours(const char *path, unsigned mode, struct err *err)
{
    struct stat st;

    if (file_mkdirs(path, mode, err) == -1)
        return -1;
    if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
        (st.st_mode & 022) == 0)
        return 0;
    (void)err_set(err, ERR_CONFLICT, "not_yours", "%s is not this user's alone", path);
    return err_hint(err, "look at what is in it and who made it, and remove it");
}

struct gift {
    uid_t from;
    uint32_t uid, gid;
    dev_t device;
};

/* What is in the folder ${fd}, which is closed at the end. Nothing is looked up by a path that a
 * tenant could change meanwhile. Return 0, or -1 with errno. */
static int give_below(int fd, const struct gift *gift, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;
    struct stat st;
    int result = 0, inner;

    if (dir == NULL) {
        (void)close(fd);
        return -1;
    }
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
            result = errno == ENOENT ? 0 : -1;
            continue;
        }
        if (st.st_dev != gift->device)
            continue;
        if (S_ISDIR(st.st_mode)) {
            inner = depth == 0 ? (errno = ELOOP, -1)
                               : openat(fd, entry->d_name,
                                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            result = inner == -1 ? -1 : give_below(inner, gift, depth - 1);
        }
        if (result == 0 && st.st_uid == gift->from)
            result = fchownat(fd, entry->d_name, gift->uid, gift->gid, AT_SYMLINK_NOFOLLOW);
    }
    inner = errno;
    (void)closedir(dir);
    errno = inner;
    return result;
}

int folder_give(const char *path, uint32_t uid, uint32_t gid, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct gift gift = {.uid = uid, .gid = gid};
    struct stat top;

    if (fd == -1)
        return errno == ENOENT ? 0 : err_sys(err, "folder_give", errno, path);
    if (fstat(fd, &top) == -1) {
        (void)close(fd);
        return err_sys(err, "folder_give", errno, path);
    }
    gift.from = top.st_uid;
    gift.device = top.st_dev;
    if (top.st_uid == uid && top.st_gid == gid) {
        (void)close(fd);
        return 0;
    }
    /* The folder itself comes last: broken off, it is begun anew. */
    if (give_below(fd, &gift, GIVE_DEPTH) == -1 || lchown(path, uid, gid) == -1)
        return err_sys(err, "folder_give", errno, path);
    return 0;
}

int folder_find_other(const char *path, bool (*known)(const void *arg, const char *name),
                      const void *arg, char *out, size_t size, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), found = 0;
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (dir == NULL) {
        int failed = errno;
        if (fd != -1)
            (void)close(fd);
        return failed == ENOENT ? 0 : err_sys(err, "folder_read", failed, path);
    }
    while (found == 0 && (entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && !known(arg, entry->d_name)) {
            (void)snprintf(out, size, "%s", entry->d_name);
            found = 1;
        }
    (void)closedir(dir);
    return found;
}

int folder_let_through(const char *top, const char *path, struct err *err)
{
    char at[PATH_MAX];
    struct stat st;
    size_t len = strlen(top);

    if (!str_starts(path, top) || str_copy(at, sizeof at, path) == -1)
        return err_set(err, ERR_INVALID, "folder_outside", "%s is not below %s", path, top);
    for (;;) {
        char after = at[len];
        at[len] = '\0';
        if (len > 0 && stat(at, &st) == 0 && (st.st_mode & 0011) != 0011 &&
            chmod(at, (st.st_mode | 0011) & 07777) == -1)
            return err_sys(err, "folder_mode", errno, at);
        at[len] = after;
        if (after == '\0')
            return 0;
        len += 1 + strcspn(at + len + 1, "/");
    }
}
