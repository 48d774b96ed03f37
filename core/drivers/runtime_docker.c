/*
 * The docker runtime: the order in which image, network, folders and container come and go. Apart
 * from the calls themselves so that what is idempotent, and what happens to something half made,
 * can be read without the API in the way.
 */
#include "runtime_docker.h"

#include "docker_api.h"
#include "docker_body.h"
#include "docker_container.h"
#include "docker_image.h"
#include "docker_list.h"
#include "docker_network.h"
#include "docker_volume.h"
#include "file.h"
#include "folder.h"
#include "json_in.h"
#include "str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_VERB    "stop?t=10"
#define RESTART_VERB "restart?t=10"
#define STOP_S       60
#define CREATE_S     120
#define INIT_S       1500

struct engine {
    struct docker_api api;
    struct docker_pool pool;
    struct docker_usage usage; /* of volumes, where it is on another machine */
    char tenants[256];         /* "": it is on another machine */
    char publish[48];
    char box_id[ID_SIZE];
};

/* The order with our box in it, when the caller left that out. */
static struct runtime_order complete(const struct engine *e, const struct runtime_order *o)
{
    struct runtime_order out = *o;

    if (out.box_id[0] == '\0')
        (void)str_copy(out.box_id, sizeof out.box_id, e->box_id);
    return out;
}

static bool is_elsewhere(const struct engine *e)
{
    return e->tenants[0] == '\0';
}

static int plan_of(const struct engine *e, struct docker_plan *plan, const struct runtime_order *o,
                   const struct blueprint *b, const struct docker_network *network, struct err *err)
{
    return docker_body_plan(plan, o, b, network, is_elsewhere(e) ? NULL : e->tenants, e->publish,
                            err);
}

/* Its status, and where it is found if that is not this machine's loopback. */
static void take_status(const struct engine *e, const struct runtime_order *o,
                        const struct docker_container *c, struct runtime_status *out)
{
    if (out == NULL)
        return;
    *out = c->status;
    if (is_elsewhere(e) && !str_starts(e->publish, "127."))
        (void)str_format(out->address, sizeof out->address, "%s:%u", e->publish, o->port);
}

/* ---- folders ---- */

/* A folder that is new, that is empty and root's, is given to the image's user; one that holds
 * something is as its tenant wants it. */
static int own_folder(const char *path, uint32_t uid, uint32_t gid, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc = 0;
    struct dirent *entry;
    struct stat st;
    bool empty = true;
    DIR *dir;

    if (fd == -1 || fstat(fd, &st) != 0 || (dir = fdopendir(fd)) == NULL) {
        rc = err_sys(err, "volume_folder", errno, path);
        if (fd != -1)
            (void)close(fd);
        return rc;
    }
    while (empty && (entry = readdir(dir)) != NULL)
        empty = str_equal(entry->d_name, ".") || str_equal(entry->d_name, "..");
    if (empty && st.st_uid != uid && st.st_uid == geteuid() && fchown(fd, uid, gid) != 0)
        rc = err_sys(err, "volume_owner", errno, path);
    (void)closedir(dir);
    return rc;
}

static int make_folders(struct engine *e, const struct docker_plan *plan, struct err *err)
{
    const struct blueprint *b = plan->blueprint;
    char path[512];

    if (is_elsewhere(e))
        return docker_volumes_ensure(&e->api, plan->order, b, err);
    for (uint32_t i = 0; i < b->volume_count; i++) {
        (void)str_format(path, sizeof path, "%s/%s", plan->folder, b->volumes[i].name);
        if (file_mkdirs(path, 0755, err) != 0)
            return -1;
    }
    /* Inside, a volume is as open as its tenant makes it; on the box it is behind this. */
    if (b->volume_count > 0 && chmod(plan->folder, 0700) != 0)
        return err_sys(err, "volume_folder", errno, plan->folder);
    return 0;
}

static int own_folders(struct engine *e, const struct docker_plan *plan,
                       const struct docker_container *c, struct err *err)
{
    const struct blueprint *b = plan->blueprint;
    uint32_t uid, gid;
    char path[512];

    if (b->volume_count == 0)
        return 0;
    if (docker_image_user(&e->api, c->status.id, c->user, &uid, &gid, err) != 0)
        return -1;
    for (uint32_t i = 0; i < b->volume_count; i++) {
        if (is_elsewhere(e)) {
            const struct docker_place place = {b->volumes[i].name, b->volumes[i].target};
            if (docker_volume_own(&e->api, plan->order, b->image, c->status.id, &place, uid, gid,
                                  err) != 0)
                return -1;
            continue;
        }
        (void)str_format(path, sizeof path, "%s/%s", plan->folder, b->volumes[i].name);
        if ((plan->order->adopt && folder_give(path, uid, gid, err) != 0) ||
            own_folder(path, uid, gid, err) != 0)
            return -1;
    }
    return 0;
}

