/*
 * Offers: plans as a buyer sees them, who is nobody yet. Apart from plans because everything here
 * is public: no blueprint, no id of Stripe's, nothing that only operators should know.
 */
#include "plan.h"

#include "nouns.h"
#include "object.h"
#include "setting.h"
#include "str.h"

#define OFFERS_MAX 64

static const struct field offer_rows[] = {
    {.name = "plan", .type = FIELD_TEXT, .size = 32, .help = "its name, for the checkout"},
    {.name = "title", .type = FIELD_TEXT, .size = 96, .help = "name for people"},
    {.name = "description", .type = FIELD_TEXT, .size = 400, .help = "what it is"},
    {.name = "amount",
     .type = FIELD_U64,
     .size = 8,
     .help = "price in the currency's smallest unit; null: not known"},
    {.name = "currency", .type = FIELD_TEXT, .size = 4, .help = "ISO 4217 code in lower case"},
    {.name = "interval",
     .type = FIELD_ENUM,
     .size = 4,
     .names = plan_interval_names,
     .help = "how often it is paid"},
    {.name = "interval_count",
     .type = FIELD_U32,
     .size = 4,
     .help = "so many of them are a period"},
};
static const struct fields offer_shape = {offer_rows, sizeof offer_rows / sizeof offer_rows[0], 0};

struct offers {
    struct plan at[OFFERS_MAX];
    unsigned count;
};

/* By their position, then the dearer behind the cheaper, then by name. */
static int by_place(const void *a, const void *b)
{
    const struct plan *x = a, *y = b;

    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    if (x->amount != y->amount)
        return x->amount < y->amount ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int gather(struct op_call *call, struct offers *offers, struct err *err)
{
    struct plan plan;
    struct scan scan;
    int got;

    if (scan_start(&scan, call->txn, &plan_table, "name", NULL, 0, false, err) != 0)
        return -1;
    while (offers->count < OFFERS_MAX && (got = scan_next(&scan, &plan, err)) != 0) {
        if (got < 0)
            return -1;
        if (!plan_for_sale(&plan))
            continue;
        if (plan_price_known(&plan)) {
            plan.amount = plan.price_amount;
            (void)str_copy(plan.currency, sizeof plan.currency, plan.price_currency);
        }
        offers->at[offers->count++] = plan;
    }
    qsort(offers->at, offers->count, sizeof offers->at[0], by_place);
    return 0;
}

static void price_members(const struct plan *plan, struct json_out *j)
{
    bool known = plan_price_known(plan);

    if (!known && plan->currency[0] == '\0') {
        json_out_key_null(j, "amount");
        json_out_key_null(j, "currency");
        json_out_key_null(j, "interval");
        json_out_key_null(j, "interval_count");
        return;
    }
    json_out_key_u64(j, "amount", plan->amount);
    json_out_key_text(j, "currency", plan->currency);
    json_out_key_text(j, "interval",
                      plan_interval_names[known ? plan->price_interval : PLAN_INTERVAL_MONTH]);
    json_out_key_u64(j, "interval_count", known ? plan->price_intervals : 1);
}

/* The lines of ${text} that say something, as an array. */
static void lines_member(const char *name, const char *text, struct json_out *j)
{
    json_out_key(j, name);
    json_out_array(j);
    while (*text != '\0') {
        size_t len = strcspn(text, "\r\n");

        if (len > 0)
            json_out_text_n(j, text, len);
        text += len + (text[len] != '\0');
    }
    json_out_end_array(j);
}

static void limits_member(const struct plan *plan, struct json_out *j)
{
    json_out_key(j, "limits");
    json_out_object(j);
    json_out_key_u64(j, "memory_bytes", plan->limits.memory_bytes);
    json_out_key_u64(j, "cpu_millis", plan->limits.cpu_millis);
    json_out_key_u64(j, "storage_bytes", plan->limits.storage_bytes);
    json_out_key_u64(j, "max_users", plan->limits.max_users);
    json_out_key_u64(j, "max_domains", plan->max_domains);
    json_out_end_object(j);
}

static void one(const struct plan *plan, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "object", "offer");
    json_out_key_text(j, "plan", plan->name);
    json_out_key_text(j, "title", plan->title);
    json_out_key_text(j, "description", plan->description);
    price_members(plan, j);
    lines_member("features", plan->features, j);
    limits_member(plan, j);
    json_out_key_text(j, "snapshots", plan_snapshots_names[plan->snapshots]);
    json_out_end_object(j);
}

static int offer_list(struct op_call *call, struct err *err)
{
    struct offers *offers = call->scratch;
    struct json_out *j = call->out;
    char domain[256];
    int payable = secret_exists(call->txn, "stripe.secret_key", err);

    if (payable < 0 || gather(call, offers, err) != 0 ||
        setting_text(call->txn, &call->box->conf, "box.domain", domain, sizeof domain, err) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (unsigned i = 0; i < offers->count; i++)
        one(&offers->at[i], j);
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", "/api/offers");
    json_out_key_text(j, "domain", domain);
    json_out_key_bool(j, "payable", payable == 1);
    json_out_end_object(j);
    return 0;
}

const struct op offer_ops[] = {
    {.name = "offer.list",
     .role = ROLE_PUBLIC,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .help = "List what can be bought, with its prices",
     .example = "",
     .result = &offer_shape,
     .scratch_size = sizeof(struct offers),
     .run = offer_list},
    {.name = NULL},
};
