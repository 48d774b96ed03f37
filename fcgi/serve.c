/*
 * The way of a request, in the order in which things are decided. The path of a read is kept short:
 * one snapshot serves the identity and the operation, and buffers live as long as their thread.
 */
#include "serve.h"
#include <sodium.h>
#include <time.h>
#include "download.h"
#include "head.h"
#include "clock.h"
#include "ident.h"
#include "log.h"
#include "params.h"
#include "problem.h"
#include "routes.h"
#include "str.h"

#define BODY_API     (64u * 1024u)
#define BODY_WEBHOOK (512u * 1024u)
#define DRAIN_MAX    (2u * 1024u * 1024u)
#define OUT_MAX      (4u * 1024u * 1024u)
#define OUT_KEEP     (192u * 1024u) /* a buffer that grew beyond it is given back */

/* One request under way. */
struct passage {
    struct serve *serve;
    struct serve_memory *m;
    const struct wire *wire;
    struct route_match match;
    const struct op *op;
    struct txn *txn; /* the snapshot, while it is open */
    int64_t now_ms;
    bool known; /* somebody was found */
    struct identity identity;
    struct json_out json;
    char request_id[ID_SIZE];
    unsigned status; /* a failure's own, where the kind does not say it: 405, 415 */
};

const struct op **serve_bind(struct err *err)
{
    const struct op **ops = calloc(route_count, sizeof(struct op *));
    if (ops == NULL) {
        err_set(err, ERR_INTERNAL, "memory", "no memory for the routes");
        return NULL;
    }
    for (size_t i = 0; i < route_count; i++) {
        ops[i] = op_find(route_table[i].op);
        if (ops[i] == NULL) {
            err_set(err, ERR_INTERNAL, "route_op", "%s %s leads to %s, which does not exist",
                    route_table[i].method, route_table[i].path, route_table[i].op);
            free(ops);
            return NULL;
        }
        if (ops[i]->params != NULL && ops[i]->params->struct_size > SERVE_PARAMS) {
            err_set(err, ERR_INTERNAL, "route_op", "the parameters of %s are too large",
                    ops[i]->name);
            free(ops);
            return NULL;
        }
    }
    return ops;
}

void *serve_memory_new(void *context)
{
    (void)context;
    struct serve_memory *m = calloc(1, sizeof(*m));
    if (m != NULL) {
        buf_init(&m->body, BODY_WEBHOOK + 1);
        buf_init(&m->out, OUT_MAX);
        buf_init(&m->head, 8192);
        recall_init(&m->recall);
    }
    return m;
}

void serve_memory_free(void *memory)
{
    struct serve_memory *m = memory;
    if (m != NULL) {
        buf_free(&m->body);
        buf_free(&m->out);
        buf_free(&m->head);
        recall_free(&m->recall);
        free(m);
    }
}

static uint64_t mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* Head and body to the peer. */
static void send_all(struct serve_memory *m, const struct wire *wire, struct head *a, bool body)
{
    a->prefix = m->site.prefix;
    buf_reset(&m->head);
    if (head_write(&m->head, a) < 0) {
        static const char broken[] = "Status: 500 Internal Server Error\r\n\r\n";
        (void)wire->write(wire->arg, broken, sizeof(broken) - 1);
        log_error("an answer had a header that is not clean, request=%s", a->request_id);
        return;
    }
    if (wire->write(wire->arg, m->head.data, m->head.len) == 0 && body && m->out.len > 0) {
        (void)wire->write(wire->arg, m->out.data, m->out.len);
    }
}

unsigned serve_failure(struct serve_memory *m, const struct wire *wire, const struct err *err,
                       unsigned status, const char *request_id, const char *allow)
{
    struct err shown = *err;
    if (status == 0) {
        status = (unsigned)err_http_status(err->kind);
    }
    if (status < 400) {
        status = 500;
    }
    if (status >= 500) {
        log_event(LOG_REQUEST_FAILED, LOG_LEVEL_ERROR, "%s %s: %s: %s, request=%s",
                  m->request.method_text, m->request.path, err->code, err->text, request_id);
    }
    if (status == 500) { /* what broke inside is for the log, not for a stranger */
        err_set(&shown, err->kind, err->code, "something went wrong inside this box");
        err_hint(&shown, "the log of sett-front names the cause under this request_id");
    }
    struct head a = {
        .status = status,
        .content_type = "application/problem+json",
        .request_id = request_id,
        .allow = allow,
        .authenticate = status == 401 ? "Bearer" : NULL,
        .retry_after_s = err->retry_after_s > 0 ? err->retry_after_s
                         : status == 503        ? 5
                                                : 0,
        .hsts = m->site.https,
    };
    buf_reset(&m->out);
    problem_write(&m->out, status, &shown, m->request.path, request_id);
    a.content_length = m->out.len;
    send_all(m, wire, &a, m->request.method != REQUEST_HEAD);
    return status;
}

