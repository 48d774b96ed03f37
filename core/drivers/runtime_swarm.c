/*
 * The swarm runtime: the order in which image, network, folders and service come and go, and what
 * the swarm's tasks mean. Apart from the calls themselves, as with docker.
 */
#include "runtime_swarm.h"

#include "clock.h"
#include "docker_api.h"
#include "docker_container.h"
#include "docker_image.h"
#include "file.h"
#include "firewall.h"
#include "folder.h"
#include "json_in.h"
#include "http.h"
#include "str.h"
#include "swarm_secret.h"
#include "swarm_service.h"
#include "swarm_task.h"
#include "swarm_wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct swarm {
    struct docker_api api;
    char tenants[256], folder[256], ports[256];
    char box_id[ID_SIZE];
    pthread_mutex_t lock;
    bool guarded;
};

/* The order with our box in it, when the caller left that out. */
static struct runtime_order complete(const struct swarm *e, const struct runtime_order *o)
{
    struct runtime_order out = *o;

    if (out.box_id[0] == '\0')
        (void)str_copy(out.box_id, sizeof out.box_id, e->box_id);
    return out;
}

static int need(struct swarm *e, const struct runtime_order *o, struct swarm_service *s,
                struct err *err)
{
    int rc = swarm_service_find(&e->api, o, s, err);

    if (rc == 0)
        (void)err_set(err, ERR_NOT_FOUND, "service_missing", "There is no service \"%s\".",
                      o->mark);
    return rc == 1 ? 0 : -1;
}

/* ---- the guard ---- */

/* Whether ${port} is one of "3100-3999,5000". */
static bool in_ports(const char *ports, uint32_t port)
{
    const char *at = ports;

    while (*at != '\0') {
        char *end;
        unsigned long from = strtoul(at, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        if (port >= from && port <= to)
            return true;
        at = end + strspn(end, ", ");
        if (at == end)
            break;
    }
    return false;
}

static int guard(struct swarm *e, const struct runtime_order *o, struct err *err)
{
    int rc = 0;

    if (!in_ports(e->ports, o->port)) {
        (void)err_set(err, ERR_INVALID, "port_unguarded",
                      "port %u is not among those that are kept off the outside: %s", o->port,
                      e->ports);
        return err_hint(err, "Bring sett.conf, [hands] swarm_ports, and ports.ranges into line.");
    }
    (void)pthread_mutex_lock(&e->lock);
    if (!e->guarded && (rc = firewall_swarm(e->folder, e->ports, err)) == 0)
        e->guarded = true;
    (void)pthread_mutex_unlock(&e->lock);
    return rc;
}

/* ---- status ---- */

/* Of a task's container on this node: whether it was killed for want of memory. */
static bool oom_of(struct swarm *e, const char *container)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    bool killed = false;

    if (container[0] == '\0')
        return false;
    (void)str_format(path, sizeof path, "/containers/%s/json", container);
    if (docker_api_call(&e->api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, NULL) != 0)
        return false;
    killed = reply.status == 200 && json_bool(reply.json, "State.OOMKilled", false);
    docker_reply_free(&reply);
    return killed;
}

static void read_status(struct swarm *e, const struct swarm_service *s, const struct swarm_tasks *t,
                        struct runtime_status *out)
{
    bool runs = s->replicas > 0 && t->wanted && str_equal(t->now.state, "running");

    memset(out, 0, sizeof *out);
    (void)str_copy(out->id, sizeof out->id, runs ? t->now.id : s->id);
    out->restarts = t->ended;
    out->exit_code = t->last.exit_code;
    out->oom_killed = oom_of(e, t->last.container);
    if (s->replicas == 0) {
        out->state = s->started ? RUNTIME_STOPPED : RUNTIME_CREATED;
    } else if (runs && !t->stranded) {
        out->state = RUNTIME_RUNNING;
        out->started_at = t->now.at;
    } else {
        out->state = RUNTIME_FAILED;
        if (runs)
            (void)str_format(out->detail, sizeof out->detail, "its node %s is lost", t->lost);
        else if (t->lost[0] != '\0')
            (void)str_format(out->detail, sizeof out->detail, "its node %.40s is lost; %s: %.100s",
                             t->lost, t->now.state, t->now.error);
        else
            (void)str_format(out->detail, sizeof out->detail, "%s: %.150s", t->now.state,
                             t->now.error);
    }
}

