#ifndef SETT_HANDS_WORLD_H
#define SETT_HANDS_WORLD_H
/* What the hands work on. The parts belong to whoever put them together (main) and outlive it. */
#include <pthread.h>
#include "hands.h"
#include "paths.h"
#include "process_group.h"
#include "route_map.h"

struct runtime_lxc_setup;

/* Which tenants are kept quiet just now; hands_quiet.c alone looks into it. All zero at first. */
struct hands_stillness {
    pthread_mutex_t lock;
    bool ending, sweeping,
        again; /* sweeping: a thread lets go on what was left; again: once more */
    uint64_t numbers[64];
};

struct hands_world {
    const struct paths *paths;
    struct hands_stillness still;
    const char *share;           /* what ships: ${share}/blueprints/NAME; NULL: nothing */
    struct process_group *group; /* tenants of the process runtime */
    struct runtime *process;
    const char *docker_socket, *docker_pool; /* NULL: no container engine on this box */
    pthread_mutex_t docker_lock;
    struct runtime docker;                     /* made by hands_docker; self NULL: not yet */
    const char *swarm_ports;                   /* of tenants in the swarm, kept off the outside */
    struct runtime swarm;                      /* made by hands_swarm, of the same engine */
    const struct runtime_lxc_setup *lxc_setup; /* NULL: no lxc on this box */
    struct runtime lxc;                        /* made by hands_lxc, under docker_lock, too */
    struct supervisor *supervisor;
    bool apart; /* what our walls would be in the way of is run as a unit of systemd's */
    struct route_map *routes;
    const char *cloudflared; /* its path, for the child supervisor */
    uint32_t metrics_port;   /* first of the connectors' ports */
    char web_log[300];       /* of the web server's errors; "": none */
    char web_pid[300];       /* its pid file */
};

/* One request being worked on. */
struct hands_job {
    struct hands_world *world;
    const struct hands_request *request;
    struct hands_reply *reply;
    struct buf *stream; /* text of the LOGS verbs; its max is set */
    int connection;     /* for the verb that speaks while it works; -1: there is none */
};

/* The work of a verb. With AGAIN and FAIL err says why. */
typedef enum outcome hands_work(struct hands_job *job, struct err *err);

/** hands_docker(world, err): the docker runtime, made when it is first needed: a box without
 * containers does not pay for an HTTP client. NULL on error. */
struct runtime *hands_docker(struct hands_world *world, struct err *err);

/** hands_lxc(world, err): the lxc runtime, likewise. NULL on error. */
struct runtime *hands_lxc(struct hands_world *world, struct err *err);

/** hands_swarm(world, err): the swarm runtime, likewise. NULL on error. */
struct runtime *hands_swarm(struct hands_world *world, struct err *err);

/** hands_runtime_named(world, name, err): the runtime that a blueprint names. NULL on error:
 * ERR_INVALID "runtime_missing", or why it cannot be had. */
struct runtime *hands_runtime_named(struct hands_world *world, const char *name, struct err *err);

/** hands_runtime_of(world, number, err): the runtime that has tenant ${number}, whose blueprint is
 * gone. NULL on error. */
struct runtime *hands_runtime_of(struct hands_world *world, uint64_t number, struct err *err);

/** hands_outcome(result, err): 0 is OK; -1: AGAIN for what may pass by itself (network,
 * unavailable, timeout, rate, full), else FAIL. */
enum outcome hands_outcome(int result, const struct err *err);

/* All that a verb about a tenant needs; too large for a stack that many threads have. */
struct hands_task {
    struct runtime_order o;
    struct blueprint b;
    struct runtime *runtime;
    struct runtime_status status;
};

/** hands_task_take(world, request, must, err): the order with its blueprint and runtime. ${must}:
 * without its blueprint nothing can be done; else a tenant whose blueprint is gone is looked for
 * where it is. The caller's to free; NULL on error. */
struct hands_task *hands_task_take(struct hands_world *world, const struct hands_request *request,
                                   bool must, struct err *err);

/* hands_tenant.c */
hands_work hands_runtime_create, hands_runtime_start, hands_runtime_stop, hands_runtime_restart,
    hands_runtime_remove, hands_runtime_inspect, hands_runtime_logs, hands_runtime_stats,
    hands_runtime_init, hands_runtime_fit, hands_port_probe;

/* hands_survey.c */
hands_work hands_survey;

/* hands_connector.c */
hands_work hands_connector_start, hands_connector_stop, hands_connector_restart,
    hands_connector_status, hands_connector_logs;

/** hands_connector_runs(world, number, err): whether that tunnel's connector runs, by whichever of
 * its two units. Return 1, 0 or -1. */
int hands_connector_runs(struct hands_world *world, uint64_t number, struct err *err);

/** hands_connector_each(world, on, arg, err): call with the number of each tunnel whose connector's
 * token is kept; ${on} returns 0, or -1 having filled err to stop. Return 0 or -1. */
int hands_connector_each(struct hands_world *world,
                         int (*on)(void *arg, uint64_t number, struct err *err), void *arg,
                         struct err *err);

/* hands_link.c */
hands_work hands_link_start, hands_link_stop, hands_link_status, hands_link_logs, hands_link_port;

/** hands_link_resume(world): after a boot: start every link that should run. Failures are logged.
 */
void hands_link_resume(struct hands_world *world);

/** hands_link_halt(world): stop them all, as before the end of the box. */
void hands_link_halt(struct hands_world *world);

/* hands_engine.c */
hands_work hands_engine_local;

/* hands_inventory.c */
hands_work hands_inventory;

/* hands_volumes.c */
hands_work hands_volumes;

/* hands_exchange.c */
hands_work hands_exchange;

/* hands_quiet.c */
hands_work hands_quiet;

/** hands_quiet_resume(world): what the hands before these left quiet goes on: paused tenants, and
 * commands that were to come after; again and again on a thread of its own until that is done. */
void hands_quiet_resume(struct hands_world *world);

/** hands_quiet_end(world, wait_ms): let all go on that are quiet now, and start nothing more.
 * Return 0, or -1 when the thread is still at work: then nothing it uses may be freed. */
int hands_quiet_end(struct hands_world *world, int wait_ms);

/* hands_journal.c */
hands_work hands_journal;

/* hands_programs.c */
hands_work hands_programs;

/** hands_connector_look(world, number, status, err): what the supervisor knows of that tunnel's
 * connector. Return 0 or -1. */
int hands_connector_look(struct hands_world *world, uint64_t number,
                         struct supervisor_status *status, struct err *err);

/* hands_receive.c */
hands_work hands_receive, hands_discard;

/** hands_connector_resume(world): after a boot: start every connector whose token is kept. Failures
 * are logged. */
void hands_connector_resume(struct hands_world *world);

/** hands_connector_halt(world): stop them all, keep their tokens. Failures are logged. */
void hands_connector_halt(struct hands_world *world);

#endif
