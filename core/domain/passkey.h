#ifndef SETT_PASSKEY_H
#define SETT_PASSKEY_H
/*
 * Passkeys: keys that live in a device and sign a challenge once the device has made sure who holds
 * it, so that one of them is what somebody has and what they know or are. A challenge is a text of
 * ours that needs no record until it is used; then it is noted as spent.
 */
#include "db.h"
#include "id.h"
#include "user.h"
#include "vault.h"
#include "webauthn.h"

#define PASSKEYS_MOST          20 /* of one user */
#define PASSKEY_CREDENTIAL     688
#define PASSKEY_CHALLENGE_SIZE 72
#define PASSKEY_CHALLENGE_MS   (INT64_C(5) * 60 * 1000)

struct passkey {
    char id[ID_SIZE];
    char user_id[ID_SIZE];
    char name[96];                       /* what its owner calls it */
    char credential[PASSKEY_CREDENTIAL]; /* its id in base64url */
    uint8_t credential_hash[32];
    uint8_t key[WEBAUTHN_KEY_MAX];
    uint32_t key_len;
    int64_t algorithm; /* COSE */
    uint32_t counter;  /* of its uses, as the device counts; 0: it does not */
    bool synced;       /* it may be on more than one device */
    char last_address[48];
    int64_t last_used_at, created_at;
};
/* key id; unique: credential_hash; index user_id */
extern const struct table passkey_table;

/* A challenge that was used. */
struct passkey_spent {
    uint8_t challenge[32]; /* BLAKE2b */
    int64_t expires_at;
};
extern const struct table passkey_spent_table; /* key challenge; index expires_at */

enum passkey_purpose { PASSKEY_MAKE, PASSKEY_USE };

/** passkey_challenge(key, purpose, subject, now_ms, out): good for five minutes, for this purpose
 * and subject (the session in which one is made; "" for signing in). */
void passkey_challenge(const struct web_key *key, enum passkey_purpose purpose, const char *subject,
                       int64_t now_ms, char out[PASSKEY_CHALLENGE_SIZE]);

/** passkey_challenge_take(txn, key, purpose, subject, challenge, err): that it is one of ours, for
 * this, not over and not used; from now on it is used. ERR_UNAUTHENTICATED "challenge_over". 0 or
 * -1. */
int passkey_challenge_take(struct txn *txn, const struct web_key *key, enum passkey_purpose purpose,
                           const char *subject, const char *challenge, struct err *err);

/** passkey_add(txn, user_id, name, made, passkey, err): ERR_CONFLICT "passkey_exists", ERR_QUOTA
 * beyond PASSKEYS_MOST. Return 0 or -1. */
int passkey_add(struct txn *txn, const char *user_id, const char *name,
                const struct webauthn_key *made, struct passkey *passkey, struct err *err);

/** passkey_find(txn, credential, passkey, err): by its id in base64url. Return 1, 0 or -1. */
int passkey_find(struct txn *txn, const char *credential, struct passkey *passkey, struct err *err);

/** passkey_key(passkey, key): as webauthn.h has it. Return 0, or -1 if it is none. */
int passkey_key(const struct passkey *passkey, struct webauthn_key *key);

/** passkey_used(txn, passkey, counter, address, err): note a use. A counter that does not go on
 * means a copy: ERR_UNAUTHENTICATED "passkey_copied". Return 0 or -1. */
int passkey_used(struct txn *txn, struct passkey *passkey, uint32_t counter, const char *address,
                 struct err *err);

/** passkeys_drop(txn, user_id, err): all of a user's. Return 0 or -1. */
int passkeys_drop(struct txn *txn, const char *user_id, struct err *err);

/** passkeys_next(scan, txn, user_id, passkey, err): walk a user's: ${scan} all zero first. Return
 * 1, 0 at the end, -1. */
int passkeys_next(struct scan *scan, struct txn *txn, const char *user_id, struct passkey *passkey,
                  struct err *err);

#endif
