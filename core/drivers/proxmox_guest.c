/*
 * Containers of Proxmox VE, seen and described. Apart from the order in which calls are made, so
 * that "is it ours?" has one answer: the line in its description, and nothing that others may set
 * by chance.
 */
#include "proxmox_guest.h"

#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "json_in.h"
#include "str.h"

#define GIB            (1ull << 30)
#define HOSTNAME       "sett-t" /* and the tenant's number */
#define MEMORY_LEAST   16u      /* MiB */
#define MEMORY_DEFAULT 512u
#define DISK_DEFAULT   4u /* GiB */
#define BUSY_S         1

void proxmox_guest_mark(char out[PROXMOX_MARK_SIZE], const struct runtime_order *o)
{
    (void)str_format(out, PROXMOX_MARK_SIZE, "sett %s %s", o->box_id, o->tenant_id);
}

void proxmox_guest_path(char out[PROXMOX_PATH_SIZE], const struct runtime_order *o,
                        const struct proxmox_seen *seen, const char *rest)
{
    (void)str_format(out, PROXMOX_PATH_SIZE, "/nodes/%s/lxc/%u%s", seen->node, o->guest, rest);
}

/* ---- seeing ---- */

/* Whether one line of the description is the mark. */
static bool marked(const char *description, const struct runtime_order *o)
{
    char mark[PROXMOX_MARK_SIZE];
    size_t len;

    proxmox_guest_mark(mark, o);
    len = strlen(mark);
    for (const char *at = description; at != NULL; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, mark, len) == 0 && (at[len] == '\0' || at[len] == '\n' || at[len] == '\r'))
            return true;
    }
    return false;
}

/* The value of a key in "volume,size=4G,x=y". Return 0 or -1. */
static int property(const char *text, const char *key, char *out, size_t size)
{
    size_t len = strlen(key);

    for (const char *at = text; *at != '\0';) {
        size_t part = strcspn(at, ",");
        if (part > len && strncmp(at, key, len) == 0 && at[len] == '=')
            return str_copy_n(out, size, at + len + 1, part - len - 1);
        at += part;
        at += *at == ',';
    }
    return -1;
}

/* "4G", "512M", "1T" in whole GiB. */
static uint64_t gib_of(const char *text)
{
    char *unit;
    double n = strtod(text, &unit);

    return *unit == 'T'   ? (uint64_t)(n * 1024)
           : *unit == 'G' ? (uint64_t)n
           : *unit == 'M' ? (uint64_t)(n / 1024)
                          : (uint64_t)(n / (double)GIB);
}

static void take_config(const struct cJSON *json, const struct runtime_order *o,
                        struct proxmox_seen *s)
{
    const char *hostname = json_text(json, "data.hostname", "a container without a name");
    char size[32];

    s->there = true;
    s->ours = marked(json_text(json, "data.description", ""), o);
    (void)snprintf(s->what, sizeof s->what, "%.100s", hostname);
    (void)str_copy(s->lock, sizeof s->lock, json_text(json, "data.lock", ""));
    (void)str_copy(s->tags, sizeof s->tags, json_text(json, "data.tags", ""));
    s->memory_mib = (uint32_t)json_loose(json, "data.memory", 0);
    s->cores = (uint32_t)json_loose(json, "data.cores", 0);
    s->cpu_millis = (uint32_t)(json_loose(json, "data.cpulimit", 0) * 1000 + 0.5);
    if (property(json_text(json, "data.rootfs", ""), "size", size, sizeof size) == 0)
        s->disk_gib = gib_of(size);
    if (property(json_text(json, "data.net0", ""), "ip", s->inside, sizeof s->inside) == -1)
        s->inside[0] = '\0';
}

/* On one node. Return 1, 0 if it is not there, -1. */
static int find_on(struct proxmox *api, const struct runtime_order *o, const char *node,
                   struct proxmox_seen *s, struct err *err)
{
    char path[PROXMOX_PATH_SIZE];
    struct cJSON *json;

    (void)str_copy(s->node, sizeof s->node, node);
    proxmox_guest_path(path, o, s, "/config");
    if (proxmox_call(api, "GET", path, NULL, &json, err) == -1) {
        /* Rights to a pool alone: of a number that is not in it the server says only that we may
         * not see it, whether it is there or not. */
        if (str_equal(err->code, "proxmox_permission") && proxmox_sees_pool(api)) {
            err_clear(err);
            return 0;
        }
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    take_config(json, o, s);
    json_free(json);
    proxmox_guest_path(path, o, s, "/status/current");
    if (proxmox_call(api, "GET", path, NULL, &json, err) == -1) {
        s->there = false;
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    }
    s->running = str_equal(json_text(json, "data.status", ""), "running");
    s->uptime_s = (uint64_t)json_loose(json, "data.uptime", 0);
    json_free(json);
    return 1;
}

struct search {
    uint32_t vmid;
    bool found;
    struct proxmox_guest guest;
};

static int compare(void *arg, const struct proxmox_guest *guest, struct err *err)
{
    struct search *s = arg;

    (void)err;
    if (guest->vmid == s->vmid) {
        s->found = true;
        s->guest = *guest;
    }
    return 0;
}

int proxmox_guest_find(struct proxmox *api, const struct runtime_order *o,
                       struct proxmox_seen *seen, struct err *err)
{
    struct search s = {.vmid = o->guest};
    struct proxmox_cluster *cluster;
    int found = 0;

