#ifndef SETT_REVEAL_H
#define SETT_REVEAL_H
/*
 * What is shown once to whoever holds a link: the first credentials of a tenant. The store has the
 * token's hash and the content sealed with web.key, so that the front can show it; the content is
 * wiped in the commit that shows it, so of a hundred requests at once one gets it.
 */
#include "db.h"
#include "id.h"
#include "kv.h"
#include "link_token.h"
#include "vault.h"

#define REVEAL_TOKEN_SIZE LINK_TOKEN_SIZE

struct reveal {
    uint8_t token_hash[32]; /* BLAKE2b-256 of the token */
    char tenant_id[ID_SIZE];
    struct sealed content; /* name=value lines; gone when it was shown */
    char address[48];      /* who was shown it */
    int64_t expires_at, used_at, created_at;
};
extern const struct table reveal_table; /* key token_hash; index: expires_at, tenant_id */

/** reveal_new(txn, key, tenant_id, content, life_ms, token, err): make one; those of the same
 * tenant that nobody has used are worth nothing any more. Return 0 or -1. */
int reveal_new(struct txn *txn, const struct web_key *key, const char *tenant_id,
               const struct kv *content, int64_t life_ms, char token[REVEAL_TOKEN_SIZE],
               struct err *err);

/** reveal_use(txn, key, token, address, reveal, content, err): show it, once. ERR_NOT_FOUND
 * "reveal_gone" for a token that is unknown, used or over: which of them is not said. 0 or -1. */
int reveal_use(struct txn *txn, const struct web_key *key, const char *token, const char *address,
               struct reveal *reveal, struct kv *content, struct err *err);

/** reveal_end(txn, tenant_id, err): links of the tenant that nobody has used are worth nothing any
 * more. Return 0 or -1. */
int reveal_end(struct txn *txn, const char *tenant_id, struct err *err);

/** reveal_used(txn, tenant_id, err): whether somebody was shown credentials of the tenant within
 * the last month. Return 1, 0 or -1. */
int reveal_used(struct txn *txn, const char *tenant_id, struct err *err);

/** reveal_prune(txn, most, err): remove at most ${most} that were over a month ago. Return how
 * many, or -1. */
int reveal_prune(struct txn *txn, unsigned most, struct err *err);

/** reveal_forget(txn, tenant_id, err): remove all of a tenant. Return 0 or -1. */
int reveal_forget(struct txn *txn, const char *tenant_id, struct err *err);

#endif
