/*
 * Steps of tenants that are containers on other machines: where it is put, under which number, and
 * what follows when its address becomes known. Apart from the runtime's own steps because a number
 * there is shared with people who never ask us.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"

#include <string.h>

#include "guest.h"
#include "setting.h"
#include "str.h"

#define FOREIGN_MS (INT64_C(24) * 3600 * 1000) /* then a foreign number is tried again */

bool steps_without_guest(const struct job *job)
{
    return !str_equal(kv_get_or(&job->facts, FACT_RUNTIME, ""), "proxmox");
}

bool steps_address_kept(const struct job *job)
{
    return kv_get(&job->facts, FACT_ADDRESS_NEW) == NULL || steps_without_ingress(job);
}

static int choose(struct providers *p, const struct runtime_order *o, const struct blueprint *b,
                  void *arg, struct hands_reply *reply, struct err *err)
{
    const struct step_call *call = arg;
    const char *wanted = kv_get(&call->job->args, "node");

    return runtime_proxmox_place(&p->guests, o, b, wanted == NULL ? p->guest_nodes : wanted, NULL,
                                 reply->status.node, err);
}

enum outcome steps_guest_place(struct step_call *call, struct err *err)
{
    struct hands_request request;
    struct outside_where where;
    struct hands_reply reply;
    enum outcome outcome;

    facts_request(call, HANDS_RUNTIME_INSPECT, &request);
    facts_where(call->facts, &where);
    where.node[0] = '\0';
    outcome = outside_guests(call->outside, &where, &request, choose, call, &reply, err);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (kv_set(call->facts, FACT_NODE, reply.status.node) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        return OUTCOME_FAIL;
    }
    (void)str_format(call->note, sizeof call->note, "on %s", reply.status.node);
    return OUTCOME_OK;
}

int steps_guest_reserve(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char vmids[512], addresses[512], gateway[512];
    const struct guest_pool pool = {vmids, addresses, gateway};
    struct guest guest;

    if (setting_text(txn, &c->conf, "proxmox.vmids", vmids, sizeof vmids, err) == -1 ||
        setting_text(txn, &c->conf, "proxmox.addresses", addresses, sizeof addresses, err) == -1 ||
        setting_text(txn, &c->conf, "proxmox.gateway", gateway, sizeof gateway, err) == -1 ||
        guest_reserve(txn, &pool, kv_get_or(&job->args, "tenant_id", ""),
                      kv_get_or(&job->facts, FACT_NODE, ""), &guest, err) == -1 ||
        facts_set_u64(job, FACT_GUEST, guest.vmid, err) == -1)
        return -1;
    return facts_set(job, FACT_INSIDE, guest.address, err);
}

int steps_guest_release(struct txn *txn, struct job *job, void *context, struct err *err)
{
    uint32_t vmid = (uint32_t)kv_get_u64(&job->facts, FACT_FOREIGN_GUEST, 0);

    (void)context;
    if (guest_free(txn, kv_get_or(&job->args, "tenant_id", ""), err) == -1 ||
        (vmid != 0 && guest_foreign(txn, vmid, kv_get_or(&job->facts, FACT_OWNER, ""),
                                    txn_time_ms(txn) + FOREIGN_MS, err) == -1))
        return -1;
    kv_unset(&job->facts, FACT_FOREIGN_GUEST);
    kv_unset(&job->facts, FACT_OWNER);
    kv_unset(&job->facts, FACT_GUEST);
    kv_unset(&job->facts, FACT_INSIDE);
    return facts_set(job, FACT_NODE, "", err);
}

const char *steps_guest_fall_back(const struct job *job, const struct err *err)
{
    if (str_equal(err->code, "port_taken") && kv_get(&job->facts, FACT_NODE) != NULL)
        return "reserve";
    return str_equal(err->code, "guest_foreign") ? "place" : NULL;
}

/* The tenant and its way in lead to where it is now. */
int steps_runtime_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *address = kv_get_or(&job->facts, FACT_ADDRESS, "");
    char before[160], after[160];
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    (void)context;
    if (address[0] == '\0')
        return 0;
    if (facts_load_tenant(txn, job, &tenant, err) == -1 ||
        tenant_service(&tenant, before, sizeof before) == -1 ||
        str_copy(tenant.address, sizeof tenant.address, address) == -1 ||
        str_copy(tenant.node, sizeof tenant.node, kv_get_or(&job->facts, FACT_NODE, "")) == -1 ||
        tenant_service(&tenant, after, sizeof after) == -1 || tenant_put(txn, &tenant, err) == -1)
        return -1;
    if ((found = facts_load_tunnel(txn, tenant.tunnel_id, &tunnel, err)) == -1)
        return -1;
    if (found == 0 || tunnel.state == TUNNEL_DELETED || !str_equal(tunnel.service, before) ||
        str_equal(before, after))
        return 0;
    (void)str_copy(tunnel.service, sizeof tunnel.service, after);
    if (facts_set(job, FACT_SERVICE, after, err) == -1 ||
        facts_set(job, FACT_ADDRESS_NEW, "1", err) == -1)
        return -1;
    return tunnel_put(txn, &tunnel, err);
}
