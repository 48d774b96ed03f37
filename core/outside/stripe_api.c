/* The calls to Stripe. Apart from the reading because they need the network; every answer that is
 * not what was asked for becomes one error here, with what a person can do about it. */
#include "stripe.h"

#include <string.h>

#include "http.h"
#include "json_in.h"
#include "str.h"

#define PATH_SIZE    384
#define FORM_MAX     16384
#define PAGES_MAX    300
#define BUSY_RETRY_S 2

int stripe_init(struct stripe *s, const char *api, const char *key, struct http_client *client,
                struct err *err)
{
    size_t len;

    memset(s, 0, sizeof *s);
    s->client = client;
    if (!str_starts(api, "https://") || str_copy(s->api, sizeof s->api, api) == -1)
        return err_set(err, ERR_INVALID, "stripe_api", "not an https address: %s", api);
    for (len = strlen(s->api); len > 0 && s->api[len - 1] == '/'; len--)
        s->api[len - 1] = '\0';
    if (key[0] == '\0' || str_copy(s->key, sizeof s->key, key) == -1)
        return err_set(err, ERR_INVALID, "stripe_key", "that is no secret key of Stripe's");
    return 0;
}

/* ---- errors ---- */

static const struct {
    long status;
    enum err_kind kind;
    const char *code, *hint;
} statuses[] = {
    {400, ERR_INVALID, "stripe_invalid", "Stripe refuses the request itself: see its message."},
    {401, ERR_UNAUTHENTICATED, "stripe_key_wrong",
     "Set the secret stripe.secret_key to a key of this account that has not been rolled or "
     "expired."},
    {402, ERR_INVALID, "stripe_declined", "The payment was declined: the customer must act."},
    {403, ERR_FORBIDDEN, "stripe_key_limited",
     "The restricted key lacks a permission that Stripe's message names: add it in the dashboard."},
    {404, ERR_NOT_FOUND, "stripe_not_found",
     "It was deleted, or belongs to the other mode: is the key for live or for test mode?"},
    {409, ERR_RATE, "stripe_busy",
     "Another request works on the same object; this one is repeated."},
    {429, ERR_RATE, "stripe_rate", "Too many requests to Stripe; they are repeated more slowly."},
};

/* An answer of status 300 or more. */
static int refused(const struct http_answer *a, const struct cJSON *json, struct err *err)
{
    const char *message = json_text(json, "error.message", "no message");
    const char *code = json_text(json, "error.code", json_text(json, "error.type", ""));
    uint32_t wait_s = a->retry_after_s;

    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status != a->status)
            continue;
        (void)err_set(err, statuses[i].kind, statuses[i].code, "Stripe: %s%s%s%s (%ld%s%s)",
                      message, code[0] ? " [" : "", code, code[0] ? "]" : "", a->status,
                      a->request_id[0] ? ", " : "", a->request_id);
        (void)err_hint(err, "%s", statuses[i].hint);
        if (err != NULL && statuses[i].kind == ERR_INVALID)
            (void)str_copy(err->field, sizeof err->field, json_text(json, "error.param", ""));
        if (err != NULL && statuses[i].kind == ERR_RATE)
            err->retry_after_s = wait_s == 0 ? BUSY_RETRY_S : wait_s;
        return -1;
    }
    (void)err_set(err, a->status >= 500 ? ERR_NETWORK : ERR_INVALID,
                  a->status >= 500 ? "stripe_down" : "stripe_strange",
                  "Stripe answered %ld: %s (%s)", a->status, message, a->request_id);
    if (err != NULL && a->status >= 500)
        err->retry_after_s = wait_s; /* 0: the engine waits as it does for its class */
    return err_hint(err, "%s",
                    a->status >= 500 ? "Stripe has a fault; see https://status.stripe.com."
                                     : "Is stripe.api the address of Stripe's API?");
}

/* ---- one request ---- */

/* ${form}: of a POST, or NULL. On success *json is the answer, to be freed. */
static int call(const struct stripe *s, const char *method, const char *path,
                const struct buf *form, const char *idempotency_key, struct cJSON **json,
                struct err *err)
{
    char url[sizeof s->api + PATH_SIZE], key[300];
    const char *headers[] = {"Stripe-Version: " STRIPE_VERSION, NULL, NULL};
    struct http_request r = {.profile = HTTP_PROVIDER,
                             .method = method,
                             .url = url,
                             .bearer = s->key,
                             .headers = headers};
    struct http_answer a;
    int result = -1;

