/*
 * First credentials: passwords that are made once for a tenant's program, and what of them its
 * customer is shown. Apart from the steps that use them because they are kept under two seals: by
 * the vault for as long as the tenant lives, and by web.key only for as long as a link is worth
 * something.
 */
#include "facts.h"
#include "steps.h"

#include <sodium.h>
#include <string.h>

#include "reveal.h"
#include "setting.h"
#include "str.h"

#define PREFIX     "var." /* of generated variables among a job's secrets */
#define FACT_BYTES 700

static int keep_kv(struct txn *txn, const struct saga_context *c, const char *what,
                   const char *tenant_id, const struct kv *kv, struct err *err)
{
    char name[96];

    (void)str_format(name, sizeof name, "%s:%s", what, tenant_id);
    return secret_set(txn, &c->vault, name, kv->data, kv->len, err);
}

/* Return 1, 0 if none is kept, -1. */
static int recall_kv(struct txn *txn, const struct saga_context *c, const char *what,
                     const char *tenant_id, struct kv *kv, struct err *err)
{
    struct buf plain;
    char name[96];
    int found;

    kv_clear(kv);
    (void)str_format(name, sizeof name, "%s:%s", what, tenant_id);
    buf_init(&plain, KV_SIZE);
    found = secret_get(txn, &c->vault, name, &plain, err);
    if (found == 1 && kv_load(kv, plain.data, plain.len) != 0)
        found = err_set(err, ERR_CORRUPT, "secret_no_list", "the secret %s is not a list", name);
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return found;
}

/* Letters and digits that nobody takes for another. */
static void generate(char *out, size_t length)
{
    static const char alphabet[] = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    for (size_t i = 0; i < length; i++)
        out[i] = alphabet[randombytes_uniform(sizeof alphabet - 1)];
    out[length] = '\0';
}

int steps_credentials_facts(struct step_call *call, const struct blueprint *b)
{
    char text[FACT_BYTES] = "";
    const char *name, *value;
    size_t at = 0, used = 0;

    while (kv_next(&b->generated, &at, &name, &value) == 1) {
        if (str_format(text + used, sizeof text - used, "%s=%s ", name, value) == -1)
            return -1;
        used += strlen(text + used);
    }
    if (used > 0 && kv_set(call->facts, FACT_GENERATED, text) == -1)
        return -1;
    at = used = 0;
    while (kv_next(&b->credentials, &at, &name, &value) == 1) {
        if (str_format(text + used, sizeof text - used, "%s=%s\n", name, value) == -1)
            return -1;
        used += strlen(text + used);
    }
    return used > 0 ? kv_set(call->facts, FACT_CREDENTIALS, text) : 0;
}

/* One "NAME=24 " of the fact, made unless it is there. Return whether it was made, or -1. */
static int make_one(struct kv *kept, const char *word, size_t len)
{
    char name[KV_NAME_MAX], value[BLUEPRINT_GENERATED_MAX + 1], *equals;
    uint64_t length;
    int result = -1;

    if (str_copy_n(name, sizeof name, word, len) != 0 || (equals = strchr(name, '=')) == NULL)
        return -1;
    *equals = '\0';
    if (kv_get(kept, name) != NULL)
        return 0;
    if (str_u64(equals + 1, BLUEPRINT_GENERATED_MIN, BLUEPRINT_GENERATED_MAX, &length) != 0)
        return -1;
    generate(value, (size_t)length);
    if (kv_set(kept, name, value) == 0)
        result = 1;
    sodium_memzero(value, sizeof value);
    return result;
}

int steps_credentials_recall(struct txn *txn, const struct job *job, const struct saga_context *c,
                             struct kv *secrets, struct err *err)
{
    const char *name, *value;
    struct kv kept;
    char as[KV_NAME_MAX];
    size_t at = 0;
    int found = recall_kv(txn, c, "generated", kv_get_or(&job->args, "tenant_id", ""), &kept, err);

