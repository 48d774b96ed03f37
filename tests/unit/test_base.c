/* The lowest floor: errors, buffers, strings, lists, text forms, JSON out, ids, clocks. */
#include "store_samples.h"

#include <errno.h>

#include "buf.h"
#include "clock.h"
#include "csv.h"
#include "enc.h"
#include "err.h"
#include "json_out.h"
#include "kv.h"

static void errors_say_one_thing_in_one_line(void **state)
{
    struct err e;
    char longer[2 * ERR_TEXT_SIZE];

    (void)state;
    assert_int_equal(err_set(&e, ERR_CONFLICT, "name_taken", "a\nb\x1b[2J%d", 7), -1);
    assert_string_equal(e.text, "a b [2J7");
    assert_string_equal(e.code, "name_taken");
    assert_int_equal(err_hint(&e, "try %s", "another"), -1);
    assert_string_equal(e.hint, "try another");
    assert_int_equal(err_field(&e, "port", "out_of_range", "too high"), -1);
    assert_int_equal(e.kind, ERR_INVALID);
    assert_string_equal(e.field, "port");
    assert_string_equal(e.hint, "");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)err_set(&e, ERR_INTERNAL, longer, "%s", longer);
    assert_int_equal(strlen(e.text), ERR_TEXT_SIZE - 1);
    assert_int_equal(strlen(e.code), ERR_CODE_SIZE - 1);
    (void)err_sys(&e, "x", ENOSPC, "p");
    assert_int_equal(e.kind, ERR_FULL);
    (void)err_sys(&e, "x", EPERM, "p");
    assert_int_equal(e.kind, ERR_INTERNAL);
    assert_string_equal(e.text, "p: Operation not permitted");
    assert_int_equal(err_set(NULL, ERR_INTERNAL, "x", "y"), -1);
    assert_int_equal(err_http_status(ERR_FULL), 507);
    assert_int_equal(err_http_status(ERR_NONE), 200);
    assert_int_equal(err_exit_code(ERR_NOT_FOUND), 3);
    for (int kind = ERR_NONE; kind <= ERR_INTERNAL; kind++) {
        assert_non_null(err_kind_name((enum err_kind)kind));
        assert_true(kind == ERR_NONE || err_http_status((enum err_kind)kind) >= 400);
    }
}

static void a_buffer_never_outgrows_its_maximum(void **state)
{
    struct buf b;
    char chunk[300];

    (void)state;
    memset(chunk, 'a', sizeof chunk);
    buf_init(&b, 1000);
    assert_string_equal(buf_string(&b), "");
    for (int i = 0; i < 3; i++)
        assert_int_equal(buf_add(&b, chunk, sizeof chunk), 0);
    assert_int_equal(buf_add(&b, chunk, 100), 0);
    assert_int_equal(b.len, 1000);
    assert_int_equal(buf_byte(&b, 'x'), -1);
    assert_true(b.failed);
    assert_int_equal(b.len, 1000);
    assert_int_equal(buf_text(&b, ""), -1);
    buf_reset(&b);
    assert_string_equal(buf_string(&b), "");
    assert_int_equal(buf_format(&b, "%0700d|%s", 7, "x"), 0);
    assert_int_equal(b.len, 702);
    assert_string_equal(b.data + 699, "7|x");
    assert_int_equal(buf_format(&b, "%0700d", 7), -1);
    assert_null(buf_reserve(&b, 1));
    buf_free(&b);
    assert_int_equal(b.max, 1000);
    assert_null(buf_reserve(&b, SIZE_MAX));
    buf_free(&b);
}

