#ifndef SETT_AUTH_H
#define SETT_AUTH_H
/*
 * Who is asking: passwords, sessions (a cookie for browsers, an access and a refresh token for
 * programs), API keys. Whatever is presented is looked up in the store on every request, so taking
 * it back works at once.
 */
#include <stdbool.h>
#include <stdint.h>
#include "conf.h"
#include "db.h"
#include "id.h"
#include "prefix.h"
#include "user.h"
#include "vault.h"

#define AUTH_FRESH_MS    (INT64_C(15) * 60 * 1000)
#define AUTH_SECRET_SIZE 96 /* cookie and refresh token as text */
#define AUTH_TOKEN_SIZE  2048
#define AUTH_KEY_SIZE    128 /* "sett_key_…_<43 of base 62>_<8 of crc>" */
#define AUTH_CSRF_SIZE   48
#define AUTH_COOKIE_SIZE 256

/* The settings that auth needs, read once a request or once a minute. */
struct auth_terms {
    char issuer[160];         /* box.url */
    char prefix[PREFIX_SIZE]; /* of box.url */
    bool secure;              /* box.url is https: the cookie is Secure */
    uint32_t token_minutes, idle_minutes, hours;
    uint32_t argon2_mib, argon2_passes;
    enum role second_factor; /* from this role up it is required; ROLE_PUBLIC: of nobody */
};

/* Somebody who proved who they are. */
struct identity {
    enum role role;
    char id[64];   /* user id, or the API key's id */
    char kind[16]; /* "cookie", "token", "key" */
    char user_id[ID_SIZE], user_name[128], customer_id[ID_SIZE], session_id[ID_SIZE];
    int64_t fresh_at; /* password given at; 0 for an API key */
    bool touch;       /* last use noted is over a minute old: auth_touch when convenient */
    char address[48]; /* of an API key: from where it was used just now */
    char scopes[AUTH_SCOPES_SIZE]; /* of an API key; "": all that the role may */
    char tenant_id[ID_SIZE];       /* of an API key: for this tenant alone, "" */
    bool enrol; /* a second factor is required and there is none: nothing else is allowed */
    bool renew; /* the password has to be changed: likewise */
};

/* What a sign-in or a refresh gives. The secrets are shown once and not kept. */
struct auth_grant {
    char session_id[ID_SIZE];
    char cookie[AUTH_SECRET_SIZE];
    char access_token[AUTH_TOKEN_SIZE];
    char refresh_token[AUTH_SECRET_SIZE];
    uint32_t expires_in_s; /* of the access token */
    int64_t expires_at;    /* of the session */
    char csrf[AUTH_CSRF_SIZE];
};

/** auth_terms(txn, conf, terms, err): from the settings. ${txn} may be NULL. Return 0 or -1. */
int auth_terms(struct txn *txn, const struct conf *conf, struct auth_terms *terms, struct err *err);

/* Passwords: argon2id (RFC 9106) through libsodium. Slow and hungry on purpose: never inside a
 * transaction. A gate lets two hash at once and 32 wait. */
struct auth_gate;

/** auth_gate_new(err): one per process. NULL on error. */
struct auth_gate *auth_gate_new(struct err *err);

/** auth_gate_free(gate): nobody may be waiting at it. NULL is fine. */
void auth_gate_free(struct auth_gate *gate);

/** auth_password_rules(password, user_name, err): 8 to 256 bytes of UTF-8, not one of the
 * commonest, not the name itself. ERR_INVALID, field "password". Return 0 or -1. */
int auth_password_rules(const char *password, const char *user_name, struct err *err);

/** auth_password_hash(gate, terms, password, out, err): for struct user. ${gate} NULL: no gate.
 * ERR_UNAVAILABLE when 32 wait already. Return 0 or -1. */
int auth_password_hash(struct auth_gate *gate, const struct auth_terms *terms, const char *password,
                       char out[160], struct err *err);

#define AUTH_HASH_PREFIX "$argon2id$"

/** auth_password_take(hash, out, err): a hash that was made elsewhere, instead of a password.
 * Return 0, or -1 if it is none of argon2id. */
int auth_password_take(const char *hash, char out[160], struct err *err);

/** auth_password_check(gate, terms, stored, password, err): ${stored} NULL or "" (nobody of that
 * name) costs as much time as a real one and is never right. Return 1 right, 0 wrong, -1 (busy). */
int auth_password_check(struct auth_gate *gate, const struct auth_terms *terms, const char *stored,
                        const char *password, struct err *err);

/** auth_code_hash(gate, mib, passes, code, salt, out, err): argon2id of a recovery code, all of one
 * user's with the same salt. ERR_UNAVAILABLE when 32 wait already. Return 0 or -1. */
int auth_code_hash(struct auth_gate *gate, uint32_t mib, uint32_t passes, const char *code,
                   const uint8_t salt[16], uint8_t out[32], struct err *err);

/** auth_user_still(txn, user, present, err): read a user anew into ${present}: still there,
 * enabled, and with the password that was checked; else ERR_UNAUTHENTICATED "credentials_wrong". 0
 * or -1. */
int auth_user_still(struct txn *txn, const struct user *user, struct user *present,
                    struct err *err);

/** auth_sign_in(txn, terms, key, user, address, agent, grant, err): a new session, in a write
 * transaction, for ${user} as it was when its password was checked; ERR_UNAUTHENTICATED if it was
 * disabled or changed since. Return 0 or -1. */
int auth_sign_in(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                 const struct user *user, const char *address, const char *agent,
                 struct auth_grant *grant, struct err *err);

