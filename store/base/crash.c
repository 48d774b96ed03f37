/*
 * Crash points for tests that kill the program at every place that matters. Apart because a
 * product build must hold none of it: without SETT_CRASH_POINTS this file is empty.
 */
#include "crash.h"

#ifdef SETT_CRASH_POINTS

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

/* The line goes out in one write, so that several processes can share the file. */
static void log_pass(const char *path, const char *name)
{
    char line[160];
    int fd;

    if (str_format(line, sizeof line, "%s\n", name) == -1)
        return;
    if ((fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666)) == -1)
        return;
    (void)!write(fd, line, strlen(line));
    (void)close(fd);
}

void crash_point(const char *name)
{
    static atomic_uint_fast64_t passes; /* of the one place that SETT_CRASH names */
    const char *wanted = getenv("SETT_CRASH"), *path = getenv("SETT_CRASH_LOG");
    size_t len = strlen(name);
    uint64_t nth = 1;

    if (path != NULL && path[0] != '\0')
        log_pass(path, name);
    if (wanted == NULL || strncmp(wanted, name, len) != 0)
        return;
    if (wanted[len] == ':') {
        if (str_u64(wanted + len + 1, 1, UINT32_MAX, &nth) == -1)
            return;
    } else if (wanted[len] != '\0') {
        return;
    }
    if (atomic_fetch_add(&passes, 1) + 1 != nth)
        return;
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

#else

typedef int crash_points_are_off; /* a translation unit may not be empty */

#endif
