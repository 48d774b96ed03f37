/*
 * Shared tunnels: who goes by which, and what that makes of the tunnel's rules. Apart from tunnels
 * and rules because one tunnel's configuration is made here from many tenants' records.
 */
#include "shared.h"

#include <string.h>

#include "guard.h"
#include "job_start.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

const char *const ingress_mode_names[] = {"inherit", "own", "shared", NULL};

int shared_mode(struct txn *txn, const struct conf *conf, uint32_t plan_mode, uint32_t asked,
                struct err *err)
{
    char mode[512];

    if (asked == INGRESS_MODE_INHERIT)
        asked = plan_mode;
    if (asked != INGRESS_MODE_INHERIT)
        return (int)asked;
    if (setting_text(txn, conf, "ingress.mode", mode, sizeof mode, err) == -1)
        return -1;
    return str_equal(mode, "shared") ? INGRESS_MODE_SHARED : INGRESS_MODE_OWN;
}

bool shared_covers(const struct tunnel *carrier, const char *hostname)
{
    const char *below = strchr(hostname, '.');

    return str_starts(carrier->hostname, "*.") && below != NULL && below != hostname &&
           str_equal(carrier->hostname + 1, below);
}

int shared_carrier(struct txn *txn, const struct tunnel *route, struct tunnel *carrier,
                   struct err *err)
{
    memset(carrier, 0, sizeof *carrier);
    if (route->carrier_id[0] == '\0')
        return 0;
    (void)str_copy(carrier->id, sizeof carrier->id, route->carrier_id);
    return record_get(txn, &tunnel_table, carrier, err);
}

int shared_way(struct txn *txn, struct tunnel *route, struct err *err)
{
    struct tunnel carrier;
    int found = shared_carrier(txn, route, &carrier, err);

    if (found != 1)
        return found;
    route->number = carrier.number;
    memcpy(route->cf_account, carrier.cf_account, sizeof route->cf_account);
    memcpy(route->cf_tunnel, carrier.cf_tunnel, sizeof route->cf_tunnel);
    return 0;
}

/* How many rules a route has, its own among them. */
static int rules_of(struct txn *txn, const struct tunnel *route, uint32_t *count, struct err *err)
{
    struct rule rule = {0};
    struct scan scan;
    int got;

    *count = 1;
    if (route->id[0] == '\0') /* not there yet */
        return 0;
    (void)str_copy(rule.tunnel_id, sizeof rule.tunnel_id, route->id);
    if (scan_start(&scan, txn, &rule_table, "by_place", &rule, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &rule, err)) == 1)
        ++*count;
    return got;
}

/* A carrier with room for ${rules}; ${wildcard}: whether one that lives has this host name. Return
 * 1, 0 or -1. */
static int find_room(struct txn *txn, const char *hostname, uint32_t rules, struct tunnel *carrier,
                     bool *wildcard, struct err *err)
{
    struct tunnel at = {.shared = true};
    struct scan scan;
    int got, found = 0;

    *wildcard = false;
    if (scan_start(&scan, txn, &tunnel_table, "shared", &at, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &at, err)) == 1) {
        if (at.state == TUNNEL_DELETED || at.state == TUNNEL_DELETING)
            continue;
        *wildcard = *wildcard || str_equal(at.hostname, hostname);
        /* The one whose record answers by itself is filled first. */
        if (at.routes + rules > SHARED_ROUTES_MAX ||
            (found == 1 && !str_equal(at.hostname, hostname)))
            continue;
        *carrier = at;
        found = 1;
    }
    return got == -1 ? -1 : found;
}

/* The host name that the first shared tunnel answers for. */
static int wildcard_of(struct txn *txn, const struct conf *conf, char hostname[256],
                       struct err *err)
{
    char domain[512];

    if (setting_text(txn, conf, "box.domain", domain, sizeof domain, err) == -1)
        return -1;
    if (str_format(hostname, 256, "*.%s", domain) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "bad_domain", "the setting box.domain is too long");
}

static void fill_in(struct tunnel *carrier, const char *hostname)
{
    carrier->shared = true;
    (void)str_copy(carrier->ingress, sizeof carrier->ingress, "cloudflare");
    (void)str_copy(carrier->hostname, sizeof carrier->hostname, hostname);
}

int shared_open(struct txn *txn, const struct conf *conf, struct tunnel *carrier, struct err *err)
{
    char hostname[256];
    struct tunnel other;
    bool taken;

    if (wildcard_of(txn, conf, hostname, err) == -1 ||
        find_room(txn, hostname, 0, &other, &taken, err) == -1)
        return -1;
    fill_in(carrier, taken ? "" : hostname);
    return 0;
}

static int make_carrier(struct txn *txn, const char *hostname, const struct job *job,
                        struct tunnel *carrier, struct err *err)
{
    struct job create = {0};

    memset(carrier, 0, sizeof *carrier);
    fill_in(carrier, hostname);
    if (tunnel_new(txn, carrier, err) == -1)
        return -1;
    (void)str_copy(create.saga, sizeof create.saga, "tunnel.create");
    memcpy(create.actor, job->actor, sizeof create.actor);
    memcpy(create.request_id, job->request_id, sizeof create.request_id);
    job_subject(create.subjects[0], "tunnel", carrier->id);
    if (kv_set(&create.args, "tunnel_id", carrier->id) == -1)
        return err_set(err, ERR_INTERNAL, "args_full", "the arguments of a job are full");
    return job_start(txn, &create, err);
}

