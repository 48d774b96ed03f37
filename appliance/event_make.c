/*
 * Test events. One table says which object each type is about and what that object's state is; a
 * function a kind of object writes it.
 */
#include "event_make.h"

#include <string.h>

#include "clock.h"
#include "enc.h"
#include "json_out.h"
#include "str.h"

#include <sodium.h>

#define MONTH_S     INT64_C(2592000)
#define API_VERSION "2026-07-29.dahlia"

typedef void object_write(struct json_out *j, const struct event_make *e, const char *status);

static void metadata(struct json_out *j, const struct event_make *e)
{
    json_out_key(j, "metadata");
    json_out_object(j);
    if (e->subdomain[0] != '\0')
        json_out_key_text(j, "tenant", e->subdomain);
    if (e->plan[0] != '\0')
        json_out_key_text(j, "plan", e->plan);
    if (e->order[0] != '\0')
        json_out_key_text(j, "sett_order", e->order);
    json_out_end_object(j);
}

static void text_or_null(struct json_out *j, const char *key, const char *value)
{
    if (value[0] == '\0')
        json_out_key_null(j, key);
    else
        json_out_key_text(j, key, value);
}

static void write_checkout(struct json_out *j, const struct event_make *e, const char *status)
{
    char id[64];

    (void)str_format(id, sizeof id, "cs_test_%s",
                     e->subscription + (str_starts(e->subscription, "sub_") ? 4 : 0));
    json_out_key_text(j, "id", id);
    json_out_key_text(j, "object", "checkout.session");
    json_out_key_text(j, "mode", "subscription");
    json_out_key_text(j, "status", str_equal(status, "expired") ? "expired" : "complete");
    json_out_key_text(j, "payment_status", str_equal(status, "expired") ? "unpaid" : status);
    json_out_key_text(j, "customer", e->customer);
    json_out_key_text(j, "subscription", e->subscription);
    text_or_null(j, "client_reference_id", e->order);
    json_out_key(j, "customer_details");
    json_out_object(j);
    json_out_key_text(j, "name", e->name);
    json_out_key_text(j, "email", e->email);
    json_out_end_object(j);
    metadata(j, e);
}

static void write_subscription(struct json_out *j, const struct event_make *e, const char *status)
{
    json_out_key_text(j, "id", e->subscription);
    json_out_key_text(j, "object", "subscription");
    json_out_key_text(j, "customer", e->customer);
    json_out_key_text(j, "status", status);
    json_out_key_bool(j, "cancel_at_period_end", false);
    json_out_key_null(j, "cancel_at");
    json_out_key_i64(j, "created", e->at_s);
    json_out_key(j, "items");
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    json_out_object(j);
    json_out_key_text(j, "id", "si_test");
    json_out_key_i64(j, "current_period_end", e->at_s + MONTH_S);
    json_out_key(j, "price");
    json_out_object(j);
    json_out_key_text(j, "id", e->price);
    json_out_key_text(j, "object", "price");
    json_out_end_object(j);
    json_out_end_object(j);
    json_out_end_array(j);
    json_out_end_object(j);
    metadata(j, e);
}

static void write_invoice(struct json_out *j, const struct event_make *e, const char *status)
{
    json_out_key_text(j, "id", "in_test");
    json_out_key_text(j, "object", "invoice");
    json_out_key_text(j, "customer", e->customer);
    json_out_key_text(j, "status", status);
    json_out_key_text(j, "currency", "eur");
    json_out_key_u64(j, "amount_due", 1900);
    json_out_key_u64(j, "amount_paid", str_equal(status, "paid") ? 1900 : 0);
    json_out_key_u64(j, "total", 1900);
    json_out_key(j, "parent");
    json_out_object(j);
    json_out_key_text(j, "type", "subscription_details");
    json_out_key(j, "subscription_details");
    json_out_object(j);
    json_out_key_text(j, "subscription", e->subscription);
    metadata(j, e);
    json_out_end_object(j);
    json_out_end_object(j);
}

static void write_charge(struct json_out *j, const struct event_make *e, const char *status)
{
    json_out_key_text(j, "id", "ch_test");
    json_out_key_text(j, "object", "charge");
    json_out_key_text(j, "customer", e->customer);
    json_out_key_text(j, "currency", "eur");
    json_out_key_u64(j, "amount", 1900);
    json_out_key_u64(j, "amount_refunded", 1900);
    json_out_key_bool(j, "refunded", str_equal(status, "refunded"));
}

static void write_customer(struct json_out *j, const struct event_make *e, const char *status)
{
    (void)status;
    json_out_key_text(j, "id", e->customer);
    json_out_key_text(j, "object", "customer");
    json_out_key_text(j, "name", e->name);
    json_out_key_text(j, "email", e->email);
}

static const struct {
    const char *type, *status;
    object_write *write;
} types[] = {
    {"checkout.session.completed", "paid", write_checkout},
    {"checkout.session.expired", "expired", write_checkout},
    {"checkout.session.async_payment_succeeded", "paid", write_checkout},
    {"checkout.session.async_payment_failed", "unpaid", write_checkout},
    {"customer.subscription.created", "active", write_subscription},
    {"customer.subscription.updated", "active", write_subscription},
    {"customer.subscription.deleted", "canceled", write_subscription},
    {"invoice.paid", "paid", write_invoice},
    {"invoice.payment_failed", "open", write_invoice},
    {"charge.refunded", "refunded", write_charge},
    {"customer.updated", "", write_customer},
};
#define TYPES (sizeof types / sizeof *types)

static int type_unknown(const char *type, struct err *err)
{
    char known[ERR_TEXT_SIZE] = "";
    size_t len = 0;

    for (size_t i = 0; i < TYPES && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i == 0 ? "" : " ",
                                types[i].type);
    err_field(err, "type", "unknown_type",
              "neither a file nor a type of event: \"%.30s\"; types: %s", type, known);
    return err_hint(err,
                    "sett stripe send customer.subscription.deleted --subscription sub_demo_acme");
}

int event_make(const struct event_make *given, struct buf *out, struct err *err)
{
    struct event_make e = *given;
    struct json_out j;
    char id[48], random[9 * 2 + 1];
    uint8_t bytes[9];
    size_t i;

    for (i = 0; i < TYPES && !str_equal(types[i].type, e.type); i++)
        ;
    if (i == TYPES)
        return type_unknown(e.type, err);
    if (e.at_s == 0)
        e.at_s = clock_wall_ms() / 1000;
    randombytes_buf(bytes, sizeof bytes);
    enc_hex(random, bytes, sizeof bytes);
    (void)str_format(id, sizeof id, "evt_test_%s", random);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "id", e.id[0] == '\0' ? id : e.id);
    json_out_key_text(&j, "object", "event");
    json_out_key_text(&j, "api_version", API_VERSION);
    json_out_key_i64(&j, "created", e.at_s);
    json_out_key_bool(&j, "livemode", false);
    json_out_key_text(&j, "type", e.type);
    json_out_key(&j, "data");
    json_out_object(&j);
    json_out_key(&j, "object");
    json_out_object(&j);
    types[i].write(&j, &e, e.status[0] == '\0' ? types[i].status : e.status);
    json_out_end_object(&j);
    json_out_end_object(&j);
    json_out_end_object(&j);
    return out->failed ? err_set(err, ERR_TOO_LARGE, "event_size", "the event grows too large") : 0;
}
