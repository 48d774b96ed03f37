#ifndef SETT_NAME_H
#define SETT_NAME_H
/* Labels below the box's domain: their shape, those nobody may have, and who holds which. */
#include "db.h"
#include "id.h"

enum name_state { NAME_HELD, NAME_RESTING };
extern const char *const name_state_names[];

struct name {
    char label[64];
    uint32_t state;
    char owner_id[ID_SIZE]; /* tn_ or ord_ */
    int64_t until;          /* resting: free again from then on; held by an order: its expiry */
    int64_t created_at;
};
extern const struct table name_table; /* key label; index: owner_id, until */

#define NAME_LABEL_MAX 30 /* characters */

/* What can be wrong with a label's shape: a word for programs, and what follows "the name acme…" in
 * a sentence. */
struct name_fault {
    const char *code, *text;
};

/** name_fault(label): what is wrong with its shape; NULL if nothing is. */
const struct name_fault *name_fault(const char *label);

/** name_shape(label): the text of that; NULL if nothing is. */
const char *name_shape(const char *label);

/** name_check(label, err): shape ([a-z][a-z0-9]{0,29}, single inner hyphens), reserved words,
 * "xn--". Field "subdomain". Return 0 or -1. */
int name_check(const char *label, struct err *err);

/** name_take(txn, label, owner_id, until, err): hold a label for its owner in this transaction; one
 * that the owner has is fine; one whose rest or expiry is over is free. ERR_CONFLICT "name_taken"
 * naming the owner's id. Return 0 or -1. */
int name_take(struct txn *txn, const char *label, const char *owner_id, int64_t until,
              struct err *err);

/** name_owner(txn, label, owner_id, err): who holds a label now, or lets it rest. Return 1, 0 when
 * it is free, -1. */
int name_owner(struct txn *txn, const char *label, char owner_id[ID_SIZE], struct err *err);

/** name_give(txn, label, owner_id, rest_until, err): give it back; it rests until then (0: at once
 * free). Fine if the owner does not hold it. Return 0 or -1. */
int name_give(struct txn *txn, const char *label, const char *owner_id, int64_t rest_until,
              struct err *err);

/** name_from(out, size, text): a label made from a customer's name: "Müller & Söhne" gives
 * "mueller-soehne"; at least "t" remains. Never reserved? not checked here. */
void name_from(char *out, size_t size, const char *text);

#endif
