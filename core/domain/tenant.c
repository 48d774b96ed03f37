/*
 * Tenants: their table, and the ways to find one, make one and move one from state to state. Every
 * change of a tenant's state goes through here, so that its times and reason always fit it.
 */
#include "tenant.h"

#include "conf.h"
#include "name.h"
#include "plan.h"
#include "setting.h"
#include "shared.h"
#include "str.h"
#include "tenant_text.h"

#include <string.h>

const char *const tenant_state_names[] = {"pending",  "provisioning", "active",
                                          "past_due", "suspended",    "deleting",
                                          "deleted",  "failed",       NULL};
const char *const tenant_health_names[] = {"unknown",   "healthy",     "degraded",
                                           "unhealthy", "unreachable", NULL};

static const struct field rows[] = {
    FIELD(struct tenant, id, FIELD_ID, .ref_prefix = "tn"),
    FIELD(struct tenant, number, FIELD_U64, .help = "short number, never reused"),
    FIELD(struct tenant, name, FIELD_TEXT, .help = "name for people"),
    FIELD(struct tenant, subdomain, FIELD_TEXT, .help = "label below the box's domain"),
    FIELD(struct tenant, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct tenant, plan_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "pl"),
    FIELD(struct tenant, subscription_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "su"),
    FIELD(struct tenant, blueprint, FIELD_TEXT, .help = "blueprint that it is made from"),
    FIELD(struct tenant, runtime, FIELD_TEXT, .help = "what runs it: process, docker"),
    FIELD(struct tenant, ingress, FIELD_TEXT, .help = "what leads to it: local, cloudflare"),
    FIELD(struct tenant, state, FIELD_ENUM, .names = tenant_state_names, .help = "where it stands"),
    FIELD(struct tenant, health, FIELD_ENUM, .names = tenant_health_names,
          .help = "what its health path answered"),
    FIELD(struct tenant, state_reason, FIELD_TEXT,
          .help = "why it is failed, suspended or flagged"),
    FIELD(struct tenant, port, FIELD_U32, .help = "local port, 0: none"),
    FIELD(struct tenant, tunnel_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tun"),
    FIELD(struct tenant, job_id, FIELD_ID, .ref_prefix = "job", .help = "newest job about it"),
    FIELD(struct tenant, url, FIELD_TEXT, .help = "address of its front door"),
    FIELD(struct tenant, maintenance, FIELD_BOOL, .help = "visitors get a page of maintenance"),
    LIMITS_FIELDS(struct tenant),
    FIELD(struct tenant, failed_at, FIELD_TIME, .help = "failed since"),
    FIELD(struct tenant, suspended_at, FIELD_TIME, .help = "suspended since"),
    FIELD(struct tenant, deleted_at, FIELD_TIME, .help = "deleted at"),
    FIELD(struct tenant, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct tenant, updated_at, FIELD_TIME, .help = "changed at"),
    {.name = "address",
     .type = FIELD_TEXT,
     .offset = offsetof(struct tenant, address),
     .size = sizeof(((struct tenant *)0)->address),
     .since = 2,
     .help = "address and port of a program on another machine"},
    {.name = "node",
     .type = FIELD_TEXT,
     .offset = offsetof(struct tenant, node),
     .size = sizeof(((struct tenant *)0)->node),
     .since = 2,
     .help = "machine that it was put on, none: this box"},
    FIELD_SINCE(struct tenant, ingress_mode, FIELD_ENUM, 3, .names = ingress_mode_names,
                .help = "a tunnel of its own, or a shared one"),
    FIELD_SINCE(struct tenant, status_page, FIELD_BOOL, 4, .help = "has a public status page"),
    FIELD_SINCE(struct tenant, database, FIELD_U32, 5,
                .help = "which of its databases it uses, if it has one; 0 and 1: the first"),
    FIELD_SINCE(struct tenant, database_kept, FIELD_U32, 5,
                .help = "the one that a restore put aside, until it is committed; 0: none"),
    FIELD_SINCE(struct tenant, backup_at, FIELD_TEXT, 6,
                .help = "times at which a snapshot of it is made; none: its plan's"),
};

static const struct index indexes[] = {
    {.name = "number", .id = 147, .unique = true, .fields = {"number"}},
    {.name = "customer_id", .id = 148, .sparse = true, .fields = {"customer_id"}},
    {.name = "plan_id", .id = 149, .sparse = true, .fields = {"plan_id"}},
    {.name = "state", .id = 150, .counted = true, .fields = {"state"}},
    {.name = "subdomain", .id = 151, .sparse = true, .fields = {"subdomain"}},
    {.name = "subscription_id", .id = 152, .sparse = true, .fields = {"subscription_id"}},
};

const struct table tenant_table = {
    .name = "tenants",
    .noun = "tenant",
    .id = 5,
    .version = 6,
    .prefix = "tn",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct tenant)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "tenant", .customer = "customer_id"},
};

