/*
 * Making a tunnel: whose it is, where it leads, which host name it gets. Apart from what else can
 * be done with tunnels because most of it is about what may not be.
 */
#include "tunnel_start.h"

#include "custom_domain.h"
#include "job_start.h"
#include "name.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "port.h"
#include "rule.h"
#include "setting.h"
#include "shared.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

struct create_params {
    char container_id[96], subscription_id[96], hostname[256], name[96];
    char service[160], path[160], origin_server_name[256], http_host_header[256];
    uint32_t local_port, config;
    char ingress[16];
    bool no_tls_verify, shared;
};
static const struct field create_rows[] = {
    FIELD(struct create_params, container_id, FIELD_TEXT, .flags = FIELD_WORD | FIELD_NUMBERED,
          .help = "the tenant that it leads to: id, number or container; none: it stands alone"),
    FIELD(struct create_params, subscription_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "subscription that pays for it, if it is to be checked"),
    FIELD(struct create_params, local_port, FIELD_U32, .min = 1, .max = 65535,
          .help = "port on 127.0.0.1 that it leads to (the tenant's)"),
    FIELD(struct create_params, hostname, FIELD_TEXT,
          .help = "host name that it serves (a tenant's: made from subdomain and port)"),
    FIELD(struct create_params, service, FIELD_TEXT,
          .help = "where it leads instead of a port: https://localhost:8089, tcp://…, unix:/path"),
    FIELD(struct create_params, path, FIELD_TEXT,
          .help = "regular expression (RE2) of the paths that it leads"),
    FIELD(struct create_params, no_tls_verify, FIELD_BOOL,
          .help = "do not check the service's certificate"),
    FIELD(struct create_params, origin_server_name, FIELD_TEXT,
          .help = "name that the service's certificate must bear"),
    FIELD(struct create_params, http_host_header, FIELD_TEXT,
          .help = "Host header that the service is sent"),
    FIELD(struct create_params, ingress, FIELD_TEXT,
          .help = "local or cloudflare (the tenant's; standing alone: setting ingress.default)"),
    FIELD(struct create_params, config, FIELD_ENUM, .names = tunnel_config_names,
          .help = "remote, or local: rules and credentials are files of this box (remote)"),
    FIELD(struct create_params, name, FIELD_TEXT, .flags = FIELD_SLUG,
          .help = "its name at the provider (made from its number)"),
    FIELD(struct create_params, shared, FIELD_BOOL,
          .help = "one that many tenants go by, opened before the first one needs it"),
};

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

/* The tenant's own port, or another one that no other tenant has. */
static int own_port(struct op_call *call, const struct tenant *tenant, struct tunnel *tunnel,
                    struct err *err)
{
    const struct create_params *p = call->params;
    struct port port = {.port = p->local_port == 0 ? tenant->port : p->local_port};
    struct tenant owner = {0};

    if (p->local_port == 0 && tenant->address[0] != '\0') /* it is on another machine */
        return tenant_service(tenant, tunnel->service, sizeof tunnel->service);
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

/* Where it leads: what was said, or a port of this machine. */
static int service(struct op_call *call, const struct tenant *tenant, struct tunnel *tunnel,
                   struct err *err)
{
    const struct create_params *p = call->params;

    if (p->service[0] == '\0')
        return own_port(call, tenant, tunnel, err);
    if (p->local_port != 0)
        return err_field(err, "local_port", "service_twice", "give local_port or service");
    (void)str_copy(tunnel->service, sizeof tunnel->service, p->service);
    return 0;
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

