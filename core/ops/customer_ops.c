/* Customers: who pays. They mostly come from Stripe; an operator can make and correct them too. */
#include "customer.h"

#include "find.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

static const char *const sort_names[] = {"created", "-created", NULL};
static const struct find_sort sorts[] = {{NULL, NULL}};
#define NEWEST_FIRST 1

struct customer_list_params {
    struct list_params list;
    char email[256], q[128];
};
static const struct field customer_list_rows[] = {
    LIST_FIELDS(struct customer_list_params),
    FIELD(struct customer_list_params, email, FIELD_TEXT, .help = "only those with this address"),
    FIELD(struct customer_list_params, q, FIELD_TEXT,
          .help = "only those with these words, or beginnings of them, in name or address, of this "
                  "number or Stripe's id"),
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

/* What is asked for: the words, and the records by which other indexes know it. */
struct filter {
    const struct customer_list_params *asked;
    struct find_words words;
    struct customer is; /* number, stripe_customer, email */
};

static int fits(struct op_call *call, const void *filter, const void *record, struct err *err)
{
    const struct filter *f = filter;
    const struct customer *c = record;

    if (f->asked->email[0] != '\0' && !str_equal(c->email, f->asked->email))
        return 0;
    if (f->asked->q[0] == '\0' || (f->is.number != 0 && c->number == f->is.number) ||
        str_equal(c->stripe_customer, f->asked->q))
        return 1;
    return f->words.count == 0 ? 0 : find_words_fit(call, &f->words, c->words, "", err);
}

/* By one word, and whoever has the whole of it as a number or as Stripe's id. */
static int take_word(struct op_call *call, const struct filter *f, const char *word,
                     struct find_ids *ids, struct err *err)
{
    struct scan scan;

    if (f->is.number != 0 && find_equal(call, ids, &customer_table, "number", &f->is, err) != 0)
        return -1;
    if (find_equal(call, ids, &customer_table, "stripe_customer", &f->is, err) != 0 ||
        scan_words(&scan, call->txn, &customer_table, "words", word, err) != 0)
        return -1;
    return find_walk(ids, &scan, err);
}

static int way(struct op_call *call, const void *filter, unsigned nth, struct find_ids *ids,
               struct err *err)
{
    const struct filter *f = filter;

    if (nth == 0 && f->asked->email[0] != '\0')
        return find_equal(call, ids, &customer_table, "email", &f->is, err) != 0 ? -1 : 1;
    if (nth == 0) {
        ids->over = true;
        return 1;
    }
    if (nth > f->words.count)
        return 0;
    return take_word(call, f, f->words.at[nth - 1], ids, err) != 0 ? -1 : 1;
}

static int customer_list(struct op_call *call, struct err *err)
{
    const struct customer_list_params *p = call->params;
    struct filter f = {.asked = p};
    struct find find = {.view = &view_customer,
                        .url = "/api/customers",
                        .sorts = sorts,
                        .sort_names = sort_names,
                        .sort = NEWEST_FIRST,
                        .filter = &f,
                        .way = way,
                        .fits = fits,
                        .all = -1};

    find_words_read(&f.words, p->q);
    (void)str_copy(f.is.email, sizeof f.is.email, p->email);
    (void)str_copy(f.is.stripe_customer, sizeof f.is.stripe_customer, p->q);
    if (str_u64(p->q, 1, UINT64_MAX, &f.is.number) != 0)
        f.is.number = 0;
    if (p->q[0] == '\0' && p->email[0] == '\0')
        find.all = record_count(call->txn, &customer_table, err);
    return find_reply(call, &p->list, &find, err);
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
