/*
 * The store's side of changing a tenant: its plan, its limits, its name. Apart because a change has
 * a before that must come back when it fails.
 */
#include "facts.h"
#include "steps.h"
#include "steps_domain.h"

#include <string.h>

#include "name.h"
#include "plan.h"
#include "setting.h"
#include "str.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

bool steps_update_without_runtime(const struct job *job)
{
    return kv_get(&job->facts, FACT_RECREATE) == NULL;
}

bool steps_update_without_running(const struct job *job)
{
    return kv_get(&job->facts, FACT_SUSPENDED) != NULL;
}

bool steps_update_without_answer(const struct job *job)
{
    return steps_update_without_running(job) || steps_in_maintenance(job);
}

bool steps_update_without_maintenance(const struct job *job)
{
    return kv_get(&job->args, "maintenance") == NULL || steps_update_without_running(job) ||
           steps_without_rules(job) || !steps_update_without_name(job);
}

bool steps_update_without_route(const struct job *job)
{
    return steps_update_without_running(job) || steps_update_without_name(job) ||
           steps_carried(job);
}

bool steps_update_without_name(const struct job *job)
{
    return kv_get(&job->facts, FACT_OLD_HOSTNAME) == NULL || steps_without_ingress(job);
}

bool steps_update_without_tunnel_name(const struct job *job)
{
    return steps_update_without_name(job) || steps_without_record(job);
}

static int change_plan(struct txn *txn, struct job *job, struct tenant *tenant, const char *plan_id,
                       struct err *err)
{
    struct plan plan = {0};
    int found;

    if ((found = plan_resolve(txn, plan_id, &plan, err)) == 0)
        return err_field(err, "plan", "plan_not_found", "there is no plan %s", plan_id);
    if (found == -1 || facts_set(job, FACT_OLD_PLAN, tenant->plan_id, err) == -1)
        return -1;
    if (tenant_may_have(txn, tenant, &plan, err) == -1)
        return -1;
    (void)str_copy(tenant->plan_id, sizeof tenant->plan_id, plan.id);
    return facts_set(job, FACT_RECREATE, "1", err);
}

static int change_name(struct txn *txn, struct job *job, const struct saga_context *c,
                       struct tenant *tenant, const char *subdomain, struct err *err)
{
    char hostname[256];

    if (name_check(subdomain, err) == -1 || name_take(txn, subdomain, tenant->id, 0, err) == -1 ||
        tenant_hostname(txn, &c->conf, tenant->subdomain, hostname, sizeof hostname, err) == -1 ||
        facts_set(job, FACT_OLD_SUBDOMAIN, tenant->subdomain, err) == -1 ||
        facts_set(job, FACT_OLD_HOSTNAME, hostname, err) == -1 ||
        str_copy(tenant->subdomain, sizeof tenant->subdomain, subdomain) == -1)
        return -1;
    return tenant_url(txn, &c->conf, subdomain, tenant->url, sizeof tenant->url, err);
}

/* Maintenance as it was, for the way back, and as it is to be. */
static int change_maintenance(struct job *job, struct tenant *tenant, struct err *err)
{
    const char *wanted = kv_get(&job->args, "maintenance");
    bool before = tenant->maintenance;

    if (wanted != NULL) {
        tenant->maintenance = str_equal(wanted, "1");
        before = !tenant->maintenance;
        tenant->health = HEALTH_UNKNOWN;
    }
    return facts_set(job, FACT_OLD_MAINTENANCE, before ? "1" : "", err);
}

/* The tunnel follows the name; its DNS record is another one. */
static int change_tunnel(struct txn *txn, struct job *job, const struct saga_context *c,
                         const struct tenant *tenant, struct err *err)
{
    struct tunnel tunnel;
    int found = facts_load_tunnel(txn, tenant->tunnel_id, &tunnel, err);

    if (found == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED)
        return facts_set(job, FACT_TUNNEL, "", err);
    if (kv_get(&job->facts, FACT_OLD_HOSTNAME) != NULL) {
        if (tenant_hostname(txn, &c->conf, tenant->subdomain, tunnel.hostname,
                            sizeof tunnel.hostname, err) == -1 ||
            facts_set(job, FACT_OLD_RECORD, tunnel.cf_record, err) == -1)
            return -1;
        tunnel.cf_record[0] = '\0';
        if (tunnel_put(txn, &tunnel, err) == -1)
            return -1;
    }
    return facts_tunnel(txn, job, c, &tunnel, err);
}

