/*
 * Networks of tenants. Apart because choosing an address range that nobody else has is a matter of
 * its own: two creates may run at once, here or in another program, and the engine's refusal of an
 * overlap is what decides.
 */
#include "docker_network.h"

#include "json_in.h"
#include "json_out.h"
#include "str.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_SIZE 8u
#define REFUSALS  64 /* overlaps that the engine knows of and we cannot see */

static int parse_cidr(const char *cidr, uint32_t *base, uint32_t *prefix)
{
    char address[INET_ADDRSTRLEN];
    const char *slash = strchr(cidr, '/');
    struct in_addr in;
    uint64_t bits;

    if (slash == NULL || str_copy_n(address, sizeof address, cidr, (size_t)(slash - cidr)) != 0 ||
        inet_pton(AF_INET, address, &in) != 1 || str_u64(slash + 1, 0, 32, &bits) != 0)
        return -1;
    *base = ntohl(in.s_addr);
    *prefix = (uint32_t)bits;
    return 0;
}

int docker_pool_parse(struct docker_pool *pool, const char *cidr, struct err *err)
{
    uint32_t prefix;

    if (parse_cidr(cidr, &pool->base, &prefix) != 0 || prefix < 8 || prefix > 29 ||
        (pool->base & (0xffffffffu >> prefix)) != 0)
        return err_field(err, "docker_pool", "docker_pool",
                         "\"%s\" is not an IPv4 network of /8 to /29 such as 10.201.0.0/16.", cidr);
    pool->slots = 1u << (29 - prefix);
    return 0;
}

static void address_text(char out[16], uint32_t address)
{
    (void)str_format(out, 16, "%u.%u.%u.%u", address >> 24, (address >> 16) & 255u,
                     (address >> 8) & 255u, address & 255u);
}

void docker_pool_slot(const struct docker_pool *pool, uint32_t slot, struct docker_network *out)
{
    uint32_t base = pool->base + slot * SLOT_SIZE;
    char text[16];

    address_text(text, base);
    (void)str_format(out->subnet, sizeof out->subnet, "%s/29", text);
    address_text(out->gateway, base + 1);
}

bool docker_labels_ours(const struct cJSON *labels, const struct runtime_order *o)
{
    char number[24];
    const char *box = NULL, *tenant = NULL, *have = NULL;

    /* Label names hold dots, which json_at would take for steps: walk. */
    for (const struct cJSON *at = json_next(labels, NULL); at != NULL; at = json_next(labels, at)) {
        const char *name = json_name(at);
        if (str_equal(name, "sett.box"))
            box = json_text(at, "", NULL);
        else if (str_equal(name, "sett.tenant"))
            tenant = json_text(at, "", NULL);
        else if (str_equal(name, "sett.number"))
            have = json_text(at, "", NULL);
    }
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)o->number);
    if (box == NULL || tenant == NULL || have == NULL || !str_equal(have, number) ||
        !str_equal(box, o->box_id))
        return false;
    return o->tenant_id[0] == '\0' || str_equal(tenant, o->tenant_id);
}

static int foreign(const struct runtime_order *o, struct err *err)
{
    err_set(err, ERR_CONFLICT, "foreign_network",
            "A network \"%s\" exists that is not of this tenant on this box.", o->mark);
    return err_hint(err, "Look at it (docker network inspect %s); rename or remove it, then retry.",
                    o->mark);
}

/* The IPv4 range of a network, read out of its description. */
static int read_network(const struct cJSON *json, struct docker_network *out, struct err *err)
{
    const struct cJSON *configs = json_at(json, "IPAM.Config");

    for (const struct cJSON *at = json_next(configs, NULL); at != NULL;
         at = json_next(configs, at)) {
        uint32_t base, prefix;
        const char *subnet = json_text(at, "Subnet", "");

        if (parse_cidr(subnet, &base, &prefix) != 0 || prefix > 30)
            continue;
        (void)str_copy(out->subnet, sizeof out->subnet, subnet);
        if (str_copy(out->gateway, sizeof out->gateway, json_text(at, "Gateway", "")) != 0 ||
            out->gateway[0] == '\0')
            address_text(out->gateway, base + 1);
        return 0;
    }
    return err_set(err, ERR_CONFLICT, "network_without_subnet",
                   "The network \"%s\" has no IPv4 subnet.", json_text(json, "Name", ""));
}

int docker_network_find(struct docker_api *api, const struct runtime_order *o,
                        struct docker_network *out, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    (void)str_format(path, sizeof path, "/networks/%s", o->mark);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 404)
        rc = 0;
    else if (reply.status != 200)
        docker_api_refused(&reply, "looking for the tenant's network", err);
    else if (!docker_labels_ours(json_at(reply.json, "Labels"), o))
        foreign(o, err);
    else if (read_network(reply.json, out, err) == 0)
        rc = 1;
    docker_reply_free(&reply);
    return rc;
}

/* Mark the slots that a range covers, whoever has it. */
static void take(uint8_t *used, const struct docker_pool *pool, const char *subnet)
{
    uint32_t base, prefix;
    uint64_t first, last, low = pool->base, high = low + (uint64_t)pool->slots * SLOT_SIZE - 1;

    if (parse_cidr(subnet, &base, &prefix) != 0)
        return;
    first = prefix == 0 ? 0 : base & ~(uint32_t)(0xffffffffull >> prefix);
    last = first + (0xffffffffull >> prefix);
    if (last < low || first > high)
        return;
    first = first < low ? 0 : (first - low) / SLOT_SIZE;
    last = last > high ? pool->slots - 1 : (last - low) / SLOT_SIZE;
    for (uint64_t slot = first; slot <= last; slot++)
        used[slot] = 1;
}

