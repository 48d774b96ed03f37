/*
 * The lxc runtime: how a container and its port start, stop, and are looked at. What one is made of
 * stands in lxc_make.c, what it may do in lxc_config.c.
 */
#include "runtime_lxc.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "firewall.h"
#include "folder.h"
#include "log.h"
#include "lxc_bridge.h"
#include "lxc_group.h"
#include "lxc_image.h"
#include "lxc_work.h"
#include "process_log.h"
#include "str.h"

#define TAKEN       98 /* how sett-forward ends when the port is somebody else's */
#define STARTED_MS  15000
#define HALTED      130 /* 128 + SIGINT: how an init ends that halts its machine, reboot(2) */
#define SETTLE_MS   100 /* who ends sooner has not started */
#define TRACE_BYTES (1u << 20)

static bool ours(const struct lxc_marks *m, const struct runtime_order *o)
{
    return m->number == o->number && str_equal(m->box_id, o->box_id) &&
           (o->tenant_id[0] == '\0' || str_equal(m->tenant_id, o->tenant_id));
}

/* The work of an order, with the marks of what is there. Return 1, 0 when there is nothing, -1. */
static int begin(struct lxc_self *self, const struct runtime_order *o, struct lxc_work **out,
                 struct err *err)
{
    struct lxc_work *w = calloc(1, sizeof *w);
    int rc = -1;

    *out = w;
    if (w == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for a container");
    w->o = *o;
    if (w->o.box_id[0] == '\0')
        (void)str_copy(w->o.box_id, sizeof w->o.box_id, self->box_id);
    if (lxc_places(&w->plan.at, &w->o, self->lxc, self->tenants, err) == 0)
        rc = lxc_marks_read(&w->marks, &w->plan.at, err);
    if (rc == 1 && !ours(&w->marks, &w->o)) {
        (void)err_set(err, ERR_CONFLICT, "foreign_container",
                      "the container %s is not of this tenant on this box", w->o.mark);
        rc = err_hint(err, "Look at %s; move it away, then retry.", w->plan.at.folder);
    }
    return rc;
}

static int need(struct lxc_self *self, const struct runtime_order *o, struct lxc_work **out,
                struct err *err)
{
    int rc = begin(self, o, out, err);

    if (rc == 0)
        (void)err_set(err, ERR_NOT_FOUND, "container_missing", "there is no container %s", o->mark);
    return rc == 1 ? 0 : -1;
}

/* ---- status ---- */

static int look(struct lxc_self *self, struct lxc_work *w, struct runtime_status *out,
                struct err *err)
{
    const struct lxc_places *at = &w->plan.at;
    struct process_status s, forward;
    struct lxc_trace trace;

