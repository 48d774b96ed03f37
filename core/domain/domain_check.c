/*
 * The box's own half of fsck. Apart from the store's, which knows keys, tags and references but
 * not that a tenant which runs must hold its name and its port, and nobody else's.
 */
#include "domain_check.h"

#include "audit.h"
#include "custom_domain.h"
#include "job.h"
#include "job_start.h"
#include "name.h"
#include "port.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

#include <string.h>

struct check {
    struct txn *txn;
    fsck_found *found;
    void *arg;
    int64_t count;
};

static void finding(struct check *c, const struct table *table, const char *key, const char *what)
{
    c->count++;
    c->found(c->arg, table->name, key, what);
}

static bool is_made(const struct tenant *tenant)
{
    return tenant->state == TENANT_ACTIVE || tenant->state == TENANT_PAST_DUE ||
           tenant->state == TENANT_SUSPENDED;
}

/* Each tenant holds its name and its port. */
static int check_tenants(struct check *c, struct err *err)
{
    struct tenant tenant;
    struct name name;
    struct port port;
    struct scan scan;
    int got = 0;

    if (scan_start(&scan, c->txn, &tenant_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        if (!is_made(&tenant))
            continue;
        memset(&name, 0, sizeof name);
        (void)str_copy(name.label, sizeof name.label, tenant.subdomain);
        int held = record_get(c->txn, &name_table, &name, err);
        if (held < 0)
            return -1;
        if (held == 0 || name.state != NAME_HELD || !str_equal(name.owner_id, tenant.id))
            finding(c, &tenant_table, tenant.id, "it does not hold its name");
        memset(&port, 0, sizeof port);
        port.port = tenant.port;
        held = tenant.port == 0 ? 0 : record_get(c->txn, &port_table, &port, err);
        if (held < 0)
            return -1;
        if (tenant.port != 0 && (held == 0 || !str_equal(port.tenant_id, tenant.id)))
            finding(c, &tenant_table, tenant.id, "it does not hold its port");
    }
    return got;
}

/* Whether a job holds it that may have a second port for it. 1, 0 or -1. */
static int is_moving(struct txn *txn, const struct tenant *tenant, struct err *err)
{
    struct job job;
    int busy = job_of_subject(txn, "tenant", tenant->id, &job, err);

    return busy == 1 ? str_equal(job.saga, "tenant.move") : busy;
}

/* Each port that is taken is its tenant's. */
static int check_ports(struct check *c, struct err *err)
{
    struct tenant tenant;
    struct port port;
    struct scan scan;
    char key[16];
    int got = 0;

    if (scan_start(&scan, c->txn, &port_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &port, err)) == 1) {
        if (port.tenant_id[0] == '\0')
            continue;
        int known = tenant_resolve(c->txn, port.tenant_id, &tenant, err);
        if (known < 0)
            return -1;
        (void)str_format(key, sizeof key, "%u", port.port);
        if (known == 0 || tenant.state == TENANT_DELETED)
            finding(c, &port_table, key, "its tenant is gone");
        else if (is_made(&tenant) && tenant.port != port.port &&
                 (known = is_moving(c->txn, &tenant, err)) == 0)
            finding(c, &port_table, key, "its tenant has another port");
        if (known < 0)
            return -1;
    }
    return got;
}

/* Each name that is held has somebody who is there. */
static int check_names(struct check *c, struct err *err)
{
    struct tenant tenant;
    struct order order;
    struct name name;
    struct scan scan;
    int got = 0;

    if (scan_start(&scan, c->txn, &name_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &name, err)) == 1) {
        int known = 0;

        if (name.state != NAME_HELD)
            continue;
        if (str_starts(name.owner_id, "ord_")) {
            memset(&order, 0, sizeof order);
            (void)str_copy(order.id, sizeof order.id, name.owner_id);
            known = record_get(c->txn, &order_table, &order, err);
        } else {
            known = tenant_resolve(c->txn, name.owner_id, &tenant, err);
            if (known > 0 && tenant.state == TENANT_DELETED)
                known = 0;
        }
        if (known < 0)
            return -1;
        if (known == 0)
            finding(c, &name_table, name.label, "who holds it is gone");
    }
    return got;
}

