/* Buying: an order that holds the name, then a page of Stripe's to pay on. The front has no way to
 * Stripe, so the worker makes the page; if it cannot, the name is given back at once. */
#include "ask.h"
#include "json_in.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "str.h"
#include "subscription.h"

#define HOLD_MS          (INT64_C(60) * 60 * 1000) /* Stripe wants 30 minutes to 24 hours */
#define CHECKOUT_WAIT_MS 30000

struct checkout_params {
    char name[128], email[256], subdomain[64], plan[96], secret[ORDER_SECRET_SIZE + 4];
};
static const struct field checkout_rows[] = {
    FIELD(struct checkout_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = 120,
          .help = "name of the customer"),
    FIELD(struct checkout_params, email, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 3,
          .help = "e-mail address"),
    FIELD(struct checkout_params, subdomain, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "label below the box's domain"),
    FIELD(struct checkout_params, plan, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "name of the plan"),
    FIELD(struct checkout_params, secret, FIELD_TEXT, .flags = FIELD_SECRET, .min = 43, .max = 43,
          .help = "32 random bytes in base64url, to follow the order by; else they are made here"),
};

struct checkout_shape {
    char order[ID_SIZE], url[1024];
    int64_t expires_at;
};
static const struct field shape_rows[] = {
    FIELD(struct checkout_shape, order, FIELD_ID, .ref_prefix = "ord", .help = "the order"),
    FIELD(struct checkout_shape, url, FIELD_TEXT, .help = "page to pay on"),
    FIELD(struct checkout_shape, expires_at, FIELD_TIME, .help = "the name is held until"),
};
static const struct fields shape = {shape_rows, sizeof shape_rows / sizeof shape_rows[0],
                                    sizeof(struct checkout_shape)};

struct checkout {
    struct op_call *call;
    struct order order;
    char secret[ORDER_SECRET_SIZE];
    char session[96], url[1024];
};

/* A record of a change that is not the operation's own run. */
static int note(struct checkout *c, struct txn *txn, const struct order *before,
                const struct order *after, const char *result, const char *reason, struct err *err)
{
    struct op_call *call = c->call;
    struct audit kept = call->audit;
    int r;

    object_before(call, &order_table, before);
    object_after(call, &order_table, after);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, reason);
    r = op_audit(call, txn, result, err);
    call->audit = kept;
    return r;
}

static int sellable(struct txn *txn, const char *text, struct plan *plan, struct err *err)
{
    int found = plan_resolve(txn, text, plan, err);

    if (found < 0)
        return -1;
    if (!found || !plan_for_sale(plan)) {
        err_field(err, "plan", "plan_not_for_sale", "the plan %.80s cannot be bought", text);
        return err_hint(err, "what can be bought is offered and has a stripe_price");
    }
    return 0;
}

static int place(struct txn *txn, void *arg, struct err *err)
{
    struct checkout *c = arg;
    const struct checkout_params *p = c->call->params;
    struct plan plan = {0};

    memset(&c->order, 0, sizeof c->order);
    if (sellable(txn, p->plan, &plan, err) != 0)
        return -1;
    (void)str_copy(c->order.name, sizeof c->order.name, p->name);
    (void)str_copy(c->order.email, sizeof c->order.email, p->email);
    (void)str_copy(c->order.subdomain, sizeof c->order.subdomain, p->subdomain);
    (void)str_copy(c->order.plan_id, sizeof c->order.plan_id, plan.id);
    c->order.expires_at = txn_time_ms(txn) + HOLD_MS;
    (void)order_secret(&c->order, c->secret);
    if (order_new(txn, &c->order, err) != 0) {
        if (err->kind == ERR_CONFLICT) { /* whose it is is nobody's business here */
            err_set(err, ERR_CONFLICT, "name_taken", "the name %s is taken", p->subdomain);
            (void)str_copy(err->field, sizeof err->field, "subdomain");
        }
        return -1;
    }
    return note(c, txn, NULL, &c->order, "ok", "the order holds its name", err);
}

