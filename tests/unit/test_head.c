/* Answers and what guards them: headers, problems, limits of rate, counters, who may connect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "head.h"
#include "front.h"
#include "json_in.h"
#include "limit.h"
#include "problem.h"
#include "routes.h"
#include "str.h"
#include "tally.h"

static void test_head(void **state)
{
    (void)state;
    struct buf out;
    struct head a = {.status = 202,
                     .content_type = "application/json",
                     .request_id = "req_1",
                     .etag = "\"x\"",
                     .content_length = 12,
                     .retry_after_s = 3,
                     .hsts = true};
    buf_init(&out, 8192);
    assert_int_equal(head_write(&out, &a), 0);
    const char *text = buf_string(&out);
    assert_true(str_starts(text, "Status: 202 Accepted\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(text, "\r\nX-Request-Id: req_1\r\n"));
    assert_non_null(strstr(text, "\r\nETag: \"x\"\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Length: 12\r\n"));
    assert_non_null(strstr(text, "\r\nRetry-After: 3\r\n"));
    assert_non_null(strstr(text, "\r\nCache-Control: no-store\r\n"));
    assert_non_null(strstr(text, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_non_null(strstr(text, "\r\nStrict-Transport-Security: "));
    assert_null(strstr(text, "Location"));
    assert_true(str_ends(text, "\r\n\r\n"));
    buf_free(&out);
}

/* A value that could end a header never leaves, whichever header it is. */
static void test_head_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\x01", "a\x7f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct head list[] = {
            {.status = 200, .content_type = bad[i]}, {.status = 200, .request_id = bad[i]},
            {.status = 200, .etag = bad[i]},         {.status = 200, .location = bad[i]},
            {.status = 200, .cookie = bad[i]},       {.status = 200, .allow = bad[i]},
            {.status = 200, .authenticate = bad[i]}, {.status = 200, .disposition = bad[i]},
        };
        for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
            struct buf out;
            buf_init(&out, 8192);
            assert_int_equal(head_write(&out, &list[k]), -1);
            assert_int_equal(out.len, 0);
            buf_free(&out);
        }
    }
}

static void test_problem(void **state)
{
    (void)state;
    struct buf out;
    struct err err;
    buf_init(&out, 8192);
    err_field(&err, "limits.memory_bytes", "too_small", "memory \"x\" is too small");
    err_hint(&err, "give more");
    problem_write(&out, 422, &err, "/api/tenants", "req_1");
    struct cJSON *json = json_parse(out.data, out.len, &json_limits_api, &err);
    assert_non_null(json);
    assert_string_equal(json_text(json, "type", ""), "urn:sett:problem:too_small");
    assert_string_equal(json_text(json, "title", ""), "Unprocessable Content");
    assert_int_equal(json_i64(json, "status", 0), 422);
    assert_string_equal(json_text(json, "detail", ""), "memory \"x\" is too small");
    assert_string_equal(json_text(json, "instance", ""), "/api/tenants");
    assert_string_equal(json_text(json, "code", ""), "too_small");
    assert_string_equal(json_text(json, "request_id", ""), "req_1");
    assert_string_equal(json_text(json, "hint", ""), "give more");
    assert_string_equal(json_text(json, "errors[0].pointer", ""), "/limits/memory_bytes");
    assert_string_equal(json_text(json, "errors[0].code", ""), "too_small");
    json_free(json);
    buf_free(&out);
}

/* Every kind of failure has a phrase of its own status. */
static void test_reasons(void **state)
{
    (void)state;
    for (int kind = ERR_NONE; kind <= ERR_INTERNAL; kind++) {
        assert_string_not_equal(problem_reason((unsigned)err_http_status((enum err_kind)kind)),
                                "Status");
    }
}