static int unsupported(struct passage *p, struct err *err, const char *code, const char *text)
{
    p->status = 415;
    return err_set(err, ERR_MALFORMED, code, "%s", text);
}

/* One token of whoever this is. */
static int limits_check(struct passage *p, struct err *err)
{
    const struct site *site = &p->m->site;
    uint8_t address[LIMIT_ADDRESS_BYTES];
    uint32_t wait_s = 0;
    bool fine;
    if ((p->match.flags & ROUTE_FREE) != 0) {
        return 0;
    }
    limit_address(address, p->m->request.address);
    if ((p->match.flags & ROUTE_LOGIN) != 0) {
        fine = limit_take(p->serve->limit, LIMIT_LOGIN, address, sizeof(address), site->login,
                          p->now_ms, &wait_s);
    } else if (p->known) {
        const char *id = ident_credential(&p->identity);
        fine = ((p->match.flags & ROUTE_GUESS) == 0 ||
                limit_take(p->serve->limit, LIMIT_LOGIN, id, strlen(id), site->login, p->now_ms,
                           &wait_s)) &&
               limit_take(p->serve->limit, LIMIT_CREDENTIAL, id, strlen(id), site->authenticated,
                          p->now_ms, &wait_s);
    } else if ((p->match.flags & ROUTE_NAMES) != 0) {
        fine = limit_take(p->serve->limit, LIMIT_NAMES, address, sizeof(address), site->names,
                          p->now_ms, &wait_s);
    } else {
        fine = limit_take(p->serve->limit, LIMIT_ANONYMOUS, address, sizeof(address),
                          site->anonymous, p->now_ms, &wait_s);
    }
    if (fine) {
        return 0;
    }
    err_set(err, ERR_RATE, "rate_limited", "too many requests; more are welcome in %u s", wait_s);
    err->retry_after_s = wait_s;
    return -1;
}

static bool changes(const struct passage *p)
{
    enum request_method method = p->m->request.method;
    return method != REQUEST_GET && method != REQUEST_HEAD;
}

/* Who it is, as ident_find says. */
static int who_find(struct passage *p, struct err *err)
{
    struct serve_memory *m = p->m;
    uint64_t txn = txn_number(p->txn);
    const struct identity *known = recall_who(&m->recall, txn, &m->request, p->now_ms);
    if (known != NULL) {
        p->identity = *known;
        return 1;
    }
    int found =
        ident_find(p->txn, &m->site.terms, &p->serve->box->web_key, &m->request, &p->identity, err);
    if (found == 1) {
        recall_note_who(&m->recall, txn, &m->request, &p->identity, p->now_ms);
    }
    return found;
}

/* Whoever it is, within the limits, allowed to send this at all. What needs a role is
 * op_dispatch's. */
static int admit(struct passage *p, struct err *err)
{
    const struct request *r = &p->m->request;
    struct err why;
    int found = 0;
    if (p->op->role != ROLE_PUBLIC) {
        found = who_find(p, &why);
        p->known = found == 1;
    }
    if (limits_check(p, err) < 0) {
        return -1;
    }
    if (found < 0) {
        *err = why;
        return -1;
    }
    if (p->known) {
        p->m->touch_due = p->identity.touch;
        if (p->identity.touch) {
            p->m->touch = p->identity;
        }
        return changes(p) ? ident_change(&p->identity, &p->m->site, &p->serve->box->web_key, r, err)
                          : 0;
    }
    /* Nobody yet, but a browser that was led here by a foreign page must not sign in for its user.
     */
    if (changes(p) && (p->match.flags & ROUTE_WEBHOOK) == 0 && !str_equal(r->fetch_site, "none") &&
        (r->fetch_site[0] != '\0' || r->origin[0] != '\0') && !site_same(&p->m->site, r)) {
        return err_set(err, ERR_FORBIDDEN, "cross_site",
                       "a browser sent this from a page that is not of this box");
    }
    return 0;
}

