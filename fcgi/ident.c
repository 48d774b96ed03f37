/* From headers to an identity. Apart because requests and event streams must decide it alike. */
#include "ident.h"
#include <sodium.h>
#include "str.h"

static int bearer_find(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
                       const struct request *r, struct identity *identity, struct err *err)
{
    const char *authorization = r->authorization;
    char scheme[8];
    if (str_copy_n(scheme, sizeof(scheme), authorization,
                   strnlen(authorization, sizeof(scheme) - 1)) < 0 ||
        !str_equal_nocase(scheme, "bearer ")) {
        return err_set(err, ERR_UNAUTHENTICATED, "scheme",
                       "the Authorization header must be Bearer with a token or an API key");
    }
    const char *text = authorization + sizeof(scheme) - 1;
    text += strspn(text, " ");
    int rc = auth_is_key(text) ? auth_by_key(txn, text, r->address, identity, err)
                               : auth_by_token(txn, terms, key, text, identity, err);
    return rc < 0 ? -1 : 1;
}

int ident_find(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
               const struct request *r, struct identity *identity, struct err *err)
{
    char cookie[AUTH_SECRET_SIZE];
    int cookies = r->cookie[0] == '\0'
                      ? 0
                      : request_cookie(r, auth_cookie_name(terms), cookie, sizeof(cookie));
    if (cookies > 1) {
        return err_set(err, ERR_MALFORMED, "cookie_twice", "there are two session cookies");
    }
    if (cookies != 0 && r->authorization[0] != '\0') {
        return err_set(err, ERR_MALFORMED, "credentials_twice",
                       "a session cookie and an Authorization header do not go together");
    }
    if (cookies < 0) {
        return err_set(err, ERR_UNAUTHENTICATED, "cookie_invalid", "the session cookie is no good");
    }
    if (r->authorization[0] != '\0') {
        return bearer_find(txn, terms, key, r, identity, err);
    }
    if (cookies == 0 || cookie[0] == '\0') {
        return 0;
    }
    return auth_by_cookie(txn, terms, cookie, identity, err) < 0 ? -1 : 1;
}

void ident_carry(struct site *site, const struct op_box *box, const struct request *r,
                 const struct identity *identity, int64_t now_ms, char out[AUTH_COOKIE_SIZE])
{
    struct auth_terms was = site->terms;
    char cookie[AUTH_SECRET_SIZE];
    struct err err = {0};
    if (out[0] != '\0' || r->method == REQUEST_GET || r->method == REQUEST_HEAD ||
        !str_equal(identity->kind, "cookie")) {
        return;
    }
    site->read_ms = 0;
    if (site_refresh(site, box->db, &box->conf, now_ms, &err) == 0 &&
        !str_equal(auth_cookie_name(&was), auth_cookie_name(&site->terms)) &&
        request_cookie(r, auth_cookie_name(&was), cookie, sizeof(cookie)) == 1) {
        auth_cookie_header(&site->terms, cookie, out);
    }
    sodium_memzero(cookie, sizeof(cookie));
}

int ident_change(const struct identity *identity, const struct site *site,
                 const struct web_key *key, const struct request *r, struct err *err)
{
    if (!str_equal(identity->kind, "cookie")) {
        return 0;
    }
    if (!site_same(site, r)) {
        return err_set(err, ERR_FORBIDDEN, "cross_site",
                       "a change under a cookie must come from a page of this box");
    }
    if (!auth_csrf_right(key, identity->session_id, r->csrf)) {
        err_set(err, ERR_FORBIDDEN, "csrf", "the X-CSRF header is missing or wrong");
        return err_hint(err, "GET /api/auth/me gives the token that belongs to this session");
    }
    return 0;
}

void ident_actor(const struct identity *identity, const struct request *r, const char *request_id,
                 struct actor *actor)
{
    memset(actor, 0, sizeof(*actor));
    (void)str_copy(actor->address, sizeof(actor->address), r->address);
    (void)str_copy(actor->agent, sizeof(actor->agent), r->user_agent);
    (void)str_copy(actor->request_id, sizeof(actor->request_id), request_id);
    if (identity == NULL) {
        (void)str_copy(actor->kind, sizeof(actor->kind), "none");
        return;
    }
    actor->role = identity->role;
    (void)str_copy(actor->id, sizeof(actor->id), identity->id);
    (void)str_copy(actor->kind, sizeof(actor->kind), identity->kind);
    (void)str_copy(actor->customer_id, sizeof(actor->customer_id), identity->customer_id);
    (void)str_copy(actor->session_id, sizeof(actor->session_id), identity->session_id);
    (void)str_copy(actor->user_id, sizeof(actor->user_id), identity->user_id);
    actor->fresh_at = identity->fresh_at;
    actor->enrol = identity->enrol;
    actor->renew = identity->renew;
    (void)str_copy(actor->scopes, sizeof(actor->scopes), identity->scopes);
    (void)str_copy(actor->tenant_id, sizeof(actor->tenant_id), identity->tenant_id);
}

const char *ident_credential(const struct identity *identity)
{
    return identity->session_id[0] != '\0' ? identity->session_id : identity->id;
}
