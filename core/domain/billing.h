#ifndef SETT_BILLING_H
#define SETT_BILLING_H
/*
 * From Stripe's facts to the tenant. Facts come in any order and more than once; each is folded
 * into the subscription's record so that any order gives the same record, and then what the record
 * wants is compared with what is there. What is missing is started as a job; what cannot be started
 * because a job is at work on the tenant is looked at again by billing_tick.
 */
#include <stdbool.h>
#include <stdint.h>
#include "conf.h"
#include "db.h"
#include "event.h"
#include "id.h"
#include "kv.h"
#include "subscription.h"

enum billing_kind {
    BILLING_OTHER,        /* nothing to do with us: stored, ignored */
    BILLING_CHECKOUT,     /* checkout.session.completed, .expired, .async_payment_… */
    BILLING_SUBSCRIPTION, /* customer.subscription.created, .updated, .deleted, … */
    BILLING_INVOICE,      /* invoice.paid, .payment_failed */
    BILLING_CHARGE,       /* charge.refunded */
    BILLING_CUSTOMER      /* customer.created, .updated */
};

/* What one event says, in our words: all that is not said is "" or 0. */
struct billing_facts {
    char event_id[96], type[64];
    int64_t at;         /* ms: the event's time; when the object was read again: that time */
    char object_id[96]; /* of the checkout session, subscription, invoice, charge or customer */
    char stripe_customer[64], stripe_subscription[64];
    char customer_name[128], email[256], locale[16];
    char order_id[ID_SIZE];                  /* client_reference_id or metadata sett_order */
    char wanted_name[64];                    /* metadata "tenant" */
    char custom_name[64];                    /* custom field "subdomain" of the checkout */
    char wanted_plan[32];                    /* metadata "plan": a plan's name */
    char price[64];                          /* subscription: id of its first item's price */
    char status[32];                         /* subscription: Stripe's word */
    char payment_status[24];                 /* checkout: paid, unpaid, no_payment_required */
    int64_t period_end, cancel_at, ended_at; /* subscription, ms */
    bool refunded; /* charge: wholly; false with type charge.refunded: partly */
};

/** billing_kind(type): from an event's type. BILLING_OTHER for a type that moves nothing. */
enum billing_kind billing_kind(const char *type);

/** billing_facts_to_kv(facts, kv, err): the same facts as a job carries them, under the members'
 * names; "" and 0 are left out, times are in ms, refunded is "1". ERR_TOO_LARGE. Return 0 or -1. */
int billing_facts_to_kv(const struct billing_facts *facts, struct kv *kv, struct err *err);

/** billing_facts_from_kv(kv, facts, err): the way back. ERR_INVALID naming the member. 0 or -1. */
int billing_facts_from_kv(const struct kv *kv, struct billing_facts *facts, struct err *err);

struct billing_result {
    uint32_t state; /* enum event_state: EVENT_APPLIED, EVENT_IGNORED or EVENT_FAILED */
    char note[240]; /* for the event's record: what came of it, or the cause */
    char customer_id[ID_SIZE], subscription_id[ID_SIZE], tenant_id[ID_SIZE], order_id[ID_SIZE];
    char job_id[ID_SIZE]; /* a job that was started, or "" */
    bool wake;            /* a job was started */
};

/** billing_apply(txn, conf, facts, result, err): fold the facts in and start what follows, in a
 * write transaction. The same facts again change nothing; facts older than what is known never
 * undo it. EVENT_FAILED (a price of no plan, a name that is taken) is no error of this function:
 * what it did is to be committed, and the event may be replayed. Return 0, or -1 when the store
 * failed. */
int billing_apply(struct txn *txn, const struct conf *conf, const struct billing_facts *facts,
                  struct billing_result *result, struct err *err);

/** billing_due(txn, conf, err): in a read transaction: whether billing_tick would have something
 * to do now. Return 1, 0 or -1. */
int billing_due(struct txn *txn, const struct conf *conf, struct err *err);

/** billing_tick(txn, conf, most, wake, err): in a write transaction: settle at most ${most}
 * subscriptions whose suspend_at, delete_at or look_at has come, give back the names of expired
 * orders, and undo provisions that failed longer than tenants.failed_days ago. *${wake} is set
 * when a job was started. Return how many things were done, or -1. */
int billing_tick(struct txn *txn, const struct conf *conf, unsigned most, bool *wake,
                 struct err *err);

/** billing_event(txn, conf, facts, result, err): billing_apply, and the outcome written
 * into the event's record. For the event.apply saga's store step. Return 0 or -1. */
int billing_event(struct txn *txn, const struct conf *conf, const struct billing_facts *facts,
                  struct billing_result *result, struct err *err);

#endif
