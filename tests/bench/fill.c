/*
 * Fill a box's store with customers and tenants, as if it had been in business for years.
 * usage: fill DB_FOLDER COUNT [FIRST_PORT]: with a port, all are active, each on its own
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "clock.h"
#include "customer.h"
#include "job_start.h"
#include "job_tally.h"
#include "plan.h"
#include "port.h"
#include "name.h"
#include "schema.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"
#include "tenant_text.h"
#include "tunnel.h"

#define BATCH 2000

struct batch {
    uint64_t from, to;
    char plan_id[ID_SIZE];
    uint64_t first_port; /* 0: none has one */
};

/* Its way in. */
static int route(struct txn *txn, const struct tenant *t, struct err *err)
{
    struct tunnel tunnel = {0};

    memcpy(tunnel.tenant_id, t->id, sizeof tunnel.tenant_id);
    memcpy(tunnel.customer_id, t->customer_id, sizeof tunnel.customer_id);
    memcpy(tunnel.ingress, t->ingress, sizeof tunnel.ingress);
    (void)str_format(tunnel.hostname, sizeof tunnel.hostname, "%s.localhost", t->subdomain);
    (void)str_format(tunnel.service, sizeof tunnel.service, "http://127.0.0.1:%u", t->port);
    if (tunnel_new(txn, &tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &tunnel,
                       t->state == TENANT_SUSPENDED ? TUNNEL_PAUSED
                       : t->state == TENANT_FAILED  ? TUNNEL_FAILED
                                                    : TUNNEL_ACTIVE,
                       "", err);
}

/* What was paid, and the job that made it. */
static int business(struct txn *txn, struct tenant *t, uint64_t n, struct err *err)
{
    static struct subscription sub;
    static struct job job;

    memset(&sub, 0, sizeof sub);
    memset(&job, 0, sizeof job);
    (void)str_copy(sub.customer_id, sizeof sub.customer_id, t->customer_id);
    (void)str_copy(sub.tenant_id, sizeof sub.tenant_id, t->id);
    (void)str_copy(sub.plan_id, sizeof sub.plan_id, t->plan_id);
    (void)str_format(sub.stripe_subscription, sizeof sub.stripe_subscription, "sub_%llu",
                     (unsigned long long)n);
    sub.status = n % 10 == 0 ? SUBSCRIPTION_CANCELED : SUBSCRIPTION_ACTIVE;
    id_make(job.id, "job");
    (void)str_copy(job.saga, sizeof job.saga, "tenant.provision");
    job_subject(job.subjects[0], "tenant", t->id);
    job.state = n % 100 == 0 ? JOB_UNDONE : JOB_DONE;
    job.created_at = job.started_at = t->created_at;
    job.ended_at = t->created_at + 900;
    if (subscription_new(txn, &sub, err) == -1 || record_insert(txn, &job_table, &job, err) == -1 ||
        job_tally_add(txn, &job, err) == -1)
        return -1;
    (void)str_copy(t->subscription_id, sizeof t->subscription_id, sub.id);
    return tenant_put(txn, t, err);
}

static int one(struct txn *txn, uint64_t n, const struct batch *b, struct err *err)
{
    static struct tenant t;
    static struct customer c;
    struct name name = {.state = NAME_HELD};

    memset(&t, 0, sizeof t);
    memset(&c, 0, sizeof c);
    id_make(c.id, "cu");
    id_make(t.id, "tn");
    c.number = record_next_number(txn, customer_table.name, err);
    t.number = record_next_number(txn, tenant_table.name, err);
    c.created_at = c.updated_at = t.created_at = t.updated_at = clock_wall_ms();
    (void)str_format(c.name, sizeof c.name, "Customer %llu", (unsigned long long)n);
    (void)str_format(c.email, sizeof c.email, "c%llu@example.com", (unsigned long long)n);
    (void)str_format(t.name, sizeof t.name, "Customer %llu", (unsigned long long)n);
    (void)str_format(t.subdomain, sizeof t.subdomain, "c%llu", (unsigned long long)n);
    (void)str_format(t.url, sizeof t.url, "http://c%llu.localhost:4443/", (unsigned long long)n);
    (void)str_copy(t.customer_id, sizeof t.customer_id, c.id);
    (void)str_copy(t.plan_id, sizeof t.plan_id, b->plan_id);
    (void)str_copy(t.blueprint, sizeof t.blueprint, "site");
    (void)str_copy(t.runtime, sizeof t.runtime, "process");
    (void)str_copy(t.ingress, sizeof t.ingress, "local");
    t.state = TENANT_ACTIVE;
    if (b->first_port == 0) {
        t.state = n % 50 == 0 ? TENANT_SUSPENDED : n % 997 == 0 ? TENANT_FAILED : TENANT_ACTIVE;
        t.health = t.state != TENANT_ACTIVE ? HEALTH_UNKNOWN
                   : n % 499 == 0           ? HEALTH_UNHEALTHY
                                            : HEALTH_HEALTHY;
        if (n % 10 == 0)
            (void)str_copy(t.runtime, sizeof t.runtime, "docker");
    }
    t.port = b->first_port == 0 ? 0 : (uint32_t)(b->first_port + n);
    (void)str_copy(name.label, sizeof name.label, t.subdomain);
    (void)str_copy(name.owner_id, sizeof name.owner_id, t.id);
    name.created_at = t.created_at;
    if (record_insert(txn, &customer_table, &c, err) == -1 ||
        record_insert(txn, &name_table, &name, err) == -1)
        return -1;
    if (record_insert(txn, &tenant_table, &t, err) == -1 || tenant_text_note(txn, &t, err) == -1)
        return -1;
    if (b->first_port != 0)
        return 0;
    return route(txn, &t, err) == -1 ? -1 : business(txn, &t, n, err);
}

static int fill(struct txn *txn, void *arg, struct err *err)
{
    struct batch *b = arg;

    for (uint64_t n = b->from; n < b->to; n++)
        if (one(txn, n, b, err) == -1)
            return -1;
    return 0;
}

static int plan_find(struct db *db, char id[ID_SIZE], struct err *err)
{
    struct plan plan;
    struct txn *txn;
    int got;

    memset(&plan, 0, sizeof plan);
    (void)str_copy(plan.name, sizeof plan.name, "demo");
    if (db_read(&txn, db, err) == -1)
        return -1;
    got = record_find(txn, &plan_table, "name", &plan, err);
    db_read_end(txn);
    if (got != 1)
        return err_set(err, ERR_NOT_FOUND, "no_plan", "the box has no plan demo");
    return str_copy(id, ID_SIZE, plan.id);
}

int main(int argc, char **argv)
{
    struct batch b = {0};
    struct err err = {0};
    struct db *db;
    uint64_t count;

    if (argc < 3 || argc > 4 || str_u64(argv[2], 1, 10000000, &count) == -1 ||
        (argc == 4 && str_u64(argv[3], 1, 65535, &b.first_port) == -1) || sodium_init() == -1)
        return 2;
    if (db_open(&db, argv[1], &sett_schema, &err) == -1 || plan_find(db, b.plan_id, &err) == -1)
        goto fail;
    for (b.from = 0; b.from < count; b.from = b.to) {
        b.to = b.from + BATCH < count ? b.from + BATCH : count;
        if (db_write(db, fill, &b, &err) == -1)
            goto fail;
    }
    return 0;
fail:
    fprintf(stderr, "fill: %s\n", err.text);
    return 1;
}
