/*
 * Steps of TURN keys. Apart because such a key cannot be generated before: it is shown once, in the
 * answer to its making. An answer that is lost leaves a key over there that nobody knows; it is
 * found by its name, which is our mark, deleted, and made anew.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"
#include "turn.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_turn.h"
#include "enc.h"
#include "ingress_cloudflare.h"
#include "job_start.h"
#include "setting.h"
#include "str.h"

#define FACT_TURN_NAME "turn_name"
#define FACT_TURN_UID  "turn_uid"
#define FACT_TURN_SEAL "turn_seal"   /* the vault's public half: the step seals what it is shown */
#define FACT_TURN_KEY  "turn_sealed" /* the key, sealed, on its way into the store */

#define SEALED_HEX 1024 /* of a sealed key in hex, with its NUL */
#define SEEN_MAX   8
#define LAG_MS     2000 /* before a second look at a list that may not show yet what is there */

static int load(struct txn *txn, const struct job *job, struct turn_key *key, struct err *err)
{
    int found = 0;

    memset(key, 0, sizeof *key);
    if (str_copy(key->id, sizeof key->id, kv_get_or(&job->args, "turn_id", "")) == 0)
        found = record_get(txn, &turn_table, key, err);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "turn_key_not_found", "there is no TURN key %s",
                       key->id);
    return found == 1 ? 0 : -1;
}

/* ---- the store's side ---- */

int steps_turn_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char seal[2 * sizeof c->vault.public_key + 1];
    struct turn_key key;

    if (load(txn, job, &key, err) == -1)
        return -1;
    enc_hex(seal, c->vault.public_key, sizeof c->vault.public_key);
    return facts_set(job, FACT_TURN_NAME, key.mark, err) == 0 &&
                   facts_set(job, FACT_TURN_UID, key.uid, err) == 0 &&
                   facts_set(job, FACT_TURN_SEAL, seal, err) == 0
               ? 0
               : -1;
}

int steps_turn_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *hex = kv_get_or(&job->facts, FACT_TURN_KEY, "");
    struct secret secret = {0};
    struct turn_key key;
    size_t len = strlen(hex) / 2;

    (void)context;
    if (load(txn, job, &key, err) == -1)
        return -1;
    turn_secret_name(&key, secret.name);
    if (len == 0 || len > sizeof secret.value.data || enc_unhex(secret.value.data, len, hex) == -1)
        return err_set(err, ERR_CORRUPT, "turn_key_lost", "the new TURN key is not there");
    secret.value.len = (uint16_t)len;
    secret.updated_at = txn_time_ms(txn);
    (void)str_copy(key.uid, sizeof key.uid, kv_get_or(&job->facts, FACT_TURN_UID, ""));
    kv_unset(&job->facts, FACT_TURN_KEY);
    if (record_put(txn, &secret_table, &secret, err) == -1)
        return -1;
    return turn_move(txn, &key, (enum turn_state)key.state, "", err);
}

static int drop_secret(struct txn *txn, const struct turn_key *key, struct err *err)
{
    struct secret secret = {0};

    turn_secret_name(key, secret.name);
    return record_delete(txn, &secret_table, &secret, err) == -1 ? -1 : 0;
}

int steps_turn_unsettle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct turn_key key;

    (void)context;
    kv_unset(&job->facts, FACT_TURN_KEY);
    kv_unset(&job->facts, FACT_TURN_UID);
    if (load(txn, job, &key, err) == -1 || drop_secret(txn, &key, err) == -1)
        return -1;
    key.uid[0] = '\0';
    return turn_move(txn, &key, (enum turn_state)key.state, key.state_reason, err);
}

static int move(struct txn *txn, const struct job *job, enum turn_state state, const char *reason,
                struct err *err)
{
    struct turn_key key;

    if (load(txn, job, &key, err) == -1)
        return -1;
    if (state == TURN_DELETED && drop_secret(txn, &key, err) == -1)
        return -1;
    return turn_move(txn, &key, state, reason, err);
}

int steps_turn_active(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return move(txn, job, TURN_ACTIVE, "", err);
}

int steps_turn_deleting(struct txn *txn, struct job *job, void *context, struct err *err)
{
    return steps_turn_read(txn, job, context, err) == -1 ? -1
                                                         : move(txn, job, TURN_DELETING, "", err);
}

int steps_turn_deleted(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return move(txn, job, TURN_DELETED, "", err);
}

static int start_delete(struct txn *txn, const struct job *job, const struct turn_key *key,
                        struct err *err)
{
    struct job other = {.saga = "turn.delete"};

    memcpy(other.actor, job->actor, sizeof other.actor);
    memcpy(other.request_id, job->request_id, sizeof other.request_id);
    job_subject(other.subjects[0], "turn", key->owner);
    (void)kv_set(&other.args, "turn_id", key->id);
    (void)kv_set(&other.args, "tenant_id", key->tenant_id);
    return job_start(txn, &other, err);
}

/* A tenant may have begun to go while its key was made. */
static int follow_tenant(struct txn *txn, const struct job *job, const struct turn_key *key,
                         struct err *err)
{
    struct tenant tenant = {0};
    int found;

    (void)str_copy(tenant.id, sizeof tenant.id, key->tenant_id);
    if (tenant.id[0] == '\0' || (found = record_get(txn, &tenant_table, &tenant, err)) == 0)
        return 0;
    if (found == -1)
        return -1;
    if (tenant.state != TENANT_DELETING && tenant.state != TENANT_DELETED)
        return 0;
    return start_delete(txn, job, key, err);
}

