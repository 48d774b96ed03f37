/* Free space, asked before it is needed. Apart because four writers ask: a snapshot, a vault's
 * folder, a drill, and whoever fetches a copy to read it. */
#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RESERVE (UINT64_C(4) << 20) /* room that is left alone */

int room_check_fd(int folder, const char *name, uint64_t bytes, const char *what, struct err *err)
{
    struct statvfs fs;
    uint64_t there;

    if (fstatvfs(folder, &fs) == -1)
        return err_sys(err, "room", errno, name);
    there = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (there >= bytes + RESERVE)
        return 0;
    (void)err_set(err, ERR_FULL, "no_room", "%s needs about %llu MiB in %s, and %llu MiB are free",
                  what, (unsigned long long)((bytes + RESERVE + 1048575) >> 20), name,
                  (unsigned long long)(there >> 20));
    return err_hint(err, "make room: sett snapshot prune, or a larger disk");
}

int room_check(const char *folder, uint64_t bytes, const char *what, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd == -1)
        return err_sys(err, "room", errno, folder);
    rc = room_check_fd(fd, folder, bytes, what, err);
    (void)close(fd);
    return rc;
}
