/* One way through every operation: who may, how fresh, asked before, slow part, transaction, run,
 * audit, wake. Apart from the table so that the order can be read in one place. */
#include <sodium.h>

#include "ask.h"
#include "box_move.h"
#include "clock.h"
#include "idempotency.h"
#include "job_start.h"
#include "json_in.h"
#include "op.h"
#include "scope.h"
#include "str.h"
#include <string.h>

#define FRESH_MS      (INT64_C(15) * 60 * 1000)
#define ANSWER_BYTES  (1024u * 1024u)
#define PLAN_WAIT_MS  10000
#define PRUNE_AT_ONCE 4

/* One dispatch: what the writer thread needs to run the change, perhaps twice. */
struct passage {
    struct op_call *call;
    struct op_call base; /* the call as it was before the first run */
    struct json_out out; /* and its writer */
    size_t out_len;
    struct idempotency *kept; /* NULL: no key */
    bool planned;             /* the run was a rehearsal, and went well */
    struct err refusal;       /* call->refused: why */
};

int op_allowed(const struct op *op, const struct actor *actor, struct err *err)
{
    char scope[48];

    if (op->role == ROLE_PUBLIC)
        return 0;
    if (actor->role == ROLE_PUBLIC)
        return err_set(err, ERR_UNAUTHENTICATED, "sign_in_needed", "%s needs somebody signed in",
                       op->name);
    if (actor->role < op->role || (actor->role == ROLE_CUSTOMER && actor->customer_id[0] == '\0'))
        return err_set(err, ERR_FORBIDDEN, "role_too_low", "%s needs the role %s", op->name,
                       role_names[op->role]);
    if (actor->renew && !(op->flags & OP_ENROL)) {
        (void)err_set(err, ERR_FORBIDDEN, "password_once",
                      "this password is good for choosing another, and for nothing else");
        return err_hint(err, "POST /api/users/me/password");
    }
    if (actor->enrol && !(op->flags & OP_ENROL)) {
        (void)err_set(err, ERR_FORBIDDEN, "second_factor_needed",
                      "the role %s signs in with a second factor, and none is set up yet",
                      role_names[actor->role]);
        return err_hint(err, "POST /api/users/me/second-factor begins with it");
    }
    if (actor->tenant_id[0] != '\0' && !scope_tenant_op(op))
        return err_set(err, ERR_FORBIDDEN, "key_of_tenant", "%s is not for a key of one tenant",
                       op->name);
    if (actor->scopes[0] != '\0' && !scope_has(actor->scopes, op)) {
        scope_of(op, scope);
        (void)err_set(err, ERR_FORBIDDEN, "scope_missing", "%s needs a key with the scope %s",
                      op->name, scope);
        return err_hint(err, "this key is for: %.160s", actor->scopes);
    }
    return 0;
}

/* A person gives the password again; a program that holds a key cannot, so what asks for it is not
 * for keys. Whoever runs the CLI on the box has shown more than a password. */
int op_fresh(const struct op_call *call, struct err *err)
{
    const struct actor *actor = &call->actor;

    if (str_equal(actor->kind, "cli") || str_equal(actor->kind, "worker"))
        return 0;
    if (actor->fresh_at > 0 && clock_wall_ms() - actor->fresh_at <= FRESH_MS)
        return 0;
    err_set(err, ERR_FORBIDDEN, "password_needed", "%s needs the password, given within 15 minutes",
            call->op->name);
    return err_hint(err, "POST /api/auth/confirm with the password, then the same again");
}

/* What makes two requests the same: the operation and the parameters that were given. A password
 * may be among them and this is stored, so it takes our key: else whoever has a copy of the store
 * could try passwords against it, as fast as a digest is taken. */
static void request_digest(const struct op_call *call, uint8_t out[32])
{
    crypto_generichash_state state;
    const struct fields *f = call->op->params;

    crypto_generichash_init(&state, call->box->web_key.token, sizeof call->box->web_key.token, 32);
    crypto_generichash_update(&state, (const unsigned char *)"idempotency", 12);
    crypto_generichash_update(&state, (const unsigned char *)call->op->name,
                              strlen(call->op->name) + 1);
    for (size_t i = 0; f != NULL && i < f->count; i++)
        if (call->given >> i & 1) {
            uint8_t mark = (uint8_t)i;
            crypto_generichash_update(&state, &mark, 1);
            crypto_generichash_update(&state, (const unsigned char *)call->params + f->at[i].offset,
                                      f->at[i].size);
        }
    crypto_generichash_final(&state, out, 32);
}

