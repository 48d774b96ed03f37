#ifndef SETT_TENANT_H
#define SETT_TENANT_H
/* The thing that is sold: one customer's running program. */
#include "db.h"
#include "id.h"
#include "resource_limits.h"

enum tenant_state {
    TENANT_PENDING,
    TENANT_PROVISIONING,
    TENANT_ACTIVE,
    TENANT_PAST_DUE,
    TENANT_SUSPENDED,
    TENANT_DELETING,
    TENANT_DELETED,
    TENANT_FAILED
};
extern const char *const tenant_state_names[];

enum tenant_health {
    HEALTH_UNKNOWN,
    HEALTH_HEALTHY,
    HEALTH_DEGRADED,
    HEALTH_UNHEALTHY,
    HEALTH_UNREACHABLE
};
extern const char *const tenant_health_names[];

struct tenant {
    char id[ID_SIZE];
    uint64_t number; /* names its container, folder, unit, network: never reused */
    char name[128];
    char subdomain[64]; /* label; the host name is subdomain.domain */
    char customer_id[ID_SIZE], plan_id[ID_SIZE], subscription_id[ID_SIZE];
    char blueprint[32], runtime[16], ingress[16];
    uint32_t state, health;
    char state_reason[240]; /* why it is failed, suspended or flagged; "" otherwise */
    uint32_t port;          /* 0: none reserved */
    char tunnel_id[ID_SIZE], job_id[ID_SIZE]; /* job_id: the newest job about it */
    char url[160];
    bool maintenance;
    struct limits limits; /* its own, over the plan's */
    bool status_page;     /* a public one, at /status/SUBDOMAIN/ of the box */
    int64_t failed_at, suspended_at, deleted_at, created_at, updated_at;
    char address[72]; /* "10.20.0.7:8069" of a program that is not on this box; "": its port here */
    char node[64];    /* machine that it was put on, "": this one */
    uint32_t ingress_mode;  /* enum ingress_mode (shared.h), never inherit in a new one */
    uint32_t database;      /* which of its databases it uses; 0, 1: the first (postgres_name) */
    uint32_t database_kept; /* which one a restore put aside; 0: none */
    char backup_at[152];    /* its own, over the plan's: snapshot_schedule.h */
};
extern const struct table tenant_table; /* key id; unique: number; index: customer_id, plan_id,
                                           state, subdomain, subscription_id */

/** tenant_resolve(txn, text, tenant, err): by id or by number ("tn_…" or decimal). Return
 * 1, 0 or -1. */
int tenant_resolve(struct txn *txn, const char *text, struct tenant *tenant, struct err *err);

#define TENANT_ORIGIN_SIZE 80

/** tenant_origin(tenant, out): "127.0.0.1:3100": where its own program is asked. */
void tenant_origin(const struct tenant *tenant, char out[TENANT_ORIGIN_SIZE]);

/** tenant_service(tenant, out, size): "http://127.0.0.1:3100", what a way in leads to. 0 or -1. */
int tenant_service(const struct tenant *tenant, char *out, size_t size);

/** tenant_elsewhere(tenant): whether its program and its files are on another machine: a container
 * of a Proxmox cluster, or of an engine elsewhere, whose name is then its node. */
bool tenant_elsewhere(const struct tenant *tenant);

/** tenant_is_elsewhere(runtime, node): the same for these two words of it. */
bool tenant_is_elsewhere(const char *runtime, const char *node);

#define TENANT_RUNS_SIZE 96

/** tenant_runs_in(tenant, out): "docker", or "docker@NAME" on an engine of another machine. */
void tenant_runs_in(const struct tenant *tenant, char out[TENANT_RUNS_SIZE]);

#define TENANT_MARK_SIZE 32

/** tenant_mark(out, number): "sett-t000123", the name of everything outside that is this tenant's.
 */
void tenant_mark(char out[TENANT_MARK_SIZE], uint64_t number);

struct conf;
struct plan;

/** tenant_new(txn, conf, plan, tenant, err): insert a new pending tenant. The caller has set name,
 * subdomain and customer_id, subscription_id and limits as it has them; id, number, times, plan,
 * blueprint, ingress and URL are set here (runtime by the saga, from the blueprint), and the name
 * is taken for it: name_check's and name_take's errors. ${conf} may be NULL. Return 0 or -1. */
int tenant_new(struct txn *txn, const struct conf *conf, const struct plan *plan,
               struct tenant *tenant, struct err *err);

/** tenant_put(txn, tenant, err): store a changed one; updated_at is set here. 0 or -1. */
int tenant_put(struct txn *txn, struct tenant *tenant, struct err *err);

/** tenant_move(txn, tenant, state, reason, err): change its state with all that belongs to it
 * (failed_at, suspended_at, deleted_at, state_reason) and store it. A deleted tenant stays
 * deleted: ERR_CONFLICT "tenant_deleted". ${reason} NULL: "". Return 0 or -1. */
int tenant_move(struct txn *txn, struct tenant *tenant, enum tenant_state state, const char *reason,
                struct err *err);

/** tenant_front_door(txn, conf, hostname, out, size, err): where visitors find a host name:
 * "https://acme.example.com/" by the settings tenants.scheme and tenants.port (0 and the scheme's
 * own are not shown). 0 or -1. */
int tenant_front_door(struct txn *txn, const struct conf *conf, const char *hostname, char *out,
                      size_t size, struct err *err);

/** tenant_url(txn, conf, subdomain, out, size, err): likewise of a name below box.domain. 0 or -1.
 */
int tenant_url(struct txn *txn, const struct conf *conf, const char *subdomain, char *out,
               size_t size, struct err *err);

/** tenant_hostname(txn, conf, subdomain, out, size, err): "acme.example.com". Return 0 or -1. */
int tenant_hostname(struct txn *txn, const struct conf *conf, const char *subdomain, char *out,
                    size_t size, struct err *err);

/** tenant_may_have(txn, tenant, plan, err): that the tenant can change to this plan: one of its own
 * blueprint, or, since it was moved to another runtime, of the same as its present plan. 0 or -1.
 */
int tenant_may_have(struct txn *txn, const struct tenant *tenant, const struct plan *plan,
                    struct err *err);

/** tenant_limits(txn, tenant, out, err): the plan's limits with the tenant's own over them. 0 or
 * -1. */
int tenant_limits(struct txn *txn, const struct tenant *tenant, struct limits *out,
                  struct err *err);

#endif
