/*
 * Secrets made once. Apart from the steps because a database's password and a tunnel's secret are
 * kept by the same rule: it is committed, sealed, before anything outside knows it.
 */
#include "secret_once.h"

#include <sodium.h>
#include <string.h>

#include "setting.h"
#include "str.h"

int secret_once_recall(struct txn *txn, const struct saga_context *context, const char *name,
                       const char *as, struct kv *secrets, struct err *err)
{
    char text[SECRET_ONCE_SIZE];
    struct buf plain;
    int found;

    buf_init(&plain, sizeof text - 1);
    found = secret_get(txn, &context->vault, name, &plain, err);
    if (found == 1 && (str_copy_n(text, sizeof text, plain.data, plain.len) == -1 ||
                       kv_set(secrets, as, text) == -1))
        found = err_set(err, ERR_CORRUPT, "secret_no_text", "the secret %s is not a text", name);
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    sodium_memzero(text, sizeof text);
    return found;
}

int secret_once_keep(struct txn *txn, const struct saga_context *context, const char *name,
                     const char *as, const char *text, struct kv *secrets, struct err *err)
{
    if (secret_set(txn, &context->vault, name, text, strlen(text), err) == -1)
        return -1;
    if (kv_set(secrets, as, text) == -1)
        return err_set(err, ERR_TOO_LARGE, "secrets_full", "the job's secrets are full");
    return 0;
}