    memset(seen, 0, sizeof *seen);
    if (o->guest == 0)
        return 0;
    if (o->node[0] != '\0') {
        found = find_on(api, o, o->node, seen, err);
        if (found == 1 || (found == -1 && !str_equal(err->code, "proxmox_node_silent")))
            return found == 1 ? 0 : -1;
    }
    /* Somebody may have moved it. */
    if ((cluster = calloc(1, sizeof *cluster)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a cluster");
    if (found == -1)
        err_clear(err);
    found = proxmox_look(api, "", cluster, compare, &s, err);
    free(cluster);
    memset(seen, 0, sizeof *seen);
    if (found == -1 || !s.found)
        return found;
    if (!s.guest.container) {
        seen->there = true;
        (void)str_copy(seen->node, sizeof seen->node, s.guest.node);
        (void)snprintf(seen->what, sizeof seen->what, "%.100s, a virtual machine", s.guest.name);
        return 0;
    }
    return find_on(api, o, s.guest.node, seen, err) == -1 ? -1 : 0;
}

int proxmox_guest_own(const struct runtime_order *o, const struct proxmox_seen *seen,
                      struct err *err)
{
    if (!seen->there)
        return err_set(err, ERR_NOT_FOUND, "guest_missing", "there is no container %u", o->guest);
    /* While one is being made its description is not there yet. */
    if (!seen->ours && !str_equal(seen->lock, "create") && !str_equal(seen->lock, "disk"))
        return err_set(err, ERR_CONFLICT, "guest_foreign", "number %u is somebody else's: %s on %s",
                       o->guest, seen->what, seen->node);
    if (seen->lock[0] == '\0')
        return 0;
    (void)err_set(err, ERR_UNAVAILABLE, "guest_busy", "container %u on %s is locked: %s", o->guest,
                  seen->node, seen->lock);
    if (err != NULL)
        err->retry_after_s = BUSY_S;
    return -1;
}

int proxmox_guest_whose(struct proxmox *api, const struct proxmox_guest *guest, const char *box_id,
                        char tenant_id[ID_SIZE], uint64_t *number, struct err *err)
{
    char path[PROXMOX_PATH_SIZE], mark[PROXMOX_MARK_SIZE];
    const char *hostname, *line;
    struct cJSON *json;
    int result = 0;

    (void)str_format(path, sizeof path, "/nodes/%s/lxc/%u/config", guest->node, guest->vmid);
    (void)str_format(mark, sizeof mark, "sett %s ", box_id);
    if (proxmox_call(api, "GET", path, NULL, &json, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    line = json_text(json, "data.description", "");
    hostname = json_text(json, "data.hostname", "");
    if (str_starts(line, mark) && str_starts(hostname, HOSTNAME)) {
        line += strlen(mark);
        *number = strtoull(hostname + strlen(HOSTNAME), NULL, 10);
        result = str_copy_n(tenant_id, ID_SIZE, line, strcspn(line, "\r\n")) == 0 && *number != 0;
    }
    json_free(json);
    return result;
}

/* ---- saying ---- */

struct limits proxmox_guest_limits(const struct runtime_order *o, const struct blueprint *b)
{
    struct limits limits = b->limits;

    limits_over(&limits, &o->limits);
    if (limits.memory_bytes == 0)
        limits.memory_bytes = (uint64_t)MEMORY_DEFAULT << 20;
    if (limits.memory_bytes < (uint64_t)MEMORY_LEAST << 20)
        limits.memory_bytes = (uint64_t)MEMORY_LEAST << 20;
    if (limits.storage_bytes == 0)
        limits.storage_bytes = DISK_DEFAULT * GIB;
    return limits;
}

static void number(struct buf *out, const char *name, uint64_t n)
{
    char text[24];

    (void)str_format(text, sizeof text, "%llu", (unsigned long long)n);
    http_form(out, name, text);
}

static void say_limits(struct buf *out, const struct limits *l, const struct proxmox_seen *s)
{
    uint32_t memory = (uint32_t)(l->memory_bytes >> 20), cores = (l->cpu_millis + 999) / 1000;
    char text[24];

    if (memory != s->memory_mib)
        number(out, "memory", memory);
    if (l->cpu_millis == 0)
        return;
    if (cores != s->cores)
        number(out, "cores", cores);
    if (l->cpu_millis != s->cpu_millis) {
        (void)str_format(text, sizeof text, "%u.%03u", l->cpu_millis / 1000, l->cpu_millis % 1000);
        http_form(out, "cpulimit", text);
    }
}

static void say_network(struct buf *out, const struct runtime_proxmox_setup *setup,
                        const struct runtime_order *o, const struct proxmox_seen *s)
{
    const char *wanted = o->inside[0] == '\0' ? "dhcp" : o->inside;
    char text[300], more[100] = "";

    if (str_equal(s->inside, wanted))
        return;
    if (o->inside[0] != '\0' && setup->gateway[0] != '\0')
        (void)str_format(more, sizeof more, ",gw=%s", setup->gateway);
    (void)str_format(text, sizeof text, "name=eth0,bridge=%s,ip=%s%s,type=veth", setup->bridge,
                     wanted, more);
    if (setup->vlan != 0)
        (void)str_format(text, sizeof text, "name=eth0,bridge=%s,ip=%s%s,tag=%u,type=veth",
                         setup->bridge, wanted, more, setup->vlan);
    http_form(out, "net0", text);
    if (setup->nameserver[0] != '\0')
        http_form(out, "nameserver", setup->nameserver);
}

int proxmox_guest_form(struct buf *out, const struct runtime_proxmox_setup *setup,
                       const struct runtime_order *o, const struct blueprint *b,
                       const struct proxmox_seen *seen, struct err *err)
{
    struct limits limits = proxmox_guest_limits(o, b);
    char text[PROXMOX_MARK_SIZE + 32], disk[100];

    if (!seen->there) {
        char mark[PROXMOX_MARK_SIZE];

        proxmox_guest_mark(mark, o);
        number(out, "vmid", o->guest);
        http_form(out, "ostemplate", b->image);
        (void)str_format(disk, sizeof disk, "%s:%llu", setup->storage,
                         (unsigned long long)((limits.storage_bytes + GIB - 1) / GIB));
        http_form(out, "rootfs", disk);
        http_form(out, "hostname", o->mark);
        (void)str_format(text, sizeof text, "%s\n%s", mark, o->job_id);
        http_form(out, "description", text);
        http_form(out, "unprivileged", "1");
        http_form(out, "features", "nesting=1");
        http_form(out, "onboot", "1");
        if (setup->pool[0] != '\0')
            http_form(out, "pool", setup->pool);
    }
    if (strstr(seen->tags, PROXMOX_TAG) == NULL)
        http_form(out, "tags", PROXMOX_TAG);
    say_limits(out, &limits, seen);
    say_network(out, setup, o, seen);
    return out->failed ? err_set(err, ERR_TOO_LARGE, "request_too_large",
                                 "the description of container %u does not fit", o->guest)
                       : 0;
}

/* ---- its address ---- */

static int with_port(const char *address, const struct blueprint *b, char out[72])
{
    size_t len = strcspn(address, "/");

    return str_format(out, 72, "%.*s:%u", (int)len, address, b->inner_port);
}

/* The first address of its first card that is no link's own. */
static const char *first_address(const struct cJSON *json)
{
    const struct cJSON *all = json_at(json, "data"), *card = NULL, *at = NULL;

    while ((card = json_next(all, card)) != NULL) {
        const char *inet = json_text(card, "inet", "");

        if (str_equal(json_text(card, "name", ""), "lo"))
            continue;
        if (inet[0] != '\0')
            return inet;
        while ((at = json_next(json_at(card, "ip-addresses"), at)) != NULL) {
            inet = json_text(at, "ip-address", "");
            if (strchr(inet, '.') != NULL && !str_starts(inet, "169.254."))
                return inet;
        }
    }
    return "";
}

int proxmox_guest_address(struct proxmox *api, const struct runtime_order *o,
                          const struct blueprint *b, const struct proxmox_seen *seen, char out[72],
                          struct err *err)
{
    char path[PROXMOX_PATH_SIZE];
    struct cJSON *json;
    const char *address;
    int result = -1;

    if (o->inside[0] != '\0')
        return with_port(o->inside, b, out);
    proxmox_guest_path(path, o, seen, "/interfaces");
    if (proxmox_call(api, "GET", path, NULL, &json, err) == -1) {
        if (str_equal(err->code, "proxmox_too_old"))
            (void)err_hint(err, "Set proxmox.addresses: this version cannot tell what DHCP gave.");
        return -1;
    }
    address = first_address(json);
    if (address[0] != '\0')
        result = with_port(address, b, out);
    json_free(json);
    if (result == 0)
        return 0;
    (void)err_set(err, ERR_UNAVAILABLE, "no_address_yet", "container %u has no address yet",
                  o->guest);
    if (err != NULL)
        err->retry_after_s = BUSY_S;
    return err_hint(err, "Does DHCP answer on bridge and VLAN of the settings proxmox.*? Or set "
                         "proxmox.addresses.");
}
