/* Changes of tenants. The record says what is wanted, the job brings it about: what can be refused
 * is refused here, before anything outside is touched. */
#include "tenant_change.h"

#include "customer.h"
#include "job_start.h"
#include "name.h"
#include "plan.h"
#include "shared.h"
#include "snapshot_schedule.h"
#include "setting.h"
#include "str.h"
#include "subscription.h"

struct create_params {
    char name[128], subdomain[64], plan[96], customer_id[96];
    uint32_t ingress_mode;
    struct limits limits;
};
static const struct field create_rows[] = {
    FIELD(struct create_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = 120,
          .help = "name for people"),
    FIELD(struct create_params, plan, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "name or id of the plan"),
    FIELD(struct create_params, subdomain, FIELD_TEXT, .flags = FIELD_SLUG,
          .help = "label below the box's domain (made from the name)"),
    FIELD(struct create_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "whose it is (nobody's)"),
    FIELD(struct create_params, ingress_mode, FIELD_ENUM, .names = ingress_mode_names,
          .help = "at Cloudflare: own, a tunnel of its own; shared (inherit: as the plan says)"),
    PARAMS_GROUP("limits", "its own limits, over the plan's; each 0: as the plan says"),
    LIMITS_FIELDS(struct create_params),
};
const struct fields tenant_change_create = {create_rows, sizeof create_rows / sizeof create_rows[0],
                                            sizeof(struct create_params)};

struct update_params {
    char id[96];
    char name[128], subdomain[64], plan[96];
    bool maintenance, status_page;
    char backup_at[SNAPSHOT_SCHEDULE_SIZE];
    uint32_t ingress_mode;
    struct limits limits;
};
static const struct field update_rows[] = {
    ID_FIELD(struct update_params),
    FIELD(struct update_params, name, FIELD_TEXT, .min = 1, .max = 120, .help = "name for people"),
    FIELD(struct update_params, plan, FIELD_TEXT, .min = 1, .help = "name or id of another plan"),
    FIELD(struct update_params, subdomain, FIELD_TEXT, .flags = FIELD_SLUG, .min = 1,
          .help = "another label below the box's domain"),
    FIELD(struct update_params, maintenance, FIELD_BOOL,
          .help = "its visitors get a page \"under maintenance\"; the program runs on"),
    FIELD(struct update_params, status_page, FIELD_BOOL,
          .help = "a public page of how it is and was, at /status/SUBDOMAIN/ of the box"),
    FIELD(struct update_params, backup_at, FIELD_TEXT,
          .help =
              "a snapshot of it at these times, as in 00:00,12:00; off; none: as the plan says"),
    FIELD(struct update_params, ingress_mode, FIELD_ENUM, .names = ingress_mode_names,
          .help = "at Cloudflare, by itself: own, a tunnel of its own; shared, one with others"),
    PARAMS_GROUP("limits", "its own limits, over the plan's; each 0: as the plan says"),
    LIMITS_FIELDS(struct update_params),
};
const struct fields tenant_change_update = {update_rows, sizeof update_rows / sizeof update_rows[0],
                                            sizeof(struct update_params)};

enum delete_action { ACTION_SUSPEND, ACTION_DELETE };
static const char *const action_names[] = {"suspend", "delete", NULL};
struct delete_params {
    char id[96];
    uint32_t action;
    bool keep_data;
    char reason[240];
};
static const struct field delete_rows[] = {
    ID_FIELD(struct delete_params),
    FIELD(struct delete_params, action, FIELD_ENUM, .names = action_names,
          .help = "suspend: stop it and keep everything; delete: remove it. Has to be said"),
    FIELD(struct delete_params, keep_data, FIELD_BOOL,
          .help = "delete: leave its files and database on the box"),
    FIELD(struct delete_params, reason, FIELD_TEXT, .help = "why, for the audit"),
};
const struct fields tenant_change_delete = {delete_rows, sizeof delete_rows / sizeof delete_rows[0],
                                            sizeof(struct delete_params)};

struct reason_params {
    char id[96];
    char reason[240];
};
static const struct field reason_rows[] = {
    ID_FIELD(struct reason_params),
    FIELD(struct reason_params, reason, FIELD_TEXT, .help = "why, for the audit"),
};
const struct fields tenant_change_reason = {reason_rows, sizeof reason_rows / sizeof reason_rows[0],
                                            sizeof(struct reason_params)};

/* A job about this tenant, with its first arguments. */
static void begin_job(struct job *job, const char *saga, const struct tenant *tenant)
{
    memset(job, 0, sizeof *job);
    (void)str_copy(job->saga, sizeof job->saga, saga);
    (void)kv_set(&job->args, "tenant_id", tenant->id);
    job_subject(job->subjects[0], "tenant", tenant->id);
}

