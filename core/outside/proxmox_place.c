/*
 * What a cluster has and which of its nodes takes a new guest. Apart from the calls because the
 * choice is a function of what was seen, so that it can be tried without a cluster, and so that the
 * same sight always gives the same node.
 */
#include "proxmox.h"

#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "json_in.h"
#include "str.h"

#define HEADROOM (512ull << 20) /* of memory that a node keeps for itself */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct proxmox_node *)a)->name, ((const struct proxmox_node *)b)->name);
}

static struct proxmox_node *node_named(struct proxmox_cluster *c, const char *name)
{
    for (unsigned i = 0; i < c->count; i++)
        if (str_equal(c->nodes[i].name, name))
            return &c->nodes[i];
    return NULL;
}

static uint64_t count_of(const struct cJSON *item, const char *name)
{
    double n = json_loose(item, name, 0);

    return n <= 0 ? 0 : n > 9e15 ? (uint64_t)9e15 : (uint64_t)n;
}

static void take_node(struct proxmox_cluster *c, const struct cJSON *item)
{
    struct proxmox_node *node = &c->nodes[c->count];
    double cpu = json_loose(item, "cpu", 0);

    if (c->count == PROXMOX_NODES || json_text(item, "node", "")[0] == '\0')
        return;
    memset(node, 0, sizeof *node);
    if (str_copy(node->name, sizeof node->name, json_text(item, "node", "")) == -1)
        return;
    node->online = str_equal(json_text(item, "status", ""), "online");
    node->memory = count_of(item, "maxmem");
    node->memory_used = count_of(item, "mem");
    node->cpu_millis = (uint32_t)(count_of(item, "maxcpu") * 1000);
    node->cpu_millis_used = cpu <= 0   ? 0
                            : cpu >= 1 ? node->cpu_millis
                                       : (uint32_t)(cpu * node->cpu_millis);
    c->count++;
}

static void take_storage(struct proxmox_cluster *c, const char *storage, const struct cJSON *item)
{
    struct proxmox_node *node = node_named(c, json_text(item, "node", ""));
    const char *content = json_text(item, "content", "rootdir");

    if (node == NULL || !str_equal(json_text(item, "storage", ""), storage) ||
        !str_equal(json_text(item, "status", "available"), "available") ||
        strstr(content, "rootdir") == NULL)
        return;
    node->storage = count_of(item, "maxdisk");
    node->storage_used = count_of(item, "disk");
    node->storage_shared = json_loose(item, "shared", 0) != 0;
}

static void take_guest(struct proxmox_cluster *c, const struct cJSON *item,
                       struct proxmox_guest *guest)
{
    struct proxmox_node *node = node_named(c, json_text(item, "node", ""));

    memset(guest, 0, sizeof *guest);
    guest->vmid = (uint32_t)count_of(item, "vmid");
    guest->container = str_equal(json_text(item, "type", ""), "lxc");
    guest->template = json_loose(item, "template", 0) != 0;
    guest->running = str_equal(json_text(item, "status", ""), "running");
    (void)str_copy(guest->node, sizeof guest->node, json_text(item, "node", ""));
    (void)str_copy(guest->name, sizeof guest->name, json_text(item, "name", ""));
    (void)str_copy(guest->tags, sizeof guest->tags, json_text(item, "tags", ""));
    if (node != NULL && guest->running)
        node->promised += count_of(item, "maxmem");
}

int proxmox_look(struct proxmox *p, const char *storage, struct proxmox_cluster *out,
                 int (*each)(void *arg, const struct proxmox_guest *guest, struct err *err),
                 void *arg, struct err *err)
{
    const struct cJSON *all, *item = NULL;
    struct cJSON *json;
    int result = 0;

    memset(out, 0, sizeof *out);
    if (proxmox_call(p, "GET", "/cluster/resources", NULL, &json, err) == -1)
        return -1;
    all = json_at(json, "data");
    while ((item = json_next(all, item)) != NULL)
        if (str_equal(json_text(item, "type", ""), "node"))
            take_node(out, item);
    qsort(out->nodes, out->count, sizeof out->nodes[0], by_name);
    while (result == 0 && (item = json_next(all, item)) != NULL) {
        const char *type = json_text(item, "type", "");
        struct proxmox_guest guest;
        if (str_equal(type, "storage"))
            take_storage(out, storage, item);
        if (!str_equal(type, "lxc") && !str_equal(type, "qemu"))
            continue;
        take_guest(out, item, &guest);
        if (each != NULL)
            result = each(arg, &guest, err);
    }
    json_free(json);
    return result;
}

