/*
 * The store's side of customers' domains: what their steps must know, and what becomes of the
 * record.
 */
#include "steps_domain.h"

#include <stdlib.h>
#include <string.h>

#include "custom_domain_note.h"
#include "domain_cloudflare.h"
#include "facts.h"
#include "job_start.h"
#include "letter.h"
#include "rule.h"
#include "setting.h"
#include "shared.h"
#include "steps.h"
#include "str.h"

#define RETRY_MS (INT64_C(3600) * 1000) /* after a job that was undone */
#define SOON_MS  (INT64_C(60) * 1000)   /* after a proof that was there and is not */

/* The domain that the job is about. */
static int load(struct txn *txn, const struct job *job, struct custom_domain *d, struct err *err)
{
    const char *id = kv_get_or(&job->args, "domain_id", "");
    int found = custom_domain_get(txn, id, d, err);

    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "domain_not_found", "there is no domain %s", id);
    return found == 1 ? 0 : -1;
}

static int load_tenant(struct txn *txn, const struct custom_domain *d, struct tenant *tenant,
                       struct err *err)
{
    memset(tenant, 0, sizeof *tenant);
    (void)str_copy(tenant->id, sizeof tenant->id, d->tenant_id);
    return tenant->id[0] == '\0' ? 0 : record_get(txn, &tenant_table, tenant, err);
}

static bool runs(const struct tenant *tenant)
{
    return tenant->state == TENANT_ACTIVE || tenant->state == TENANT_PAST_DUE;
}

/* A suspended tenant behind a tunnel is cut off by its connector; the box's own web server has to
 * be told. */
static bool wanted(const struct custom_domain *d, const struct tenant *tenant)
{
    return d->state != DOMAIN_REMOVING && custom_domain_ready(d) &&
           (d->via == DOMAIN_VIA_LOCAL ? runs(tenant)
                                       : runs(tenant) || tenant->state == TENANT_SUSPENDED);
}

/* ---- facts ---- */

static int set_settings(struct txn *txn, struct job *job, const struct saga_context *c,
                        const struct custom_domain *d, struct err *err)
{
    char text[512], url[300];

    if (setting_text(txn, &c->conf, "box.id", text, sizeof text, err) == -1 ||
        facts_set(job, FACT_BOX, text, err) == -1 ||
        setting_text(txn, &c->conf, "dns.server", text, sizeof text, err) == -1 ||
        facts_set(job, FACT_DOMAIN_SERVER, text, err) == -1 ||
        custom_domain_target(txn, &c->conf, d->via, text, sizeof text, err) == -1 ||
        facts_set(job, FACT_DOMAIN_FALLBACK, text, err) == -1 ||
        tenant_front_door(txn, &c->conf, d->name, url, sizeof url, err) == -1)
        return -1;
    return facts_set(job, FACT_URL, url, err);
}

/* Before which names of it somebody may have to stand (guard.h). */
static int set_hosts(struct job *job, const struct custom_domain *d, struct err *err)
{
    char hosts[600];

    (void)str_format(hosts, sizeof hosts, d->www ? "%s,www.%s" : "%s", d->name, d->name);
    return facts_set(job, FACT_GUARD_HOSTS, hosts, err);
}

