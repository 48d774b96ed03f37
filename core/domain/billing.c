/*
 * From one event's facts to changes of records: whom it is about, what it adds, and then settling.
 * Apart from the folding, which knows no store, and from the settling, which knows no events.
 */
#include "billing.h"

#include "billing_parts.h"
#include "name.h"
#include "str.h"

#include <string.h>

/* Find or make the customer that Stripe names, fold the facts in and store it. */
static int upsert_customer(struct txn *txn, const struct billing_facts *facts,
                           struct customer *customer, struct err *err)
{
    struct customer was;

    memset(customer, 0, sizeof *customer);
    if (facts->stripe_customer[0] == '\0')
        return 0;
    (void)str_copy(customer->stripe_customer, sizeof customer->stripe_customer,
                   facts->stripe_customer);
    int found = record_find(txn, &customer_table, "stripe_customer", customer, err);
    if (found < 0)
        return -1;
    was = *customer;
    billing_fold_customer(customer, facts);
    if (billing_kind(facts->type) == BILLING_CHARGE && facts->stripe_subscription[0] == '\0')
        billing_fold_charge(&customer->refunded_at, &customer->part_refunded_at, facts);
    if (found == 0)
        return customer_new(txn, customer, err);
    if (fields_equal(&customer_table.fields, &was, customer))
        return 0;
    return customer_put(txn, customer, err);
}

/* Stripe's id of the subscription that the facts are about, or "". */
static const char *subscription_of(const struct billing_facts *facts)
{
    if (facts->stripe_subscription[0] == '\0' && billing_kind(facts->type) == BILLING_SUBSCRIPTION)
        return facts->object_id;
    return facts->stripe_subscription;
}

/* Find or make the subscription that Stripe names, with its customer. */
static int upsert_subscription(struct txn *txn, const struct billing_facts *facts,
                               struct subscription *sub, struct err *err)
{
    struct customer customer;

    memset(sub, 0, sizeof *sub);
    (void)str_copy(sub->stripe_subscription, sizeof sub->stripe_subscription,
                   subscription_of(facts));
    int found = record_find(txn, &subscription_table, "stripe_subscription", sub, err);
    if (found < 0 || upsert_customer(txn, facts, &customer, err) != 0)
        return -1;
    if (customer.id[0] != '\0' && sub->customer_id[0] == '\0')
        (void)str_copy(sub->customer_id, sizeof sub->customer_id, customer.id);
    return found == 0 ? subscription_new(txn, sub, err) : 0;
}

/* The order that the facts name, if there is one. Return 1, 0 or -1. */
static int find_order(struct txn *txn, const struct billing_facts *facts, struct order *order,
                      struct err *err)
{
    int found = 0;

    memset(order, 0, sizeof *order);
    if (str_starts(facts->order_id, "ord_")) {
        (void)str_copy(order->id, sizeof order->id, facts->order_id);
        found = record_get(txn, &order_table, order, err);
        if (found != 0)
            return found;
    }
    if (billing_kind(facts->type) != BILLING_CHECKOUT || facts->object_id[0] == '\0')
        return 0;
    memset(order, 0, sizeof *order);
    (void)str_copy(order->stripe_session, sizeof order->stripe_session, facts->object_id);
    return record_find(txn, &order_table, "stripe_session", order, err);
}

/* Tie the order to its subscription. Of two orders the lesser id stays, whichever came first. */
static int join_order(struct txn *txn, const struct billing_facts *facts, struct subscription *sub,
                      struct order *order, struct err *err)
{
    if (sub->order_id[0] == '\0' || strcmp(order->id, sub->order_id) < 0)
        (void)str_copy(sub->order_id, sizeof sub->order_id, order->id);
    if (sub->customer_id[0] != '\0')
        (void)str_copy(order->customer_id, sizeof order->customer_id, sub->customer_id);
    if (billing_kind(facts->type) == BILLING_CHECKOUT && order->stripe_session[0] == '\0')
        (void)str_copy(order->stripe_session, sizeof order->stripe_session, facts->object_id);
    if (order->state != ORDER_DONE) {
        bool paid = sub->checkout_paid_at != 0 || sub->paid_at != 0;
        bool failed = !paid && sub->checkout_failed_at != 0;
        char owner[ID_SIZE];

        if (paid)
            order->state = ORDER_PAID;
        else if (failed)
            order->state = ORDER_FLAGGED;
        (void)str_copy(order->flag, sizeof order->flag, failed ? ORDER_DECLINED : "");
        if (failed && name_give(txn, order->subdomain, order->id, 0, err) != 0)
            return -1;
        /* Once the checkout is done, the name no longer waits for a clock. */
        int held = name_owner(txn, order->subdomain, owner, err);
        if (held < 0)
            return -1;
        if (!failed && sub->checkout_at != 0 && (held == 0 || str_equal(owner, order->id))) {
            order->expires_at = 0;
            if (name_take(txn, order->subdomain, order->id, 0, err) != 0)
                return -1;
        }
    }
    return order_put(txn, order, err);
}

static void ignored(struct billing_result *result, const char *note)
{
    result->state = EVENT_IGNORED;
    (void)str_copy(result->note, sizeof result->note, note);
}

/* A checkout that led to no subscription: nothing can be made of it, but a paid order is not lost.
 * */