static int decode_body(struct passage *p, const struct fields *f, void *params, uint64_t *given,
                       struct err *err)
{
    const struct buf *body = &p->m->body;
    if (body->len == 0) {
        return 0;
    }
    if (!changes(p)) {
        return err_set(err, ERR_MALFORMED, "body_unexpected", "a GET has no body");
    }
    switch (p->m->request.type) {
    case REQUEST_TYPE_JSON:
        return params_json(f, body->data, body->len, params, given, err);
    case REQUEST_TYPE_FORM:
        if ((p->match.flags & ROUTE_LOGIN) == 0 &&
            (!p->known || str_equal(p->identity.kind, "cookie"))) {
            return unsupported(p, err, "form_refused",
                               "a form is taken with a bearer token and at login; send JSON");
        }
        return params_form(f, body->data, body->len, params, given, err);
    default:
        return unsupported(p, err, "content_type",
                           "the body must be application/json or a url-encoded form");
    }
}

/* plan=1 out of the query of a change; of a read, "plan" is one more filter. */
static int take_plan(struct passage *p, struct op_call *call, struct err *err)
{
    char value[8];
    if (!changes(p) || request_query_take(p->m->request.query, "plan", value, sizeof(value)) == 0) {
        return 0;
    }
    call->plan = str_equal(value, "1") || str_equal(value, "true");
    if (!call->plan && !str_equal(value, "0") && !str_equal(value, "false")) {
        return err_field(err, "plan", "wrong_type", "plan must be 1 or 0 here");
    }
    return 0;
}

static int decode(struct passage *p, struct op_call *call, struct err *err)
{
    const struct fields *f = p->op->params;
    struct request *r = &p->m->request;
    void *params = NULL;
    if (take_plan(p, call, err) < 0) {
        return -1;
    }
    if (f != NULL) {
        p->m->params_size = f->struct_size;
        params = memset(p->m->params, 0, f->struct_size);
    }
    for (unsigned i = 0; i < p->match.value_count; i++) {
        if (params_one(f, p->match.values[i].name, p->match.values[i].value, params, &call->given,
                       err) < 0) {
            return -1;
        }
    }
    if (r->query[0] != '\0' &&
        params_form(f, r->query, strlen(r->query), params, &call->given, err) < 0) {
        return -1;
    }
    if ((p->op->flags & OP_RAW) != 0) {
        call->body = buf_string(&p->m->body);
        call->body_len = p->m->body.len;
        call->header = r->stripe_signature[0] != '\0' ? r->stripe_signature : NULL;
    } else if (decode_body(p, f, params, &call->given, err) < 0) {
        return -1;
    }
    call->params = params;
    return params_done(f, call->given, err);
}

static int call_fill(struct passage *p, struct op_call *call, struct err *err)
{
    const struct request *r = &p->m->request;
    call->op = p->op;
    call->box = p->serve->box;
    ident_actor(p->known ? &p->identity : NULL, r, p->request_id, &call->actor);
    if ((p->match.flags & ROUTE_WEBHOOK) != 0) {
        (void)str_copy(call->actor.id, sizeof(call->actor.id), "stripe");
        (void)str_copy(call->actor.kind, sizeof(call->actor.kind), "webhook");
    }
    if (str_copy(call->if_match, sizeof(call->if_match), r->if_match) < 0) {
        (void)str_copy(call->if_match, sizeof(call->if_match),
                       "\"\""); /* no version is called so */
    }
    call->from = (p->op->flags & OP_FILE) != 0 ? download_from(r->range) : 0;
    if (r->method == REQUEST_POST) {
        (void)str_copy(call->idempotency_key, sizeof(call->idempotency_key), r->idempotency_key);
    }
    /* Who may not is told so before his input is looked at. */
    return op_allowed(p->op, &call->actor, err) < 0 ? -1 : decode(p, call, err);
}

/* Whether If-None-Match names this version (RFC 9110, 13.1.2: weak comparison). */
static bool none_match(const char *header, const char *etag)
{
    size_t len = strlen(etag);
    if (str_equal(header, "*")) {
        return true;
    }
    for (const char *at = header; (at = strstr(at, etag)) != NULL; at += len) {
        if (at[len] == '\0' || at[len] == ',' || at[len] == ' ') {
            return true;
        }
    }
    return false;
}

