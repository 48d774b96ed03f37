/* How objects are shown. Apart from the operations because the same object is the answer of many.
 */
#include "view.h"

#include "alert_channel.h"
#include "custom_domain_note.h"
#include "custom_domain_text.h"
#include "customer.h"
#include "event.h"
#include "guard.h"
#include "job.h"
#include "letter.h"
#include "notice.h"
#include "plan.h"
#include "port_map.h"
#include "shared.h"
#include "rule.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"
#include "tunnel.h"
#include "turn.h"
#include "user.h"

/* The fields of a record, but for those that lie from ${from} to ${to} in its struct. */
static void members_but(const struct fields *f, const void *record, size_t from, size_t to,
                        struct json_out *j)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct field *field = &f->at[i];
        if ((field->flags & FIELD_HIDDEN) || (field->offset >= from && field->offset < to))
            continue;
        json_out_key(j, field->name);
        fields_json_one(field, record, j);
    }
}

void view_limits(const struct limits *limits, struct json_out *j)
{
    json_out_key(j, "limits");
    json_out_object(j);
    json_out_key_u64(j, "memory_bytes", limits->memory_bytes);
    json_out_key_u64(j, "cpu_millis", limits->cpu_millis);
    json_out_key_u64(j, "pids", limits->pids);
    json_out_key_u64(j, "nofile", limits->nofile);
    json_out_key_u64(j, "storage_bytes", limits->storage_bytes);
    json_out_key_u64(j, "max_users", limits->max_users);
    json_out_end_object(j);
}

/* A page of tenants mostly shares its plan, so the last one is remembered. */
static int plan_member(struct op_call *call, const char *plan_id, struct json_out *j,
                       struct err *err)
{
    struct plan plan = {0};
    int found;

    if (plan_id[0] != '\0' && !str_equal(call->plan_id, plan_id)) {
        (void)str_copy(plan.id, sizeof plan.id, plan_id);
        if ((found = record_get(call->txn, &plan_table, &plan, err)) < 0)
            return -1;
        (void)str_copy(call->plan_id, sizeof call->plan_id, plan_id);
        (void)str_copy(call->plan_name, sizeof call->plan_name, found ? plan.name : "");
    }
    json_out_key(j, "plan");
    if (plan_id[0] == '\0' || call->plan_name[0] == '\0')
        json_out_null(j);
    else
        json_out_text(j, call->plan_name);
    return 0;
}

/* Whose it is, for people. */
static int customer_member(struct op_call *call, const char *id, struct json_out *j,
                           struct err *err)
{
    struct customer customer = {0};

    (void)str_copy(customer.id, sizeof customer.id, id);
    if (id[0] != '\0' && record_get(call->txn, &customer_table, &customer, err) < 0)
        return -1;
    json_out_key(j, "customer");
    if (customer.name[0] != '\0' || customer.email[0] != '\0')
        json_out_text(j, customer.name[0] != '\0' ? customer.name : customer.email);
    else
        json_out_null(j);
    return 0;
}

static int tenant_members(struct op_call *call, const void *record, struct json_out *j,
                          struct err *err)
{
    const struct tenant *tenant = record;
    char mark[TENANT_MARK_SIZE];

    members_but(&tenant_table.fields, tenant, offsetof(struct tenant, limits),
                offsetof(struct tenant, limits) + sizeof tenant->limits, j);
    if (plan_member(call, tenant->plan_id, j, err) != 0 ||
        customer_member(call, tenant->customer_id, j, err) != 0)
        return -1;
    tenant_mark(mark, tenant->number);
    json_out_key_text(j, "container_id", mark);
    view_limits(&tenant->limits, j);
    return 0;
}

static int plan_members(struct op_call *call, const void *record, struct json_out *j,
                        struct err *err)
{
    const struct plan *plan = record;

    (void)call;
    (void)err;
    members_but(&plan_table.fields, plan, offsetof(struct plan, limits),
                offsetof(struct plan, limits) + sizeof plan->limits, j);
    view_limits(&plan->limits, j);
    return 0;
}

