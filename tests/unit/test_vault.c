/* Sealed values open where they were sealed and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "str.h"
#include "vault.h"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-vault-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static unsigned mode_of(const char *name)
{
    char path[128];
    struct stat st;

    (void)str_format(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_files(void **state)
{
    char path[128];
    struct vault v;
    struct web_key w;
    struct err err;

    (void)state;
    assert_int_equal(vault_load(&v, folder, true, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(vault_create(folder, &err), 0);
    assert_int_equal(web_key_create(folder, &err), 0);
    assert_int_equal(mode_of("vault.key"), 0400);
    assert_int_equal(mode_of("vault.pub"), 0444);
    assert_int_equal(mode_of("web.key"), 0440);
    assert_int_equal(vault_create(folder, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(web_key_create(folder, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(vault_load(&v, folder, true, &err), 0);
    assert_true(v.can_open);
    assert_int_equal(web_key_load(&w, folder, &err), 0);
    assert_memory_not_equal(w.csrf, w.token, 32);
    assert_memory_not_equal(w.token, w.seal, 32);
    /* A creation that was interrupted is completed, with the same key. */
    (void)str_format(path, sizeof path, "%s/vault.pub", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vault_create(folder, &err), 0);
    struct vault again;
    assert_int_equal(vault_load(&again, folder, true, &err), 0);
    assert_memory_equal(again.public_key, v.public_key, 32);
    /* Keys that others may read are refused. */
    (void)str_format(path, sizeof path, "%s/vault.key", folder);
    assert_int_equal(chmod(path, 0440), 0);
    assert_int_equal(vault_load(&v, folder, true, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_int_equal(vault_load(&v, folder, false, &err), 0);
    assert_int_equal(chmod(path, 0400), 0);
    (void)str_format(path, sizeof path, "%s/web.key", folder);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(web_key_load(&w, folder, &err), -1);
    assert_int_equal(chmod(path, 0440), 0);
    /* Halves that do not belong together are noticed. */
    (void)str_format(path, sizeof path, "%s/vault.pub", folder);
    assert_int_equal(
        file_write(path, "0000000000000000000000000000000000000000000000000000000000000001\n", 65,
                   0444, &err),
        0);
    assert_int_equal(vault_load(&v, folder, true, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vault_create(folder, &err), 0);
}

typedef int seal_fn(const void *key, const char *t, const char *k, const char *f, const void *data,
                    size_t len, struct sealed *out, struct err *err);
typedef int open_fn(const void *key, const char *t, const char *k, const char *f,
                    const struct sealed *in, struct buf *out, struct err *err);

static int seal_vault(const void *key, const char *t, const char *k, const char *f,
                      const void *data, size_t len, struct sealed *out, struct err *err)
{
    return vault_seal(key, t, k, f, data, len, out, err);
}
static int open_vault(const void *key, const char *t, const char *k, const char *f,
                      const struct sealed *in, struct buf *out, struct err *err)
{
    return vault_open(key, t, k, f, in, out, err);
}
static int seal_web(const void *key, const char *t, const char *k, const char *f, const void *data,
                    size_t len, struct sealed *out, struct err *err)
{
    return web_key_seal(key, t, k, f, data, len, out, err);
}
static int open_web(const void *key, const char *t, const char *k, const char *f,
                    const struct sealed *in, struct buf *out, struct err *err)
{
    return web_key_open(key, t, k, f, in, out, err);
}

static void refused(open_fn *open, const void *key, const char *t, const char *k, const char *f,
                    const struct sealed *box)
{
    struct buf out;
    struct err err;

    buf_init(&out, 8192);
    assert_int_equal(open(key, t, k, f, box, &out, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void boxes(seal_fn *seal, open_fn *open, const void *key, const void *other)
{
    static const char secret[] = "cf-token-0123456789";
    static uint8_t large[SEALED_MAX];
    struct sealed box, twin, bad;
    struct buf out;
    struct err err;

    buf_init(&out, 8192);
    assert_int_equal(
        seal(key, "secret", "cloudflare.token", "value", secret, sizeof secret - 1, &box, &err), 0);
    assert_int_equal(open(key, "secret", "cloudflare.token", "value", &box, &out, &err), 0);
    assert_string_equal(buf_string(&out), secret);
    assert_null(memmem(box.data, box.len, secret, 8));
    assert_int_equal(
        seal(key, "secret", "cloudflare.token", "value", secret, sizeof secret - 1, &twin, &err),
        0);
    assert_memory_not_equal(box.data, twin.data, box.len);
    /* Another place, and places that would be the same bytes without lengths. */
    refused(open, key, "Secret", "cloudflare.token", "value", &box);
    refused(open, key, "secret", "cloudflare.token2", "value", &box);
    refused(open, key, "secret", "cloudflare.token", "valu", &box);
    refused(open, key, "secretc", "loudflare.token", "value", &box);
    refused(open, key, "secret", "cloudflare.tokenvalue", "", &box);
    refused(open, other, "secret", "cloudflare.token", "value", &box);
    for (size_t bit = 0; bit < (size_t)box.len * 8; bit++) {
        bad = box;
        bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused(open, key, "secret", "cloudflare.token", "value", &bad);
    }
    for (uint16_t len = 0; len < box.len; len++) {
        bad = box;
        bad.len = len;
        refused(open, key, "secret", "cloudflare.token", "value", &bad);
    }
    bad = box;
    bad.len = (uint16_t)(box.len + 1);
    refused(open, key, "secret", "cloudflare.token", "value", &bad);
    bad.len = UINT16_MAX;
    refused(open, key, "secret", "cloudflare.token", "value", &bad);
    assert_int_equal(seal(key, "t", "k", "f", large, sizeof large, &box, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    assert_int_equal(seal(key, "t", "k", "f", "", 0, &box, &err), 0);
    buf_reset(&out);
    assert_int_equal(open(key, "t", "k", "f", &box, &out, &err), 0);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void test_vault(void **state)
{
    struct vault v, other, half;
    struct sealed box;
    struct buf out;
    struct err err;
    char there[96];

    (void)state;
    (void)str_format(there, sizeof there, "%s/other", folder);
    assert_int_equal(file_mkdirs(there, 0700, &err), 0);
    assert_int_equal(vault_create(there, &err), 0);
    assert_int_equal(vault_load(&other, there, true, &err), 0);
    assert_int_equal(vault_load(&v, folder, true, &err), 0);
    boxes(seal_vault, open_vault, &v, &other);
    /* The public half seals and never opens. */
    assert_int_equal(vault_load(&half, folder, false, &err), 0);
    assert_int_equal(vault_seal(&half, "t", "k", "f", "x", 1, &box, &err), 0);
    buf_init(&out, 64);
    assert_int_equal(vault_open(&half, "t", "k", "f", &box, &out, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_int_equal(vault_open(&v, "t", "k", "f", &box, &out, &err), 0);
    assert_string_equal(buf_string(&out), "x");
    buf_free(&out);
}

static void test_web(void **state)
{
    struct web_key k, other;
    struct vault v;
    struct sealed box;
    struct err err;

    (void)state;
    assert_int_equal(web_key_load(&k, folder, &err), 0);
    other = k;
    other.seal[0] ^= 1;
    other.folder[0] = '\0'; /* or the right one would be found there */
    boxes(seal_web, open_web, &k, &other);
    /* A box of one kind is none of the other. */
    assert_int_equal(vault_load(&v, folder, true, &err), 0);
    assert_int_equal(web_key_seal(&k, "t", "k", "f", "x", 1, &box, &err), 0);
    refused(open_vault, &v, "t", "k", "f", &box);
}

/* A program that loaded the keys before knows those of after, and seals to them. */
static void test_rotate(void **state)
{
    struct vault old, now;
    struct sealed before, after, broken;
    char public_key[65];
    struct err err;
    struct buf out;

    (void)state;
    assert_int_equal(vault_load(&old, folder, true, &err), 0);
    assert_int_equal(vault_seal(&old, "t", "k", "f", "before", 6, &before, &err), 0);
    assert_int_equal(vault_public(folder, public_key, &err), 0);
    assert_int_equal(vault_rotate(folder, public_key, &err), 0);
    assert_int_equal(vault_rotate(folder, public_key, &err), 0);
    assert_int_equal(vault_load(&now, folder, true, &err), 0);
    assert_memory_not_equal(now.public_key, old.public_key, 32);
    assert_memory_equal(now.former, old.secret_key, 32);
    assert_int_equal(vault_seal(&old, "t", "k", "f", "after", 5, &after, &err), 0);
    buf_init(&out, 100);
    assert_int_equal(vault_open(&old, "t", "k", "f", &after, &out, &err), 0);
    assert_string_equal(buf_string(&out), "after");
    assert_int_equal(vault_open(&now, "t", "k", "f", &before, &out, &err), 0);
    assert_string_equal(buf_string(&out), "afterbefore");
    assert_int_equal(vault_rewrap(&now, &after, &err), 0);
    assert_int_equal(vault_rewrap(&now, &before, &err), 1);
    assert_int_equal(vault_rewrap(&now, &before, &err), 0);
    broken = before;
    broken.data[40] ^= 1;
    assert_int_equal(vault_rewrap(&now, &broken, &err), -1);
    assert_int_equal(vault_forget(folder, &err), 0);
    assert_int_equal(vault_forget(folder, &err), 0);
    assert_int_equal(vault_load(&now, folder, true, &err), 0);
    assert_false(now.has_former);
    assert_int_equal(vault_open(&now, "t", "k", "f", &before, &out, &err), 0);
    buf_free(&out);
}

/* What the key before has sealed opens, until it is forgotten; what it signed is honoured as long.
 */
static void test_rotate_web(void **state)
{
    struct web_key old, now, former;
    struct sealed before, after, broken;
    char mark[17], next[17];
    struct err err;
    struct buf out;

    (void)state;
    assert_int_equal(web_key_load(&old, folder, &err), 0);
    assert_int_equal(web_key_seal(&old, "t", "k", "f", "before", 6, &before, &err), 0);
    assert_int_equal(web_key_mark(folder, mark, &err), 0);
    assert_int_equal(web_key_rotate(folder, mark, &err), 0);
    assert_int_equal(web_key_rotate(folder, mark, &err), 0); /* done stays done */
    assert_int_equal(web_key_mark(folder, next, &err), 0);
    assert_string_not_equal(mark, next);
    assert_int_equal(web_key_load(&now, folder, &err), 0);
    assert_memory_not_equal(now.token, old.token, 32);
    assert_true(web_key_former(&now, &former));
    assert_memory_equal(former.token, old.token, 32);
    assert_memory_equal(former.csrf, old.csrf, 32);
    assert_int_equal(web_key_seal(&old, "t", "k", "f", "after", 5, &after, &err), 0);
    buf_init(&out, 100);
    assert_int_equal(web_key_open(&old, "t", "k", "f", &after, &out, &err), 0);
    assert_int_equal(web_key_open(&now, "t", "k", "f", &before, &out, &err), 0);
    assert_string_equal(buf_string(&out), "afterbefore");
    assert_int_equal(web_key_reseal(&now, "t", "k", "f", &after, &err), 0);
    assert_int_equal(web_key_reseal(&now, "t", "k", "f", &before, &err), 1);
    assert_int_equal(web_key_reseal(&now, "t", "k", "f", &before, &err), 0);
    broken = before;
    broken.data[40] ^= 1;
    assert_int_equal(web_key_reseal(&now, "t", "k", "f", &broken, &err), -1);
    assert_int_equal(web_key_forget(folder, false, &err), 0);
    assert_true(web_key_former(&now, &former)); /* it is honoured yet */
    assert_int_equal(web_key_forget(folder, true, &err), 0);
    assert_false(web_key_former(&now, &former));
    assert_int_equal(web_key_load(&now, folder, &err), 0);
    assert_false(now.has_former);
    assert_int_equal(web_key_open(&now, "t", "k", "f", &before, &out, &err), 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_vault),
                                       cmocka_unit_test(test_web), cmocka_unit_test(test_rotate),
                                       cmocka_unit_test(test_rotate_web)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
