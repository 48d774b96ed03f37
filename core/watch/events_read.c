/*
 * Events by asking for them. Apart because it is no round: a restore does it once, a person when
 * the way for webhooks was closed.
 */
#include "events_read.h"

#include "event.h"
#include "json_in.h"
#include "str.h"
#include "stripe.h"

#define BODY_MAX (1u << 20)

struct reading {
    const struct saga_context *context;
    const char *request_id;
    uint32_t fresh;
};

struct delivery {
    const char *request_id;
    struct event event;
    struct buf body;
    bool fresh;
};

static int store_event(struct txn *txn, void *arg, struct err *err)
{
    struct delivery *d = arg;
    struct event event = d->event;

    return event_store(txn, &event, buf_string(&d->body), d->body.len, d->request_id, &d->fresh,
                       err);
}

static int take_event(void *arg, const struct stripe_event *from, const struct cJSON *json,
                      struct err *err)
{
    struct reading *r = arg;
    struct delivery d = {.request_id = r->request_id};
    int rc;

    (void)str_copy(d.event.id, sizeof d.event.id, from->id);
    (void)str_copy(d.event.type, sizeof d.event.type, from->type);
    (void)str_copy(d.event.api_version, sizeof d.event.api_version, from->api_version);
    (void)str_copy(d.event.object_id, sizeof d.event.object_id, from->object_id);
    d.event.livemode = from->livemode;
    d.event.event_at = from->created_s * 1000;
    buf_init(&d.body, BODY_MAX);
    rc = json_print(json, &d.body) == 0
             ? db_write(r->context->db, store_event, &d, err)
             : err_set(err, ERR_TOO_LARGE, "event_too_large", "event %s is too large", from->id);
    r->fresh += rc == 0 && d.fresh;
    buf_free(&d.body);
    return rc;
}

int events_read(const struct saga_context *context, struct outside *outside, int64_t since_ms,
                const char *request_id, uint32_t *fresh, struct err *err)
{
    struct reading r = {.context = context, .request_id = request_id};
    struct providers *p = outside_use(outside);
    int rc = 0;

    if (p->stripe_set)
        rc = stripe_list_events(&p->stripe, since_ms / 1000, take_event, &r, err) == -1 ? -1 : 1;
    outside_done(outside, p);
    *fresh = r.fresh;
    return rc;
}