/* Each job that is under way or stuck holds its subjects. */
static int check_jobs(struct check *c, struct err *err)
{
    struct subject subject;
    struct job job;
    struct scan scan;
    int got = 0;

    if (scan_start(&scan, c->txn, &job_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &job, err)) == 1) {
        bool live = job.state != JOB_STUCK && job.state != JOB_DONE && job.state != JOB_UNDONE;

        if (job.live != live)
            finding(c, &job_table, job.id, "its state and its being live disagree");
        for (unsigned i = 0; (live || job.state == JOB_STUCK) && i < JOB_SUBJECTS; i++) {
            memset(&subject, 0, sizeof subject);
            (void)str_copy(subject.name, sizeof subject.name, job.subjects[i]);
            if (subject.name[0] == '\0')
                continue;
            int held = record_get(c->txn, &subject_table, &subject, err);
            if (held < 0)
                return -1;
            if (held == 0 || !str_equal(subject.job_id, job.id))
                finding(c, &job_table, job.id, "it does not hold what it works on");
        }
    }
    return got;
}

/* Nothing is held by a job that has ended. */
static int check_subjects(struct check *c, struct err *err)
{
    struct subject subject;
    struct job job;
    struct scan scan;
    int got = 0;

    if (scan_start(&scan, c->txn, &subject_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &subject, err)) == 1) {
        memset(&job, 0, sizeof job);
        (void)str_copy(job.id, sizeof job.id, subject.job_id);
        int known = record_get(c->txn, &job_table, &job, err);
        if (known < 0)
            return -1;
        if (known == 0 || job.state == JOB_DONE || job.state == JOB_UNDONE)
            finding(c, &subject_table, subject.name, "the job that holds it has ended");
    }
    return got;
}

/* Each customer's domain that is live holds its name, for a tenant that is there. */
static int check_domains(struct check *c, struct err *err)
{
    struct custom_domain d;
    struct tenant tenant;
    struct scan scan;
    int got = 0, known;

    if (scan_start(&scan, c->txn, &custom_domain_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &d, err)) == 1) {
        if (!str_equal(d.live, d.state == DOMAIN_REMOVED ? "" : d.name))
            finding(c, &custom_domain_table, d.id, "its state and its name disagree");
        if (d.state == DOMAIN_REMOVED || d.tenant_id[0] == '\0')
            continue;
        if ((known = tenant_resolve(c->txn, d.tenant_id, &tenant, err)) < 0)
            return -1;
        if (known == 0 || tenant.state == TENANT_DELETED)
            finding(c, &custom_domain_table, d.id, "its tenant is gone");
    }
    return got;
}

static int check_audit(struct check *c, struct err *err)
{
    uint64_t count = 0;
    struct err cause = {0};

    if (audit_verify(c->txn, &count, &cause) == 0)
        return 0;
    if (cause.kind != ERR_CORRUPT) {
        *err = cause;
        return -1;
    }
    finding(c, &audit_table, "chain", cause.text);
    return 0;
}

int64_t domain_check(struct txn *txn, fsck_found *found, void *arg, struct err *err)
{
    struct check c = {.txn = txn, .found = found, .arg = arg};

    if (check_tenants(&c, err) < 0 || check_ports(&c, err) < 0 || check_names(&c, err) < 0 ||
        check_jobs(&c, err) < 0 || check_subjects(&c, err) < 0 || check_domains(&c, err) < 0 ||
        check_audit(&c, err) < 0)
        return -1;
    return c.count;
}

static void first_finding(void *arg, const char *table, const char *key, const char *what)
{
    char *first = arg;

    if (first[0] == '\0')
        (void)str_format(first, DOMAIN_FAULT_SIZE, "%.40s %.60s: %.80s", table, key, what);
}

int64_t domain_faults(struct db *db, char first[DOMAIN_FAULT_SIZE], struct err *err)
{
    struct txn *txn;
    int64_t n, more;

    first[0] = '\0';
    if ((n = db_fsck(db, first_finding, first, err)) == -1 || db_read(&txn, db, err) == -1)
        return -1;
    more = domain_check(txn, first_finding, first, err);
    db_read_end(txn);
    return more == -1 ? -1 : n + more;
}
