/* Names as people write them, and what they may not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "idn.h"
#include "public_suffix.h"

static void test_spellings(void **state)
{
    static const struct {
        const char *text, *ascii, *unicode;
    } rows[] = {
        {"mustermann.de", "mustermann.de", "mustermann.de"},
        {"  Mustermann.DE. ", "mustermann.de", "mustermann.de"},
        {"müller.de", "xn--mller-kva.de", "müller.de"},
        {"MÜLLER.de", "xn--mller-kva.de", "müller.de"},
        {"xn--mller-kva.de", "xn--mller-kva.de", "müller.de"},
        {"straße.de", "xn--strae-oqa.de", "straße.de"}, /* IDNA2008: not strasse.de */
        {"mu\xcc\x88ller.de", "xn--mller-kva.de", "müller.de"},
        {"日本語.jp", "xn--wgv71a119e.jp", "日本語.jp"},
        {"пример.рф", "xn--e1afmkfd.xn--p1ai", "пример.рф"},
        {"shop.mañana.es", "shop.xn--maana-pta.es", "shop.mañana.es"},
    };
    struct idn_name name;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (idn_read(rows[i].text, &name, &err) == -1)
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_string_equal(name.ascii, rows[i].ascii);
        assert_string_equal(name.unicode, rows[i].unicode);
        assert_false(name.lookalike);
    }
}

static void test_refused(void **state)
{
    static const char *const rows[] = {"",       "de",        "a..de",    ".de",     "http://a.de",
                                       "a.de/x", "a b.de",    "-a.de",    "a-.de",   "*.a.de",
                                       "a_b.de", "192.0.2.1", "a.de:443", "xn--.de", "xn--a.de",
                                       "☃.de",   "a\xff.de",  "ａ。.de.."};
    char longest[600], label[80];
    struct idn_name name;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (idn_read(rows[i], &name, &err) == 0)
            fail_msg("\"%s\" is taken as %s", rows[i], name.ascii);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.field, "name");
    }
    memset(label, 'a', 64);
    memcpy(label + 64, ".de", 4);
    assert_int_equal(idn_read(label, &name, &err), -1);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(idn_read(longest, &name, &err), -1);
}

static void test_scripts(void **state)
{
    static const char *const mixed[] = {"p\xd0\xb0ypal.com" /* Cyrillic a */, "αbc.com",
                                        "beispielя.de", "ひらаがな.jp"};
    static const char *const fine[] = {"東京tokyo.jp", "カタカナひらがな漢字.jp", "한국어abc.kr",
                                       "αβγ.gr", "пример123.ru"};
    struct idn_name name;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof mixed / sizeof mixed[0]; i++) {
        assert_int_equal(idn_read(mixed[i], &name, &err), -1);
        assert_string_equal(err.code, "domain_mixed_script");
    }
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        if (idn_read(fine[i], &name, &err) == -1)
            fail_msg("%s: %s", fine[i], err.text);
        assert_false(name.lookalike);
    }
    /* One script, and all of it reads as Latin. */
    assert_int_equal(idn_read("аррӏе.com", &name, &err), 0);
    assert_true(name.lookalike);
}

static void test_suffixes(void **state)
{
    static const struct {
        const char *name, *domain;
    } rows[] = {
        {"mustermann.de", "mustermann.de"},
        {"shop.mustermann.de", "mustermann.de"},
        {"a.co.uk", "a.co.uk"},
        {"x.y.a.co.uk", "a.co.uk"},
        {"www.acme.github.io", "acme.github.io"},
        {"shop.mustermann.test", "mustermann.test"},
        {"a.xn--p1ai", "a.xn--p1ai"},
    };
    static const char *const suffixes[] = {"co.uk", "github.io", "com.br", "de", "www.ck2.ck"};
    char domain[256];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (public_suffix_domain(rows[i].name, domain, sizeof domain, &err) == -1)
            fail_msg("%s: %s", rows[i].name, err.text);
        assert_string_equal(domain, rows[i].domain);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(public_suffix_domain(suffixes[i], domain, sizeof domain, &err), -1);
        assert_string_equal(err.code, "domain_public_suffix");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_suffixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