    while (found == 1 && kv_next(&kept, &at, &name, &value) == 1)
        if (str_format(as, sizeof as, PREFIX "%s", name) != 0 || kv_set(secrets, as, value) != 0)
            found = err_set(err, ERR_TOO_LARGE, "secrets_full", "the job's secrets are full");
    sodium_memzero(&kept, sizeof kept);
    return found < 0 ? -1 : 0;
}

int steps_credentials_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                              struct err *err)
{
    const char *tenant_id = kv_get_or(&job->args, "tenant_id", "");
    struct kv kept;
    int found = recall_kv(txn, context, "generated", tenant_id, &kept, err), made = 0;

    for (const char *at = kv_get_or(&job->facts, FACT_GENERATED, ""); found >= 0 && *at != '\0';) {
        size_t len = strcspn(at, " ");
        int one = make_one(&kept, at, len);

        if (one < 0)
            found = err_set(err, ERR_INVALID, "generated_invalid",
                            "what the blueprint wants generated cannot be made");
        made |= one;
        at += len + (at[len] == ' ');
    }
    if (found >= 0 && made == 1 && keep_kv(txn, context, "generated", tenant_id, &kept, err) != 0)
        found = -1;
    sodium_memzero(&kept, sizeof kept);
    return found < 0 ? -1 : steps_database_recall(txn, job, context, secrets, err);
}

int steps_credentials_variables(const struct step_call *call, struct kv *env, struct err *err)
{
    const char *name, *value;
    size_t at = 0;

    while (call->secret != NULL && kv_next(call->secret, &at, &name, &value) == 1)
        if (str_starts(name, PREFIX) && kv_set(env, name + strlen(PREFIX), value) == -1)
            return err_set(err, ERR_TOO_LARGE, "variables_full",
                           "the tenant's variables are too many");
    return 0;
}

/* One line "name=value" of the fact, its variables in place. */
static int show_one(struct kv *shown, const char *line, size_t len, const struct kv *vars,
                    struct err *err)
{
    char text[BLUEPRINT_CREDENTIALS_BYTES + 2], value[512], *equals;

    if (str_copy_n(text, sizeof text, line, len) != 0 || (equals = strchr(text, '=')) == NULL)
        return err_set(err, ERR_INVALID, "credentials_invalid", "a credential cannot be read");
    *equals = '\0';
    if (blueprint_expand(value, sizeof value, equals + 1, vars, err) != 0)
        return -1;
    return kv_set(shown, text, value) == 0 ? 0
                                           : err_set(err, ERR_TOO_LARGE, "credentials_too_large",
                                                     "the credentials are too long");
}

int steps_credentials_keep(struct txn *txn, const struct job *job, const struct saga_context *c,
                           const struct tenant *tenant, struct err *err)
{
    struct kv vars, shown;
    int result = recall_kv(txn, c, "generated", tenant->id, &vars, err);

    if (kv_get(&job->facts, FACT_CREDENTIALS) == NULL || result < 0)
        return result < 0 ? -1 : 0;
    kv_clear(&shown);
    (void)kv_set(&vars, "TENANT_NAME", tenant->name);
    (void)kv_set(&vars, "TENANT_URL", tenant->url);
    (void)kv_set(&vars, "TENANT_SUBDOMAIN", tenant->subdomain);
    result = 1;
    for (const char *at = kv_get_or(&job->facts, FACT_CREDENTIALS, ""); *at != '\0';) {
        size_t len = strcspn(at, "\n");

        if (show_one(&shown, at, len, &vars, err) != 0) {
            result = -1;
            break;
        }
        at += len + (at[len] == '\n');
    }
    if (result == 1 && keep_kv(txn, c, "credentials", tenant->id, &shown, err) != 0)
        result = -1;
    sodium_memzero(&vars, sizeof vars);
    sodium_memzero(&shown, sizeof shown);
    return result;
}

int steps_credentials_forget(struct txn *txn, const char *tenant_id, struct err *err)
{
    static const char *const kinds[] = {"generated", "credentials"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct secret secret = {0};

        (void)str_format(secret.name, sizeof secret.name, "%s:%s", kinds[i], tenant_id);
        if (record_delete(txn, &secret_table, &secret, err) < 0)
            return -1;
    }
    return reveal_forget(txn, tenant_id, err);
}
