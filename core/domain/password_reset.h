#ifndef SETT_PASSWORD_RESET_H
#define SETT_PASSWORD_RESET_H
/*
 * A new password for somebody who has forgotten theirs: one link a user, good once and for minutes,
 * dead as soon as the password or the role changes. It sets a password and nothing else: whoever
 * has it still has to sign in, second factor and all.
 */
#include "link_token.h"
#include "user.h"

#define PASSWORD_RESET_PAUSE_MS (INT64_C(60) * 1000) /* between two that somebody asks for */
#define PASSWORD_RESET_HOUR     5                    /* so many in an hour that nobody uses */

struct password_reset {
    char user_id[ID_SIZE];
    uint8_t token_hash[32];
    uint32_t epoch;    /* the user's, when it was made */
    char asked_by[64]; /* actor, "" for somebody who has forgotten it */
    char address[48];  /* from where */
    int64_t expires_at, created_at;
    uint32_t sent; /* asked for by somebody who has forgotten it, since then, and unused */
    int64_t since;
};
extern const struct table password_reset_table; /* key user_id; unique: token_hash */

/** password_reset_welcome(txn, user_id, err): whether a link may be sent to whoever asks for one:
 * else a stranger could fill a mailbox, and end the link before. Return 1; 0: one was made a moment
 * ago, or many within the hour; or -1. */
int password_reset_welcome(struct txn *txn, const char *user_id, struct err *err);

/** password_reset_new(txn, user, life_ms, asked_by, address, token, err): a link for ${user}; the
 * one before is dead. Return 0 or -1. */
int password_reset_new(struct txn *txn, const struct user *user, int64_t life_ms,
                       const char *asked_by, const char *address, char token[LINK_TOKEN_SIZE],
                       struct err *err);

/** password_reset_get(txn, user_id, r, err): the link that a user has, perhaps over. 1, 0 or -1. */
int password_reset_get(struct txn *txn, const char *user_id, struct password_reset *r,
                       struct err *err);

/** password_reset_user(txn, token, user, err): whose password a link sets. ERR_NOT_FOUND
 * "link_gone" for a link that is unknown, used or over, or of somebody disabled: which of them is
 * not said. Return 0 or -1. */
int password_reset_user(struct txn *txn, const char *token, struct user *user, struct err *err);

/** password_reset_forget(txn, user_id, err): the link is used, or its user gone. Return 0 or -1. */
int password_reset_forget(struct txn *txn, const char *user_id, struct err *err);

#endif
