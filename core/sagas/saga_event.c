/*
 * Applying an event of Stripe's: read again what it is about, then fold it in. Apart because its
 * facts are billing's and nobody else's.
 */
#include "sagas.h"

#include <string.h>

#include "billing_read.h"
#include "clock.h"
#include "json_in.h"
#include "outside.h"
#include "saga_context.h"
#include "str.h"

#define BODY_MAX       (512u * 1024u)
#define FACT_MALFORMED "malformed" /* why the event cannot be read: nobody can mend that here */

static int load_event(struct txn *txn, const struct job *job, struct event *event, struct err *err)
{
    const char *id = kv_get_or(&job->args, "event_id", "");
    int found;

    memset(event, 0, sizeof *event);
    (void)str_copy(event->id, sizeof event->id, id);
    if ((found = record_get(txn, &event_table, event, err)) == 0)
        return err_set(err, ERR_NOT_FOUND, "event_not_found", "there is no event %s", id);
    return found == 1 ? 0 : -1;
}

static int note_malformed(struct kv *facts, const struct err *why, struct err *err)
{
    static const struct billing_facts none;
    char text[sizeof((struct event *)0)->note];

    if (str_copy(text, sizeof text, why->text) == -1)
        (void)str_copy(text, sizeof text, why->code);
    if (billing_facts_to_kv(&none, facts, err) == -1)
        return -1;
    if (kv_set(facts, FACT_MALFORMED, text) == -1)
        return err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
    return 0;
}

/* The body's facts. A body that was signed and cannot be read is a fact, too. */
static int read_body(struct buf *body, struct kv *facts, struct err *err)
{
    struct billing_facts read;
    struct err why = {0};
    struct cJSON *json = json_parse(buf_string(body), body->len, &json_limits_webhook, &why);
    int result = -1;

    if (json != NULL && billing_read_event(json, &read, &why) == 0)
        result = billing_facts_to_kv(&read, facts, &why);
    json_free(json);
    if (result == 0)
        return 0;
    if (why.kind == ERR_MALFORMED || why.kind == ERR_INVALID || why.kind == ERR_TOO_LARGE)
        return note_malformed(facts, &why, err);
    *err = why;
    return -1;
}

/* What the event says of itself: the beginning, and without a key for Stripe all there is. */
static int fetch_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                         struct err *err)
{
    struct event event;
    struct buf body;
    int result = -1;

    (void)context;
    (void)secrets;
    if (load_event(txn, job, &event, err) == -1)
        return -1;
    buf_init(&body, BODY_MAX);
    if (event_body(txn, &event, &body, err) == 0)
        result = read_body(&body, &job->facts, err);
    buf_free(&body);
    return result;
}

/* One of each, so that the largest is not on a stack with all the others. */
union object {
    struct stripe_checkout checkout;
    struct stripe_subscription subscription;
    struct stripe_invoice invoice;
    struct stripe_charge charge;
    struct stripe_customer customer;
};

/* The object as it is at Stripe now. Return 0 or -1. */
static int read_again(const struct stripe *s, struct billing_facts *f, union object *o,
                      struct err *err)
{
    char subscription[STRIPE_ID_SIZE] = "";

    switch (billing_kind(f->type)) {
    case BILLING_CHECKOUT:
        if (stripe_get_checkout(s, f->object_id, &o->checkout, err) == -1)
            return -1;
        billing_read_checkout(&o->checkout, f);
        break;
    case BILLING_SUBSCRIPTION:
        if (stripe_get_subscription(s, f->object_id, &o->subscription, err) == -1)
            return -1;
        billing_read_subscription(&o->subscription, f);
        f->at = clock_wall_ms(); /* it is as it is now, whatever the event was about */
        break;
    case BILLING_INVOICE:
        if (stripe_get_invoice(s, f->object_id, &o->invoice, err) == -1)
            return -1;
        billing_read_invoice(&o->invoice, f);
        break;
    case BILLING_CHARGE:
        if (stripe_get_charge(s, f->object_id, &o->charge, err) == -1 ||
            stripe_charge_subscription(s, &o->charge, subscription, err) == -1)
            return -1;
        billing_read_charge(&o->charge, f);
        (void)str_copy(f->stripe_subscription, sizeof f->stripe_subscription, subscription);
        break;
    case BILLING_CUSTOMER:
        if (stripe_get_customer(s, f->object_id, &o->customer, err) == -1)
            return -1;
        if (o->customer.deleted)
            return 0;
        billing_read_customer(&o->customer, f);
        f->at = clock_wall_ms();
        break;
    case BILLING_OTHER:
        break;
    }
    return 0;
}

