/*
 * Which driver a vault has. Apart so that a new kind is one row here and a file of its own.
 */
#include "vault_open.h"

#include <sodium.h>
#include <string.h>

#include "setting.h"
#include "str.h"

static int open_folder(struct place *place, const struct vault_place *record, const char *secret,
                       struct err *err)
{
    (void)secret;
    return place_folder(place, record->address, err);
}

static int (*const kinds[])(struct place *place, const struct vault_place *record,
                            const char *secret, struct err *err) = {
    [VAULT_FOLDER] = open_folder,
};

int vault_open_record(struct place *place, const struct vault_place *record, const char *secret,
                      struct err *err)
{
    if (record->kind >= sizeof kinds / sizeof kinds[0] || kinds[record->kind] == NULL)
        return err_set(err, ERR_INVALID, "vault_kind", "vault %s is of a kind that is not known",
                       record->name);
    return kinds[record->kind](place, record, secret, err);
}

int vault_open_id(const struct saga_context *context, const char *id, struct place *place,
                  struct err *err)
{
    struct vault_place record = {0};
    struct buf secret;
    struct txn *txn;
    char name[96];
    int found;

    buf_init(&secret, VAULT_SECRET_MAX);
    (void)str_copy(record.id, sizeof record.id, id);
    (void)str_format(name, sizeof name, "vault:%s", id);
    if (db_read(&txn, context->db, err) == -1)
        return -1;
    if ((found = record_get(txn, &vault_place_table, &record, err)) == 1 &&
        secret_get(txn, &context->vault, name, &secret, err) == -1)
        found = -1;
    db_read_end(txn);
    if (found == 0)
        (void)err_set(err, ERR_NOT_FOUND, "vault_not_found", "there is no vault %s", id);
    if (found == 1)
        found = vault_open_record(place, &record, buf_string(&secret), err) == 0 ? 1 : -1;
    if (secret.data != NULL)
        sodium_memzero(secret.data, secret.cap);
    buf_free(&secret);
    return found == 1 ? 0 : -1;
}
