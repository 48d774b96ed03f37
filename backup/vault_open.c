/*
 * Which driver a vault has. Apart so that a new kind is one row here and a file of its own.
 */
#include "vault_open.h"

#include <sodium.h>
#include <string.h>

#include "place_s3.h"
#include "place_sftp.h"
#include "setting.h"
#include "str.h"

static int open_folder(struct place *place, const struct vault_place *record, const char *secret,
                       const char *ca_file, struct err *err)
{
    (void)secret, (void)ca_file;
    return place_folder(place, record->address, err);
}

static int open_s3(struct place *place, const struct vault_place *record, const char *secret,
                   const char *ca_file, struct err *err)
{
    struct place_s3_terms terms = {.ca_file = ca_file};

    return place_s3(place, record, secret, &terms, err);
}

static int open_sftp(struct place *place, const struct vault_place *record, const char *secret,
                     const char *ca_file, struct err *err)
{
    (void)ca_file;
    return place_sftp(place, record, secret, 0, err);
}

static int (*const kinds[])(struct place *place, const struct vault_place *record,
                            const char *secret, const char *ca_file, struct err *err) = {
    [VAULT_FOLDER] = open_folder,
    [VAULT_S3] = open_s3,
    [VAULT_SFTP] = open_sftp,
};

int vault_open_record(struct place *place, const struct vault_place *record, const char *secret,
                      const char *ca_file, struct err *err)
{
    if (record->kind >= sizeof kinds / sizeof kinds[0] || kinds[record->kind] == NULL)
        return err_set(err, ERR_INVALID, "vault_kind", "vault %s is of a kind that is not known",
                       record->name);
    return kinds[record->kind](place, record, secret, ca_file, err);
}

int vault_open_id(const struct saga_context *context, const char *id, struct place *place,
                  struct err *err)
{
    struct vault_place record = {0};
    struct buf secret;
    struct txn *txn;
    char name[96], ca_file[512] = "";
    int found;

    buf_init(&secret, VAULT_SECRET_MAX);
    (void)str_copy(record.id, sizeof record.id, id);
    (void)str_format(name, sizeof name, "vault:%s", id);
    if (db_read(&txn, context->db, err) == -1)
        return -1;
    if ((found = record_get(txn, &vault_place_table, &record, err)) == 1 &&
        secret_get(txn, &context->vault, name, &secret, err) == -1)
        found = -1;
    if (found == 1 &&
        setting_text(txn, &context->conf, "outside.ca_file", ca_file, sizeof ca_file, err) == -1)
        found = -1;
    if (found == 1 &&
        setting_text(txn, &context->conf, "outside.ca_file", ca_file, sizeof ca_file, err) == -1)
        found = -1;
    db_read_end(txn);
    if (found == 0)
        (void)err_set(err, ERR_NOT_FOUND, "vault_not_found", "there is no vault %s", id);
    if (found == 1)
        found = vault_open_record(place, &record, buf_string(&secret), ca_file, err) == 0 ? 1 : -1;
    if (secret.data != NULL)
        sodium_memzero(secret.data, secret.cap);
    buf_free(&secret);
    return found == 1 ? 0 : -1;
}
