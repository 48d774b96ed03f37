/* Stripe: signatures against its own library's vectors, objects in both shapes, and the calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "canned.h"
#include "http.h"
#include "json_in.h"
#include "stripe.h"

static struct canned server;
static struct http_client *client;
static struct stripe stripe;
static struct buf seen;

static int setup(void **state)
{
    (void)state;
    buf_init(&seen, 1u << 20);
    if (http_init(NULL) == -1 || http_client_new(&client, NULL) == -1 ||
        canned_start(&server, "tls") == -1 || http_client_set_ca(client, server.ca) == -1)
        return -1;
    return stripe_init(&stripe, server.url, "sk_test_123", client, NULL);
}

static int teardown(void **state)
{
    (void)state;
    canned_stop(&server);
    http_client_free(client);
    buf_free(&seen);
    return 0;
}

/* ---- signatures ---- */

static struct cJSON *load(const char *path, struct buf *text)
{
    struct err err;
    struct cJSON *json;

    buf_reset(text);
    if (file_read(path, text, &err) == -1)
        fail_msg("%s (run from the top of the tree)", err.text);
    json = json_parse(text->data, text->len, &json_limits_provider, &err);
    if (json == NULL)
        fail_msg("%s: %s", path, err.text);
    return json;
}

static void test_vectors(void **state)
{
    struct buf text;
    struct cJSON *json;
    const struct cJSON *all, *v = NULL;
    int count = 0;

    (void)state;
    buf_init(&text, 1u << 20);
    json = load("tests/contracts/stripe-signature.json", &text);
    all = json_at(json, "vectors");
    while ((v = json_next(all, v)) != NULL) {
        const char *secret = json_text(v, "secret", ""), *payload = json_text(v, "payload", "");
        const char *header = json_text(v, "header", ""), *name = json_text(v, "name", "");
        const char *v1 = json_text(v, "expected_v1_for_this_secret_and_payload", "");
        const char *two[] = {"whsec_other", secret};
        int64_t now = json_i64(v, "now", 0);
        /* The library takes any time in the future; here the tolerance holds both ways. */
        bool take = str_equal(json_text(v, "expected", ""), "accept") &&
                    !str_equal(name, "future-timestamp");
        char made[STRIPE_SIGNATURE_SIZE];
        struct err err;
        if ((stripe_signature_check(header, payload, strlen(payload), two, 2, now,
                                    json_i64(v, "tolerance", 0), &err) == 0) != take)
            fail_msg("%s: wrong verdict (%s)", name, err.text);
        if (!take)
            assert_int_equal(err.kind, ERR_MALFORMED);
        if (v1[0] != '\0') {
            const char *t = strstr(header, "t=");
            stripe_signature_make(made, secret, strtoll(t + 2, NULL, 10), payload, strlen(payload));
            assert_string_equal(strstr(made, "v1=") + 3, v1);
        }
        count++;
    }
    assert_int_equal(count, 11);
    json_free(json);
    buf_free(&text);
}

