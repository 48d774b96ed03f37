/*
 * The programs that an upgrade runs: dpkg, apt, systemctl, and sett itself where the store is to be
 * opened. Apart because what they inherit is decided here: no terminal, no signals that wait, a
 * plain environment that says who leads, and the locks only for those that may know of them.
 */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "crash.h"
#include "str.h"

#define LINE_SIZE 512

struct reading {
    bool quiet;
    int fd;
    struct buf *out; /* NULL: each line is said */
    char line[LINE_SIZE];
    size_t len;
};

static void line_end(const struct upgrade *u, struct reading *r, char said[256])
{
    r->line[r->len] = '\0';
    r->len = 0;
    if (r->line[0] == '\0')
        return;
    str_cut(said, 256, r->line);
    if (r->out == NULL && !r->quiet)
        upgrade_say(u, "  %s", r->line);
}

/* What has come; false at its end. */
static bool take(const struct upgrade *u, struct reading *r, char said[256])
{
    char some[4096];
    ssize_t n = read(r->fd, some, sizeof some);

    if (n <= 0)
        return n == -1 && (errno == EINTR || errno == EAGAIN);
    if (r->out != NULL)
        (void)buf_add(r->out, some, (size_t)n);
    for (ssize_t i = 0; i < n; i++) {
        if (some[i] == '\n' || some[i] == '\r')
            line_end(u, r, said);
        else if (r->len + 1 < sizeof r->line)
            r->line[r->len++] = some[i];
    }
    return true;
}

static int start(const struct upgrade *u, const struct upgrade_child *c, int out, int errors,
                 pid_t *pid, struct err *err)
{
    char root[PATHS_SIZE + 16];
    char *const env[] = {(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                         (char *)(uintptr_t) "LC_ALL=C.UTF-8",
                         (char *)(uintptr_t) "HOME=/root",
                         (char *)(uintptr_t) "DEBIAN_FRONTEND=noninteractive",
                         (char *)(uintptr_t) "DEBIAN_PRIORITY=critical",
                         (char *)(uintptr_t) "NEEDRESTART_SUSPEND=1",
                         (char *)(uintptr_t) "SETT_UPGRADE=1",
                         root,
                         NULL};
    const int locks[] = {u->hold.live.fd, u->hold.store.fd, u->hold.store.wish_fd};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    int rc;

    (void)str_format(root, sizeof root, "SETT_ROOT=%s", u->paths.root);
    (void)posix_spawn_file_actions_init(&actions);
    if (c->folder != NULL)
        (void)posix_spawn_file_actions_addchdir_np(&actions, c->folder);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, errors, 2);
    for (size_t i = 0; c->holds && i < sizeof locks / sizeof locks[0]; i++)
        if (locks[i] != -1)
            (void)posix_spawn_file_actions_adddup2(&actions, locks[i], locks[i]);
    (void)sigemptyset(&none);
    (void)sigemptyset(&usual);
    (void)sigaddset(&usual, SIGPIPE);
    (void)sigaddset(&usual, SIGHUP);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &usual);
    (void)posix_spawnattr_setpgroup(&attr, 0);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    rc = posix_spawn(pid, c->argv[0], &actions, &attr, (char *const *)(uintptr_t)c->argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc == 0 ? 0 : err_sys(err, "upgrade_child", rc, c->argv[0]);
}

/* Until both outputs are closed, or the time is over. Something that the child left behind may keep
 * them open: its own end counts, too. */
static bool follow(const struct upgrade *u, struct reading *r, pid_t pid, int wait_ms,
                   char said[256], int *status)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    struct pollfd fds[2] = {{.fd = r[0].fd, .events = POLLIN}, {.fd = r[1].fd, .events = POLLIN}};
    bool ended = false;

    for (;;) {
        int got = poll(fds, 2, ended ? 0 : 100);

        for (int i = 0; i < 2; i++)
            if (fds[i].fd != -1 && fds[i].revents != 0 && !take(u, &r[i], said))
                fds[i].fd = -1;
        if (!ended)
            ended = waitpid(pid, status, WNOHANG) == pid;
        else if (got <= 0 || (fds[0].fd == -1 && fds[1].fd == -1))
            return true;
        if (!ended && clock_mono_ms() > until_ms)
            return false;
    }
}

int upgrade_run(const struct upgrade *u, const struct upgrade_child *child, char said[256],
                struct err *err)
{
    struct reading r[2] = {{.out = child->out, .quiet = child->quiet}, {.quiet = child->quiet}};
    int out[2], errors[2], status = 0, rc;
    pid_t pid = -1;

    said[0] = '\0';
    if (pipe2(out, O_CLOEXEC) == -1)
        return err_sys(err, "upgrade_child", errno, "pipe");
    if (pipe2(errors, O_CLOEXEC) == -1) {
        (void)close(out[0]);
        (void)close(out[1]);
        return err_sys(err, "upgrade_child", errno, "pipe");
    }
    rc = start(u, child, out[1], errors[1], &pid, err);
    (void)close(out[1]);
    (void)close(errors[1]);
    r[0].fd = out[0];
    r[1].fd = errors[0];
    if (rc == 0 && !follow(u, r, pid, child->wait_ms, said, &status)) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        rc = err_set(err, ERR_TIMEOUT, "upgrade_child", "%s did not end in %d s", child->argv[0],
                     child->wait_ms / 1000);
    }
    for (int i = 0; i < 2; i++)
        line_end(u, &r[i], said);
    (void)close(out[0]);
    (void)close(errors[0]);
    CP("upgrade.child");
    if (rc == -1)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
