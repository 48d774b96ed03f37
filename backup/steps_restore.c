/*
 * The steps by which the box brings a tenant's data from a vault to where the exchange finds it.
 * Apart from `sett restore`, which reads a file that lies here with a secret that is here: this one
 * has neither, only file keys, and a worker that can give nothing an owner.
 */
#include "steps_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "beneath.h"
#include "chain_fetch.h"
#include "crash.h"
#include "enc.h"
#include "facts.h"
#include "file.h"
#include "outside.h"
#include "restore_record.h"
#include "saga_context.h"
#include "setting.h"
#include "steps.h"
#include "str.h"
#include "vault_open.h"
#include "volumes_say.h"

#define TALK_MS    600000 /* until the hands have it all on the disk */
#define DISCARD_MS 600000

bool steps_restore_laid(const struct job *job)
{
    return kv_get(&job->args, RESTORE_ARG_ID) == NULL ||
           str_equal(kv_get_or(&job->args, RESTORE_ARG_BACK, "0"), "1");
}

bool steps_restore_uncleared(const struct job *job)
{
    return kv_get(&job->args, RESTORE_ARG_ID) == NULL ||
           !str_equal(kv_get_or(&job->args, RESTORE_ARG_BACK, "0"), "1");
}

int steps_restore_plan_fetch(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "snapshot %s from a vault, into a folder beside the tenant's",
                      kv_get_or(&job->args, RESTORE_ARG_SNAPSHOT, "?"));
}

/* ---- keys ---- */

static int find_chain(struct txn *txn, const struct job *job, struct kept_chain *chain,
                      struct err *err)
{
    const char *id = kv_get_or(&job->args, RESTORE_ARG_SNAPSHOT, "");
    struct snapshot s = {0};
    int found = snapshot_resolve(txn, id, &s, err);

    if (found == -1)
        return -1;
    if (found == 0 || s.state == SNAPSHOT_GONE)
        return err_set(err, ERR_NOT_FOUND, "snapshot_not_found", "there is no snapshot %s", id);
    return kept_chain(txn, &s, chain, err);
}

/* Those that somebody's recovery secret opened for this restore: lines of an id and a key. 0 or -1.
 */
static int add_given(struct txn *txn, const struct vault *vault, const char *restore_id,
                     struct kept_chain *chain, struct err *err)
{
    char name[96];
    struct buf text;
    int got;

    buf_init(&text, SEALED_MAX);
    restore_key_name(name, restore_id);
    got = secret_get(txn, vault, name, &text, err);
    for (size_t i = 0; got == 1 && i < chain->count; i++) {
        const char *at = strstr(buf_string(&text), chain->at[i].s.id);
        char hex[65];
        if (at == NULL || chain->at[i].has_key ||
            str_copy_n(hex, sizeof hex, at + strlen(chain->at[i].s.id) + 1, 64) == -1)
            continue;
        chain->at[i].has_key = enc_unhex(chain->at[i].key, SEAL_KEY, hex) == 0;
        sodium_memzero(hex, sizeof hex);
    }
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    buf_free(&text);
    return got == -1 ? -1 : 0;
}

static int note_keys(const struct kept_chain *chain, struct kv *secrets, struct err *err)
{
    char hex[65];
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < chain->count; i++) {
        if (!chain->at[i].has_key) {
            (void)err_set(err, ERR_PRECONDITION, "restore_key",
                          "the file key of snapshot %llu is not kept any more",
                          (unsigned long long)chain->at[i].s.number);
            rc = err_hint(err, "restore it with the recovery secret");
            break;
        }
        enc_hex(hex, chain->at[i].key, SEAL_KEY);
        if (kv_set(secrets, chain->at[i].s.id, hex) == -1)
            rc = err_set(err, ERR_TOO_LARGE, "secrets_full", "the job's secrets are full");
    }
    sodium_memzero(hex, sizeof hex);
    return rc;
}

int steps_restore_keys(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                       struct err *err)
{
    const struct saga_context *c = context;
    struct kept_chain chain;
    int rc = -1;

    if (kv_get(secrets, kv_get_or(&job->args, RESTORE_ARG_SNAPSHOT, "")) != NULL)
        return 0;
    if (find_chain(txn, job, &chain, err) == 0 && kept_keys(txn, &c->vault, &chain, err) != -1 &&
        add_given(txn, &c->vault, kv_get_or(&job->args, RESTORE_ARG_ID, ""), &chain, err) == 0)
        rc = note_keys(&chain, secrets, err);
    sodium_memzero(&chain, sizeof chain);
    return rc;
}

