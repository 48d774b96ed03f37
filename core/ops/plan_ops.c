/* Plans: what is sold. Who may change one changes what customers pay for, so that is for admins. */
#include "plan.h"

#include "blueprint.h"
#include "container_engine.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "shared.h"
#include "snapshot_schedule.h"
#include "str.h"

struct plan_list_params {
    struct list_params list;
};
static const struct field plan_list_rows[] = {LIST_FIELDS(struct plan_list_params)};

struct plan_params {
    char id[96];
    char name[32], title[96], blueprint[32], stripe_price[64];
    uint64_t amount;
    char currency[4];
    uint32_t refund, past_due_days, delete_days;
    bool offered;
    uint32_t ingress_mode;
    uint32_t max_domains;
    char backup_at[SNAPSHOT_SCHEDULE_SIZE];
    uint32_t snapshots;
    char description[400], features[1200];
    uint32_t position;
    char engine[32];
    struct limits limits;
};

#define PLAN_ROWS                                                                                  \
    FIELD(struct plan_params, title, FIELD_TEXT, .help = "name for people"),                       \
        FIELD(struct plan_params, stripe_price, FIELD_TEXT,                                        \
              .help = "Stripe's id of the price, price_…"),                                        \
        FIELD(struct plan_params, amount, FIELD_U64,                                               \
              .help = "price a month, in the currency's smallest unit"),                           \
        FIELD(struct plan_params, currency, FIELD_TEXT, .min = 3, .max = 3,                        \
              .help = "ISO 4217 code, as in eur"),                                                 \
        FIELD(struct plan_params, refund, FIELD_ENUM, .names = plan_refund_names,                  \
              .help = "what a full refund does: flag, suspend or delete"),                         \
        FIELD(struct plan_params, past_due_days, FIELD_U32,                                        \
              .help = "days from past due to suspension; 4294967295: the box's setting"),          \
        FIELD(struct plan_params, delete_days, FIELD_U32,                                          \
              .help = "days from the end to deletion; 4294967295: the box's setting"),             \
        FIELD(struct plan_params, offered, FIELD_BOOL, .help = "can be bought (true)"),            \
        FIELD(struct plan_params, ingress_mode, FIELD_ENUM, .names = ingress_mode_names,           \
              .help = "own: a tunnel for each tenant; shared: one for many (inherit: the box's)"), \
        FIELD(struct plan_params, max_domains, FIELD_U32, .max = 10000,                            \
              .help = "own domains that a customer may add to a tenant (0: none)"),                \
        FIELD(struct plan_params, backup_at, FIELD_TEXT,                                           \
              .help = "a snapshot of each of its tenants at 00:00,12:00 (only the box's)"),        \
        FIELD(struct plan_params, snapshots, FIELD_ENUM, .names = plan_snapshots_names,            \
              .help = "what customers may: none, list their tenants' snapshots, or restore"),      \
        FIELD(struct plan_params, description, FIELD_TEXT,                                         \
              .help = "what the order page says of it"),                                           \
        FIELD(struct plan_params, features, FIELD_TEXT, .flags = FIELD_FREE,                       \
              .help = "what it comes with, a line each"),                                          \
        FIELD(struct plan_params, position, FIELD_U32, .max = 10000,                               \
              .help = "place on the order page, rising"),                                          \
        FIELD(struct plan_params, engine, FIELD_TEXT,                                              \
              .help = "engine on another machine that its tenants live on (this box's)"),          \
        PARAMS_GROUP("limits", "limits of a tenant, each 0: as the blueprint says"),               \
        LIMITS_FIELDS(struct plan_params)

static const struct field plan_create_rows[] = {
    FIELD(struct plan_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "short name, as in demo"),
    FIELD(struct plan_params, blueprint, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "blueprint that it sells, a file in the blueprints folder"),
    PLAN_ROWS,
};
static const struct field plan_update_rows[] = {
    ID_FIELD(struct plan_params),
    FIELD(struct plan_params, name, FIELD_TEXT, .flags = FIELD_SLUG, .min = 1,
          .help = "short name, as in demo"),
    FIELD(struct plan_params, blueprint, FIELD_TEXT, .flags = FIELD_SLUG, .min = 1,
          .help = "blueprint for tenants made from now on"),
    PLAN_ROWS,
};

static int plan_list(struct op_call *call, struct err *err)
{
    const struct plan_list_params *p = call->params;
    struct list list = {.view = &view_plan, .url = "/api/plans"};

    return list_reply(call, &p->list, &list, err);
}

