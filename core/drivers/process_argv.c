/*
 * From a plan to what execve(2) is given. Apart from the starting because there are two ways to
 * start: as a child of ours, and as a unit of systemd's.
 */
#include "process_argv.h"

#include <string.h>
#include <unistd.h>

#include "str.h"

#define PRLIMIT "/usr/bin/prlimit"
#define SETPRIV "/usr/bin/setpriv"

int process_plan_arg(struct process_plan *p, const char *arg)
{
    size_t len = strlen(arg) + 1;

    if (p->argc == PROCESS_ARGS || len > sizeof p->args - p->arg_used)
        return -1;
    memcpy(p->args + p->arg_used, arg, len);
    p->arg_used += (uint32_t)len;
    p->argc++;
    return 0;
}

int process_plan_args(struct process_plan *p, char *const *argv)
{
    for (; *argv != NULL; argv++)
        if (process_plan_arg(p, *argv) == -1)
            return -1;
    return 0;
}

static void add_arg(struct process_argv *l, const char *arg)
{
    if (l->argc + 1 == sizeof l->argv / sizeof l->argv[0])
        l->full = true;
    else
        l->argv[l->argc++] = arg;
}

/* Text made of two parts, kept as long as the launch. */
static char *join(struct process_argv *l, const char *a, const char *between, const char *b)
{
    char *at = l->text + l->used;
    size_t room = sizeof l->text - l->used;

    if (str_format(at, room, "%s%s%s", a, between, b) == -1) {
        l->full = true;
        return at;
    }
    l->used += strlen(at) + 1;
    return at;
}

static void add_number(struct process_argv *l, const char *option, uint64_t n)
{
    char digits[24];

    if (n == 0)
        return;
    (void)str_format(digits, sizeof digits, "%llu", (unsigned long long)n);
    add_arg(l, join(l, option, "=", digits));
}

static void add_env(struct process_argv *l, const char *name, const char *value)
{
    if (l->envc + 1 == sizeof l->envp / sizeof l->envp[0])
        l->full = true;
    else
        l->envp[l->envc++] = join(l, name, "=", value);
}

/* What the plan does not set itself: of two, the first would count. */
static void add_default(struct process_argv *l, const struct process_plan *p, const char *name,
                        const char *value)
{
    if (kv_get(&p->env, name) == NULL)
        add_env(l, name, value);
}

static void fill_argv(struct process_argv *l, const struct process_plan *p)
{
    const char *at = p->args;

    if (p->nofile != 0 || p->memory_bytes != 0 || (p->pids != 0 && p->uid != 0)) {
        add_arg(l, PRLIMIT);
        add_number(l, "--nofile", p->nofile);
        add_number(l, "--data", p->memory_bytes);
        add_number(l, "--nproc", p->uid != 0 ? p->pids : 0);
    }
    if (p->uid != 0) {
        add_arg(l, SETPRIV);
        add_number(l, "--reuid", p->uid);
        add_number(l, "--regid", p->uid);
        add_arg(l, "--clear-groups");
        add_arg(l, "--no-new-privs");
        add_arg(l, "--inh-caps=-all");
        add_arg(l, "--bounding-set=-all");
        add_arg(l, "--");
    }
    for (uint32_t i = 0; i < p->argc; i++, at += strlen(at) + 1)
        add_arg(l, at);
}

/* What a manager or a test told us, and what is set anew, is not for a child. */
static bool is_ours_alone(const char *pair)
{
    static const char *const names[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", "SETT_",
                                        "PATH=",          "LANG=",     "HOME=",   "PWD="};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_starts(pair, names[i]))
            return true;
    return false;
}

static void inherit(struct process_argv *l)
{
    for (char **pair = environ; *pair != NULL; pair++)
        if (!is_ours_alone(*pair) && l->envc + 40 < sizeof l->envp / sizeof l->envp[0])
            l->envp[l->envc++] = *pair;
}

int process_argv_fill(struct process_argv *l, const struct process_plan *p, struct err *err)
{
    const char *name, *value;
    size_t at = 0;

    memset(l, 0, sizeof *l);
    fill_argv(l, p);
    add_default(l, p, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    add_default(l, p, "LANG", "C.UTF-8");
    add_default(l, p, "HOME", p->folder[0] == '\0' ? "/" : p->folder);
    if (p->unit[0] != '\0')
        add_env(l, "SETT_UNIT", p->unit);
    while (kv_next(&p->env, &at, &name, &value) == 1)
        add_env(l, name, value);
    if (p->inherit)
        inherit(l);
    if (p->argc == 0 || p->args[0] != '/')
        return err_set(err, ERR_INVALID, "command_path",
                       "the command \"%s\" does not begin with an absolute path",
                       p->argc == 0 ? "" : p->args);
    if (l->full)
        return err_set(err, ERR_TOO_LARGE, "command_too_large",
                       "arguments and environment of %s do not fit", p->name);
    return 0;
}
