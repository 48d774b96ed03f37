#ifndef SETT_CUSTOMER_H
#define SETT_CUSTOMER_H
/* Who pays. */
#include "db.h"
#include "id.h"

struct customer {
    char id[ID_SIZE];
    uint64_t number;
    char name[128];
    char email[256];
    char stripe_customer[64]; /* unique when set */
    char locale[16];
    char note[512];
    /* Time of the facts that each came from, in ms, times 4, plus 1 for a customer object of
     * Stripe: an older or lesser one changes nothing. 0: from an operator or not known. */
    uint64_t name_stamp, email_stamp, locale_stamp;
    int64_t refunded_at, part_refunded_at; /* refunds whose subscription Stripe did not name */
    int64_t created_at, updated_at;
    char words[512]; /* of name and address, by which it is found: fold_words */
};
extern const struct table
    customer_table; /* key id; unique: number, stripe_customer; index: email, words */

/** customer_new(txn, customer, err): insert with a fresh id and number, and times. 0 or -1. */
int customer_new(struct txn *txn, struct customer *customer, struct err *err);

/** customer_put(txn, customer, err): store a changed one; updated_at is set here. 0 or -1. */
int customer_put(struct txn *txn, struct customer *customer, struct err *err);

/** customer_remake(txn, err): for migrations: make anew what of all records follows from the rest,
 * without any other change. Return 0 or -1. */
int customer_remake(struct txn *txn, struct err *err);

#endif
