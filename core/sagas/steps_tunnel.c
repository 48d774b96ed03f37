/*
 * The store's side of tunnels: what steps must know of one, and what they found out about it.
 */
#include "facts.h"
#include "steps.h"

#include <string.h>

#include "job_start.h"
#include "rule.h"
#include "setting.h"
#include "shared.h"
#include "str.h"

static int follow_tenant(struct txn *txn, const struct job *job, struct err *err);

/* The tunnel that the job is about: by its argument, else by the fact of a tenant's job. */
static int load(struct txn *txn, const struct job *job, struct tunnel *tunnel, struct err *err)
{
    const char *id = kv_get(&job->args, "tunnel_id");
    int found;

    if (id == NULL)
        id = kv_get_or(&job->facts, FACT_TUNNEL, "");
    if ((found = facts_load_tunnel(txn, id, tunnel, err)) == 0)
        return err_set(err, ERR_NOT_FOUND, "tunnel_not_found", "there is no tunnel %s", id);
    return found == 1 ? 0 : -1;
}

int steps_tunnel_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    struct tunnel tunnel;
    struct tenant tenant = {0};

    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    if (tunnel.state == TUNNEL_DELETED)
        return err_set(err, ERR_CONFLICT, "tunnel_deleted", "tunnel %s is deleted", tunnel.name);
    if (tunnel.tenant_id[0] != '\0' &&
        str_copy(tenant.id, sizeof tenant.id, tunnel.tenant_id) == 0 &&
        record_get(txn, &tenant_table, &tenant, err) == 1) {
        if (facts_tenant(txn, job, c, &tenant, err) == -1)
            return -1;
    }
    return facts_tunnel(txn, job, c, &tunnel, err); /* its own address, not the tenant's */
}

/* A tenant that had no way in has this one from now on. */
static int link_tenant(struct txn *txn, const struct tunnel *tunnel, struct err *err)
{
    struct tenant tenant = {0};
    int found;

    if (tunnel->tenant_id[0] == '\0')
        return 0;
    (void)str_copy(tenant.id, sizeof tenant.id, tunnel->tenant_id);
    if ((found = record_get(txn, &tenant_table, &tenant, err)) != 1)
        return found;
    if (tenant.tunnel_id[0] != '\0' || tenant.state == TENANT_DELETED)
        return 0;
    (void)str_copy(tenant.tunnel_id, sizeof tenant.tunnel_id, tunnel->id);
    tenant.health = HEALTH_UNKNOWN;
    return tenant_put(txn, &tenant, err);
}

