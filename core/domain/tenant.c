/*
 * Tenants: their table, and the ways to find one, make one and move one from state to state. Every
 * change of a tenant's state goes through here, so that its times and reason always fit it.
 */
#include "tenant.h"

const char *const tenant_state_names[] = {"pending",   "provisioning", "active",  "past_due",
                                          "suspended", "deleting",     "deleted", "failed", NULL};
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
    FIELD(struct tenant, state_reason, FIELD_TEXT, .help = "why it is failed, suspended or flagged"),
    FIELD(struct tenant, port, FIELD_U32, .help = "local port, 0: none"),
    FIELD(struct tenant, tunnel_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tun"),
    FIELD(struct tenant, job_id, FIELD_ID, .ref_prefix = "job", .help = "newest job about it"),
    FIELD(struct tenant, url, FIELD_TEXT, .help = "address of its front door"),
    FIELD(struct tenant, maintenance, FIELD_BOOL, .help = "shows a maintenance page"),
    LIMITS_FIELDS(struct tenant),
    FIELD(struct tenant, failed_at, FIELD_TIME, .help = "failed since"),
    FIELD(struct tenant, suspended_at, FIELD_TIME, .help = "suspended since"),
    FIELD(struct tenant, deleted_at, FIELD_TIME, .help = "deleted at"),
    FIELD(struct tenant, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct tenant, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "number", .id = 147, .unique = true, .fields = {"number"}},
    {.name = "customer_id", .id = 148, .sparse = true, .fields = {"customer_id"}},
    {.name = "plan_id", .id = 149, .sparse = true, .fields = {"plan_id"}},
    {.name = "state", .id = 150, .fields = {"state"}},
    {.name = "subdomain", .id = 151, .sparse = true, .fields = {"subdomain"}},
    {.name = "subscription_id", .id = 152, .sparse = true, .fields = {"subscription_id"}},
};

const struct table tenant_table = {
    .name = "tenants", .noun = "tenant", .id = 5, .version = 1, .prefix = "tn",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct tenant)},
    .key = {"id"},
    .indexes = indexes, .index_count = sizeof indexes / sizeof indexes[0],
};
