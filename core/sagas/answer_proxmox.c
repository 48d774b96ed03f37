/*
 * What Proxmox VE's API says of our token, our settings and its nodes. Apart from the other answers
 * because it is asked before there is any tenant there, and because each thing that is missing is
 * told with the command that gives it.
 */
#include "answer_proxmox.h"

#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "json_in.h"
#include "json_out.h"
#include "plan.h"
#include "setting.h"
#include "str.h"

#define OLDEST 8 /* the first version that tells what DHCP gave */

/* What the token must be allowed, and where. */
enum where { AT_GUESTS, AT_STORAGE, AT_NODES, AT_NETWORK };
static const struct {
    const char *privilege;
    enum where where;
    const char *why;
} wanted[] = {
    {"VM.Allocate", AT_GUESTS, "make and remove containers"},
    {"VM.Audit", AT_GUESTS, "see them"},
    {"VM.PowerMgmt", AT_GUESTS, "start and stop them"},
    {"VM.Clone", AT_GUESTS, "clone one"},
    {"VM.Migrate", AT_GUESTS, "carry them to other nodes"},
    {"VM.Config.Disk", AT_GUESTS, "give them disks"},
    {"VM.Config.CPU", AT_GUESTS, "set their processors"},
    {"VM.Config.Memory", AT_GUESTS, "set their memory"},
    {"VM.Config.Network", AT_GUESTS, "set their network"},
    {"VM.Config.Options", AT_GUESTS, "mark them"},
    {"Datastore.AllocateSpace", AT_STORAGE, "put their disks there"},
    {"Datastore.Audit", AT_STORAGE, "see the storage"},
    {"Sys.Audit", AT_NODES, "see what the nodes have free"},
    {"SDN.Use", AT_NETWORK, "join the bridge"},
};

/* Whether the privilege is held at a path or passed on from above it. */
static bool held(const struct cJSON *all, const char *path, const char *privilege)
{
    const struct cJSON *at = NULL;

    while ((at = json_next(all, at)) != NULL) {
        const char *place = json_name(at);
        size_t len = strlen(place);
        bool above = str_equal(place, "/") || str_equal(place, path) ||
                     (strncmp(path, place, len) == 0 && path[len] == '/');
        const struct cJSON *one = NULL;

        while (above && (one = json_next(at, one)) != NULL)
            if (str_equal(json_name(one), privilege) &&
                (str_equal(place, path) || json_loose(one, "", 0) != 0))
                return true;
    }
    return false;
}

/* What is asked for, and what of it is wrong. */
struct checking {
    struct providers *p;
    struct json_out *j;
    char storage[512], bridge[512], pool[512], addresses[512];
    bool ok, clones; /* clones: a blueprint names a container to clone */
    unsigned guests;
};

static void problem(struct checking *c, const char *what, const char *remedy)
{
    c->ok = false;
    json_out_object(c->j);
    json_out_key_text(c->j, "what", what);
    json_out_key_text(c->j, "remedy", remedy);
    json_out_end_object(c->j);
}

static void place_of(const struct checking *c, enum where where, char out[600])
{
    switch (where) {
    case AT_GUESTS:
        if (c->pool[0] != '\0')
            (void)str_format(out, 600, "/pool/%s", c->pool);
        else
            (void)str_copy(out, 600, "/vms");
        return;
    case AT_STORAGE:
        (void)str_format(out, 600, "/storage/%s", c->storage);
        return;
    case AT_NODES:
        (void)str_copy(out, 600, "/nodes");
        return;
    case AT_NETWORK:
        (void)str_format(out, 600, "/sdn/zones/localnetwork/%s", c->bridge);
        return;
    }
}

static int check_privileges(struct checking *c, struct err *err)
{
    char what[300], remedy[900], place[600];
    struct cJSON *json;

    if (proxmox_call(&c->p->proxmox, "GET", "/access/permissions", NULL, &json, err) == -1)
        return -1;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        place_of(c, wanted[i].where, place);
        if (!c->clones && str_equal(wanted[i].privilege, "VM.Clone"))
            continue; /* least rights: nobody needs it */
        if (held(json_at(json, "data"), place, wanted[i].privilege))
            continue;
        (void)snprintf(what, sizeof what, "the token may not %s: %s is missing at %.100s",
                       wanted[i].why, wanted[i].privilege, place);
        (void)snprintf(remedy, sizeof remedy,
                       "pveum role add Sett-%s --privs %s; pveum acl modify %.200s --tokens '%s' "
                       "--roles Sett-%s",
                       wanted[i].privilege, wanted[i].privilege, place, c->p->proxmox.who,
                       wanted[i].privilege);
        problem(c, what, remedy);
    }
    json_free(json);
    return 0;
}

static int count_ours(void *arg, const struct proxmox_guest *guest, struct err *err)
{
    struct checking *c = arg;

    (void)err;
    c->guests += guest->container && !guest->template && strstr(guest->tags, "sett") != NULL;
    return 0;
}

