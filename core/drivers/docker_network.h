#ifndef SETT_DOCKER_NETWORK_H
#define SETT_DOCKER_NETWORK_H
/*
 * A tenant's own network: a bridge named by its mark with an explicit /29 out of the box's pool.
 * The engines' own address pools end after some thirty networks, so the subnet is always ours to
 * choose: slot = number modulo the slots of the pool, and the next free one when something stands
 * there. Bridges cannot reach each other: Docker sees to that by itself, Podman (netavark) because
 * we ask for "isolate".
 */
#include <stdbool.h>
#include <stdint.h>
#include "docker_api.h"
#include "runtime.h"

struct docker_pool {
    uint32_t base;  /* host byte order, low bits clear */
    uint32_t slots; /* of 8 addresses each */
};

struct docker_network {
    char subnet[24];  /* "10.201.3.8/29" */
    char gateway[16]; /* the box, as seen from inside: "10.201.3.9" */
};

/** docker_pool_parse(pool, cidr, err): "10.201.0.0/16"; prefixes /8 to /29, a private network or
 * not, with no bits behind the prefix. ERR_INVALID. 0 or -1. */
int docker_pool_parse(struct docker_pool *pool, const char *cidr, struct err *err);

/** docker_pool_slot(pool, slot, out): the subnet and gateway of a slot. */
void docker_pool_slot(const struct docker_pool *pool, uint32_t slot, struct docker_network *out);

/** docker_network_find(api, o, out, err): the tenant's network, if it is there. Return 1, 0 when
 * there is none, -1: ERR_CONFLICT "foreign_network" when its name is taken by something without our
 * labels. */
int docker_network_find(struct docker_api *api, const struct runtime_order *o,
                        struct docker_network *out, struct err *err);

/** docker_network_ensure(api, pool, o, out, err): as find, and made if it is not there. ERR_QUOTA
 * "network_pool" when the pool is used up. Return 0 or -1. */
int docker_network_ensure(struct docker_api *api, const struct docker_pool *pool,
                          const struct runtime_order *o, struct docker_network *out,
                          struct err *err);

/** docker_network_remove(api, o, err): fine if it is gone. ERR_CONFLICT when it is not ours or
 * something still hangs on it. Return 0 or -1. */
int docker_network_remove(struct docker_api *api, const struct runtime_order *o, struct err *err);

struct cJSON;

/** docker_labels_ours(labels, o): whether an object's labels say that it is this tenant's on this
 * box. ${labels} may be NULL. */
bool docker_labels_ours(const struct cJSON *labels, const struct runtime_order *o);

#endif
