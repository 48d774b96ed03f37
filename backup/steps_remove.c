/*
 * The way out of a snapshot. Apart from deciding that it goes (core/domain/retention.c), which is
 * asked once more here, in the commit that begins: what was decided may be old.
 */
#include "steps_remove.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "backup.h"
#include "facts.h"
#include "job_start.h"
#include "retention.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"

#define FACT_FILE   "file"
#define FACT_VAULTS "vaults"  /* ids, with blanks between */
#define FACT_GONE   "removed" /* likewise: those that do not have it any more */
#define FACT_STAYS  "stays"   /* those where it may not be deleted */
#define FACT_AWAY   "away"    /* those that could not be reached */
#define FACT_WHY    "why"
#define PATIENCE    3 /* attempts, before a vault that cannot be reached is left for another day */

/* Whether the rules let it go, and why. 1, 0 or -1. */
static int may_go(struct txn *txn, const struct saga_context *c, const char *id, char why[64],
                  struct err *err)
{
    struct retention_item *items = NULL;
    struct retention_rules rules;
    size_t count = 0;
    int found = 0;

    retention_rules_read(txn, &c->conf, &rules);
    if (retention_read(txn, &items, &count, err) == -1)
        return -1;
    if (retention_decide(items, count, &rules, err) == -1)
        found = -1;
    for (size_t i = 0; found == 0 && i < count; i++)
        if (str_equal(items[i].id, id)) {
            (void)str_copy(why, 64, items[i].reason);
            found = items[i].keep ? 0 : 1;
            break;
        }
    free(items);
    return found;
}

static int add_word(char *list, size_t size, const char *word)
{
    size_t len = strlen(list);

    return str_format(list + len, size - len, "%s%s", len == 0 ? "" : " ", word);
}

static int note_vaults(struct txn *txn, struct job *job, const char *id, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    char list[1024] = "";
    struct scan scan;
    int got;

    (void)str_copy(match.snapshot_id, sizeof match.snapshot_id, id);
    if (scan_start(&scan, txn, &snapshot_copy_table, NULL, &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1)
        if (add_word(list, sizeof list, copy.vault_id) == -1)
            return err_set(err, ERR_QUOTA, "too_many_vaults", "there are too many vaults");
    return got == -1 ? -1 : facts_set(job, FACT_VAULTS, list, err);
}

int steps_remove_begin(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *id = kv_get_or(&job->args, "snapshot_id", "");
    struct snapshot s;
    char why[64] = "";
    int found = snapshot_resolve(txn, id, &s, err);

    if (found == 1 && s.state == SNAPSHOT_IMPORTED)
        (void)str_copy(why, sizeof why, "it was imported, and is not wanted any more");
    else if (found == 1)
        found = may_go(txn, context, id, why, err);
    else if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "snapshot_not_found", "there is no snapshot %s", id);
    if (found == -1)
        return -1;
    if (found == 0)
        return err_set(err, ERR_CONFLICT, "snapshot_kept", "snapshot %llu stays: %s",
                       (unsigned long long)s.number, why);
    return facts_set(job, FACT_FILE, s.file, err) == -1 || facts_set(job, FACT_WHY, why, err) == -1
               ? -1
               : note_vaults(txn, job, id, err);
}

static bool next_word(const char **list, char out[ID_SIZE])
{
    size_t len;

    *list += strspn(*list, " ");
    len = strcspn(*list, " ");
    if (len == 0 || str_copy_n(out, ID_SIZE, *list, len) == -1)
        return false;
    *list += len;
    return true;
}

static int remove_one(const struct backup_world *world, const char *vault_id, const char *file,
                      struct err *err)
{
    struct place place = {0};
    int rc = vault_open_id(world->context, vault_id, &place, err);

    if (rc == 0)
        rc = place.remove(place.self, file, err);
    else if (err->kind == ERR_NOT_FOUND && str_equal(err->code, "vault_not_found"))
        rc = 0; /* the vault was taken out: its files are nobody's business here */
    place_free(&place);
    return rc;
}

enum outcome steps_remove_files(struct step_call *call, struct err *err)
{
    const struct backup_world *world = call->outside->backup;
    const char *vaults = kv_get_or(call->facts, FACT_VAULTS, "");
    const char *file = kv_get_or(call->facts, FACT_FILE, "");
    char id[ID_SIZE], gone[1024] = "", stays[1024] = "", away[1024] = "";
    unsigned count = 0;