    (void)err;
    memset(out, 0, sizeof *out);
    process_group_status(self->group, at->unit, &s);
    lxc_trace_read(&trace, at->trace, s.running);
    out->restarts = s.restarts;
    out->exit_code = trace.started ? trace.exit_code : s.exit_code;
    if (w->marks.boots && out->exit_code == HALTED)
        out->exit_code = 0;
    out->oom_killed = lxc_group_oom(w->o.mark, at->end);
    if (s.running) {
        process_group_status(self->group, at->forward, &forward);
        out->state = forward.wanted ? RUNTIME_RUNNING : RUNTIME_FAILED;
        if (!forward.wanted) /* whoever started it came no further; a start finishes it */
            (void)str_copy(out->detail, sizeof out->detail, "it runs, and no port leads to it");
        out->started_at = s.started_at;
        return str_format(out->id, sizeof out->id, "%d", (int)s.pid);
    }
    (void)str_copy(out->id, sizeof out->id, w->o.mark);
    if (!s.wanted) {
        out->state = file_exists(at->trace) ? RUNTIME_STOPPED : RUNTIME_CREATED;
        return 0;
    }
    out->state = RUNTIME_FAILED;
    return str_format(out->detail, sizeof out->detail, "%sended with code %d, is started again",
                      out->oom_killed ? "killed for want of memory, " : "", (int)out->exit_code);
}

/* ---- create ---- */

static int start_units(struct lxc_self *self, struct lxc_work *w, struct err *err);

static int lxc_create(void *arg, const struct runtime_order *o, const struct blueprint *b,
                      struct runtime_status *out, struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = begin(self, o, &w, err);

    if (rc != -1)
        rc = lxc_make(self, w, b, rc == 1, err);
    if (rc == 1 && (lxc_stop_units(self, w, err) == -1 || start_units(self, w, err) == -1))
        rc = -1;
    if (rc != -1)
        rc = look(self, w, out, err);
    free(w);
    return rc;
}

/* ---- life ---- */

/* It ended instead of starting: say why. */
static int not_started(struct lxc_self *self, struct lxc_work *w, struct err *err)
{
    struct lxc_trace trace;
    struct buf words;

    (void)process_group_stop(self->group, w->plan.at.unit, w->o.tenant_id, NULL);
    lxc_trace_read(&trace, w->plan.at.trace, false);
    if (trace.missing) {
        (void)err_set(err, ERR_INVALID, "command_missing",
                      "the command of blueprint %s is not in its image", w->plan.blueprint->name);
        return err_hint(err, "Correct command or image in the blueprint.");
    }
    buf_init(&words, 240);
    (void)process_log_tail(w->plan.at.log, 2, &words, NULL);
    (void)err_set(err, ERR_UNAVAILABLE, "container_ended",
                  "the container %s was started and ended with code %d: %s", w->o.mark,
                  (int)trace.exit_code, trace.started ? buf_string(&words) : trace.words);
    buf_free(&words);
    return err_hint(err, "lxc's own words are in %s", w->plan.at.trace);
}

/* Wait until its command or init has been executed, and for a moment longer. */
static int wait_started(struct lxc_self *self, struct lxc_work *w, struct err *err)
{
    int64_t until = clock_mono_ms() + STARTED_MS, settled = 0;
    struct process_status s;
    struct lxc_trace trace;

    for (;;) {
        process_group_status(self->group, w->plan.at.unit, &s);
        lxc_trace_read(&trace, w->plan.at.trace, s.running);
        if (!s.running || s.restarts > 0)
            return not_started(self, w, err);
        if (trace.started && settled == 0)
            settled = clock_mono_ms() + SETTLE_MS;
        if (settled != 0 && clock_mono_ms() >= settled)
            return 0;
        if (clock_mono_ms() > until)
            return err_set(err, ERR_TIMEOUT, "container_slow",
                           "the container %s has not started within %d s", w->o.mark,
                           STARTED_MS / 1000);
        clock_sleep_ms(10);
    }
}

static int start_forward(struct lxc_self *self, struct lxc_work *w, struct err *err)
{
    struct process_status s;

    if (lxc_make_forward(self, w, err) == -1)
        return -1;
    if (process_group_start(self->group, &w->forward, err) == 0)
        return 0;
    process_group_status(self->group, w->plan.at.forward, &s);
    if (s.exit_code == TAKEN) {
        (void)err_set(err, ERR_CONFLICT, "port_taken", "port %u of 127.0.0.1 is taken", w->o.port);
        (void)err_hint(err, "Another container or program holds the port.");
    }
    return -1;
}

/* The container, then its port. w has its plan. */
static int start_units(struct lxc_self *self, struct lxc_work *w, struct err *err)
{
    struct process_status s;

    process_group_status(self->group, w->plan.at.unit, &s);
    if (!s.running || !s.wanted) {
        (void)unlink(w->plan.at.trace);
        (void)unlink(w->plan.at.end);
        if (!s.running)
            lxc_group_sweep(w->o.mark);
        if (process_group_start(self->group, &w->unit, err) == -1)
            return err != NULL && str_equal(err->code, "process_ended") ? not_started(self, w, err)
                                                                        : -1;
        CP("lxc.started");
        if (wait_started(self, w, err) == -1)
            return -1;
    }
    return start_forward(self, w, err);
}

static int lxc_start(void *arg, const struct runtime_order *o, const struct blueprint *b,
                     struct runtime_status *out, struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = need(self, o, &w, err);

    if (rc == 0 && lxc_make(self, w, b, true, err) == -1)
        rc = -1;
    if (rc == 0 && (rc = start_units(self, w, err)) == 0)
        rc = look(self, w, out, err);
    free(w);
    return rc;
}

static int lxc_stop(void *arg, const struct runtime_order *o, struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = begin(self, o, &w, err);

    if (rc == 1) {
        (void)lxc_freeze(self, w, false, NULL); /* who stands still hears no signal */
        rc = lxc_stop_units(self, w, err);
    }
    free(w);
    return rc;
}

static int lxc_restart(void *arg, const struct runtime_order *o, const struct blueprint *b,
                       struct runtime_status *out, struct err *err)
{
    if (lxc_stop(arg, o, err) == -1)
        return -1;
    CP("lxc.between");
    return lxc_start(arg, o, b, out, err);
}

/* The marks go last: what is half gone is still known to be ours. */
static int remove_files(const struct lxc_places *at, struct err *err)
{
    static const char *const names[] = {"log", "log.1",    "trace",     "trace.1",
                                        "end", "port.log", "port.log.1"};
    char path[320];

    if (file_remove_tree(at->root, err) == -1 || file_remove_tree(at->fresh, err) == -1)
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)str_format(path, sizeof path, "%s/%s", at->folder, names[i]);
        (void)unlink(path);
    }
    CP("lxc.emptied");
    if (unlink(at->config) == -1 && errno != ENOENT)
        return err_sys(err, "container_remove", errno, at->config);
    return rmdir(at->folder) == 0 || errno == ENOENT
               ? 0
               : err_sys(err, "container_remove", errno, at->folder);
}

