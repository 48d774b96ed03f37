/*
 * Subscriptions and the orders that begin them: tables and lookups. What Stripe's words do to them
 * is billing's; this file only says what is kept.
 */
#include "subscription.h"

#include "enc.h"
#include "name.h"
#include "str.h"

#include <sodium.h>
#include <string.h>

const char *const subscription_status_names[] = {"incomplete", "incomplete_expired", "trialing",
                                                 "active",     "past_due",           "unpaid",
                                                 "paused",     "canceled",           NULL};
const char *const subscription_wanted_names[] = {"nothing",   "running", "grace",
                                                 "suspended", "deleted", NULL};
const char *const order_state_names[] = {"open", "paid", "done", "expired", "flagged", NULL};

static const struct field rows[] = {
    FIELD(struct subscription, id, FIELD_ID, .ref_prefix = "su"),
    FIELD(struct subscription, number, FIELD_U64, .help = "short number, never reused"),
    FIELD(struct subscription, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct subscription, plan_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "pl"),
    FIELD(struct subscription, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct subscription, order_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "ord"),
    FIELD(struct subscription, stripe_subscription, FIELD_TEXT, .help = "Stripe's id of it"),
    FIELD(struct subscription, status, FIELD_ENUM, .names = subscription_status_names,
          .help = "what holds, from Stripe's object and the invoices after it"),
    FIELD(struct subscription, period_end, FIELD_TIME, .help = "paid until"),
    FIELD(struct subscription, cancel_at, FIELD_TIME, .help = "will end at"),
    FIELD(struct subscription, object_at, FIELD_TIME, .help = "time of Stripe's newest facts"),
    FIELD(struct subscription, object_status, FIELD_ENUM, .names = subscription_status_names,
          .help = "status in Stripe's newest object"),
    FIELD(struct subscription, object_rank, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct subscription, object_event, FIELD_TEXT, .flags = FIELD_HIDDEN),
    FIELD(struct subscription, stripe_price, FIELD_TEXT, .help = "Stripe's id of the price"),
    FIELD(struct subscription, stripe_customer, FIELD_TEXT, .help = "Stripe's id of the customer"),
    FIELD(struct subscription, wanted_plan, FIELD_TEXT, .help = "plan named in the metadata"),
    FIELD(struct subscription, wanted_name, FIELD_TEXT, .help = "subdomain named in the metadata"),
    FIELD(struct subscription, custom_name, FIELD_TEXT, .help = "subdomain typed at the checkout"),
    FIELD(struct subscription, checkout_at, FIELD_TIME, .help = "time of the checkout session"),
    FIELD(struct subscription, checkout_name, FIELD_TEXT, .help = "subdomain in its metadata"),
    FIELD(struct subscription, checkout_plan, FIELD_TEXT, .help = "plan in its metadata"),
    FIELD(struct subscription, checkout_paid_at, FIELD_TIME, .help = "the checkout was paid"),
    FIELD(struct subscription, checkout_failed_at, FIELD_TIME, .help = "its payment failed"),
    FIELD(struct subscription, paid_at, FIELD_TIME, .help = "newest invoice paid"),
    FIELD(struct subscription, failed_at, FIELD_TIME, .help = "newest payment that failed"),
    FIELD(struct subscription, refunded_at, FIELD_TIME, .help = "newest full refund"),
    FIELD(struct subscription, part_refunded_at, FIELD_TIME, .help = "newest partial refund"),
    FIELD(struct subscription, good_at, FIELD_TIME, .flags = FIELD_HIDDEN),
    FIELD(struct subscription, past_due_at, FIELD_TIME, .help = "past due since"),
    FIELD(struct subscription, ended_at, FIELD_TIME, .help = "ended at"),
    FIELD(struct subscription, late_times, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct subscription, wanted, FIELD_ENUM, .names = subscription_wanted_names,
          .help = "what it wants of its tenant"),
    FIELD(struct subscription, wanted_met, FIELD_ENUM, .names = subscription_wanted_names,
          .help = "what its tenant was brought to last"),
    FIELD(struct subscription, plan_met_id, FIELD_ID, .flags = FIELD_HIDDEN, .ref_prefix = "pl"),
    FIELD(struct subscription, wanted_job, FIELD_ID, .ref_prefix = "job",
          .help = "job started for what it wants"),
    FIELD(struct subscription, provisioned, FIELD_BOOL, .help = "its tenant was made"),
    FIELD(struct subscription, look_at, FIELD_TIME, .help = "looked at again at"),
    FIELD(struct subscription, suspend_at, FIELD_TIME, .help = "the tenant is suspended at"),
    FIELD(struct subscription, delete_at, FIELD_TIME, .help = "the tenant is deleted at"),
    FIELD(struct subscription, flag, FIELD_TEXT, .help = "what somebody should look at"),
    FIELD(struct subscription, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct subscription, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "number", .id = 133, .unique = true, .fields = {"number"}},
    {.name = "stripe_subscription",
     .id = 134,
     .unique = true,
     .sparse = true,
     .fields = {"stripe_subscription"}},
    {.name = "customer_id", .id = 135, .sparse = true, .fields = {"customer_id"}},
    {.name = "tenant_id", .id = 136, .sparse = true, .fields = {"tenant_id"}},
    {.name = "order_id", .id = 137, .sparse = true, .fields = {"order_id"}},
    {.name = "status", .id = 138, .counted = true, .fields = {"status"}},
    {.name = "status_plan", .id = 210, .counted = true, .fields = {"status", "plan_id"}},
    {.name = "suspend_at", .id = 139, .sparse = true, .fields = {"suspend_at"}},
    {.name = "delete_at", .id = 140, .sparse = true, .fields = {"delete_at"}},
    {.name = "look_at", .id = 141, .sparse = true, .fields = {"look_at"}},
    {.name = "flag", .id = 142, .sparse = true, .fields = {"flag"}},
};

