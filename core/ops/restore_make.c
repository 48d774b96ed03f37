/*
 * Restores of one tenant's data, or of all of a customer's, from a snapshot that a vault has; what
 * becomes of what was there before. Apart from the records (restore_ops.c) because here is decided
 * whether it can be, and told what it would cost. A whole box is not restored from within: its own
 * programs are what is replaced.
 */
#include "nouns.h"

#include <sodium.h>
#include <string.h>

#include "customer.h"
#include "drift.h"
#include "enc.h"
#include "enquire.h"
#include "job_start.h"
#include "json_in.h"
#include "name.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "restore_make.h"
#include "restore_record.h"
#include "restore_show.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"
#include "tenant.h"

#define TENANTS_MOST 50 /* of one customer at once */
#define KEYS_WAIT_MS 60000
#define CHAIN_MOST   16

static const struct field create_rows[] = {
    FIELD(struct restore_wish, snapshot, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_NUMBERED,
          .help = "from which: id or number"),
    FIELD(struct restore_wish, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "whose data: id, number or name"),
    FIELD(struct restore_wish, customer, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "of all tenants of this customer instead"),
    FIELD(struct restore_wish, as, FIELD_TEXT, .flags = FIELD_SLUG,
          .help = "into a new tenant of this name; the present one stays as it is"),
    FIELD(struct restore_wish, confirm, FIELD_TEXT,
          .help = "the name of the tenant or customer, typed once more"),
    FIELD(struct restore_wish, recovery, FIELD_TEXT, .flags = FIELD_SECRET | FIELD_FREE,
          .help = "recovery secret, or shares of it: where the box keeps no key of that snapshot"),
};

struct chosen {
    struct snapshot snapshot;
    struct customer customer;
    char named[128]; /* what has to be typed to confirm */
    size_t count;
    struct tenant tenants[TENANTS_MOST];
};

/* ---- which ---- */