    while (next_word(&vaults, id)) {
        struct err why = {0};
        if (remove_one(world, id, file, &why) == 0) {
            (void)add_word(gone, sizeof gone, id);
            count++;
        } else if (why.kind == ERR_FORBIDDEN) {
            (void)add_word(stays, sizeof stays, id);
        } else {
            (void)add_word(away, sizeof away, id);
            *err = why;
        }
    }
    if (away[0] != '\0' && call->attempt < PATIENCE)
        return OUTCOME_AGAIN;
    if (kv_set(call->facts, FACT_GONE, gone) == -1 ||
        kv_set(call->facts, FACT_STAYS, stays) == -1 ||
        kv_set(call->facts, FACT_AWAY, away) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        return OUTCOME_FAIL;
    }
    (void)str_format(call->note, sizeof call->note, "gone from %u vault%s%s%s%s", count,
                     count == 1 ? "" : "s", stays[0] == '\0' ? "" : "; it may not be deleted in ",
                     stays, away[0] == '\0' ? "" : "; the rest another day");
    return OUTCOME_OK;
}

static int drop_copies(struct txn *txn, const char *snapshot_id, const char *list, struct err *err)
{
    struct snapshot_copy copy = {0};
    char id[ID_SIZE];

    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, snapshot_id);
    while (next_word(&list, id)) {
        (void)str_copy(copy.vault_id, sizeof copy.vault_id, id);
        if (record_delete(txn, &snapshot_copy_table, &copy, err) == -1)
            return -1;
    }
    return 0;
}

static int audit_it(struct txn *txn, const struct job *job, const struct snapshot *s,
                    struct err *err)
{
    struct audit entry = {.actor = "worker", .actor_kind = "worker", .result = "ok"};

    (void)str_copy(entry.job_id, sizeof entry.job_id, job->id);
    (void)str_copy(entry.action, sizeof entry.action, "snapshot.remove");
    (void)str_copy(entry.object, sizeof entry.object, s->id);
    (void)str_format(entry.reason, sizeof entry.reason, "%.200s", s->state_reason);
    audit_digest(&snapshot_table, s, entry.after);
    return audit_add(txn, &entry, err);
}

int steps_remove_done(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *id = kv_get_or(&job->args, "snapshot_id", "");
    const char *stays = kv_get_or(&job->facts, FACT_STAYS, "");
    struct snapshot s;
    int found = snapshot_resolve(txn, id, &s, err);

    (void)context;
    if (found != 1)
        return found;
    if (drop_copies(txn, id, kv_get_or(&job->facts, FACT_GONE, ""), err) == -1)
        return -1;
    if (kv_get_or(&job->facts, FACT_AWAY, "")[0] == '\0')
        s.state = SNAPSHOT_GONE;
    (void)str_format(s.state_reason, sizeof s.state_reason, "%.60s%s%.100s",
                     kv_get_or(&job->facts, FACT_WHY, ""),
                     stays[0] == '\0' ? "" : "; it may not be deleted, and stays, in ", stays);
    return snapshot_put(txn, &s, err) == -1 ? -1 : audit_it(txn, job, &s, err);
}

int steps_remove_start(struct txn *txn, const char *snapshot_id, struct err *err)
{
    struct job job = {.actor = "worker"};

    (void)str_copy(job.saga, sizeof job.saga, saga_snapshot_remove.name);
    (void)kv_set(&job.args, "snapshot_id", snapshot_id);
    job_subject(job.subjects[0], "snapshots", "box");
    return job_start(txn, &job, err);
}

/* A step is a row, not a column. */
/* clang-format off */
static const struct step steps[] = {
    {.name = "begin", .title = "See that it may go, and where it is", .apply = steps_remove_begin,
     .flags = STEP_PIVOT},
    {.name = "remove", .title = "Remove its files", .make = steps_remove_files},
    {.name = "done", .title = "Note that it is gone", .apply = steps_remove_done},
};
const struct saga saga_snapshot_remove = {
    .name = "snapshot.remove", .title = "Remove a snapshot", .subject = "snapshots",
    .steps = steps, .step_count = sizeof steps / sizeof steps[0],
};
/* clang-format on */
