/*
 * What the box can open by itself, and where it lies. Apart from drills and restores, which both
 * begin with it.
 */
#include "kept.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "setting.h"
#include "str.h"

int kept_chain(struct txn *txn, const struct snapshot *snapshot, struct kept_chain *chain,
               struct err *err)
{
    struct snapshot s = *snapshot;
    char base[ID_SIZE];
    int found;

    memset(chain, 0, sizeof *chain);
    for (;;) {
        if (chain->count == KEPT_MOST)
            return err_set(err, ERR_CORRUPT, "chain_long", "the chain of snapshots is too long");
        chain->at[chain->count++].s = s;
        if (s.base_id[0] == '\0')
            return 0;
        (void)str_copy(base, sizeof base, s.base_id);
        if ((found = snapshot_resolve(txn, base, &s, err)) == -1)
            return -1;
        if (found == 0)
            return err_set(err, ERR_CORRUPT, "chain_broken",
                           "snapshot %llu builds on one that is not known",
                           (unsigned long long)chain->at[chain->count - 1].s.number);
    }
}

/* 1, 0: it is not kept, or -1. */
static int read_key(struct txn *txn, const struct vault *vault, struct kept_link *link,
                    struct err *err)
{
    struct buf text;
    char name[96];
    int got;

    buf_init(&text, 256);
    (void)str_format(name, sizeof name, "snapshot:%s", link->s.id);
    got = secret_get(txn, vault, name, &text, err);
    link->has_key = got == 1 && enc_unhex(link->key, sizeof link->key, buf_string(&text)) == 0;
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    buf_free(&text);
    return got == -1 ? -1 : link->has_key;
}

int kept_keys(struct txn *txn, const struct vault *vault, struct kept_chain *chain, struct err *err)
{
    size_t first = chain->count;

    for (size_t i = 0; i < chain->count; i++) {
        int got = read_key(txn, vault, &chain->at[i], err);
        if (got == -1)
            return -1;
        if (got == 0 && i < first)
            first = i;
    }
    return (int)first;
}

/* Whether a vault has all of it. 1, 0 or -1. */
static int has_all(struct txn *txn, const struct kept_chain *chain, const char *vault_id,
                   struct err *err)
{
    int got = 1;

    for (size_t i = 0; got == 1 && i < chain->count; i++) {
        struct snapshot_copy copy = {0};
        (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, chain->at[i].s.id);
        (void)str_copy(copy.vault_id, sizeof copy.vault_id, vault_id);
        got = record_get(txn, &snapshot_copy_table, &copy, err);
        if (got == 1 && copy.problem[0] != '\0')
            got = 0;
    }
    return got;
}

int kept_vaults(struct txn *txn, const struct kept_chain *chain, char ids[KEPT_VAULTS][ID_SIZE],
                struct err *err)
{
    struct vault_place place;
    struct scan scan;
    int got, count = 0, has;

    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while (count < KEPT_VAULTS && (got = scan_next(&scan, &place, err)) != 0) {
        if (got == -1 || (has = has_all(txn, chain, place.id, err)) == -1)
            return -1;
        if (has == 1)
            (void)str_copy(ids[count++], ID_SIZE, place.id);
    }
    return count;
}