/* ---- to the hands ---- */

struct handing {
    const struct chain_fetch *fetch;
    const char *unit; /* "tenants/3" */
    struct manifest_reader reader;
    struct manifest_entry line;
    struct volume_entry entry;
    struct volumes_speech speech;
    uint64_t bytes;
};

static int rewind_manifest(struct handing *h, struct err *err)
{
    rewind(h->fetch->manifest);
    return manifest_open(&h->reader, h->fetch->manifest, err);
}

/* A name of the snapshot as one below the tenant's folder. False if it is not in there. */
static bool below(const struct handing *h, const char *name, char out[VOLUMES_NAME_MAX + 1])
{
    size_t len = strlen(h->unit);

    if (strncmp(name, h->unit, len) != 0 || (name[len] != '\0' && name[len] != '/'))
        return false;
    return str_copy(out, VOLUMES_NAME_MAX + 1, name[len] == '/' ? name + len + 1 : "") == 0;
}

/* How much it is; ERR_NOT_FOUND when there is nothing of the tenant. */
static int measure(struct handing *h, struct err *err)
{
    char name[VOLUMES_NAME_MAX + 1];
    bool found = false;
    int got;

    if (rewind_manifest(h, err) == -1)
        return -1;
    while ((got = manifest_next(&h->reader, &h->line, err)) == 1)
        if (below(h, h->line.name, name)) {
            found = true;
            h->bytes += h->line.type == 'f' ? h->line.size : 0;
        }
    if (got == 0 && !found)
        return err_set(err, ERR_NOT_FOUND, "not_in_snapshot",
                       "the snapshot holds nothing of this tenant");
    return got;
}

static int say_line(struct handing *h, char as, struct err *err)
{
    const struct manifest_entry *line = &h->line;
    struct volume_entry *e = &h->entry;
    int fd = -1, rc;

    e->type = as;
    e->mode = line->mode;
    e->uid = line->uid;
    e->gid = line->gid;
    e->mtime_s = line->mtime_s;
    e->mtime_ns = line->mtime_ns;
    e->size = as == 'f' ? line->size : 0;
    e->target[0] = '\0';
    if (as == 'h' ? !below(h, line->target, e->target)
                  : as == 'l' && str_copy(e->target, sizeof e->target, line->target) == -1)
        return err_set(err, ERR_CORRUPT, "link_outside", "a link of the snapshot leads out of it");
    if (as == 'f' && (fd = beneath_open(h->fetch->data, line->name, err)) == -1)
        return -1;
    rc = volumes_say(&h->speech, e, fd, err);
    if (fd != -1)
        (void)close(fd);
    CP("restore.entry");
    return rc;
}

/* Lines of one of the kinds ${from}, said as kind ${as} or, 0, as what they are. */
static int say_all(struct handing *h, const char *from, char as, struct err *err)
{
    int got;

    if (rewind_manifest(h, err) == -1)
        return -1;
    while ((got = manifest_next(&h->reader, &h->line, err)) == 1)
        if (strchr(from, h->line.type) != NULL && below(h, h->line.name, h->entry.name) &&
            say_line(h, as == 0 ? h->line.type : as, err) == -1)
            return -1;
    return got;
}

/* Folders and files, then links, then what folders look like once they are full. */
static int speak(void *arg, int fd, struct err *err)
{
    struct handing *h = arg;
    int rc;

    volumes_say_begin(&h->speech, fd);
    rc = say_all(h, "df", 0, err) == 0 && say_all(h, "hl", 0, err) == 0 &&
                 say_all(h, "d", 'm', err) == 0 && volumes_say_flush(&h->speech, err) == 0
             ? channel_send(fd, "", 0, err)
             : -1;
    volumes_say_end(&h->speech);
    return rc;
}

