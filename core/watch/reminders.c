/*
 * Reminders before a deletion. Apart from billing, which decides what becomes of a tenant: here the
 * same date is only told, again and again, the nearer it comes.
 */
#include "reminders.h"

#include <string.h>

#include "clock.h"
#include "letter.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

#define DAY_MS    (INT64_C(24) * 3600 * 1000)
#define LOOK_MOST 2000

static const unsigned days_ahead[] = {1, 3, 7};

/* The reminder that is due: its days, or 0. One that would come with the first letter, which was
 * written when the subscription ended, is left out. */
static unsigned stage(const struct subscription *sub, int64_t now_ms)
{
    for (size_t i = 0; i < sizeof days_ahead / sizeof days_ahead[0]; i++) {
        int64_t at_ms = sub->delete_at - days_ahead[i] * DAY_MS;

        if (sub->delete_at > now_ms && at_ms <= now_ms)
            return at_ms >= sub->ended_at + DAY_MS / 2 ? days_ahead[i] : 0;
    }
    return 0;
}

static void once_of(char out[160], const struct subscription *sub, unsigned days)
{
    (void)str_format(out, 160, "reminder %s %lld %u", sub->id, (long long)sub->delete_at, days);
}

/* Whether it was queued already, or the first letter tells it as well. Return 1, 0 or -1. */
static int told(struct txn *txn, const struct subscription *sub, unsigned days, struct err *err)
{
    struct message m = {0};

    once_of(m.once, sub, days);
    return record_find(txn, &message_table, "once", &m, err);
}

static int send_one(struct txn *txn, const struct subscription *sub, unsigned days, struct err *err)
{
    char date[CLOCK_TEXT_SIZE], once[160];
    struct kv params;
    struct letter letter = {.kind = "deletion",
                            .customer_id = sub->customer_id,
                            .tenant_id = sub->tenant_id,
                            .params = &params,
                            .once = once};

    kv_clear(&params);
    clock_text(date, sub->delete_at);
    (void)kv_set(&params, "date", date);
    (void)kv_set_u64(&params, "days", days);
    once_of(once, sub, days);
    return letter_queue(txn, &letter, err);
}

/* Walk those that will be deleted soon. Return how many reminders were queued (or, with ${most} 0,
 * whether one would be), or -1. */
static int walk(struct txn *txn, unsigned most, struct err *err)
{
    int64_t now_ms = txn_time_ms(txn);
    struct subscription from = {.delete_at = now_ms}, sub;
    struct scan scan;
    unsigned looked = 0, done = 0, days;
    int got;

    if (scan_start(&scan, txn, &subscription_table, "delete_at", NULL, 0, false, err) != 0 ||
        scan_from(&scan, &from, 1, err) != 0)
        return -1;
    while (looked++ < LOOK_MOST && (most == 0 || done < most) &&
           (got = scan_next(&scan, &sub, err)) != 0) {
        if (got < 0)
            return -1;
        if (sub.delete_at > now_ms + 7 * DAY_MS)
            break;
        if ((days = stage(&sub, now_ms)) == 0 || sub.tenant_id[0] == '\0' ||
            sub.customer_id[0] == '\0')
            continue;
        if ((got = told(txn, &sub, days, err)) < 0)
            return -1;
        if (got > 0)
            continue;
        if (most == 0)
            return 1;
        if (send_one(txn, &sub, days, err) != 0)
            return -1;
        done++;
    }
    return (int)done;
}

int reminders_due(struct txn *txn, struct err *err)
{
    return walk(txn, 0, err);
}

int reminders_send(struct txn *txn, unsigned most, struct err *err)
{
    return walk(txn, most, err);
}
