/* The strict JSON scanner: what it must take, what it must refuse, and that cJSON agrees with all
 * that it takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "json_in.h"
#include "str.h"

static const char *const good[] = {
    "{}",
    "[]",
    "0",
    "-0",
    "-1",
    "1.5",
    "1e3",
    "1E+3",
    "1e-3",
    "-0.0",
    "123456789012345",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    " {} ",
    "\t[\n]\r\n",
    "[1,2,3]",
    "[[],[]]",
    "[{}]",
    "{\"a\":1}",
    "{\"a\":{\"a\":{\"a\":1}}}",
    "[{\"a\":1},{\"a\":2}]",
    "{\"a\":1,\"A\":2}",
    "{\"\":1}",
    "{\"a\":\"\\u00e9\"}",
    "\"\\ud83d\\ude00\"",
    "\"\xf0\x9f\x98\x80\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\xc3\xa9\"",
    "\"\x7f\"",
    "9007199254740991",
    "-9007199254740991",
    "[1, 2 , 3 ]",
    "{ \"a\" : [ ] }",
    "{\"a\":[],\"b\":{},\"c\":null}",
    "\"\\u0001\"",
    "\"a/b\"",
    "\"\\u2028\"",
    "{\"\\u0061b\":1,\"ac\":2}",
    "1e308",
    "0.1e1",
    "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
    "{\"a.b\":1}",
    "\"\xef\xbf\xbd\"",
    "[true,false,null]",
};

static const char *const bad[] = {
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{,}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{a:1}",
    "{'a':1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{1:2}",
    "[1}",
    "{\"a\":1]",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1e",
    "1e+",
    "0x1",
    "1.e1",
    "--1",
    "-01",
    "NaN",
    "Infinity",
    "-Infinity",
    "nul",
    "nulll",
    "True",
    "TRUE",
    "tru",
    "falsey",
    "\"",
    "\"a",
    "a\"",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\u0000\"",
    "{\"\\u0000\":1}",
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud83d\\ud83d\"",
    "\"\\ud83dx\"",
    "\"\n\"",
    "\"\t\"",
    "\"\x01\"",
    "\"\xff\"",
    "\"\xc0\xaf\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xc3\"",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"b\":{},\"a\":1}",
    "{\"a\":1,\"\\u0061\":2}",
    "{\"\":1,\"\":2}",
    "{} {}",
    "{}x",
    "[] 1",
    "1 1",
    "null,",
    "\xef\xbb\xbf{}",
    "//x\n{}",
    "/**/{}",
    "{}//",
    "9007199254740992",
    "-9007199254740993",
    "1e400",
    "-1e999",
    "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
    "\"\\u\"",
    "\"\\",
    "[1",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "[\"a\"",
    "[\"a",
    "\v{}",
    "\f{}",
    "\xc2\xa0{}",
    "{\"a\":01}",
    "[1,,2]",
    "{\"a\"::1}",
    "1234567890123456789012345678901234567890123456789012345678901234567890",
    "undefined",
    "\"\x1f\"",
};

static void test_good(void **state)
{
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (json_check(good[i], strlen(good[i]), &json_limits_api, &err) == -1)
            fail_msg("refused %s: %s", good[i], err.text);
}

static void test_bad(void **state)
{
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (json_check(bad[i], strlen(bad[i]), &json_limits_api, &err) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.kind, ERR_MALFORMED);
    }
    assert_int_equal(json_check("{}\0", 3, &json_limits_api, &err), -1);
    assert_int_equal(json_check("\"a\0b\"", 5, &json_limits_api, &err), -1);
    assert_int_equal(json_check("{\"a\":1,\"b\":1,\"a\":2}", 19, &json_limits_api, &err), -1);
    assert_string_equal(err.code, "json_duplicate");
    assert_string_equal(err.field, "a");
}

