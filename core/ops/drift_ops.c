/* Drift: what outside is not as the records want, and what is to be done about it. */
#include "drift.h"

#include "custom_domain.h"
#include "job_start.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"

struct drift_list_params {
    struct list_params list;
    uint32_t state, kind, verdict;
    char tenant_id[96], text[64];
};
static const struct field drift_list_rows[] = {
    LIST_FIELDS(struct drift_list_params),
    FIELD(struct drift_list_params, state, FIELD_ENUM, .names = drift_state_names,
          .help = "only in this state (open)"),
    FIELD(struct drift_list_params, kind, FIELD_ENUM, .names = drift_kind_names,
          .help = "only of this kind"),
    FIELD(struct drift_list_params, verdict, FIELD_ENUM, .names = drift_verdict_names,
          .help = "only what is missing, differs or is an orphan"),
    FIELD(struct drift_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this tenant"),
    FIELD(struct drift_list_params, text, FIELD_TEXT,
          .help = "only with this in its name, or in what is or should be there"),
};

struct decide_params {
    char id[96];
    char reason[240];
};
static const struct field decide_rows[] = {
    ID_FIELD(struct decide_params),
    FIELD(struct decide_params, reason, FIELD_TEXT, .help = "why, for those who come after"),
};

struct ignore_params {
    char id[96];
    char reason[240];
    int64_t until;
};
static const struct field ignore_rows[] = {
    ID_FIELD(struct ignore_params),
    FIELD(struct ignore_params, until, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "until when, as in 2027-01-31T00:00:00Z"),
    FIELD(struct ignore_params, reason, FIELD_TEXT, .help = "why, for those who come after"),
};

static const struct view view_drift = {"drift", &drift_table, NULL};

static bool keep(const struct op_call *call, const void *record)
{
    const struct drift_list_params *p = call->params;
    const struct drift *want = call->scratch, *item = record;

    return item->state == want->state && (!op_given(call, "kind") || item->kind == p->kind) &&
           (!op_given(call, "verdict") || item->verdict == p->verdict) &&
           (str_has(item->name, p->text) || str_has(item->thing, p->text) ||
            str_has(item->desired, p->text) || str_has(item->actual, p->text)) &&
           (want->tenant_id[0] == '\0' || str_equal(item->tenant_id, want->tenant_id));
}

/* Without a state only what waits for somebody. */
static int drift_list(struct op_call *call, struct err *err)
{
    const struct drift_list_params *p = call->params;
    struct drift *want = call->scratch;
    struct tenant tenant = {0};
    struct list list = {.view = &view_drift,
                        .url = "/api/drift",
                        .index = "state",
                        .match = want,
                        .fields = 1,
                        .keep = keep};

    want->state = op_given(call, "state") ? p->state : DRIFT_OPEN;
    if (op_given(call, "tenant_id")) {
        if (object_refer(call, &tenant_table, "tenant_id", p->tenant_id, &tenant, err) != 0)
            return -1;
        (void)str_copy(want->tenant_id, sizeof want->tenant_id, tenant.id);
        list.index = "tenant_id";
    }
    return list_reply(call, &p->list, &list, err);
}

static int drift_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct drift item = {0};

    if (object_get(call, &drift_table, p->id, &item, err) != 0)
        return -1;
    return object_reply(call, &view_drift, &item, err);
}

static int scan_reply(struct op_call *call, const struct drift_scan *scan)
{
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "drift_scan");
    fields_json(&drift_scan_table.fields, scan, call->out);
    json_out_end_object(call->out);
    return 0;
}

static int status(struct op_call *call, struct err *err)
{
    struct drift_scan scan;

    return drift_scan_get(call->txn, &scan, err) == -1 ? -1 : scan_reply(call, &scan);
}

static int scan(struct op_call *call, struct err *err)
{
    struct drift_scan scan;

    if (drift_scan_want(call->txn, call->actor.id, &scan, err) == -1)
        return -1;
    call->status = 202;
    return scan_reply(call, &scan);
}

/* One that is decided upon: not one that is over or being reverted. */
static int take(struct op_call *call, const char *id, struct drift *item, struct err *err)
{
    if (object_get(call, &drift_table, id, item, err) != 0 ||
        object_match(call, &drift_table, item, err) != 0)
        return -1;
    object_before(call, &drift_table, item);
    if (item->state == DRIFT_GONE)
        return err_set(err, ERR_CONFLICT, "drift_gone", "%s is in order by now", item->thing);
    if (item->state == DRIFT_REVERTING)
        return err_set(err, ERR_CONFLICT, "busy", "job %s is reverting %s", item->job_id,
                       item->thing);
    return 0;
}

