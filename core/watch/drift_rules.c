/*
 * Drift of a tunnel's configuration. Apart from the other comparing because a list tells of tunnels
 * and records at once, while a configuration costs a call each: a thousand tunnels take minutes,
 * and nothing may be held meanwhile.
 */
#include "drift_rules.h"

#include <string.h>

#include "clock.h"
#include "job_start.h"
#include "rule.h"
#include "shared.h"
#include "str.h"
#include "tenant.h"

#define PAUSE_MS      300
#define FAILURES_MOST 3

/* What a tunnel's records mean, and how they stood then. */
struct wanted {
    struct tunnel tunnel;
    struct cloudflared_config config;
};

/* "3 rules: acme.example.com to http://127.0.0.1:3100; …" */
static void describe(const struct cloudflared_config *config, uint64_t version, char *out,
                     size_t size)
{
    size_t len;

    (void)str_format(out, size, "version %llu, %u rules:", (unsigned long long)version,
                     config->count);
    for (uint32_t i = 0; i < config->count; i++) {
        const struct cloudflared_rule *r = &config->rules[i];

        len = strlen(out);
        if (str_format(out + len, size - len, "%s %.100s%s%.60s to %.100s", i == 0 ? "" : ";",
                       r->hostname[0] == '\0' ? "*" : r->hostname, r->path[0] == '\0' ? "" : " ",
                       r->path, r->service) == -1) {
            (void)str_copy(out + len, size - len, " …");
            return;
        }
    }
}

/* Whether the tunnel is one to ask about now. 1, 0 or -1. */
static int applies(struct txn *txn, const struct tunnel *t, const struct drift_actual *a,
                   struct drift_found *out, struct err *err)
{
    struct job job;
    char what[80];
    int busy;

    if (t->state != TUNNEL_ACTIVE || t->config != TUNNEL_REMOTE || t->cf_tunnel[0] == '\0' ||
        drift_actual_tunnel(a, t->cf_tunnel) == NULL)
        return 0;
    if ((busy = job_of_subject(txn, "tunnel", t->id, &job, err)) == 0 && t->tenant_id[0] != '\0')
        busy = job_of_subject(txn, "tenant", t->tenant_id, &job, err);
    if (busy == -1)
        return -1;
    if (busy == 0 && t->rules_wanted == t->rules_in_force && t->updated_at < a->at)
        return 1;
    (void)str_format(what, sizeof what, "tunnel %.60s",
                     t->hostname[0] == '\0' ? t->name : t->hostname);
    drift_held(out, t->id, what, busy == 1 ? &job : NULL);
    return 0;
}

static int read_wanted(struct txn *txn, struct wanted *w, struct err *err)
{
    struct tenant tenant = {0};

    (void)str_copy(tenant.id, sizeof tenant.id, w->tunnel.tenant_id);
    if (tenant.id[0] != '\0' && record_get(txn, &tenant_table, &tenant, err) == -1)
        return -1;
    return shared_wanted(txn, &w->tunnel, tenant.maintenance, &w->config, err);
}

/* The next tunnel behind w->tunnel that is to be asked about. 1, 0 at the end, or -1. */
static int next(struct wanted *w, const struct drift_actual *a, struct drift_found *out,
                struct db *db, struct err *err)
{
    struct txn *txn;
    struct scan scan;
    int got;

    cloudflared_free(&w->config);
    if (db_read(&txn, db, err) == -1)
        return -1;
    got = scan_start(&scan, txn, &tunnel_table, NULL, NULL, 0, false, err);
    if (got == 0 && w->tunnel.id[0] != '\0')
        got = scan_after(&scan, &w->tunnel, err);
    while (got != -1 && (got = scan_next(&scan, &w->tunnel, err)) == 1) {
        int ask = applies(txn, &w->tunnel, a, out, err);

        if (ask == 1)
            got = read_wanted(txn, w, err) == -1 ? -1 : 1;
        if (ask != 0) {
            got = ask == -1 ? -1 : got;
            break;
        }
    }
    db_read_end(txn);
    return got;
}

/* Whether the records are still what they were before the provider was asked. 1, 0 or -1. */
static int unmoved(const struct wanted *w, const struct drift_actual *a, struct drift_found *out,
                   struct db *db, struct err *err)
{
    struct tunnel now = w->tunnel;
    struct txn *txn;
    int same;

    if (db_read(&txn, db, err) == -1)
        return -1;
    if ((same = record_get(txn, &tunnel_table, &now, err)) == 1)
        same = now.updated_at != w->tunnel.updated_at ? 0 : applies(txn, &now, a, out, err);
    db_read_end(txn);
    return same;
}

static void note(struct drift_found *out, const struct wanted *w,
                 const struct cloudflare_config *actual)
{
    struct drift *d = drift_finding(out, DRIFT_RULES, DRIFT_DIFFERS);

    if (d == NULL)
        return;
    memcpy(d->tunnel_id, w->tunnel.id, sizeof d->tunnel_id);
    memcpy(d->tenant_id, w->tunnel.tenant_id, sizeof d->tenant_id);
    (void)str_copy(d->name, sizeof d->name,
                   w->tunnel.hostname[0] == '\0' ? w->tunnel.name : w->tunnel.hostname);
    (void)str_format(d->thing, sizeof d->thing, "rules %s", w->tunnel.cf_tunnel);
    describe(&w->config, w->tunnel.cf_version, d->desired, sizeof d->desired);
    (void)str_format(d->recorded, sizeof d->recorded, "version %llu in force, as sett put it",
                     (unsigned long long)w->tunnel.cf_version);
    describe(&actual->ingress, actual->version, d->actual, sizeof d->actual);
    (void)str_copy(d->remedy, sizeof d->remedy,
                   "put the desired rules in force; live connections stay");
}

static int compare(struct drift_found *out, const struct wanted *w, struct drift_actual *a,
                   struct db *db, struct outside *outside, struct err *err)
{
    struct cloudflare_config actual = {0};
    struct providers *p = outside_use(outside);
    struct err why = {0};
    int rc = 0, same;

    if (!p->cloudflare_set ||
        cloudflare_config_get(&p->cloudflare, w->tunnel.cf_tunnel, &actual, &why) == -1) {
        outside_done(outside, p);
        if (out->rules_unread++ == 0)
            drift_actual_unread(a, "rules", why.text);
        return 0;
    }
    outside_done(outside, p);
    if (!cloudflared_same(&actual.ingress, &w->config)) {
        if ((same = unmoved(w, a, out, db, err)) == 1)
            note(out, w, &actual);
        rc = same == -1 ? -1 : 0;
    }
    cloudflare_config_free(&actual);
    return rc;
}

int drift_rules(struct drift_found *out, struct drift_actual *a, struct db *db,
                struct outside *outside, struct err *err)
{
    struct wanted w = {0};
    int got = 0;

    if (!a->cloudflare_read)
        return 0;
    while (out->rules_unread < FAILURES_MOST && (got = next(&w, a, out, db, err)) == 1) {
        if (compare(out, &w, a, db, outside, err) == -1) {
            got = -1;
            break;
        }
        clock_sleep_ms(PAUSE_MS);
    }
    cloudflared_free(&w.config);
    return got == -1 ? -1 : 0;
}
