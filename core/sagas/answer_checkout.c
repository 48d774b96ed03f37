/*
 * Answers that have an effect, all about buying: a Checkout session at Stripe and its end, a way
 * into Stripe's customer portal, and first credentials for the page of an order. Apart because it
 * costs money to be wrong: the order stands in the store before, and its id is Stripe's
 * idempotency key.
 */
#include "answer_about.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "json_out.h"
#include "order_progress.h"
#include "plan.h"
#include "reveal.h"
#include "setting.h"
#include "str.h"
#include "subscription.h"

struct sale {
    struct order order;
    struct plan plan;
    char box_url[512];
    char success_url[700], cancel_url[900];
};

/* ${pattern} with {ORDER}, {PLAN}, {NAME} and {SECRET} replaced; what is in other braces, as
 * Stripe's own {CHECKOUT_SESSION_ID}, stays. */
static int expand(char *out, size_t size, const char *pattern, const struct sale *sale,
                  const char *secret)
{
    const struct {
        const char *word, *value;
    } words[] = {{"{ORDER}", sale->order.id},
                 {"{PLAN}", sale->plan.name},
                 {"{NAME}", sale->order.subdomain},
                 {"{SECRET}", secret}};
    size_t used = 0;

    while (*pattern != '\0') {
        const char *value = NULL;
        char one[2] = {*pattern, '\0'};
        size_t len = 1;

        for (size_t i = 0; value == NULL && i < sizeof words / sizeof words[0]; i++)
            if (str_starts(pattern, words[i].word)) {
                value = words[i].value;
                len = strlen(words[i].word);
            }
        if (str_format(out + used, size - used, "%s", value == NULL ? one : value) != 0)
            return -1;
        used += strlen(out + used);
        pattern += len;
    }
    return 0;
}

/* Where Stripe sends the buyer afterwards: to the order's own page, or back to the choice that was
 * made, unless the settings say otherwise. The secret stands behind the #, which no browser tells a
 * server. */
static int ways(struct sale *sale, const char *success, const char *cancel, const char *secret,
                struct err *err)
{
    char own[sizeof sale->box_url + 64];
    size_t len = strlen(sale->box_url);
    bool fits;

    while (len > 0 && sale->box_url[len - 1] == '/')
        len--;
    (void)str_format(own, sizeof own, "%.*s/order/{ORDER}#{SECRET}", (int)len, sale->box_url);
    fits = expand(sale->success_url, sizeof sale->success_url, success[0] != '\0' ? success : own,
                  sale, secret) == 0;
    (void)str_format(own, sizeof own, "%.*s/?plan={PLAN}&name={NAME}#{SECRET}", (int)len,
                     sale->box_url);
    fits = fits && expand(sale->cancel_url, sizeof sale->cancel_url,
                          cancel[0] != '\0' ? cancel : own, sale, secret) == 0;
    return fits ? 0
                : err_set(err, ERR_TOO_LARGE, "url_too_long",
                          "where a checkout leads is too long an address");
}

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

static int create(const struct answer_setup *s, struct sale *sale, const char *secret,
                  struct stripe_checkout *session, struct err *err)
{
    struct providers *p = outside_use(s->outside);
    struct stripe_checkout_params params = {
        .price = sale->plan.stripe_price,
        .order = sale->order.id,
        .subdomain = sale->order.subdomain,
        .email = sale->order.email,
        .success_url = sale->success_url,
        .cancel_url = sale->cancel_url,
        .expires_at_s = sale->order.expires_at / 1000,
    };
    int result = ways(sale, p->success_url, p->cancel_url, secret, err);

    if (result == 0 && p->stripe_set) {
        result = stripe_create_checkout(&p->stripe, &params, sale->order.id, session, err);
    } else if (result == 0) {
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
            result = create(s, sale, kv_get_or(params, "secret", ""), session, err);
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

int answer_checkout_end(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err)
{
    struct providers *p = outside_use(s->outside);
    const char *session = kv_get_or(params, "session", "");
    int result = -1;

    if (p->stripe_set)
        result = stripe_expire_checkout(&p->stripe, session, err);
    else
        *err = p->stripe_why;
    outside_done(s->outside, p);
    if (result == 0)
        (void)buf_text(out, "{\"object\":\"checkout_session\",\"open\":false}");
    return result;
}

/* What an order's page is shown once. */
struct showing {
    const struct answer_setup *s;
    const char *secret;
    struct order_progress progress;
    struct kv content;
};

/* Whoever asks has to bring the order's secret: the front alone gets nothing out of the vault. That
 * it was shown stands in the commit that opens it, so of a hundred at once one sees it. */
static int show(struct txn *txn, void *arg, struct err *err)
{
    struct showing *w = arg;
    const struct saga_context *c = w->s->context;
    struct order order;
    struct buf plain;
    char name[96];
    int found;

    kv_clear(&w->content);
    if (order_by_secret(txn, w->secret, &order, err) != 0 ||
        order_progress(txn, &order, &w->progress, err) != 0 ||
        order_progress_showable(&w->progress, err) != 0)
        return -1;
    buf_init(&plain, KV_SIZE);
    (void)str_format(name, sizeof name, "credentials:%s", w->progress.tenant.id);
    found = secret_get(txn, &c->vault, name, &plain, err);
    if (found == 1 && kv_load(&w->content, plain.data, plain.len) != 0)
        found = err_set(err, ERR_CORRUPT, "secret_no_list", "the secret %s is not a list", name);
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    order.shown_at = txn_time_ms(txn);
    return found < 0 || reveal_end(txn, w->progress.tenant.id, err) != 0 ||
                   order_put(txn, &order, err) != 0
               ? -1
               : 0;
}

int answer_reveal(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct showing *w = calloc(1, sizeof *w);
    const char *name, *value;
    struct json_out j;
    size_t at = 0;
    int result;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to show credentials");
    w->s = s;
    w->secret = kv_get_or(params, "secret", "");
    if ((result = db_write(s->context->db, show, w, err)) == 0) {
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "reveal");
        json_out_key_text(&j, "tenant", w->progress.tenant.name);
        json_out_key_text(&j, "address", w->progress.tenant.url);
        json_out_key(&j, "credentials");
        json_out_object(&j);
        while (kv_next(&w->content, &at, &name, &value) == 1)
            json_out_key_text(&j, name, value);
        json_out_end_object(&j);
        json_out_end_object(&j);
    }
    sodium_memzero(w, sizeof *w);
    free(w);
    return result;
}

int answer_portal(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct providers *p = outside_use(s->outside);
    char url[STRIPE_URL_SIZE];
    struct json_out j;
    int result = -1;

    if (p->stripe_set)
        result = stripe_create_portal(&p->stripe, kv_get_or(params, "customer", ""),
                                      kv_get_or(params, "return_url", ""),
                                      kv_get_or(params, "locale", ""), url, err);
    else
        *err = p->stripe_why;
    outside_done(s->outside, p);
    if (result != 0)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "billing_portal");
    json_out_key_text(&j, "url", url);
    json_out_end_object(&j);
    return 0;
}
