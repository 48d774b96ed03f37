#ifndef SETT_TENANT_TEXT_H
#define SETT_TENANT_TEXT_H
/*
 * By what a tenant is found and sorted: its words, and what of its record has an index here. Made
 * of the tenant, its customer and its domains, and kept in the commit that changes any of them.
 */
#include "tenant.h"

#define TENANT_NAME_KEY 49

struct tenant_text {
    char tenant_id[ID_SIZE];
    char name_key[TENANT_NAME_KEY]; /* its name in plain small letters, for sorting */
    char words[1024];               /* as fold_words: name, subdomain, number, customer, domains */
    int64_t updated_at;             /* these as the tenant has them */
    uint32_t health;
    char runtime[16];
};
/* key tenant_id; index: words, name_key, updated_at, health, runtime */
extern const struct table tenant_text_table;

/** tenant_text_key(name, out): the name as it is sorted. */
void tenant_text_key(const char *name, char out[TENANT_NAME_KEY]);

/** tenant_text_note(txn, tenant, err): make it anew, if anything of it is different. 0 or -1. */
int tenant_text_note(struct txn *txn, const struct tenant *tenant, struct err *err);

/** tenant_text_note_id(txn, tenant_id, err): likewise by id; fine if there is no such tenant. */
int tenant_text_note_id(struct txn *txn, const char *tenant_id, struct err *err);

/** tenant_text_note_customer(txn, customer_id, err): likewise for all tenants of a customer. */
int tenant_text_note_customer(struct txn *txn, const char *customer_id, struct err *err);

/** tenant_text_remake(txn, err): for migrations: those of all tenants. Return 0 or -1. */
int tenant_text_remake(struct txn *txn, struct err *err);

#endif
