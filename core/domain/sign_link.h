#ifndef SETT_SIGN_LINK_H
#define SETT_SIGN_LINK_H
/*
 * A customer's way in without a password: a link by mail, good once and for a quarter of an hour,
 * to whoever reads the mails of the address that the customer has paid with. One a customer: a new
 * one ends the one before. It stands for a password and for nothing more: who has a second factor
 * still has to give it.
 */
#include "customer.h"
#include "link_token.h"
#include "user.h"

#define SIGN_LINK_MS       (INT64_C(15) * 60 * 1000)
#define SIGN_LINK_PAUSE_MS (INT64_C(60) * 1000) /* between two of the same customer */
#define SIGN_LINK_HOUR     5                    /* so many in an hour that nobody uses */

struct sign_link {
    char customer_id[ID_SIZE];
    uint8_t token_hash[32];
    char email[256];  /* where it was sent: worth nothing when the customer's is another by now */
    char address[48]; /* from where it was asked for */
    int64_t expires_at, created_at;
    uint32_t sent; /* since then, and unused */
    int64_t since;
};
extern const struct table sign_link_table; /* key customer_id; unique: token_hash */

/** sign_link_new(txn, customer, address, token, err): a new one. Return 1, 0 when one was made a
 * moment ago or many were within the hour, or -1. */
int sign_link_new(struct txn *txn, const struct customer *customer, const char *address,
                  char token[LINK_TOKEN_SIZE], struct err *err);

/** sign_link_take(txn, token, customer, err): whose it is; it is used up. ERR_NOT_FOUND "link_gone"
 * for one that is unknown, used or over: which of them is not said. Return 0 or -1. */
int sign_link_take(struct txn *txn, const char *token, struct customer *customer, struct err *err);

/** sign_link_user(txn, customer, user, err): the user that a customer signs in as: the one of that
 * address, else any that may sign in. Return 1, 0 if there is none yet, or -1. */
int sign_link_user(struct txn *txn, const struct customer *customer, struct user *user,
                   struct err *err);

/** sign_link_user_new(txn, customer, user, err): make that user, without a password, named after
 * the address. Return 0 or -1. */
int sign_link_user_new(struct txn *txn, const struct customer *customer, struct user *user,
                       struct err *err);

/** sign_link_drop(txn, err): all there are: those of a store that comes from the past may have been
 * used since. Return 0 or -1. */
int sign_link_drop(struct txn *txn, struct err *err);

#endif
