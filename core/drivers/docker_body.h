#ifndef SETT_DOCKER_BODY_H
#define SETT_DOCKER_BODY_H
/* What a tenant's container is, as the body of POST /containers/create. */
#include "docker_network.h"
#include "json_out.h"
#include "runtime.h"

#define DOCKER_HASH_SIZE 33

/* All that goes into a container. */
struct docker_plan {
    const struct runtime_order *order;
    const struct blueprint *blueprint;
    struct docker_network network;
    struct limits limits; /* the order's over the blueprint's */
    struct kv vars, env;
    char folder[400];            /* of the tenant's volumes; "": the engine keeps them itself */
    char publish[48];            /* address of the engine's machine that its port is bound to */
    char hash[DOCKER_HASH_SIZE]; /* of all that an update cannot change: label sett.config */
};

/**
 * docker_body_plan(plan, o, b, network, tenants, publish, err):
 * Work out variables, environment, limits and hash. A DB_HOST that is the box's own loopback
 * becomes the network's gateway, which is what the box is from inside; without ${tenants} (NULL)
 * the engine is on another machine, keeps the volumes itself, and cannot reach that: ERR_INVALID
 * "database_out_of_reach". ${publish}: the address that its port is bound to. ${o} and ${b} must
 * outlive the plan. Return 0 or -1.
 */
int docker_body_plan(struct docker_plan *plan, const struct runtime_order *o,
                     const struct blueprint *b, const struct docker_network *network,
                     const char *tenants, const char *publish, struct err *err);

/**
 * docker_body_write(out, plan, err):
 * The JSON. What is decided here for every tenant: published on one address (127.0.0.1, unless an
 * engine on another machine is to be reached over a private network); memory without
 * swap on top; no new privileges; all capabilities dropped, and for a program that starts as root
 * the seven given back that an ordinary server needs to give up root by itself (CHOWN,
 * DAC_OVERRIDE, FOWNER, KILL, NET_BIND_SERVICE, SETGID, SETUID: Docker's default without
 * AUDIT_WRITE, FSETID, MKNOD, NET_RAW, SETFCAP, SETPCAP, SYS_CHROOT); a blueprint that names
 * another user gets none; nproc 16384 (it counts per uid over all containers, so pids_limit is the
 * real one; Podman would otherwise pass on what its service happens to have); logs of 3 files of 10
 * MiB; restart unless stopped; with read_only a tmpfs on /tmp and /run. Return 0 or -1.
 */
int docker_body_write(struct buf *out, const struct docker_plan *plan, struct err *err);

/** docker_body_env(j, env): the member Env, as containers and services have it. */
void docker_body_env(struct json_out *j, const struct kv *env);

/** docker_body_binds(j, b, folder): a mount of each of the blueprint's volumes, which are folders
 * below ${folder}, into an array that is open. */
void docker_body_binds(struct json_out *j, const struct blueprint *b, const char *folder);

/** docker_body_update(out, limits): the body of POST /containers/x/update for the limits that a
 * living container can be given. Return 0 or -1. */
int docker_body_update(struct buf *out, const struct limits *limits);

#endif