int shared_join(struct txn *txn, const struct conf *conf, struct tunnel *route,
                const struct job *job, struct err *err)
{
    char hostname[256];
    struct tunnel carrier;
    bool wildcard = false;
    uint32_t rules;
    int found;

    if (route->carrier_id[0] != '\0')
        return 0;
    if (wildcard_of(txn, conf, hostname, err) == -1 || rules_of(txn, route, &rules, err) == -1 ||
        (found = find_room(txn, hostname, rules, &carrier, &wildcard, err)) == -1)
        return -1;
    if (found == 0 && make_carrier(txn, wildcard ? "" : hostname, job, &carrier, err) == -1)
        return -1;
    carrier.routes += rules;
    (void)str_copy(route->carrier_id, sizeof route->carrier_id, carrier.id);
    route->carried = false;
    return tunnel_put(txn, &carrier, err);
}

int shared_leave(struct txn *txn, struct tunnel *route, struct err *err)
{
    struct tunnel carrier;
    uint32_t rules;
    int found = shared_carrier(txn, route, &carrier, err);

    if (found == -1 || rules_of(txn, route, &rules, err) == -1)
        return -1;
    route->carrier_id[0] = '\0';
    route->carried = false;
    if (found == 0)
        return 0;
    carrier.routes -= carrier.routes < rules ? carrier.routes : rules;
    return tunnel_put(txn, &carrier, err);
}

int shared_room(struct txn *txn, const char *tunnel_id, int more, struct err *err)
{
    struct tunnel route = {0}, carrier;
    int found;

    (void)str_copy(route.id, sizeof route.id, tunnel_id);
    if ((found = record_get(txn, &tunnel_table, &route, err)) != 1 ||
        (found = shared_carrier(txn, &route, &carrier, err)) != 1)
        return found == -1 ? -1 : 0;
    if (more > 0 && carrier.routes + (uint32_t)more >= CLOUDFLARED_RULES_MAX) {
        err_set(err, ERR_QUOTA, "shared_full", "the shared tunnel %s has %u rules and no room",
                carrier.name, carrier.routes);
        return err_hint(err, "give the tenant a tunnel of its own: sett tenant update TENANT "
                             "--ingress-mode own");
    }
    if (more < 0 && carrier.routes < (uint32_t)-more)
        carrier.routes = 0;
    else
        carrier.routes = (uint32_t)((int)carrier.routes + more);
    return tunnel_put(txn, &carrier, err);
}

int shared_changed(struct txn *txn, const struct tunnel *route, const struct job *job,
                   uint64_t *wanted, struct err *err)
{
    struct tunnel carrier;
    struct job configure = {0};
    int found = shared_carrier(txn, route, &carrier, err);

    *wanted = 0;
    if (found != 1)
        return found;
    memcpy(configure.actor, job->actor, sizeof configure.actor);
    memcpy(configure.request_id, job->request_id, sizeof configure.request_id);
    if (rule_changed(txn, &carrier, &configure, err) == -1)
        return -1;
    *wanted = carrier.rules_wanted;
    return 0;
}

int shared_wanted(struct txn *txn, const struct tunnel *tunnel, bool maintenance,
                  struct cloudflared_config *config, struct err *err)
{
    uint32_t from = config->count;
    struct rule_list list;
    int result;

    if (tunnel->shared)
        return shared_config(txn, tunnel, config, err);
    if (rule_list(txn, tunnel, &list, err) == -1)
        return -1;
    result = rule_config(&list, tunnel, maintenance, config, err);
    rule_list_free(&list);
    return result == -1 ? -1 : guard_doors(txn, tunnel->tenant_id, config, from, err);
}

/* What a route means, without the rule that catches all. */
static int add_route(struct txn *txn, const struct tunnel *route, struct cloudflared_config *config,
                     struct err *err)
{
    struct tenant tenant = {0};
    int found = 0;

    if (route->tenant_id[0] != '\0') {
        (void)str_copy(tenant.id, sizeof tenant.id, route->tenant_id);
        if ((found = record_get(txn, &tenant_table, &tenant, err)) == -1)
            return -1;
    }
    if (shared_wanted(txn, route, found == 1 && tenant.maintenance, config, err) == -1)
        return -1;
    config->count--; /* the rule that catches all: there is one for all of them */
    return 0;
}

int shared_config(struct txn *txn, const struct tunnel *carrier, struct cloudflared_config *config,
                  struct err *err)
{
    struct cloudflared_rule *last;
    struct tunnel route = {0};
    struct scan scan;
    int got;

    (void)str_copy(route.carrier_id, sizeof route.carrier_id, carrier->id);
    if (scan_start(&scan, txn, &tunnel_table, "carrier_id", &route, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &route, err)) == 1)
        if (route.carried && add_route(txn, &route, config, err) == -1)
            return -1;
    if (got == -1 || (last = cloudflared_add(config, config->count, err)) == NULL)
        return -1;
    (void)str_copy(last->service, sizeof last->service, CLOUDFLARED_CATCH_ALL);
    return 0;
}
