/*
 * How facts become a record, whatever the order they come in: each is folded into members that only
 * ever take the newest, the earliest or the greatest, and all ties have an answer. What the
 * record means is then computed from it alone. No store here, no clock but the facts' own.
 */
#include "billing_parts.h"

#include "enc.h"
#include "str.h"

#include <string.h>

#define LATE_TIMES (sizeof((struct subscription *)0)->late_times / 8)
#define DAY_MS     (INT64_C(24) * 3600 * 1000)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_final(uint32_t status)
{
    return status == SUBSCRIPTION_CANCELED || status == SUBSCRIPTION_INCOMPLETE_EXPIRED;
}

/* Add a time to those at which something was late, ascending. Of too many the oldest that still
 * counts stays, since the grace runs from it, and the one after it goes. */
static void late_add(struct subscription *sub, int64_t at)
{
    int64_t times[LATE_TIMES + 1] = {0};
    size_t place = LATE_TIMES;

    for (size_t i = 0; i < LATE_TIMES; i++) {
        times[i] = (int64_t)enc_get64(sub->late_times + 8 * i);
        if (times[i] == at)
            return;
    }
    for (; place > 0 && times[place - 1] > at; place--)
        times[place] = times[place - 1];
    times[place] = at;
    size_t gone = times[0] > sub->good_at && times[0] > 0 ? 1 : 0;
    for (size_t i = 0, k = 0; i <= LATE_TIMES; i++)
        if (i != gone)
            enc_put64(sub->late_times + 8 * k++, (uint64_t)times[i]);
}

/* The earliest time after the last good one at which something was late; 0 if there is none. */
static int64_t late_since(const struct subscription *sub)
{
    for (size_t i = 0; i < LATE_TIMES; i++) {
        int64_t at = (int64_t)enc_get64(sub->late_times + 8 * i);

        if (at > sub->good_at)
            return at;
    }
    return 0;
}

/* Among objects of one second: updated is after created, deleted after both; then the status that
 * is further along. */
static uint32_t object_rank(const char *type, uint32_t status)
{
    static const uint8_t along[] = {
        [SUBSCRIPTION_INCOMPLETE] = 0,
        [SUBSCRIPTION_TRIALING] = 1,
        [SUBSCRIPTION_ACTIVE] = 2,
        [SUBSCRIPTION_PAST_DUE] = 3,
        [SUBSCRIPTION_PAUSED] = 4,
        [SUBSCRIPTION_UNPAID] = 5,
        [SUBSCRIPTION_INCOMPLETE_EXPIRED] = 6,
        [SUBSCRIPTION_CANCELED] = 7,
    };
    uint32_t rank = str_ends(type, ".created") ? 1 : str_ends(type, ".deleted") ? 3 : 2;

    return rank * 16 + along[status];
}

static bool object_is_newer(const struct subscription *sub, const struct billing_facts *facts,
                            uint32_t status, uint32_t rank)
{
    if (sub->object_at == 0)
        return true;
    if (is_final(status) != is_final(sub->object_status))
        return is_final(status); /* Stripe never revives what has ended */
    if (facts->at != sub->object_at)
        return facts->at > sub->object_at;
    if (rank != sub->object_rank)
        return rank > sub->object_rank;
    return strcmp(facts->event_id, sub->object_event) > 0;
}

/* Take a text if the one there is empty; of two different ones the lesser, so that order is no
 * matter. */
static void text_settle(char *there, size_t size, const char *given)
{
    if (given[0] != '\0' && (there[0] == '\0' || strcmp(given, there) < 0))
        (void)str_copy(there, size, given);
}

