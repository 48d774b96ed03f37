#ifndef SETT_RECALL_H
#define SETT_RECALL_H
/*
 * What a thread remembers while the store stays as it is: who a credential belongs to, and the last
 * answers of operations whose answer follows from the snapshot, the parameters, the role and the
 * customer alone. Any commit makes all of it void, so a revocation or a change is seen by the very
 * next request; after a second it is void anyway.
 */
#include "auth.h"
#include "op.h"
#include "request.h"

#define RECALL_IDENTITIES 4
#define RECALL_ANSWERS    4
#define RECALL_TEXT       1024
#define RECALL_PARAMS     768
#define RECALL_BODY       (64u * 1024u)

struct recall_identity {
    uint64_t txn; /* of the snapshot it was read from; 0: free */
    int64_t at_ms;
    size_t len;
    char text[RECALL_TEXT]; /* the headers that were presented, and from where */
    struct identity identity;
};

struct recall_answer {
    uint64_t txn;
    int64_t at_ms;
    const struct op *op;
    enum role role;
    char customer_id[ID_SIZE];
    uint64_t given;
    size_t params_size;
    char params[RECALL_PARAMS];
    unsigned status;
    char etag[40];
    struct buf body;
};

struct recall {
    unsigned next_identity, next_answer;
    struct recall_identity identities[RECALL_IDENTITIES];
    struct recall_answer answers[RECALL_ANSWERS];
};

/** recall_init(r): nothing is remembered. recall_free gives back its memory. */
void recall_init(struct recall *r);
/** recall_free(r): give back what is held; ${r} itself is the caller's. */
void recall_free(struct recall *r);

/** recall_who(r, txn, request, now_ms): the identity of just these credentials, or NULL. */
const struct identity *recall_who(const struct recall *r, uint64_t txn,
                                  const struct request *request, int64_t now_ms);

/** recall_note_who(r, txn, request, identity, now_ms): remember one, unless its use is to be noted.
 */
void recall_note_who(struct recall *r, uint64_t txn, const struct request *request,
                     const struct identity *identity, int64_t now_ms);

/** recall_answer(r, txn, call, now_ms): whether this call was answered from this snapshot; then the
 * answer is put into call->out, status and etag. */
bool recall_answer(const struct recall *r, uint64_t txn, struct op_call *call, int64_t now_ms);

/** recall_note_answer(r, txn, call, now_ms): remember what call->out->buf holds. */
void recall_note_answer(struct recall *r, uint64_t txn, const struct op_call *call, int64_t now_ms);

#endif
