/*
 * What a subscription wants against what its tenant is. Level, not edge: it may be called at any
 * time and as often as one likes, and starts a job only where the two differ and nothing
 * is under way. Each wish is brought about once: what an operator does afterwards stays.
 */
#include "billing_parts.h"

#include "clock.h"
#include "job_start.h"
#include "letter.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

#define LOOK_BUSY_MS  5000   /* a job is at work on the tenant */
#define LOOK_STUCK_MS 60000  /* one that needs a person */
#define WAIT_MS       120000 /* for the facts that usually come together */

void billing_flag(char *out, size_t size, const char *text)
{
    size_t len = strlen(out);

    if (len > 0 && str_copy(out + len, size - len, "; ") == 0)
        len += 2;
    if (str_copy(out + len, size - len, text) != 0)
        out[len >= 2 ? len - 2 : 0] = '\0';
}

static void look_again(struct subscription *sub, int64_t now, int64_t wait_ms)
{
    sub->look_at = now + wait_ms;
}

/* The plan's name as the subscription's metadata has it, else as the checkout's has. */
static const char *named_plan(const struct subscription *sub)
{
    return sub->wanted_plan[0] != '\0' ? sub->wanted_plan : sub->checkout_plan;
}

/* The plan: by the price, else as ordered, else as named in the metadata. Return 1, 0 or -1. */
static int find_plan(struct txn *txn, struct subscription *sub, const struct order *order,
                     struct plan *plan, struct billing_result *result, struct err *err)
{
    const char *named = named_plan(sub);
    char text[160];
    int found = 0;

    if (sub->stripe_price[0] != '\0') {
        found = plan_by_price(txn, sub->stripe_price, plan, err);
        if (found != 0)
            return found;
        (void)str_format(text, sizeof text, "no plan has the price %s", sub->stripe_price);
        billing_flag(sub->flag, sizeof sub->flag, text);
        result->state = EVENT_FAILED;
        (void)str_copy(result->note, sizeof result->note, text);
    }
    if (order != NULL && order->plan_id[0] != '\0')
        return plan_resolve(txn, order->plan_id, plan, err);
    return named[0] != '\0' ? plan_resolve(txn, named, plan, err) : 0;
}

/* The newest full refund: its own, or the customer's if this is the customer's only subscription.
 * */
static int refunds(struct txn *txn, struct subscription *sub, const struct customer *customer,
                   int64_t *whole, struct err *err)
{
    int64_t part = sub->part_refunded_at;
    struct subscription other;
    struct scan scan;
    unsigned count = 0;
    int got = 0;

    *whole = sub->refunded_at;
    if (customer->refunded_at > *whole || customer->part_refunded_at > part) {
        memset(&other, 0, sizeof other);
        (void)str_copy(other.customer_id, sizeof other.customer_id, customer->id);
        if (scan_start(&scan, txn, &subscription_table, "customer_id", &other, 1, false, err) != 0)
            return -1;
        while (count < 2 && (got = scan_next(&scan, &other, err)) == 1)
            count++;
        if (got < 0)
            return -1;
        if (count == 1 && customer->refunded_at > *whole)
            *whole = customer->refunded_at;
        else if (count > 1)
            billing_flag(sub->flag, sizeof sub->flag, "a payment of this customer was refunded");
        if (count == 1 && customer->part_refunded_at > part)
            part = customer->part_refunded_at;
    }
    if (*whole != 0)
        billing_flag(sub->flag, sizeof sub->flag, "refunded");
    else if (part != 0)
        billing_flag(sub->flag, sizeof sub->flag, "partly refunded");
    return 0;
}

/* Whether the tenant may be made now; if not yet, when to look again. */
static bool is_ready(struct subscription *sub, const struct order *order, int64_t now)
{
    bool paid = sub->checkout_paid_at != 0 || sub->paid_at != 0;
    bool named = order != NULL || sub->wanted_name[0] != '\0' || sub->checkout_at != 0;

    if (!paid && sub->checkout_at != 0)
        return false; /* the checkout is done and the money is on its way */
    if (paid && named)
        return true;
    if (sub->created_at + WAIT_MS > now) {
        sub->look_at = sub->created_at + WAIT_MS;
        return false;
    }
    return true;
}

