/* Stripe's customer portal: where a customer sees invoices, changes the means of payment, ends a
 * subscription. Only a way into it is made here; nothing of it is kept. */
#include "customer.h"

#include "enquire.h"
#include "json_in.h"
#include "nouns.h"
#include "params.h"
#include "setting.h"
#include "str.h"

#define PORTAL_WAIT_MS 20000

struct portal_params {
    char customer_id[96], locale[16];
};
static const struct field portal_rows[] = {
    FIELD(struct portal_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED | FIELD_WORD,
          .help = "operators: of which customer"),
    FIELD(struct portal_params, locale, FIELD_TEXT, .help = "language, as in de (the browser's)"),
};

static const struct field shown_rows[] = {
    {.name = "url",
     .type = FIELD_TEXT,
     .size = 1024,
     .help = "address of it, good for some minutes"},
};
static const struct fields shown = {shown_rows, sizeof shown_rows / sizeof shown_rows[0], 0};

/* Whose it is: a customer's own, or the one that is named. */
static int find(struct op_call *call, struct customer *customer, struct err *err)
{
    const struct portal_params *p = call->params;
    const char *which = p->customer_id;

    if (call->actor.role == ROLE_CUSTOMER && which[0] == '\0')
        which = call->actor.customer_id;
    if (which[0] == '\0')
        return err_field(err, "customer_id", "required", "whose billing? give customer_id");
    if (object_refer(call, &customer_table, "customer_id", which, customer, err) != 0)
        return -1;
    if (call->actor.role < ROLE_OPERATOR && call->actor.role != ROLE_CUSTOMER)
        return err_set(err, ERR_FORBIDDEN, "role_too_low",
                       "the billing of a customer is for operators and the customer");
    if (customer->stripe_customer[0] == '\0')
        return err_set(err, ERR_CONFLICT, "no_billing", "the customer %s pays nothing at Stripe",
                       customer->name);
    return 0;
}

static int portal_slow(struct op_call *call, struct err *err)
{
    const struct portal_params *p = call->params;
    struct customer customer = {0};
    char url[512], back[600];
    struct kv params;
    struct txn *txn;
    int r;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    call->txn = txn;
    r = find(call, &customer, err);
    if (r == 0 && setting_text(txn, &call->box->conf, "box.url", url, sizeof url, err) < 0)
        r = -1;
    db_read_end(txn);
    call->txn = NULL;
    if (r != 0)
        return -1;
    (void)str_format(back, sizeof back, "%s%sportal", url, str_ends(url, "/") ? "" : "/");
    kv_clear(&params);
    (void)kv_set(&params, "customer", customer.stripe_customer);
    (void)kv_set(&params, "return_url", back);
    (void)kv_set(&params, "locale", p->locale);
    (void)str_copy(call->audit.object, sizeof call->audit.object, customer.id);
    return enquire_ask(call, "portal", &params, PORTAL_WAIT_MS, err);
}

static int portal(struct op_call *call, struct err *err)
{
    return enquire_reply_json(call, err);
}

const struct op billing_ops[] = {
    {.name = "billing.portal",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK | OP_SECRET,
     .params = PARAMS(portal_rows, struct portal_params),
     .help = "Make a link to the customer's invoices and means of payment at Stripe",
     .example = "1",
     .result = &shown,
     .slow = portal_slow,
     .run = portal},
    {.name = NULL},
};
