/*
 * The store's side of a snapshot: what it builds on, the key of its file, where it is.
 */
#include "steps_snapshot.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "facts.h"
#include "notice.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"

#define LOOKED_AT 32 /* of the newest snapshots, for one to build on */
#define KEY_NAME  "snapshot:"

/* ---- begin ---- */

/* Whether ${snapshot} and all that it builds on are in the vault. 1, 0 or -1. */
static int chain_there(struct txn *txn, const struct snapshot *snapshot, const char *vault_id,
                       struct err *err)
{
    struct snapshot at = *snapshot;

    for (unsigned i = 0; i <= SNAP_CHAIN; i++) {
        struct snapshot_copy copy = {0};
        int got;
        (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, at.id);
        (void)str_copy(copy.vault_id, sizeof copy.vault_id, vault_id);
        if ((got = record_get(txn, &snapshot_copy_table, &copy, err)) != 1)
            return got;
        if (copy.problem[0] != '\0')
            return 0;
        if (at.base_id[0] == '\0')
            return 1;
        char base[ID_SIZE];
        (void)str_copy(base, sizeof base, at.base_id);
        if ((got = snapshot_resolve(txn, base, &at, err)) != 1)
            return got;
    }
    return 0;
}

/* One blank-separated word of ${list} after another. */
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

static int in_all_vaults(struct txn *txn, const struct snapshot *snapshot, const char *vaults,
                         struct err *err)
{
    char id[ID_SIZE];
    int got = 1;

    while (got == 1 && next_word(&vaults, id))
        got = chain_there(txn, snapshot, id, err);
    return got;
}

static int note_hex(struct job *job, const char *name, const uint8_t *data, size_t len,
                    struct err *err)
{
    char text[2 * 32 + 1];

    enc_hex(text, data, len);
    return facts_set(job, name, text, err);
}

/* When the newest recovery key came: what is older is not sealed to it, so nothing may build on it
 * that whoever has that key alone could then not restore. */
static int newest_recipient(struct txn *txn, int64_t *at, struct err *err)
{
    struct recipient r;
    struct scan scan;
    int got;

    *at = 0;
    if (scan_start(&scan, txn, &recipient_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &r, err)) == 1)
        *at = r.created_at > *at ? r.created_at : *at;
    return got;
}

/* The newest that all vaults have, with all that it builds on. */
static int choose_base(struct txn *txn, struct job *job, struct err *err)
{
    const char *vaults = kv_get_or(&job->facts, SNAP_VAULTS, "");
    struct snapshot match = {0}, s = {0};
    struct scan scan;
    int64_t since;
    int got, there;

    (void)str_copy(match.tenant_id, sizeof match.tenant_id, kv_get_or(&job->args, "tenant_id", ""));
    if (str_equal(kv_get_or(&job->args, "full", ""), "1"))
        return 0;
    if (newest_recipient(txn, &since, err) == -1 ||
        scan_start(&scan, txn, &snapshot_table, "tenant_id", &match, 1, true, err) == -1)
        return -1;
    for (unsigned i = 0; i < LOOKED_AT && (got = scan_next(&scan, &s, err)) != 0; i++) {
        if (got == -1)
            return -1;
        if (s.state != SNAPSHOT_DONE || s.chain >= SNAP_CHAIN || s.created_at < since)
            continue;
        if ((there = in_all_vaults(txn, &s, vaults, err)) == -1)
            return -1;
        if (there == 1)
            return facts_set(job, SNAP_BASE, s.id, err) == -1 ||
                           note_hex(job, SNAP_BASE_UID, s.uid, sizeof s.uid, err) == -1 ||
                           note_hex(job, SNAP_BASE_HASH, s.hash, sizeof s.hash, err) == -1 ||
                           facts_set_u64(job, SNAP_BASE_CHAIN, s.chain, err) == -1
                       ? -1
                       : 0;
    }
    return 0;
}

/* The one before it, of whatever scope: its hash goes into the header; how large it was is a guess
 * at how large this one gets. */
static int note_previous(struct txn *txn, struct job *job, struct err *err)
{
    struct snapshot s = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &snapshot_table, "number", NULL, 0, true, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &s, err)) == 1 && s.state != SNAPSHOT_DONE &&
           s.state != SNAPSHOT_GONE)
        continue;
    if (got != 1)
        return got;
    if (note_hex(job, SNAP_PREVIOUS, s.hash, sizeof s.hash, err) == -1)
        return -1;
    if ((got = snapshot_newest(txn, kv_get_or(&job->args, "tenant_id", ""), &s, err)) != 1)
        return got;
    return facts_set_u64(job, SNAP_ESTIMATE, s.source_bytes, err) == -1
               ? -1
               : facts_set_u64(job, SNAP_ROOM, s.bytes, err);
}

