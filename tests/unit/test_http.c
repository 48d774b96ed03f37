/* What the three profiles let through and what they keep out, against real servers: TLS, plain,
 * UNIX. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "canned.h"
#include "clock.h"
#include "http.h"

static struct canned tls, plain, engine;
static struct http_client *client;
static struct http_answer answer;
static struct buf seen;

static int setup(void **state)
{
    (void)state;
    buf_init(&seen, 1u << 20);
    http_answer_init(&answer, 0);
    /* Whatever the machine's environment says, no proxy is asked. */
    (void)setenv("https_proxy", "http://127.0.0.1:9", 1);
    (void)setenv("http_proxy", "http://127.0.0.1:9", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    if (http_init(NULL) == -1 || http_client_new(&client, NULL) == -1 ||
        canned_start(&tls, "tls") == -1 || canned_start(&plain, "plain") == -1 ||
        canned_start(&engine, "unix") == -1)
        return -1;
    return http_client_set_ca(client, tls.ca);
}

static int teardown(void **state)
{
    (void)state;
    canned_stop(&tls);
    canned_stop(&plain);
    canned_stop(&engine);
    http_client_free(client);
    http_client_free(NULL);
    http_answer_free(&answer);
    buf_free(&seen);
    return 0;
}

static int call(enum http_profile profile, const struct canned *server, const char *path,
                struct err *err)
{
    char url[256];
    struct http_request r = {
        .profile = profile, .method = "GET", .url = url, .unix_path = server->sock};

    (void)str_format(url, sizeof url, "%s%s",
                     profile == HTTP_ENGINE ? "http://engine" : server->url, path);
    return http_call(client, &r, &answer, err);
}

static bool log_has(const char *text)
{
    return strstr(buf_string(&seen), text) != NULL;
}

static void test_provider(void **state)
{
    static const char *const more[] = {"Stripe-Version: 1", "Idempotency-Key: k", NULL};
    struct err err;
    char url[128];
    struct http_request r = {.profile = HTTP_PROVIDER,
                             .method = "POST",
                             .url = url,
                             .bearer = "sk_test_x",
                             .content_type = "application/json",
                             .body = "{\"a\":1}",
                             .body_len = 7,
                             .headers = more};

    (void)state;
    assert_int_equal(
        canned_routes(
            &tls, "{'POST /v1/x': {'status': 429, 'body': {'b': 2}, 'headers': {"
                  "'Retry-After': '17', 'Request-Id': 'req_1', 'Content-Type': "
                  "'application/json', 'Stripe-Should-Retry': 'false', 'Api-Version': '1.41'}}}"),
        0);
    (void)str_format(url, sizeof url, "%s/v1/x", tls.url);
    assert_int_equal(http_call(client, &r, &answer, &err), 0);
    assert_int_equal(answer.status, 429);
    assert_int_equal(answer.retry_after_s, 17);
    assert_string_equal(buf_string(&answer.body), "{\"b\": 2}");
    assert_string_equal(answer.request_id, "req_1");
    assert_string_equal(answer.content_type, "application/json");
    assert_string_equal(answer.should_retry, "false");
    assert_string_equal(answer.api_version, "1.41");
    assert_true(answer.sent);
    assert_int_equal(canned_log(&tls, &seen), 0);
    assert_true(log_has("\"Authorization\": \"Bearer sk_test_x\""));
    assert_true(log_has("\"Stripe-Version\": \"1\"") && log_has("\"Idempotency-Key\": \"k\""));
    assert_true(log_has("\"Content-Type\": \"application/json\"") && log_has("{\\\"a\\\":1}"));
    assert_false(log_has("Accept-Encoding") || log_has("Expect") || log_has("Cookie"));
    /* A GET has no body and no type; the credential is not there unless given. */
    assert_int_equal(call(HTTP_PROVIDER, &tls, "/none", &err), 0);
    assert_int_equal(answer.status, 599);
    assert_string_equal(answer.request_id, "");
    assert_int_equal(canned_log(&tls, &seen), 0);
    assert_false(log_has("Content-Type") || log_has("Authorization") || log_has("Content-Length"));
    r.bearer = "x\r\nEvil: 1";
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_false(answer.sent);
}

/* Only https, only verified: the flag for probes does nothing here, and there is no other switch.
 */
