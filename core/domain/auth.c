/*
 * Sessions: made at sign-in, presented as a cookie or as an access token, kept alive by use and by
 * refresh tokens, ended at once. Apart from passwords and keys; what all three have in
 * common is that the store is asked every time.
 */
#include "auth.h"

#include "enc.h"
#include "jwt.h"
#include "setting.h"
#include "str.h"

#include <sodium.h>
#include <string.h>

#define AUDIENCE     "sett"
#define COOKIE_BYTES 32
#define TOUCH_MS     60000

int auth_terms(struct txn *txn, const struct conf *conf, struct auth_terms *terms, struct err *err)
{
    char url[512], role[512];
    int word;

    memset(terms, 0, sizeof *terms);
    if (setting_text(txn, conf, "box.url", url, sizeof url, err) < 0)
        return -1;
    if (str_copy(terms->issuer, sizeof terms->issuer, url) != 0)
        return err_field(err, "box.url", "setting_invalid", "the setting box.url is too long");
    prefix_of(url, terms->prefix);
    terms->secure = str_starts(url, "https://");
    terms->token_minutes = (uint32_t)setting_u64(txn, conf, "auth.token_minutes");
    terms->idle_minutes = (uint32_t)setting_u64(txn, conf, "auth.session_idle_minutes");
    terms->hours = (uint32_t)setting_u64(txn, conf, "auth.session_hours");
    terms->argon2_mib = (uint32_t)setting_u64(txn, conf, "auth.argon2_memory_mib");
    terms->argon2_passes = (uint32_t)setting_u64(txn, conf, "auth.argon2_passes");
    if (setting_text(txn, conf, "auth.second_factor", role, sizeof role, err) < 0)
        return -1;
    word = enum_find(role_names, role);
    terms->second_factor = word > 0 ? (enum role)word : ROLE_PUBLIC;
    return 0;
}

bool auth_must_enrol(const struct auth_terms *terms, const struct user *user)
{
    return terms->second_factor != ROLE_PUBLIC && user->role >= terms->second_factor &&
           user->second_factor_at == 0;
}

static void digest(const void *data, size_t len, uint8_t out[32])
{
    crypto_generichash(out, 32, data, len, NULL, 0);
}

static int session_over(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "session_over", "the session is over: sign in again");
}

/* A refresh token is the session's id, a mark that only this box can make for it, and 32 random
 * bytes: so an old one is known for what it is, however old. */
struct refresh {
    uint8_t session[ID_BYTES], mark[16], secret[32];
};

static void refresh_mark(const struct web_key *key, const uint8_t session[ID_BYTES],
                         uint8_t out[16])
{
    crypto_auth_hmacsha256_state state;
    uint8_t tag[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256_init(&state, key->token, sizeof key->token);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"refresh:", 8);
    crypto_auth_hmacsha256_update(&state, session, ID_BYTES);
    crypto_auth_hmacsha256_final(&state, tag);
    memcpy(out, tag, 16);
}

static bool refresh_ours(const struct web_key *key, const struct refresh *refresh)
{
    struct web_key former;
    uint8_t right[sizeof refresh->mark];

    refresh_mark(key, refresh->session, right);
    if (sodium_memcmp(right, refresh->mark, sizeof right) == 0)
        return true;
    return web_key_former(key, &former) && refresh_ours(&former, refresh);
}

static int refresh_make(const struct web_key *key, struct session *session,
                        char out[AUTH_SECRET_SIZE], struct err *err)
{
    struct refresh refresh;

    if (id_bytes(session->id, session_table.prefix, refresh.session) != 0)
        return err_set(err, ERR_CORRUPT, "session_id", "the session's id is not one");
    refresh_mark(key, refresh.session, refresh.mark);
    randombytes_buf(refresh.secret, sizeof refresh.secret);
    memcpy(session->refresh_old, session->refresh_hash, sizeof session->refresh_old);
    digest(&refresh, sizeof refresh, session->refresh_hash);
    if (enc_base64url(out, AUTH_SECRET_SIZE, &refresh, sizeof refresh) < 0)
        return err_set(err, ERR_INTERNAL, "token_too_large", "the refresh token does not fit");
    sodium_memzero(&refresh, sizeof refresh);
    return 0;
}

