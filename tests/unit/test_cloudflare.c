/* Cloudflare: the budget, what its error bodies mean, and the calls with what they send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "canned.h"
#include "clock.h"
#include "cloudflare.h"
#include "cloudflare_call.h"
#include "cloudflare_connectors.h"
#include "enc.h"
#include "http.h"
#include "json_in.h"

#define ACCOUNT "699d98642c564d2e855e9661899b7252"
#define TUNNEL  "c1744f8b-faa1-48a4-9e5c-02ac921467fa"

static struct canned server;
static struct http_client *client;
static struct cloudflare cf;
static struct buf seen;

static int setup(void **state)
{
    (void)state;
    buf_init(&seen, 1u << 20);
    if (http_init(NULL) == -1 || http_client_new(&client, NULL) == -1 ||
        canned_start(&server, "tls") == -1 || http_client_set_ca(client, server.ca) == -1)
        return -1;
    return cloudflare_init(&cf, server.url, "cf-token", "acc1", "zone1", client, NULL);
}

static int teardown(void **state)
{
    (void)state;
    cloudflare_free(&cf);
    canned_stop(&server);
    http_client_free(client);
    buf_free(&seen);
    return 0;
}

static bool log_has(const char *text)
{
    return strstr(buf_string(&seen), text) != NULL;
}

static void test_init(void **state)
{
    struct cloudflare c;
    struct err err;

    (void)state;
    assert_int_equal(cloudflare_init(&c, "http://x", "t", "a", "", client, &err), -1);
    assert_string_equal(err.field, "cloudflare.api");
    assert_int_equal(cloudflare_init(&c, "https://x", "", "a", "", client, &err), -1);
    assert_string_equal(err.field, "cloudflare.token");
    assert_int_equal(cloudflare_init(&c, "https://x", "t", "a/../b", "", client, &err), -1);
    assert_string_equal(err.field, "cloudflare.account");
    assert_int_equal(cloudflare_init(&c, "https://x", "t", "a", "z?x", client, &err), -1);
    assert_string_equal(err.field, "cloudflare.zone");
    assert_int_equal(cloudflare_init(&c, "https://x/client/v4/", "t", "a", "", client, &err), 0);
    assert_string_equal(c.api, "https://x/client/v4");
    cloudflare_free(&c);
    assert_string_equal(c.token, "");
}

/* In no window of five minutes are there more than 1,200 calls, whoever asks how often. */
static void test_budget(void **state)
{
    static int64_t sent_at[20000];
    struct cloudflare c;
    struct err err;
    size_t sent = 0;
    int64_t start;

    (void)state;
    assert_int_equal(cloudflare_init(&c, "https://x", "t", "a", "z", client, &err), 0);
    start = c.budget_at_ms;
    for (int64_t now = start; now < start + 3600000; now += 50)
        if (cloudflare_budget(&c, now, &err) == 0)
            sent_at[sent++] = now;
    for (size_t i = 1200; i < sent; i++)
        assert_true(sent_at[i] - sent_at[i - 1200] > 300000);
    assert_true(sent > 10000); /* and it is used: 3 a second */
    for (int i = 0; i < 300 && cloudflare_budget(&c, start + 3600000, &err) == 0; i++)
        ;
    assert_int_equal(cloudflare_budget(&c, start + 3600000, &err), -1);
    assert_int_equal(err.kind, ERR_RATE);
    assert_int_equal(err.retry_after_s, 1);
    assert_int_equal(cloudflare_budget(&c, start + 3601000, &err), 0);
    cloudflare_free(&c);
}

/* ---- errors ---- */

