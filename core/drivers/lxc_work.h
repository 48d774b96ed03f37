#ifndef SETT_LXC_WORK_H
#define SETT_LXC_WORK_H
/* The inside of the lxc runtime, shared by runtime_lxc.c (the verbs) and lxc_make.c (what a
 * tenant's container is made of, and when it is another). */
#include <pthread.h>
#include "lxc_config.h"
#include "process_group.h"
#include "runtime.h"

#define LXC_START "/usr/bin/lxc-start"

struct lxc_self {
    struct process_group *group;
    struct docker_pool pool;
    char lxc[256], images[256], tenants[256], forward[256], units[256], pool_text[32];
    char box_id[ID_SIZE];
    bool idmap, apart;
    pthread_mutex_t lock; /* which network is whose; rules */
    bool closed_in;       /* the firewall's rules stand */
};

/* What a verb works on; large. */
struct lxc_work {
    struct runtime_order o;
    struct lxc_marks marks;
    struct lxc_plan plan;
    struct process_plan unit, forward;
};

/** lxc_make(self, w, b, known, err): bring about all of a container but its running: template,
 * claim on folder and network, root, plan, volumes, bridge, configuration, unit. ${known}: w->marks
 * are there. Afterwards w->plan and w->unit are complete. Return 1 when it runs and is another now,
 * so that it must start anew; 0; -1. */
int lxc_make(struct lxc_self *self, struct lxc_work *w, const struct blueprint *b, bool known,
             struct err *err);

/** lxc_make_plan(self, w, b, err): w->plan and w->unit of a container whose root is there and whose
 * network is in w->plan.network. Return 0 or -1. */
int lxc_make_plan(struct lxc_self *self, struct lxc_work *w, const struct blueprint *b,
                  struct err *err);

/** lxc_make_forward(self, w, err): w->forward, the unit of its port. Return 0 or -1. */
int lxc_make_forward(struct lxc_self *self, struct lxc_work *w, struct err *err);

/** lxc_stop_units(self, w, err): its port, then itself; neither is wanted any more. 0 or -1. */
int lxc_stop_units(struct lxc_self *self, const struct lxc_work *w, struct err *err);

/** lxc_attach(self, w, env, argv, timeout_s, out, code, err): run ${argv} inside in ${env} (NULL:
 * none), as the plan's user; what it says into ${out}. Uses w->unit. Return 0 or -1. */
int lxc_attach(struct lxc_self *self, struct lxc_work *w, const struct kv *env, char *const *argv,
               uint32_t timeout_s, struct buf *out, int *code, struct err *err);

/** lxc_freeze(self, w, freeze, err): all of it stands still, or goes on; fine if it does already,
 * and to go on if it does not run. Uses w->unit. Return 0 or -1. */
int lxc_freeze(struct lxc_self *self, struct lxc_work *w, bool freeze, struct err *err);

#endif
