/*
 * The store's side of tenants' sagas: what is reserved at the beginning and written down at the
 * end. Apart from the domain, which knows what a tenant is, because here is what a saga makes of
 * it.
 */
#include "facts.h"
#include "steps.h"
#include "steps_domain.h"

#include <string.h>

#include "guard.h"
#include "guest.h"
#include "job_start.h"
#include "name.h"
#include "notice.h"
#include "port.h"
#include "rule.h"
#include "shared.h"
#include "setting.h"
#include "subscription.h"
#include "restore_record.h"
#include "str.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* The tenant's own tunnel: there already, or made now. */
static int own_tunnel(struct txn *txn, struct job *job, const struct saga_context *c,
                      struct tenant *tenant, struct tunnel *tunnel, struct err *err)
{
    int found = facts_load_tunnel(txn, tenant->tunnel_id, tunnel, err);

    if (found == -1)
        return -1;
    if (found == 0 || tunnel->state == TUNNEL_DELETED) {
        struct tunnel fresh = {0};

        (void)str_copy(fresh.tenant_id, sizeof fresh.tenant_id, tenant->id);
        (void)str_copy(fresh.customer_id, sizeof fresh.customer_id, tenant->customer_id);
        (void)str_copy(fresh.ingress, sizeof fresh.ingress, tenant->ingress);
        *tunnel = fresh;
    }
    if (tenant_hostname(txn, &c->conf, tenant->subdomain, tunnel->hostname, sizeof tunnel->hostname,
                        err) == -1 ||
        tenant_service(tenant, tunnel->service, sizeof tunnel->service) == -1 ||
        (tenant->ingress_mode == INGRESS_MODE_SHARED && str_equal(tunnel->ingress, "cloudflare") &&
         shared_join(txn, &c->conf, tunnel, job, err) == -1))
        return -1;
    if (tunnel->id[0] != '\0') {
        if (tunnel_move(txn, tunnel, TUNNEL_PROVISIONING, "", err) == -1)
            return -1;
    } else if (tunnel_new(txn, tunnel, err) == -1) {
        return -1;
    }
    (void)str_copy(tenant->tunnel_id, sizeof tenant->tunnel_id, tunnel->id);
    if (job_take(txn, job, "tunnel", tunnel->id, err) == -1)
        return -1;
    return facts_tunnel(txn, job, c, tunnel, err);
}

int steps_tenant_reserve(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    struct tenant tenant;
    struct tunnel tunnel;
    char ranges[512];

    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        setting_text(txn, &c->conf, "ports.ranges", ranges, sizeof ranges, err) == -1)
        return -1;
    if (tenant.state == TENANT_DELETED)
        return err_set(err, ERR_CONFLICT, "tenant_deleted", "the tenant %s is deleted", tenant.id);
    if (name_take(txn, tenant.subdomain, tenant.id, 0, err) == -1 ||
        port_reserve(txn, ranges, tenant.id, &tenant.port, err) == -1 ||
        facts_tenant(txn, job, c, &tenant, err) == -1 ||
        own_tunnel(txn, job, c, &tenant, &tunnel, err) == -1)
        return -1;
    return tenant_put(txn, &tenant, err);
}

int steps_tenant_unreserve(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    uint64_t foreign = kv_get_u64(&job->facts, FACT_FOREIGN, 0);

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1 || port_free(txn, tenant.id, err) == -1)
        return -1;
    if (foreign != 0 &&
        port_foreign(txn, (uint32_t)foreign, kv_get_or(&job->facts, FACT_OWNER, "something"),
                     txn_time_ms(txn) + PORT_FOREIGN_MS, err) == -1)
        return -1;
    kv_unset(&job->facts, FACT_FOREIGN);
    kv_unset(&job->facts, FACT_OWNER);
    kv_unset(&job->facts, FACT_PORT);
    tenant.port = 0;
    if (tenant_elsewhere(&tenant) && !str_equal(tenant.runtime, "proxmox")) /* it is no longer */
        tenant.runtime[0] = tenant.node[0] = '\0';
    return tenant_put(txn, &tenant, err);
}

int steps_tenant_up(struct txn *txn, struct tenant *tenant, struct err *err)
{
    struct subscription sub = {0};
    int found = 0;

    if (tenant->subscription_id[0] != '\0') {
        (void)str_copy(sub.id, sizeof sub.id, tenant->subscription_id);
        if ((found = record_get(txn, &subscription_table, &sub, err)) == -1)
            return -1;
    }
    if (found == 1 && sub.status == SUBSCRIPTION_PAST_DUE)
        return tenant_move(txn, tenant, TENANT_PAST_DUE, "a payment is due", err);
    return tenant_move(txn, tenant, TENANT_ACTIVE, "", err);
}

