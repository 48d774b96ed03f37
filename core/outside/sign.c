/*
 * The box's signing key. Apart from the vault's keys because it seals nothing: who has it can make
 * snapshots that pass for this box's, and read none.
 */
#include "sign.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "file.h"
#include "str.h"

#define PATH_MOST 512

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
    uint8_t public_key[32];

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
    return file_exists(public_path) ? 0 : write_hex(public_path, public_key, 32, 0444, err);
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
