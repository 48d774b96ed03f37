/* Who may come in to a tenant, and how often one may ask. Apart from the tenant's own operations
 * because both are a record beside it, with jobs that bring it about. */
#include "guard.h"

#include <stddef.h>
#include <string.h>

#include "job_start.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"
#include "turn.h"

struct access_params {
    char id[96];
    char emails[GUARD_LIST_MAX + 1], domains[GUARD_LIST_MAX + 1], ips[GUARD_LIST_MAX + 1];
    bool login, ips_suffice;
    uint32_t session_hours;
};
static const struct field access_rows[] = {
    ID_FIELD(struct access_params),
    FIELD(struct access_params, emails, FIELD_TEXT,
          .help = "e-mail addresses that may come in, with commas between them"),
    FIELD(struct access_params, domains, FIELD_TEXT,
          .help = "domains: who has an e-mail address there may come in"),
    FIELD(struct access_params, ips, FIELD_TEXT,
          .help = "addresses or ranges, as in 198.51.100.0/24; alone, they need no login"),
    FIELD(struct access_params, login, FIELD_BOOL, .help = "everybody who can sign in may come in"),
    FIELD(struct access_params, ips_suffice, FIELD_BOOL,
          .help = "who comes from ips need not sign in (false: must do both)"),
    FIELD(struct access_params, session_hours, FIELD_U32, .min = 1, .max = 720,
          .help = "hours until one must sign in again (24)"),
};

struct limit_params {
    char id[96];
    uint32_t requests;
    char period[16], block[16];
};
static const struct field limit_rows[] = {
    ID_FIELD(struct limit_params),
    FIELD(struct limit_params, requests, FIELD_U32, .flags = FIELD_REQUIRED, .min = 1,
          .max = 1000000, .help = "requests that one address may make in a period"),
    FIELD(struct limit_params, period, FIELD_TEXT,
          .help = "the period: 10s, 1m, 1h, as Cloudflare has it (10s)"),
    FIELD(struct limit_params, block, FIELD_TEXT,
          .help = "for how long one that exceeds it is refused (as long as the period)"),
};

/* The tenant, which must be reached by way of Cloudflare to be guarded there. */
static int get(struct op_call *call, const char *id, bool change, struct tenant *tenant,
               struct err *err)
{
    if (object_get(call, &tenant_table, id, tenant, err) != 0)
        return -1;
    if (!change)
        return 0;
    if (!str_equal(tenant->ingress, "cloudflare")) {
        err_set(
            err, ERR_CONFLICT, "guard_ingress",
            "tenant %s is led to by this box's own web server, and only Cloudflare asks who one is "
            "or counts how often",
            tenant->id);
        return err_hint(err, "let the program itself ask, or make the tenant anew with the "
                             "setting ingress.default = cloudflare");
    }
    if (tenant->state != TENANT_ACTIVE && tenant->state != TENANT_PAST_DUE &&
        tenant->state != TENANT_SUSPENDED) {
        struct job job = {0};
        if (job_of_subject(call->txn, "tenant", tenant->id, &job, err) == 0)
            return err_set(err, ERR_CONFLICT, "tenant_state", "tenant %s is %s", tenant->id,
                           tenant_state_names[tenant->state]);
    }
    return 0;
}

/* A job about the tenant, noted in it. */
static int start(struct op_call *call, const char *saga, struct tenant *tenant, struct job *job,
                 struct err *err)
{
    (void)str_copy(job->saga, sizeof job->saga, saga);
    (void)kv_set(&job->args, "tenant_id", tenant->id);
    job_subject(job->subjects[0], "tenant", tenant->id);
    if (object_job(call, job, err) != 0)
        return -1;
    (void)str_copy(tenant->job_id, sizeof tenant->job_id, job->id);
    return tenant_put(call->txn, tenant, err);
}

/* ---- either of them ---- */

union guard {
    struct access access;
    struct rate_limit limit;
};

/* What the two differ in. */
struct kind {
    const struct view *view;
    size_t state; /* where the record has it */
    const char *remove;
    int (*get)(struct txn *txn, const char *tenant_id, union guard *guard, struct err *err);
    int (*put)(struct txn *txn, union guard *guard, struct err *err);
    int (*none)(const struct tenant *tenant, struct err *err);
};

/* The tenant and what it has: nothing is an error only where ${must}. Return 1, 0 or -1. */
static int open_guard(struct op_call *call, const struct kind *kind, const char *id, bool change,
                      bool must, struct tenant *tenant, union guard *guard, struct err *err)
{
    int found;

    memset(tenant, 0, sizeof *tenant);
    if (get(call, id, change, tenant, err) != 0 ||
        (found = kind->get(call->txn, tenant->id, guard, err)) < 0)
        return -1;
    if (found == 0 && must)
        return kind->none(tenant, err);
    if (change)
        object_before(call, kind->view->table, found ? guard : NULL);
    return found;
}

