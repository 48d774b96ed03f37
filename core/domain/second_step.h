#ifndef SETT_SECOND_STEP_H
#define SETT_SECOND_STEP_H
/*
 * What somebody holds who has given a password and not yet a second factor: a token that is no
 * session and opens nothing but the second step of signing in, for five minutes.
 */
#include "auth.h"
#include "db.h"

#define SECOND_STEP_TOKEN_SIZE 48
#define SECOND_STEP_MS         (INT64_C(5) * 60 * 1000)

struct second_step {
    uint8_t token_hash[32]; /* BLAKE2b */
    char user_id[ID_SIZE];
    uint32_t epoch; /* user's: a password or role that changes meanwhile ends it */
    char address[48];
    int64_t created_at, expires_at;
};
extern const struct table second_step_table; /* key token_hash; index: expires_at */

/** second_step_new(txn, user, address, token, err): the password of ${user}, as it was when it was
 * checked, is right; a few steps that are over go. Return 0 or -1. */
int second_step_new(struct txn *txn, const struct user *user, const char *address,
                    char token[SECOND_STEP_TOKEN_SIZE], struct err *err);

/** second_step_find(txn, token, step, user, err): whose it is. Unknown, over, or its user disabled
 * or changed: ERR_UNAUTHENTICATED "step_over". Return 0 or -1. */
int second_step_find(struct txn *txn, const char *token, struct second_step *step,
                     struct user *user, struct err *err);

/** second_step_end(txn, step, err): it is taken: never again. Return 0 or -1. */
int second_step_end(struct txn *txn, const struct second_step *step, struct err *err);

/** second_step_drop(txn, user_id, err): all of a user's; NULL: all there are. Return 0 or -1. */
int second_step_drop(struct txn *txn, const char *user_id, struct err *err);

#endif
