/*
 * The service as JSON. Apart because here stands, in one screen, what a tenant in a swarm may and
 * may not do, and it is the page to read when that is in question.
 */
#include "swarm_spec.h"

#include "enc.h"
#include "json_out.h"
#include "str.h"
#include "swarm_secret.h"

#include <sodium.h>
#include <string.h>

#define BODY_MAX   (256u * 1024u)
#define NPROC      16384u
#define TMPFS_MODE 01777u
#define SECOND     1000000000ull

static const char *const root_capabilities[] = {
    "CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE",
    "CAP_SETGID", "CAP_SETUID",       NULL};

static void key_object(struct json_out *j, const char *key)
{
    json_out_key(j, key);
    json_out_object(j);
}

static void key_list(struct json_out *j, const char *key, const char *const *values)
{
    json_out_key(j, key);
    json_out_array(j);
    for (; *values != NULL; values++)
        json_out_text(j, *values);
    json_out_end_array(j);
}

static void write_labels(struct json_out *j, const struct swarm_plan *p)
{
    char number[24];

    key_object(j, "Labels");
    json_out_key_text(j, "sett.tenant", p->order->tenant_id);
    json_out_key_text(j, "sett.job", p->order->job_id);
    json_out_key_text(j, "sett.box", p->order->box_id);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)p->order->number);
    json_out_key_text(j, "sett.number", number);
    json_out_key_text(j, "sett.config", p->hash);
    json_out_key_text(j, "sett.started", p->started ? "yes" : "no");
    json_out_end_object(j);
}

static void write_tmpfs(struct json_out *j, const char *target, uint64_t bytes)
{
    json_out_object(j);
    json_out_key_text(j, "Type", "tmpfs");
    json_out_key_text(j, "Target", target);
    key_object(j, "TmpfsOptions");
    json_out_key_u64(j, "SizeBytes", bytes);
    json_out_key_u64(j, "Mode", TMPFS_MODE);
    json_out_end_object(j);
    json_out_end_object(j);
}

static void write_mounts(struct json_out *j, const struct swarm_plan *p)
{
    const struct blueprint *b = p->blueprint;

    json_out_key(j, "Mounts");
    json_out_array(j);
    docker_body_binds(j, b, p->folder);
    if (b->read_only) {
        write_tmpfs(j, "/tmp", 64u << 20);
        write_tmpfs(j, "/run", 16u << 20);
    }
    json_out_end_array(j);
}

static void write_ulimit(struct json_out *j, const char *name, uint64_t n)
{
    json_out_object(j);
    json_out_key_text(j, "Name", name);
    json_out_key_u64(j, "Soft", n);
    json_out_key_u64(j, "Hard", n);
    json_out_end_object(j);
}

static bool starts_as_root(const char *user)
{
    return user[0] == '\0' || str_equal(user, "root") || str_equal(user, "0") ||
           str_starts(user, "root:") || str_starts(user, "0:");
}

