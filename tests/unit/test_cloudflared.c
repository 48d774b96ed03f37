/* The real cloudflared's answers (tests/contracts/cloudflared-vectors.json) are ours, case by case;
 * what we write is what we read; and paths are regular expressions as Go has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cloudflared.h"
#include "file.h"
#include "json_in.h"
#include "re2.h"
#include "str.h"
#include "url.h"

static struct cJSON *vectors;

static int setup(void **state)
{
    struct buf text;
    struct err err;

    (void)state;
    buf_init(&text, 1u << 20);
    if (file_read("tests/contracts/cloudflared-vectors.json", &text, &err) == -1)
        return -1;
    vectors = json_parse(text.data, text.len, &json_limits_provider, &err);
    buf_free(&text);
    return vectors == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    json_free(vectors);
    return 0;
}

static const char *config_text(const char *name)
{
    const struct cJSON *all = json_at(vectors, "configs");

    for (const struct cJSON *c = json_next(all, NULL); c != NULL; c = json_next(all, c))
        if (str_equal(json_name(c), name))
            return json_text(c, "", "");
    fail_msg("no config %s", name);
    return "";
}

/* Of a case's two versions the newer one's answer; a name with dots is no path. */
static const struct cJSON *answer(const struct cJSON *item)
{
    for (const struct cJSON *m = json_next(item, NULL); m != NULL; m = json_next(item, m))
        if (str_equal(json_name(m), "2025.5.0"))
            return m;
    fail_msg("no answer of 2025.5.0");
    return NULL;
}

static void compare(const char *name, const char *text, const struct cJSON *said)
{
    const char *output = json_text(said, "output", ""), *words;
    struct cloudflared_config config = {0};
    struct cloudflared_remarks remarks;
    struct err err = {0};
    int result = cloudflared_validate(text, strlen(text), &config, &remarks, &err);

    if ((result == 0) != (json_i64(said, "exit", -1) == 0))
        fail_msg("%s: %d \"%s\", cloudflared says: %s", name, result, err.text, output);
    if ((words = strstr(output, "Validation failed: ")) != NULL)
        assert_string_equal(err.text, words + strlen("Validation failed: "));
    if ((words = strstr(output, "cannot unmarshal")) != NULL)
        assert_non_null(strstr(err.text, words));
    cloudflared_free(&config);
}

static void test_verdicts(void **state)
{
    const struct cJSON *all = json_at(vectors, "validate");
    int cases = 0;

    (void)state;
    for (const struct cJSON *c = json_next(all, NULL); c != NULL; c = json_next(all, c), cases++)
        compare(json_text(c, "config", ""), config_text(json_text(c, "config", "")), answer(c));
    assert_int_equal(cases, 24);
    all = json_at(vectors, "validate_json");
    for (const struct cJSON *c = json_next(all, NULL); c != NULL; c = json_next(all, c), cases++)
        compare(json_text(c, "json", ""), json_text(c, "json", ""), answer(c));
    assert_int_equal(cases, 29);
}

static void test_look_ups(void **state)
{
    const struct cJSON *all = json_at(vectors, "rule");
    int cases = 0;

    (void)state;
    for (const struct cJSON *c = json_next(all, NULL); c != NULL; c = json_next(all, c), cases++) {
        const char *text = config_text(json_text(c, "config", ""));
        const struct cJSON *said = answer(c);
        const char *number = strstr(json_text(said, "output", ""), "Matched rule #");
        struct cloudflared_config config = {0};
        struct cloudflared_remarks remarks;
        struct err err = {0};
        int met;
        assert_int_equal(cloudflared_validate(text, strlen(text), &config, &remarks, &err), 0);
        met = cloudflared_match(&config, json_text(c, "url", ""), &err);
        if (number == NULL)
            assert_string_equal(err.text, json_text(said, "output", ""));
        assert_int_equal(met, number == NULL ? -1 : strtol(number + 14, NULL, 10));
        cloudflared_free(&config);
    }
    assert_int_equal(cases, 13);
}

