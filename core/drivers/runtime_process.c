/*
 * The process runtime. Apart from the supervision itself, which connectors need as well: here is
 * only what a tenant is: its folder, its user, its plan, what it uses.
 */
#include "runtime_process.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "folder.h"
#include "process_find.h"
#include "process_log.h"
#include "process_user.h"
#include "str.h"

#define PAUSE_ROUNDS   1000 /* looks at all processes, until each stands still */
#define USAGE_FRESH_MS 1000 /* one look at all processes serves everybody's figures so long */

struct usage {
    pid_t session;
    uint64_t cpu_ticks, resident_pages, count;
};

struct self {
    struct process_group *group;
    char tenants[256];
    bool own_uid, apart;
    uint32_t first_uid;
    pthread_mutex_t usage_lock;
    struct usage *usage;
    size_t usage_count, usage_room;
    int64_t usage_at;
};

struct places {
    char name[24], folder[300], log[320];
    uint32_t uid;
};

static int find_places(const struct self *self, const struct runtime_order *o, struct places *out,
                       struct err *err)
{
    out->uid = 0;
    if (self->own_uid && process_user(self->first_uid, o->number, &out->uid, err) == -1)
        return -1;
    if (o->number == 0 ||
        str_format(out->name, sizeof out->name, "%llu", (unsigned long long)o->number) == -1 ||
        str_format(out->folder, sizeof out->folder, "%s/%s", self->tenants, out->name) == -1 ||
        str_format(out->log, sizeof out->log, "%s/.log", out->folder) == -1)
        return err_set(err, ERR_INVALID, "tenant_number", "%llu is no tenant's number",
                       (unsigned long long)o->number);
    return 0;
}

/* The plan without a command. */
static int begin_plan(const struct self *self, const struct runtime_order *o,
                      struct process_plan *p, struct places *at, struct err *err)
{
    memset(p, 0, sizeof *p);
    if (find_places(self, o, at, err) == -1)
        return -1;
    if (str_copy(p->name, sizeof p->name, at->name) == -1 ||
        str_copy(p->owner, sizeof p->owner, o->tenant_id) == -1 ||
        str_copy(p->folder, sizeof p->folder, at->folder) == -1 ||
        str_copy(p->log, sizeof p->log, at->log) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "the path of tenant %s is too long",
                       at->name);
    p->uid = at->uid;
    return 0;
}

/* Its plan with ${command}, limits and environment as order and blueprint say. */
static int make_plan(const struct self *self, const struct runtime_order *o,
                     const struct blueprint *b, const struct blueprint_command *command,
                     struct process_plan *p, struct err *err)
{
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];
    struct limits limits = b->limits;
    struct places at;
    struct kv vars;

    limits_over(&limits, &o->limits);
    if (begin_plan(self, o, p, &at, err) == -1 ||
        runtime_variables(&vars, o, b, at.folder, o->port, err) == -1 ||
        runtime_environment(&p->env, &vars, b, err) == -1 ||
        runtime_argv(space, argv, command, &vars, err) == -1)
        return -1;
    p->nofile = limits.nofile;
    p->pids = limits.pids;
    p->memory_bytes = limits.memory_bytes;
    if (process_plan_args(p, argv) == -1)
        return err_set(err, ERR_TOO_LARGE, "command_too_large",
                       "the command of blueprint %s "
                       "is too long for tenant %s",
                       b->name, at.name);
    return 0;
}

/* What is there. ERR_CONFLICT when its number is somebody else's here. */
static int look(struct self *self, const struct runtime_order *o, struct runtime_status *out,
                struct err *err)
{
    struct process_status s;
    struct process_plan *plan;
    struct places at;

