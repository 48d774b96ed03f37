/*
 * A tenant's database out of a dump. Apart from its making, because here there is one already: the
 * dump goes into a new database beside it, of a generation that nobody has, and that the tenant
 * uses it is one number in its record. So nothing is written over, what was cut short is thrown
 * away and begun anew, and the way back is the number that stood there before.
 */
#include "facts.h"
#include "outside.h"
#include "postgres_dump.h"
#include "steps.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash.h"
#include "job_start.h"
#include "setting.h"
#include "str.h"

#define FACT_KEPT "generation_kept"

static bool is_back(const struct job *job)
{
    return str_equal(kv_get_or(&job->args, "back", "0"), "1");
}

static uint32_t used(const struct tenant *tenant)
{
    return tenant->database < 2 ? 1 : tenant->database;
}

/* ---- the store's side ---- */

int steps_database_back_facts(struct txn *txn, struct job *job, const struct tenant *tenant,
                              struct err *err)
{
    char name[96];
    int has;

    (void)str_format(name, sizeof name, "database:%s", tenant->id);
    if ((has = secret_exists(txn, name, err)) == -1)
        return -1;
    if (is_back(job)) {
        has = has == 1 && tenant->database_kept != 0;
        if (facts_set_u64(job, FACT_NEW_GENERATION, has ? tenant->database_kept : 0, err) == -1)
            return -1;
    } else if (facts_set_u64(job, FACT_KEPT, tenant->database_kept, err) == -1)
        return -1;
    return facts_set(job, FACT_DATABASE, has == 1 ? "1" : "", err);
}

int steps_database_back_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    if (tenant.state == TENANT_DELETED)
        return err_set(err, ERR_CONFLICT, "tenant_deleted", "the tenant %s is deleted", tenant.id);
    return facts_tenant(txn, job, context, &tenant, err) == -1
               ? -1
               : steps_database_back_facts(txn, job, &tenant, err);
}

bool steps_database_unfilled(const struct job *job)
{
    return steps_without_database(job) || is_back(job);
}

bool steps_database_unchanged_back(const struct job *job)
{
    return steps_without_database(job) || !is_back(job);
}

/* A job that was under way when the box's snapshot was made, and waits: it knows another one. */
static int tell_waiting(struct txn *txn, const struct job *job, const struct tenant *tenant,
                        struct err *err)
{
    struct job other;
    int got = job_of_subject(txn, "tenant", tenant->id, &other, err);

    if (got != 1 || str_equal(other.id, job->id))
        return got == -1 ? -1 : 0;
    return facts_set_u64(&other, FACT_GENERATION, tenant->database, err) == -1
               ? -1
               : record_put(txn, &job_table, &other, err);
}

int steps_database_swap(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;
    uint32_t was;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    was = used(&tenant);
    tenant.database_kept =
        is_back(job) || kv_get(&job->facts, FACT_OLD_GENERATION) != NULL ? was : 0;
    tenant.database = steps_database_generation(&job->facts, FACT_NEW_GENERATION);
    return facts_set_u64(job, FACT_OLD_GENERATION, was, err) == -1 ||
                   facts_set_u64(job, FACT_GENERATION, tenant.database, err) == -1 ||
                   tell_waiting(txn, job, &tenant, err) == -1
               ? -1
               : tenant_put(txn, &tenant, err);
}

int steps_database_unswap(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    tenant.database_kept = is_back(job) ? used(&tenant) : 0;
    tenant.database = steps_database_generation(&job->facts, FACT_OLD_GENERATION);
    return facts_set_u64(job, FACT_GENERATION, tenant.database, err) == -1
               ? -1
               : tenant_put(txn, &tenant, err);
}

int steps_database_forget(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    (void)context;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    tenant.database_kept = 0;
    kv_unset(&job->facts, FACT_KEPT);
    return tenant_put(txn, &tenant, err);
}

/* ---- the outside's ---- */

static void dump_path(const struct step_call *call, char out[PATHS_SIZE + 48])
{
    bool box = str_equal(kv_get_or(&call->job->args, "dump", ""), "box");

    (void)str_format(out, PATHS_SIZE + 48, "%s/%s%llu", call->outside->paths.databases,
                     box ? "" : ".restored-",
                     (unsigned long long)kv_get_u64(call->facts, FACT_NUMBER, 0));
}

/* The name of the one that is being made, which is never the one in use. 0 or -1. */
static int new_name(const struct step_call *call, char name[POSTGRES_NAME_SIZE], struct err *err)
{
    uint32_t now = steps_database_generation(call->facts, FACT_GENERATION),
             next = steps_database_generation(call->facts, FACT_NEW_GENERATION);

    postgres_name(name, kv_get_u64(call->facts, FACT_NUMBER, 0), next);
    return next > 1 && next != now ? 0
                                   : err_set(err, ERR_INTERNAL, "generation",
                                             "database %s is the one that is used", name);
}

