/*
 * Who runs a tenant is asked here. Apart from the steps because those say what is to be done, and
 * not by whom: most runtimes belong to the hands, some are on machines that the worker asks itself.
 */
#include "outside.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "runtime_docker.h"
#include "str.h"
#include "tenant.h"

/* All that a provider's runtime needs; too large for a stack. */
struct task {
    struct runtime_order order;
    struct blueprint b;
};

static void fill(struct runtime_order *o, const struct outside_where *where,
                 const struct hands_request *q)
{
    hands_order(q, o);
    o->guest = where->guest;
    (void)str_copy(o->node, sizeof o->node, where->node);
    (void)str_copy(o->inside, sizeof o->inside, where->inside);
}

/* What passes by itself is asked again. */
static enum outcome outcome_of(int result, const struct err *err)
{
    if (result == 0)
        return OUTCOME_OK;
    switch (err->kind) {
    case ERR_NETWORK:
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_RATE:
        return OUTCOME_AGAIN;
    default:
        return OUTCOME_FAIL;
    }
}

enum outcome outside_guests(struct outside *o, const struct outside_where *where,
                            const struct hands_request *request,
                            int (*work)(struct providers *p, const struct runtime_order *order,
                                        const struct blueprint *b, void *arg,
                                        struct hands_reply *reply, struct err *err),
                            void *arg, struct hands_reply *reply, struct err *err)
{
    struct task *t = calloc(1, sizeof *t);
    struct providers *p;
    enum outcome outcome = OUTCOME_FAIL;

    memset(reply, 0, sizeof *reply);
    if (t == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an order");
        return OUTCOME_AGAIN;
    }
    p = outside_use(o);
    fill(&t->order, where, request);
    if (!p->proxmox_set)
        *err = p->proxmox_why;
    else if (blueprint_load(&t->b, o->paths.blueprints, request->blueprint, err) == 0)
        outcome = outcome_of(work(p, &t->order, &t->b, arg, reply, err), err);
    outside_done(o, p);
    explicit_bzero(&t->order.env, sizeof t->order.env);
    free(t);
    if (outcome == OUTCOME_FAIL)
        log_warning("container %u of tenant %llu: %s", where->guest,
                    (unsigned long long)request->number, err->text);
    return outcome;
}

struct verb {
    const struct hands_request *request;
    struct buf *stream;
};

static int act(struct runtime *r, const struct runtime_order *o, const struct blueprint *b,
               const struct verb *v, struct hands_reply *reply, struct err *err)
{
    struct runtime_status *status = &reply->status;

    switch (v->request->verb) {
    case HANDS_RUNTIME_CREATE:
        return r->create(r->self, o, b, status, err);
    case HANDS_RUNTIME_START:
        return r->start(r->self, o, b, status, err);
    case HANDS_RUNTIME_STOP:
        return r->stop(r->self, o, err);
    case HANDS_RUNTIME_RESTART:
        return r->restart(r->self, o, b, status, err);
    case HANDS_RUNTIME_REMOVE:
        return r->remove(r->self, o, v->request->flag, err);
    case HANDS_RUNTIME_INSPECT:
    case HANDS_RUNTIME_FIT:
        return r->inspect(r->self, o, status, err);
    case HANDS_RUNTIME_LOGS:
        return r->logs(r->self, o, v->request->lines, v->stream, err);
    case HANDS_RUNTIME_STATS:
        return r->stats(r->self, o, &reply->stats, err);
    case HANDS_RUNTIME_INIT:
        if (b->init_count > 0 && runtime_docker_init(r, o, b, err) == -1)
            return -1; /* a blueprint for a provider can have none */
        return r->inspect(r->self, o, status, err);
    default:
        return err_set(err, ERR_INTERNAL, "verb", "%s is nothing for a provider",
                       hands_verb_names[v->request->verb]);
    }
}

