/*
 * The supervisor of `sett run`. One thread: a signalfd, the notify socket, and the clock. Apart
 * from run.c so that what is kept alive and how it is kept alive are two things.
 */
#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "process_log.h"
#include "str.h"

#define WATCHDOG_MS    10000
#define REPORT_MS      2000
#define LOG_MAX        (16u << 20) /* a larger log is put aside; one of each is kept */
#define RESTART_MIN_MS 200
#define RESTART_MAX_MS 1000
#define SETPRIV        "/usr/bin/setpriv"

extern char **environ;

struct child {
    const struct supervise_program *program;
    pid_t pid; /* 0: not running */
    bool ready, done;
    unsigned restarts;
    int64_t beat_at, restart_at;
};

struct supervise {
    int signals, notify;
    const char *log_folder;
    char notify_variable[160], watchdog_variable[40];
    const char *report; /* or NULL */
    int64_t reported_ms;
    struct child children[SUPERVISE_PROGRAMS];
    unsigned count;
};

static int notify_open(const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, on = 1;

    if (str_copy(address.sun_path, sizeof address.sun_path, path) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long for a socket", path);
    (void)unlink(path);
    if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
        return err_sys(err, "notify_socket", errno, path);
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        (void)err_sys(err, "notify_socket", errno, path);
        (void)close(fd);
        return -1;
    }
    return fd;
}

int supervise_new(struct supervise **out, const char *notify_path, const char *log_folder,
                  struct err *err)
{
    struct supervise *s = calloc(1, sizeof *s);
    sigset_t set;

    if (s == NULL)
        return err_set(err, ERR_INTERNAL, "no_memory", "out of memory");
    s->log_folder = log_folder;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    if ((s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1) {
        err_sys(err, "signalfd", errno, "signalfd");
        goto fail;
    }
    if ((s->notify = notify_open(notify_path, err)) == -1) {
        (void)close(s->signals);
        goto fail;
    }
    (void)str_format(s->notify_variable, sizeof s->notify_variable, "NOTIFY_SOCKET=%s",
                     notify_path);
    (void)str_format(s->watchdog_variable, sizeof s->watchdog_variable, "WATCHDOG_USEC=%d",
                     WATCHDOG_MS * 1000);
    *out = s;
    return 0;
fail:
    free(s);
    return -1;
}

/* Our environment with the notify protocol's two variables. The array is the caller's to free. */
static char **environment(struct supervise *s, const struct supervise_program *p)
{
    size_t n = 0, kept = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    if ((env = calloc(n + 3, sizeof *env)) == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!str_starts(environ[i], "NOTIFY_SOCKET=") && !str_starts(environ[i], "WATCHDOG_"))
            env[kept++] = environ[i];
    if (p->notifies) {
        env[kept++] = s->notify_variable;
        env[kept] = s->watchdog_variable;
    }
    return env;
}

static int spawn(struct supervise *s, struct child *c)
{
    const struct supervise_program *p = c->program;
    char *argv[SUPERVISE_ARGS + 5];
    char log_path[512];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char **env = environment(s, p);
    int n = 0, rc;

    if (env == NULL)
        return ENOMEM;
    argv[n++] = (char *)(uintptr_t)SETPRIV;
    argv[n++] = (char *)(uintptr_t) "--pdeathsig";
    argv[n++] = (char *)(uintptr_t) "TERM";
    argv[n++] = (char *)(uintptr_t) "--";
    for (int i = 0; p->argv[i] != NULL; i++)
        argv[n++] = (char *)(uintptr_t)p->argv[i];
    argv[n] = NULL;
    (void)sigemptyset(&none);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!p->once &&
        str_format(log_path, sizeof log_path, "%s/%s.log", s->log_folder, p->name) == 0) {
        (void)posix_spawn_file_actions_addopen(&actions, 1, log_path, O_WRONLY | O_CREAT | O_APPEND,
                                               0640);
        (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    }
    c->ready = false;
    c->beat_at = clock_mono_ms();
    rc = posix_spawn(&c->pid, argv[0], &actions, &attributes, argv, env);
    if (rc != 0)
        c->pid = 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    free(env);
    return rc;
}

int supervise_start(struct supervise *s, const struct supervise_program *program, struct err *err)
{
    struct child *c;
    int rc;

    if (s->count == SUPERVISE_PROGRAMS)
        return err_set(err, ERR_INTERNAL, "too_many", "too many programs to supervise");
    c = &s->children[s->count];
    c->program = program;
    if ((rc = spawn(s, c)) != 0)
        return err_sys(err, "spawn", rc, program->argv[0]);
    s->count++;
    return 0;
}

/* What a program leaves behind when it did not end in order: all of its process group. */
static void sweep(const struct child *c, pid_t pid)
{
    if (c->program->leaves)
        (void)kill(-pid, SIGKILL);
}

static void reap(struct supervise *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < s->count; i++) {
            struct child *c = &s->children[i];
            if (c->pid != pid)
                continue;
            c->pid = 0;
            c->ready = false;
            sweep(c, pid);
            if (c->program->once) {
                c->done = true;
                continue;
            }
            c->restarts++;
            c->restart_at = clock_mono_ms() + (c->restarts > 3 ? RESTART_MAX_MS : RESTART_MIN_MS);
            log_warning("%s ended (%s %d); starting it again; its last words: %s/%s.log",
                        c->program->name, WIFSIGNALED(status) ? "signal" : "exit",
                        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), s->log_folder,
                        c->program->name);
        }
}

