/*
 * What a tenant's tunnels are told about tokens of Access: which host names' visitors must bear
 * one, and whose. Apart from the applications because the edge closes before the connectors do and
 * opens after them, so that nobody is ever asked for a token that nobody has given him.
 */
#include "facts.h"
#include "steps.h"

#include <string.h>

#include "guard.h"
#include "guard_cloudflare.h"
#include "shared.h"
#include "str.h"

static const char *tenant_of(const struct job *job)
{
    return kv_get_or(&job->args, "tenant_id", "");
}

/* Each host name of a list in turn. Return 1 with it, or 0. */
static int next_host(const char **at, char out[256])
{
    size_t len = strcspn(*at, ",");

    if (len == 0 || str_copy_n(out, 256, *at, len) == -1)
        return 0;
    *at += len + ((*at)[len] == ',');
    return 1;
}

static int forget(struct txn *txn, struct job *job, const char *hosts, struct err *err)
{
    char host[256];

    while (next_host(&hosts, host)) {
        int had = guard_door_drop(txn, tenant_of(job), host, err);
        if (had == -1 || (had > 0 && facts_set(job, FACT_DOORS, "1", err) == -1))
            return -1;
    }
    return 0;
}

/* What the application's step has found out, or that there is nothing to ask for. */
static int settle(struct txn *txn, struct job *job, const char *hosts, struct err *err)
{
    const char *team = kv_get_or(&job->facts, GUARD_FACT_TEAM, "");
    const char *auds = kv_get_or(&job->facts, GUARD_FACT_AUDS, "");
    struct access_door door = {0};
    char aud[GUARD_AUD_SIZE];

    if (team[0] == '\0')
        return forget(txn, job, hosts, err);
    (void)str_copy(door.tenant_id, sizeof door.tenant_id, tenant_of(job));
    (void)str_copy(door.team, sizeof door.team, team);
    while (next_host(&hosts, door.hostname) && guard_access_unpack(&auds, aud)) {
        if (aud[0] == '\0')
            continue;
        (void)str_copy(door.aud, sizeof door.aud, aud);
        if (guard_door_put(txn, &door, err) == -1 || facts_set(job, FACT_DOORS, "1", err) == -1)
            return -1;
    }
    return 0;
}

/* ---- the tunnels ---- */

/* A tunnel of the tenant's that Cloudflare leads. ${scan} was started. Return 1, 0 or -1. */
static int next_tunnel(struct scan *scan, struct tunnel *tunnel, struct err *err)
{
    int got;

    while ((got = scan_next(scan, tunnel, err)) == 1)
        if (str_equal(tunnel->ingress, "cloudflare") && tunnel->state != TUNNEL_DELETED &&
            tunnel->state != TUNNEL_DELETING)
            return 1;
    return got;
}

static int scan_tunnels(struct scan *scan, struct txn *txn, const struct job *job,
                        struct tunnel *tunnel, struct err *err)
{
    memset(tunnel, 0, sizeof *tunnel);
    (void)str_copy(tunnel->tenant_id, sizeof tunnel->tenant_id, tenant_of(job));
    return scan_start(scan, txn, &tunnel_table, "tenant_id", tunnel, 1, false, err);
}

/* Each of them is configured anew, if something has changed: the job's own, which it holds, by a
 * step that needs the fact ${own}, the others by jobs of theirs. */
static int tell(struct txn *txn, struct job *job, const char *own, struct err *err)
{
    struct tunnel tunnel;
    struct scan scan;
    int got;

    if (kv_get(&job->facts, FACT_DOORS) == NULL)
        return 0;
    kv_unset(&job->facts, FACT_DOORS);
    if (scan_tunnels(&scan, txn, job, &tunnel, err) == -1)
        return -1;
    while ((got = next_tunnel(&scan, &tunnel, err)) == 1) {
        struct job configure = {0};
        memcpy(configure.actor, job->actor, sizeof configure.actor);
        memcpy(configure.request_id, job->request_id, sizeof configure.request_id);
        if (rule_changed(txn, &tunnel, &configure, err) == -1)
            return -1;
        if (str_equal(tunnel.id, kv_get_or(&job->facts, FACT_TUNNEL, "")) &&
            tunnel.state == TUNNEL_ACTIVE && tunnel.carrier_id[0] == '\0' &&
            facts_set(job, own, "1", err) == -1)
            return -1;
    }
    return got;
}

