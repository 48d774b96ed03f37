/*
 * What a customer is told of their own tenants besides the tenants themselves: what the plan
 * allows, and whether work on one goes on. Apart from the tenants because operators read plans and
 * journals.
 */
#include "tenant.h"

#include "customer.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "restore_record.h"
#include "str.h"

#include <string.h>

/* ---- work under way ---- */

static const struct field work_rows[] = {
    {.name = "id", .type = FIELD_ID, .size = ID_SIZE, .help = "the job"},
    {.name = "saga", .type = FIELD_TEXT, .size = 32, .help = "what is done, as in tenant.restart"},
    {.name = "state", .type = FIELD_ENUM, .size = 4, .names = job_state_names, .help = "how it is"},
    {.name = "live", .type = FIELD_BOOL, .size = 1, .help = "it goes on"},
    {.name = "ended_at", .type = FIELD_TIME, .size = 8, .help = "ended at"},
};
static const struct fields work_shape = {work_rows, sizeof work_rows / sizeof work_rows[0], 0};

/* Whether a job is about something that the asker may know of. */
static int concerns(struct op_call *call, const struct job *job, struct err *err)
{
    for (unsigned i = 0; i < JOB_SUBJECTS; i++) {
        const char *id = strchr(job->subjects[i], ':');
        struct tenant tenant = {0};
        int found;

        if (id == NULL || !str_starts(job->subjects[i], "tenant:"))
            continue;
        (void)str_copy(tenant.id, sizeof tenant.id, id + 1);
        if ((found = record_get(call->txn, &tenant_table, &tenant, err)) < 0)
            return -1;
        if (found == 1 && object_owned(call, &tenant_table, &tenant))
            return 1;
    }
    return call->actor.role > ROLE_CUSTOMER;
}

/* The journal is for operators; a customer is told whether it goes on and how it ended. */
static int portal_work(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct job job = {0};
    int found = 0;

    if (str_copy(job.id, sizeof job.id, p->id) == 0 &&
        (found = record_get(call->txn, &job_table, &job, err)) == 1)
        found = concerns(call, &job, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "job_not_found", "there is no job %.80s", p->id);
    json_out_object(j);
    json_out_key_text(j, "object", "work");
    json_out_key_text(j, "id", job.id);
    json_out_key_text(j, "saga", job.saga);
    json_out_key_text(j, "state", job_state_names[job.state]);
    json_out_key_bool(j, "live", job.live);
    json_out_key_time(j, "ended_at", job.ended_at);
    json_out_end_object(j);
    return 0;
}

/* ---- what a customer may with a tenant ---- */

static const struct field service_rows[] = {
    {.name = "id", .type = FIELD_ID, .size = ID_SIZE, .help = "the tenant"},
    {.name = "plan_title", .type = FIELD_TEXT, .size = 96, .help = "its plan, for people"},
    {.name = "max_domains", .type = FIELD_U32, .size = 4, .help = "own domains that it may have"},
    {.name = "snapshots",
     .type = FIELD_ENUM,
     .size = 4,
     .names = plan_snapshots_names,
     .help = "what its customer may do with snapshots of it"},
    {.name = "undecided",
     .type = FIELD_BOOL,
     .size = 1,
     .help = "its data was restored, and what was before can still come back"},
    {.name = "billing", .type = FIELD_BOOL, .size = 1, .help = "there are invoices at Stripe"},
};
static const struct fields service_shape = {service_rows,
                                            sizeof service_rows / sizeof service_rows[0], 0};

/* A record that a tenant points to, if it still is there. */
static int follow(struct op_call *call, const struct table *table, const char *id, void *record,
                  struct err *err)
{
    if (id[0] == '\0')
        return 0;
    (void)str_copy(record, ID_SIZE, id);
    return record_get(call->txn, table, record, err) < 0 ? -1 : 0;
}

static int portal_service(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct customer customer = {0};
    struct restore_record restore;
    struct tenant tenant = {0};
    struct plan plan = {0};
    int kept;

    if (object_get(call, &tenant_table, p->id, &tenant, err) != 0 ||
        follow(call, &plan_table, tenant.plan_id, &plan, err) != 0 ||
        follow(call, &customer_table, tenant.customer_id, &customer, err) != 0 ||
        (kept = restore_of_tenant(call->txn, tenant.id, &restore, err)) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "service");
    json_out_key_text(j, "id", tenant.id);
    json_out_key_text(j, "plan_title", plan.title);
    json_out_key_u64(j, "max_domains", plan.max_domains);
    json_out_key_text(j, "snapshots", plan_snapshots_names[plan.snapshots]);
    json_out_key_bool(j, "undecided", kept == 1);
    json_out_key_bool(j, "billing", customer.stripe_customer[0] != '\0');
    json_out_end_object(j);
    return 0;
}

const struct op service_ops[] = {
    {.name = "portal.service",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "What the plan of a tenant lets its customer do",
     .example = "acme",
     .result = &service_shape,
     .run = portal_service},
    {.name = "portal.work",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Whether work on one's own tenant goes on, and how it ended",
     .example = "job_01jd3v7q2c0000000000000000",
     .result = &work_shape,
     .run = portal_work},
    {.name = NULL},
};
