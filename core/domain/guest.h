#ifndef SETT_GUEST_H
#define SETT_GUEST_H
/*
 * Containers on machines that many share: which of their numbers are ours, and which addresses. The
 * number is decided here, in one transaction, and never by asking which one is free: two who ask at
 * once are told the same.
 */
#include "db.h"
#include "id.h"

struct guest {
    uint32_t vmid;
    char tenant_id[ID_SIZE]; /* "" with foreign set: somebody else's was found there */
    char address[64];        /* "10.20.0.7/24", "": by DHCP */
    char node[64];           /* machine that was chosen when it was made */
    char foreign[96];        /* what was found; tried again after `until` */
    int64_t until, created_at;
};
extern const struct table guest_table; /* key vmid; index: tenant_id; unique: address */

struct guest_pool {
    const char *vmids;     /* "900000-909999" */
    const char *addresses; /* "10.20.0.10-10.20.0.250/24", or "": by DHCP */
    const char *gateway;   /* never given out, or "" */
};

/** guest_reserve(txn, pool, tenant_id, node, guest, err): the lowest free number and address for a
 * tenant, which keeps those it has. ERR_QUOTA "vmids_exhausted", "addresses_exhausted". 0 or -1. */
int guest_reserve(struct txn *txn, const struct guest_pool *pool, const char *tenant_id,
                  const char *node, struct guest *guest, struct err *err);

/** guest_free(txn, tenant_id, err): give back what the tenant has. Return 0 or -1. */
int guest_free(struct txn *txn, const char *tenant_id, struct err *err);

/** guest_foreign(txn, vmid, what, until, err): note that something foreign is there. 0 or -1. */
int guest_foreign(struct txn *txn, uint32_t vmid, const char *what, int64_t until, struct err *err);

/** guest_of_tenant(txn, tenant_id, guest, err): Return 1, 0 or -1. */
int guest_of_tenant(struct txn *txn, const char *tenant_id, struct guest *guest, struct err *err);

/** guest_vmids_check(text, low, high, err): that the text is a range of numbers. 0 or -1. */
int guest_vmids_check(const char *text, uint32_t *low, uint32_t *high, struct err *err);

/** guest_addresses_check(text, err): that the text is a pool of IPv4 addresses, or "". 0 or -1. */
int guest_addresses_check(const char *text, struct err *err);

#endif
