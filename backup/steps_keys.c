/*
 * Rotating the box's keys: the one that signs its snapshots, and the one that its secrets are
 * sealed to. Apart from the keys' own files (core/outside/sign.c, vault.c), which know how one
 * takes the other's place, because this is about who uses them meanwhile: the store and all that
 * reads it.
 */
#include "steps_keys.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "enc.h"
#include "facts.h"
#include "restart.h"
#include "reveal.h"
#include "schema.h"
#include "second_factor.h"
#include "setting.h"
#include "sign.h"
#include "str.h"

#define BATCH  16  /* records that a commit changes at most */
#define LOOKED 256 /* and looks at */

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])

/* ---- the store ---- */

struct sweep {
    const struct vault *vault;
    const struct web_key *web; /* or NULL: of web.key's values, not of the vault's */
    const struct table *table;
    void *last;      /* the last record that was looked at */
    bool begun, end; /* ${last} is one; there are no more */
    uint64_t count;  /* sealed anew in this commit */
};

static bool has_sealed(const struct table *table)
{
    for (size_t i = 0; i < table->fields.count; i++)
        if (table->fields.at[i].type == FIELD_SEALED)
            return true;
    return false;
}

/* The place that a value of web.key's is bound to: of the field ${field}. 0, or -1 if this table
 * has none. */
static int web_place(const struct table *table, const void *record, const char **field,
                     char key[80])
{
    if (table == &secret_table) {
        const struct secret *secret = record;
        return str_copy(key, 80, secret->name);
    }
    if (table == &second_factor_table) {
        const struct second_factor *factor = record;
        *field = "secret"; /* that which is about to be, too */
        return str_copy(key, 80, factor->user_id);
    }
    if (table == &reveal_table) {
        const struct reveal *reveal = record;
        enc_hex(key, reveal->token_hash, sizeof reveal->token_hash);
        return 0;
    }
    return -1;
}

static int reseal_web(const struct sweep *s, const struct field *f, void *record, struct err *err)
{
    const char *field = f->name;
    char key[80];

    if (web_place(s->table, record, &field, key) == -1)
        return 0;
    return web_key_reseal(s->web, s->table->name, key, field, (void *)((char *)record + f->offset),
                          err);
}

/* Return 1 if anything in it was sealed anew, 0 or -1. */
static int rewrap_record(const struct sweep *s, void *record, struct err *err)
{
    int changed = 0, got;

    for (size_t i = 0; i < s->table->fields.count; i++) {
        const struct field *f = &s->table->fields.at[i];

        if (f->type != FIELD_SEALED)
            continue;
        got = s->web != NULL ? reseal_web(s, f, record, err)
                             : vault_rewrap(s->vault, (void *)((char *)record + f->offset), err);
        if (got == -1)
            return -1;
        changed = changed == 1 || got == 1;
    }
    return changed;
}