/* A job is at work on the tenant: wait for it, or turn it round when all is over. */
static int busy(struct txn *txn, struct subscription *sub, const struct job *job, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    bool provision = str_equal(job->saga, "tenant.provision");
    bool over = sub->wanted == SUBSCRIPTION_WANTS_DELETED || sub->ended_at != 0;

    look_again(sub, now, job->state == JOB_STUCK ? LOOK_STUCK_MS : LOOK_BUSY_MS);
    if (!provision || !over)
        return 0;
    if (job->state == JOB_STUCK && !job->undo) {
        if (job_resolve(txn, job->id, true, err) == 0)
            look_again(sub, now, LOOK_BUSY_MS);
        else if (err->kind != ERR_CONFLICT) /* past its pivot it only goes forward */
            return -1;
    } else if (job->live && sub->wanted == SUBSCRIPTION_WANTS_DELETED && !job->cancel &&
               !job->undo && job_cancel(txn, job->id, err) != 0 && err->kind != ERR_CONFLICT) {
        return -1;
    }
    return 0;
}

/* The job for a state, at most one for each wish. */
static int bring(struct txn *txn, struct subscription *sub, const char *saga, const char *reason,
                 struct billing_result *result, struct err *err)
{
    if (sub->wanted_job[0] != '\0') {
        sub->wanted_met = sub->wanted; /* it was tried, and somebody decided otherwise */
        return 0;
    }
    /* From here on nothing is met until this is: the wish may turn back while the job runs. */
    sub->wanted_met = SUBSCRIPTION_WANTS_NOTHING;
    look_again(sub, txn_time_ms(txn), LOOK_BUSY_MS);
    return billing_job(txn, sub, saga, reason, NULL, result, err);
}

static bool is_up(const struct tenant *tenant)
{
    return tenant->state == TENANT_ACTIVE || tenant->state == TENANT_PAST_DUE;
}

/* Bring the tenant's state to what is wanted; no job is at work on it. */
static int act(struct txn *txn, struct subscription *sub, struct tenant *tenant,
               struct billing_result *result, struct err *err)
{
    const char *reason = subscription_status_names[sub->status];
    uint32_t up = sub->wanted == SUBSCRIPTION_WANTS_GRACE ? TENANT_PAST_DUE : TENANT_ACTIVE;

    switch (sub->wanted) {
    case SUBSCRIPTION_WANTS_RUNNING:
    case SUBSCRIPTION_WANTS_GRACE:
        if (tenant->state == TENANT_SUSPENDED)
            return bring(txn, sub, "tenant.resume", reason, result, err);
        if (is_up(tenant) && tenant->state != up &&
            tenant_move(txn, tenant, (enum tenant_state)up,
                        up == TENANT_PAST_DUE ? "a payment is due" : "", err) != 0)
            return -1;
        break;
    case SUBSCRIPTION_WANTS_SUSPENDED:
        if (is_up(tenant))
            return bring(txn, sub, "tenant.suspend", reason, result, err);
        break;
    case SUBSCRIPTION_WANTS_DELETED:
        if (tenant->state != TENANT_DELETED)
            return bring(txn, sub, "tenant.delete", reason, result, err);
        break;
    default:
        break;
    }
    sub->wanted_met = sub->wanted;
    return 0;
}

/* Bring the plan after it, once the tenant is as wanted. */
static int act_plan(struct txn *txn, struct subscription *sub, const struct tenant *tenant,
                    struct billing_result *result, struct err *err)
{
    char wanted_job[ID_SIZE];

