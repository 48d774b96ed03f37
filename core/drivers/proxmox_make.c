/*
 * How a container of Proxmox VE is made: where, from what, with which environment. Apart from its
 * life because this is what a blueprint says, put into the words of the API.
 */
#include "proxmox_make.h"

#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "json_in.h"
#include "str.h"

#define GIB      (1ull << 30)
#define FORM_MAX (64u * 1024u)

/* A container that is to be cloned is named by its number. */
static uint32_t clone_of(const struct blueprint *b)
{
    uint64_t n;

    return str_u64(b->image, 100, 999999999, &n) == 0 ? (uint32_t)n : 0;
}

/* ---- environment ---- */

/* Whether its version hands an environment to a container. Return 1, 0 or -1. */
static int gives_environment(struct proxmox *api, struct err *err)
{
    struct cJSON *json;
    char *end;
    long major, minor = 0;

    if (proxmox_call(api, "GET", "/version", NULL, &json, err) == -1)
        return -1;
    major = strtol(json_text(json, "data.version", "0"), &end, 10);
    if (*end == '.')
        minor = strtol(end + 1, NULL, 10);
    json_free(json);
    return major > 9 || (major == 9 && minor >= 1);
}

static void say_pair(struct buf *out, const char *name, const char *value, bool first)
{
    char text[KV_SIZE * 3];

    if (!first)
        (void)buf_text(out, "%00");
    if (http_escape(text, sizeof text, name) == 0)
        (void)buf_text(out, text);
    (void)buf_text(out, "%3D");
    if (http_escape(text, sizeof text, value) == 0)
        (void)buf_text(out, text);
    explicit_bzero(text, sizeof text);
}

/* Add the environment to a form, where that can be. */
static int say_environment(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                           const struct blueprint *b, struct buf *form, struct err *err)
{
    struct kv vars, env;
    const char *name, *value;
    size_t at = 0;
    bool first = true;
    int can;

    if (runtime_variables(&vars, o, b, "/", b->inner_port, err) == -1 ||
        runtime_environment(&env, &vars, b, err) == -1 ||
        (can = gives_environment(setup->api, err)) == -1)
        return -1;
    if (can == 0) {
        if (b->env.len == 0 && !b->database)
            return 0;
        (void)err_set(err, ERR_INVALID, "environment_not_possible",
                      "Proxmox VE before 9.1 cannot give a container the environment that "
                      "blueprint %s wants",
                      b->name);
        return err_hint(err, "upgrade it, or let the template do without [env] and database");
    }
    (void)buf_text(form, form->len > 0 ? "&env=" : "env=");
    for (; kv_next(&env, &at, &name, &value) == 1; first = false)
        say_pair(form, name, value, first);
    explicit_bzero(&env, sizeof env);
    explicit_bzero(&vars, sizeof vars);
    return form->failed ? err_set(err, ERR_TOO_LARGE, "environment_too_large",
                                  "the environment of container %u does not fit", o->guest)
                        : 0;
}

static void forget(struct buf *form)
{
    if (form->data != NULL)
        explicit_bzero(form->data, form->cap);
    buf_free(form);
}

/* ---- making ---- */

static int make_new(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                    const struct blueprint *b, struct err *err)
{
    struct proxmox_seen nothing = {.there = false};
    char path[PROXMOX_PATH_SIZE];
    struct buf form;
    int result = -1;

    buf_init(&form, FORM_MAX);
    (void)str_format(path, sizeof path, "/nodes/%s/lxc", o->node);
    if (proxmox_guest_form(&form, setup, o, b, &nothing, err) == 0 &&
        say_environment(setup, o, b, &form, err) == 0)
        result = proxmox_task(setup->api, "POST", path, &form, PROXMOX_TASK_MS, err);
    forget(&form);
    return result;
}

struct source {
    uint32_t vmid;
    char node[PROXMOX_NODE_SIZE];
};

static int is_source(void *arg, const struct proxmox_guest *guest, struct err *err)
{
    struct source *s = arg;

    (void)err;
    if (guest->vmid == s->vmid && guest->container)
        (void)str_copy(s->node, sizeof s->node, guest->node);
    return 0;
}

static int find_source(const struct runtime_proxmox_setup *setup, const struct blueprint *b,
                       struct proxmox_cluster *cluster, struct source *s, struct err *err)
{
    memset(s, 0, sizeof *s);
    s->vmid = clone_of(b);
    if (proxmox_look(setup->api, setup->storage, cluster, is_source, s, err) == -1)
        return -1;
    if (s->vmid != 0 && s->node[0] == '\0')
        return err_set(err, ERR_INVALID, "template_missing",
                       "there is no container %u to clone, which blueprint %s names", s->vmid,
                       b->name);
    return 0;
}

