/* Cloudflare and Stripe from end to end: our calls against the stateful fakes, which hold every
 * exchange to the providers' own API descriptions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "canned.h"
#include "cloudflare_connectors.h"
#include "http.h"
#include "json_in.h"
#include "stripe.h"

static struct canned world;
static struct http_client *cf_client, *stripe_client, *control;
static struct cloudflare cf;
static struct stripe stripe;
static char domain[64];

/* Ask the fakes themselves. The answer is to be freed. */
static struct cJSON *tell(const char *path, const char *body)
{
    char url[160];
    struct http_request r = {.profile = HTTP_PROVIDER,
                             .method = body == NULL ? "GET" : "POST",
                             .url = url,
                             .content_type = "application/json",
                             .body = body,
                             .body_len = body == NULL ? 0 : strlen(body)};
    struct http_answer a;
    struct cJSON *json = NULL;
    struct err err;

    (void)str_format(url, sizeof url, "%s/_world/%s", world.url, path);
    http_answer_init(&a, 0);
    if (http_call(control, &r, &a, &err) == 0 && a.status == 200)
        json = json_parse(buf_string(&a.body), a.body.len, &json_limits_provider, &err);
    else
        fail_msg("%s: %ld %s", path, a.status, err.text);
    http_answer_free(&a);
    return json;
}

static void plan(const char *faults)
{
    json_free(tell("faults", faults));
}

static int setup(void **state)
{
    char *argv[] = {(char[]){"python3"}, (char[]){"tests/fake/world.py"}, world.folder, NULL};
    char line[1024], api[96];
    struct cJSON *said;
    struct err err;
    int result = -1;

    (void)state;
    if (http_init(&err) == -1 || canned_folder(&world) == -1 ||
        canned_spawn(&world, argv, line, sizeof line) == -1 ||
        http_client_new(&cf_client, &err) == -1 || http_client_new(&stripe_client, &err) == -1 ||
        http_client_new(&control, &err) == -1 ||
        (said = json_parse(line, strlen(line), &json_limits_provider, &err)) == NULL)
        return -1;
    (void)str_format(world.url, sizeof world.url, "https://localhost:%d",
                     (int)json_i64(said, "port", 0));
    (void)str_format(api, sizeof api, "%s/client/v4", world.url);
    (void)str_copy(domain, sizeof domain, json_text(said, "domain", ""));
    if (http_client_set_ca(cf_client, json_text(said, "ca", "")) == 0 &&
        http_client_set_ca(stripe_client, json_text(said, "ca", "")) == 0 &&
        http_client_set_ca(control, json_text(said, "ca", "")) == 0 &&
        cloudflare_init(&cf, api, json_text(said, "cf_token", ""), json_text(said, "account", ""),
                        json_text(said, "zone", ""), cf_client, &err) == 0 &&
        stripe_init(&stripe, world.url, json_text(said, "stripe_key", ""), stripe_client, &err) ==
            0)
        result = 0;
    json_free(said);
    return result;
}

static int teardown(void **state)
{
    (void)state;
    cloudflare_free(&cf);
    http_client_free(cf_client);
    http_client_free(stripe_client);
    http_client_free(control);
    canned_stop(&world);
    return 0;
}