static int show(struct op_call *call, const struct kind *kind, struct err *err)
{
    const struct id_params *p = call->params;
    struct tenant tenant;
    union guard guard;

    if (open_guard(call, kind, p->id, false, true, &tenant, &guard, err) == -1)
        return -1;
    return object_reply(call, kind->view, &guard, err);
}

/* The job begins, the record is stored and is the answer. */
static int close_guard(struct op_call *call, const struct kind *kind, const char *saga,
                       struct tenant *tenant, union guard *guard, struct job *job, struct err *err)
{
    if (start(call, saga, tenant, job, err) != 0 || kind->put(call->txn, guard, err) != 0)
        return -1;
    object_after(call, kind->view->table, guard);
    return object_reply(call, kind->view, guard, err);
}

static int clear(struct op_call *call, const struct kind *kind, struct err *err)
{
    const struct id_params *p = call->params;
    const uint32_t removing = GUARD_REMOVING;
    struct tenant tenant;
    struct job job = {0};
    union guard guard;

    if (open_guard(call, kind, p->id, true, true, &tenant, &guard, err) == -1)
        return -1;
    memcpy((char *)&guard + kind->state, &removing, sizeof removing);
    return close_guard(call, kind, kind->remove, &tenant, &guard, &job, err);
}

/* ---- access ---- */

static int no_access(const struct tenant *tenant, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "access_not_found", "everybody may come in to tenant %s",
            tenant->id);
    return err_hint(err, "sett access set %llu --emails ann@example.com",
                    (unsigned long long)tenant->number);
}

static int get_access(struct txn *txn, const char *tenant_id, union guard *guard, struct err *err)
{
    return access_get(txn, tenant_id, &guard->access, err);
}

static int put_access(struct txn *txn, union guard *guard, struct err *err)
{
    return access_put(txn, &guard->access, err);
}

static const struct kind access_kind = {&view_access,    offsetof(struct access, state),
                                        "access.remove", get_access,
                                        put_access,      no_access};

static int access_show(struct op_call *call, struct err *err)
{
    return show(call, &access_kind, err);
}

static int access_clear(struct op_call *call, struct err *err)
{
    return clear(call, &access_kind, err);
}

static int access_set(struct op_call *call, struct err *err)
{
    const struct access_params *p = call->params;
    struct tenant tenant;
    union guard guard;
    struct access *access = &guard.access;
    struct job job = {0};
    int found = open_guard(call, &access_kind, p->id, true, false, &tenant, &guard, err);

    if (found == -1)
        return -1;
    (void)str_copy(access->emails, sizeof access->emails, p->emails);
    (void)str_copy(access->domains, sizeof access->domains, p->domains);
    (void)str_copy(access->ips, sizeof access->ips, p->ips);
    access->login = p->login;
    access->ips_suffice = p->ips_suffice;
    access->session_hours = p->session_hours == 0 ? 24 : p->session_hours;
    access->state = GUARD_PENDING;
    access->state_reason[0] = access->state_remedy[0] = '\0';
    if (access_check(access, err) != 0)
        return -1;
    if (!found || access->absent)
        (void)kv_set(&job.args, "first", "1");
    access->absent = false;
    return close_guard(call, &access_kind, "access.apply", &tenant, &guard, &job, err);
}

/* ---- rate limit ---- */

static int no_limit(const struct tenant *tenant, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "rate_limit_not_found", "tenant %s has no rate limit", tenant->id);
    return err_hint(err, "sett ratelimit set %llu --requests 100 --period 10s",
                    (unsigned long long)tenant->number);
}

static int get_limit(struct txn *txn, const char *tenant_id, union guard *guard, struct err *err)
{
    return rate_limit_get(txn, tenant_id, &guard->limit, err);
}

static int put_limit(struct txn *txn, union guard *guard, struct err *err)
{
    return rate_limit_put(txn, &guard->limit, err);
}

static const struct kind limit_kind = {&view_rate_limit,   offsetof(struct rate_limit, state),
                                       "ratelimit.remove", get_limit,
                                       put_limit,          no_limit};

static int ratelimit_show(struct op_call *call, struct err *err)
{
    return show(call, &limit_kind, err);
}

static int ratelimit_clear(struct op_call *call, struct err *err)
{
    return clear(call, &limit_kind, err);
}

/* "10s", "1m", "1h", or seconds alone; one of the periods that Cloudflare knows. */
static int seconds(const char *field, const char *text, uint32_t otherwise, uint32_t *out,
                   struct err *err)
{
    static const uint32_t known[] = {10,  15,  20,  30,  40,  45,   60,   90,   120,  180,
                                     240, 300, 480, 600, 900, 1200, 1800, 2400, 3600, 86400};
    char digits[16];
    size_t len = strspn(text, "0123456789");
    uint64_t n = 0;

