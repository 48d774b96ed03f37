/* Subscriptions and orders, to look at: what changes them is what Stripe says. */
#include "subscription.h"

#include "customer.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"

struct subscription_list_params {
    struct list_params list;
    char customer_id[96], tenant_id[96];
    uint32_t status;
    bool flagged;
};
static const struct field subscription_list_rows[] = {
    LIST_FIELDS(struct subscription_list_params),
    FIELD(struct subscription_list_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this customer"),
    FIELD(struct subscription_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this tenant"),
    FIELD(struct subscription_list_params, status, FIELD_ENUM, .names = subscription_status_names,
          .help = "only in this status, in Stripe's words"),
    FIELD(struct subscription_list_params, flagged, FIELD_BOOL,
          .help = "only those that somebody should look at"),
};

struct order_list_params {
    struct list_params list;
    char customer_id[96];
    uint32_t state;
};
static const struct field order_list_rows[] = {
    LIST_FIELDS(struct order_list_params),
    FIELD(struct order_list_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this customer"),
    FIELD(struct order_list_params, state, FIELD_ENUM, .names = order_state_names,
          .help = "only in this state"),
};

static bool keep_subscription(const struct op_call *call, const void *record)
{
    const struct subscription_list_params *p = call->params;
    const struct subscription *want = call->scratch, *s = record;

    return (!op_given(call, "customer_id") || str_equal(s->customer_id, want->customer_id)) &&
           (!op_given(call, "tenant_id") || str_equal(s->tenant_id, want->tenant_id)) &&
           (!op_given(call, "status") || s->status == want->status) &&
           (!op_given(call, "flagged") || p->flagged == (s->flag[0] != '\0'));
}

static int subscription_list(struct op_call *call, struct err *err)
{
    const struct subscription_list_params *p = call->params;
    struct subscription *match = call->scratch;
    struct customer customer = {0};
    struct tenant tenant = {0};
    struct list list = {.view = &view_subscription,
                        .url = "/api/subscriptions",
                        .match = match,
                        .keep = keep_subscription};

    if (op_given(call, "customer_id") &&
        object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
        return -1;
    if (op_given(call, "tenant_id") &&
        object_refer(call, &tenant_table, "tenant_id", p->tenant_id, &tenant, err) != 0)
        return -1;
    (void)str_copy(match->customer_id, sizeof match->customer_id, customer.id);
    (void)str_copy(match->tenant_id, sizeof match->tenant_id, tenant.id);
    match->status = p->status;
    list.index = op_given(call, "tenant_id")     ? "tenant_id"
                 : op_given(call, "customer_id") ? "customer_id"
                 : op_given(call, "status")      ? "status"
                                                 : NULL;
    list.fields = list.index == NULL ? 0 : 1;
    if (list.index == NULL && p->flagged)
        list.index = "flag"; /* in no useful order, but only those */
    return list_reply(call, &p->list, &list, err);
}

static int subscription_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct subscription subscription = {0};

    if (object_get(call, &subscription_table, p->id, &subscription, err) != 0)
        return -1;
    return object_reply(call, &view_subscription, &subscription, err);
}

static bool keep_order(const struct op_call *call, const void *record)
{
    const struct order *want = call->scratch, *order = record;

    return (!op_given(call, "customer_id") || str_equal(order->customer_id, want->customer_id)) &&
           (!op_given(call, "state") || order->state == want->state);
}

static int order_list(struct op_call *call, struct err *err)
{
    const struct order_list_params *p = call->params;
    struct order *match = call->scratch;
    struct customer customer = {0};
    struct list list = {
        .view = &view_order, .url = "/api/orders", .match = match, .keep = keep_order};

    if (op_given(call, "customer_id") &&
        object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
        return -1;
    (void)str_copy(match->customer_id, sizeof match->customer_id, customer.id);
    match->state = p->state;
    list.index = op_given(call, "customer_id") ? "customer_id"
                 : op_given(call, "state")     ? "state"
                                               : NULL;
    list.fields = list.index == NULL ? 0 : 1;
    return list_reply(call, &p->list, &list, err);
}

static int order_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct order order = {0};

    if (object_get(call, &order_table, p->id, &order, err) != 0)
        return -1;
    return object_reply(call, &view_order, &order, err);
}

const struct op subscription_ops[] = {
    {.name = "subscription.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(subscription_list_rows, struct subscription_list_params),
     .help = "List subscriptions, newest first",
     .example = "--status past_due",
     .result = &subscription_table.fields,
     .more = &view_plan_more,
     .scratch_size = sizeof(struct subscription),
     .run = subscription_list},
    {.name = "subscription.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a subscription",
     .example = "1",
     .result = &subscription_table.fields,
     .more = &view_plan_more,
     .run = subscription_show},
    {.name = NULL},
};

const struct op order_ops[] = {
    {.name = "order.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(order_list_rows, struct order_list_params),
     .help = "List orders, newest first",
     .example = "--state flagged",
     .result = &order_table.fields,
     .scratch_size = sizeof(struct order),
     .run = order_list},
    {.name = "order.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show an order",
     .example = "ord_01jd3v7q2c0000000000000000",
     .result = &order_table.fields,
     .run = order_show},
    {.name = NULL},
};
