/*
 * Between records and steps. Apart so that a step's code names a fact and never a record: an
 * outside step may not see the store, and this file is where what it may know is chosen.
 */
#include "facts.h"

#include <string.h>

#include "guard.h"
#include "guest.h"
#include "plan.h"
#include "setting.h"
#include "steps.h"
#include "str.h"

int facts_set(struct job *job, const char *name, const char *value, struct err *err)
{
    if (value[0] == '\0') {
        kv_unset(&job->facts, name);
        return 0;
    }
    if (kv_set(&job->facts, name, value) == -1)
        return err_set(err, ERR_TOO_LARGE, "facts_full", "the facts of job %s are full", job->id);
    return 0;
}

int facts_set_u64(struct job *job, const char *name, uint64_t value, struct err *err)
{
    char text[24];

    if (value == 0)
        return facts_set(job, name, "", err);
    (void)str_format(text, sizeof text, "%llu", (unsigned long long)value);
    return facts_set(job, name, text, err);
}

int facts_load_tenant(struct txn *txn, const struct job *job, struct tenant *tenant,
                      struct err *err)
{
    const char *id = kv_get_or(&job->args, "tenant_id", "");
    int found = 0;

    memset(tenant, 0, sizeof *tenant);
    if (id[0] != '\0' && str_copy(tenant->id, sizeof tenant->id, id) == 0)
        found = record_get(txn, &tenant_table, tenant, err);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "tenant_not_found", "there is no tenant %s", id);
    return found == 1 ? 0 : -1;
}

int facts_load_tunnel(struct txn *txn, const char *id, struct tunnel *tunnel, struct err *err)
{
    memset(tunnel, 0, sizeof *tunnel);
    if (id[0] == '\0' || str_copy(tunnel->id, sizeof tunnel->id, id) == -1)
        return 0;
    return record_get(txn, &tunnel_table, tunnel, err);
}

int facts_load_job_tunnel(struct txn *txn, const struct job *job, struct tunnel *tunnel,
                          struct err *err)
{
    const char *id = kv_get_or(&job->facts, FACT_TUNNEL, kv_get_or(&job->args, "tunnel_id", ""));
    int found = facts_load_tunnel(txn, id, tunnel, err);

    return found == 1 && tunnel->state == TUNNEL_DELETED ? 0 : found;
}

/* Limits as facts, each only when it is set. */
static const struct {
    const char *name;
    size_t offset;
    bool wide;
} limit_rows[] = {
    {"memory_bytes", offsetof(struct limits, memory_bytes), true},
    {"cpu_millis", offsetof(struct limits, cpu_millis), false},
    {"pids", offsetof(struct limits, pids), false},
    {"nofile", offsetof(struct limits, nofile), false},
    {"storage_bytes", offsetof(struct limits, storage_bytes), true},
    {"max_users", offsetof(struct limits, max_users), false},
};

static int set_limits(struct job *job, const struct limits *limits, struct err *err)
{
    for (size_t i = 0; i < sizeof limit_rows / sizeof limit_rows[0]; i++) {
        const char *at = (const char *)limits + limit_rows[i].offset;
        uint64_t wide = 0;
        uint32_t narrow = 0;

        if (limit_rows[i].wide)
            memcpy(&wide, at, sizeof wide);
        else
            memcpy(&narrow, at, sizeof narrow);
        if (facts_set_u64(job, limit_rows[i].name, wide + narrow, err) == -1)
            return -1;
    }
    return 0;
}

static void get_limits(const struct kv *facts, struct limits *limits)
{
    for (size_t i = 0; i < sizeof limit_rows / sizeof limit_rows[0]; i++) {
        char *at = (char *)limits + limit_rows[i].offset;
        uint64_t wide = kv_get_u64(facts, limit_rows[i].name, 0);
        uint32_t narrow = (uint32_t)wide;

        if (limit_rows[i].wide)
            memcpy(at, &wide, sizeof wide);
        else
            memcpy(at, &narrow, sizeof narrow);
    }
}

