#ifndef SETT_STRIPE_H
#define SETT_STRIPE_H
/*
 * Stripe: its webhook signatures, its objects in both shapes that are about (up to
 * 2025-02-24.acacia, and from 2025-03-31.basil on), and the few calls that sett makes. What is read
 * ends in plain structs that know nothing of shapes. Signatures and reading need no network; the
 * calls (stripe_api.c) do. Source: https://docs.stripe.com/api, https://docs.stripe.com/webhooks.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"
#include "kv.h"

struct cJSON;
struct http_client;

#define STRIPE_VERSION   "2026-07-29.dahlia" /* sent with every request */
#define STRIPE_ID_SIZE   96
#define STRIPE_WORD_SIZE 40

/* ---- signatures ---- */

/** stripe_signature_check(header, body, len, secrets, count, now_s, tolerance_s, err): whether one
 * of the header's v1 values is the HMAC-SHA256 of "t.body" under one of ${secrets} (NULL and ""
 * among them never match) and |now_s - t| <= tolerance_s. Older t and newer t are refused alike.
 * Other schemes (v0) are ignored. ERR_MALFORMED with code signature_missing, signature_malformed,
 * signature_wrong or signature_stale. Return 0 or -1. */
int stripe_signature_check(const char *header, const void *body, size_t len,
                           const char *const *secrets, size_t count, int64_t now_s,
                           int64_t tolerance_s, struct err *err);

#define STRIPE_SIGNATURE_SIZE 128

/** stripe_signature_make(out, secret, at_s, body, len): "t=…,v1=…", as Stripe would send it. */
void stripe_signature_make(char out[STRIPE_SIGNATURE_SIZE], const char *secret, int64_t at_s,
                           const void *body, size_t len);

/* ---- what is read ---- */

struct stripe_event {
    char id[STRIPE_ID_SIZE], type[64], api_version[STRIPE_WORD_SIZE];
    int64_t created_s;
    bool livemode;
    char object_type[STRIPE_WORD_SIZE], object_id[STRIPE_ID_SIZE];
};

struct stripe_subscription {
    char id[STRIPE_ID_SIZE], customer[STRIPE_ID_SIZE];
    char status[STRIPE_WORD_SIZE];   /* Stripe's word: "active"; new words may come */
    char price[STRIPE_ID_SIZE];      /* of the first item */
    int64_t created_s, period_end_s; /* the earliest of all items; 0: unknown */
    int64_t cancel_at_s;             /* 0: none */
    bool cancel_at_period_end;       /* either of these two is a scheduled end */
    struct kv metadata;
};

struct stripe_checkout {
    char id[STRIPE_ID_SIZE], customer[STRIPE_ID_SIZE], subscription[STRIPE_ID_SIZE];
    char client_reference_id[208], mode[STRIPE_WORD_SIZE];
    char status[STRIPE_WORD_SIZE];         /* open, complete, expired */
    char payment_status[STRIPE_WORD_SIZE]; /* paid, unpaid, no_payment_required */
    char customer_name[256], customer_email[320];
    char subdomain[64]; /* of the custom field with the key "subdomain", "" if there is none */
    char url[1024];     /* where to send the customer while it is open */
    int64_t created_s, expires_at_s;
    struct kv metadata;
};

struct stripe_invoice {
    char id[STRIPE_ID_SIZE], customer[STRIPE_ID_SIZE];
    char subscription[STRIPE_ID_SIZE]; /* "" for an invoice of something else */
    char status[STRIPE_WORD_SIZE];     /* draft, open, paid, uncollectible, void */
    char currency[8], billing_reason[STRIPE_WORD_SIZE];
    int64_t amount_due, amount_paid, total; /* in the currency's smallest unit */
    int64_t created_s, next_attempt_s;      /* 0: none */
    struct kv metadata;                     /* of its subscription */
};

struct stripe_charge {
    char id[STRIPE_ID_SIZE], customer[STRIPE_ID_SIZE];
    char invoice[STRIPE_ID_SIZE]; /* old shape only */
    char payment_intent[STRIPE_ID_SIZE];
    char currency[8];
    int64_t amount, amount_refunded, created_s;
    bool refunded; /* wholly */
};

