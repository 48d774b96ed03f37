#ifndef SETT_USER_H
#define SETT_USER_H
/* People and programs that sign in: users, their sessions, API keys. */
#include "db.h"
#include "id.h"

#define AUTH_SCOPES_SIZE   640
#define AUTH_NETWORKS_SIZE 400

/* In the order of power. PUBLIC is nobody at all. */
enum role { ROLE_PUBLIC, ROLE_CUSTOMER, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };
extern const char *const role_names[];

struct user {
    char id[ID_SIZE];
    char name[128]; /* sign-in name, unique, lower case: "admin", an e-mail address */
    uint32_t role;
    char customer_id[ID_SIZE]; /* ROLE_CUSTOMER: whose tenants */
    char password[160];        /* argon2id string; hidden */
    bool disabled;
    uint32_t epoch; /* grows with each change of password or role: older tokens are dead */
    int64_t password_at, last_login_at, created_at, updated_at;
    char email[256];  /* where it can be written to, ""; the name may be an address itself */
    char language[8]; /* of letters to it: en, es, de, "" for the box's */
    int64_t second_factor_at; /* an app is entered, since; 0: none */
    bool password_once;       /* nothing but changing it is allowed with this password */
};
extern const struct table user_table; /* key id; unique: name; index: customer_id */

struct session {
    char id[ID_SIZE]; /* ses_…, the sid of a token */
    char user_id[ID_SIZE];
    uint8_t cookie_hash[32];  /* BLAKE2b of the cookie's token; zero: none */
    uint8_t refresh_hash[32]; /* of the refresh token; zero: none */
    uint8_t refresh_old[32];  /* of the one before: its use means theft, the session ends */
    uint32_t epoch;           /* user's, when it was made */
    char address[48], agent[160];
    int64_t fresh_at; /* password given */
    int64_t seen_at, expires_at, created_at;
};
/* key id; unique sparse: cookie_hash, refresh_hash; index user_id, expires_at */
extern const struct table session_table;

struct api_key {
    char id[ID_SIZE];
    char name[96];
    char user_id[ID_SIZE];
    uint32_t role; /* at most its user's */
    uint8_t hash[32];
    int64_t expires_at, revoked_at, last_used_at, created_at;
    char scopes[AUTH_SCOPES_SIZE];     /* as scope.h has them; "": all that the role may */
    char networks[AUTH_NETWORKS_SIZE]; /* from where it may be used (network.h); "": anywhere */
    char last_address[48];
    char next_id[ID_SIZE]; /* it was rotated: the key in its place; it lives on until expires_at */
    char tenant_id[ID_SIZE]; /* for this tenant alone (scope.h), "" */
};
extern const struct table api_key_table; /* key id; unique: hash; index user_id */

/** user_check(user, err): the name is made lower case and can be one, role and customer go
 * together. Return 0 or -1. */
int user_check(struct user *user, struct err *err);

/** user_new(txn, user, err): insert with a fresh id and times; the name is made lower case. The
 * password must be a hash of auth_password_hash, or "" for nobody can sign in. ROLE_CUSTOMER needs
 * a customer_id, others must not have one. Return 0 or -1. */
int user_new(struct txn *txn, struct user *user, struct err *err);

#endif
