#ifndef SETT_IDENT_H
#define SETT_IDENT_H
/* Who sent a request: exactly one of a session cookie, an access token, an API key, or nobody. */
#include "auth.h"
#include "op.h"
#include "request.h"
#include "site.h"

/** ident_find(txn, terms, key, r, identity, err): in a read transaction. Return 1 with somebody, 0
 * when nothing was presented, -1: ERR_MALFORMED when two things were (two session cookies, or a
 * cookie beside an Authorization header), ERR_UNAUTHENTICATED when it is not, or no longer, good.
 */
int ident_find(struct txn *txn, const struct auth_terms *terms, const struct web_key *key,
               const struct request *r, struct identity *identity, struct err *err);

/** ident_carry(site, box, r, identity, now_ms, out): after a request. If it changed the name of the
 * session's cookie (box.url is https from now on, or has a path), ${out} is the Set-Cookie by which
 * the browser keeps its session; else it is left alone. */
void ident_carry(struct site *site, const struct op_box *box, const struct request *r,
                 const struct identity *identity, int64_t now_ms, char out[AUTH_COOKIE_SIZE]);

/** ident_change(identity, site, key, r, err): whether a request that changes something may be
 * obeyed: under a cookie it must come from a page of ours and carry its X-CSRF. 0, or -1
 * (ERR_FORBIDDEN). */
int ident_change(const struct identity *identity, const struct site *site,
                 const struct web_key *key, const struct request *r, struct err *err);

/** ident_actor(identity, r, request_id, actor): what operations and audit see; ${identity} NULL:
 * nobody. */
void ident_actor(const struct identity *identity, const struct request *r, const char *request_id,
                 struct actor *actor);

/** ident_credential(identity): what its limit of rate is counted under. */
const char *ident_credential(const struct identity *identity);

#endif
