/* The restored store's own check, in a child. Apart because it is the only program that a drill
 * starts. */
#include "drill_fsck.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "str.h"

#define SAID_MAX 8192

/* Beside this program in a checkout; where Debian puts it otherwise. */
static int find_program(char out[600], struct err *err)
{
    char self[512];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (len > 0) {
        self[len] = '\0';
        if ((slash = strrchr(self, '/')) != NULL) {
            *slash = '\0';
            (void)str_format(out, 600, "%s/sett", self);
            if (access(out, X_OK) == 0)
                return 0;
        }
    }
    (void)str_copy(out, 600, "/usr/bin/sett");
    return access(out, X_OK) == 0
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "drill_program", "the program sett is not there");
}

/* Its exit code, or -1. */
static int run(const char *program, const char *root, int out, struct err *err)
{
    const char *const argv[] = {"sett", "--root", root, "fsck", "--json", NULL};
    char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
                         (char *)(uintptr_t) "LC_ALL=C.UTF-8", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    int status, rc;
    pid_t pid;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, out, 2);
    rc = posix_spawn(&pid, program, &actions, &attr, (char *const *)(uintptr_t)argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    if (rc != 0)
        return err_sys(err, "drill_fsck", rc, program);
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            return err_sys(err, "drill_fsck", errno, "waiting for sett fsck");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The last line counts the audit's entries; anything before it is a finding. */
static int judge(int code, char *said, uint64_t *entries, struct err *err)
{
    const char *count = strstr(said, "\"audit_entries\":");
    char digits[24];

    if (code == 0 && count != NULL && strstr(said, "\"clean\":true") != NULL) {
        count += strlen("\"audit_entries\":");
        return str_copy_n(digits, sizeof digits, count, strspn(count, "0123456789")) == -1 ||
                       str_u64(digits, 0, UINT64_MAX, entries) == -1
                   ? err_set(err, ERR_INTERNAL, "drill_fsck", "sett fsck counts no audit entries")
                   : 0;
    }
    said[strcspn(said, "\n")] = '\0';
    return err_set(err, ERR_CORRUPT, "drill_store", "the restored store is not in order: %.200s",
                   said);
}

int drill_fsck(const char *root, uint64_t *entries, struct err *err)
{
    char program[600], said[SAID_MAX] = "";
    int out, code, rc = -1;
    ssize_t n;

    if (find_program(program, err) == -1)
        return -1;
    if ((out = memfd_create("fsck", MFD_CLOEXEC)) == -1)
        return err_sys(err, "drill_fsck", errno, "memory for what sett fsck says");
    if ((code = run(program, root, out, err)) != -1) {
        n = pread(out, said, sizeof said - 1, 0);
        said[n > 0 ? n : 0] = '\0';
        rc = judge(code, said, entries, err);
    }
    (void)close(out);
    return rc;
}