/* The tenant runs and answers, if it is not in maintenance; its tunnel leads to it. */
static int set_active(struct txn *txn, struct job *job, struct err *err)
{
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (kv_get(&job->facts, FACT_RUNTIME) != NULL)
        (void)str_copy(tenant.runtime, sizeof tenant.runtime, kv_get(&job->facts, FACT_RUNTIME));
    (void)str_copy(tenant.url, sizeof tenant.url, kv_get_or(&job->facts, FACT_URL, tenant.url));
    tenant.health = tenant.maintenance ? HEALTH_UNKNOWN : HEALTH_HEALTHY;
    if (steps_tenant_up(txn, &tenant, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1)
        return -1;
    return found == 0 ? 0 : tunnel_move(txn, &tunnel, TUNNEL_ACTIVE, "", err);
}

int steps_tenant_active(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    int shown;

    if (set_active(txn, job, err) == -1 || facts_load_tenant(txn, job, &tenant, err) == -1 ||
        (shown = steps_credentials_keep(txn, job, context, &tenant, err)) == -1)
        return -1;
    return steps_letter_ready(txn, &tenant, shown == 1, err);
}

int steps_tenant_resumed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (set_active(txn, job, err) == -1 || facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (steps_letter(txn, "resumed", &tenant, err) == -1)
        return -1;
    return steps_domain_follow(txn, job, &tenant, err);
}

/* The facts of a tenant that is there, with its tunnel if it has one, which is then this job's
 * alone if the job ${takes} it. */
static int read_both(struct txn *txn, struct job *job, const struct saga_context *c,
                     const struct tenant *tenant, bool takes, struct err *err)
{
    struct tunnel tunnel;
    int found;

    if (facts_tenant(txn, job, c, tenant, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant->tunnel_id, &tunnel, err)) == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED)
        return facts_set(job, FACT_TUNNEL, "", err);
    if (takes && job_take(txn, job, "tunnel", tunnel.id, err) == -1)
        return -1;
    return facts_tunnel(txn, job, c, &tunnel, err);
}

static int wrong_state(const struct tenant *tenant, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "tenant_state", "the tenant %s is %s", tenant->id,
                  tenant_state_names[tenant->state]);
    return -1;
}

int steps_tenant_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE &&
        tenant.state != TENANT_SUSPENDED)
        return wrong_state(&tenant, err);
    return read_both(txn, job, context, &tenant, true, err);
}

int steps_tenant_read_running(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE)
        return wrong_state(&tenant, err);
    return read_both(txn, job, context, &tenant, false, err);
}

int steps_tenant_suspended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        tenant_move(txn, &tenant, TENANT_SUSPENDED, kv_get_or(&job->args, "reason", ""), err) ==
            -1 ||
        steps_domain_follow(txn, job, &tenant, err) == -1 ||
        steps_letter_suspended(txn, &tenant, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED)
        return 0;
    return tunnel_move(txn, &tunnel, TUNNEL_PAUSED, "the tenant is suspended", err);
}

int steps_tenant_restarted(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    tenant.health = tenant.maintenance ? HEALTH_UNKNOWN : HEALTH_HEALTHY;
    return steps_tenant_up(txn, &tenant, err);
}

/* The tenant's further ways in: each is a job of its own, all at once. Return how many are left, or
 * -1. */
static int end_other_tunnels(struct txn *txn, const struct job *job, const struct tenant *tenant,
                             bool start, struct err *err)
{
    struct tunnel tunnel = {0};
    struct job other;
    struct scan scan;
    int got, left = 0;

    (void)str_copy(tunnel.tenant_id, sizeof tunnel.tenant_id, tenant->id);
    if (scan_start(&scan, txn, &tunnel_table, "tenant_id", &tunnel, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1) {
        if (tunnel.state == TUNNEL_DELETED || str_equal(tunnel.id, tenant->tunnel_id))
            continue;
        left++;
        if (!start)
            continue;
        if ((got = job_of_subject(txn, "tunnel", tunnel.id, &other, err)) == -1)
            return -1;
        if (got == 1) { /* it is turned round, and deletes at its end; a deletion goes on */
            if (!str_equal(other.saga, "tunnel.delete") && job_cancel(txn, other.id, err) == -1)
                return -1;
            continue;
        }
        if (steps_tunnel_start(txn, job, &tunnel, "tunnel.delete", err) == -1)
            return -1;
    }
    return got == -1 ? -1 : left;
}

/* Whatever is at work on the tenant's own tunnel is turned round; its end is waited for. */
static int turn_tunnel(struct txn *txn, const struct job *job, const struct tenant *tenant,
                       struct err *err)
{
    struct job other;
    int busy;

    if (tenant->tunnel_id[0] == '\0')
        return 0;
    if ((busy = job_of_subject(txn, "tunnel", tenant->tunnel_id, &other, err)) != 1)
        return busy;
    if (!other.live || str_equal(other.id, job->id) || str_equal(other.saga, "tunnel.delete"))
        return 0;
    return job_cancel(txn, other.id, err);
}

int steps_tenant_deleting(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        turn_tunnel(txn, job, &tenant, err) == -1 ||
        read_both(txn, job, context, &tenant, true, err) == -1)
        return -1;
    if (tenant.state == TENANT_DELETED)
        return wrong_state(&tenant, err);
    if (end_other_tunnels(txn, job, &tenant, true, err) == -1 ||
        steps_turn_release(txn, job, tenant.id, err) == -1 ||
        steps_domain_end_all(txn, job, &tenant, true, err) == -1)
        return -1;
    return tenant_move(txn, &tenant, TENANT_DELETING, kv_get_or(&job->args, "reason", ""), err);
}