int steps_domain_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    struct custom_domain d;
    struct tenant tenant;
    struct tunnel tunnel;
    int found, routed;

    if (load(txn, job, &d, err) == -1 || (found = load_tenant(txn, &d, &tenant, err)) == -1)
        return -1;
    if (d.state == DOMAIN_REMOVED)
        return err_set(err, ERR_CONFLICT, "domain_removed", "the domain %s is removed", d.name);
    if (found == 1 && facts_tenant(txn, job, c, &tenant, err) == -1)
        return -1;
    /* What leads there now is what a removal must take back. */
    routed = facts_load_tunnel(
        txn, d.state == DOMAIN_REMOVING && d.routed_to[0] != '\0' ? d.routed_to : tenant.tunnel_id,
        &tunnel, err);
    if (routed == -1 ||
        (routed == 1 &&
         (facts_tunnel(txn, job, c, &tunnel, err) == -1 || shared_way(txn, &tunnel, err) == -1 ||
          facts_set(job, FACT_DOMAIN_TUNNEL, tunnel.cf_tunnel, err) == -1)))
        return -1;
    if (facts_set(job, FACT_DOMAIN_KEEP,
                  routed == 0 || tunnel.state == TUNNEL_DELETED ||
                          tenant.state == TENANT_DELETING || tenant.state == TENANT_DELETED
                      ? "1"
                      : "",
                  err) == -1 ||
        facts_set(job, FACT_DOMAIN_WANTED, wanted(&d, &tenant) ? "1" : "", err) == -1 ||
        facts_set(job, FACT_DOMAIN_CHALLENGE, d.challenge, err) == -1 ||
        facts_set(job, FACT_DOMAIN_ADOPT, d.adopt ? "1" : "", err) == -1 ||
        facts_set(job, DOMAIN_FACT_ID, d.cf_id, err) == -1 ||
        facts_set(job, DOMAIN_FACT_MADE, d.cf_made ? "1" : "", err) == -1)
        return -1;
    return set_hosts(job, &d, err) == -1 ? -1 : set_settings(txn, job, c, &d, err);
}

/* ---- from the facts into the record ---- */

int steps_domain_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct kv *f = &job->facts;
    struct custom_domain d;

    (void)context;
    if (load(txn, job, &d, err) == -1)
        return -1;
    (void)str_copy(d.cf_id, sizeof d.cf_id, kv_get_or(f, DOMAIN_FACT_ID, ""));
    d.cf_made = kv_get(f, DOMAIN_FACT_MADE) != NULL;
    if (d.via == DOMAIN_VIA_ZONE) {
        d.zone_status = custom_domain_zone_status(kv_get_or(f, DOMAIN_FACT_STATUS, ""));
        (void)str_copy(d.name_servers, sizeof d.name_servers,
                       kv_get_or(f, DOMAIN_FACT_NAME_SERVERS, ""));
    } else {
        (void)str_copy(d.hostname_status, sizeof d.hostname_status,
                       kv_get_or(f, DOMAIN_FACT_STATUS, ""));
        (void)str_copy(d.ssl_status, sizeof d.ssl_status, kv_get_or(f, DOMAIN_FACT_SSL, ""));
        (void)str_copy(d.records, sizeof d.records, kv_get_or(f, DOMAIN_FACT_RECORDS, ""));
    }
    return custom_domain_put(txn, &d, err);
}

int steps_domain_unsettle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct custom_domain d;

    (void)context;
    if (load(txn, job, &d, err) == -1)
        return -1;
    d.cf_id[0] = '\0';
    d.cf_made = false;
    return custom_domain_put(txn, &d, err);
}

int steps_domain_waiting(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    struct custom_domain d;

    if (load(txn, job, &d, err) == -1)
        return -1;
    if (d.state == DOMAIN_REMOVING)
        return 0;
    return custom_domain_waits(txn, &c->conf, &d, err) == -1 ? -1 : custom_domain_put(txn, &d, err);
}

int steps_domain_routed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    const char *why = kv_get_or(&job->facts, FACT_DOMAIN_WHY, "");
    bool led = kv_get(&job->facts, FACT_DOMAIN_WANTED) != NULL;
    struct custom_domain d;

    if (load(txn, job, &d, err) == -1)
        return -1;
    (void)str_copy(d.routed_to, sizeof d.routed_to,
                   led ? kv_get_or(&job->facts, FACT_TUNNEL, "") : "");
    if (d.state == DOMAIN_REMOVING)
        return custom_domain_put(txn, &d, err);
    if (!led) {
        if (custom_domain_waits(txn, &c->conf, &d, err) == -1)
            return -1;
        custom_domain_reason(&d, why[0] != '\0'            ? why
                                 : custom_domain_ready(&d) ? "its tenant does not run"
                                                           : "");
    } else if (kv_get(&job->facts, FACT_DOMAIN_ANSWERS) != NULL ||
               kv_get(&job->facts, FACT_MAINTENANCE) != NULL) {
        if (custom_domain_answers(txn, &d, err) == -1)
            return -1;
    } else {
        d.state = DOMAIN_VERIFYING;
        custom_domain_reason(&d, why);
    }
    d.due_at = txn_time_ms(txn) + (led || why[0] == '\0' ? 0 : SOON_MS);
    return custom_domain_put(txn, &d, err);
}