    *json = NULL;
    if (str_format(url, sizeof url, "%s%s", s->api, path) == -1 || (form != NULL && form->failed))
        return err_set(err, ERR_INVALID, "stripe_request", "the request to Stripe is too long");
    if (form != NULL) {
        r.body = buf_string(form);
        r.body_len = form->len;
        r.content_type = "application/x-www-form-urlencoded";
    }
    if (idempotency_key != NULL) {
        if (strlen(idempotency_key) > 255 ||
            str_format(key, sizeof key, "Idempotency-Key: %s", idempotency_key) == -1)
            return err_set(err, ERR_INVALID, "stripe_request", "the idempotency key is too long");
        headers[1] = key;
    }
    http_answer_init(&a, 0);
    if (http_call(s->client, &r, &a, err) == 0) {
        *json = json_parse(buf_string(&a.body), a.body.len, &json_limits_provider, NULL);
        if (a.status >= 300 || a.status < 200)
            (void)refused(&a, *json, err);
        else if (*json == NULL || json_type(*json) != JSON_OBJECT)
            (void)err_set(err, ERR_NETWORK, "stripe_answer",
                          "what answered for Stripe is not Stripe");
        else
            result = 0;
    }
    http_answer_free(&a);
    if (result == -1) {
        json_free(*json);
        *json = NULL;
    }
    return result;
}

/* GET ${folder}/${id}. */
static int get(const struct stripe *s, const char *folder, const char *id, struct cJSON **json,
               struct err *err)
{
    char path[PATH_SIZE], escaped[STRIPE_ID_SIZE * 3];

    *json = NULL;
    if (id[0] == '\0' || http_escape(escaped, sizeof escaped, id) == -1 ||
        str_format(path, sizeof path, "/v1/%s/%s", folder, escaped) == -1)
        return err_set(err, ERR_INVALID, "stripe_id", "not an id of Stripe's: \"%s\"", id);
    return call(s, "GET", path, NULL, NULL, json, err);
}

/* ---- fetching ---- */

#define GETTER(name_, folder_)                                                                     \
    int stripe_get_##name_(const struct stripe *s, const char *id, struct stripe_##name_ *out,     \
                           struct err *err)                                                        \
    {                                                                                              \
        struct cJSON *json;                                                                        \
        int result = get(s, folder_, id, &json, err);                                              \
                                                                                                   \
        if (result == 0)                                                                           \
            result = stripe_read_##name_(json, out, err);                                          \
        json_free(json);                                                                           \
        return result;                                                                             \
    }

GETTER(subscription, "subscriptions")
GETTER(checkout, "checkout/sessions")
GETTER(invoice, "invoices")
GETTER(charge, "charges")
GETTER(customer, "customers")
GETTER(price, "prices")

int stripe_get_event(const struct stripe *s, const char *id, struct stripe_event *out,
                     struct cJSON **json, struct err *err)
{
    struct cJSON *found;
    int result = get(s, "events", id, &found, err);

    if (result == 0)
        result = stripe_read_event(found, out, err);
    if (json != NULL)
        *json = result == 0 ? found : NULL;
    if (json == NULL || result == -1)
        json_free(found);
    return result;
}

/* One page. ${after} is moved to its last id, or emptied at the end. */
static int events_page(const struct stripe *s, int64_t since_s, char after[STRIPE_ID_SIZE],
                       int (*each)(void *arg, const struct stripe_event *event,
                                   const struct cJSON *json, struct err *err),
                       void *arg, struct err *err)
{
    char path[PATH_SIZE], since[24], escaped[STRIPE_ID_SIZE * 3];
    struct cJSON *json;
    const struct cJSON *all, *item = NULL;
    struct stripe_event event;
    int result = 0;

    if (http_escape(escaped, sizeof escaped, after) == -1 ||
        str_format(since, sizeof since, "%lld", (long long)since_s) == -1 ||
        str_format(path, sizeof path, "/v1/events?limit=100&created%%5Bgte%%5D=%s%s%s", since,
                   after[0] ? "&starting_after=" : "", escaped) == -1)
        return err_set(err, ERR_INVALID, "stripe_request", "the request to Stripe is too long");
    if (call(s, "GET", path, NULL, NULL, &json, err) == -1)
        return -1;
    after[0] = '\0';
    all = json_at(json, "data");
    while (result == 0 && (item = json_next(all, item)) != NULL) {
        if ((result = stripe_read_event(item, &event, err)) == 0)
            result = each(arg, &event, item, err);
        if (json_bool(json, "has_more", false))
            (void)str_copy(after, STRIPE_ID_SIZE, event.id);
    }
    json_free(json);
    return result;
}