    *out = otherwise;
    if (text[0] == '\0')
        return 0;
    if (str_copy_n(digits, sizeof digits, text, len) == -1 || str_u64(digits, 1, 86400, &n) == -1 ||
        strlen(text + len) > 1 || strchr("smh", text[len]) == NULL)
        return err_field(err, field, "bad_period", "%s is a time such as 10s or 1m", field);
    n *= text[len] == 'm' ? 60 : text[len] == 'h' ? 3600 : 1;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == n) {
            *out = known[i];
            return 0;
        }
    return err_field(
        err, field, "bad_period",
        "Cloudflare knows 10, 15, 20, 30, 40, 45, 60 and 90 seconds, 2, 3, 4, 5, 8, 10, "
        "15, 20, 30 and 40 minutes, 1 hour and, to refuse, 1 day");
}

static int ratelimit_set(struct op_call *call, struct err *err)
{
    const struct limit_params *p = call->params;
    struct tenant tenant;
    union guard guard;
    struct rate_limit *limit = &guard.limit;
    struct job job = {0};
    int found = open_guard(call, &limit_kind, p->id, true, false, &tenant, &guard, err);

    if (found == -1)
        return -1;
    if (found && limit->state != GUARD_FAILED) { /* what does not hold does not come back */
        (void)kv_set_u64(&job.args, "old_requests", limit->requests);
        (void)kv_set_u64(&job.args, "old_period_s", limit->period_s);
        (void)kv_set_u64(&job.args, "old_block_s", limit->block_s);
    }
    limit->requests = p->requests;
    if (seconds("period", p->period, 10, &limit->period_s, err) != 0 ||
        seconds("block", p->block, limit->period_s, &limit->block_s, err) != 0)
        return -1;
    if (limit->period_s > 3600)
        return err_field(err, "period", "bad_period", "a period is at most one hour");
    limit->state = GUARD_PENDING;
    limit->state_reason[0] = limit->state_remedy[0] = '\0';
    limit->absent = false;
    return close_guard(call, &limit_kind, "ratelimit.apply", &tenant, &guard, &job, err);
}

/* ---- both ---- */

/* In one answer with the TURN key, none being none rather than a refusal: for whoever shows them.
 */
static int guards_show(struct op_call *call, struct err *err)
{
    static const struct kind *const kinds[] = {&access_kind, &limit_kind};
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct tenant tenant = {0};
    struct turn_key key = {0};
    struct err why = {0};
    union guard guard;
    int found;

    if (object_get(call, &tenant_table, p->id, &tenant, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "guards");
    json_out_key_text(j, "tenant_id", tenant.id);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        json_out_key(j, kinds[i]->view->object);
        if ((found = kinds[i]->get(call->txn, tenant.id, &guard, err)) == -1)
            return -1;
        if (found == 0)
            json_out_null(j);
        else if (view_object(call, kinds[i]->view, &guard, err) != 0)
            return -1;
    }
    json_out_key(j, "turn_key");
    if ((found = turn_find(call->txn, tenant.id, &key, err)) == -1)
        return -1;
    if (found == 0)
        json_out_null(j);
    else if (view_object(call, &view_turn, &key, err) != 0)
        return -1;
    memset(&tenant, 0, sizeof tenant);
    found = get(call, p->id, true, &tenant, &why);
    json_out_key_bool(j, "possible", found == 0);
    json_out_key_text(j, "reason", found == 0 ? "" : why.text);
    json_out_end_object(j);
    return 0;
}

#define CHANGE (OP_WRITE | OP_AUDIT | OP_JOB)

const struct op access_ops[] = {
    {.name = "tenant.guards",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Who may come in to a tenant, how often one may ask, its TURN key, in one answer",
     .example = "1",
     .run = guards_show},
    {.name = "access.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Who may come in to a tenant",
     .example = "1",
     .result = &access_table.fields,
     .run = access_show},
    {.name = "access.set",
     .role = ROLE_OPERATOR,
     .flags = CHANGE,
     .params = PARAMS(access_rows, struct access_params),
     .help = "Let only these come in, by Cloudflare Access",
     .example = "1 --emails ann@example.com --domains example.org",
     .result = &access_table.fields,
     .run = access_set},
    {.name = "access.clear",
     .role = ROLE_OPERATOR,
     .flags = CHANGE,
     .params = &object_id,
     .help = "Let everybody come in again",
     .example = "1",
     .result = &access_table.fields,
     .run = access_clear},
    {.name = NULL},
};

const struct op ratelimit_ops[] = {
    {.name = "ratelimit.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "How often one address may ask for a tenant",
     .example = "1",
     .result = &rate_limit_table.fields,
     .run = ratelimit_show},
    {.name = "ratelimit.set",
     .role = ROLE_OPERATOR,
     .flags = CHANGE,
     .params = PARAMS(limit_rows, struct limit_params),
     .help = "Say how often one address may ask, by a rule of Cloudflare's",
     .example = "1 --requests 100 --period 10s",
     .result = &rate_limit_table.fields,
     .run = ratelimit_set},
    {.name = "ratelimit.clear",
     .role = ROLE_OPERATOR,
     .flags = CHANGE,
     .params = &object_id,
     .help = "Let one address ask as often as it likes again",
     .example = "1",
     .result = &rate_limit_table.fields,
     .run = ratelimit_clear},
    {.name = NULL},
};