static int note_vaults(struct txn *txn, struct job *job, struct err *err)
{
    const char *only = kv_get_or(&job->args, "vault_id", "");
    struct vault_place place;
    char list[1024] = "";
    size_t len = 0, all = 0, count = 0;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &place, err)) == 1) {
        all += place.enabled;
        if (only[0] == '\0' ? !place.enabled : !str_equal(place.id, only))
            continue;
        if (str_format(list + len, sizeof list - len, "%s%s", len == 0 ? "" : " ", place.id) == -1)
            return err_set(err, ERR_QUOTA, "too_many_vaults", "there are too many vaults");
        len += strlen(list + len);
        count++;
    }
    if (got == -1 || facts_set(job, SNAP_VAULTS, list, err) == -1)
        return -1;
    return count == all ? facts_set(job, SNAP_EVERYWHERE, "1", err) : 0;
}

static int load(struct txn *txn, const struct job *job, struct snapshot *s, struct err *err)
{
    const char *id = kv_get_or(&job->args, SNAP_ID, "");
    int found = snapshot_resolve(txn, kv_get_or(&job->facts, SNAP_ID, id), s, err);

    return found == 1 ? 0
           : found == 0
               ? err_set(err, ERR_NOT_FOUND, "snapshot_not_found", "there is no snapshot %s", id)
               : -1;
}

int steps_snapshot_begin(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char box[512];
    struct snapshot s;

    if (snapshot_ready(txn, kv_get_or(&job->args, "vault_id", ""), err) == -1 ||
        setting_text(txn, &c->conf, "box.id", box, sizeof box, err) == -1 ||
        load(txn, job, &s, err) == -1 || facts_set(job, SNAP_ID, s.id, err) == -1 ||
        facts_set_u64(job, SNAP_NUMBER, s.number, err) == -1 ||
        facts_set_u64(job, SNAP_CREATED, (uint64_t)s.created_at, err) == -1 ||
        facts_set(job, SNAP_FILE, s.file, err) == -1 || facts_set(job, SNAP_BOX, box, err) == -1 ||
        note_hex(job, SNAP_UID, s.uid, sizeof s.uid, err) == -1 ||
        note_vaults(txn, job, err) == -1 || note_previous(txn, job, err) == -1)
        return -1;
    return choose_base(txn, job, err);
}

/* ---- the key ---- */

static void key_name(char out[96], const char *snapshot_id)
{
    (void)str_format(out, 96, KEY_NAME "%s", snapshot_id);
}

int steps_snapshot_key(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                       struct err *err)
{
    const struct saga_context *c = context;
    uint8_t key[32];
    char name[96], text[65];
    int rc;

    if (kv_get(secrets, SNAP_SECRET) != NULL)
        return 0;
    randombytes_buf(key, sizeof key);
    enc_hex(text, key, sizeof key);
    key_name(name, kv_get_or(&job->facts, SNAP_ID, ""));
    rc = secret_set(txn, &c->vault, name, text, strlen(text), err);
    if (rc == 0 && kv_set(secrets, SNAP_SECRET, text) == -1)
        rc = err_set(err, ERR_TOO_LARGE, "secrets_full", "the job's secrets are full");
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return rc;
}