static void test_cloudflare(void **state)
{
    static const char secret[] = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    struct cloudflare_config config;
    struct cloudflared_rule *rule;
    struct cloudflare_zone zone;
    struct cloudflare_tunnel tunnel, found;
    struct cloudflare_record record;
    char host[96], token[CLOUDFLARE_TOKEN_SIZE], made[CLOUDFLARE_TOKEN_SIZE], body[1500];
    struct cloudflare_connector connectors[CLOUDFLARE_CONNECTORS_MAX];
    uint32_t count;
    struct err err;

    (void)state;
    (void)str_format(host, sizeof host, "acme.%s", domain);
    assert_int_equal(cloudflare_verify(&cf, &err), 0);
    assert_int_equal(cloudflare_zone_find(&cf, host, &zone, &err), 1);
    assert_string_equal(zone.id, cf.zone);
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-7", &found, &err), 0);
    assert_int_equal(cloudflare_tunnel_create(&cf, "sett-7", secret, true, &tunnel, &err), 0);
    assert_true(tunnel.remote);
    assert_int_equal(cloudflare_tunnel_create(&cf, "sett-7", secret, true, &found, &err), -1);
    assert_string_equal(err.code, "cloudflare_name_taken");
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-7", &found, &err), 1);
    assert_string_equal(found.id, tunnel.id);
    assert_int_equal(cloudflare_tunnel_token(&cf, tunnel.id, token, &err), 0);
    assert_int_equal(cloudflare_connector_token(cf.account, tunnel.id, secret, made, &err), 0);
    assert_string_equal(token, made);
    assert_int_equal(cloudflare_config_get(&cf, tunnel.id, &config, &err), 0);
    assert_int_equal(config.ingress.count, 0);
    rule = cloudflared_add(&config.ingress, 0, &err);
    assert_non_null(rule);
    (void)str_copy(rule->service, sizeof rule->service, CLOUDFLARED_CATCH_ALL);
    rule = cloudflared_add(&config.ingress, 0, &err);
    assert_non_null(rule);
    (void)str_copy(rule->hostname, sizeof rule->hostname, host);
    (void)str_copy(rule->service, sizeof rule->service, "http://127.0.0.1:3100");
    assert_int_equal(cloudflare_config_put(&cf, tunnel.id, &config, &err), 0);
    cloudflare_config_free(&config);
    assert_int_equal(cloudflare_config_get(&cf, tunnel.id, &config, &err), 0);
    assert_int_equal(config.ingress.count, 2);
    assert_string_equal(config.ingress.rules[0].hostname, host);
    cloudflare_config_free(&config);
    assert_int_equal(cloudflare_dns_find(&cf, host, NULL, &record, &err), 0);
    assert_int_equal(cloudflare_dns_create(&cf, host, tunnel.id, "sett:box:job_1", &record, &err),
                     0);
    assert_int_equal(cloudflare_dns_create(&cf, host, tunnel.id, "sett:box:job_1", &record, &err),
                     -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(cloudflare_dns_find(&cf, host, "CNAME", &record, &err), 1);
    assert_string_equal(record.comment, "sett:box:job_1");
    assert_true(record.proxied);
    /* A connector runs: the tunnel cannot be deleted under it. */
    (void)str_format(body, sizeof body, "{\"token\":\"%s\",\"connector\":\"c1\"}", token);
    json_free(tell("connect", body));
    assert_int_equal(cloudflare_connectors_list(&cf, tunnel.id, connectors, &count, &err), 0);
    assert_int_equal(count, 1);
    assert_int_equal(connectors[0].connections, 1);
    assert_string_equal(connectors[0].colos[0], "FRA01");
    json_free(tell("disconnect", body));
    assert_int_equal(cloudflare_dns_delete(&cf, record.id, &err), 0);
    assert_int_equal(cloudflare_dns_delete(&cf, record.id, &err), 0);
    assert_int_equal(cloudflare_tunnel_delete(&cf, tunnel.id, &err), 0);
    assert_int_equal(cloudflare_tunnel_delete(&cf, tunnel.id, &err), 0);
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-7", &found, &err), 0);
    assert_int_equal(cloudflare_dns_find(&cf, host, NULL, &record, &err), 0);
}

/* What each fault on the way looks like from here. */
static void test_cloudflare_faults(void **state)
{
    static const struct {
        const char *fault;
        enum err_kind kind;
    } faults[] = {{"refuse", ERR_NETWORK},   {"drop", ERR_NETWORK},        {"lose", ERR_NETWORK},
                  {"409", ERR_CONFLICT},     {"500", ERR_NETWORK},         {"garbage", ERR_NETWORK},
                  {"truncate", ERR_NETWORK}, {"auth", ERR_UNAUTHENTICATED}};
    struct cloudflare_tunnel tunnel;
    struct err err;
    char rule[160], name[32];

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        (void)str_format(
            rule, sizeof rule,
            "[{\"match\":\"POST /accounts/*/cfd_tunnel\",\"from\":1,\"times\":1,\"fault\":\"%s\"}]",
            faults[i].fault);
        plan(rule);
        (void)str_format(name, sizeof name, "sett-%s", faults[i].fault);
        assert_int_equal(
            cloudflare_tunnel_create(&cf, name,
                                     "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", true,
                                     &tunnel, &err),
            -1);
        if (err.kind != faults[i].kind)
            fail_msg("%s: %s %s", faults[i].fault, err_kind_name(err.kind), err.text);
        /* Whatever was lost, looking by name says whether it was made. */
        int made = cloudflare_tunnel_find(&cf, name, &tunnel, &err);
        assert_int_equal(made, str_equal(faults[i].fault, "lose") ||
                                   str_equal(faults[i].fault, "garbage") ||
                                   str_equal(faults[i].fault, "truncate"));
        if (made)
            assert_int_equal(cloudflare_tunnel_delete(&cf, tunnel.id, &err), 0);
    }
    plan("[{\"match\":\"GET /accounts/*/cfd_tunnel\",\"from\":1,\"times\":1,\"fault\":\"429\"}]");
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-429", &tunnel, &err), -1);
    assert_int_equal(err.kind, ERR_RATE);
    assert_int_equal(err.retry_after_s, 1);
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-429", &tunnel, &err), -1); /* blocked here */
    assert_int_equal(err.kind, ERR_RATE);
    plan("[]");
}

