/*
 * Records about snapshots. Apart from backup/, which writes and reads the files and is linked by
 * the worker alone: what there is, is known to everybody who may open the store.
 */
#include "snapshot.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "job_start.h"
#include "setting.h"
#include "str.h"

const char *const vault_kind_names[] = {"folder", "s3", "sftp", NULL};
const char *const snapshot_state_names[] = {"writing", "sending",  "done", "failed",
                                            "gone",    "imported", NULL};

static const struct field recipient_rows[] = {
    FIELD(struct recipient, id, FIELD_ID, .ref_prefix = "rec", .help = "the recipient"),
    FIELD(struct recipient, name, FIELD_TEXT, .help = "its name for people"),
    FIELD(struct recipient, key, FIELD_TEXT, .help = "public recovery key"),
    FIELD(struct recipient, shares, FIELD_U32,
          .help = "in how many shares the secret was given out; 0: whole"),
    FIELD(struct recipient, needed, FIELD_U32, .help = "how many of them open a snapshot"),
    FIELD(struct recipient, proven, FIELD_BOOL,
          .help = "whether a part of the secret was asked back and was right"),
    FIELD(struct recipient, created_at, FIELD_TIME, .help = "added at"),
    FIELD(struct recipient, proven_at, FIELD_TIME, .help = "asked back at"),
    FIELD_SINCE(struct recipient, salt, FIELD_BYTES, 2,
                .help = "salt of the passphrase from which the secret follows"),
    FIELD_SINCE(struct recipient, passes, FIELD_U32, 2,
                .help = "how often it is stretched; 0: there is no passphrase"),
    FIELD_SINCE(struct recipient, memory_kib, FIELD_U32, 2, .help = "and in how much memory, KiB"),
};
static const struct index recipient_indexes[] = {
    {.name = "name", .id = 248, .unique = true, .fields = {"name"}},
    {.name = "key", .id = 249, .unique = true, .fields = {"key"}},
};
const struct table recipient_table = {
    .name = "recipients",
    .noun = "recipient",
    .id = 60,
    .version = 2,
    .prefix = "rec",
    .fields = {recipient_rows, sizeof recipient_rows / sizeof recipient_rows[0],
               sizeof(struct recipient)},
    .key = {"id"},
    .indexes = recipient_indexes,
    .index_count = sizeof recipient_indexes / sizeof recipient_indexes[0],
    .feed = {.object = "recipient"},
};

static const struct field place_rows[] = {
    FIELD(struct vault_place, id, FIELD_ID, .ref_prefix = "vlt", .help = "the vault"),
    FIELD(struct vault_place, name, FIELD_TEXT, .flags = FIELD_SLUG, .help = "its name"),
    FIELD(struct vault_place, kind, FIELD_ENUM, .names = vault_kind_names,
          .help = "folder, s3 or sftp"),
    FIELD(struct vault_place, address, FIELD_TEXT,
          .help = "a folder's path, https://host/bucket/prefix, sftp://user@host:port/path"),
    FIELD(struct vault_place, region, FIELD_TEXT, .help = "s3: region of the bucket"),
    FIELD(struct vault_place, access_key, FIELD_TEXT, .help = "s3: id of the access key"),
    FIELD(struct vault_place, host_key, FIELD_TEXT, .help = "sftp: SHA-256 of the host's key"),
    FIELD(struct vault_place, bytes_per_s, FIELD_U64,
          .help = "most bytes a second to send; 0: no limit"),
    FIELD(struct vault_place, enabled, FIELD_BOOL, .help = "whether snapshots are sent there"),
    FIELD(struct vault_place, append_only, FIELD_BOOL,
          .help = "whether the box may delete nothing there"),
    FIELD(struct vault_place, problem, FIELD_TEXT, .help = "why it could not be used last"),
    FIELD(struct vault_place, used_at, FIELD_TIME, .help = "last used at"),
    FIELD(struct vault_place, failed_at, FIELD_TIME, .help = "last failed at"),
    FIELD(struct vault_place, created_at, FIELD_TIME, .help = "added at"),
    FIELD(struct vault_place, updated_at, FIELD_TIME, .help = "changed at"),
};
static const struct index place_indexes[] = {
    {.name = "name", .id = 240, .unique = true, .fields = {"name"}},
};
const struct table vault_place_table = {
    .name = "vaults",
    .noun = "vault",
    .id = 61,
    .version = 1,
    .prefix = "vlt",
    .fields = {place_rows, sizeof place_rows / sizeof place_rows[0], sizeof(struct vault_place)},
    .key = {"id"},
    .indexes = place_indexes,
    .index_count = sizeof place_indexes / sizeof place_indexes[0],
    .feed = {.object = "vault", .beside = {"used_at", "updated_at"}},
};

