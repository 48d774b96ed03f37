/*
 * Starting processes. Apart so that there is one place in the program that makes a child, and one
 * that decides what a child inherits.
 */
#include "process_launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "process_apart.h"
#include "process_argv.h"
#include "str.h"

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGKILL);
    (void)sigdelset(&all, SIGSTOP);
    if (posix_spawnattr_setsigmask(attr, &none) != 0 ||
        posix_spawnattr_setsigdefault(attr, &all) != 0)
        return -1;
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct process_plan *p,
                       int out_fd)
{
    if (posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_adddup2(actions, out_fd, 1) != 0 ||
        posix_spawn_file_actions_adddup2(actions, out_fd, 2) != 0 ||
        posix_spawn_file_actions_addclosefrom_np(actions, 3) != 0)
        return -1;
    return p->folder[0] == '\0' ? 0 : posix_spawn_file_actions_addchdir_np(actions, p->folder);
}

int process_spawn(const struct process_plan *p, int out_fd, pid_t *pid, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    struct process_argv l;
    char what[360];
    int failed = ENOMEM;

    if (process_argv_fill(&l, p, err) == -1)
        return -1;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return err_sys(err, "process_spawn", failed, p->name);
    if (posix_spawnattr_init(&attr) != 0)
        goto no_attr;
    if (set_attributes(&attr) == 0 && set_actions(&actions, p, out_fd) == 0)
        failed = posix_spawn(pid, l.argv[0], &actions, &attr, (char *const *)l.argv, l.envp);
    (void)posix_spawnattr_destroy(&attr);
no_attr:
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failed == 0)
        return 0;
    if (failed == ENOENT || failed == EACCES || failed == ENOEXEC || failed == ENOTDIR)
        return err_set(err, ERR_INVALID, "command_missing", "%s cannot be executed in %s: %s",
                       l.argv[0], p->folder[0] == '\0' ? "/" : p->folder, strerror(failed));
    (void)snprintf(what, sizeof what, "start of %s (%.200s)", p->name, l.argv[0]);
    return err_sys(err, "process_spawn", failed, what);
}

/* Read what is there into ${out}, throwing away what exceeds its max. Return false at the end. */
static bool drain(int fd, struct buf *out)
{
    char chunk[8192];
    ssize_t got = read(fd, chunk, sizeof chunk);
    size_t room = out->max - out->len;

    if (got == -1)
        return errno == EINTR || errno == EAGAIN;
    if (got > 0)
        (void)buf_add(out, chunk, (size_t)got < room ? (size_t)got : room);
    return got > 0;
}

/* Wait until the process behind ${pidfd} has ended, collecting output. Return false when late. */
static bool collect(int pidfd, int pipe_fd, int64_t until, struct buf *out)
{
    bool open_pipe = true;

    for (;;) {
        struct pollfd at[2] = {{.fd = pidfd, .events = POLLIN},
                               {.fd = open_pipe ? pipe_fd : -1, .events = POLLIN}};
        int64_t left = until - clock_mono_ms();
        if (left <= 0)
            return false;
        if (poll(at, 2, left > 60000 ? 60000 : (int)left) == -1 && errno != EINTR)
            return false;
        if (at[1].revents != 0) {
            open_pipe = drain(pipe_fd, out);
            continue;
        }
        if ((at[0].revents & POLLIN) != 0)
            return true;
    }
}

int process_run(const struct process_plan *p, uint32_t timeout_s, struct buf *out, int *exit_code,
                struct err *err)
{
    int ends[2], pidfd, result = 0;
    siginfo_t info;
    pid_t pid;

    if (p->apart)
        return process_apart_run(p, timeout_s, out, exit_code, err);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
        return err_sys(err, "pipe", errno, p->name);
    if (fcntl(ends[1], F_SETFL, 0) == -1 || process_spawn(p, ends[1], &pid, err) == -1) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return -1;
    }
    (void)close(ends[1]);
    pidfd = pidfd_open(pid, 0);
    if (pidfd == -1 || !collect(pidfd, ends[0], clock_mono_ms() + (int64_t)timeout_s * 1000, out))
        result = err_set(err, ERR_TIMEOUT, "command_timeout", "%s did not end within %u s", p->args,
                         timeout_s);
    (void)kill(-pid, SIGKILL); /* it is not reaped yet, so the group is still its own */
    memset(&info, 0, sizeof info);
    while (waitid(P_PID, (id_t)pid, &info, WEXITED) == -1 && errno == EINTR)
        ;
    *exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    (void)close(ends[0]);
    if (pidfd != -1)
        (void)close(pidfd);
    return result;
}
