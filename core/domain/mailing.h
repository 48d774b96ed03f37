#ifndef SETT_MAILING_H
#define SETT_MAILING_H
/* A letter that an operator wrote to many customers: its text, once; each customer's own message is
 * in the outbox. */
#include "db.h"
#include "id.h"
#include "kv.h"

#define MAILING_TEXT 8000
#define MAILING_MOST 5000 /* letters at once */

struct mailing {
    char id[ID_SIZE]; /* ml_… */
    char kind[32];    /* message, or maintenance */
    char subject[240];
    char text[MAILING_TEXT];
    struct kv params; /* maintenance: from, until, reason */
    bool by_state;    /* only tenants in this state; else all that are not deleted */
    uint32_t state;
    char plan_id[ID_SIZE], customer_id[ID_SIZE]; /* only of this plan, of this customer; "" */
    bool per_tenant; /* the text speaks of the tenant: one letter for each, not each customer */
    char actor[64];
    uint32_t letters; /* queued so far */
    bool done;        /* all are */
    char at[ID_SIZE]; /* tenant up to which they are */
    int64_t created_at, ended_at;
};
extern const struct table mailing_table; /* key id */

struct tenant;

/** mailing_means(mailing, tenant): whether a tenant is of its selection. */
bool mailing_means(const struct mailing *mailing, const struct tenant *tenant);

/** mailing_new(txn, mailing, err): insert with a fresh id and time; its letters are queued by
 * mailing_expand. Return 0 or -1. */
int mailing_new(struct txn *txn, struct mailing *mailing, struct err *err);

/** mailing_open(txn, mailing, err): the oldest of the newest hundred that is not done. Return 1, 0
 * or -1. */
int mailing_open(struct txn *txn, struct mailing *mailing, struct err *err);

/** mailing_expand(txn, most, err): go on with the one that mailing_open finds: look at ${most}
 * tenants at most. Return how many were looked at, or -1. */
int mailing_expand(struct txn *txn, unsigned most, struct err *err);

#endif
