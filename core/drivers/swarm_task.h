#ifndef SETT_SWARM_TASK_H
#define SETT_SWARM_TASK_H
/* What the swarm has made of a service: its tasks, and the nodes that they are on. */
#include "docker_api.h"

struct swarm_task {
    char id[40], container[80], node[40];
    char state[16], error[480]; /* "running", "pending", …; the swarm's words */
    int32_t exit_code;
    int64_t at; /* of its state, wall ms */
};

struct swarm_tasks {
    bool wanted;            /* the swarm has a task that should run: now */
    struct swarm_task now;  /* else the newest */
    uint32_t ended;         /* how many have ended by themselves, of those it remembers (5) */
    struct swarm_task last; /* the last of those */
    bool stranded;          /* now is said to run, on a node that is down: nobody can know */
    bool alive;             /* some task has not come to its end yet, on a node that is there */
    char lost[64];          /* a node that is down and had it; "" */
};

struct swarm_here { /* this node, and what it can */
    char node[40], gateway[16];
    bool no_new_privileges;
};

/** swarm_here(api, out, err): who we are in the swarm. Return 0 or -1. */
int swarm_here(struct docker_api *api, struct swarm_here *out, struct err *err);

/** swarm_tasks_read(api, mark, out, err): its tasks; none is fine. Return 0 or -1. */
int swarm_tasks_read(struct docker_api *api, const char *mark, struct swarm_tasks *out,
                     struct err *err);

/** swarm_task_logs(api, task, lines, out, err): its last ${lines}, on whichever node it is. 0 or
 * -1. */
int swarm_task_logs(struct docker_api *api, const struct swarm_task *task, uint32_t lines,
                    struct buf *out, struct err *err);

#endif
