/*
 * Snapshots: making them and what there is of them. Their files are the worker's (backup/) and the
 * command line's, which reads them where they lie (appliance/main_restore.c).
 */
#include "nouns.h"

#include <stdlib.h>

#include "ask.h"
#include "enquire.h"
#include "job_start.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "snapshot.h"
#include "str.h"
#include "tenant.h"

#define EXPORT_WAIT_MS 60000 /* until the first byte */

struct create_params {
    char tenant[96], to[96];
    bool full;
};
static const struct field create_rows[] = {
    FIELD(struct create_params, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "of this tenant alone: id, number or name (the whole box)"),
    FIELD(struct create_params, to, FIELD_TEXT, .help = "into this vault alone (all enabled ones)"),
    FIELD(struct create_params, full, FIELD_BOOL,
          .help = "one that restores by itself, whatever has not changed"),
};

struct snapshot_list_params {
    struct list_params list;
    uint32_t state;
    char tenant_id[96], vault[96];
    bool box;
};
static const struct field list_rows[] = {
    LIST_FIELDS(struct snapshot_list_params),
    FIELD(struct snapshot_list_params, state, FIELD_ENUM, .names = snapshot_state_names,
          .help = "only in this state"),
    FIELD(struct snapshot_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this tenant alone"),
    FIELD(struct snapshot_list_params, box, FIELD_BOOL, .help = "only of the whole box"),
    FIELD(struct snapshot_list_params, vault, FIELD_TEXT, .help = "only those that this vault has"),
};

/* What the filters name. */
struct filter {
    struct tenant tenant;
    struct vault_place vault;
};

/* Where a snapshot is, beside what its record says. */
static int copies_member(struct op_call *call, const struct snapshot *s, struct err *err)
{
    struct json_out *j = call->out;
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    int got;

    (void)str_copy(match.snapshot_id, sizeof match.snapshot_id, s->id);
    json_out_key(j, "copies");
    json_out_array(j);
    if (scan_start(&scan, call->txn, &snapshot_copy_table, NULL, &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1) {
        json_out_object(j);
        fields_json(&snapshot_copy_table.fields, &copy, j);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    return got;
}

static int members(struct op_call *call, const void *record, struct json_out *j, struct err *err)
{
    const struct snapshot *s = record;
    struct tenant tenant = {0};

    fields_json(&snapshot_table.fields, record, j);
    (void)str_copy(tenant.id, sizeof tenant.id, s->tenant_id);
    if (tenant.id[0] != '\0' && record_get(call->txn, &tenant_table, &tenant, err) == -1)
        return -1;
    json_out_key_text(j, "tenant", tenant.name);
    return copies_member(call, record, err);
}

static const struct view view_snapshot = {"snapshot", &snapshot_table, members};

static bool keep(const struct op_call *call, const void *record)
{
    const struct snapshot_list_params *p = call->params;
    const struct filter *f = call->scratch;
    const struct snapshot *s = record;
    struct snapshot_copy copy = {0};

    if (op_given(call, "state") ? s->state != p->state : s->state == SNAPSHOT_GONE)
        return false;
    if ((f->tenant.id[0] != '\0' && !str_equal(s->tenant_id, f->tenant.id)) ||
        (op_given(call, "box") && p->box != (s->tenant_id[0] == '\0')))
        return false;
    if (f->vault.id[0] == '\0')
        return true;
    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s->id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, f->vault.id);
    return record_get(call->txn, &snapshot_copy_table, &copy, NULL) == 1;
}

static int snapshot_list(struct op_call *call, struct err *err)
{
    const struct snapshot_list_params *p = call->params;
    struct list list = {
        .view = &view_snapshot, .url = "/api/snapshots", .index = "number", .keep = keep};
    struct filter *f = call->scratch;

    if ((p->tenant_id[0] != '\0' &&
         object_refer(call, &tenant_table, "tenant_id", p->tenant_id, &f->tenant, err) == -1) ||
        (p->vault[0] != '\0' &&
         object_refer(call, &vault_place_table, "vault", p->vault, &f->vault, err) == -1))
        return -1;
    return list_reply(call, &p->list, &list, err);
}

static int snapshot_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct snapshot s = {0};

    if (object_get(call, &snapshot_table, p->id, &s, err) != 0)
        return -1;
    return object_reply(call, &view_snapshot, &s, err);
}

static int snapshot_create(struct op_call *call, struct err *err)
{
    const struct create_params *p = call->params;
    struct vault_place place = {0};
    struct tenant tenant = {0};
    struct snapshot s;
    struct job job = {0};

    if (p->tenant[0] != '\0' &&
        object_refer(call, &tenant_table, "tenant", p->tenant, &tenant, err) != 0)
        return -1;
    if (p->to[0] != '\0' && object_refer(call, &vault_place_table, "to", p->to, &place, err) != 0)
        return -1;
    if (snapshot_start(call->txn, &call->box->conf, tenant.id, place.id, p->full, &s, &job, err) !=
            0 ||
        object_job(call, &job, err) != 0)
        return -1;
    (void)str_copy(s.job_id, sizeof s.job_id, job.id);
    if (snapshot_put(call->txn, &s, err) != 0)
        return -1;
    object_after(call, &snapshot_table, &s);
    return object_reply(call, &view_snapshot, &s, err);
}

static int snapshot_check(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct snapshot s = {0};
    struct job job = {0};

    if (object_get(call, &snapshot_table, p->id, &s, err) == -1)
        return -1;
    if (s.state != SNAPSHOT_DONE)
        return err_set(err, ERR_CONFLICT, "snapshot_state", "snapshot %llu is %s",
                       (unsigned long long)s.number, snapshot_state_names[s.state]);
    object_before(call, &snapshot_table, &s);
    (void)str_copy(job.saga, sizeof job.saga, "snapshot.check");
    job_subject(job.subjects[0], "snapshot", s.id);
    (void)kv_set(&job.args, "snapshot_id", s.id);
    if (object_job(call, &job, err) == -1)
        return -1;
    object_after(call, &snapshot_table, &s);
    return object_reply(call, &view_snapshot, &s, err);
}

/* The file itself, as the worker gets it from a vault: asked for before anything is noted, since
 * who asks must be told if it cannot be had. */
static int export_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (enquire_about(call, &snapshot_table, p->id, &params, err) == -1)
        return -1;
    (void)kv_set_u64(&params, "from", call->from);
    if ((call->file = calloc(1, sizeof *call->file)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a file");
    if (ask_for_file(call->box->paths.ask_sock, "snapshot_export", &params, EXPORT_WAIT_MS,
                     call->file, err) == 0)
        return 0;
    free(call->file);
    call->file = NULL;
    return -1;
}

static int snapshot_export(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct snapshot s = {0};

    if (object_get(call, &snapshot_table, p->id, &s, err) == -1)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, s.id);
    if (call->from > 0)
        (void)str_format(call->audit.reason, sizeof call->audit.reason, "from byte %llu on",
                         (unsigned long long)call->from);
    json_out_object(call->out);
    json_out_end_object(call->out);
    return 0;
}

static const struct field copies_rows[] = {
    {.name = "copies", .type = FIELD_TEXT, .size = 1, .help = "the vaults that have it"},
    {.name = "tenant", .type = FIELD_TEXT, .size = 128, .help = "name of the one tenant"},
};
static const struct fields copies = {copies_rows, 2, 0};

const struct op snapshot_ops[] = {
    {.name = "snapshot.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(list_rows, struct snapshot_list_params),
     .help = "List snapshots, newest first",
     .example = "--vault local",
     .result = &snapshot_table.fields,
     .more = &copies,
     .scratch_size = sizeof(struct filter),
     .run = snapshot_list},
    {.name = "snapshot.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a snapshot and where it is",
     .example = "1",
     .result = &snapshot_table.fields,
     .more = &copies,
     .run = snapshot_show},
    {.name = "snapshot.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = PARAMS(create_rows, struct create_params),
     .help = "Make a snapshot of the running box and put it into its vaults",
     .example = "--full --to local",
     .result = &snapshot_table.fields,
     .more = &copies,
     .run = snapshot_create},
    {.name = "snapshot.check",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Have the box read each copy of a snapshot whole, with the key where it has it",
     .example = "1",
     .result = &snapshot_table.fields,
     .more = &copies,
     .run = snapshot_check},
    {.name = "snapshot.export",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK | OP_FILE,
     .params = &object_id,
     .help = "Take a snapshot's file away, as a vault has it; it goes on from where it broke off",
     .example = "1",
     .slow = export_slow,
     .run = snapshot_export},
    {.name = NULL},
};
