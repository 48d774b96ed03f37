/*
 * What a recovery secret that came with a request is good for: the file keys of one snapshot and of
 * what it builds on, and nothing else. They leave here sealed for the box's vault; the secret
 * itself is wiped when this returns, and was on no disk.
 */
#include "answer_restore.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "enc.h"
#include "json_out.h"
#include "kept.h"
#include "place.h"
#include "recovery_text.h"
#include "restore_record.h"
#include "seal.h"
#include "setting.h"
#include "str.h"
#include "vault_open.h"

struct opening {
    const struct saga_context *context;
    struct kept_chain chain;
    char vaults[KEPT_VAULTS][ID_SIZE];
    int vault_count;
    struct recovery_found found;
    uint8_t header[SEAL_HEADER_MAX + 256];
};

static int read_records(struct opening *o, const char *snapshot_id, struct err *err)
{
    struct snapshot s = {0};
    struct txn *txn;
    int rc = -1;

    if (db_read(&txn, o->context->db, err) == -1)
        return -1;
    if (snapshot_resolve(txn, snapshot_id, &s, err) != 1)
        (void)err_set(err, ERR_NOT_FOUND, "snapshot_not_found", "there is no snapshot %.40s",
                      snapshot_id);
    else if (kept_chain(txn, &s, &o->chain, err) == 0 &&
             kept_keys(txn, &o->context->vault, &o->chain, err) != -1 &&
             (o->vault_count = kept_vaults(txn, &o->chain, o->vaults, err)) != -1)
        rc = o->vault_count > 0
                 ? 0
                 : err_set(err, ERR_NOT_FOUND, "no_copy", "no vault has all of this snapshot");
    db_read_end(txn);
    return rc;
}

static int open_one(struct opening *o, const struct place *place, struct kept_link *link,
                    struct err *err)
{
    struct place_head head = {.data = o->header, .len = sizeof o->header};
    struct seal_header h;
    size_t size;

    if (place->head(place->self, link->s.file, &head, err) == -1 ||
        (size = seal_header_size(o->header, head.got, err)) == 0)
        return -1;
    if (size > head.got)
        return err_set(err, ERR_CORRUPT, "snapshot_cut", "%s is cut off", link->s.file);
    if (seal_header_read(o->header, size, &h, err) == -1)
        return -1;
    if (memcmp(h.hash, link->s.hash, sizeof h.hash) != 0)
        return err_set(err, ERR_CORRUPT, "snapshot_another", "%s is another snapshot",
                       link->s.file);
    if (seal_header_open(o->header, size, &h, o->found.secret, NULL, link->key, err) == -1) {
        (void)err_field(err, "recovery", "recovery_wrong",
                        "snapshot %llu is not sealed to this recovery secret",
                        (unsigned long long)link->s.number);
        return -1;
    }
    link->has_key = true;
    return 0;
}

/* Those whose keys are not kept, from the first vault that gives them. */
static int open_all(struct opening *o, struct err *err)
{
    int rc = -1;

    for (int v = 0; v < o->vault_count && rc == -1; v++) {
        struct place place = {0};
        rc = vault_open_id(o->context, o->vaults[v], &place, err);
        for (size_t i = 0; rc == 0 && i < o->chain.count; i++)
            if (!o->chain.at[i].has_key)
                rc = open_one(o, &place, &o->chain.at[i], err);
        place_free(&place);
        if (rc == -1 && err->kind == ERR_INVALID)
            return -1;
    }
    return rc;
}

/* As the restore's job will look for them. */
static int seal(const struct opening *o, const char *restore_id, struct buf *out, struct err *err)
{
    struct sealed *sealed = calloc(1, sizeof *sealed);
    char text[KEPT_MOST * (ID_SIZE + 2 * SEAL_KEY + 2)] = "", hex[2 * SEAL_KEY + 1], name[96];
    size_t len = 0;
    char *coded = NULL;
    struct json_out j;
    int rc = -1;

    for (size_t i = 0; i < o->chain.count; i++) {
        enc_hex(hex, o->chain.at[i].key, SEAL_KEY);
        (void)str_format(text + len, sizeof text - len, "%s %s\n", o->chain.at[i].s.id, hex);
        len += strlen(text + len);
    }
    restore_key_name(name, restore_id);
    if (sealed == NULL || (coded = malloc(2 * SEALED_MAX + 1)) == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for keys");
    else if (vault_seal(&o->context->vault, secret_table.name, name, "value", text, len, sealed,
                        err) == 0) {
        enc_hex(coded, sealed->data, sealed->len);
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "sealed", coded);
        json_out_end_object(&j);
        rc = 0;
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(hex, sizeof hex);
    free(coded);
    free(sealed);
    return rc;
}

int answer_restore_keys(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err)
{
    struct opening *o = sodium_malloc(sizeof *o);
    int rc = -1;

    if (o == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory that stays in memory");
    sodium_memzero(o, sizeof *o);
    o->context = s->context;
    if (recovery_take(kv_get_or(params, "recovery", ""), &o->found, err) == 0) {
        if (!o->found.whole && o->found.count == 0)
            (void)err_field(err, "recovery", "no_recovery_secret",
                            "that is neither a recovery secret nor shares of one");
        else if (recovery_join(&o->found, err) == 0 &&
                 read_records(o, kv_get_or(params, "snapshot_id", ""), err) == 0 &&
                 open_all(o, err) == 0)
            rc = seal(o, kv_get_or(params, "restore_id", ""), out, err);
    }
    sodium_free(o);
    return rc;
}
