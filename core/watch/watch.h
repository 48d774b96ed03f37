#ifndef SETT_WATCH_H
#define SETT_WATCH_H
/*
 * What the two threads of the rounds share. The lists belong to the keeper, who alone makes and
 * frees them; what is in an entry is guarded by the lock. For core/watch's own files.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "health_state.h"
#include "history.h"
#include "http_multi.h"
#include "outside.h"
#include "restart_rules.h"
#include "saga_context.h"

#define WATCH_BLUEPRINTS 64
#define WATCH_RESTARTS   4 /* under way at once, at most */

struct watch_aspect {
    struct health_aspect health;
    int64_t due_ms; /* monotonic */
    bool under_way;
    uint32_t status; /* of the newest answer */
    enum http_end end;
};

struct watch_target {
    uint64_t number;
    bool tunnel;
    char id[ID_SIZE];
    int64_t record_ms;               /* updated_at of the record that this was made from */
    uint32_t port;                   /* of a tunnel: its connector's metrics; 0: not known yet */
    char origin[TENANT_ORIGIN_SIZE]; /* of a tenant: where its program listens */
    uint32_t blueprint;              /* index */
    char runtime[16];
    bool away;   /* its program is on another machine */
    bool paused; /* in maintenance: nobody asks, nobody restarts */
    bool local;  /* its front door is the box's own web server */
    char url[160];
    long connector; /* index of its tunnel in the list of tunnels; -1 */
    char tunnel_id[ID_SIZE];
    struct limits limits; /* its own over its plan's; its blueprint's are below */
    struct watch_aspect own, outside;
    uint32_t noted, noted_parts; /* as the store has them */
    struct restart_tries tries;
    bool has_page; /* a public status page */
    char subdomain[64];
    uint32_t page_state;
    int64_t page_due_ms;
    /* The present minute. */
    uint32_t asked, failed, latency_sum, latency_max;
    /* Measured: the last counters, and what came of them. */
    int64_t stats_due_ms, stats_ms;
    bool measured, counted;
    uint64_t cpu_ns, received, sent;
    uint64_t cpu_millis, cpu_max_millis, memory, storage, received_minute, sent_minute;
};

struct watch_list {
    struct watch_target *at; /* by number */
    size_t count;
};

struct watch_blueprint {
    char name[32], path[128];
    bool database, read, known; /* known: its file is there and right */
    struct limits limits;
};

struct watch_settings {
    int64_t interval_ms, outside_ms, again_ms, stats_ms, tick_ms, pages_ms;
    bool box_page;
    uint32_t timeout_ms, at_once, suspend_percent;
    struct health_rules rules;
    struct restart_rules restarts;
};

/* What restarts depend on, as it was last seen. */
enum watch_up { WATCH_NONE, WATCH_UP, WATCH_DOWN };
struct watch_outside {
    enum watch_up hands, engine, database;
    int64_t hands_ms, database_ms; /* when it was looked at */
};

struct health_watch {
    const struct saga_context *context;
    struct outside *outside;
    uint32_t quick_ms;
    pthread_t asker, keeper;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_bool stopping;
    struct watch_settings set; /* under the lock */
    struct watch_list tenants, tunnels;
    struct watch_blueprint blueprints[WATCH_BLUEPRINTS];
    uint32_t blueprint_count;
    uint64_t asked, failed; /* of the present minute, all */
    /* The keeper's own. */
    uint64_t seen_txn;
    int64_t full_ms, list_ms, list_took_ms;
    char box_id[ID_SIZE];
    bool sweep;       /* health records of what is not looked at any more are to go */
    bool sweep_pages; /* likewise status pages */
    bool no_box_page; /* there is none of the box, for sure */
    int64_t box_page_ms;
    struct watch_outside up;
    char restarting[WATCH_RESTARTS][ID_SIZE]; /* jobs; "" free */
    int64_t canary_ms;
    bool common; /* a cause in common was told, when */
    int64_t common_ms;
    struct history *history;
    int64_t minute_ms; /* the minute that the figures are of; wall */
    int64_t next_write_ms, early_until_ms;
    uint64_t cpu_busy, cpu_all; /* of /proc/stat */
    uint64_t events, jobs;
};

/** watch_find(list, number): the entry, or NULL. Under the lock. */
struct watch_target *watch_find(const struct watch_list *list, uint64_t number);

/** watch_whole(w, target): its state from its parts. Under the lock. */
uint32_t watch_whole(const struct health_watch *w, const struct watch_target *target);

/** watch_parts(w, target, parts): the states of program, connector and outside. Under the lock. */
void watch_parts(const struct health_watch *w, const struct watch_target *target,
                 uint32_t parts[3]);

/** watch_forget(aspect, state): begin anew with this state. Under the lock. */
void watch_forget(struct watch_aspect *aspect, uint32_t state);

/** watch_on_engine(target): whether the container engine of this box runs it. */
bool watch_on_engine(const struct watch_target *target);

/** watch_limits(w, target, out): the limits that hold: its own, its plan's, its blueprint's. Under
 * the lock. */
void watch_limits(const struct health_watch *w, const struct watch_target *target,
                  struct limits *out);

/** watch_list_refresh(w): take over what the store says, when it may have changed; and the settings
 * and blueprints now and then. Failures are logged. */
void watch_list_refresh(struct health_watch *w);

/** watch_ask_thread(w): asks until w->stopping. */
void *watch_ask_thread(void *w);

/** watch_note(w): write the states that changed, with their alerts. */
void watch_note(struct health_watch *w);

/** watch_restart(w): begin restarts that are due, or say that they are given up. */
void watch_restart(struct health_watch *w);

/** watch_measure(w): ask the hands what the tenants use, those that are due; and where the
 * connectors listen. */
void watch_measure(struct health_watch *w);

/** watch_minute(w): write the history when its minute is over. */
void watch_minute(struct health_watch *w);

/** watch_pages(w): write the status pages whose time has come, remove those of nobody. */
void watch_pages(struct health_watch *w);

#endif