int tenant_resolve(struct txn *txn, const char *text, struct tenant *tenant, struct err *err)
{
    char wanted[256]; /* the text may lie in the record itself */

    if (str_copy(wanted, sizeof wanted, text) != 0)
        return 0;
    memset(tenant, 0, sizeof *tenant);
    if (str_u64(wanted, 1, UINT64_MAX, &tenant->number) == 0)
        return record_find(txn, &tenant_table, "number", tenant, err);
    if (wanted[0] == '\0' || str_copy(tenant->id, sizeof tenant->id, wanted) != 0)
        return 0;
    return record_get(txn, &tenant_table, tenant, err);
}

void tenant_origin(const struct tenant *tenant, char out[TENANT_ORIGIN_SIZE])
{
    if (tenant->address[0] != '\0')
        (void)str_copy(out, TENANT_ORIGIN_SIZE, tenant->address);
    else
        (void)str_format(out, TENANT_ORIGIN_SIZE, "127.0.0.1:%u", tenant->port);
}

bool tenant_is_elsewhere(const char *runtime, const char *node)
{
    return str_equal(runtime, "proxmox") || (str_equal(runtime, "docker") && node[0] != '\0');
}

bool tenant_elsewhere(const struct tenant *tenant)
{
    return tenant_is_elsewhere(tenant->runtime, tenant->node);
}

void tenant_runs_in(const struct tenant *tenant, char out[TENANT_RUNS_SIZE])
{
    bool named = str_equal(tenant->runtime, "docker") && tenant->node[0] != '\0';

    (void)str_format(out, TENANT_RUNS_SIZE, "%s%s%s", tenant->runtime, named ? "@" : "",
                     named ? tenant->node : "");
}

int tenant_service(const struct tenant *tenant, char *out, size_t size)
{
    char origin[TENANT_ORIGIN_SIZE];

    tenant_origin(tenant, origin);
    return str_format(out, size, "http://%s", origin);
}

void tenant_mark(char out[TENANT_MARK_SIZE], uint64_t number)
{
    (void)str_format(out, TENANT_MARK_SIZE, "sett-t%06llu", (unsigned long long)number);
}

int tenant_hostname(struct txn *txn, const struct conf *conf, const char *subdomain, char *out,
                    size_t size, struct err *err)
{
    char domain[512];

    if (setting_text(txn, conf, "box.domain", domain, sizeof domain, err) < 0)
        return -1;
    if (str_format(out, size, "%s.%s", subdomain, domain) != 0)
        return err_field(err, "subdomain", "hostname_too_long", "the host name of %s is too long",
                         subdomain);
    return 0;
}

int tenant_front_door(struct txn *txn, const struct conf *conf, const char *hostname, char *out,
                      size_t size, struct err *err)
{
    char scheme[512];
    uint64_t port = setting_u64(txn, conf, "tenants.port");
    int fits = 0;

    if (setting_text(txn, conf, "tenants.scheme", scheme, sizeof scheme, err) < 0)
        return -1;
    if (port == 0 || port == (str_equal(scheme, "https") ? 443 : 80))
        fits = str_format(out, size, "%s://%s/", scheme, hostname);
    else
        fits = str_format(out, size, "%s://%s:%llu/", scheme, hostname, (unsigned long long)port);
    if (fits != 0)
        return err_field(err, "subdomain", "hostname_too_long", "the address of %s is too long",
                         hostname);
    return 0;
}

int tenant_url(struct txn *txn, const struct conf *conf, const char *subdomain, char *out,
               size_t size, struct err *err)
{
    char hostname[256];

    return tenant_hostname(txn, conf, subdomain, hostname, sizeof hostname, err) != 0
               ? -1
               : tenant_front_door(txn, conf, hostname, out, size, err);
}

