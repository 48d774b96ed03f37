#ifndef SETT_PORT_H
#define SETT_PORT_H
/* The pool of local ports and who owns which. */
#include "db.h"
#include "id.h"

struct port {
    uint32_t port;
    char tenant_id[ID_SIZE]; /* "" with foreign set: taken by something that is not ours */
    char foreign[96];        /* its name, "nginx (pid 812)"; tried again after `until` */
    int64_t until, created_at;
    bool reserved; /* a person keeps it free, `foreign` says for what; until they let it go */
};
extern const struct table port_table; /* key port; index: tenant_id */

/* Where the search for a free port may begin: one record, so that a full pool is not walked from
 * its start for each new tenant. */
struct port_hint {
    uint32_t id; /* always 1 */
    uint32_t next;
    int64_t retry_at;
    uint8_t ranges[32];
};
extern const struct table port_hint_table; /* key id */

/** port_reserve(txn, ranges, tenant_id, port, err): the lowest free port of the pool ("3100-3999,
 * 5000-5100") for a tenant, which keeps one it has. ERR_QUOTA "ports_exhausted". Return 0 or -1. */
int port_reserve(struct txn *txn, const char *ranges, const char *tenant_id, uint32_t *port,
                 struct err *err);

/** port_reserve_another(txn, ranges, tenant_id, port, err): likewise, beside those it has. 0 or -1.
 */
int port_reserve_another(struct txn *txn, const char *ranges, const char *tenant_id, uint32_t *port,
                         struct err *err);

/** port_give(txn, port, tenant_id, err): give back this one, if it is the tenant's. 0 or -1. */
int port_give(struct txn *txn, uint32_t port, const char *tenant_id, struct err *err);

/** port_free(txn, tenant_id, err): give back what the tenant has. Return 0 or -1. */
int port_free(struct txn *txn, const char *tenant_id, struct err *err);

/** port_foreign(txn, port, owner, until, err): note that something foreign sits there. 0 or -1. */
int port_foreign(struct txn *txn, uint32_t port, const char *owner, int64_t until, struct err *err);

#define PORT_FOREIGN_MS (INT64_C(15) * 60 * 1000) /* then a foreign port is tried again */

/** port_keep(txn, port, note, err): no tenant is to get it, until it is let go. ERR_CONFLICT
 * "port_taken" if one has it. Return 0 or -1. */
int port_keep(struct txn *txn, uint32_t port, const char *note, struct err *err);

/** port_let_go(txn, port, err): what was reserved or foreign may be given to a tenant. Conflict as
 * above. Return 1, 0 if it was free, or -1. */
int port_let_go(struct txn *txn, uint32_t port, struct err *err);

/** port_ranges_check(ranges, total, err): that the text is a pool; how many ports. 0 or -1. */
int port_ranges_check(const char *ranges, uint32_t *total, struct err *err);

#endif