/* A setting as a fact. */
static int set_setting(struct txn *txn, struct job *job, const struct saga_context *context,
                       const char *fact, const char *setting, struct err *err)
{
    char value[512];

    if (setting_text(txn, &context->conf, setting, value, sizeof value, err) == -1)
        return -1;
    return facts_set(job, fact, value, err);
}

/* Whether something stands before its door. */
static int set_guards(struct txn *txn, struct job *job, const struct tenant *tenant,
                      struct err *err)
{
    struct rate_limit limit;
    struct access access;
    int found = access_get(txn, tenant->id, &access, err);

    if (found == -1 ||
        facts_set(job, FACT_ACCESS, found == 1 && !access.absent ? "1" : "", err) == -1 ||
        (found = rate_limit_get(txn, tenant->id, &limit, err)) == -1)
        return -1;
    return facts_set_u64(job, FACT_LIMIT, found == 1 && !limit.absent ? limit.requests : 0, err);
}

/* The container that was reserved for it on other machines. */
static int set_guest(struct txn *txn, struct job *job, const struct tenant *tenant, struct err *err)
{
    struct guest guest;

    if (guest_of_tenant(txn, tenant->id, &guest, err) == -1 ||
        facts_set_u64(job, FACT_GUEST, guest.vmid, err) == -1 ||
        facts_set(job, FACT_INSIDE, guest.address, err) == -1)
        return -1;
    return facts_set(job, FACT_NODE, tenant->node[0] != '\0' ? tenant->node : guest.node, err);
}

/* The engine that its plan wants; of no matter once it is somewhere. */
static int set_engine(struct txn *txn, struct job *job, const struct tenant *tenant,
                      struct err *err)
{
    struct plan plan = {0};
    int found = 0;

    if (tenant->node[0] == '\0' && tenant->plan_id[0] != '\0') {
        (void)str_copy(plan.id, sizeof plan.id, tenant->plan_id);
        if ((found = record_get(txn, &plan_table, &plan, err)) == -1)
            return -1;
    }
    return facts_set(job, FACT_ENGINE, found == 1 ? plan.engine : "", err);
}

int facts_tenant(struct txn *txn, struct job *job, const struct saga_context *context,
                 const struct tenant *tenant, struct err *err)
{
    struct limits limits;
    char text[256];

    if (tenant_limits(txn, tenant, &limits, err) == -1 || set_limits(job, &limits, err) == -1)
        return -1;
    if (tenant_url(txn, &context->conf, tenant->subdomain, text, sizeof text, err) == -1 ||
        facts_set(job, FACT_URL, text, err) == -1 ||
        tenant_hostname(txn, &context->conf, tenant->subdomain, text, sizeof text, err) == -1 ||
        facts_set(job, FACT_HOSTNAME, text, err) == -1)
        return -1;
    if (facts_set_u64(job, FACT_NUMBER, tenant->number, err) == -1 ||
        facts_set_u64(job, FACT_PORT, tenant->port, err) == -1 ||
        facts_set_u64(job, FACT_GENERATION, tenant->database, err) == -1 ||
        facts_set(job, FACT_ADDRESS, tenant->address, err) == -1 ||
        set_guest(txn, job, tenant, err) == -1 ||
        facts_set(job, FACT_BLUEPRINT, tenant->blueprint, err) == -1 ||
        facts_set(job, FACT_RUNTIME, tenant->runtime, err) == -1 ||
        set_engine(txn, job, tenant, err) == -1 ||
        facts_set(job, FACT_NAME, tenant->name, err) == -1 ||
        facts_set(job, FACT_SUBDOMAIN, tenant->subdomain, err) == -1 ||
        facts_set(job, FACT_MAINTENANCE, tenant->maintenance ? "1" : "", err) == -1 ||
        set_guards(txn, job, tenant, err) == -1)
        return -1;
    return set_setting(txn, job, context, FACT_BOX, "box.id", err);
}