/* Big integers are exact for nobody, but providers send them where nobody reads them. */
static void test_limits(void **state)
{
    struct err err;
    struct buf b;

    (void)state;
    assert_int_equal(json_check("18446744073709551615", 20, &json_limits_provider, &err), 0);
    buf_init(&b, 1u << 20);
    (void)buf_byte(&b, '[');
    for (int i = 0; i < 1000; i++)
        (void)buf_text(&b, i == 0 ? "1" : ",1");
    (void)buf_byte(&b, ']');
    assert_int_equal(json_check(b.data, b.len, &json_limits_api, &err), 0);
    b.data[b.len - 1] = ',';
    (void)buf_text(&b, "1]");
    assert_int_equal(json_check(b.data, b.len, &json_limits_api, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    buf_reset(&b);
    (void)buf_byte(&b, '"');
    while (b.len < json_limits_api.bytes)
        (void)buf_byte(&b, 'x');
    (void)buf_byte(&b, '"');
    assert_int_equal(json_check(b.data, b.len, &json_limits_api, &err), -1);
    assert_string_equal(err.code, "json_bytes");
    buf_free(&b);
}

/* An object of 100,000 names costs about as much a name as one of 10,000, and doubles are found. */
static void test_linear(void **state)
{
    struct err err;
    struct buf b;
    clock_t took[2];

    (void)state;
    buf_init(&b, 4u << 20);
    for (int round = 0; round < 2; round++) {
        int names = round == 0 ? 10000 : 100000;
        clock_t began;
        buf_reset(&b);
        (void)buf_byte(&b, '{');
        for (int i = 0; i < names; i++)
            (void)buf_format(&b, "%s\"name%d\":%d", i == 0 ? "" : ",", i, i);
        (void)buf_byte(&b, '}');
        began = clock();
        for (int i = 0; i < (round == 0 ? 10 : 1); i++)
            assert_int_equal(json_check(b.data, b.len, &json_limits_provider, &err), 0);
        took[round] = clock() - began;
    }
    assert_true(took[1] < 5 * took[0] + CLOCKS_PER_SEC / 20);
    b.data[b.len - 1] = ',';
    (void)buf_text(&b, "\"name77777\":0}");
    assert_int_equal(json_check(b.data, b.len, &json_limits_provider, &err), -1);
    assert_string_equal(err.code, "json_duplicate");
    buf_free(&b);
}

/* What the scanner takes, cJSON takes whole, and prints so that it reads the same again. */
static void agree(const char *text, size_t len)
{
    const char *end = NULL;
    cJSON *a, *b;
    char *printed;

    if (json_check(text, len, &json_limits_webhook, NULL) == -1)
        return;
    a = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    if (a == NULL)
        fail_msg("cJSON refuses %.*s", (int)len, text);
    while (end < text + len && strchr(" \t\r\n", *end) != NULL)
        end++;
    assert_ptr_equal(end, text + len);
    printed = cJSON_PrintUnformatted(a);
    assert_non_null(printed);
    b = cJSON_Parse(printed);
    assert_non_null(b);
    assert_true(cJSON_Compare(a, b, 1));
    cJSON_free(printed);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void test_differential(void **state)
{
    static const char alphabet[] = "{}[]\",:\\u0123456789eE+-.truefalsn \x01\xc3\xa9\xff";
    uint32_t seed = 12345, taken = 0;
    char text[160];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        agree(good[i], strlen(good[i]));
    for (int round = 0; round < 100000; round++) {
        const char *from;
        size_t len;
        seed = seed * 1664525 + 1013904223;
        from = good[(seed >> 8) % (sizeof good / sizeof good[0])];
        len = strlen(from);
        memcpy(text, from, len + 1);
        for (unsigned i = 0; i <= (seed >> 28) % 3 && len > 0; i++) {
            seed = seed * 1664525 + 1013904223;
            text[(seed >> 8) % len] = alphabet[(seed >> 20) % (sizeof alphabet - 1)];
        }
        taken += json_check(text, len, &json_limits_webhook, NULL) == 0;
        agree(text, len);
    }
    assert_true(taken > 1000 && taken < 90000);
}

static void test_reading(void **state)
{
    static const char text[] =
        "{\"a\":{\"b\":[{\"c\":\"x\"},{\"c\":7}]},\"n\":null,\"t\":true,\"f\":1.5,"
        "\"i\":-12,\"big\":9007199254740991,\"A\":\"upper\",\"e\":{}}";
    struct err err;
    struct cJSON *json = json_parse(text, sizeof text - 1, &json_limits_api, &err);
    const struct cJSON *item = NULL;
    bool negative;
    uint64_t n;
    int count = 0;

    (void)state;
    assert_non_null(json);
    assert_string_equal(json_text(json, "a.b[0].c", "?"), "x");
    assert_string_equal(json_text(json, "a.b[1].c", "?"), "?");
    assert_int_equal(json_i64(json, "a.b[1].c", 0), 7);
    assert_int_equal(json_i64(json, "a.b[2].c", 5), 5);
    assert_int_equal(json_i64(json, "f", 5), 5);
    assert_int_equal(json_i64(json, "i", 5), -12);
    assert_int_equal(json_i64(json, "big", 5), 9007199254740991);
    assert_null(json_at(json, "n"));
    assert_null(json_at(json, "a.x.y"));
    assert_null(json_at(json, "a[0]"));
    assert_null(json_at(json, "a.b[x]"));
    assert_null(json_at(NULL, "a"));
    assert_string_equal(json_text(json, "A", "?"), "upper");
    assert_string_equal(json_text(json, "T", "?"), "?");
    assert_true(json_bool(json, "t", false));
    assert_true(json_bool(json, "n", true));
    assert_int_equal(json_size(json, "a.b"), 2);
    assert_int_equal(json_size(json, "e"), 0);
    assert_int_equal(json_size(json, "t"), 0);
    while ((item = json_next(json, item)) != NULL)
        count++;
    assert_int_equal(count, 8);
    assert_string_equal(json_name(json_next(json, NULL)), "a");
    assert_true(json_integer(json_at(json, "i"), &negative, &n) && negative && n == 12);
    assert_false(json_integer(json_at(json, "f"), &negative, &n));
    assert_int_equal(json_type(json_at(json, "a")), JSON_OBJECT);
    assert_int_equal(json_type(json_at(json, "a.b")), JSON_ARRAY);
    json_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_bad),
        cmocka_unit_test(test_limits),       cmocka_unit_test(test_linear),
        cmocka_unit_test(test_differential), cmocka_unit_test(test_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
