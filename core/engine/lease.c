/*
 * Leases of jobs. Apart because a lease must name the same process after a crash and a reboot. It
 * has no time in it: a worker that hangs is killed by its watchdog, and a worker that is slow keeps
 * what it holds.
 */
#include "lease.h"

#include <string.h>
#include <unistd.h>

#include "process_find.h"
#include "str.h"

#define BOOT_CHARACTERS 18 /* half of the kernel's boot id: 64 random bits and two hyphens */

/* The lease that a process of this pid would write now. Return 0, or -1 when none runs; a zombie
 * does not. */
static int lease_of(pid_t pid, char out[LEASE_SIZE])
{
    char boot[PROCESS_BOOT_SIZE];
    struct process_seen seen;

    if (process_boot(boot) == -1 || process_see(pid, &seen) == -1 || seen.state == 'Z' ||
        seen.state == 'X')
        return -1;
    return str_format(out, LEASE_SIZE, "%.*s:%d:%llu", BOOT_CHARACTERS, boot, (int)pid,
                      (unsigned long long)seen.start);
}

int lease_own(char out[LEASE_SIZE], struct err *err)
{
    if (lease_of(getpid(), out) == -1)
        return err_set(err, ERR_INTERNAL, "no_proc", "/proc does not tell who this process is");
    return 0;
}

bool lease_alive(const char *lease)
{
    char now[LEASE_SIZE], pid_text[24];
    const char *colon = strchr(lease, ':');
    uint64_t pid;

    if (colon == NULL ||
        str_copy_n(pid_text, sizeof pid_text, colon + 1, strcspn(colon + 1, ":")) == -1 ||
        str_u64(pid_text, 1, INT32_MAX, &pid) == -1)
        return false;
    return lease_of((pid_t)pid, now) == 0 && str_equal(now, lease);
}
