/*
 * The proxmox runtime: the order in which a container comes and goes. Apart from how it is seen and
 * described, so that what is idempotent can be read here: every function looks first, and what
 * somebody is still at work at is asked about again, never done twice.
 */
#include "runtime_proxmox.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "http.h"
#include "json_in.h"
#include "proxmox_guest.h"
#include "proxmox_make.h"
#include "str.h"

#define ADDRESS_MS  20000 /* a start waits so long for an address */
#define LOOK_MS     500
#define APPEAR_MS   30000
#define STOP_S      "30"
#define REBOOT_S    "60"
#define TASKS_SHOWN 10

struct self {
    struct runtime_proxmox_setup setup;
    struct proxmox *api;
};

static void fill_status(const struct runtime_order *o, const struct proxmox_seen *seen,
                        struct runtime_status *out)
{
    memset(out, 0, sizeof *out);
    if (!seen->there)
        return;
    out->state = seen->running ? RUNTIME_RUNNING
                 : str_equal(seen->lock, "create") || str_equal(seen->lock, "disk")
                     ? RUNTIME_CREATED
                     : RUNTIME_STOPPED;
    (void)str_format(out->id, sizeof out->id, "%.60s/%u", seen->node, o->guest);
    (void)str_copy(out->node, sizeof out->node, seen->node);
    if (seen->lock[0] != '\0')
        (void)str_format(out->detail, sizeof out->detail, "locked: %s", seen->lock);
    if (seen->running)
        out->started_at = clock_wall_ms() - (int64_t)seen->uptime_s * 1000;
}

/* One that is being made, by us before a crash, enters its pool at the end: until then who has
 * rights to the pool alone does not see it. */
static int look_for(struct self *self, const struct runtime_order *o, bool patient,
                    struct proxmox_seen *seen, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + APPEAR_MS;

    for (;;) {
        if (proxmox_guest_find(self->api, o, seen, err) == -1)
            return -1;
        if (seen->there || !patient || self->api->pool[0] == '\0' || clock_mono_ms() > until_ms)
            return 0;
        clock_sleep_ms(LOOK_MS);
    }
}

static int create(void *arg, const struct runtime_order *o, const struct blueprint *b,
                  struct runtime_status *out, struct err *err)
{
    struct self *self = arg;
    struct proxmox_seen seen;
    bool fresh, taken = false;

    if (o->guest == 0)
        return err_set(err, ERR_INTERNAL, "no_number", "no number was reserved for a container");
    if (proxmox_guest_find(self->api, o, &seen, err) == -1)
        return -1;
    fresh = !seen.there;
    if (fresh && proxmox_make(&self->setup, o, b, err) == -1 &&
        !(taken = str_equal(err->code, "proxmox_vmid_taken")))
        return -1;
    if (fresh) {
        err_clear(err);
        if (look_for(self, o, taken, &seen, err) == -1)
            return -1;
        if (taken && !seen.there) /* by one that we may not see */
            return err_set(err, ERR_CONFLICT, "guest_foreign", "number %u is somebody else's",
                           o->guest);
    }
    if (proxmox_guest_own(o, &seen, err) == -1 ||
        proxmox_make_so(&self->setup, o, b, &seen, err) == -1)
        return -1;
    fill_status(o, &seen, out);
    return 0;
}

/* ---- life ---- */

static int find_own(struct self *self, const struct runtime_order *o, struct proxmox_seen *seen,
                    struct err *err)
{
    return proxmox_guest_find(self->api, o, seen, err) == -1 ? -1 : proxmox_guest_own(o, seen, err);
}

/* A task about it; ${fine}: the refusal that says that there is nothing to do. */
static int act(struct self *self, const char *method, const struct runtime_order *o,
               const struct proxmox_seen *seen, const char *rest, const char *form,
               const char *fine, struct err *err)
{
    char path[PROXMOX_PATH_SIZE];
    struct buf body;
    int result;

    buf_init(&body, 512);
    (void)buf_text(&body, form);
    proxmox_guest_path(path, o, seen, rest);
    result = proxmox_task(self->api, method, path, &body, PROXMOX_TASK_MS, err);
    buf_free(&body);
    if (result == -1 && str_equal(err->code, fine)) {
        err_clear(err);
        return 0;
    }
    return result;
}

/* It runs, and where. */
static int running(struct self *self, const struct runtime_order *o, const struct blueprint *b,
                   struct runtime_status *out, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + ADDRESS_MS;
    struct proxmox_seen seen;
    char address[72];

    if (find_own(self, o, &seen, err) == -1)
        return -1;
    if (!seen.running) {
        (void)err_set(err, ERR_UNAVAILABLE, "guest_ended",
                      "container %u was started and does not run", o->guest);
        return err_hint(err, "Proxmox's log of the task says why: sett tenant logs %llu",
                        (unsigned long long)o->number);
    }
    while (proxmox_guest_address(self->api, o, b, &seen, address, err) == -1) {
        if (!str_equal(err->code, "no_address_yet") || clock_mono_ms() > until_ms)
            return -1;
        clock_sleep_ms(LOOK_MS);
    }
    err_clear(err);
    fill_status(o, &seen, out);
    return str_copy(out->address, sizeof out->address, address);
}