static void test_limit(void **state)
{
    (void)state;
    struct limit *limit;
    struct err err;
    uint32_t wait_s = 0;
    assert_int_equal(limit_new(&limit, &err), 0);
    for (int i = 0; i < 5; i++) {
        assert_true(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 1000, &wait_s));
    }
    assert_false(limit_peek(limit, LIMIT_LOGIN, "a", 1, 5, 1000));
    assert_false(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 1000, &wait_s));
    assert_int_equal(wait_s, 12);
    /* Others, and the same peer elsewhere, have buckets of their own. */
    assert_true(limit_take(limit, LIMIT_LOGIN, "b", 1, 5, 1000, &wait_s));
    assert_true(limit_take(limit, LIMIT_ANONYMOUS, "a", 1, 5, 1000, &wait_s));
    /* It fills evenly: one each twelve seconds, never more than five. */
    assert_false(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 12900, &wait_s));
    assert_int_equal(wait_s, 1);
    assert_true(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 13000, &wait_s));
    assert_false(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 13000, &wait_s));
    for (int i = 0; i < 5; i++) {
        assert_true(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 1000000, &wait_s));
    }
    assert_false(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 1000000, &wait_s));
    /* A clock that went back gives nothing away. */
    assert_false(limit_take(limit, LIMIT_LOGIN, "a", 1, 5, 5000, &wait_s));
    /* 0: no limit. A raised setting holds at once. */
    assert_true(limit_take(limit, LIMIT_LOGIN, "a", 1, 0, 1000000, &wait_s));
    assert_false(limit_take(limit, LIMIT_LOGIN, "a", 1, 600, 1000000, &wait_s));
    assert_true(limit_take(limit, LIMIT_LOGIN, "a", 1, 600, 1000100, &wait_s));
    limit_free(limit);
}

/* A flood of strangers does not make room for one who is limited. */
static void test_limit_flood(void **state)
{
    (void)state;
    struct limit *limit;
    struct err err;
    uint32_t wait_s;
    assert_int_equal(limit_new(&limit, &err), 0);
    for (int i = 0; i < 5; i++) {
        assert_true(limit_take(limit, LIMIT_LOGIN, "victim", 6, 5, 1000, &wait_s));
    }
    for (uint32_t i = 0; i < 300000; i++) {
        (void)limit_take(limit, LIMIT_LOGIN, &i, sizeof(i), 5, 1000 + i / 1000, &wait_s);
    }
    assert_false(limit_take(limit, LIMIT_LOGIN, "victim", 6, 5, 1400, &wait_s));
    limit_free(limit);
}

static bool same_peer(const char *a, const char *b)
{
    uint8_t one[LIMIT_ADDRESS_BYTES], two[LIMIT_ADDRESS_BYTES];
    limit_address(one, a);
    limit_address(two, b);
    return memcmp(one, two, sizeof(one)) == 0;
}

static void test_limit_address(void **state)
{
    (void)state;
    assert_false(same_peer("192.0.2.1", "192.0.2.2"));
    assert_true(same_peer("192.0.2.1", "::ffff:192.0.2.1"));
    assert_true(same_peer("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
    assert_false(same_peer("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert_false(same_peer("unix:", "192.0.2.1"));
}

static void test_tally(void **state)
{
    (void)state;
    struct tally *t = tally_new(route_table, route_count);
    struct buf out;
    char line[256];
    buf_init(&out, 65536);
    tally_count(t, 1, 200, 90);
    tally_count(t, 1, 200, 700);
    tally_count(t, TALLY_NO_ROUTE, 404, 20);
    tally_count(t, 0, 299, 20);
    assert_int_equal(tally_streams(t, 1), 1);
    tally_text(t, &out);
    const char *text = buf_string(&out);
    assert_true(str_format(line, sizeof(line),
                           "sett_http_requests_total{method=\"%s\",route=\"%s\",code=\"200\"} 2\n",
                           route_table[1].method, route_table[1].path) != -1);
    assert_non_null(strstr(text, line));
    assert_non_null(
        strstr(text, "sett_http_requests_total{method=\"\",route=\"\",code=\"404\"} 1\n"));
    assert_non_null(strstr(text, "code=\"0\"} 1\n"));
    assert_non_null(strstr(text, "duration_seconds_bucket{le=\"0.0001\"} 3\n"));
    assert_non_null(strstr(text, "duration_seconds_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "duration_seconds_count 4\n"));
    assert_non_null(strstr(text, "sett_http_streams 1\n"));
    buf_free(&out);
    free(t);
}

static void test_peers(void **state)
{
    (void)state;
    struct front_peers p;
    struct err err;
    assert_int_equal(front_peers_set(&p, "daemon, no-such-group-here", &err), 0);
    assert_int_equal(p.gid_count, 1);
    assert_true(front_peers_allow(&p, 0, 0));
    assert_true(front_peers_allow(&p, 54321, p.gids[0]));
    assert_true(front_peers_allow(&p, p.uids[0], 54321));
    assert_false(front_peers_allow(&p, 54321, 54321));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),          cmocka_unit_test(test_head_refuses),
        cmocka_unit_test(test_problem),       cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_limit),         cmocka_unit_test(test_limit_flood),
        cmocka_unit_test(test_limit_address), cmocka_unit_test(test_tally),
        cmocka_unit_test(test_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
