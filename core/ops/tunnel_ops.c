/* Tunnels: the ways in. A tunnel can be taken away while its tenant stays, unreachable. */
#include "tunnel.h"

#include "enquire.h"
#include "job_start.h"
#include "list.h"
#include "name.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "port.h"
#include "setting.h"
#include "shared.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

struct tunnel_list_params {
    struct list_params list;
    char tenant_id[96], hostname[256];
    uint32_t state;
};
static const struct field tunnel_list_rows[] = {
    LIST_FIELDS(struct tunnel_list_params),
    FIELD(struct tunnel_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this tenant"),
    FIELD(struct tunnel_list_params, hostname, FIELD_TEXT, .help = "only for this host name"),
    FIELD(struct tunnel_list_params, state, FIELD_ENUM, .names = tunnel_state_names,
          .help = "only in this state"),
};

struct create_params {
    char container_id[96], subscription_id[96], hostname[256], name[96];
    uint32_t local_port;
};
static const struct field create_rows[] = {
    FIELD(struct create_params, container_id, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_NUMBERED,
          .help = "the tenant that it leads to: id, number or container"),
    FIELD(struct create_params, subscription_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "subscription that pays for it, if it is to be checked"),
    FIELD(struct create_params, local_port, FIELD_U32, .min = 1, .max = 65535,
          .help = "port on 127.0.0.1 that it leads to (the tenant's)"),
    FIELD(struct create_params, hostname, FIELD_TEXT,
          .help = "host name that it serves (made from subdomain and port)"),
    FIELD(struct create_params, name, FIELD_TEXT, .flags = FIELD_SLUG,
          .help = "its name at the provider (made from its number)"),
};

struct lines_params {
    char id[96];
    uint32_t lines;
};
static const struct field lines_rows[] = {
    ID_FIELD(struct lines_params),
    FIELD(struct lines_params, lines, FIELD_U32, .min = 1, .max = 5000,
          .help = "how many of the newest lines (100)"),
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct tunnel *want = call->scratch, *tunnel = record;

    return (want->customer_id[0] == '\0' || str_equal(tunnel->customer_id, want->customer_id)) &&
           (!op_given(call, "tenant_id") || str_equal(tunnel->tenant_id, want->tenant_id)) &&
           (!op_given(call, "hostname") || str_equal(tunnel->hostname, want->hostname)) &&
           (!op_given(call, "state") || tunnel->state == want->state);
}

static int tunnel_list(struct op_call *call, struct err *err)
{
    const struct tunnel_list_params *p = call->params;
    struct tunnel *want = call->scratch;
    struct tenant tenant = {0};
    struct list list = {.view = &view_tunnel, .url = "/api/tunnels", .match = want, .keep = keep};

    if (call->actor.role == ROLE_CUSTOMER)
        (void)str_copy(want->customer_id, sizeof want->customer_id, call->actor.customer_id);
    if (op_given(call, "tenant_id") &&
        object_refer(call, &tenant_table, "tenant_id", p->tenant_id, &tenant, err) != 0)
        return -1;
    (void)str_copy(want->tenant_id, sizeof want->tenant_id, tenant.id);
    (void)str_copy(want->hostname, sizeof want->hostname, p->hostname);
    want->state = p->state;
    list.index = op_given(call, "tenant_id")    ? "tenant_id"
                 : op_given(call, "hostname")   ? "hostname"
                 : want->customer_id[0] != '\0' ? "customer_id"
                 : op_given(call, "state")      ? "state"
                                                : NULL;
    list.fields = list.index == NULL ? 0 : 1;
    return list_reply(call, &p->list, &list, err);
}

static int tunnel_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0)
        return -1;
    return object_reply(call, &view_tunnel, &tunnel, err);
}