/* The next few records: read, and then written, since no cursor is kept over a write. */
static int sweep_some(struct txn *txn, void *arg, struct err *err)
{
    struct sweep *s = arg;
    size_t size = s->table->fields.struct_size, changed = 0, looked = 0;
    char *records = calloc(BATCH + 1, size), *at = records;
    struct scan scan;
    int got = -1;

    s->count = 0;
    if (records == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for secrets");
    if (scan_start(&scan, txn, s->table, NULL, NULL, 0, false, err) == 0 &&
        (!s->begun || scan_after(&scan, s->last, err) == 0))
        while (changed < BATCH && looked++ < LOOKED && (got = scan_next(&scan, at, err)) == 1) {
            int anew = rewrap_record(s, at, err);

            memcpy(records + BATCH * size, at, size);
            if (anew == -1) {
                got = -1;
                break;
            }
            changed += (size_t)anew;
            at += (size_t)anew * size;
        }
    for (size_t i = 0; got != -1 && i < changed; i++)
        if (record_put(txn, s->table, records + i * size, err) == -1)
            got = -1;
    if (got != -1) {
        s->count = changed;
        s->end = got == 0;
        if (looked > 0)
            memcpy(s->last, records + BATCH * size, size);
    }
    free(records);
    return got == -1 ? -1 : 0;
}

static int sweep_table(struct db *db, const struct vault *vault, const struct web_key *web,
                       const struct table *table, uint64_t *count, struct err *err)
{
    struct sweep s = {.vault = vault, .web = web, .table = table};
    int rc = 0;

    if ((s.last = calloc(1, table->fields.struct_size)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for secrets");
    while (rc == 0 && !s.end) {
        rc = db_write(db, sweep_some, &s, err);
        s.begun = true;
        if (rc == 0)
            *count += s.count;
        CP("keys.batch");
    }
    free(s.last);
    return rc;
}

int steps_keys_reseal(struct db *db, const char *keys, uint64_t *count, struct err *err)
{
    struct vault vault;
    int rc = vault_load(&vault, keys, true, err);

    for (size_t i = 0; rc == 0 && i < sett_schema.table_count; i++)
        if (has_sealed(sett_schema.tables[i]))
            rc = sweep_table(db, &vault, NULL, sett_schema.tables[i], count, err);
    return rc;
}

/* Likewise, every value that is sealed with the former web.key. */
static int reseal_all_web(struct db *db, const char *keys, uint64_t *count, struct err *err)
{
    struct web_key web;
    int rc = web_key_load(&web, keys, err);

    for (size_t i = 0; rc == 0 && web.has_former && i < sett_schema.table_count; i++)
        if (has_sealed(sett_schema.tables[i]))
            rc = sweep_table(db, NULL, &web, sett_schema.tables[i], count, err);
    sodium_memzero(&web, sizeof web);
    return rc;
}

/* ---- steps ---- */

static const struct saga_context *context_of(const struct step_call *call)
{
    const struct backup_world *world = call->outside->backup;

    return world->context;
}

static int fact(struct step_call *call, const char *name, const char *value, struct err *err)
{
    return kv_set(call->facts, name, value) == 0
               ? 0
               : err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
}

/* What is to be replaced: kept before anything is, so that a second begin replaces nothing more. */
static int begin_signing(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char before[SIGN_TEXT];

    return sign_public_load(c->paths.keys, before, err) == -1 ||
                   facts_set(job, KEYS_BEFORE, before, err) == -1
               ? -1
               : facts_set_u64(job, KEYS_AT, (uint64_t)txn_time_ms(txn), err);
}

static int begin_vault(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char before[65];

    (void)txn;
    return vault_public(c->paths.keys, before, err) == -1
               ? -1
               : facts_set(job, KEYS_BEFORE, before, err);
}

static int begin_web(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char before[17];

    (void)txn;
    return web_key_mark(c->paths.keys, before, err) == -1
               ? -1
               : facts_set(job, KEYS_BEFORE, before, err);
}

static enum outcome make_web(struct step_call *call, struct err *err)
{
    return web_key_rotate(call->outside->paths.keys, kv_get_or(call->facts, KEYS_BEFORE, ""),
                          err) == 0
               ? OUTCOME_OK
               : OUTCOME_FAIL;
}

/* The front signs with the key that it has loaded until it begins anew. */
static int begin_front(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)job;
    (void)context;
    return restart_want(txn, "front", "key.rotate", err);
}

static enum outcome make_signing(struct step_call *call, struct err *err)
{
    bool vouch = !str_equal(kv_get_or(&call->job->args, "lost", ""), "1");
    char after[SIGN_TEXT];

    if (sign_rotate(call->outside->paths.keys, kv_get_or(call->facts, KEYS_BEFORE, ""), vouch,
                    (int64_t)kv_get_u64(call->facts, KEYS_AT, 0), after, err) == -1 ||
        fact(call, KEYS_AFTER, after, err) == -1)
        return OUTCOME_FAIL;
    (void)str_format(call->note, sizeof call->note,
                     "snapshots are signed by %.16s...; print the kit anew: sett recovery kit",
                     after);
    return OUTCOME_OK;
}

static enum outcome make_vault(struct step_call *call, struct err *err)
{
    const char *keys = call->outside->paths.keys;
    char after[65];

    if (vault_rotate(keys, kv_get_or(call->facts, KEYS_BEFORE, ""), err) == -1 ||
        vault_public(keys, after, err) == -1 || fact(call, KEYS_AFTER, after, err) == -1)
        return OUTCOME_FAIL;
    return OUTCOME_OK;
}

static int rest_ms(const struct saga_context *c, int64_t *out, struct err *err)
{
    struct txn *txn;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    *out = (int64_t)setting_u64(txn, &c->conf, "keys.rest_s") * 1000;
    db_read_end(txn);
    return 0;
}

static bool is_web(const struct step_call *call)
{
    return str_equal(call->job->saga, "key.web");
}

/* All that there is, at once; and again when everybody who had begun with the former key has ended.
 */
static enum outcome make_reseal(struct step_call *call, struct err *err)
{
    const struct saga_context *c = context_of(call);
    uint64_t count = kv_get_u64(call->facts, KEYS_SEALED, 0);
    int64_t rest = 0;

    if (rest_ms(c, &rest, err) == -1 || (is_web(call) ? reseal_all_web : steps_keys_reseal)(
                                            c->db, c->paths.keys, &count, err) == -1)
        return err->kind == ERR_CORRUPT ? OUTCOME_FAIL : OUTCOME_AGAIN;
    if (kv_set_u64(call->facts, KEYS_SEALED, count) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        return OUTCOME_FAIL;
    }
    (void)str_format(call->note, sizeof call->note, "%llu secrets sealed anew",
                     (unsigned long long)count);
    if (call->elapsed_ms >= rest)
        return OUTCOME_OK;
    call->wait_ms = (uint32_t)(rest - call->elapsed_ms);
    (void)err_set(err, ERR_UNAVAILABLE, "keys_rest",
                  "waiting until nobody can still seal to the former key");
    return OUTCOME_AGAIN;
}

/* One sweep more: it finds nothing to do, or says what opens to neither key, and then that one
 * stays. */
static enum outcome make_forget(struct step_call *call, struct err *err)
{
    const struct saga_context *c = context_of(call);
    uint64_t count = 0;

    if ((is_web(call) ? reseal_all_web : steps_keys_reseal)(c->db, c->paths.keys, &count, err) ==
        -1)
        return err->kind == ERR_CORRUPT ? OUTCOME_FAIL : OUTCOME_AGAIN;
    CP("keys.forget");
    /* What web.key has signed is honoured for as long as a session lives, unless it is lost. */
    if (is_web(call))
        return web_key_forget(c->paths.keys,
                              str_equal(kv_get_or(&call->job->args, "lost", ""), "1"), err) == 0
                   ? OUTCOME_OK
                   : OUTCOME_FAIL;
    return vault_forget(c->paths.keys, err) == 0 ? OUTCOME_OK : OUTCOME_FAIL;
}

/* A step is a row, not a column. */
/* clang-format off */
static const struct step signing[] = {
    {.name = "begin", .title = "Note which key is to be replaced", .apply = begin_signing},
    {.name = "replace", .title = "Make a new key, for which the old one vouches",
     .make = make_signing, .flags = STEP_PIVOT},
};
const struct saga saga_key_signing = {
    .name = "key.signing", .title = "Rotate the key that signs snapshots", .subject = "snapshots",
    .steps = signing, .step_count = COUNT(signing), .keep_on_fail = true,
};

static const struct step vault[] = {
    {.name = "begin", .title = "Note which key is to be replaced", .apply = begin_vault},
    {.name = "replace", .title = "Make a new key; the old one opens, and seals no more",
     .make = make_vault, .flags = STEP_PIVOT},
    {.name = "reseal", .title = "Seal all secrets anew", .make = make_reseal,
     .attempts = STEP_ATTEMPTS_ENDLESS},
    {.name = "forget", .title = "Destroy the old key", .make = make_forget},
};
const struct saga saga_key_vault = {
    .name = "key.vault", .title = "Rotate the key that secrets are sealed to",
    .subject = "snapshots", .steps = vault, .step_count = COUNT(vault), .keep_on_fail = true,
};

static const struct step web[] = {
    {.name = "begin", .title = "Note which key is to be replaced", .apply = begin_web},
    {.name = "replace", .title = "Make a new key; what the old one has signed is still honoured",
     .make = make_web, .flags = STEP_PIVOT},
    {.name = "front", .title = "Let the front begin anew with it", .apply = begin_front},
    {.name = "reseal", .title = "Seal second factors and webhook secrets anew", .make = make_reseal,
     .attempts = STEP_ATTEMPTS_ENDLESS},
    {.name = "forget", .title = "Destroy the old key, at once if it was lost", .make = make_forget},
};
const struct saga saga_key_web = {
    .name = "key.web", .title = "Rotate the key of sessions and second factors",
    .subject = "snapshots", .steps = web, .step_count = COUNT(web), .keep_on_fail = true,
};
/* clang-format on */
