/*
 * TURN: credentials for browsers, and the keys that they are made from. A key is made when it is
 * first wanted: whoever asks for credentials waits for that, but never long. Apart from tunnels
 * because a browser's media does not go through them.
 */
#include "turn.h"

#include "clock.h"
#include "enquire.h"
#include "job_start.h"
#include "list.h"
#include "nouns.h"
#include "params.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

#define MAKING_MS 5000 /* for which an asker waits for a key to be made */
#define LOOK_MS   30
#define AGAIN_MS  5000 /* before a key that could not be made is tried again */

struct credentials_params {
    char tenant[96], ttl[16];
};
static const struct field credentials_rows[] = {
    FIELD(struct credentials_params, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "whose: a tenant's id, number or name (the box's own)"),
    FIELD(struct credentials_params, ttl, FIELD_TEXT,
          .help = "how long they are good: 3600, 90m, 12h, at most 48h (turn.ttl_s)"),
};

struct revoke_params {
    char username[256], tenant[96];
};
static const struct field revoke_rows[] = {
    FIELD(struct revoke_params, username, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "the credential's user name, as it was given out"),
    FIELD(struct revoke_params, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "whose key made it: a tenant's id, number or name (the box's own)"),
};

struct usage_params {
    char tenant[96];
    uint32_t days;
};
static const struct field usage_rows[] = {
    FIELD(struct usage_params, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "whose: a tenant's id, number or name (the box's own)"),
    FIELD(struct usage_params, days, FIELD_U32, .min = 1, .max = 31,
          .help = "of how many days until now (30)"),
};

struct create_params {
    char tenant[96];
};
static const struct field create_rows[] = {
    FIELD(struct create_params, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "for which tenant: id, number or name (the box's own)"),
};

struct turn_list_params {
    struct list_params list;
    uint32_t state;
};
static const struct field list_rows[] = {
    LIST_FIELDS(struct turn_list_params),
    FIELD(struct turn_list_params, state, FIELD_ENUM, .names = turn_state_names,
          .help = "only in this state"),
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct turn_key *want = call->scratch, *key = record;

    return op_given(call, "state") ? key->state == want->state : key->state != TURN_DELETED;
}

