/*
 * Event streams. The thread of a stream sleeps on its connection and looks ten times a second at
 * the number of the last commit; only when that has grown is the store read, and never while
 * waiting.
 */
#include "events.h"
#include <poll.h>
#include "head.h"
#include "clock.h"
#include "ident.h"
#include "log_ops.h"
#include "routes.h"
#include "serve.h"
#include "str.h"
#include "stream.h"

#define LOOK_MS      100
#define HEARTBEAT_MS 15000
#define FIRST_MAX    1048576u /* what a stream of logs begins with */
#define LOGS_MS      1000     /* from one question about logs to the next */

/* One stream under way. */
struct watch {
    const struct events *events;
    struct serve_memory *m;
    const struct wire *wire;
    struct route_match match;
    struct identity identity;
    struct stream stream; /* what was told already */
    struct actor actor;   /* who looks on, as of the last check */
    bool logs;            /* of logs, which the worker reads, and not of records */
    char after[48];       /* id of the line that was told last */
    char request_id[ID_SIZE];
};

/* Who it is, from a fresh look; the sender must still have the role. */
static int sender_check(struct watch *w, struct txn *txn, struct err *err)
{
    const struct op *op = op_find(w->match.route->op);
    if (op != NULL && op->role == ROLE_PUBLIC) {
        return 0; /* whatever else the browser sends along */
    }
    int found = ident_find(txn, &w->m->site.terms, &w->events->box->web_key, &w->m->request,
                           &w->identity, err);
    if (found < 0) {
        return -1;
    }
    if (op == NULL) {
        return err_set(err, ERR_INTERNAL, "route_op", "%s is no operation", w->match.route->op);
    }
    ident_actor(found == 1 ? &w->identity : NULL, &w->m->request, w->request_id, &w->actor);
    return op_allowed(op, &w->actor, err);
}

static int limits_check(struct watch *w, bool known, struct err *err)
{
    uint8_t address[LIMIT_ADDRESS_BYTES];
    const char *id = ident_credential(&w->identity);
    uint32_t wait_s = 0;
    limit_address(address, w->m->request.address);
    if (known ? limit_take(w->events->limit, LIMIT_CREDENTIAL, id, strlen(id),
                           w->m->site.authenticated, clock_mono_ms(), &wait_s)
              : limit_take(w->events->limit, LIMIT_ANONYMOUS, address, sizeof(address),
                           w->m->site.anonymous, clock_mono_ms(), &wait_s)) {
        return 0;
    }
    err_set(err, ERR_RATE, "rate_limited", "too many requests; more are welcome in %u s", wait_s);
    err->retry_after_s = wait_s;
    return -1;
}

static int admit(struct watch *w, struct txn *txn, struct err *err)
{
    struct err why;
    if (!site_host(&w->m->site, &w->m->request)) {
        return err_set(err, ERR_MALFORMED, "host_unknown", "this box does not go by the name %s",
                       w->m->request.host);
    }
    int rc = sender_check(w, txn, &why);
    if (limits_check(w, rc == 0 && w->identity.id[0] != '\0', err) < 0) {
        return -1;
    }
    if (rc < 0) {
        *err = why;
        return -1;
    }
    if (str_equal(w->match.route->op, "order.follow")) {
        return stream_start_order(&w->stream, txn, w->m->request.order_secret, err);
    }
    w->logs = str_equal(w->match.route->op, "log.list");
    if (w->logs) {
        return str_copy(w->after, sizeof(w->after), w->m->request.last_event_id) == 0
                   ? 0
                   : err_set(err, ERR_MALFORMED, "last_event_id", "Last-Event-ID is none of ours");
    }
    return stream_start(&w->stream, txn, w->match.value_count > 0 ? w->match.values[0].value : NULL,
                        w->m->request.query, w->m->request.last_event_id, err);
}

/* Everything that can be refused. ${status}: 405's own. */
static int arrive(struct watch *w, const char *const *params, unsigned *status, struct err *err)
{
    struct txn *txn;
    const struct request *r = &w->m->request;
    if (request_parse(&w->m->request, params, err) < 0 ||
        site_refresh(&w->m->site, w->events->box->db, &w->events->box->conf, clock_mono_ms(), err) <
            0) {
        return -1;
    }
    site_take(&w->m->site, &w->m->request);
    int found = route_find(route_streams, route_stream_count, r->method, r->path, &w->match);
    if (found < 0) {
        return err_set(err, ERR_NOT_FOUND, "route_not_found", "there is no stream at %s", r->path);
    }
    if (found == 0 || r->method == REQUEST_HEAD) {
        *status = 405;
        (void)str_copy(w->match.allow, sizeof(w->match.allow), "GET");
        return err_set(err, ERR_MALFORMED, "method_not_allowed", "a stream is got with GET");
    }
    if (db_read(&txn, w->events->box->db, err) < 0) {
        return -1;
    }
    int rc = admit(w, txn, err);
    db_read_end(txn);
    return rc;
}