/* Where visitors find a host name: as tenants' addresses are made. */
static int set_url(struct txn *txn, struct job *job, const struct saga_context *context,
                   const char *hostname, struct err *err)
{
    char url[300];

    return tenant_front_door(txn, &context->conf, hostname, url, sizeof url, err) == -1
               ? -1
               : facts_set(job, FACT_URL, url, err);
}

int facts_tunnel(struct txn *txn, struct job *job, const struct saga_context *context,
                 const struct tunnel *tunnel, struct err *err)
{
    if (facts_set(job, FACT_TUNNEL, tunnel->id, err) == -1 ||
        facts_set_u64(job, FACT_TUNNEL_NUMBER, tunnel->number, err) == -1 ||
        facts_set(job, FACT_TUNNEL_NAME, tunnel->name, err) == -1 ||
        facts_set(job, FACT_HOSTNAME, tunnel->hostname, err) == -1 ||
        set_url(txn, job, context, tunnel->hostname, err) == -1 ||
        facts_set(job, FACT_SERVICE, tunnel->service, err) == -1 ||
        facts_set(job, FACT_PATH, tunnel->path, err) == -1 ||
        facts_set(job, FACT_INGRESS, tunnel->ingress, err) == -1 ||
        facts_set(job, FACT_ADOPTED, tunnel->adopted ? "1" : "", err) == -1 ||
        facts_set(job, FACT_ELSEWHERE, tunnel->elsewhere ? "1" : "", err) == -1 ||
        facts_set(job, FACT_LOCAL, tunnel->config == TUNNEL_LOCAL ? "1" : "", err) == -1 ||
        facts_set(job, FACT_NO_VERIFY, tunnel->no_tls_verify ? "1" : "", err) == -1)
        return -1;
    if (!str_equal(tunnel->ingress, "cloudflare"))
        return set_setting(txn, job, context, FACT_BOX, "box.id", err);
    if (steps_share_facts(txn, job, tunnel, err) == -1 ||
        set_setting(txn, job, context, FACT_DNS_SERVER, "dns.server", err) == -1)
        return -1;
    if (facts_set(job, FACT_CF_ACCOUNT, tunnel->cf_account, err) == -1 ||
        facts_set(job, FACT_CF_ZONE, tunnel->cf_zone, err) == -1 ||
        facts_set(job, FACT_CF_TUNNEL, tunnel->cf_tunnel, err) == -1 ||
        facts_set(job, FACT_CF_RECORD, tunnel->cf_record, err) == -1)
        return -1;
    if (tunnel->cf_account[0] == '\0' &&
        set_setting(txn, job, context, FACT_CF_ACCOUNT, "cloudflare.account", err) == -1)
        return -1;
    if (tunnel->cf_zone[0] == '\0' &&
        set_setting(txn, job, context, FACT_CF_ZONE, "cloudflare.zone", err) == -1)
        return -1;
    return set_setting(txn, job, context, FACT_BOX, "box.id", err);
}

static void copy_fact(char *out, size_t size, const struct kv *facts, const char *name)
{
    (void)str_copy(out, size, kv_get_or(facts, name, ""));
}

void facts_where(const struct kv *facts, struct outside_where *out)
{
    memset(out, 0, sizeof *out);
    out->guest = (uint32_t)kv_get_u64(facts, FACT_GUEST, 0);
    copy_fact(out->runtime, sizeof out->runtime, facts, FACT_RUNTIME);
    copy_fact(out->node, sizeof out->node, facts, FACT_NODE);
    copy_fact(out->inside, sizeof out->inside, facts, FACT_INSIDE);
}

int facts_where_of(struct txn *txn, const struct tenant *tenant, struct outside_where *out,
                   struct err *err)
{
    struct guest guest;

    memset(out, 0, sizeof *out);
    if (guest_of_tenant(txn, tenant->id, &guest, err) == -1)
        return -1;
    out->guest = guest.vmid;
    (void)str_copy(out->runtime, sizeof out->runtime, tenant->runtime);
    (void)str_copy(out->inside, sizeof out->inside, guest.address);
    (void)str_copy(out->node, sizeof out->node,
                   tenant->node[0] != '\0' ? tenant->node : guest.node);
    return 0;
}