static void test_times_and_secrets(void **state)
{
    static const char body[] = "{\"id\":\"evt_1\"}", secret[] = "whsec_a";
    const char *const secrets[] = {NULL, "", "whsec_old", secret}, *const empty[] = {NULL, ""};
    char header[STRIPE_SIGNATURE_SIZE], twice[256];
    struct err err;

    (void)state;
    stripe_signature_make(header, secret, 1000000, body, sizeof body - 1);
    for (int64_t now = 1000000 - 310; now <= 1000000 + 310; now += 5)
        assert_int_equal(
            stripe_signature_check(header, body, sizeof body - 1, secrets, 4, now, 300, &err),
            now >= 1000000 - 300 && now <= 1000000 + 300 ? 0 : -1);
    assert_string_equal(err.code, "signature_stale");
    assert_int_equal(
        stripe_signature_check(header, body, sizeof body - 1, secrets, 3, 1000000, 300, &err), -1);
    assert_string_equal(err.code, "signature_wrong");
    assert_int_equal(
        stripe_signature_check(header, body, sizeof body - 1, secrets, 0, 1000000, 300, &err), -1);
    assert_int_equal(
        stripe_signature_check(NULL, body, sizeof body - 1, secrets, 4, 1000000, 300, &err), -1);
    assert_string_equal(err.code, "signature_missing");
    /* An empty secret is nobody's, even for a header made with it. */
    stripe_signature_make(header, "", 1000000, body, sizeof body - 1);
    assert_int_equal(
        stripe_signature_check(header, body, sizeof body - 1, empty, 2, 1000000, 300, &err), -1);
    /* Two times: which one was signed would be the sender's choice. */
    stripe_signature_make(header, secret, 1000000, body, sizeof body - 1);
    (void)str_format(twice, sizeof twice, "t=1000000,%s", header);
    assert_int_equal(
        stripe_signature_check(twice, body, sizeof body - 1, secrets, 4, 1000000, 300, &err), -1);
    assert_string_equal(err.code, "signature_malformed");
}

/* 20,000 changes of header or body; what is the same in meaning is left out by construction. */
static void test_mutations(void **state)
{
    static const char body[] = "{\"id\":\"evt_1\",\"type\":\"invoice.paid\",\"amount\":2000}",
                      secret[] = "whsec_abc";
    const char *const secrets[] = {secret};
    uint32_t seed = 2463534242u;
    unsigned taken = 0, tried = 0;

    (void)state;
    while (tried < 20000) {
        char header[STRIPE_SIGNATURE_SIZE], text[sizeof body];
        size_t len = sizeof body - 1, at;
        stripe_signature_make(header, secret, 1784500600, body, len);
        memcpy(text, body, sizeof body);
        seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
        switch (seed % 5) {
        case 0: /* another byte in the body */
            text[(seed >> 8) % len] ^= (char)(1 + (seed >> 16) % 127);
            break;
        case 1: /* a shorter body */
            len = (seed >> 8) % len;
            break;
        case 2: /* another byte in the header */
            header[(seed >> 8) % strlen(header)] ^= (char)(1 + (seed >> 16) % 127);
            break;
        case 3: /* a shorter header */
            header[(seed >> 8) % strlen(header)] = '\0';
            break;
        default: /* two characters of the header change places */
            at = (seed >> 8) % (strlen(header) - 1);
            if (header[at] == header[at + 1])
                continue;
            char c = header[at];
            header[at] = header[at + 1];
            header[at + 1] = c;
        }
        tried++;
        taken += stripe_signature_check(header, text, len, secrets, 1, 1784500600, 300, NULL) == 0;
    }
    assert_int_equal(taken, 0);
}

/* ---- reading ---- */

