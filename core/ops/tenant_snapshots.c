/*
 * Snapshots as those see them whose data are in them: a tenant's own view, and the way back to one.
 * Apart from the operations on snapshots, which know of the whole box and are not for customers.
 * What a customer may is said by the plan.
 */
#include "nouns.h"

#include <string.h>

#include "object.h"
#include "params.h"
#include "plan.h"
#include "restore_make.h"
#include "restore_record.h"
#include "restore_show.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"
#include "tenant.h"

#define SHOWN_MOST  100
#define LOOKED_MOST 2000

/* That the plan lets the customer; others are asked for their role alone. */
static int allowed(struct op_call *call, const struct tenant *tenant, enum plan_snapshots least,
                   struct err *err)
{
    struct plan plan = {0};

    if (call->actor.role != ROLE_CUSTOMER)
        return 0;
    if (plan_resolve(call->txn, tenant->plan_id, &plan, err) == -1)
        return -1;
    if (plan.snapshots >= (uint32_t)least)
        return 0;
    return err_set(err, ERR_FORBIDDEN, "not_in_plan",
                   "the plan does not let its customers %s snapshots",
                   least == PLAN_SNAPSHOTS_LIST ? "see" : "restore");
}

/* ---- the list ---- */

static bool is_in(const struct snapshot *s, const struct tenant *tenant)
{
    return s->state == SNAPSHOT_DONE && s->created_at >= tenant->created_at &&
           (s->tenant_id[0] == '\0' || str_equal(s->tenant_id, tenant->id));
}

static int show_one(struct op_call *call, const struct snapshot *s, struct err *err)
{
    struct json_out *j = call->out;
    char name[96];
    int kept;

    (void)str_format(name, sizeof name, "snapshot:%s", s->id);
    if ((kept = secret_exists(call->txn, name, err)) == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "tenant_snapshot");
    json_out_key_text(j, "snapshot_id", s->id);
    json_out_key_u64(j, "number", s->number);
    json_out_key_time(j, "created_at", s->created_at);
    json_out_key_bool(j, "alone", s->tenant_id[0] != '\0');
    json_out_key_bool(j, "verified", s->verified);
    json_out_key_bool(j, "restorable", kept == 1);
    json_out_end_object(j);
    return 0;
}

static int snapshots(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct tenant tenant = {0};
    unsigned shown = 0, looked = 0;
    struct snapshot s;
    struct scan scan;
    int got;

    if (object_get(call, &tenant_table, p->id, &tenant, err) == -1 ||
        allowed(call, &tenant, PLAN_SNAPSHOTS_LIST, err) == -1 ||
        scan_start(&scan, call->txn, &snapshot_table, "number", NULL, 0, true, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    while (shown < SHOWN_MOST && looked++ < LOOKED_MOST && (got = scan_next(&scan, &s, err)) != 0) {
        if (got == -1 || (is_in(&s, &tenant) && show_one(call, &s, err) == -1))
            return -1;
        shown += is_in(&s, &tenant);
    }
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", shown == SHOWN_MOST);
    json_out_end_object(j);
    return 0;
}

/* ---- the way back to one ---- */

static const char *const act_names[] = {"restore", "commit", "rollback", NULL};
enum act { ACT_RESTORE, ACT_COMMIT, ACT_ROLLBACK };

struct recover_params {
    char id[96], snapshot[96], confirm[128];
    uint32_t act;
};
static const struct field recover_rows[] = {
    ID_FIELD(struct recover_params),
    FIELD(struct recover_params, snapshot, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "to which: id or number"),
    FIELD(struct recover_params, confirm, FIELD_TEXT, .help = "the tenant's name, typed once more"),
    FIELD(struct recover_params, act, FIELD_ENUM, .names = act_names,
          .help = "restore; then commit: keep it, or rollback: what was before comes back"),
};

struct recovering {
    struct restore_wish wish;
    struct restore_making making;
};

static int find(struct op_call *call, struct tenant *tenant, struct err *err)
{
    const struct recover_params *p = call->params;

    return object_get(call, &tenant_table, p->id, tenant, err) == -1
               ? -1
               : allowed(call, tenant, PLAN_SNAPSHOTS_RESTORE, err);
}

static int recover_slow(struct op_call *call, struct err *err)
{
    const struct recover_params *p = call->params;
    struct recovering *r = call->scratch;
    struct tenant tenant = {0};
    struct txn *txn;
    int rc;

    if (db_read(&txn, call->box->db, err) == -1)
        return -1;
    call->txn = txn;
    rc = find(call, &tenant, err);
    db_read_end(txn);
    call->txn = NULL;
    if (rc == -1 || p->act != ACT_RESTORE)
        return rc;
    if (p->snapshot[0] == '\0')
        return err_field(err, "snapshot", "required", "snapshot is missing");
    (void)str_copy(r->wish.snapshot, sizeof r->wish.snapshot, p->snapshot);
    (void)str_copy(r->wish.tenant, sizeof r->wish.tenant, tenant.id);
    (void)str_copy(r->wish.confirm, sizeof r->wish.confirm, p->confirm);
    return restore_make_slow(call, &r->wish, &r->making, err);
}

static int recover(struct op_call *call, struct err *err)
{
    const struct recover_params *p = call->params;
    const struct recovering *r = call->scratch;
    struct restore_record record;
    struct tenant tenant = {0};
    int got;

    if (find(call, &tenant, err) == -1)
        return -1;
    if (p->act == ACT_RESTORE)
        return restore_make(call, &r->wish, &r->making, err);
    if ((got = restore_of_tenant(call->txn, tenant.id, &record, err)) == -1)
        return -1;
    if (got == 0)
        return err_set(err, ERR_CONFLICT, "nothing_before", "nothing of before is kept");
    return restore_decide(call, record.id, p->act == ACT_ROLLBACK, err);
}

const struct op tenant_snapshot_ops[] = {
    {.name = "tenant.snapshots",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "List the snapshots that a tenant's data are in, newest first",
     .example = "1",
     .run = snapshots},
    {.name = "tenant.recover",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE | OP_FRESH | OP_ASK,
     .params = PARAMS(recover_rows, struct recover_params),
     .help = "Take a tenant's data back to a snapshot, if its plan lets its customer",
     .example = "acme 12 --confirm acme",
     .result = &restore_table.fields,
     .scratch_size = sizeof(struct recovering),
     .slow = recover_slow,
     .run = recover},
    {.name = NULL},
};