/* The tenant by its id, its number, or its container's name "sett-t000123". */
static int container(struct op_call *call, const char *text, struct tenant *tenant, struct err *err)
{
    char mark[TENANT_MARK_SIZE];
    const char *digits = text + strcspn(text, "0123456789");
    uint64_t number = 0;

    if (str_starts(text, "sett-t")) {
        while (*digits == '0')
            digits++;
        if (str_u64(digits, 1, UINT64_MAX, &number) == 0) {
            tenant_mark(mark, number);
            if (str_equal(mark, text))
                text = digits;
        }
    }
    if (object_refer(call, &tenant_table, "container_id", text, tenant, err) != 0)
        return -1;
    if (tenant->state == TENANT_DELETED || tenant->state == TENANT_DELETING)
        return err_set(err, ERR_CONFLICT, "tenant_deleted", "tenant %s is %s", tenant->id,
                       tenant_state_names[tenant->state]);
    return 0;
}

static int subscription(struct op_call *call, const struct tenant *tenant, struct err *err)
{
    const struct create_params *p = call->params;
    struct subscription s = {0};

    if (p->subscription_id[0] == '\0')
        return 0;
    if (object_refer(call, &subscription_table, "subscription_id", p->subscription_id, &s, err) !=
        0)
        return -1;
    if (!str_equal(s.customer_id, tenant->customer_id))
        return err_field(err, "subscription_id", "subscription_of_another",
                         "subscription %s is not of the customer whose tenant %s is", s.id,
                         tenant->id);
    if (s.status == SUBSCRIPTION_CANCELED || s.status == SUBSCRIPTION_INCOMPLETE_EXPIRED)
        return err_field(err, "subscription_id", "subscription_over", "subscription %s is %s", s.id,
                         subscription_status_names[s.status]);
    return 0;
}

/* Where it leads: the tenant's own port, or another one that no other tenant has. */
static int service(struct op_call *call, const struct tenant *tenant, struct tunnel *tunnel,
                   struct err *err)
{
    const struct create_params *p = call->params;
    struct port port = {.port = p->local_port == 0 ? tenant->port : p->local_port};
    struct tenant owner = {0};

    if (port.port == 0) {
        err_field(err, "local_port", "required", "tenant %s has no port yet: give local_port",
                  tenant->id);
        return -1;
    }
    (void)str_format(tunnel->service, sizeof tunnel->service, "http://127.0.0.1:%u", port.port);
    if (record_get(call->txn, &port_table, &port, err) < 0)
        return -1;
    if (port.tenant_id[0] == '\0' || str_equal(port.tenant_id, tenant->id))
        return 0;
    (void)str_copy(owner.id, sizeof owner.id, port.tenant_id);
    if (record_get(call->txn, &tenant_table, &owner, err) < 0)
        return -1;
    err_set(err, ERR_CONFLICT, "port_taken", "port %u is taken by tenant %s (%s)", port.port,
            owner.id, owner.name);
    (void)str_copy(err->field, sizeof err->field, "local_port");
    return -1;
}

static int hostname_shape(const char *host, struct err *err)
{
    size_t label = 0;

    for (const char *c = host;; c++) {
        bool end = *c == '.' || *c == '\0';
        if (end ? label == 0 || label > 63 || c[-1] == '-'
                : !(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') &&
                      !(*c == '-' && label > 0))
            return err_field(err, "hostname", "bad_hostname",
                             "hostname must be a host name in small letters");
        label = end ? 0 : label + 1;
        if (*c == '\0')
            return 0;
    }
}

/* The tunnel that serves this host name and is not deleted. 1, 0 or -1. */
static int serving(struct op_call *call, const char *host, struct tunnel *out, struct err *err)
{
    struct tunnel match = {0};
    struct scan scan;
    int found;

    (void)str_copy(match.hostname, sizeof match.hostname, host);
    if (scan_start(&scan, call->txn, &tunnel_table, "hostname", &match, 1, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, out, err)) == 1)
        if (out->state != TUNNEL_DELETED)
            return 1;
    return found;
}