/* What is written as YAML or JSON is read as the same. */
static void test_written(void **state)
{
    static const char text[] =
        "{\"ingress\":[{\"hostname\":\"*.example.com\",\"path\":\"\\\\.(jpg|png)$\",\"service\":"
        "\"https://127.0.0.1:8089\",\"originRequest\":{\"connectTimeout\":3,\"tlsTimeout\":4,"
        "\"tcpKeepAlive\":5,\"keepAliveConnections\":6,\"keepAliveTimeout\":7,\"httpHostHeader\":"
        "\"in\\\"ternal\",\"originServerName\":\"pbx.local\",\"noTLSVerify\":true,"
        "\"disableChunkedEncoding\":true,\"http2Origin\":true,\"access\":{\"required\":true,"
        "\"teamName\":\"team\",\"audTag\":[\"a\",\"b\"]},\"caPool\":\"/etc/ca.pem\",\"ipRules\":"
        "[{\"prefix\":\"10.0.0.0/"
        "8\",\"ports\":[80,443],\"allow\":true}],\"noHappyEyeballs\":true}},"
        "{\"hostname\":\"no\",\"service\":\"hello_world\",\"originRequest\":{}},"
        "{\"service\":\"http_status:404\"}]}";
    static const struct cloudflared_file file = {.tunnel = "c1744f8b-faa1-48a4-9e5c-02ac921467fa",
                                                 .credentials_file = "/x/1.json"};
    struct cloudflared_config json = {0}, yaml = {0};
    struct cloudflared_remarks remarks;
    struct buf out;
    struct err err = {0};

    (void)state;
    buf_init(&out, CLOUDFLARED_TEXT_MAX);
    assert_int_equal(cloudflared_validate(text, strlen(text), &json, &remarks, &err), 0);
    assert_int_equal(cloudflared_write_json(&json, &out), 0);
    assert_string_equal(buf_string(&out), text);
    buf_reset(&out);
    assert_int_equal(cloudflared_write_yaml(&json, &file, &out), 0);
    if (cloudflared_validate(out.data, out.len, &yaml, &remarks, &err) == -1)
        fail_msg("%s\n%s", err.text, out.data);
    assert_int_equal(remarks.unused, 0);
    assert_true(cloudflared_same(&json, &yaml));
    cloudflared_free(&json);
    cloudflared_free(&yaml);
    buf_free(&out);
}

/* Aliases make much of little: what they stand for is bounded, in size and in time. */
static void test_yaml_bombs(void **state)
{
    struct cloudflared_config config = {0};
    struct cloudflared_remarks remarks;
    struct err err = {0};
    struct buf text;

    (void)state;
    (void)alarm(20);
    buf_init(&text, CLOUDFLARED_TEXT_MAX);
    (void)buf_text(&text, "l0: &l0 [x]\n");
    for (int level = 1; level < 8; level++) {
        (void)buf_format(&text, "l%d: &l%d [", level, level);
        for (int i = 0; i < 200; i++)
            (void)buf_format(&text, "%s*l%d", i == 0 ? "" : ", ", level - 1);
        (void)buf_text(&text, "]\n");
    }
    (void)buf_text(&text, "ingress: [{service: hello_world, originRequest: {ipRules: *l7}}]\n");
    assert_int_equal(cloudflared_validate(text.data, text.len, &config, &remarks, &err), -1);
    assert_string_equal(err.code, "too_long");
    cloudflared_free(&config);
    buf_reset(&text);
    (void)buf_text(&text, "r: &r {service: hello_world");
    for (int i = 0; i < 4000; i++)
        (void)buf_format(&text, ", k%d: x", i);
    (void)buf_text(&text, "}\ningress: [");
    for (int i = 0; i < 900; i++)
        (void)buf_text(&text, i == 0 ? "*r" : ", *r");
    (void)buf_text(&text, "]\n");
    assert_int_equal(cloudflared_validate(text.data, text.len, &config, &remarks, &err), -1);
    assert_string_equal(err.code, "too_long");
    cloudflared_free(&config);
    buf_free(&text);
    (void)alarm(0);
}