static int turn_list(struct op_call *call, struct err *err)
{
    const struct turn_list_params *p = call->params;
    struct turn_key *want = call->scratch;
    struct list list = {.view = &view_turn, .url = "/api/turn/keys", .match = want, .keep = keep};

    want->state = p->state;
    if (call->actor.role == ROLE_CUSTOMER) {
        (void)str_copy(want->customer_id, sizeof want->customer_id, call->actor.customer_id);
        list.index = "customer_id";
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int turn_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct turn_key key = {0};

    if (object_get(call, &turn_table, p->id, &key, err) != 0)
        return -1;
    return object_reply(call, &view_turn, &key, err);
}

/* ---- whose ---- */

/* The owner that a parameter names. A customer has no part in the box's own key. */
static int owner_of(struct op_call *call, const char *tenant, struct turn_key *key, struct err *err)
{
    struct tenant t = {0};

    if (tenant[0] == '\0' && call->actor.role <= ROLE_CUSTOMER)
        return err_field(err, "tenant", "required", "tenant is missing: whose credentials");
    if (tenant[0] == '\0')
        return str_copy(key->owner, sizeof key->owner, TURN_BOX);
    if (object_refer(call, &tenant_table, "tenant", tenant, &t, err) != 0)
        return -1;
    if (t.state == TENANT_DELETED || t.state == TENANT_DELETING)
        return err_set(err, ERR_CONFLICT, "tenant_deleted", "tenant %s is %s", t.id,
                       tenant_state_names[t.state]);
    (void)str_copy(key->owner, sizeof key->owner, t.id);
    (void)str_copy(key->tenant_id, sizeof key->tenant_id, t.id);
    (void)str_copy(key->customer_id, sizeof key->customer_id, t.customer_id);
    return 0;
}

/* The owner's key in a transaction of its own. 1 if it is there, 0 if not (its owner is filled in),
 * or -1. */
static int look_up(struct op_call *call, const char *tenant, struct turn_key *key, struct err *err)
{
    struct turn_key owner = {0};
    struct txn *txn;
    int found = -1;

    if (db_read(&txn, call->box->db, err) == -1)
        return -1;
    call->txn = txn;
    if (owner_of(call, tenant, &owner, err) == 0)
        found = turn_find(txn, owner.owner, key, err);
    db_read_end(txn);
    call->txn = NULL;
    if (found == 0)
        *key = owner;
    return found;
}

/* ---- making one ---- */

/* That the box has what a key is made with: else a job could only fail. */
static int can_make(struct txn *txn, struct op_call *call, struct err *err)
{
    struct secret token = {.name = "cloudflare.token"};
    char account[512];
    int found = record_get(txn, &secret_table, &token, err);

    if (found == -1 || setting_text(txn, &call->box->conf, "cloudflare.account", account,
                                    sizeof account, err) == -1)
        return -1;
    if (found == 1 && account[0] != '\0')
        return 0;
    (void)err_set(err, ERR_PRECONDITION, "cloudflare_not_set",
                  "TURN keys are made at Cloudflare, for which this box has no %s",
                  found == 1 ? "account (setting cloudflare.account)" : "token");
    return err_hint(err, "sett cloudflare import FILE, or sett secret set cloudflare.token and "
                         "sett setting set cloudflare.account ID");
}

static int start(struct txn *txn, struct op_call *call, struct turn_key *key, struct job *job,
                 struct err *err)
{
    char box_id[512];

    if (can_make(txn, call, err) == -1 ||
        setting_text(txn, &call->box->conf, "box.id", box_id, sizeof box_id, err) == -1 ||
        turn_new(txn, key, box_id, err) == -1)
        return -1;
    (void)str_copy(job->saga, sizeof job->saga, "turn.create");
    (void)kv_set(&job->args, "turn_id", key->id);
    (void)kv_set(&job->args, "tenant_id", key->tenant_id);
    job_subject(job->subjects[0], "turn", key->owner);
    return 0;
}

static int turn_create(struct op_call *call, struct err *err)
{
    const struct create_params *p = call->params;
    struct turn_key key = {0};
    struct job job = {0};

    if (owner_of(call, p->tenant, &key, err) != 0 || start(call->txn, call, &key, &job, err) != 0 ||
        object_job(call, &job, err) != 0)
        return -1;
    object_after(call, &turn_table, &key);
    return object_reply(call, &view_turn, &key, err);
}

struct demand {
    struct op_call *call;
    struct turn_key key;
};

/* The first who wants credentials has the key made. A second one who comes meanwhile finds it. */
static int make_on_demand(struct txn *txn, void *arg, struct err *err)
{
    struct demand *d = arg;
    struct op_call *call = d->call;
    struct turn_key key = d->key, other;
    struct job job = {0};
    int found = turn_find(txn, key.owner, &other, err);

    if (found != 0) {
        d->key = other;
        return found == -1 ? -1 : 0;
    }
    if (start(txn, call, &key, &job, err) != 0)
        return -1;
    (void)str_copy(job.actor, sizeof job.actor, call->actor.id);
    (void)str_copy(job.request_id, sizeof job.request_id, call->actor.request_id);
    if (job_start(txn, &job, err) != 0)
        return -1;
    memset(&call->audit, 0, sizeof call->audit);
    object_after(call, &turn_table, &key);
    (void)str_copy(call->audit.job_id, sizeof call->audit.job_id, job.id);
    d->key = key;
    return op_audit(call, txn, "ok", err);
}

/* What failed a while ago is tried again by whoever wants it now: a token may have been set since.
 */
static int try_again(struct txn *txn, void *arg, struct err *err)
{
    struct demand *d = arg;
    struct turn_key key = d->key;
    struct job job;
    int found = record_get(txn, &turn_table, &key, err);

    if (found != 1 || key.state != TURN_FAILED || txn_time_ms(txn) - key.updated_at < AGAIN_MS)
        return found == -1 ? -1 : 0;
    if ((found = job_of_subject(txn, "turn", key.owner, &job, err)) != 1 || job.state != JOB_STUCK)
        return found == -1 ? -1 : 0;
    if (can_make(txn, d->call, err) == -1)
        return -1;
    if (job_retry(txn, job.id, err) == -1 || turn_move(txn, &key, TURN_CREATING, "", err) == -1)
        return -1;
    d->key = key;
    return 0;
}

static int not_usable(const struct turn_key *key, struct err *err)
{
    if (key->state == TURN_FAILED) {
        (void)err_set(err, ERR_UNAVAILABLE, "turn_key_failed", "the TURN key could not be made: %s",
                      key->state_reason);
        err->retry_after_s = 60;
        return err_hint(err, "sett job list --state stuck says more; then sett job retry");
    }
    (void)err_set(err, ERR_UNAVAILABLE, "turn_key_in_making", "the TURN key is %s",
                  turn_state_names[key->state]);
    err->retry_after_s = 2;
    return err_hint(err, "Ask again in a moment. Is sett-worker running?");
}

/* Wait until the key is there, looking whenever the store has changed. */
static int await_key(struct op_call *call, struct turn_key *key, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + MAKING_MS;
    uint64_t seen = 0;

    while (key->state == TURN_CREATING && clock_mono_ms() < until_ms) {
        uint64_t now = db_last_txn(call->box->db);
        struct txn *txn;
        int found;
        if (now == seen) {
            clock_sleep_ms(LOOK_MS);
            continue;
        }
        seen = now;
        if (db_read(&txn, call->box->db, err) == -1)
            return -1;
        found = record_get(txn, &turn_table, key, err);
        db_read_end(txn);
        if (found != 1)
            return found == -1 ? -1 : not_usable(key, err);
    }
    return key->state == TURN_ACTIVE ? 0 : not_usable(key, err);
}

static int usable_key(struct op_call *call, const char *tenant, struct turn_key *key,
                      struct err *err)
{
    struct demand demand = {.call = call};
    int found = look_up(call, tenant, key, err);

    if (found == -1)
        return -1;
    demand.key = *key;
    if (found == 0 || key->state == TURN_FAILED) {
        if (db_write(call->box->db, found == 0 ? make_on_demand : try_again, &demand, err) == -1)
            return -1;
        *key = demand.key;
        job_wake(call->box->paths.wake_sock);
    }
    return await_key(call, key, err);
}

/* ---- questions ---- */

static int credentials_slow(struct op_call *call, struct err *err)
{
    const struct credentials_params *p = call->params;
    struct turn_key key = {0};
    struct kv params;
    uint32_t ttl_s;

    kv_clear(&params);
    if (p->ttl[0] != '\0' &&
        (turn_ttl(p->ttl, &ttl_s, err) == -1 || kv_set_u64(&params, "ttl_s", ttl_s) == -1))
        return -1;
    if (usable_key(call, p->tenant, &key, err) == -1)
        return -1;
    (void)kv_set(&params, "turn_key_id", key.id);
    return enquire_ask(call, "turn_credentials", &params, 0, err);
}

/* A question about a key that must be there already. */
static int ask_key(struct op_call *call, const char *tenant, const char *question,
                   struct kv *params, struct err *err)
{
    struct turn_key key = {0};
    int found = look_up(call, tenant, &key, err);

    if (found == -1)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "turn_key_not_found", "there is no TURN key of %s",
                       key.owner);
    (void)kv_set(params, "turn_key_id", key.id);
    (void)str_copy(call->audit.object, sizeof call->audit.object, key.id);
    return enquire_ask(call, question, params, 0, err);
}