bool proxmox_sees_pool(struct proxmox *p)
{
    const struct cJSON *at = NULL, *one = NULL;
    struct cJSON *json;
    char place[80];
    struct err err;
    bool sees = false;

    if (p->pool[0] == '\0' || str_format(place, sizeof place, "/pool/%s", p->pool) == -1 ||
        proxmox_call(p, "GET", "/access/permissions", NULL, &json, &err) == -1)
        return false;
    /* Names hold slashes and dots, which json_at would take for steps. */
    while (!sees && (at = json_next(json_at(json, "data"), at)) != NULL)
        while (str_equal(json_name(at), place) && !sees && (one = json_next(at, one)) != NULL)
            sees = str_equal(json_name(one), "VM.Audit");
    json_free(json);
    return sees;
}

/* ---- the choice ---- */

bool proxmox_listed(const char *list, const char *name)
{
    size_t len = strlen(name);

    if (list[0] == '\0')
        return true;
    for (const char *at = list; *at != '\0';) {
        size_t word = strcspn(at, ", ");
        if (word == len && strncmp(at, name, len) == 0)
            return true;
        at += word;
        at += strspn(at, ", ");
    }
    return false;
}

/* Memory that is neither in use nor promised. */
static uint64_t memory_free(const struct proxmox_node *n)
{
    uint64_t used = n->memory_used > n->promised ? n->memory_used : n->promised;

    return used + HEADROOM >= n->memory ? 0 : n->memory - used - HEADROOM;
}

static uint64_t storage_free(const struct proxmox_node *n)
{
    return n->storage_used >= n->storage ? 0 : n->storage - n->storage_used;
}

const char *proxmox_may(const struct proxmox_need *need, const struct proxmox_node *n)
{
    if (!proxmox_listed(need->nodes, n->name))
        return "is not one of proxmox.nodes";
    if (need->not_on != NULL && str_equal(need->not_on, n->name))
        return "is where it is";
    if (!n->online)
        return "is not online";
    if (n->storage == 0)
        return "has not that storage for containers";
    if (storage_free(n) < need->storage)
        return "has too little storage free";
    if (memory_free(n) < need->memory)
        return "has too little memory free";
    return NULL;
}

/* Of 1000 parts, how many would be left. */
static uint64_t left(uint64_t all, uint64_t free, uint64_t need)
{
    if (all == 0 || free <= need)
        return 0;
    return (uint64_t)((double)(free - need) / (double)all * 1000);
}

static uint64_t score(const struct proxmox_need *need, const struct proxmox_node *n)
{
    uint64_t memory = left(n->memory, memory_free(n), need->memory);
    uint64_t storage = left(n->storage, storage_free(n), need->storage);
    uint64_t cpu = left(n->cpu_millis, n->cpu_millis - n->cpu_millis_used, need->cpu_millis);
    uint64_t least = memory < storage ? memory : storage;

    return least < cpu ? least : cpu;
}

const struct proxmox_node *proxmox_choose(const struct proxmox_cluster *c,
                                          const struct proxmox_need *need)
{
    const struct proxmox_node *best = NULL;

    for (unsigned i = 0; i < c->count; i++) {
        const struct proxmox_node *n = &c->nodes[i];
        uint64_t mine, its;
        if (proxmox_may(need, n) != NULL)
            continue;
        mine = score(need, n);
        its = best == NULL ? 0 : score(need, best);
        if (best == NULL || mine > its || (mine == its && memory_free(n) > memory_free(best)))
            best = n;
    }
    return best;
}