int stripe_list_events(const struct stripe *s, int64_t since_s,
                       int (*each)(void *arg, const struct stripe_event *event,
                                   const struct cJSON *json, struct err *err),
                       void *arg, struct err *err)
{
    char after[STRIPE_ID_SIZE] = "";

    for (int page = 0; page < PAGES_MAX; page++) {
        if (events_page(s, since_s, after, each, arg, err) == -1)
            return -1;
        if (after[0] == '\0')
            return 0;
    }
    return err_set(err, ERR_TOO_LARGE, "stripe_events", "more than %d events to read",
                   PAGES_MAX * 100);
}

int stripe_look(const struct stripe *s, const char *path, struct cJSON **json, struct err *err)
{
    return call(s, "GET", path, NULL, NULL, json, err);
}

int stripe_verify(const struct stripe *s, bool *livemode, struct err *err)
{
    struct cJSON *json;
    int result = call(s, "GET", "/v1/account", NULL, NULL, &json, err);

    json_free(json);
    if (result == -1 && err != NULL && err->kind == ERR_FORBIDDEN) { /* a restricted key */
        result = call(s, "GET", "/v1/subscriptions?limit=1", NULL, NULL, &json, err);
        json_free(json);
    }
    *livemode = strstr(s->key, "_live_") != NULL;
    return result;
}

/* ---- changing ---- */

static void form_optional(struct buf *form, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0')
        http_form(form, name, value);
}

static void form_checkout(struct buf *form, const struct stripe_checkout_params *p)
{
    char expires[24];

    http_form(form, "mode", "subscription");
    http_form(form, "line_items[0][price]", p->price);
    http_form(form, "line_items[0][quantity]", "1");
    http_form(form, "client_reference_id", p->order);
    http_form(form, "metadata[sett_order]", p->order);
    http_form(form, "subscription_data[metadata][sett_order]", p->order);
    form_optional(form, "metadata[tenant]", p->subdomain);
    form_optional(form, "subscription_data[metadata][tenant]", p->subdomain);
    form_optional(form, "customer_email", p->email);
    http_form(form, "success_url", p->success_url);
    form_optional(form, "cancel_url", p->cancel_url);
    if (p->expires_at_s > 0) {
        (void)str_format(expires, sizeof expires, "%lld", (long long)p->expires_at_s);
        http_form(form, "expires_at", expires);
    }
}

int stripe_create_checkout(const struct stripe *s, const struct stripe_checkout_params *params,
                           const char *idempotency_key, struct stripe_checkout *out,
                           struct err *err)
{
    struct cJSON *json = NULL;
    struct buf form;
    int result;

    buf_init(&form, FORM_MAX);
    form_checkout(&form, params);
    result = call(s, "POST", "/v1/checkout/sessions", &form, idempotency_key, &json, err);
    buf_free(&form);
    if (result == 0)
        result = stripe_read_checkout(json, out, err);
    json_free(json);
    return result;
}

int stripe_expire_checkout(const struct stripe *s, const char *id, struct err *err)
{
    char path[PATH_SIZE], escaped[STRIPE_ID_SIZE * 3];
    struct stripe_checkout now;
    struct cJSON *json = NULL;
    struct buf form;
    int result;

    if (id[0] == '\0' || http_escape(escaped, sizeof escaped, id) == -1 ||
        str_format(path, sizeof path, "/v1/checkout/sessions/%s/expire", escaped) == -1)
        return err_set(err, ERR_INVALID, "stripe_id", "not an id of Stripe's: \"%s\"", id);
    buf_init(&form, FORM_MAX);
    result = call(s, "POST", path, &form, NULL, &json, err);
    buf_free(&form);
    json_free(json);
    if (result == -1 && err != NULL && err->kind == ERR_INVALID) {
        struct err why = *err;
        if (stripe_get_checkout(s, id, &now, err) == 0 && str_equal(now.status, "expired"))
            return 0;
        *err = why;
    }
    return result;
}

