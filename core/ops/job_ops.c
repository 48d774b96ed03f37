/* Jobs: to look at with their journal, and to help when one is stuck. */
#include "job.h"

#include "job_start.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"

struct job_list_params {
    struct list_params list;
    uint32_t state;
    char tenant_id[96], saga[32];
};
static const struct field job_list_rows[] = {
    LIST_FIELDS(struct job_list_params),
    FIELD(struct job_list_params, state, FIELD_ENUM, .names = job_state_names,
          .help = "only in this state"),
    FIELD(struct job_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only about this tenant"),
    FIELD(struct job_list_params, saga, FIELD_TEXT,
          .help = "only of this kind, as in tenant.provision"),
};

enum how { HOW_UNDO, HOW_DONE };
static const char *const how_names[] = {"undo", "done", NULL};
struct resolve_params {
    char id[96];
    uint32_t how;
};
static const struct field resolve_rows[] = {
    ID_FIELD(struct resolve_params),
    FIELD(struct resolve_params, how, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = how_names,
          .help = "undo what was made, or call the failed step done"),
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct job_list_params *p = call->params;
    const struct job *want = call->scratch, *job = record;

    return (!op_given(call, "state") || job->state == p->state) &&
           (!op_given(call, "saga") || str_equal(job->saga, p->saga)) &&
           (!op_given(call, "tenant_id") || str_equal(job->subjects[0], want->subjects[0]));
}

static int job_list(struct op_call *call, struct err *err)
{
    const struct job_list_params *p = call->params;
    struct job *match = call->scratch;
    struct tenant tenant = {0};
    struct list list = {.view = &view_job, .url = "/api/jobs", .match = match, .keep = keep};

    match->state = p->state;
    if (op_given(call, "tenant_id")) {
        if (object_refer(call, &tenant_table, "tenant_id", p->tenant_id, &tenant, err) != 0)
            return -1;
        job_subject(match->subjects[0], "tenant", tenant.id);
        list.index = "by_tenant";
    } else if (op_given(call, "state")) {
        list.index = "state";
    }
    list.fields = list.index == NULL ? 0 : 1;
    return list_reply(call, &p->list, &list, err);
}

/* The journal, oldest row first. */
static int steps_member(struct op_call *call, const struct job *job, struct err *err)
{
    struct json_out *j = call->out;
    struct job_step step = {0};
    struct scan scan;
    int found;

    (void)str_copy(step.job_id, sizeof step.job_id, job->id);
    if (scan_start(&scan, call->txn, &job_step_table, NULL, &step, 1, false, err) != 0)
        return -1;
    json_out_key(j, "steps");
    json_out_array(j);
    while ((found = scan_next(&scan, &step, err)) == 1) {
        json_out_object(j);
        fields_json(&job_step_table.fields, &step, j);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    return found;
}

static int job_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct job job = {0};

    if (object_get(call, &job_table, p->id, &job, err) != 0)
        return -1;
    object_etag(&job_table, &job, call->etag);
    json_out_object(j);
    json_out_key_text(j, "object", view_job.object);
    if (view_job_members(call, &job, j, err) != 0 || steps_member(call, &job, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

/* A stuck job that goes on is answered as one that was started. */
static int go_on(struct op_call *call, struct job *job, struct err *err)
{
    if (record_get(call->txn, &job_table, job, err) < 0)
        return -1;
    object_after(call, &job_table, job);
    (void)str_copy(call->job_id, sizeof call->job_id, job->id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job->id);
    return object_reply(call, &view_job, job, err);
}

static int retry(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct job job = {0};

    if (object_get(call, &job_table, p->id, &job, err) != 0)
        return -1;
    object_before(call, &job_table, &job);
    return job_retry(call->txn, job.id, err) != 0 ? -1 : go_on(call, &job, err);
}

static int resolve(struct op_call *call, struct err *err)
{
    const struct resolve_params *p = call->params;
    struct job job = {0};

    if (object_get(call, &job_table, p->id, &job, err) != 0)
        return -1;
    object_before(call, &job_table, &job);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, how_names[p->how]);
    /* What one waits for may never come: such a job can be given up, as a stuck one can. */
    if (p->how == HOW_UNDO && job.state == JOB_WAITING)
        return job_cancel(call->txn, job.id, err) != 0 ? -1 : go_on(call, &job, err);
    return job_resolve(call->txn, job.id, p->how == HOW_UNDO, err) != 0 ? -1
                                                                        : go_on(call, &job, err);
}

const struct op job_ops[] = {
    {.name = "job.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(job_list_rows, struct job_list_params),
     .help = "List jobs, newest first",
     .example = "--state stuck",
     .result = &job_table.fields,
     .more = &view_job_more,
     .scratch_size = sizeof(struct job),
     .run = job_list},
    {.name = "job.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a job with its steps",
     .example = "job_01jd3v7q2c0000000000000000",
     .result = &job_table.fields,
     .more = &view_job_more,
     .run = job_show},
    {.name = "job.retry",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "Let a stuck job go on from its failed step, or a waiting one try at once",
     .example = "job_01jd3v7q2c0000000000000000",
     .result = &job_table.fields,
     .run = retry},
    {.name = "job.resolve",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(resolve_rows, struct resolve_params),
     .help = "Turn a stuck or waiting job round, or call a stuck one's failed step done",
     .example = "job_01jd3v7q2c0000000000000000 undo",
     .result = &job_table.fields,
     .run = resolve},
    {.name = NULL},
};
