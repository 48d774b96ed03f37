/* Restores as the box remembers them, and letting it go on after one. The restore itself is a
 * program of its own (sett restore FILE): this box's programs are what it replaces. */
#include "restore_show.h"

#include "job_start.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"

struct restore_list_params {
    struct list_params list;
    uint32_t state;
};
static const struct field list_rows[] = {
    LIST_FIELDS(struct restore_list_params),
    FIELD(struct restore_list_params, state, FIELD_ENUM, .names = restore_state_names,
          .help = "only in this state"),
};

static int restore_list(struct op_call *call, struct err *err)
{
    const struct restore_list_params *p = call->params;
    struct restore_record *want = call->scratch;
    struct list list = {.view = &view_restore, .url = "/api/restores", .match = want};

    if (op_given(call, "state")) {
        want->state = p->state;
        list.index = "state";
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int restore_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct restore_record record = {0};

    if (object_get(call, &restore_table, p->id, &record, err) != 0)
        return -1;
    return object_reply(call, &view_restore, &record, err);
}

static int resume(struct op_call *call, struct err *err)
{
    struct restore_record record = {0};
    uint32_t started;
    int got = restore_paused(call->txn, &record, err);

    if (got == -1)
        return -1;
    if (got == 0)
        return err_set(err, ERR_CONFLICT, "not_paused", "no restore waits to be resumed");
    object_before(call, &restore_table, &record);
    if (restore_resume(call->txn, &record, call->actor.id, &started, err) == -1)
        return -1;
    call->wake = true;
    object_after(call, &restore_table, &record);
    return object_reply(call, &view_restore, &record, err);
}

const struct op restore_ops[] = {
    {.name = "restore.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(list_rows, struct restore_list_params),
     .help = "List restores of this box, with what holds one up",
     .example = "--state reconciling",
     .result = &restore_table.fields,
     .scratch_size = sizeof(struct restore_record),
     .run = restore_list},
    {.name = "restore.show",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show one restore: from what, what was lost, why it does not go on",
     .example = "rst_01jd3v7q2c0000000000000000",
     .result = &restore_table.fields,
     .run = restore_show},
    {.name = "restore.resume",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .help = "Let the sagas go on after a restore, and start what it stopped",
     .example = "",
     .result = &restore_table.fields,
     .run = resume},
    {.name = NULL},
};

/* ---- one tenant ---- */

struct tenant_restore_params {
    char id[96];
    bool back, commit;
};
static const struct field tenant_restore_rows[] = {
    ID_FIELD(struct tenant_restore_params),
    FIELD(struct tenant_restore_params, back, FIELD_BOOL,
          .help = "to what it had before its restore, which is kept until that is committed"),
    FIELD(struct tenant_restore_params, commit, FIELD_BOOL,
          .help = "what it had before its restore is removed"),
};

/* Whether it can be done, and by which saga; with the restore that it decides upon, if that has a
 * record. */
static int choose_saga(struct op_call *call, const struct tenant *tenant, struct job *job,
                       struct err *err)
{
    const struct tenant_restore_params *p = call->params;
    struct restore_record record = {0};
    int got = restore_of_tenant(call->txn, tenant->id, &record, err);

    if (got == -1)
        return -1;
    if (p->commit && p->back)
        return err_field(err, "commit", "usage", "it is either the way back or the end of it");
    (void)kv_set(&job->args, "tenant_id", tenant->id);
    (void)kv_set(&job->args, "back", p->back ? "1" : "0");
    if (got == 1 && record.state == RESTORE_RESTORED && (p->back || p->commit))
        (void)kv_set(&job->args, "restore_id", record.id);
    if (p->commit)
        return str_copy(job->saga, sizeof job->saga, "restore.commit");
    if (tenant_elsewhere(tenant)) {
        (void)err_set(err, ERR_CONFLICT, "tenant_elsewhere",
                      "the files of tenant %s are on another machine (%s), and in no snapshot",
                      tenant->subdomain, tenant->node);
        return err_hint(err, "restore them there, by the means of that machine");
    }
    if (tenant->state != TENANT_ACTIVE && tenant->state != TENANT_PAST_DUE)
        return err_set(err, ERR_CONFLICT, "tenant_not_running", "tenant %s is %s", tenant->id,
                       tenant_state_names[tenant->state]);
    if (!p->back && tenant->database_kept != 0) {
        (void)err_set(err, ERR_CONFLICT, "not_committed",
                      "the database that tenant %s had before an earlier restore is still kept",
                      tenant->subdomain);
        return err_hint(err, "sett restore commit --tenant %llu, or rollback",
                        (unsigned long long)tenant->number);
    }
    return str_copy(job->saga, sizeof job->saga, "tenant.restore");
}

static int tenant_restore(struct op_call *call, struct err *err)
{
    const struct tenant_restore_params *p = call->params;
    struct tenant tenant = {0};
    struct job job = {0};

    if (object_get(call, &tenant_table, p->id, &tenant, err) != 0)
        return -1;
    if (choose_saga(call, &tenant, &job, err) == -1)
        return -1;
    object_before(call, &tenant_table, &tenant);
    job_subject(job.subjects[0], "tenant", tenant.id);
    if (object_job(call, &job, err) != 0)
        return -1;
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job.id);
    if (tenant_put(call->txn, &tenant, err) != 0)
        return -1;
    object_after(call, &tenant_table, &tenant);
    return object_reply(call, &view_tenant, &tenant, err);
}

const struct op tenant_data_ops[] = {
    {.name = "tenant.restore",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_FRESH,
     .params = PARAMS(tenant_restore_rows, struct tenant_restore_params),
     .help = "Put what sett restore FILE --tenant made ready in the place of a tenant's data",
     .example = "1 --back true",
     .result = &tenant_table.fields,
     .more = &view_tenant_more,
     .run = tenant_restore},
    {.name = NULL},
};