static enum err_kind kind_of(const char *example)
{
    static const struct {
        const char *example;
        enum err_kind kind;
    } kinds[] = {
        {"tunnel_name_taken", ERR_CONFLICT},
        {"tunnel_has_active_connections", ERR_CONFLICT},
        {"tunnel_has_warp_routes", ERR_CONFLICT},
        {"record_conflict", ERR_CONFLICT},
        {"record_conflict_cname", ERR_CONFLICT},
        {"record_exists", ERR_CONFLICT},
        {"identical_record", ERR_CONFLICT},
        {"dns_validation", ERR_INVALID},
        {"record_not_found", ERR_NOT_FOUND},
        {"zone_exists", ERR_CONFLICT},
        {"zone_not_registered", ERR_INVALID},
        {"invalid_access_token", ERR_UNAUTHENTICATED},
        {"unauthorized_to_access", ERR_FORBIDDEN},
        {"authentication_error", ERR_FORBIDDEN},
        {"authentication_error_401", ERR_UNAUTHENTICATED},
        {"invalid_api_token", ERR_UNAUTHENTICATED},
        {"bad_headers", ERR_UNAUTHENTICATED},
        {"no_route", ERR_INVALID},
        {"invalid_zone", ERR_INVALID},
        {"activation_too_soon", ERR_UNAVAILABLE},
        {"rate_limited", ERR_RATE},
        {"internal", ERR_NETWORK},
        {"ch_duplicate", ERR_CONFLICT},
        {"ch_not_found", ERR_NOT_FOUND},
        {"ch_quota", ERR_QUOTA},
        {"ch_no_quota", ERR_QUOTA},
        {"ch_bad_ssl", ERR_INVALID},
        {"ch_bad_json", ERR_INVALID},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_equal(kinds[i].example, example))
            return kinds[i].kind;
    return ERR_NONE;
}

/* The body of an example, written again from the parsed description. */
static void write_body(struct buf *out, int64_t code, const char *message,
                       const struct cJSON *chain)
{
    buf_reset(out);
    (void)buf_format(out, "{\"success\":false,\"errors\":[{\"code\":%lld,\"message\":\"%s\"",
                     (long long)code, message);
    if (chain != NULL)
        (void)buf_format(out, ",\"error_chain\":[{\"code\":%lld,\"message\":\"%s\"}]",
                         (long long)json_i64(chain, "code", 0), json_text(chain, "message", ""));
    (void)buf_text(out, "}],\"messages\":[],\"result\":null}");
}

static void test_error_bodies(void **state)
{
    struct buf text, body;
    struct cJSON *json, *answer;
    const struct cJSON *all, *example = NULL;
    unsigned count = 0;
    struct err err;

    (void)state;
    buf_init(&text, 4u << 20);
    buf_init(&body, 4096);
    if (file_read("tests/contracts/cloudflare.openapi.json", &text, &err) == -1)
        fail_msg("%s (run from the top of the tree)", err.text);
    assert_non_null(json = json_parse(text.data, text.len, &json_limits_provider, &err));
    all = json_at(json, "components.examples");
    while ((example = json_next(all, example)) != NULL) {
        const char *name = json_name(example), *summary = json_text(example, "summary", "");
        const struct cJSON *error = json_at(example, "value.errors[0]");
        struct cloudflare c;
        if (!str_starts(summary, "HTTP ") || kind_of(name) == ERR_NONE)
            continue;
        assert_int_equal(cloudflare_init(&c, "https://x", "t", "a", "z", client, &err), 0);
        write_body(&body, json_i64(error, "code", 0), json_text(error, "message", ""),
                   json_at(error, "error_chain[0]"));
        assert_int_equal(cloudflare_answer(&c, strtol(summary + 5, NULL, 10), 0, body.data,
                                           body.len, CLOUDFLARE_MAY_DNS, &answer, &err),
                         -1);
        assert_null(answer);
        if (err.kind != kind_of(name) || !str_starts(err.code, "cloudflare_"))
            fail_msg("%s: %s %s %s", name, err_kind_name(err.kind), err.code, err.text);
        if (err.kind == ERR_FORBIDDEN)
            assert_non_null(strstr(err.hint, "Zone / DNS / Edit"));
        if (str_equal(name, "tunnel_has_active_connections"))
            assert_int_equal(err.retry_after_s, 10);
        if (str_equal(name, "dns_validation"))
            assert_non_null(strstr(err.text, "Must be a valid IPv4 address (9005)"));
        cloudflare_free(&c);
        count++;
    }
    assert_int_equal(count, 28);
    json_free(json);
    buf_free(&text);
    buf_free(&body);
}