static int write_container(struct json_out *j, const struct swarm_plan *p, struct err *err)
{
    static const char *const all[] = {"ALL", NULL}, *const none[] = {NULL};
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];
    const struct blueprint *b = p->blueprint;

    key_object(j, "ContainerSpec");
    json_out_key_text(j, "Image", b->image);
    if (b->user[0] != '\0')
        json_out_key_text(j, "User", b->user);
    if (b->command.count > 0) {
        if (runtime_argv(space, argv, &b->command, &p->vars, err) == -1)
            return -1;
        key_list(j, "Args", (const char *const *)argv);
    }
    docker_body_env(j, &p->env);
    write_mounts(j, p);
    json_out_key_bool(j, "ReadOnly", b->read_only);
    key_list(j, "CapabilityDrop", all);
    key_list(j, "CapabilityAdd", starts_as_root(b->user) ? root_capabilities : none);
    if (p->secret_name[0] != '\0') {
        json_out_key(j, "Secrets");
        json_out_array(j);
        json_out_object(j);
        json_out_key_text(j, "SecretID", p->secret_id);
        json_out_key_text(j, "SecretName", p->secret_name);
        key_object(j, "File");
        json_out_key_text(j, "Name", strrchr(SWARM_SECRET_FILE, '/') + 1);
        json_out_key_text(j, "UID", "0");
        json_out_key_text(j, "GID", "0");
        json_out_key_u64(j, "Mode", 0444);
        json_out_end_object(j);
        json_out_end_object(j);
        json_out_end_array(j);
    }
    if (p->no_new_privileges) {
        key_object(j, "Privileges");
        json_out_key_bool(j, "NoNewPrivileges", true);
        json_out_end_object(j);
    }
    json_out_key(j, "Ulimits");
    json_out_array(j);
    if (p->limits.nofile > 0)
        write_ulimit(j, "nofile", p->limits.nofile);
    write_ulimit(j, "nproc", NPROC);
    json_out_end_array(j);
    json_out_key_u64(j, "StopGracePeriod", 10 * SECOND);
    json_out_end_object(j);
    return 0;
}

static void write_placement(struct json_out *j, const struct swarm_plan *p)
{
    char node[96];

    key_object(j, "Placement");
    json_out_key(j, "Constraints");
    json_out_array(j);
    for (uint32_t i = 0; i < p->blueprint->constraint_count; i++)
        json_out_text(j, p->blueprint->constraints[i]);
    if (p->node[0] != '\0') {
        (void)str_format(node, sizeof node, "node.id==%s", p->node);
        json_out_text(j, node);
    }
    json_out_end_array(j);
    json_out_end_object(j);
}

static int write_task(struct json_out *j, const struct swarm_plan *p, struct err *err)
{
    char network[64];

    key_object(j, "TaskTemplate");
    if (write_container(j, p, err) == -1)
        return -1;
    json_out_key(j, "Networks");
    json_out_array(j);
    json_out_object(j);
    (void)str_format(network, sizeof network, SWARM_NETWORK, p->order->mark);
    json_out_key_text(j, "Target", network);
    json_out_end_object(j);
    json_out_end_array(j);
    key_object(j, "Resources");
    key_object(j, "Limits");
    json_out_key_u64(j, "MemoryBytes", p->limits.memory_bytes);
    json_out_key_u64(j, "NanoCPUs", (uint64_t)p->limits.cpu_millis * 1000000u);
    json_out_key_u64(j, "Pids", p->limits.pids);
    json_out_end_object(j);
    json_out_end_object(j);
    key_object(j, "RestartPolicy");
    json_out_key_text(j, "Condition", "any");
    json_out_key_u64(j, "Delay", SECOND);
    json_out_end_object(j);
    write_placement(j, p);
    key_object(j, "LogDriver");
    json_out_key_text(j, "Name", "json-file");
    key_object(j, "Options");
    json_out_key_text(j, "max-size", "10m");
    json_out_key_text(j, "max-file", "3");
    json_out_end_object(j);
    json_out_end_object(j);
    json_out_key_u64(j, "ForceUpdate", p->force);
    json_out_end_object(j);
    return 0;
}

static void write_update(struct json_out *j, const char *key, const char *on_failure)
{
    key_object(j, key);
    json_out_key_u64(j, "Parallelism", 1);
    json_out_key_text(j, "Order", "stop-first");
    json_out_key_text(j, "FailureAction", on_failure);
    json_out_key_u64(j, "Monitor", 2 * SECOND);
    json_out_end_object(j);
}

static void write_port(struct json_out *j, const struct swarm_plan *p)
{
    key_object(j, "EndpointSpec");
    json_out_key_text(j, "Mode", "dnsrr");
    json_out_key(j, "Ports");
    json_out_array(j);
    json_out_object(j);
    json_out_key_text(j, "Protocol", "tcp");
    json_out_key_text(j, "PublishMode", "host");
    json_out_key_u64(j, "TargetPort", p->blueprint->inner_port);
    json_out_key_u64(j, "PublishedPort", p->order->port);
    json_out_end_object(j);
    json_out_end_array(j);
    json_out_end_object(j);
}