static int subscription_members(struct op_call *call, const void *record, struct json_out *j,
                                struct err *err)
{
    const struct subscription *subscription = record;

    fields_json(&subscription_table.fields, subscription, j);
    return plan_member(call, subscription->plan_id, j, err);
}

/* The record by which its name leads to Cloudflare: for whoever enters it elsewhere. */
static int cname_member(struct op_call *call, const struct tunnel *tunnel, struct json_out *j,
                        struct err *err)
{
    struct tunnel way = *tunnel;
    char target[128];

    if (shared_way(call->txn, &way, err) != 0)
        return -1;
    json_out_key(j, "cname");
    if (way.cf_tunnel[0] == '\0' || tunnel->hostname[0] == '\0') {
        json_out_null(j);
        return 0;
    }
    (void)str_format(target, sizeof target, "%s.cfargotunnel.com", way.cf_tunnel);
    json_out_object(j);
    json_out_key_text(j, "name", tunnel->hostname);
    json_out_key_text(j, "type", "CNAME");
    json_out_key_text(j, "target", target);
    json_out_end_object(j);
    return 0;
}

/* What the DNS must say for visitors to come by a rule; the box enters only a tunnel's own name. */
static int rule_members(struct op_call *call, const void *record, struct json_out *j,
                        struct err *err)
{
    const struct rule *rule = record;
    struct tunnel tunnel = {0};
    char target[sizeof tunnel.cf_tunnel + 32];

    fields_json(&rule_table.fields, rule, j);
    (void)str_copy(tunnel.id, sizeof tunnel.id, rule->tunnel_id);
    if (record_get(call->txn, &tunnel_table, &tunnel, err) < 0)
        return -1;
    json_out_key(j, "dns_target");
    if (tunnel.cf_tunnel[0] == '\0' || rule->is.hostname[0] == '\0' ||
        str_format(target, sizeof target, "%s.cfargotunnel.com", tunnel.cf_tunnel) == -1)
        json_out_null(j);
    else
        json_out_text(j, target);
    return 0;
}

/* The container that a tunnel leads to, as the tenant shows it. */
static int tunnel_members(struct op_call *call, const void *record, struct json_out *j,
                          struct err *err)
{
    const struct tunnel *tunnel = record;
    struct tenant tenant = {0};
    char mark[TENANT_MARK_SIZE];

    fields_json(&tunnel_table.fields, tunnel, j);
    (void)str_copy(tenant.id, sizeof tenant.id, tunnel->tenant_id);
    if (tenant.id[0] != '\0' && record_get(call->txn, &tenant_table, &tenant, err) < 0)
        return -1;
    json_out_key_text(j, "rules_state",
                      tunnel->rules_in_force == tunnel->rules_wanted ? "in_force"
                      : tunnel->rules_reason[0] != '\0'              ? "refused"
                                                                     : "pending");
    json_out_key(j, "container_id");
    tenant_mark(mark, tenant.number);
    if (tenant.number == 0)
        json_out_null(j);
    else
        json_out_text(j, mark);
    json_out_key_u64(j, "tenant_number", tenant.number);
    json_out_key_text(j, "tenant_name", tenant.name);
    return cname_member(call, tunnel, j, err);
}

/* A port's owner, by name for people. */
static int port_members(struct op_call *call, const void *record, struct json_out *j,
                        struct err *err)
{
    const struct port *port = record;
    struct tenant tenant = {0};

    fields_json(&port_table.fields, port, j);
    (void)str_copy(tenant.id, sizeof tenant.id, port->tenant_id);
    if (tenant.id[0] != '\0' && record_get(call->txn, &tenant_table, &tenant, err) < 0)
        return -1;
    json_out_key_text(j, "state", port_state_names[port_state(port, txn_time_ms(call->txn))]);
    json_out_key_u64(j, "tenant_number", tenant.number);
    json_out_key(j, "owner");
    if (tenant.number > 0)
        json_out_text(j, tenant.subdomain[0] != '\0' ? tenant.subdomain : tenant.name);
    else if (port->foreign[0] != '\0')
        json_out_text(j, port->foreign);
    else
        json_out_null(j);
    return 0;
}