    if (p->hostname[0] != '\0' || tenant->id[0] == '\0') {
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
    if (tunnel->hostname[0] == '\0')
        return 0;
    if (hostname_shape(tunnel->hostname, err) != 0 ||
        label_free(call, tenant, tunnel->hostname, err) != 0 ||
        custom_domain_free(call->txn, tunnel->hostname, "", err) != 0 ||
        (found = serving(call, tunnel->hostname, &other, err)) < 0)
        return -1;
    if (!found)
        return 0;
    err_set(err, ERR_CONFLICT, "hostname_taken", "%s is served by tunnel %s", tunnel->hostname,
            other.name[0] == '\0' ? other.id : other.name);
    (void)str_copy(err->field, sizeof err->field, "hostname");
    return -1;
}

/* It holds the tunnel alone: a tenant that is to be deleted meanwhile turns such a job round. */
int tunnel_start(struct op_call *call, const char *saga, struct tunnel *tunnel, struct err *err)
{
    struct job job = {0};

    (void)str_copy(job.saga, sizeof job.saga, saga);
    (void)kv_set(&job.args, "tunnel_id", tunnel->id);
    (void)kv_set(&job.args, "tenant_id", tunnel->tenant_id);
    if (call->planned != NULL) { /* a plan cannot read the record: it is not kept */
        (void)kv_set(&job.args, "hostname", tunnel->hostname);
        (void)kv_set(&job.args, "service", tunnel->service);
        (void)kv_set(&job.args, "ingress", tunnel->ingress);
        (void)kv_set(&job.args, "tunnel_name", tunnel->name);
    }
    job_subject(job.subjects[0], "tunnel", tunnel->id);
    if (object_job(call, &job, err) != 0)
        return -1;
    object_after(call, &tunnel_table, tunnel);
    return object_reply(call, &view_tunnel, tunnel, err);
}

/* The box's own web server leads whole host names to ports of this machine, or to a tenant's own
 * program wherever that is, and no more. */
static int check_local(const struct op_call *call, const struct tunnel *tunnel, struct err *err)
{
    static const char *const begins[] = {"http://127.0.0.1:", "http://localhost:"};

    if (tunnel->hostname[0] == '\0')
        return err_field(err, "hostname", "required", "which host name is it to serve?");
    if (!op_given(call, "service") && tunnel->path[0] == '\0' && !tunnel->no_tls_verify)
        return 0;
    for (size_t i = 0; i < 2; i++)
        if (str_starts(tunnel->service, begins[i]) && tunnel->path[0] == '\0' &&
            !tunnel->no_tls_verify)
            return 0;
    (void)err_field(err, "service", "service_unsupported",
                    "the box's own web server leads a host name to http://127.0.0.1:PORT, not to "
                    "%.100s",
                    tunnel->service);
    return err_hint(err, "give --ingress cloudflare for any other service");
}

static int check_route(struct op_call *call, struct tunnel *tunnel, struct err *err)
{
    struct rule own = {0};

    if (tunnel->ingress[0] == '\0' &&
        setting_text(call->txn, &call->box->conf, "ingress.default", tunnel->ingress,
                     sizeof tunnel->ingress, err) < 0)
        return -1;
    if (!str_equal(tunnel->ingress, "local") && !str_equal(tunnel->ingress, "cloudflare"))
        return err_field(err, "ingress", "bad_ingress", "an ingress is local or cloudflare");
    if (tunnel->hostname[0] != '\0') {
        (void)str_copy(own.is.hostname, sizeof own.is.hostname, tunnel->hostname);
        (void)str_copy(own.is.path, sizeof own.is.path, tunnel->path);
        (void)str_copy(own.is.service, sizeof own.is.service, tunnel->service);
        if (rule_check(&own, err) == -1)
            return -1;
    }
    if (str_equal(tunnel->ingress, "cloudflare"))
        return 0;
    if (tunnel->config == TUNNEL_LOCAL)
        return err_field(err, "config", "bad_config",
                         "files of rules are cloudflared's: the "
                         "ingress local has none");
    return check_local(call, tunnel, err);
}

/* A tenant that shares a tunnel does so under each of its names. */
static int share(struct op_call *call, const struct tenant *tenant, struct tunnel *tunnel,
                 struct err *err)
{
    struct job job = {0};