static int lxc_remove(void *arg, const struct runtime_order *o, bool data, struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = begin(self, o, &w, err);

    if (rc == -1) {
        free(w);
        return -1;
    }
    if (process_group_remove(self->group, w->plan.at.forward, w->o.tenant_id, err) == -1 ||
        process_group_remove(self->group, w->plan.at.unit, w->o.tenant_id, err) == -1 ||
        (rc == 1 && lxc_bridge_remove(w->plan.at.bridge, &w->marks.network, err) == -1))
        rc = -1;
    else
        rc = remove_files(&w->plan.at, err);
    lxc_group_sweep(w->o.mark);
    if (rc == 0 && data)
        rc = file_remove_tree(w->plan.at.tenant, err);
    free(w);
    return rc;
}

/* ---- looking ---- */

static int lxc_inspect(void *arg, const struct runtime_order *o, struct runtime_status *out,
                       struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = begin(self, o, &w, err);

    memset(out, 0, sizeof *out);
    if (rc == 1) {
        (void)process_log_rotate(w->plan.at.trace, TRACE_BYTES);
        rc = look(self, w, out, err);
    }
    free(w);
    return rc;
}

/* What an init's journal says, else what the console said. */
static int lxc_logs(void *arg, const struct runtime_order *o, uint32_t lines, struct buf *out,
                    struct err *err)
{
    struct lxc_self *self = arg;
    struct process_status s;
    char count[16];
    char *const argv[] = {
        (char[]){"journalctl"}, (char[]){"--no-pager"}, (char[]){"-q"}, (char[]){"-o"},
        (char[]){"short-iso"},  (char[]){"-n"},         count,          NULL};
    struct lxc_work *w;
    size_t from = out->len;
    int rc = need(self, o, &w, err), code = 1;

    if (rc == 0) {
        process_group_status(self->group, w->plan.at.unit, &s);
        (void)str_format(count, sizeof count, "%u", lines);
        if (w->marks.boots && s.running)
            (void)lxc_attach(self, w, NULL, argv, 20, out, &code, NULL);
        if (code != 0) {
            out->len = from;
            rc = process_log_tail(w->plan.at.log, lines, out, err);
        }
    }
    free(w);
    return rc;
}

static int lxc_stats(void *arg, const struct runtime_order *o, struct runtime_stats *out,
                     struct err *err)
{
    struct lxc_self *self = arg;
    struct process_status s;
    uint64_t root = 0;
    struct lxc_work *w;
    struct buf text;
    const char *at;
    int rc = need(self, o, &w, err);

    memset(out, 0, sizeof *out);
    if (rc == 0) {
        lxc_group_stats(w->o.mark, out);
        process_group_status(self->group, w->plan.at.unit, &s);
        if (!s.running) /* its groups may outlive it until the kernel has all its pages back */
            out->memory_bytes = out->pids = 0;
        /* what the box sent is what the tenant received */
        lxc_bridge_traffic(w->plan.at.veth, &out->sent_bytes, &out->received_bytes);
        buf_init(&text, 128 * 1024);
        if (file_read(w->plan.at.config, &text, NULL) == 0 &&
            ((at = strstr(buf_string(&text), "memory.limit_in_bytes = ")) != NULL ||
             (at = strstr(buf_string(&text), "memory.max = ")) != NULL))
            out->memory_limit_bytes = strtoull(strchr(at, '=') + 2, NULL, 10);
        buf_free(&text);
        rc = folder_bytes(w->plan.at.tenant, &out->storage_bytes, err);
        if (rc == 0 && (rc = folder_bytes(w->plan.at.root, &root, err)) == 0)
            out->storage_bytes += root;
    }
    free(w);
    return rc;
}

