/*
 * The whole box from a snapshot, asked for in a browser: for a box that has just been made in the
 * place of one that is lost, or by an admin who types the box's name. Nothing is replaced from
 * here: the worker fetches, and hands the rest to who may.
 */
#include "nouns.h"

#include <sodium.h>
#include <string.h>

#include "enquire.h"
#include "job_start.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "setup_state.h"
#include "snapshot.h"
#include "str.h"

#define LOOK_WAIT_MS 60000
#define HAND_WAIT_MS 30000

struct bring_params {
    char vault[96], file[128];
};
static const struct field bring_rows[] = {
    FIELD(struct bring_params, vault, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "out of which vault"),
    FIELD(struct bring_params, file, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "which file of it; what it builds on comes with it"),
};
struct restore_params {
    char recovery[2048], signer[80], confirm[128];
    bool check;
};
static const struct field restore_rows[] = {
    FIELD(struct restore_params, recovery, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE,
          .help = "the recovery kit, the secret, shares of it, or the passphrase"),
    FIELD(struct restore_params, signer, FIELD_TEXT,
          .help = "key that signed it, as the other box's kit names it"),
    FIELD(struct restore_params, check, FIELD_BOOL,
          .help = "only read it and say what would be restored and lost"),
    FIELD(struct restore_params, confirm, FIELD_TEXT,
          .help = "the name of this box, typed, if it has been set up"),
};

static const struct field file_rows[] = {
    {.name = "file", .type = FIELD_TEXT, .size = 128, .help = "its name in the vault"},
    {.name = "bytes", .type = FIELD_U64, .size = 8, .help = "its length"},
    {.name = "box_id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "whose it is"},
    {.name = "number", .type = FIELD_U64, .size = 8, .help = "its number there"},
    {.name = "created_at", .type = FIELD_TIME, .size = 8, .help = "when it was made"},
    {.name = "scope", .type = FIELD_TEXT, .size = 64, .help = "box, or a tenant"},
    {.name = "incremental", .type = FIELD_BOOL, .size = 1, .help = "it builds on another"},
    {.name = "passphrase", .type = FIELD_BOOL, .size = 1, .help = "a passphrase opens it"},
    {.name = "own", .type = FIELD_BOOL, .size = 1, .help = "this box signed it"},
    {.name = "signer", .type = FIELD_TEXT, .size = 65, .help = "key that signed it"},
    {.name = "fault",
     .type = FIELD_TEXT,
     .size = 400,
     .help = "why it cannot be read; null: it can"},
};
static const struct fields files = {file_rows, sizeof file_rows / sizeof file_rows[0], 0};

static const struct field told_rows[] = {
    {.name = "progress",
     .type = FIELD_TEXT,
     .size = 80,
     .help = "where the web server says how it goes, while the box does not answer"},
};
static const struct fields told = {told_rows, 1, 0};

/* ---- what a vault holds ---- */

static int contents_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (enquire_about(call, &vault_place_table, p->id, &params, err) != 0)
        return -1;
    return enquire_ask(call, "vault_contents", &params, LOOK_WAIT_MS, err);
}

static int contents(struct op_call *call, struct err *err)
{
    return enquire_reply_json(call, err);
}

/* ---- fetching ---- */

static int bring(struct op_call *call, struct err *err)
{
    const struct bring_params *p = call->params;
    struct vault_place vault = {0};
    struct job job = {0};

    if (object_refer(call, &vault_place_table, "vault", p->vault, &vault, err) != 0)
        return -1;
    if (strchr(p->file, '/') != NULL || !str_ends(p->file, ".sett"))
        return err_field(err, "file", "file_name", "file is the name of a snapshot in the vault");
    (void)str_copy(job.saga, sizeof job.saga, "box.bring");
    (void)kv_set(&job.args, "vault_id", vault.id);
    (void)kv_set(&job.args, "file", p->file);
    job_subject(job.subjects[0], "snapshots", "box");
    (void)str_copy(call->audit.object, sizeof call->audit.object, p->file);
    if (object_job(call, &job, err) != 0)
        return -1;
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "box_bring");
    json_out_key_text(call->out, "file", p->file);
    json_out_key_text(call->out, "job", call->job_id);
    json_out_end_object(call->out);
    return 0;
}

/* ---- restoring ---- */

/* A new box may be replaced; one that has been set up by who types its name. */
static int allowed(struct op_call *call, const struct restore_params *p, struct err *err)
{
    char name[512];
    struct txn *txn;
    int needed = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (setting_text(txn, &call->box->conf, "box.name", name, sizeof name, err) >= 0)
        needed = setup_needed(txn, err);
    db_read_end(txn);
    if (needed != 0 || p->check || str_equal(p->confirm, name))
        return needed < 0 ? -1 : 0;
    (void)err_field(err, "confirm", "not_confirmed",
                    "a restore replaces the box: it has to be confirmed by its name");
    return err_hint(err, "confirm: \"%.64s\"", name);
}

static int restore_slow(struct op_call *call, struct err *err)
{
    const struct restore_params *p = call->params;
    struct kv params;
    int rc;

    call->audit_refusal = true;
    (void)str_copy(call->audit.object, sizeof call->audit.object, "box");
    if (allowed(call, p, err) != 0)
        return -1;
    kv_clear(&params);
    rc = kv_set(&params, "recovery", p->recovery) == -1 ||
                 kv_set(&params, "signer", p->signer) == -1 ||
                 kv_set(&params, "check", p->check ? "1" : "0") == -1
             ? err_field(err, "recovery", "too_long", "that is no recovery secret")
             : enquire_ask(call, "box_restore", &params, HAND_WAIT_MS, err);
    sodium_memzero(&params, sizeof params);
    return rc;
}

static int restore(struct op_call *call, struct err *err)
{
    const struct restore_params *p = call->params;

    (void)str_copy(call->audit.object, sizeof call->audit.object, "box");
    (void)str_copy(call->audit.reason, sizeof call->audit.reason,
                   p->check ? "looked at" : "the whole box");
    return enquire_reply_json(call, err);
}

const struct op box_restore_ops[] = {
    {.name = "vault.contents",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_ASK | OP_LIST,
     .params = &object_id,
     .help = "List the snapshots that lie in a vault, whether or not this box knows them",
     .example = "local",
     .result = &files,
     .slow = contents_slow,
     .run = contents},
    {.name = "box.bring",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_FRESH,
     .params = PARAMS(bring_rows, struct bring_params),
     .help = "Fetch a snapshot, and what it builds on, for a restore of the whole box",
     .example = "local sett-box-00000042-20261126T030000Z.sett",
     .result = &files,
     .run = bring},
    {.name = "box.restore",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK | OP_FRESH | OP_SECRET,
     .params = PARAMS(restore_rows, struct restore_params),
     .help = "Restore the whole box from what was fetched; the recovery secret is kept nowhere",
     .example = "--recovery-file kit.txt --check true",
     .result = &told,
     .slow = restore_slow,
     .run = restore},
    {.name = NULL},
};
