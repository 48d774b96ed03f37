/* Customers: who pays. They mostly come from Stripe; an operator can make and correct them too. */
#include "customer.h"

#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

#include <string.h>

struct customer_list_params {
    struct list_params list;
    char email[256], q[128];
};
static const struct field customer_list_rows[] = {
    LIST_FIELDS(struct customer_list_params),
    FIELD(struct customer_list_params, email, FIELD_TEXT, .help = "only those with this address"),
    FIELD(struct customer_list_params, q, FIELD_TEXT,
          .help = "only those with this in name, address or Stripe's id, or of this number"),
};

struct customer_params {
    char id[96];
    char name[128], email[256], stripe_customer[64], locale[16], note[512];
};
#define CUSTOMER_ROWS                                                                              \
    FIELD(struct customer_params, email, FIELD_TEXT, .help = "e-mail address"),                    \
        FIELD(struct customer_params, stripe_customer, FIELD_TEXT,                                 \
              .help = "Stripe's id of the customer, cus_…"),                                       \
        FIELD(struct customer_params, locale, FIELD_TEXT,                                          \
              .help = "preferred language, as in de-CH"),                                          \
        FIELD(struct customer_params, note, FIELD_TEXT, .flags = FIELD_FREE,                       \
              .help = "note for operators")

static const struct field customer_create_rows[] = {
    FIELD(struct customer_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = 120,
          .help = "name of the person or company"),
    CUSTOMER_ROWS,
};
static const struct field customer_update_rows[] = {
    ID_FIELD(struct customer_params),
    FIELD(struct customer_params, name, FIELD_TEXT, .min = 1, .max = 120,
          .help = "name of the person or company"),
    CUSTOMER_ROWS,
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct customer_list_params *p = call->params;
    const struct customer *c = record;
    uint64_t number;

    return p->q[0] == '\0' || strcasestr(c->name, p->q) != NULL ||
           strcasestr(c->email, p->q) != NULL || str_equal(c->stripe_customer, p->q) ||
           (str_u64(p->q, 1, UINT64_MAX, &number) == 0 && c->number == number);
}

static int customer_list(struct op_call *call, struct err *err)
{
    const struct customer_list_params *p = call->params;
    struct customer match = {0};
    struct list list = {.view = &view_customer, .url = "/api/customers", .keep = keep};

    if (op_given(call, "email")) {
        (void)str_copy(match.email, sizeof match.email, p->email);
        list.index = "email";
        list.match = &match;
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int customer_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct customer customer = {0};

    if (object_get(call, &customer_table, p->id, &customer, err) != 0)
        return -1;
    return object_reply(call, &view_customer, &customer, err);
}

static int fill(const struct op_call *call, struct customer *customer, struct err *err)
{
    object_fill(call, &customer_table, customer);
    return params_email("email", customer->email, err);
}

static int customer_create(struct op_call *call, struct err *err)
{
    struct customer customer = {0};

    if (fill(call, &customer, err) != 0 || customer_new(call->txn, &customer, err) != 0)
        return -1;
    object_after(call, &customer_table, &customer);
    (void)str_format(call->location, sizeof call->location, "/api/customers/%s", customer.id);
    return object_reply(call, &view_customer, &customer, err);
}

static int customer_update(struct op_call *call, struct err *err)
{
    const struct customer_params *p = call->params;
    struct customer customer = {0};

    if (object_get(call, &customer_table, p->id, &customer, err) != 0 ||
        object_match(call, &customer_table, &customer, err) != 0)
        return -1;
    object_before(call, &customer_table, &customer);
    if (fill(call, &customer, err) != 0 || customer_put(call->txn, &customer, err) != 0)
        return -1;
    object_after(call, &customer_table, &customer);
    return object_reply(call, &view_customer, &customer, err);
}

const struct op customer_ops[] = {
    {.name = "customer.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(customer_list_rows, struct customer_list_params),
     .help = "List customers, newest first",
     .example = "--email ann@example.com",
     .result = &customer_table.fields,
     .run = customer_list},
    {.name = "customer.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a customer",
     .example = "1",
     .result = &customer_table.fields,
     .run = customer_show},
    {.name = "customer.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE,
     .params = PARAMS(customer_create_rows, struct customer_params),
     .help = "Make a customer",
     .example = "\"Acme Ltd\" --email ann@example.com",
     .result = &customer_table.fields,
     .run = customer_create},
    {.name = "customer.update",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(customer_update_rows, struct customer_params),
     .help = "Change a customer",
     .example = "1 --locale de-CH",
     .result = &customer_table.fields,
     .run = customer_update},
    {.name = NULL},
};