static int run_inside(struct lxc_self *self, struct lxc_work *w, const struct blueprint *b,
                      const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                      struct err *err)
{
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];
    struct process_status s;
    int code = 0;

    process_group_status(self->group, w->plan.at.unit, &s);
    if (!s.running)
        return err_set(err, ERR_UNAVAILABLE, "container_stopped", "the container %s does not run",
                       w->o.mark);
    w->plan.network = w->marks.network;
    if (lxc_make_plan(self, w, b, err) == -1 ||
        runtime_argv(space, argv, command, &w->plan.vars, err) == -1 ||
        lxc_attach(self, w, &w->plan.env, argv, timeout_s, out, &code, err) == -1)
        return -1;
    if (code == 0)
        return 0;
    (void)err_set(err, code == 126 || code == 127 ? ERR_INVALID : ERR_UNAVAILABLE, "command_failed",
                  "%s ended with status %d: %.200s", command->args[0], code, buf_string(out));
    runtime_hide_secrets(err, &w->plan.vars);
    return -1;
}

static int lxc_exec(void *arg, const struct runtime_order *o, const struct blueprint *b,
                    const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                    struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = need(self, o, &w, err);

    if (rc == 0)
        rc = run_inside(self, w, b, command, timeout_s, out, err);
    free(w);
    return rc;
}

/* Its control group stands still; lxc-freeze knows either version's. */
static int lxc_pause(void *arg, const struct runtime_order *o, bool pause, struct err *err)
{
    struct lxc_self *self = arg;
    struct lxc_work *w;
    int rc = need(self, o, &w, err);

    if (rc == 0)
        rc = lxc_freeze(self, w, pause, err);
    free(w);
    return rc;
}

/* ---- the whole ---- */

/* The container whose folder is ${name} below all, if it is one of ours. Return 1 or 0. */
static int marks_of(const struct lxc_self *self, const char *name, struct lxc_marks *out)
{
    struct lxc_places at = {.folder = ""};

    return name[0] != '.' &&
           str_format(at.config, sizeof at.config, "%s/%s/config", self->lxc, name) == 0 &&
           lxc_marks_read(out, &at, NULL) == 1;
}

static int list_one(struct lxc_self *self, const struct lxc_marks *marks, const char *mark,
                    runtime_each *each, void *arg, struct err *err)
{
    struct runtime_found found = {.number = marks->number};
    struct runtime_status status = {.state = RUNTIME_ABSENT};
    struct lxc_work *w = calloc(1, sizeof *w);
    int rc = -1;

    if (w == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for a container");
    w->o.number = marks->number;
    (void)str_copy(w->o.mark, sizeof w->o.mark, mark);
    if (lxc_places(&w->plan.at, &w->o, self->lxc, self->tenants, err) == 0 &&
        look(self, w, &status, err) == 0) {
        found.state = status.state;
        (void)str_copy(found.id, sizeof found.id, mark);
        (void)str_copy(found.tenant_id, sizeof found.tenant_id, marks->tenant_id);
        rc = each(arg, &found, err);
    }
    free(w);
    return rc;
}

static int lxc_list(void *self_, const char *box_id, runtime_each *each, void *arg, struct err *err)
{
    struct lxc_self *self = self_;
    DIR *dir = opendir(self->lxc);
    struct lxc_marks marks;
    struct dirent *entry;
    int rc = 0;

    if (dir == NULL)
        return err_sys(err, "lxc_open", errno, self->lxc);
    while (rc == 0 && (entry = readdir(dir)) != NULL)
        if (marks_of(self, entry->d_name, &marks) && str_equal(marks.box_id, box_id))
            rc = list_one(self, &marks, entry->d_name, each, arg, err);
    (void)closedir(dir);
    return rc;
}

/* After a boot no bridge is there, and containers that should be running need theirs first. */
static int ready_networks(struct lxc_self *self, struct err *err)
{
    DIR *dir = opendir(self->lxc);
    struct dirent *entry;
    struct err why;
    int rc = 0;

    if (dir == NULL)
        return err_sys(err, "lxc_open", errno, self->lxc);
    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        struct lxc_marks marks;
        char bridge[32];
        if (!marks_of(self, entry->d_name, &marks))
            continue;
        if (!self->closed_in && (rc = firewall_lxc(self->units, self->pool_text, err)) == -1)
            break;
        self->closed_in = true;
        (void)str_format(bridge, sizeof bridge, "settb%llu", (unsigned long long)marks.number);
        if (lxc_bridge_ensure(bridge, &marks.network, &why) == -1)
            log_error("the network of %s is missing: %s", entry->d_name, why.text);
    }
    (void)closedir(dir);
    return rc;
}

