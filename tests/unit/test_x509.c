/* Certificates as files: one of one's own, what it is good for, and bytes that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "clock.h"
#include "str.h"
#include "x509.h"

#define DAY_MS INT64_C(86400000)

static const char *const names[] = {"box.example.com", "*.example.com", "192.0.2.7", "2001:db8::7"};

static void made(struct buf *cert, struct buf *key)
{
    struct err err;

    buf_init(cert, 1u << 16);
    buf_init(key, 1u << 16);
    assert_int_equal(x509_self_signed(names, 4, 825, cert, key, &err), 0);
}

static void one_of_ones_own_is_whole(void **state)
{
    int64_t now = clock_wall_ms();
    struct x509_facts f;
    struct buf cert, key;
    struct x509 *x;
    struct err err;

    (void)state;
    made(&cert, &key);
    assert_int_equal(x509_open(&x, &cert, "it", &err), 0);
    assert_int_equal(x509_usable(x, now, "it", &err), 0);
    assert_int_equal(x509_key(x, &key, "its key", &err), 0);
    x509_tell(x, &f);
    assert_string_equal(f.names, "box.example.com, *.example.com, 192.0.2.7, 2001:db8::7");
    assert_string_equal(f.subject, "CN=box.example.com");
    assert_string_equal(f.key, "EC 256 bit");
    assert_true(f.self_signed && f.chain == 1 && strlen(f.fingerprint) == 64);
    assert_true(f.until_ms - f.from_ms <= 825 * DAY_MS && f.until_ms > now + 823 * DAY_MS);
    assert_int_equal(x509_usable(x, f.until_ms, "it", &err), -1);
    assert_string_equal(err.code, "certificate_ended");
    assert_int_equal(x509_usable(x, f.from_ms - DAY_MS, "it", &err), -1);
    assert_string_equal(err.code, "certificate_early");
    x509_free(x);
    buf_free(&cert);
    buf_free(&key);
}

static void names_and_addresses(void **state)
{
    static const struct {
        const char *host;
        bool good;
    } hosts[] = {{"box.example.com", true},
                 {"BOX.Example.com", true},
                 {"a.example.com", true},
                 {"a.b.example.com", false},
                 {"example.com", false},
                 {"192.0.2.7", true},
                 {"192.0.2.8", false},
                 {"2001:db8::7", true},
                 {"[2001:db8:0::7]", true},
                 {"2001:db8::8", false},
                 {"", false},
                 {"box.example.com.evil", false}};
    struct buf cert, key;
    struct x509 *x;
    struct err err;

    (void)state;
    made(&cert, &key);
    assert_int_equal(x509_open(&x, &cert, "it", &err), 0);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (x509_names(x, hosts[i].host) != hosts[i].good)
            fail_msg("%s", hosts[i].host);
    x509_free(x);
    buf_free(&cert);
    buf_free(&key);
}

static void what_is_no_name_makes_none(void **state)
{
    static const char *const bad[] = {"a b", "a,DNS:b", "", "a\nb", "a:b"};
    struct buf cert, key;
    struct err err;

    (void)state;
    buf_init(&cert, 1u << 16);
    buf_init(&key, 1u << 16);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(x509_self_signed(&bad[i], 1, 1, &cert, &key, &err), -1);
        assert_string_equal(err.field, "name");
    }
    assert_int_equal(cert.len + key.len, 0);
}

/* Cut anywhere, or with any byte changed, it is an error or another certificate, never a crash. */
static void damage(void **state)
{
    struct buf cert, key, piece;
    struct x509_facts f;
    struct x509 *x;
    struct err err;

    (void)state;
    made(&cert, &key);
    buf_init(&piece, 1u << 16);
    for (size_t i = 0; i < cert.len; i++) {
        buf_reset(&piece);
        assert_int_equal(buf_add(&piece, cert.data, cert.len), 0);
        piece.data[i] = (char)(piece.data[i] ^ 2);
        if (i % 2 == 0)
            piece.len = i;
        if (x509_open(&x, &piece, "a piece", &err) == -1)
            continue;
        x509_tell(x, &f);
        (void)x509_usable(x, clock_wall_ms(), "a piece", &err);
        (void)x509_key(x, &key, "its key", &err);
        (void)x509_names(x, "box.example.com");
        x509_free(x);
    }
    buf_free(&piece);
    buf_free(&cert);
    buf_free(&key);
}

static void keys(void **state)
{
    struct buf cert, key, other, text;
    struct x509 *x;
    struct err err;

    (void)state;
    made(&cert, &other);
    buf_free(&cert);
    made(&cert, &key);
    buf_init(&text, 1u << 16);
    assert_int_equal(x509_open(&x, &cert, "it", &err), 0);
    assert_int_equal(x509_key(x, &other, "another", &err), -1);
    assert_string_equal(err.code, "key_foreign");
    assert_int_equal(x509_key(x, &cert, "no key", &err), -1);
    assert_string_equal(err.code, "key_unreadable");
    assert_int_equal(buf_add(&cert, key.data, key.len), 0);
    assert_int_equal(x509_key_text(&cert, &text, &err), 0); /* out of a file that holds both */
    assert_int_equal(x509_key(x, &text, "it", &err), 0);
    x509_free(x);
    buf_free(&text);
    buf_free(&cert);
    buf_free(&key);
    buf_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_ones_own_is_whole),
        cmocka_unit_test(names_and_addresses),
        cmocka_unit_test(what_is_no_name_makes_none),
        cmocka_unit_test(damage),
        cmocka_unit_test(keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
