#ifndef SETT_DOCKER_CONTAINER_H
#define SETT_DOCKER_CONTAINER_H
/* One tenant's container, as the engine describes it, and what can be asked of it. */
#include "docker_api.h"
#include "docker_body.h"
#include "runtime.h"

struct docker_container {
    char hash[DOCKER_HASH_SIZE]; /* label sett.config */
    char user[64];               /* Config.User: the blueprint's, else the image's */
    bool tty, paused;
    struct limits limits;         /* memory, cpu, pids as they are in force; 0: none */
    struct runtime_status status; /* its id is the container's */
};

/** docker_container_find(api, o, out, err): the container named by the order's mark. Return 1; 0
 * when there is none; -1, with ERR_CONFLICT "foreign_container" when it is not this tenant's. */
int docker_container_find(struct docker_api *api, const struct runtime_order *o,
                          struct docker_container *out, struct err *err);

/** docker_container_need(api, o, out, err): as find, none being ERR_NOT_FOUND. Return 0 or -1. */
int docker_container_need(struct docker_api *api, const struct runtime_order *o,
                          struct docker_container *out, struct err *err);

/** docker_container_post(api, id, verb, timeout_s, what, err): POST /containers/ID/${verb}
 * ("start", "stop?t=10"). 204 and 304 (already so) are success. Return 0 or -1. */
int docker_container_post(struct docker_api *api, const char *id, const char *verb,
                          uint32_t timeout_s, const char *what, struct err *err);

/** docker_container_pause(api, c, pause, err): its processes stand still, or go on. 0 or -1. */
int docker_container_pause(struct docker_api *api, const struct docker_container *c, bool pause,
                           struct err *err);

/** docker_container_remove(api, id, err): by force, and wait until it is gone. Return 0 or -1. */
int docker_container_remove(struct docker_api *api, const char *id, struct err *err);

/** docker_container_logs(api, c, lines, out, err): the last ${lines}, both streams, without frames.
 */
int docker_container_logs(struct docker_api *api, const struct docker_container *c, uint32_t lines,
                          struct buf *out, struct err *err);

/** docker_container_stats(api, c, out, err): one sample; zeros for one that does not run. */
int docker_container_stats(struct docker_api *api, const struct docker_container *c,
                           struct runtime_stats *out, struct err *err);

/**
 * docker_container_exec(api, c, argv, timeout_s, out, err):
 * Run a command inside, wait for its end, append what it said to ${out} (the newest part, if that
 * is full). A status other than 0 is "command_failed", ERR_UNAVAILABLE or, for one that cannot be
 * run, ERR_INVALID; after ${timeout_s} it is killed and ERR_TIMEOUT. Return 0 or -1.
 */
int docker_container_exec(struct docker_api *api, const struct docker_container *c,
                          char *const *argv, uint32_t timeout_s, struct buf *out, struct err *err);

#endif