/* Everything that a run may have written, as it was before. */
static void begin_again(struct passage *p)
{
    struct op_call *call = p->call;
    struct buf answer = call->answer, preview = call->preview;

    *call = p->base;
    call->answer = answer;
    call->preview = preview;
    *call->out = p->out;
    call->out->buf->len = p->out_len;
    if (call->out->buf->data != NULL)
        call->out->buf->data[p->out_len] = '\0';
    call->out->buf->failed = false;
    p->planned = false;
}

/* 1: the answer was kept and stands in the call; 0: it is to be made; -1. */
static int replay(struct passage *p, struct txn *txn, struct err *err)
{
    struct op_call *call = p->call;
    struct idempotency *kept = p->kept;
    int found;

    idempotency_hash(call->actor.id, call->idempotency_key, kept->key_hash);
    request_digest(call, kept->request_hash);
    if ((found = idempotency_find(txn, kept, err)) != 1) {
        if (found == -1 && str_equal(err->code, "idempotency_mismatch"))
            err->kind = ERR_INVALID;
        return found;
    }
    if (kept->body[0] == '\0') {
        err_set(err, ERR_CONFLICT, "idempotency_secret",
                "this was done before; its answer showed a secret and was not kept");
        return err_hint(err, "make another one, and revoke the one whose secret is lost");
    }
    json_out_raw(call->out, kept->body, strlen(kept->body));
    call->status = kept->status;
    (void)str_copy(call->etag, sizeof call->etag, kept->etag);
    (void)str_copy(call->location, sizeof call->location, kept->location);
    call->unchanged = call->replayed = true;
    return 1;
}

/* A few that are over go with each that is kept, so that no schedule is needed. */
static int keep(struct passage *p, struct txn *txn, struct err *err)
{
    const struct op_call *call = p->call;
    const struct buf *out = call->out->buf;
    struct idempotency *kept = p->kept;

    memset(kept->body, 0, sizeof kept->body);
    if (!(call->op->flags & OP_SECRET) &&
        str_copy_n(kept->body, sizeof kept->body, out->data + p->out_len, out->len - p->out_len) !=
            0)
        return err_set(err, ERR_TOO_LARGE, "answer_too_large",
                       "the answer is too long to be kept for an Idempotency-Key");
    kept->status = call->status;
    (void)str_copy(kept->etag, sizeof kept->etag, call->etag);
    (void)str_copy(kept->location, sizeof kept->location, call->location);
    if (idempotency_prune(txn, PRUNE_AT_ONCE, err) < 0)
        return -1;
    return idempotency_keep(txn, kept, err);
}

static void set_status(struct op_call *call)
{
    if (call->status != 0)
        return;
    call->status = call->job_id[0] != '\0' ? 202 : (call->op->flags & OP_CREATE) != 0 ? 201 : 200;
}

static int run(struct passage *p, struct err *err)
{
    struct op_call *call = p->call;

    if (call->op->run(call, err) != 0)
        return -1;
    if (call->out->buf->failed)
        return err_set(err, ERR_TOO_LARGE, "answer_too_large", "%s: the answer is too long",
                       call->op->name);
    set_status(call);
    return 0;
}

int op_audit(struct op_call *call, struct txn *txn, const char *result, struct err *err)
{
    struct audit *entry = &call->audit;
    const struct actor *actor = &call->actor;

    if (entry->actor[0] == '\0') { /* a sign-in has said who it made of nobody */
        (void)str_copy(entry->actor, sizeof entry->actor, actor->id);
        (void)str_copy(entry->actor_kind, sizeof entry->actor_kind,
                       actor->kind[0] != '\0' ? actor->kind : "none");
    }
    (void)str_copy(entry->address, sizeof entry->address, actor->address);
    (void)str_copy(entry->request_id, sizeof entry->request_id, actor->request_id);
    if (call->job_id[0] != '\0')
        (void)str_copy(entry->job_id, sizeof entry->job_id, call->job_id);
    (void)str_copy(entry->action, sizeof entry->action, call->op->name);
    (void)str_copy(entry->result, sizeof entry->result, result);
    return audit_add(txn, entry, err);
}

/* What may still be changed in a box that stood down: all else would be lost with it. */
static const char *const still[] = {
    "box.", "auth.", "session.", "user.password", "snapshot.create", "recovery.", "restore.", NULL};