static unsigned answer_call(struct passage *p, struct op_call *call)
{
    struct serve_memory *m = p->m;
    const struct request *r = &m->request;
    ident_carry(&m->site, p->serve->box, r, &p->identity, p->now_ms, call->cookie);
    struct head a = {
        .status = call->status == 0 ? 200 : call->status,
        .content_type = call->content_type[0] != '\0' ? call->content_type : "application/json",
        .request_id = p->request_id,
        .etag = call->etag,
        .location = call->location,
        .cookie = call->cookie,
        .hsts = m->site.https,
        .replayed = call->replayed,
    };
    if ((p->match.flags & ROUTE_METRICS) != 0) {
        tally_text(p->serve->tally, &m->out);
    }
    if (a.status == 200 && !changes(p) && call->etag[0] != '\0' && r->if_none_match[0] != '\0' &&
        none_match(r->if_none_match, call->etag)) {
        a.status = 304;
        a.content_type = NULL;
        m->out.len = 0;
    }
    a.content_length = m->out.len;
    send_all(m, p->wire, &a, r->method != REQUEST_HEAD);
    return a.status;
}

/* A refused webhook is counted, so that a flood of forgeries meets 429 and not the audit. */
static void webhook_refused(struct passage *p, bool quiet, struct err *err)
{
    uint8_t address[LIMIT_ADDRESS_BYTES];
    uint32_t wait_s = 0;
    if ((p->match.flags & ROUTE_WEBHOOK) == 0 || err_http_status(err->kind) >= 500) {
        return;
    }
    limit_address(address, p->m->request.address);
    if (!quiet) {
        (void)limit_take(p->serve->limit, LIMIT_REFUSAL, address, sizeof(address), 1, p->now_ms,
                         &wait_s);
    }
    if (!limit_take(p->serve->limit, LIMIT_WEBHOOK, address, sizeof(address), p->m->site.webhook,
                    p->now_ms, &wait_s)) {
        err_set(err, ERR_RATE, "rate_limited", "too many refused webhooks from this address");
        err->retry_after_s = wait_s;
    }
}

static bool refusals_quiet(const struct passage *p)
{
    uint8_t address[LIMIT_ADDRESS_BYTES];
    if ((p->match.flags & ROUTE_WEBHOOK) == 0) {
        return false;
    }
    limit_address(address, p->m->request.address);
    return !limit_peek(p->serve->limit, LIMIT_REFUSAL, address, sizeof(address), 1, p->now_ms);
}

/* Run the operation. What may hold a thread for long gets only some of them, so that neither a
 * burst of sign-ins nor a worker that hangs takes the rest of the API with it. */
static int perform(struct passage *p, struct op_call *call, struct err *err)
{
    struct serve *serve = p->serve;
    if ((p->match.flags & ROUTE_SLOW) == 0 && (p->op->flags & OP_ASK) == 0) {
        return op_dispatch(call, err);
    }
    int rc = -1;
    if (atomic_fetch_add(&serve->slow_now, 1) < serve->slow_most) {
        rc = op_dispatch(call, err);
    } else {
        err_set(err, ERR_UNAVAILABLE, "busy", "too much of this is under way at the moment");
        err->retry_after_s = 1;
    }
    atomic_fetch_sub(&serve->slow_now, 1);
    return rc;
}

static int dispatch(struct passage *p, struct op_call *call, struct err *err)
{
    /* What a key for one tenant may be told does not follow from role and customer. */
    bool steady = (p->match.flags & ROUTE_STEADY) != 0 && call->actor.tenant_id[0] == '\0';
    uint64_t txn = txn_number(p->txn);
    buf_reset(&p->m->out);
    json_out_init(&p->json, &p->m->out);
    call->out = &p->json;
    if (steady && recall_answer(&p->m->recall, txn, call, p->now_ms)) {
        return 0;
    }
    call->quiet = refusals_quiet(p);
    if ((p->op->flags & OP_WRITE) == 0 && p->op->slow == NULL) {
        call->txn = p->txn; /* the snapshot that told who this is also answers */
    } else {
        db_read_end(p->txn);
        p->txn = NULL;
    }
    if (perform(p, call, err) == 0) {
        if (steady) {
            recall_note_answer(&p->m->recall, txn, call, p->now_ms);
        }
        return 0;
    }
    webhook_refused(p, call->quiet, err);
    return -1;
}

static int host_check(const struct passage *p, struct err *err)
{
    if (site_host(&p->m->site, &p->m->request)) {
        return 0;
    }
    err_set(err, ERR_MALFORMED, "host_unknown", "this box does not go by the name %s",
            p->m->request.host);
    return err_hint(err, "its names are box.url, box.domain and [front] hosts in sett.conf");
}

