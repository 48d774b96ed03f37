/* Tenants: the rows of their operations, and those that only look. What changes one stands in
 * tenant_change.c. */
#include "tenant_change.h"

#include "enquire.h"
#include "log_page.h"
#include "nouns.h"
#include "str.h"
#include "tenant_find.h"

struct tenant_list_params {
    struct list_params list;
    struct tenant_wish wish;
    uint32_t sort;
};
static const struct field tenant_list_rows[] = {
    LIST_FIELDS(struct tenant_list_params),
    TENANT_WISH_FIELDS(struct tenant_list_params),
    FIELD(struct tenant_list_params, sort, FIELD_ENUM, .names = tenant_sort_names,
          .help = "in which order; with - the other way round"),
};

struct logs_params {
    char id[96];
    struct log_wish wish;
};
static const struct field logs_rows[] = {
    ID_FIELD(struct logs_params),
    LOG_WISH_FIELDS(struct logs_params),
};

static int show_page(struct op_call *call, const struct tenant_page *page, struct err *err)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (unsigned i = 0; i < page->count; i++)
        if (view_object(call, &view_tenant, &page->at[i], err) != 0)
            return -1;
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", page->has_more);
    json_out_key_text(j, "url", "/api/tenants");
    if (page->next[0] != '\0')
        json_out_key_text(j, "next", page->next);
    if (page->previous[0] != '\0')
        json_out_key_text(j, "previous", page->previous);
    json_out_key(j, "total");
    if (page->total < 0)
        json_out_null(j);
    else
        json_out_i64(j, page->total);
    json_out_key_bool(j, "total_exact", page->exact);
    json_out_end_object(j);
    return 0;
}

static int tenant_list(struct op_call *call, struct err *err)
{
    const struct tenant_list_params *p = call->params;
    struct tenant_filter filter;
    struct tenant_page page;
    int r;

    if (tenant_filter_read(call, &p->wish, &filter, err) != 0 ||
        tenant_find(call, &filter, p->sort, &p->list,
                    p->list.limit == 0 ? LIST_DEFAULT : p->list.limit, &page, err) != 0)
        return -1;
    r = show_page(call, &page, err);
    tenant_page_free(&page);
    return r;
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
    const struct logs_params *p = call->params;

    return log_page_ask(call, &tenant_table, p->id, &p->wish, err);
}

static int logs(struct op_call *call, struct err *err)
{
    return log_page_reply(call, &((const struct logs_params *)call->params)->wish, err);
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
     .help = "List tenants, newest first, or those that are searched for, in any order",
     .example = "--q acme --state active,failed --sort name",
     RESULT,
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
    {.name = "tenant.keep",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &tenant_change_reason,
     .help = "Keep a tenant whose subscription has ended: it is brought back and not deleted",
     .example = "1 --reason \"pays by invoice from now on\"",
     RESULT,
     .run = tenant_change_keep_run},
    {.name = "tenant.restart",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Restart a tenant's program",
     .example = "1",
     RESULT,
     .run = tenant_change_restart_run},
    {.name = "tenant.rekey",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Give a tenant's database a new password, and make its program anew with it",
     .example = "1",
     RESULT,
     .run = tenant_change_rekey_run},
    {.name = "tenant.logs",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK,
     .params = PARAMS(logs_rows, struct logs_params),
     .help = "The newest lines of a tenant's log, or those with a text, of a level, or since",
     .example = "1 --lines 50 --level warning",
     .slow = logs_slow,
     .run = logs},
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