/* What a tenant holds in the store goes back. ${rest}: it was once there, so its name rests. */
static int give_back(struct txn *txn, struct job *job, const struct saga_context *c, bool rest,
                     const char *reason, struct err *err)
{
    struct tenant tenant;
    struct tunnel tunnel;
    int64_t rest_until = 0;
    int found;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (rest)
        rest_until =
            txn_time_ms(txn) + (int64_t)setting_u64(txn, &c->conf, "names.rest_days") * DAY_MS;
    if (rest_until <= txn_time_ms(txn))
        rest_until = 0;
    if (port_free(txn, tenant.id, err) == -1 ||
        name_give(txn, tenant.subdomain, tenant.id, rest_until, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1)
        return -1;
    if (found == 1 && tunnel.state != TUNNEL_DELETED) {
        struct secret secret = {0};

        (void)str_format(secret.name, sizeof secret.name, "tunnel:%s", tunnel.id);
        if (record_delete(txn, &secret_table, &secret, err) == -1 ||
            rule_delete_all(txn, tunnel.id, err) == -1 ||
            steps_share_leave(txn, job, &tunnel, err) == -1 ||
            tunnel_move(txn, &tunnel, TUNNEL_DELETED, reason, err) == -1)
            return -1;
    }
    if (guard_drop(txn, tenant.id, err) == -1)
        return -1;
    /* A container that is kept with its data keeps its number. */
    if (!str_equal(kv_get_or(&job->args, "data", "1"), "0") &&
        guest_free(txn, tenant.id, err) == -1)
        return -1;
    if (steps_credentials_forget(txn, tenant.id, err) == -1 ||
        notice_clear_subject(txn, "tenant", tenant.id, err) == -1 ||
        (rest && steps_letter(txn, "deleted", &tenant, err) == -1))
        return -1;
    tenant.port = 0;
    tenant.tunnel_id[0] = tenant.address[0] = tenant.node[0] = '\0';
    return tenant_move(txn, &tenant, TENANT_DELETED, reason, err);
}

/* The port is free for another tenant only when no way in leads to it any more. */
int steps_tenant_deleted(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    int left, domains;

    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        (left = end_other_tunnels(txn, job, &tenant, false, err)) == -1 ||
        (domains = steps_domain_end_all(txn, job, &tenant, false, err)) == -1)
        return -1;
    if (domains > 0)
        return err_set(err, ERR_CONFLICT, "busy", "%d domains of tenant %s are being removed",
                       domains, tenant.id);
    if (left > 0)
        return err_set(err, ERR_CONFLICT, "busy", "%d other tunnels of tenant %s are being deleted",
                       left, tenant.id);
    return give_back(txn, job, context, true, kv_get_or(&job->args, "reason", ""), err);
}

int steps_tenant_provision_begun(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return job->undo && err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (steps_share_again(txn, job, err) == -1)
        return -1;
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job->id);
    return tenant_move(txn, &tenant, job->undo ? TENANT_DELETING : TENANT_PROVISIONING,
                       job->undo ? job->cause : "", err);
}

int steps_tenant_provision_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    if (job->state == JOB_DONE)
        return steps_tunnel_follow(txn, job, err);
    if (restore_gave_up(txn, job, err) == -1)
        return -1;
    if (job->state == JOB_UNDONE)
        return give_back(txn, job, context, false, job->cause, err);
    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        tenant_move(txn, &tenant, TENANT_FAILED, job->cause, err) == -1 ||
        (found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED)
        return 0;
    return tunnel_move(txn, &tunnel, TUNNEL_FAILED, job->cause, err);
}

int steps_tenant_job_begun(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (steps_share_again(txn, job, err) == -1)
        return -1;
    if (job->undo)
        return 0;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job->id);
    return tenant_put(txn, &tenant, err);
}

/* A job that fails leaves the tenant in the state it had, with the reason beside it. */
int steps_tenant_job_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (job->state == JOB_DONE)
        return steps_tunnel_follow(txn, job, err);
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (tenant.state == TENANT_DELETED)
        return 0;
    if (tenant_move(txn, &tenant, (enum tenant_state)tenant.state, job->cause, err) == -1)
        return -1;
    return job->state == JOB_UNDONE ? steps_tunnel_follow(txn, job, err) : 0;
}
