/*
 * What a tenant's customer is told of its life. Apart from the steps so that all of it can be read
 * in one place; each is called in the commit that it tells of, so that one is never without the
 * other.
 */
#include "steps.h"

#include <string.h>

#include "clock.h"
#include "letter.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

int steps_letter(struct txn *txn, const char *kind, const struct tenant *tenant, struct err *err)
{
    struct letter letter = {
        .kind = kind, .customer_id = tenant->customer_id, .tenant_id = tenant->id};

    return letter_queue(txn, &letter, err);
}

int steps_letter_ready(struct txn *txn, const struct tenant *tenant, bool credentials,
                       struct err *err)
{
    char once[64];
    struct letter letter = {.kind = credentials ? "ready" : "ready_plain",
                            .customer_id = tenant->customer_id,
                            .tenant_id = tenant->id,
                            .once = once};

    (void)str_format(once, sizeof once, "ready %s", tenant->id);
    return letter_queue(txn, &letter, err);
}

/* It will be deleted: when, and in how many days. */
static int deletion(struct txn *txn, const struct tenant *tenant, int64_t delete_at,
                    struct err *err)
{
    char date[CLOCK_TEXT_SIZE], once[128];
    struct kv params;
    struct letter letter = {.kind = "deletion",
                            .customer_id = tenant->customer_id,
                            .tenant_id = tenant->id,
                            .params = &params,
                            .once = once};
    int64_t days = (delete_at - txn_time_ms(txn) + DAY_MS - 1) / DAY_MS;

    kv_clear(&params);
    clock_text(date, delete_at);
    (void)kv_set(&params, "date", date);
    (void)kv_set_u64(&params, "days", (uint64_t)days);
    (void)str_format(once, sizeof once, "deletion %s %s", tenant->id, date);
    return letter_queue(txn, &letter, err);
}

int steps_letter_suspended(struct txn *txn, const struct tenant *tenant, struct err *err)
{
    struct subscription sub = {0};
    int found = 0;

    (void)str_copy(sub.id, sizeof sub.id, tenant->subscription_id);
    if (sub.id[0] != '\0' && (found = record_get(txn, &subscription_table, &sub, err)) < 0)
        return -1;
    if (found == 1 && sub.delete_at > txn_time_ms(txn))
        return deletion(txn, tenant, sub.delete_at, err);
    if (found == 1 && sub.delete_at != 0)
        return 0; /* it goes at once, and that is told */
    return steps_letter(
        txn,
        found == 1 && (sub.status == SUBSCRIPTION_PAST_DUE || sub.status == SUBSCRIPTION_UNPAID)
            ? "suspended"
            : "suspended_plain",
        tenant, err);
}