/* What every sample of both shapes must say. */
static void check_sample(const char *file, const struct stripe_event *e, const struct cJSON *object)
{
    struct stripe_subscription s;
    struct stripe_checkout c;
    struct stripe_invoice i;
    struct stripe_charge h;
    struct stripe_customer u;
    struct err err;

    if (str_equal(e->object_type, "subscription")) {
        assert_int_equal(stripe_read_subscription(object, &s, &err), 0);
        assert_string_equal(s.id, "sub_1TAlpha0001");
        assert_string_equal(s.customer, "cus_TAlpha0001");
        assert_string_equal(s.price, "price_1TPro0001");
        if (s.period_end_s <= s.created_s)
            fail_msg("%s: period end %lld", file, (long long)s.period_end_s);
        assert_string_equal(kv_get_or(&s.metadata, "tenant", ""), "t-42");
        assert_string_not_equal(s.status, "");
    } else if (str_equal(e->object_type, "checkout.session")) {
        assert_int_equal(stripe_read_checkout(object, &c, &err), 0);
        assert_string_equal(c.client_reference_id, "t-42");
        assert_string_not_equal(c.payment_status, "");
        assert_string_not_equal(c.status, "");
        if (str_equal(c.status, "complete"))
            assert_string_equal(c.customer_email, "alice@example.com");
        assert_string_equal(kv_get_or(&c.metadata, "tenant", ""), "t-42");
    } else if (str_equal(e->object_type, "invoice")) {
        assert_int_equal(stripe_read_invoice(object, &i, &err), 0);
        assert_string_equal(i.subscription, "sub_1TAlpha0001");
        assert_string_equal(i.currency, "usd");
        assert_string_equal(kv_get_or(&i.metadata, "tenant", ""), "t-42");
    } else if (str_equal(e->object_type, "charge")) {
        assert_int_equal(stripe_read_charge(object, &h, &err), 0);
        assert_string_equal(h.customer, "cus_TAlpha0001");
        assert_string_equal(h.currency, "usd");
        assert_string_not_equal(h.payment_intent, "");
        assert_int_equal(h.refunded, str_equal(e->type, "charge.refunded"));
        assert_int_equal(h.amount_refunded, h.refunded ? h.amount : 0);
    } else if (str_equal(e->object_type, "customer")) {
        assert_int_equal(stripe_read_customer(object, &u, &err), 0);
        assert_string_equal(u.id, "cus_TAlpha0001");
        assert_string_equal(u.name, "Alice Example");
        assert_false(u.deleted);
    }
    /* No reader takes another type. */
    assert_int_equal(stripe_read_subscription(object, &s, &err),
                     str_equal(e->object_type, "subscription") ? 0 : -1);
    assert_int_equal(stripe_read_invoice(object, &i, &err),
                     str_equal(e->object_type, "invoice") ? 0 : -1);
}

static unsigned check_folder(const char *folder, const char *version)
{
    struct dirent *entry;
    struct buf text;
    unsigned count = 0;
    char path[400];
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    buf_init(&text, 1u << 20);
    while ((entry = readdir(dir)) != NULL) {
        struct stripe_event e;
        struct cJSON *json;
        struct err err;
        if (!str_ends(entry->d_name, ".json"))
            continue;
        (void)str_format(path, sizeof path, "%s/%s", folder, entry->d_name);
        json = load(path, &text);
        assert_int_equal(json_check(text.data, text.len, &json_limits_webhook, &err), 0);
        assert_int_equal(stripe_read_event(json, &e, &err), 0);
        assert_true(str_starts(entry->d_name, e.type));
        assert_string_equal(e.api_version, version);
        assert_true(e.created_s > 1784000000 && !e.livemode);
        assert_string_not_equal(e.object_id, "");
        check_sample(entry->d_name, &e, stripe_event_object(json));
        json_free(json);
        count++;
    }
    (void)closedir(dir);
    buf_free(&text);
    return count;
}

static void test_samples(void **state)
{
    (void)state;
    assert_int_equal(check_folder("tests/contracts/events/acacia", "2025-02-24.acacia"), 24);
    assert_int_equal(check_folder("tests/contracts/events/dahlia", "2026-07-29.dahlia"), 24);
}

static struct cJSON *parse(const char *text)
{
    struct err err;
    struct cJSON *json = json_parse(text, strlen(text), &json_limits_provider, &err);

    if (json == NULL)
        fail_msg("%s", err.text);
    return json;
}

