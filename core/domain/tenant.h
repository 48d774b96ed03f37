#ifndef SETT_TENANT_H
#define SETT_TENANT_H
/* The thing that is sold: one customer's running program. */
#include "db.h"
#include "id.h"
#include "limits.h"

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

enum tenant_health { HEALTH_UNKNOWN, HEALTH_HEALTHY, HEALTH_DEGRADED, HEALTH_UNHEALTHY, HEALTH_UNREACHABLE };
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
    int64_t failed_at, suspended_at, deleted_at, created_at, updated_at;
};
extern const struct table tenant_table; /* key id; unique: number; index: customer_id, plan_id, state,
                                           subdomain, subscription_id */

/** tenant_resolve(txn, text, tenant, err): by id or by number ("tn_…" or decimal). Return
 * 1, 0 or -1. */
int tenant_resolve(struct txn *txn, const char *text, struct tenant *tenant, struct err *err);

/** tenant_mark(out, number): "sett-t000123", the name of everything outside that is this tenant's. */
#define TENANT_MARK_SIZE 32
void tenant_mark(char out[TENANT_MARK_SIZE], uint64_t number);

#endif