const struct table subscription_table = {
    .name = "subscriptions",
    .noun = "subscription",
    .id = 3,
    .version = 1,
    .prefix = "su",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct subscription)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "subscription", .about = "tenant_id", .customer = "customer_id"},
};

static const struct field order_rows[] = {
    FIELD(struct order, id, FIELD_ID, .ref_prefix = "ord"),
    FIELD(struct order, name, FIELD_TEXT, .help = "name of the customer"),
    FIELD(struct order, email, FIELD_TEXT, .help = "e-mail address"),
    FIELD(struct order, subdomain, FIELD_TEXT, .help = "label that is held for it"),
    FIELD(struct order, plan_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "pl"),
    FIELD(struct order, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct order, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct order, stripe_session, FIELD_TEXT, .help = "Stripe's id of the checkout session"),
    FIELD(struct order, state, FIELD_ENUM, .names = order_state_names, .help = "where it stands"),
    FIELD(struct order, flag, FIELD_TEXT, .help = "what somebody should look at"),
    FIELD(struct order, expires_at, FIELD_TIME, .help = "while it is open, the name is held until"),
    FIELD(struct order, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct order, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct order, secret_hash, FIELD_BYTES, 2, .flags = FIELD_HIDDEN),
    FIELD_SINCE(struct order, shown_at, FIELD_TIME, 2,
                .help = "its page has shown the first credentials at"),
};

static const struct index order_indexes[] = {
    {.name = "stripe_session",
     .id = 143,
     .unique = true,
     .sparse = true,
     .fields = {"stripe_session"}},
    {.name = "state", .id = 144, .counted = true, .fields = {"state"}},
    {.name = "customer_id", .id = 145, .sparse = true, .fields = {"customer_id"}},
    {.name = "expires_at", .id = 146, .sparse = true, .fields = {"expires_at"}},
    {.name = "secret_hash", .id = 234, .unique = true, .sparse = true, .fields = {"secret_hash"}},
};

const struct table order_table = {
    .name = "orders",
    .noun = "order",
    .id = 4,
    .version = 2,
    .prefix = "ord",
    .fields = {order_rows, sizeof order_rows / sizeof order_rows[0], sizeof(struct order)},
    .key = {"id"},
    .indexes = order_indexes,
    .index_count = sizeof order_indexes / sizeof order_indexes[0],
    .feed = {.object = "order", .about = "tenant_id", .customer = "customer_id"},
};

int subscription_resolve(struct txn *txn, const char *text, struct subscription *subscription,
                         struct err *err)
{
    char wanted[256]; /* the text may lie in the record itself */