    memset(out, 0, sizeof *out);
    if (find_places(self, o, &at, err) == -1)
        return -1;
    process_group_status(self->group, at.name, &s);
    if (!s.known)
        return 0;
    if (o->tenant_id[0] != '\0' && s.owner[0] != '\0' && !str_equal(o->tenant_id, s.owner))
        return err_set(err, ERR_CONFLICT, "not_ours", "process %s belongs to %s, not to %s",
                       at.name, s.owner, o->tenant_id);
    out->restarts = s.restarts;
    out->exit_code = s.exit_code;
    if (s.running) {
        out->state = RUNTIME_RUNNING;
        out->started_at = s.started_at;
        return str_format(out->id, sizeof out->id, "%d", (int)s.pid);
    }
    out->state = s.wanted ? RUNTIME_FAILED : RUNTIME_STOPPED;
    if (s.wanted)
        return str_format(out->detail, sizeof out->detail,
                          "ended with code %d and is about to be started again", s.exit_code);
    if ((plan = malloc(sizeof *plan)) != NULL &&
        process_group_plan(self->group, at.name, plan, NULL) == 0 && plan->argc == 0)
        out->state = RUNTIME_CREATED;
    free(plan);
    return 0;
}

/* Another runtime's files become this program's. */
static int adopt(const struct places *at, const char *volume, struct err *err)
{
    char path[sizeof at->folder + 40];

    (void)str_format(path, sizeof path, "%s/%s", at->folder, volume);
    return at->uid != 0 ? folder_give(path, at->uid, at->uid, err)
                        : folder_give(path, geteuid(), getegid(), err);
}

static int create(void *arg, const struct runtime_order *o, const struct blueprint *b,
                  struct runtime_status *out, struct err *err)
{
    struct self *self = arg;
    struct process_plan *plan = malloc(sizeof *plan);
    struct places at;
    int result = -1;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for a tenant");
    if (begin_plan(self, o, plan, &at, err) == -1 ||
        process_group_add(self->group, plan, err) == -1)
        goto done;
    CP("process.added");
    if (folder_make(at.folder, NULL, at.uid, err) == -1)
        goto done;
    for (uint32_t i = 0; i < b->volume_count; i++)
        if ((o->adopt && adopt(&at, b->volumes[i].name, err) == -1) ||
            folder_make(at.folder, b->volumes[i].name, at.uid, err) == -1)
            goto done;
    result = look(self, o, out, err);
done:
    free(plan);
    return result;
}

static int start(void *arg, const struct runtime_order *o, const struct blueprint *b,
                 struct runtime_status *out, struct err *err)
{
    struct self *self = arg;
    struct process_plan *plan = malloc(sizeof *plan);
    int result = -1;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for a tenant");
    if (create(arg, o, b, out, err) == 0 && /* its folder may have been taken away meanwhile */
        make_plan(self, o, b, &b->command, plan, err) == 0 &&
        process_group_start(self->group, plan, err) == 0)
        result = look(self, o, out, err);
    free(plan);
    return result;
}

struct signalling {
    pid_t session;
    int signo;
    unsigned sent;
};

static int signal_one(void *arg, const struct process_seen *seen)
{
    struct signalling *s = arg;
    bool stopped = seen->state == 'T';

    if (seen->session != s->session || seen->state == 'Z' || stopped == (s->signo == SIGSTOP))
        return 0;
    s->sent += kill(seen->pid, s->signo) == 0;
    return 0;
}

/* All of its session; again until none is left that a fork made meanwhile. */
static int pause_tenant(void *arg, const struct runtime_order *o, bool pause, struct err *err)
{
    struct signalling s = {.signo = pause ? SIGSTOP : SIGCONT};
    struct self *self = arg;
    struct process_status status;
    struct places at;

    if (find_places(self, o, &at, err) == -1)
        return -1;
    process_group_status(self->group, at.name, &status);
    if (!status.running)
        return !pause ? 0
                      : err_set(err, ERR_UNAVAILABLE, "process_stopped", "tenant %llu does not run",
                                (unsigned long long)o->number);
    s.session = status.pid;
    for (unsigned i = 0; i < PAUSE_ROUNDS; i++) {
        s.sent = 0;
        if (process_all(signal_one, &s) == -1)
            return err_sys(err, "process_pause", errno, "/proc");
        if (s.sent == 0)
            return 0;
        clock_sleep_ms(1); /* a signal is taken, not obeyed at once */
    }
    return err_set(err, ERR_TIMEOUT, "process_pause", "processes of tenant %llu do not %s",
                   (unsigned long long)o->number, pause ? "stand still" : "go on");
}