static int act_guest(struct providers *p, const struct runtime_order *o, const struct blueprint *b,
                     void *arg, struct hands_reply *reply, struct err *err)
{
    return act(&p->guests, o, b, arg, reply, err);
}

/* Which verbs a port follows: it is brought here once something listens there, and no longer when
 * it is gone. */
static int bring_port(struct outside *o, struct engine_at *e, const struct hands_request *q,
                      struct err *err)
{
    struct err ignored;

    switch (q->verb) {
    case HANDS_RUNTIME_START:
    case HANDS_RUNTIME_RESTART:
        return engine_at_port(o, e, q->port, true, err);
    case HANDS_RUNTIME_STOP:
    case HANDS_RUNTIME_REMOVE:
        (void)engine_at_port(o, e, q->port, false, &ignored);
        return 0;
    default:
        return 0;
    }
}

static int on_engine(struct outside *o, struct engine_at *e, struct task *t, const struct verb *v,
                     struct hands_reply *reply, struct err *err)
{
    if (engine_at_reach(o, e, err) == -1)
        return -1;
    if (act(&e->docker, &t->order, &t->b, v, reply, err) == -1)
        return str_equal(err->code, "engine_down") ? engine_at_explain(o, e, err) : -1;
    return bring_port(o, e, v->request, err);
}

enum outcome outside_engine(struct outside *o, const struct outside_where *where,
                            const struct hands_request *request, struct buf *stream,
                            struct hands_reply *reply, struct err *err)
{
    const struct verb v = {request, stream};
    struct task *t = calloc(1, sizeof *t);
    enum outcome outcome = OUTCOME_FAIL;
    struct engine_at *e;
    struct providers *p;

    memset(reply, 0, sizeof *reply);
    if (t == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an order");
        return OUTCOME_AGAIN;
    }
    p = outside_use(o);
    fill(&t->order, where, request);
    if ((e = engines_find(p->engines, where->node)) == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "engine_not_found", "there is no engine %s", where->node);
        (void)err_hint(err, "sett engine add %s URL", where->node);
    } else if (request->verb == HANDS_RUNTIME_REMOVE || /* which needs none, if it is gone */
               blueprint_load(&t->b, o->paths.blueprints, request->blueprint, err) == 0) {
        outcome = outcome_of(on_engine(o, e, t, &v, reply, err), err);
    }
    outside_done(o, p);
    explicit_bzero(&t->order.env, sizeof t->order.env);
    free(t);
    if (outcome == OUTCOME_FAIL)
        log_warning("tenant %llu on engine %s: %s", (unsigned long long)request->number,
                    where->node, err->text);
    return outcome;
}

enum outcome outside_runtime(struct outside *o, const struct outside_where *where,
                             const struct hands_request *request, int timeout_ms,
                             struct hands_reply *reply, struct buf *stream, struct err *err)
{
    struct verb v = {request, stream};
    bool look = request->verb == HANDS_RUNTIME_INSPECT || request->verb == HANDS_RUNTIME_LOGS ||
                request->verb == HANDS_RUNTIME_STATS;
    enum outcome outcome;

    if (!tenant_is_elsewhere(where->runtime, where->node) || request->verb == HANDS_PORT_PROBE)
        return outside_hands(o, request, timeout_ms, reply, stream, err);
    outcome = str_equal(where->runtime, "proxmox")
                  ? outside_guests(o, where, request, act_guest, &v, reply, err)
                  : outside_engine(o, where, request, stream, reply, err);
    if (outcome == OUTCOME_FAIL && look && err->kind == ERR_NOT_FOUND &&
        (str_equal(err->code, "guest_missing") || str_equal(err->code, "container_missing")))
        outcome = OUTCOME_ABSENT;
    reply->present = reply->status.state != RUNTIME_ABSENT;
    reply->running = reply->status.state == RUNTIME_RUNNING;
    if (outcome == OUTCOME_OK && request->verb == HANDS_RUNTIME_INSPECT && !reply->present)
        outcome = OUTCOME_ABSENT;
    return outcome;
}