enum outcome steps_restore_hand(struct step_call *call, const struct chain_fetch *fetch,
                                const char *unit, struct err *err)
{
    struct handing *h = calloc(1, sizeof *h);
    struct hands_request request = {0};
    struct hands_reply reply;
    enum outcome outcome;

    if (h == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a restore");
        return OUTCOME_AGAIN;
    }
    h->fetch = fetch;
    h->unit = unit;
    if (measure(h, err) == -1) {
        outcome = OUTCOME_FAIL;
    } else {
        facts_request(call, HANDS_RECEIVE, &request);
        request.limits.storage_bytes = h->bytes;
        outcome =
            hands_talk(call->outside->paths.hands_sock, &request, speak, h, TALK_MS, &reply, err);
    }
    if (outcome == OUTCOME_OK)
        (void)str_format(call->note, sizeof call->note, "%llu bytes, whole and compared",
                         (unsigned long long)h->bytes);
    free(h);
    return outcome;
}

/* ---- the database's dump, which stays with the worker ---- */

static int copy_dump(int from, const char *path, struct err *err)
{
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    char block[65536];
    ssize_t n = -1;

    if (to == -1)
        return err_sys(err, "dump_write", errno, path);
    while ((n = read(from, block, sizeof block)) > 0)
        if (file_write_all(to, block, (size_t)n) == -1) {
            n = -1;
            break;
        }
    if (n == -1)
        (void)err_sys(err, "dump_write", errno, path);
    (void)close(to);
    return n == -1 ? -1 : 0;
}

