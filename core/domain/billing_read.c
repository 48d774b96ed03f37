/*
 * Facts out of Stripe's objects. Apart so that billing itself knows no provider: another one would
 * be another file like this.
 */
#include "billing_read.h"

#include "json_in.h"
#include "str.h"

#include <string.h>

/* Copy a text that is worth nothing when it is cut. */
static void take_whole(char *out, size_t size, const char *text)
{
    if (str_copy(out, size, text) != 0)
        out[0] = '\0';
}

static void take_metadata(const struct kv *metadata, struct billing_facts *facts)
{
    const char *name = kv_get_or(metadata, "tenant", kv_get_or(metadata, "subdomain", ""));

    take_whole(facts->wanted_name, sizeof facts->wanted_name, name);
    take_whole(facts->wanted_plan, sizeof facts->wanted_plan, kv_get_or(metadata, "plan", ""));
    take_whole(facts->order_id, sizeof facts->order_id, kv_get_or(metadata, "sett_order", ""));
}

void billing_read_subscription(const struct stripe_subscription *object,
                               struct billing_facts *facts)
{
    take_whole(facts->object_id, sizeof facts->object_id, object->id);
    take_whole(facts->stripe_subscription, sizeof facts->stripe_subscription, object->id);
    take_whole(facts->stripe_customer, sizeof facts->stripe_customer, object->customer);
    take_whole(facts->status, sizeof facts->status, object->status);
    take_whole(facts->price, sizeof facts->price, object->price);
    facts->period_end = object->period_end_s * 1000;
    facts->cancel_at = object->cancel_at_s * 1000;
    if (facts->cancel_at == 0 && object->cancel_at_period_end)
        facts->cancel_at = facts->period_end;
    take_metadata(&object->metadata, facts);
}

void billing_read_checkout(const struct stripe_checkout *object, struct billing_facts *facts)
{
    take_whole(facts->object_id, sizeof facts->object_id, object->id);
    take_whole(facts->stripe_subscription, sizeof facts->stripe_subscription, object->subscription);
    take_whole(facts->stripe_customer, sizeof facts->stripe_customer, object->customer);
    take_whole(facts->payment_status, sizeof facts->payment_status, object->payment_status);
    str_cut(facts->customer_name, sizeof facts->customer_name, object->customer_name);
    take_whole(facts->email, sizeof facts->email, object->customer_email);
    take_whole(facts->custom_name, sizeof facts->custom_name, object->subdomain);
    take_metadata(&object->metadata, facts);
    if (str_starts(object->client_reference_id, "ord_"))
        take_whole(facts->order_id, sizeof facts->order_id, object->client_reference_id);
}

void billing_read_invoice(const struct stripe_invoice *object, struct billing_facts *facts)
{
    take_whole(facts->object_id, sizeof facts->object_id, object->id);
    take_whole(facts->stripe_subscription, sizeof facts->stripe_subscription, object->subscription);
    take_whole(facts->stripe_customer, sizeof facts->stripe_customer, object->customer);
    take_whole(facts->order_id, sizeof facts->order_id,
               kv_get_or(&object->metadata, "sett_order", ""));
}

void billing_read_charge(const struct stripe_charge *object, struct billing_facts *facts)
{
    take_whole(facts->object_id, sizeof facts->object_id, object->id);
    take_whole(facts->stripe_customer, sizeof facts->stripe_customer, object->customer);
    facts->refunded = object->refunded;
}

void billing_read_customer(const struct stripe_customer *object, struct billing_facts *facts)
{
    take_whole(facts->object_id, sizeof facts->object_id, object->id);
    take_whole(facts->stripe_customer, sizeof facts->stripe_customer, object->id);
    str_cut(facts->customer_name, sizeof facts->customer_name, object->name);
    take_whole(facts->email, sizeof facts->email, object->email);
}

/* One object of the kind that the event's type says. */
static int read_object(const struct cJSON *json, struct billing_facts *facts, struct err *err)
{
    union {
        struct stripe_subscription subscription;
        struct stripe_checkout checkout;
        struct stripe_invoice invoice;
        struct stripe_charge charge;
        struct stripe_customer customer;
    } object;

    memset(&object, 0, sizeof object);
    switch (billing_kind(facts->type)) {
    case BILLING_SUBSCRIPTION:
        if (stripe_read_subscription(json, &object.subscription, err) != 0)
            return -1;
        billing_read_subscription(&object.subscription, facts);
        facts->ended_at = json_i64(json, "ended_at", 0) * 1000;
        return 0;
    case BILLING_CHECKOUT:
        if (stripe_read_checkout(json, &object.checkout, err) != 0)
            return -1;
        billing_read_checkout(&object.checkout, facts);
        return 0;
    case BILLING_INVOICE:
        if (stripe_read_invoice(json, &object.invoice, err) != 0)
            return -1;
        billing_read_invoice(&object.invoice, facts);
        return 0;
    case BILLING_CHARGE:
        if (stripe_read_charge(json, &object.charge, err) != 0)
            return -1;
        billing_read_charge(&object.charge, facts);
        return 0;
    case BILLING_CUSTOMER:
        if (stripe_read_customer(json, &object.customer, err) != 0)
            return -1;
        billing_read_customer(&object.customer, facts);
        return 0;
    default:
        return 0;
    }
}

int billing_read_event(const struct cJSON *event, struct billing_facts *facts, struct err *err)
{
    struct stripe_event head;

    memset(facts, 0, sizeof *facts);
    if (stripe_read_event(event, &head, err) != 0)
        return -1;
    (void)str_copy(facts->event_id, sizeof facts->event_id, head.id);
    (void)str_copy(facts->type, sizeof facts->type, head.type);
    facts->at = head.created_s * 1000;
    return read_object(stripe_event_object(event), facts, err);
}