int steps_tunnel_active(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    (void)context;
    if (load(txn, job, &tunnel, err) == -1 || link_tenant(txn, &tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &tunnel, TUNNEL_ACTIVE, "", err);
}

int steps_tunnel_deleting(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    if (steps_tunnel_read(txn, job, context, err) == -1 || load(txn, job, &tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &tunnel, TUNNEL_DELETING, kv_get_or(&job->args, "reason", ""), err);
}

int steps_tunnel_releasing(struct txn *txn, struct job *job, void *context, struct err *err)
{
    return steps_tunnel_deleting(txn, job, context, err);
}

int steps_tunnel_adopt_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    if (job->state == JOB_UNDONE)
        return steps_tunnel_deleted(txn, job, context, err);
    return job->state == JOB_DONE ? steps_tunnel_follow(txn, job, err) : 0;
}

/* The tunnel's own secret goes with it. */
static int drop_secret(struct txn *txn, const struct tunnel *tunnel, struct err *err)
{
    struct secret secret = {0};

    (void)str_format(secret.name, sizeof secret.name, "tunnel:%s", tunnel->id);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

/* A tenant whose tunnel is gone is there and cannot be reached. */
static int unlink_tenant(struct txn *txn, const struct tunnel *tunnel, struct err *err)
{
    struct tenant tenant = {0};
    int found;

    if (tunnel->tenant_id[0] == '\0')
        return 0;
    (void)str_copy(tenant.id, sizeof tenant.id, tunnel->tenant_id);
    if ((found = record_get(txn, &tenant_table, &tenant, err)) != 1)
        return found;
    if (!str_equal(tenant.tunnel_id, tunnel->id))
        return 0;
    tenant.tunnel_id[0] = '\0';
    tenant.health = HEALTH_UNREACHABLE;
    return tenant_put(txn, &tenant, err);
}

int steps_tunnel_deleted(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    (void)context;
    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    if (tunnel.state == TUNNEL_DELETED)
        return 0;
    if (drop_secret(txn, &tunnel, err) == -1 || unlink_tenant(txn, &tunnel, err) == -1 ||
        rule_delete_all(txn, tunnel.id, err) == -1 ||
        steps_share_leave(txn, job, &tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &tunnel, TUNNEL_DELETED, kv_get_or(&job->args, "reason", job->cause),
                       err);
}

int steps_tunnel_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    (void)context;
    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    (void)str_copy(tunnel.cf_account, sizeof tunnel.cf_account,
                   kv_get_or(&job->facts, FACT_CF_ACCOUNT, ""));
    (void)str_copy(tunnel.cf_zone, sizeof tunnel.cf_zone, kv_get_or(&job->facts, FACT_CF_ZONE, ""));
    (void)str_copy(tunnel.cf_tunnel, sizeof tunnel.cf_tunnel,
                   kv_get_or(&job->facts, FACT_CF_TUNNEL, ""));
    (void)str_copy(tunnel.cf_record, sizeof tunnel.cf_record,
                   kv_get_or(&job->facts, FACT_CF_RECORD, ""));
    tunnel.cf_version = kv_get_u64(&job->facts, FACT_CF_VERSION, tunnel.cf_version);
    return tunnel_put(txn, &tunnel, err);
}

int steps_tunnel_unsettle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    kv_unset(&job->facts, FACT_CF_TUNNEL);
    kv_unset(&job->facts, FACT_CF_VERSION);
    return steps_tunnel_settle(txn, job, context, err);
}

int steps_tunnel_unsettle_record(struct txn *txn, struct job *job, void *context, struct err *err)
{
    kv_unset(&job->facts, FACT_CF_RECORD);
    return steps_tunnel_settle(txn, job, context, err);
}

int steps_tunnel_job_begun(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    (void)context;
    if (steps_share_again(txn, job, err) == -1)
        return -1;
    if (!job->undo || !str_equal(job->saga, "tunnel.create"))
        return 0;
    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &tunnel, TUNNEL_DELETING, job->cause, err);
}

int steps_tunnel_rerouted(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    (void)context;
    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &tunnel, (enum tunnel_state)tunnel.state, "", err);
}

int steps_tunnel_start(struct txn *txn, const struct job *job, const struct tunnel *tunnel,
                       const char *saga, struct err *err)
{
    struct job other = {0};

    if (tunnel->shared && str_equal(saga, "tunnel.configure"))
        other.wake_at = txn_time_ms(txn) + SHARED_PAUSE_MS;
    (void)str_copy(other.saga, sizeof other.saga, saga);
    memcpy(other.actor, job->actor, sizeof other.actor);
    memcpy(other.request_id, job->request_id, sizeof other.request_id);
    job_subject(other.subjects[0], "tunnel", tunnel->id);
    if (kv_set(&other.args, "tunnel_id", tunnel->id) == -1 ||
        kv_set(&other.args, "tenant_id", tunnel->tenant_id) == -1)
        return err_set(err, ERR_INTERNAL, "args_full", "the arguments of a job are full");
    return job_start(txn, &other, err);
}

int steps_tunnel_reroute(struct txn *txn, const struct job *job, const struct tunnel *tunnel,
                         struct err *err)
{
    struct job other;
    int busy = job_of_subject(txn, "tunnel", tunnel->id, &other, err);

    if (busy == -1)
        return -1;
    if (busy == 1 || tunnel->state != TUNNEL_ACTIVE)
        return 0;
    return steps_tunnel_start(txn, job, tunnel, "tunnel.reroute", err);
}