static int stop(void *arg, const struct runtime_order *o, struct err *err)
{
    struct self *self = arg;
    struct places at;

    if (find_places(self, o, &at, err) == -1)
        return -1;
    (void)pause_tenant(self, o, false, NULL); /* who stands still hears no signal */
    return process_group_stop(self->group, at.name, o->tenant_id, err);
}

static int restart(void *arg, const struct runtime_order *o, const struct blueprint *b,
                   struct runtime_status *out, struct err *err)
{
    if (stop(arg, o, err) == -1)
        return -1;
    CP("process.between");
    return start(arg, o, b, out, err);
}

static int remove_tenant(void *arg, const struct runtime_order *o, bool data, struct err *err)
{
    struct self *self = arg;
    struct places at;

    if (stop(arg, o, err) == -1 || find_places(self, o, &at, err) == -1)
        return -1;
    CP("process.stopped");
    if (data && file_remove_tree(at.folder, err) == -1)
        return -1;
    CP("process.emptied");
    return process_group_remove(self->group, at.name, o->tenant_id, err);
}

static int inspect(void *arg, const struct runtime_order *o, struct runtime_status *out,
                   struct err *err)
{
    return look(arg, o, out, err);
}

static int logs(void *arg, const struct runtime_order *o, uint32_t lines, struct buf *out,
                struct err *err)
{
    struct places at;

    if (find_places(arg, o, &at, err) == -1)
        return -1;
    return process_log_tail(at.log, lines, out, err);
}

/* --- figures -------------------------------------------------------------------------------- */

static int count_process(void *arg, const struct process_seen *seen)
{
    struct self *self = arg;
    struct usage *u;

    if (self->usage_count == self->usage_room) {
        size_t room = self->usage_room == 0 ? 256 : self->usage_room * 2;
        struct usage *more = realloc(self->usage, room * sizeof *more);
        if (more == NULL)
            return -1;
        self->usage = more;
        self->usage_room = room;
    }
    u = &self->usage[self->usage_count++];
    u->session = seen->session;
    u->cpu_ticks = seen->cpu_ticks;
    u->resident_pages = seen->resident_pages;
    u->count = 1;
    return 0;
}

static int by_session(const void *a, const void *b)
{
    pid_t one = ((const struct usage *)a)->session, two = ((const struct usage *)b)->session;

    return (one > two) - (one < two);
}

/* What the session uses, all its processes together. */
static void measure(struct self *self, pid_t session, struct usage *out)
{
    struct usage wanted = {.session = session}, *at;

    memset(out, 0, sizeof *out);
    (void)pthread_mutex_lock(&self->usage_lock);
    if (self->usage_at == 0 || clock_mono_ms() - self->usage_at > USAGE_FRESH_MS) {
        self->usage_count = 0;
        (void)process_all(count_process, self);
        if (self->usage_count > 0)
            qsort(self->usage, self->usage_count, sizeof *self->usage, by_session);
        self->usage_at = clock_mono_ms();
    }
    at = self->usage_count == 0
             ? NULL
             : bsearch(&wanted, self->usage, self->usage_count, sizeof *self->usage, by_session);
    while (at != NULL && at > self->usage && at[-1].session == session)
        at--;
    for (; at != NULL && at < self->usage + self->usage_count && at->session == session; at++) {
        out->cpu_ticks += at->cpu_ticks;
        out->resident_pages += at->resident_pages;
        out->count++;
    }
    (void)pthread_mutex_unlock(&self->usage_lock);
}

static int stats(void *arg, const struct runtime_order *o, struct runtime_stats *out,
                 struct err *err)
{
    struct self *self = arg;
    struct runtime_status status;
    struct process_plan *plan;
    struct process_status s;
    struct places at;
    struct usage used;

