/* Requests out of parameters: what is taken, what is refused, and the routes they find. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "buf.h"
#include "request.h"
#include "routes.h"
#include "str.h"

static struct request request;

static int parse(const char *const *params, struct err *err)
{
    return request_parse(&request, params, err);
}

/* A GET of ${uri} with at most three more parameters. */
static int parse_with(const char *uri, const char *one, const char *two, const char *three,
                      struct err *err)
{
    static char line[8192];
    const char *params[] = {"FCGI_ROLE=RESPONDER",
                            "REQUEST_METHOD=GET",
                            line,
                            "HTTP_HOST=localhost",
                            one,
                            two,
                            three,
                            NULL};
    assert_int_equal(str_format(line, sizeof(line), "REQUEST_URI=%s", uri), 0);
    return parse(params, err);
}

static void refused(const char *uri)
{
    struct err err = {0};
    if (parse_with(uri, NULL, NULL, NULL, &err) == 0) {
        fail_msg("%s was taken as %s", uri, request.path);
    }
    assert_int_equal(err.kind, ERR_MALFORMED);
    assert_true(err.code[0] != '\0');
}

static void accepted(const char *uri, const char *path, const char *query)
{
    struct err err = {0};
    if (parse_with(uri, NULL, NULL, NULL, &err) < 0) {
        fail_msg("%s was refused: %s", uri, err.text);
    }
    assert_string_equal(request.path, path);
    assert_string_equal(request.query, query);
}

static void test_uri_plain(void **state)
{
    (void)state;
    accepted("/", "/", "");
    accepted("/api/tenants", "/api/tenants", "");
    accepted("/api/tenants/", "/api/tenants/", "");
    accepted("/api/tenants?limit=50&x=%2F", "/api/tenants", "limit=50&x=%2F");
    accepted("/api/t%65nants", "/api/tenants", "");
    accepted("/a%20b", "/a b", "");
    accepted("/%C3%BC", "/\xc3\xbc", "");
    accepted("/a?", "/a", "");
    accepted("/a?b?c", "/a", "b?c");
    accepted("/...", "/...", "");
    accepted("/a.b/.c", "/a.b/.c", "");
    accepted("/%2541", "/%41", ""); /* decoded once, not twice */
}

static void test_uri_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "*",         "api",     "http://x/api", "//",      "/a//b",      "/a//",
        "/.",        "/..",       "/./a",    "/a/..",        "/a/../b", "/%2e",       "/%2e%2e/a",
        "/a/%2E%2E", "/.%2e/",    "/%00",    "/a%00b",       "/%2f",    "/a%2Fb",     "/%5c",
        "/a%5Cb",    "/a\\b",     "/%0d%0a", "/%0a",         "/%1f",    "/%7f",       "/a b",
        "/a\tb",     "/a\rb",     "/%",      "/%4",          "/%zz",    "/%g0",       "/%4g",
        "/a#b",      "/\xc3\xbc", "/%ff",    "/%c3",         "/%c0%af", "/%ed%a0%80", "/a?b c",
        "/a?b#c",    "/a?b\\c",   "/a?\x01", "/a?\xff",      "/a?\"",   "/a?<",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        refused(bad[i]);
    }
}

static void test_uri_long(void **state)
{
    (void)state;
    char uri[5000];
    struct err err;
    memset(uri, 'a', sizeof(uri));
    uri[0] = '/';
    uri[1023] = '\0';
    assert_int_equal(parse_with(uri, NULL, NULL, NULL, &err), 0);
    uri[1023] = 'a';
    uri[1024] = '\0';
    assert_int_equal(parse_with(uri, NULL, NULL, NULL, &err), -1);
    uri[1024] = 'a';
    uri[4999] = '\0';
    assert_int_equal(parse_with(uri, NULL, NULL, NULL, &err), -1);
    assert_string_equal(err.code, "header_long");
    uri[2] = '?';
    uri[2 + 2048] = '\0';
    assert_int_equal(parse_with(uri, NULL, NULL, NULL, &err), 0);
    uri[2 + 2048] = 'a';
    uri[2 + 2049] = '\0';
    assert_int_equal(parse_with(uri, NULL, NULL, NULL, &err), -1);
}

