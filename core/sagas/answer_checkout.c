/*
 * The one answer that has an effect: a Checkout session at Stripe. Apart because it costs money to
 * be wrong: the order stands in the store before, and its id is Stripe's idempotency key.
 */
#include "answer_about.h"

#include <string.h>

#include "json_out.h"
#include "plan.h"
#include "setting.h"
#include "str.h"
#include "subscription.h"

struct sale {
    struct order order;
    struct plan plan;
    char box_url[512];
};

static int load(const struct answer_setup *s, const struct kv *params, struct sale *sale,
                struct err *err)
{
    const char *id = kv_get_or(params, "order_id", "");
    struct txn *txn;
    int found = 0, result = -1;

    memset(sale, 0, sizeof *sale);
    if (str_copy(sale->order.id, sizeof sale->order.id, id) == -1)
        return err_field(err, "order_id", "order_not_found", "there is no such order");
    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    found = record_get(txn, &order_table, &sale->order, err);
    if (found == 1) {
        (void)str_copy(sale->plan.id, sizeof sale->plan.id, sale->order.plan_id);
        found = record_get(txn, &plan_table, &sale->plan, err);
    }
    if (found == 1 && setting_text(txn, &s->context->conf, "box.url", sale->box_url,
                                   sizeof sale->box_url, err) != -1)
        result = 0;
    db_read_end(txn);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "order_not_found", "there is no order %s", id);
    return result;
}

static int create(const struct answer_setup *s, const struct sale *sale,
                  struct stripe_checkout *session, struct err *err)
{
    struct providers *p = outside_use(s->outside);
    struct stripe_checkout_params params = {
        .price = sale->plan.stripe_price,
        .order = sale->order.id,
        .subdomain = sale->order.subdomain,
        .email = sale->order.email,
        .success_url = p->success_url[0] != '\0' ? p->success_url : sale->box_url,
        .cancel_url = p->cancel_url[0] != '\0' ? p->cancel_url : NULL,
        .expires_at_s = sale->order.expires_at / 1000,
    };
    int result;

    if (p->stripe_set) {
        result = stripe_create_checkout(&p->stripe, &params, sale->order.id, session, err);
    } else {
        *err = p->stripe_why;
        result = -1;
    }
    outside_done(s->outside, p);
    return result;
}

int answer_checkout(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err)
{
    struct stripe_checkout *session;
    struct sale *sale;
    struct json_out j;
    int result = -1;

    session = calloc(1, sizeof *session);
    sale = calloc(1, sizeof *sale);
    if (session == NULL || sale == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a checkout");
    } else if (load(s, params, sale, err) == 0) {
        if (sale->order.state != ORDER_OPEN)
            (void)err_set(err, ERR_CONFLICT, "order_state", "order %s is %s", sale->order.id,
                          order_state_names[sale->order.state]);
        else
            result = create(s, sale, session, err);
    }
    if (result == 0) {
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "checkout_session");
        json_out_key_text(&j, "session", session->id);
        json_out_key_text(&j, "url", session->url);
        json_out_end_object(&j);
    }
    free(session);
    free(sale);
    return result;
}