static int forget_key(struct txn *txn, const char *snapshot_id, struct err *err)
{
    struct secret secret = {0};

    key_name(secret.name, snapshot_id);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

/* ---- what became of it ---- */

int steps_snapshot_written(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct kv *f = &job->facts;
    struct snapshot s;

    (void)context;
    if (load(txn, job, &s, err) == -1)
        return -1;
    s.state = SNAPSHOT_SENDING;
    s.verified = true;
    s.verified_at = txn_time_ms(txn);
    s.bytes = kv_get_u64(f, SNAP_BYTES, 0);
    s.files = kv_get_u64(f, SNAP_FILES, 0);
    s.kept = kv_get_u64(f, SNAP_KEPT, 0);
    s.changed = kv_get_u64(f, SNAP_CHANGED, 0);
    s.skipped = kv_get_u64(f, SNAP_SKIPPED, 0);
    s.source_bytes = kv_get_u64(f, SNAP_SOURCE, 0);
    s.tenants = (uint32_t)kv_get_u64(f, SNAP_TENANTS, 0);
    s.troubled = (uint32_t)kv_get_u64(f, SNAP_TROUBLED, 0);
    s.took_ms = (int64_t)kv_get_u64(f, SNAP_TOOK, 0);
    if (enc_unhex(s.hash, sizeof s.hash, kv_get_or(f, SNAP_HASH, "")) == -1)
        return err_set(err, ERR_INTERNAL, "snapshot_facts", "the snapshot's hash is not known");
    if (kv_get(f, SNAP_BUILT) != NULL) {
        (void)str_copy(s.base_id, sizeof s.base_id, kv_get_or(f, SNAP_BASE, ""));
        (void)enc_unhex(s.base_uid, sizeof s.base_uid, kv_get_or(f, SNAP_BASE_UID, ""));
        s.chain = 1 + (uint32_t)kv_get_u64(f, SNAP_BASE_CHAIN, 1);
    }
    return snapshot_put(txn, &s, err);
}

static int note_copy(struct txn *txn, const struct snapshot *s, const char *vault_id,
                     struct err *err)
{
    struct snapshot_copy copy = {
        .bytes = s->bytes, .stored_at = txn_time_ms(txn), .checked_at = txn_time_ms(txn)};
    struct vault_place place = {0};
    int found;

    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s->id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, vault_id);
    (void)str_copy(place.id, sizeof place.id, vault_id);
    if ((found = record_get(txn, &vault_place_table, &place, err)) != 1)
        return found; /* it was removed meanwhile */
    place.used_at = txn_time_ms(txn);
    place.problem[0] = '\0';
    return record_put(txn, &snapshot_copy_table, &copy, err) == -1
               ? -1
               : record_put(txn, &vault_place_table, &place, err);
}

static int note_missed(struct txn *txn, const char *line, struct err *err)
{
    struct vault_place place = {0};
    size_t len = strcspn(line, " ");
    int found;

    if (str_copy_n(place.id, sizeof place.id, line, len) == -1 ||
        (found = record_get(txn, &vault_place_table, &place, err)) == 0)
        return 0;
    if (found == -1)
        return -1;
    place.failed_at = txn_time_ms(txn);
    (void)str_format(place.problem, sizeof place.problem, "%.*s",
                     (int)strcspn(line + len + 1, "\n"), line + len + 1);
    return record_put(txn, &vault_place_table, &place, err);
}

/* Whether ${newest} is, or builds on, the snapshot ${id}. 1, 0 or -1. */
static int builds_on(struct txn *txn, const struct snapshot *newest, const char *id,
                     struct err *err)
{
    struct snapshot at = *newest;
    char base[ID_SIZE];
    int got = 1;

    for (unsigned i = 0; got == 1 && i <= SNAP_CHAIN && at.id[0] != '\0'; i++) {
        if (str_equal(at.id, id))
            return 1;
        (void)str_copy(base, sizeof base, at.base_id);
        got = base[0] == '\0' ? 0 : snapshot_resolve(txn, base, &at, err);
    }
    return got == -1 ? -1 : 0;
}

/* Whether a vault's newest snapshot of the box, which a drill reads, or its newest of all, be it of
 * one tenant, is this one or builds on it. 1, 0 or -1. */
