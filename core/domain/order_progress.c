/*
 * From the steps of a job to what a buyer understands. Apart from orders because it reads four
 * tables, and from sagas because the front shows it.
 */
#include "order_progress.h"

#include "reveal.h"
#include "setting.h"
#include "str.h"

#include <string.h>

const char *const order_phase_names[] = {"unpaid",  "preparing", "ready", "trouble", "declined",
                                         "expired", "suspended", "over",  NULL};
const char *const order_stage_names[] = {"payment", "space", "program", "address", "check", NULL};
const char *const order_stage_titles[] = {
    "Your payment is confirmed",           "Name and storage are reserved",
    "Your software is set up and started", "Your address is made",
    "It answers at your address",          NULL};
const char *const order_stage_state_names[] = {"waiting", "running", "done", "stuck", NULL};
const char *const order_credentials_names[] = {"none", "there", "shown", NULL};

/* Steps of tenant.provision that begin a stage, in their order; those between belong to the one
 * before them. */
static const struct {
    const char *step;
    enum order_stage stage;
} beginnings[] = {
    {"reserve", ORDER_STAGE_SPACE},     {"port", ORDER_STAGE_SPACE},
    {"database", ORDER_STAGE_SPACE},    {"place", ORDER_STAGE_SPACE},
    {"runtime", ORDER_STAGE_PROGRAM},   {"init", ORDER_STAGE_PROGRAM},
    {"healthy", ORDER_STAGE_PROGRAM},   {"tunnel", ORDER_STAGE_ADDRESS},
    {"ingress", ORDER_STAGE_ADDRESS},   {"carrier", ORDER_STAGE_ADDRESS},
    {"share", ORDER_STAGE_ADDRESS},     {"shared", ORDER_STAGE_ADDRESS},
    {"connector", ORDER_STAGE_ADDRESS}, {"dns", ORDER_STAGE_ADDRESS},
    {"elsewhere", ORDER_STAGE_ADDRESS}, {"reachable", ORDER_STAGE_CHECK},
    {"active", ORDER_STAGE_CHECK},
};

static enum order_stage stage_of(const char *step)
{
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (str_equal(beginnings[i].step, step))
            return beginnings[i].stage;
    return ORDER_STAGE_SPACE;
}

/* A record that is pointed to, if it still is there: each of these tables begins with its id. */
static int follow(struct txn *txn, const struct table *table, const char *id, void *record,
                  struct err *err)
{
    int found;

    if (id[0] == '\0')
        return 0;
    (void)str_copy(record, ID_SIZE, id);
    if ((found = record_get(txn, table, record, err)) == 0)
        ((char *)record)[0] = '\0';
    return found < 0 ? -1 : 0;
}

/* When each stage began and ended, from the rows of the job's journal that went forward. */
static int times(struct txn *txn, struct order_progress *p, struct err *err)
{
    struct job_step row;

    for (uint32_t number = 1; number <= p->job.journal; number++) {
        memset(&row, 0, sizeof row);
        (void)str_copy(row.job_id, sizeof row.job_id, p->job.id);
        row.number = number;
        int found = record_get(txn, &job_step_table, &row, err);
        if (found < 0)
            return -1;
        if (found == 0 || row.action == STEP_ACTION_UNDO || row.action == STEP_ACTION_REVERT)
            continue;
        enum order_stage stage = stage_of(row.step);
        if (p->stages[stage].started_at == 0)
            p->stages[stage].started_at = row.started_at;
        p->stages[stage].ended_at = row.ended_at;
    }
    return 0;
}

static enum order_phase phase_of(const struct order_progress *p)
{
    switch ((enum order_state)p->order.state) {
    case ORDER_OPEN:
        return ORDER_PHASE_UNPAID;
    case ORDER_EXPIRED:
        return ORDER_PHASE_EXPIRED;
    case ORDER_FLAGGED:
        return str_equal(p->order.flag, ORDER_DECLINED) ? ORDER_PHASE_DECLINED
                                                        : ORDER_PHASE_TROUBLE;
    case ORDER_PAID:
        return ORDER_PHASE_PREPARING;
    case ORDER_DONE:
        break;
    }
    if (p->tenant.id[0] == '\0')
        return ORDER_PHASE_OVER;
    switch ((enum tenant_state)p->tenant.state) {
    case TENANT_ACTIVE:
    case TENANT_PAST_DUE:
        return ORDER_PHASE_READY;
    case TENANT_SUSPENDED:
        return ORDER_PHASE_SUSPENDED;
    case TENANT_DELETING:
    case TENANT_DELETED:
        return ORDER_PHASE_OVER;
    case TENANT_FAILED:
        return ORDER_PHASE_TROUBLE;
    case TENANT_PENDING:
    case TENANT_PROVISIONING:
        break;
    }
    return p->job.state == JOB_STUCK ? ORDER_PHASE_TROUBLE : ORDER_PHASE_PREPARING;
}

