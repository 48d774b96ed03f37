#ifndef SETT_ORDER_PROGRESS_H
#define SETT_ORDER_PROGRESS_H
/*
 * An order as its buyer follows it: from the payment to the address, in five stages instead of the
 * steps of a job. Read from the records alone, by operations and by the event stream alike.
 */
#include "job.h"
#include "plan.h"
#include "subscription.h"
#include "tenant.h"

enum order_phase {
    ORDER_PHASE_UNPAID,    /* Stripe's page is open */
    ORDER_PHASE_PREPARING, /* paid */
    ORDER_PHASE_READY,     /* it answers at its address */
    ORDER_PHASE_TROUBLE,   /* paid, and a person has to look at it */
    ORDER_PHASE_DECLINED,  /* the payment failed for good */
    ORDER_PHASE_EXPIRED,   /* never paid */
    ORDER_PHASE_SUSPENDED, /* was ready once */
    ORDER_PHASE_OVER       /* the tenant is gone */
};
extern const char *const order_phase_names[];

enum order_stage {
    ORDER_STAGE_PAYMENT,
    ORDER_STAGE_SPACE,   /* a name, a port, a database */
    ORDER_STAGE_PROGRAM, /* set up, started, answering on the box */
    ORDER_STAGE_ADDRESS, /* the way in and its name */
    ORDER_STAGE_CHECK,   /* asked for as a visitor would */
    ORDER_STAGES
};
extern const char *const order_stage_names[];
extern const char *const order_stage_titles[]; /* for people, in English */

enum order_stage_state {
    ORDER_STAGE_WAITING,
    ORDER_STAGE_RUNNING,
    ORDER_STAGE_DONE,
    ORDER_STAGE_STUCK
};
extern const char *const order_stage_state_names[];

/* Of the first credentials. */
enum order_credentials { ORDER_CREDENTIALS_NONE, ORDER_CREDENTIALS_THERE, ORDER_CREDENTIALS_SHOWN };
extern const char *const order_credentials_names[];

struct order_progress {
    struct order order;
    struct plan plan;
    struct tenant tenant; /* id "": there is none yet */
    struct job job;       /* of its provisioning, likewise */
    enum order_phase phase;
    enum order_credentials credentials;
    struct {
        enum order_stage_state state;
        int64_t started_at, ended_at; /* 0: not, or not known any more */
    } stages[ORDER_STAGES];
};

/** order_progress(txn, order, out, err): where it stands. Return 0 or -1. */
int order_progress(struct txn *txn, const struct order *order, struct order_progress *out,
                   struct err *err);

/** order_progress_showable(progress, err): that there are first credentials which nobody has seen.
 * ERR_CONFLICT "order_not_ready", "no_credentials" or "credentials_shown". Return 0 or -1. */
int order_progress_showable(const struct order_progress *progress, struct err *err);

/** order_progress_over(progress): whether nothing will change any more by itself. */
bool order_progress_over(const struct order_progress *progress);

/** order_progress_json(progress, j): the whole object, "object":"order_progress". What it shows is
 * for whoever holds the order's secret. */
void order_progress_json(const struct order_progress *progress, struct json_out *j);

#endif
