/*
 * Snapshots that were brought from elsewhere: their records. Apart from the box's own, on which
 * retention, drills and the next snapshot count; on these nothing does.
 */
#include "nouns.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "job_start.h"
#include "object.h"
#include "params.h"
#include "snapshot.h"
#include "str.h"

struct import_params {
    char uid[40], hash[80], file[128], from[128], base[40], vault[96];
    uint64_t bytes;
    int64_t created_at;
};
static const struct field import_rows[] = {
    FIELD(struct import_params, uid, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "the id in its header"),
    FIELD(struct import_params, hash, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "hash of its header"),
    FIELD(struct import_params, file, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "its name in the vault"),
    FIELD(struct import_params, vault, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "the vault that has it now"),
    FIELD(struct import_params, from, FIELD_TEXT, .help = "whose it is, for people"),
    FIELD(struct import_params, base, FIELD_TEXT, .help = "id of the one that it builds on"),
    FIELD(struct import_params, bytes, FIELD_U64, .help = "its length"),
    FIELD(struct import_params, created_at, FIELD_TIME, .help = "when it was made"),
};

static const struct view view_snapshot = {"snapshot", &snapshot_table, NULL};

/* Known by the id in its header. Return 1, 0 or -1. */
static int known(struct op_call *call, const uint8_t uid[16], struct snapshot *s, struct err *err)
{
    struct snapshot match = {0};
    struct scan scan;
    int got;

    memcpy(match.uid, uid, sizeof match.uid);
    if (scan_start(&scan, call->txn, &snapshot_table, "uid", &match, 1, true, err) != 0)
        return -1;
    while ((got = scan_next(&scan, s, err)) == 1 && s->state == SNAPSHOT_FAILED)
        continue;
    return got;
}

static int fill(struct op_call *call, const struct import_params *p, struct snapshot *s,
                struct err *err)
{
    struct snapshot base = {0};
    int found;

    if (p->base[0] != '\0') {
        if (enc_unhex(s->base_uid, sizeof s->base_uid, p->base) == -1)
            return err_field(err, "base", "not_an_id", "base is 32 hex digits");
        if ((found = known(call, s->base_uid, &base, err)) == -1)
            return -1;
        if (found == 0 || base.state == SNAPSHOT_GONE) {
            (void)err_set(err, ERR_PRECONDITION, "base_unknown",
                          "it builds on the snapshot %s, which this box does not know", p->base);
            return err_hint(err, "import that one first");
        }
        (void)str_copy(s->base_id, sizeof s->base_id, base.id);
    }
    s->chain = base.chain + 1;
    s->state = SNAPSHOT_IMPORTED;
    s->bytes = p->bytes;
    s->created_at = p->created_at;
    s->done_at = txn_time_ms(call->txn);
    (void)str_copy(s->file, sizeof s->file, p->file);
    (void)str_format(s->state_reason, sizeof s->state_reason, "imported: %s", p->from);
    if (s->id[0] != '\0')
        return 0;
    id_make(s->id, snapshot_table.prefix);
    return (s->number = record_next_number(call->txn, SNAPSHOT_NUMBERS, err)) == 0 ? -1 : 0;
}

static int imported(struct op_call *call, struct err *err)
{
    const struct import_params *p = call->params;
    struct snapshot_copy copy = {.bytes = p->bytes};
    struct vault_place place = {0};
    struct snapshot s = {0};
    uint8_t uid[16], hash[32];
    bool unwritten;
    int found;

    if (enc_unhex(uid, sizeof uid, p->uid) == -1 || enc_unhex(hash, sizeof hash, p->hash) == -1)
        return err_field(err, "uid", "not_an_id", "uid and hash are hex digits");
    if (object_refer(call, &vault_place_table, "vault", p->vault, &place, err) != 0 ||
        (found = known(call, uid, &s, err)) == -1)
        return -1;
    /* The one that this box was restored from: its own record ends before it was written. */
    unwritten = found == 1 && s.state == SNAPSHOT_GONE && sodium_is_zero(s.hash, sizeof s.hash);
    if (found == 1 && !unwritten && memcmp(s.hash, hash, sizeof hash) != 0)
        return err_set(err, ERR_CONFLICT, "snapshot_differs",
                       "snapshot %llu has the same id and another header",
                       (unsigned long long)s.number);
    if (found == 1 && s.state == SNAPSHOT_GONE && !unwritten) {
        s.state = SNAPSHOT_IMPORTED;
    } else if (found == 0 || unwritten) {
        if (found == 0)
            memset(&s, 0, sizeof s);
        memcpy(s.uid, uid, sizeof uid);
        memcpy(s.hash, hash, sizeof hash);
        if (fill(call, p, &s, err) != 0)
            return -1;
    }
    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s.id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, place.id);
    copy.stored_at = copy.checked_at = txn_time_ms(call->txn);
    if (snapshot_put(call->txn, &s, err) != 0 ||
        record_put(call->txn, &snapshot_copy_table, &copy, err) != 0)
        return -1;
    object_after(call, &snapshot_table, &s);
    return object_reply(call, &view_snapshot, &s, err);
}

static int forget(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct job job = {0};
    struct snapshot s = {0};

    if (object_get(call, &snapshot_table, p->id, &s, err) != 0)
        return -1;
    if (s.state != SNAPSHOT_IMPORTED) {
        (void)err_set(err, ERR_CONFLICT, "not_imported",
                      "only what was imported is removed by hand; it is %s",
                      snapshot_state_names[s.state]);
        return err_hint(err, "what the rules let go: sett snapshot prune --dry-run");
    }
    object_before(call, &snapshot_table, &s);
    (void)str_copy(job.saga, sizeof job.saga, "snapshot.remove");
    (void)kv_set(&job.args, "snapshot_id", s.id);
    job_subject(job.subjects[0], "snapshots", "box");
    return object_job(call, &job, err) != 0 ? -1 : object_reply(call, &view_snapshot, &s, err);
}

const struct op snapshot_import_ops[] = {
    {.name = "snapshot.imported",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_LOCAL,
     .params = PARAMS(import_rows, struct import_params),
     .help = "Note a snapshot that was brought into a vault (sett snapshot import does it)",
     .example = "00112233445566778899aabbccddeeff "
                "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff "
                "sett-box-00000001-20261126T030000Z.sett local",
     .result = &snapshot_table.fields,
     .run = imported},
    {.name = "snapshot.forget",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_FRESH,
     .params = &object_id,
     .help = "Remove a snapshot that was imported from its vaults",
     .example = "7",
     .result = &snapshot_table.fields,
     .run = forget},
    {.name = NULL},
};