int billing_fold_object(struct subscription *sub, const struct billing_facts *facts)
{
    int word = enum_find(subscription_status_names, facts->status);
    uint32_t status = (uint32_t)word;

    if (word < 0)
        return -1;
    text_settle(sub->stripe_customer, sizeof sub->stripe_customer, facts->stripe_customer);
    if (status == SUBSCRIPTION_ACTIVE || status == SUBSCRIPTION_TRIALING)
        sub->good_at = later(sub->good_at, facts->at);
    if (status == SUBSCRIPTION_PAST_DUE)
        late_add(sub, facts->at);
    if (is_final(status)) {
        int64_t ended = facts->ended_at != 0 ? facts->ended_at : facts->at;

        if (sub->ended_at == 0 || ended < sub->ended_at)
            sub->ended_at = ended;
    }
    uint32_t rank = object_rank(facts->type, status);
    if (!object_is_newer(sub, facts, status, rank))
        return 0;
    sub->object_at = facts->at;
    sub->object_status = status;
    sub->object_rank = rank;
    (void)str_copy(sub->object_event, sizeof sub->object_event, facts->event_id);
    (void)str_copy(sub->stripe_price, sizeof sub->stripe_price, facts->price);
    (void)str_copy(sub->wanted_name, sizeof sub->wanted_name, facts->wanted_name);
    (void)str_copy(sub->wanted_plan, sizeof sub->wanted_plan, facts->wanted_plan);
    sub->period_end = facts->period_end;
    sub->cancel_at = facts->cancel_at;
    return 0;
}

void billing_fold_checkout(struct subscription *sub, const struct billing_facts *facts)
{
    bool paid = str_equal(facts->payment_status, "paid") ||
                str_equal(facts->payment_status, "no_payment_required") ||
                str_ends(facts->type, ".async_payment_succeeded");

    text_settle(sub->stripe_customer, sizeof sub->stripe_customer, facts->stripe_customer);
    text_settle(sub->checkout_name, sizeof sub->checkout_name, facts->wanted_name);
    text_settle(sub->checkout_plan, sizeof sub->checkout_plan, facts->wanted_plan);
    text_settle(sub->custom_name, sizeof sub->custom_name, facts->custom_name);
    sub->checkout_at = later(sub->checkout_at, facts->at);
    if (str_ends(facts->type, ".async_payment_failed")) {
        sub->checkout_failed_at = later(sub->checkout_failed_at, facts->at);
    } else if (paid) {
        sub->checkout_paid_at = later(sub->checkout_paid_at, facts->at);
        sub->good_at = later(sub->good_at, facts->at);
    }
}

void billing_fold_invoice(struct subscription *sub, const struct billing_facts *facts)
{
    text_settle(sub->stripe_customer, sizeof sub->stripe_customer, facts->stripe_customer);
    if (str_ends(facts->type, ".payment_failed")) {
        sub->failed_at = later(sub->failed_at, facts->at);
        late_add(sub, facts->at);
    } else {
        sub->paid_at = later(sub->paid_at, facts->at);
        sub->good_at = later(sub->good_at, facts->at);
    }
}

void billing_fold_charge(int64_t *whole_at, int64_t *part_at, const struct billing_facts *facts)
{
    if (facts->refunded)
        *whole_at = later(*whole_at, facts->at);
    else
        *part_at = later(*part_at, facts->at);
}

static void text_stamped(char *there, size_t size, uint64_t *there_stamp, const char *given,
                         uint64_t stamp)
{
    if (given[0] == '\0' || stamp < *there_stamp ||
        (stamp == *there_stamp && strcmp(given, there) <= 0))
        return;
    if (str_copy(there, size, given) == 0)
        *there_stamp = stamp;
}

void billing_fold_customer(struct customer *customer, const struct billing_facts *facts)
{
    bool own = billing_kind(facts->type) == BILLING_CUSTOMER;
    uint64_t stamp = facts->at <= 0 ? 0 : (uint64_t)facts->at * 4 + (own ? 1 : 0);

    text_stamped(customer->name, sizeof customer->name, &customer->name_stamp, facts->customer_name,
                 stamp);
    text_stamped(customer->email, sizeof customer->email, &customer->email_stamp, facts->email,
                 stamp);
    text_stamped(customer->locale, sizeof customer->locale, &customer->locale_stamp, facts->locale,
                 stamp);
}

