/* lxc's own tools for a container that runs: a command inside, and standing still. Apart from the
 * verbs because what is said to another program is one thing, and what it is for another. */
#include "lxc_work.h"

#include "process_launch.h"
#include "str.h"

#include <string.h>

#define LXC_ATTACH   "/usr/bin/lxc-attach"
#define LXC_FREEZE   "/usr/bin/lxc-freeze"
#define LXC_UNFREEZE "/usr/bin/lxc-unfreeze"
#define FREEZE_S     20

int lxc_attach(struct lxc_self *self, struct lxc_work *w, const struct kv *env, char *const *argv,
               uint32_t timeout_s, struct buf *out, int *code, struct err *err)
{
    const struct lxc_plan *p = &w->plan;
    struct process_plan *a = &w->unit;
    char uid[16], gid[16];
    const char *const own[] = {LXC_ATTACH, "-P", self->lxc, "-n", w->o.mark, "--keep-env",
                               "-u",       uid,  "-g",      gid,  "--",      NULL};

    memset(a, 0, sizeof *a);
    (void)str_copy(a->name, sizeof a->name, "attach");
    (void)str_format(uid, sizeof uid, "%u", p->uid);
    (void)str_format(gid, sizeof gid, "%u", p->gid);
    if (env != NULL)
        a->env = *env;
    a->apart = self->apart;
    a->nofile = p->limits.nofile;
    if (process_plan_args(a, (char *const *)own) == -1 || process_plan_args(a, argv) == -1)
        return err_set(err, ERR_TOO_LARGE, "command_too_large", "a command for %s is too long",
                       w->o.mark);
    return process_run(a, timeout_s, out, code, err);
}

int lxc_freeze(struct lxc_self *self, struct lxc_work *w, bool freeze, struct err *err)
{
    const char *const own[] = {
        freeze ? LXC_FREEZE : LXC_UNFREEZE, "-P", self->lxc, "-n", w->o.mark, NULL};
    struct process_plan *a = &w->unit;
    struct process_status s;
    struct buf out;
    int code = 0, rc;

    process_group_status(self->group, w->plan.at.unit, &s);
    if (!s.running)
        return !freeze ? 0
                       : err_set(err, ERR_UNAVAILABLE, "container_stopped",
                                 "the container %s does not run", w->o.mark);
    memset(a, 0, sizeof *a);
    a->apart = self->apart;
    (void)str_copy(a->name, sizeof a->name, "freeze");
    if (process_plan_args(a, (char *const *)own) == -1)
        return err_set(err, ERR_TOO_LARGE, "command_too_large", "a command for %s is too long",
                       w->o.mark);
    buf_init(&out, 1024);
    rc = process_run(a, FREEZE_S, &out, &code, err);
    if (rc == 0 && code != 0)
        rc = err_set(err, ERR_UNAVAILABLE, "lxc_freeze", "%s ended with status %d: %.200s", own[0],
                     code, buf_string(&out));
    buf_free(&out);
    return rc;
}