int swarm_spec_write(struct buf *out, const struct swarm_plan *p, struct err *err)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "Name", p->order->mark);
    if (p->hash[0] != '\0')
        write_labels(&j, p);
    if (write_task(&j, p, err) == -1)
        return -1;
    key_object(&j, "Mode");
    key_object(&j, "Replicated");
    json_out_key_u64(&j, "Replicas", p->replicas);
    json_out_end_object(&j);
    json_out_end_object(&j);
    write_update(&j, "UpdateConfig", "rollback");
    write_update(&j, "RollbackConfig", "pause");
    write_port(&j, p);
    json_out_end_object(&j);
    if (out->failed)
        return err_set(err, ERR_TOO_LARGE, "service_too_large",
                       "The description of service %s is too large.", p->order->mark);
    return 0;
}

/* Over the body as it would be sent, without labels and without what says whether it runs. */
static int hash_plan(struct swarm_plan *p, struct err *err)
{
    unsigned char digest[16];
    struct buf body;
    int rc;

    buf_init(&body, BODY_MAX);
    p->hash[0] = '\0';
    p->replicas = 0;
    p->force = 0;
    rc = swarm_spec_write(&body, p, err);
    if (rc == 0) {
        crypto_generichash(digest, sizeof digest, (const unsigned char *)buf_string(&body),
                           body.len, NULL, 0);
        enc_hex(p->hash, digest, sizeof digest);
    }
    buf_free(&body);
    return rc;
}

static bool is_loopback(const char *host)
{
    return host != NULL &&
           (str_equal(host, "localhost") || str_starts(host, "127.") || str_equal(host, "::1"));
}

bool swarm_spec_reads_file(const struct blueprint *b)
{
    static const char name[] = "${DB_PASSWORD_FILE}";
    const char *variable, *value;
    bool found = false;
    size_t at = 0;

    while (!found && kv_next(&b->env, &at, &variable, &value) == 1)
        found = strstr(value, name) != NULL;
    for (uint32_t i = 0; !found && i < b->command.count; i++)
        found = strstr(b->command.args[i], name) != NULL;
    return found;
}

int swarm_spec_plan(struct swarm_plan *p, const struct runtime_order *o, const struct blueprint *b,
                    const char *tenants, struct err *err)
{
    p->order = o;
    p->blueprint = b;
    p->limits = b->limits;
    limits_over(&p->limits, &o->limits);
    if (str_format(p->folder, sizeof p->folder, "%s/%llu", tenants,
                   (unsigned long long)o->number) != 0)
        return err_set(err, ERR_INVALID, "tenants_folder", "The tenants' folder is too deep.");
    if (runtime_variables(&p->vars, o, b, b->volume_count > 0 ? b->volumes[0].target : "/",
                          b->inner_port, err) != 0)
        return -1;
    kv_unset(&p->vars, "BLUEPRINT_FOLDER"); /* the host's affair */
    if (is_loopback(kv_get(&p->vars, "DB_HOST")) && p->gateway[0] != '\0' &&
        kv_set(&p->vars, "DB_HOST", p->gateway) != 0)
        return err_set(err, ERR_TOO_LARGE, "variables_too_large",
                       "The variables of tenant %llu do not fit.", (unsigned long long)o->number);
    if (swarm_spec_reads_file(b) && kv_set(&p->vars, "DB_PASSWORD_FILE", SWARM_SECRET_FILE) != 0)
        return err_set(err, ERR_TOO_LARGE, "variables_too_large",
                       "The variables of tenant %llu do not fit.", (unsigned long long)o->number);
    if (runtime_environment(&p->env, &p->vars, b, err) != 0)
        return -1;
    if (p->secret_name[0] != '\0')
        kv_unset(&p->env, "DB_PASSWORD");
    return hash_plan(p, err);
}