static int lives_here(const struct op *op, struct txn *txn, struct err *err)
{
    struct box_move move;

    if (box_move_get(txn, &move, err) != 0)
        return -1;
    if (move.place == BOX_HERE)
        return 0;
    for (size_t i = 0; still[i] != NULL; i++)
        if (str_starts(op->name, still[i]) &&
            ((move.place != BOX_LEFT && move.place != BOX_COPIED) ||
             !str_starts(op->name, "snapshot.")))
            return 0;
    if (move.place == BOX_COPIED) {
        (void)err_set(err, ERR_UNAVAILABLE, "box_copied",
                      "this box finds itself on a machine that it does not know, and does nothing "
                      "until somebody says whether it moved or is a second one");
        return err_hint(err, "sett box identify moved, or second");
    }
    (void)err_set(err, ERR_UNAVAILABLE, "box_left",
                  move.place == BOX_LEFT ? "this box lives on another machine now"
                                         : "this box is on its way to another machine");
    return err_hint(err, "if that one is off, and stays off: sett box stay");
}

/* The change, on the store's writer thread. */
static int change(struct txn *txn, void *arg, struct err *err)
{
    struct passage *p = arg;
    struct op_call *call = p->call;
    int kept;

    begin_again(p);
    call->txn = txn;
    if (lives_here(call->op, txn, err) != 0)
        return -1;
    if (p->kept != NULL && !call->plan && (kept = replay(p, txn, err)) != 0)
        return kept < 0 ? -1 : 0;
    if (run(p, err) != 0)
        return -1;
    if (call->refused) {
        p->refusal = *err;
        return op_audit(call, txn, err_kind_name(err->kind), err);
    }
    if (call->plan) {
        p->planned = true;
        return err_set(err, ERR_INTERNAL, "planned", "a plan is not carried out");
    }
    if ((call->op->flags & OP_AUDIT) && !call->unchanged && op_audit(call, txn, "ok", err) != 0)
        return -1;
    return p->kept != NULL ? keep(p, txn, err) : 0;
}

struct refusal {
    struct op_call *call;
    const struct err *why;
};

static int write_refusal(struct txn *txn, void *arg, struct err *err)
{
    struct refusal *r = arg;
    struct audit *entry = &r->call->audit;

    (void)str_copy_n(entry->reason, sizeof entry->reason, r->why->text,
                     strnlen(r->why->text, sizeof entry->reason - 1));
    return op_audit(r->call, txn, err_kind_name(r->why->kind), err);
}

/* A refusal is told whether or not it could be recorded: the store may be what is wrong. */
static void audit_refusal(struct op_call *call, const struct err *why)
{
    struct refusal r = {call, why};
    struct err unrecorded;

    if (call->audit_refusal && !call->quiet)
        (void)db_write(call->box->db, write_refusal, &r, &unrecorded);
}

/* A plan, an object as text, with what the operation itself has to show. */
static int write_plan(struct op_call *call, const char *plan, struct err *err)
{
    size_t len = strlen(plan);
    struct buf whole;

    if (call->preview.len == 0 || call->preview.failed) {
        json_out_raw(call->out, plan, len);
        return 0;
    }
    buf_init(&whole, call->preview.len + len + 2);
    while (len > 0 && plan[len - 1] != '}')
        len--;
    (void)buf_add(&whole, plan, len - 1);
    (void)buf_byte(&whole, ',');
    (void)buf_add(&whole, call->preview.data, call->preview.len);
    (void)buf_byte(&whole, '}');
    if (whole.failed)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a plan");
    else
        json_out_raw(call->out, whole.data, whole.len);
    len = whole.failed;
    buf_free(&whole);
    return len ? -1 : 0;
}

/* The worker's words on the job that the rehearsal would have started. */
static int plan(struct passage *p, struct err *err)
{
    struct op_call *call = p->call;
    struct job *job = call->planned;
    struct kv params;

    begin_again(p);
    if (job->saga[0] == '\0') {
        call->status = 200;
        return write_plan(call, "{\"object\":\"plan\",\"steps\":[]}", err);
    }
    kv_clear(&params);
    if (kv_merge(&params, &job->args) != 0 || kv_set(&params, "saga", job->saga) != 0)
        return err_set(err, ERR_TOO_LARGE, "plan_too_large", "the job has too many arguments");
    buf_reset(&call->answer); /* of the operation's own question */
    if (ask(call->box->paths.ask_sock, "plan", &params, PLAN_WAIT_MS, &call->answer, err) != 0 ||
        json_check(call->answer.data, call->answer.len, &json_limits_provider, err) != 0)
        return -1;
    call->status = 200;
    return write_plan(call, buf_string(&call->answer), err);
}

