/* Changes of domains. The record says what is wanted, the job brings it about: what can be refused
 * is refused here, before anything outside is touched. */
#include "domain_change.h"

#include "idn.h"
#include "job_start.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "public_suffix.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"
#include "tunnel.h"

struct add_params {
    char name[256], tenant[96];
    uint32_t via;
    bool www, adopt;
};
static const struct field add_rows[] = {
    FIELD(struct add_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1,
          .help = "the domain, in either spelling"),
    FIELD(struct add_params, tenant, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_NUMBERED,
          .help = "the tenant that it is to lead to"),
    FIELD(struct add_params, via, FIELD_ENUM, .names = domain_via_names,
          .help = "zone, hostname or local (as the tenant's ingress and the name suggest)"),
    FIELD(struct add_params, www, FIELD_BOOL,
          .help = "www. of it as well (of a whole domain: yes)"),
    FIELD(struct add_params, adopt, FIELD_BOOL,
          .help = "use the zone or custom hostname that is at the provider already (operators)"),
};
const struct fields domain_change_add = {add_rows, sizeof add_rows / sizeof add_rows[0],
                                         sizeof(struct add_params)};

struct claim_params {
    char name[256], tenant[96];
    bool prove;
};
static const struct field claim_rows[] = {
    FIELD(struct claim_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1,
          .help = "the domain, in either spelling"),
    FIELD(struct claim_params, tenant, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_NUMBERED,
          .help = "the tenant that it is to lead to"),
    FIELD(struct claim_params, prove, FIELD_BOOL,
          .help = "the record is there: look, and take the domain over"),
};
const struct fields domain_change_claim = {claim_rows, sizeof claim_rows / sizeof claim_rows[0],
                                           sizeof(struct claim_params)};

struct remove_params {
    char id[96];
    char reason[240];
};
static const struct field remove_rows[] = {
    ID_FIELD(struct remove_params),
    FIELD(struct remove_params, reason, FIELD_TEXT, .help = "why, for the audit"),
};
const struct fields domain_change_remove = {remove_rows, sizeof remove_rows / sizeof remove_rows[0],
                                            sizeof(struct remove_params)};

/* ---- which ---- */

int domain_change_name(const char *text, char name[256], struct err *err)
{
    struct idn_name read;

    if (idn_read(text, &read, err) == -1)
        return -1;
    memcpy(name, read.ascii, 256);
    return 0;
}

int domain_change_find(struct op_call *call, const char *text, struct custom_domain *d,
                       struct err *err)
{
    struct err why = {0};
    char name[256];
    int found;

    if (str_starts(text, "dom_") || domain_change_name(text, name, &why) == -1)
        return object_get(call, &custom_domain_table, text, d, err);
    memset(d, 0, sizeof *d);
    memcpy(d->live, name, sizeof d->live);
    if ((found = record_find(call->txn, &custom_domain_table, "live", d, err)) == -1)
        return -1;
    if (found == 1 && object_owned(call, &custom_domain_table, d))
        return 0;
    memset(d, 0, sizeof *d);
    return object_get(call, &custom_domain_table, name, d, err);
}

/* The tenant, whose customer may do this: within what the plan gives. */
static int tenant_of(struct op_call *call, const char *text, struct tenant *tenant, struct err *err)
{
    struct plan plan = {0};
    int count;

    if (object_refer(call, &tenant_table, "tenant", text, tenant, err) != 0)
        return -1;
    if (tenant->state != TENANT_ACTIVE && tenant->state != TENANT_PAST_DUE &&
        tenant->state != TENANT_SUSPENDED)
        return err_set(err, ERR_CONFLICT, "tenant_state", "tenant %s is %s", tenant->id,
                       tenant_state_names[tenant->state]);
    if (call->actor.role > ROLE_CUSTOMER)
        return 0;
    (void)str_copy(plan.id, sizeof plan.id, tenant->plan_id);
    if ((plan.id[0] != '\0' && record_get(call->txn, &plan_table, &plan, err) == -1) ||
        (count = custom_domain_count(call->txn, tenant->id, err)) == -1)
        return -1;
    if ((uint32_t)count < plan.max_domains)
        return 0;
    (void)err_set(err, ERR_QUOTA, "plan_domains", "the plan of %s allows %u domains", tenant->name,
                  plan.max_domains);
    return err_hint(err, "a larger plan, or the operator of this box, can add more");
}

