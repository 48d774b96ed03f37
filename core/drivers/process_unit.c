/*
 * One supervised program: how its process is started, found again, signalled and buried. Apart from
 * the group because here is all that must never be done to a process that is not ours.
 */
#include "process_unit.h"

#include <errno.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cond.h"
#include "crash.h"
#include "file.h"
#include "log.h"
#include "process_apart.h"
#include "process_log.h"
#include "str.h"

int process_unit_paths(struct process_unit_files *f, const char *folder, const char *name)
{
    if (str_format(f->unit, sizeof f->unit, "%s/%s.unit", folder, name) == -1 ||
        str_format(f->pid, sizeof f->pid, "%s/%s.pid", folder, name) == -1)
        return -1;
    return str_format(f->mark, sizeof f->mark, "%s/%s", folder, name);
}

/* Not durable: after a power cut there is no process to find. */
static int write_pid(const struct process_unit *u, const char *path, struct err *err)
{
    char text[200], boot[PROCESS_BOOT_SIZE];

    if (process_boot(boot) == -1)
        return err_set(err, ERR_INTERNAL, "boot_id", "the boot's id cannot be read");
    (void)snprintf(text, sizeof text, "%d %llu %s %lld %u\n", (int)u->pid,
                   (unsigned long long)u->start, boot, (long long)u->started_at, u->restarts);
    return file_write_soon(path, text, strlen(text), 0600, err);
}

static void forget_process(struct process_unit *u)
{
    if (u->pidfd != -1)
        (void)close(u->pidfd);
    u->pidfd = -1;
    u->pid = 0;
    u->kill_due = 0;
    (void)pthread_cond_broadcast(&u->ended);
}

/* By systemd, which reads the plan from its file: it is written already. */
static int spawn_apart(struct process_unit *u, const char *folder, const struct process_plan *plan,
                       struct err *err)
{
    char unit[PROCESS_APART_NAME];
    struct process_unit_files files;
    pid_t pid;

    if (process_unit_paths(&files, folder, u->name) == -1 ||
        process_apart_name(unit, folder, u->name) == -1)
        return err_set(err, ERR_INVALID, "unit_name", "the path of %s is too long", u->name);
    if (process_apart_start(plan, unit, files.unit, files.mark, &pid, err) == -1)
        return -1;
    CP("process.spawned");
    u->started_at = 0;
    if (pid != 0 && process_unit_adopt(u, folder, pid, 0) == 0)
        return 0;
    u->exit_code = process_apart_end(unit);
    return 0;
}

int process_unit_spawn(struct process_unit *u, const char *folder, const struct process_plan *plan,
                       struct err *err)
{
    struct process_unit_files files;
    struct process_plan marked = *plan;
    struct process_seen seen;
    int log_fd, result;

    if (u->apart)
        return spawn_apart(u, folder, plan, err);
    if (process_unit_paths(&files, folder, u->name) == -1 ||
        str_copy(marked.unit, sizeof marked.unit, files.mark) == -1)
        return err_set(err, ERR_INVALID, "unit_name", "the path of %s is too long", u->name);
    if ((log_fd = process_log_open(plan->log, err)) == -1)
        return -1;
    result = process_spawn(&marked, log_fd, &u->pid, err);
    (void)close(log_fd);
    if (result == -1) {
        u->pid = 0;
        return -1;
    }
    CP("process.spawned");
    u->child = true;
    u->started_at = clock_wall_ms();
    u->started_mono = clock_mono_ms();
    u->start = process_see(u->pid, &seen) == 0 ? seen.start : 0;
    u->pidfd = pidfd_open(u->pid, 0); /* our child, not waited for: the pid is still its own */
    if (u->pidfd == -1 || write_pid(u, files.pid, err) == -1) {
        if (u->pidfd == -1)
            (void)err_sys(err, "pidfd_open", errno, u->name);
        (void)kill(-u->pid, SIGKILL);
        (void)waitpid(u->pid, NULL, 0);
        forget_process(u);
        return -1;
    }
    return 0;
}