static int write_way(struct passage *p, struct err *err)
{
    if (db_write(p->call->box->db, change, p, err) != 0) {
        if (p->planned && (p->call->op->flags & OP_PREVIEW)) {
            p->call->status = 200;
            return 0; /* what run wrote is the plan */
        }
        return p->planned ? plan(p, err) : -1;
    }
    if (!p->call->refused)
        return 0;
    *err = p->refusal;
    p->call->audit_refusal = false; /* it is in the change's own commit */
    return -1;
}

/* In the snapshot that the caller has open already, if it has one. */
static int read_way(struct passage *p, struct err *err)
{
    struct op_call *call = p->call;
    struct txn *own = NULL;
    int r;

    if (call->txn == NULL) {
        if (db_read(&own, call->box->db, err) != 0)
            return -1;
        call->txn = own;
    }
    r = run(p, err);
    db_read_end(own);
    return r;
}

/* A request that was answered before must not do its slow part again, nor be refused for want of
 * room. 1, 0 or -1 as replay. */
static int answered(struct passage *p, struct err *err)
{
    const struct op *op = p->call->op;
    struct txn *txn;
    int r;

    if (p->kept == NULL || (op->slow == NULL && !(op->flags & OP_CREATE)))
        return 0;
    if (db_read(&txn, p->call->box->db, err) != 0)
        return -1;
    r = replay(p, txn, err);
    db_read_end(txn);
    return r;
}

static int pass(struct passage *p, struct err *err)
{
    struct op_call *call = p->call;
    int r = answered(p, err);

    if (r != 0)
        return r < 0 ? -1 : 0;
    if ((call->op->flags & OP_CREATE) && !call->plan && db_room(call->box->db, err) != 0)
        return -1;
    if (call->op->slow != NULL && call->op->slow(call, err) != 0)
        return -1;
    p->base = *call;
    r = call->op->flags & OP_WRITE ? write_way(p, err) : read_way(p, err);
    call->txn = NULL;
    return r;
}

static int prepare(struct passage *p, struct err *err)
{
    struct op_call *call = p->call;
    const struct op *op = call->op;

    if (call->plan && !(op->flags & (OP_JOB | OP_PREVIEW)))
        return err_set(err, ERR_MALFORMED, "plan_not_supported", "%s has no plan to show",
                       op->name);
    if (op->scratch_size > 0 && (call->scratch = calloc(1, op->scratch_size)) == NULL)
        goto memory;
    if (call->plan && (call->planned = calloc(1, sizeof *call->planned)) == NULL)
        goto memory;
    if (call->idempotency_key[0] != '\0' && (op->flags & OP_WRITE) && !call->plan &&
        (p->kept = calloc(1, sizeof *p->kept)) == NULL)
        goto memory;
    buf_init(&call->answer, ANSWER_BYTES);
    return 0;
memory:
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for %s", op->name);
}

int op_dispatch(struct op_call *call, struct err *err)
{
    struct passage p = {.call = call, .out = *call->out, .out_len = call->out->buf->len};
    int r = -1;

    if (op_allowed(call->op, &call->actor, err) != 0 || scope_tenant(call, err) != 0 ||
        ((call->op->flags & OP_FRESH) && op_fresh(call, err) != 0))
        return -1;
    if (prepare(&p, err) == 0)
        r = pass(&p, err);
    if (r != 0) {
        if (call->file != NULL)
            (void)ask_file_end(call->file, NULL);
        free(call->file);
        call->file = NULL;
        audit_refusal(call, err);
        *call->out = p.out;
        call->out->buf->len = p.out_len;
    } else if (call->wake || call->job_id[0] != '\0') {
        job_wake(call->box->paths.wake_sock);
    }
    if (call->scratch != NULL)
        sodium_memzero(call->scratch, call->op->scratch_size);
    free(call->scratch);
    free(call->planned);
    if (p.kept != NULL)
        free(p.kept);
    buf_free(&call->answer);
    buf_free(&call->preview);
    call->scratch = NULL;
    call->planned = NULL;
    return r;
}
