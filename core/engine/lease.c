/*
 * Leases of jobs. Apart because only this file reads /proc. A lease has no time in it: a worker that
 * hangs is killed by its watchdog, and a worker that is slow keeps what it holds.
 */
#include "lease.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

#define BOOT_SIZE 17 /* the first half of the kernel's boot id, without its hyphens */

/* A small file of /proc as a string. Return 0 or -1. */
static int read_proc(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd == -1)
        return -1;
    n = read(fd, out, size - 1);
    (void)close(fd);
    if (n <= 0)
        return -1;
    out[n] = '\0';
    return 0;
}

static int boot_id(char out[BOOT_SIZE])
{
    char text[64];
    size_t len = 0;

    if (read_proc("/proc/sys/kernel/random/boot_id", text, sizeof text) == -1)
        return -1;
    for (const char *p = text; *p != '\0' && len + 1 < BOOT_SIZE; p++)
        if (*p != '-' && *p != '\n')
            out[len++] = *p;
    out[len] = '\0';
    return len == 0 ? -1 : 0;
}

/* The start time of a process in clock ticks: field 22 of its stat, counted behind the name, which
 * may hold anything but ends with the last ')'. A zombie does not count as running. */
static int start_time(uint64_t pid, char out[24])
{
    char path[40], text[1024], *at;
    size_t len;

    if (str_format(path, sizeof path, "/proc/%llu/stat", (unsigned long long)pid) == -1 ||
        read_proc(path, text, sizeof text) == -1 || (at = strrchr(text, ')')) == NULL)
        return -1;
    if (at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
        return -1;
    for (unsigned field = 2; field < 22; field++)
        if ((at = strchr(at + 1, ' ')) == NULL)
            return -1;
    len = strcspn(at + 1, " \n");
    return str_copy_n(out, 24, at + 1, len);
}

int lease_own(char out[LEASE_SIZE], struct err *err)
{
    char boot[BOOT_SIZE], start[24];
    uint64_t pid = (uint64_t)getpid();

    if (boot_id(boot) == -1 || start_time(pid, start) == -1 ||
        str_format(out, LEASE_SIZE, "%s:%llu:%s", boot, (unsigned long long)pid, start) == -1)
        return err_set(err, ERR_INTERNAL, "no_proc", "/proc does not tell who this process is");
    return 0;
}

bool lease_alive(const char *lease)
{
    char boot[BOOT_SIZE], start[24], pid_text[24];
    const char *colon = strchr(lease, ':'), *second;
    uint64_t pid;

    if (colon == NULL || (second = strchr(colon + 1, ':')) == NULL || boot_id(boot) == -1)
        return false;
    if (strlen(boot) != (size_t)(colon - lease) || memcmp(boot, lease, strlen(boot)) != 0)
        return false;
    if (str_copy_n(pid_text, sizeof pid_text, colon + 1, (size_t)(second - colon - 1)) == -1 ||
        str_u64(pid_text, 1, UINT32_MAX, &pid) == -1)
        return false;
    return start_time(pid, start) == 0 && str_equal(start, second + 1);
}
