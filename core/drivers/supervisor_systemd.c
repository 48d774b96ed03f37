/* The supervisor that is systemd, asked through its own programs: their output for `show` is meant
 * to be parsed (systemctl(1)), and no library of D-Bus is linked into the one process that is
 * root. */
#include "supervisor_systemd.h"

#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "process_launch.h"
#include "str.h"

#define ANSWER_S 30
#define STOP_S   60 /* systemctl stop waits for the unit, whose TimeoutStopSec is 45 s */

static const char properties[] = "--property=LoadState,ActiveState,SubState,Job,MainPID,NRestarts,"
                                 "ExecMainStatus,ActiveEnterTimestamp,WatchdogTimestamp";

struct self {
    char systemctl[200], journalctl[200];
};

static int check_name(const char *name, struct err *err)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-@");

    if (len > 0 && name[len] == '\0' && str_starts(name, "sett-"))
        return 0;
    return err_set(err, ERR_INVALID, "unit_name", "\"%s\" is not a unit of ours", name);
}

/* Run ${argv}, whose end is NULL; its output in ${out}. A code other than 0 is an error. */
static int run(const char *const *argv, uint32_t timeout_s, struct buf *out, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    int code = 0, result = -1;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory to run %s", argv[0]);
    (void)str_copy(plan->name, sizeof plan->name, "systemd");
    if (process_plan_args(plan, (char *const *)argv) == -1)
        (void)err_set(err, ERR_INVALID, "arguments", "the arguments of %s do not fit", argv[0]);
    else if (process_run(plan, timeout_s, out, &code, err) == 0)
        result = code == 0 ? 0
                           : err_set(err, ERR_UNAVAILABLE, "systemd",
                                     "%s %s ended with code %d: "
                                     "%.200s",
                                     argv[0], argv[1], code, buf_string(out));
    free(plan);
    return result;
}

static int verb(const struct self *self, const char *word, const struct supervisor_unit *u,
                bool wait, struct err *err)
{
    char unit[80];
    const char *const argv[] = {
        self->systemctl, wait ? "--quiet" : "--no-block", word, "--", unit, NULL};
    struct buf out;
    int result;

    if (check_name(u->name, err) == -1)
        return -1;
    (void)str_format(unit, sizeof unit, "%s.service", u->name);
    buf_init(&out, 4096);
    CP("systemd.verb");
    result = run(argv, wait ? STOP_S : ANSWER_S, &out, err);
    CP("systemd.done");
    buf_free(&out);
    return result;
}

/* What `show` says, before it is made into a status. */
struct shown {
    char active[24], sub[24];
    uint64_t job; /* what systemd still means to do with the unit, or 0 */
    unsigned seen;
};

static void take(struct supervisor_status *out, const char *name, const char *value,
                 struct shown *shown)
{
    uint64_t n = 0;

    if (str_equal(name, "LoadState")) {
        out->known = str_equal(value, "loaded");
        shown->seen |= 1u;
    } else if (str_equal(name, "ActiveState")) {
        shown->seen |= str_copy(shown->active, sizeof shown->active, value) == 0 ? 2u : 0;
    } else if (str_equal(name, "SubState")) {
        shown->seen |= str_copy(shown->sub, sizeof shown->sub, value) == 0 ? 32u : 0;
    } else if (str_equal(name, "Job")) {
        (void)str_u64(value, 0, UINT32_MAX, &shown->job);
    } else if (str_equal(name, "MainPID") && str_u64(value, 0, INT32_MAX, &n) == 0) {
        out->pid = (uint32_t)n;
        shown->seen |= 4u;
    } else if (str_equal(name, "NRestarts") && str_u64(value, 0, UINT32_MAX, &n) == 0) {
        out->restarts = (uint32_t)n;
        shown->seen |= 8u;
    } else if (str_equal(name, "ExecMainStatus") && str_u64(value, 0, INT32_MAX, &n) == 0) {
        out->exit_code = (int32_t)n;
        shown->seen |= 16u;
    } else if (str_equal(name, "ActiveEnterTimestamp") && value[0] == '@' &&
               str_u64(value + 1, 0, INT32_MAX, &n) == 0) {
        out->since = (int64_t)n * 1000;
    } else if (str_equal(name, "WatchdogTimestamp") && value[0] == '@' &&
               str_u64(value + 1, 0, INT32_MAX, &n) == 0) {
        out->beat_at = (int64_t)n * 1000;
    }
}

