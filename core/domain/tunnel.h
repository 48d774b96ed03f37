#ifndef SETT_TUNNEL_H
#define SETT_TUNNEL_H
/* A way in: a host name that leads to a service. Under `local` a route of the box's own web
 * server, under `cloudflare` a tunnel with its DNS record and its connector. */
#include "db.h"
#include "id.h"

enum tunnel_state {
    TUNNEL_PROVISIONING,
    TUNNEL_ACTIVE,
    TUNNEL_PAUSED,
    TUNNEL_DELETING,
    TUNNEL_DELETED,
    TUNNEL_FAILED
};
extern const char *const tunnel_state_names[];

enum tunnel_config {
    TUNNEL_REMOTE, /* its rules are the provider's to hand out; changes drop no connection */
    TUNNEL_LOCAL   /* they are a file of this box, read when the connector starts */
};
extern const char *const tunnel_config_names[];

struct tunnel {
    char id[ID_SIZE];
    uint64_t number;
    char name[96]; /* unique: "sett-tun000123" */
    char tenant_id[ID_SIZE], customer_id[ID_SIZE];
    char hostname[256]; /* "acme.example.com" */
    char path[160];     /* "" or a regular expression of the rule */
    char service[160];  /* "http://127.0.0.1:3100" */
    char ingress[16];   /* "local" or "cloudflare" */
    bool no_tls_verify;
    uint32_t state;
    char state_reason[240];
    char cf_account[64], cf_zone[64], cf_tunnel[64], cf_record[64];
    uint64_t cf_version;
    int64_t deleted_at, created_at, updated_at;
    uint64_t rules_wanted, rules_in_force; /* counts of changes: equal when nothing is to be done */
    char rules_reason[240];                /* why what is wanted is not in force */
    uint32_t own_position;                 /* of its own route among its rules (rule.h) */
    char catch_all[160];                   /* service of the last rule; "": http_status:404 */
    uint32_t config;                       /* enum tunnel_config */
    bool adopted;                          /* somebody else made it */
    char origin_server_name[256], http_host_header[256]; /* of its own route */
    bool shared;              /* others' routes go by it, and it has none (shared.h) */
    char carrier_id[ID_SIZE]; /* the shared tunnel that its route goes by; "": it is one itself */
    bool carried;             /* its route is to be among its carrier's rules */
    uint32_t routes;          /* shared: rules that are reserved */
    bool elsewhere;           /* its connector is not this box's affair */
    char words[320];          /* by which it is found, its rules' among them; set when stored */
    uint32_t health;          /* enum tenant_health: what the rounds noted of its connector */
};
extern const struct table tunnel_table; /* key id; unique: number, name; index: tenant_id, state,
                                           hostname, customer_id; by_host; words */

/* The word among `words` of those that a person should look at: tunnel_troubled. */
#define TUNNEL_WORD_TROUBLE ":trouble"

/** tunnel_troubled(tunnel): whether a person should look at it: it is failed, its newest rules were
 * refused, or its connector is not connected. */
bool tunnel_troubled(const struct tunnel *tunnel);

/** tunnel_resolve(txn, text, tunnel, err): by id, number or name. Return 1, 0 or -1. */
int tunnel_resolve(struct txn *txn, const char *text, struct tunnel *tunnel, struct err *err);

/** tunnel_new(txn, tunnel, err): insert a new one, provisioning. The caller has set tenant_id,
 * customer_id, hostname, path, service, ingress and, if it has one, a name; id, number, times and
 * else the name ("sett-tun000123") are set here. 0 or -1. */
int tunnel_new(struct txn *txn, struct tunnel *tunnel, struct err *err);

/** tunnel_routed(tunnel): whether it has a route of its own: a host name. */
bool tunnel_routed(const struct tunnel *tunnel);

/** tunnel_put(txn, tunnel, err): store a changed one; updated_at is set here. 0 or -1. */
int tunnel_put(struct txn *txn, struct tunnel *tunnel, struct err *err);

/** tunnel_note_health(txn, tunnel, health, err): note how its connector is and store it. Nobody has
 * changed the tunnel by that: updated_at stays. Return 0 or -1. */
int tunnel_note_health(struct txn *txn, struct tunnel *tunnel, uint32_t health, struct err *err);

/** tunnel_move(txn, tunnel, state, reason, err): change its state, reason and times and store it.
 * A deleted one stays deleted: ERR_CONFLICT "tunnel_deleted". 0 or -1. */
int tunnel_move(struct txn *txn, struct tunnel *tunnel, enum tunnel_state state, const char *reason,
                struct err *err);

/** tunnel_remake(txn, err): for migrations: make anew what of all records follows from the rest,
 * without any other change. Return 0 or -1. */
int tunnel_remake(struct txn *txn, struct err *err);

#endif