/** auth_session_renew(txn, terms, key, session_id, grant, err): the same session under a new id
 * with new tokens, the old ones being dead, after what its user may do has grown; its password
 * counts as given now. Return 0 or -1. */
int auth_session_renew(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                       const char *session_id, struct auth_grant *grant, struct err *err);

/** auth_session_fresh(txn, session_id, until_ms, err): its password was given again just now.
 * ${until_ms}: until when that counts. Return 0 or -1. */
int auth_session_fresh(struct txn *txn, const char *session_id, int64_t *until_ms, struct err *err);

/** auth_refresh(txn, terms, key, refresh_token, grant, err): a new access token and a new refresh
 * token (grant->cookie stays ""). The old refresh token is dead from then on; if it comes again it
 * was stolen, and the whole session ends: that must be committed although the caller is refused.
 * Return 0; 1: refused with ${err} filled, and the transaction must be committed; -1: refused. */
int auth_refresh(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                 const char *refresh_token, struct auth_grant *grant, struct err *err);

/** auth_by_cookie(txn, terms, cookie, identity, err): in a read transaction, whose session this is.
 * Anything wrong, over, revoked or disabled is ERR_UNAUTHENTICATED. 0 or -1. */
int auth_by_cookie(struct txn *txn, const struct auth_terms *terms, const char *cookie,
                   struct identity *identity, struct err *err);

/** auth_by_token(txn, terms, key, token, identity, err): likewise for an access token, a JWT. */
int auth_by_token(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                  const char *token, struct identity *identity, struct err *err);

/** auth_by_key(txn, text, address, identity, err): likewise for an API key, used from ${address}.
 * ERR_FORBIDDEN "key_elsewhere" if it may not come from there. */
int auth_by_key(struct txn *txn, const char *text, const char *address, struct identity *identity,
                struct err *err);

/** auth_is_key(text): whether a bearer text is an API key ("sett_…") rather than a token. */
bool auth_is_key(const char *text);

/** auth_touch(txn, identity, err): note the use of a session or key, in a write transaction. To be
 * called when identity->touch is set, so at most once a minute. Return 0 or -1. */
int auth_touch(struct txn *txn, const struct identity *identity, struct err *err);

/** auth_must_enrol(terms, user): whether a second factor is required of this user, who has none. */
bool auth_must_enrol(const struct auth_terms *terms, const struct user *user);

/** auth_session_end(txn, session_id, err): Return 1, 0 if there was none, -1. */
int auth_session_end(struct txn *txn, const char *session_id, struct err *err);

/** auth_sessions_end(txn, user_id, but, err): all sessions of a user but the session ${but} (NULL:
 * all). Return how many, or -1. */
int auth_sessions_end(struct txn *txn, const char *user_id, const char *but, struct err *err);

/** auth_sessions_prune(txn, most, err): remove at most ${most} sessions that are over. Count or
 * -1. */
int auth_sessions_prune(struct txn *txn, unsigned most, struct err *err);

/** auth_key_new(txn, record, text, err): ${record} with user_id, name, role, expires_at, scopes and
 * networks set by the caller; id, hash and created_at are set here. ${text} is the key, shown once.
 * ERR_FORBIDDEN if the role is above its user's. Return 0 or -1. */
int auth_key_new(struct txn *txn, struct api_key *record, char text[AUTH_KEY_SIZE],
                 struct err *err);

/** auth_key_rotate(txn, old, grace_ms, next, text, err): a new key like ${old}, which lives on for
 * ${grace_ms} at most. ERR_CONFLICT for one that is over, revoked or was rotated before. 0 or -1.
 */
int auth_key_rotate(struct txn *txn, struct api_key *old, int64_t grace_ms, struct api_key *next,
                    char text[AUTH_KEY_SIZE], struct err *err);

/** auth_key_revoke(txn, id, err): Return 1, 0 if there is none, -1. */
int auth_key_revoke(struct txn *txn, const char *id, struct err *err);

/** auth_password_set(txn, user_id, hash, but, err): a new password: the user's epoch grows and all
 * sessions but ${but} (NULL: none spared) end; the one spared lives on in the new epoch, but its
 * access tokens are dead. Return 0 or -1. */
int auth_password_set(struct txn *txn, const char *user_id, const char *hash, const char *but,
                      struct err *err);

/** auth_user_put(txn, user, err): store a user changed by the caller; when role, customer or
 * disabled changed, the epoch grows and its sessions end. The last enabled admin stays one:
 * ERR_CONFLICT "last_admin". Return 0 or -1. */
int auth_user_put(struct txn *txn, struct user *user, struct err *err);

/** auth_user_delete(txn, user_id, err): with sessions and keys. As above for the last admin. 0 or
 * -1. */
int auth_user_delete(struct txn *txn, const char *user_id, struct err *err);

/** auth_csrf(key, session_id, out): the token that a page must send with each change made under a
 * cookie. */
void auth_csrf(const struct web_key *key, const char *session_id, char out[AUTH_CSRF_SIZE]);

/** auth_csrf_right(key, session_id, given): whether it is that token; compared in constant time. */
bool auth_csrf_right(const struct web_key *key, const char *session_id, const char *given);

/** auth_cookie_name(terms): "__Host-sett"; "__Secure-sett" when the box lives below a path,
 * for which the former cannot be; "sett" when it is reached by plain http. */
const char *auth_cookie_name(const struct auth_terms *terms);

/** auth_cookie_header(terms, cookie, out): the value of Set-Cookie; "" as cookie takes it back. */
void auth_cookie_header(const struct auth_terms *terms, const char *cookie,
                        char out[AUTH_COOKIE_SIZE]);

#endif