/* Fill in the access token and what comes with it. */
static int grant_access(const struct auth_terms *terms, const struct web_key *key, int64_t now,
                        const struct session *session, const struct user *user,
                        struct auth_grant *grant, struct err *err)
{
    struct jwt_claims claims;

    memset(&claims, 0, sizeof claims);
    (void)str_copy(claims.iss, sizeof claims.iss, terms->issuer);
    (void)str_copy(claims.aud, sizeof claims.aud, AUDIENCE);
    (void)str_copy(claims.sub, sizeof claims.sub, user->id);
    (void)str_copy(claims.sid, sizeof claims.sid, session->id);
    (void)str_copy(claims.role, sizeof claims.role, role_names[user->role]);
    id_make(claims.jti, "at");
    claims.epoch = user->epoch;
    claims.iat = claims.nbf = now / 1000;
    claims.exp = claims.iat + (int64_t)terms->token_minutes * 60;
    if (claims.exp > session->expires_at / 1000)
        claims.exp = session->expires_at / 1000;
    grant->expires_in_s = (uint32_t)(claims.exp - claims.iat);
    grant->expires_at = session->expires_at;
    (void)str_copy(grant->session_id, sizeof grant->session_id, session->id);
    auth_csrf(key, session->id, grant->csrf);
    return jwt_make(key->token, &claims, grant->access_token, sizeof grant->access_token, err);
}

int auth_user_still(struct txn *txn, const struct user *user, struct user *present, struct err *err)
{
    *present = *user;
    int found = record_get(txn, &user_table, present, err);
    if (found < 0)
        return -1;
    if (found == 0 || present->disabled || present->epoch != user->epoch ||
        !str_equal(present->password, user->password))
        return err_set(err, ERR_UNAUTHENTICATED, "credentials_wrong",
                       "the name or the password is wrong");
    return 0;
}

/* Ids and secrets of a session that begins, or begins anew. */
static int session_secrets(const struct web_key *key, struct session *session,
                           struct auth_grant *grant, struct err *err)
{
    uint8_t cookie[COOKIE_BYTES];

    memset(grant, 0, sizeof *grant);
    id_make(session->id, session_table.prefix);
    randombytes_buf(cookie, sizeof cookie);
    digest(cookie, sizeof cookie, session->cookie_hash);
    (void)enc_base64url(grant->cookie, sizeof grant->cookie, cookie, sizeof cookie);
    sodium_memzero(cookie, sizeof cookie);
    return refresh_make(key, session, grant->refresh_token, err);
}

int auth_sign_in(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                 const struct user *user, const char *address, const char *agent,
                 struct auth_grant *grant, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct session session;
    struct user present;

    if (auth_user_still(txn, user, &present, err) != 0)
        return -1;
    memset(&session, 0, sizeof session);
    (void)str_copy(session.user_id, sizeof session.user_id, user->id);
    (void)str_copy(session.address, sizeof session.address, address);
    if (str_copy(session.agent, sizeof session.agent, agent) != 0 &&
        str_utf8(agent, sizeof session.agent - 1))
        (void)str_copy_n(session.agent, sizeof session.agent, agent, sizeof session.agent - 1);
    session.epoch = present.epoch;
    session.fresh_at = session.seen_at = session.created_at = now;
    session.expires_at = now + (int64_t)terms->hours * 3600 * 1000;
    if (session_secrets(key, &session, grant, err) != 0 ||
        record_insert(txn, &session_table, &session, err) != 0)
        return -1;
    present.last_login_at = now;
    if (record_put(txn, &user_table, &present, err) != 0)
        return -1;
    return grant_access(terms, key, now, &session, &present, grant, err);
}

/* Whether a session that was found still holds: not over, its user there, enabled and unchanged. */
static int session_holds(struct txn *txn, const struct auth_terms *terms,
                         const struct session *session, struct user *user, struct err *err)
{
    int64_t now = txn_time_ms(txn);

    if (session->expires_at <= now ||
        session->seen_at + (int64_t)terms->idle_minutes * 60 * 1000 <= now)
        return session_over(err);
    memset(user, 0, sizeof *user);
    (void)str_copy(user->id, sizeof user->id, session->user_id);
    int found = record_get(txn, &user_table, user, err);
    if (found < 0)
        return -1;
    if (found == 0 || user->disabled || user->epoch != session->epoch)
        return session_over(err);
    return 0;
}