static int route(struct passage *p, struct err *err)
{
    const struct request *r = &p->m->request;
    int found = route_find(route_table, route_count, r->method, r->path, &p->match);
    if (found == 1) {
        p->op = p->serve->ops[p->match.index];
        return 0;
    }
    if (found == 0) {
        p->status = 405;
        return err_set(err, ERR_MALFORMED, "method_not_allowed", "%s is not for %s", r->path,
                       r->method_text);
    }
    return err_set(err, ERR_NOT_FOUND, "route_not_found", "there is nothing at %s", r->path);
}

/* Everything up to the body. Nothing of the store is open while that comes. */
static int arrive(struct passage *p, const char *const *params, struct err *err)
{
    size_t cap = BODY_API;
    if (request_parse(&p->m->request, params, err) < 0 ||
        site_refresh(&p->m->site, p->serve->box->db, &p->serve->box->conf, p->now_ms, err) < 0) {
        return -1;
    }
    site_take(&p->m->site, &p->m->request);
    if (route(p, err) < 0) {
        return -1;
    }
    if ((p->match.flags & ROUTE_WEBHOOK) != 0) {
        cap = BODY_WEBHOOK;
    }
    return request_body(&p->m->request, p->wire, cap, &p->m->body, err);
}

static int go(struct passage *p, const char *const *params, unsigned *status, struct err *err)
{
    struct op_call call = {0};
    if (arrive(p, params, err) < 0 || db_read(&p->txn, p->serve->box->db, err) < 0) {
        return -1;
    }
    if ((p->match.flags & ROUTE_METRICS) != 0 && !site_local(&p->m->request)) {
        return err_set(err, ERR_FORBIDDEN, "not_local", "the figures are for this machine alone");
    }
    if (host_check(p, err) < 0 || admit(p, err) < 0 || call_fill(p, &call, err) < 0 ||
        dispatch(p, &call, err) < 0) {
        return -1;
    }
    db_read_end(p->txn); /* before anything can wait for the peer */
    p->txn = NULL;
    if (call.file != NULL) {
        *status = download_send(p->m, p->wire, call.file, call.from, p->request_id,
                                p->m->request.method != REQUEST_HEAD);
        free(call.file);
        return 0;
    }
    *status = answer_call(p, &call);
    sodium_memzero(call.cookie, sizeof(call.cookie));
    return 0;
}

/* What must not be seen by the next request, and what grew too large to keep. */
static void clear(struct serve_memory *m)
{
    sodium_memzero(m->params, m->params_size);
    m->params_size = 0;
    if (m->body.len > 0) {
        sodium_memzero(m->body.data, m->body.len);
    }
    if (m->out.cap > OUT_KEEP) {
        buf_free(&m->out);
    }
    if (m->body.cap > BODY_API + 1) {
        buf_free(&m->body);
    }
}

void serve_request(void *context, void *memory, const struct wire *wire, const char *const *params)
{
    struct serve_memory *m = memory;
    struct passage p = {.serve = context, .m = m, .wire = wire};
    struct err err;
    uint64_t began_us = mono_us();
    unsigned status = 0;
    p.now_ms = (int64_t)(began_us / 1000u);
    m->touch_due = false;
    buf_reset(&m->body);
    id_make(p.request_id, "req");
    struct log_about about = {0};
    (void)str_copy(about.request, sizeof(about.request), p.request_id);
    log_about(&about);
    if (go(&p, params, &status, &err) < 0) {
        db_read_end(p.txn);
        request_drain(wire, DRAIN_MAX);
        status = serve_failure(m, wire, &err, p.status, p.request_id,
                               p.status == 405 ? p.match.allow : NULL);
    }
    tally_count(p.serve->tally, p.match.route != NULL ? p.match.index : TALLY_NO_ROUTE, status,
                mono_us() - began_us);
    if (p.op != NULL && (p.op->flags & OP_SECRET) != 0 && m->out.data != NULL) {
        sodium_memzero(m->out.data, m->out.len); /* it was shown once, and lies nowhere now */
    }
    clear(m);
    log_about(NULL);
}

static int touch_change(struct txn *txn, void *arg, struct err *err)
{
    return auth_touch(txn, arg, err);
}

void serve_after(void *context, void *memory)
{
    const struct serve *serve = context;
    struct serve_memory *m = memory;
    struct err err;
    if (!m->touch_due) {
        return;
    }
    m->touch_due = false;
    if (db_write(serve->box->db, touch_change, &m->touch, &err) < 0 &&
        err.kind != ERR_UNAUTHENTICATED && err.kind != ERR_NOT_FOUND) {
        log_warning("the use of %s could not be noted: %s", m->touch.id, err.text);
    }
}