static int send_out(struct watch *w)
{
    struct buf *out = &w->m->out;
    if (out->len == 0) {
        return 0;
    }
    int rc = out->failed ? -1 : w->wire->write(w->wire->arg, out->data, out->len);
    buf_reset(out);
    return rc < 0 ? -1 : w->wire->flush(w->wire->arg);
}

/* Wait for one look's time. False when the peer has gone or all is to end. */
static bool wait_look(const struct watch *w)
{
    struct pollfd fds[2] = {{.fd = w->wire->fd, .events = POLLRDHUP},
                            {.fd = w->events->stop_fd, .events = POLLIN}};
    return poll(fds, 2, LOOK_MS) <= 0 || (fds[0].revents == 0 && fds[1].revents == 0);
}

/* What is new since the last look, appended, if the sender still may be told: what is new may be
 * that the session has ended. */
static int look(struct watch *w, struct err *err)
{
    struct txn *txn;
    if (db_read(&txn, w->events->box->db, err) < 0) {
        return -1;
    }
    int rc = sender_check(w, txn, err);
    if (rc == 0) {
        rc = stream_look(&w->stream, txn, &w->actor, &w->m->out, err);
    }
    db_read_end(txn);
    return rc;
}

static void run(struct watch *w)
{
    struct err err;
    uint64_t seen = UINT64_MAX;
    int64_t beat_ms = clock_mono_ms();
    do {
        int64_t now_ms = clock_mono_ms();
        bool beat = now_ms - beat_ms >= HEARTBEAT_MS;
        uint64_t last = db_last_txn(w->events->box->db);
        if (beat) {
            beat_ms = now_ms;
            stream_beat(&w->stream, &w->m->out);
        }
        int more = last != seen || beat ? look(w, &err) : 0;
        if (more < 0) {
            return;
        }
        seen = more > 0 ? UINT64_MAX : last;
        if (send_out(w) < 0 || w->stream.over) {
            return;
        }
    } while (wait_look(w));
}

/* The sender's right, with no transaction open while the worker is asked. */
static int right_check(struct watch *w, struct err *err)
{
    struct txn *txn;
    if (db_read(&txn, w->events->box->db, err) < 0) {
        return -1;
    }
    int rc = sender_check(w, txn, err);
    db_read_end(txn);
    return rc;
}

/* A worker that does not answer is asked again: it is started anew within a second. */
static void run_logs(struct watch *w)
{
    struct err err;
    int64_t beat_ms = clock_mono_ms(), asked_ms = beat_ms;
    while (send_out(w) == 0 && wait_look(w)) {
        int64_t now_ms = clock_mono_ms();
        if (now_ms - beat_ms >= HEARTBEAT_MS) {
            beat_ms = now_ms;
            buf_text(&w->m->out, ": still here\n\n");
        }
        if (now_ms - asked_ms >= LOGS_MS) {
            asked_ms = now_ms;
            if (right_check(w, &err) < 0) {
                return;
            }
            if (log_events(w->events->box, w->m->request.query, w->after, &w->m->out, &err) < 0 &&
                err.kind != ERR_UNAVAILABLE && err.kind != ERR_TIMEOUT) {
                return;
            }
        }
    }
}

/* The head, and what there is to tell already. */
static int begin(struct watch *w, const struct buf *first)
{
    struct head a = {
        .status = 200,
        .content_type = "text/event-stream",
        .request_id = w->request_id,
        .stream = true,
        .hsts = w->m->site.https,
    };
    buf_reset(&w->m->out);
    if (head_write(&w->m->out, &a) < 0) {
        return -1;
    }
    buf_text(&w->m->out, "retry: 2000\n\n");
    buf_add(&w->m->out, first->data == NULL ? "" : first->data, first->len);
    return send_out(w);
}

void events_request(void *context, void *memory, const struct wire *wire, const char *const *params)
{
    struct watch w = {.events = context, .m = memory, .wire = wire};
    struct err err;
    unsigned status = 0;
    struct buf first;
    buf_init(&first, FIRST_MAX);
    id_make(w.request_id, "req");
    request_drain(wire, 65536);
    int rc = arrive(&w, params, &status, &err);
    bool counted = rc == 0;
    /* Buyers and customers leave half of the places to those who look after the box. */
    int64_t most = w.events->streams_max / (w.actor.role <= ROLE_CUSTOMER ? 2 : 1);
    if (rc == 0 && tally_streams(w.events->tally, 1) > most) {
        rc = err_set(&err, ERR_UNAVAILABLE, "streams_full", "%lld event streams are open already",
                     (long long)most);
        err.retry_after_s = 5;
    }
    if (rc == 0 &&
        w.logs) { /* what cannot be asked is refused, and not a stream that says nothing */
        rc = log_events(w.events->box, w.m->request.query, w.after, &first, &err);
    }
    if (rc < 0) {
        (void)serve_failure(w.m, wire, &err, status, w.request_id,
                            status == 405 ? w.match.allow : NULL);
    } else if (begin(&w, &first) == 0) {
        if (w.logs) {
            run_logs(&w);
        } else {
            run(&w);
        }
    }
    buf_free(&first);
    if (counted) {
        (void)tally_streams(w.events->tally, -1);
    }
}
