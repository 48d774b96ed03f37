/*
 * Checking one snapshot because somebody wants to know now. Apart from the daily look at all copies
 * (check_copies.c), which goes by the clock, reads one whole a month and has no key.
 */
#include "steps_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "enc.h"
#include "facts.h"
#include "file.h"
#include "kept.h"
#include "outside.h"
#include "place.h"
#include "saga_context.h"
#include "str.h"
#include "vault_open.h"
#include "verify.h"

#define FACT_GOOD "good" /* ids of vaults, a blank between */
#define FACT_BAD  "bad"  /* lines: id of a vault, a blank, why */
#define FACT_AWAY "away" /* ids of those that could not be read */
#define SECRET    "file_key"

struct checking {
    struct step_call *call;
    struct snapshot s;
    bool has_key;
    uint8_t key[SEAL_KEY];
    char good[1024], bad[1536], away[1024];
    unsigned count;
};

static int find(struct txn *txn, const struct job *job, struct snapshot *s, struct err *err)
{
    const char *id = kv_get_or(&job->args, "snapshot_id", "");
    int found = snapshot_resolve(txn, id, s, err);

    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "snapshot_not_found", "there is no snapshot %s", id);
    return found == 1 ? 0 : -1;
}

int steps_check_key(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                    struct err *err)
{
    const struct saga_context *c = context;
    struct kept_chain chain = {.count = 1};
    char hex[2 * SEAL_KEY + 1];
    int rc = -1;

    if (find(txn, job, &chain.at[0].s, err) == 0 && kept_keys(txn, &c->vault, &chain, err) != -1) {
        rc = 0;
        enc_hex(hex, chain.at[0].key, SEAL_KEY);
        if (chain.at[0].has_key && kv_set(secrets, SECRET, hex) == -1)
            rc = err_set(err, ERR_TOO_LARGE, "secrets_full", "the job's secrets are full");
        sodium_memzero(hex, sizeof hex);
    }
    sodium_memzero(&chain, sizeof chain);
    return rc;
}

static void add(char *list, size_t size, const char *vault_id, const char *why)
{
    size_t len = strlen(list);

    (void)str_format(list + len, size - len, "%s%s%.150s%s", vault_id, why == NULL ? "" : " ",
                     why == NULL ? "" : why, why == NULL ? " " : "\n");
}

/* The file is here: is it what it should be? 0 or -1. */
static int read_file(struct checking *c, int fd, struct err *err)
{
    struct verify_keys keys = {.file_key = c->has_key ? c->key : NULL};
    struct verify_report r;

    if (lseek(fd, 0, SEEK_SET) == -1)
        return err_sys(err, "check", errno, c->s.file);
    if (verify_file(fd, &keys, NULL, &r, backup_progress_add, c->call->outside->backup, err) == -1)
        return -1;
    if (memcmp(r.header.hash, c->s.hash, sizeof c->s.hash) != 0 || r.length != c->s.bytes)
        return err_set(err, ERR_CORRUPT, "check_another", "it is another snapshot");
    return 0;
}

static void read_copy(struct checking *c, const char *vault_id, struct err *err)
{
    const struct backup_world *world = c->call->outside->backup;
    const char *folder = c->call->outside->paths.snapshots;
    struct place p = {0};
    int fd;

    if (file_mkdirs(folder, 0700, err) == -1 ||
        (fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) == -1) {
        add(c->away, sizeof c->away, vault_id, NULL);
        return;
    }
    if (vault_open_id(world->context, vault_id, &p, err) == -1 ||
        p.get(p.self, c->s.file, 0, fd, err) == -1) {
        if (err->kind == ERR_NOT_FOUND && str_equal(err->code, "vault_missing"))
            add(c->bad, sizeof c->bad, vault_id, "it is not there any more");
        else
            add(c->away, sizeof c->away, vault_id, NULL);
    } else if (read_file(c, fd, err) == -1) {
        add(c->bad, sizeof c->bad, vault_id, err->text);
    } else {
        add(c->good, sizeof c->good, vault_id, NULL);
        c->count++;
    }
    place_free(&p);
    (void)close(fd);
}