    if (sub->wanted != sub->wanted_met || sub->plan_id[0] == '\0' ||
        str_equal(sub->plan_id, sub->plan_met_id))
        return 0;
    if (str_equal(tenant->plan_id, sub->plan_id) || tenant->state == TENANT_DELETED) {
        (void)str_copy(sub->plan_met_id, sizeof sub->plan_met_id, sub->plan_id);
        return 0;
    }
    if (!is_up(tenant))
        return 0; /* after it has been resumed */
    (void)str_copy(wanted_job, sizeof wanted_job, sub->wanted_job);
    if (billing_job(txn, sub, "tenant.update", "its plan changed", sub->plan_id, result, err) != 0)
        return -1;
    (void)str_copy(sub->wanted_job, sizeof sub->wanted_job, wanted_job);
    (void)str_copy(sub->plan_met_id, sizeof sub->plan_met_id, sub->plan_id);
    return 0;
}

/* What a person should look at when nothing is under way and the tenant is not as it should be. */
static void flag_tenant(struct subscription *sub, const struct tenant *tenant)
{
    char text[96] = "";

    if (sub->look_at != 0)
        return;
    if ((sub->wanted == SUBSCRIPTION_WANTS_RUNNING || sub->wanted == SUBSCRIPTION_WANTS_GRACE) &&
        !is_up(tenant))
        (void)str_format(text, sizeof text, "paid, and its tenant is %s",
                         tenant_state_names[tenant->state]);
    else if (sub->wanted >= SUBSCRIPTION_WANTS_SUSPENDED && is_up(tenant))
        (void)str_format(text, sizeof text, "%s, and its tenant is %s",
                         subscription_status_names[sub->status], tenant_state_names[tenant->state]);
    if (text[0] != '\0')
        billing_flag(sub->flag, sizeof sub->flag, text);
}

/* A subscription whose tenant was made. */
static int settle_tenant(struct txn *txn, struct subscription *sub, struct billing_result *result,
                         struct err *err)
{
    struct tenant tenant;
    struct job job;

    (void)str_copy(result->tenant_id, sizeof result->tenant_id, sub->tenant_id);
    memset(&tenant, 0, sizeof tenant);
    (void)str_copy(tenant.id, sizeof tenant.id, sub->tenant_id);
    int found = record_get(txn, &tenant_table, &tenant, err);
    if (found < 0)
        return -1;
    if (found == 0 || tenant.state == TENANT_DELETED) {
        tenant.state = TENANT_DELETED;
        sub->wanted_met = sub->wanted;
        flag_tenant(sub, &tenant);
        return 0;
    }
    bool met = sub->wanted == sub->wanted_met || sub->wanted == SUBSCRIPTION_WANTS_NOTHING;
    bool planned = sub->plan_id[0] == '\0' || str_equal(sub->plan_id, sub->plan_met_id);
    if (!met || !planned) {
        found = job_of_subject(txn, "tenant", sub->tenant_id, &job, err);
        if (found < 0)
            return -1;
        if (found > 0)
            return busy(txn, sub, &job, err);
        if ((!met && act(txn, sub, &tenant, result, err) != 0) ||
            act_plan(txn, sub, &tenant, result, err) != 0)
            return -1;
    }
    flag_tenant(sub, &tenant);
    return 0;
}

/* What belongs to a subscription, as far as it is known. Return 0 or -1. */
static int load(struct txn *txn, const struct subscription *sub, struct customer *customer,
                struct order *order, bool *has_order, struct err *err)
{
    memset(customer, 0, sizeof *customer);
    memset(order, 0, sizeof *order);
    (void)str_copy(customer->id, sizeof customer->id, sub->customer_id);
    if (customer->id[0] != '\0' && record_get(txn, &customer_table, customer, err) < 0)
        return -1;
    (void)str_copy(order->id, sizeof order->id, sub->order_id);
    int found = order->id[0] == '\0' ? 0 : record_get(txn, &order_table, order, err);
    *has_order = found > 0;
    return found < 0 ? -1 : 0;
}

/* A subscription that wants a tenant and has none yet. */
static int settle_new(struct txn *txn, const struct conf *conf, struct subscription *sub,
                      const struct plan *plan, const struct customer *customer, struct order *order,
                      struct billing_result *result, struct err *err)
{
    int64_t now = txn_time_ms(txn);