static void test_shapes(void **state)
{
    struct stripe_subscription s;
    struct stripe_checkout c;
    struct stripe_invoice i;
    struct stripe_customer u;
    struct stripe_event e;
    struct cJSON *json;
    struct err err;

    (void)state;
    json = parse("{\"object\":\"subscription\",\"id\":\"sub_1\",\"customer\":{\"id\":\"cus_1\","
                 "\"object\":\"customer\"},"
                 "\"status\":\"a_word_of_tomorrow\",\"cancel_at\":99,\"items\":{\"data\":[{"
                 "\"current_period_end\":30,\"price\":"
                 "{\"id\":\"price_1\"}},{\"current_period_end\":20},{\"current_period_end\":null}]}"
                 ",\"metadata\":null}");
    assert_int_equal(stripe_read_subscription(json, &s, &err), 0);
    assert_string_equal(s.customer, "cus_1");
    assert_string_equal(s.status, "a_word_of_tomorrow");
    assert_int_equal(s.period_end_s, 20);
    assert_int_equal(s.cancel_at_s, 99);
    assert_int_equal(s.metadata.len, 0);
    json_free(json);
    json =
        parse("{\"object\":\"checkout.session\",\"id\":\"cs_1\",\"customer_email\":\"b@example."
              "com\",\"customer_details\":null,"
              "\"custom_fields\":[{\"key\":\"vat\",\"text\":{\"value\":\"x\"}},{\"key\":"
              "\"subdomain\",\"type\":\"text\","
              "\"text\":{\"value\":\"acme\"}}],\"metadata\":{\"sett_order\":\"ord_1\",\"n\":5}}");
    assert_int_equal(stripe_read_checkout(json, &c, &err), 0);
    assert_string_equal(c.subdomain, "acme");
    assert_string_equal(c.customer_email, "b@example.com");
    assert_string_equal(kv_get_or(&c.metadata, "sett_order", ""), "ord_1");
    assert_null(kv_get(&c.metadata, "n"));
    json_free(json);
    json = parse("{\"object\":\"invoice\",\"id\":\"in_1\",\"parent\":null}");
    assert_int_equal(stripe_read_invoice(json, &i, &err), 0);
    assert_string_equal(i.subscription, "");
    json_free(json);
    json = parse("{\"object\":\"customer\",\"id\":\"cus_1\",\"deleted\":true}");
    assert_int_equal(stripe_read_customer(json, &u, &err), 0);
    assert_true(u.deleted);
    json_free(json);
    json = parse("{\"object\":\"customer\",\"id\":\"cus 1\\n\"}");
    assert_int_equal(stripe_read_customer(json, &u, &err), -1);
    json_free(json);
    json = parse("{\"object\":\"customer\",\"id\":\"cus_1\",\"name\":\"A\\u0007B\\nC\"}");
    assert_int_equal(stripe_read_customer(json, &u, &err), 0);
    assert_string_equal(u.name, "A B C");
    json_free(json);
    json = parse("{\"object\":\"event\",\"id\":\"evt_1\",\"type\":\"x\",\"data\":{}}");
    assert_int_equal(stripe_read_event(json, &e, &err), -1);
    json_free(json);
    assert_int_equal(stripe_read_event(NULL, &e, &err), -1);
}

/* Metadata may be larger than what we keep: ours comes first, a long name is cut between letters.
 */
static void test_large(void **state)
{
    struct stripe_customer u;
    struct cJSON *json;
    struct buf text;
    struct err err;

    (void)state;
    buf_init(&text, 1u << 20);
    (void)buf_text(&text, "{\"object\":\"customer\",\"id\":\"cus_1\",\"name\":\"x");
    for (int i = 0; i < 200; i++)
        (void)buf_text(&text, "\xc3\xa9");
    (void)buf_text(&text, "\",\"metadata\":{");
    for (int i = 0; i < 48; i++)
        (void)buf_format(&text, "\"k%d\":\"%0400d\",", i, i);
    (void)buf_text(&text, "\"tenant\":\"acme\",\"sett_order\":\"ord_1\"}}");
    json = parse(buf_string(&text));
    assert_int_equal(stripe_read_customer(json, &u, &err), 0);
    assert_string_equal(kv_get_or(&u.metadata, "tenant", ""), "acme");
    assert_string_equal(kv_get_or(&u.metadata, "sett_order", ""), "ord_1");
    assert_non_null(kv_get(&u.metadata, "k0"));
    assert_true(str_utf8(u.name, strlen(u.name)));
    assert_int_equal(strlen(u.name), 255);
    json_free(json);
    buf_free(&text);
}

/* ---- calls ---- */