int stripe_create_portal(const struct stripe *s, const char *customer, const char *return_url,
                         const char *locale, char url[STRIPE_URL_SIZE], struct err *err)
{
    struct cJSON *json = NULL;
    struct buf form;
    int result;

    buf_init(&form, FORM_MAX);
    http_form(&form, "customer", customer);
    http_form(&form, "return_url", return_url);
    form_optional(&form, "locale", locale);
    result = call(s, "POST", "/v1/billing_portal/sessions", &form, NULL, &json, err);
    buf_free(&form);
    if (result == 0 && (str_copy(url, STRIPE_URL_SIZE, json_text(json, "url", "")) == -1 ||
                        !str_starts(url, "https://")))
        result = err_set(err, ERR_MALFORMED, "stripe_answer", "Stripe's portal has no address");
    json_free(json);
    return result;
}

int stripe_cancel_subscription(const struct stripe *s, const char *id, struct err *err)
{
    char path[PATH_SIZE], escaped[STRIPE_ID_SIZE * 3];
    struct stripe_subscription now;
    struct cJSON *json = NULL;
    int result;

    if (id[0] == '\0' || http_escape(escaped, sizeof escaped, id) == -1 ||
        str_format(path, sizeof path, "/v1/subscriptions/%s", escaped) == -1)
        return err_set(err, ERR_INVALID, "stripe_id", "not an id of Stripe's: \"%s\"", id);
    result = call(s, "DELETE", path, NULL, NULL, &json, err);
    json_free(json);
    if (result == 0 || err == NULL || (err->kind != ERR_NOT_FOUND && err->kind != ERR_INVALID))
        return result;
    /* Stripe says 404 of a subscription that is canceled already; one of another mode is 404, too.
     */
    struct err why = *err;
    if (stripe_get_subscription(s, id, &now, err) == 0 && str_equal(now.status, "canceled"))
        return 0;
    if (err->kind == ERR_NOT_FOUND)
        return 0;
    *err = why;
    return -1;
}

/* The invoice that a payment was for, by the new shape's own list. "" if there is none. */
static int invoice_of_payment(const struct stripe *s, const char *payment_intent,
                              char out[STRIPE_ID_SIZE], struct err *err)
{
    char path[PATH_SIZE], escaped[STRIPE_ID_SIZE * 3];
    struct cJSON *json;
    const struct cJSON *invoice;
    const char *id;
    int result = 0;

    out[0] = '\0';
    if (http_escape(escaped, sizeof escaped, payment_intent) == -1 ||
        str_format(path, sizeof path,
                   "/v1/invoice_payments?limit=1&payment%%5Btype%%5D=payment_intent"
                   "&payment%%5Bpayment_intent%%5D=%s",
                   escaped) == -1)
        return err_set(err, ERR_INVALID, "stripe_request", "the request to Stripe is too long");
    if (call(s, "GET", path, NULL, NULL, &json, err) == -1)
        return -1;
    invoice = json_at(json, "data[0].invoice");
    id = json_text(invoice, "", json_text(invoice, "id", ""));
    if (str_copy(out, STRIPE_ID_SIZE, id) == -1)
        result = err_set(err, ERR_MALFORMED, "stripe_id", "an invoice without a usable id");
    json_free(json);
    return result;
}

int stripe_charge_subscription(const struct stripe *s, const struct stripe_charge *charge,
                               char out[STRIPE_ID_SIZE], struct err *err)
{
    struct stripe_invoice invoice;
    char id[STRIPE_ID_SIZE];

    out[0] = '\0';
    if (str_copy(id, sizeof id, charge->invoice) == -1)
        return err_set(err, ERR_INVALID, "stripe_id", "an invoice without a usable id");
    if (id[0] == '\0' && charge->payment_intent[0] != '\0' &&
        invoice_of_payment(s, charge->payment_intent, id, err) == -1)
        return -1;
    if (id[0] == '\0')
        return 0;
    if (stripe_get_invoice(s, id, &invoice, err) == -1)
        return -1;
    return str_copy(out, STRIPE_ID_SIZE, invoice.subscription);
}