static void test_yaml(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint32_t timeout_s;
    } cases[] = {
        {"ingress: [{service: http_status:404, originRequest: {connectTimeout: 1m30s}}]", 0, 90},
        {"ingress: [{service: http_status:404, originRequest: {connectTimeout: 1500ms}}]", 0, 2},
        {"ingress: [{service: http_status:404, originRequest: {connectTimeout: \"30\"}}]", -1, 0},
        {"ingress: [{service: http_status:404, originRequest: {connectTimeout: 5x}}]", -1, 0},
        {"originRequest: {connectTimeout: 7s}\ningress: [{service: http_status:404}]", 0, 7},
        {"ingress: [{service: http_status:404, originRequest: {noTLSVerify: yes}}]", 0, 0},
        {"ingress: [{service: http_status:404, originRequest: {noTLSVerify: \"true\"}}]", -1, 0},
        {"ingress: [{service: http_status:404, service: hello_world}]", -1, 0},
        {"ingress: {service: http_status:404}", -1, 0},
        {"ingress:\n  - hostname: a.example.com\n    service: [x]\n", -1, 0},
        {"[1, 2]", -1, 0},
        {"", -1, 0},
        {"a: &a [*a]\ningress: [{service: http_status:404}]", 0, 0},
    };
    struct cloudflared_remarks remarks;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cloudflared_config config = {0};
        int result =
            cloudflared_validate(cases[i].text, strlen(cases[i].text), &config, &remarks, &err);
        if (result != cases[i].result)
            fail_msg("%s: %d %s", cases[i].text, result, err.text);
        if (result == 0)
            assert_int_equal(config.rules[0].origin.connect_timeout_s, cases[i].timeout_s);
        cloudflared_free(&config);
    }
    {
        static const char odd[] = "ingress: [{service: http_status:404, host: x, originRequest: "
                                  "{noTlsVerify: true}}]";
        struct cloudflared_config config = {0};
        assert_int_equal(cloudflared_validate(odd, strlen(odd), &config, &remarks, &err), 0);
        assert_int_equal(remarks.unused, 2);
        assert_string_equal(remarks.unused_keys, "host, noTlsVerify");
        cloudflared_free(&config);
    }
}

/* ---- regular expressions ---- */

static const struct {
    const char *re, *text;
    int result; /* 1, 0: matches or not; -1: Go refuses it */
} expressions[] = {
    {"api", "/v1/api/x", 1},
    {"^/api/", "/v1/api/x", 0},
    {"^/api(/.*)?$", "/api", 1},
    {"^/api(/.*)?$", "/apix", 0},
    {"\\.(jpg|png|css|js)$", "/a/b.png", 1},
    {"\\.(jpg|png|css|js)$", "/a/b.pngx", 0},
    {"(?i)^/API", "/api", 1},
    {"(?i:K)", "\xe2\x84\xaa", 1}, /* the Kelvin sign */
    {"(?-i:a)b", "AB", 0},
    {"^.{3,5}$", "abcdef", 0},
    {"^.{3,5}$", "abcde", 1},
    {"^(a|ab)(c|bcd)$", "abcd", 1},
    {"^(a*)*$", "aaaa", 1},
    {"^(a|b|)+$", "abab", 1},
    {"x*", "", 1},
    {"^$", "", 1},
    {"a{,5}", "a{,5}", 1},
    {"a{2}", "aa", 1},
    {"a{2,}", "a", 0},
    {"[^/]+", "///", 0},
    {"[]a]", "]", 1},
    {"[a-c-e]", "-", 1},
    {"[[:alpha:]_]+$", "x_", 1},
    {"[[:^digit:]]", "5", 0},
    {"\\d\\D\\s\\S\\w\\W", "1a b_-", 1},
    {"\\bfoo\\b", "a foo b", 1},
    {"\\bfoo\\b", "afoo", 0},
    {"\\Bo", "foo", 1},
    {"\\Aab\\z", "ab", 1},
    {"(?m)^b$", "a\nb\nc", 1},
    {"^b$", "a\nb\nc", 0},
    {"a.b", "a\nb", 0},
    {"(?s)a.b", "a\nb", 1},
    {"\\Q.*\\E", "x.*y", 1},
    {"\\Qa+b", "a+b", 1},
    {"\\Qab\\E*c", "abbc", 1},
    {"\\x41\\x{1F600}\\101",
     "A\xf0\x9f\x98\x80"
     "A",
     1},
    {"\\pL+$", "\xc3\xbc", 1},
    {"\\p{Greek}", "\xce\xb1", 1},
    {"\\P{Greek}", "\xce\xb1", 0},
    {"[\\p{Lu}\\d]", "\xc3\x9c", 1},
    {"\\p{^Lu}", "A", 0},
    {"(?P<name>x)(?<other>y)", "xy", 1},
    {"a??b*?c+?", "ac", 1},
    {"^*", "x", 1},
    {"\\_", "_", 1},
    {"(", "", -1},
    {")", "", -1},
    {"a)", "", -1},
    {"[a", "", -1},
    {"[b-a]", "", -1},
    {"[[:foo:]]", "", -1},
    {"*", "", -1},
    {"a**", "", -1},
    {"a*+", "", -1},
    {"a*?*", "", -1},
    {"(|*)", "", -1},
    {"a{1001}", "", -1},
    {"a{5,2}", "", -1},
    {"(a{100}){100}", "", -1},
    {"(a{30}){30}", "", 0},
    {"a{2}{3}", "", -1},
    {"\\", "", -1},
    {"\\1", "", -1},
    {"\\8", "", -1},
    {"\\Z", "", -1},
    {"\\C", "", -1},
    {"\\pX", "", -1},
    {"\\p{Klingon}", "", -1},
    {"\\p{Greek", "", -1},
    {"\\x{110000}", "", -1},
    {"\\xg0", "", -1},
    {"(?=a)", "", -1},
    {"(?!a)", "", -1},
    {"(?<=a)", "", -1},
    {"(?>a)", "", -1},
    {"(?P<n>a)(?P<n>b)", "", -1},
    {"(?P<1-2>a)", "", -1},
    {"(?P<n", "", -1},
    {"(?i", "", -1},
    {"(?i-)a", "", -1},
    {"(?z)", "", -1},
    {"\xff", "", -1},
};