static const struct field snapshot_rows[] = {
    FIELD(struct snapshot, id, FIELD_ID, .ref_prefix = "snap", .help = "the snapshot"),
    FIELD(struct snapshot, number, FIELD_U64, .help = "its number"),
    FIELD(struct snapshot, state, FIELD_ENUM, .names = snapshot_state_names,
          .help = "where it stands"),
    FIELD(struct snapshot, state_reason, FIELD_TEXT, .help = "why it failed or went"),
    FIELD(struct snapshot, file, FIELD_TEXT, .help = "its name in every vault"),
    FIELD(struct snapshot, tenant_id, FIELD_ID, .ref_prefix = "tn",
          .help = "the one tenant that it is of; none: the whole box"),
    FIELD(struct snapshot, uid, FIELD_BYTES, .help = "the id in its header"),
    FIELD(struct snapshot, hash, FIELD_BYTES, .help = "hash of its header"),
    FIELD(struct snapshot, base_uid, FIELD_BYTES, .help = "the snapshot on which it builds"),
    FIELD(struct snapshot, chain, FIELD_U32, .help = "how many files a restore reads"),
    FIELD(struct snapshot, base_id, FIELD_ID, .ref_prefix = "snap",
          .help = "the snapshot on which it builds"),
    FIELD(struct snapshot, bytes, FIELD_U64, .help = "length of the file"),
    FIELD(struct snapshot, files, FIELD_U64, .help = "files in it, kept ones too"),
    FIELD(struct snapshot, kept, FIELD_U64, .help = "files that older files of its chain hold"),
    FIELD(struct snapshot, changed, FIELD_U64, .help = "files that changed while they were read"),
    FIELD(struct snapshot, skipped, FIELD_U64, .help = "sockets and the like that were left out"),
    FIELD(struct snapshot, source_bytes, FIELD_U64, .help = "bytes read for it"),
    FIELD(struct snapshot, tenants, FIELD_U32, .help = "tenants whose volumes are in it"),
    FIELD(struct snapshot, verified, FIELD_BOOL, .help = "read back whole"),
    FIELD(struct snapshot, created_at, FIELD_TIME, .help = "begun at"),
    FIELD(struct snapshot, done_at, FIELD_TIME, .help = "in its vaults at"),
    FIELD(struct snapshot, verified_at, FIELD_TIME, .help = "verified at"),
    FIELD(struct snapshot, proven_at, FIELD_TIME, .help = "restored in a drill at"),
    FIELD(struct snapshot, took_ms, FIELD_I64, .help = "milliseconds to write it"),
    FIELD(struct snapshot, job_id, FIELD_ID, .ref_prefix = "job", .help = "job that made it"),
    FIELD_SINCE(struct snapshot, troubled, FIELD_U32, 2,
                .help = "tenants whose blueprint's backup rules failed; their files are in it"),
    FIELD_SINCE(struct snapshot, missed, FIELD_BOOL, 3,
                .help = "a vault could not be reached when it was made; it is brought there later"),
};
static const struct index snapshot_indexes[] = {
    {.name = "number", .id = 244, .unique = true, .fields = {"number"}},
    {.name = "state", .id = 245, .fields = {"state"}},
    {.name = "tenant_id", .id = 246, .fields = {"tenant_id", "number"}},
    {.name = "uid", .id = 247, .sparse = true, .fields = {"uid"}},
};
const struct table snapshot_table = {
    .name = "snapshots",
    .noun = "snapshot",
    .id = 62,
    .version = 3,
    .prefix = "snap",
    .fields = {snapshot_rows, sizeof snapshot_rows / sizeof snapshot_rows[0],
               sizeof(struct snapshot)},
    .key = {"id"},
    .indexes = snapshot_indexes,
    .index_count = sizeof snapshot_indexes / sizeof snapshot_indexes[0],
    .feed = {.object = "snapshot"},
};

static const struct field copy_rows[] = {
    FIELD(struct snapshot_copy, snapshot_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "snap",
          .help = "the snapshot"),
    FIELD(struct snapshot_copy, vault_id, FIELD_ID, .ref_prefix = "vlt", .help = "the vault"),
    FIELD(struct snapshot_copy, bytes, FIELD_U64, .help = "length of the file there"),
    FIELD(struct snapshot_copy, stored_at, FIELD_TIME, .help = "stored at"),
    FIELD(struct snapshot_copy, checked_at, FIELD_TIME, .help = "last found whole at"),
    FIELD(struct snapshot_copy, proven_at, FIELD_TIME, .help = "restored in a drill at"),
    FIELD(struct snapshot_copy, problem, FIELD_TEXT, .help = "what was wrong with it last"),
};
static const struct index copy_indexes[] = {
    {.name = "vault_id", .id = 241, .fields = {"vault_id"}},
};
const struct table snapshot_copy_table = {
    .name = "snapshot_copies",
    .noun = "snapshot_copy",
    .id = 63,
    .version = 1,
    .fields = {copy_rows, sizeof copy_rows / sizeof copy_rows[0], sizeof(struct snapshot_copy)},
    .key = {"snapshot_id", "vault_id"},
    .indexes = copy_indexes,
    .index_count = sizeof copy_indexes / sizeof copy_indexes[0],
    .feed = {.object = "snapshot"},
};