static int look(struct swarm *e, const struct runtime_order *o, struct runtime_status *out,
                struct err *err)
{
    struct swarm_service s;
    struct swarm_tasks t;
    int rc = swarm_service_find(&e->api, o, &s, err);

    memset(out, 0, sizeof *out);
    if (rc != 1)
        return rc;
    if (swarm_tasks_read(&e->api, o->mark, &t, err) == -1)
        return -1;
    read_status(e, &s, &t, out);
    return 0;
}

/* ---- plan ---- */

static int make_plan(struct swarm *e, struct swarm_plan *p, const struct runtime_order *o,
                     const struct blueprint *b, struct err *err)
{
    const char *password = kv_get(&o->env, "DB_PASSWORD");
    struct swarm_here here;

    memset(p, 0, sizeof *p);
    if (swarm_here(&e->api, &here, err) == -1)
        return -1;
    if (b->volume_count > 0 && b->constraint_count == 0)
        (void)str_copy(p->node, sizeof p->node, here.node);
    (void)str_copy(p->gateway, sizeof p->gateway, here.gateway);
    p->no_new_privileges = here.no_new_privileges;
    if (password != NULL && swarm_spec_reads_file(b) &&
        swarm_secret_ensure(&e->api, o, password, p, err) == -1)
        return -1;
    return swarm_spec_plan(p, o, b, e->tenants, err);
}

/* Whose a volume's files are: the blueprint's user, else the image's; a name is looked up in a
 * container that is made for that and never started. */
static int volume_user(struct swarm *e, const struct blueprint *b, uint32_t *uid, uint32_t *gid,
                       struct err *err)
{
    char path[DOCKER_API_PATH], escaped[768], user[64] = "", id[80] = "", body[320];
    struct docker_reply reply;
    struct buf text;
    int rc;