int tenant_new(struct txn *txn, const struct conf *conf, const struct plan *plan,
               struct tenant *tenant, struct err *err)
{
    char ingress[512];
    int mode = shared_mode(txn, conf, plan->ingress_mode, tenant->ingress_mode, err);

    if (mode == -1 || name_check(tenant->subdomain, err) != 0)
        return -1;
    id_make(tenant->id, tenant_table.prefix);
    if (name_take(txn, tenant->subdomain, tenant->id, 0, err) != 0)
        return -1;
    tenant->number = record_next_number(txn, tenant_table.name, err);
    if (tenant->number == 0 ||
        setting_text(txn, conf, "ingress.default", ingress, sizeof ingress, err) < 0 ||
        tenant_url(txn, conf, tenant->subdomain, tenant->url, sizeof tenant->url, err) != 0)
        return -1;
    (void)str_copy(tenant->plan_id, sizeof tenant->plan_id, plan->id);
    (void)str_copy(tenant->blueprint, sizeof tenant->blueprint, plan->blueprint);
    if (tenant->ingress[0] == '\0')
        (void)str_copy(tenant->ingress, sizeof tenant->ingress, ingress);
    tenant->ingress_mode = (uint32_t)mode;
    tenant->state = TENANT_PENDING;
    tenant->health = HEALTH_UNKNOWN;
    tenant->created_at = tenant->updated_at = txn_time_ms(txn);
    return record_insert(txn, &tenant_table, tenant, err) != 0 ? -1
                                                               : tenant_text_note(txn, tenant, err);
}

int tenant_put(struct txn *txn, struct tenant *tenant, struct err *err)
{
    tenant->updated_at = txn_time_ms(txn);
    return record_put(txn, &tenant_table, tenant, err) != 0 ? -1
                                                            : tenant_text_note(txn, tenant, err);
}

int tenant_move(struct txn *txn, struct tenant *tenant, enum tenant_state state, const char *reason,
                struct err *err)
{
    int64_t now = txn_time_ms(txn);

    if (tenant->state == TENANT_DELETED && state != TENANT_DELETED)
        return err_set(err, ERR_CONFLICT, "tenant_deleted", "the tenant %s was deleted",
                       tenant->id);
    if (tenant->state != (uint32_t)state) {
        tenant->failed_at = state == TENANT_FAILED ? now : 0;
        if (state == TENANT_SUSPENDED)
            tenant->suspended_at = now;
        else if (state == TENANT_ACTIVE || state == TENANT_PAST_DUE)
            tenant->suspended_at = 0;
        if (state == TENANT_DELETED)
            tenant->deleted_at = now;
        if (state != TENANT_ACTIVE && state != TENANT_PAST_DUE)
            tenant->health = HEALTH_UNKNOWN;
    }
    tenant->state = (uint32_t)state;
    str_cut(tenant->state_reason, sizeof tenant->state_reason, reason);
    return tenant_put(txn, tenant, err);
}

int tenant_may_have(struct txn *txn, const struct tenant *tenant, const struct plan *plan,
                    struct err *err)
{
    struct plan present = {0};

    if (str_equal(plan->blueprint, tenant->blueprint))
        return 0;
    (void)str_copy(present.id, sizeof present.id, tenant->plan_id);
    if (present.id[0] != '\0' && record_get(txn, &plan_table, &present, err) < 0)
        return -1;
    if (present.blueprint[0] != '\0' && str_equal(plan->blueprint, present.blueprint))
        return 0;
    return err_field(err, "plan", "plan_blueprint",
                     "plan %s is made from blueprint %s, the tenant from %s", plan->name,
                     plan->blueprint, tenant->blueprint);
}

int tenant_limits(struct txn *txn, const struct tenant *tenant, struct limits *out, struct err *err)
{
    struct plan plan;

    memset(&plan, 0, sizeof plan);
    (void)str_copy(plan.id, sizeof plan.id, tenant->plan_id);
    if (plan.id[0] != '\0' && record_get(txn, &plan_table, &plan, err) < 0)
        return -1;
    *out = plan.limits;
    limits_over(out, &tenant->limits);
    return 0;
}