static int wanted_by(struct txn *txn, const struct vault_place *place, const char *id,
                     struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct snapshot of_box = {0}, of_all = {0}, s;
    struct scan scan;
    int got;

    (void)str_copy(match.vault_id, sizeof match.vault_id, place->id);
    if (scan_start(&scan, txn, &snapshot_copy_table, "vault_id", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1) {
        if (snapshot_resolve(txn, copy.snapshot_id, &s, err) == -1)
            return -1;
        if (s.state == SNAPSHOT_DONE && s.number > of_all.number)
            of_all = s;
        if (s.state == SNAPSHOT_DONE && s.tenant_id[0] == '\0' && s.number > of_box.number)
            of_box = s;
    }
    if (got == 0 && (got = builds_on(txn, &of_box, id, err)) == 0)
        got = builds_on(txn, &of_all, id, err);
    return got;
}

/* The box keeps the file keys of what a drill would read, which is the newest of each vault, and of
 * nothing older. */
static int forget_older_keys(struct txn *txn, struct err *err)
{
    struct secret secret = {0};
    struct vault_place place;
    struct scan scan, places;
    int got;

    (void)str_copy(secret.name, sizeof secret.name, KEY_NAME);
    if (scan_start(&scan, txn, &secret_table, NULL, NULL, 0, false, err) == -1 ||
        scan_from(&scan, &secret, 1, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &secret, err)) == 1 && str_starts(secret.name, KEY_NAME)) {
        int wanted = 0, more = 0;
        if (scan_start(&places, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
            return -1;
        while (wanted == 0 && (more = scan_next(&places, &place, err)) == 1)
            wanted = wanted_by(txn, &place, secret.name + strlen(KEY_NAME), err);
        if (wanted == -1 || more == -1 ||
            (wanted == 0 && record_delete(txn, &secret_table, &secret, err) == -1))
            return -1;
    }
    return got == -1 ? -1 : 0;
}

/* Until one comes through without. */
static int tell_troubled(struct txn *txn, const struct job *job, const struct snapshot *s,
                         struct err *err)
{
    const char *subject = s->tenant_id[0] == '\0' ? NULL : s->tenant_id;
    char text[400];

    if (s->troubled == 0)
        return notice_clear(txn, "backup.quiet", subject, err);
    (void)str_format(text, sizeof text,
                     "snapshot %llu has files of %u tenant%s that could not be kept quiet: %s",
                     (unsigned long long)s->number, s->troubled, s->troubled == 1 ? "" : "s",
                     kv_get_or(&job->facts, SNAP_TROUBLE, ""));
    return notice_raise(txn, "backup.quiet", subject, NOTICE_USUAL, text, err);
}

int steps_snapshot_done(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *sent = kv_get_or(&job->facts, SNAP_SENT, "");
    const char *missed = kv_get_or(&job->facts, SNAP_MISSED, "");
    char id[ID_SIZE];
    struct snapshot s;

    (void)context;
    if (load(txn, job, &s, err) == -1)
        return -1;
    s.state = SNAPSHOT_DONE;
    s.done_at = txn_time_ms(txn);
    if (s.troubled > 0)
        (void)str_format(s.state_reason, sizeof s.state_reason, "not quiet: %.200s",
                         kv_get_or(&job->facts, SNAP_TROUBLE, ""));
    s.missed = missed[0] != '\0';
    if (s.missed)
        (void)str_format(s.state_reason, sizeof s.state_reason, "not in every vault: %.*s",
                         (int)(strcspn(missed, "\n") - strcspn(missed, " ")),
                         missed + strcspn(missed, " ") + (strchr(missed, ' ') != NULL));
    if (snapshot_put(txn, &s, err) == -1 || tell_troubled(txn, job, &s, err) == -1 ||
        (s.tenant_id[0] != '\0' && notice_clear(txn, "backup.tenant", s.tenant_id, err) == -1))
        return -1;
    while (next_word(&sent, id))
        if (note_copy(txn, &s, id, err) == -1)
            return -1;
    while (missed[0] != '\0') {
        if (note_missed(txn, missed, err) == -1)
            return -1;
        missed += strcspn(missed, "\n");
        missed += missed[0] == '\n';
    }
    return forget_older_keys(txn, err);
}

int steps_snapshot_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct snapshot s;
    int found;

    (void)context;
    if (job->state != JOB_UNDONE)
        return 0;
    found = snapshot_resolve(txn, kv_get_or(&job->args, SNAP_ID, "-"), &s, err);
    if (found != 1)
        return found;
    s.state = SNAPSHOT_FAILED;
    (void)str_format(s.state_reason, sizeof s.state_reason, "%.230s",
                     job->cause[0] == '\0' ? "cancelled" : job->cause);
    if (s.tenant_id[0] != '\0' &&
        notice_raise(txn, "backup.tenant", s.tenant_id, NOTICE_USUAL, s.state_reason, err) == -1)
        return -1;
    return snapshot_put(txn, &s, err) == -1 ? -1 : forget_key(txn, s.id, err);
}

int steps_snapshot_plan_write(const struct job *job, char *out, size_t size)
{
    const char *tenant = kv_get_or(&job->args, "tenant_id", "");

    return str_format(out, size, "%s%s; %s",
                      tenant[0] == '\0' ? "the whole box: store, keys, configuration, tenants"
                                        : "tenant ",
                      tenant,
                      str_equal(kv_get_or(&job->args, "full", ""), "1")
                          ? "it restores by itself"
                          : "what has not changed is left to the one before");
}

int steps_snapshot_plan_send(const struct job *job, char *out, size_t size)
{
    const char *vault = kv_get_or(&job->args, "vault_id", "");

    return vault[0] == '\0' ? str_copy(out, size, "every vault that is enabled")
                            : str_format(out, size, "vault %s", vault);
}
