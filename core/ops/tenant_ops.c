/* Tenants: the rows of their operations, and those that only look. What changes one stands in
 * tenant_change.c. */
#include "tenant_change.h"

#include "customer.h"
#include "enquire.h"
#include "list.h"
#include "nouns.h"
#include "plan.h"
#include "str.h"

struct tenant_list_params {
    struct list_params list;
    uint32_t state;
    char customer_id[96], plan[96], subdomain[64];
    bool deleted;
};
static const struct field tenant_list_rows[] = {
    LIST_FIELDS(struct tenant_list_params),
    FIELD(struct tenant_list_params, state, FIELD_ENUM, .names = tenant_state_names,
          .help = "only in this state"),
    FIELD(struct tenant_list_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this customer"),
    FIELD(struct tenant_list_params, plan, FIELD_TEXT, .help = "only with this plan"),
    FIELD(struct tenant_list_params, subdomain, FIELD_TEXT, .help = "only with this subdomain"),
    FIELD(struct tenant_list_params, deleted, FIELD_BOOL, .help = "also those that are deleted"),
};

struct lines_params {
    char id[96];
    uint32_t lines;
};
static const struct field lines_rows[] = {
    ID_FIELD(struct lines_params),
    FIELD(struct lines_params, lines, FIELD_U32, .min = 1, .max = 5000,
          .help = "how many of the newest lines (100)"),
};

/* What the filters ask for, as fields of a tenant. */
struct filter {
    struct tenant want;
    bool by_customer, by_plan;
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct tenant_list_params *p = call->params;
    const struct filter *f = call->scratch;
    const struct tenant *tenant = record;

    return (p->deleted || op_given(call, "state") || tenant->state != TENANT_DELETED) &&
           (!op_given(call, "state") || tenant->state == f->want.state) &&
           (!f->by_customer || str_equal(tenant->customer_id, f->want.customer_id)) &&
           (!f->by_plan || str_equal(tenant->plan_id, f->want.plan_id)) &&
           (!op_given(call, "subdomain") || str_equal(tenant->subdomain, f->want.subdomain));
}

static int set_filter(struct op_call *call, struct filter *f, struct err *err)
{
    const struct tenant_list_params *p = call->params;
    struct customer customer = {0};
    struct plan plan = {0};

    f->want.state = p->state;
    (void)str_copy(f->want.subdomain, sizeof f->want.subdomain, p->subdomain);
    if (op_given(call, "plan")) {
        if (object_refer(call, &plan_table, "plan", p->plan, &plan, err) != 0)
            return -1;
        (void)str_copy(f->want.plan_id, sizeof f->want.plan_id, plan.id);
        f->by_plan = true;
    }
    if (op_given(call, "customer_id") &&
        object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
        return -1;
    if (call->actor.role == ROLE_CUSTOMER) /* nobody else's exist for them */
        (void)str_copy(customer.id, sizeof customer.id, call->actor.customer_id);
    (void)str_copy(f->want.customer_id, sizeof f->want.customer_id, customer.id);
    f->by_customer = customer.id[0] != '\0';
    return 0;
}

/* The index that leaves the fewest to look at. */
static int tenant_list(struct op_call *call, struct err *err)
{
    const struct tenant_list_params *p = call->params;
    struct filter *f = call->scratch;
    struct list list = {.view = &view_tenant, .url = "/api/tenants", .match = &f->want};

    if (set_filter(call, f, err) != 0)
        return -1;
    if (p->subdomain[0] != '\0')
        list.index = "subdomain";
    else if (f->by_customer)
        list.index = "customer_id";
    else if (op_given(call, "state") && p->state != TENANT_ACTIVE)
        list.index = "state";
    else if (f->by_plan)
        list.index = "plan_id";
    else if (op_given(call, "state"))
        list.index = "state";
    list.fields = list.index == NULL ? 0 : 1;
    list.keep = keep;
    return list_reply(call, &p->list, &list, err);
}

static int tenant_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tenant tenant = {0};

    if (object_get(call, &tenant_table, p->id, &tenant, err) != 0)
        return -1;
    return object_reply(call, &view_tenant, &tenant, err);
}

static int logs_slow(struct op_call *call, struct err *err)
{
    const struct lines_params *p = call->params;

    return enquire_lines(call, &tenant_table, p->id, p->lines, err);
}

static int stats_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    return enquire(call, &tenant_table, p->id, "stats", &params, err);
}

#define RESULT .result = &tenant_table.fields, .more = &view_tenant_more

const struct op tenant_ops[] = {
    {.name = "tenant.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(tenant_list_rows, struct tenant_list_params),
     .help = "List tenants, newest first",
     .example = "--state failed",
     RESULT,
     .scratch_size = sizeof(struct filter),
     .run = tenant_list},
    {.name = "tenant.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a tenant",
     .example = "1",
     RESULT,
     .run = tenant_show},
    {.name = "tenant.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = &tenant_change_create,
     .help = "Make a tenant and bring it up",
     .example = "Acme --plan demo --subdomain acme",
     RESULT,
     .run = tenant_change_create_run},
    {.name = "tenant.update",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &tenant_change_update,
     .help = "Change a tenant",
     .example = "1 --plan large --maintenance true",
     RESULT,
     .run = tenant_change_update_run},
    {.name = "tenant.delete",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &tenant_change_delete,
     .help = "Delete a tenant with all that belongs to it, or only suspend it",
     .example = "1 --action delete",
     RESULT,
     .run = tenant_change_delete_run},
    {.name = "tenant.suspend",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &tenant_change_reason,
     .help = "Stop a tenant and keep its data",
     .example = "1 --reason \"as agreed by phone\"",
     RESULT,
     .run = tenant_change_suspend_run},
    {.name = "tenant.resume",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &tenant_change_reason,
     .help = "Bring a suspended tenant back",
     .example = "1",
     RESULT,
     .run = tenant_change_resume_run},
    {.name = "tenant.restart",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Restart a tenant's program",
     .example = "1",
     RESULT,
     .run = tenant_change_restart_run},
    {.name = "tenant.logs",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK,
     .params = PARAMS(lines_rows, struct lines_params),
     .help = "The newest lines of a tenant's log",
     .example = "1 --lines 50",
     .slow = logs_slow,
     .run = enquire_reply_lines},
    {.name = "tenant.stats",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK,
     .params = &object_id,
     .help = "What a tenant uses now: memory, processor, processes",
     .example = "1",
     .slow = stats_slow,
     .run = enquire_reply_json},
    {.name = NULL},
};