int process_unit_adopt(struct process_unit *u, const char *folder, pid_t pid, uint64_t start)
{
    struct process_unit_files files;
    struct process_seen seen;
    char mark[400];
    int pidfd = pidfd_open(pid, 0);

    /* The descriptor first, then the look: what is seen now is what the descriptor means. */
    if (pidfd == -1)
        return -1;
    if (process_see(pid, &seen) == -1 || seen.session != pid || seen.state == 'Z' ||
        (start != 0 && seen.start != start) || process_unit_paths(&files, folder, u->name) == -1)
        goto no;
    if (start == 0 && (process_environment(pid, "SETT_UNIT", mark, sizeof mark) == -1 ||
                       !str_equal(mark, files.mark)))
        goto no;
    u->pid = pid;
    u->pidfd = pidfd;
    u->start = seen.start;
    u->child = false;
    u->started_mono = clock_mono_ms();
    if (u->started_at == 0)
        u->started_at = clock_wall_ms();
    if (start == 0)
        (void)write_pid(u, files.pid, NULL);
    return 0;
no:
    (void)close(pidfd);
    return -1;
}

int process_unit_find(struct process_unit *u, const char *folder)
{
    char boot[PROCESS_BOOT_SIZE], then[PROCESS_BOOT_SIZE];
    struct process_unit_files files;
    unsigned long long start;
    long long started_at;
    unsigned restarts;
    struct buf b;
    int pid, fields;

    buf_init(&b, 200);
    if (process_unit_paths(&files, folder, u->name) == -1 || file_read(files.pid, &b, NULL) == -1 ||
        b.len == 0 || process_boot(boot) == -1) {
        buf_free(&b);
        return -1;
    }
    /* A number that is too large names no process of ours. NOLINTNEXTLINE(cert-err34-c) */
    fields = sscanf(b.data, "%d %llu %39s %lld %u", &pid, &start, then, &started_at, &restarts);
    buf_free(&b);
    if (fields != 5 || pid <= 1 || start == 0)
        return -1;
    u->restarts = restarts;
    if (!str_equal(boot, then))
        return -1;
    u->started_at = started_at;
    return process_unit_adopt(u, folder, pid, start);
}

void process_unit_signal(struct process_unit *u, int sig)
{
    /* As long as the descriptor's process is there, if only as a zombie, its group is its own. */
    if (u->pid > 1 && u->pidfd != -1 && pidfd_send_signal(u->pidfd, 0, NULL, 0) == 0)
        (void)kill(-u->pid, sig);
}

bool process_unit_dead(const struct process_unit *u)
{
    struct pollfd at = {.fd = u->pidfd, .events = POLLIN};

    return u->pidfd != -1 && poll(&at, 1, 0) == 1;
}

struct leftovers {
    const struct process_unit *u;
    const char *mark;
};

static int kill_leftover(void *arg, const struct process_seen *seen)
{
    const struct leftovers *l = arg;
    struct process_seen again;
    char mark[400];
    int pidfd;

    if (seen->session != l->u->pid || seen->start < l->u->start || seen->pid == getpid())
        return 0;
    if ((pidfd = pidfd_open(seen->pid, 0)) == -1)
        return 0;
    if (process_see(seen->pid, &again) == 0 && again.start == seen->start &&
        process_environment(seen->pid, "SETT_UNIT", mark, sizeof mark) == 0 &&
        str_equal(mark, l->mark))
        (void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    (void)close(pidfd);
    return 0;
}

void process_unit_bury(struct process_unit *u, const char *folder)
{
    struct process_unit_files files;
    char unit[PROCESS_APART_NAME];
    siginfo_t info;

    if (process_unit_paths(&files, folder, u->name) == -1)
        return;
    u->exit_code = -1;
    if (u->child) {
        (void)kill(-u->pid, SIGKILL); /* not waited for yet: the group is still its own */
        memset(&info, 0, sizeof info);
        while (waitid(P_PID, (id_t)u->pid, &info, WEXITED) == -1 && errno == EINTR)
            ;
        u->exit_code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    } else {
        struct leftovers l = {u, files.mark};
        (void)process_all(kill_leftover, &l);
        if (u->apart && process_apart_name(unit, folder, u->name) == 0)
            u->exit_code = process_apart_end(unit);
    }
    (void)unlink(files.pid);
    forget_process(u);
}

bool process_unit_wait(struct process_unit *u, int64_t until)
{
    while (u->pid != 0)
        if (!cond_until(&u->ended, &u->lock, until))
            break;
    return u->pid == 0;
}
