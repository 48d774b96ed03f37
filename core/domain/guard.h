#ifndef SETT_GUARD_H
#define SETT_GUARD_H
/* What stands before a tenant's door: who may come in, and how often one may ask. At most one of
 * each for a tenant, for all its host names. The record says what is wanted; a job brings it about.
 */
#include "cloudflared.h"
#include "db.h"
#include "id.h"

enum guard_state { GUARD_PENDING, GUARD_ACTIVE, GUARD_FAILED, GUARD_REMOVING };
extern const char *const guard_state_names[];

#define GUARD_LIST_MAX 1600 /* bytes of one list */
#define GUARD_ALL_MAX  2600 /* bytes of all lists: they travel with a job */

struct access {
    char tenant_id[ID_SIZE];
    char emails[GUARD_LIST_MAX + 1], domains[GUARD_LIST_MAX + 1], ips[GUARD_LIST_MAX + 1];
    bool login;       /* everybody who can sign in */
    bool ips_suffice; /* from such an address nobody need sign in */
    uint32_t session_hours;
    uint32_t state; /* enum guard_state */
    char state_reason[240];
    char aud[128]; /* Cloudflare's audience tag of the tenant's first host name */
    int64_t created_at, updated_at;
    char state_remedy[240];
    bool absent;      /* it failed and nothing of it stands */
    char team[64];    /* whose tokens the tunnels' connectors ask for; "": they ask for none */
    char untold[240]; /* why not, though they could */
};
extern const struct table access_table; /* key tenant_id */

/* A host name whose visitors need a token: its tunnel's connector looks at it, too, so that who
 * finds a way round the edge's page finds a second door. */
struct access_door {
    char tenant_id[ID_SIZE];
    char hostname[256];
    char team[64], aud[72];
    int64_t created_at;
};
extern const struct table access_door_table; /* key tenant_id, hostname */

struct rate_limit {
    char tenant_id[ID_SIZE];
    uint32_t requests, period_s, block_s;
    uint32_t state; /* enum guard_state */
    char state_reason[240];
    int64_t created_at, updated_at;
    char state_remedy[240];
    bool absent; /* it failed and nothing of it stands */
};
extern const struct table rate_limit_table; /* key tenant_id */

/** access_get(txn, tenant_id, access, err): Return 1, 0 if there is none, or -1. */
int access_get(struct txn *txn, const char *tenant_id, struct access *access, struct err *err);

/** access_check(access, err): that each e-mail address, domain and address range of its lists could
 * be one, that there is room for them, and that somebody is let in. The lists are brought into one
 * form: small letters, no blanks, each once. ERR_INVALID naming the field. Return 0 or -1. */
int access_check(struct access *access, struct err *err);

/** access_tokens(access): whether everybody who is let in has a token of Access; else some come in
 * by their address alone. */
bool access_tokens(const struct access *access);

/** access_put(txn, access, err): insert or store; times are set here. Return 0 or -1. */
int access_put(struct txn *txn, struct access *access, struct err *err);

/** guard_door_put(txn, door, err): insert or store; the time is set here. Return 0 or -1. */
int guard_door_put(struct txn *txn, struct access_door *door, struct err *err);

/** guard_door_drop(txn, tenant_id, hostname, err): fine if there is none; "": all of the tenant's.
 * Return how many there were, or -1. */
int guard_door_drop(struct txn *txn, const char *tenant_id, const char *hostname, struct err *err);

/** guard_doors(txn, tenant_id, config, from, err): let the rules from place ${from} on whose host
 * name has a door ask for its token, unless they say themselves what they ask for. 0 or -1. */
int guard_doors(struct txn *txn, const char *tenant_id, struct cloudflared_config *config,
                uint32_t from, struct err *err);

/** rate_limit_get(txn, tenant_id, limit, err): Return 1, 0 if there is none, or -1. */
int rate_limit_get(struct txn *txn, const char *tenant_id, struct rate_limit *limit,
                   struct err *err);

/** rate_limit_put(txn, limit, err): insert or store; times are set here. Return 0 or -1. */
int rate_limit_put(struct txn *txn, struct rate_limit *limit, struct err *err);

/** guard_hosts(txn, tenant_id, out, size, err): the host names that lead to the tenant by way of
 * Cloudflare, separated by commas, its own first. ERR_TOO_LARGE. Return how many, or -1. */
int guard_hosts(struct txn *txn, const char *tenant_id, char *out, size_t size, struct err *err);

/** guard_drop(txn, tenant_id, err): both records go with their tenant. Return 0 or -1. */
int guard_drop(struct txn *txn, const char *tenant_id, struct err *err);

#endif
