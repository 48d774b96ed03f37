/*
 * The store's side of a tunnel's configuration: what is to be sent, and what came of it. Apart from
 * the tunnels' steps because tenants' sagas configure tunnels too.
 */
#include "facts.h"
#include "steps.h"

#include <string.h>

#include "rule.h"
#include "shared.h"
#include "str.h"

static int bring(struct txn *txn, struct job *job, bool old, struct buf *out, struct err *err)
{
    struct cloudflared_config config = {0};
    struct ingress_route route;
    struct tunnel tunnel;
    int result = facts_load_job_tunnel(txn, job, &tunnel, err);

    if (result != 1 || !str_equal(tunnel.ingress, "cloudflare"))
        return result == -1 ? -1 : 0;
    facts_route(job, &job->facts, old, &route);
    memcpy(tunnel.hostname, route.hostname, sizeof tunnel.hostname);
    memcpy(tunnel.service, route.service, sizeof tunnel.service);
    result = shared_wanted(txn, &tunnel, route.maintenance, &config, err);
    if (result == 0 && cloudflared_write_json(&config, out) == -1)
        result = err_set(err, ERR_TOO_LARGE, "rules_too_long",
                         "the rules of tunnel %s are too long", tunnel.name);
    if (result == 0)
        result = rule_text_keep(txn, tunnel.id, RULE_TEXT_SENT, buf_string(out), out->len, err);
    if (result == 0)
        result = facts_set_u64(job, FACT_RULES, tunnel.rules_wanted, err);
    cloudflared_free(&config);
    return result;
}

int steps_rules_bring(struct txn *txn, struct job *job, void *context, struct buf *out,
                      struct err *err)
{
    (void)context;
    return bring(txn, job, false, out, err);
}

int steps_rules_bring_old(struct txn *txn, struct job *job, void *context, struct buf *out,
                          struct err *err)
{
    (void)context;
    return bring(txn, job, job->undo, out, err);
}

/* Those that it carries and that wait for it are told. */
static int settle_routes(struct txn *txn, const struct tunnel *carrier, struct err *err)
{
    struct tunnel route = {0};
    struct scan scan;
    int got;

    (void)str_copy(route.carrier_id, sizeof route.carrier_id, carrier->id);
    if (scan_start(&scan, txn, &tunnel_table, "carrier_id", &route, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &route, err)) == 1) {
        if (route.rules_in_force >= route.rules_wanted ||
            route.rules_wanted > carrier->rules_in_force)
            continue;
        route.rules_in_force = route.rules_wanted;
        if (tunnel_put(txn, &route, err) == -1)
            return -1;
    }
    return got;
}

static int settle(struct txn *txn, struct job *job, bool in_force, struct err *err)
{
    struct tunnel tunnel;
    struct buf text;
    int result = facts_load_job_tunnel(txn, job, &tunnel, err);

    if (result != 1 || !str_equal(tunnel.ingress, "cloudflare"))
        return result == -1 ? -1 : 0;
    buf_init(&text, CLOUDFLARED_TEXT_MAX);
    result = in_force ? rule_text_read(txn, tunnel.id, RULE_TEXT_SENT, &text, err) : 0;
    if (result == 0)
        result =
            rule_text_keep(txn, tunnel.id, RULE_TEXT_IN_FORCE, buf_string(&text), text.len, err);
    if (result == 0)
        result = rule_text_keep(txn, tunnel.id, RULE_TEXT_SENT, "", 0, err);
    buf_free(&text);
    if (result == -1)
        return -1;
    tunnel.rules_in_force = in_force ? kv_get_u64(&job->facts, FACT_RULES, 0) : 0;
    tunnel.cf_version = kv_get_u64(&job->facts, FACT_CF_VERSION, tunnel.cf_version);
    if (in_force && tunnel.rules_in_force == tunnel.rules_wanted)
        tunnel.rules_reason[0] = '\0';
    if (tunnel_put(txn, &tunnel, err) == -1)
        return -1;
    return tunnel.shared ? settle_routes(txn, &tunnel, err) : 0;
}

int steps_rules_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return settle(txn, job, true, err);
}

int steps_rules_unsettle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return settle(txn, job, false, err);
}
