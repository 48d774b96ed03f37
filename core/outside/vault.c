/* Sealed values. Apart so that one file decides which cipher, which keys and which place a secret
 * is bound to. A box is: kind (1 vault, 2 web key), then the sealed fresh key (80 bytes) or the
 * nonce (24 bytes), then the XChaCha20-Poly1305 ciphertext. */
#include "vault.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "enc.h"
#include "file.h"
#include "str.h"

#define KEY_BYTES       crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES     crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES       crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BOXED_KEY_BYTES (crypto_box_SEALBYTES + KEY_BYTES)
#define PLACE_MAX       512
#define FILE_PATH_MAX   512
#define FORMER          "vault.former"
#define NEXT            "vault.next"
#define WEB_FORMER      "web.former"
#define WEB_NEXT        "web.next"

enum { KIND_VAULT = 1, KIND_WEB = 2 };

_Static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32, "key sizes");
_Static_assert(KEY_BYTES == 32 && crypto_kdf_KEYBYTES == 32, "key sizes");

static int start(struct err *err)
{
    if (sodium_init() == -1)
        return err_set(err, ERR_INTERNAL, "sodium", "libsodium does not start");
    return 0;
}

/* ---- key files: 64 hex digits and a line end ---- */

static int key_path(char out[FILE_PATH_MAX], const char *folder, const char *name, struct err *err)
{
    if (str_format(out, FILE_PATH_MAX, "%s/%s", folder, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "the path is too long: %s/%s", folder,
                       name);
    return 0;
}

static int key_write(const char *path, const uint8_t key[32], mode_t mode, struct err *err)
{
    char text[66];
    int result;

    enc_hex(text, key, 32);
    text[64] = '\n';
    result = file_write(path, text, 65, mode, err);
    sodium_memzero(text, sizeof text);
    return result;
}

/* ${forbidden}: bits of the mode that a key of this kind may not have. */
static int key_read(const char *path, uint8_t key[32], mode_t forbidden, struct err *err)
{
    struct buf text;
    struct stat st;
    int result = -1;

    if (stat(path, &st) == 0 && (st.st_mode & forbidden) != 0) {
        (void)err_set(err, ERR_FORBIDDEN, "key_not_private",
                      "%s is open to more users than it may be (mode %04o)", path,
                      (unsigned)st.st_mode & 07777);
        return err_hint(err, "chmod %s %s, and think about who may have read it",
                        forbidden == 077 ? "400" : "440", path);
    }
    buf_init(&text, 128);
    if (file_read(path, &text, err) == 0) {
        if (text.len == 65 && text.data[64] == '\n')
            text.data[64] = '\0';
        if (enc_unhex(key, 32, buf_string(&text)) == -1)
            (void)err_set(err, ERR_CORRUPT, "key_damaged", "%s does not hold a key", path);
        else
            result = 0;
    }
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    buf_free(&text);
    return result;
}

int vault_create(const char *folder, struct err *err)
{
    char key[FILE_PATH_MAX], pub[FILE_PATH_MAX];
    uint8_t public_key[32], secret_key[32];
    int result;

    if (start(err) == -1 || key_path(key, folder, "vault.key", err) == -1 ||
        key_path(pub, folder, "vault.pub", err) == -1)
        return -1;
    if (file_exists(pub))
        return err_set(err, ERR_CONFLICT, "vault_exists", "%s already exists", pub);
    /* A key alone is what an interrupted creation leaves: complete it. */
    if (file_exists(key)) {
        if (key_read(key, secret_key, 077, err) == -1)
            return -1;
        (void)crypto_scalarmult_base(public_key, secret_key);
        result = 0;
    } else {
        (void)crypto_box_keypair(public_key, secret_key);
        result = key_write(key, secret_key, 0400, err);
    }
    if (result == 0)
        result = key_write(pub, public_key, 0444, err);
    sodium_memzero(secret_key, sizeof secret_key);
    return result;
}

int vault_load(struct vault *v, const char *folder, bool open, struct err *err)
{
    char path[FILE_PATH_MAX];
    uint8_t derived[32];

    memset(v, 0, sizeof *v);
    if (start(err) == -1 || key_path(path, folder, "vault.pub", err) == -1 ||
        key_read(path, v->public_key, 022, err) == -1)
        return -1;
    (void)str_copy(v->folder, sizeof v->folder, folder);
    if (!open)
        return 0;
    if (key_path(path, folder, "vault.key", err) == -1 ||
        key_read(path, v->secret_key, 077, err) == -1 || key_path(path, folder, FORMER, err) == -1)
        return -1;
    if (file_exists(path)) {
        if (key_read(path, v->former, 077, err) == -1)
            return -1;
        v->has_former = true;
    }
    (void)crypto_scalarmult_base(derived, v->secret_key);
    /* While one takes the other's place, the public half is the last to follow. */
    if (sodium_memcmp(derived, v->public_key, sizeof derived) != 0 && !v->has_former) {
        sodium_memzero(v->secret_key, sizeof v->secret_key);
        return err_set(err, ERR_CORRUPT, "vault_mismatch",
                       "vault.key and vault.pub in %s do not belong together", folder);
    }
    memcpy(v->public_key, derived, sizeof derived);
    v->can_open = true;
    return 0;
}

/* ---- boxes ---- */

/* The associated data: kind and the three names, each with its length, so that no two places give
 * the same bytes. */
static int place(uint8_t out[PLACE_MAX], uint8_t kind, const char *table, const char *key,
                 const char *field, size_t *len, struct err *err)
{
    const char *const names[] = {table, key, field};
    size_t at = 0;

    *len = 0;
    out[at++] = kind;
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(names[i]);
        if (n + 2 > PLACE_MAX - at)
            return err_set(err, ERR_INVALID, "seal_place", "the place of a secret is too long");
        enc_put16(out + at, (uint16_t)n);
        memcpy(out + at + 2, names[i], n);
        at += 2 + n;
    }
    *len = at;
    return 0;
}