static void write_nodes(struct checking *c, const struct proxmox_cluster *cluster)
{
    const struct proxmox_need need = {.nodes = c->p->guest_nodes};

    json_out_key(c->j, "nodes");
    json_out_array(c->j);
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct proxmox_node *n = &cluster->nodes[i];
        const char *why = proxmox_may(&need, n);

        json_out_object(c->j);
        json_out_key_text(c->j, "name", n->name);
        json_out_key_bool(c->j, "takes", why == NULL);
        json_out_key_text(c->j, "why_not", why == NULL ? "" : why);
        json_out_key_u64(c->j, "memory_bytes", n->memory);
        json_out_key_u64(c->j, "memory_used_bytes", n->memory_used);
        json_out_key_u64(c->j, "cpu_millis", n->cpu_millis);
        json_out_key_u64(c->j, "storage_bytes", n->storage);
        json_out_key_u64(c->j, "storage_used_bytes", n->storage_used);
        json_out_end_object(c->j);
    }
    json_out_end_array(c->j);
}

static void check_nodes(struct checking *c, const struct proxmox_cluster *cluster)
{
    const struct proxmox_need need = {.nodes = c->p->guest_nodes};
    char what[200];

    for (unsigned i = 0; i < cluster->count; i++)
        if (proxmox_may(&need, &cluster->nodes[i]) == NULL)
            return;
    (void)snprintf(what, sizeof what, "none of %u nodes can take a container on storage %.60s",
                   cluster->count, c->storage);
    problem(c, what,
            "set proxmox.storage to one that holds containers (rootdir), and proxmox.nodes "
            "to nodes that have it");
}

static void check_version(struct checking *c, const char *version)
{
    if (strtol(version, NULL, 10) >= OLDEST || c->addresses[0] != '\0')
        return;
    problem(c, "this version cannot tell which address DHCP gave a container",
            "set proxmox.addresses and proxmox.gateway, or upgrade to Proxmox VE 8");
}

static int check(struct checking *c, struct proxmox_cluster *cluster, struct err *err)
{
    char version[64];
    struct cJSON *json;

    if (proxmox_call(&c->p->proxmox, "GET", "/version", NULL, &json, err) == -1)
        return -1;
    (void)snprintf(version, sizeof version, "%.60s", json_text(json, "data.version", "?"));
    json_free(json);
    if (proxmox_look(&c->p->proxmox, c->storage, cluster, count_ours, c, err) == -1)
        return -1;
    json_out_object(c->j);
    json_out_key_text(c->j, "object", "proxmox_check");
    json_out_key_text(c->j, "version", version);
    json_out_key_text(c->j, "token", c->p->proxmox.who);
    json_out_key_text(c->j, "storage", c->storage);
    json_out_key_u64(c->j, "containers", c->guests);
    write_nodes(c, cluster);
    json_out_key(c->j, "problems");
    json_out_array(c->j);
    if (check_privileges(c, err) == -1)
        return -1;
    check_nodes(c, cluster);
    check_version(c, version);
    json_out_end_array(c->j);
    json_out_key_bool(c->j, "ok", c->ok);
    json_out_end_object(c->j);
    return 0;
}

/* Whether a plan sells what is cloned: its blueprint's image is a number. */
static int read_clones(const struct answer_setup *s, struct txn *txn, struct checking *c,
                       struct err *err)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct plan plan;
    struct scan scan;
    struct err why;
    int got = -1;

    if (b == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a blueprint");
    if (scan_start(&scan, txn, &plan_table, NULL, NULL, 0, false, err) == 0)
        while (!c->clones && (got = scan_next(&scan, &plan, err)) == 1)
            c->clones =
                blueprint_load(b, s->context->paths.blueprints, plan.blueprint, &why) == 0 &&
                str_equal(b->runtime, "proxmox") && strchr(b->image, ':') == NULL;
    free(b);
    return got == -1 ? -1 : 0;
}

static int read_settings(const struct answer_setup *s, struct checking *c, struct err *err)
{
    const struct {
        const char *name;
        char *out;
    } rows[] = {{"proxmox.storage", c->storage},
                {"proxmox.bridge", c->bridge},
                {"proxmox.pool", c->pool},
                {"proxmox.addresses", c->addresses}};
    struct txn *txn;
    int result = 0;

    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    for (size_t i = 0; result == 0 && i < sizeof rows / sizeof rows[0]; i++)
        if (setting_text(txn, &s->context->conf, rows[i].name, rows[i].out, 512, err) == -1)
            result = -1;
    if (result == 0)
        result = read_clones(s, txn, c, err);
    db_read_end(txn);
    return result;
}

int answer_proxmox(const struct answer_setup *s, const struct kv *params, struct buf *out,
                   struct err *err)
{
    struct proxmox_cluster *cluster = calloc(1, sizeof *cluster);
    struct json_out j;
    struct checking c = {.j = &j, .ok = true};
    int result = -1;

    (void)params;
    if (cluster == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a cluster");
    json_out_init(&j, out);
    if (read_settings(s, &c, err) == 0) {
        c.p = outside_use(s->outside);
        if (!c.p->proxmox_set)
            *err = c.p->proxmox_why;
        else
            result = check(&c, cluster, err);
        outside_done(s->outside, c.p);
    }
    free(cluster);
    return result;
}