/* To where the step that fills the database finds it. */
static int lay_dump(struct step_call *call, const struct chain_fetch *fetch, struct err *err)
{
    const struct paths *p = &call->outside->paths;
    char name[64], path[PATHS_SIZE + 48];
    bool wanted = !steps_without_database(call->job);
    int fd, rc;

    (void)str_format(name, sizeof name, "databases/%s",
                     kv_get_or(&call->job->args, RESTORE_ARG_OF, ""));
    if (faccessat(fetch->data, name, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
        return !wanted ? 0
                       : err_set(err, ERR_CONFLICT, "no_dump",
                                 "the tenant has a database, of which the snapshot has no dump");
    if (!wanted)
        return err_set(err, ERR_CONFLICT, "no_database",
                       "the snapshot has a dump of a database that the tenant has not");
    (void)str_format(path, sizeof path, "%s/.restored-%llu", p->databases,
                     (unsigned long long)kv_get_u64(call->facts, FACT_NUMBER, 0));
    if (file_mkdirs(p->databases, 0700, err) == -1 ||
        (fd = beneath_open(fetch->data, name, err)) == -1)
        return -1;
    rc = copy_dump(fd, path, err);
    (void)close(fd);
    return rc;
}

/* ---- from a vault ---- */

static int read_records(struct step_call *call, struct kept_chain *chain,
                        char vaults[KEPT_VAULTS][ID_SIZE], struct err *err)
{
    const struct backup_world *world = call->outside->backup;
    struct txn *txn;
    int count = -1;

    if (db_read(&txn, world->context->db, err) == -1)
        return -1;
    if (find_chain(txn, call->job, chain, err) == 0)
        count = kept_vaults(txn, chain, vaults, err);
    db_read_end(txn);
    for (size_t i = 0; count != -1 && i < chain->count; i++)
        if (enc_unhex(chain->at[i].key, SEAL_KEY, kv_get_or(call->secret, chain->at[i].s.id, "")) ==
            -1)
            return err_set(err, ERR_INTERNAL, "restore_key", "a file key of the job is missing");
    if (count == 0)
        return err_set(err, ERR_NOT_FOUND, "no_copy", "no vault has all of this snapshot");
    return count;
}

static enum outcome fetch_from(struct step_call *call, const struct kept_chain *chain,
                               const char *vault_id, struct err *err)
{
    struct backup_world *world = call->outside->backup;
    struct place place = {0};
    char unit[64], folder[64], units[128];
    struct chain_fetch f = {.place = &place,
                            .chain = chain,
                            .only = units,
                            .progress = backup_progress_add,
                            .arg = world};
    enum outcome outcome;

    (void)str_format(unit, sizeof unit, "tenants/%s",
                     kv_get_or(&call->job->args, RESTORE_ARG_OF, ""));
    (void)str_format(units, sizeof units, "databases/%s\n%s",
                     kv_get_or(&call->job->args, RESTORE_ARG_OF, ""), unit);
    (void)str_format(folder, sizeof folder, "%s%s", CHAIN_FETCH_RESTORE, call->job->id);
    if (vault_open_id(world->context, vault_id, &place, err) == -1)
        return steps_snapshot_outcome(err);
    if (chain_fetch_begin(&f, &call->outside->paths, folder, err) == -1 ||
        chain_fetch(&f, err) == -1)
        outcome = steps_snapshot_outcome(err);
    else if (lay_dump(call, &f, err) == -1)
        outcome = steps_snapshot_outcome(err);
    else
        outcome = steps_restore_hand(call, &f, unit, err);
    chain_fetch_end(&f);
    place_free(&place);
    return outcome;
}

enum outcome steps_restore_fetch(struct step_call *call, struct err *err)
{
    char vaults[KEPT_VAULTS][ID_SIZE];
    struct kept_chain chain = {0};
    enum outcome outcome = OUTCOME_FAIL;
    int count = read_records(call, &chain, vaults, err);

    if (count == -1)
        outcome = steps_snapshot_outcome(err);
    backup_progress_begin(call->outside->backup, call->job->id, "restore",
                          chain.count > 0 ? chain.at[0].s.source_bytes : 0);
    for (int i = 0; i < count && outcome != OUTCOME_OK; i++)
        outcome = fetch_from(call, &chain, vaults[i], err);
    backup_progress_begin(call->outside->backup, "", "", 0);
    sodium_memzero(&chain, sizeof chain);
    return outcome;
}

/* ---- the way back, and the end ---- */

static enum outcome discard(struct step_call *call, bool kept, struct err *err)
{
    struct hands_request request = {0};
    struct hands_reply reply;

    facts_request(call, HANDS_DISCARD, &request);
    request.flag = kept;
    return hands_call(call->outside->paths.hands_sock, &request, DISCARD_MS, &reply, NULL, err);
}

enum outcome steps_restore_unfetch(struct step_call *call, struct err *err)
{
    enum outcome outcome = steps_database_tidy(call, err);

    if (outcome == OUTCOME_FAIL)
        return outcome;
    return discard(call, false, err);
}

static enum outcome or_absent(enum outcome outcome)
{
    return outcome == OUTCOME_ABSENT ? OUTCOME_OK : outcome;
}

enum outcome steps_restore_clear(struct step_call *call, struct err *err)
{
    return or_absent(discard(call, false, err));
}

enum outcome steps_restore_forget(struct step_call *call, struct err *err)
{
    return or_absent(discard(call, true, err));
}

/* ---- the record ---- */

/* 1, 0: this job has none, or -1. */
static int record_of(struct txn *txn, const struct job *job, struct restore_record *record,
                     struct err *err)
{
    const char *id = kv_get(&job->args, RESTORE_ARG_ID);

    return id == NULL ? 0 : restore_get(txn, id, record, err);
}

int steps_restore_begun(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct restore_record record;
    int got = record_of(txn, job, &record, err);

    if (got == -1 || steps_tenant_job_begun(txn, job, context, err) == -1)
        return -1;
    if (got == 0)
        return 0;
    (void)str_copy(record.job_id, sizeof record.job_id, job->id);
    record.problem[0] = '\0';
    return restore_put(txn, &record, err);
}

static void note_end(struct restore_record *record, const struct job *job, int64_t now_ms)
{
    bool back = str_equal(kv_get_or(&job->args, RESTORE_ARG_BACK, "0"), "1");

    if (job->state != JOB_DONE)
        (void)str_format(record->problem, sizeof record->problem, "%.230s", job->cause);
    if (job->state == JOB_DONE && !back)
        record->restored_at = now_ms;
    if (job->state == JOB_DONE)
        record->state = back ? RESTORE_ROLLED_BACK : RESTORE_RESTORED;
    else if (job->state == JOB_UNDONE && !back)
        record->state = RESTORE_FAILED;
}

int steps_restore_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct restore_record record;
    struct secret secret = {0};
    int got = record_of(txn, job, &record, err);

    if (got == -1 || steps_tenant_job_ended(txn, job, context, err) == -1)
        return -1;
    if (got == 0)
        return 0;
    note_end(&record, job, txn_time_ms(txn));
    restore_key_name(secret.name, record.id);
    if (job->state != JOB_STUCK && record_delete(txn, &secret_table, &secret, err) == -1)
        return -1;
    return restore_put(txn, &record, err);
}

int steps_restore_committed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct restore_record record;
    int got = record_of(txn, job, &record, err);

    (void)context;
    if (got != 1)
        return got;
    record.state = RESTORE_COMMITTED;
    record.committed_at = txn_time_ms(txn);
    return restore_put(txn, &record, err);
}
