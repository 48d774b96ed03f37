/*
 * A tenant as the API shows it. Apart from the field table because three of its members come from
 * elsewhere, and because a page of tenants is the most frequent answer of all: it is written
 * straight into the buffer, member by member, and a plan is looked up once a page.
 */
#include "json_out.h"
#include "plan.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

static void key_id(struct json_out *j, const char *key, const char *id)
{
    if (id[0] == '\0')
        json_out_key_null(j, key);
    else
        json_out_key_text(j, key, id);
}

/* The plan's name, from the page's own list if it was met before; NULL if there is no such plan. */
static const char *plan_name(struct txn *txn, struct tenant_json_plans *plans, const char *plan_id)
{
    struct plan plan;
    uint32_t i = 0;

    if (txn == NULL || plan_id[0] == '\0')
        return NULL;
    while (i < plans->count && !str_equal(plans->at[i].id, plan_id))
        i++;
    if (i < plans->count)
        return plans->at[i].name;
    memset(&plan, 0, sizeof plan);
    if (str_copy(plan.id, sizeof plan.id, plan_id) != 0 ||
        record_get(txn, &plan_table, &plan, NULL) != 1)
        return NULL;
    if (plans->count < TENANT_JSON_PLANS)
        plans->count++;
    i = plans->count - 1; /* a full list forgets its last */
    (void)str_copy(plans->at[i].id, sizeof plans->at[i].id, plan.id);
    (void)str_copy(plans->at[i].name, sizeof plans->at[i].name, plan.name);
    return plans->at[i].name;
}

static void limits(struct json_out *j, const struct limits *limits)
{
    json_out_key(j, "limits");
    json_out_object(j);
    json_out_key_u64(j, "memory_bytes", limits->memory_bytes);
    json_out_key_u64(j, "cpu_millis", limits->cpu_millis);
    json_out_key_u64(j, "pids", limits->pids);
    json_out_key_u64(j, "nofile", limits->nofile);
    json_out_key_u64(j, "storage_bytes", limits->storage_bytes);
    json_out_key_u64(j, "max_users", limits->max_users);
    json_out_end_object(j);
}

int tenant_json_list(struct txn *txn, struct tenant_json_plans *plans, const struct tenant *tenant,
                     struct json_out *j)
{
    char mark[TENANT_MARK_SIZE];
    const char *plan = plan_name(txn, plans, tenant->plan_id);

    tenant_mark(mark, tenant->number);
    json_out_object(j);
    json_out_key_text(j, "id", tenant->id);
    json_out_key_text(j, "object", "tenant");
    json_out_key_u64(j, "number", tenant->number);
    json_out_key_text(j, "name", tenant->name);
    json_out_key_text(j, "subdomain", tenant->subdomain);
    key_id(j, "customer_id", tenant->customer_id);
    key_id(j, "plan", plan != NULL ? plan : "");
    key_id(j, "plan_id", tenant->plan_id);
    key_id(j, "subscription_id", tenant->subscription_id);
    json_out_key_text(j, "state", tenant_state_names[tenant->state]);
    json_out_key_text(j, "state_reason", tenant->state_reason);
    json_out_key_text(j, "health", tenant_health_names[tenant->health]);
    json_out_key_text(j, "url", tenant->url);
    json_out_key_text(j, "blueprint", tenant->blueprint);
    key_id(j, "runtime", tenant->runtime);
    json_out_key_text(j, "ingress", tenant->ingress);
    json_out_key_text(j, "container_id", mark);
    if (tenant->port == 0)
        json_out_key_null(j, "port");
    else
        json_out_key_u64(j, "port", tenant->port);
    key_id(j, "tunnel_id", tenant->tunnel_id);
    key_id(j, "job_id", tenant->job_id);
    json_out_key_bool(j, "maintenance", tenant->maintenance);
    limits(j, &tenant->limits);
    json_out_key_time(j, "failed_at", tenant->failed_at);
    json_out_key_time(j, "suspended_at", tenant->suspended_at);
    json_out_key_time(j, "deleted_at", tenant->deleted_at);
    json_out_key_time(j, "created_at", tenant->created_at);
    json_out_key_time(j, "updated_at", tenant->updated_at);
    json_out_end_object(j);
    return j->buf->failed ? -1 : 0;
}

int tenant_json(struct txn *txn, const struct tenant *tenant, struct json_out *j)
{
    struct tenant_json_plans plans;

    plans.count = 0;
    return tenant_json_list(txn, &plans, tenant, j);
}