static void test_headers(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(parse_with("/a", "HTTP_PROXY=http://evil", "HTTP_X_FORWARDED_FOR=1.2.3.4",
                                "REMOTE_ADDR=192.0.2.7", &err),
                     0);
    assert_string_equal(request.address, "192.0.2.7");
    assert_int_equal(
        parse_with("/a", "HTTP_AUTHORIZATION=Bearer a", "HTTP_AUTHORIZATION=Bearer b", NULL, &err),
        -1);
    assert_string_equal(err.code, "header_twice");
    assert_int_equal(parse_with("/a", "HTTP_HOST=b", NULL, NULL, &err), -1);
    assert_int_equal(parse_with("/a", "CONTENT_LENGTH=1", "CONTENT_LENGTH=1", NULL, &err), -1);
    assert_int_equal(parse_with("/a", "HTTP_X_CSRF=a", "HTTP_X_CSRF=", NULL, &err), -1);
    assert_int_equal(parse_with("/a", "HTTP_X_CSRF=a, a", NULL, NULL, &err),
                     -1); /* joined by nginx */
    assert_string_equal(err.code, "header_twice");
    assert_int_equal(parse_with("/a", "HTTP_STRIPE_SIGNATURE=t=1,v1=a, t=1,v1=a", NULL, NULL, &err),
                     -1);
    assert_int_equal(parse_with("/a", "HTTP_STRIPE_SIGNATURE=t=1,v1=a", NULL, NULL, &err), 0);
    assert_int_equal(parse_with("/a", "HTTP_IF_MATCH=a\x7f", NULL, NULL, &err), -1);
    assert_string_equal(err.code, "header_bytes");
    assert_int_equal(parse_with("/a", "HTTP_ORIGIN=\r\n", NULL, NULL, &err), -1);
    assert_int_equal(parse_with("/a", "HTTP_USER_AGENT=M\xc3\xbcller\x01", NULL, NULL, &err), 0);
    assert_string_equal(request.user_agent, "M??ller?");
    assert_int_equal(parse_with("/a", "HTTP_ACCEPT=a", "HTTP_ACCEPT=b", NULL, &err), 0);
    assert_string_equal(request.accept, "a");
    /* Nothing of a former request stays. */
    assert_int_equal(parse_with("/a", NULL, NULL, NULL, &err), 0);
    assert_string_equal(request.accept, "");
    assert_string_equal(request.address, "");
}

static void test_too_many(void **state)
{
    (void)state;
    static char lines[REQUEST_PARAMS_MAX + 1][16];
    static char big[REQUEST_BYTES_MAX + 1];
    const char *params[REQUEST_PARAMS_MAX + 2] = {"REQUEST_METHOD=GET", "REQUEST_URI=/",
                                                  "HTTP_HOST=localhost"};
    struct err err;
    for (size_t i = 3; i < REQUEST_PARAMS_MAX; i++) {
        (void)str_format(lines[i], sizeof(lines[i]), "HTTP_X%zu=1", i);
        params[i] = lines[i];
    }
    assert_int_equal(parse(params, &err), 0);
    params[REQUEST_PARAMS_MAX] = "HTTP_MORE=1";
    assert_int_equal(parse(params, &err), -1);
    assert_string_equal(err.code, "headers_many");
    memset(big, 'a', sizeof(big) - 1);
    memcpy(big, "HTTP_BIG=", 9);
    params[3] = big;
    params[4] = NULL;
    assert_int_equal(parse(params, &err), -1);
    assert_string_equal(err.code, "headers_many");
}

static void length_of(const char *param, int rc, uint64_t n)
{
    struct err err;
    assert_int_equal(parse_with("/a", param, NULL, NULL, &err), rc);
    if (rc == 0) {
        assert_int_equal(request.content_length, n);
    } else {
        assert_string_equal(err.code, "length_form");
    }
}

static void test_length(void **state)
{
    (void)state;
    length_of("CONTENT_LENGTH=", 0, REQUEST_LENGTH_OPEN);
    length_of("CONTENT_LENGTH=-1", 0, REQUEST_LENGTH_OPEN);
    length_of("CONTENT_LENGTH=0", 0, 0);
    length_of("CONTENT_LENGTH=65536", 0, 65536);
    length_of("CONTENT_LENGTH=-2", -1, 0);
    length_of("CONTENT_LENGTH=-01", -1, 0);
    length_of("CONTENT_LENGTH=+1", -1, 0);
    length_of("CONTENT_LENGTH= 1", -1, 0);
    length_of("CONTENT_LENGTH=1 ", -1, 0);
    length_of("CONTENT_LENGTH=0x10", -1, 0);
    length_of("CONTENT_LENGTH=01", -1, 0);
    length_of("CONTENT_LENGTH=1,1", -1, 0);
    length_of("CONTENT_LENGTH=99999999999999999999999", -1, 0);
}

