/*
 * Drift of customers' own zones: does each domain that is led here still have the records that lead
 * it? Apart from the comparing of our own zone, which one list tells of: each of these costs a
 * call.
 */
#include "drift_domains.h"

#include <string.h>

#include "clock.h"
#include "custom_domain.h"
#include "domain_cloudflare.h"
#include "job_start.h"
#include "shared.h"
#include "str.h"

#define PAUSE_MS      300
#define FAILURES_MOST 3

/* A domain and the tunnel that carries it. */
struct led {
    struct custom_domain domain;
    struct tunnel tunnel;
};

/* Whether it is one to ask about now. 1, 0 or -1. */
static int applies(struct txn *txn, struct led *l, const struct drift_actual *a,
                   struct drift_found *out, struct err *err)
{
    const struct custom_domain *d = &l->domain;
    struct job job;
    char what[80];
    int found;

    if (d->state != DOMAIN_ACTIVE || d->via != DOMAIN_VIA_ZONE || d->routed_to[0] == '\0' ||
        d->cf_id[0] == '\0')
        return 0;
    memset(&job, 0, sizeof job);
    memcpy(job.id, d->job_id, sizeof job.id);
    if ((found = record_get(txn, &job_table, &job, err)) == -1)
        return -1;
    if (found == 1 && (job.live || job.ended_at >= a->at)) {
        (void)str_format(what, sizeof what, "domain %.60s", d->name);
        drift_held(out, d->id, what, job.live ? &job : NULL);
        return 0;
    }
    memset(&l->tunnel, 0, sizeof l->tunnel);
    memcpy(l->tunnel.id, d->routed_to, sizeof l->tunnel.id);
    if ((found = record_get(txn, &tunnel_table, &l->tunnel, err)) != 1)
        return found;
    if (shared_way(txn, &l->tunnel, err) == -1)
        return -1;
    return l->tunnel.cf_tunnel[0] != '\0';
}

/* The next one behind l->domain. 1, 0 at the end, or -1. */
static int next(struct led *l, const struct drift_actual *a, struct drift_found *out, struct db *db,
                struct err *err)
{
    struct txn *txn;
    struct scan scan;
    int got, ask = 0;

    if (db_read(&txn, db, err) == -1)
        return -1;
    got = scan_start(&scan, txn, &custom_domain_table, NULL, NULL, 0, false, err);
    if (got == 0 && l->domain.id[0] != '\0')
        got = scan_after(&scan, &l->domain, err);
    while (got != -1 && ask == 0 && (got = scan_next(&scan, &l->domain, err)) == 1)
        if ((ask = applies(txn, l, a, out, err)) == -1)
            got = -1;
    db_read_end(txn);
    return got;
}

static void note(struct drift_found *out, const struct led *l)
{
    const struct custom_domain *d = &l->domain;
    struct drift *f = drift_finding(out, DRIFT_DNS, DRIFT_MISSING);

    if (f == NULL)
        return;
    memcpy(f->tenant_id, d->tenant_id, sizeof f->tenant_id);
    memcpy(f->tunnel_id, d->routed_to, sizeof f->tunnel_id);
    memcpy(f->domain_id, d->id, sizeof f->domain_id);
    (void)str_copy(f->name, sizeof f->name, d->name);
    (void)str_format(f->thing, sizeof f->thing, "domain %s", d->id);
    (void)str_format(f->desired, sizeof f->desired,
                     "CNAME %.150s%s to %s.cfargotunnel.com, proxied", d->name,
                     d->www ? ", and www of it," : "", l->tunnel.cf_tunnel);
    (void)str_format(f->recorded, sizeof f->recorded, "domain active, in zone %s", d->cf_id);
    (void)str_copy(f->actual, sizeof f->actual, "its zone has no such record of ours");
    (void)str_copy(f->remedy, sizeof f->remedy,
                   "enter the records in the customer's zone; others there stay");
}

static int compare(struct drift_found *out, struct led *l, struct drift_actual *a, struct db *db,
                   struct outside *outside, struct err *err)
{
    struct providers *p = outside_use(outside);
    struct domain_site site = {.www = l->domain.www};
    enum outcome outcome = OUTCOME_FAIL;
    struct err why = {0};
    struct txn *txn;
    int still;

    (void)str_copy(site.name, sizeof site.name, l->domain.name);
    (void)str_format(site.mark, sizeof site.mark, "sett %s %s", a->box_id, l->domain.id);
    (void)str_copy(site.id, sizeof site.id, l->domain.cf_id);
    (void)str_copy(site.tunnel, sizeof site.tunnel, l->tunnel.cf_tunnel);
    if (p->cloudflare_set)
        outcome = domain_zone_leads(&p->cloudflare, &site, &why);
    outside_done(outside, p);
    if (outcome == OUTCOME_OK)
        return 0;
    if (outcome != OUTCOME_ABSENT) {
        if (out->domains_unread++ == 0)
            drift_actual_unread(a, l->domain.name, why.text);
        return 0;
    }
    if (db_read(&txn, db, err) == -1)
        return -1;
    if ((still = record_get(txn, &custom_domain_table, &l->domain, err)) == 1)
        still = applies(txn, l, a, out, err);
    db_read_end(txn);
    if (still == 1)
        note(out, l);
    return still == -1 ? -1 : 0;
}

int drift_domains(struct drift_found *out, struct drift_actual *a, struct db *db,
                  struct outside *outside, struct err *err)
{
    struct led l = {0};
    int got = 0;

    if (!a->cloudflare_read)
        return 0;
    while (out->domains_unread < FAILURES_MOST && (got = next(&l, a, out, db, err)) == 1) {
        out->looked++;
        if (compare(out, &l, a, db, outside, err) == -1)
            return -1;
        clock_sleep_ms(PAUSE_MS);
    }
    return got == -1 ? -1 : 0;
}