static void test_strange_answers(void **state)
{
    struct cJSON *json;
    struct err err;

    (void)state;
    assert_int_equal(cloudflare_answer(&cf, 502, 0, "<html>Bad gateway", 17, "", &json, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_int_equal(cloudflare_answer(&cf, 200, 0, "<html>hello", 11, "", &json, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_int_equal(
        cloudflare_answer(&cf, 200, 0, "{\"success\":false,\"errors\":[]}", 29, "", &json, &err),
        -1);
    assert_int_equal(cloudflare_answer(&cf, 404, 0, "", 0, "", &json, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(cloudflare_answer(&cf, 400, 0, "{\"success\":true}", 16, "", &json, &err), -1);
    assert_int_equal(cloudflare_answer(&cf, 200, 0, "{\"success\":true}", 16, "", &json, &err), 0);
    json_free(json);
}

/* After a 429 nothing is sent until its time is over. */
static void test_rate(void **state)
{
    struct cloudflare c;
    struct cloudflare_tunnel t;
    struct err err;

    (void)state;
    assert_int_equal(cloudflare_init(&c, server.url, "cf-token", "acc1", "zone1", client, &err), 0);
    assert_int_equal(canned_routes(&server, "{'GET /accounts/acc1/cfd_tunnel/t1': {'status': 429, "
                                            "'headers': {'Retry-After': '40'}, "
                                            "'body': {'success': false, 'errors': [{'code': 10429, "
                                            "'message': 'More than 1200'}]}}}"),
                     0);
    assert_int_equal(cloudflare_tunnel_get(&c, "t1", &t, &err), -1);
    assert_int_equal(err.kind, ERR_RATE);
    assert_int_equal(err.retry_after_s, 40);
    assert_int_equal(canned_log(&server, &seen), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(cloudflare_tunnel_get(&c, "t1", &t, &err), -1);
        assert_int_equal(err.kind, ERR_RATE);
        assert_in_range(err.retry_after_s, 35, 40);
    }
    assert_int_equal(canned_log(&server, &seen), -1); /* no request came */
    assert_int_equal(cloudflare_budget(&c, clock_mono_ms() + 41000, &err), 0);
    cloudflare_free(&c);
}

/* ---- calls ---- */

static void test_token_and_zone(void **state)
{
    struct cloudflare_zone zone;
    struct err err;

    (void)state;
    assert_int_equal(
        canned_routes(&server,
                      "{'GET /user/tokens/verify': [{'body': {'success': true, 'result': "
                      "{'status': 'active'}}},"
                      "{'status': 401, 'body': {'success': false, 'errors': [{'code': 1000, "
                      "'message': 'Invalid API Token'}]}}],"
                      " 'GET /accounts/acc1/tokens/verify': [{'body': {'success': true, 'result': "
                      "{'status': 'active'}}},"
                      "{'body': {'success': true, 'result': {'status': 'disabled'}}}, {'status': "
                      "401, 'body': {'success': false, "
                      "'errors': [{'code': 1000, 'message': 'Invalid API Token'}]}}],"
                      " 'GET /zones?name=apps.example.com&per_page=50': {'body': {'success': true, "
                      "'result': []}},"
                      " 'GET /zones?name=example.com&per_page=50': {'body': {'success': true, "
                      "'result': [{'id': 'z9', "
                      "'name': 'example.com', 'status': 'active', 'account': {'id': 'acc1'}}]}},"
                      " 'GET /zones?name=example.org&per_page=50': {'body': {'success': true, "
                      "'result': []}}}"),
        0);
    assert_int_equal(cloudflare_verify(&cf, &err), 0); /* the user's */
    assert_int_equal(cloudflare_verify(&cf, &err), 0); /* the account's */
    assert_int_equal(cloudflare_verify(&cf, &err), -1);
    assert_string_equal(err.code, "cloudflare_token_inactive");
    assert_int_equal(cloudflare_verify(&cf, &err), -1);
    assert_int_equal(err.kind, ERR_UNAUTHENTICATED);
    assert_int_equal(cloudflare_zone_find(&cf, "apps.example.com", &zone, &err), 1);
    assert_string_equal(zone.id, "z9");
    assert_string_equal(zone.account, "acc1");
    assert_int_equal(cloudflare_zone_find(&cf, "example.org", &zone, &err), 0);
    assert_int_equal(cloudflare_zone_find(&cf, "localhost", &zone, &err), 0);
}

static int note_tunnel(void *arg, const struct cloudflare_tunnel *tunnel, struct err *err)
{
    (void)err;
    return buf_format(arg, "%s ", tunnel->name);
}

static void test_tunnels(void **state)
{
    struct cloudflare_tunnel t;
    struct err err;
    char token[CLOUDFLARE_TOKEN_SIZE];
    struct cloudflare_connector connectors[CLOUDFLARE_CONNECTORS_MAX];
    uint32_t count;

    (void)state;
    assert_int_equal(
        canned_routes(&server,
                      "{'GET /accounts/acc1/cfd_tunnel?name=sett-box-7&is_deleted=false': "
                      "[{'body': {'success': true, 'result': []}},"
                      "{'body': {'success': true, 'result': [{'id': 't0', 'name': 'sett-box-7', "
                      "'deleted_at': '2025-01-01T00:00:00Z'},"
                      "{'id': 't1', 'name': 'sett-box-7', 'deleted_at': null, 'status': 'healthy', "
                      "'config_src': 'cloudflare'}]}}],"
                      " 'POST /accounts/acc1/cfd_tunnel': [{'body': {'success': true, 'result': "
                      "{'id': 't1', 'name': 'sett-box-7', "
                      "'config_src': 'cloudflare', 'status': 'inactive'}}}, {'status': 409, "
                      "'body': {'success': false, 'errors': "
                      "[{'code': 1013, 'message': 'You already have a tunnel with this name.'}]}}],"
                      " 'GET /accounts/acc1/cfd_tunnel/t1/token': {'body': {'success': true, "
                      "'result': 'eyJh'}},"
                      " 'GET /accounts/acc1/cfd_tunnel/t1/connections': [{'body': {'success': "
                      "true, 'result': [{'id': 'c', 'conns': "
                      "[{}, {}, {}, {}]}, {'id': 'd', 'conns': [{}]}]}}, {'body': {'success': "
                      "true, 'result': null}}]}"),
        0);
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-box-7", &t, &err), 0);
    assert_int_equal(cloudflare_tunnel_create(&cf, "sett-box-7", "c2VjcmV0", true, &t, &err), 0);
    assert_string_equal(t.id, "t1");
    assert_true(t.remote && !t.deleted);
    assert_int_equal(canned_log(&server, &seen), 0);
    assert_true(log_has("{\\\"name\\\":\\\"sett-box-7\\\",\\\"config_src\\\":\\\"cloudflare\\\","
                        "\\\"tunnel_secret\\\":\\\"c2VjcmV0\\\"}"));
    assert_true(log_has("\"Authorization\": \"Bearer cf-token\"") &&
                log_has("\"Content-Type\": \"application/json\""));
    assert_int_equal(cloudflare_tunnel_create(&cf, "sett-box-7", "c2VjcmV0", true, &t, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "cloudflare_name_taken");
    assert_int_equal(cloudflare_tunnel_find(&cf, "sett-box-7", &t, &err), 1);
    assert_string_equal(t.id, "t1");
    assert_string_equal(t.status, "healthy");
    assert_int_equal(cloudflare_tunnel_token(&cf, "t1", token, &err), 0);
    assert_string_equal(token, "eyJh");
    assert_int_equal(cloudflare_connectors_list(&cf, "t1", connectors, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_int_equal(connectors[0].connections + connectors[1].connections, 5);
    assert_int_equal(cloudflare_connectors_list(&cf, "t1", connectors, &count, &err), 0);
    assert_int_equal(count, 0);
}

static void test_tunnel_delete(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(canned_routes(&server,
                                   "{'GET /accounts/acc1/cfd_tunnel/t1': {'body': {'success': "
                                   "true, 'result': {'id': 't1', 'deleted_at': null}}},"
                                   " 'DELETE /accounts/acc1/cfd_tunnel/t1/connections': {'body': "
                                   "{'success': true, 'result': {}}},"
                                   " 'DELETE /accounts/acc1/cfd_tunnel/t1': [{'status': 400, "
                                   "'body': {'success': false, 'errors': "
                                   "[{'code': 1022, 'message': 'Cannot delete tunnel because it "
                                   "has active connections'}]}},"
                                   "{'body': {'success': true, 'result': {'id': 't1'}}}],"
                                   " 'GET /accounts/acc1/cfd_tunnel/t2': {'body': {'success': "
                                   "true, 'result': {'id': 't2', 'deleted_at': 'x'}}},"
                                   " 'GET /accounts/acc1/cfd_tunnel/t3': {'status': 404, 'body': "
                                   "{'success': false, 'errors': [{'code': 1003, "
                                   "'message': 'Tunnel not found'}]}}}"),
                     0);
    assert_int_equal(cloudflare_tunnel_delete(&cf, "t1", &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "cloudflare_tunnel_connected");
    assert_int_equal(err.retry_after_s, 10);
    (void)canned_log(&server, &seen);
    assert_int_equal(cloudflare_tunnel_delete(&cf, "t1", &err), 0);
    assert_int_equal(canned_log(&server, &seen), 0);
    const char *first =
        strstr(buf_string(&seen), "DELETE /accounts/acc1/cfd_tunnel/t1/connections");
    assert_non_null(first);
    assert_non_null(strstr(first, "DELETE /accounts/acc1/cfd_tunnel/t1\""));
    assert_int_equal(cloudflare_tunnel_delete(&cf, "t2", &err), 0);
    assert_int_equal(cloudflare_tunnel_delete(&cf, "t3", &err), 0);
}

/* total_pages and even total_count may be missing. */
static void test_pages(void **state)
{
    struct buf routes, names;
    struct err err;

    (void)state;
    buf_init(&routes, 1u << 20);
    buf_init(&names, 1u << 16);
    for (int round = 0; round < 2; round++) {
        buf_reset(&routes);
        buf_reset(&names);
        (void)buf_byte(&routes, '{');
        for (int page = 1; page <= 3; page++) {
            (void)buf_format(
                &routes,
                "%s'GET "
                "/accounts/acc1/"
                "cfd_tunnel?include_prefix=sett-&is_deleted=false&page=%d&per_page=100': "
                "{'body': {'success': true, 'result': [",
                page == 1 ? "" : ",", page);
            for (int i = 0; i < (page < 3 ? 100 : 5); i++)
                (void)buf_format(&routes, "%s{'id': 't', 'name': 'sett-%d-%d'}", i ? "," : "", page,
                                 i);
            (void)buf_format(&routes, "]%s}}", round ? ",'result_info': {'total_count': 205}" : "");
        }
        (void)buf_byte(&routes, '}');
        assert_int_equal(canned_routes(&server, buf_string(&routes)), 0);
        assert_int_equal(cloudflare_tunnel_list(&cf, "sett-", note_tunnel, &names, &err), 0);
        assert_non_null(strstr(buf_string(&names), "sett-1-0 "));
        assert_non_null(strstr(buf_string(&names), "sett-3-4 "));
        unsigned count = 0;
        for (size_t i = 0; i < names.len; i++)
            count += names.data[i] == ' ';
        assert_int_equal(count, 205);
    }
    buf_free(&routes);
    buf_free(&names);
}

static void test_config(void **state)
{
    struct cloudflare_config config;
    struct cloudflared_rule *rule;
    struct err err;

    (void)state;
    assert_int_equal(canned_routes(&server,
                                   "{'PUT /accounts/acc1/cfd_tunnel/t1/configurations': {'body': "
                                   "{'success': true, 'result': {'version': 3}}},"
                                   " 'GET /accounts/acc1/cfd_tunnel/t1/configurations': [{'body': "
                                   "{'success': true, 'result': {'version': 0, "
                                   "'config': null}}}, {'body': {'success': true, 'result': "
                                   "{'version': 3, 'config': {'ingress': [{'hostname': "
                                   "'acme.example.com', 'path': '^/api/', 'service': "
                                   "'https://127.0.0.1:3100', 'originRequest': {'noTLSVerify': "
                                   "true}}, {'service': 'http_status:404'}]}}}}]}"),
                     0);
    assert_int_equal(cloudflare_config_get(&cf, "t1", &config, &err), 0);
    assert_int_equal(config.ingress.count, 0);
    assert_int_equal(config.version, 0);
    rule = cloudflared_add(&config.ingress, 0, &err);
    assert_non_null(rule);
    (void)str_copy(rule->hostname, sizeof rule->hostname, "acme.example.com");
    (void)str_copy(rule->path, sizeof rule->path, "^/api/");
    (void)str_copy(rule->service, sizeof rule->service, "https://127.0.0.1:3100");
    rule->origin.no_tls_verify = true;
    rule = cloudflared_add(&config.ingress, 1, &err);
    assert_non_null(rule);
    (void)str_copy(rule->hostname, sizeof rule->hostname, "b.example.com");
    (void)str_copy(rule->service, sizeof rule->service, "http://127.0.0.1:3101");
    rule = cloudflared_add(&config.ingress, 2, &err);
    assert_non_null(rule);
    (void)str_copy(rule->service, sizeof rule->service, CLOUDFLARED_CATCH_ALL);
    (void)str_copy(config.beside, sizeof config.beside, "\"warp-routing\":{\"enabled\":false}");
    assert_int_equal(cloudflare_config_put(&cf, "t1", &config, &err), 0);
    assert_int_equal(config.version, 3);
    assert_int_equal(canned_log(&server, &seen), 0);
    assert_true(log_has("{\\\"config\\\":{\\\"ingress\\\":[{\\\"hostname\\\":\\\"acme.example."
                        "com\\\",\\\"path\\\":\\\"^/api/\\\","
                        "\\\"service\\\":\\\"https://"
                        "127.0.0.1:3100\\\",\\\"originRequest\\\":{\\\"noTLSVerify\\\":true}},"
                        "{\\\"hostname\\\":\\\"b.example.com\\\",\\\"service\\\":\\\"http://"
                        "127.0.0.1:3101\\\",\\\"originRequest\\\":{}},"
                        "{\\\"service\\\":\\\"http_status:404\\\"}],"
                        "\\\"warp-routing\\\":{\\\"enabled\\\":false}}}"));
    cloudflare_config_free(&config);
    assert_int_equal(cloudflare_config_get(&cf, "t1", &config, &err), 0);
    assert_int_equal(config.ingress.count, 2);
    assert_true(config.ingress.rules[0].origin.no_tls_verify);
    assert_string_equal(config.ingress.rules[0].service, "https://127.0.0.1:3100");
    while (config.ingress.count < CLOUDFLARED_RULES_MAX)
        assert_non_null(cloudflared_add(&config.ingress, 0, &err));
    assert_null(cloudflared_add(&config.ingress, 0, &err));
    assert_int_equal(err.kind, ERR_QUOTA);
    cloudflare_config_free(&config);
}

static int note_record(void *arg, const struct cloudflare_record *record, struct err *err)
{
    (void)err;
    return buf_format(arg, "%s ", record->id);
}

static void test_dns(void **state)
{
    static char long_mark[CLOUDFLARE_MARK_MAX + 2];
    struct cloudflare_record r;
    struct cloudflare bare;
    struct buf ids;
    struct err err;

    (void)state;
    buf_init(&ids, 256);
    assert_int_equal(
        canned_routes(
            &server,
            "{'GET /zones/zone1/dns_records?name.exact=acme.example.com': [{'body': {'success': "
            "true, 'result': []}},"
            "{'body': {'success': true, 'result': [{'id': 'm', 'type': 'MX', 'name': "
            "'acme.example.com'}, {'id': 'r1', "
            "'type': 'A', 'name': 'acme.example.com', 'content': '192.0.2.1', 'comment': null}]}}],"
            " 'GET /zones/zone1/dns_records?name.exact=acme.example.com&type=CNAME': {'body': "
            "{'success': true, 'result': "
            "[{'id': 'r2', 'type': 'CNAME', 'name': 'ACME.example.com', 'content': "
            "'t1.cfargotunnel.com', 'proxied': true, "
            "'comment': 'sett:box:job_1'}]}},"
            " 'POST /zones/zone1/dns_records': [{'body': {'success': true, 'result': {'id': 'r2', "
            "'type': 'CNAME', 'name': "
            "'acme.example.com'}}}, {'status': 400, 'body': {'success': false, 'errors': [{'code': "
            "81053, 'message': 'An A'}]}}],"
            " 'DELETE /zones/zone1/dns_records/r2': [{'body': {'success': true, 'result': {'id': "
            "'r2'}}}, {'status': 404, "
            "'body': {'success': false, 'errors': [{'code': 81044, 'message': 'Record does not "
            "exist.'}]}}],"
            " 'GET /zones/zone1/dns_records?comment.startswith=sett%3Abox%3A&page=1&per_page=100': "
            "{'body': {'success': "
            "true, 'result': [{'id': 'r2', 'comment': 'sett:box:job_1'}, {'id': 'foreign', "
            "'comment': null}, {'id': "
            "'other', 'comment': 'SETT:box:1'}]}}}"),
        0);
    assert_int_equal(cloudflare_dns_find(&cf, "acme.example.com", NULL, &r, &err), 0);
    assert_int_equal(cloudflare_dns_find(&cf, "acme.example.com", NULL, &r, &err), 1);
    assert_string_equal(r.id, "r1");
    assert_string_equal(r.comment, "");
    assert_int_equal(cloudflare_dns_find(&cf, "acme.example.com", "CNAME", &r, &err), 1);
    assert_string_equal(r.comment, "sett:box:job_1");
    assert_true(r.proxied);
    (void)canned_log(&server, &seen);
    assert_int_equal(
        cloudflare_dns_create(&cf, "acme.example.com", "t1", "sett:box:job_1", &r, &err), 0);
    assert_string_equal(r.id, "r2");
    assert_int_equal(canned_log(&server, &seen), 0);
    assert_true(
        log_has("{\\\"type\\\":\\\"CNAME\\\",\\\"name\\\":\\\"acme.example.com\\\",\\\"content\\\":"
                "\\\"t1.cfargotunnel.com\\\","
                "\\\"proxied\\\":true,\\\"ttl\\\":1,\\\"comment\\\":\\\"sett:box:job_1\\\"}"));
    assert_int_equal(
        cloudflare_dns_create(&cf, "acme.example.com", "t1", "sett:box:job_1", &r, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_not_equal(err.hint, "");
    memset(long_mark, 'm', sizeof long_mark - 1);
    assert_int_equal(cloudflare_dns_create(&cf, "a.example.com", "t1", long_mark, &r, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(cloudflare_dns_delete(&cf, "r2", &err), 0);
    assert_int_equal(cloudflare_dns_delete(&cf, "r2", &err), 0); /* gone already */
    assert_int_equal(cloudflare_dns_list_marked(&cf, "sett:box:", note_record, &ids, &err), 0);
    assert_string_equal(buf_string(&ids), "r2 ");
    assert_int_equal(cloudflare_init(&bare, server.url, "t", "acc1", "", client, &err), 0);
    assert_int_equal(cloudflare_dns_find(&bare, "a", NULL, &r, &err), -1);
    assert_string_equal(err.field, "cloudflare.zone");
    cloudflare_free(&bare);
    buf_free(&ids);
}

static void test_connector_token(void **state)
{
    static const char expected[] =
        "eyJhIjoiNjk5ZDk4NjQyYzU2NGQyZTg1NWU5NjYxODk5YjcyNTIiLCJ0IjoiYzE3NDRmOGItZmFhMS00OGE0LTllNW"
        "MtMDJhYzkyMTQ2N2ZhIiwi"
        "cyI6IkFRSURCQVVHQndnSkNnc01EUTRQRUJFU0V4UVZGaGNZR1JvYkhCMGVIeUE9In0=";
    char token[CLOUDFLARE_TOKEN_SIZE], secret[64], *long_secret;
    uint8_t bytes[32];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i + 1);
    assert_true(enc_base64(secret, sizeof secret, bytes, sizeof bytes) > 0);
    assert_int_equal(cloudflare_connector_token(ACCOUNT, TUNNEL, secret, token, &err), 0);
    assert_string_equal(token, expected);
    long_secret = calloc(1, 2000);
    memset(long_secret, 's', 1999);
    assert_int_equal(cloudflare_connector_token(ACCOUNT, TUNNEL, long_secret, token, &err), -1);
    free(long_secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),         cmocka_unit_test(test_budget),
        cmocka_unit_test(test_error_bodies), cmocka_unit_test(test_strange_answers),
        cmocka_unit_test(test_rate),         cmocka_unit_test(test_token_and_zone),
        cmocka_unit_test(test_tunnels),      cmocka_unit_test(test_tunnel_delete),
        cmocka_unit_test(test_pages),        cmocka_unit_test(test_config),
        cmocka_unit_test(test_dns),          cmocka_unit_test(test_connector_token)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