static int too_long(size_t head, size_t len, struct err *err)
{
    if (len > SEALED_MAX - head - TAG_BYTES)
        return err_set(err, ERR_TOO_LARGE, "secret_too_long",
                       "a secret of %zu bytes is too long (limit %zu)", len,
                       (size_t)SEALED_MAX - head - TAG_BYTES);
    return 0;
}

static int damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "seal_broken",
                   "a sealed value was changed, or was not sealed for this place");
}

/* Decrypt what stands behind ${head} bytes of the box. */
static int open_box(const struct sealed *in, size_t head, const uint8_t *nonce, const uint8_t *key,
                    const uint8_t *ad, size_t ad_len, struct buf *out, struct err *err)
{
    size_t plain = in->len - head - TAG_BYTES;
    uint8_t *to = (uint8_t *)buf_reserve(out, plain);

    if (to == NULL)
        return err_set(err, ERR_TOO_LARGE, "secret_too_long",
                       "an opened secret does not fit where it is wanted");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(to, NULL, NULL, in->data + head, in->len - head,
                                                   ad, ad_len, nonce, key) != 0)
        return damaged(err);
    out->len += plain;
    out->data[out->len] = '\0';
    return 0;
}

/* The fresh key is used once, so its nonce is constant. */
static const uint8_t no_nonce[NONCE_BYTES];

int vault_seal(const struct vault *v, const char *table, const char *key, const char *field,
               const void *data, size_t len, struct sealed *out, struct err *err)
{
    const size_t head = 1 + BOXED_KEY_BYTES;
    uint8_t ad[PLACE_MAX], fresh[KEY_BYTES], to[32];
    char path[FILE_PATH_MAX];
    unsigned long long sealed_len;
    size_t ad_len;

    memset(out, 0, sizeof *out);
    if (start(err) == -1 || too_long(head, len, err) == -1 ||
        place(ad, KIND_VAULT, table, key, field, &ad_len, err) == -1 ||
        key_path(path, v->folder, "vault.pub", err) == -1)
        return -1;
    memcpy(to, v->public_key, sizeof to);
    if (v->folder[0] != '\0' && key_read(path, to, 022, err) == -1)
        return -1;
    randombytes_buf(fresh, sizeof fresh);
    out->data[0] = KIND_VAULT;
    if (crypto_box_seal(out->data + 1, fresh, sizeof fresh, to) != 0) {
        sodium_memzero(fresh, sizeof fresh);
        return err_set(err, ERR_CORRUPT, "vault_key", "the vault's public key is not one");
    }
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out->data + head, &sealed_len, data, len, ad,
                                                     ad_len, NULL, no_nonce, fresh);
    sodium_memzero(fresh, sizeof fresh);
    out->len = (uint16_t)(head + sealed_len);
    return 0;
}