static int count_event(void *arg, const struct stripe_event *event, const struct cJSON *json,
                       struct err *err)
{
    (void)json, (void)err;
    *(unsigned *)arg += str_starts(event->id, "evt_") ? 1 : 100;
    return 0;
}

static void test_stripe(void **state)
{
    struct stripe_checkout_params params = {.price = "price_1",
                                            .order = "ord_01",
                                            .subdomain = "acme",
                                            .email = "a@example.com",
                                            .success_url = "https://x/?s={CHECKOUT_SESSION_ID}",
                                            .cancel_url = "https://x/no"};
    struct stripe_checkout first, again;
    struct stripe_subscription subscription;
    struct stripe_customer customer;
    struct stripe_event event;
    struct cJSON *json;
    unsigned events = 0;
    struct err err;

    (void)state;
    assert_int_equal(stripe_create_checkout(&stripe, &params, "ord_01|checkout", &first, &err), 0);
    assert_string_equal(first.client_reference_id, "ord_01");
    assert_true(str_starts(first.url, "https://"));
    assert_int_equal(stripe_create_checkout(&stripe, &params, "ord_01|checkout", &again, &err), 0);
    assert_string_equal(again.id, first.id);
    params.subdomain = "other";
    assert_int_equal(stripe_create_checkout(&stripe, &params, "ord_01|checkout", &again, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(stripe_get_checkout(&stripe, first.id, &again, &err), 0);
    assert_string_equal(again.status, "open");
    assert_string_equal(kv_get_or(&again.metadata, "sett_order", ""), "ord_01");
    assert_int_equal(stripe_expire_checkout(&stripe, first.id, &err), 0);
    json_free(
        tell("stripe", "{\"kind\":\"customer\",\"members\":{\"id\":\"cus_1\",\"name\":\"Acme\"}}"));
    json_free(tell("stripe", "{\"kind\":\"subscription\",\"members\":{\"id\":\"sub_1\","
                             "\"customer\":\"cus_1\",\"status\":\"active\"}}"));
    assert_int_equal(stripe_get_customer(&stripe, "cus_1", &customer, &err), 0);
    assert_string_equal(customer.name, "Acme");
    assert_int_equal(stripe_get_subscription(&stripe, "sub_1", &subscription, &err), 0);
    assert_string_equal(subscription.status, "active");
    assert_true(subscription.period_end_s > 0);
    assert_int_equal(stripe_cancel_subscription(&stripe, "sub_1", &err), 0);
    assert_int_equal(stripe_get_subscription(&stripe, "sub_1", &subscription, &err), 0);
    assert_string_equal(subscription.status, "canceled");
    assert_int_equal(stripe_get_subscription(&stripe, "sub_none", &subscription, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    json = tell("event", "{\"type\":\"customer.subscription.deleted\",\"object\":{\"id\":\"sub_1\","
                         "\"object\":\"subscription\"}}");
    assert_int_equal(stripe_get_event(&stripe, json_text(json, "id", ""), &event, NULL, &err), 0);
    assert_string_equal(event.object_id, "sub_1");
    json_free(json);
    assert_int_equal(stripe_list_events(&stripe, 5, count_event, &events, &err), 0);
    assert_int_equal(events, 1);
    struct stripe wrong = stripe;
    (void)str_copy(wrong.key, sizeof wrong.key, "sk_test_wrong");
    assert_int_equal(stripe_get_customer(&wrong, "cus_1", &customer, &err), -1);
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    plan("[{\"match\":\"POST /v1/checkout/sessions\",\"from\":1,\"times\":1,\"fault\":\"lose\"}]");
    params.order = "ord_02";
    assert_int_equal(stripe_create_checkout(&stripe, &params, "ord_02|checkout", &first, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_int_equal(stripe_create_checkout(&stripe, &params, "ord_02|checkout", &first, &err), 0);
    assert_string_equal(first.client_reference_id, "ord_02");
    plan("[]");
}

/* Last: in all of the above nobody broke the providers' descriptions, neither we nor the fakes. */
static void test_breaches(void **state)
{
    struct cJSON *breaches = tell("breaches", NULL);
    const struct cJSON *breach = NULL;
    int count = 0;

    (void)state;
    while ((breach = json_next(breaches, breach)) != NULL) {
        print_error("breach: %s %s\n", json_text(breach, "where", json_text(breach, "", "")),
                    json_text(breach, "what", ""));
        count++;
    }
    assert_int_equal(count, 0);
    json_free(breaches);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cloudflare), cmocka_unit_test(test_stripe),
        cmocka_unit_test(test_cloudflare_faults), cmocka_unit_test(test_breaches)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