/* One datagram of the notify protocol. The kernel says which process sent it. */
static void notified(struct supervise *s)
{
    char text[512], control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {text, sizeof text - 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t len;

    while ((len = recvmsg(s->notify, &message, MSG_CMSG_CLOEXEC)) >= 0) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        struct ucred peer = {0};
        text[len] = '\0';
        if (header != NULL && header->cmsg_type == SCM_CREDENTIALS)
            memcpy(&peer, CMSG_DATA(header), sizeof peer);
        for (unsigned i = 0; i < s->count; i++)
            if (s->children[i].pid == peer.pid) {
                s->children[i].beat_at = clock_mono_ms();
                if (strstr(text, "READY=1") != NULL)
                    s->children[i].ready = true;
            }
        message.msg_controllen = sizeof control;
    }
}

static void attend(struct supervise *s)
{
    int64_t now = clock_mono_ms();

    for (unsigned i = 0; i < s->count; i++) {
        struct child *c = &s->children[i];
        if (c->pid == 0 && !c->done && now >= c->restart_at) {
            int rc = spawn(s, c);
            if (rc != 0) {
                log_error("cannot start %s: %s", c->program->name, strerror(rc));
                c->restart_at = now + RESTART_MAX_MS;
            }
        } else if (c->pid != 0 && c->program->notifies && now - c->beat_at > WATCHDOG_MS) {
            log_error("%s has not answered for %d s; killing it", c->program->name,
                      WATCHDOG_MS / 1000);
            (void)kill(c->pid, SIGKILL);
            c->beat_at = now;
        }
    }
}

void supervise_report(struct supervise *s, const char *path)
{
    s->report = path;
}

/* The descriptor of who writes it stands: the file is copied and emptied. */
static void rotate(const struct supervise *s, const struct supervise_program *p)
{
    char path[512];

    if (!p->once && str_format(path, sizeof path, "%s/%s.log", s->log_folder, p->name) == 0)
        (void)process_log_rotate(path, LOG_MAX);
}

/* Every two seconds; whoever reads it never sees half of it. */
static void report(struct supervise *s)
{
    char text[1024] = "\n", name[512];
    int64_t now = clock_mono_ms();
    size_t len = 1;
    FILE *f;

    if (s->report == NULL || now - s->reported_ms < REPORT_MS ||
        str_format(name, sizeof name, "%s.new", s->report) == -1)
        return;
    s->reported_ms = now;
    for (unsigned i = 0; i < s->count; i++) {
        const struct child *c = &s->children[i];
        int64_t beat = c->program->notifies ? clock_wall_ms() - (now - c->beat_at) : -1;
        rotate(s, c->program);
        if (!c->program->once && str_format(text + len, sizeof text - len, "%s %u %lld\n",
                                            c->program->name, c->restarts, (long long)beat) == 0)
            len += strlen(text + len);
    }
    if ((f = fopen(name, "we")) == NULL)
        return;
    (void)fputs(text, f);
    if (fclose(f) == 0)
        (void)rename(name, s->report);
}

int supervise_step(struct supervise *s, int wait_ms)
{
    struct pollfd fds[2] = {{s->signals, POLLIN, 0}, {s->notify, POLLIN, 0}};
    struct signalfd_siginfo info;
    int go_on = 1;

    (void)poll(fds, 2, wait_ms);
    while (read(s->signals, &info, sizeof info) == sizeof info)
        if (info.ssi_signo != SIGCHLD)
            go_on = 0;
    notified(s);
    reap(s);
    if (go_on)
        attend(s);
    report(s);
    return go_on;
}

static const struct child *find(const struct supervise *s, const char *name)
{
    for (unsigned i = 0; i < s->count; i++)
        if (str_equal(s->children[i].program->name, name))
            return &s->children[i];
    return NULL;
}

bool supervise_ready(const struct supervise *s, const char *name)
{
    const struct child *c = find(s, name);

    if (c == NULL)
        return false;
    if (c->program->once)
        return c->done;
    return c->pid != 0 && (c->ready || !c->program->notifies);
}

unsigned supervise_restarts(const struct supervise *s, const char *name)
{
    const struct child *c = find(s, name);

    return c == NULL ? 0 : c->restarts;
}

void supervise_stop(struct supervise *s, int wait_ms)
{
    if (s == NULL)
        return;
    for (unsigned i = s->count; i-- > 0;) {
        struct child *c = &s->children[i];
        int64_t deadline = clock_mono_ms() + wait_ms;
        int status;
        if (c->pid == 0)
            continue;
        (void)kill(c->pid, c->program->stop_signal);
        while (waitpid(c->pid, &status, WNOHANG) == 0) {
            if (clock_mono_ms() > deadline) {
                log_warning("%s did not end in %d s; killing it", c->program->name, wait_ms / 1000);
                (void)kill(c->pid, SIGKILL);
                deadline = INT64_MAX;
            }
            clock_sleep_ms(10);
        }
        sweep(c, c->pid);
        c->pid = 0;
    }
    (void)close(s->signals);
    (void)close(s->notify);
    free(s);
}