static void test_verification(void **state)
{
    struct err err;
    struct http_client *strict;
    char url[160];
    struct http_request r = {
        .profile = HTTP_PROVIDER, .method = "GET", .url = url, .no_verify = true};

    (void)state;
    assert_int_equal(http_client_new(&strict, &err), 0);
    (void)str_format(url, sizeof url, "%s/x", tls.url);
    assert_int_equal(http_call(strict, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_string_equal(err.code, "certificate");
    assert_false(answer.sent);
    /* The pinned CA, but another name than the certificate's. */
    assert_int_equal(http_client_set_ca(strict, tls.ca), 0);
    assert_int_equal(http_call(strict, &r, &answer, &err), 0);
    (void)str_format(url, sizeof url, "https://tenant.localhost:%s/x", strrchr(tls.url, ':') + 1);
    assert_int_equal(http_call(strict, &r, &answer, &err), -1);
    assert_string_equal(err.code, "certificate");
    /* A pinned file that is not there trusts nobody. */
    assert_int_equal(http_client_set_ca(strict, "/nonexistent/ca.pem"), 0);
    (void)str_format(url, sizeof url, "%s/x", tls.url);
    assert_int_equal(http_call(strict, &r, &answer, &err), -1);
    /* A probe may be told to take any certificate, and verifies when it is not. */
    r.profile = HTTP_PROBE;
    assert_int_equal(http_client_set_ca(strict, NULL), 0);
    assert_int_equal(http_call(strict, &r, &answer, &err), 0);
    r.no_verify = false;
    assert_int_equal(http_call(strict, &r, &answer, &err), -1);
    http_client_free(strict);
}

static void test_doors(void **state)
{
    static const char *const urls[] = {"http://localhost:1/",
                                       "file:///etc/passwd",
                                       "ftp://localhost/",
                                       "gopher://localhost/",
                                       "https://user:pw@localhost/",
                                       "dict://localhost/",
                                       "not a url",
                                       ""};
    struct err err;
    struct http_request r = {.profile = HTTP_PROVIDER, .method = "GET"};

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        r.url = urls[i];
        assert_int_equal(http_call(client, &r, &answer, &err), -1);
        if (err.kind != ERR_INVALID)
            fail_msg("%s: %s %s", urls[i], err.code, err.text);
    }
    r.profile = HTTP_PROBE;
    r.url = "file:///etc/passwd";
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    /* A redirect is an answer, not an order. */
    assert_int_equal(
        canned_routes(&tls,
                      "{'GET /from': {'status': 302, 'headers': {'Location': '/to', 'Set-Cookie': "
                      "'a=b; Path=/'}}, 'GET /to': {'status': 200}}"),
        0);
    assert_int_equal(call(HTTP_PROVIDER, &tls, "/from", &err), 0);
    assert_int_equal(answer.status, 302);
    assert_int_equal(call(HTTP_PROVIDER, &tls, "/to", &err), 0);
    assert_int_equal(canned_log(&tls, &seen), 0);
    assert_false(log_has("Cookie"));
}

static void test_sizes(void **state)
{
    struct err err;
    struct http_answer small;

    (void)state;
    assert_int_equal(canned_routes(&plain,
                                   "{'GET /large': {'body': '0123456789abcdef', 'times': 262145}, "
                                   "'GET /fits': {'body': '0123456789abcdef', 'times': 262144}}"),
                     0);
    assert_int_equal(call(HTTP_PROBE, &plain, "/fits", &err), 0);
    assert_int_equal(answer.body.len, 4u << 20);
    assert_int_equal(call(HTTP_PROBE, &plain, "/large", &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    http_answer_init(&small, 10);
    http_answer_free(&small);
    assert_int_equal(
        canned_routes(&plain,
                      "{'GET /h': {'headers': {'X-Long': 'none', 'Request-Id': "
                      "'123456789012345678901234567890123456789012345678901234567890123456789012"
                      "34567890123456789012345678901234567890'}}}"),
        0);
    assert_int_equal(call(HTTP_PROBE, &plain, "/h", &err), 0);
    assert_string_equal(answer.request_id, ""); /* too long to be one */
}

static void test_breaks(void **state)
{
    struct err err;
    char url[128];
    struct http_request r = {.profile = HTTP_PROBE,
                             .method = "POST",
                             .url = url,
                             .timeout_s = 1,
                             .body = "x",
                             .body_len = 1};
    int64_t began = clock_mono_ms();

    (void)state;
    assert_int_equal(
        canned_routes(&plain,
                      "{'POST /slow': {'delay_s': 20}, 'POST /stall': {'body': 'abc', 'stall': "
                      "true}, 'POST /break': {'break': true}}"),
        0);
    (void)str_format(url, sizeof url, "%s/slow", plain.url);
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_true(answer.sent);
    (void)str_format(url, sizeof url, "%s/stall", plain.url);
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - began < 10000);
    (void)str_format(url, sizeof url, "%s/break", plain.url);
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_true(answer.sent);
    (void)str_format(url, sizeof url, "http://127.0.0.1:1/");
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_false(answer.sent);
}

/* A change is sent once, even on a connection that was used before: what broke off may have had its
 * effect. Reading may be repeated. */
static void test_once(void **state)
{
    struct err err;
    char url[128];
    struct http_request r = {.profile = HTTP_PROVIDER, .url = url, .body = "x", .body_len = 1};
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    unsigned came = 0;

    (void)state;
    assert_int_equal(canned_routes(&tls,
                                   "{'GET /warm': {}, 'POST /lose': {'break': true}, 'PUT /lose': "
                                   "{'break': true}, 'PATCH /lose': {'break': true}, "
                                   "'DELETE /lose': {'break': true}, "
                                   "'GET /lose': [{'break': true}, {'status': 204}]}"),
                     0);
    (void)str_format(url, sizeof url, "%s/lose", tls.url);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        assert_int_equal(call(HTTP_PROVIDER, &tls, "/warm", &err), 0);
        r.method = methods[i];
        assert_int_equal(http_call(client, &r, &answer, &err), -1);
        assert_int_equal(err.kind, ERR_NETWORK);
        assert_true(answer.sent);
    }
    assert_int_equal(canned_log(&tls, &seen), 0);
    for (const char *p = buf_string(&seen); (p = strstr(p, " /lose\"")) != NULL; p++)
        came++;
    assert_int_equal(came, 4);
    assert_int_equal(call(HTTP_PROVIDER, &tls, "/warm", &err), 0);
    assert_int_equal(call(HTTP_PROVIDER, &tls, "/lose", &err), 0);
    assert_int_equal(answer.status, 204);
}

static int collect(void *arg, const char *data, size_t len)
{
    return buf_add(arg, data, len);
}

static int stop_at_once(void *arg, const char *data, size_t len)
{
    (void)arg, (void)data, (void)len;
    return -1;
}

static void test_engine(void **state)
{
    struct err err;
    struct buf got;
    struct http_request r = {.profile = HTTP_ENGINE,
                             .method = "GET",
                             .url = "http://engine/v1.41/logs",
                             .unix_path = engine.sock};

    (void)state;
    buf_init(&got, 1u << 20);
    assert_int_equal(
        canned_routes(
            &engine,
            "{'GET /_ping': {'headers': {'Api-Version': '1.41'}, 'body': 'OK'}, "
            "'GET /v1.41/logs': {'body': 'line', 'times': 20000}, "
            "'GET /v1.41/none': {'status': 404, 'body': {'message': 'No such container'}}}"),
        0);
    assert_int_equal(call(HTTP_ENGINE, &engine, "/_ping", &err), 0);
    assert_string_equal(answer.api_version, "1.41");
    assert_string_equal(buf_string(&answer.body), "OK");
    assert_int_equal(http_stream(client, &r, collect, &got, &answer, &err), 0);
    assert_int_equal(got.len, 80000);
    assert_int_equal(answer.body.len, 0);
    assert_int_equal(http_stream(client, &r, stop_at_once, NULL, &answer, &err), 0);
    assert_int_equal(answer.status, 200);
    buf_reset(&got);
    r.url = "http://engine/v1.41/none";
    assert_int_equal(http_stream(client, &r, collect, &got, &answer, &err), 0);
    assert_int_equal(answer.status, 404);
    assert_int_equal(got.len, 0);
    assert_non_null(strstr(buf_string(&answer.body), "No such container"));
    r.unix_path = "/nonexistent.sock";
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    r.unix_path = NULL;
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    buf_free(&got);
}

static void test_probe(void **state)
{
    struct err err;
    char url[160], pin[160];
    struct http_request r = {.profile = HTTP_PROBE, .method = "GET", .url = url};

    (void)state;
    assert_int_equal(canned_routes(&plain, "{'GET /': {'body': 'hello'}}"), 0);
    (void)str_format(url, sizeof url, "%s/", plain.url);
    assert_int_equal(http_call(client, &r, &answer, &err), 0);
    assert_string_equal(buf_string(&answer.body), "hello");
    /* The same target, if it is a tenant's word. */
    r.public_only = true;
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_false(answer.sent);
    /* A name that leads here, pinned. */
    (void)str_format(url, sizeof url, "http://shop.example.com:%s/", strrchr(plain.url, ':') + 1);
    (void)str_format(pin, sizeof pin, "shop.example.com:%s:127.0.0.1", strrchr(plain.url, ':') + 1);
    r.resolve = pin;
    assert_int_equal(http_call(client, &r, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    r.public_only = false;
    assert_int_equal(http_call(client, &r, &answer, &err), 0);
    assert_string_equal(buf_string(&answer.body), "hello");
    assert_int_equal(canned_log(&plain, &seen), 0);
    assert_true(log_has("\"Host\": \"shop.example.com:"));
}

static void *many(void *arg)
{
    struct http_answer a;
    struct err err;
    char url[128];
    struct http_request r = {.profile = HTTP_PROVIDER, .method = "GET", .url = url};
    uintptr_t bad = 0;

    (void)arg;
    (void)str_format(url, sizeof url, "%s/ok", tls.url);
    http_answer_init(&a, 0);
    for (int i = 0; i < 20; i++)
        bad += http_call(client, &r, &a, &err) == -1 || a.status != 200;
    http_answer_free(&a);
    return (void *)bad;
}

static void test_threads(void **state)
{
    pthread_t threads[6];
    void *bad;
    unsigned connections[64] = {0}, used = 0;

    (void)state;
    assert_int_equal(canned_routes(&tls, "{'GET /ok': {}}"), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, NULL), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(pthread_join(threads[i], &bad), 0);
        assert_null(bad);
    }
    /* Connections are used again: 120 calls, at most one connection a thread (and one old). */
    assert_int_equal(canned_log(&tls, &seen), 0);
    for (const char *p = buf_string(&seen); (p = strstr(p, "\"connection\": ")) != NULL; p++)
        connections[strtoul(p + 14, NULL, 10) % 64]++;
    for (int i = 0; i < 64; i++)
        used += connections[i] > 0;
    assert_in_range(used, 1, 8);
}

static bool public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_public((const struct sockaddr *)(const void *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_public((const struct sockaddr *)(const void *)&v6);
}

static void test_addresses(void **state)
{
    static const char *const no[] = {"0.0.0.0",
                                     "0.1.2.3",
                                     "10.0.0.1",
                                     "10.255.255.255",
                                     "100.64.0.1",
                                     "100.127.255.255",
                                     "127.0.0.1",
                                     "127.255.255.254",
                                     "169.254.169.254",
                                     "172.16.0.1",
                                     "172.31.255.255",
                                     "192.0.0.8",
                                     "192.168.1.1",
                                     "198.18.0.1",
                                     "198.19.255.255",
                                     "224.0.0.1",
                                     "239.255.255.255",
                                     "240.0.0.1",
                                     "255.255.255.255",
                                     "::",
                                     "::1",
                                     "::127.0.0.1",
                                     "::ffff:127.0.0.1",
                                     "::ffff:8.8.8.8",
                                     "64:ff9b::7f00:1",
                                     "64:ff9b:1::1",
                                     "fc00::1",
                                     "fdff::1",
                                     "fe80::1",
                                     "febf::1",
                                     "fec0::1",
                                     "ff02::1",
                                     "2002:7f00:1::",
                                     "2001:0:1::1",
                                     "2001:db8::1"};
    static const char *const yes[] = {"1.1.1.1",        "9.255.255.255",       "11.0.0.1",
                                      "100.63.255.255", "100.128.0.1",         "126.1.1.1",
                                      "128.0.0.1",      "172.15.255.255",      "172.32.0.1",
                                      "192.0.1.1",      "192.167.1.1",         "198.17.255.255",
                                      "198.20.0.1",     "223.255.255.255",     "2606:4700::1111",
                                      "2a00:1450::1",   "2001:4860:4860::8888"};
    struct sockaddr_in loop = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    (void)state;
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (public(no[i]))
            fail_msg("%s counts as public", no[i]);
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!public(yes[i]))
            fail_msg("%s does not count as public", yes[i]);
    assert_true(address_own((const struct sockaddr *)(const void *)&loop));
}

static void test_encoding(void **state)
{
    struct buf form;
    char out[32];

    (void)state;
    assert_int_equal(http_escape(out, sizeof out, "a b/c?&=%\xc3\xa9-._~"), 0);
    assert_string_equal(out, "a%20b%2Fc%3F%26%3D%25%C3%A9-._~");
    assert_int_equal(http_escape(out, sizeof out, "////////////"), -1);
    assert_string_equal(out, "");
    buf_init(&form, 256);
    http_form(&form, "line_items[0][price]", "price_1");
    http_form(&form, "success_url", "https://x/?s={CHECKOUT_SESSION_ID}");
    assert_string_equal(buf_string(&form),
                        "line_items%5B0%5D%5Bprice%5D=price_1&success_url=https%3A%2F%2Fx%2F%3Fs%3D"
                        "%7BCHECKOUT_SESSION_ID%7D");
    buf_free(&form);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_provider), cmocka_unit_test(test_verification),
        cmocka_unit_test(test_doors),    cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_breaks),   cmocka_unit_test(test_once),
        cmocka_unit_test(test_engine),   cmocka_unit_test(test_probe),
        cmocka_unit_test(test_threads),  cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_encoding)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