void facts_origin(const struct kv *facts, char out[TENANT_ORIGIN_SIZE])
{
    struct tenant tenant = {.port = (uint32_t)kv_get_u64(facts, FACT_PORT, 0)};

    copy_fact(tenant.address, sizeof tenant.address, facts, FACT_ADDRESS);
    tenant_origin(&tenant, out);
}

void facts_request(const struct step_call *call, enum hands_verb verb,
                   struct hands_request *request)
{
    static const char *const variables[][2] = {
        {"TENANT_NAME", FACT_NAME},
        {"TENANT_SUBDOMAIN", FACT_SUBDOMAIN},
        {"TENANT_HOSTNAME", FACT_HOSTNAME},
        {"TENANT_URL", FACT_URL},
    };
    const struct kv *facts = call->facts;

    memset(request, 0, sizeof *request);
    request->verb = (uint32_t)verb;
    request->number = kv_get_u64(facts, FACT_NUMBER, 0);
    request->port = (uint32_t)kv_get_u64(facts, FACT_PORT, 0);
    (void)str_copy(request->tenant_id, sizeof request->tenant_id,
                   kv_get_or(&call->job->args, "tenant_id", ""));
    (void)str_copy(request->job_id, sizeof request->job_id, call->job->id);
    copy_fact(request->box_id, sizeof request->box_id, facts, FACT_BOX);
    copy_fact(request->blueprint, sizeof request->blueprint, facts, FACT_BLUEPRINT);
    copy_fact(request->hostname, sizeof request->hostname, facts, FACT_HOSTNAME);
    copy_fact(request->service, sizeof request->service, facts, FACT_SERVICE);
    get_limits(facts, &request->limits);
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (kv_get(facts, variables[i][1]) != NULL)
            (void)kv_set(&request->env, variables[i][0], kv_get(facts, variables[i][1]));
}

void facts_route(const struct job *job, const struct kv *facts, bool old,
                 struct ingress_route *route)
{
    memset(route, 0, sizeof *route);
    route->number = kv_get_u64(facts, FACT_TUNNEL_NUMBER, 0);
    route->no_tls_verify = kv_get(facts, FACT_NO_VERIFY) != NULL;
    route->local_config = kv_get(facts, FACT_LOCAL) != NULL;
    route->maintenance = kv_get(facts, old ? FACT_OLD_MAINTENANCE : FACT_MAINTENANCE) != NULL;
    copy_fact(route->name, sizeof route->name, facts, FACT_TUNNEL_NAME);
    copy_fact(route->tunnel_id, sizeof route->tunnel_id, facts, FACT_TUNNEL);
    (void)str_copy(route->job_id, sizeof route->job_id, job->id);
    /* The tunnel's id and not the job's tells later jobs that what they find is theirs. */
    (void)str_format(route->mark, sizeof route->mark, "sett %s %s", kv_get_or(facts, FACT_BOX, "-"),
                     route->tunnel_id);
    copy_fact(route->hostname, sizeof route->hostname, facts,
              old && kv_get(facts, FACT_OLD_HOSTNAME) != NULL ? FACT_OLD_HOSTNAME : FACT_HOSTNAME);
    copy_fact(route->path, sizeof route->path, facts, FACT_PATH);
    copy_fact(route->service, sizeof route->service, facts,
              old && kv_get(facts, FACT_OLD_SERVICE) != NULL ? FACT_OLD_SERVICE : FACT_SERVICE);
    copy_fact(route->cf_account, sizeof route->cf_account, facts, FACT_CF_ACCOUNT);
    copy_fact(route->cf_zone, sizeof route->cf_zone, facts, FACT_CF_ZONE);
    copy_fact(route->cf_tunnel, sizeof route->cf_tunnel, facts,
              kv_get(facts, FACT_CARRIER) != NULL ? FACT_CARRIER_CF : FACT_CF_TUNNEL);
    copy_fact(route->cf_record, sizeof route->cf_record, facts,
              old ? FACT_OLD_RECORD : FACT_CF_RECORD);
}