static int make_clone(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                      const struct blueprint *b, struct err *err)
{
    struct proxmox_cluster *cluster = calloc(1, sizeof *cluster);
    char path[PROXMOX_PATH_SIZE], mark[PROXMOX_MARK_SIZE], vmid[16];
    struct source source;
    struct buf form;
    int result = -1;

    if (cluster == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a cluster");
    buf_init(&form, FORM_MAX);
    if (find_source(setup, b, cluster, &source, err) == 0) {
        (void)str_format(path, sizeof path, "/nodes/%s/lxc/%u/clone", source.node, source.vmid);
        (void)str_format(vmid, sizeof vmid, "%u", o->guest);
        proxmox_guest_mark(mark, o);
        http_form(&form, "newid", vmid);
        http_form(&form, "hostname", o->mark);
        http_form(&form, "description", mark);
        http_form(&form, "full", "1");
        http_form(&form, "storage", setup->storage);
        if (!str_equal(source.node, o->node))
            http_form(&form, "target", o->node);
        if (setup->pool[0] != '\0')
            http_form(&form, "pool", setup->pool);
        result = proxmox_task(setup->api, "POST", path, &form, PROXMOX_TASK_MS, err);
    }
    buf_free(&form);
    free(cluster);
    return result;
}

/* The container as order and blueprint want it: limits, network, environment, size. */
int proxmox_make_so(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                    const struct blueprint *b, const struct proxmox_seen *seen, struct err *err)
{
    bool environment = clone_of(b) != 0;
    uint64_t gib = (proxmox_guest_limits(o, b).storage_bytes + GIB - 1) / GIB;
    char path[PROXMOX_PATH_SIZE], size[24];
    struct buf form;
    int result = 0;

    buf_init(&form, FORM_MAX);
    proxmox_guest_path(path, o, seen, "/config");
    if (proxmox_guest_form(&form, setup, o, b, seen, err) == -1 ||
        (environment && say_environment(setup, o, b, &form, err) == -1) ||
        (form.len > 0 && proxmox_call(setup->api, "PUT", path, &form, NULL, err) == -1))
        result = -1;
    forget(&form);
    if (result == -1 || seen->disk_gib >= gib)
        return result;
    buf_init(&form, 256); /* it only grows */
    (void)str_format(size, sizeof size, "%lluG", (unsigned long long)gib);
    http_form(&form, "disk", "rootfs");
    http_form(&form, "size", size);
    proxmox_guest_path(path, o, seen, "/resize");
    result = proxmox_task(setup->api, "PUT", path, &form, PROXMOX_TASK_MS, err);
    buf_free(&form);
    return result;
}

int proxmox_make(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                 const struct blueprint *b, struct err *err)
{
    return clone_of(b) != 0 ? make_clone(setup, o, b, err) : make_new(setup, o, b, err);
}

/* ---- where ---- */

/* Whether the node has the template. Return 1, 0 or -1. */
static int has_template(const struct runtime_proxmox_setup *setup, const struct blueprint *b,
                        const char *node, struct err *err)
{
    char path[PROXMOX_PATH_SIZE], storage[64];
    const struct cJSON *all, *item = NULL;
    struct cJSON *json;
    int found = 0;

    if (str_copy_n(storage, sizeof storage, b->image, strcspn(b->image, ":")) == -1 ||
        str_format(path, sizeof path, "/nodes/%s/storage/%s/content?content=vztmpl", node,
                   storage) == -1)
        return err_set(err, ERR_INVALID, "image", "\"%s\" is no template", b->image);
    if (proxmox_call(setup->api, "GET", path, NULL, &json, err) == -1)
        return err->kind == ERR_UNAUTHENTICATED || err->kind == ERR_FORBIDDEN ? -1 : 0;
    all = json_at(json, "data");
    while (found == 0 && (item = json_next(all, item)) != NULL)
        found = str_equal(json_text(item, "volid", ""), b->image);
    json_free(json);
    return found;
}

static int none_fits(const struct proxmox_cluster *cluster, const struct proxmox_need *need,
                     const char *const why[PROXMOX_NODES], struct err *err)
{
    char text[320] = "";

    for (unsigned i = 0; i < cluster->count; i++) {
        const char *word = why[i] != NULL ? why[i] : proxmox_may(need, &cluster->nodes[i]);
        size_t len = strlen(text);

        if (proxmox_listed(need->nodes, cluster->nodes[i].name))
            (void)snprintf(text + len, sizeof text - len, "%s%s %s", len == 0 ? "" : "; ",
                           cluster->nodes[i].name, word == NULL ? "was not chosen" : word);
    }
    if (text[0] == '\0')
        (void)snprintf(text, sizeof text, "there is no node %.200s", need->nodes);
    (void)err_set(err, ERR_QUOTA, "no_node_fits", "no node can take it: %s", text);
    return err_hint(err, "sett proxmox check shows what each node has");
}

int proxmox_make_where(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                       const struct blueprint *b, const char *nodes, const char *not_on,
                       char node[PROXMOX_NODE_SIZE], struct err *err)
{
    struct limits limits = proxmox_guest_limits(o, b);
    struct proxmox_need need = {limits.memory_bytes, limits.storage_bytes, limits.cpu_millis, nodes,
                                not_on};
    struct proxmox_cluster *cluster = calloc(1, sizeof *cluster);
    const char *why[PROXMOX_NODES] = {NULL};
    const struct proxmox_node *best;
    struct source source;
    int result = -1, has;

    if (cluster == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a cluster");
    if (find_source(setup, b, cluster, &source, err) == -1)
        goto done;
    for (unsigned i = 0; i < cluster->count && source.vmid != 0; i++)
        if (!cluster->nodes[i].storage_shared && !str_equal(cluster->nodes[i].name, source.node)) {
            why[i] = "has not the container to clone, nor a storage that is shared";
            cluster->nodes[i].online = false;
        }
    while ((best = proxmox_choose(cluster, &need)) != NULL) {
        unsigned i = (unsigned)(best - cluster->nodes);

        has = source.vmid != 0 || o->node[0] != '\0' ? 1 : has_template(setup, b, best->name, err);
        if (has == 1)
            result = str_copy(node, PROXMOX_NODE_SIZE, best->name);
        if (has != 0)
            goto done;
        why[i] = "has not the template";
        cluster->nodes[i].online = false;
    }
    result = none_fits(cluster, &need, why, err);
done:
    free(cluster);
    return result;
}
