/*
 * Keeping tenants quiet while their files are read. Apart from the writing because what fails here
 * mostly does not fail the snapshot: it is counted and told with it.
 */
#include "quiet_tenant.h"

#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "quiet.h"
#include "steps.h"
#include "str.h"
#include "tenant.h"

/* All that asking takes; large. */
struct asking {
    struct tenant tenant;
    struct blueprint b;
    struct job job; /* whose facts are the tenant's */
    struct kv secrets;
    struct hands_request request;
    struct hands_reply reply;
};

static void forget(struct asking *a)
{
    if (a == NULL)
        return;
    explicit_bzero(a, sizeof *a);
    free(a);
}

/* The tenant with its blueprint. 1, 0: nothing of the kind is run by the hands, or -1. */
static int load(const struct quiet_tenant *q, uint64_t number, struct asking **out, struct err *err)
{
    const struct saga_context *c = q->world->context;
    struct asking *a = calloc(1, sizeof *a);
    struct err why = {0};
    struct txn *txn;
    char text[24];
    int found;

    *out = NULL;
    if (a == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a tenant's blueprint");
    (void)str_format(text, sizeof text, "%llu", (unsigned long long)number);
    if (db_read(&txn, c->db, err) == -1) {
        forget(a);
        return -1;
    }
    found = tenant_resolve(txn, text, &a->tenant, err);
    db_read_end(txn);
    /* A blueprint that cannot be read says nothing: the doctor tells of it. */
    if (found == 1 && (tenant_elsewhere(&a->tenant) ||
                       blueprint_load(&a->b, c->paths.blueprints, a->tenant.blueprint, &why) == -1))
        found = 0;
    if (found == 1)
        *out = a;
    else
        forget(a);
    return found;
}

int quiet_tenant_blueprint(struct quiet_tenant *q, uint64_t number, char out[32], struct err *err)
{
    struct asking *a;
    int found = load(q, number, &a, err);

    out[0] = '\0';
    if (found == 1 && a->b.backup.exclude_count > 0)
        (void)str_copy(out, 32, a->tenant.blueprint);
    forget(a);
    return found == -1 ? -1 : 0;
}

static int read_facts(const struct quiet_tenant *q, struct asking *a, struct err *err)
{
    const struct saga_context *c = q->world->context;
    struct txn *txn;
    int rc;

    (void)kv_set(&a->job.args, "tenant_id", a->tenant.id);
    (void)str_copy(a->job.id, sizeof a->job.id, q->job_id);
    if (db_read(&txn, c->db, err) == -1)
        return -1;
    rc = facts_tenant(txn, &a->job, c, &a->tenant, err);
    if (rc == 0 &&
        steps_database_recall(txn, &a->job, (void *)(uintptr_t)c, &a->secrets, err) == -1)
        rc = -1;
    db_read_end(txn);
    return rc;
}

static int fill(const struct quiet_tenant *q, struct asking *a, struct err *err)
{
    struct step_call call = {.job = &a->job,
                             .facts = &a->job.facts,
                             .secret = &a->secrets,
                             .outside = q->world->outside};

    if (read_facts(q, a, err) == -1)
        return -1;
    facts_request(&call, HANDS_QUIET, &a->request);
    return steps_database_variables(&call, &a->request.env, err) == -1
               ? -1
               : steps_credentials_variables(&call, &a->request.env, err);
}

/* Counted, or the end of the snapshot. */
static int trouble(struct quiet_tenant *q, bool must, struct err *err)
{
    char text[sizeof q->trouble];

    (void)str_format(text, sizeof text, "tenant %llu: %.160s", (unsigned long long)q->number,
                     err->text);
    if (must) {
        (void)err_set(err, ERR_PRECONDITION, "quiet_failed", "%s", text);
        return err_hint(err, "its blueprint says so: [backup] if_fails = fail");
    }
    if (q->troubled++ == 0)
        (void)str_copy(q->trouble, sizeof q->trouble, text);
    err_clear(err);
    return 0;
}

int quiet_tenant_begin(struct quiet_tenant *q, uint64_t number, struct err *err)
{
    struct asking *a;
    int rc = load(q, number, &a, err);

    q->fd = -1;
    q->number = number;
    if (rc != 1 || !blueprint_is_quieted(&a->b)) {
        forget(a);
        return rc == -1 ? -1 : 0;
    }
    atomic_store(&q->world->outside->quiet, number); /* a pause is no illness */
    if (fill(q, a, err) == -1 ||
        quiet_begin(q->world->context->paths.hands_sock, &a->request, &q->fd, &a->reply, err) == -1)
        rc = trouble(q, a->b.backup.must, err);
    else
        rc = 0;
    if (q->fd == -1)
        atomic_store(&q->world->outside->quiet, 0);
    forget(a);
    return rc == 0 ? q->fd != -1 : -1;
}

int quiet_tenant_end(struct quiet_tenant *q, struct err *err)
{
    struct hands_reply *reply;
    int rc = 0;

    if (q->fd == -1)
        return 0;
    if ((reply = calloc(1, sizeof *reply)) == NULL)
        rc = err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an answer");
    else if (quiet_end(q->fd, reply, err) == -1)
        rc = trouble(q, reply->flag, err);
    q->fd = -1;
    atomic_store(&q->world->outside->quiet, 0);
    free(reply);
    return rc;
}
