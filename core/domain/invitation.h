#ifndef SETT_INVITATION_H
#define SETT_INVITATION_H
/*
 * Invitations: a name, a role and a link with which whoever holds it chooses a password, once. The
 * user is made only then, so a name that was never taken up is nobody's.
 */
#include "link_token.h"
#include "user.h"

enum invitation_state { INVITATION_OPEN, INVITATION_ACCEPTED, INVITATION_REVOKED, INVITATION_OVER };
extern const char *const invitation_state_names[];

struct invitation {
    char id[ID_SIZE];
    char name[128];  /* to sign in with, lower case */
    char email[256]; /* where the link goes, "" */
    uint32_t role;
    char customer_id[ID_SIZE]; /* role customer: whose tenants */
    char language[8];          /* of the letter and of the user, "" */
    uint8_t token_hash[32];
    char invited_by[64];   /* actor */
    char user_id[ID_SIZE]; /* who it became */
    int64_t mailed_at;     /* a letter with the present link was queued; 0: it was shown */
    int64_t expires_at, accepted_at, revoked_at, created_at;
};
extern const struct table invitation_table; /* key id; unique: token_hash; index: name */

/** invitation_state(i, now_ms): what has become of it. */
enum invitation_state invitation_state(const struct invitation *i, int64_t now_ms);

/** invitation_new(txn, i, life_ms, token, err): ${i} with name, email, role, customer_id, language
 * and invited_by set by the caller. ERR_CONFLICT "user_exists" or "invitation_open". 0 or -1. */
int invitation_new(struct txn *txn, struct invitation *i, int64_t life_ms,
                   char token[LINK_TOKEN_SIZE], struct err *err);

/** invitation_renew(txn, i, life_ms, token, err): a new link; the one before is dead. ERR_CONFLICT
 * for one that was accepted or revoked. The caller stores ${i}. Return 0 or -1. */
int invitation_renew(struct txn *txn, struct invitation *i, int64_t life_ms,
                     char token[LINK_TOKEN_SIZE], struct err *err);

/** invitation_by_token(txn, token, i, err): ERR_NOT_FOUND "link_gone" for a link that is unknown,
 * used, revoked or over: which of them is not said. Return 0 or -1. */
int invitation_by_token(struct txn *txn, const char *token, struct invitation *i, struct err *err);

/** invitation_accept(txn, i, password_hash, user, err): the user is made, the link is used. Return
 * 0 or -1. */
int invitation_accept(struct txn *txn, struct invitation *i, const char *password_hash,
                      struct user *user, struct err *err);

/** invitation_prune(txn, most, err): remove at most ${most} that ended over a month ago. Return how
 * many, or -1. */
int invitation_prune(struct txn *txn, unsigned most, struct err *err);

#endif