static bool unbox(const uint8_t secret_key[32], const struct sealed *in, uint8_t fresh[KEY_BYTES])
{
    uint8_t public_key[32];

    (void)crypto_scalarmult_base(public_key, secret_key);
    return crypto_box_seal_open(fresh, in->data + 1, BOXED_KEY_BYTES, public_key, secret_key) == 0;
}

/* The key of one value, by the present key, the one before it, or those that have come since. */
static bool unwrap(const struct vault *v, const struct sealed *in, uint8_t fresh[KEY_BYTES])
{
    struct vault now;
    struct err ignored;
    bool open = unbox(v->secret_key, in, fresh) || (v->has_former && unbox(v->former, in, fresh));

    if (!open && v->folder[0] != '\0' && vault_load(&now, v->folder, true, &ignored) == 0)
        open = unbox(now.secret_key, in, fresh) || (now.has_former && unbox(now.former, in, fresh));
    sodium_memzero(&now, sizeof now);
    return open;
}

int vault_open(const struct vault *v, const char *table, const char *key, const char *field,
               const struct sealed *in, struct buf *out, struct err *err)
{
    const size_t head = 1 + BOXED_KEY_BYTES;
    uint8_t ad[PLACE_MAX], fresh[KEY_BYTES];
    size_t ad_len;
    int result;

    if (!v->can_open)
        return err_set(err, ERR_FORBIDDEN, "vault_closed",
                       "this program has no key to open secrets with");
    if (in->len > SEALED_MAX || in->len < head + TAG_BYTES || in->data[0] != KIND_VAULT)
        return damaged(err);
    if (place(ad, KIND_VAULT, table, key, field, &ad_len, err) == -1)
        return -1;
    if (!unwrap(v, in, fresh))
        return damaged(err);
    result = open_box(in, head, no_nonce, fresh, ad, ad_len, out, err);
    sodium_memzero(fresh, sizeof fresh);
    return result;
}

/* ---- rotation ---- */

int vault_public(const char *folder, char out[65], struct err *err)
{
    struct vault v;

    if (vault_load(&v, folder, false, err) == -1)
        return -1;
    enc_hex(out, v.public_key, sizeof v.public_key);
    return 0;
}

/* The public half of the secret key in the file, in hex. */
static int present(const char *path, char out[65], struct err *err)
{
    uint8_t key[32], public_key[32];
    int rc = key_read(path, key, 077, err);

    if (rc == 0)
        (void)crypto_scalarmult_base(public_key, key);
    sodium_memzero(key, sizeof key);
    enc_hex(out, public_key, sizeof public_key);
    return rc;
}