static int choose_all(struct op_call *call, struct chosen *c, struct err *err)
{
    struct tenant match = {0}, tenant;
    struct scan scan;
    int got;

    (void)str_copy(match.customer_id, sizeof match.customer_id, c->customer.id);
    if (scan_start(&scan, call->txn, &tenant_table, "customer_id", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        if (tenant.state == TENANT_DELETED || tenant.created_at > c->snapshot.created_at)
            continue;
        if (c->count == TENANTS_MOST)
            return err_set(err, ERR_TOO_LARGE, "too_many", "more than %d tenants", TENANTS_MOST);
        c->tenants[c->count++] = tenant;
    }
    if (got == 0 && c->count == 0)
        return err_field(err, "customer", "no_tenants",
                         "the customer had no tenant when that snapshot was made");
    return got;
}

static int check_words(const struct restore_wish *p, struct err *err)
{
    if (p->tenant[0] == '\0' && p->customer[0] == '\0') {
        (void)err_field(err, "tenant", "whole_box",
                        "a whole box is no part of itself: it is restored in another way");
        return err_hint(err, "/admin/setup?way=restore, or on the box, as root: sett restore FILE; "
                             "here: name a tenant or a customer");
    }
    if (p->tenant[0] != '\0' && p->customer[0] != '\0')
        return err_field(err, "customer", "one_of", "a tenant or a customer, not both");
    if (p->as[0] != '\0' && p->tenant[0] == '\0')
        return err_field(err, "as", "one_tenant", "a new name is for one tenant");
    return 0;
}

static int check_tenant(struct op_call *call, const struct restore_wish *p, const struct chosen *c,
                        const struct tenant *t, struct err *err)
{
    struct restore_record kept;
    int got;

    if (c->snapshot.tenant_id[0] != '\0' && !str_equal(c->snapshot.tenant_id, t->id))
        return err_set(err, ERR_CONFLICT, "not_in_snapshot",
                       "snapshot %llu is of another tenant alone",
                       (unsigned long long)c->snapshot.number);
    if (t->created_at > c->snapshot.created_at)
        return err_set(err, ERR_CONFLICT, "not_in_snapshot",
                       "tenant %s is younger than snapshot %llu", t->subdomain,
                       (unsigned long long)c->snapshot.number);
    if (p->as[0] != '\0')
        return 0;
    if (t->state != TENANT_ACTIVE && t->state != TENANT_PAST_DUE) {
        (void)err_set(err, ERR_CONFLICT, "tenant_not_running", "tenant %s is %s", t->subdomain,
                      tenant_state_names[t->state]);
        return err_hint(err, "bring it up first, or restore it as another one");
    }
    if (t->database_kept != 0 && restore_of_tenant(call->txn, t->id, &kept, err) == 0) {
        (void)err_set(err, ERR_CONFLICT, "not_committed",
                      "the database that tenant %s had before an earlier restore is still kept",
                      t->subdomain);
        return err_hint(err, "on the box: sett restore commit --tenant %llu, or rollback",
                        (unsigned long long)t->number);
    }
    if ((got = restore_of_tenant(call->txn, t->id, &kept, err)) != 1 ||
        kept.state == RESTORE_RUNNING) /* then its job holds the tenant, and is named */
        return got == -1 ? -1 : 0;
    (void)err_set(err, ERR_CONFLICT, "not_committed",
                  "what tenant %s had before restore %s is still kept", t->subdomain, kept.id);
    return err_hint(err, "sett restore commit %s, or rollback", kept.id);
}

/* Snapshots are nobody's, so a customer finds none by asking for one; whether theirs is in it is
 * seen later. */
static int find_snapshot(struct op_call *call, const struct restore_wish *p, struct snapshot *out,
                         struct err *err)
{
    int found;

    if (call->actor.role != ROLE_CUSTOMER)
        return object_refer(call, &snapshot_table, "snapshot", p->snapshot, out, err);
    if ((found = snapshot_resolve(call->txn, p->snapshot, out, err)) == 0)
        return err_field(err, "snapshot", "snapshot_not_found", "there is no snapshot %.60s",
                         p->snapshot);
    return found == 1 ? 0 : -1;
}

static int choose(struct op_call *call, const struct restore_wish *p, struct chosen *c,
                  struct err *err)
{
    memset(c, 0, sizeof *c);
    if (check_words(p, err) == -1 || find_snapshot(call, p, &c->snapshot, err) == -1)
        return -1;
    if (c->snapshot.state != SNAPSHOT_DONE)
        return err_set(err, ERR_CONFLICT, "snapshot_state", "snapshot %llu is %s",
                       (unsigned long long)c->snapshot.number,
                       snapshot_state_names[c->snapshot.state]);
    if (p->tenant[0] != '\0') {
        if (object_refer(call, &tenant_table, "tenant", p->tenant, &c->tenants[0], err) == -1)
            return -1;
        c->count = 1;
        (void)str_copy(c->named, sizeof c->named, c->tenants[0].name);
    } else {
        if (object_refer(call, &customer_table, "customer", p->customer, &c->customer, err) == -1 ||
            choose_all(call, c, err) == -1)
            return -1;
        (void)str_copy(c->named, sizeof c->named, c->customer.name);
    }
    for (size_t i = 0; i < c->count; i++)
        if (check_tenant(call, p, c, &c->tenants[i], err) == -1)
            return -1;
    return 0;
}

static int confirmed(const struct op_call *call, const struct restore_wish *p,
                     const struct chosen *c, struct err *err)
{
    if (call->plan || str_equal(p->confirm, c->named))
        return 0;
    (void)err_field(err, "confirm", "not_confirmed",
                    p->confirm[0] == '\0' ? "a restore has to be confirmed by its name"
                                          : "that is not its name");
    return err_hint(err, "confirm: \"%s\"", c->named);
}

/* ---- keys ---- */

/* Whether the box keeps the file keys of it and of all that it builds on. 1, 0 or -1. */
static int keys_kept(struct txn *txn, const struct snapshot *snapshot, struct err *err)
{
    struct snapshot s = *snapshot;
    char name[96], base[ID_SIZE];
    int got = 1;

    for (unsigned i = 0; got == 1 && i < CHAIN_MOST; i++) {
        (void)str_format(name, sizeof name, "snapshot:%s", s.id);
        if ((got = secret_exists(txn, name, err)) != 1 || s.base_id[0] == '\0')
            return got;
        (void)str_copy(base, sizeof base, s.base_id);
        got = snapshot_resolve(txn, base, &s, err);
    }
    return got;
}

/* The worker opens what the recovery secret opens; only that comes back, and sealed. */
static int ask_keys(struct op_call *call, const struct restore_wish *p, const struct chosen *c,
                    struct restore_making *m, struct err *err)
{
    struct kv params;
    struct cJSON *json = NULL;
    const char *hex;
    size_t len;
    int rc = -1;

    kv_clear(&params);
    id_make(m->restore_id, restore_table.prefix);
    if (kv_set(&params, "snapshot_id", c->snapshot.id) == -1 ||
        kv_set(&params, "restore_id", m->restore_id) == -1 ||
        kv_set(&params, "recovery", p->recovery) == -1)
        (void)err_field(err, "recovery", "too_long", "that is no recovery secret");
    else
        rc = enquire_ask(call, "restore_keys", &params, KEYS_WAIT_MS, err);
    sodium_memzero(&params, sizeof params);
    if (rc == -1)
        return -1;
    json = json_parse(buf_string(&call->answer), call->answer.len, &json_limits_provider, err);
    hex = json == NULL ? "" : json_text(json, "sealed", "");
    len = strlen(hex) / 2;
    rc = len > 0 && len <= sizeof m->sealed.data ? enc_unhex(m->sealed.data, len, hex) : -1;
    m->sealed.len = rc == 0 ? (uint16_t)len : 0;
    json_free(json);
    m->keys = rc == 0;
    return rc == 0 ? 0
                   : err_set(err, ERR_INTERNAL, "restore_keys", "the worker's keys cannot be read");
}

int restore_make_slow(struct op_call *call, const struct restore_wish *p, struct restore_making *m,
                      struct err *err)
{
    struct chosen *c = calloc(1, sizeof *c);
    struct txn *txn;
    int rc, kept = 0;

    if (c == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a restore");
    if ((rc = db_read(&txn, call->box->db, err)) == 0) {
        call->txn = txn;
        rc = choose(call, p, c, err) == -1 || confirmed(call, p, c, err) == -1 ||
                     (kept = keys_kept(txn, &c->snapshot, err)) == -1
                 ? -1
                 : 0;
        db_read_end(txn);
        call->txn = NULL;
    }
    call->audit_refusal = rc == -1 && str_equal(err->code, "not_confirmed");
    if (rc == 0 && kept == 0 && !call->plan && p->recovery[0] == '\0') {
        (void)err_field(err, "recovery", "recovery_needed",
                        "the box keeps no key of snapshot %llu: only your recovery secret opens it",
                        (unsigned long long)c->snapshot.number);
        rc =
            err_hint(err, "send it as recovery, or restore on the box: sett restore FILE --tenant");
    } else if (rc == 0 && kept == 0 && !call->plan) {
        rc = ask_keys(call, p, c, m, err);
        call->audit_refusal = rc == -1;
    }
    free(c);
    return rc;
}

/* ---- the records and jobs ---- */

static void fill_record(struct op_call *call, const struct chosen *c, const struct tenant *into,
                        const struct tenant *of, struct restore_record *r)
{
    const struct snapshot *s = &c->snapshot;

    r->state = RESTORE_RUNNING;
    (void)str_format(r->scope, sizeof r->scope, "tenant %s", into->id);
    (void)str_copy(r->file, sizeof r->file, s->file);
    (void)str_copy(r->tenant_id, sizeof r->tenant_id, into->id);
    (void)str_copy(r->of_id, sizeof r->of_id, of->id);
    (void)str_copy(r->snapshot_id, sizeof r->snapshot_id, s->id);
    (void)str_copy(r->actor, sizeof r->actor, call->actor.id);
    r->snapshot_number = s->number;
    memcpy(r->snapshot_uid, s->uid, sizeof r->snapshot_uid);
    memcpy(r->snapshot_digest, s->hash, sizeof r->snapshot_digest);
    r->snapshot_at = s->created_at;
    r->started_at = txn_time_ms(call->txn);
}

static int keep_keys(struct op_call *call, const struct restore_making *m, const char *restore_id,
                     struct err *err)
{
    struct secret *secret;
    int rc;

    if (!m->keys)
        return 0;
    if ((secret = calloc(1, sizeof *secret)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a key");
    restore_key_name(secret->name, restore_id);
    secret->value = m->sealed;
    secret->updated_at = txn_time_ms(call->txn);
    rc = record_put(call->txn, &secret_table, secret, err);
    free(secret);
    return rc;
}

static int arguments(const struct restore_record *r, const struct tenant *of, struct job *job)
{
    return kv_set(&job->args, "tenant_id", r->tenant_id) == -1 ||
                   kv_set(&job->args, "restore_id", r->id) == -1 ||
                   kv_set(&job->args, "snapshot_id", r->snapshot_id) == -1 ||
                   kv_set_u64(&job->args, "of_number", of->number) == -1
               ? -1
               : 0;
}

/* A new tenant like ${of}, which is brought up first. */
static int new_tenant(struct op_call *call, const struct restore_wish *p, const struct tenant *of,
                      struct tenant *into, struct job *job, struct err *err)
{
    struct plan plan = {0};
    int found = plan_resolve(call->txn, of->plan_id, &plan, err);

    if (found != 1)
        return found == 0 ? err_set(err, ERR_CONFLICT, "plan_gone", "its plan is there no more")
                          : -1;
    (void)str_copy(into->name, sizeof into->name, p->as);
    (void)str_copy(into->subdomain, sizeof into->subdomain, p->as);
    (void)str_copy(into->customer_id, sizeof into->customer_id, of->customer_id);
    into->limits = of->limits;
    if (tenant_new(call->txn, &call->box->conf, &plan, into, err) == -1)
        return -1;
    (void)str_copy(job->saga, sizeof job->saga, "tenant.provision");
    (void)str_copy(job->next_saga, sizeof job->next_saga, "tenant.restore");
    (void)kv_set(&job->args, "plan_id", plan.id);
    (void)kv_set(&job->args, "subdomain", into->subdomain);
    return 0;
}

static int make_one(struct op_call *call, const struct restore_wish *p,
                    const struct restore_making *m, const struct chosen *c, const struct tenant *of,
                    struct restore_record *r, struct err *err)
{
    struct tenant into = *of;
    struct job job = {0};

    (void)str_copy(job.saga, sizeof job.saga, "tenant.restore");
    if (p->as[0] != '\0') {
        memset(&into, 0, sizeof into);
        if (new_tenant(call, p, of, &into, &job, err) == -1)
            return -1;
    }
    fill_record(call, c, &into, of, r);
    restore_show_lost(call->txn, r, of);
    job_subject(job.subjects[0], "tenant", into.id);
    if (arguments(r, of, &job) == -1)
        return err_set(err, ERR_TOO_LARGE, "too_long", "the job's arguments are too long");
    if (object_job(call, &job, err) == -1)
        return -1;
    (void)str_copy(r->job_id, sizeof r->job_id, job.id);
    (void)str_copy(into.job_id, sizeof into.job_id, job.id);
    return tenant_put(call->txn, &into, err) == -1 || keep_keys(call, m, r->id, err) == -1 ||
                   record_insert(call->txn, &restore_table, r, err) == -1
               ? -1
               : 0;
}

static int reply(struct op_call *call, const struct restore_record *made, size_t count,
                 struct err *err)
{
    struct json_out *j = call->out;

    if (count == 1)
        return object_reply(call, &view_restore, &made[0], err);
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (size_t i = 0; i < count; i++) {
        json_out_object(j);
        json_out_key_text(j, "object", "restore");
        fields_json(&restore_table.fields, &made[i], j);
        json_out_key_text(j, "job", made[i].job_id);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", "/api/restores");
    json_out_end_object(j);
    return 0;
}

static int make_all(struct op_call *call, const struct restore_wish *p,
                    const struct restore_making *m, struct chosen *c, struct restore_record *made,
                    struct err *err)
{
    if (choose(call, p, c, err) == -1 || confirmed(call, p, c, err) == -1)
        return -1;
    for (size_t i = 0; i < c->count; i++) {
        /* The keys were sealed for one id; others of the same request seal to the same snapshot. */
        if (m->keys && i == 0)
            (void)str_copy(made[i].id, sizeof made[i].id, m->restore_id);
        else
            id_make(made[i].id, restore_table.prefix);
        if (m->keys && i > 0)
            return err_field(err, "recovery", "one_tenant",
                             "with a recovery secret, one tenant at a time");
        if (make_one(call, p, m, c, &c->tenants[i], &made[i], err) == -1)
            return -1;
    }
    if (call->plan)
        return restore_show_plan(call, made, c->tenants, c->count,
                                 keys_kept(call->txn, &c->snapshot, err) == 1, err);
    object_after(call, &restore_table, &made[0]);
    (void)str_format(
        call->audit.reason, sizeof call->audit.reason, "snapshot %llu into %zu tenant%s: %.60s",
        (unsigned long long)c->snapshot.number, c->count, c->count == 1 ? "" : "s", c->named);
    return reply(call, made, c->count, err);
}

int restore_make(struct op_call *call, const struct restore_wish *p, const struct restore_making *m,
                 struct err *err)
{
    struct chosen *c = calloc(1, sizeof *c);
    struct restore_record *made = calloc(TENANTS_MOST, sizeof *made);
    int rc = -1;

    if (c == NULL || made == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a restore");
    else
        rc = make_all(call, p, m, c, made, err);
    free(made);
    free(c);
    return rc;
}

/* ---- what becomes of what was there ---- */

int restore_decide(struct op_call *call, const char *id, bool back, struct err *err)
{
    struct restore_record r = {0};
    struct tenant tenant = {0};
    struct job job = {0};
    int found;

    if ((found = restore_get(call->txn, id, &r, err)) != 1)
        return found == -1 ? -1
                           : err_set(err, ERR_NOT_FOUND, "restore_not_found",
                                     "there is no restore %.60s", id);
    if (r.tenant_id[0] == '\0') {
        (void)err_set(err, ERR_CONFLICT, "whole_box",
                      "the restore of a whole box is decided upon on the box");
        return err_hint(err, "as root: sett restore %s", back ? "rollback" : "commit");
    }
    if (r.state != RESTORE_RESTORED)
        return err_set(err, ERR_CONFLICT, "nothing_before",
                       "restore %s is %s: nothing of before is kept", r.id,
                       restore_state_names[r.state]);
    if (object_get(call, &tenant_table, r.tenant_id, &tenant, err) == -1)
        return -1;
    object_before(call, &restore_table, &r);
    (void)str_copy(job.saga, sizeof job.saga, back ? "tenant.restore" : "restore.commit");
    job_subject(job.subjects[0], "tenant", tenant.id);
    (void)kv_set(&job.args, "tenant_id", tenant.id);
    (void)kv_set(&job.args, "restore_id", r.id);
    if (back)
        (void)kv_set(&job.args, "back", "1");
    if (object_job(call, &job, err) == -1)
        return -1;
    (void)str_copy(r.job_id, sizeof r.job_id, job.id);
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job.id);
    if (tenant_put(call->txn, &tenant, err) == -1 || restore_put(call->txn, &r, err) == -1)
        return -1;
    object_after(call, &restore_table, &r);
    return object_reply(call, &view_restore, &r, err);
}

static int create_slow(struct op_call *call, struct err *err)
{
    return restore_make_slow(call, call->params, call->scratch, err);
}

static int create(struct op_call *call, struct err *err)
{
    return restore_make(call, call->params, call->scratch, err);
}

static int commit(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;

    return restore_decide(call, p->id, false, err);
}

static int rollback(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;

    return restore_decide(call, p->id, true, err);
}

const struct op restore_make_ops[] = {
    {.name = "restore.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE | OP_FRESH | OP_ASK,
     .params = PARAMS(create_rows, struct restore_wish),
     .help = "Bring back the data of a tenant, or of a customer's tenants, from a snapshot in a "
             "vault",
     .example = "12 --tenant acme --confirm acme",
     .result = &restore_table.fields,
     .scratch_size = sizeof(struct restore_making),
     .slow = create_slow,
     .run = create},
    {.name = "restore.commit",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_FRESH,
     .params = &object_id,
     .help = "Keep what a tenant's restore brought: what it had before is removed",
     .example = "rst_01jd3v7q2c0000000000000000",
     .result = &restore_table.fields,
     .run = commit},
    {.name = "restore.rollback",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_FRESH,
     .params = &object_id,
     .help = "Take a tenant's restore back: it gets what it had before",
     .example = "rst_01jd3v7q2c0000000000000000",
     .result = &restore_table.fields,
     .run = rollback},
    {.name = NULL},
};
