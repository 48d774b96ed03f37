/* Making the ballast. Apart from the worker's main because it is the one thing here that is made to
 * be thrown away. */
#include "ballast.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

static bool has_room(const char *path, uint64_t bytes)
{
    char folder[512];
    struct statvfs st;
    char *slash;

    if (str_copy(folder, sizeof folder, path) != 0 || (slash = strrchr(folder, '/')) == NULL)
        return false;
    *slash = '\0';
    return statvfs(folder, &st) == 0 && (uint64_t)st.f_bavail * st.f_frsize / BALLAST_ROOM >= bytes;
}

int ballast_keep(const char *path, uint64_t bytes, struct err *err)
{
    struct stat st;
    int fd, rc;

    if (bytes == 0) {
        if (unlink(path) == -1 && errno != ENOENT)
            return err_sys(err, "ballast", errno, path);
        return 0;
    }
    if ((stat(path, &st) == 0 && (uint64_t)st.st_size >= bytes) || !has_room(path, bytes))
        return 0;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return err_sys(err, "ballast", errno, path);
    rc = posix_fallocate(fd, 0, (off_t)bytes);
    (void)close(fd);
    if (rc == 0)
        return 1;
    (void)unlink(path);
    return err_sys(err, "ballast", rc, path);
}
