/*
 * Whether a key of Stripe's leads anywhere: whose account, which mode, what of it may be read, and
 * whether its webhooks come here. Apart from the calls because nothing of it is wanted to run.
 */
#include "stripe.h"

#include <string.h>

#include "json_in.h"
#include "str.h"
#include "trial.h"

#define KEY_FIX                                                                                    \
    "Give the restricted key this permission in Stripe's dashboard (Developers, API keys)."

static const struct {
    const char *name, *path, *fine;
    bool needed;
} reads[] = {
    {"customers", "/v1/customers?limit=1", "customers can be read", true},
    {"subscriptions", "/v1/subscriptions?limit=1", "subscriptions can be read", true},
    {"checkout", "/v1/checkout/sessions?limit=1", "checkout sessions can be read", true},
    {"invoices", "/v1/invoices?limit=1", "invoices can be read", true},
    {"charges", "/v1/charges?limit=1", "charges can be read", true},
    {"events", "/v1/events?limit=1", "events can be read", true},
    {"prices", "/v1/prices?limit=1", "prices can be read", false},
};

static const char *const wanted_events[] = {"checkout.session.completed",
                                            "customer.subscription.updated",
                                            "customer.subscription.deleted",
                                            "invoice.paid",
                                            "invoice.payment_failed",
                                            "charge.refunded",
                                            NULL};

/* Whether it makes sense to go on. */
static bool tell_account(const struct stripe *s, const struct trial *t)
{
    struct cJSON *json;
    struct err err;
    char text[400];
    const char *name;

    if (stripe_look(s, "/v1/account", &json, &err) == -1) {
        /* a restricted key need not be allowed this */
        trial_result(t, "account", err.kind != ERR_FORBIDDEN, -1, &err, "");
        return err.kind == ERR_FORBIDDEN;
    }
    name = json_text(json, "settings.dashboard.display_name",
                     json_text(json, "business_profile.name", json_text(json, "email", "")));
    (void)str_format(text, sizeof text, "%.200s%s%.100s%s", name, name[0] == '\0' ? "" : " (",
                     json_text(json, "id", ""), name[0] == '\0' ? "" : ")");
    t->fact(t->arg, "account", text);
    t->check(t->arg, "account", true, true, "the key is good", "");
    t->check(t->arg, "charges_enabled", json_bool(json, "charges_enabled", true), false,
             json_bool(json, "charges_enabled", true) ? "the account can take payments"
                                                      : "the account cannot take payments yet",
             json_bool(json, "charges_enabled", true)
                 ? ""
                 : "Finish the activation of the account in Stripe's dashboard.");
    json_free(json);
    return true;
}

static bool among(const struct cJSON *list, const char *word)
{
    const struct cJSON *at = NULL;

    while ((at = json_next(list, at)) != NULL)
        if (str_equal(json_text(at, "", ""), word) || str_equal(json_text(at, "", ""), "*"))
            return true;
    return false;
}

/* One endpoint whose address is ours: does it get what we live by? */
static void tell_endpoint(const struct trial *t, const struct cJSON *endpoint)
{
    char what[300] = "";

    if (!str_equal(json_text(endpoint, "status", "enabled"), "enabled")) {
        t->check(t->arg, "webhook", false, true, "the webhook endpoint is disabled",
                 "Enable it in Stripe's dashboard (Developers, Webhooks).");
        return;
    }
    for (size_t i = 0; wanted_events[i] != NULL; i++) {
        size_t len = strlen(what);
        if (!among(json_at(endpoint, "enabled_events"), wanted_events[i]))
            (void)str_format(what + len, sizeof what - len, "%s%s", len == 0 ? "" : ", ",
                             wanted_events[i]);
    }
    if (what[0] == '\0') {
        t->check(t->arg, "webhook", true, true, "events are sent to this box", "");
        return;
    }
    t->check(t->arg, "webhook", false, true, what,
             "The webhook endpoint does not send these events: add them in Stripe's dashboard.");
}

static void tell_webhooks(const struct stripe *s, const char *webhook_url, const struct trial *t)
{
    const struct cJSON *at = NULL, *ours = NULL;
    struct cJSON *json;
    struct err err;
    char what[400];

    if (stripe_look(s, "/v1/webhook_endpoints?limit=100", &json, &err) == -1) {
        trial_result(t, "webhook", false, -1, &err, "");
        return;
    }
    while ((at = json_next(json_at(json, "data"), at)) != NULL)
        if (str_equal(json_text(at, "url", ""), webhook_url))
            ours = at;
    if (ours != NULL) {
        tell_endpoint(t, ours);
    } else {
        (void)str_format(what, sizeof what, "none of %d webhook endpoints leads to %.250s",
                         json_size(json, "data"), webhook_url);
        t->check(t->arg, "webhook", false, true, what,
                 "Add an endpoint with this address in Stripe's dashboard, and its signing secret "
                 "as stripe.webhook_secret.");
    }
    json_free(json);
}

void stripe_trial(const struct stripe *s, const char *webhook_url, const struct trial *t)
{
    t->fact(t->arg, "mode", strstr(s->key, "_live_") != NULL ? "live" : "test");
    t->fact(t->arg, "key", str_starts(s->key, "rk_") ? "restricted" : "secret");
    t->fact(t->arg, "api", s->api);
    if (!tell_account(s, t))
        return;
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        struct cJSON *json;
        struct err err;
        int result = stripe_look(s, reads[i].path, &json, &err);

        if (result == 0)
            json_free(json);
        if (result == -1 && err.kind == ERR_FORBIDDEN)
            (void)err_hint(&err, "%s", KEY_FIX);
        trial_result(t, reads[i].name, reads[i].needed, result, &err, reads[i].fine);
        if (result == -1 && err.kind != ERR_FORBIDDEN && err.kind != ERR_NOT_FOUND)
            return; /* the rest would say the same */
    }
    tell_webhooks(s, webhook_url, t);
}
