/*
 * The drill itself. Apart from its clock (backup_watch.c), and from a restore, which replaces what
 * runs: here all is thrown away again.
 */
#include "drill.h"

#include <sodium.h>
#include <string.h>

#include "chain_fetch.h"
#include "clock.h"
#include "drill_fsck.h"
#include "drill_program.h"
#include "str.h"
#include "vault_open.h"

#define FOLDER "drill"

/* The newest of the box that this vault has. 1, 0 or -1. */
static int newest(struct txn *txn, const char *vault_id, struct snapshot *out, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct snapshot s;
    struct scan scan;
    int got;

    memset(out, 0, sizeof *out);
    (void)str_copy(match.vault_id, sizeof match.vault_id, vault_id);
    if (scan_start(&scan, txn, &snapshot_copy_table, "vault_id", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1) {
        if (snapshot_resolve(txn, copy.snapshot_id, &s, err) == -1)
            return -1;
        if (s.state == SNAPSHOT_DONE && s.tenant_id[0] == '\0' && s.number > out->number)
            *out = s;
    }
    return got == -1 ? -1 : out->number != 0;
}

/* 1, 0: there is none, or -1. */
static int read_chain(const struct saga_context *c, const char *vault_id, struct kept_chain *chain,
                      struct err *err)
{
    struct snapshot s;
    struct txn *txn;
    int got, lacks = 0;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    got = newest(txn, vault_id, &s, err);
    if (got == 1 && (kept_chain(txn, &s, chain, err) == -1 ||
                     (lacks = kept_keys(txn, &c->vault, chain, err)) == -1))
        got = -1;
    db_read_end(txn);
    if (got == 1 && (size_t)lacks < chain->count)
        return err_set(err, ERR_PRECONDITION, "drill_key",
                       "the file key of snapshot %llu is not kept any more; the next one's will be",
                       (unsigned long long)chain->at[lacks].s.number);
    return got;
}

/* A program that was started on what came back, and says nothing, is no restore. One that cannot be
 * started here is said so: what was compared stays proven. */
static int prove_alive(struct backup_world *world, const struct chain_fetch *f, int64_t made_at,
                       struct drill *drill, struct err *err)
{
    drill_program(world, f, made_at, drill);
    return drill->program != DRILL_PROGRAM_SILENT
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "drill_silent",
                         "the program of tenant %s does not answer: %.150s",
                         drill->program_tenant_id, drill->program_note);
}

static int drill_chain(struct backup_world *world, const char *vault_id,
                       const struct kept_chain *chain, struct drill *drill, struct err *err)
{
    struct place place = {0};
    struct chain_fetch f = {.place = &place, .chain = chain, .store = true};
    char root[PATHS_SIZE + 128];
    int rc = vault_open_id(world->context, vault_id, &place, err);

    if (rc == 0) {
        rc = chain_fetch_begin(&f, &world->context->paths, FOLDER, err);
        backup_progress_begin(world, "", "drill", 0);
        if (rc == 0)
            rc = chain_fetch(&f, err);
        (void)str_format(root, sizeof root, "%s/root", f.path);
        if (rc == 0)
            rc = drill_fsck(root, &drill->entries, err);
        if (rc == 0)
            rc = prove_alive(world, &f, chain->at[0].s.created_at, drill, err);
        drill->bytes = f.bytes;
        drill->files = f.files;
        chain_fetch_end(&f);
    }
    place_free(&place);
    return rc;
}

int drill_vault(struct backup_world *world, const struct vault_place *vault, struct drill *drill,
                struct err *err)
{
    struct kept_chain chain = {0};
    int64_t began_ms = clock_mono_ms();
    int rc;

    *drill = (struct drill){.started_at = clock_wall_ms()};
    (void)str_copy(drill->vault_id, sizeof drill->vault_id, vault->id);
    rc = read_chain(world->context, vault->id, &chain, err);
    if (chain.count > 0) {
        (void)str_copy(drill->snapshot_id, sizeof drill->snapshot_id, chain.at[0].s.id);
        drill->number = chain.at[0].s.number;
        drill->tenants = chain.at[0].s.tenants;
        drill->chain = (uint32_t)chain.count;
    }
    if (rc == 1 && drill_chain(world, vault->id, &chain, drill, err) == -1)
        rc = -1;
    sodium_memzero(&chain, sizeof chain);
    drill->took_ms = clock_mono_ms() - began_ms;
    drill->passed = rc == 1;
    if (rc == -1)
        (void)str_format(drill->problem, sizeof drill->problem, "%.230s", err->text);
    return rc;
}
