/*
 * The line of signing keys: who leads to whom, on the disk and in a header, and what is not
 * believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>

#include "file.h"
#include "sign.h"
#include "succession.h"

#define KEYS 20

static uint8_t public_keys[KEYS][32], secret_keys[KEYS][64];

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        (void)crypto_sign_keypair(public_keys[i], secret_keys[i]);
    return sodium_init() == -1;
}

static struct succession_link link_of(int from, int to, bool vouch)
{
    struct succession_link link = {.at = 1000 + from};

    memcpy(link.before, public_keys[from], 32);
    memcpy(link.after, public_keys[to], 32);
    if (vouch)
        succession_vouch(&link, secret_keys[from]);
    return link;
}

static void test_leads(void **state)
{
    struct succession s = {.count = 0};
    struct succession_link link;

    (void)state;
    for (int i = 0; i < 4; i++) {
        link = link_of(i, i + 1, i != 1);
        succession_add(&s, &link);
    }
    assert_true(succession_leads(&s, public_keys[2], public_keys[4]));
    assert_true(succession_leads(&s, public_keys[0], public_keys[1]));
    assert_true(succession_leads(&s, public_keys[9], public_keys[9]));
    assert_false(succession_leads(&s, public_keys[0], public_keys[4])); /* 1 was given up as lost */
    assert_false(succession_leads(&s, public_keys[4], public_keys[2]));
    /* The oldest go. */
    for (int i = 4; i < KEYS - 1; i++) {
        link = link_of(i, i + 1, true);
        succession_add(&s, &link);
    }
    assert_int_equal(s.count, SUCCESSION_MOST);
    assert_true(
        succession_leads(&s, public_keys[KEYS - 1 - SUCCESSION_MOST], public_keys[KEYS - 1]));
}

static void test_header(void **state)
{
    struct succession_link link = link_of(0, 1, true), got;
    uint8_t data[SUCCESSION_LINK];

    (void)state;
    succession_put(&link, data);
    succession_take(data, &got);
    assert_true(got.vouched);
    assert_memory_equal(&got.after, public_keys[1], 32);
    for (size_t i = 0; i < sizeof data; i++) { /* any bit of it, and it is worth nothing */
        data[i] ^= 1;
        succession_take(data, &got);
        assert_false(got.vouched);
        data[i] ^= 1;
    }
}

static void test_disk(void **state)
{
    char folder[] = "/tmp/succession-XXXXXX", path[64], before[SIGN_TEXT], after[SIGN_TEXT];
    char again[SIGN_TEXT];
    uint8_t key[64], old[32], new_key[32];
    struct succession s;
    struct err err = {0};
    struct buf text;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(succession_load(folder, &s, &err), 0);
    assert_int_equal(s.count, 0);
    assert_int_equal(sign_key_load(folder, key, &err), 0);
    (void)crypto_sign_ed25519_sk_to_pk(old, key);
    assert_int_equal(sign_public_load(folder, before, &err), 0);
    assert_int_equal(sign_rotate(folder, before, true, 5, after, &err), 0);
    assert_string_not_equal(before, after);
    /* Asked again, nothing more is replaced. */
    assert_int_equal(sign_rotate(folder, before, true, 5, again, &err), 0);
    assert_string_equal(after, again);
    assert_int_equal(sign_key_load(folder, key, &err), 0);
    (void)crypto_sign_ed25519_sk_to_pk(new_key, key);
    assert_int_equal(succession_load(folder, &s, &err), 0);
    assert_int_equal(s.count, 1);
    assert_true(succession_leads(&s, old, new_key));
    /* A line that somebody wrote is none. */
    (void)snprintf(path, sizeof path, "%s/signers", folder);
    buf_init(&text, 1000);
    assert_int_equal(file_read(path, &text, &err), 0);
    text.data[3] = text.data[3] == 'a' ? 'b' : 'a';
    assert_int_equal(file_write(path, text.data, text.len, 0444, &err), 0);
    assert_int_equal(succession_load(folder, &s, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    buf_free(&text);
    assert_int_equal(file_remove_tree(folder, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leads),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_disk),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
