#ifndef SETT_RUNTIME_H
#define SETT_RUNTIME_H
/*
 * The runtime driver: what makes a tenant's program run. Every function is idempotent: create of
 * what is there with our mark is fine, remove of what is gone is fine, and nothing without our mark
 * is touched (ERR_CONFLICT naming it). None returns before the effect is there or has failed.
 */
#include "blueprint.h"
#include "buf.h"
#include "id.h"
#include "outcome.h"

#define RUNTIME_MARK_SIZE 32

struct runtime_order { /* what crosses from the worker to the hands */
    uint64_t number;
    char mark[RUNTIME_MARK_SIZE]; /* "sett-t000123": name of the container, folder, network */
    char tenant_id[ID_SIZE], job_id[ID_SIZE];
    char box_id[ID_SIZE]; /* label: whose it is */
    char blueprint[32];
    uint32_t port;   /* on 127.0.0.1 */
    uint32_t guest;  /* its number where many share a machine, 0: none */
    char node[64];   /* the machine that was chosen for it */
    char inside[64]; /* the address that it is to have, "10.20.0.7/24"; "": by DHCP */
    struct limits limits;
    bool adopt; /* create: what lies in its volumes was another runtime's, and is its from now on */
    struct kv env; /* values of variables that the blueprint declares, and of TENANT_…, DB_… */
};

enum runtime_state {
    RUNTIME_ABSENT,
    RUNTIME_CREATED,
    RUNTIME_RUNNING,
    RUNTIME_STOPPED,
    RUNTIME_FAILED
};
extern const char *const runtime_state_names[];

struct runtime_status {
    uint32_t state;
    char id[80]; /* the engine's own: a container id, a pid */
    uint32_t restarts;
    int32_t exit_code;
    int64_t started_at;
    bool oom_killed;
    char detail[200];
    char address[72]; /* "10.20.0.7:8069" of what is not on this box, once it is known; else "" */
    char node[64];    /* the machine that it is on, "": this one */
};

struct runtime_stats {
    uint64_t cpu_ns, memory_bytes, memory_limit_bytes, pids, received_bytes, sent_bytes,
        storage_bytes;
};

/* One thing of this box that a runtime has: a container, a process, or what is left of one. */
struct runtime_found {
    uint64_t number; /* of the tenant whose it says it is */
    char tenant_id[ID_SIZE];
    uint32_t state; /* enum runtime_state; RUNTIME_ABSENT: a part such as its network */
    char id[80];    /* the engine's own */
};
typedef int runtime_each(void *arg, const struct runtime_found *found, struct err *err);

struct runtime {
    const char *name;
    void *self;
    int (*create)(void *self, const struct runtime_order *o, const struct blueprint *b,
                  struct runtime_status *out, struct err *err);
    int (*start)(void *self, const struct runtime_order *o, const struct blueprint *b,
                 struct runtime_status *out, struct err *err);
    int (*stop)(void *self, const struct runtime_order *o, struct err *err);
    int (*restart)(void *self, const struct runtime_order *o, const struct blueprint *b,
                   struct runtime_status *out, struct err *err);
    /* remove: container, network, and with ${data} the volumes' folder */
    int (*remove)(void *self, const struct runtime_order *o, bool data, struct err *err);
    int (*inspect)(void *self, const struct runtime_order *o, struct runtime_status *out,
                   struct err *err);
    int (*logs)(void *self, const struct runtime_order *o, uint32_t lines, struct buf *out,
                struct err *err);
    int (*stats)(void *self, const struct runtime_order *o, struct runtime_stats *out,
                 struct err *err);
    /* exec: a command of the blueprint, inside; its output; a status other than 0 is an error */
    int (*exec)(void *self, const struct runtime_order *o, const struct blueprint *b,
                const struct blueprint_command *command, uint32_t timeout_s, struct buf *out,
                struct err *err);
    /* pause: all its processes stand still, or go on; fine if they do already. One that does not
     * run is ERR_UNAVAILABLE, or, to go on, fine. NULL: this runtime cannot. */
    int (*pause)(void *self, const struct runtime_order *o, bool pause, struct err *err);
    /* list: all that bears the mark of box ${box_id}, in no order; ${each} returns 0, or -1 having
     * filled err to stop. NULL: this runtime cannot say. */
    int (*list)(void *self, const char *box_id, runtime_each *each, void *arg, struct err *err);
};

/** runtime_variables(out, o, b, folder, port, err): all that ${NAME} may name in this tenant's
 * blueprint: PORT (${port}: the one the program itself listens on), TENANT_NUMBER, TENANT_ID,
 * TENANT_FOLDER (${folder}: where the tenant's own files are, as its program sees them),
 * BLUEPRINT_FOLDER (the files that came with the blueprint), MAX_USERS, the variables it declares
 * with the order's values over its defaults, and the order's TENANT_… and DB_…. Any other name in
 * o->env, or a value with a control character, is ERR_INVALID. Return 0 or -1. */
int runtime_variables(struct kv *out, const struct runtime_order *o, const struct blueprint *b,
                      const char *folder, uint32_t port, struct err *err);

/** runtime_environment(env, vars, b, err): what the program finds in its environment: PORT, the
 * TENANT_… and DB_… of ${vars}, MAX_USERS, the declared variables, and over them the blueprint's
 * [env], expanded. Return 0 or -1. */
int runtime_environment(struct kv *env, const struct kv *vars, const struct blueprint *b,
                        struct err *err);

#define RUNTIME_ARGV_SPACE 8192

/** runtime_argv(space, argv, command, vars, err): a blueprint's command with its variables in
 * place; ${argv} points into ${space} and ends with NULL. Return 0, or -1 (ERR_INVALID). */
int runtime_argv(char space[RUNTIME_ARGV_SPACE], char *argv[BLUEPRINT_ARGS + 1],
                 const struct blueprint_command *command, const struct kv *vars, struct err *err);

/** runtime_hide_secrets(err, vars): what a command says may hold what it was given: a message
 * "command_failed" with the value of a …PASSWORD, …SECRET or …TOKEN in it is replaced by one
 * without. */
void runtime_hide_secrets(struct err *err, const struct kv *vars);

#endif