    if (str_copy(wanted, sizeof wanted, text) != 0)
        return 0;
    memset(subscription, 0, sizeof *subscription);
    if (str_u64(wanted, 1, UINT64_MAX, &subscription->number) == 0)
        return record_find(txn, &subscription_table, "number", subscription, err);
    if (str_starts(wanted, "sub_")) {
        if (str_copy(subscription->stripe_subscription, sizeof subscription->stripe_subscription,
                     wanted) != 0)
            return 0;
        return record_find(txn, &subscription_table, "stripe_subscription", subscription, err);
    }
    if (wanted[0] == '\0' || str_copy(subscription->id, sizeof subscription->id, wanted) != 0)
        return 0;
    return record_get(txn, &subscription_table, subscription, err);
}

int subscription_new(struct txn *txn, struct subscription *subscription, struct err *err)
{
    id_make(subscription->id, subscription_table.prefix);
    subscription->number = record_next_number(txn, subscription_table.name, err);
    if (subscription->number == 0)
        return -1;
    subscription->created_at = subscription->updated_at = txn_time_ms(txn);
    return record_insert(txn, &subscription_table, subscription, err);
}

int order_new(struct txn *txn, struct order *order, struct err *err)
{
    id_make(order->id, order_table.prefix);
    if (name_check(order->subdomain, err) != 0 ||
        name_take(txn, order->subdomain, order->id, order->expires_at, err) != 0)
        return -1;
    order->state = ORDER_OPEN;
    order->created_at = order->updated_at = txn_time_ms(txn);
    return record_insert(txn, &order_table, order, err);
}

void order_secret_new(char secret[ORDER_SECRET_SIZE])
{
    uint8_t bytes[32];

    randombytes_buf(bytes, sizeof bytes);
    (void)enc_base64url(secret, ORDER_SECRET_SIZE, bytes, sizeof bytes);
    sodium_memzero(bytes, sizeof bytes);
}

int order_secret(struct order *order, const char *secret)
{
    uint8_t bytes[32];

    if (enc_unbase64url(bytes, sizeof bytes, secret, strlen(secret)) != (int)sizeof bytes)
        return -1;
    (void)crypto_generichash(order->secret_hash, sizeof order->secret_hash, bytes, sizeof bytes,
                             NULL, 0);
    sodium_memzero(bytes, sizeof bytes);
    return 0;
}

int order_by_secret(struct txn *txn, const char *secret, struct order *order, struct err *err)
{
    int found = 0;

    memset(order, 0, sizeof *order);
    if (order_secret(order, secret) == 0)
        found = record_find(txn, &order_table, "secret_hash", order, err);
    if (found == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "order_unknown", "there is no order behind this link");
        return err_hint(err, "copy the whole link from the page or the mail that it came with");
    }
    return found < 0 ? -1 : 0;
}

int order_expire(struct txn *txn, struct order *order, struct err *err)
{
    if (order->state != ORDER_OPEN)
        return 0;
    if (name_give(txn, order->subdomain, order->id, 0, err) != 0)
        return -1;
    order->state = ORDER_EXPIRED;
    order->expires_at = 0;
    order->updated_at = txn_time_ms(txn);
    return record_put(txn, &order_table, order, err);
}

int subscription_put(struct txn *txn, struct subscription *subscription, struct err *err)
{
    struct subscription was;

    memset(&was, 0, sizeof was);
    (void)str_copy(was.id, sizeof was.id, subscription->id);
    int found = record_get(txn, &subscription_table, &was, err);
    if (found < 0)
        return -1;
    if (found > 0 && fields_equal(&subscription_table.fields, &was, subscription))
        return 0;
    subscription->updated_at = txn_time_ms(txn);
    return record_put(txn, &subscription_table, subscription, err);
}

int subscription_let_go(struct txn *txn, struct subscription *subscription, struct err *err)
{
    subscription->tenant_id[0] = subscription->wanted_job[0] = '\0';
    subscription->provisioned = false;
    subscription->suspend_at = subscription->delete_at = subscription->look_at = 0;
    return subscription_put(txn, subscription, err);
}

int order_put(struct txn *txn, struct order *order, struct err *err)
{
    struct order was;

    memset(&was, 0, sizeof was);
    (void)str_copy(was.id, sizeof was.id, order->id);
    int found = record_get(txn, &order_table, &was, err);
    if (found < 0)
        return -1;
    if (found > 0 && fields_equal(&order_table.fields, &was, order))
        return 0;
    order->updated_at = txn_time_ms(txn);
    return record_put(txn, &order_table, order, err);
}