/* ---- steps ---- */

int steps_access_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return settle(txn, job, kv_get_or(&job->facts, FACT_HOSTNAME, ""), err);
}

int steps_access_settle_old(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return settle(txn, job, kv_get_or(&job->facts, FACT_OLD_HOSTNAME, ""), err);
}

int steps_access_settle_all(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return settle(txn, job, kv_get_or(&job->facts, FACT_GUARD_HOSTS, ""), err);
}

int steps_access_forget(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return forget(txn, job, kv_get_or(&job->facts, FACT_HOSTNAME, ""), err);
}

int steps_access_forget_old(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return forget(txn, job, kv_get_or(&job->facts, FACT_OLD_HOSTNAME, ""), err);
}

int steps_access_forget_all(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return forget(txn, job, kv_get_or(&job->facts, FACT_GUARD_HOSTS, ""), err);
}

int steps_access_take_back(struct txn *txn, struct job *job, void *context, struct err *err)
{
    if (kv_get(&job->args, "first") == NULL)
        return 0;
    if (steps_access_forget_all(txn, job, context, err) == -1)
        return -1;
    return tell(txn, job, FACT_OPENED, err);
}

bool steps_access_unopened(const struct job *job)
{
    return kv_get(&job->facts, FACT_OPENED) == NULL;
}

bool steps_access_untold(const struct job *job)
{
    return kv_get(&job->facts, FACT_TOLD) == NULL;
}

/* Wait until they go by it. Return 1 with the cause in ${why} if one never will, 0 or -1. */
static int await(struct txn *txn, const struct job *job, char why[240], struct err *err)
{
    struct tunnel tunnel, carrier;
    struct scan scan;
    int got;

    if (scan_tunnels(&scan, txn, job, &tunnel, err) == -1)
        return -1;
    while ((got = next_tunnel(&scan, &tunnel, err)) == 1) {
        const struct tunnel *by = &tunnel;
        int found = shared_carrier(txn, &tunnel, &carrier, err);

        if (found == -1)
            return -1;
        if (found == 1)
            by = &carrier;
        if (by->state != TUNNEL_ACTIVE || tunnel.rules_in_force >= tunnel.rules_wanted)
            continue;
        if (by->rules_reason[0] == '\0')
            return err_set(err, ERR_CONFLICT, "busy", "the rules of tunnel %s are being sent",
                           by->name);
        (void)str_format(why, 240, "tunnel %.60s goes by its former rules: %.140s", by->name,
                         by->rules_reason);
        return 1;
    }
    return got;
}

/* Before who may come in without a token does: the connectors ask for none any more. */
int steps_access_open(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct access access;
    int found = access_get(txn, tenant_of(job), &access, err), had;

    (void)context;
    if (found == -1 || (found == 1 && access.state != GUARD_REMOVING && access_tokens(&access)))
        return found == -1 ? -1 : 0;
    if ((had = guard_door_drop(txn, tenant_of(job), "", err)) == -1 ||
        (had > 0 && facts_set(job, FACT_DOORS, "1", err) == -1))
        return -1;
    access.team[0] = '\0';
    if (found == 1 && had > 0 && access_put(txn, &access, err) == -1)
        return -1;
    return tell(txn, job, FACT_OPENED, err);
}

int steps_access_opened(struct txn *txn, struct job *job, void *context, struct err *err)
{
    char why[240];
    int got = await(txn, job, why, err);

    (void)context;
    if (got != 1)
        return got;
    (void)err_set(err, ERR_INVALID, "access_rules", "%s", why);
    return err_hint(err, "sett tunnel show says which; mend its rules, then retry this job");
}

int steps_access_tell(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return tell(txn, job, FACT_TOLD, err);
}

/* The edge asks already, so a connector that cannot be told holds nothing up. */
int steps_access_told(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct access access;
    char why[240];
    int got = await(txn, job, why, err);

    (void)context;
    if (got != 1 || (got = access_get(txn, tenant_of(job), &access, err)) != 1)
        return got;
    (void)str_copy(access.untold, sizeof access.untold, why);
    return access_put(txn, &access, err);
}