    if (!is_ready(sub, order, now))
        return 0;
    if (plan == NULL && sub->stripe_price[0] != '\0')
        return 0; /* flagged already */
    if (plan == NULL && sub->created_at + WAIT_MS > now) {
        sub->look_at = sub->created_at + WAIT_MS;
        return 0;
    }
    if (plan == NULL) {
        char text[96] = "paid, and nothing says for which plan";
        if (named_plan(sub)[0] != '\0')
            (void)str_format(text, sizeof text, "paid, and there is no plan %.60s",
                             named_plan(sub));
        billing_flag(sub->flag, sizeof sub->flag, text);
        return 0;
    }
    if (billing_provision(txn, conf, sub, plan, customer, order, result, err) != 0)
        return -1;
    if (sub->provisioned)
        look_again(sub, now, LOOK_BUSY_MS);
    return 0;
}

/* Its customer is told that a payment failed, once for each time that it is past due. */
static int tell_past_due(struct txn *txn, const struct subscription *sub, struct err *err)
{
    char date[CLOCK_TEXT_SIZE], once[96];
    struct kv params;
    struct letter letter = {.kind = "payment_failed",
                            .customer_id = sub->customer_id,
                            .tenant_id = sub->tenant_id,
                            .params = &params,
                            .once = once};

    kv_clear(&params);
    clock_text(date, sub->suspend_at);
    (void)kv_set(&params, "date", date);
    (void)str_format(once, sizeof once, "payment_failed %s %lld", sub->id,
                     (long long)sub->past_due_at);
    return letter_queue(txn, &letter, err);
}

int billing_settle_record(struct txn *txn, const struct conf *conf, struct subscription *sub,
                          struct billing_result *result, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct customer customer;
    struct order order;
    struct plan plan;
    bool has_order = false;
    int64_t refunded_at = 0;
    uint32_t wanted = 0;
    int64_t looking_at = sub->look_at;

    sub->flag[0] = '\0';
    sub->look_at = 0;
    if (load(txn, sub, &customer, &order, &has_order, err) != 0)
        return -1;
    int planned = find_plan(txn, sub, has_order ? &order : NULL, &plan, result, err);
    if (planned < 0 || refunds(txn, sub, &customer, &refunded_at, err) != 0)
        return -1;
    if (planned > 0)
        (void)str_copy(sub->plan_id, sizeof sub->plan_id, plan.id);
    sub->status = billing_status(sub);
    if (sub->checkout_failed_at != 0 && sub->checkout_paid_at == 0 && sub->paid_at == 0)
        billing_flag(sub->flag, sizeof sub->flag, "its payment failed");
    wanted = billing_wanted(sub, planned > 0 ? &plan : NULL,
                            setting_u64(txn, conf, "stripe.past_due_days"),
                            setting_u64(txn, conf, "stripe.delete_days"), refunded_at, now);
    if (wanted != sub->wanted) {
        if (wanted == SUBSCRIPTION_WANTS_GRACE && sub->provisioned &&
            tell_past_due(txn, sub, err) != 0)
            return -1;
        sub->wanted = wanted;
        sub->wanted_job[0] = '\0';
    }
    (void)str_copy(result->subscription_id, sizeof result->subscription_id, sub->id);
    (void)str_copy(result->customer_id, sizeof result->customer_id, sub->customer_id);
    (void)str_copy(result->order_id, sizeof result->order_id, sub->order_id);
    if (sub->provisioned) {
        if (settle_tenant(txn, sub, result, err) != 0)
            return -1;
    } else if (wanted == SUBSCRIPTION_WANTS_RUNNING || wanted == SUBSCRIPTION_WANTS_GRACE) {
        if (settle_new(txn, conf, sub, planned > 0 ? &plan : NULL, &customer,
                       has_order ? &order : NULL, result, err) != 0)
            return -1;
    }
    if (sub->look_at > looking_at && looking_at > now)
        sub->look_at = looking_at; /* the time that was set stands */
    if (has_order && order_put(txn, &order, err) != 0)
        return -1;
    return subscription_put(txn, sub, err);
}