static int session_get(struct txn *txn, const char *id, struct session *session, struct err *err)
{
    memset(session, 0, sizeof *session);
    int found = id[0] == '\0' || str_copy(session->id, sizeof session->id, id) != 0
                    ? 0
                    : record_get(txn, &session_table, session, err);
    return found < 0 ? -1 : found == 0 ? session_over(err) : 0;
}

int auth_session_renew(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                       const char *session_id, struct auth_grant *grant, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct session session;
    struct user user;

    if (session_get(txn, session_id, &session, err) != 0 ||
        session_holds(txn, terms, &session, &user, err) != 0 ||
        record_delete(txn, &session_table, &session, err) < 0)
        return -1;
    session.fresh_at = session.seen_at = now;
    if (session_secrets(key, &session, grant, err) != 0 ||
        record_insert(txn, &session_table, &session, err) != 0)
        return -1;
    return grant_access(terms, key, now, &session, &user, grant, err);
}

int auth_session_fresh(struct txn *txn, const char *session_id, int64_t *until_ms, struct err *err)
{
    struct session session;

    if (session_get(txn, session_id, &session, err) != 0)
        return -1;
    session.fresh_at = session.seen_at = txn_time_ms(txn);
    *until_ms = session.fresh_at + AUTH_FRESH_MS;
    return record_put(txn, &session_table, &session, err);
}

int auth_refresh(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                 const char *refresh_token, struct auth_grant *grant, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct refresh refresh;
    struct session session;
    struct user user;
    uint8_t check[32];

    memset(grant, 0, sizeof *grant);
    memset(&session, 0, sizeof session);
    if (enc_unbase64url(&refresh, sizeof refresh, refresh_token,
                        strnlen(refresh_token, AUTH_SECRET_SIZE)) != (int)sizeof refresh)
        return session_over(err);
    if (!refresh_ours(key, &refresh))
        return session_over(err);
    id_text(session.id, session_table.prefix, refresh.session);
    int found = record_get(txn, &session_table, &session, err);
    if (found <= 0)
        return found < 0 ? -1 : session_over(err);
    digest(&refresh, sizeof refresh, check);
    if (sodium_memcmp(check, session.refresh_hash, sizeof check) != 0) {
        if (record_delete(txn, &session_table, &session, err) < 0)
            return -1;
        (void)err_set(err, ERR_UNAUTHENTICATED, "refresh_reused",
                      "this refresh token was used before: the session was ended");
        return 1;
    }
    if (session_holds(txn, terms, &session, &user, err) != 0)
        return -1;
    session.seen_at = now;
    if (refresh_make(key, &session, grant->refresh_token, err) != 0 ||
        record_put(txn, &session_table, &session, err) != 0)
        return -1;
    return grant_access(terms, key, now, &session, &user, grant, err);
}

static void identify(struct identity *identity, const struct auth_terms *terms, const char *kind,
                     const struct session *session, const struct user *user, int64_t now)
{
    memset(identity, 0, sizeof *identity);
    identity->role = (enum role)user->role;
    (void)str_copy(identity->id, sizeof identity->id, user->id);
    (void)str_copy(identity->kind, sizeof identity->kind, kind);
    (void)str_copy(identity->user_id, sizeof identity->user_id, user->id);
    (void)str_copy(identity->user_name, sizeof identity->user_name, user->name);
    (void)str_copy(identity->customer_id, sizeof identity->customer_id, user->customer_id);
    (void)str_copy(identity->session_id, sizeof identity->session_id, session->id);
    identity->fresh_at = session->fresh_at;
    identity->touch = now - session->seen_at >= TOUCH_MS;
    identity->enrol = auth_must_enrol(terms, user);
    identity->renew = user->password_once;
}

