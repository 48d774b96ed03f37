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
    int64_t past_due_at; /* since when it is past due, 0 if it is not */
    int64_t suspend_at, delete_at; /* when the schedule will act; 0: it will not */
    char flag[160];     /* what a person must look at: "refunded", "name taken by …" */
    int64_t created_at, updated_at;
};
extern const struct table subscription_table; /* key id; unique: number, stripe_subscription;
                                                 index: customer_id, tenant_id, suspend_at, delete_at, flag */

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
extern const struct table order_table; /* key id; unique: stripe_session; index: state */

#endif
