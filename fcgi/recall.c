/* Memory for as long as nothing changes. Apart so that what is kept, and by what it is found again,
 * can be read in one place: a wrong hit here would be somebody else's answer. */
#include "recall.h"
#include <sodium.h>
#include "str.h"

#define KEEP_MS 1000

void recall_init(struct recall *r)
{
    memset(r, 0, sizeof(*r));
    for (unsigned i = 0; i < RECALL_ANSWERS; i++) {
        buf_init(&r->answers[i].body, RECALL_BODY);
    }
}

void recall_free(struct recall *r)
{
    for (unsigned i = 0; i < RECALL_ANSWERS; i++) {
        buf_free(&r->answers[i].body);
    }
    sodium_memzero(r->identities, sizeof(r->identities));
}

static bool fresh(uint64_t txn, uint64_t wanted, int64_t at_ms, int64_t now_ms)
{
    return txn == wanted && txn != 0 && now_ms - at_ms < KEEP_MS;
}

/* Both headers and the sender's address, with their lengths told apart; 0 when they are too long to
 * be kept. */
static size_t credentials(const struct request *request, char text[RECALL_TEXT])
{
    size_t a = strlen(request->authorization), c = strlen(request->cookie);
    size_t from = strlen(request->address);
    if (a + c == 0 || a + c + from + 3 > RECALL_TEXT) {
        return 0;
    }
    memcpy(text, request->authorization, a + 1);
    memcpy(text + a + 1, request->cookie, c + 1);
    memcpy(text + a + c + 2, request->address, from + 1);
    return a + c + from + 3;
}

const struct identity *recall_who(const struct recall *r, uint64_t txn,
                                  const struct request *request, int64_t now_ms)
{
    char text[RECALL_TEXT];
    size_t len = credentials(request, text);
    for (unsigned i = 0; len > 0 && i < RECALL_IDENTITIES; i++) {
        const struct recall_identity *at = &r->identities[i];
        if (at->len == len && fresh(at->txn, txn, at->at_ms, now_ms) &&
            sodium_memcmp(at->text, text, len) == 0) {
            return &at->identity;
        }
    }
    return NULL;
}

void recall_note_who(struct recall *r, uint64_t txn, const struct request *request,
                     const struct identity *identity, int64_t now_ms)
{
    struct recall_identity *at = &r->identities[r->next_identity];
    if (identity->touch) {
        return;
    }
    at->txn = 0;
    at->len = credentials(request, at->text);
    if (at->len == 0) {
        return;
    }
    r->next_identity = (r->next_identity + 1) % RECALL_IDENTITIES;
    at->identity = *identity;
    at->at_ms = now_ms;
    at->txn = txn;
}

static size_t params_size(const struct op_call *call)
{
    return call->op->params == NULL ? 0 : call->op->params->struct_size;
}

bool recall_answer(const struct recall *r, uint64_t txn, struct op_call *call, int64_t now_ms)
{
    size_t size = params_size(call);
    for (unsigned i = 0; i < RECALL_ANSWERS; i++) {
        const struct recall_answer *at = &r->answers[i];
        if (at->op == call->op && fresh(at->txn, txn, at->at_ms, now_ms) &&
            at->role == call->actor.role && str_equal(at->customer_id, call->actor.customer_id) &&
            at->given == call->given && at->params_size == size &&
            (size == 0 || memcmp(at->params, call->params, size) == 0)) {
            call->status = at->status;
            (void)str_copy(call->etag, sizeof(call->etag), at->etag);
            return buf_add(call->out->buf, at->body.data, at->body.len) == 0;
        }
    }
    return false;
}

void recall_note_answer(struct recall *r, uint64_t txn, const struct op_call *call, int64_t now_ms)
{
    struct recall_answer *at = &r->answers[r->next_answer];
    const struct buf *out = call->out->buf;
    size_t size = params_size(call);
    if (out->len == 0 || out->len > RECALL_BODY || size > RECALL_PARAMS ||
        call->cookie[0] != '\0' || call->location[0] != '\0' || call->content_type[0] != '\0' ||
        str_copy(at->customer_id, sizeof(at->customer_id), call->actor.customer_id) < 0 ||
        str_copy(at->etag, sizeof(at->etag), call->etag) < 0) {
        at->txn = 0;
        return;
    }
    r->next_answer = (r->next_answer + 1) % RECALL_ANSWERS;
    at->txn = 0;
    buf_reset(&at->body);
    if (buf_add(&at->body, out->data, out->len) < 0) {
        return;
    }
    at->op = call->op;
    at->role = call->actor.role;
    at->given = call->given;
    at->params_size = size;
    if (size > 0) {
        memcpy(at->params, call->params, size);
    }
    at->status = call->status;
    at->at_ms = now_ms;
    at->txn = txn;
}
