/*
 * What time alone brings about: grace that is over, deletions that have come due, orders that
 * expired, failed provisions nobody cared for. Apart because it runs every second and mostly finds
 * nothing.
 */
#include "billing_parts.h"

#include "job_start.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static const char *const timers[] = {"suspend_at", "delete_at", "look_at"};

/* The first subscription whose timer has come. Return 1, 0 or -1. */
static int due_subscription(struct txn *txn, const char *timer, struct subscription *sub,
                            struct err *err)
{
    const struct field *field = fields_find(&subscription_table.fields, timer);
    struct scan scan;

    if (scan_start(&scan, txn, &subscription_table, timer, NULL, 0, false, err) != 0)
        return -1;
    int got = scan_next(&scan, sub, err);
    if (got <= 0)
        return got;
    return fields_get_u64(field, sub) <= (uint64_t)txn_time_ms(txn) ? 1 : 0;
}

static int due_order(struct txn *txn, struct order *order, struct err *err)
{
    struct scan scan;

    if (scan_start(&scan, txn, &order_table, "expires_at", NULL, 0, false, err) != 0)
        return -1;
    int got = scan_next(&scan, order, err);
    if (got <= 0)
        return got;
    return order->expires_at <= txn_time_ms(txn) ? 1 : 0;
}

/* The first failed tenant whose provision is to be undone; its stuck job. */
static int due_failure(struct txn *txn, const struct conf *conf, struct job *job, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    int64_t days = (int64_t)setting_u64(txn, conf, "tenants.failed_days");
    struct tenant tenant;
    struct scan scan;
    int got = 0;

    if (days == 0)
        return 0;
    memset(&tenant, 0, sizeof tenant);
    tenant.state = TENANT_FAILED;
    if (scan_start(&scan, txn, &tenant_table, "state", &tenant, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        if (tenant.failed_at == 0 || tenant.failed_at + days * DAY_MS > now)
            continue;
        int held = job_of_subject(txn, "tenant", tenant.id, job, err);
        if (held < 0)
            return -1;
        if (held > 0 && job->state == JOB_STUCK && !job->undo &&
            str_equal(job->saga, "tenant.provision"))
            return 1;
    }
    return got;
}

int billing_due(struct txn *txn, const struct conf *conf, struct err *err)
{
    struct subscription sub;
    struct order order;
    struct job job;
    int due = 0;

    for (size_t i = 0; due == 0 && i < sizeof timers / sizeof timers[0]; i++)
        due = due_subscription(txn, timers[i], &sub, err);
    if (due == 0)
        due = due_order(txn, &order, err);
    if (due == 0)
        due = due_failure(txn, conf, &job, err);
    return due;
}

/* Settle subscriptions whose timer has come. Return how many, or -1. */
static int tick_timer(struct txn *txn, const struct conf *conf, const char *timer, unsigned most,
                      bool *wake, struct err *err)
{
    struct billing_result result;
    struct subscription sub;
    unsigned done = 0;

    while (done < most) {
        int due = due_subscription(txn, timer, &sub, err);
        if (due < 0)
            return -1;
        if (due == 0)
            break;
        memset(&result, 0, sizeof result);
        if (billing_settle_record(txn, conf, &sub, &result, err) != 0)
            return -1;
        *wake = *wake || result.wake;
        done++;
    }
    return (int)done;
}

static int tick_orders(struct txn *txn, unsigned most, struct err *err)
{
    struct order order;
    unsigned done = 0;

    while (done < most) {
        int due = due_order(txn, &order, err);
        if (due < 0)
            return -1;
        if (due == 0)
            break;
        if (order.state == ORDER_OPEN) {
            if (order_expire(txn, &order, err) != 0)
                return -1;
        } else {
            order.expires_at = 0;
            if (order_put(txn, &order, err) != 0)
                return -1;
        }
        done++;
    }
    return (int)done;
}

static int tick_failures(struct txn *txn, const struct conf *conf, unsigned most, bool *wake,
                         struct err *err)
{
    struct job job;
    unsigned done = 0;

    while (done < most) {
        int due = due_failure(txn, conf, &job, err);
        if (due < 0)
            return -1;
        if (due == 0)
            break;
        if (job_resolve(txn, job.id, true, err) != 0)
            return err->kind == ERR_CONFLICT ? (int)done : -1; /* past its pivot: a person's */
        *wake = true;
        done++;
    }
    return (int)done;
}

int billing_tick(struct txn *txn, const struct conf *conf, unsigned most, bool *wake,
                 struct err *err)
{
    int total = 0;
    int done = 0;

    *wake = false;
    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        done = tick_timer(txn, conf, timers[i], most, wake, err);
        if (done < 0)
            return -1;
        total += done;
    }
    done = tick_orders(txn, most, err);
    if (done < 0)
        return -1;
    total += done;
    done = tick_failures(txn, conf, most, wake, err);
    return done < 0 ? -1 : total + done;
}