static uint8_t *slots_used(struct docker_api *api, const struct docker_pool *pool, struct err *err)
{
    struct docker_reply reply;
    uint8_t *used;

    if (docker_api_call(api, "GET", "/networks", NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return NULL;
    used = reply.status == 200 ? calloc(pool->slots, 1) : NULL;
    if (reply.status != 200)
        docker_api_refused(&reply, "listing networks", err);
    else if (used == NULL)
        err_set(err, ERR_INTERNAL, "memory", "No memory for the network slots.");
    for (const struct cJSON *net = json_next(reply.json, NULL); used != NULL && net != NULL;
         net = json_next(reply.json, net)) {
        const struct cJSON *configs = json_at(net, "IPAM.Config");
        for (const struct cJSON *at = json_next(configs, NULL); at != NULL;
             at = json_next(configs, at))
            take(used, pool, json_text(at, "Subnet", ""));
    }
    docker_reply_free(&reply);
    return used;
}

static void write_body(struct buf *body, const struct runtime_order *o,
                       const struct docker_network *net)
{
    struct json_out j;
    char number[24];

    json_out_init(&j, body);
    json_out_object(&j);
    json_out_key_text(&j, "Name", o->mark);
    json_out_key_text(&j, "Driver", "bridge");
    json_out_key_bool(&j, "CheckDuplicate", true); /* Docker lets names repeat without it */
    json_out_key(&j, "IPAM");
    json_out_object(&j);
    json_out_key(&j, "Config");
    json_out_array(&j);
    json_out_object(&j);
    json_out_key_text(&j, "Subnet", net->subnet);
    json_out_key_text(&j, "Gateway", net->gateway);
    json_out_end_object(&j);
    json_out_end_array(&j);
    json_out_end_object(&j);
    json_out_key(&j, "Options");
    json_out_object(&j);
    json_out_key_text(&j, "isolate", "true"); /* Podman's; Docker passes it over */
    json_out_end_object(&j);
    json_out_key(&j, "Labels");
    json_out_object(&j);
    json_out_key_text(&j, "sett.tenant", o->tenant_id);
    json_out_key_text(&j, "sett.job", o->job_id);
    json_out_key_text(&j, "sett.box", o->box_id);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)o->number);
    json_out_key_text(&j, "sett.number", number);
    json_out_end_object(&j);
    json_out_end_object(&j);
}

static bool overlaps(const struct docker_reply *reply)
{
    return strstr(reply->message, "overlap") != NULL ||
           strstr(reply->message, "already used on the host") != NULL;
}

/* One attempt. Return 1 made, 0 the range is taken, -1. */
static int create(struct docker_api *api, const struct runtime_order *o, struct docker_network *net,
                  struct err *err)
{
    struct docker_reply reply;
    struct buf body;
    int rc = -1;

    buf_init(&body, 8192);
    write_body(&body, o, net);
    if (docker_api_call(api, "POST", "/networks/create", &body, 60, &reply, err) == 0) {
        if (reply.status == 200 || reply.status == 201)
            rc = 1;
        else if (overlaps(&reply))
            rc = 0;
        else if (docker_api_name_used(&reply)) /* made by somebody else since we looked */
            rc = docker_network_find(api, o, net, err) == 1 ? 1 : -1;
        else
            docker_api_refused(&reply, "creating the tenant's network", err);
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

int docker_network_ensure(struct docker_api *api, const struct docker_pool *pool,
                          const struct runtime_order *o, struct docker_network *out,
                          struct err *err)
{
    uint32_t first = (uint32_t)(o->number % pool->slots), refused = 0;
    uint8_t *used;
    int rc = docker_network_find(api, o, out, err);

    if (rc != 0)
        return rc == 1 ? 0 : -1;
    if ((used = slots_used(api, pool, err)) == NULL)
        return -1;
    for (uint32_t i = 0; i < pool->slots && rc == 0 && refused < REFUSALS; i++) {
        uint32_t slot = (first + i) % pool->slots;
        if (used[slot])
            continue;
        docker_pool_slot(pool, slot, out);
        rc = create(api, o, out, err);
        refused++;
    }
    free(used);
    if (rc == 0) {
        err_set(err, ERR_QUOTA, "network_pool", "No free /29 is left for the network of %s.",
                o->mark);
        err_hint(err, "Give a larger pool in sett.conf, [hands] docker_pool.");
    }
    return rc == 1 ? 0 : -1;
}

int docker_network_remove(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_network net;
    struct docker_reply reply;
    int rc = docker_network_find(api, o, &net, err);

    if (rc <= 0 && (err == NULL || rc == 0 || !str_equal(err->code, "network_without_subnet")))
        return rc;
    (void)str_format(path, sizeof path, "/networks/%s", o->mark);
    if (docker_api_call(api, "DELETE", path, NULL, 60, &reply, err) != 0)
        return -1;
    rc = reply.status == 404 || (reply.status >= 200 && reply.status < 300) ? 0 : -1;
    if (rc != 0 && (reply.status == 403 || strstr(reply.message, "being used") != NULL)) {
        err_set(err, ERR_CONFLICT, "network_in_use", "The network \"%s\" is still in use: %s",
                o->mark, reply.message);
        err_hint(err, "Another container was attached to it: disconnect that one, then retry.");
    } else if (rc != 0) {
        docker_api_refused(&reply, "removing the tenant's network", err);
    }
    docker_reply_free(&reply);
    return rc;
}