/* Everything before the present stage is done, everything behind it waits. */
static void stages_set(struct order_progress *p)
{
    bool ready = p->phase == ORDER_PHASE_READY || p->phase == ORDER_PHASE_SUSPENDED ||
                 p->phase == ORDER_PHASE_OVER;
    bool unpaid = p->phase == ORDER_PHASE_UNPAID || p->phase == ORDER_PHASE_EXPIRED ||
                  p->phase == ORDER_PHASE_DECLINED;
    enum order_stage now = unpaid ? ORDER_STAGE_PAYMENT : stage_of(p->job.step_name);

    for (int i = 0; i < ORDER_STAGES; i++)
        p->stages[i].state = ready || i < (int)now ? ORDER_STAGE_DONE : ORDER_STAGE_WAITING;
    if (!ready && (!unpaid || p->phase == ORDER_PHASE_UNPAID))
        p->stages[now].state =
            p->phase == ORDER_PHASE_TROUBLE ? ORDER_STAGE_STUCK : ORDER_STAGE_RUNNING;
    for (int i = 0; i < ORDER_STAGES; i++)
        if (p->stages[i].state != ORDER_STAGE_DONE)
            p->stages[i].ended_at = 0;
}

/* Whether there are any to show, and nobody has seen them: here or by the link of a letter. */
static int credentials(struct txn *txn, struct order_progress *p, struct err *err)
{
    char name[96];
    int found;

    (void)str_format(name, sizeof name, "credentials:%s", p->tenant.id);
    if ((found = secret_exists(txn, name, err)) <= 0)
        return found;
    found = p->order.shown_at != 0 ? 1 : reveal_used(txn, p->tenant.id, err);
    p->credentials = found == 1 ? ORDER_CREDENTIALS_SHOWN : ORDER_CREDENTIALS_THERE;
    return found < 0 ? -1 : 0;
}

int order_progress(struct txn *txn, const struct order *order, struct order_progress *out,
                   struct err *err)
{
    memset(out, 0, sizeof *out);
    out->order = *order;
    if (follow(txn, &plan_table, order->plan_id, &out->plan, err) != 0 ||
        follow(txn, &tenant_table, order->tenant_id, &out->tenant, err) != 0 ||
        follow(txn, &job_table, out->tenant.job_id, &out->job, err) != 0)
        return -1;
    if (!str_equal(out->job.saga, "tenant.provision"))
        memset(&out->job, 0, sizeof out->job); /* a later one, of no concern here */
    if (out->job.id[0] != '\0' && times(txn, out, err) != 0)
        return -1;
    out->phase = phase_of(out);
    stages_set(out);
    return out->phase == ORDER_PHASE_READY ? credentials(txn, out, err) : 0;
}

bool order_progress_over(const struct order_progress *p)
{
    return p->phase != ORDER_PHASE_UNPAID && p->phase != ORDER_PHASE_PREPARING &&
           p->phase != ORDER_PHASE_TROUBLE;
}

static void stages_json(const struct order_progress *p, struct json_out *j)
{
    json_out_key(j, "stages");
    json_out_array(j);
    for (int i = 0; i < ORDER_STAGES; i++) {
        json_out_object(j);
        json_out_key_text(j, "name", order_stage_names[i]);
        json_out_key_text(j, "title", order_stage_titles[i]);
        json_out_key_text(j, "state", order_stage_state_names[p->stages[i].state]);
        json_out_key_time(j, "started_at", p->stages[i].started_at);
        json_out_key_time(j, "ended_at", p->stages[i].ended_at);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

void order_progress_json(const struct order_progress *p, struct json_out *j)
{
    bool ready = p->phase == ORDER_PHASE_READY;

    json_out_object(j);
    json_out_key_text(j, "object", "order_progress");
    json_out_key_text(j, "order", p->order.id);
    json_out_key_text(j, "phase", order_phase_names[p->phase]);
    json_out_key_text(j, "subdomain", p->order.subdomain);
    json_out_key_text(j, "plan", p->plan.name);
    json_out_key_text(j, "plan_title", p->plan.title);
    json_out_key_text(j, "name", p->order.name);
    json_out_key_text(j, "email", p->order.email);
    json_out_key(j, "address");
    if (ready)
        json_out_text(j, p->tenant.url);
    else
        json_out_null(j);
    json_out_key_text(j, "credentials", order_credentials_names[p->credentials]);
    json_out_key_time(j, "held_until", p->phase == ORDER_PHASE_UNPAID ? p->order.expires_at : 0);
    json_out_key_time(j, "created_at", p->order.created_at);
    stages_json(p, j);
    json_out_end_object(j);
}

int order_progress_showable(const struct order_progress *p, struct err *err)
{
    if (p->phase != ORDER_PHASE_READY)
        return err_set(err, ERR_CONFLICT, "order_not_ready", "this order is not ready yet");
    if (p->credentials == ORDER_CREDENTIALS_NONE)
        return err_set(err, ERR_CONFLICT, "no_credentials", "there are no first credentials");
    if (p->credentials == ORDER_CREDENTIALS_THERE)
        return 0;
    (void)err_set(err, ERR_CONFLICT, "credentials_shown", "the credentials were shown before");
    return err_hint(err, "ask for a new link to them");
}
