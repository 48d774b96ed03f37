#ifndef SETT_SWARM_SPEC_H
#define SETT_SWARM_SPEC_H
/* What a tenant's service is, as the body of POST /services/create and /services/ID/update. */
#include "docker_body.h"
#include "runtime.h"

#define SWARM_NETWORK                                                                              \
    "%s-swarm" /* by its mark: beside the one that the docker runtime would have */

struct swarm_plan {
    const struct runtime_order *order;
    const struct blueprint *blueprint;
    struct limits limits; /* the order's over the blueprint's */
    struct kv vars, env;
    char folder[400];       /* of the tenant's volumes, on whichever node */
    char node[64];          /* the one node that it stays on; "": as the constraints say */
    char gateway[16];       /* the box, as a task sees it; "": not known */
    bool no_new_privileges; /* the engine can */
    char secret_name[64], secret_id[40]; /* of its password, as a file; "": in the environment */
    bool started;                        /* it was started once */
    uint32_t replicas;                   /* 0 or 1 */
    uint64_t force;                      /* raised to start it anew */
    char hash[DOCKER_HASH_SIZE]; /* of all but started, replicas and force: label sett.config */
};

/** swarm_spec_reads_file(b): whether the blueprint says ${DB_PASSWORD_FILE}, and so has its
 * password as a file. */
bool swarm_spec_reads_file(const struct blueprint *b);

/** swarm_spec_plan(p, o, b, tenants, err): variables, environment, limits, folder, hash, out of
 * order and blueprint; node, gateway, secret and
 * no_new_privileges were filled before. A DB_HOST that is
 * the box's own loopback becomes the gateway. ${o} and ${b} must outlive the plan. Return 0 or -1.
 */
int swarm_spec_plan(struct swarm_plan *p, const struct runtime_order *o, const struct blueprint *b,
                    const char *tenants, struct err *err);

/**
 * swarm_spec_write(out, p, err):
 * The JSON. What is decided here for every tenant: one task at most; its port published on the node
 * that runs it (mode host: no routing mesh, which needs ip_vs); an update stops the old task before
 * it starts the new one, since both want the same port, and goes back by itself when the new one
 * fails within two seconds; capabilities, ulimits, logs and a read-only root as docker_body.h says.
 * Return 0 or -1.
 */
int swarm_spec_write(struct buf *out, const struct swarm_plan *p, struct err *err);

#endif
