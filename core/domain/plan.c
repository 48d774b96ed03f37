/* Plans: their table, and how one is found and made. Apart because prices change more often than
 * anything they are attached to. */
#include "plan.h"

#include "name.h"
#include "shared.h"
#include "str.h"

#include <string.h>

const char *const plan_snapshots_names[] = {"none", "list", "restore", NULL};
const char *const plan_refund_names[] = {"flag", "suspend", "delete", NULL};

const char *const plan_interval_names[] = {"once", "day", "week", "month", "year", NULL};

static const struct field rows[] = {
    FIELD(struct plan, id, FIELD_ID, .ref_prefix = "pl"),
    FIELD(struct plan, name, FIELD_TEXT, .help = "short name, as in \"demo\""),
    FIELD(struct plan, title, FIELD_TEXT, .help = "name for people"),
    FIELD(struct plan, blueprint, FIELD_TEXT, .help = "blueprint that it sells"),
    FIELD(struct plan, stripe_price, FIELD_TEXT, .help = "Stripe's id of the price"),
    FIELD(struct plan, amount, FIELD_U64, .help = "price in the currency's smallest unit"),
    FIELD(struct plan, currency, FIELD_TEXT, .help = "ISO 4217 code in lower case"),
    FIELD(struct plan, refund, FIELD_ENUM, .names = plan_refund_names,
          .help = "what a full refund does"),
    FIELD(struct plan, past_due_days, FIELD_U32, .flags = FIELD_OPEN,
          .help = "days from past due to suspension; null: the box's setting"),
    FIELD(struct plan, delete_days, FIELD_U32, .flags = FIELD_OPEN,
          .help = "days from the end to deletion; null: the box's setting"),
    FIELD(struct plan, offered, FIELD_BOOL, .help = "can be bought"),
    LIMITS_FIELDS(struct plan),
    FIELD(struct plan, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct plan, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct plan, ingress_mode, FIELD_ENUM, 2, .names = ingress_mode_names,
                .help = "whether its tenants share a tunnel; inherit: the box's setting"),
    FIELD_SINCE(struct plan, max_domains, FIELD_U32, 3,
                .help = "own domains that a customer may add to a tenant, 0: none"),
    FIELD_SINCE(struct plan, backup_at, FIELD_TEXT, 4,
                .help = "times at which a snapshot of each of its tenants is made"),
    FIELD_SINCE(struct plan, snapshots, FIELD_ENUM, 5, .names = plan_snapshots_names,
                .help = "what customers may: none, list snapshots of their tenants, or restore"),
    FIELD_SINCE(struct plan, description, FIELD_TEXT, 6, .help = "what the order page says of it"),
    FIELD_SINCE(struct plan, features, FIELD_TEXT, 6, .flags = FIELD_FREE,
                .help = "what it comes with, a line each"),
    FIELD_SINCE(struct plan, position, FIELD_U32, 6, .help = "place on the order page, rising"),
    FIELD_SINCE(struct plan, price_of, FIELD_TEXT, 6, .flags = FIELD_HIDDEN),
    FIELD_SINCE(struct plan, price_amount, FIELD_U64, 6,
                .help = "what Stripe asks for it, in the currency's smallest unit"),
    FIELD_SINCE(struct plan, price_currency, FIELD_TEXT, 6, .help = "in which currency"),
    FIELD_SINCE(struct plan, price_interval, FIELD_ENUM, 6, .names = plan_interval_names,
                .help = "how often: once, day, week, month or year"),
    FIELD_SINCE(struct plan, price_intervals, FIELD_U32, 6, .help = "so many of them are a period"),
    FIELD_SINCE(struct plan, price_active, FIELD_BOOL, 6, .help = "Stripe sells at it"),
    FIELD_SINCE(struct plan, price_fault, FIELD_TEXT, 6, .help = "why the price is not known"),
    FIELD_SINCE(struct plan, price_at, FIELD_TIME, 6, .help = "the price was read at Stripe at"),
    FIELD_SINCE(struct plan, engine, FIELD_TEXT, 7,
                .help = "engine on another machine that its tenants live on; empty: this box"),
};

static const struct index indexes[] = {
    {.name = "name", .id = 131, .unique = true, .fields = {"name"}},
    {.name = "stripe_price", .id = 132, .unique = true, .sparse = true, .fields = {"stripe_price"}},
};

const struct table plan_table = {
    .name = "plans",
    .noun = "plan",
    .id = 2,
    .version = 7,
    .prefix = "pl",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct plan)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "plan"},
};

int plan_resolve(struct txn *txn, const char *text, struct plan *plan, struct err *err)
{
    char wanted[256]; /* the text may lie in the record itself */

    if (str_copy(wanted, sizeof wanted, text) != 0)
        return 0;
    memset(plan, 0, sizeof *plan);
    if (str_starts(wanted, "pl_")) {
        if (str_copy(plan->id, sizeof plan->id, wanted) != 0)
            return 0;
        return record_get(txn, &plan_table, plan, err);
    }
    if (wanted[0] == '\0' || str_copy(plan->name, sizeof plan->name, wanted) != 0)
        return 0;
    return record_find(txn, &plan_table, "name", plan, err);
}

int plan_by_price(struct txn *txn, const char *stripe_price, struct plan *plan, struct err *err)
{
    memset(plan, 0, sizeof *plan);
    if (stripe_price[0] == '\0' ||
        str_copy(plan->stripe_price, sizeof plan->stripe_price, stripe_price) != 0)
        return 0;
    return record_find(txn, &plan_table, "stripe_price", plan, err);
}

int plan_new(struct txn *txn, struct plan *plan, struct err *err)
{
    const char *fault = name_shape(plan->name);

    if (fault != NULL)
        return err_field(err, "name", "name_invalid", "the plan's name \"%s\" %s", plan->name,
                         fault);
    id_make(plan->id, plan_table.prefix);
    plan->created_at = plan->updated_at = txn_time_ms(txn);
    return record_insert(txn, &plan_table, plan, err);
}

int plan_put(struct txn *txn, struct plan *plan, struct err *err)
{
    plan->updated_at = txn_time_ms(txn);
    return record_put(txn, &plan_table, plan, err);
}

int plan_price_put(struct txn *txn, struct plan *plan, struct err *err)
{
    return record_put(txn, &plan_table, plan, err);
}

bool plan_price_known(const struct plan *plan)
{
    return plan->price_of[0] != '\0' && plan->price_fault[0] == '\0' &&
           str_equal(plan->price_of, plan->stripe_price);
}

bool plan_for_sale(const struct plan *plan)
{
    return plan->offered && plan->stripe_price[0] != '\0' &&
           (!str_equal(plan->price_of, plan->stripe_price) || plan->price_active);
}