/* ---- add ---- */

/* The box's own names are not a customer's to bring. */
static int not_ours(struct op_call *call, const char *name, struct err *err)
{
    char domain[512];
    size_t len = strlen(name), own;

    if (setting_text(call->txn, &call->box->conf, "box.domain", domain, sizeof domain, err) == -1)
        return -1;
    own = strlen(domain);
    if (!str_equal(name, domain) &&
        !(len > own && str_ends(name, domain) && name[len - own - 1] == '.'))
        return 0;
    return err_field(err, "name", "domain_ours", "%s lies in this box's own domain", name);
}

/* A tunnel that was made for this host name. */
static int not_a_tunnels(struct op_call *call, const char *name, struct err *err)
{
    struct tunnel tunnel = {0};
    struct scan scan;
    int got;

    (void)str_copy(tunnel.hostname, sizeof tunnel.hostname, name);
    if (scan_start(&scan, call->txn, &tunnel_table, "hostname", &tunnel, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1)
        if (tunnel.state != TUNNEL_DELETED) {
            (void)err_set(err, ERR_CONFLICT, "hostname_taken", "%s is served by tunnel %s", name,
                          tunnel.id);
            (void)str_copy(err->field, sizeof err->field, "name");
            return err_hint(err, "sett tunnel delete %s, if it is no longer needed", tunnel.id);
        }
    return got;
}

/* Whether its name is only covered by a shared tunnel's wildcard record. 1, 0 or -1. */
static int goes_by_shared(struct op_call *call, const struct tenant *tenant, struct err *err)
{
    struct tunnel tunnel = {0};
    int found;

    (void)str_copy(tunnel.id, sizeof tunnel.id, tenant->tunnel_id);
    found = tunnel.id[0] == '\0' ? 0 : record_get(call->txn, &tunnel_table, &tunnel, err);
    return found == 1 ? tunnel.carrier_id[0] != '\0' : found;
}

static int pick_way(struct op_call *call, const struct tenant *tenant, struct custom_domain *d,
                    struct err *err)
{
    const struct add_params *p = call->params;
    bool cloudflare = str_equal(tenant->ingress, "cloudflare");
    bool whole = str_equal(d->name, d->registrable);
    int shared = 0;

    d->via = op_given(call, "via") ? p->via
             : !cloudflare         ? DOMAIN_VIA_LOCAL
             : whole               ? DOMAIN_VIA_ZONE
                                   : DOMAIN_VIA_HOSTNAME;
    if (cloudflare == (d->via == DOMAIN_VIA_LOCAL))
        return err_field(err, "via", "domain_via", "the ingress of tenant %s is %s: via must be %s",
                         tenant->id, tenant->ingress, cloudflare ? "zone or hostname" : "local");
    if (d->via == DOMAIN_VIA_HOSTNAME && (shared = goes_by_shared(call, tenant, err)) == -1)
        return -1;
    if (d->via == DOMAIN_VIA_HOSTNAME && shared != 0) {
        (void)err_field(err, "via", "domain_shared",
                        "a custom hostname leads to a record of the tenant's own, and tenant %s "
                        "goes by a shared tunnel's",
                        tenant->id);
        return err_hint(err, "%ssett tenant update %s --ingress-mode own gives it one",
                        whole ? "via zone does without, or " : "", tenant->id);
    }
    d->www = op_given(call, "www") ? p->www : whole && d->via != DOMAIN_VIA_HOSTNAME;
    if (d->www && d->via == DOMAIN_VIA_HOSTNAME)
        return err_field(err, "www", "domain_www",
                         "a custom hostname is one name: add www.%s as a domain of its own",
                         d->name);
    d->adopt = p->adopt;
    if (d->adopt && call->actor.role < ROLE_OPERATOR)
        return err_set(err, ERR_FORBIDDEN, "adopt_forbidden",
                       "only an operator may adopt what is at the provider already");
    return 0;
}

static int read_name(const struct op_call *call, struct custom_domain *d, struct err *err)
{
    const struct add_params *p = call->params;
    struct idn_name name;

    if (idn_read(p->name, &name, err) == -1 ||
        public_suffix_domain(name.ascii, d->registrable, sizeof d->registrable, err) == -1)
        return -1;
    memcpy(d->name, name.ascii, sizeof d->name);
    memcpy(d->unicode, name.unicode, sizeof d->unicode);
    d->lookalike = name.lookalike;
    if (!name.lookalike || call->actor.role > ROLE_CUSTOMER)
        return 0;
    (void)err_field(err, "name", "domain_lookalike",
                    "\"%.200s\" looks like a name in Latin letters", name.unicode);
    return err_hint(err, "The operator of this box can add it.");
}

static void job_for(struct job *job, const char *saga, const struct custom_domain *d)
{
    memset(job, 0, sizeof *job);
    (void)str_copy(job->saga, sizeof job->saga, saga);
    (void)kv_set(&job->args, "domain_id", d->id);
    (void)kv_set(&job->args, "tenant_id", d->tenant_id);
    (void)kv_set(&job->args, "name", d->name);
    (void)kv_set(&job->args, "via", domain_via_names[d->via]);
    (void)kv_set(&job->args, "www", d->www ? "1" : "0");
    job_subject(job->subjects[0], "domain", d->id);
}

/* Start it, note it in the domain, answer with the domain. */
static int start(struct op_call *call, struct job *job, struct custom_domain *d, struct err *err)
{
    if (object_job(call, job, err) != 0)
        return -1;
    (void)str_copy(d->job_id, sizeof d->job_id, job->id);
    if (custom_domain_put(call->txn, d, err) != 0)
        return -1;
    object_after(call, &custom_domain_table, d);
    return object_reply(call, &view_domain, d, err);
}

int domain_change_add_run(struct op_call *call, struct err *err)
{
    const struct add_params *p = call->params;
    struct custom_domain d = {0};
    struct tenant tenant = {0};
    struct job job;
    char www[300];

    if (tenant_of(call, p->tenant, &tenant, err) != 0 || read_name(call, &d, err) != 0 ||
        not_ours(call, d.name, err) != 0 || pick_way(call, &tenant, &d, err) != 0 ||
        not_a_tunnels(call, d.name, err) != 0)
        return -1;
    (void)str_format(www, sizeof www, "www.%s", d.name);
    if (d.www && not_a_tunnels(call, www, err) != 0)
        return -1;
    (void)str_copy(d.tenant_id, sizeof d.tenant_id, tenant.id);
    (void)str_copy(d.customer_id, sizeof d.customer_id, tenant.customer_id);
    if (custom_domain_new(call->txn, &d, err) != 0)
        return -1;
    job_for(&job, "domain.add", &d);
    return start(call, &job, &d, err);
}

/* ---- claim ---- */

static int reply_claim(struct op_call *call, const struct custom_domain *d,
                       const struct domain_claim *claim)
{
    struct json_out *j = call->out;
    char text[400];

    json_out_object(j);
    json_out_key_text(j, "object", "domain_claim");
    json_out_key_text(j, "id", claim->id);
    json_out_key_text(j, "name", d->name);
    json_out_key_text(j, "tenant_id", claim->tenant_id);
    json_out_key(j, "record");
    json_out_object(j);
    json_out_key_text(j, "type", "TXT");
    (void)str_format(text, sizeof text, DOMAIN_CHALLENGE_LABEL ".%s", d->name);
    json_out_key_text(j, "name", text);
    (void)str_format(text, sizeof text, DOMAIN_CHALLENGE_PREFIX "%s", claim->challenge);
    json_out_key_text(j, "value", text);
    json_out_end_object(j);
    json_out_key_text(j, "next", "enter that record, then repeat the claim with prove");
    if (call->job_id[0] != '\0')
        json_out_key_text(j, "job", call->job_id);
    json_out_end_object(j);
    return 0;
}

static int new_claim(struct op_call *call, const struct custom_domain *d,
                     const struct tenant *tenant, struct domain_claim *claim, struct err *err)
{
    memset(claim, 0, sizeof *claim);
    id_make(claim->id, domain_claim_table.prefix);
    memcpy(claim->domain_id, d->id, sizeof claim->domain_id);
    memcpy(claim->tenant_id, tenant->id, sizeof claim->tenant_id);
    memcpy(claim->customer_id, tenant->customer_id, sizeof claim->customer_id);
    custom_domain_challenge(claim->challenge);
    claim->created_at = txn_time_ms(call->txn);
    return record_insert(call->txn, &domain_claim_table, claim, err);
}

/* Whether a domain is there may be known to anybody: the DNS says so, too. Whose it is may not. */
int domain_change_claim_run(struct op_call *call, struct err *err)
{
    const struct claim_params *p = call->params;
    struct custom_domain d = {0};
    struct domain_claim claim;
    struct tenant tenant = {0};
    struct job job;
    char name[256];
    int found;

    if (domain_change_name(p->name, name, err) != 0 ||
        tenant_of(call, p->tenant, &tenant, err) != 0 ||
        (found = custom_domain_serving(call->txn, name, &d, err)) == -1)
        return -1;
    if (found == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "domain_not_found", "nobody has the domain %s", name);
        return err_hint(err, "sett domain add %s --tenant %s", name, p->tenant);
    }
    if (str_equal(d.tenant_id, tenant.id))
        return err_set(err, ERR_CONFLICT, "domain_yours", "%s leads to tenant %s already", d.name,
                       tenant.id);
    if ((d.via == DOMAIN_VIA_LOCAL) == str_equal(tenant.ingress, "cloudflare"))
        return err_set(err, ERR_CONFLICT, "domain_via",
                       "%s is led by another way than tenant %s: it must be removed first", d.name,
                       tenant.id);
    (void)str_copy(call->audit.object, sizeof call->audit.object, d.id);
    if ((found = custom_domain_claim(call->txn, d.id, tenant.id, &claim, err)) == -1 ||
        (found == 0 && new_claim(call, &d, &tenant, &claim, err) == -1))
        return -1;
    if (!p->prove)
        return reply_claim(call, &d, &claim);
    job_for(&job, "domain.claim", &d);
    (void)kv_set(&job.args, "claim_id", claim.id);
    if (object_job(call, &job, err) != 0)
        return -1;
    return reply_claim(call, &d, &claim);
}

