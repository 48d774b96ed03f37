/* Secrets by name, sealed. Apart from settings because they are written by one program and
 * read by another, and never shown. */
#include "setting.h"

#include "str.h"

#include <string.h>

static const struct field rows[] = {
    FIELD(struct secret, name, FIELD_TEXT, .help = "as in cloudflare.token"),
    FIELD(struct secret, value, FIELD_SEALED, .help = "never shown"),
    FIELD(struct secret, updated_at, FIELD_TIME, .help = "set at"),
};

const struct table secret_table = {
    .name = "secrets",
    .noun = "secret",
    .id = 20,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct secret)},
    .key = {"name"},
    .feed = {.object = "secret"},
};

const struct secret_row *secret_row_find(const char *name)
{
    for (size_t i = 0; i < secret_row_count; i++)
        if (str_equal(secret_rows[i].name, name))
            return &secret_rows[i];
    return NULL;
}

/* Start a record of that name; its value stays empty. */
static int begin(struct secret *secret, const char *name, struct err *err)
{
    memset(secret, 0, sizeof *secret);
    if (name[0] == '\0' || str_copy(secret->name, sizeof secret->name, name) != 0)
        return err_field(err, "name", "secret_invalid", "\"%s\" cannot name a secret", name);
    return 0;
}

/* Return 1, 0 if nothing is set, or -1. */
static int find(struct txn *txn, const char *name, struct secret *secret, struct err *err)
{
    return begin(secret, name, err) != 0 ? -1 : record_get(txn, &secret_table, secret, err);
}

static int store(struct txn *txn, struct secret *secret, size_t len, struct err *err)
{
    if (len == 0)
        return record_delete(txn, &secret_table, secret, err) < 0 ? -1 : 0;
    secret->updated_at = txn_time_ms(txn);
    return record_put(txn, &secret_table, secret, err);
}

int secret_set(struct txn *txn, const struct vault *vault, const char *name, const void *value,
               size_t len, struct err *err)
{
    struct secret secret;

    if (begin(&secret, name, err) != 0)
        return -1;
    if (len > 0 &&
        vault_seal(vault, secret_table.name, name, "value", value, len, &secret.value, err) != 0)
        return -1;
    return store(txn, &secret, len, err);
}

int secret_get(struct txn *txn, const struct vault *vault, const char *name, struct buf *out,
               struct err *err)
{
    struct secret secret;
    int found = find(txn, name, &secret, err);

    if (found <= 0)
        return found;
    if (vault_open(vault, secret_table.name, name, "value", &secret.value, out, err) != 0)
        return -1;
    return 1;
}

int secret_exists(struct txn *txn, const char *name, struct err *err)
{
    struct secret secret;

    return find(txn, name, &secret, err);
}

int secret_set_web(struct txn *txn, const struct web_key *key, const char *name, const void *value,
                   size_t len, struct err *err)
{
    struct secret secret;

    if (begin(&secret, name, err) != 0)
        return -1;
    if (len > 0 &&
        web_key_seal(key, secret_table.name, name, "value", value, len, &secret.value, err) != 0)
        return -1;
    return store(txn, &secret, len, err);
}

int secret_get_web(struct txn *txn, const struct web_key *key, const char *name, struct buf *out,
                   struct err *err)
{
    struct secret secret;
    int found = find(txn, name, &secret, err);

    if (found <= 0)
        return found;
    if (web_key_open(key, secret_table.name, name, "value", &secret.value, out, err) != 0)
        return -1;
    return 1;
}
