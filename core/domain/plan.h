#ifndef SETT_PLAN_H
#define SETT_PLAN_H
/* What is sold: a blueprint with limits at a Stripe price. */
#include "db.h"
#include "id.h"
#include "resource_limits.h"

enum plan_refund { PLAN_REFUND_FLAG, PLAN_REFUND_SUSPEND, PLAN_REFUND_DELETE };
extern const char *const plan_refund_names[];

#define PLAN_DAYS_INHERIT UINT32_C(0xffffffff) /* the setting of the box holds */

/* What customers may do with snapshots of their tenants. */
enum plan_snapshots { PLAN_SNAPSHOTS_NONE, PLAN_SNAPSHOTS_LIST, PLAN_SNAPSHOTS_RESTORE };
extern const char *const plan_snapshots_names[];

/* How often it is paid. */
enum plan_interval {
    PLAN_INTERVAL_ONCE,
    PLAN_INTERVAL_DAY,
    PLAN_INTERVAL_WEEK,
    PLAN_INTERVAL_MONTH,
    PLAN_INTERVAL_YEAR
};
extern const char *const plan_interval_names[];

struct plan {
    char id[ID_SIZE];
    char name[32]; /* slug, unique: "demo" */
    char title[96];
    char blueprint[32];
    char stripe_price[64]; /* unique when set */
    uint64_t amount;       /* smallest unit of the currency */
    char currency[4];
    uint32_t refund; /* enum plan_refund */
    uint32_t past_due_days, delete_days;
    bool offered; /* shown and sold; false: only those who have it keep it */
    struct limits limits;
    int64_t created_at, updated_at;
    uint32_t ingress_mode; /* enum ingress_mode (shared.h) of its tenants */
    char backup_at[152];  /* when its tenants are snapshot besides the box's: snapshot_schedule.h */
    uint32_t snapshots;   /* enum plan_snapshots */
    uint32_t max_domains; /* own domains that a customer may add to a tenant; 0: none */
    /* What the order page says of it. */
    char description[400];
    char features[1200]; /* a line each */
    uint32_t position;   /* on the page, rising; 0 as the first */
    /* The price as Stripe has it, read by the worker; what a buyer is asked for. */
    char price_of[64]; /* the id that it was read of; another one than stripe_price: not known */
    uint64_t price_amount;
    char price_currency[4];
    uint32_t price_interval, price_intervals; /* enum plan_interval; so many are a period */
    bool price_active;                        /* false: archived or not there, cannot be bought */
    char price_fault[240];                    /* why it could not be read, or cannot be shown */
    int64_t price_at;                         /* read at */
    char engine[32]; /* its tenants live on this one (container_engine.h); "": as the blueprint says
                      */
};
extern const struct table plan_table; /* key id; unique: name, stripe_price */

/** plan_resolve(txn, text, plan, err): by id or by name. Return 1, 0 or -1. */
int plan_resolve(struct txn *txn, const char *text, struct plan *plan, struct err *err);

/** plan_by_price(txn, stripe_price, plan, err): Return 1, 0 or -1. */
int plan_by_price(struct txn *txn, const char *stripe_price, struct plan *plan, struct err *err);

/** plan_new(txn, plan, err): insert with a fresh id and times; the name must be a slug. 0 or -1. */
int plan_new(struct txn *txn, struct plan *plan, struct err *err);

/** plan_price_known(plan): whether what Stripe asks for it is known. */
bool plan_price_known(const struct plan *plan);

/** plan_for_sale(plan): whether it can be bought: offered, at a price that Stripe sells at or that
 * was not read yet. */
bool plan_for_sale(const struct plan *plan);

/** plan_price_put(txn, plan, err): store what was read of its price; whoever changes the plan
 * meanwhile is in nobody's way, so updated_at stays. 0 or -1. */
int plan_price_put(struct txn *txn, struct plan *plan, struct err *err);

/** plan_put(txn, plan, err): store a changed one; updated_at is set here. 0 or -1. */
int plan_put(struct txn *txn, struct plan *plan, struct err *err);

#endif