static int plan_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct plan plan = {0};

    if (object_get(call, &plan_table, p->id, &plan, err) != 0)
        return -1;
    return object_reply(call, &view_plan, &plan, err);
}

static int check(const struct plan *plan, struct err *err)
{
    if (plan->amount > 0 && plan->currency[0] == '\0')
        return err_field(err, "currency", "required", "a price needs its currency");
    for (const char *c = plan->currency; *c != '\0'; c++)
        if (*c < 'a' || *c > 'z')
            return err_field(err, "currency", "bad_currency",
                             "currency must be three small letters, as in eur");
    return snapshot_schedule_check(plan->backup_at, err);
}

/* An engine that nobody added would be noticed by whoever buys. */
static int check_engine(struct txn *txn, const struct plan *plan, struct err *err)
{
    struct container_engine engine;
    int found =
        plan->engine[0] == '\0' ? 1 : container_engine_named(txn, plan->engine, &engine, err);

    if (found != 0)
        return found == 1 ? 0 : -1;
    (void)err_field(err, "engine", "engine_not_found", "there is no engine %s", plan->engine);
    return err_hint(err, "sett engine list; sett engine add %s URL", plan->engine);
}

/* A plan of a blueprint that is not there would sell what cannot be made. Read before the
 * transaction: a file is no business of one. */
static int plan_slow(struct op_call *call, struct err *err)
{
    const struct plan_params *p = call->params;
    struct blueprint *blueprint;
    struct err why = {0};
    int r;

    if (!op_given(call, "blueprint"))
        return 0;
    if ((blueprint = calloc(1, sizeof *blueprint)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a blueprint");
    r = blueprint_load(blueprint, call->box->paths.blueprints, p->blueprint, &why);
    if (r == 0 && p->engine[0] != '\0' && !str_equal(blueprint->runtime, "docker"))
        r = err_set(
            &why, ERR_INVALID, "engine_runtime",
            "its runtime is %s, and only containers of docker can be on an engine elsewhere",
            blueprint->runtime);
    free(blueprint);
    return r == 0 ? 0
                  : err_field(err, "blueprint", "blueprint_not_found", "blueprint %s: %s",
                              p->blueprint, why.text);
}

static int plan_create(struct op_call *call, struct err *err)
{
    struct plan plan = {
        .past_due_days = PLAN_DAYS_INHERIT, .delete_days = PLAN_DAYS_INHERIT, .offered = true};

    object_fill(call, &plan_table, &plan);
    if (plan.title[0] == '\0')
        (void)str_copy(plan.title, sizeof plan.title, plan.name);
    if (check(&plan, err) != 0 || check_engine(call->txn, &plan, err) != 0 ||
        plan_new(call->txn, &plan, err) != 0)
        return -1;
    call->wake = true; /* its price is to be read */
    object_after(call, &plan_table, &plan);
    (void)str_format(call->location, sizeof call->location, "/api/plans/%s", plan.id);
    return object_reply(call, &view_plan, &plan, err);
}

static int plan_update(struct op_call *call, struct err *err)
{
    const struct plan_params *p = call->params;
    struct plan plan = {0};

    if (object_get(call, &plan_table, p->id, &plan, err) != 0 ||
        object_match(call, &plan_table, &plan, err) != 0)
        return -1;
    object_before(call, &plan_table, &plan);
    object_fill(call, &plan_table, &plan);
    if (check(&plan, err) != 0 || check_engine(call->txn, &plan, err) != 0 ||
        plan_put(call->txn, &plan, err) != 0)
        return -1;
    object_after(call, &plan_table, &plan);
    return object_reply(call, &view_plan, &plan, err);
}

const struct op plan_ops[] = {
    {.name = "plan.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(plan_list_rows, struct plan_list_params),
     .help = "List plans, newest first",
     .example = "",
     .result = &plan_table.fields,
     .run = plan_list},
    {.name = "plan.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a plan",
     .example = "demo",
     .result = &plan_table.fields,
     .run = plan_show},
    {.name = "plan.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE,
     .params = PARAMS(plan_create_rows, struct plan_params),
     .help = "Make a plan of a blueprint",
     .example = "small site --amount 900 --currency eur --memory-bytes 268435456",
     .result = &plan_table.fields,
     .slow = plan_slow,
     .run = plan_create},
    {.name = "plan.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(plan_update_rows, struct plan_params),
     .help = "Change a plan, for tenants made or changed from now on",
     .example = "small --offered false",
     .result = &plan_table.fields,
     .slow = plan_slow,
     .run = plan_update},
    {.name = NULL},
};
