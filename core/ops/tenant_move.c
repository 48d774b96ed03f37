/*
 * Moving a tenant. Apart from its other changes because whether it may go there is the worker's to
 * say, who can read blueprints and ask the runtimes: it is asked first, so that what cannot be is
 * refused at once; with the worker down the job finds out by itself.
 */
#include "nouns.h"

#include "ask.h"
#include "job_start.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"

#define WAIT_MS 20000

struct move_params {
    char id[96];
    char runtime[16], blueprint[32], node[64];
    char reason[240];
};
static const struct field move_rows[] = {
    ID_FIELD(struct move_params),
    FIELD(struct move_params, runtime, FIELD_TEXT, .flags = FIELD_SLUG,
          .help = "what is to run it: process, docker, …"),
    FIELD(struct move_params, blueprint, FIELD_TEXT, .flags = FIELD_SLUG,
          .help = "blueprint for that runtime (NAME-RUNTIME, or the present one)"),
    FIELD(struct move_params, node, FIELD_TEXT, .max = 63,
          .help = "machine to put it on, where the runtime has several"),
    FIELD(struct move_params, reason, FIELD_TEXT, .help = "why, for the audit"),
};
static const struct fields move_fields = {move_rows, sizeof move_rows / sizeof move_rows[0],
                                          sizeof(struct move_params)};

/* Names of nodes are host names. */
static int check(const struct move_params *p, struct err *err)
{
    if (p->runtime[0] == '\0' && p->node[0] == '\0' && p->blueprint[0] == '\0')
        return err_field(err, "runtime", "required", "say where to: a runtime, or a node");
    if (p->node[strspn(p->node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-.")] != '\0' ||
        p->node[0] == '-')
        return err_field(err, "node", "node_invalid", "\"%s\" is not a machine's name", p->node);
    return 0;
}

static int arguments(const struct move_params *p, const struct tenant *tenant, struct kv *args,
                     struct err *err)
{
    if (kv_set(args, "tenant_id", tenant->id) == 0 &&
        (p->runtime[0] == '\0' || kv_set(args, "runtime", p->runtime) == 0) &&
        (p->blueprint[0] == '\0' || kv_set(args, "blueprint", p->blueprint) == 0) &&
        (p->node[0] == '\0' || kv_set(args, "node", p->node) == 0) &&
        (p->reason[0] == '\0' || kv_set(args, "reason", p->reason) == 0))
        return 0;
    return err_set(err, ERR_TOO_LARGE, "too_long", "the arguments of the move are too long");
}

static int find(struct op_call *call, struct tenant *tenant, struct err *err)
{
    const struct move_params *p = call->params;

    if (object_get(call, &tenant_table, p->id, tenant, err) != 0 ||
        object_match(call, &tenant_table, tenant, err) != 0)
        return -1;
    if (tenant->state == TENANT_ACTIVE || tenant->state == TENANT_PAST_DUE)
        return 0;
    (void)err_set(err, ERR_CONFLICT, "tenant_not_running", "tenant %s is %s", tenant->id,
                  tenant_state_names[tenant->state]);
    return err_hint(err, "a tenant is moved while it runs, so that it can be seen to answer");
}

/* The worker's word, which its plan gives; the plan itself is not wanted here. */
static int move_slow(struct op_call *call, struct err *err)
{
    struct tenant tenant = {0};
    struct kv args;
    struct txn *txn;
    int r;

    kv_clear(&args);
    if (check(call->params, err) != 0 || db_read(&txn, call->box->db, err) != 0)
        return -1;
    call->txn = txn;
    r = find(call, &tenant, err);
    db_read_end(txn);
    call->txn = NULL;
    if (r != 0 || arguments(call->params, &tenant, &args, err) != 0 ||
        kv_set(&args, "saga", "tenant.move") != 0)
        return -1;
    if (call->plan) /* which asks by itself */
        return 0;
    r = ask(call->box->paths.ask_sock, "plan", &args, WAIT_MS, &call->answer, err);
    if (r != 0 && (err->kind == ERR_UNAVAILABLE || err->kind == ERR_TIMEOUT)) {
        err_clear(err);
        r = 0;
    }
    return r;
}

static int move_run(struct op_call *call, struct err *err)
{
    const struct move_params *p = call->params;
    struct tenant tenant = {0};
    struct job job = {0};

    if (find(call, &tenant, err) != 0)
        return -1;
    object_before(call, &tenant_table, &tenant);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, p->reason);
    (void)str_copy(job.saga, sizeof job.saga, "tenant.move");
    job_subject(job.subjects[0], "tenant", tenant.id);
    if (arguments(p, &tenant, &job.args, err) != 0 || object_job(call, &job, err) != 0)
        return -1;
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job.id);
    if (tenant_put(call->txn, &tenant, err) != 0)
        return -1;
    object_after(call, &tenant_table, &tenant);
    return object_reply(call, &view_tenant, &tenant, err);
}

const struct op tenant_move_ops[] = {
    {.name = "tenant.move",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &move_fields,
     .help = "Move a tenant to another runtime or machine with all its data",
     .example = "1 --runtime docker --blueprint web",
     .result = &tenant_table.fields,
     .more = &view_tenant_more,
     .slow = move_slow,
     .run = move_run},
    {.name = NULL},
};