static int decide(struct op_call *call, struct drift *item, enum drift_state state,
                  const char *reason, int64_t until, struct err *err)
{
    item->state = (uint32_t)state;
    item->ignore_until = until;
    (void)str_copy(item->reason, sizeof item->reason, reason);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, reason);
    if (drift_put(call->txn, item, err) == -1)
        return -1;
    object_after(call, &drift_table, item);
    return object_reply(call, &view_drift, item, err);
}

static int accept(struct op_call *call, struct err *err)
{
    const struct decide_params *p = call->params;
    struct drift item = {0};

    return take(call, p->id, &item, err) == -1
               ? -1
               : decide(call, &item, DRIFT_ACCEPTED, p->reason, 0, err);
}

static int ignore(struct op_call *call, struct err *err)
{
    const struct ignore_params *p = call->params;
    struct drift item = {0};

    if (take(call, p->id, &item, err) == -1)
        return -1;
    if (p->until <= txn_time_ms(call->txn))
        return err_field(err, "until", "in_the_past", "until must lie ahead");
    return decide(call, &item, DRIFT_IGNORED, p->reason, p->until, err);
}

static void arg(struct job *job, const char *name, const char *value)
{
    if (value[0] != '\0')
        (void)kv_set(&job->args, name, value);
}

static int revert(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct drift item = {0};
    struct job job = {0};

    if (take(call, p->id, &item, err) == -1)
        return -1;
    if (item.remedy[0] == '\0')
        return err_set(err, ERR_CONFLICT, "drift_by_hand", "%s is not sett's to revert: %s",
                       item.thing, item.actual);
    if (item.verdict != DRIFT_ORPHAN && item.domain_id[0] != '\0') {
        struct custom_domain domain;

        if (custom_domain_get(call->txn, item.domain_id, &domain, err) != 1)
            return err->kind == ERR_NONE ? err_set(err, ERR_CONFLICT, "drift_gone",
                                                   "the domain %s is gone", item.name)
                                         : -1;
        (void)str_copy(job.saga, sizeof job.saga, "domain.route");
        arg(&job, "drift_id", item.id);
        arg(&job, "thing", item.thing);
        arg(&job, "domain_id", item.domain_id);
        arg(&job, "tenant_id", domain.tenant_id);
        (void)kv_set(&job.args, "name", domain.name);
        arg(&job, "via", domain_via_names[domain.via]);
        arg(&job, "www", domain.www ? "1" : "0");
        job_subject(job.subjects[0], "domain", item.domain_id);
    } else
        drift_job(&item, &job);
    if (object_job(call, &job, err) != 0)
        return -1;
    if (call->plan)
        return object_reply(call, &view_drift, &item, err);
    item.state = DRIFT_REVERTING;
    (void)str_copy(item.job_id, sizeof item.job_id, call->job_id);
    if (drift_put(call->txn, &item, err) == -1)
        return -1;
    object_after(call, &drift_table, &item);
    return object_reply(call, &view_drift, &item, err);
}

const struct op drift_ops[] = {
    {.name = "drift.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(drift_list_rows, struct drift_list_params),
     .help = "List what outside is not as the records want",
     .example = "--kind dns",
     .result = &drift_table.fields,
     .scratch_size = sizeof(struct drift),
     .run = drift_list},
    {.name = "drift.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show one finding: desired, recorded, actual",
     .example = "drf_01jd3v7q2c0000000000000000",
     .result = &drift_table.fields,
     .run = drift_show},
    {.name = "drift.status",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "When it was last looked for drift, and what was passed over and why",
     .example = "",
     .result = &drift_scan_table.fields,
     .run = status},
    {.name = "drift.scan",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .help = "Look for drift now",
     .example = "",
     .result = &drift_scan_table.fields,
     .run = scan},
    {.name = "drift.accept",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(decide_rows, struct decide_params),
     .help = "Leave it as it is, and say so no more unless it changes",
     .example = "drf_01jd3v7q2c0000000000000000 --reason \"moved by hand\"",
     .result = &drift_table.fields,
     .run = accept},
    {.name = "drift.ignore",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(ignore_rows, struct ignore_params),
     .help = "Say nothing of it until a day",
     .example = "drf_01jd3v7q2c0000000000000000 --until 2027-01-31T00:00:00Z",
     .result = &drift_table.fields,
     .run = ignore},
    {.name = "drift.revert",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Bring it to what the records want",
     .example = "drf_01jd3v7q2c0000000000000000 --dry-run",
     .result = &drift_table.fields,
     .run = revert},
    {.name = NULL},
};
