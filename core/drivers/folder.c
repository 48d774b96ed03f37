/* Folders of tenants. Apart because root works here in places where a tenant may have put a
 * link. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

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
