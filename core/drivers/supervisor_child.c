/* The supervisor that is a process group. Apart so that the connectors' code does not know whether
 * there is a service manager. */
#include "supervisor_child.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "process_log.h"
#include "str.h"

struct self {
    struct process_group *group;
    char logs[200];
    uint32_t stop_s;
};

static int log_path(const struct self *self, const struct supervisor_unit *u, char out[256],
                    struct err *err)
{
    if (str_format(out, 256, "%s/%s.log", self->logs, u->name) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "unit_name", "the path of unit %s is too long", u->name);
}

static int start(void *arg, const struct supervisor_unit *u, struct err *err)
{
    struct self *self = arg;
    struct process_plan *plan = calloc(1, sizeof *plan);
    int result = -1;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for unit %s", u->name);
    plan->stop_s = self->stop_s;
    plan->inherit = true;
    if (str_copy(plan->name, sizeof plan->name, u->name) == -1 ||
        log_path(self, u, plan->log, err) == -1)
        goto done;
    for (size_t i = 0; i < SUPERVISOR_ARGS && u->argv[i][0] != '\0'; i++)
        if (process_plan_arg(plan, u->argv[i]) == -1) {
            (void)err_set(err, ERR_INVALID, "unit_args", "the arguments of %s do not fit", u->name);
            goto done;
        }
    result = process_group_start(self->group, plan, err);
done:
    free(plan);
    return result;
}

static int stop(void *arg, const struct supervisor_unit *u, struct err *err)
{
    struct self *self = arg;

    return process_group_remove(self->group, u->name, "", err);
}

static int restart(void *arg, const struct supervisor_unit *u, struct err *err)
{
    struct self *self = arg;

    if (process_group_stop(self->group, u->name, "", err) == -1)
        return -1;
    return start(arg, u, err);
}

static int status(void *arg, const struct supervisor_unit *u, struct supervisor_status *out,
                  struct err *err)
{
    struct self *self = arg;
    struct process_status s;

    (void)err;
    process_group_status(self->group, u->name, &s);
    *out = (struct supervisor_status){.known = s.known,
                                      .running = s.running,
                                      .pid = (uint32_t)s.pid,
                                      .restarts = s.restarts,
                                      .exit_code = s.exit_code,
                                      .since = s.running ? s.started_at : 0};
    return 0;
}

static int logs(void *arg, const struct supervisor_unit *u, uint32_t lines, struct buf *out,
                struct err *err)
{
    char path[256];

    if (log_path(arg, u, path, err) == -1)
        return -1;
    return process_log_tail(path, lines, out, err);
}

int supervisor_child_new(struct supervisor *out, struct process_group *group, const char *folder,
                         uint32_t stop_s, struct err *err)
{
    struct self *self = calloc(1, sizeof *self);

    memset(out, 0, sizeof *out);
    if (self == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the supervisor");
    self->group = group;
    self->stop_s = stop_s;
    *out = (struct supervisor){.name = "child",
                               .self = self,
                               .start = start,
                               .stop = stop,
                               .restart = restart,
                               .status = status,
                               .logs = logs};
    if (str_copy(self->logs, sizeof self->logs, folder) == -1)
        (void)err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    else if (file_mkdirs(self->logs, 0700, err) == 0)
        return 0;
    supervisor_child_free(out);
    return -1;
}

void supervisor_child_free(struct supervisor *s)
{
    if (s == NULL)
        return;
    free(s->self);
    memset(s, 0, sizeof *s);
}
