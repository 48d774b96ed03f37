/*
 * The container as JSON. Apart because here stands, in one screen, what a tenant may and may not
 * do, and it is the page to read when that is in question.
 */
#include "docker_body.h"

#include "docker_volume.h"

#include "enc.h"
#include "str.h"

#include <sodium.h>
#include <string.h>

#define BODY_MAX  (256u * 1024u)
#define NPROC     16384u
#define TMPFS_TMP "rw,nosuid,nodev,size=64m,mode=1777"
#define TMPFS_RUN "rw,nosuid,nodev,size=16m,mode=1777"

static const char *const root_capabilities[] = {
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID", NULL};

static void key_string_u64(struct json_out *j, const char *key, uint64_t n)
{
    char text[24];

    (void)str_format(text, sizeof text, "%llu", (unsigned long long)n);
    json_out_key_text(j, key, text);
}

static void key_list(struct json_out *j, const char *key, const char *const *values)
{
    json_out_key(j, key);
    json_out_array(j);
    for (; *values != NULL; values++)
        json_out_text(j, *values);
    json_out_end_array(j);
}

static void write_labels(struct json_out *j, const struct docker_plan *p)
{
    json_out_key(j, "Labels");
    json_out_object(j);
    json_out_key_text(j, "sett.tenant", p->order->tenant_id);
    json_out_key_text(j, "sett.job", p->order->job_id);
    json_out_key_text(j, "sett.box", p->order->box_id);
    key_string_u64(j, "sett.number", p->order->number);
    json_out_key_text(j, "sett.config", p->hash);
    json_out_end_object(j);
}

static int write_command(struct json_out *j, const struct docker_plan *p, struct err *err)
{
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];

    if (p->blueprint->command.count == 0)
        return 0;
    if (runtime_argv(space, argv, &p->blueprint->command, &p->vars, err) != 0)
        return -1;
    key_list(j, "Cmd", (const char *const *)argv);
    return 0;
}

void docker_body_env(struct json_out *j, const struct kv *env)
{
    const char *name, *value;
    char row[KV_NAME_MAX + KV_SIZE];
    size_t at = 0;

    json_out_key(j, "Env");
    json_out_array(j);
    while (kv_next(env, &at, &name, &value) == 1)
        if (str_format(row, sizeof row, "%s=%s", name, value) == 0)
            json_out_text(j, row);
    json_out_end_array(j);
}

void docker_body_binds(struct json_out *j, const struct blueprint *b, const char *folder)
{
    char source[512];

    for (uint32_t i = 0; i < b->volume_count; i++) {
        (void)str_format(source, sizeof source, "%s/%s", folder, b->volumes[i].name);
        json_out_object(j);
        json_out_key_text(j, "Type", "bind");
        json_out_key_text(j, "Source", source);
        json_out_key_text(j, "Target", b->volumes[i].target);
        json_out_key(j, "BindOptions");
        json_out_object(j);
        json_out_key_text(j, "Propagation", "rprivate");
        json_out_end_object(j);
        json_out_end_object(j);
    }
}

/* Likewise, of what the engine keeps itself. */
static void write_volumes(struct json_out *j, const struct docker_plan *p)
{
    char source[DOCKER_VOLUME_NAME];

    for (uint32_t i = 0; i < p->blueprint->volume_count; i++) {
        docker_volume_name(source, p->order, p->blueprint->volumes[i].name);
        json_out_object(j);
        json_out_key_text(j, "Type", "volume");
        json_out_key_text(j, "Source", source);
        json_out_key_text(j, "Target", p->blueprint->volumes[i].target);
        json_out_end_object(j);
    }
}

static void write_port(struct json_out *j, const struct docker_plan *p, const char *inner)
{
    json_out_key(j, "PortBindings");
    json_out_object(j);
    json_out_key(j, inner);
    json_out_array(j);
    json_out_object(j);
    json_out_key_text(j, "HostIp", p->publish);
    key_string_u64(j, "HostPort", p->order->port);
    json_out_end_object(j);
    json_out_end_array(j);
    json_out_end_object(j);
}