static int start(void *arg, const struct runtime_order *o, const struct blueprint *b,
                 struct runtime_status *out, struct err *err)
{
    struct self *self = arg;
    struct proxmox_seen seen;

    if (find_own(self, o, &seen, err) == -1 ||
        (!seen.running &&
         act(self, "POST", o, &seen, "/status/start", "", "proxmox_running", err) == -1))
        return -1;
    return running(self, o, b, out, err);
}

static int stop(void *arg, const struct runtime_order *o, struct err *err)
{
    struct self *self = arg;
    struct proxmox_seen seen;

    if (proxmox_guest_find(self->api, o, &seen, err) == -1)
        return -1;
    if (!seen.there)
        return 0;
    if (proxmox_guest_own(o, &seen, err) == -1)
        return -1;
    if (!seen.running)
        return 0;
    return act(self, "POST", o, &seen, "/status/shutdown", "timeout=" STOP_S "&forceStop=1",
               "proxmox_stopped", err);
}

static int restart(void *arg, const struct runtime_order *o, const struct blueprint *b,
                   struct runtime_status *out, struct err *err)
{
    struct self *self = arg;
    struct proxmox_seen seen;

    if (find_own(self, o, &seen, err) == -1)
        return -1;
    if (seen.running &&
        act(self, "POST", o, &seen, "/status/reboot", "timeout=" REBOOT_S, "", err) == -1)
        return -1;
    return start(arg, o, b, out, err);
}

/* Its disk is its data: without, it is only stopped. What is not ours at its number means that ours
 * is gone. */
static int remove_guest(void *arg, const struct runtime_order *o, bool data, struct err *err)
{
    struct self *self = arg;
    struct proxmox_seen seen;

    if (proxmox_guest_find(self->api, o, &seen, err) == -1)
        return -1;
    if (!seen.there)
        return 0;
    if (proxmox_guest_own(o, &seen, err) == -1) {
        if (!str_equal(err->code, "guest_foreign"))
            return -1;
        err_clear(err);
        return 0;
    }
    if (seen.running && stop(arg, o, err) == -1)
        return -1;
    if (!data)
        return 0;
    return act(self, "DELETE", o, &seen, "", "purge=1&destroy-unreferenced-disks=1",
               "proxmox_no_guest", err);
}

static int inspect(void *arg, const struct runtime_order *o, struct runtime_status *out,
                   struct err *err)
{
    struct self *self = arg;
    struct proxmox_seen seen;

    memset(out, 0, sizeof *out);
    if (proxmox_guest_find(self->api, o, &seen, err) == -1)
        return -1;
    if (seen.there && proxmox_guest_own(o, &seen, err) == -1 && !str_equal(err->code, "guest_busy"))
        return -1;
    err_clear(err);
    fill_status(o, &seen, out);
    return 0;
}

/* ---- figures and words ---- */

static int stats(void *arg, const struct runtime_order *o, struct runtime_stats *out,
                 struct err *err)
{
    struct self *self = arg;
    char path[PROXMOX_PATH_SIZE];
    struct proxmox_seen seen;
    struct cJSON *json;

    memset(out, 0, sizeof *out);
    if (find_own(self, o, &seen, err) == -1)
        return -1;
    proxmox_guest_path(path, o, &seen, "/status/current");
    if (proxmox_call(self->api, "GET", path, NULL, &json, err) == -1)
        return -1;
    out->memory_bytes = (uint64_t)json_loose(json, "data.mem", 0);
    out->memory_limit_bytes = (uint64_t)json_loose(json, "data.maxmem", 0);
    out->received_bytes = (uint64_t)json_loose(json, "data.netin", 0);
    out->sent_bytes = (uint64_t)json_loose(json, "data.netout", 0);
    out->storage_bytes = (uint64_t)json_loose(json, "data.disk", 0);
    /* Of processor time it only tells the share of this moment, and of processes nothing. */
    json_free(json);
    return 0;
}

static void write_log(struct self *self, const char *node, const char *upid, uint32_t lines,
                      struct buf *out)
{
    char path[PROXMOX_PATH_SIZE + 64], escaped[PROXMOX_UPID_SIZE * 3];
    const struct cJSON *all, *row = NULL;
    struct cJSON *json;
    struct err ignored;

    if (http_escape(escaped, sizeof escaped, upid) == -1 ||
        str_format(path, sizeof path, "/nodes/%s/tasks/%s/log?limit=%u", node, escaped, lines) ==
            -1 ||
        proxmox_call(self->api, "GET", path, NULL, &json, &ignored) == -1)
        return;
    all = json_at(json, "data");
    while ((row = json_next(all, row)) != NULL)
        (void)buf_format(out, "  %s\n", json_text(row, "t", ""));
    json_free(json);
}

static int logs(void *arg, const struct runtime_order *o, uint32_t lines, struct buf *out,
                struct err *err)
{
    struct self *self = arg;
    char path[PROXMOX_PATH_SIZE];
    const struct cJSON *all, *task = NULL;
    struct proxmox_seen seen;
    struct cJSON *json;