int view_actor(struct op_call *call, const char *actor, struct json_out *j, struct err *err)
{
    struct user user = {0};
    struct api_key key = {0};
    bool is_user = strncmp(actor, "us_", 3) == 0, is_key = strncmp(actor, "key_", 4) == 0;

    json_out_key(j, "actor_name");
    if (call->actor.role < ROLE_VIEWER || (!is_user && !is_key)) {
        json_out_null(j);
        return 0;
    }
    if ((is_user && str_copy(user.id, sizeof user.id, actor) == 0 &&
         record_get(call->txn, &user_table, &user, err) < 0) ||
        (is_key && str_copy(key.id, sizeof key.id, actor) == 0 &&
         record_get(call->txn, &api_key_table, &key, err) < 0))
        return -1;
    if (user.name[0] != '\0' || key.name[0] != '\0')
        json_out_text(j, is_user ? user.name : key.name);
    else
        json_out_null(j);
    return 0;
}

/* What an entry is about cannot be called "object" in an object that says what it is. */
static int audit_members(struct op_call *call, const void *record, struct json_out *j,
                         struct err *err)
{
    const struct fields *f = &audit_table.fields;

    for (size_t i = 0; i < f->count; i++) {
        json_out_key(j, str_equal(f->at[i].name, "object") ? "object_id" : f->at[i].name);
        fields_json_one(&f->at[i], record, j);
    }
    return view_actor(call, ((const struct audit *)record)->actor, j, err);
}