static void strings_are_whole_or_refused(void **state)
{
    char out[5], word[] = " \t a b\r\n", upper[] = "AbC-1";
    uint64_t n;

    (void)state;
    assert_int_equal(str_copy(out, sizeof out, "1234"), 0);
    assert_int_equal(str_copy(out, sizeof out, "12345"), -1);
    assert_string_equal(out, "");
    assert_int_equal(str_copy_n(out, sizeof out, "a\0b", 3), -1);
    str_cut(out, sizeof out, "1234");
    assert_string_equal(out, "1234");
    str_cut(out, sizeof out, "12345");
    assert_string_equal(out, "1234");
    str_cut(out, sizeof out, "12\u20ac");
    assert_string_equal(out, "12");
    str_cut(out, sizeof out, "1\u20ac5");
    assert_string_equal(out, "1\u20ac");
    str_cut(out, sizeof out, NULL);
    assert_string_equal(out, "");
    assert_int_equal(str_format(out, sizeof out, "%d", 1234), 0);
    assert_int_equal(str_format(out, sizeof out, "%d", 12345), -1);
    assert_string_equal(out, "");
    assert_string_equal(str_trim(word), "a b");
    assert_true(str_has("snapshot.create", "SHOT") && str_has("abc", "") && str_has("", ""));
    assert_true(str_has("aab", "ab") && str_has("xyz", "Z"));
    assert_false(str_has("abc", "abcd") || str_has("", "a") || str_has("abc", "ca"));
    str_lower(upper);
    assert_string_equal(upper, "abc-1");
    assert_true(str_equal_nocase("HoSt", "hOsT"));
    assert_false(str_equal_nocase("host", "hosts"));
    assert_true(str_starts("abc", "ab") && !str_starts("a", "ab"));
    assert_true(str_ends("abc", "bc") && !str_ends("c", "bc"));
    assert_int_equal(str_u64("18446744073709551615", 0, UINT64_MAX, &n), 0);
    assert_true(n == UINT64_MAX);
    static const char *const bad[] = {
        "18446744073709551616",   "", "01", "-1", "+1", " 1", "1 ", "1a", "0x1",
        "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(str_u64(bad[i], 0, UINT64_MAX, &n), -1);
    assert_int_equal(str_u64("5", 6, 9, &n), -1);
    assert_int_equal(str_u64("0", 0, 0, &n), 0);
}

static void utf8_is_checked_to_the_letter(void **state)
{
    static const struct {
        const char *s;
        size_t len;
        bool good;
    } cases[] = {
        {"", 0, true},
        {"a", 1, true},
        {"\xc3\xa9", 2, true},
        {"\xc0\x80", 2, false},
        {"\xc1\xbf", 2, false},
        {"\xc3", 1, false},
        {"\xe0\x9f\xbf", 3, false},
        {"\xe0\xa0\x80", 3, true},
        {"\xed\x9f\xbf", 3, true},
        {"\xed\xa0\x80", 3, false},
        {"\xef\xbf\xbf", 3, true},
        {"\xf0\x8f\xbf\xbf", 4, false},
        {"\xf0\x90\x80\x80", 4, true},
        {"\xf4\x8f\xbf\xbf", 4, true},
        {"\xf4\x90\x80\x80", 4, false},
        {"\xf5\x80\x80\x80", 4, false},
        {"\x80", 1, false},
        {"a\0b", 3, false},
        {"\xff", 1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(str_utf8(cases[i].s, cases[i].len), cases[i].good);
}

static void a_list_keeps_order_and_bounds(void **state)
{
    struct kv kv, copy;
    const char *name, *value;
    char big[KV_SIZE], longest[KV_NAME_MAX + 1];
    size_t at = 0;

    (void)state;
    kv_clear(&kv);
    assert_int_equal(kv_set(&kv, "a", "1"), 0);
    assert_int_equal(kv_set(&kv, "b", ""), 0);
    assert_int_equal(kv_set_u64(&kv, "n", UINT64_MAX), 0);
    assert_int_equal(kv_set(&kv, "a", "two"), 0);
    assert_true(kv_next(&kv, &at, &name, &value));
    assert_string_equal(name, "b");
    assert_string_equal(kv_get(&kv, "a"), "two");
    assert_null(kv_get(&kv, "c"));
    assert_string_equal(kv_get_or(&kv, "c", "d"), "d");
    assert_true(kv_get_u64(&kv, "n", 0) == UINT64_MAX);
    assert_int_equal(kv_get_u64(&kv, "a", 9), 9);
    assert_int_equal(kv_load(&copy, kv.data, kv.len), 0);
    assert_memory_equal(copy.data, kv.data, kv.len);
    assert_int_equal(kv_set(&kv, "", "x"), -1);
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(kv_set(&kv, longest, "x"), -1);
    memset(big, 'v', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    assert_int_equal(kv_set(&kv, "a", big), -1);
    assert_string_equal(kv_get(&kv, "a"), "two");
    kv_unset(&kv, "b");
    kv_unset(&kv, "b");
    assert_null(kv_get(&kv, "b"));
    assert_int_equal(kv_merge(&kv, &copy), 0);
    assert_string_equal(kv_get(&kv, "b"), "");
    assert_int_equal(kv_load(&copy, "a\0b", 3), -1);
    assert_int_equal(kv_load(&copy, "a\0", 2), -1);
    assert_int_equal(kv_load(&copy, big, sizeof big), -1);
    assert_int_equal(kv_load(&copy, "", 0), 0);
}

static void hex_and_base64_have_one_spelling(void **state)
{
    uint8_t raw[8];
    char text[32];

    (void)state;
    enc_hex(text, "\x00\xff\x1a", 3);
    assert_string_equal(text, "00ff1a");
    assert_int_equal(enc_unhex(raw, 3, "00FF1a"), 0);
    assert_memory_equal(raw, "\x00\xff\x1a", 3);
    assert_int_equal(enc_unhex(raw, 3, "00ff1"), -1);
    assert_int_equal(enc_unhex(raw, 3, "00ff1g"), -1);
    assert_int_equal(enc_unhex(raw, 3, "00ff1a00"), -1);
    assert_int_equal(enc_unhex(raw, 0, ""), 0);
    assert_int_equal(enc_base64url(text, sizeof text, "\xfb\xff", 2), 3);
    assert_string_equal(text, "-_8");
    assert_int_equal(enc_base64(text, sizeof text, "\xfb\xff", 2), 4);
    assert_string_equal(text, "+/8=");
    assert_int_equal(enc_base64(text, 4, "\xfb\xff", 2), -1);
    assert_int_equal(enc_base64url(text, 3, "\xfb\xff", 2), -1);
    assert_int_equal(enc_unbase64url(raw, sizeof raw, "-_8", 3), 2);
    assert_memory_equal(raw, "\xfb\xff", 2);
    static const char *const bad[] = {"-_9", "+/8", "-_8=", "-_8 ", " -_8", "-", "-_8\n", "-_8A="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(enc_unbase64url(raw, sizeof raw, bad[i], strlen(bad[i])), -1);
    assert_int_equal(enc_unbase64url(raw, 1, "-_8", 3), -1);
    enc_put64(raw, UINT64_C(0x0102030405060708));
    assert_memory_equal(raw, "\1\2\3\4\5\6\7\x08", 8);
    assert_true(enc_get64(raw) == UINT64_C(0x0102030405060708));
    assert_int_equal(enc_get32(raw + 4), 0x05060708);
    assert_int_equal(enc_get16(raw), 0x0102);
}

static void json_is_escaped_and_nested(void **state)
{
    struct buf b;
    struct json_out j;

    (void)state;
    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "q\"\\/", "\b\f\n\r\t\x01\x1f\x7f");
    json_out_key(&j, "bad");
    json_out_text_n(&j, "a\xff\xc3(\xe2\x82z\0", 8);
    json_out_key_text(&j, "good", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    json_out_key(&j, "list");
    json_out_array(&j);
    json_out_u64(&j, UINT64_MAX);
    json_out_i64(&j, INT64_MIN);
    json_out_i64(&j, 5);
    json_out_null(&j);
    json_out_object(&j);
    json_out_end_object(&j);
    json_out_array(&j);
    json_out_end_array(&j);
    json_out_end_array(&j);
    json_out_key_bool(&j, "t", true);
    json_out_key_null(&j, "n");
    json_out_key_time(&j, "when", INT64_C(1763865302123));
    json_out_key_time(&j, "never", 0);
    json_out_key_i64(&j, "i", -1);
    json_out_key(&j, "raw");
    json_out_raw(&j, "{}", 2);
    json_out_end_object(&j);
    assert_false(b.failed);
    assert_string_equal(
        buf_string(&b),
        "{\"q\\\"\\\\/\":\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\","
        "\"bad\":\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbdz\\u0000\","
        "\"good\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\","
        "\"list\":[18446744073709551615,-9223372036854775808,5,null,{},[]],"
        "\"t\":true,\"n\":null,\"when\":\"2025-11-23T02:35:02.123Z\",\"never\":null,"
        "\"i\":-1,\"raw\":{}}");
    buf_reset(&b);
    json_out_init(&j, &b);
    for (int i = 0; i < JSON_OUT_DEPTH; i++)
        json_out_array(&j);
    assert_false(b.failed);
    json_out_array(&j);
    assert_true(b.failed);
    buf_reset(&b);
    json_out_init(&j, &b);
    json_out_end_array(&j);
    assert_true(b.failed);
    buf_free(&b);
}

static void ids_sort_by_birth_and_have_one_spelling(void **state)
{
    char id[ID_SIZE], again[ID_SIZE], damaged[ID_SIZE];
    uint8_t raw[ID_BYTES], back[ID_BYTES];
    int64_t before = clock_wall_ms(), birth = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        id_make(id, "tn");
        assert_int_equal(strlen(id), 29);
        assert_int_equal(id_bytes(id, "tn", raw), 0);
        id_text(again, "tn", raw);
        assert_string_equal(id, again);
    }
    for (int i = 0; i < 6; i++)
        birth = birth << 8 | raw[i];
    assert_in_range(birth, before, clock_wall_ms());
    assert_int_equal(id_bytes(id, "cus", raw), -1);
    assert_int_equal(id_bytes(id + 1, "tn", raw), -1);
    for (size_t i = 3; i < 29; i++) { /* every other character in every place */
        for (int c = 1; c < 256; c++) {
            memcpy(damaged, id, sizeof id);
            damaged[i] = (char)c;
            if (id_bytes(damaged, "tn", back) == -1)
                continue;
            id_text(again, "tn", back);
            assert_string_equal(again, damaged);
        }
    }
    memset(raw, 0xff, sizeof raw);
    id_text(id, "tn", raw);
    assert_string_equal(id, "tn_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    assert_int_equal(id_bytes("tn_80000000000000000000000000", "tn", raw), -1);
    assert_int_equal(id_bytes("tn_7zzzzzzzzzzzzzzzzzzzzzzzz", "tn", raw), -1);
    assert_int_equal(id_bytes("", "tn", raw), -1);
}

static void times_go_there_and_back(void **state)
{
    static const int64_t some[] = {
        1, 951868800000, 1709251199123, 253402300799999, -62167219200000, -1, 1763865302123};
    static const char *const bad[] = {"",
                                      "2025-11-23",
                                      "2025-11-23T02:35:02",
                                      "2025-11-23T02:35:02+00:00",
                                      "2025-11-23T02:35:02.Z",
                                      "2025-02-29T00:00:00Z",
                                      "2025-13-01T00:00:00Z",
                                      "2025-00-01T00:00:00Z",
                                      "2025-01-00T00:00:00Z",
                                      "2025-01-01T24:00:00Z",
                                      "2025-01-01T00:60:00Z",
                                      "2025-01-01T00:00:60Z",
                                      "2025-01-01t00:00:00z",
                                      "2025-01-01 00:00:00Z",
                                      "2025-01-01T00:00:00Zx",
                                      " 2025-01-01T00:00:00Z",
                                      "25-01-01T00:00:00Z",
                                      "2025-1-1T00:00:00Z",
                                      "-025-01-01T00:00:00Z"};
    char text[CLOCK_TEXT_SIZE];
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        clock_text(text, some[i]);
        assert_int_equal(clock_parse(text, &ms), 0);
        assert_true(ms == some[i]);
    }
    clock_text(text, -1);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    assert_int_equal(clock_parse("2024-02-29T12:00:00.5Z", &ms), 0);
    assert_true(ms == INT64_C(1709208000500));
    assert_int_equal(clock_parse("2024-02-29T12:00:00.123456789Z", &ms), 0);
    assert_true(ms == INT64_C(1709208000123));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(clock_parse(bad[i], &ms), -1);
    ms = clock_mono_ms();
    clock_sleep_ms(20);
    assert_true(clock_mono_ms() - ms >= 20);
    clock_sleep_ms(-5);
}

static void cells_of_csv_are_quoted_and_no_formulas(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 200);
    csv_text(&b, "=1+1\",", 6);
    (void)buf_byte(&b, ',');
    csv_text(&b, "a=1", 3);
    (void)buf_byte(&b, ',');
    csv_text(&b, "", 0);
    assert_string_equal(buf_string(&b), "\"'=1+1\"\",\",\"a=1\",\"\"");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_say_one_thing_in_one_line),
        cmocka_unit_test(a_buffer_never_outgrows_its_maximum),
        cmocka_unit_test(strings_are_whole_or_refused),
        cmocka_unit_test(utf8_is_checked_to_the_letter),
        cmocka_unit_test(a_list_keeps_order_and_bounds),
        cmocka_unit_test(hex_and_base64_have_one_spelling),
        cmocka_unit_test(json_is_escaped_and_nested),
        cmocka_unit_test(ids_sort_by_birth_and_have_one_spelling),
        cmocka_unit_test(times_go_there_and_back),
        cmocka_unit_test(cells_of_csv_are_quoted_and_no_formulas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