/* ---- remove ---- */

/* What is at work on it is turned round, and its end begins the removal. 1 if so, 0 or -1. */
static int turn_round(struct op_call *call, struct custom_domain *d, struct err *err)
{
    struct job job = {0};
    int found = job_of_subject(call->txn, "domain", d->id, &job, err);

    if (found != 1 || str_equal(job.saga, "domain.remove"))
        return found == -1 ? -1 : 0;
    if (kv_get(&job.facts, JOB_FACT_PIVOT) == NULL && job_cancel(call->txn, job.id, err) != 0)
        return -1;
    d->state = DOMAIN_REMOVING;
    d->due_at = 0;
    if (custom_domain_put(call->txn, d, err) != 0)
        return -1;
    (void)str_copy(call->job_id, sizeof call->job_id, job.id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job.id);
    return 1;
}

int domain_change_remove_run(struct op_call *call, struct err *err)
{
    const struct remove_params *p = call->params;
    struct custom_domain d = {0};
    struct job job;
    int turned;

    if (domain_change_find(call, p->id, &d, err) != 0 ||
        object_match(call, &custom_domain_table, &d, err) != 0)
        return -1;
    object_before(call, &custom_domain_table, &d);
    if (d.state == DOMAIN_REMOVED)
        return err_set(err, ERR_CONFLICT, "domain_removed", "the domain %s is removed", d.name);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, p->reason);
    if ((turned = call->plan ? 0 : turn_round(call, &d, err)) < 0)
        return -1;
    if (turned) {
        object_after(call, &custom_domain_table, &d);
        return object_reply(call, &view_domain, &d, err);
    }
    job_for(&job, "domain.remove", &d);
    return start(call, &job, &d, err);
}
