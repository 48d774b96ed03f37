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

/* What a subscription wants of its tenant. */
enum subscription_wanted {
    SUBSCRIPTION_WANTS_NOTHING, /* not paid yet: nothing is made */
    SUBSCRIPTION_WANTS_RUNNING,
    SUBSCRIPTION_WANTS_GRACE, /* running, shown as past due */
    SUBSCRIPTION_WANTS_SUSPENDED,
    SUBSCRIPTION_WANTS_DELETED
};
extern const char *const subscription_wanted_names[];

struct subscription {
    char id[ID_SIZE];
    uint64_t number;
    char customer_id[ID_SIZE], plan_id[ID_SIZE], tenant_id[ID_SIZE], order_id[ID_SIZE];
    char stripe_subscription[64]; /* unique when set */
    uint32_t status;
    int64_t period_end, cancel_at;
    int64_t object_at;      /* time of the newest event applied: an older one changes nothing */
    uint32_t object_status; /* status as the newest subscription object said it; `status` is what
                               follows from it and from the invoices after it */
    uint32_t object_rank;   /* breaks a tie of object_at */
    char object_event[96];  /* breaks a tie of both; "" while no subscription object was seen */
    char stripe_price[64], stripe_customer[64];
    char wanted_plan[32];                  /* metadata "plan": a plan's name */
    char wanted_name[64];                  /* metadata "tenant" */
    char custom_name[64];                  /* the checkout's custom field "subdomain" */
    int64_t checkout_at;                   /* newest checkout session applied, 0: none seen */
    char checkout_name[64];                /* the session's own metadata "tenant" */
    char checkout_plan[32];                /* and "plan" */
    int64_t checkout_paid_at;              /* paid, nothing to pay, or paid later; 0: not */
    int64_t checkout_failed_at;            /* the payment that was to come failed for good */
    int64_t paid_at, failed_at;            /* newest invoice paid, newest payment that failed */
    int64_t refunded_at, part_refunded_at; /* newest refund of a whole charge, of a part */
    int64_t good_at;         /* newest time at which something said that all is well */
    int64_t past_due_at;     /* since when it is past due, 0 if it is not */
    int64_t ended_at;        /* canceled or expired at, 0 if it is not */
    uint8_t late_times[128]; /* the 16 newest times at which something said past due, ascending */
    uint32_t wanted, wanted_met; /* enum subscription_wanted: what follows; what was reached last */
    char plan_met_id[ID_SIZE];   /* plan last brought to the tenant */
    char wanted_job[ID_SIZE];    /* job started for it */
    bool provisioned;            /* its tenant was made: never a second one by itself */
    int64_t look_at; /* when to look again at what is wanted and not there; 0: nothing is */
    int64_t suspend_at, delete_at; /* when the schedule will act; 0: it will not */
    char flag[160];                /* what a person must look at: "refunded", "name taken by …" */
    int64_t created_at, updated_at;
};
/* key id; unique: number, stripe_subscription; index: customer_id, tenant_id, order_id, status,
 * suspend_at, delete_at, look_at, flag (all sparse but status) */
extern const struct table subscription_table;

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
    uint8_t secret_hash[32]; /* BLAKE2b-256 of the secret of its own page; zero: it has none */
    int64_t shown_at;        /* the first credentials were shown on that page */
};
/* key id; unique: stripe_session, secret_hash (sparse); index: state, customer_id, expires_at */
extern const struct table order_table;

#define ORDER_DECLINED "its payment failed" /* the flag of an order that was not paid after all */

#define ORDER_SECRET_SIZE 44 /* 32 bytes in base64url, and a NUL */

/** subscription_resolve(txn, text, subscription, err): by id, number or Stripe's id. 1, 0 or -1. */
int subscription_resolve(struct txn *txn, const char *text, struct subscription *subscription,
                         struct err *err);

/** subscription_new(txn, subscription, err): insert with a fresh id and number, and times. 0 or
 * -1. */
int subscription_new(struct txn *txn, struct subscription *subscription, struct err *err);

/** subscription_put(txn, subscription, err): store a changed one; updated_at is set here. One that
 * is as it was is not written. Return 0 or -1. */
int subscription_put(struct txn *txn, struct subscription *subscription, struct err *err);

/** subscription_let_go(txn, subscription, err): its tenant is no longer its affair: whatever it
 * wants, nothing is done to it. Return 0 or -1. */
int subscription_let_go(struct txn *txn, struct subscription *subscription, struct err *err);

/** order_put(txn, order, err): likewise an order. */
int order_put(struct txn *txn, struct order *order, struct err *err);

/** order_new(txn, order, err): insert a new open order with a fresh id, holding its subdomain for
 * it until expires_at (set by the caller). Errors of name_check and name_take. Return 0 or -1. */
int order_new(struct txn *txn, struct order *order, struct err *err);

/** order_secret_new(secret): 256 random bits, for whoever does not bring them. */
void order_secret_new(char secret[ORDER_SECRET_SIZE]);

/** order_secret(order, secret): its page is read by this secret, of which only the hash is kept.
 * Return 0, or -1 if it is not 32 bytes in base64url. */
int order_secret(struct order *order, const char *secret);

/** order_by_secret(txn, secret, order, err): ERR_NOT_FOUND "order_unknown" for one that is
 * nobody's. Return 0 or -1. */
int order_by_secret(struct txn *txn, const char *secret, struct order *order, struct err *err);

/** order_expire(txn, order, err): an unpaid order is over: its name is free again. 0 or -1. */
int order_expire(struct txn *txn, struct order *order, struct err *err);

#endif