enum subscription_status billing_status(const struct subscription *sub)
{
    uint32_t status = sub->object_at == 0 ? SUBSCRIPTION_INCOMPLETE : sub->object_status;
    int64_t at = sub->object_at;
    int64_t begun = later(sub->paid_at, sub->checkout_paid_at);

    if (status == SUBSCRIPTION_INCOMPLETE && begun > 0 && begun >= at) {
        status = SUBSCRIPTION_ACTIVE;
        at = begun;
    } else if ((status == SUBSCRIPTION_PAST_DUE || status == SUBSCRIPTION_UNPAID) &&
               sub->paid_at > at) {
        status = SUBSCRIPTION_ACTIVE;
        at = sub->paid_at;
    }
    if ((status == SUBSCRIPTION_ACTIVE || status == SUBSCRIPTION_TRIALING) &&
        sub->failed_at > later(at, sub->paid_at))
        status = SUBSCRIPTION_PAST_DUE;
    return (enum subscription_status)status;
}

/* What follows from the status alone. */
static enum subscription_wanted wanted_by_status(struct subscription *sub, uint64_t past_due_days,
                                                 uint64_t delete_days, int64_t now)
{
    switch (sub->status) {
    case SUBSCRIPTION_TRIALING:
    case SUBSCRIPTION_ACTIVE:
        return SUBSCRIPTION_WANTS_RUNNING;
    case SUBSCRIPTION_PAST_DUE:
        sub->past_due_at = late_since(sub);
        if (sub->past_due_at == 0)
            sub->past_due_at = sub->object_at;
        sub->suspend_at = sub->past_due_at + (int64_t)past_due_days * DAY_MS;
        return sub->suspend_at > now ? SUBSCRIPTION_WANTS_GRACE : SUBSCRIPTION_WANTS_SUSPENDED;
    case SUBSCRIPTION_UNPAID:
    case SUBSCRIPTION_PAUSED:
        return SUBSCRIPTION_WANTS_SUSPENDED;
    case SUBSCRIPTION_CANCELED:
    case SUBSCRIPTION_INCOMPLETE_EXPIRED:
        sub->delete_at = sub->ended_at + (int64_t)delete_days * DAY_MS;
        return sub->delete_at > now ? SUBSCRIPTION_WANTS_SUSPENDED : SUBSCRIPTION_WANTS_DELETED;
    default:
        return SUBSCRIPTION_WANTS_NOTHING;
    }
}

enum subscription_wanted billing_wanted(struct subscription *sub, const struct plan *plan,
                                        uint64_t past_due_days, uint64_t delete_days,
                                        int64_t refunded_at, int64_t now)
{
    enum subscription_wanted wanted = SUBSCRIPTION_WANTS_NOTHING;

    if (plan != NULL && plan->past_due_days != PLAN_DAYS_INHERIT)
        past_due_days = plan->past_due_days;
    if (plan != NULL && plan->delete_days != PLAN_DAYS_INHERIT)
        delete_days = plan->delete_days;
    sub->past_due_at = sub->suspend_at = sub->delete_at = 0;
    wanted = wanted_by_status(sub, past_due_days, delete_days, now);
    if (plan != NULL && refunded_at > later(sub->paid_at, sub->checkout_paid_at)) {
        if (plan->refund == PLAN_REFUND_DELETE)
            wanted = SUBSCRIPTION_WANTS_DELETED;
        else if (plan->refund == PLAN_REFUND_SUSPEND && wanted < SUBSCRIPTION_WANTS_SUSPENDED)
            wanted = SUBSCRIPTION_WANTS_SUSPENDED;
    }
    /* What has come is not waited for. */
    if (sub->suspend_at <= now)
        sub->suspend_at = 0;
    if (sub->delete_at <= now)
        sub->delete_at = 0;
    return wanted;
}
