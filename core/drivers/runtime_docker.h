#ifndef SETT_RUNTIME_DOCKER_H
#define SETT_RUNTIME_DOCKER_H
/*
 * The runtime driver over a container engine: Docker, or Podman through the same API. A tenant is
 * one container and one bridge network, both named by its mark and labelled sett.tenant, sett.job,
 * sett.box and sett.number; what has the name without the labels is never touched. Its volumes are
 * folders tenants/N/NAME of the box, bind-mounted, owned by the image's user.
 */
#include "runtime.h"

struct http_identity;

struct runtime_docker_setup {
    const char *socket;  /* "/var/run/docker.sock", "/run/podman/podman.sock"; NULL: over TLS */
    const char *pool;    /* of the tenants' networks: "10.201.0.0/16" */
    const char *tenants; /* folder of the tenants' volumes; NULL: the engine is on another machine,
                            and keeps them as volumes of its own (docker_volume.h) */
    const char *box_id;  /* whose the containers are, for orders that do not say */
    /* Of an engine on another machine: */
    const char *name;                     /* what we call it */
    const char *base;                     /* "https://10.0.0.5:2376" */
    const struct http_identity *identity; /* who we are to it; outlives the runtime */
    const char *publish; /* address there that ports are bound to; NULL: 127.0.0.1. Another one is
                            where its tenants are found, and told with their status */
};

/**
 * runtime_docker_new(out, setup, err):
 * Fill the table. The engine is first asked when a function is called: one that is down then is
 * ERR_UNAVAILABLE "engine_down" with a hint naming the socket. Functions may be called by several
 * threads at once, for different tenants. http_init must have been called. Return 0 or -1
 * (ERR_INVALID).
 *
 * create pulls the image when it is missing. What exists and is ours is compared by a hash of its
 * description (label sett.config): the same is left alone; other limits of memory, processor and
 * pids are set on the living container where the engine can (Podman 4.3 cannot); anything else is
 * made anew, and runs again if it ran before.
 */
int runtime_docker_new(struct runtime *out, const struct runtime_docker_setup *setup,
                       struct err *err);

/** runtime_docker_init(r, o, b, err): for an engine on another machine, whose init commands nobody
 * else keeps count of: run those of the blueprint that have not run yet, in order. That one has is
 * marked by an empty volume of the tenant's, which goes with its data. Return 0 or -1. */
int runtime_docker_init(struct runtime *r, const struct runtime_order *o, const struct blueprint *b,
                        struct err *err);

struct docker_reply;

/** runtime_docker_info(r, info, err): what the engine says of itself and its machine; to be given
 * to docker_reply_free. Return 0 or -1. */
int runtime_docker_info(struct runtime *r, struct docker_reply *info, struct err *err);

/** runtime_docker_version(r, out, size, err): "Docker 28.2.2". Return 0 or -1. */
int runtime_docker_version(struct runtime *r, char *out, size_t size, struct err *err);

/** runtime_docker_free(r): give back what runtime_docker_new took. Containers go on. */
void runtime_docker_free(struct runtime *r);

#endif