static void write_ulimit(struct json_out *j, const char *name, uint64_t n)
{
    json_out_object(j);
    json_out_key_text(j, "Name", name);
    json_out_key_u64(j, "Soft", n);
    json_out_key_u64(j, "Hard", n);
    json_out_end_object(j);
}

/* What both create and update take. 0 is no limit to both. */
static void write_limits(struct json_out *j, const struct limits *limits)
{
    json_out_key_u64(j, "Memory", limits->memory_bytes);
    json_out_key_u64(j, "MemorySwap", limits->memory_bytes); /* memory and swap together */
    json_out_key_u64(j, "NanoCpus", (uint64_t)limits->cpu_millis * 1000000u);
    json_out_key_u64(j, "PidsLimit", limits->pids);
}

static bool starts_as_root(const char *user)
{
    return user[0] == '\0' || str_equal(user, "root") || str_equal(user, "0") ||
           str_starts(user, "root:") || str_starts(user, "0:");
}

static void write_host(struct json_out *j, const struct docker_plan *p, const char *inner)
{
    static const char *const all[] = {"ALL", NULL}, *const none[] = {NULL};
    static const char *const security[] = {"no-new-privileges", NULL};
    const struct blueprint *b = p->blueprint;

    json_out_key(j, "HostConfig");
    json_out_object(j);
    json_out_key_text(j, "NetworkMode", p->order->mark);
    write_limits(j, &p->limits);
    json_out_key(j, "Ulimits");
    json_out_array(j);
    if (p->limits.nofile > 0)
        write_ulimit(j, "nofile", p->limits.nofile);
    write_ulimit(j, "nproc", NPROC);
    json_out_end_array(j);
    json_out_key_bool(j, "ReadonlyRootfs", b->read_only);
    if (b->read_only) {
        json_out_key(j, "Tmpfs");
        json_out_object(j);
        json_out_key_text(j, "/tmp", TMPFS_TMP);
        json_out_key_text(j, "/run", TMPFS_RUN);
        json_out_end_object(j);
    }
    key_list(j, "CapDrop", all);
    key_list(j, "CapAdd", starts_as_root(b->user) ? root_capabilities : none);
    key_list(j, "SecurityOpt", security);
    json_out_key(j, "RestartPolicy");
    json_out_object(j);
    json_out_key_text(j, "Name", "unless-stopped");
    json_out_end_object(j);
    json_out_key(j, "LogConfig");
    json_out_object(j);
    json_out_key_text(j, "Type", "json-file");
    json_out_key(j, "Config");
    json_out_object(j);
    json_out_key_text(j, "max-size", "10m");
    json_out_key_text(j, "max-file", "3");
    json_out_end_object(j);
    json_out_end_object(j);
    write_port(j, p, inner);
    json_out_key(j, "Mounts");
    json_out_array(j);
    if (p->folder[0] != '\0')
        docker_body_binds(j, p->blueprint, p->folder);
    else
        write_volumes(j, p);
    json_out_end_array(j);
    json_out_end_object(j);
}

static int write_body(struct json_out *j, const struct docker_plan *p, struct err *err)
{
    const struct blueprint *b = p->blueprint;
    char inner[24];

    (void)str_format(inner, sizeof inner, "%u/tcp", b->inner_port);
    json_out_object(j);
    json_out_key_text(j, "Image", b->image);
    if (b->user[0] != '\0')
        json_out_key_text(j, "User", b->user);
    if (write_command(j, p, err) != 0)
        return -1;
    docker_body_env(j, &p->env);
    json_out_key(j, "ExposedPorts");
    json_out_object(j);
    json_out_key(j, inner);
    json_out_object(j);
    json_out_end_object(j);
    json_out_end_object(j);
    if (p->hash[0] != '\0')
        write_labels(j, p);
    write_host(j, p, inner);
    json_out_end_object(j);
    return 0;
}