int steps_turn_job_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct turn_key key;

    (void)context;
    if (load(txn, job, &key, err) == -1)
        return -1;
    if (key.state == TURN_DELETED)
        return 0;
    if (job->state == JOB_UNDONE && str_equal(job->saga, "turn.create"))
        return move(txn, job, TURN_DELETED, job->cause, err);
    if (job->state == JOB_STUCK)
        return move(txn, job,
                    str_equal(job->saga, "turn.create") ? TURN_FAILED : (enum turn_state)key.state,
                    job->cause, err);
    return str_equal(job->saga, "turn.create") ? follow_tenant(txn, job, &key, err) : 0;
}

int steps_turn_release(struct txn *txn, const struct job *job, const char *owner, struct err *err)
{
    struct turn_key key;
    struct job other;
    int found = turn_find(txn, owner, &key, err);

    if (found != 1)
        return found;
    if ((found = job_of_subject(txn, "turn", owner, &other, err)) == -1)
        return -1;
    if (found == 0)
        return start_delete(txn, job, &key, err);
    if (str_equal(other.saga, "turn.delete"))
        return 0;
    return job_cancel(txn, other.id, err);
}

/* ---- outside ---- */

/* The keys over there that bear our name. */
struct search {
    const char *name;
    struct cloudflare_turn seen[SEEN_MAX];
    uint32_t count;
};

static int look_at(void *arg, const struct cloudflare_turn *key, struct err *err)
{
    struct search *s = arg;

    (void)err;
    if (str_equal(key->name, s->name) && s->count < SEEN_MAX)
        s->seen[s->count++] = *key;
    return 0;
}

/* Delete all that bear the name. Return how many, or -1. */
static int sweep(struct cloudflare *c, const char *name, struct err *err)
{
    struct search s = {.name = name};

    if (name[0] == '\0' || cloudflare_turn_list(c, look_at, &s, err) == -1)
        return -1;
    for (uint32_t i = 0; i < s.count; i++)
        if (cloudflare_turn_delete(c, s.seen[i].uid, err) == -1)
            return -1;
    return (int)s.count;
}

/* Seal what was shown before anybody else sees it. */
static int keep(struct kv *facts, const struct step_call *call, const char *key, struct err *err)
{
    struct vault vault = {.can_open = false};
    struct sealed sealed;
    char name[96], hex[SEALED_HEX];

    (void)str_format(name, sizeof name, "turn:%s", kv_get_or(&call->job->args, "turn_id", ""));
    if (enc_unhex(vault.public_key, sizeof vault.public_key,
                  kv_get_or(facts, FACT_TURN_SEAL, "")) == -1 ||
        vault_seal(&vault, secret_table.name, name, "value", key, strlen(key), &sealed, err) == -1)
        return -1;
    if (2u * sealed.len + 1 > sizeof hex)
        return err_set(err, ERR_TOO_LARGE, "turn_key_long", "the TURN key is too long");
    enc_hex(hex, sealed.data, sealed.len);
    return kv_set(facts, FACT_TURN_KEY, hex) == -1
               ? err_set(err, ERR_TOO_LARGE, "facts_full", "the facts of the job are full")
               : 0;
}

static int make(struct cloudflare *c, struct step_call *call, struct err *err)
{
    const char *name = kv_get_or(call->facts, FACT_TURN_NAME, "");
    char key[CLOUDFLARE_TURN_KEY_SIZE];
    struct cloudflare_turn made;
    int swept = sweep(c, name, err), result;

    if (swept == 0 && call->attempt > 1) { /* the list may lag behind a making that was lost */
        clock_sleep_ms(LAG_MS);
        swept = sweep(c, name, err);
    }
    if (swept == -1 || cloudflare_turn_create(c, name, &made, key, err) == -1)
        return -1;
    result = keep(call->facts, call, key, err);
    sodium_memzero(key, sizeof key);
    if (result == 0 && kv_set(call->facts, FACT_TURN_UID, made.uid) == -1)
        result = err_set(err, ERR_TOO_LARGE, "facts_full", "the facts of the job are full");
    if (result == 0)
        (void)str_format(call->note, sizeof call->note, "%s, its key sealed%s", made.uid,
                         swept > 0 ? "; one whose key was lost is deleted" : "");
    return result;
}

static int gone(struct cloudflare *c, struct step_call *call, struct err *err)
{
    int swept = sweep(c, kv_get_or(call->facts, FACT_TURN_NAME, ""), err);

    if (swept == 0 && kv_get(call->facts, FACT_TURN_UID) == NULL) {
        clock_sleep_ms(LAG_MS); /* it may have been made a moment ago, and not be listed yet */
        swept = sweep(c, kv_get_or(call->facts, FACT_TURN_NAME, ""), err);
    }
    return swept == -1 ? -1 : 0;
}

static enum outcome with_cloudflare(struct step_call *call,
                                    int (*act)(struct cloudflare *c, struct step_call *call,
                                               struct err *err),
                                    struct err *err)
{
    struct providers *p = outside_use(call->outside);
    enum outcome outcome = OUTCOME_OK;

    if (!p->cloudflare_set) {
        *err = p->cloudflare_why;
        outcome = OUTCOME_FAIL;
    } else if (act(&p->cloudflare, call, err) == -1) {
        outcome = ingress_cloudflare_outcome(err);
    }
    outside_done(call->outside, p);
    return outcome;
}

enum outcome steps_turn_make(struct step_call *call, struct err *err)
{
    return with_cloudflare(call, make, err);
}

enum outcome steps_turn_undo(struct step_call *call, struct err *err)
{
    return with_cloudflare(call, gone, err);
}

int steps_plan_turn(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "TURN key \"%s\" at Cloudflare",
                      kv_get_or(&job->facts, FACT_TURN_NAME, "(new)"));
}