    if (http_escape(escaped, sizeof escaped, b->image) != 0 ||
        str_format(path, sizeof path, "/images/%s/json", escaped) != 0)
        return err_set(err, ERR_INVALID, "image_name", "The image name %s is too long.", b->image);
    (void)str_copy(user, sizeof user, b->user);
    if (user[0] == '\0') {
        if (docker_api_call(&e->api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
            return -1;
        (void)str_copy(user, sizeof user, json_text(reply.json, "Config.User", ""));
        docker_reply_free(&reply);
    }
    if (docker_image_user(&e->api, "none", user, uid, gid, NULL) == 0)
        return 0; /* no name: nothing had to be looked up */
    buf_init(&text, sizeof body);
    (void)buf_format(&text, "{\"Image\":\"%s\",\"Cmd\":[\"true\"]}", b->image);
    rc = docker_api_call(&e->api, "POST", "/containers/create", &text, 60, &reply, err);
    buf_free(&text);
    if (rc != 0)
        return -1;
    (void)str_copy(id, sizeof id, json_text(reply.json, "Id", ""));
    if (id[0] == '\0')
        (void)docker_api_refused(&reply, "looking up the image's users", err);
    docker_reply_free(&reply);
    if (id[0] == '\0')
        return -1;
    rc = docker_image_user(&e->api, id, user, uid, gid, err);
    (void)docker_container_remove(&e->api, id, NULL);
    return rc;
}

static int ready_folders(struct swarm *e, const struct swarm_plan *p, struct err *err)
{
    const struct blueprint *b = p->blueprint;
    uint32_t uid, gid;

    if (b->volume_count == 0)
        return 0;
    if (volume_user(e, b, &uid, &gid, err) == -1 || file_mkdirs(e->tenants, 0711, err) == -1 ||
        folder_make(p->folder, NULL, 0, err) == -1)
        return -1;
    for (uint32_t i = 0; i < b->volume_count; i++)
        if (folder_make(p->folder, b->volumes[i].name, uid, err) == -1)
            return -1;
    /* Inside, a volume is as open as its tenant makes it; on the box it is behind this. */
    return chmod(p->folder, 0700) == 0
               ? 0
               : err_set(err, ERR_FORBIDDEN, "volume_folder", "%s cannot be closed", p->folder);
}

/* ---- create ---- */

static int bring_about(struct swarm *e, struct swarm_plan *p, struct err *err)
{
    struct swarm_service s;
    int rc = swarm_service_find(&e->api, p->order, &s, err);

    if (rc == 0) {
        struct err why = {0};
        if (swarm_service_create(&e->api, p, &why) == 0)
            return 0;
        /* an earlier create, answered too late? */
        if ((rc = swarm_service_find(&e->api, p->order, &s, err)) == 0 && err != NULL)
            *err = why;
    }
    if (rc != 1)
        return -1;
    if (str_equal(s.hash, p->hash))
        return 0;
    p->replicas = s.replicas;
    p->started = s.started;
    p->force = s.force;
    if (swarm_service_update(&e->api, p->order, p, err) == -1)
        return -1;
    return s.replicas == 0 ? 0 : swarm_wait_updated(&e->api, p->order, err);
}

static int swarm_create(void *self, const struct runtime_order *order, const struct blueprint *b,
                        struct runtime_status *out, struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    struct swarm_plan *p = malloc(sizeof *p);
    struct swarm_service s;
    int rc = -1;

    if (p == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory for a service's description.");
    /* Whose the name is comes first: nothing is pulled or made for a tenant that cannot be. */
    if (swarm_service_find(&e->api, &o, &s, err) != -1 && guard(e, &o, err) == 0 &&
        docker_image_ensure(&e->api, b->image, err) == 0 &&
        swarm_network_ensure(&e->api, &o, err) == 0 && make_plan(e, p, &o, b, err) == 0 &&
        ready_folders(e, p, err) == 0 && bring_about(e, p, err) == 0 &&
        swarm_secret_remove(&e->api, &o, p->secret_name, err) == 0)
        rc = look(e, &o, out, err);
    free(p);
    return rc;
}

/* ---- life ---- */

static int run(struct swarm *e, const struct runtime_order *o, bool anew,
               struct runtime_status *out, struct err *err)
{
    int64_t since = clock_wall_ms();
    struct swarm_service s;
    struct swarm_tasks before;
    bool running;

    if (need(e, o, &s, err) == -1 || guard(e, o, err) == -1 ||
        swarm_tasks_read(&e->api, o->mark, &before, err) == -1)
        return -1;
    running = s.replicas > 0 && before.wanted && str_equal(before.now.state, "running") &&
              !before.stranded;
    if ((anew || !running) && swarm_service_scale(&e->api, o, 1, anew || s.replicas > 0, err) == -1)
        return -1;
    if ((anew || !running) && swarm_wait_running(&e->api, o, before.now.id, since, err) == -1) {
        (void)swarm_service_scale(&e->api, o, 0, false,
                                  NULL); /* else the swarm would go on trying */
        return -1;
    }
    return look(e, o, out, err);
}

static int swarm_start(void *self, const struct runtime_order *order, const struct blueprint *b,
                       struct runtime_status *out, struct err *err)
{
    struct runtime_order o = complete(self, order);

    (void)b;
    return run(self, &o, false, out, err);
}

static int swarm_restart(void *self, const struct runtime_order *order, const struct blueprint *b,
                         struct runtime_status *out, struct err *err)
{
    struct runtime_order o = complete(self, order);

    (void)b;
    return run(self, &o, true, out, err);
}

/* The task's container as docker_container.h wants it, when it runs on this node. 1, 0 it does not
 * run, -1. */
static int here(struct swarm *e, const struct runtime_order *o, struct docker_container *c,
                struct err *err)
{
    struct swarm_service s;
    struct swarm_tasks t;
    struct swarm_here h;

    memset(c, 0, sizeof *c);
    if (need(e, o, &s, err) == -1 || swarm_tasks_read(&e->api, o->mark, &t, err) == -1 ||
        swarm_here(&e->api, &h, err) == -1)
        return -1;
    if (s.replicas == 0 || !t.wanted || !str_equal(t.now.state, "running"))
        return 0;
    if (!str_equal(t.now.node, h.node)) {
        (void)err_set(err, ERR_UNAVAILABLE, "task_elsewhere", "%s runs on another node, %s",
                      o->mark, t.now.node);
        return err_hint(err, "docker node inspect %s says which; its engine alone can do that.",
                        t.now.node);
    }
    (void)str_copy(c->status.id, sizeof c->status.id, t.now.container);
    c->status.state = RUNTIME_RUNNING;
    return 1;
}

/* The engine lets a task be paused as any container; the swarm takes it for running. */
static int swarm_pause(void *self, const struct runtime_order *order, bool pause, struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;
    struct docker_reply reply;
    char path[DOCKER_API_PATH];
    int rc = here(e, &o, &c, err);

    if (rc == 0 && pause)
        return err_set(err, ERR_UNAVAILABLE, "task_stopped", "%s does not run", o.mark);
    if (rc != 1)
        return rc;
    (void)str_format(path, sizeof path, "/containers/%s/json", c.status.id);
    if (docker_api_call(&e->api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    c.paused = json_bool(reply.json, "State.Paused", false);
    docker_reply_free(&reply);
    return docker_container_pause(&e->api, &c, pause, err);
}

static int swarm_stop(void *self, const struct runtime_order *order, struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    struct swarm_service s;
    int rc = swarm_service_find(&e->api, &o, &s, err);

    if (rc <= 0)
        return rc;
    (void)swarm_pause(e, &o, false, NULL); /* who stands still hears no signal */
    if (s.replicas > 0 && swarm_service_scale(&e->api, &o, 0, false, err) == -1)
        return -1;
    return swarm_wait_stopped(&e->api, &o, err);
}

static int swarm_remove(void *self, const struct runtime_order *order, bool data, struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    struct swarm_service s;
    char folder[400];
    int rc = swarm_service_find(&e->api, &o, &s, err);

    if (rc == -1 || (rc == 1 && swarm_stop(e, &o, err) == -1) ||
        (rc == 1 && swarm_service_remove(&e->api, o.mark, err) == -1) ||
        swarm_network_remove(&e->api, &o, err) == -1 ||
        swarm_secret_remove(&e->api, &o, "", err) == -1)
        return -1;
    if (!data)
        return 0;
    if (str_format(folder, sizeof folder, "%s/%llu", e->tenants, (unsigned long long)o.number) != 0)
        return err_set(err, ERR_INVALID, "tenants_folder", "The tenants' folder is too deep.");
    return file_remove_tree(folder, err);
}

/* ---- looking ---- */

static int swarm_inspect(void *self, const struct runtime_order *order, struct runtime_status *out,
                         struct err *err)
{
    struct runtime_order o = complete(self, order);

    return look(self, &o, out, err);
}

/* Of the task that runs, and before it of the last that ended: as much as was asked for. */
static int swarm_logs(void *self, const struct runtime_order *order, uint32_t lines,
                      struct buf *out, struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    struct swarm_service s;
    struct swarm_tasks t;
    size_t from = out->len, count = 0, skip;
    const char *at;

    if (need(e, &o, &s, err) == -1 || swarm_tasks_read(&e->api, o.mark, &t, err) == -1)
        return -1;
    if (t.last.id[0] != '\0' && !str_equal(t.last.id, t.now.id))
        (void)swarm_task_logs(&e->api, &t.last, lines, out, NULL);
    if (t.now.container[0] != '\0' && swarm_task_logs(&e->api, &t.now, lines, out, err) == -1)
        return -1;
    for (size_t i = from; i < out->len; i++)
        count += out->data[i] == '\n';
    for (at = out->data + from, skip = count > lines ? count - lines : 0; skip > 0; skip--)
        at = (const char *)memchr(at, '\n', out->len - (size_t)(at - out->data)) + 1;
    if (count > lines) {
        size_t left = out->len - (size_t)(at - out->data);
        memmove(out->data + from, at, left);
        out->len = from + left;
    }
    return 0;
}

static int swarm_stats(void *self, const struct runtime_order *order, struct runtime_stats *out,
                       struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    char path[DOCKER_API_PATH], folder[400];
    struct docker_container c;
    struct docker_reply reply;
    int rc = here(e, &o, &c, err);

    memset(out, 0, sizeof *out);
    if (rc == -1 || (rc == 1 && docker_container_stats(&e->api, &c, out, err) == -1))
        return -1;
    (void)str_format(path, sizeof path, "/services/%s", o.mark);
    if (docker_api_call(&e->api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    out->memory_limit_bytes =
        (uint64_t)json_i64(reply.json, "Spec.TaskTemplate.Resources.Limits.MemoryBytes", 0);
    docker_reply_free(&reply);
    if (str_format(folder, sizeof folder, "%s/%llu", e->tenants, (unsigned long long)o.number) != 0)
        return err_set(err, ERR_INVALID, "tenants_folder", "The tenants' folder is too deep.");
    return folder_bytes(folder, &out->storage_bytes, err);
}

static int swarm_exec(void *self, const struct runtime_order *order, const struct blueprint *b,
                      const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                      struct err *err)
{
    struct swarm *e = self;
    struct runtime_order o = complete(e, order);
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];
    struct swarm_plan *p = malloc(sizeof *p);
    struct docker_container c;
    int rc;

    if (p == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory for a service's description.");
    if ((rc = here(e, &o, &c, err)) == 0)
        rc = err_set(err, ERR_UNAVAILABLE, "task_stopped", "%s does not run", o.mark);
    if (rc == 1 && (rc = make_plan(e, p, &o, b, err)) == 0 &&
        (rc = runtime_argv(space, argv, command, &p->vars, err)) == 0 &&
        (rc = docker_container_exec(&e->api, &c, argv, timeout_s, out, err)) != 0)
        runtime_hide_secrets(err, &p->vars);
    free(p);
    return rc;
}

static int swarm_list(void *self, const char *box_id, runtime_each *each, void *arg,
                      struct err *err)
{
    struct swarm *e = self;

    return swarm_service_list(&e->api, box_id[0] == '\0' ? e->box_id : box_id, each, arg, err);
}

int runtime_swarm_new(struct runtime *out, const struct runtime_swarm_setup *setup, struct err *err)
{
    struct swarm *e = calloc(1, sizeof *e);

    memset(out, 0, sizeof *out);
    if (e == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory for the swarm.");
    if (str_copy(e->tenants, sizeof e->tenants, setup->tenants) != 0 ||
        str_copy(e->folder, sizeof e->folder, setup->folder) != 0 ||
        str_copy(e->ports, sizeof e->ports, setup->ports) != 0 ||
        str_copy(e->box_id, sizeof e->box_id, setup->box_id) != 0) {
        (void)err_set(err, ERR_INVALID, "swarm_setup", "A path of the swarm runtime is too long.");
        goto fail;
    }
    if (docker_api_init(&e->api, setup->socket, err) != 0)
        goto fail;
    (void)pthread_mutex_init(&e->lock, NULL);
    *out = (struct runtime){.name = "swarm",
                            .self = e,
                            .create = swarm_create,
                            .start = swarm_start,
                            .stop = swarm_stop,
                            .restart = swarm_restart,
                            .remove = swarm_remove,
                            .inspect = swarm_inspect,
                            .logs = swarm_logs,
                            .stats = swarm_stats,
                            .exec = swarm_exec,
                            .pause = swarm_pause,
                            .list = swarm_list};
    return 0;
fail:
    free(e);
    return -1;
}

void runtime_swarm_free(struct runtime *r)
{
    struct swarm *e = r == NULL ? NULL : r->self;

    if (e == NULL)
        return;
    docker_api_free(&e->api);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
    memset(r, 0, sizeof *r);
}