struct stripe_customer {
    char id[STRIPE_ID_SIZE];
    char name[256], email[320]; /* control characters as blanks; a longer name is cut */
    bool deleted;
    struct kv metadata;
};

struct stripe_price {
    char id[STRIPE_ID_SIZE], currency[8];
    bool active;        /* can be used for new purchases */
    bool fixed;         /* amount is the whole of it; else tiered, or chosen by the customer */
    int64_t amount;     /* in the currency's smallest unit */
    char interval[8];   /* "day", "week", "month", "year"; "" for one that is paid once */
    uint32_t intervals; /* so many of them are a period */
};

/* Each: from an object of the API. ERR_MALFORMED when it is not of that type or lacks its id.
 * Members that are missing give "" or 0; metadata that does not fit a kv is left out, the names
 * that sett uses ("sett_…", "tenant", "subdomain", "plan") being taken first. Return 0 or -1. */

/** stripe_read_event(json, out, err): an event, without the object in it. */
int stripe_read_event(const struct cJSON *json, struct stripe_event *out, struct err *err);

/** stripe_read_subscription(json, out, err): a subscription, of either shape. */
int stripe_read_subscription(const struct cJSON *json, struct stripe_subscription *out,
                             struct err *err);

/** stripe_read_checkout(json, out, err): a checkout session. */
int stripe_read_checkout(const struct cJSON *json, struct stripe_checkout *out, struct err *err);

/** stripe_read_invoice(json, out, err): an invoice, of either shape. */
int stripe_read_invoice(const struct cJSON *json, struct stripe_invoice *out, struct err *err);

/** stripe_read_charge(json, out, err): a charge. */
int stripe_read_charge(const struct cJSON *json, struct stripe_charge *out, struct err *err);

/** stripe_read_customer(json, out, err): a customer, also one that is deleted. */
int stripe_read_customer(const struct cJSON *json, struct stripe_customer *out, struct err *err);

/** stripe_read_price(json, out, err): a price. */
int stripe_read_price(const struct cJSON *json, struct stripe_price *out, struct err *err);

/** stripe_event_object(event): the object inside an event, or NULL. Belongs to ${event}. */
const struct cJSON *stripe_event_object(const struct cJSON *event);

/* ---- calls ---- */

struct stripe {
    char api[256]; /* "https://api.stripe.com", no slash at its end */
    char key[256];
    struct http_client *client; /* the caller's */
};

/** stripe_init(s, api, key, client, err): ERR_INVALID for an address or key that cannot be. 0 or
 * -1. */
int stripe_init(struct stripe *s, const char *api, const char *key, struct http_client *client,
                struct err *err);

/* All calls: no retry of their own. ERR_UNAUTHENTICATED (401), ERR_FORBIDDEN (403), ERR_NOT_FOUND
 * (404), ERR_INVALID (400, 402, with err->field from Stripe's param), ERR_RATE (409 and 429, with
 * retry_after_s), ERR_NETWORK (5xx, no connection, an answer that is not Stripe's), ERR_TIMEOUT;
 * the hint says what to do. Return 0 or -1. */

/** stripe_get_subscription(s, id, out, err): GET /v1/subscriptions/ID. */
int stripe_get_subscription(const struct stripe *s, const char *id, struct stripe_subscription *out,
                            struct err *err);

/** stripe_get_checkout(s, id, out, err): GET /v1/checkout/sessions/ID. */
int stripe_get_checkout(const struct stripe *s, const char *id, struct stripe_checkout *out,
                        struct err *err);

/** stripe_get_invoice(s, id, out, err): GET /v1/invoices/ID. */
int stripe_get_invoice(const struct stripe *s, const char *id, struct stripe_invoice *out,
                       struct err *err);

/** stripe_get_charge(s, id, out, err): GET /v1/charges/ID. */
int stripe_get_charge(const struct stripe *s, const char *id, struct stripe_charge *out,
                      struct err *err);