/* An object that Stripe does not know (a test event, another account's) leaves the facts as they
 * are. */
static int refresh(const struct stripe *s, struct billing_facts *facts, struct err *err)
{
    struct billing_facts fresh = *facts;
    union object *o = calloc(1, sizeof *o);
    int result;

    if (o == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an object");
    result = read_again(s, &fresh, o, err);
    free(o);
    if (result == 0)
        *facts = fresh;
    return result == -1 && err->kind == ERR_NOT_FOUND ? 0 : result;
}

static enum outcome outcome_of(const struct err *err)
{
    switch (err->kind) {
    case ERR_RATE:
    case ERR_NETWORK:
    case ERR_TIMEOUT:
    case ERR_UNAVAILABLE:
        return OUTCOME_AGAIN;
    default:
        return OUTCOME_FAIL;
    }
}

static enum outcome fetch_make(struct step_call *call, struct err *err)
{
    struct billing_facts facts;
    struct providers *p;
    int result = 0;

    if (kv_get(call->facts, FACT_MALFORMED) != NULL) {
        (void)str_format(call->note, sizeof call->note, "it cannot be read: %s",
                         kv_get(call->facts, FACT_MALFORMED));
        return OUTCOME_OK;
    }
    if (billing_facts_from_kv(call->facts, &facts, err) == -1)
        return OUTCOME_FAIL;
    p = outside_use(call->outside);
    if (p->stripe_set) {
        result = refresh(&p->stripe, &facts, err);
        (void)str_format(call->note, sizeof call->note, "read again: %s", facts.object_id);
    } else {
        (void)str_format(call->note, sizeof call->note,
                         "there is no key for Stripe: the event's own %s holds", facts.object_id);
    }
    outside_done(call->outside, p);
    /* An id that cannot even be asked for: Stripe never made it. */
    if (result == -1 && err->kind == ERR_INVALID && str_equal(err->code, "stripe_id"))
        return note_malformed(call->facts, err, err) == -1 ? OUTCOME_FAIL : OUTCOME_OK;
    if (result == -1)
        return outcome_of(err);
    return billing_facts_to_kv(&facts, call->facts, err) == -1 ? OUTCOME_FAIL : OUTCOME_OK;
}

/* What cannot be read is not retried by anybody: the event says so and the job is done. */
static int fail_event(struct txn *txn, const struct job *job, const char *why, struct err *err)
{
    struct event event;

    if (load_event(txn, job, &event, err) == -1)
        return -1;
    event.state = EVENT_FAILED;
    event.applied_at = txn_time_ms(txn);
    (void)str_copy(event.note, sizeof event.note, why);
    return record_put(txn, &event_table, &event, err);
}

static int event_apply(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    struct billing_facts facts;
    struct billing_result result = {0};

    if (kv_get(&job->facts, FACT_MALFORMED) != NULL)
        return fail_event(txn, job, kv_get(&job->facts, FACT_MALFORMED), err);
    if (billing_facts_from_kv(&job->facts, &facts, err) == -1 ||
        billing_event(txn, &c->conf, &facts, &result, err) == -1)
        return -1;
    if (result.job_id[0] != '\0' && kv_set(&job->facts, "job_id", result.job_id) == -1)
        return err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
    return 0;
}

/* An event that could not be applied says so itself: it can be replayed. */
static int event_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct event event;

    (void)context;
    if (job->state == JOB_DONE)
        return 0;
    if (load_event(txn, job, &event, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    event.state = EVENT_FAILED;
    if (str_copy(event.note, sizeof event.note, job->cause) == -1)
        (void)str_copy(event.note, sizeof event.note, job->cause_class);
    return record_put(txn, &event_table, &event, err);
}

static const struct step apply[] = {
    {.name = "fetch",
     .title = "Read again what the event is about",
     .prepare = fetch_prepare,
     .make = fetch_make,
     .attempts = 60},
    {.name = "apply",
     .title = "Fold it into customer, subscription and tenant",
     .apply = event_apply,
     .attempts = 60},
};
const struct saga saga_event_apply = {
    .name = "event.apply",
    .title = "Apply an event",
    .subject = "subscription",
    .steps = apply,
    .step_count = 2,
    .ended = event_ended,
    .keep_on_fail = true,
};
