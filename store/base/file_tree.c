/*
 * Removal of a folder with everything below it, when what lies below may have been made by somebody
 * hostile: no link is followed, no mount entered, and a tree of any depth needs few descriptors,
 * because what lies too deep is first moved up to the top. Apart from file.c for that reason.
 */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "str.h"

#define TREE_DEPTH 32 /* folders open at once */

struct tree {
    int top;        /* the folder being removed */
    dev_t device;   /* all of it lies here */
    uint64_t moved; /* names given to what was moved up */
    int failed;     /* errno of the first thing that could not be removed */
};

/* Open a folder below ${at} by a single name, on this mount only. Return -1 with errno. */
static int open_folder(const struct tree *tree, int at, const char *name)
{
    struct open_how how;
    struct stat st;
    int fd;

    memset(&how, 0, sizeof how);
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    fd = (int)syscall(SYS_openat2, at, name, &how, sizeof how);
    if (fd == -1 && (errno == ENOSYS || errno == EPERM)) /* old kernel, or a filter without it */
        fd = openat(at, name, (int)how.flags);
    if (fd == -1)
        return -1;
    if (fstat(fd, &st) == -1 || st.st_dev != tree->device) {
        (void)close(fd);
        errno = EXDEV;
        return -1;
    }
    if ((st.st_mode & 0700) != 0700)
        (void)fchmod(fd, 0700); /* where that is not ours to do, removing will tell */
    return fd;
}

/* Give a folder that its owner may not read back to its owner, without following a link. */
static void unlock_folder(int at, const char *name)
{
    char path[48];
    struct stat st;
    int fd = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1)
        return;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
        str_format(path, sizeof path, "/proc/self/fd/%d", fd) == 0)
        (void)chmod(path, 0700);
    (void)close(fd);
}

static void note(struct tree *tree, int errnum)
{
    if (tree->failed == 0)
        tree->failed = errnum;
}

/* Move a folder that lies too deep up to the top, where it is met again. */
static void move_up(struct tree *tree, int at, const char *name)
{
    char fresh[48];

    do
        (void)str_format(fresh, sizeof fresh, ".removing-%llu", (unsigned long long)++tree->moved);
    while (faccessat(tree->top, fresh, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    if (renameat(at, name, tree->top, fresh) == -1)
        note(tree, errno);
}

static void empty_folder(struct tree *tree, int fd, unsigned depth);

static void remove_entry(struct tree *tree, int at, const char *name, unsigned depth)
{
    struct stat st;
    int fd;

    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        if (errno != ENOENT)
            note(tree, errno);
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        if (unlinkat(at, name, 0) == -1 && errno != ENOENT)
            note(tree, errno);
        return;
    }
    if ((st.st_mode & 0700) != 0700)
        unlock_folder(at, name);
    if (depth == TREE_DEPTH) {
        move_up(tree, at, name);
        return;
    }
    if ((fd = open_folder(tree, at, name)) == -1) {
        note(tree, errno);
        return;
    }
    empty_folder(tree, fd, depth + 1);
    if (unlinkat(at, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
        note(tree, errno);
}

/* Remove all that is in the folder ${fd}, and close it. */
static void empty_folder(struct tree *tree, int fd, unsigned depth)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;

    if (dir == NULL) {
        note(tree, errno);
        (void)close(fd);
        return;
    }
    while ((entry = readdir(dir)) != NULL)
        if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
            remove_entry(tree, fd, entry->d_name, depth);
    (void)closedir(dir);
}

int file_remove_tree(const char *path, struct err *err)
{
    struct tree tree = {.top = -1};
    struct stat st;
    uint64_t moved;

    if (lstat(path, &st) == -1)
        return errno == ENOENT ? 0 : err_sys(err, "folder_remove", errno, path);
    if (!S_ISDIR(st.st_mode))
        return err_sys(err, "folder_remove", ENOTDIR, path);
    tree.device = st.st_dev;
    if ((st.st_mode & 0700) != 0700)
        unlock_folder(AT_FDCWD, path);
    if ((tree.top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
        return err_sys(err, "folder_remove", errno, path);
    do { /* once more for as long as something was moved up and nothing stood in the way */
        int fd = openat(tree.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        moved = tree.moved;
        if (fd == -1)
            note(&tree, errno);
        else
            empty_folder(&tree, fd, 1);
    } while (tree.failed == 0 && tree.moved != moved);
    (void)close(tree.top);
    if (tree.failed == 0 && rmdir(path) == -1)
        note(&tree, errno);
    return tree.failed == 0 ? 0 : err_sys(err, "folder_remove", tree.failed, path);
}
