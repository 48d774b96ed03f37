#ifndef SETT_SWARM_SECRET_H
#define SETT_SWARM_SECRET_H
/*
 * A password that does not stand in a service's environment, where everybody who may look at the
 * service reads it: a secret of the swarm's, mounted as a file. Only DB_PASSWORD is one, and only
 * for a blueprint that says ${DB_PASSWORD_FILE}, since its program must read it there. A secret
 * cannot be changed: another password is another secret, and the old one goes.
 */
#include "docker_api.h"
#include "swarm_spec.h"

#define SWARM_SECRET_FILE "/run/secrets/db-password"

/** swarm_secret_ensure(api, o, value, p, err): the secret with this value: its name and id in ${p}.
 * Return 0 or -1. */
int swarm_secret_ensure(struct docker_api *api, const struct runtime_order *o, const char *value,
                        struct swarm_plan *p, struct err *err);

/** swarm_secret_remove(api, o, but, err): all of the tenant's but the one named ${but} ("": all).
 * Return 0 or -1. */
int swarm_secret_remove(struct docker_api *api, const struct runtime_order *o, const char *but,
                        struct err *err);

#endif