static bool log_has(const char *text)
{
    return strstr(buf_string(&seen), text) != NULL;
}

static void test_get(void **state)
{
    struct stripe_subscription s;
    struct stripe_customer u;
    struct err err;

    (void)state;
    assert_int_equal(
        canned_routes(
            &server,
            "{'GET /v1/subscriptions/sub_1': {'body': {'object': 'subscription', 'id': 'sub_1', "
            "'status': 'active', 'current_period_end': 7}},"
            " 'GET /v1/customers/cus_1': {'body': {'object': 'customer', 'id': 'cus_1', 'deleted': "
            "true}},"
            " 'GET /v1/subscriptions/..%2Fcharges': {'status': 404, 'body': {'error': {'message': "
            "'No such'}}},"
            " 'GET /v1/subscriptions/html': {'body': '<html>'},"
            " 'GET /v1/subscriptions/other': {'body': {'object': 'charge', 'id': 'ch_1'}}}"),
        0);
    assert_int_equal(stripe_get_subscription(&stripe, "sub_1", &s, &err), 0);
    assert_string_equal(s.status, "active");
    assert_int_equal(s.period_end_s, 7);
    assert_int_equal(stripe_get_customer(&stripe, "cus_1", &u, &err), 0);
    assert_true(u.deleted);
    assert_int_equal(canned_log(&server, &seen), 0);
    assert_true(log_has("\"Stripe-Version\": \"2026-07-29.dahlia\""));
    assert_true(log_has("\"Authorization\": \"Bearer sk_test_123\""));
    assert_int_equal(stripe_get_subscription(&stripe, "../charges", &s, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(stripe_get_subscription(&stripe, "html", &s, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_int_equal(stripe_get_subscription(&stripe, "other", &s, &err), -1);
    assert_int_equal(err.kind, ERR_MALFORMED);
    assert_int_equal(stripe_get_subscription(&stripe, "", &s, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void test_errors(void **state)
{
    static const struct {
        int status;
        enum err_kind kind;
        uint32_t retry_s;
    } cases[] = {{400, ERR_INVALID, 0},   {401, ERR_UNAUTHENTICATED, 0}, {402, ERR_INVALID, 0},
                 {403, ERR_FORBIDDEN, 0}, {404, ERR_NOT_FOUND, 0},       {409, ERR_RATE, 2},
                 {429, ERR_RATE, 2},      {500, ERR_NETWORK, 10},        {502, ERR_NETWORK, 10},
                 {503, ERR_NETWORK, 10},  {302, ERR_INVALID, 0}};
    struct stripe_subscription s;
    struct err err;
    char routes[512];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)str_format(routes, sizeof routes,
                         "{'GET /v1/subscriptions/sub_1': {'status': %d, 'headers': {'Request-Id': "
                         "'req_77'}, 'body': {'error': "
                         "{'type': 'invalid_request_error', 'code': 'some_code', 'message': 'A "
                         "reason', 'param': 'price'}}}}",
                         cases[i].status);
        assert_int_equal(canned_routes(&server, routes), 0);
        assert_int_equal(stripe_get_subscription(&stripe, "sub_1", &s, &err), -1);
        if (err.kind != cases[i].kind || err.retry_after_s != cases[i].retry_s ||
            strstr(err.text, "A reason") == NULL || strstr(err.text, "req_77") == NULL ||
            err.hint[0] == '\0' || strstr(err.text, "sk_test") != NULL)
            fail_msg("%d: kind %d, retry %u, %s", cases[i].status, (int)err.kind, err.retry_after_s,
                     err.text);
        if (cases[i].status == 400)
            assert_string_equal(err.field, "price");
    }
    assert_int_equal(
        canned_routes(
            &server,
            "{'GET /v1/subscriptions/sub_1': {'status': 429, 'headers': {'Retry-After': '33'}}}"),
        0);
    assert_int_equal(stripe_get_subscription(&stripe, "sub_1", &s, &err), -1);
    assert_int_equal(err.retry_after_s, 33);
}

static void test_checkout(void **state)
{
    struct stripe_checkout_params params = {.price = "price_1",
                                            .order = "ord_1",
                                            .subdomain = "acme",
                                            .email = "a+b@example.com",
                                            .success_url = "https://x/ok?s={CHECKOUT_SESSION_ID}",
                                            .cancel_url = "https://x/no",
                                            .expires_at_s = 1784503000};
    struct stripe_checkout c;
    struct err err;

    (void)state;
    assert_int_equal(
        canned_routes(
            &server,
            "{'POST /v1/checkout/sessions': {'body': {'object': 'checkout.session', 'id': 'cs_1', "
            "'status': 'open', 'url': 'https://checkout.stripe.com/c/pay/cs_1'}}}"),
        0);
    assert_int_equal(stripe_create_checkout(&stripe, &params, "ord_1|checkout", &c, &err), 0);
    assert_string_equal(c.url, "https://checkout.stripe.com/c/pay/cs_1");
    assert_int_equal(canned_log(&server, &seen), 0);
    assert_true(log_has("\"Idempotency-Key\": \"ord_1|checkout\""));
    assert_true(log_has("\"Content-Type\": \"application/x-www-form-urlencoded\""));
    assert_true(log_has("mode=subscription&line_items%5B0%5D%5Bprice%5D=price_1&line_items%5B0%5D%"
                        "5Bquantity%5D=1"));
    assert_true(log_has("client_reference_id=ord_1&metadata%5Bsett_order%5D=ord_1"));
    assert_true(log_has("subscription_data%5Bmetadata%5D%5Bsett_order%5D=ord_1"));
    assert_true(log_has("success_url=https%3A%2F%2Fx%2Fok%3Fs%3D%7BCHECKOUT_SESSION_ID%7D"));
    assert_true(log_has("customer_email=a%2Bb%40example.com") && log_has("expires_at=1784503000"));
}

static void test_ends(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(
        canned_routes(&server,
                      "{'DELETE /v1/subscriptions/sub_1': [{'body': {'object': 'subscription', "
                      "'id': 'sub_1'}}, "
                      "{'status': 404, 'body': {'error': {'message': 'No such subscription'}}}],"
                      " 'GET /v1/subscriptions/sub_1': {'body': {'object': 'subscription', 'id': "
                      "'sub_1', 'status': 'canceled'}},"
                      " 'POST /v1/checkout/sessions/cs_1/expire': {'status': 400, 'body': "
                      "{'error': {'message': 'not open'}}},"
                      " 'POST /v1/checkout/sessions/cs_2/expire': {'status': 400, 'body': "
                      "{'error': {'message': 'not open'}}},"
                      " 'GET /v1/checkout/sessions/cs_1': {'body': {'object': 'checkout.session', "
                      "'id': 'cs_1', 'status': 'expired'}},"
                      " 'GET /v1/checkout/sessions/cs_2': {'body': {'object': 'checkout.session', "
                      "'id': 'cs_2', 'status': 'complete'}}}"),
        0);
    assert_int_equal(stripe_cancel_subscription(&stripe, "sub_1", &err), 0);
    assert_int_equal(stripe_cancel_subscription(&stripe, "sub_1", &err), 0);
    assert_int_equal(stripe_expire_checkout(&stripe, "cs_1", &err), 0);
    assert_int_equal(stripe_expire_checkout(&stripe, "cs_2", &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "not open"));
}

static void test_charge(void **state)
{
    struct stripe_charge old = {.invoice = "in_1", .payment_intent = "pi_1"},
                         new = {.payment_intent = "pi_1"}, none = {0};
    char subscription[STRIPE_ID_SIZE];
    struct err err;

    (void)state;
    assert_int_equal(
        canned_routes(
            &server,
            "{'GET /v1/invoices/in_1': {'body': {'object': 'invoice', 'id': 'in_1', 'parent': "
            "{'subscription_details': {'subscription': 'sub_1'}}}},"
            " 'GET "
            "/v1/"
            "invoice_payments?limit=1&payment%5Btype%5D=payment_intent&payment%5Bpayment_intent%5D="
            "pi_1': "
            "{'body': {'object': 'list', 'data': [{'object': 'invoice_payment', 'invoice': "
            "'in_1'}]}}}"),
        0);
    assert_int_equal(stripe_charge_subscription(&stripe, &old, subscription, &err), 0);
    assert_string_equal(subscription, "sub_1");
    assert_int_equal(stripe_charge_subscription(&stripe, &new, subscription, &err), 0);
    assert_string_equal(subscription, "sub_1");
    assert_int_equal(stripe_charge_subscription(&stripe, &none, subscription, &err), 0);
    assert_string_equal(subscription, "");
}

static int note_event(void *arg, const struct stripe_event *event, const struct cJSON *json,
                      struct err *err)
{
    (void)json, (void)err;
    return buf_format(arg, "%s ", event->id);
}

static void test_events(void **state)
{
    struct stripe_event e;
    struct cJSON *json;
    struct buf ids;
    struct err err;

    (void)state;
    buf_init(&ids, 4096);
    assert_int_equal(
        canned_routes(
            &server,
            "{'GET /v1/events?limit=100&created%5Bgte%5D=5': {'body': {'object': 'list', "
            "'has_more': true, 'data': ["
            "{'object': 'event', 'id': 'evt_3', 'type': 'a', 'data': {'object': {}}},"
            "{'object': 'event', 'id': 'evt_2', 'type': 'a', 'data': {'object': {}}}]}},"
            " 'GET /v1/events?limit=100&created%5Bgte%5D=5&starting_after=evt_2': {'body': "
            "{'object': 'list', "
            "'has_more': false, 'data': [{'object': 'event', 'id': 'evt_1', 'type': 'a', 'data': "
            "{'object': {}}}]}},"
            " 'GET /v1/events/evt_1': {'body': {'object': 'event', 'id': 'evt_1', 'type': 'a', "
            "'data': {'object': "
            "{'object': 'charge', 'id': 'ch_1'}}}},"
            " 'GET /v1/account': {'status': 403, 'body': {'error': {'message': 'permission'}}},"
            " 'GET /v1/subscriptions?limit=1': {'body': {'object': 'list', 'data': []}}}"),
        0);
    assert_int_equal(stripe_list_events(&stripe, 5, note_event, &ids, &err), 0);
    assert_string_equal(buf_string(&ids), "evt_3 evt_2 evt_1 ");
    assert_int_equal(stripe_get_event(&stripe, "evt_1", &e, &json, &err), 0);
    assert_string_equal(e.object_id, "ch_1");
    assert_string_equal(json_text(json, "data.object.object", ""), "charge");
    json_free(json);
    assert_int_equal(stripe_get_event(&stripe, "evt_1", &e, NULL, &err), 0);
    bool live = true;
    assert_int_equal(stripe_verify(&stripe, &live, &err), 0);
    assert_false(live);
    buf_free(&ids);
}

static void test_init(void **state)
{
    struct stripe s;
    struct err err;

    (void)state;
    assert_int_equal(stripe_init(&s, "http://api.stripe.com", "sk", client, &err), -1);
    assert_int_equal(stripe_init(&s, "https://api.stripe.com/", "", client, &err), -1);
    assert_int_equal(stripe_init(&s, "https://api.stripe.com//", "sk", client, &err), 0);
    assert_string_equal(s.api, "https://api.stripe.com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_times_and_secrets),
        cmocka_unit_test(test_mutations), cmocka_unit_test(test_samples),
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_large),
        cmocka_unit_test(test_get),       cmocka_unit_test(test_errors),
        cmocka_unit_test(test_checkout),  cmocka_unit_test(test_ends),
        cmocka_unit_test(test_charge),    cmocka_unit_test(test_events),
        cmocka_unit_test(test_init)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