/* ---- create ---- */

static int create_container(struct engine *e, const struct docker_plan *plan, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_container made;
    struct docker_reply reply;
    struct buf body;
    int rc = -1;

    buf_init(&body, 256 * 1024);
    (void)str_format(path, sizeof path, "/containers/create?name=%s", plan->order->mark);
    if (docker_body_write(&body, plan, err) == 0 &&
        docker_api_call(&e->api, "POST", path, &body, CREATE_S, &reply, err) == 0) {
        if (reply.status == 201 || reply.status == 200)
            rc = 0;
        else if (docker_api_name_used(&reply)) /* an earlier create, answered too late */
            rc = docker_container_need(&e->api, plan->order, &made, err);
        else
            docker_api_refused(&reply, "creating the tenant's container", err);
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

/* Only what is asked for counts: an engine may have defaults of its own (Podman: 2048 pids). */
static bool limits_fit(const struct limits *want, const struct limits *have)
{
    return (want->memory_bytes == 0 || want->memory_bytes == have->memory_bytes) &&
           (want->cpu_millis == 0 || want->cpu_millis == have->cpu_millis) &&
           (want->pids == 0 || want->pids == have->pids);
}

/* Return 1 when the limits are in force, 0 when only a new container can have them, -1. */
static int update_limits(struct engine *e, const struct docker_plan *plan,
                         const struct docker_container *c, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    struct buf body;
    int rc = -1;

    if (limits_fit(&plan->limits, &c->limits))
        return 1;
    buf_init(&body, 4096);
    (void)str_format(path, sizeof path, "/containers/%s/update", c->status.id);
    if (docker_body_update(&body, &plan->limits) != 0)
        err_set(err, ERR_INTERNAL, "limits", "The limits could not be written.");
    else if (docker_api_call(&e->api, "POST", path, &body, 60, &reply, err) == 0) {
        /* Refused: Podman before 5.1 knows no update, and a kernel may not lower what is in use. */
        rc = reply.status == 200 ? 1 : 0;
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

static int remake(struct engine *e, const struct docker_plan *plan,
                  const struct docker_container *old, struct err *err)
{
    struct docker_container c;

    if (docker_container_post(&e->api, old->status.id, STOP_VERB, STOP_S,
                              "stopping the container to make it anew", err) != 0 ||
        docker_container_remove(&e->api, old->status.id, err) != 0 ||
        create_container(e, plan, err) != 0)
        return -1;
    if (old->status.state != RUNTIME_RUNNING)
        return 0;
    if (docker_container_need(&e->api, plan->order, &c, err) != 0)
        return -1;
    return docker_container_post(&e->api, c.status.id, "start", CREATE_S,
                                 "starting the container that was made anew", err);
}

static int bring_about(struct engine *e, const struct docker_plan *plan, struct err *err)
{
    struct docker_container c;
    int rc = docker_container_find(&e->api, plan->order, &c, err);

    if (rc == -1)
        return -1;
    if (rc == 0)
        return create_container(e, plan, err);
    if (str_equal(c.hash, plan->hash)) {
        rc = update_limits(e, plan, &c, err);
        if (rc != 0)
            return rc == 1 ? 0 : -1;
    }
    return remake(e, plan, &c, err);
}

static int docker_create(void *self, const struct runtime_order *order, const struct blueprint *b,
                         struct runtime_status *out, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;
    struct docker_network network;
    struct docker_plan *plan;
    int rc = -1;

    /* Whose the name is comes first: nothing is pulled or made for a tenant that cannot be. */
    if (docker_container_find(&e->api, &o, &c, err) == -1)
        return -1;
    if ((plan = malloc(sizeof *plan)) == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory for a container's description.");
    if (docker_image_ensure(&e->api, b->image, err) == 0 &&
        docker_network_ensure(&e->api, &e->pool, &o, &network, err) == 0 &&
        plan_of(e, plan, &o, b, &network, err) == 0 && make_folders(e, plan, err) == 0 &&
        bring_about(e, plan, err) == 0 && docker_container_need(&e->api, &o, &c, err) == 0 &&
        own_folders(e, plan, &c, err) == 0) {
        take_status(e, &o, &c, out);
        rc = 0;
    }
    free(plan);
    return rc;
}

/* ---- life ---- */

/* After a start: it runs, or ended at once. */
static int running(struct engine *e, const struct runtime_order *o, struct runtime_status *out,
                   struct err *err)
{
    struct docker_container c;

    if (docker_container_need(&e->api, o, &c, err) != 0)
        return -1;
    take_status(e, o, &c, out);
    if (c.status.state == RUNTIME_RUNNING)
        return 0;
    err_set(err, ERR_UNAVAILABLE, "container_ended", "The container %s was started and ended: %s",
            o->mark, c.status.detail);
    return err_hint(err, "Its log says why: sett tenant logs %llu", (unsigned long long)o->number);
}

static int docker_start(void *self, const struct runtime_order *order, const struct blueprint *b,
                        struct runtime_status *out, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;

    (void)b;
    if (docker_container_need(&e->api, &o, &c, err) != 0 ||
        docker_container_pause(&e->api, &c, false, err) != 0 ||
        docker_container_post(&e->api, c.status.id, "start", CREATE_S, "starting the container",
                              err) != 0)
        return -1;
    return running(e, &o, out, err);
}

static int docker_stop(void *self, const struct runtime_order *order, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;
    int rc = docker_container_find(&e->api, &o, &c, err);

    if (rc <= 0)
        return rc;
    if (docker_container_pause(&e->api, &c, false, err) != 0) /* it could not hear the signal */
        return -1;
    return docker_container_post(&e->api, c.status.id, STOP_VERB, STOP_S, "stopping the container",
                                 err);
}

static int docker_restart(void *self, const struct runtime_order *order, const struct blueprint *b,
                          struct runtime_status *out, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;

    (void)b;
    if (docker_container_need(&e->api, &o, &c, err) != 0 ||
        docker_container_pause(&e->api, &c, false, err) != 0 ||
        docker_container_post(&e->api, c.status.id, RESTART_VERB, CREATE_S,
                              "restarting the container", err) != 0)
        return -1;
    return running(e, &o, out, err);
}

static int docker_remove(void *self, const struct runtime_order *order, bool data, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;
    char folder[400];
    int rc = docker_container_find(&e->api, &o, &c, err);

    if (rc == -1)
        return -1;
    if (rc == 1 && (docker_container_post(&e->api, c.status.id, STOP_VERB, STOP_S,
                                          "stopping the container", err) != 0 ||
                    docker_container_remove(&e->api, c.status.id, err) != 0))
        return -1;
    if (docker_network_remove(&e->api, &o, err) != 0)
        return -1;
    if (!data)
        return 0;
    if (is_elsewhere(e))
        return docker_volumes_remove(&e->api, &o, err);
    if (str_format(folder, sizeof folder, "%s/%llu", e->tenants, (unsigned long long)o.number) != 0)
        return err_set(err, ERR_INVALID, "tenants_folder", "The tenants' folder is too deep.");
    return file_remove_tree(folder, err);
}

static int docker_inspect(void *self, const struct runtime_order *order, struct runtime_status *out,
                          struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;

    if (docker_container_find(&e->api, &o, &c, err) == -1)
        return -1;
    take_status(e, &o, &c, out); /* none: zeros, which is RUNTIME_ABSENT */
    return 0;
}

static int docker_logs(void *self, const struct runtime_order *order, uint32_t lines,
                       struct buf *out, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;

    if (docker_container_need(&e->api, &o, &c, err) != 0)
        return -1;
    return docker_container_logs(&e->api, &c, lines, out, err);
}

static int docker_stats(void *self, const struct runtime_order *order, struct runtime_stats *out,
                        struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;
    char folder[400];

    if (docker_container_need(&e->api, &o, &c, err) != 0 ||
        docker_container_stats(&e->api, &c, out, err) != 0)
        return -1;
    if (is_elsewhere(e))
        return docker_volumes_bytes(&e->api, &e->usage, &o, &out->storage_bytes, err);
    if (str_format(folder, sizeof folder, "%s/%llu", e->tenants, (unsigned long long)o.number) != 0)
        return err_set(err, ERR_INVALID, "tenants_folder", "The tenants' folder is too deep.");
    return folder_bytes(folder, &out->storage_bytes, err);
}

static int docker_exec(void *self, const struct runtime_order *order, const struct blueprint *b,
                       const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                       struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];
    struct docker_network network;
    struct docker_container c;
    struct docker_plan *plan;
    int rc;

    if (docker_container_need(&e->api, &o, &c, err) != 0)
        return -1;
    if ((rc = docker_network_find(&e->api, &o, &network, err)) != 1)
        return rc == -1 ? -1
                        : err_set(err, ERR_NOT_FOUND, "network_missing",
                                  "There is no network \"%s\".", o.mark);
    if ((plan = malloc(sizeof *plan)) == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory for a container's description.");
    if ((rc = plan_of(e, plan, &o, b, &network, err)) == 0 &&
        (rc = runtime_argv(space, argv, command, &plan->vars, err)) == 0 &&
        (rc = docker_container_exec(&e->api, &c, argv, timeout_s, out, err)) != 0)
        runtime_hide_secrets(err, &plan->vars);
    free(plan);
    return rc;
}

int runtime_docker_init(struct runtime *r, const struct runtime_order *order,
                        const struct blueprint *b, struct err *err)
{
    struct engine *e = r->self;
    struct runtime_order o = complete(e, order);
    char mark[16];

    for (uint32_t k = 0; k < b->init_count; k++) {
        struct buf out;
        int rc;

        (void)str_format(mark, sizeof mark, "init.%u", k);
        if ((rc = docker_volume_there(&e->api, &o, mark, err)) == 0) {
            buf_init(&out, 4096);
            rc = docker_exec(e, &o, b, &b->init[k], INIT_S, &out, err);
            buf_free(&out);
            if (rc == 0)
                rc = docker_volume_make(&e->api, &o, mark, err);
        }
        if (rc == -1)
            return -1;
    }
    return 0;
}

int runtime_docker_info(struct runtime *r, struct docker_reply *info, struct err *err)
{
    struct engine *e = r->self;

    if (docker_api_call(&e->api, "GET", "/info", NULL, DOCKER_API_QUICK_S, info, err) != 0)
        return -1;
    if (info->status == 200)
        return 0;
    (void)docker_api_refused(info, "asking what it can", err);
    docker_reply_free(info);
    return -1;
}

int runtime_docker_version(struct runtime *r, char *out, size_t size, struct err *err)
{
    struct engine *e = r->self;
    struct docker_reply reply;
    int rc = -1;

    if (docker_api_call(&e->api, "GET", "/version", NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 200)
        rc = str_format(out, size, "%.30s %.30s",
                        strstr(json_text(reply.json, "Components[0].Name", "engine"), "Podman")
                            ? "Podman"
                            : "Docker",
                        json_text(reply.json, "Version", ""));
    else
        docker_api_refused(&reply, "asking for its version", err);
    docker_reply_free(&reply);
    return rc;
}

static int docker_pause(void *self, const struct runtime_order *order, bool pause, struct err *err)
{
    struct engine *e = self;
    struct runtime_order o = complete(e, order);
    struct docker_container c;

    if (docker_container_need(&e->api, &o, &c, err) != 0)
        return -1;
    return docker_container_pause(&e->api, &c, pause, err);
}

static int docker_list(void *self, const char *box_id, runtime_each *each, void *arg,
                       struct err *err)
{
    struct engine *e = self;

    return docker_list_ours(&e->api, box_id[0] == '\0' ? e->box_id : box_id, each, arg, err);
}

int runtime_docker_new(struct runtime *out, const struct runtime_docker_setup *setup,
                       struct err *err)
{
    struct engine *e = calloc(1, sizeof *e);

    if (e == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory for the container engine.");
    docker_usage_init(&e->usage);
    if (str_copy(e->tenants, sizeof e->tenants, setup->tenants == NULL ? "" : setup->tenants) !=
            0 ||
        str_copy(e->publish, sizeof e->publish,
                 setup->publish == NULL ? "127.0.0.1" : setup->publish) != 0 ||
        str_copy(e->box_id, sizeof e->box_id, setup->box_id) != 0) {
        err_set(err, ERR_INVALID, "docker_setup",
                "The tenants' folder, an address or the box's id is too long.");
        goto fail;
    }
    if (docker_pool_parse(&e->pool, setup->pool, err) != 0 ||
        (setup->socket != NULL
             ? docker_api_init(&e->api, setup->socket, err)
             : docker_api_init_tls(&e->api, setup->base, setup->identity, err)) != 0)
        goto fail;
    if (setup->name != NULL)
        docker_api_elsewhere(&e->api, setup->name);
    *out = (struct runtime){.name = "docker",
                            .self = e,
                            .create = docker_create,
                            .start = docker_start,
                            .stop = docker_stop,
                            .restart = docker_restart,
                            .remove = docker_remove,
                            .inspect = docker_inspect,
                            .logs = docker_logs,
                            .stats = docker_stats,
                            .exec = docker_exec,
                            .pause = docker_pause,
                            .list = docker_list};
    return 0;
fail:
    free(e);
    return -1;
}

void runtime_docker_free(struct runtime *r)
{
    struct engine *e;

    if (r == NULL || (e = r->self) == NULL)
        return;
    docker_api_free(&e->api);
    docker_usage_free(&e->usage);
    free(e);
    r->self = NULL;
}
