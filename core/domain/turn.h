#ifndef SETT_TURN_H
#define SETT_TURN_H
/*
 * Keys of a TURN service, from which short-lived credentials for browsers are made: one for the box
 * and one for each tenant that asked. The key itself lies sealed among the secrets, as
 * "turn:turn_…".
 */
#include "db.h"
#include "id.h"

#define TURN_BOX "box" /* owner of the box's own key */

enum turn_state { TURN_CREATING, TURN_ACTIVE, TURN_DELETING, TURN_DELETED, TURN_FAILED };
extern const char *const turn_state_names[];

struct turn_key {
    char id[ID_SIZE];
    uint64_t number;
    char owner[ID_SIZE]; /* a tenant's id, or TURN_BOX */
    char tenant_id[ID_SIZE], customer_id[ID_SIZE];
    char mark[96]; /* its name at the provider */
    char uid[64];  /* the provider's id of it, "" until made */
    uint32_t state;
    char state_reason[200];
    int64_t deleted_at, created_at, updated_at;
};
/* key id; indexes: number unique, owner, customer_id sparse, state */
extern const struct table turn_table;

/** turn_find(txn, owner, key, err): the key of this owner that is not deleted. 1, 0 or -1. */
int turn_find(struct txn *txn, const char *owner, struct turn_key *key, struct err *err);

/** turn_new(txn, key, box_id, err): insert a new one, being created. The caller has set owner,
 * tenant_id and customer_id; id, number, mark and times are set here. ERR_CONFLICT "turn_exists" if
 * the owner has one. Return 0 or -1. */
int turn_new(struct txn *txn, struct turn_key *key, const char *box_id, struct err *err);

/** turn_move(txn, key, state, reason, err): change its state and store it. ${reason} NULL: "". 0 or
 * -1. */
int turn_move(struct txn *txn, struct turn_key *key, enum turn_state state, const char *reason,
              struct err *err);

/** turn_secret_name(key, out): what its secret is called. */
void turn_secret_name(const struct turn_key *key, char out[64]);

/** turn_ttl(text, out, err): "3600", "90m", "12h", "2d" as seconds, from a minute to 48 hours (the
 * provider's bound). ERR_INVALID naming the field ttl. Return 0 or -1. */
int turn_ttl(const char *text, uint32_t *out, struct err *err);

#endif