static int revoke_slow(struct op_call *call, struct err *err)
{
    const struct revoke_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (kv_set(&params, "username", p->username) == -1)
        return err_field(err, "username", "username_invalid", "that is no credential's user name");
    return ask_key(call, p->tenant, "turn_revoke", &params, err);
}

static int usage_slow(struct op_call *call, struct err *err)
{
    const struct usage_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    (void)kv_set_u64(&params, "days", p->days == 0 ? 30 : p->days);
    return ask_key(call, p->tenant, "turn_usage", &params, err);
}

static int turn_delete(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct turn_key key = {0};
    struct job job = {.saga = "turn.delete"};

    if (object_get(call, &turn_table, p->id, &key, err) != 0)
        return -1;
    object_before(call, &turn_table, &key);
    if (key.state == TURN_DELETED)
        return err_set(err, ERR_CONFLICT, "turn_key_deleted", "the TURN key %s is deleted", key.id);
    (void)kv_set(&job.args, "turn_id", key.id);
    (void)kv_set(&job.args, "tenant_id", key.tenant_id);
    job_subject(job.subjects[0], "turn", key.owner);
    if (object_job(call, &job, err) != 0)
        return -1;
    object_after(call, &turn_table, &key);
    return object_reply(call, &view_turn, &key, err);
}

const struct op turn_ops[] = {
    {.name = "turn.credentials",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK | OP_SECRET,
     .params = PARAMS(credentials_rows, struct credentials_params),
     .help = "Short-lived TURN credentials, as a browser's iceServers",
     .example = "--tenant acme --ttl 1h",
     .slow = credentials_slow,
     .run = enquire_reply_json},
    {.name = "turn.revoke",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = PARAMS(revoke_rows, struct revoke_params),
     .help = "End a TURN credential before its time",
     .example = "bc91b63e2b5d759f8eb9f3b5 --tenant acme",
     .slow = revoke_slow,
     .run = enquire_reply_json},
    {.name = "turn.usage",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK,
     .params = PARAMS(usage_rows, struct usage_params),
     .help = "What a TURN key has relayed, as Cloudflare counts it (sampled, some minutes late)",
     .example = "--tenant acme --days 7",
     .slow = usage_slow,
     .run = enquire_reply_json},
    {.name = "turn.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(list_rows, struct turn_list_params),
     .help = "List TURN keys, newest first",
     .example = "",
     .result = &turn_table.fields,
     .scratch_size = sizeof(struct turn_key),
     .run = turn_list},
    {.name = "turn.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a TURN key, but for its secret",
     .example = "1",
     .result = &turn_table.fields,
     .run = turn_show},
    {.name = "turn.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = PARAMS(create_rows, struct create_params),
     .help = "Make a TURN key now, not when credentials are first asked for",
     .example = "--tenant acme",
     .result = &turn_table.fields,
     .run = turn_create},
    {.name = "turn.delete",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Delete a TURN key, and no more credentials are made from it; the next asker has "
             "another made",
     .example = "1",
     .result = &turn_table.fields,
     .run = turn_delete},
    {.name = NULL},
};
