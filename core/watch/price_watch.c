/* Prices, read at Stripe. Apart from the other watchers because a wrong price is found here, before
 * anybody has paid it. */
#include "price_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "notice.h"
#include "plan.h"
#include "str.h"

#define LOOK_MS  1000
#define OLD_MS   (INT64_C(3600) * 1000)
#define AGAIN_MS (INT64_C(300) * 1000) /* after a failure */
#define AT_ONCE  64

static bool due(const struct plan *plan, int64_t now_ms)
{
    int64_t age_ms = now_ms - plan->price_at;

    return plan->stripe_price[0] != '\0' &&
           (!str_equal(plan->price_of, plan->stripe_price) ||
            age_ms >= (plan->price_fault[0] != '\0' ? AGAIN_MS : OLD_MS) || age_ms < 0);
}

/* Those that are due, at most AT_ONCE. Return how many, or -1. */
static int gather(struct db *db, struct plan *out, struct err *err)
{
    struct plan plan;
    struct txn *txn;
    struct scan scan;
    int got, count = 0;

    if (db_read(&txn, db, err) == -1)
        return -1;
    got = scan_start(&scan, txn, &plan_table, "stripe_price", NULL, 0, false, err) == -1 ? -1 : 1;
    while (got == 1 && count < AT_ONCE && (got = scan_next(&scan, &plan, err)) == 1)
        if (due(&plan, clock_wall_ms()))
            out[count++] = plan;
    db_read_end(txn);
    return got == -1 ? -1 : count;
}

/* What the plan is to say, from Stripe's own words. */
static void take(struct plan *plan, const struct stripe_price *price)
{
    int interval = price->interval[0] == '\0' ? PLAN_INTERVAL_ONCE
                                              : enum_find(plan_interval_names, price->interval);

    plan->price_amount = (uint64_t)price->amount;
    plan->price_active = price->active;
    plan->price_intervals = price->intervals;
    plan->price_interval = interval < 0 ? PLAN_INTERVAL_MONTH : (uint32_t)interval;
    plan->price_fault[0] = '\0';
    if (str_copy(plan->price_currency, sizeof plan->price_currency, price->currency) != 0 ||
        interval < 0 || !price->fixed)
        (void)str_copy(plan->price_fault, sizeof plan->price_fault,
                       "Stripe's price is not one fixed amount per period; say it in the plan's "
                       "description");
    else if (interval == PLAN_INTERVAL_ONCE)
        (void)str_copy(plan->price_fault, sizeof plan->price_fault,
                       "Stripe's price is paid once: a plan needs a recurring one");
    if (interval == PLAN_INTERVAL_ONCE)
        plan->price_active = false;
}

/* A plan that silently cannot be bought is worth a word. */
static int tell(struct txn *txn, const struct plan *plan, struct err *err)
{
    char text[300];

    if (!plan->offered || plan->price_active)
        return notice_clear(txn, "plan.price", plan->id, err);
    (void)str_format(text, sizeof text, "the plan %s cannot be bought: %s", plan->name,
                     plan->price_fault[0] != '\0' ? plan->price_fault
                                                  : "its price is archived at Stripe");
    return notice_raise(txn, "plan.price", plan->id, NOTICE_USUAL, text, err);
}

static int note(struct txn *txn, void *arg, struct err *err)
{
    const struct plan *read = arg;
    struct plan plan;
    int found;

    memset(&plan, 0, sizeof plan);
    (void)str_copy(plan.id, sizeof plan.id, read->id);
    if ((found = record_get(txn, &plan_table, &plan, err)) <= 0)
        return found;
    if (!str_equal(plan.stripe_price, read->stripe_price))
        return 0; /* it was given another one meanwhile */
    memcpy(plan.price_of, read->stripe_price, sizeof plan.price_of);
    memcpy(plan.price_currency, read->price_currency, sizeof plan.price_currency);
    memcpy(plan.price_fault, read->price_fault, sizeof plan.price_fault);
    plan.price_amount = read->price_amount;
    plan.price_interval = read->price_interval;
    plan.price_intervals = read->price_intervals;
    plan.price_active = read->price_active;
    plan.price_at = txn_time_ms(txn);
    return plan_price_put(txn, &plan, err) == 0 ? tell(txn, &plan, err) : -1;
}

/* Whether there is something to note: a Stripe that is down says nothing about a price that is
 * known. One that is not there cannot be bought; one that the key may not read perhaps can. */
static bool read_one(const struct stripe *stripe, struct plan *plan)
{
    struct stripe_price price;
    struct err why = {0};

    if (stripe_get_price(stripe, plan->stripe_price, &price, &why) == 0) {
        take(plan, &price);
        return true;
    }
    if (plan_price_known(plan) && why.kind != ERR_NOT_FOUND)
        return false;
    plan->price_active = why.kind != ERR_NOT_FOUND;
    (void)str_copy_n(plan->price_fault, sizeof plan->price_fault, why.text,
                     strnlen(why.text, sizeof plan->price_fault - 1));
    log_warning("the price of plan %s cannot be read: %s", plan->name, why.text);
    return true;
}

int price_watch_look(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct plan *plans = calloc(AT_ONCE, sizeof *plans);
    struct providers *p = outside_use(outside);
    int count = 0, result = 0;

    if (plans == NULL)
        result = err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to read prices");
    else if (p->stripe_set)
        result = count = gather(context->db, plans, err);
    for (int i = 0; result >= 0 && i < count; i++) {
        if (read_one(&p->stripe, &plans[i]) && db_write(context->db, note, &plans[i], err) == -1)
            result = -1;
    }
    outside_done(outside, p);
    free(plans);
    return result;
}

struct price_watch {
    const struct saga_context *context;
    struct outside *outside;
};

static void *watch_main(void *arg)
{
    const struct price_watch *w = arg;
    struct err err = {0};

    for (;; clock_sleep_ms(LOOK_MS))
        if (price_watch_look(w->context, w->outside, &err) == -1)
            log_warning("prices cannot be noted: %s", err.text);
    return NULL;
}

int price_watch_start(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct price_watch *w = calloc(1, sizeof *w); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to read prices");
    w->context = context;
    w->outside = outside;
    if ((rc = pthread_create(&thread, NULL, watch_main, w)) != 0) {
        free(w);
        return err_sys(err, "thread", rc, "the thread that reads prices");
    }
    (void)pthread_detach(thread);
    return 0;
}