int snapshot_resolve(struct txn *txn, const char *text, struct snapshot *snapshot, struct err *err)
{
    uint64_t number;

    memset(snapshot, 0, sizeof *snapshot);
    if (str_u64(text, 1, UINT64_MAX, &number) == 0) {
        snapshot->number = number;
        return record_find(txn, &snapshot_table, "number", snapshot, err);
    }
    return str_copy(snapshot->id, sizeof snapshot->id, text) == -1
               ? 0
               : record_get(txn, &snapshot_table, snapshot, err);
}

int snapshot_newest(struct txn *txn, const char *tenant_id, struct snapshot *snapshot,
                    struct err *err)
{
    struct snapshot match = {0};
    struct scan scan;
    int got;

    (void)str_copy(match.tenant_id, sizeof match.tenant_id, tenant_id);
    if (scan_start(&scan, txn, &snapshot_table, "tenant_id", &match, 1, true, err) == -1)
        return -1;
    while ((got = scan_next(&scan, snapshot, err)) == 1)
        if (snapshot->state == SNAPSHOT_DONE)
            return 1;
    return got;
}

int snapshot_put(struct txn *txn, const struct snapshot *snapshot, struct err *err)
{
    return record_put(txn, &snapshot_table, snapshot, err);
}

int64_t recipient_count(struct txn *txn, struct err *err)
{
    return record_count(txn, &recipient_table, err);
}

int snapshot_ready(struct txn *txn, const char *vault_id, struct err *err)
{
    int64_t recipients = recipient_count(txn, err);
    struct vault_place place = {0};
    struct scan scan;
    int got;

    if (recipients == -1)
        return -1;
    if (recipients == 0) {
        (void)err_set(err, ERR_CONFLICT, "no_recovery_key",
                      "there is no recovery key to seal a snapshot to");
        return err_hint(err, "sett recovery init");
    }
    if (vault_id[0] != '\0') {
        (void)str_copy(place.id, sizeof place.id, vault_id);
        if ((got = record_get(txn, &vault_place_table, &place, err)) == 0)
            return err_set(err, ERR_NOT_FOUND, "vault_not_found", "there is no vault %s", vault_id);
        return got == 1 ? 0 : -1;
    }
    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &place, err)) == 1)
        if (place.enabled)
            return 0;
    if (got == -1)
        return -1;
    (void)err_set(err, ERR_CONFLICT, "no_vault", "there is no vault to put a snapshot into");
    return err_hint(err, "sett vault add NAME folder --address /var/backups/sett");
}

/* sett-<box>-<number>-<when>.sett: what a person and a listing of a bucket can make sense of. */
static void name_file(struct snapshot *s, const char *box)
{
    time_t at = (time_t)(s->created_at / 1000);
    char when[24] = "";
    struct tm tm;

    if (gmtime_r(&at, &tm) != NULL)
        (void)strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
    (void)str_format(s->file, sizeof s->file, "sett-%.40s-%08llu-%s.sett", box,
                     (unsigned long long)s->number, when);
}

int snapshot_new(struct txn *txn, const struct conf *conf, const char *tenant_id,
                 struct snapshot *s, struct err *err)
{
    char box[512];

    memset(s, 0, sizeof *s);
    if (setting_text(txn, conf, "box.id", box, sizeof box, err) == -1)
        return -1;
    s->state = SNAPSHOT_WRITING;
    s->chain = 1;
    s->created_at = txn_time_ms(txn);
    id_make(s->id, snapshot_table.prefix);
    randombytes_buf(s->uid, sizeof s->uid);
    (void)str_copy(s->tenant_id, sizeof s->tenant_id, tenant_id);
    if ((s->number = record_next_number(txn, SNAPSHOT_NUMBERS, err)) == 0)
        return -1;
    name_file(s, box);
    return record_insert(txn, &snapshot_table, s, err);
}

int snapshot_start(struct txn *txn, const struct conf *conf, const char *tenant_id,
                   const char *vault_id, bool full, struct snapshot *s, struct job *job,
                   struct err *err)
{
    if (snapshot_ready(txn, vault_id, err) == -1 ||
        snapshot_new(txn, conf, tenant_id, s, err) == -1)
        return -1;
    (void)str_copy(job->saga, sizeof job->saga, "snapshot.create");
    (void)kv_set(&job->args, "snapshot_id", s->id);
    (void)kv_set(&job->args, "full", full ? "1" : "");
    (void)kv_set(&job->args, "vault_id", vault_id);
    if (tenant_id[0] != '\0')
        (void)kv_set(&job->args, "tenant_id", tenant_id);
    /* One at a time: the second is refused, by the name of the first's job. */
    job_subject(job->subjects[0], "snapshots", "box");
    return 0;
}
