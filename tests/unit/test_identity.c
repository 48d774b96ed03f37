/* The recovery secret on paper: written, read, mistyped, divided. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "identity.h"
#include "str.h"

#define KNOWN_SECRET "SETT-RECOVERY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SE6QPJF"

static void test_text(void **state)
{
    uint8_t secret[32], public_key[32], back[32];
    char text[IDENTITY_TEXT], spaced[200] = "";
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        identity_new(secret, public_key);
        identity_secret_text(secret, text);
        assert_true(str_starts(text, "SETT-RECOVERY-1"));
        assert_int_equal(identity_secret_parse(text, back, &err), 0);
        assert_memory_equal(back, secret, 32);
        identity_public_text(public_key, text);
        assert_int_equal(identity_public_parse(text, back, &err), 0);
        assert_memory_equal(back, public_key, 32);
        assert_int_equal(identity_secret_parse(text, back, &err), -1);
    }
    /* As it is typed from paper: in groups, in small letters, with line breaks. */
    identity_secret_text(secret, text);
    for (size_t i = 0, at = 0; text[i] != '\0'; i++) {
        spaced[at++] = (char)(i % 2 == 0 && text[i] >= 'A' ? text[i] + 32 : text[i]);
        if (i % 5 == 4)
            spaced[at++] = i % 2 == 0 ? ' ' : '\n';
    }
    assert_int_equal(identity_secret_parse(spaced, back, &err), 0);
    assert_memory_equal(back, secret, 32);
}

/* The known answer of BIP 173's own arithmetic: bech32 of 32 zero bytes under our prefixes never
 * changes, or old papers would be worthless. */
static void test_known(void **state)
{
    uint8_t secret[32], back[32];
    char text[IDENTITY_TEXT];
    struct err err = {0};

    (void)state;
    for (unsigned i = 0; i < 32; i++)
        secret[i] = (uint8_t)i;
    identity_secret_text(secret, text);
    assert_string_equal(text, KNOWN_SECRET);
    assert_int_equal(identity_secret_parse(KNOWN_SECRET, back, &err), 0);
    assert_memory_equal(back, secret, 32);
}

static void test_mistyped(void **state)
{
    static const char letters[] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LBIO1";
    uint8_t secret[32], public_key[32], back[32];
    char text[IDENTITY_TEXT], wrong[IDENTITY_TEXT + 4];
    struct err err = {0};
    size_t len;

    (void)state;
    identity_new(secret, public_key);
    identity_secret_text(secret, text);
    len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        for (const char *c = letters; *c != '\0'; c++) {
            if (*c == text[i])
                continue;
            memcpy(wrong, text, len + 1);
            wrong[i] = *c;
            assert_int_equal(identity_secret_parse(wrong, back, &err), -1);
            assert_null(strstr(err.text, text + 20)); /* what was typed is not repeated */
        }
        if (i + 1 < len && text[i] != text[i + 1]) { /* two letters changed places */
            memcpy(wrong, text, len + 1);
            wrong[i] = text[i + 1];
            wrong[i + 1] = text[i];
            assert_int_equal(identity_secret_parse(wrong, back, &err), -1);
        }
        memcpy(wrong, text, len + 1);
        wrong[i] = '\0';
        assert_int_equal(identity_secret_parse(wrong, back, &err), -1);
    }
    assert_int_equal(identity_secret_parse("", back, &err), -1);
    (void)str_format(wrong, sizeof wrong, "%sq", text);
    assert_int_equal(identity_secret_parse(wrong, back, &err), -1);
}

static void test_shares(void **state)
{
    uint8_t secret[32], public_key[32], back[32];
    struct identity_share shares[IDENTITY_SHARES_MOST], some[IDENTITY_SHARES_MOST], other[3];
    char text[IDENTITY_TEXT];
    struct err err = {0};

    (void)state;
    identity_new(secret, public_key);
    assert_int_equal(identity_split(secret, 1, 3, shares, &err), -1);
    assert_int_equal(identity_split(secret, 4, 3, shares, &err), -1);
    assert_int_equal(identity_split(secret, 2, 17, shares, &err), -1);
    assert_int_equal(identity_split(secret, 3, 5, shares, &err), 0);
    /* Any three of five, in any order, through their text. */
    for (unsigned a = 0; a < 5; a++)
        for (unsigned b = 0; b < 5; b++)
            for (unsigned c = 0; c < 5; c++) {
                const unsigned pick[] = {a, b, c};
                int rc;

                for (unsigned i = 0; i < 3; i++) {
                    identity_share_text(&shares[pick[i]], text);
                    assert_true(str_starts(text, "SETT-SHARE-1"));
                    assert_int_equal(identity_share_parse(text, &some[i], &err), 0);
                }
                rc = identity_join(some, 3, back, &err);
                assert_int_equal(rc, a == b || b == c || a == c ? -1 : 0);
                if (rc == 0)
                    assert_memory_equal(back, secret, 32);
            }
    /* Two are too few, and all five are fine. */
    assert_int_equal(identity_join(shares, 2, back, &err), -1);
    assert_int_equal(identity_join(shares, 5, back, &err), 0);
    assert_memory_equal(back, secret, 32);
    /* Of two secrets. */
    assert_int_equal(identity_split(secret, 3, 3, other, &err), 0);
    some[0] = shares[0];
    some[1] = shares[1];
    some[2] = other[2];
    assert_int_equal(identity_join(some, 3, back, &err), -1);
    /* Two shares of a scheme of three, joined as if two were enough, are not the secret. */
    some[0].needed = some[1].needed = 2;
    assert_int_equal(identity_join(some, 2, back, &err), 0);
    assert_memory_not_equal(back, secret, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_known),
                                       cmocka_unit_test(test_mistyped),
                                       cmocka_unit_test(test_shares)};

    if (sodium_init() == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
