/*
 * Steps of a route that goes by a shared tunnel. Apart from the ingress because nothing outside is
 * touched here: the route's record says whether it is carried, the carrier is configured by a job
 * of its own for all who wait, and these steps wait until that has happened.
 */
#include "facts.h"
#include "steps.h"

#include <string.h>

#include "shared.h"
#include "str.h"

bool steps_carried(const struct job *job)
{
    return kv_get(&job->facts, FACT_CARRIER) != NULL;
}

bool steps_uncarried(const struct job *job)
{
    return !steps_carried(job);
}

bool steps_without_rules(const struct job *job)
{
    return steps_without_ingress(job) || steps_carried(job);
}

bool steps_without_record(const struct job *job)
{
    return !str_equal(kv_get_or(&job->facts, FACT_INGRESS, ""), "cloudflare") ||
           (steps_carried(job) && kv_get(&job->facts, FACT_COVERED) != NULL);
}

bool steps_update_without_share(const struct job *job)
{
    return steps_uncarried(job) || steps_update_without_running(job) ||
           (kv_get(&job->args, "maintenance") == NULL && steps_update_without_name(job));
}

int steps_share_facts(struct txn *txn, struct job *job, const struct tunnel *route, struct err *err)
{
    struct tunnel carrier;
    int found = shared_carrier(txn, route, &carrier, err);

    if (found == -1 || facts_set(job, FACT_CARRIER, found == 1 ? carrier.id : "", err) == -1)
        return -1;
    if (found == 0)
        return 0;
    if (facts_set(job, FACT_COVERED, shared_covers(&carrier, route->hostname) ? "1" : "", err) ==
            -1 ||
        facts_set(job, FACT_CARRIER_CF, carrier.cf_tunnel, err) == -1)
        return -1;
    return 0;
}

/* The route of the job and its carrier. Return 1, 0 if there is none any more, or -1. */
static int load(struct txn *txn, const struct job *job, struct tunnel *route,
                struct tunnel *carrier, struct err *err)
{
    int found = facts_load_job_tunnel(txn, job, route, err);

    return found == 1 ? shared_carrier(txn, route, carrier, err) : found;
}

/* What keeps a carrier from carrying. Return 0 if nothing does, or -1: for a while, or for good. */
static int able(const struct tunnel *carrier, struct err *err)
{
    switch (carrier->state) {
    case TUNNEL_ACTIVE:
        return 0;
    case TUNNEL_PROVISIONING:
        return err_set(err, ERR_CONFLICT, "busy", "the shared tunnel %s is being made",
                       carrier->name);
    case TUNNEL_FAILED:
        err_set(err, ERR_CONFLICT, "carrier_failed", "the shared tunnel %s has failed: %.200s",
                carrier->name, carrier->state_reason);
        return err_hint(err,
                        "sett job list --state stuck shows its job; retry that, then this one");
    default:
        return err_set(err, ERR_CONFLICT, "carrier_gone", "the shared tunnel %s is %s",
                       carrier->name, tunnel_state_names[carrier->state]);
    }
}

int steps_carrier_await(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel route, carrier;
    int found = load(txn, job, &route, &carrier, err);

    (void)context;
    if (found == 0)
        return err_set(err, ERR_CONFLICT, "carrier_gone", "the route has no shared tunnel");
    if (found == -1 || able(&carrier, err) == -1)
        return -1;
    return steps_share_facts(txn, job, &route, err);
}

static int put(struct txn *txn, struct job *job, bool carried, const char *service, struct err *err)
{
    struct tunnel route, carrier;
    uint64_t wanted;
    int found = load(txn, job, &route, &carrier, err);

    if (found != 1)
        return found;
    if (service != NULL)
        (void)str_copy(route.service, sizeof route.service, service);
    route.carried = carried;
    if (tunnel_put(txn, &route, err) == -1 || shared_changed(txn, &route, job, &wanted, err) == -1)
        return -1;
    return facts_set_u64(job, FACT_SHARE, wanted, err);
}

int steps_share_on(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return put(txn, job, true, kv_get(&job->facts, FACT_SERVICE), err);
}

int steps_share_off(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return put(txn, job, false, NULL, err);
}

int steps_share_back(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return put(txn, job, true, kv_get(&job->facts, FACT_OLD_SERVICE), err);
}

int steps_share_await(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel route, carrier;
    int found = load(txn, job, &route, &carrier, err);

    (void)context;
    if (found != 1 || carrier.rules_in_force >= kv_get_u64(&job->facts, FACT_SHARE, 0))
        return found == -1 ? -1 : 0;
    if (carrier.state != TUNNEL_ACTIVE)
        return able(&carrier, err);
    if (carrier.rules_reason[0] != '\0') {
        err_set(err, ERR_INVALID, "carrier_rules",
                "the shared tunnel %s goes by its former rules: "
                "%.200s",
                carrier.name, carrier.rules_reason);
        return err_hint(err, "sett tunnel show %s; then retry this job", carrier.name);
    }
    return err_set(err, ERR_CONFLICT, "busy", "the rules of the shared tunnel %s are being sent",
                   carrier.name);
}

int steps_share_again(struct txn *txn, struct job *job, struct err *err)
{
    struct tunnel route, carrier;
    uint64_t wanted;
    int found;

    if ((found = load(txn, job, &route, &carrier, err)) != 1 || carrier.rules_reason[0] == '\0')
        return found == -1 ? -1 : 0;
    return shared_changed(txn, &route, job, &wanted, err);
}

int steps_share_refresh(struct txn *txn, struct job *job, struct err *err)
{
    struct tunnel route;
    uint64_t wanted;
    int found = facts_load_job_tunnel(txn, job, &route, err);

    if (found != 1 || !route.carried)
        return found == -1 ? -1 : 0;
    return shared_changed(txn, &route, job, &wanted, err);
}

int steps_share_leave(struct txn *txn, const struct job *job, struct tunnel *route, struct err *err)
{
    bool carried = route->carried;
    uint64_t wanted;

    if (route->carrier_id[0] == '\0')
        return 0;
    route->carried = false;
    if (carried &&
        (tunnel_put(txn, route, err) == -1 || shared_changed(txn, route, job, &wanted, err) == -1))
        return -1;
    return shared_leave(txn, route, err);
}