/* Start it, note it in the tenant, answer with the tenant. */
static int start(struct op_call *call, struct job *job, struct tenant *tenant, struct err *err)
{
    if (object_job(call, job, err) != 0)
        return -1;
    (void)str_copy(tenant->job_id, sizeof tenant->job_id, job->id);
    if (tenant_put(call->txn, tenant, err) != 0)
        return -1;
    object_after(call, &tenant_table, tenant);
    return object_reply(call, &view_tenant, tenant, err);
}

static int get(struct op_call *call, const char *id, struct tenant *tenant, struct err *err)
{
    if (object_get(call, &tenant_table, id, tenant, err) != 0 ||
        object_match(call, &tenant_table, tenant, err) != 0)
        return -1;
    object_before(call, &tenant_table, tenant);
    if (tenant->state == TENANT_DELETED)
        return err_set(err, ERR_CONFLICT, "tenant_deleted", "tenant %s is deleted", tenant->id);
    return 0;
}

/* Only what has been brought up can be changed. What is being made or deleted is told with its job,
 * when there is one: object_job refuses then. */
static int settled(struct op_call *call, const struct tenant *tenant, struct err *err)
{
    struct job job = {0};

    if (tenant->state == TENANT_ACTIVE || tenant->state == TENANT_PAST_DUE ||
        tenant->state == TENANT_SUSPENDED)
        return 0;
    if (job_of_subject(call->txn, "tenant", tenant->id, &job, err) != 0)
        return 0;
    return err_set(err, ERR_CONFLICT, "tenant_state", "tenant %s is %s", tenant->id,
                   tenant_state_names[tenant->state]);
}