int steps_tenant_change(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *plan_id = kv_get_or(&job->args, "plan_id", "");
    const char *subdomain = kv_get_or(&job->args, "subdomain", "");
    struct tenant tenant;

    if (steps_tenant_read(txn, job, context, err) == -1 ||
        facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (plan_id[0] != '\0' && !str_equal(plan_id, tenant.plan_id) &&
        change_plan(txn, job, &tenant, plan_id, err) == -1)
        return -1;
    if (kv_get(&job->args, "limits") != NULL && facts_set(job, FACT_RECREATE, "1", err) == -1)
        return -1;
    if (subdomain[0] != '\0' && !str_equal(subdomain, tenant.subdomain) &&
        change_name(txn, job, context, &tenant, subdomain, err) == -1)
        return -1;
    if (tenant.state == TENANT_SUSPENDED && facts_set(job, FACT_SUSPENDED, "1", err) == -1)
        return -1;
    if (change_maintenance(job, &tenant, err) == -1)
        return -1;
    if (tenant_put(txn, &tenant, err) == -1 || facts_tenant(txn, job, context, &tenant, err) == -1)
        return -1;
    return change_tunnel(txn, job, context, &tenant, err);
}

static int unchange(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *plan_id = kv_get(&job->facts, FACT_OLD_PLAN);
    const char *subdomain = kv_get(&job->facts, FACT_OLD_SUBDOMAIN);
    const struct saga_context *c = context;
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (plan_id != NULL)
        (void)str_copy(tenant.plan_id, sizeof tenant.plan_id, plan_id);
    if (kv_get(&job->args, "maintenance") != NULL)
        tenant.maintenance = kv_get(&job->facts, FACT_OLD_MAINTENANCE) != NULL;
    if (subdomain == NULL)
        return tenant_put(txn, &tenant, err);
    if (name_give(txn, tenant.subdomain, tenant.id, 0, err) == -1 ||
        str_copy(tenant.subdomain, sizeof tenant.subdomain, subdomain) == -1 ||
        tenant_url(txn, &c->conf, subdomain, tenant.url, sizeof tenant.url, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1 ||
        tenant_put(txn, &tenant, err) == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED)
        return 0;
    (void)str_copy(tunnel.hostname, sizeof tunnel.hostname,
                   kv_get_or(&job->facts, FACT_OLD_HOSTNAME, ""));
    (void)str_copy(tunnel.cf_record, sizeof tunnel.cf_record,
                   kv_get_or(&job->facts, FACT_OLD_RECORD, ""));
    return tunnel_put(txn, &tunnel, err);
}

/* A shared tunnel that carries it is to know, too. */
int steps_tenant_unchange(struct txn *txn, struct job *job, void *context, struct err *err)
{
    if (unchange(txn, job, context, err) == -1)
        return -1;
    return steps_carried(job) ? steps_share_refresh(txn, job, err) : 0;
}

/* One that runs was asked unless it is in maintenance, and whatever failed before is mended. */
static int note_answer(struct txn *txn, const struct job *job, struct err *err)
{
    struct tenant tenant;

    if (steps_update_without_running(job))
        return 0;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    tenant.health = tenant.maintenance ? HEALTH_UNKNOWN : HEALTH_HEALTHY;
    return steps_tenant_up(txn, &tenant, err);
}

int steps_tenant_changed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *subdomain = kv_get(&job->facts, FACT_OLD_SUBDOMAIN);
    const struct saga_context *c = context;
    uint64_t days = setting_u64(txn, &c->conf, "names.rest_days");

    if (note_answer(txn, job, err) == -1)
        return -1;
    if (subdomain == NULL)
        return 0;
    return name_give(txn, subdomain, kv_get_or(&job->args, "tenant_id", ""),
                     days == 0 ? 0 : txn_time_ms(txn) + (int64_t)days * DAY_MS, err);
}

int steps_tenant_update_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel = {0};
    struct tenant tenant;
    struct scan scan;
    int got;

    if (steps_tenant_job_ended(txn, job, context, err) == -1)
        return -1;
    if (job->state != JOB_STUCK && kv_get(&job->facts, FACT_OLD_HOSTNAME) != NULL &&
        steps_limit_follow(txn, job, kv_get_or(&job->args, "tenant_id", ""), err) == -1)
        return -1;
    if (job->state == JOB_STUCK)
        return 0;
    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        steps_domain_follow(txn, job, &tenant, err) == -1)
        return -1;
    if (kv_get(&job->args, "maintenance") == NULL)
        return 0;
    (void)str_copy(tunnel.tenant_id, sizeof tunnel.tenant_id, tenant.id);
    if (scan_start(&scan, txn, &tunnel_table, "tenant_id", &tunnel, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1)
        if (!str_equal(tunnel.id, tenant.tunnel_id) &&
            steps_tunnel_reroute(txn, job, &tunnel, err) == -1)
            return -1;
    return got;
}
