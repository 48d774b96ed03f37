/*
 * The box's signing key. Apart from the vault's keys because it seals nothing: who has it can make
 * snapshots that pass for this box's, and read none.
 */
#include "sign.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crash.h"
#include "enc.h"
#include "file.h"
#include "str.h"
#include "succession.h"

#define PATH_MOST 512
#define NEXT      "sign.next"

static int write_hex(const char *path, const uint8_t *data, size_t len, mode_t mode,
                     struct err *err)
{
    char text[2 * 64 + 2];
    int rc;

    enc_hex(text, data, len);
    (void)str_copy(text + 2 * len, 2, "\n");
    rc = file_write(path, text, 2 * len + 1, mode, err);
    sodium_memzero(text, sizeof text);
    return rc;
}

static int read_hex(const char *path, uint8_t *data, size_t len, struct err *err)
{
    struct buf text;
    int rc;

    buf_init(&text, 256);
    rc = file_read(path, &text, err);
    if (rc == 0 && (text.data == NULL || enc_unhex(data, len, str_trim(text.data)) == -1))
        rc = err_set(err, ERR_CORRUPT, "sign_key", "%s is not a key", path);
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    buf_free(&text);
    return rc;
}

int sign_key_load(const char *folder, uint8_t key[64], struct err *err)
{
    char path[PATH_MOST], public_path[PATH_MOST];
    uint8_t public_key[32], there[32];

    if (str_format(path, sizeof path, "%s/sign.key", folder) == -1 ||
        str_format(public_path, sizeof public_path, "%s/sign.pub", folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if (!file_exists(path)) {
        (void)crypto_sign_keypair(public_key, key);
        if (write_hex(path, key, 64, 0400, err) == -1)
            return -1;
    } else if (read_hex(path, key, 64, err) == -1 || file_private(path, err) == -1) {
        return -1;
    }
    /* The one that was cut short between the two files is finished here. */
    (void)crypto_sign_ed25519_sk_to_pk(public_key, key);
    return file_exists(public_path) && read_hex(public_path, there, 32, err) == 0 &&
                   memcmp(there, public_key, 32) == 0
               ? 0
               : write_hex(public_path, public_key, 32, 0444, err);
}

/* The key that is to be next: made once. */
static int next_key(const char *folder, uint8_t key[64], struct err *err)
{
    uint8_t public_key[32];
    char path[PATH_MOST];

    if (str_format(path, sizeof path, "%s/" NEXT, folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if (file_exists(path))
        return read_hex(path, key, 64, err);
    (void)crypto_sign_keypair(public_key, key);
    return write_hex(path, key, 64, 0400, err);
}

/* From ${key} to ${next}: the line first, so that no snapshot is signed by a key that nothing leads
 * to. */
static int exchange(const char *folder, const uint8_t key[64], const uint8_t next[64], bool vouch,
                    int64_t at, struct err *err)
{
    struct succession line;
    struct succession_link link = {.at = at};
    char from[PATH_MOST], to[PATH_MOST];

    (void)crypto_sign_ed25519_sk_to_pk(link.before, key);
    (void)crypto_sign_ed25519_sk_to_pk(link.after, next);
    if (succession_load(folder, &line, err) == -1)
        return -1;
    if (line.count == 0 ||
        memcmp(line.links[line.count - 1].after, link.after, sizeof link.after) != 0) {
        if (vouch)
            succession_vouch(&link, key);
        succession_add(&line, &link);
        if (succession_save(folder, &line, err) == -1)
            return -1;
    }
    CP("keys.line");
    (void)str_format(from, sizeof from, "%s/" NEXT, folder);
    (void)str_format(to, sizeof to, "%s/sign.key", folder);
    if (rename(from, to) == -1)
        return err_sys(err, "sign_key", errno, to);
    CP("keys.signing");
    return file_sync_folder(folder, err);
}

int sign_rotate(const char *folder, const char *before, bool vouch, int64_t at,
                char after[SIGN_TEXT], struct err *err)
{
    uint8_t key[64], next[64], public_key[32];
    char present[SIGN_TEXT];
    int rc = sign_key_load(folder, key, err);

    if (rc == 0) {
        (void)crypto_sign_ed25519_sk_to_pk(public_key, key);
        enc_hex(present, public_key, sizeof public_key);
        if (str_equal(present, before) && (rc = next_key(folder, next, err)) == 0 &&
            (rc = exchange(folder, key, next, vouch, at, err)) == 0)
            rc = sign_key_load(folder, key, err); /* writes its public half */
    }
    if (rc == 0) {
        (void)crypto_sign_ed25519_sk_to_pk(public_key, key);
        enc_hex(after, public_key, sizeof public_key);
    }
    sodium_memzero(key, sizeof key);
    sodium_memzero(next, sizeof next);
    return rc;
}

int sign_public_load(const char *folder, char out[SIGN_TEXT], struct err *err)
{
    char path[PATH_MOST];
    uint8_t key[32];

    if (str_format(path, sizeof path, "%s/sign.pub", folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if (!file_exists(path))
        return err_set(err, ERR_NOT_FOUND, "sign_key_missing", "this box has no signing key yet");
    if (read_hex(path, key, sizeof key, err) == -1)
        return -1;
    enc_hex(out, key, sizeof key);
    return 0;
}
