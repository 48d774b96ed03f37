/*
 * The store's side of a move: where the tenant was, where it is, and the one commit in between.
 * Apart from the outside's side because only here two ports may be one tenant's.
 */
#include "facts.h"
#include "steps.h"
#include "steps_domain.h"
#include "steps_move.h"

#include <string.h>

#include "port.h"
#include "setting.h"
#include "str.h"

/* What is of the old place, under names of its own. */
static int note_old(struct job *job, const struct tenant *tenant, struct err *err)
{
    char service[160];

    if (tenant_service(tenant, service, sizeof service) == -1)
        return err_set(err, ERR_INTERNAL, "service_too_long", "the tenant's address is too long");
    /* A way in that leads elsewhere stays as it is. */
    if (str_equal(service, kv_get_or(&job->facts, FACT_SERVICE, "")) &&
        facts_set(job, FACT_OLD_SERVICE, service, err) == -1)
        return -1;
    if (facts_set(job, FACT_OLD_BLUEPRINT, tenant->blueprint, err) == -1 ||
        facts_set(job, FACT_OLD_RUNTIME, tenant->runtime, err) == -1 ||
        facts_set_u64(job, FACT_OLD_PORT, tenant->port, err) == -1 ||
        facts_set(job, FACT_OLD_ADDRESS, tenant->address, err) == -1 ||
        facts_set(job, FACT_OLD_NODE, tenant->node, err) == -1)
        return -1;
    return facts_set(job, FACT_OLD_MAINTENANCE, tenant->maintenance ? "1" : "", err);
}

int steps_move_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    if (steps_tenant_read_running(txn, job, context, err) == -1 ||
        facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    return note_old(job, &tenant, err);
}

/* What its ways in lead to, once it is where the facts say. */
static int note_service(struct job *job, struct err *err)
{
    char origin[TENANT_ORIGIN_SIZE], service[TENANT_ORIGIN_SIZE + 16];

    if (kv_get(&job->facts, FACT_OLD_SERVICE) == NULL)
        return 0;
    facts_origin(&job->facts, origin);
    (void)str_format(service, sizeof service, "http://%s", origin);
    return facts_set(job, FACT_SERVICE, service, err);
}

int steps_move_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)txn, (void)context;
    return note_service(job, err);
}

int steps_move_reserve(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    uint32_t port = 0;
    char ranges[512];

    if (setting_text(txn, &c->conf, "ports.ranges", ranges, sizeof ranges, err) == -1 ||
        port_reserve_another(txn, ranges, kv_get_or(&job->args, "tenant_id", ""), &port, err) ==
            -1 ||
        facts_set_u64(job, FACT_PORT, port, err) == -1)
        return -1;
    return note_service(job, err);
}

int steps_move_unreserve(struct txn *txn, struct job *job, void *context, struct err *err)
{
    uint32_t port = (uint32_t)kv_get_u64(&job->facts, FACT_PORT, 0);
    uint64_t old = kv_get_u64(&job->facts, FACT_OLD_PORT, 0);
    uint64_t foreign = kv_get_u64(&job->facts, FACT_FOREIGN, 0);

    (void)context;
    if (port != old && port_give(txn, port, kv_get_or(&job->args, "tenant_id", ""), err) == -1)
        return -1;
    if (foreign != 0 &&
        port_foreign(txn, (uint32_t)foreign, kv_get_or(&job->facts, FACT_OWNER, "something"),
                     txn_time_ms(txn) + PORT_FOREIGN_MS, err) == -1)
        return -1;
    kv_unset(&job->facts, FACT_FOREIGN);
    kv_unset(&job->facts, FACT_OWNER);
    return facts_set_u64(job, FACT_PORT, old, err);
}

int steps_move_moved(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    (void)str_copy(tenant.blueprint, sizeof tenant.blueprint,
                   kv_get_or(&job->facts, FACT_BLUEPRINT, tenant.blueprint));
    (void)str_copy(tenant.runtime, sizeof tenant.runtime,
                   kv_get_or(&job->facts, FACT_RUNTIME, tenant.runtime));
    (void)str_copy(tenant.address, sizeof tenant.address, kv_get_or(&job->facts, FACT_ADDRESS, ""));
    (void)str_copy(tenant.node, sizeof tenant.node, kv_get_or(&job->facts, FACT_NODE, ""));
    tenant.port = (uint32_t)kv_get_u64(&job->facts, FACT_PORT, 0);
    tenant.health = tenant.maintenance ? HEALTH_UNKNOWN : HEALTH_HEALTHY;
    if (steps_tenant_up(txn, &tenant, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED)
        return 0;
    (void)str_copy(tunnel.service, sizeof tunnel.service,
                   kv_get_or(&job->facts, FACT_SERVICE, tunnel.service));
    return tunnel_put(txn, &tunnel, err);
}

int steps_move_freed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    uint32_t old = (uint32_t)kv_get_u64(&job->facts, FACT_OLD_PORT, 0);

    (void)context;
    if (old == kv_get_u64(&job->facts, FACT_PORT, 0))
        return 0;
    return port_give(txn, old, kv_get_or(&job->args, "tenant_id", ""), err);
}

int steps_move_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *old = kv_get(&job->facts, FACT_OLD_SERVICE);
    struct tunnel tunnel = {0};
    struct tenant tenant;
    struct scan scan;
    int got;

    if (steps_tenant_job_ended(txn, job, context, err) == -1)
        return -1;
    if (job->state != JOB_DONE || old == NULL)
        return 0;
    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        steps_domain_follow(txn, job, &tenant, err) == -1)
        return -1;
    (void)str_copy(tunnel.tenant_id, sizeof tunnel.tenant_id, tenant.id);
    if (scan_start(&scan, txn, &tunnel_table, "tenant_id", &tunnel, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1) {
        if (str_equal(tunnel.id, tenant.tunnel_id) || tunnel.state == TUNNEL_DELETED ||
            !str_equal(tunnel.service, old))
            continue;
        if (tenant_service(&tenant, tunnel.service, sizeof tunnel.service) == -1 ||
            tunnel_put(txn, &tunnel, err) == -1 ||
            steps_tunnel_reroute(txn, job, &tunnel, err) == -1)
            return -1;
    }
    return got;
}