/** stripe_get_customer(s, id, out, err): GET /v1/customers/ID; one deleted at Stripe is success
 * with out->deleted. */
int stripe_get_customer(const struct stripe *s, const char *id, struct stripe_customer *out,
                        struct err *err);

/** stripe_get_price(s, id, out, err): GET /v1/prices/ID. */
int stripe_get_price(const struct stripe *s, const char *id, struct stripe_price *out,
                     struct err *err);

/** stripe_get_event(s, id, out, json, err): with ${json} not NULL the whole event too, to be freed
 * with json_free. */
int stripe_get_event(const struct stripe *s, const char *id, struct stripe_event *out,
                     struct cJSON **json, struct err *err);

/** stripe_list_events(s, since_s, each, arg, err): every event created at ${since_s} or later,
 * newest first, over all pages (Stripe keeps them 30 days). ${json} is the event, valid during the
 * call.
 * ${each} returns 0, or -1 having filled err to stop. */
int stripe_list_events(const struct stripe *s, int64_t since_s,
                       int (*each)(void *arg, const struct stripe_event *event,
                                   const struct cJSON *json, struct err *err),
                       void *arg, struct err *err);

/** stripe_verify(s, livemode, err): that the key is good: GET /v1/account, else a list that a
 * restricted key may read. ${livemode} from the key's own form. */
int stripe_verify(const struct stripe *s, bool *livemode, struct err *err);

/** stripe_look(s, path, json, err): GET of a path that begins with "/v1/"; the answer is the
 * caller's, to be freed with json_free. */
int stripe_look(const struct stripe *s, const char *path, struct cJSON **json, struct err *err);

struct trial;

/** stripe_trial(s, webhook_url, t): whose account, which mode, what may be read, whether events are
 * sent to ${webhook_url}. In stripe_trial.c. */
void stripe_trial(const struct stripe *s, const char *webhook_url, const struct trial *t);

struct stripe_checkout_params {
    const char *price;       /* "price_…" */
    const char *order;       /* client_reference_id and metadata sett_order */
    const char *subdomain;   /* metadata tenant; NULL: none */
    const char *email;       /* prefilled; NULL: none */
    const char *success_url; /* may hold {CHECKOUT_SESSION_ID} */
    const char *cancel_url;  /* NULL: none */
    int64_t expires_at_s;    /* 30 minutes to 24 hours from now; 0: Stripe's 24 hours */
};

/** stripe_create_checkout(s, params, idempotency_key, out, err): a session in mode subscription;
 * its page is out->url. The same key gives the same session again. */
int stripe_create_checkout(const struct stripe *s, const struct stripe_checkout_params *params,
                           const char *idempotency_key, struct stripe_checkout *out,
                           struct err *err);

/** stripe_expire_checkout(s, id, err): close an open session. Fine if it is expired already;
 * ERR_INVALID when it was completed. */
int stripe_expire_checkout(const struct stripe *s, const char *id, struct err *err);

#define STRIPE_URL_SIZE 1024

/** stripe_create_portal(s, customer, return_url, locale, url, err): a session of Stripe's customer
 * portal, where a customer sees invoices and changes means of payment: POST
 * /v1/billing_portal/sessions. ${locale} "": the browser's. ERR_INVALID while no portal is
 * configured in the dashboard, or for a customer that is gone. Return 0 or -1. */
int stripe_create_portal(const struct stripe *s, const char *customer, const char *return_url,
                         const char *locale, char url[STRIPE_URL_SIZE], struct err *err);

/** stripe_cancel_subscription(s, id, err): at once. Fine if it is canceled or gone already. */
int stripe_cancel_subscription(const struct stripe *s, const char *id, struct err *err);

/** stripe_charge_subscription(s, charge, out, err): the subscription that ${charge} was paid for,
 * through its invoice; the new shape needs GET /v1/invoice_payments for it. "" if it was for
 * something else. */
int stripe_charge_subscription(const struct stripe *s, const struct stripe_charge *charge,
                               char out[STRIPE_ID_SIZE], struct err *err);

#endif