int tenant_change_create_run(struct op_call *call, struct err *err)
{
    const struct create_params *p = call->params;
    struct tenant tenant = {0};
    struct plan plan = {0};
    struct customer customer = {0};
    struct job job;

    if (object_refer(call, &plan_table, "plan", p->plan, &plan, err) != 0)
        return -1;
    if (p->customer_id[0] != '\0' &&
        object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
        return -1;
    object_fill(call, &tenant_table, &tenant); /* name, subdomain, limits */
    (void)str_copy(tenant.customer_id, sizeof tenant.customer_id, customer.id);
    if (tenant.subdomain[0] == '\0')
        name_from(tenant.subdomain, sizeof tenant.subdomain, tenant.name);
    if (tenant_new(call->txn, &call->box->conf, &plan, &tenant, err) != 0)
        return -1;
    begin_job(&job, "tenant.provision", &tenant);
    (void)kv_set(&job.args, "plan_id", plan.id);
    (void)kv_set(&job.args, "subdomain", tenant.subdomain);
    if (p->ingress_mode != INGRESS_MODE_INHERIT)
        (void)kv_set_u64(&job.args, "ingress_mode", p->ingress_mode);
    return start(call, &job, &tenant, err);
}

static bool limits_given(const struct op_call *call)
{
    return op_given(call, "memory_bytes") || op_given(call, "cpu_millis") ||
           op_given(call, "pids") || op_given(call, "nofile") || op_given(call, "storage_bytes") ||
           op_given(call, "max_users");
}

/* Another plan or name is the job's to bring about, for it can take them back: it is told which.
 * The new label is taken at once, so that nobody else can have it meanwhile. */
static int update_args(struct op_call *call, const struct tenant *tenant, struct job *job,
                       bool *needed, struct err *err)
{
    const struct update_params *p = call->params;
    struct plan plan = {0};

    if (op_given(call, "plan")) {
        if (object_refer(call, &plan_table, "plan", p->plan, &plan, err) != 0)
            return -1;
        if (tenant_may_have(call->txn, tenant, &plan, err) != 0)
            return -1;
        if (!str_equal(plan.id, tenant->plan_id)) {
            (void)kv_set(&job->args, "plan_id", plan.id);
            *needed = true;
        }
    }
    if (op_given(call, "subdomain") && !str_equal(p->subdomain, tenant->subdomain)) {
        if (name_check(p->subdomain, err) != 0 ||
            name_take(call->txn, p->subdomain, tenant->id, 0, err) != 0)
            return -1;
        (void)kv_set(&job->args, "subdomain", p->subdomain);
        *needed = true;
    }
    if (limits_given(call)) {
        (void)kv_set(&job->args, "limits", "1");
        *needed = true;
    }
    if (op_given(call, "maintenance") && p->maintenance != tenant->maintenance) {
        (void)kv_set(&job->args, "maintenance", p->maintenance ? "1" : "0");
        *needed = true;
    }
    return 0;
}

/* Whether it is to go by another kind of tunnel, which is a saga of its own. 1, 0 or -1. */
static int remode(struct op_call *call, const struct tenant *tenant, bool more, struct err *err)
{
    const struct update_params *p = call->params;
    uint32_t now =
        tenant->ingress_mode == INGRESS_MODE_SHARED ? INGRESS_MODE_SHARED : INGRESS_MODE_OWN;

    if (!op_given(call, "ingress_mode") || p->ingress_mode == INGRESS_MODE_INHERIT ||
        p->ingress_mode == now)
        return 0;
    if (!str_equal(tenant->ingress, "cloudflare"))
        return err_field(err, "ingress_mode", "ingress_mode",
                         "tenant %s is led to by this box's own web server", tenant->id);
    if (more)
        return err_field(err, "ingress_mode", "ingress_mode",
                         "change the ingress mode by itself, and the rest before or after");
    if (tenant->state != TENANT_ACTIVE && tenant->state != TENANT_PAST_DUE)
        return err_set(err, ERR_CONFLICT, "tenant_not_running", "tenant %s is %s", tenant->id,
                       tenant_state_names[tenant->state]);
    return 1;
}

int tenant_change_update_run(struct op_call *call, struct err *err)
{
    const struct update_params *p = call->params;
    struct tenant tenant = {0};
    struct job job;
    char label[sizeof tenant.subdomain];
    uint32_t mode;
    bool needed = false;
    int other;

    if (snapshot_schedule_check(p->backup_at, err) != 0 || get(call, p->id, &tenant, err) != 0)
        return -1;
    begin_job(&job, "tenant.update", &tenant);
    if (update_args(call, &tenant, &job, &needed, err) != 0 ||
        (other = remode(call, &tenant, needed, err)) == -1)
        return -1;
    mode = tenant.ingress_mode;
    if (limits_given(call))
        (void)kv_set(&job.args, "limits", "1");
    (void)str_copy(label, sizeof label, tenant.subdomain);
    object_fill(call, &tenant_table, &tenant); /* name, maintenance, limits */
    (void)str_copy(tenant.subdomain, sizeof tenant.subdomain, label);
    tenant.ingress_mode = mode; /* the saga notes the new one when it is so */
    if (other == 1) {
        begin_job(&job, mode == INGRESS_MODE_SHARED ? "tenant.unshare" : "tenant.share", &tenant);
        return start(call, &job, &tenant, err);
    }
    if (needed)
        return settled(call, &tenant, err) != 0 ? -1 : start(call, &job, &tenant, err);
    if (tenant_put(call->txn, &tenant, err) != 0)
        return -1;
    object_after(call, &tenant_table, &tenant);
    return object_reply(call, &view_tenant, &tenant, err);
}

/* The state that is asked for holds, and no job is about to change it: nothing to do is no error. 1
 * when so, with the answer given, 0 or -1. */
static int holds(struct op_call *call, const struct tenant *tenant, enum tenant_state wanted,
                 struct err *err)
{
    struct job job = {0};
    int busy;

    if (tenant->state != wanted)
        return 0;
    if ((busy = job_of_subject(call->txn, "tenant", tenant->id, &job, err)) != 0)
        return busy < 0 ? -1 : 0;
    call->unchanged = true;
    return object_reply(call, &view_tenant, tenant, err) != 0 ? -1 : 1;
}

static int steer(struct op_call *call, const char *id, const char *saga, const char *reason,
                 enum tenant_state already, struct err *err)
{
    struct tenant tenant = {0};
    struct job job;
    int r;

    if (get(call, id, &tenant, err) != 0)
        return -1;
    if ((r = holds(call, &tenant, already, err)) != 0)
        return r < 0 ? -1 : 0;
    if (settled(call, &tenant, err) != 0)
        return -1;
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, reason);
    begin_job(&job, saga, &tenant);
    if (reason[0] != '\0')
        (void)kv_set(&job.args, "reason", reason);
    return start(call, &job, &tenant, err);
}

int tenant_change_suspend_run(struct op_call *call, struct err *err)
{
    const struct reason_params *p = call->params;

    return steer(call, p->id, "tenant.suspend", p->reason, TENANT_SUSPENDED, err);
}

int tenant_change_resume_run(struct op_call *call, struct err *err)
{
    const struct reason_params *p = call->params;

    return steer(call, p->id, "tenant.resume", p->reason, TENANT_ACTIVE, err);
}