int steps_tunnel_follow(struct txn *txn, const struct job *job, struct err *err)
{
    struct tunnel tunnel;
    struct job other;
    int found = facts_load_job_tunnel(txn, job, &tunnel, err);

    if (found != 1)
        return found;
    if (tunnel.state != TUNNEL_ACTIVE || tunnel.rules_wanted <= tunnel.rules_in_force ||
        tunnel.rules_reason[0] != '\0' || !str_equal(tunnel.ingress, "cloudflare"))
        return 0;
    if ((found = job_of_subject(txn, "tunnel", tunnel.id, &other, err)) != 0)
        return found == -1 ? -1 : 0;
    return steps_tunnel_start(txn, job, &tunnel, "tunnel.configure", err);
}

/* Why the newest rules are not in force, unless newer ones have been put down meanwhile. */
static int note_refusal(struct txn *txn, const struct job *job, struct err *err)
{
    struct tunnel tunnel;
    int found = facts_load_job_tunnel(txn, job, &tunnel, err);

    if (found != 1 || tunnel.rules_wanted != kv_get_u64(&job->facts, FACT_RULES, 0))
        return found == -1 ? -1 : 0;
    str_cut(tunnel.rules_reason, sizeof tunnel.rules_reason, job->cause);
    return tunnel_put(txn, &tunnel, err);
}

int steps_tunnel_configured(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    if (job->state != JOB_DONE && note_refusal(txn, job, err) == -1)
        return -1;
    if (job->state == JOB_STUCK)
        return 0;
    return follow_tenant(txn, job, err) == -1 ? -1 : steps_tunnel_follow(txn, job, err);
}

/* While this job held the tunnel, its tenant may have begun to be deleted, or its maintenance may
 * have been switched after it was read. */
static int follow_tenant(struct txn *txn, const struct job *job, struct err *err)
{
    struct tenant tenant = {0};
    struct tunnel tunnel;
    int found;

    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    if (tunnel.tenant_id[0] == '\0' || tunnel.state == TUNNEL_DELETED)
        return 0;
    (void)str_copy(tenant.id, sizeof tenant.id, tunnel.tenant_id);
    if ((found = record_get(txn, &tenant_table, &tenant, err)) != 1)
        return found;
    if (tenant.state == TENANT_DELETING && !str_equal(tenant.tunnel_id, tunnel.id))
        return steps_tunnel_start(txn, job, &tunnel, "tunnel.delete", err);
    if (job->state != JOB_DONE ||
        (tenant.maintenance == steps_in_maintenance(job) &&
         str_equal(tunnel.service, kv_get_or(&job->facts, FACT_SERVICE, tunnel.service))))
        return 0;
    return steps_tunnel_reroute(txn, job, &tunnel, err);
}

int steps_tunnel_job_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;

    if (job->state == JOB_DONE &&
        (str_equal(job->saga, "tunnel.create") || str_equal(job->saga, "tunnel.delete")) &&
        steps_limit_follow(txn, job, kv_get_or(&job->args, "tenant_id", ""), err) == -1)
        return -1;
    if (job->state == JOB_DONE)
        return follow_tenant(txn, job, err) == -1 ? -1 : steps_tunnel_follow(txn, job, err);
    if (job->state == JOB_UNDONE && str_equal(job->saga, "tunnel.create"))
        return steps_tunnel_deleted(txn, job, context, err);
    if (load(txn, job, &tunnel, err) == -1)
        return -1;
    if (tunnel.state == TUNNEL_DELETED)
        return 0;
    if (tunnel_move(txn, &tunnel,
                    str_equal(job->saga, "tunnel.create") ? TUNNEL_FAILED
                                                          : (enum tunnel_state)tunnel.state,
                    job->cause, err) == -1)
        return -1;
    if (job->state != JOB_UNDONE)
        return 0;
    return follow_tenant(txn, job, err) == -1 ? -1 : steps_tunnel_follow(txn, job, err);
}