int auth_by_cookie(struct txn *txn, const struct auth_terms *terms, const char *cookie,
                   struct identity *identity, struct err *err)
{
    uint8_t bytes[COOKIE_BYTES];
    struct session session;
    struct user user;

    if (enc_unbase64url(bytes, sizeof bytes, cookie, strnlen(cookie, AUTH_SECRET_SIZE)) !=
        (int)sizeof bytes)
        return session_over(err);
    memset(&session, 0, sizeof session);
    digest(bytes, sizeof bytes, session.cookie_hash);
    int found = record_find(txn, &session_table, "cookie_hash", &session, err);
    if (found <= 0)
        return found < 0 ? -1 : session_over(err);
    if (session_holds(txn, terms, &session, &user, err) != 0)
        return -1;
    identify(identity, terms, "cookie", &session, &user, txn_time_ms(txn));
    return 0;
}

int auth_by_token(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                  const char *token, struct identity *identity, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct web_key former;
    struct jwt_claims claims;
    struct session session;
    struct user user;

    if (jwt_read(key->token, terms->issuer, AUDIENCE, now / 1000, token, &claims, err) != 0) {
        if (!web_key_former(key, &former) ||
            jwt_read(former.token, terms->issuer, AUDIENCE, now / 1000, token, &claims, err) != 0)
            return -1;
        err_clear(err);
    }
    memset(&session, 0, sizeof session);
    (void)str_copy(session.id, sizeof session.id, claims.sid);
    int found = session.id[0] == '\0' ? 0 : record_get(txn, &session_table, &session, err);
    if (found <= 0)
        return found < 0 ? -1 : session_over(err);
    if (session_holds(txn, terms, &session, &user, err) != 0)
        return -1;
    if (!str_equal(session.user_id, claims.sub) || claims.epoch != user.epoch)
        return session_over(err);
    identify(identity, terms, "token", &session, &user, now);
    return 0;
}

int auth_touch(struct txn *txn, const struct identity *identity, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct api_key key;
    struct session session;

    if (str_equal(identity->kind, "key")) {
        memset(&key, 0, sizeof key);
        (void)str_copy(key.id, sizeof key.id, identity->id);
        int found = record_get(txn, &api_key_table, &key, err);
        if (found <= 0)
            return found;
        key.last_used_at = now;
        (void)str_copy(key.last_address, sizeof key.last_address, identity->address);
        return record_put(txn, &api_key_table, &key, err);
    }
    memset(&session, 0, sizeof session);
    if (str_copy(session.id, sizeof session.id, identity->session_id) != 0 || session.id[0] == '\0')
        return 0;
    int found = record_get(txn, &session_table, &session, err);
    if (found <= 0)
        return found;
    session.seen_at = now;
    return record_put(txn, &session_table, &session, err);
}

void auth_csrf(const struct web_key *key, const char *session_id, char out[AUTH_CSRF_SIZE])
{
    uint8_t tag[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256(tag, (const uint8_t *)session_id, strlen(session_id), key->csrf);
    (void)enc_base64url(out, AUTH_CSRF_SIZE, tag, sizeof tag);
}

bool auth_csrf_right(const struct web_key *key, const char *session_id, const char *given)
{
    char right[AUTH_CSRF_SIZE];
    struct web_key former;

    auth_csrf(key, session_id, right);
    if (strnlen(given, AUTH_CSRF_SIZE) == strlen(right) &&
        sodium_memcmp(given, right, strlen(right)) == 0)
        return true;
    return web_key_former(key, &former) && auth_csrf_right(&former, session_id, given);
}

const char *auth_cookie_name(const struct auth_terms *terms)
{
    if (!terms->secure)
        return "sett";
    return terms->prefix[0] == '\0' ? "__Host-sett" : "__Secure-sett";
}

void auth_cookie_header(const struct auth_terms *terms, const char *cookie,
                        char out[AUTH_COOKIE_SIZE])
{
    (void)str_format(out, AUTH_COOKIE_SIZE, "%s=%s; Path=%s/; HttpOnly; SameSite=Strict%s%s",
                     auth_cookie_name(terms), cookie, terms->prefix,
                     terms->secure ? "; Secure" : "", cookie[0] == '\0' ? "; Max-Age=0" : "");
}