/* What counts requests for the tenant counts them at its new names, too. */
int steps_domain_limits(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct custom_domain d;
    struct tenant tenant;

    (void)context;
    if (load(txn, job, &d, err) == -1 || load_tenant(txn, &d, &tenant, err) == -1)
        return -1;
    return runs(&tenant) ? steps_limit_follow(txn, job, tenant.id, err) : 0;
}

int steps_domain_removing(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct custom_domain d;

    if (load(txn, job, &d, err) == -1)
        return -1;
    if (d.state == DOMAIN_REMOVED)
        return err_set(err, ERR_CONFLICT, "domain_removed", "the domain %s is removed", d.name);
    d.state = DOMAIN_REMOVING;
    d.due_at = 0;
    if (custom_domain_put(txn, &d, err) == -1)
        return -1;
    return steps_domain_read(txn, job, context, err);
}

int steps_domain_removed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct custom_domain d;

    (void)context;
    if (load(txn, job, &d, err) == -1)
        return -1;
    return custom_domain_removed(txn, &d, kv_get_or(&job->facts, DOMAIN_FACT_KEPT, ""), err);
}

/* ---- jobs ---- */

int steps_domain_start(struct txn *txn, const struct job *job, const struct custom_domain *d,
                       const char *saga, struct err *err)
{
    struct job *other = calloc(1, sizeof *other);
    int result = -1;

    if (other == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    (void)str_copy(other->saga, sizeof other->saga, saga);
    (void)str_copy(other->actor, sizeof other->actor, job == NULL ? "worker" : job->actor);
    if (job != NULL)
        memcpy(other->request_id, job->request_id, sizeof other->request_id);
    job_subject(other->subjects[0], "domain", d->id);
    if (kv_set(&other->args, "domain_id", d->id) == -1 ||
        kv_set(&other->args, "tenant_id", d->tenant_id) == -1 ||
        kv_set(&other->args, "name", d->name) == -1 ||
        kv_set(&other->args, "via", domain_via_names[d->via]) == -1 ||
        kv_set(&other->args, "www", d->www ? "1" : "0") == -1)
        (void)err_set(err, ERR_INTERNAL, "args_full", "the arguments of a job are full");
    else
        result = job_start(txn, other, err);
    free(other);
    return result;
}

int steps_domain_route(struct txn *txn, const struct job *job, struct custom_domain *d,
                       struct err *err)
{
    struct job *busy = calloc(1, sizeof *busy);
    struct tenant tenant;
    int found = -1;

    if (busy == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    if (load_tenant(txn, d, &tenant, err) != -1)
        found = job_of_subject(txn, "domain", d->id, busy, err);
    free(busy);
    if (found != 0)
        return found == 1 ? 0 : -1;
    if (!runs(&tenant) && d->routed_to[0] == '\0') {
        custom_domain_reason(d, "its tenant does not run");
        return 0;
    }
    return steps_domain_start(txn, job, d, "domain.route", err);
}

/* Each live domain of a tenant. */
static int each(struct txn *txn, const struct tenant *tenant,
                int (*act)(struct txn *txn, const struct job *job, struct custom_domain *d,
                           struct err *err),
                const struct job *job, struct err *err)
{
    struct custom_domain *d = calloc(1, sizeof *d);
    struct scan scan;
    int got = -1, count = 0;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    (void)str_copy(d->tenant_id, sizeof d->tenant_id, tenant->id);
    if (scan_start(&scan, txn, &custom_domain_table, "tenant_id", d, 1, false, err) == 0)
        while ((got = scan_next(&scan, d, err)) == 1) {
            if (d->live[0] == '\0')
                continue;
            count++;
            if (act != NULL && act(txn, job, d, err) == -1) {
                got = -1;
                break;
            }
        }
    free(d);
    return got == -1 ? -1 : count;
}

static int follow_one(struct txn *txn, const struct job *job, struct custom_domain *d,
                      struct err *err)
{
    bool stands = d->state == DOMAIN_ACTIVE || d->state == DOMAIN_VERIFYING ||
                  (d->state == DOMAIN_PENDING && custom_domain_ready(d));

    return stands ? steps_domain_route(txn, job, d, err) : 0;
}

/* A suspended tenant behind a tunnel is cut off by its connector: nothing of its domains changes.
 */
static int follow_local(struct txn *txn, const struct job *job, struct custom_domain *d,
                        struct err *err)
{
    return d->via == DOMAIN_VIA_LOCAL ? follow_one(txn, job, d, err) : 0;
}

int steps_domain_follow(struct txn *txn, const struct job *job, const struct tenant *tenant,
                        struct err *err)
{
    return each(txn, tenant, tenant->state == TENANT_SUSPENDED ? follow_local : follow_one, job,
                err) == -1
               ? -1
               : 0;
}

/* A job that is at work is turned round, and its end sees what is wanted of the domain. */
static int end_one(struct txn *txn, const struct job *job, struct custom_domain *d, struct err *err)
{
    struct job *busy;
    int found;

    if (d->state == DOMAIN_REMOVING)
        return 0;
    if ((busy = calloc(1, sizeof *busy)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    found = job_of_subject(txn, "domain", d->id, busy, err);
    if (found == 1 && busy->live && kv_get(&busy->facts, JOB_FACT_PIVOT) != NULL)
        found = 1; /* it goes on to its end, which begins the removal */
    else if (found == 1 && job_cancel(txn, busy->id, err) == -1)
        found = -1;
    free(busy);
    if (found == -1)
        return -1;
    if (found == 0)
        return steps_domain_start(txn, job, d, "domain.remove", err);
    d->state = DOMAIN_REMOVING;
    d->due_at = 0;
    return custom_domain_put(txn, d, err);
}

int steps_domain_end_all(struct txn *txn, const struct job *job, const struct tenant *tenant,
                         bool start, struct err *err)
{
    return each(txn, tenant, start ? end_one : NULL, job, err);
}

/* ---- hooks ---- */

static bool is(const struct job *job, const char *saga)
{
    return str_equal(job->saga, saga);
}

int steps_domain_begun(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct custom_domain d;

    (void)context;
    if (load(txn, job, &d, err) == -1)
        return err->kind == ERR_NOT_FOUND && job->undo ? 0 : -1;
    (void)str_copy(d.job_id, sizeof d.job_id, job->id);
    if (!job->undo && d.state != DOMAIN_REMOVING) {
        if (is(job, "domain.add"))
            d.state = DOMAIN_ADDING;
        else if (is(job, "domain.route"))
            d.state = DOMAIN_ROUTING;
    }
    if (steps_domain_configure_again(txn, job, err) == -1)
        return -1;
    return custom_domain_put(txn, &d, err);
}

/* While the job was at work its tenant may have been suspended, resumed or put into maintenance. */
static int look_again(struct txn *txn, const struct job *job, struct custom_domain *d,
                      struct err *err)
{
    bool led = kv_get(&job->facts, FACT_DOMAIN_WANTED) != NULL;
    bool maintenance = kv_get(&job->facts, FACT_MAINTENANCE) != NULL;
    struct tenant tenant;
    int found = load_tenant(txn, d, &tenant, err);

    if (found != 1 || d->via != DOMAIN_VIA_LOCAL)
        return found == -1 ? -1 : 0;
    if (wanted(d, &tenant) == led && (!led || tenant.maintenance == maintenance))
        return 0;
    return steps_domain_start(txn, job, d, "domain.route", err);
}

static int ended_well(struct txn *txn, struct job *job, struct custom_domain *d, struct err *err)
{
    if (is(job, "domain.remove"))
        return 0;
    if (d->state == DOMAIN_REMOVING)
        return steps_domain_start(txn, job, d, "domain.remove", err);
    if (is(job, "domain.route"))
        return look_again(txn, job, d, err);
    if (is(job, "domain.claim") && custom_domain_ready(d))
        return steps_domain_route(txn, job, d, err);
    return 0;
}

int steps_domain_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct custom_domain d;

    (void)context;
    if (load(txn, job, &d, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (d.state == DOMAIN_REMOVED)
        return 0;
    if (job->state == JOB_DONE)
        return ended_well(txn, job, &d, err);
    if (job->state == JOB_UNDONE && is(job, "domain.add"))
        return custom_domain_removed(txn, &d, job->cause, err);
    if (job->state == JOB_UNDONE && d.state == DOMAIN_REMOVING)
        return steps_domain_start(txn, job, &d, "domain.remove", err);
    if (is(job, "domain.claim"))
        return 0;
    if (job->state == JOB_UNDONE) {
        d.state = DOMAIN_PENDING;
        d.due_at = txn_time_ms(txn) + RETRY_MS;
        d.routed_to[0] = '\0';
    } else if (d.state != DOMAIN_REMOVING) {
        d.state = DOMAIN_FAILED;
        d.due_at = 0;
    }
    custom_domain_reason(&d, job->cause);
    return custom_domain_put(txn, &d, err);
}

/* ---- claims ---- */

static int load_claim(struct txn *txn, const struct job *job, struct domain_claim *claim,
                      struct err *err)
{
    int found;

    memset(claim, 0, sizeof *claim);
    (void)str_copy(claim->id, sizeof claim->id, kv_get_or(&job->args, "claim_id", ""));
    found = claim->id[0] == '\0' ? 0 : record_get(txn, &domain_claim_table, claim, err);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "claim_not_found", "the claim is no longer there");
    return found == 1 ? 0 : -1;
}

int steps_domain_claim_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct domain_claim claim;

    if (load_claim(txn, job, &claim, err) == -1 || steps_domain_read(txn, job, context, err) == -1)
        return -1;
    return facts_set(job, FACT_DOMAIN_CHALLENGE, claim.challenge, err);
}

static int tell_former(struct txn *txn, const struct custom_domain *d, struct err *err)
{
    struct kv *params = calloc(1, sizeof *params);
    struct letter letter = {.kind = "domain_claimed",
                            .customer_id = d->customer_id,
                            .tenant_id = d->tenant_id,
                            .params = params};
    int result;

    if (params == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a letter");
    (void)kv_set(params, "domain", d->unicode);
    result = letter_queue(txn, &letter, err);
    free(params);
    return result;
}

int steps_domain_take(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct domain_claim claim;
    struct custom_domain d;
    struct tenant tenant = {0};
    int found;

    if (load(txn, job, &d, err) == -1 || load_claim(txn, job, &claim, err) == -1)
        return -1;
    (void)str_copy(tenant.id, sizeof tenant.id, claim.tenant_id);
    if ((found = record_get(txn, &tenant_table, &tenant, err)) == -1)
        return -1;
    if (found == 0 || (!runs(&tenant) && tenant.state != TENANT_SUSPENDED))
        return err_set(err, ERR_CONFLICT, "tenant_state", "tenant %s is no longer there",
                       claim.tenant_id);
    if (d.via != DOMAIN_VIA_LOCAL && steps_domain_unrules(txn, job, context, err) == -1)
        return -1;
    if (tell_former(txn, &d, err) == -1)
        return -1;
    memcpy(d.tenant_id, claim.tenant_id, sizeof d.tenant_id);
    memcpy(d.customer_id, claim.customer_id, sizeof d.customer_id);
    memcpy(d.challenge, claim.challenge, sizeof d.challenge);
    if (d.proof != DOMAIN_PROOF_DELEGATION)
        d.proof = DOMAIN_PROOF_TXT;
    d.proved_at = txn_time_ms(txn);
    d.proof_lost_at = 0;
    d.active_at = 0;
    d.routed_to[0] = '\0';
    if (d.state != DOMAIN_REMOVING) {
        d.state = DOMAIN_PENDING;
        d.due_at = txn_time_ms(txn);
    }
    custom_domain_reason(&d, "");
    if (record_delete(txn, &domain_claim_table, &claim, err) == -1)
        return -1;
    return custom_domain_put(txn, &d, err);
}