/* Where it is. Return how many, or -1. */
static int read_records(struct checking *c, char ids[KEPT_VAULTS][ID_SIZE], struct err *err)
{
    const struct backup_world *world = c->call->outside->backup;
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    struct txn *txn;
    int count = 0, got = -1;

    if (db_read(&txn, world->context->db, err) == -1)
        return -1;
    if (find(txn, c->call->job, &c->s, err) == 0) {
        (void)str_copy(match.snapshot_id, sizeof match.snapshot_id, c->s.id);
        got = scan_start(&scan, txn, &snapshot_copy_table, NULL, &match, 1, false, err);
        while (got != -1 && count < KEPT_VAULTS && (got = scan_next(&scan, &copy, err)) == 1)
            (void)str_copy(ids[count++], ID_SIZE, copy.vault_id);
    }
    db_read_end(txn);
    if (got != -1 && count == 0)
        return err_set(err, ERR_NOT_FOUND, "no_copy", "no vault has this snapshot");
    return got == -1 ? -1 : count;
}

enum outcome steps_check_read(struct step_call *call, struct err *err)
{
    char ids[KEPT_VAULTS][ID_SIZE];
    struct checking c = {.call = call};
    struct err why = {0};
    int count = read_records(&c, ids, err);

    if (count == -1)
        return err->kind == ERR_UNAVAILABLE ? OUTCOME_AGAIN : OUTCOME_FAIL;
    c.has_key = enc_unhex(c.key, SEAL_KEY, kv_get_or(call->secret, SECRET, "")) == 0;
    backup_progress_begin(call->outside->backup, call->job->id, "verify",
                          c.has_key ? c.s.source_bytes * (uint64_t)count : 0);
    for (int i = 0; i < count; i++)
        read_copy(&c, ids[i], &why);
    backup_progress_begin(call->outside->backup, "", "", 0);
    sodium_memzero(c.key, sizeof c.key);
    if (kv_set(call->facts, FACT_GOOD, c.good) == -1 ||
        kv_set(call->facts, FACT_BAD, c.bad) == -1 ||
        kv_set(call->facts, FACT_AWAY, c.away) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        return OUTCOME_FAIL;
    }
    (void)str_format(call->note, sizeof call->note, "%u of %d copies are whole (%s)%s%.200s",
                     c.count, count,
                     c.has_key ? "everything compared"
                               : "signature, order, completeness: the box has no key of it",
                     c.bad[0] == '\0' ? "" : "; ", c.bad);
    if (c.count > 0 || c.bad[0] != '\0')
        return OUTCOME_OK;
    *err = why;
    return OUTCOME_AGAIN;
}

static int note_copy(struct txn *txn, const struct snapshot *s, const char *vault_id,
                     const char *problem, struct err *err)
{
    struct snapshot_copy copy = {0};
    int found;

    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s->id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, vault_id);
    if ((found = record_get(txn, &snapshot_copy_table, &copy, err)) != 1)
        return found; /* it was removed meanwhile */
    copy.checked_at = txn_time_ms(txn);
    (void)str_copy(copy.problem, sizeof copy.problem, problem);
    return record_put(txn, &snapshot_copy_table, &copy, err) == -1 ? -1 : 0;
}

/* Each of ${list}, whose items end with ${end}: an id, or an id, a blank and a reason. */
static int note_all(struct txn *txn, const struct snapshot *s, const char *list, char end,
                    struct err *err)
{
    char item[240], *blank;
    size_t len;

    for (; *list != '\0'; list += len + (list[len] == end)) {
        len = (size_t)(strchrnul(list, end) - list);
        if (str_copy_n(item, sizeof item, list, len < sizeof item ? len : sizeof item - 1) == -1)
            continue;
        if ((blank = strchr(item, ' ')) != NULL)
            *blank = '\0';
        if (note_copy(txn, s, item, blank == NULL ? "" : blank + 1, err) == -1)
            return -1;
    }
    return 0;
}

int steps_check_noted(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *good = kv_get_or(&job->facts, FACT_GOOD, "");
    struct snapshot s;

    (void)context;
    if (find(txn, job, &s, err) == -1 || note_all(txn, &s, good, ' ', err) == -1 ||
        note_all(txn, &s, kv_get_or(&job->facts, FACT_BAD, ""), '\n', err) == -1)
        return -1;
    if (good[0] == '\0')
        return 0;
    s.verified = true;
    s.verified_at = txn_time_ms(txn);
    return snapshot_put(txn, &s, err);
}

/* A step is a row, not a column. */
/* clang-format off */
static const struct step steps[] = {
    {.name = "read", .title = "Fetch each copy, and read it from front to back",
     .prepare = steps_check_key, .make = steps_check_read, .settle = steps_check_noted,
     .attempts = 3},
};
const struct saga saga_snapshot_check = {
    .name = "snapshot.check", .title = "Check a snapshot", .subject = "snapshot",
    .steps = steps, .step_count = sizeof steps / sizeof steps[0],
};
/* clang-format on */