static int checkout_without(struct txn *txn, const struct billing_facts *facts, struct order *order,
                            bool has_order, struct billing_result *result, struct err *err)
{
    if (!has_order) {
        ignored(result, "a checkout without a subscription");
        return 0;
    }
    (void)str_copy(result->order_id, sizeof result->order_id, order->id);
    if (str_ends(facts->type, ".expired"))
        return order_expire(txn, order, err);
    order->state = ORDER_FLAGGED;
    order->expires_at = 0;
    (void)str_copy(order->flag, sizeof order->flag, "its checkout made no subscription");
    result->state = EVENT_FAILED;
    (void)str_copy(result->note, sizeof result->note, order->flag);
    return order_put(txn, order, err);
}

/* Refunds of a customer: they may concern any of its subscriptions. */
static int settle_customer(struct txn *txn, const struct conf *conf, const char *customer_id,
                           struct billing_result *result, struct err *err)
{
    char ids[16][ID_SIZE];
    struct subscription sub;
    struct scan scan;
    size_t count = 0;
    int got = 0;

    memset(&sub, 0, sizeof sub);
    (void)str_copy(sub.customer_id, sizeof sub.customer_id, customer_id);
    if (scan_start(&scan, txn, &subscription_table, "customer_id", &sub, 1, true, err) != 0)
        return -1;
    while (count < 16 && (got = scan_next(&scan, &sub, err)) == 1)
        (void)str_copy(ids[count++], ID_SIZE, sub.id);
    if (got < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (subscription_resolve(txn, ids[i], &sub, err) != 1 ||
            billing_settle_record(txn, conf, &sub, result, err) != 0)
            return -1;
    return 0;
}

/* Facts that belong to one subscription. */
static int apply_subscription(struct txn *txn, const struct conf *conf,
                              const struct billing_facts *facts, struct billing_result *result,
                              struct err *err)
{
    struct subscription sub;
    struct order order;

    if (upsert_subscription(txn, facts, &sub, err) != 0)
        return -1;
    switch (billing_kind(facts->type)) {
    case BILLING_CHECKOUT:
        billing_fold_checkout(&sub, facts);
        break;
    case BILLING_INVOICE:
        billing_fold_invoice(&sub, facts);
        break;
    case BILLING_CHARGE:
        billing_fold_charge(&sub.refunded_at, &sub.part_refunded_at, facts);
        break;
    default:
        if (billing_fold_object(&sub, facts) != 0) {
            result->state = EVENT_FAILED;
            (void)str_format(result->note, sizeof result->note,
                             "Stripe's status \"%s\" is not known here", facts->status);
            return 0;
        }
        break;
    }
    int found = find_order(txn, facts, &order, err);
    if (found < 0 || (found > 0 && join_order(txn, facts, &sub, &order, err) != 0))
        return -1;
    return billing_settle_record(txn, conf, &sub, result, err);
}

int billing_apply(struct txn *txn, const struct conf *conf, const struct billing_facts *facts,
                  struct billing_result *result, struct err *err)
{
    enum billing_kind kind = billing_kind(facts->type);
    struct customer customer;
    struct order order;

    memset(result, 0, sizeof *result);
    result->state = EVENT_APPLIED;
    if (kind == BILLING_OTHER) {
        ignored(result, "nothing follows from this type");
        return 0;
    }
    if (kind == BILLING_CHECKOUT &&
        (facts->stripe_subscription[0] == '\0' || str_ends(facts->type, ".expired"))) {
        int found = find_order(txn, facts, &order, err);
        if (found < 0)
            return -1;
        return checkout_without(txn, facts, &order, found > 0, result, err);
    }
    if (kind == BILLING_INVOICE && facts->stripe_subscription[0] == '\0') {
        ignored(result, "an invoice of no subscription");
        return 0;
    }
    if (kind == BILLING_CUSTOMER ||
        (kind == BILLING_CHARGE && facts->stripe_subscription[0] == '\0')) {
        if (upsert_customer(txn, facts, &customer, err) != 0)
            return -1;
        (void)str_copy(result->customer_id, sizeof result->customer_id, customer.id);
        if (customer.id[0] == '\0')
            ignored(result, "a charge of no customer");
        if (kind == BILLING_CUSTOMER || customer.id[0] == '\0')
            return 0;
        return settle_customer(txn, conf, customer.id, result, err);
    }
    if (subscription_of(facts)[0] == '\0') {
        result->state = EVENT_FAILED;
        (void)str_copy(result->note, sizeof result->note, "the object has no id");
        return 0;
    }
    return apply_subscription(txn, conf, facts, result, err);
}

int billing_event(struct txn *txn, const struct conf *conf, const struct billing_facts *facts,
                  struct billing_result *result, struct err *err)
{
    struct event event;

    if (billing_apply(txn, conf, facts, result, err) != 0)
        return -1;
    memset(&event, 0, sizeof event);
    (void)str_copy(event.id, sizeof event.id, facts->event_id);
    int found = event.id[0] == '\0' ? 0 : record_get(txn, &event_table, &event, err);
    if (found <= 0)
        return found;
    event.state = result->state;
    event.applied_at = txn_time_ms(txn);
    (void)str_copy(event.note, sizeof event.note, result->note);
    return record_put(txn, &event_table, &event, err);
}
