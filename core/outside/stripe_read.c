/* Stripe's objects into plain structs. Apart so that the two shapes of the API, and members that
 * are a text here and a whole object there, are known in this file only. */
#include "stripe.h"

#include <string.h>

#include "json_in.h"
#include "str.h"

/* An id, whether it stands there as text or inside an expanded object; "" if neither. */
static void read_ref(const struct cJSON *json, const char *path, char out[STRIPE_ID_SIZE])
{
    const struct cJSON *item = json_at(json, path);
    const char *id = "";

    if (item != NULL && json_type(item) == JSON_STRING)
        id = json_text(item, "", "");
    else if (item != NULL && json_type(item) == JSON_OBJECT)
        id = json_text(item, "id", "");
    (void)str_copy(out, STRIPE_ID_SIZE, id);
}

/* The first path that leads to an id. */
static void read_ref_either(const struct cJSON *json, const char *first, const char *second,
                            char out[STRIPE_ID_SIZE])
{
    read_ref(json, first, out);
    if (out[0] == '\0')
        read_ref(json, second, out);
}

static void read_word(const struct cJSON *json, const char *path, char *out, size_t size)
{
    (void)str_copy(out, size, json_text(json, path, ""));
}

/* What a person typed: control characters become blanks, too much is cut between characters. */
static void read_typed(const struct cJSON *json, const char *path, char *out, size_t size)
{
    str_cut(out, size, json_text(json, path, ""));
    for (char *p = out; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

static bool is_ours(const char *name)
{
    return str_starts(name, "sett_") || str_equal(name, "tenant") || str_equal(name, "subdomain") ||
           str_equal(name, "plan");
}

static void read_metadata(const struct cJSON *json, const char *path, struct kv *out)
{
    const struct cJSON *all = json_at(json, path), *item = NULL;

    kv_clear(out);
    for (int ours = 1; ours >= 0; ours--)
        while ((item = json_next(all, item)) != NULL)
            if (json_type(item) == JSON_STRING && is_ours(json_name(item)) == (ours == 1))
                (void)kv_set(out, json_name(item), json_text(item, "", ""));
}

/* The object's own type and id, which everything else hangs on. */
static int read_id(const struct cJSON *json, const char *type, char out[STRIPE_ID_SIZE],
                   struct err *err)
{
    const char *id = json_text(json, "id", "");

    if (!str_equal(json_text(json, "object", ""), type))
        return err_set(err, ERR_MALFORMED, "stripe_object", "not a %s of Stripe's", type);
    for (const char *p = id; *p != '\0'; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            return err_set(err, ERR_MALFORMED, "stripe_id", "a %s with a strange id", type);
    if (id[0] == '\0' || str_copy(out, STRIPE_ID_SIZE, id) == -1)
        return err_set(err, ERR_MALFORMED, "stripe_id", "a %s without a usable id", type);
    return 0;
}

const struct cJSON *stripe_event_object(const struct cJSON *event)
{
    const struct cJSON *object = json_at(event, "data.object");

    return object != NULL && json_type(object) == JSON_OBJECT ? object : NULL;
}

int stripe_read_event(const struct cJSON *json, struct stripe_event *out, struct err *err)
{
    const struct cJSON *object = stripe_event_object(json);

    memset(out, 0, sizeof *out);
    if (read_id(json, "event", out->id, err) == -1)
        return -1;
    read_word(json, "type", out->type, sizeof out->type);
    if (out->type[0] == '\0' || object == NULL)
        return err_set(err, ERR_MALFORMED, "stripe_event", "an event without type or object");
    read_word(json, "api_version", out->api_version, sizeof out->api_version);
    out->created_s = json_i64(json, "created", 0);
    out->livemode = json_bool(json, "livemode", false);
    read_word(object, "object", out->object_type, sizeof out->object_type);
    read_ref(object, "id", out->object_id);
    return 0;
}

/* Old: a member of the subscription. New: one on each item, of which the earliest counts. */
static int64_t period_end(const struct cJSON *json)
{
    const struct cJSON *items = json_at(json, "items.data"), *item = NULL;
    int64_t end = json_i64(json, "current_period_end", 0);

    while ((item = json_next(items, item)) != NULL) {
        int64_t of_item = json_i64(item, "current_period_end", 0);
        if (of_item > 0 && (end == 0 || of_item < end))
            end = of_item;
    }
    return end;
}

int stripe_read_subscription(const struct cJSON *json, struct stripe_subscription *out,
                             struct err *err)
{
    memset(out, 0, sizeof *out);
    if (read_id(json, "subscription", out->id, err) == -1)
        return -1;
    read_ref(json, "customer", out->customer);
    read_word(json, "status", out->status, sizeof out->status);
    read_ref_either(json, "items.data[0].price", "items.data[0].plan", out->price);
    out->created_s = json_i64(json, "created", 0);
    out->period_end_s = period_end(json);
    out->cancel_at_s = json_i64(json, "cancel_at", 0);
    out->cancel_at_period_end = json_bool(json, "cancel_at_period_end", false);
    read_metadata(json, "metadata", &out->metadata);
    return 0;
}

static void read_subdomain(const struct cJSON *json, char *out, size_t size)
{
    const struct cJSON *fields = json_at(json, "custom_fields"), *field = NULL;

    while ((field = json_next(fields, field)) != NULL) {
        if (!str_equal(json_text(field, "key", ""), "subdomain"))
            continue;
        read_word(field, "text.value", out, size);
        if (out[0] == '\0')
            read_word(field, "dropdown.value", out, size);
    }
}

int stripe_read_checkout(const struct cJSON *json, struct stripe_checkout *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (read_id(json, "checkout.session", out->id, err) == -1)
        return -1;
    read_ref(json, "customer", out->customer);
    read_ref(json, "subscription", out->subscription);
    read_word(json, "client_reference_id", out->client_reference_id,
              sizeof out->client_reference_id);
    read_word(json, "mode", out->mode, sizeof out->mode);
    read_word(json, "status", out->status, sizeof out->status);
    read_word(json, "payment_status", out->payment_status, sizeof out->payment_status);
    read_word(json, "url", out->url, sizeof out->url);
    read_typed(json, "customer_details.name", out->customer_name, sizeof out->customer_name);
    read_word(json, "customer_details.email", out->customer_email, sizeof out->customer_email);
    if (out->customer_email[0] == '\0')
        read_word(json, "customer_email", out->customer_email, sizeof out->customer_email);
    read_subdomain(json, out->subdomain, sizeof out->subdomain);
    out->created_s = json_i64(json, "created", 0);
    out->expires_at_s = json_i64(json, "expires_at", 0);
    read_metadata(json, "metadata", &out->metadata);
    return 0;
}

int stripe_read_invoice(const struct cJSON *json, struct stripe_invoice *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (read_id(json, "invoice", out->id, err) == -1)
        return -1;
    read_ref(json, "customer", out->customer);
    read_ref_either(json, "parent.subscription_details.subscription", "subscription",
                    out->subscription);
    read_word(json, "status", out->status, sizeof out->status);
    read_word(json, "currency", out->currency, sizeof out->currency);
    read_word(json, "billing_reason", out->billing_reason, sizeof out->billing_reason);
    out->amount_due = json_i64(json, "amount_due", 0);
    out->amount_paid = json_i64(json, "amount_paid", 0);
    out->total = json_i64(json, "total", 0);
    out->created_s = json_i64(json, "created", 0);
    out->next_attempt_s = json_i64(json, "next_payment_attempt", 0);
    read_metadata(json, "parent.subscription_details.metadata", &out->metadata);
    if (out->metadata.len == 0)
        read_metadata(json, "subscription_details.metadata", &out->metadata);
    return 0;
}

int stripe_read_charge(const struct cJSON *json, struct stripe_charge *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (read_id(json, "charge", out->id, err) == -1)
        return -1;
    read_ref(json, "customer", out->customer);
    read_ref(json, "invoice", out->invoice);
    read_ref(json, "payment_intent", out->payment_intent);
    read_word(json, "currency", out->currency, sizeof out->currency);
    out->amount = json_i64(json, "amount", 0);
    out->amount_refunded = json_i64(json, "amount_refunded", 0);
    out->created_s = json_i64(json, "created", 0);
    out->refunded = json_bool(json, "refunded", false);
    return 0;
}

int stripe_read_customer(const struct cJSON *json, struct stripe_customer *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (read_id(json, "customer", out->id, err) == -1)
        return -1;
    read_typed(json, "name", out->name, sizeof out->name);
    read_word(json, "email", out->email, sizeof out->email);
    out->deleted = json_bool(json, "deleted", false);
    read_metadata(json, "metadata", &out->metadata);
    return 0;
}

int stripe_read_price(const struct cJSON *json, struct stripe_price *out, struct err *err)
{
    int64_t count;

    memset(out, 0, sizeof *out);
    if (read_id(json, "price", out->id, err) == -1)
        return -1;
    read_word(json, "currency", out->currency, sizeof out->currency);
    read_word(json, "recurring.interval", out->interval, sizeof out->interval);
    out->active = json_bool(json, "active", false);
    out->amount = json_i64(json, "unit_amount", -1);
    out->fixed = out->amount >= 0 &&
                 str_equal(json_text(json, "billing_scheme", "per_unit"), "per_unit") &&
                 json_at(json, "custom_unit_amount.maximum") == NULL;
    count = json_i64(json, "recurring.interval_count", 1);
    out->intervals = count > 0 && count <= 366 ? (uint32_t)count : 1;
    if (!out->fixed)
        out->amount = 0;
    return 0;
}