static void host_is(const char *param, const char *host)
{
    const char *params[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/", param, NULL};
    struct err err;
    int rc = parse(params, &err);
    if (host == NULL) {
        assert_int_equal(rc, -1);
        return;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(request.host, host);
}

static void test_host(void **state)
{
    (void)state;
    host_is("HTTP_HOST=Box.Example:4443", "box.example");
    host_is("HTTP_HOST=box.example", "box.example");
    host_is("HTTP_HOST=[::1]:4443", "[::1]");
    host_is("HTTP_HOST=[::1]", "[::1]");
    host_is("HTTP_HOST=", NULL);
    host_is("X=", NULL);
    host_is("HTTP_HOST=a:b", NULL);
    host_is("HTTP_HOST=a:", NULL);
    host_is("HTTP_HOST=a:0", NULL);
    host_is("HTTP_HOST=a:70000", NULL);
    host_is("HTTP_HOST=a/b", NULL);
    host_is("HTTP_HOST=a@b", NULL);
    host_is("HTTP_HOST=a b", NULL);
    host_is("HTTP_HOST=[::1", NULL);
    host_is("HTTP_HOST=[::1]x", NULL);
    host_is("HTTP_HOST=:80", NULL);
}

static void test_types(void **state)
{
    (void)state;
    struct err err;
    (void)parse_with("/a", "CONTENT_TYPE=application/json", NULL, NULL, &err);
    assert_int_equal(request.type, REQUEST_TYPE_JSON);
    (void)parse_with("/a", "CONTENT_TYPE=Application/JSON ; charset=utf-8", NULL, NULL, &err);
    assert_int_equal(request.type, REQUEST_TYPE_JSON);
    (void)parse_with("/a", "CONTENT_TYPE=application/x-www-form-urlencoded", NULL, NULL, &err);
    assert_int_equal(request.type, REQUEST_TYPE_FORM);
    (void)parse_with("/a", "CONTENT_TYPE=application/jsonx", NULL, NULL, &err);
    assert_int_equal(request.type, REQUEST_TYPE_OTHER);
    (void)parse_with("/a", "CONTENT_TYPE=text/plain", NULL, NULL, &err);
    assert_int_equal(request.type, REQUEST_TYPE_OTHER);
    (void)parse_with("/a", NULL, NULL, NULL, &err);
    assert_int_equal(request.type, REQUEST_TYPE_NONE);
}

static void test_cookies(void **state)
{
    (void)state;
    struct err err;
    char value[8];
    assert_int_equal(parse_with("/a", "HTTP_COOKIE=a=1; sett=abc; b=2", NULL, NULL, &err), 0);
    assert_int_equal(request_cookie(&request, "sett", value, sizeof(value)), 1);
    assert_string_equal(value, "abc");
    assert_int_equal(request_cookie(&request, "set", value, sizeof(value)), 0);
    assert_int_equal(request_cookie(&request, "ett", value, sizeof(value)), 0);
    assert_int_equal(parse_with("/a", "HTTP_COOKIE=sett=1;sett=2", NULL, NULL, &err), 0);
    assert_int_equal(request_cookie(&request, "sett", value, sizeof(value)), 2);
    assert_int_equal(parse_with("/a", "HTTP_COOKIE=sett=1", "HTTP_COOKIE=sett=2", NULL, &err), 0);
    assert_int_equal(request_cookie(&request, "sett", value, sizeof(value)), 2);
    assert_int_equal(parse_with("/a", "HTTP_COOKIE=sett=0123456789", NULL, NULL, &err), 0);
    assert_int_equal(request_cookie(&request, "sett", value, sizeof(value)), -1);
}

static void taken(const char *query, const char *value, const char *rest)
{
    char text[64], got[8];
    assert_int_equal(str_copy(text, sizeof(text), query), 0);
    assert_int_equal(request_query_take(text, "plan", got, sizeof(got)), value != NULL);
    if (value != NULL) {
        assert_string_equal(got, value);
    }
    assert_string_equal(text, rest);
}

static void test_query_take(void **state)
{
    (void)state;
    taken("plan=1", "1", "");
    taken("a=b&plan=1", "1", "a=b");
    taken("plan=1&a=b", "1", "a=b");
    taken("a=b&plan=1&c=d", "1", "a=b&c=d");
    taken("planx=1&xplan=2", NULL, "planx=1&xplan=2");
    taken("plan", NULL, "plan");
    taken("", NULL, "");
    taken("&&plan=&", "", "&");
}

/* A wire over memory. */
struct tape {
    const char *data;
    size_t len, at, chunk;
};

static int tape_read(void *arg, char *out, size_t max)
{
    struct tape *t = arg;
    size_t n = t->len - t->at;
    n = n > max ? max : n;
    n = n > t->chunk ? t->chunk : n;
    memcpy(out, t->data + t->at, n);
    t->at += n;
    return (int)n;
}

static int body(uint64_t length, const char *data, size_t cap, struct buf *out, struct err *err)
{
    struct tape tape = {data, strlen(data), 0, 3};
    struct wire wire = {.arg = &tape, .read = tape_read, .fd = -1};
    struct request r = {.content_length = length};
    return request_body(&r, &wire, cap, out, err);
}

static void test_body(void **state)
{
    (void)state;
    struct buf out;
    struct err err;
    buf_init(&out, 64);
    assert_int_equal(body(10, "0123456789", 64, &out, &err), 0);
    assert_string_equal(buf_string(&out), "0123456789");
    buf_reset(&out);
    assert_int_equal(body(0, "", 64, &out, &err), 0);
    assert_int_equal(body(11, "0123456789", 64, &out, &err), -1);
    assert_string_equal(err.code, "body_short");
    buf_reset(&out);
    assert_int_equal(body(9, "0123456789", 64, &out, &err), -1);
    assert_string_equal(err.code, "body_long");
    buf_reset(&out);
    assert_int_equal(body(10, "0123456789", 9, &out, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    buf_reset(&out);
    assert_int_equal(body(REQUEST_LENGTH_OPEN, "0123456789", 10, &out, &err), 0);
    assert_string_equal(buf_string(&out), "0123456789");
    buf_reset(&out);
    assert_int_equal(body(REQUEST_LENGTH_OPEN, "", 10, &out, &err), 0);
    assert_int_equal(out.len, 0);
    assert_int_equal(body(REQUEST_LENGTH_OPEN, "0123456789", 9, &out, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    buf_free(&out);
}

static void finds(enum request_method method, const char *path, const char *op, const char *value)
{
    struct route_match match;
    if (route_find(route_table, route_count, method, path, &match) != 1) {
        fail_msg("%s was not found", path);
    }
    assert_string_equal(match.route->op, op);
    if (value != NULL) {
        assert_string_equal(match.values[0].value, value);
    }
}

static void test_routes(void **state)
{
    (void)state;
    struct route_match match;
    finds(REQUEST_GET, "/api/tenants", "tenant.list", NULL);
    finds(REQUEST_HEAD, "/api/tenants/tn_1", "tenant.show", "tn_1");
    finds(REQUEST_DELETE, "/api/tenants/12", "tenant.delete", "12");
    finds(REQUEST_POST, "/api/users/me/password", "user.password", NULL);
    finds(REQUEST_GET, "/api/users/me", "user.show", "me");
    finds(REQUEST_GET, "/api/audit/verify", "audit.verify", NULL);
    finds(REQUEST_PUT, "/api/settings/box.url", "setting.set", "box.url");
    assert_int_equal(route_find(route_table, route_count, REQUEST_PUT, "/api/tenants", &match), 0);
    assert_string_equal(match.allow, "GET, HEAD, POST");
    assert_int_equal(route_find(route_table, route_count, REQUEST_OTHER, "/health", &match), 0);
    assert_string_equal(match.allow, "GET, HEAD");
    assert_int_equal(route_find(route_table, route_count, REQUEST_GET, "/api/tenants/", &match),
                     -1);
    assert_int_equal(route_find(route_table, route_count, REQUEST_GET, "/api", &match), -1);
    assert_int_equal(route_find(route_table, route_count, REQUEST_GET, "/api/tenants/a/b", &match),
                     -1);
    assert_int_equal(route_find(route_table, route_count, REQUEST_GET, "/API/tenants", &match), -1);
}

/* Each route leads to an operation that exists, takes its path's parameters and has a role. */
static void test_routes_have_ops(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count + route_stream_count; i++) {
        const struct op_route *r =
            i < route_count ? &route_table[i] : &route_streams[i - route_count];
        const struct op *op = op_find(r->op);
        if (op == NULL) {
            fail_msg("%s %s: there is no operation %s", r->method, r->path, r->op);
        }
        assert_true(op->role <= ROLE_ADMIN);
        assert_int_equal(op->flags & OP_LOCAL, 0);
        for (const char *at = r->path; (at = strchr(at, '{')) != NULL; at++) {
            char name[32];
            assert_int_equal(str_copy_n(name, sizeof(name), at + 1, strcspn(at + 1, "}")), 0);
            if (op->params == NULL || fields_find(op->params, name) == NULL) {
                fail_msg("%s does not take the %s of %s", r->op, name, r->path);
            }
        }
        /* What changes something is not reached by a method that browsers send unasked; taking a
         * file away writes no more than that it was taken. */
        if ((op->flags & (OP_WRITE | OP_FILE)) == OP_WRITE) {
            assert_string_not_equal(r->method, "GET");
        }
    }
}

/* Each operation that is not the CLI's own has a route. */
static void test_ops_have_routes(void **state)
{
    (void)state;
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op)) {
        bool found = (op->flags & OP_LOCAL) != 0;
        for (size_t i = 0; i < route_count && !found; i++) {
            found = str_equal(route_table[i].op, op->name);
        }
        if (!found) {
            fail_msg("%s has no route and is not marked OP_LOCAL", op->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri_plain),
        cmocka_unit_test(test_uri_refused),
        cmocka_unit_test(test_uri_long),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_host),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_cookies),
        cmocka_unit_test(test_query_take),
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_routes_have_ops),
        cmocka_unit_test(test_ops_have_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