static int take_back(struct txn *txn, void *arg, struct err *err)
{
    struct checkout *c = arg;
    struct order order = c->order;

    if (order_expire(txn, &order, err) != 0)
        return -1;
    return note(c, txn, &c->order, &order, "network", "there was no page to pay on", err);
}

/* {"session":"cs_…","url":"https://…"} */
static int read_answer(struct checkout *c, struct err *err)
{
    const struct buf *answer = &c->call->answer;
    struct cJSON *json = json_parse(buf_string(answer), answer->len, &json_limits_provider, err);
    int r = 0;

    if (json == NULL)
        return -1;
    if (str_copy(c->session, sizeof c->session, json_text(json, "session", "")) != 0 ||
        str_copy(c->url, sizeof c->url, json_text(json, "url", "")) != 0 || c->url[0] == '\0')
        r = err_set(err, ERR_NETWORK, "checkout_failed", "the checkout page could not be made");
    json_free(json);
    return r;
}

/* The one that the buyer's page has made, so that it knows it whatever becomes of the answer. */
static int take_secret(struct checkout *c, const char *given, struct err *err)
{
    struct order probe = {0};

    if (given[0] == '\0')
        order_secret_new(c->secret);
    else if (order_secret(&probe, given) != 0 || str_copy(c->secret, sizeof c->secret, given) != 0)
        return err_field(err, "secret", "bad_secret", "secret must be 32 bytes in base64url");
    return 0;
}

static int checkout_slow(struct op_call *call, struct err *err)
{
    const struct checkout_params *p = call->params;
    struct checkout *c = call->scratch;
    struct kv params;
    struct err ignored;

    c->call = call;
    if (params_email("email", p->email, err) != 0 || take_secret(c, p->secret, err) != 0 ||
        db_write(call->box->db, place, c, err) != 0)
        return -1;
    kv_clear(&params);
    (void)kv_set(&params, "order_id", c->order.id);
    (void)kv_set(&params, "secret", c->secret);
    if (ask(call->box->paths.ask_sock, "checkout", &params, CHECKOUT_WAIT_MS, &call->answer, err) ==
            0 &&
        read_answer(c, err) == 0)
        return 0;
    (void)db_write(call->box->db, take_back, c, &ignored); /* else it expires by itself */
    return -1;
}

static int checkout(struct op_call *call, struct err *err)
{
    const struct checkout *c = call->scratch;
    struct json_out *j = call->out;
    struct order order = {0};
    int found;

    (void)str_copy(order.id, sizeof order.id, c->order.id);
    if ((found = record_get(call->txn, &order_table, &order, err)) <= 0)
        return found < 0 ? -1
                         : err_set(err, ERR_CONFLICT, "order_gone", "order %s is gone", order.id);
    if (order.stripe_session[0] == '\0' && c->session[0] != '\0') {
        (void)str_copy(order.stripe_session, sizeof order.stripe_session, c->session);
        order.updated_at = txn_time_ms(call->txn);
        if (record_put(call->txn, &order_table, &order, err) != 0)
            return -1;
    }
    object_before(call, &order_table, &c->order);
    object_after(call, &order_table, &order);
    json_out_object(j);
    json_out_key_text(j, "object", "checkout");
    json_out_key_text(j, "order", order.id);
    json_out_key_text(j, "url", c->url);
    json_out_key_time(j, "expires_at", order.expires_at);
    json_out_end_object(j);
    return 0;
}

const struct op checkout_ops[] = {
    {.name = "checkout.create",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK | OP_CREATE,
     .params = PARAMS(checkout_rows, struct checkout_params),
     .help = "Order a plan under a name, and get the page to pay on",
     .example = "\"Ann Smith\" ann@example.com acme demo",
     .result = &shape,
     .scratch_size = sizeof(struct checkout),
     .slow = checkout_slow,
     .run = checkout},
    {.name = NULL},
};