static int copy_setup(struct lxc_self *self, const struct runtime_lxc_setup *s, struct err *err)
{
    if (str_copy(self->lxc, sizeof self->lxc, s->lxc) == 0 &&
        str_copy(self->images, sizeof self->images, s->images) == 0 &&
        str_copy(self->tenants, sizeof self->tenants, s->tenants) == 0 &&
        str_copy(self->forward, sizeof self->forward, s->forward) == 0 &&
        str_copy(self->units, sizeof self->units, s->units) == 0 &&
        str_copy(self->pool_text, sizeof self->pool_text, s->pool) == 0 &&
        str_copy(self->box_id, sizeof self->box_id, s->box_id) == 0)
        return docker_pool_parse(&self->pool, s->pool, err);
    return err_set(err, ERR_INVALID, "lxc_setup", "a path of the lxc runtime is too long");
}

int runtime_lxc_new(struct runtime *out, const struct runtime_lxc_setup *setup, struct err *err)
{
    struct process_group_setup group = {.restart_first_ms = setup->restart_first_ms,
                                        .apart = setup->apart};
    struct lxc_self *self;

    memset(out, 0, sizeof *out);
    if (!lxc_tools_present() || geteuid() != 0) {
        (void)err_set(err, ERR_INVALID, "lxc_missing", "this box cannot run lxc containers: %s",
                      geteuid() != 0 ? "the hands are not root" : LXC_START " is missing");
        return err_hint(err, "Install the packages lxc and nftables; the box must be root's.");
    }
    if ((self = calloc(1, sizeof *self)) == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the lxc runtime");
    self->idmap = setup->idmap;
    self->apart = setup->apart;
    (void)pthread_mutex_init(&self->lock, NULL);
    *out = (struct runtime){.name = "lxc",
                            .self = self,
                            .create = lxc_create,
                            .start = lxc_start,
                            .stop = lxc_stop,
                            .restart = lxc_restart,
                            .remove = lxc_remove,
                            .inspect = lxc_inspect,
                            .logs = lxc_logs,
                            .stats = lxc_stats,
                            .exec = lxc_exec,
                            .pause = lxc_pause,
                            .list = lxc_list};
    if (copy_setup(self, setup, err) == 0 &&
        str_copy(group.folder, sizeof group.folder, self->units) == 0 &&
        file_mkdirs(self->units, 0700, err) == 0 && folder_ours(self->lxc, 0711, err) == 0 &&
        file_mkdirs(self->tenants, 0711, err) == 0 &&
        (setup->top == NULL || setup->top[0] == '\0' ||
         (folder_let_through(setup->top, self->lxc, err) == 0 &&
          folder_let_through(setup->top, self->tenants, err) == 0)) &&
        ready_networks(self, err) == 0 && process_group_new(&self->group, &group, err) == 0)
        return 0;
    runtime_lxc_free(out);
    return -1;
}

void runtime_lxc_halt(struct runtime *r)
{
    struct lxc_self *self = r == NULL ? NULL : r->self;

    if (self != NULL)
        process_group_halt(self->group);
}

bool runtime_lxc_known(struct runtime *r, uint64_t number)
{
    struct lxc_self *self = r == NULL ? NULL : r->self;
    struct process_status s;
    char name[24];

    if (self == NULL)
        return false;
    (void)str_format(name, sizeof name, "%llu", (unsigned long long)number);
    process_group_status(self->group, name, &s);
    return s.known;
}

void runtime_lxc_free(struct runtime *r)
{
    struct lxc_self *self = r == NULL ? NULL : r->self;

    if (self == NULL)
        return;
    process_group_free(self->group);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
    memset(r, 0, sizeof *r);
}
