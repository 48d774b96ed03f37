#ifndef SETT_IDEMPOTENCY_H
#define SETT_IDEMPOTENCY_H
/*
 * Answers kept for a day, so that a request that is sent again with the same Idempotency-Key gets
 * the same answer and has no second effect. Written in the commit of the change itself.
 */
#include "db.h"

#define IDEMPOTENCY_BODY    49152
#define IDEMPOTENCY_KEEP_MS (INT64_C(24) * 3600 * 1000)

struct idempotency {
    uint8_t key_hash[32];     /* BLAKE2b-256 of actor and key */
    uint8_t request_hash[32]; /* of operation and input: the same key with another one is refused */
    uint32_t status;          /* HTTP */
    char body[IDEMPOTENCY_BODY];
    char location[128], etag[40];
    int64_t created_at;
};
extern const struct table idempotency_table; /* key key_hash; index: created_at */

/** idempotency_hash(actor, key, out): the key of a record. */
void idempotency_hash(const char *actor, const char *key, uint8_t out[32]);

/** idempotency_find(txn, record, err): by record->key_hash, with record->request_hash set to this
 * request's. Return 1 with the kept answer, 0 when there is none younger than a day, -1:
 * ERR_CONFLICT "idempotency_mismatch" when the key was used for another request. */
int idempotency_find(struct txn *txn, struct idempotency *record, struct err *err);

/** idempotency_keep(txn, record, err): store an answer; the time is set here. 0 or -1. */
int idempotency_keep(struct txn *txn, struct idempotency *record, struct err *err);

/** idempotency_prune(txn, most, err): remove at most ${most} that are over a day old. Return how
 * many, or -1. */
int idempotency_prune(struct txn *txn, unsigned most, struct err *err);

#endif
