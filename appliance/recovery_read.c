/*
 * Recovery secrets as files: read, and made without anybody looking. Apart from the dialogue, which
 * is a program of its own and draws pictures.
 */
#include "recovery.h"

#include <sodium.h>
#include <string.h>

#include "file.h"
#include "params.h"
#include "str.h"

#define TEXT_MAX 65536

static int read_text(const char *path, struct buf *out, struct err *err)
{
    char chunk[512];
    size_t n;

    if (!str_equal(path, "-"))
        return file_private(path, err) == -1 ? -1 : file_read(path, out, err);
    while ((n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
        (void)buf_add(out, chunk, n);
    sodium_memzero(chunk, sizeof chunk);
    return out->failed ? err_field(err, "recovery", "too_long", "that is no recovery secret") : 0;
}

int recovery_read(const char *path, uint8_t secret[32], struct err *err)
{
    struct recovery_found found = {.count = 0};
    struct buf text;
    int rc;

    buf_init(&text, TEXT_MAX);
    if ((rc = read_text(path, &text, err)) == 0)
        rc = recovery_take(buf_string(&text), &found, err);
    if (rc == 0 && !found.whole && found.count == 0)
        rc = err_field(err, "recovery", "no_recovery_secret",
                       "there is no recovery secret in %s: its line begins with SETT-RECOVERY-1",
                       str_equal(path, "-") ? "that" : path);
    if (rc == 0 && (rc = recovery_join(&found, err)) == 0)
        memcpy(secret, found.secret, 32);
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    sodium_memzero(&found, sizeof found);
    buf_free(&text);
    return rc;
}

int recovery_passphrase(const char *path, char *out, size_t size, struct err *err)
{
    struct buf text;
    int rc;

    buf_init(&text, TEXT_MAX);
    rc = read_text(path, &text, err);
    if (rc == 0 &&
        str_copy_n(out, size, buf_string(&text), strcspn(buf_string(&text), "\r\n")) == -1)
        rc = err_field(err, "passphrase-file", "passphrase", "a passphrase has at most %zu bytes",
                       size - 1);
    if (rc == 0 && out[0] == '\0')
        rc = err_field(err, "passphrase-file", "passphrase", "there is no passphrase in it");
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    buf_free(&text);
    return rc;
}

int recovery_call(struct cli *cli, const char *op, const char *const *words, struct err *err)
{
    union {
        char bytes[8192];
        uint64_t align;
    } params = {.bytes = {0}};
    struct op_call call = {.op = op_find(op), .params = params.bytes};
    struct json_out j;
    struct buf b;
    int rc = 0;

    buf_init(&b, 1u << 16);
    json_out_init(&j, &b);
    call.out = &j;
    if (call.op == NULL || call.op->params->struct_size > sizeof params)
        rc = err_set(err, ERR_INTERNAL, "no_operation", "operation %s is not known", op);
    for (; rc == 0 && *words != NULL; words += 2)
        rc = params_one(call.op->params, words[0], words[1], params.bytes, &call.given, err);
    if (rc == 0)
        rc = cli_call(cli, &call, err);
    buf_free(&b);
    return rc;
}

int recovery_keep(struct cli *cli, const char *name, const char *path, struct err *err)
{
    char text[IDENTITY_TEXT], key[IDENTITY_TEXT], file[2 * IDENTITY_TEXT];
    uint8_t secret[32], public_key[32];
    int rc;

    identity_new(secret, public_key);
    identity_secret_text(secret, text);
    identity_public_text(public_key, key);
    (void)str_format(file, sizeof file, "%s\n", text);
    /* The file first: a key whose secret nobody has would be worse than none. */
    rc = file_exists(path) ? err_set(err, ERR_CONFLICT, "file_there", "%s is there already", path)
                           : file_write(path, file, strlen(file), 0600, err);
    if (rc == 0)
        rc = recovery_call(cli, "recovery.add",
                           (const char *const[]){"name", name, "key", key, NULL}, err);
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(text, sizeof text);
    sodium_memzero(file, sizeof file);
    return rc;
}