enum outcome steps_database_choose(struct step_call *call, struct err *err)
{
    struct providers *providers = outside_use(call->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    uint64_t number = kv_get_u64(call->facts, FACT_NUMBER, 0);
    char name[POSTGRES_NAME_SIZE], mark[STEPS_DATABASE_MARK];
    uint32_t newest = 0, now = steps_database_generation(call->facts, FACT_GENERATION);
    int there = -1;

    steps_database_mark(call, mark);
    postgres_name(name, number, now);
    if (postgres_newest(&p, number, &newest, err) == 0)
        there = postgres_find(&p, name, mark, err);
    outside_done(call->outside, providers);
    if (there == -1)
        return steps_database_outcome(err);
    if (newest < now)
        newest = now;
    if (kv_set_u64(call->facts, FACT_NEW_GENERATION, newest + 1) == -1 ||
        (there == 1 && kv_set_u64(call->facts, FACT_OLD_GENERATION, now) == -1)) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        return OUTCOME_FAIL;
    }
    (void)str_format(call->note, sizeof call->note, "%s stays as it is; the next is _g%u", name,
                     newest + 1);
    return OUTCOME_OK;
}

static int fill(struct step_call *call, const struct postgres *p, int fd, struct err *err)
{
    struct postgres_login login = {.port = 0};
    const char *password = steps_database_password(call->secret);
    char mark[STEPS_DATABASE_MARK];
    int rc = -1;

    steps_database_mark(call, mark);
    if (password == NULL || str_copy(login.password, sizeof login.password, password) == -1)
        return err_set(err, ERR_PRECONDITION, "database_secret",
                       "the password of the tenant's database is not there");
    if (new_name(call, login.name, err) == 0 &&
        postgres_address(p, login.host, sizeof login.host, &login.port, err) == 0 &&
        postgres_drop(p, login.name, mark, err) != -1) {
        CP("database.dropped");
        if (postgres_make(p, login.name, mark, login.password, err) == 0) {
            CP("database.made");
            rc = postgres_load(&login, fd, err);
            CP("database.loaded");
        }
    }
    (void)str_format(call->note, sizeof call->note, "database %s", login.name);
    sodium_memzero(&login, sizeof login);
    return rc;
}

enum outcome steps_database_fill(struct step_call *call, struct err *err)
{
    struct providers *providers;
    struct postgres p;
    char path[PATHS_SIZE + 48];
    int fd, rc;

    dump_path(call, path);
    if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1) {
        if (errno == ENOENT)
            (void)err_set(err, ERR_CONFLICT, "nothing_staged",
                          "no dump waits to be put into the tenant's database");
        else
            (void)err_sys(err, "dump_open", errno, path);
        return OUTCOME_FAIL;
    }
    providers = outside_use(call->outside);
    p = (struct postgres){providers->database_admin, providers->database_password};
    rc = fill(call, &p, fd, err);
    outside_done(call->outside, providers);
    (void)close(fd);
    return rc == 0 ? OUTCOME_OK : steps_database_outcome(err);
}

enum outcome steps_database_unfill(struct step_call *call, struct err *err)
{
    struct providers *providers;
    struct postgres p;
    char name[POSTGRES_NAME_SIZE], mark[STEPS_DATABASE_MARK];
    int rc;

    steps_database_mark(call, mark);
    if (new_name(call, name, err) == -1)
        return OUTCOME_FAIL;
    providers = outside_use(call->outside);
    p = (struct postgres){providers->database_admin, providers->database_password};
    rc = postgres_drop(&p, name, mark, err);
    outside_done(call->outside, providers);
    return rc == -1 ? steps_database_outcome(err) : rc == 1 ? OUTCOME_OK : OUTCOME_ABSENT;
}

enum outcome steps_database_sweep(struct step_call *call, struct err *err)
{
    struct providers *providers = outside_use(call->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    uint32_t generations[POSTGRES_GENERATIONS],
        now = steps_database_generation(call->facts, FACT_GENERATION),
        kept = (uint32_t)kv_get_u64(call->facts, FACT_KEPT, 0), dropped = 0;
    uint64_t number = kv_get_u64(call->facts, FACT_NUMBER, 0);
    char name[POSTGRES_NAME_SIZE], mark[STEPS_DATABASE_MARK];
    size_t count;
    int rc;

    steps_database_mark(call, mark);
    rc = postgres_generations(&p, number, mark, generations, &count, err);
    for (size_t i = 0; rc != -1 && i < count; i++) {
        if (generations[i] == now || generations[i] == kept)
            continue;
        postgres_name(name, number, generations[i]);
        rc = postgres_drop(&p, name, mark, err);
        dropped += rc == 1;
    }
    outside_done(call->outside, providers);
    if (rc == -1)
        return steps_database_outcome(err);
    (void)str_format(call->note, sizeof call->note, "%u databases dropped", dropped);
    return dropped > 0 ? OUTCOME_OK : OUTCOME_ABSENT;
}

enum outcome steps_database_tidy(struct step_call *call, struct err *err)
{
    char path[PATHS_SIZE + 48];

    dump_path(call, path);
    if (unlink(path) == 0)
        return OUTCOME_OK;
    if (errno == ENOENT)
        return OUTCOME_ABSENT;
    (void)err_sys(err, "dump_remove", errno, path);
    return OUTCOME_FAIL;
}