/* A label right below the box's domain belongs to whoever holds the name. */
static int label_free(struct op_call *call, const struct tenant *tenant, const char *host,
                      struct err *err)
{
    struct name name = {0};
    char domain[256];
    size_t len = strcspn(host, ".");

    if (setting_text(call->txn, &call->box->conf, "box.domain", domain, sizeof domain, err) < 0)
        return -1;
    if (str_equal(host, domain))
        return err_field(err, "hostname", "name_taken", "%s is the box's own", host);
    if (host[len] != '.' || !str_equal(host + len + 1, domain) ||
        str_copy_n(name.label, sizeof name.label, host, len) != 0)
        return 0;
    if (record_get(call->txn, &name_table, &name, err) < 0)
        return -1;
    if (name.owner_id[0] == '\0' || str_equal(name.owner_id, tenant->id) ||
        (name.until != 0 && name.until <= txn_time_ms(call->txn)))
        return 0;
    err_set(err, ERR_CONFLICT, "name_taken", "the name %s is held by %s", name.label,
            name.owner_id);
    (void)str_copy(err->field, sizeof err->field, "hostname");
    return -1;
}

static int pick_hostname(struct op_call *call, const struct tenant *tenant, struct tunnel *tunnel,
                         struct err *err)
{
    const struct create_params *p = call->params;
    struct tunnel other = {0};
    char label[96];
    int found;

    if (p->hostname[0] != '\0') {
        (void)str_copy(tunnel->hostname, sizeof tunnel->hostname, p->hostname);
    } else {
        if (tenant_hostname(call->txn, &call->box->conf, tenant->subdomain, tunnel->hostname,
                            sizeof tunnel->hostname, err) != 0 ||
            (found = serving(call, tunnel->hostname, &other, err)) < 0)
            return -1;
        if (found) { /* its own is served already: one more, named after the port */
            (void)str_format(label, sizeof label, "%s-%s", tenant->subdomain,
                             strrchr(tunnel->service, ':') + 1);
            if (tenant_hostname(call->txn, &call->box->conf, label, tunnel->hostname,
                                sizeof tunnel->hostname, err) != 0)
                return -1;
        }
    }
    if (hostname_shape(tunnel->hostname, err) != 0 ||
        label_free(call, tenant, tunnel->hostname, err) != 0 ||
        (found = serving(call, tunnel->hostname, &other, err)) < 0)
        return -1;
    if (!found)
        return 0;
    err_set(err, ERR_CONFLICT, "hostname_taken", "%s is served by tunnel %s of tenant %s",
            tunnel->hostname, other.id, other.tenant_id);
    (void)str_copy(err->field, sizeof err->field, "hostname");
    return -1;
}

/* It holds the tunnel alone: a tenant that is to be deleted meanwhile turns such a job round. */
static int start(struct op_call *call, const char *saga, struct tunnel *tunnel, struct err *err)
{
    struct job job = {0};

    (void)str_copy(job.saga, sizeof job.saga, saga);
    (void)kv_set(&job.args, "tunnel_id", tunnel->id);
    (void)kv_set(&job.args, "tenant_id", tunnel->tenant_id);
    job_subject(job.subjects[0], "tunnel", tunnel->id);
    if (object_job(call, &job, err) != 0)
        return -1;
    object_after(call, &tunnel_table, tunnel);
    return object_reply(call, &view_tunnel, tunnel, err);
}

/* A tenant that shares a tunnel does so under each of its names. */
static int share(struct op_call *call, const struct tenant *tenant, struct tunnel *tunnel,
                 struct err *err)
{
    struct job job = {0};

    if (tenant->ingress_mode != INGRESS_MODE_SHARED || !str_equal(tunnel->ingress, "cloudflare"))
        return 0;
    (void)str_copy(job.actor, sizeof job.actor, call->actor.id);
    (void)str_copy(job.request_id, sizeof job.request_id, call->actor.request_id);
    return shared_join(call->txn, &call->box->conf, tunnel, &job, err);
}