static int copy_key(const char *from, const char *to, struct err *err)
{
    uint8_t key[32];
    int rc = key_read(from, key, 077, err);

    if (rc == 0)
        rc = key_write(to, key, 0400, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

int vault_rotate(const char *folder, const char *before, struct err *err)
{
    char key[FILE_PATH_MAX], former[FILE_PATH_MAX], next[FILE_PATH_MAX], pub[FILE_PATH_MAX];
    uint8_t secret_key[32], public_key[32];
    char here[65];
    int rc = 0;

    if (start(err) == -1 || key_path(key, folder, "vault.key", err) == -1 ||
        key_path(former, folder, FORMER, err) == -1 || key_path(next, folder, NEXT, err) == -1 ||
        key_path(pub, folder, "vault.pub", err) == -1 || present(key, here, err) == -1)
        return -1;
    /* The former key is there before the present one goes: at no moment is one missing. */
    if (str_equal(here, before)) {
        (void)crypto_box_keypair(public_key, secret_key);
        rc = key_write(next, secret_key, 0400, err);
        sodium_memzero(secret_key, sizeof secret_key);
        if (rc == -1 || copy_key(key, former, err) == -1)
            return -1;
        CP("keys.former");
        if (rename(next, key) == -1)
            return err_sys(err, "vault_key", errno, key);
        CP("keys.vault");
    }
    if (file_sync_folder(folder, err) == -1 || key_read(key, secret_key, 077, err) == -1)
        return -1;
    (void)crypto_scalarmult_base(public_key, secret_key);
    sodium_memzero(secret_key, sizeof secret_key);
    return key_write(pub, public_key, 0444, err);
}

int vault_rewrap(const struct vault *v, struct sealed *sealed, struct err *err)
{
    uint8_t fresh[KEY_BYTES];

    if (sealed->len == 0 || sealed->data[0] != KIND_VAULT)
        return 0;
    if (sealed->len < 1 + BOXED_KEY_BYTES)
        return damaged(err);
    if (unbox(v->secret_key, sealed, fresh)) {
        sodium_memzero(fresh, sizeof fresh);
        return 0;
    }
    if (!v->has_former || !unbox(v->former, sealed, fresh))
        return damaged(err);
    (void)crypto_box_seal(sealed->data + 1, fresh, sizeof fresh, v->public_key);
    sodium_memzero(fresh, sizeof fresh);
    return 1;
}

int vault_forget(const char *folder, struct err *err)
{
    char former[FILE_PATH_MAX];

    if (key_path(former, folder, FORMER, err) == -1)
        return -1;
    if (unlink(former) == -1 && errno != ENOENT)
        return err_sys(err, "vault_former", errno, former);
    return file_sync_folder(folder, err);
}

/* ---- web.key ---- */

int web_key_create(const char *folder, struct err *err)
{
    char path[FILE_PATH_MAX];
    uint8_t key[32];
    int result;

    if (start(err) == -1 || key_path(path, folder, "web.key", err) == -1)
        return -1;
    if (file_exists(path))
        return err_set(err, ERR_CONFLICT, "web_key_exists", "%s already exists", path);
    crypto_kdf_keygen(key);
    result = key_write(path, key, 0440, err);
    sodium_memzero(key, sizeof key);
    return result;
}

static void derive(struct web_key *k, const uint8_t key[32])
{
    (void)crypto_kdf_derive_from_key(k->csrf, sizeof k->csrf, 1, "sett-web", key);
    (void)crypto_kdf_derive_from_key(k->token, sizeof k->token, 2, "sett-web", key);
    (void)crypto_kdf_derive_from_key(k->seal, sizeof k->seal, 3, "sett-web", key);
}

int web_key_load(struct web_key *k, const char *folder, struct err *err)
{
    char path[FILE_PATH_MAX], former[FILE_PATH_MAX];
    struct stat st;
    uint8_t key[32];

    memset(k, 0, sizeof *k);
    if (start(err) == -1 || key_path(path, folder, "web.key", err) == -1 ||
        key_path(former, folder, WEB_FORMER, err) == -1 || key_read(path, key, 027, err) == -1)
        return -1;
    derive(k, key);
    sodium_memzero(key, sizeof key);
    (void)str_copy(k->folder, sizeof k->folder, folder);
    if (stat(former, &st) == 0) {
        if (key_read(former, k->former, 027, err) == -1)
            return -1;
        k->has_former = true;
        k->former_until_ms = (int64_t)st.st_mtim.tv_sec * 1000 + WEB_KEY_HONOURED_MS;
    }
    return 0;
}

bool web_key_former(const struct web_key *k, struct web_key *out)
{
    char path[FILE_PATH_MAX];

    /* It may have been given up since this one was loaded. */
    if (!k->has_former || clock_wall_ms() > k->former_until_ms ||
        key_path(path, k->folder, WEB_FORMER, NULL) == -1 || !file_exists(path))
        return false;
    memset(out, 0, sizeof *out);
    derive(out, k->former);
    return true;
}

int web_key_mark(const char *folder, char out[17], struct err *err)
{
    char path[FILE_PATH_MAX];
    uint8_t key[32], digest[32];
    int rc = key_path(path, folder, "web.key", err) == -1 ? -1 : key_read(path, key, 027, err);

    if (rc == 0) {
        (void)crypto_generichash(digest, sizeof digest, key, sizeof key,
                                 (const uint8_t *)"which web.key", 13);
        enc_hex(out, digest, 8);
    }
    sodium_memzero(key, sizeof key);
    return rc;
}

int web_key_rotate(const char *folder, const char *before, struct err *err)
{
    char path[FILE_PATH_MAX], former[FILE_PATH_MAX], next[FILE_PATH_MAX], here[17];
    uint8_t key[32];
    int rc;

    if (start(err) == -1 || key_path(path, folder, "web.key", err) == -1 ||
        key_path(former, folder, WEB_FORMER, err) == -1 ||
        key_path(next, folder, WEB_NEXT, err) == -1 || web_key_mark(folder, here, err) == -1)
        return -1;
    if (!str_equal(here, before))
        return file_sync_folder(folder, err);
    crypto_kdf_keygen(key);
    rc = key_write(next, key, 0440, err);
    /* The former key is there before the present one goes: at no moment is one missing. */
    if (rc == 0)
        rc = key_read(path, key, 027, err);
    if (rc == 0)
        rc = key_write(former, key, 0440, err);
    sodium_memzero(key, sizeof key);
    CP("keys.former");
    if (rc == 0 && rename(next, path) == -1)
        rc = err_sys(err, "web_key", errno, path);
    CP("keys.web");
    return rc == -1 ? -1 : file_sync_folder(folder, err);
}

int web_key_forget(const char *folder, bool at_once, struct err *err)
{
    char former[FILE_PATH_MAX];
    struct stat st;

    if (key_path(former, folder, WEB_FORMER, err) == -1)
        return -1;
    if (stat(former, &st) == -1)
        return 0;
    if (!at_once && (int64_t)st.st_mtim.tv_sec * 1000 + WEB_KEY_HONOURED_MS > clock_wall_ms())
        return 0;
    if (unlink(former) == -1 && errno != ENOENT)
        return err_sys(err, "web_former", errno, former);
    return file_sync_folder(folder, err);
}

int web_key_seal(const struct web_key *k, const char *table, const char *key, const char *field,
                 const void *data, size_t len, struct sealed *out, struct err *err)
{
    const size_t head = 1 + NONCE_BYTES;
    uint8_t ad[PLACE_MAX];
    unsigned long long sealed_len;
    struct web_key now = *k;
    size_t ad_len;

    memset(out, 0, sizeof *out);
    if (start(err) == -1 || too_long(head, len, err) == -1 ||
        place(ad, KIND_WEB, table, key, field, &ad_len, err) == -1 ||
        (k->folder[0] != '\0' && web_key_load(&now, k->folder, err) == -1))
        return -1;
    out->data[0] = KIND_WEB;
    randombytes_buf(out->data + 1, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out->data + head, &sealed_len, data, len, ad,
                                                     ad_len, NULL, out->data + 1, now.seal);
    sodium_memzero(&now, sizeof now);
    out->len = (uint16_t)(head + sealed_len);
    return 0;
}

/* By the present key, or by the one before it: 1 or 2, or -1. */
static int open_web(const struct web_key *k, const struct sealed *in, const uint8_t *ad,
                    size_t ad_len, struct buf *out, struct err *err)
{
    const size_t head = 1 + NONCE_BYTES;
    struct web_key former = {.has_former = false};
    size_t before = out->len;
    int rc;

    if (open_box(in, head, in->data + 1, k->seal, ad, ad_len, out, err) == 0)
        return 1;
    if (!k->has_former || err->kind != ERR_CORRUPT)
        return -1;
    derive(&former, k->former);
    out->len = before;
    err_clear(err);
    rc = open_box(in, head, in->data + 1, former.seal, ad, ad_len, out, err);
    sodium_memzero(&former, sizeof former);
    return rc == 0 ? 2 : -1;
}

int web_key_open(const struct web_key *k, const char *table, const char *key, const char *field,
                 const struct sealed *in, struct buf *out, struct err *err)
{
    uint8_t ad[PLACE_MAX];
    struct web_key now;
    struct err why = {0};
    size_t ad_len, before = out->len;
    int got;

    if (in->len > SEALED_MAX || in->len < 1 + NONCE_BYTES + TAG_BYTES || in->data[0] != KIND_WEB)
        return damaged(err);
    if (place(ad, KIND_WEB, table, key, field, &ad_len, err) == -1)
        return -1;
    got = open_web(k, in, ad, ad_len, out, &why);
    if (got == -1 && why.kind == ERR_CORRUPT && k->folder[0] != '\0' &&
        web_key_load(&now, k->folder, &why) == 0) {
        out->len = before;
        got = open_web(&now, in, ad, ad_len, out, &why);
        sodium_memzero(&now, sizeof now);
    }
    if (got == -1 && err != NULL)
        *err = why;
    return got == -1 ? -1 : 0;
}

int web_key_reseal(const struct web_key *k, const char *table, const char *key, const char *field,
                   struct sealed *sealed, struct err *err)
{
    uint8_t ad[PLACE_MAX];
    struct buf plain;
    size_t ad_len;
    int got;

    if (sealed->len == 0 || sealed->data[0] != KIND_WEB)
        return 0;
    if (sealed->len < 1 + NONCE_BYTES + TAG_BYTES ||
        place(ad, KIND_WEB, table, key, field, &ad_len, err) == -1)
        return damaged(err);
    buf_init(&plain, SEALED_MAX);
    got = open_web(k, sealed, ad, ad_len, &plain, err);
    if (got == 2)
        got = web_key_seal(k, table, key, field, plain.data, plain.len, sealed, err) == -1 ? -1 : 2;
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return got == -1 ? -1 : got == 2;
}