int tenant_change_restart_run(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tenant tenant = {0};
    struct job job;

    if (get(call, p->id, &tenant, err) != 0)
        return -1;
    if (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE)
        return err_set(err, ERR_CONFLICT, "tenant_not_running", "tenant %s is %s", tenant.id,
                       tenant_state_names[tenant.state]);
    begin_job(&job, "tenant.restart", &tenant);
    return start(call, &job, &tenant, err);
}

int tenant_change_rekey_run(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tenant tenant = {0};
    char name[96];
    struct job job;
    int has;

    if (get(call, p->id, &tenant, err) != 0)
        return -1;
    if (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE)
        return err_set(err, ERR_CONFLICT, "tenant_not_running", "tenant %s is %s", tenant.id,
                       tenant_state_names[tenant.state]);
    (void)str_format(name, sizeof name, "database:%s", tenant.id);
    if ((has = secret_exists(call->txn, name, err)) == -1)
        return -1;
    if (has == 0)
        return err_set(err, ERR_CONFLICT, "no_database", "tenant %s has no database", tenant.id);
    begin_job(&job, "tenant.rekey", &tenant);
    return start(call, &job, &tenant, err);
}

/* A provision under way, or stuck, is turned round: its undo removes what it made. 1 if there was
 * one, 0 or -1. */
static int turn_round(struct op_call *call, struct tenant *tenant, struct err *err)
{
    struct job job = {0};
    int found = job_of_subject(call->txn, "tenant", tenant->id, &job, err);

    if (found != 1 || !str_equal(job.saga, "tenant.provision"))
        return found < 0 ? -1 : 0;
    if (job_cancel(call->txn, job.id, err) != 0)
        return -1;
    (void)str_copy(call->job_id, sizeof call->job_id, job.id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job.id);
    return 1;
}

int tenant_change_delete_run(struct op_call *call, struct err *err)
{
    const struct delete_params *p = call->params;
    struct tenant tenant = {0};
    struct job job;
    int turned;

    if (!op_given(call, "action")) {
        err_set(err, ERR_MALFORMED, "action_needed", "say what is to be done: action is missing");
        (void)str_copy(err->field, sizeof err->field, "action");
        return err_hint(err, "action=suspend keeps everything, action=delete removes it");
    }
    if (p->action == ACTION_SUSPEND)
        return steer(call, p->id, "tenant.suspend", p->reason, TENANT_SUSPENDED, err);
    if (get(call, p->id, &tenant, err) != 0)
        return -1;
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, p->reason);
    if ((turned = turn_round(call, &tenant, err)) < 0)
        return -1;
    if (turned) {
        object_after(call, &tenant_table, &tenant);
        return object_reply(call, &view_tenant, &tenant, err);
    }
    begin_job(&job, "tenant.delete", &tenant);
    (void)kv_set(&job.args, "data", p->keep_data ? "0" : "1");
    if (p->reason[0] != '\0')
        (void)kv_set(&job.args, "reason", p->reason);
    return start(call, &job, &tenant, err);
}

/* That its subscription is over, so that nothing will be paid or wanted any more. */
static int ended(struct op_call *call, const struct tenant *tenant, struct subscription *sub,
                 struct err *err)
{
    (void)str_copy(sub->id, sizeof sub->id, tenant->subscription_id);
    if (sub->id[0] != '\0' && record_get(call->txn, &subscription_table, sub, err) < 0)
        return -1;
    if (sub->ended_at != 0)
        return 0;
    (void)err_set(err, ERR_CONFLICT, "nothing_to_undo", "tenant %s is not going to be deleted",
                  tenant->id);
    return err_hint(err, sub->id[0] == '\0' ? "it has no subscription"
                                            : "its subscription has not ended");
}

int tenant_change_keep_run(struct op_call *call, struct err *err)
{
    const struct reason_params *p = call->params;
    struct subscription sub = {0};
    struct tenant tenant = {0};
    struct job job;

    if (get(call, p->id, &tenant, err) != 0 || settled(call, &tenant, err) != 0 ||
        ended(call, &tenant, &sub, err) != 0 || subscription_let_go(call->txn, &sub, err) != 0)
        return -1;
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, p->reason);
    tenant.subscription_id[0] = '\0';
    if (tenant.state == TENANT_SUSPENDED) {
        begin_job(&job, "tenant.resume", &tenant);
        return start(call, &job, &tenant, err);
    }
    if (tenant_put(call->txn, &tenant, err) != 0)
        return -1;
    object_after(call, &tenant_table, &tenant);
    return object_reply(call, &view_tenant, &tenant, err);
}