static int tunnel_create(struct op_call *call, struct err *err)
{
    const struct create_params *p = call->params;
    struct tunnel tunnel = {0};
    struct tenant tenant = {0};

    if (container(call, p->container_id, &tenant, err) != 0 ||
        subscription(call, &tenant, err) != 0 || service(call, &tenant, &tunnel, err) != 0 ||
        pick_hostname(call, &tenant, &tunnel, err) != 0)
        return -1;
    (void)str_copy(tunnel.name, sizeof tunnel.name, p->name);
    (void)str_copy(tunnel.tenant_id, sizeof tunnel.tenant_id, tenant.id);
    (void)str_copy(tunnel.customer_id, sizeof tunnel.customer_id, tenant.customer_id);
    (void)str_copy(tunnel.ingress, sizeof tunnel.ingress, tenant.ingress);
    if (share(call, &tenant, &tunnel, err) != 0 || tunnel_new(call->txn, &tunnel, err) != 0)
        return -1;
    return start(call, "tunnel.create", &tunnel, err);
}

static int change(struct op_call *call, const char *saga, struct err *err)
{
    const struct id_params *p = call->params;
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0 ||
        object_match(call, &tunnel_table, &tunnel, err) != 0)
        return -1;
    object_before(call, &tunnel_table, &tunnel);
    if (tunnel.state == TUNNEL_DELETED)
        return err_set(err, ERR_CONFLICT, "tunnel_deleted", "tunnel %s is deleted", tunnel.id);
    if (tunnel.shared && tunnel.routes > 0 && str_equal(saga, "tunnel.delete")) {
        err_set(err, ERR_CONFLICT, "tunnel_carries", "%u rules of tenants go by tunnel %s",
                tunnel.routes, tunnel.name);
        return err_hint(err, "give them tunnels of their own first: sett tenant update TENANT "
                             "--ingress-mode own");
    }
    return start(call, saga, &tunnel, err);
}

static int tunnel_restart(struct op_call *call, struct err *err)
{
    return change(call, "tunnel.restart", err);
}

static int tunnel_delete(struct op_call *call, struct err *err)
{
    return change(call, "tunnel.delete", err);
}

static int status_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    return enquire(call, &tunnel_table, p->id, "status", &params, err);
}

static int logs_slow(struct op_call *call, struct err *err)
{
    const struct lines_params *p = call->params;

    return enquire_lines(call, &tunnel_table, p->id, p->lines, err);
}

#define RESULT .result = &tunnel_table.fields, .more = &view_tunnel_more

const struct op tunnel_ops[] = {
    {.name = "tunnel.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(tunnel_list_rows, struct tunnel_list_params),
     .help = "List tunnels, newest first",
     .example = "--tenant-id 1",
     RESULT,
     .scratch_size = sizeof(struct tunnel),
     .run = tunnel_list},
    {.name = "tunnel.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a tunnel",
     .example = "1",
     RESULT,
     .run = tunnel_show},
    {.name = "tunnel.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = PARAMS(create_rows, struct create_params),
     .help = "Make one more way to a tenant",
     .example = "1 --local-port 8069 --hostname shop.example.com",
     RESULT,
     .run = tunnel_create},
    {.name = "tunnel.status",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .params = &object_id,
     .help = "What its provider and its connector say of a tunnel now",
     .example = "1",
     .slow = status_slow,
     .run = enquire_reply_json},
    {.name = "tunnel.logs",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .params = PARAMS(lines_rows, struct lines_params),
     .help = "The newest lines of a tunnel's connector",
     .example = "1 --lines 50",
     .slow = logs_slow,
     .run = enquire_reply_lines},
    {.name = "tunnel.restart",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Restart a tunnel's connector",
     .example = "1",
     RESULT,
     .run = tunnel_restart},
    {.name = "tunnel.delete",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Delete a tunnel; its tenant stays, unreachable by it",
     .example = "1",
     RESULT,
     .run = tunnel_delete},
    {.name = NULL},
};
