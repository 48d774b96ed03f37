#ifndef SETT_USER_LETTER_H
#define SETT_USER_LETTER_H
/* Letters to people who sign in, with a link that nobody but them is to see: the outbox has its
 * token sealed for the worker, until it is sent. */
#include "conf.h"
#include "db.h"
#include "kv.h"
#include "letter.h"
#include "user.h"
#include "vault.h"

struct user_letter {
    const char *kind, *email, *language; /* language "": the box's */
    const struct kv *params;             /* those of the kind */
    const char *token;                   /* of the link; NULL: the worker makes it */
    int64_t until_ms;                    /* the link is worth nothing from: it is not sent later */
};

/** user_letter_possible(txn, conf): whether this box can send mail at all. */
bool user_letter_possible(struct txn *txn, const struct conf *conf);

/** user_letter_queue(txn, vault, letter, err): into the outbox, as a part of the caller's commit.
 * Return 0 or -1. */
int user_letter_queue(struct txn *txn, const struct vault *vault, const struct user_letter *letter,
                      struct err *err);

/** user_letter_tell(txn, conf, user, kind, err): a letter without link or parameters about what
 * became of the user's account, so that somebody else's doing is noticed. Nothing is queued where
 * there is no address or no mail server. Return 0 or -1. */
int user_letter_tell(struct txn *txn, const struct conf *conf, const struct user *user,
                     const char *kind, struct err *err);

/** user_letter_fill(txn, vault, life_ms, message, err): for the worker, before it sends a letter
 * that was asked for by a name alone: who that is, where to, and the link, which is made here.
 * Return 1; 0: there is nobody to write to, or was written to a minute ago; -1. */
int user_letter_fill(struct txn *txn, const struct vault *vault, int64_t life_ms,
                     struct message *message, struct err *err);

/** user_letter_address(txn, user, out, err): where a user can be written to: its address, its name
 * if that is one, or its customer's; "" if nowhere. Return 0 or -1. */
int user_letter_address(struct txn *txn, const struct user *user, char out[256], struct err *err);

#endif
