/*
 * Programs started by systemd instead of us. Apart from process_launch.c, which makes children,
 * because here it is another program that does, and that has to be asked how they ended.
 */
#include "process_apart.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "process_argv.h"
#include "process_log.h"
#include "str.h"

#define SYSTEMD_RUN "/usr/bin/systemd-run"
#define SYSTEMCTL   "/usr/bin/systemctl"
#define MANAGER_S   60 /* more than it ever takes, but while the machine boots */

int process_apart_name(char out[PROCESS_APART_NAME], const char *folder, const char *name)
{
    const char *slash = strrchr(folder, '/');

    return str_format(out, PROCESS_APART_NAME, "sett-%s-%s", slash == NULL ? folder : slash + 1,
                      name);
}

/* Ask one of systemd's programs; ${argv} ends with NULL. Return its code, -1 with ${err}. */
static int ask(const char *const *argv, uint32_t timeout_s, struct buf *out, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    int code = -1;

    if (plan == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory to ask systemd");
    (void)str_copy(plan->name, sizeof plan->name, "systemd");
    if (process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1)
        (void)err_set(err, ERR_TOO_LARGE, "command_too_large", "too much to ask of systemd");
    else if (process_run(plan, timeout_s, out, &code, err) == -1)
        code = -1;
    free(plan);
    return code;
}

/* ---- what systemd knows of a unit ---- */

struct seen {
    bool known;
    int32_t pid, how, status; /* how: of siginfo_t, 0 while it runs */
    bool late;                /* it was ended for taking too long */
};

static const char *property(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at == NULL ? "" : at + strlen(name);
}

static void look(const char *unit, struct seen *seen)
{
    const char *const argv[] = {
        SYSTEMCTL, "show", "--property=LoadState,MainPID,ExecMainCode,ExecMainStatus,Result",
        "--",      unit,   NULL};
    struct buf out;
    struct err err;

    memset(seen, 0, sizeof *seen);
    buf_init(&out, 4096);
    if (ask(argv, MANAGER_S, &out, &err) == 0) {
        const char *text = buf_string(&out);
        seen->known = str_starts(property(text, "LoadState="), "loaded");
        seen->pid = (int32_t)strtol(property(text, "MainPID="), NULL, 10);
        seen->how = (int32_t)strtol(property(text, "ExecMainCode="), NULL, 10);
        seen->status = (int32_t)strtol(property(text, "ExecMainStatus="), NULL, 10);
        seen->late = str_starts(property(text, "Result="), "timeout");
    }
    buf_free(&out);
}

/* Nothing of it runs, and nothing is remembered of how it ended. */
static void forget(const char *unit)
{
    const char *const stop[] = {SYSTEMCTL, "stop", "--quiet", "--", unit, NULL};
    const char *const reset[] = {SYSTEMCTL, "reset-failed", "--quiet", "--", unit, NULL};
    struct buf out;
    struct err err;

    buf_init(&out, 512);
    (void)ask(stop, MANAGER_S, &out, &err);
    (void)ask(reset, MANAGER_S, &out, &err); /* refused where nothing had failed */
    buf_free(&out);
}

static int code_of(const struct seen *s)
{
    if (!s->known)
        return 0; /* a clean end is forgotten at once */
    return s->how == 0 ? -1 : s->how == CLD_EXITED ? s->status : 128 + s->status;
}

int process_apart_end(const char *unit)
{
    const char *const stop[] = {SYSTEMCTL, "stop", "--quiet", "--", unit, NULL};
    struct seen seen;
    struct buf out;
    struct err err;

    buf_init(&out, 512);
    (void)ask(stop, MANAGER_S, &out, &err); /* back when it has taken note of the end */
    buf_free(&out);
    look(unit, &seen);
    if (seen.known)
        forget(unit);
    return code_of(&seen);
}

/* ---- starting ---- */

/* Where the hands' own program lies, however it has been replaced meanwhile. */
static int own_path(char out[300], struct err *err)
{
    ssize_t len = readlink("/proc/self/exe", out, 280);
    char *slash;

    out[len < 0 ? 0 : len] = '\0';
    if ((slash = strrchr(out, '/')) == NULL)
        return err_sys(err, "program", errno, "/proc/self/exe");
    return str_copy(slash + 1, sizeof "sett-hands", "sett-hands");
}

struct wish {
    const char *unit, *file, *mark, *type;
    uint32_t most_s; /* a command may take; 0: no command */
};

/* A property with a number, if it has one. */
static void limit(const char **argv, size_t *n, char out[64], const char *name, uint64_t value)
{
    if (value != 0 &&
        str_format(out, 64, "--property=%s=%llu", name, (unsigned long long)value) == 0)
        argv[(*n)++] = out;
}

/* Return systemd-run's code, -1 with ${err}. */
static int begin(const struct process_plan *p, const struct wish *w, struct buf *out,
                 struct err *err)
{
    char unit[PROCESS_APART_NAME + 8], mark[420], self[300], type[64], stop[64], most[64];
    char memory[64], tasks[64], owner[ID_SIZE + 48];
    const char *argv[24] = {SYSTEMD_RUN,
                            "--quiet",
                            "--slice=sett-tenants.slice",
                            "--description=sett: a program of a tenant",
                            "--property=KillMode=mixed",
                            "--property=LimitCORE=0"};
    size_t n = 6;

    if (own_path(self, err) == -1)
        return -1;
    if (str_format(unit, sizeof unit, "--unit=%s", w->unit) == -1 ||
        str_format(mark, sizeof mark, "--setenv=SETT_UNIT=%s", w->mark) == -1 ||
        str_format(type, sizeof type, "--service-type=%s", w->type) == -1)
        return err_set(err, ERR_INVALID, "unit_name", "the path of %s is too long", w->unit);
    argv[n++] = unit;
    argv[n++] = mark;
    argv[n++] = type;
    limit(argv, &n, stop, "TimeoutStopSec", p->stop_s == 0 ? 10 : p->stop_s);
    limit(argv, &n, most, "TimeoutStartSec", w->most_s);
    limit(argv, &n, memory, "MemoryMax", p->memory_bytes); /* of all its processes together */
    limit(argv, &n, tasks, "TasksMax", p->pids);
    if (p->owner[0] != '\0' &&
        str_format(owner, sizeof owner, "--property=LogExtraFields=SETT_TENANT=%s", p->owner) == 0)
        argv[n++] = owner;
    argv[n++] = "--";
    argv[n++] = self;
    argv[n++] = "--launch";
    argv[n++] = w->file;
    argv[n] = NULL;
    return ask(argv, w->most_s + MANAGER_S, out, err);
}

int process_apart_start(const struct process_plan *p, const char *unit, const char *file,
                        const char *mark, pid_t *pid, struct err *err)
{
    const struct wish wish = {unit, file, mark, "exec", 0};
    struct seen seen;
    struct buf out;
    int code;

    buf_init(&out, 512);
    if ((code = begin(p, &wish, &out, err)) > 0) { /* one of that name was not forgotten */
        forget(unit);
        buf_reset(&out);
        code = begin(p, &wish, &out, err);
    }
    if (code > 0)
        (void)err_set(err, ERR_UNAVAILABLE, "unit_start", "systemd does not start %s: %.200s", unit,
                      buf_string(&out));
    buf_free(&out);
    if (code != 0)
        return -1;
    look(unit, &seen);
    *pid = seen.pid;
    return 0;
}

/* ---- a command, and what it says ---- */

/* What it said lies in a file until it has ended. */
static void read_words(const char *path, struct buf *out)
{
    struct buf words;

    buf_init(&words, 8u << 20);
    if (file_read(path, &words, NULL) == 0) {
        size_t room = out->max - out->len;
        (void)buf_add(out, words.data, words.len < room ? words.len : room);
    }
    buf_free(&words);
}

static int outcome_of(const struct process_plan *p, const char *unit, int said, uint32_t timeout_s,
                      int *code, struct err *err)
{
    struct seen seen;

    *code = said;
    if (said == 0)
        return 0;
    look(unit, &seen);
    if (seen.known)
        forget(unit);
    if (seen.late)
        return err_set(err, ERR_TIMEOUT, "command_timeout", "%s did not end within %u s", p->args,
                       timeout_s);
    *code = code_of(&seen);
    return seen.known && seen.how != 0 ? 0 : 1;
}

int process_apart_run(const struct process_plan *p, uint32_t timeout_s, struct buf *out,
                      int *exit_code, struct err *err)
{
    char path[] = PROCESS_APART_FOLDER "/run-XXXXXX", words[sizeof path + 8];
    struct process_plan *plan = malloc(sizeof *plan);
    struct wish wish = {path + sizeof PROCESS_APART_FOLDER, path, "", "oneshot", timeout_s};
    char unit[PROCESS_APART_NAME];
    int fd, rc = -1, said;
    struct buf manager;

    if (plan == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a command");
    buf_init(&manager, 512);
    if ((fd = mkstemp(path)) == -1) {
        (void)err_sys(err, "command_file", errno, PROCESS_APART_FOLDER);
        goto done;
    }
    (void)close(fd);
    *plan = *p;
    (void)str_format(unit, sizeof unit, "sett-%s", wish.unit);
    wish.unit = unit;
    (void)str_format(words, sizeof words, "%s.out", path);
    (void)str_copy(plan->log, sizeof plan->log, words);
    if (process_plan_write(plan, false, path, err) == 0 &&
        (said = begin(plan, &wish, &manager, err)) != -1) {
        rc = outcome_of(p, unit, said, timeout_s, exit_code, err);
        if (rc == 1)
            rc = err_set(err, ERR_UNAVAILABLE, "unit_start", "systemd does not start %s: %.200s",
                         p->args, buf_string(&manager));
        read_words(words, out);
    }
    (void)unlink(words);
    (void)unlink(path);
done:
    buf_free(&manager);
    free(plan);
    return rc;
}

int process_apart_launch(const char *file)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct process_argv *l = calloc(1, sizeof *l);
    const char *mark = getenv("SETT_UNIT");
    struct err err;
    bool wanted;
    int fd;

    if (plan == NULL || l == NULL) {
        log_error("no memory to start %s", file);
        return 126;
    }
    if (process_plan_read(plan, &wanted, file, &err) == -1 ||
        str_copy(plan->unit, sizeof plan->unit, mark == NULL ? "" : mark) == -1 ||
        process_argv_fill(l, plan, &err) == -1 || (fd = process_log_open(plan->log, &err)) == -1) {
        log_error("%s cannot be started: %s", file, err.text);
        return 126;
    }
    if (dup2(fd, STDOUT_FILENO) == -1 || dup2(fd, STDERR_FILENO) == -1 ||
        (plan->folder[0] != '\0' && chdir(plan->folder) == -1)) {
        (void)dprintf(STDERR_FILENO, "%s: %s\n", plan->folder, strerror(errno));
        return 126;
    }
    (void)close(fd);
    (void)execve(l->argv[0], (char *const *)(uintptr_t)l->argv, l->envp);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", l->argv[0], strerror(errno));
    return 127;
}
