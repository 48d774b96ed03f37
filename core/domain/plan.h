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
};
extern const struct table plan_table; /* key id; unique: name, stripe_price */

/** plan_resolve(txn, text, plan, err): by id or by name. Return 1, 0 or -1. */
int plan_resolve(struct txn *txn, const char *text, struct plan *plan, struct err *err);

/** plan_by_price(txn, stripe_price, plan, err): Return 1, 0 or -1. */
int plan_by_price(struct txn *txn, const char *stripe_price, struct plan *plan, struct err *err);

/** plan_new(txn, plan, err): insert with a fresh id and times; the name must be a slug. 0 or -1. */
int plan_new(struct txn *txn, struct plan *plan, struct err *err);

/** plan_put(txn, plan, err): store a changed one; updated_at is set here. 0 or -1. */
int plan_put(struct txn *txn, struct plan *plan, struct err *err);

#endif
