#ifndef SETT_SECOND_FACTOR_H
#define SETT_SECOND_FACTOR_H
/*
 * The second factor of a user: an authenticator app (TOTP) and ten recovery codes. Each code is
 * good once: what was used is noted in the transaction in which it is found right, so of two who
 * come with the same one only one gets in. Five tries in a quarter of an hour, of whatever kind.
 */
#include "auth.h"
#include "db.h"
#include "totp.h"
#include "vault.h"

#define SECOND_FACTOR_CODES     10
#define SECOND_FACTOR_CODE_SIZE 20 /* "abcd-efgh-ijkl-mnop": 80 bits */
#define SECOND_FACTOR_TRIES     5
#define SECOND_FACTOR_TRIES_MS  (INT64_C(15) * 60 * 1000)

struct second_factor {
    char user_id[ID_SIZE];
    struct sealed secret; /* of the app in use, with web.key; empty: none yet */
    struct sealed next;   /* of one that is being entered, until it is confirmed */
    uint64_t last_step;   /* the newest that was accepted: it and all before are spent */
    uint8_t salt[16];     /* of the recovery codes' hashes */
    uint8_t codes[SECOND_FACTOR_CODES * 32]; /* argon2id; zero: used */
    uint32_t codes_mib, codes_passes;        /* with which they were hashed */
    uint32_t codes_left;
    uint32_t tries; /* wrong ones since tries_at */
    int64_t tries_at, begun_at, confirmed_at;
};
extern const struct table second_factor_table; /* key user_id */

/* What is shown when an app is entered: once, and kept only sealed. */
struct second_factor_offer {
    char secret[TOTP_SECRET_TEXT], uri[TOTP_URI_SIZE];
};

/* Ten new codes: what is shown and what is kept. */
struct second_factor_batch {
    char text[SECOND_FACTOR_CODES][SECOND_FACTOR_CODE_SIZE];
    uint8_t salt[16], hash[SECOND_FACTOR_CODES * 32];
    uint32_t mib, passes;
};

/* What somebody gives: a code of the app, or a recovery code with its hash. */
struct second_factor_proof {
    char code[64];
    bool recovery;
    uint8_t hash[32];
};

/** second_factor_get(txn, user_id, factor, err): Return 1, 0 if there is no record, or -1. */
int second_factor_get(struct txn *txn, const char *user_id, struct second_factor *factor,
                      struct err *err);

/** second_factor_begin(txn, key, user, issuer, offer, err): a new secret, to be confirmed; an app
 * in use stays so until then. Return 0 or -1. */
int second_factor_begin(struct txn *txn, const struct web_key *key, const struct user *user,
                        const char *issuer, struct second_factor_offer *offer, struct err *err);

/** second_factor_right(txn, key, user_id, code, err): whether second_factor_confirm would take it:
 * asked before the codes for it are made, which is slow. Return 1, 0 or -1. */
int second_factor_right(struct txn *txn, const struct web_key *key, const char *user_id,
                        const char *code, struct err *err);

/** second_factor_confirm(txn, key, user, code, batch, err): ${code} of the app that was begun: it
 * is the user's second factor from now on, with these recovery codes. Return 0; 1: the code is
 * wrong, ${err} says so, and the try must be committed; -1. */
int second_factor_confirm(struct txn *txn, const struct web_key *key, struct user *user,
                          const char *code, const struct second_factor_batch *batch,
                          struct err *err);

/** second_factor_batch(gate, terms, batch, err): make ten codes. Slow: outside any transaction.
 * Return 0 or -1. */
int second_factor_batch(struct auth_gate *gate, const struct auth_terms *terms,
                        struct second_factor_batch *batch, struct err *err);

/** second_factor_codes_set(txn, user_id, batch, err): in place of those there are. Return 0 or -1.
 */
int second_factor_codes_set(struct txn *txn, const char *user_id,
                            const struct second_factor_batch *batch, struct err *err);

/** second_factor_read(gate, db, user_id, text, proof, err): what ${text} is: six digits are the
 * app's; else it is taken for a recovery code, case, blanks and hyphens not mattering, and hashed.
 * Slow: outside any transaction, and not done for somebody who has no tries left (ERR_RATE).
 * Return 0 or -1. */
int second_factor_read(struct auth_gate *gate, struct db *db, const char *user_id, const char *text,
                       struct second_factor_proof *proof, struct err *err);

/** second_factor_use(txn, key, user_id, proof, err): whether it is right, and never again. Return
 * 0; 1: it is wrong or spent, ${err} (ERR_INVALID "code_wrong") says so and the try must be
 * committed; -1: ERR_RATE "too_many_tries" among others. */
int second_factor_use(struct txn *txn, const struct web_key *key, const char *user_id,
                      const struct second_factor_proof *proof, struct err *err);

/** second_factor_remove(txn, user, err): the user signs in by password alone from now on. Return 1,
 * 0 if there was nothing, or -1. */
int second_factor_remove(struct txn *txn, struct user *user, struct err *err);

/** second_factor_spend(txn, err): all codes of apps up to now are spent, of all users: for a store
 * that comes from the past, in which newer ones have been used. Return 0 or -1. */
int second_factor_spend(struct txn *txn, struct err *err);

#endif
