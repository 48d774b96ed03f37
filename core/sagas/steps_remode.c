/*
 * A tenant that goes from a tunnel of its own to a shared one, or back. Apart from the other steps
 * of routes because for a while there are two ways in at once: the new one leads to the tenant
 * before the name leaves the old one, so that no visitor finds none.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

#include "cloudflare_connectors.h"
#include "rule.h"
#include "setting.h"
#include "shared.h"
#include "str.h"

#define CONNECTED_WAIT_MS 1000

/* The job's route, which must be there. */
static int load(struct txn *txn, const struct job *job, struct tunnel *route, struct err *err)
{
    int found = facts_load_job_tunnel(txn, job, route, err);

    return found == 0   ? err_set(err, ERR_CONFLICT, "no_tunnel", "the tenant has no tunnel")
           : found == 1 ? 0
                        : -1;
}

/* As facts for both ways: the carrier's, while the route's own stay what they are. */
static int note_carrier(struct txn *txn, struct job *job, const struct tunnel *route,
                        struct err *err)
{
    if (steps_share_facts(txn, job, route, err) == -1)
        return -1;
    return facts_set(job, FACT_CARRIER, "", err);
}

int steps_remode_join(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    struct rule_list list;
    struct tunnel route;
    uint32_t further;

    if (steps_tenant_read(txn, job, context, err) == -1 || load(txn, job, &route, err) == -1 ||
        rule_list(txn, &route, &list, err) == -1)
        return -1;
    further = list.count;
    rule_list_free(&list);
    if (further > 0) { /* records of other zones lead to the tunnel that would go */
        err_set(err, ERR_CONFLICT, "tunnel_has_rules", "tunnel %s has %u further rules", route.name,
                further);
        return err_hint(err,
                        "remove the tenant's own domains first, and add them again afterwards");
    }
    if (shared_join(txn, &c->conf, &route, job, err) == -1)
        return -1;
    return tunnel_put(txn, &route, err);
}

int steps_remode_unjoin(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel route;

    (void)context;
    if (load(txn, job, &route, err) == -1 || steps_share_leave(txn, job, &route, err) == -1)
        return -1;
    return tunnel_put(txn, &route, err);
}

int steps_remode_carrier(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel route;

    if (steps_carrier_await(txn, job, context, err) == -1 || load(txn, job, &route, err) == -1)
        return -1;
    return note_carrier(txn, job, &route, err);
}

int steps_remode_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel route;

    if (steps_tenant_read(txn, job, context, err) == -1 || load(txn, job, &route, err) == -1)
        return -1;
    return note_carrier(txn, job, &route, err);
}

static int set_mode(struct txn *txn, struct job *job, enum ingress_mode mode, struct err *err)
{
    struct tenant tenant;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    tenant.ingress_mode = (uint32_t)mode;
    return tenant_put(txn, &tenant, err);
}

int steps_remode_shared(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return set_mode(txn, job, INGRESS_MODE_SHARED, err);
}

int steps_remode_own(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return set_mode(txn, job, INGRESS_MODE_OWN, err);
}

/* The tunnel that was its own is gone, and its secret with it. */
int steps_remode_cleared(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct secret secret = {0};
    struct tunnel route;

    (void)context;
    if (load(txn, job, &route, err) == -1)
        return -1;
    (void)str_format(secret.name, sizeof secret.name, "tunnel:%s", route.id);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

/* The name leads to the shared tunnel: by its wildcard once no record of its own stands before
 * that, else by a record of its own. */
enum outcome steps_remode_dns(struct step_call *call, struct err *err)
{
    const char *covered = kv_get(call->facts, FACT_COVERED);
    struct ingress_route route;
    struct providers *p;
    enum outcome outcome = OUTCOME_FAIL;

    facts_route(call->job, call->facts, false, &route);
    (void)str_copy(route.cf_tunnel, sizeof route.cf_tunnel,
                   kv_get_or(call->facts, FACT_CARRIER_CF, ""));
    p = outside_use(call->outside);
    if (p->cloudflare_set)
        outcome = p->ingress.stage(p->ingress.self, INGRESS_DNS,
                                   covered != NULL ? INGRESS_UNDO : INGRESS_MAKE, &route, NULL,
                                   call->facts, err);
    else
        *err = p->cloudflare_why;
    outside_done(call->outside, p);
    return outcome;
}

/* How many connections a tunnel has to the edge. Return 0 or -1. */
static int count(struct cloudflare *c, const char *tunnel, uint32_t *connections, struct err *err)
{
    struct cloudflare_connector *all = calloc(CLOUDFLARE_CONNECTORS_MAX, sizeof *all);
    uint32_t connectors = 0;
    int result;

    *connections = 0;
    if (all == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for connectors");
    result = cloudflare_connectors_list(c, tunnel, all, &connectors, err);
    for (uint32_t i = 0; result == 0 && i < connectors; i++)
        *connections += all[i].connections;
    free(all);
    return result;
}

/* The name is led to the new tunnel only when that has a connection to the edge. */
enum outcome steps_remode_connected(struct step_call *call, struct err *err)
{
    uint32_t connections = 0;
    struct ingress_route route;
    struct providers *p = outside_use(call->outside);
    int result = -1;

    facts_route(call->job, call->facts, false, &route);
    if (p->cloudflare_set)
        result = count(&p->cloudflare, route.cf_tunnel, &connections, err);
    else
        *err = p->cloudflare_why;
    outside_done(call->outside, p);
    if (result == 0 && connections > 0) {
        (void)str_format(call->note, sizeof call->note, "%u connections to the edge", connections);
        return OUTCOME_OK;
    }
    if (result == 0) {
        (void)err_set(err, ERR_TIMEOUT, "not_connected", "the connector has no connection yet");
        call->wait_ms = CONNECTED_WAIT_MS;
    }
    return OUTCOME_AGAIN;
}
