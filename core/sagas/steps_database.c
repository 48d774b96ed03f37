/*
 * The database that a blueprint may want: a role and a database of the tenant's own, and the
 * variables by which its program finds them.
 */
#include "facts.h"
#include "outside.h"
#include "postgres.h"
#include "secret_once.h"
#include "steps.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "setting.h"
#include "str.h"

#define PASSWORD_BYTES 24
#define SECRET_NAME    "DB_PASSWORD" /* in the job's secrets */

bool steps_without_database(const struct job *job)
{
    return kv_get(&job->facts, FACT_DATABASE) == NULL;
}

static void secret_name(char out[96], const struct job *job)
{
    (void)str_format(out, 96, "database:%s", kv_get_or(&job->args, "tenant_id", ""));
}

static int recall(struct txn *txn, const struct job *job, const struct saga_context *c,
                  struct kv *secrets, struct err *err)
{
    char name[96];

    if (kv_get(secrets, SECRET_NAME) != NULL)
        return 1;
    secret_name(name, job);
    return secret_once_recall(txn, c, name, SECRET_NAME, secrets, err);
}

int steps_database_recall(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                          struct err *err)
{
    return recall(txn, job, context, secrets, err) == -1
               ? -1
               : steps_credentials_recall(txn, job, context, secrets, err);
}

int steps_database_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                           struct err *err)
{
    uint8_t bytes[PASSWORD_BYTES];
    char name[96], text[64];
    int result = recall(txn, job, context, secrets, err);

    if (result != 0)
        return result == 1 ? 0 : -1;
    randombytes_buf(bytes, sizeof bytes);
    (void)enc_base64url(text, sizeof text, bytes, sizeof bytes);
    secret_name(name, job);
    result = secret_once_keep(txn, context, name, SECRET_NAME, text, secrets, err);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(text, sizeof text);
    return result;
}

int steps_database_unsettle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct secret secret = {0};

    (void)context;
    secret_name(secret.name, job);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

void steps_database_mark(const struct step_call *call, char mark[STEPS_DATABASE_MARK])
{
    (void)str_format(mark, STEPS_DATABASE_MARK, "sett %s %s", kv_get_or(call->facts, FACT_BOX, "-"),
                     kv_get_or(&call->job->args, "tenant_id", ""));
}

uint32_t steps_database_generation(const struct kv *facts, const char *fact)
{
    uint64_t n = kv_get_u64(facts, fact, 1);

    return n == 0 ? 1 : (uint32_t)n;
}

/* What all calls have in common: whose database, told by which mark. */
static void describe(const struct step_call *call, char name[POSTGRES_NAME_SIZE],
                     char mark[STEPS_DATABASE_MARK])
{
    postgres_name(name, kv_get_u64(call->facts, FACT_NUMBER, 0),
                  steps_database_generation(call->facts, FACT_GENERATION));
    steps_database_mark(call, mark);
}

enum outcome steps_database_outcome(const struct err *err)
{
    switch (err->kind) {
    case ERR_NETWORK:
    case ERR_TIMEOUT:
    case ERR_UNAVAILABLE:
    case ERR_FULL:
        return OUTCOME_AGAIN;
    default:
        return OUTCOME_FAIL;
    }
}

/* All generations of the tenant's: 1, 0 if there was none, -1. */
static int drop_all(const struct postgres *p, const struct step_call *call, struct err *err)
{
    uint32_t generations[POSTGRES_GENERATIONS];
    uint64_t number = kv_get_u64(call->facts, FACT_NUMBER, 0);
    char name[POSTGRES_NAME_SIZE], mark[STEPS_DATABASE_MARK];
    size_t count;
    int r;

    describe(call, name, mark);
    if (postgres_generations(p, number, mark, generations, &count, err) == -1)
        return -1;
    r = count > 0;
    for (size_t i = 0; r != -1 && i < count; i++) {
        postgres_name(name, number, generations[i]);
        if (postgres_drop(p, name, mark, err) == -1)
            r = -1;
    }
    return r;
}

enum verb { FIND, MAKE, DROP, DROP_ALL };

static enum outcome act(struct step_call *call, enum verb verb, struct err *err)
{
    struct providers *providers = outside_use(call->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    char name[POSTGRES_NAME_SIZE], mark[STEPS_DATABASE_MARK];
    int r = -1;

    describe(call, name, mark);
    switch (verb) {
    case FIND:
        r = postgres_find(&p, name, mark, err);
        break;
    case MAKE:
        r = postgres_make(&p, name, mark, kv_get_or(call->secret, SECRET_NAME, ""), err) == 0 ? 1
                                                                                              : -1;
        break;
    case DROP:
        r = postgres_drop(&p, name, mark, err);
        break;
    case DROP_ALL:
        r = drop_all(&p, call, err);
        break;
    }
    outside_done(call->outside, providers);
    if (r == -1)
        return steps_database_outcome(err);
    (void)str_format(call->note, sizeof call->note, "database %s", name);
    return r == 1 ? OUTCOME_OK : OUTCOME_ABSENT;
}

enum outcome steps_database_check(struct step_call *call, struct err *err)
{
    return act(call, FIND, err);
}

enum outcome steps_database_make(struct step_call *call, struct err *err)
{
    return act(call, MAKE, err);
}

enum outcome steps_database_undo(struct step_call *call, struct err *err)
{
    return act(call, DROP, err);
}

enum outcome steps_database_drop(struct step_call *call, struct err *err)
{
    if (kv_get(call->secret, SECRET_NAME) == NULL ||
        str_equal(kv_get_or(&call->job->args, "data", "1"), "0"))
        return OUTCOME_ABSENT;
    return act(call, DROP_ALL, err);
}

const char *steps_database_password(const struct kv *secrets)
{
    return kv_get(secrets, SECRET_NAME);
}

int steps_database_variables(const struct step_call *call, struct kv *env, struct err *err)
{
    const char *secret = kv_get(call->secret, SECRET_NAME);
    struct providers *providers;
    struct postgres p;
    char name[POSTGRES_NAME_SIZE], host[256];
    uint32_t port;
    int r;

    if (secret == NULL)
        return 0;
    providers = outside_use(call->outside);
    p = (struct postgres){providers->database_admin, providers->database_password};
    postgres_name(name, kv_get_u64(call->facts, FACT_NUMBER, 0),
                  steps_database_generation(call->facts, FACT_GENERATION));
    r = postgres_address(&p, host, sizeof host, &port, err);
    outside_done(call->outside, providers);
    if (r == -1)
        return -1;
    if (kv_set(env, "DB_HOST", host) == -1 || kv_set_u64(env, "DB_PORT", port) == -1 ||
        kv_set(env, "DB_NAME", name) == -1 || kv_set(env, "DB_USER", name) == -1 ||
        kv_set(env, "DB_PASSWORD", secret) == -1)
        return err_set(err, ERR_TOO_LARGE, "variables_full", "the tenant's variables are too many");
    return 0;
}