    if (find_own(self, o, &seen, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/nodes/%s/tasks?vmid=%u&limit=%u&source=all", seen.node,
                     o->guest, TASKS_SHOWN);
    if (proxmox_call(self->api, "GET", path, NULL, &json, err) == -1)
        return -1;
    (void)buf_format(out,
                     "Proxmox VE does not give out what a program inside says; these are the "
                     "newest tasks about container %u on %s.\n",
                     o->guest, seen.node);
    all = json_at(json, "data");
    while ((task = json_next(all, task)) != NULL) {
        char when[CLOCK_TEXT_SIZE];

        clock_text(when, (int64_t)json_loose(task, "starttime", 0) * 1000);
        (void)buf_format(out, "%s %s: %s\n", when, json_text(task, "type", "task"),
                         json_text(task, "status", "running"));
        write_log(self, seen.node, json_text(task, "upid", ""), lines < 50 ? lines : 50, out);
    }
    json_free(json);
    return 0;
}

static int exec(void *arg, const struct runtime_order *o, const struct blueprint *b,
                const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                struct err *err)
{
    (void)arg, (void)o, (void)command, (void)timeout_s, (void)out;
    (void)err_set(err, ERR_INVALID, "exec_not_possible",
                  "Proxmox VE's API runs no command in a container, which blueprint %s asks for",
                  b->name);
    return err_hint(err, "let the template do it at its first boot");
}

/* ---- all that is ours ---- */

struct listing {
    unsigned count, room;
    struct proxmox_guest *at;
};

static int keep_marked(void *arg, const struct proxmox_guest *guest, struct err *err)
{
    struct listing *l = arg;
    struct proxmox_guest *more;

    if (!guest->container || guest->template || strstr(guest->tags, PROXMOX_TAG) == NULL)
        return 0;
    if (l->count == l->room) {
        l->room = l->room == 0 ? 64 : l->room * 2;
        if ((more = realloc(l->at, l->room * sizeof *more)) == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a list");
        l->at = more;
    }
    l->at[l->count++] = *guest;
    return 0;
}

/* One that bears our tag, if its description bears the mark of this box: then it is told. */
static int tell(struct self *self, const struct proxmox_guest *guest, const char *box_id,
                runtime_each *each, void *arg, struct err *err)
{
    struct runtime_found found = {.state = guest->running ? RUNTIME_RUNNING : RUNTIME_STOPPED};
    int result = proxmox_guest_whose(self->api, guest, box_id, found.tenant_id, &found.number, err);

    if (result != 1)
        return result;
    (void)str_format(found.id, sizeof found.id, "%.60s/%u", guest->node, guest->vmid);
    return each(arg, &found, err);
}

static int list(void *arg, const char *box_id, runtime_each *each, void *each_arg, struct err *err)
{
    struct proxmox_cluster *cluster = calloc(1, sizeof *cluster);
    struct self *self = arg;
    struct listing l = {0};
    int result;

    if (cluster == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a cluster");
    result = proxmox_look(self->api, self->setup.storage, cluster, keep_marked, &l, err);
    for (unsigned i = 0; result == 0 && i < l.count; i++)
        result = tell(self, &l.at[i], box_id, each, each_arg, err);
    free(l.at);
    free(cluster);
    return result;
}

int runtime_proxmox_place(struct runtime *r, const struct runtime_order *o,
                          const struct blueprint *b, const char *nodes, const char *not_on,
                          char node[PROXMOX_NODE_SIZE], struct err *err)
{
    const struct self *self = r->self;

    return proxmox_make_where(&self->setup, o, b, nodes, not_on, node, err);
}

int runtime_proxmox_migrate(struct runtime *r, const struct runtime_order *o,
                            const struct blueprint *b, const char *node, struct runtime_status *out,
                            struct err *err)
{
    struct self *self = r->self;
    struct proxmox_seen seen;
    char form[200];

    if (find_own(self, o, &seen, err) == -1)
        return -1;
    if (!str_equal(seen.node, node)) {
        (void)str_format(form, sizeof form, "target=%s%s", node,
                         seen.running ? "&restart=1&timeout=" REBOOT_S : "");
        if (act(self, "POST", o, &seen, "/migrate", form, "", err) == -1)
            return -1;
    }
    return start(self, o, b, out, err); /* one that was stopped on the way is started */
}

int runtime_proxmox_new(struct runtime *out, const struct runtime_proxmox_setup *setup,
                        struct err *err)
{
    struct self *self = calloc(1, sizeof *self);

    memset(out, 0, sizeof *out);
    if (self == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the proxmox runtime");
    self->setup = *setup;
    self->api = setup->api;
    *out = (struct runtime){.name = "proxmox",
                            .self = self,
                            .create = create,
                            .start = start,
                            .stop = stop,
                            .restart = restart,
                            .remove = remove_guest,
                            .inspect = inspect,
                            .logs = logs,
                            .stats = stats,
                            .exec = exec,
                            .list = list};
    return 0;
}

void runtime_proxmox_free(struct runtime *r)
{
    if (r == NULL)
        return;
    free(r->self);
    memset(r, 0, sizeof *r);
}
