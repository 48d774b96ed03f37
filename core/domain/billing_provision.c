/*
 * From a paid subscription to a tenant with a name. Apart because names are where two
 * orders can meet: what may be suffixed, what may not, and what is said when it is taken.
 */
#include "billing_parts.h"

#include "job_start.h"
#include "name.h"
#include "name_reserved.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

#define SUFFIXES 1000

int billing_job(struct txn *txn, struct subscription *sub, const char *saga, const char *reason,
                const char *plan_id, struct billing_result *result, struct err *err)
{
    struct job job;
    struct tenant tenant;

    memset(&job, 0, sizeof job);
    (void)str_copy(job.saga, sizeof job.saga, saga);
    (void)str_copy(job.actor, sizeof job.actor, "stripe");
    job_subject(job.subjects[0], "tenant", sub->tenant_id);
    if (kv_set(&job.args, "tenant_id", sub->tenant_id) != 0 ||
        kv_set(&job.args, "subscription_id", sub->id) != 0 ||
        kv_set(&job.args, "reason", reason) != 0 ||
        (plan_id != NULL && kv_set(&job.args, "plan_id", plan_id) != 0) ||
        (str_equal(saga, "tenant.delete") && kv_set(&job.args, "data", "1") != 0))
        return err_set(err, ERR_INTERNAL, "job_args", "the job's arguments do not fit");
    if (job_start(txn, &job, err) != 0)
        return -1;
    (void)str_copy(sub->wanted_job, sizeof sub->wanted_job, job.id);
    (void)str_copy(result->job_id, sizeof result->job_id, job.id);
    result->wake = true;
    memset(&tenant, 0, sizeof tenant);
    (void)str_copy(tenant.id, sizeof tenant.id, sub->tenant_id);
    if (record_get(txn, &tenant_table, &tenant, err) < 0)
        return -1;
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job.id);
    return tenant_put(txn, &tenant, err);
}

/* A label like `base` that nobody has: as it is, else with a number. Return 1, 0 or -1. */
static int free_label(struct txn *txn, const char *base, char out[64], struct err *err)
{
    char owner[ID_SIZE];

    for (unsigned n = 1; n <= SUFFIXES; n++) {
        char suffix[8] = "";
        size_t keep = strlen(base);

        if (n > 1)
            (void)str_format(suffix, sizeof suffix, "-%u", n);
        if (keep > NAME_LABEL_MAX - strlen(suffix))
            keep = NAME_LABEL_MAX - strlen(suffix);
        while (keep > 0 && base[keep - 1] == '-')
            keep--;
        (void)str_format(out, 64, "%.*s%s", (int)keep, base, suffix);
        if (name_is_reserved(out))
            continue;
        int held = name_owner(txn, out, owner, err);
        if (held <= 0)
            return held < 0 ? -1 : 1;
    }
    return 0;
}

/* A label that somebody asked for in so many words. When it cannot be had the flag says why.
 * Return 1, 0 or -1. */
static int asked_label(struct txn *txn, const char *asked, const char *order_id, char out[64],
                       struct subscription *sub, struct err *err)
{
    char owner[ID_SIZE];
    char text[160];
    struct err cause;

    if (str_copy(out, 64, asked) != 0 || name_check(out, &cause) != 0) {
        (void)str_format(text, sizeof text, "the name \"%.40s\" cannot be had", asked);
        billing_flag(sub->flag, sizeof sub->flag, text);
        return 0;
    }
    int held = name_owner(txn, out, owner, err);
    if (held < 0)
        return -1;
    if (held == 0)
        return 1;
    if (order_id != NULL && str_equal(owner, order_id))
        return name_give(txn, out, order_id, 0, err) == 0 ? 1 : -1;
    (void)str_format(text, sizeof text, "the name %s is taken by %s", out, owner);
    billing_flag(sub->flag, sizeof sub->flag, text);
    return 0;
}

/* The order's name, else the one in the metadata, else the one typed at the checkout, else one
 * made from the customer's name, which alone may get a number. */
static int choose_label(struct txn *txn, struct subscription *sub, const struct customer *customer,
                        const struct order *order, char out[64], struct err *err)
{
    char base[64];
    char local[256];

    if (order != NULL)
        return asked_label(txn, order->subdomain, order->id, out, sub, err);
    if (sub->wanted_name[0] != '\0')
        return asked_label(txn, sub->wanted_name, NULL, out, sub, err);
    if (sub->checkout_name[0] != '\0')
        return asked_label(txn, sub->checkout_name, NULL, out, sub, err);
    if (sub->custom_name[0] != '\0') {
        name_from(base, sizeof base, sub->custom_name); /* typed by hand: "My Shop" */
        return asked_label(txn, base, NULL, out, sub, err);
    }
    (void)str_copy(local, sizeof local, customer->name);
    if (local[0] == '\0' && str_copy(local, sizeof local, customer->email) == 0)
        local[strcspn(local, "@")] = '\0';
    name_from(base, sizeof base, local);
    int found = free_label(txn, base, out, err);
    if (found == 0)
        billing_flag(sub->flag, sizeof sub->flag, "no free name could be made");
    return found;
}

int billing_provision(struct txn *txn, const struct conf *conf, struct subscription *sub,
                      const struct plan *plan, const struct customer *customer, struct order *order,
                      struct billing_result *result, struct err *err)
{
    struct tenant tenant;
    char label[64];

    int chosen = choose_label(txn, sub, customer, order, label, err);
    if (chosen < 0)
        return -1;
    if (chosen == 0) {
        if (order != NULL) {
            order->state = ORDER_FLAGGED;
            (void)str_copy(order->flag, sizeof order->flag, sub->flag);
        }
        result->state = EVENT_FAILED;
        (void)str_copy(result->note, sizeof result->note, sub->flag);
        return 0;
    }
    memset(&tenant, 0, sizeof tenant);
    (void)str_copy(tenant.subdomain, sizeof tenant.subdomain, label);
    (void)str_copy(tenant.customer_id, sizeof tenant.customer_id, customer->id);
    (void)str_copy(tenant.subscription_id, sizeof tenant.subscription_id, sub->id);
    if (order != NULL && order->name[0] != '\0')
        (void)str_copy(tenant.name, sizeof tenant.name, order->name);
    else
        (void)str_copy(tenant.name, sizeof tenant.name,
                       customer->name[0] != '\0' ? customer->name : label);
    if (tenant_new(txn, conf, plan, &tenant, err) != 0)
        return -1;
    (void)str_copy(sub->tenant_id, sizeof sub->tenant_id, tenant.id);
    (void)str_copy(sub->plan_met_id, sizeof sub->plan_met_id, plan->id);
    sub->provisioned = true;
    if (order != NULL) {
        order->state = ORDER_DONE;
        order->flag[0] = '\0';
        order->expires_at = 0;
        (void)str_copy(order->tenant_id, sizeof order->tenant_id, tenant.id);
    }
    (void)str_copy(result->tenant_id, sizeof result->tenant_id, tenant.id);
    return billing_job(txn, sub, "tenant.provision", "paid", NULL, result, err);
}
