/* The calls to Stripe: what they send, and what each answer becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
                 {429, ERR_RATE, 2},      {500, ERR_NETWORK, 0},         {502, ERR_NETWORK, 0},
                 {503, ERR_NETWORK, 0},   {302, ERR_INVALID, 0}};
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

static void test_price(void **state)
{
    struct stripe_price p;
    struct err err;

    (void)state;
    assert_int_equal(
        canned_routes(
            &server,
            "{'GET /v1/prices/price_1': {'body': {'object': 'price', 'id': 'price_1', 'active': "
            "true, 'currency': 'eur', 'unit_amount': 9900, 'billing_scheme': 'per_unit', "
            "'recurring': {'interval': 'month', 'interval_count': 3}}},"
            " 'GET /v1/prices/price_2': {'body': {'object': 'price', 'id': 'price_2', 'active': "
            "false, 'currency': 'eur', 'unit_amount': null, 'billing_scheme': 'tiered', "
            "'recurring': {'interval': 'year', 'interval_count': 1}}},"
            " 'GET /v1/prices/price_3': {'body': {'object': 'price', 'id': 'price_3', 'active': "
            "true, 'currency': 'jpy', 'unit_amount': 500, 'recurring': null}},"
            " 'POST /v1/billing_portal/sessions': [{'body': {'object': 'billing_portal.session', "
            "'url': 'https://billing.stripe.com/p/1'}}, {'body': {'url': 'javascript:x'}}]}"),
        0);
    assert_int_equal(stripe_get_price(&stripe, "price_1", &p, &err), 0);
    assert_true(p.active && p.fixed && p.amount == 9900 && p.intervals == 3);
    assert_string_equal(p.interval, "month");
    assert_int_equal(stripe_get_price(&stripe, "price_2", &p, &err), 0);
    assert_true(!p.active && !p.fixed && p.amount == 0);
    assert_int_equal(stripe_get_price(&stripe, "price_3", &p, &err), 0);
    assert_true(p.fixed && p.interval[0] == '\0');
    char url[STRIPE_URL_SIZE];
    assert_int_equal(stripe_create_portal(&stripe, "cus_1", "https://x/portal", "de", url, &err),
                     0);
    assert_string_equal(url, "https://billing.stripe.com/p/1");
    assert_int_equal(stripe_create_portal(&stripe, "cus_1", "https://x/portal", "", url, &err), -1);
    assert_int_equal(canned_log(&server, &seen), 0);
    assert_true(log_has("customer=cus_1&return_url=https%3A%2F%2Fx%2Fportal&locale=de"));
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
        cmocka_unit_test(test_get),      cmocka_unit_test(test_errors),
        cmocka_unit_test(test_checkout), cmocka_unit_test(test_ends),
        cmocka_unit_test(test_price),    cmocka_unit_test(test_charge),
        cmocka_unit_test(test_events),   cmocka_unit_test(test_init)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
