/*
 * Facts as text in a job's list and back. Apart from what they mean: the list crosses commits, so a
 * member that was lost on the way would be a payment that was lost.
 */
#include "billing.h"

#include "str.h"

#include <stddef.h>
#include <string.h>

enum member_kind { MEMBER_TEXT, MEMBER_TIME, MEMBER_BOOL };

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset, size;
};

#define MEMBER(name_, kind_)                                                                       \
    {                                                                                              \
#name_, kind_, offsetof(struct billing_facts, name_),                                      \
            sizeof(((struct billing_facts *)0)->name_)                                             \
    }

static const struct member members[] = {
    MEMBER(event_id, MEMBER_TEXT),
    MEMBER(type, MEMBER_TEXT),
    MEMBER(at, MEMBER_TIME),
    MEMBER(object_id, MEMBER_TEXT),
    MEMBER(stripe_customer, MEMBER_TEXT),
    MEMBER(stripe_subscription, MEMBER_TEXT),
    MEMBER(customer_name, MEMBER_TEXT),
    MEMBER(email, MEMBER_TEXT),
    MEMBER(locale, MEMBER_TEXT),
    MEMBER(order_id, MEMBER_TEXT),
    MEMBER(wanted_name, MEMBER_TEXT),
    MEMBER(custom_name, MEMBER_TEXT),
    MEMBER(wanted_plan, MEMBER_TEXT),
    MEMBER(price, MEMBER_TEXT),
    MEMBER(status, MEMBER_TEXT),
    MEMBER(payment_status, MEMBER_TEXT),
    MEMBER(period_end, MEMBER_TIME),
    MEMBER(cancel_at, MEMBER_TIME),
    MEMBER(ended_at, MEMBER_TIME),
    MEMBER(refunded, MEMBER_BOOL),
};

int billing_facts_to_kv(const struct billing_facts *facts, struct kv *kv, struct err *err)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const struct member *m = &members[i];
        const char *at = (const char *)facts + m->offset;
        int64_t time = 0;
        int failed = 0;

        kv_unset(kv, m->name);
        if (m->kind == MEMBER_TEXT) {
            failed = at[0] == '\0' ? 0 : kv_set(kv, m->name, at);
        } else if (m->kind == MEMBER_BOOL) {
            failed = *(const bool *)at ? kv_set(kv, m->name, "1") : 0;
        } else {
            memcpy(&time, at, sizeof time);
            failed = time <= 0 ? 0 : kv_set_u64(kv, m->name, (uint64_t)time);
        }
        if (failed != 0)
            return err_set(err, ERR_TOO_LARGE, "facts_too_large", "the event says too much");
    }
    return 0;
}

int billing_facts_from_kv(const struct kv *kv, struct billing_facts *facts, struct err *err)
{
    memset(facts, 0, sizeof *facts);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const struct member *m = &members[i];
        const char *value = kv_get(kv, m->name);
        char *at = (char *)facts + m->offset;
        uint64_t number = 0;

        if (value == NULL)
            continue;
        if (m->kind == MEMBER_TEXT) {
            if (str_copy(at, m->size, value) != 0)
                return err_field(err, m->name, "fact_invalid", "%s is too long", m->name);
        } else if (m->kind == MEMBER_BOOL) {
            *(bool *)at = str_equal(value, "1");
        } else {
            int64_t time = 0;

            if (str_u64(value, 0, INT64_MAX, &number) != 0)
                return err_field(err, m->name, "fact_invalid", "%s is not a time", m->name);
            time = (int64_t)number;
            memcpy(at, &time, sizeof time);
        }
    }
    return 0;
}

/* Types that move something, with what their object is. */
static const struct {
    const char *type;
    enum billing_kind kind;
} types[] = {
    {"checkout.session.completed", BILLING_CHECKOUT},
    {"checkout.session.expired", BILLING_CHECKOUT},
    {"checkout.session.async_payment_succeeded", BILLING_CHECKOUT},
    {"checkout.session.async_payment_failed", BILLING_CHECKOUT},
    {"customer.subscription.created", BILLING_SUBSCRIPTION},
    {"customer.subscription.updated", BILLING_SUBSCRIPTION},
    {"customer.subscription.deleted", BILLING_SUBSCRIPTION},
    {"customer.subscription.paused", BILLING_SUBSCRIPTION},
    {"customer.subscription.resumed", BILLING_SUBSCRIPTION},
    {"customer.subscription.trial_will_end", BILLING_SUBSCRIPTION},
    {"invoice.paid", BILLING_INVOICE},
    {"invoice.payment_succeeded", BILLING_INVOICE},
    {"invoice.payment_failed", BILLING_INVOICE},
    {"charge.refunded", BILLING_CHARGE},
    {"customer.created", BILLING_CUSTOMER},
    {"customer.updated", BILLING_CUSTOMER},
};

enum billing_kind billing_kind(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_equal(types[i].type, type))
            return types[i].kind;
    return BILLING_OTHER;
}