/* A unit that waits for its next try is "activating" too, and does not run. One that has a job and
 * is not going down is about to run: at a boot, once the network is there. */
static bool is_running(const struct shown *shown)
{
    if (str_equal(shown->active, "active") || str_equal(shown->active, "reloading"))
        return true;
    if (str_equal(shown->active, "activating"))
        return !str_equal(shown->sub, "auto-restart") || shown->job != 0;
    return shown->job != 0 && !str_equal(shown->active, "deactivating");
}

int supervisor_systemd_parse(char *text, struct supervisor_status *out)
{
    char *line, *save = NULL;
    struct shown shown = {.seen = 0};

    memset(out, 0, sizeof *out);
    for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(line, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        take(out, line, value, &shown);
    }
    out->running = is_running(&shown);
    return shown.seen == 63u ? 0 : -1;
}

static int status(void *arg, const struct supervisor_unit *u, struct supervisor_status *out,
                  struct err *err)
{
    const struct self *self = arg;
    char unit[80];
    const char *const argv[] = {
        self->systemctl, "show", "--timestamp=unix", properties, "--", unit, NULL};
    struct buf text;
    int result = -1;

    memset(out, 0, sizeof *out);
    if (check_name(u->name, err) == -1)
        return -1;
    (void)str_format(unit, sizeof unit, "%s.service", u->name);
    buf_init(&text, 8192);
    if (run(argv, ANSWER_S, &text, err) == 0) {
        if (text.len > 0 && supervisor_systemd_parse(text.data, out) == 0)
            result = 0;
        else
            (void)err_set(err, ERR_UNAVAILABLE, "systemd",
                          "systemctl show %s gave an answer that is not understood", unit);
    }
    buf_free(&text);
    return result;
}

static int start(void *arg, const struct supervisor_unit *u, struct err *err)
{
    struct supervisor_status s;
    struct err ignored;
    int asked = verb(arg, "start", u, false, err);

    if (status(arg, u, &s, asked == -1 ? &ignored : err) == -1)
        return -1;
    if (!s.known)
        return err_set(err, ERR_NOT_FOUND, "unit_missing", "there is no unit %s.service", u->name);
    if (asked == -1 || s.running)
        return asked;
    return err_set(err, ERR_UNAVAILABLE, "unit_ended", "%s ended at once with code %d", u->name,
                   s.exit_code);
}

static int stop(void *arg, const struct supervisor_unit *u, struct err *err)
{
    struct supervisor_status s;

    if (status(arg, u, &s, err) == -1)
        return -1;
    return s.known ? verb(arg, "stop", u, true, err) : 0;
}

static int restart(void *arg, const struct supervisor_unit *u, struct err *err)
{
    return verb(arg, "restart", u, false, err);
}

static int logs(void *arg, const struct supervisor_unit *u, uint32_t lines, struct buf *out,
                struct err *err)
{
    const struct self *self = arg;
    char unit[80], count[16];
    const char *const argv[] = {
        self->journalctl, "--no-pager", "--quiet", "--output=short-iso", "--lines", count,
        "--unit",         unit,         NULL};

    if (check_name(u->name, err) == -1)
        return -1;
    (void)str_format(unit, sizeof unit, "%s.service", u->name);
    (void)str_format(count, sizeof count, "%u", lines);
    return run(argv, ANSWER_S, out, err);
}

int supervisor_systemd_new(struct supervisor *out, const char *systemctl, const char *journalctl,
                           struct err *err)
{
    struct self *self = calloc(1, sizeof *self);

    memset(out, 0, sizeof *out);
    if (self == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the supervisor");
    *out = (struct supervisor){.name = "systemd",
                               .self = self,
                               .start = start,
                               .stop = stop,
                               .restart = restart,
                               .status = status,
                               .logs = logs};
    if (str_copy(self->systemctl, sizeof self->systemctl,
                 systemctl == NULL ? "/usr/bin/systemctl" : systemctl) == 0 &&
        str_copy(self->journalctl, sizeof self->journalctl,
                 journalctl == NULL ? "/usr/bin/journalctl" : journalctl) == 0)
        return 0;
    (void)err_set(err, ERR_INVALID, "path_too_long", "a path of systemd's programs is too long");
    supervisor_systemd_free(out);
    return -1;
}

void supervisor_systemd_free(struct supervisor *s)
{
    if (s == NULL)
        return;
    free(s->self);
    memset(s, 0, sizeof *s);
}