static void test_expressions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        struct err err = {0};
        struct re2 *re = re2_new(expressions[i].re, &err);
        int result = -1;
        if (re != NULL)
            result = re2_match(re, expressions[i].text, strlen(expressions[i].text));
        if (result != expressions[i].result)
            fail_msg("%s on \"%s\": %d, not %d (%s)", expressions[i].re, expressions[i].text,
                     result, expressions[i].result, err.text);
        re2_free(re);
    }
}

/* Expressions that undo backtracking matchers take time like any other. */
static void test_no_blow_up(void **state)
{
    static const char *const evil[] = {"^(a+)+$",     "^(a|a)*$", "^(a|aa)+$",
                                       "^(.*a){20}$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"};
    static char text[4001];
    int64_t began = clock_mono_ms();

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 2] = '!';
    for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++) {
        struct re2 *re = re2_new(evil[i], NULL);
        assert_non_null(re);
        assert_false(re2_match(re, text, sizeof text - 1));
        re2_free(re);
    }
    assert_true(clock_mono_ms() - began < 5000);
}

static void test_url(void **state)
{
    static const struct {
        const char *host, *plain;
    } names[] = {{"b\xc3\xbc"
                  "cher.example.com",
                  "xn--bcher-kva.example.com"},
                 {"M\xc3\xbcNCHEN.de", "xn--mnchen-3ya.de"},
                 {"\xe4\xbe\x8b\xe3\x81\x88.jp", "xn--r8jz45g.jp"},
                 {"plain.Example.com", "plain.example.com"}};
    static const char *const bad[] = {":x", "1:2", "http://h:a", "http://[::1", "a\x01"};
    struct url_parts parts;
    char out[256];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(url_punycode(names[i].host, out, sizeof out), 0);
        assert_string_equal(out, names[i].plain);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(url_split(bad[i], &parts), -1);
    assert_int_equal(url_split("wss://u:p@[::1]:8089/a%20b?c#d", &parts), 0);
    assert_memory_equal(parts.host, "::1", parts.host_len);
    assert_memory_equal(parts.port, "8089", parts.port_len);
    assert_memory_equal(parts.query, "c", parts.query_len);
    assert_int_equal(url_unescape(parts.path, parts.path_len, out, sizeof out, &len), 0);
    assert_string_equal(out, "/a b");
    assert_int_equal(url_unescape("%2", 2, out, sizeof out, &len), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),   cmocka_unit_test(test_look_ups),
        cmocka_unit_test(test_written),    cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_yaml_bombs), cmocka_unit_test(test_expressions),
        cmocka_unit_test(test_no_blow_up), cmocka_unit_test(test_url),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