    memset(out, 0, sizeof *out);
    if (look(self, o, &status, err) == -1 || find_places(self, o, &at, err) == -1)
        return -1;
    process_group_status(self->group, at.name, &s);
    if (s.running) {
        measure(self, s.pid, &used);
        out->cpu_ns = used.cpu_ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
        out->memory_bytes = used.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
        out->pids = used.count;
    }
    if ((plan = malloc(sizeof *plan)) != NULL &&
        process_group_plan(self->group, at.name, plan, NULL) == 0)
        out->memory_limit_bytes = plan->memory_bytes;
    free(plan);
    return folder_bytes(at.folder, &out->storage_bytes, err);
}

static int exec(void *arg, const struct runtime_order *o, const struct blueprint *b,
                const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                struct err *err)
{
    struct self *self = arg;
    struct process_plan *plan = malloc(sizeof *plan);
    int result = -1, code;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for a command");
    if (make_plan(self, o, b, command, plan, err) == -1)
        goto done;
    if (!file_exists(plan->folder)) {
        (void)err_set(err, ERR_NOT_FOUND, "folder_missing", "there is no folder %s", plan->folder);
    } else if (folder_make(plan->folder, NULL, plan->uid, err) == 0) { /* ours, and no link */
        plan->apart = self->apart;
        result = process_run(plan, timeout_s, out, &code, err);
        if (result == 0 && code != 0)
            result = err_set(err, code == 126 || code == 127 ? ERR_INVALID : ERR_UNAVAILABLE,
                             "command_failed", "%s ended with code %d: %.200s", command->args[0],
                             code, buf_string(out));
    }
done:
    free(plan);
    return result;
}

struct listing {
    runtime_each *each;
    void *arg;
};

/* A tenant's unit is named by its number. */
static int list_one(void *arg, const char *name, const struct process_status *s, struct err *err)
{
    struct runtime_found found = {.state = s->running  ? RUNTIME_RUNNING
                                           : s->wanted ? RUNTIME_FAILED
                                                       : RUNTIME_STOPPED};
    const struct listing *l = arg;

    if (str_u64(name, 1, UINT64_MAX, &found.number) == -1)
        return 0;
    (void)str_copy(found.tenant_id, sizeof found.tenant_id, s->owner);
    if (s->running)
        (void)str_format(found.id, sizeof found.id, "%d", (int)s->pid);
    return l->each(l->arg, &found, err);
}

/* The state folder is this box's own, so all in it bears its mark. */
static int list(void *arg, const char *box_id, runtime_each *each, void *each_arg, struct err *err)
{
    struct self *self = arg;
    struct listing l = {each, each_arg};

    (void)box_id;
    return process_group_each(self->group, list_one, &l, err);
}

int runtime_process_new(struct runtime *out, const struct runtime_process_setup *setup,
                        struct err *err)
{
    struct self *self = calloc(1, sizeof *self);

    memset(out, 0, sizeof *out);
    if (self == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the process runtime");
    self->group = setup->group;
    self->own_uid = setup->own_uid;
    self->first_uid = process_user_first(NULL);
    self->apart = setup->apart;
    (void)pthread_mutex_init(&self->usage_lock, NULL);
    *out = (struct runtime){.name = "process",
                            .self = self,
                            .create = create,
                            .start = start,
                            .stop = stop,
                            .restart = restart,
                            .remove = remove_tenant,
                            .inspect = inspect,
                            .logs = logs,
                            .stats = stats,
                            .exec = exec,
                            .pause = pause_tenant,
                            .list = list};
    if (str_copy(self->tenants, sizeof self->tenants, setup->tenants) == -1)
        (void)err_set(err, ERR_INVALID, "path_too_long", "%s is too long", setup->tenants);
    else if (file_mkdirs(self->tenants, self->own_uid ? 0711 : 0700, err) == 0)
        return 0;
    runtime_process_free(out);
    return -1;
}

void runtime_process_free(struct runtime *r)
{
    struct self *self = r == NULL ? NULL : r->self;

    if (self == NULL)
        return;
    (void)pthread_mutex_destroy(&self->usage_lock);
    free(self->usage);
    free(self);
    memset(r, 0, sizeof *r);
}
