#ifndef SETT_SUBSCRIPTION_H
#define SETT_SUBSCRIPTION_H
/* The agreement to pay, as Stripe tells it, and the order that began it. */
#include "db.h"
#include "id.h"

/* Stripe's own words, https://docs.stripe.com/api/subscriptions/object#status; "none" is a tenant
 * made by an operator without any. */
enum subscription_status {
    SUBSCRIPTION_INCOMPLETE,
    SUBSCRIPTION_INCOMPLETE_EXPIRED,
    SUBSCRIPTION_TRIALING,
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_PAST_DUE,
    SUBSCRIPTION_UNPAID,
    SUBSCRIPTION_PAUSED,
    SUBSCRIPTION_CANCELED
};
extern const char *const subscription_status_names[];

struct subscription {
    char id[ID_SIZE];
    uint64_t number;
    char customer_id[ID_SIZE], plan_id[ID_SIZE], tenant_id[ID_SIZE], order_id[ID_SIZE];
    char stripe_subscription[64]; /* unique when set */
    uint32_t status;
    int64_t period_end, cancel_at;
    int64_t object_at;  /* time of the newest event applied: an older one changes nothing */
    uint32_t object_status;  /* status as the newest subscription object said it; `status` is what
                                follows from it and from the invoices after it */
    uint32_t object_rank;    /* breaks a tie of object_at */
    char object_event[96];   /* breaks a tie of both; "" while no subscription object was seen */
    char stripe_price[64], stripe_customer[64];
    char wanted_plan[32];    /* metadata "plan": a plan's name */
    char wanted_name[64];    /* metadata "tenant" */
    char custom_name[64];    /* the checkout's custom field "subdomain" */
    int64_t checkout_at;     /* newest checkout session applied, 0: none seen */
    bool checkout_paid;      /* paid, nothing to pay, or paid later */
    bool checkout_failed;    /* a later payment failed for good */
    int64_t paid_at, failed_at; /* newest invoice paid, newest payment that failed */
    int64_t refunded_at;     /* newest full refund */
    int64_t provision_at;    /* decide then with what is known; 0: nothing to wait for */
    bool provisioned;        /* its tenant was made: never a second one by itself */
    int64_t past_due_at; /* since when it is past due, 0 if it is not */
    int64_t suspend_at, delete_at; /* when the schedule will act; 0: it will not */
    char flag[160];     /* what a person must look at: "refunded", "name taken by …" */
    int64_t created_at, updated_at;
};
extern const struct table subscription_table; /* key id; unique: number, stripe_subscription;
                                                 index: customer_id, tenant_id, order_id, status, suspend_at, delete_at,
                                                 provision_at, flag (all sparse but status) */

enum order_state { ORDER_OPEN, ORDER_PAID, ORDER_DONE, ORDER_EXPIRED, ORDER_FLAGGED };
extern const char *const order_state_names[];

struct order {
    char id[ID_SIZE]; /* ord_…, Stripe's client_reference_id and metadata sett_order */
    char name[128];   /* of the customer */
    char email[256];
    char subdomain[64];
    char plan_id[ID_SIZE], customer_id[ID_SIZE], tenant_id[ID_SIZE];
    char stripe_session[96]; /* unique when set */
    uint32_t state;
    char flag[160];
    int64_t expires_at, created_at, updated_at;
};
extern const struct table order_table; /* key id; unique: stripe_session; index: state,
                                          customer_id, expires_at */

#endif