    if (tenant->id[0] == '\0' || tenant->ingress_mode != INGRESS_MODE_SHARED ||
        !str_equal(tunnel->ingress, "cloudflare"))
        return 0;
    (void)str_copy(job.actor, sizeof job.actor, call->actor.id);
    (void)str_copy(job.request_id, sizeof job.request_id, call->actor.request_id);
    return shared_join(call->txn, &call->box->conf, tunnel, &job, err);
}

/* A tunnel of a tenant's, or one for a service that this box did not start. */
static int lead(struct op_call *call, struct tunnel *tunnel, struct err *err)
{
    const struct create_params *p = call->params;
    struct tenant tenant = {0};

    if (p->container_id[0] == '\0') {
        if (p->subscription_id[0] != '\0')
            return err_field(err, "container_id", "required",
                             "a subscription pays for a tenant: say which");
        if (p->service[0] == '\0' && p->local_port == 0)
            return err_field(err, "service", "required",
                             "a tunnel that stands alone needs a service (or local_port), one of a "
                             "tenant its container_id");
    } else if (container(call, p->container_id, &tenant, err) != 0 ||
               subscription(call, &tenant, err) != 0) {
        return -1;
    }
    (void)str_copy(tunnel->tenant_id, sizeof tunnel->tenant_id, tenant.id);
    (void)str_copy(tunnel->customer_id, sizeof tunnel->customer_id, tenant.customer_id);
    (void)str_copy(tunnel->ingress, sizeof tunnel->ingress,
                   p->ingress[0] != '\0' ? p->ingress : tenant.ingress);
    return service(call, &tenant, tunnel, err) != 0 ||
                   pick_hostname(call, &tenant, tunnel, err) != 0 ||
                   check_route(call, tunnel, err) != 0 || share(call, &tenant, tunnel, err) != 0
               ? -1
               : 0;
}

/* A shared tunnel leads to those who go by it, and nowhere else. */
static int open_shared(struct op_call *call, struct tunnel *tunnel, struct err *err)
{
    for (size_t i = 0; i < sizeof create_rows / sizeof create_rows[0]; i++) {
        const char *name = create_rows[i].name;
        if (!str_equal(name, "name") && !str_equal(name, "shared") && op_given(call, name))
            return err_field(err, name, "shared_alone",
                             "a shared tunnel leads to the tenants that go by it: %s is not for it",
                             name);
    }
    return shared_open(call->txn, &call->box->conf, tunnel, err);
}

static int tunnel_create(struct op_call *call, struct err *err)
{
    const struct create_params *p = call->params;
    struct tunnel tunnel = {.no_tls_verify = p->no_tls_verify, .config = p->config};

    (void)str_copy(tunnel.name, sizeof tunnel.name, p->name);
    (void)str_copy(tunnel.path, sizeof tunnel.path, p->path);
    (void)str_copy(tunnel.origin_server_name, sizeof tunnel.origin_server_name,
                   p->origin_server_name);
    (void)str_copy(tunnel.http_host_header, sizeof tunnel.http_host_header, p->http_host_header);
    if ((p->shared ? open_shared(call, &tunnel, err) : lead(call, &tunnel, err)) != 0 ||
        tunnel_new(call->txn, &tunnel, err) != 0)
        return -1;
    return tunnel_start(call, "tunnel.create", &tunnel, err);
}

#define RESULT .result = &tunnel_table.fields, .more = &view_tunnel_more

const struct op creation_ops[] = {
    {.name = "tunnel.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = PARAMS(create_rows, struct create_params),
     .help = "Make a tunnel: one more way to a tenant, or to a service that sett did not start",
     .example =
         "--name pbx --hostname pbx.example.com --service https://localhost:8089 --no-tls-verify",
     RESULT,
     .run = tunnel_create},
    {.name = NULL},
};