int docker_body_write(struct buf *out, const struct docker_plan *plan, struct err *err)
{
    struct json_out j;

    json_out_init(&j, out);
    if (write_body(&j, plan, err) != 0)
        return -1;
    if (out->failed)
        return err_set(err, ERR_TOO_LARGE, "container_too_large",
                       "The description of container %s is too large.", plan->order->mark);
    return 0;
}

int docker_body_update(struct buf *out, const struct limits *limits)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    write_limits(&j, limits);
    json_out_end_object(&j);
    return out->failed ? -1 : 0;
}

/* The hash: over the body as it would be sent, without labels and without the size of the limits
 * that an update can change (it cannot take one away), and over the subnet, since a container
 * keeps the one it was made in. */
static int hash_plan(struct docker_plan *plan, struct err *err)
{
    const struct limits limits = plan->limits;
    unsigned char digest[16];
    struct buf body;
    int rc;

    buf_init(&body, BODY_MAX);
    plan->hash[0] = '\0';
    plan->limits.memory_bytes = limits.memory_bytes > 0; /* whether, not how much */
    plan->limits.cpu_millis = limits.cpu_millis > 0;
    plan->limits.pids = limits.pids > 0;
    rc = docker_body_write(&body, plan, err);
    plan->limits = limits;
    if (rc == 0) {
        (void)buf_text(&body, plan->network.subnet);
        crypto_generichash(digest, sizeof digest, (const unsigned char *)buf_string(&body),
                           body.len, NULL, 0);
        enc_hex(plan->hash, digest, sizeof digest);
    }
    buf_free(&body);
    return rc;
}

static bool is_loopback(const char *host)
{
    return host != NULL &&
           (str_equal(host, "localhost") || str_starts(host, "127.") || str_equal(host, "::1"));
}

int docker_body_plan(struct docker_plan *plan, const struct runtime_order *o,
                     const struct blueprint *b, const struct docker_network *network,
                     const char *tenants, const char *publish, struct err *err)
{
    bool loopback;

    memset(plan, 0, sizeof *plan);
    plan->order = o;
    plan->blueprint = b;
    plan->network = *network;
    plan->limits = b->limits;
    limits_over(&plan->limits, &o->limits);
    if (str_copy(plan->publish, sizeof plan->publish, publish) != 0)
        return err_set(err, ERR_INVALID, "publish", "The address \"%.60s\" is too long.", publish);
    if (tenants != NULL && str_format(plan->folder, sizeof plan->folder, "%s/%llu", tenants,
                                      (unsigned long long)o->number) != 0)
        return err_set(err, ERR_INVALID, "tenants_folder", "The tenants' folder is too deep.");
    if (runtime_variables(&plan->vars, o, b, b->volume_count > 0 ? b->volumes[0].target : "/",
                          b->inner_port, err) != 0)
        return -1;
    kv_unset(&plan->vars, "BLUEPRINT_FOLDER"); /* the host's affair; a container has none */
    if ((loopback = is_loopback(kv_get(&plan->vars, "DB_HOST"))) && tenants == NULL) {
        (void)err_set(err, ERR_INVALID, "database_out_of_reach",
                      "The database is on this box's loopback, which an engine on another machine "
                      "does not reach.");
        return err_hint(err, "Name a server that it reaches in the setting database.admin.");
    }
    if (loopback && kv_set(&plan->vars, "DB_HOST", network->gateway) != 0)
        return err_set(err, ERR_TOO_LARGE, "variables_too_large",
                       "The variables of tenant %llu do not fit.", (unsigned long long)o->number);
    if (runtime_environment(&plan->env, &plan->vars, b, err) != 0)
        return -1;
    return hash_plan(plan, err);
}
