#ifndef SETT_PROCESS_GROUP_H
#define SETT_PROCESS_GROUP_H
/*
 * Programs of ours kept alive without a service manager: the tenants of the process runtime, the
 * connectors of the child supervisor. Each is a session of its own and outlives us.
 *
 * Two files each in the state folder: NAME.unit, the plan and whether it should be running
 * (durable, written before anything is started or stopped), and NAME.pid, which process it is: pid,
 * start time and boot, so that a pid that now belongs to somebody else is known to be somebody
 * else's. A process that was started but whose NAME.pid was never written is found by its
 * environment (SETT_UNIT=state folder/NAME).
 *
 * A thread starts again what died and should be running: after restart_first_ms, then twice as
 * long each time up to restart_max_ms; who stayed alive for calm_ms begins anew.
 */
#include <stdbool.h>
#include "process_launch.h"

struct process_group;

struct process_group_setup {
    char folder[256];                                   /* made if missing, 0700 */
    uint64_t log_max_bytes;                             /* 0: 10 MB; then it is rotated once */
    uint32_t restart_first_ms, restart_max_ms, calm_ms; /* 0: 500, 60 s, 60 s */
    bool apart; /* each is a unit of systemd's (process_apart.h), not a child of ours */
};

struct process_status {
    bool known, wanted, running;
    pid_t pid;
    uint32_t restarts; /* since it was asked for */
    int32_t exit_code; /* of the last end; 128 + n after signal n; -1: unknown (not our child); of a
                          unit of systemd's 0 is any end that systemd calls clean */
    int64_t started_at; /* wall, ms */
    char owner[ID_SIZE];
};

/** process_group_new(out, setup, err): read the state folder, find again what is running, start
 * what should be and is not, stop what should not be and is. One that cannot be read is logged and
 * left alone. Return 0 or -1. */
int process_group_new(struct process_group **out, const struct process_group_setup *setup,
                      struct err *err);

/** process_group_free(g): end the watching; the programs go on. */
void process_group_free(struct process_group *g);

/** process_group_add(g, plan, err): note the unit without starting it (its plan may have no
 * argument yet). Fine if it is there; ERR_CONFLICT if it has another owner. Return 0 or -1. */
int process_group_add(struct process_group *g, const struct process_plan *plan, struct err *err);

/** process_group_start(g, plan, err): it should be running from now on, and is; fine if it was.
 * When it ends within 60 ms it does not count as started: ERR_UNAVAILABLE with its last words
 * (ERR_INVALID when there was nothing to execute), and it is no longer wanted. ERR_CONFLICT:
 * another owner. Return 0 or -1. */
int process_group_start(struct process_group *g, const struct process_plan *plan, struct err *err);

/** process_group_stop(g, name, owner, err): its stop_signal to its group, SIGKILL after its stop_s;
 * back when it has ended. Fine if it was not running or is not known. ERR_CONFLICT: another
 * ${owner} ("" for any). Return 0 or -1. */
int process_group_stop(struct process_group *g, const char *name, const char *owner,
                       struct err *err);

/** process_group_remove(g, name, owner, err): stop it and forget it. Return 0 or -1. */
int process_group_remove(struct process_group *g, const char *name, const char *owner,
                         struct err *err);

/** process_group_status(g, name, out): also for a name that is not known (out->known false). */
void process_group_status(struct process_group *g, const char *name, struct process_status *out);

/** process_group_plan(g, name, out, err): the plan as it is kept. ERR_NOT_FOUND. Return 0 or -1. */
int process_group_plan(struct process_group *g, const char *name, struct process_plan *out,
                       struct err *err);

/** process_group_each(g, on, arg, err): call for each unit that is known, in no order; ${on}
 * returns 0, or -1 having filled err to stop. Return 0 or -1. */
int process_group_each(struct process_group *g,
                       int (*on)(void *arg, const char *name, const struct process_status *status,
                                 struct err *err),
                       void *arg, struct err *err);

/** process_group_halt(g): stop all, but remember which should be running: the next
 * process_group_new starts them. Nothing is started again by this one. */
void process_group_halt(struct process_group *g);

#endif