void view_domain_records(const struct domain_record *records, unsigned count, struct json_out *j)
{
    json_out_key(j, "records");
    json_out_array(j);
    for (unsigned i = 0; i < count; i++) {
        json_out_object(j);
        json_out_key_text(j, "type", records[i].type);
        json_out_key_text(j, "name", records[i].name);
        json_out_key_text(j, "value", records[i].value);
        json_out_key_text(j, "purpose", records[i].purpose);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

/* What to do about it. */
static int alert_members(struct op_call *call, const void *record, struct json_out *j,
                         struct err *err)
{
    char hint[NOTICE_HINT_SIZE];

    (void)call, (void)err;
    fields_json(&notice_table.fields, record, j);
    notice_hint(record, hint);
    json_out_key_text(j, "remedy", hint);
    return 0;
}

/* What a job is about, by the name that people know: "about": {"object", "id", "name"}. */
static int job_about(struct op_call *call, const struct job *job, struct json_out *j,
                     struct err *err)
{
    const char *colon = strchr(job->subjects[0], ':');
    union {
        struct tenant tenant;
        struct tunnel tunnel;
        struct custom_domain domain;
    } record;
    const struct {
        const struct table *table;
        const char *name, * or ;
    } kinds[] = {{&tenant_table, record.tenant.name, record.tenant.subdomain},
                 {&tunnel_table, record.tunnel.hostname, record.tunnel.name},
                 {&custom_domain_table, record.domain.unicode, record.domain.name}};
    char object[16] = "";
    int found = 0;

    json_out_key(j, "about");
    if (colon == NULL || str_copy_n(object, sizeof object, job->subjects[0],
                                    (size_t)(colon - job->subjects[0])) != 0) {
        json_out_null(j);
        return 0;
    }
    json_out_object(j);
    json_out_key_text(j, "object", object);
    json_out_key_text(j, "id", colon + 1);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        memset(&record, 0, sizeof record);
        if (!str_equal(kinds[i].table->noun, object) ||
            str_copy((char *)&record, ID_SIZE, colon + 1) != 0)
            continue;
        if ((found = record_get(call->txn, kinds[i].table, &record, err)) < 0)
            return -1;
        if (found == 1)
            json_out_key_text(j, "name", kinds[i].name[0] != '\0' ? kinds[i].name : kinds[i].or);
    }
    json_out_end_object(j);
    return 0;
}

int view_job_members(struct op_call *call, const void *record, struct json_out *j, struct err *err)
{
    const struct job *job = record;

    fields_json(&job_table.fields, job, j);
    if (view_actor(call, job->actor, j, err) != 0)
        return -1;
    return job_about(call, job, j, err);
}

/* Whether it is the one with which this is asked. */
static int session_members(struct op_call *call, const void *record, struct json_out *j,
                           struct err *err)
{
    const struct session *session = record;

    (void)err;
    fields_json(&session_table.fields, session, j);
    json_out_key_bool(j, "current", str_equal(session->id, call->actor.session_id));
    return 0;
}

/* What has to be entered for it, and how long there is for that. */
static int domain_members(struct op_call *call, const void *record, struct json_out *j,
                          struct err *err)
{
    const struct custom_domain *d = record;
    struct domain_record *records = calloc(DOMAIN_RECORDS_MAX, sizeof *records);
    struct tenant tenant = {0};
    unsigned count = 0;
    int result;

    if (records == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for records");
    fields_json(&custom_domain_table.fields, d, j);
    (void)str_copy(tenant.id, sizeof tenant.id, d->tenant_id);
    if (tenant.id[0] != '\0' && record_get(call->txn, &tenant_table, &tenant, err) < 0) {
        free(records);
        return -1;
    }
    json_out_key_u64(j, "tenant_number", tenant.number);
    json_out_key_text(j, "tenant_name", tenant.name);
    json_out_key(j, "days_left");
    if (d->deadline_at == 0)
        json_out_null(j);
    else
        json_out_u64(j, custom_domain_days_left(d, txn_time_ms(call->txn)));
    result = d->state == DOMAIN_REMOVED
                 ? 0
                 : custom_domain_records(call->txn, &call->box->conf, d, records, &count, err);
    view_domain_records(records, count, j);
    free(records);
    return result;
}

#define COUNT(rows_) (sizeof(rows_) / sizeof(rows_)[0])

static const struct field tenant_more[] = {
    {.name = "plan", .type = FIELD_TEXT, .size = 32, .help = "name of the plan"},
    {.name = "customer", .type = FIELD_TEXT, .size = 256, .help = "the customer's name or e-mail"},
    {.name = "container_id",
     .type = FIELD_TEXT,
     .size = TENANT_MARK_SIZE,
     .help = "name of all that is the tenant's outside: container, folder, network"},
};
static const struct field plan_more[] = {
    {.name = "plan", .type = FIELD_TEXT, .size = 32, .help = "name of the plan"},
};
static const struct field tunnel_more[] = {
    {.name = "rules_state",
     .type = FIELD_TEXT,
     .size = 16,
     .help = "in_force, pending, or refused: then the former ones are in force"},
    {.name = "container_id",
     .type = FIELD_TEXT,
     .size = TENANT_MARK_SIZE,
     .help = "container that it leads to"},
    {.name = "tenant_number", .type = FIELD_U64, .size = 8, .help = "its tenant's; 0: none"},
    {.name = "tenant_name", .type = FIELD_TEXT, .size = 120, .help = "its tenant's"},
    {.name = "cname",
     .type = FIELD_KV,
     .help = "record that leads its name here: name, type, target"},
};
static const struct field port_more[] = {
    {.name = "state", .type = FIELD_TEXT, .size = 16, .help = "free, tenant, foreign or reserved"},
    {.name = "tenant_number", .type = FIELD_U64, .size = 8, .help = "its tenant's; 0: none"},
    {.name = "owner", .type = FIELD_TEXT, .size = 96, .help = "who has it, for people"},
};
static const struct field rule_more[] = {
    {.name = "dns_target",
     .type = FIELD_TEXT,
     .size = 96,
     .help = "what a proxied CNAME of its host name must point to"},
};
static const struct field audit_more[] = {
    {.name = "object_id", .type = FIELD_TEXT, .size = 96, .help = "id of what was changed"},
    {.name = "actor_name", .type = FIELD_TEXT, .size = 128, .help = "name of that user or key"},
};
static const struct field domain_more[] = {
    {.name = "tenant_number", .type = FIELD_U64, .size = 8, .help = "its tenant's"},
    {.name = "tenant_name", .type = FIELD_TEXT, .size = 120, .help = "its tenant's"},
    {.name = "days_left",
     .type = FIELD_U32,
     .size = 4,
     .help = "days until the provider gives it up; null: it does not"},
    {.name = "records", .type = FIELD_KV, .help = "what has to be entered: type, name, value"},
};
static const struct field alert_more[] = {
    {.name = "remedy", .type = FIELD_TEXT, .size = NOTICE_HINT_SIZE, .help = "what to do about it"},
};
static const struct field session_more[] = {
    {.name = "current", .type = FIELD_BOOL, .size = 1, .help = "this is asked with it"},
};
static const struct field job_more[] = {
    {.name = "actor_name", .type = FIELD_TEXT, .size = 128, .help = "name of that user or key"},
    {.name = "about", .type = FIELD_KV, .help = "what it is about: object, id, name"},
    {.name = "steps", .type = FIELD_KV, .help = "the journal, oldest row first (show only)"},
};
const struct fields view_tenant_more = {tenant_more, COUNT(tenant_more), 0};
const struct fields view_plan_more = {plan_more, COUNT(plan_more), 0};
const struct fields view_tunnel_more = {tunnel_more, COUNT(tunnel_more), 0};
const struct fields view_port_more = {port_more, COUNT(port_more), 0};
const struct fields view_rule_more = {rule_more, COUNT(rule_more), 0};
const struct fields view_audit_more = {audit_more, COUNT(audit_more), 0};
const struct fields view_domain_more = {domain_more, COUNT(domain_more), 0};
const struct fields view_alert_more = {alert_more, COUNT(alert_more), 0};
const struct fields view_session_more = {session_more, COUNT(session_more), 0};
const struct fields view_job_more = {job_more, COUNT(job_more), 0};

const struct view view_access = {"access", &access_table, NULL};
const struct view view_alert = {"alert", &notice_table, alert_members};
const struct view view_channel = {"channel", &alert_channel_table, NULL};
const struct view view_message = {"message", &message_table, NULL};
const struct view view_audit = {"audit_entry", &audit_table, audit_members};
const struct view view_customer = {"customer", &customer_table, NULL};
const struct view view_domain = {"domain", &custom_domain_table, domain_members};
const struct view view_event = {"event", &event_table, NULL};
const struct view view_job = {"job", &job_table, view_job_members};
const struct view view_key = {"api_key", &api_key_table, NULL};
const struct view view_order = {"order", &order_table, NULL};
const struct view view_plan = {"plan", &plan_table, plan_members};
const struct view view_port = {"port", &port_table, port_members};
const struct view view_rate_limit = {"rate_limit", &rate_limit_table, NULL};
const struct view view_rule = {"rule", &rule_table, rule_members};
const struct view view_session = {"session", &session_table, session_members};
const struct view view_subscription = {"subscription", &subscription_table, subscription_members};
const struct view view_tenant = {"tenant", &tenant_table, tenant_members};
const struct view view_tunnel = {"tunnel", &tunnel_table, tunnel_members};
const struct view view_turn = {"turn_key", &turn_table, NULL};
const struct view view_user = {"user", &user_table, NULL};

int view_object(struct op_call *call, const struct view *view, const void *record, struct err *err)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", view->object);
    if (view->members == NULL)
        fields_json(&view->table->fields, record, j);
    else if (view->members(call, record, j, err) != 0)
        return -1;
    if (call->job_id[0] != '\0')
        json_out_key_text(j, "job", call->job_id);
    json_out_end_object(j);
    return 0;
}
