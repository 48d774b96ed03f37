/*
 * Acts on many tenants at once. Apart from what is done to one: each of many goes through the very
 * operation that one would, in one commit, and what cannot be done to one is said of that one and
 * does not hold up the others.
 */
#include "nouns.h"

#include "object.h"
#include "str.h"
#include "tenant_find.h"

#define AT_ONCE    100 /* unless more is asked for */
#define AT_MOST    1000
#define NAME_SHOWN 48
#define TEXT_SHOWN 120

enum act { ACT_SUSPEND, ACT_RESUME, ACT_RESTART, ACT_CLOSE, ACT_OPEN, ACT_PLAN, ACT_DELETE };
static const char *const act_names[] = {"suspend",         "resume", "restart", "maintenance_on",
                                        "maintenance_off", "plan",   "delete",  NULL};
/* The operation that does it to one, and what it is told besides which. */
static const struct {
    const char *op, *name, *value;
} acts[] = {
    [ACT_SUSPEND] = {"tenant.suspend", NULL, NULL},
    [ACT_RESUME] = {"tenant.resume", NULL, NULL},
    [ACT_RESTART] = {"tenant.restart", NULL, NULL},
    [ACT_CLOSE] = {"tenant.update", "maintenance", "true"},
    [ACT_OPEN] = {"tenant.update", "maintenance", "false"},
    [ACT_PLAN] = {"tenant.update", "plan", NULL},
    [ACT_DELETE] = {"tenant.delete", "action", "delete"},
};

struct bulk_params {
    uint32_t act;
    char ids[4000], new_plan[96], reason[240], confirm[16], starting_after[96];
    struct tenant_wish wish;
    bool all;
    uint32_t limit;
};
static const struct field bulk_rows[] = {
    FIELD(struct bulk_params, act, FIELD_ENUM, .names = act_names, .flags = FIELD_REQUIRED,
          .help = "what is to be done to each"),
    FIELD(struct bulk_params, ids, FIELD_TEXT,
          .help = "which: ids, numbers or subdomains, parted by commas; or by the filters:"),
    TENANT_WISH_FIELDS(struct bulk_params),
    FIELD(struct bulk_params, all, FIELD_BOOL, .help = "all there are, where no filter is given"),
    FIELD(struct bulk_params, new_plan, FIELD_TEXT, .help = "act plan: the plan to change to"),
    FIELD(struct bulk_params, reason, FIELD_TEXT, .help = "why, for the audit"),
    FIELD(struct bulk_params, confirm, FIELD_TEXT,
          .help = "act delete: how many it will be, as the plan says"),
    FIELD(struct bulk_params, limit, FIELD_U32, .min = 1, .max = AT_MOST,
          .help = "how many at once (100)"),
    FIELD(struct bulk_params, starting_after, FIELD_TEXT,
          .help = "go on: next of the answer before"),
};

static const struct field bulk_shape_rows[] = {
    {.name = "act", .type = FIELD_ENUM, .size = 4, .names = act_names, .help = "what was done"},
    {.name = "count", .type = FIELD_U32, .size = 4, .help = "how many were meant"},
    {.name = "started", .type = FIELD_U32, .size = 4, .help = "for so many a job was started"},
    {.name = "unchanged", .type = FIELD_U32, .size = 4, .help = "so many were so already"},
    {.name = "refused", .type = FIELD_U32, .size = 4, .help = "for so many it cannot be done"},
    {.name = "has_more", .type = FIELD_BOOL, .size = 1, .help = "more are meant than were taken"},
    {.name = "next", .type = FIELD_TEXT, .size = 96, .help = "where to go on"},
};
static const struct fields bulk_shape = {bulk_shape_rows,
                                         sizeof bulk_shape_rows / sizeof bulk_shape_rows[0], 0};

struct tally {
    unsigned count, started, unchanged, refused;
};

static bool by_filter(const struct bulk_params *p)
{
    const struct tenant_wish *w = &p->wish;

    return p->all || w->attention || w->q[0] != '\0' || w->state[0] != '\0' ||
           w->health[0] != '\0' || w->plan[0] != '\0' || w->customer_id[0] != '\0' ||
           w->runtime[0] != '\0' || w->subdomain[0] != '\0';
}

static int check(const struct op_call *call, const struct bulk_params *p, struct err *err)
{
    if ((p->ids[0] != '\0') == by_filter(p))
        return err_field(err, "ids", "which", "say which: either ids, or filters, or all");
    if ((p->act == ACT_PLAN) != (p->new_plan[0] != '\0'))
        return err_field(err, "new_plan", "new_plan", "new_plan goes with act plan");
    return p->act == ACT_DELETE && !call->plan ? op_fresh(call, err) : 0;
}

/* ---- one of them ---- */

static int give(const struct op *op, const char *name, const char *value, void *params,
                uint64_t *given, struct err *err)
{
    return value[0] == '\0' || fields_find(op->params, name) == NULL
               ? 0
               : params_one(op->params, name, value, params, given, err);
}

/* As if somebody had asked for it alone, within this change. What an act refuses it refuses before
 * it writes anything: nothing is taken back of one that fails here. */
static int act_on(struct op_call *call, const struct tenant *tenant, struct op_call *one,
                  struct err *err)
{
    const struct bulk_params *p = call->params;
    const struct op *op = op_find(acts[p->act].op);
    const char *value = p->act == ACT_PLAN ? p->new_plan : acts[p->act].value;
    void *params = calloc(1, op->params->struct_size);
    struct json_out ignored;
    struct buf answer;
    int r = -1;

    if (params == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an act");
    buf_init(&answer, 65536);
    json_out_init(&ignored, &answer);
    *one = (struct op_call){.op = op,
                            .box = call->box,
                            .actor = call->actor,
                            .params = params,
                            .txn = call->txn,
                            .out = &ignored};
    if (give(op, "id", tenant->id, params, &one->given, err) == 0 &&
        give(op, "reason", p->reason, params, &one->given, err) == 0 &&
        (acts[p->act].name == NULL ||
         give(op, acts[p->act].name, value, params, &one->given, err) == 0) &&
        op->run(one, err) == 0)
        r = one->unchanged ? 0 : op_audit(one, call->txn, "ok", err);
    call->wake = call->wake || one->wake || one->job_id[0] != '\0';
    free(params);
    buf_free(&answer);
    return r;
}

static void say(struct op_call *call, const struct tenant *tenant, const char *asked,
                const struct op_call *one, const struct err *why)
{
    struct json_out *j = call->out;
    char text[TEXT_SHOWN];

    json_out_object(j);
    json_out_key_text(j, "id", tenant == NULL ? asked : tenant->id);
    if (tenant != NULL) {
        str_cut(text, NAME_SHOWN, tenant->name);
        json_out_key_text(j, "name", text);
        json_out_key_u64(j, "number", tenant->number);
    }
    json_out_key_text(j, "result",
                      why != NULL                                ? "refused"
                      : one->job_id[0] == '\0' && one->unchanged ? "unchanged"
                      : one->job_id[0] == '\0'                   ? "done"
                                                                 : "started");
    if (why == NULL && one->job_id[0] != '\0' && !call->plan)
        json_out_key_text(j, "job", one->job_id);
    if (why != NULL) {
        str_cut(text, sizeof text, why->text);
        json_out_key_text(j, "code", why->code);
        json_out_key_text(j, "detail", text);
    }
    json_out_end_object(j);
}

/* What an operation refuses is said; an error of the store ends it all. */
static int take(struct op_call *call, const struct tenant *tenant, struct tally *tally,
                struct err *err)
{
    struct op_call one;
    struct err why = {0};

    tally->count++;
    if (act_on(call, tenant, &one, &why) == 0) {
        say(call, tenant, NULL, &one, NULL);
        tally->started += one.job_id[0] != '\0';
        tally->unchanged += one.job_id[0] == '\0' && one.unchanged;
        return 0;
    }
    if (err_http_status(why.kind) >= 500) {
        *err = why;
        return -1;
    }
    tally->refused++;
    say(call, tenant, NULL, &one, &why);
    return 0;
}

/* ---- all of them ---- */

static int take_ids(struct op_call *call, struct tally *tally, struct err *err)
{
    const struct bulk_params *p = call->params;
    struct tenant tenant;
    char id[96];

    for (const char *at = p->ids; *at != '\0';) {
        size_t len = strcspn(at, ",");
        int found = 0;

        memset(&tenant, 0, sizeof tenant);
        if (str_copy_n(id, sizeof id, at, len) == 0 &&
            (found = object_find(call, &tenant_table, id, &tenant, err)) < 0)
            return -1;
        at += len + (at[len] == ',');
        if (found == 1 && take(call, &tenant, tally, err) != 0)
            return -1;
        if (found == 0) {
            struct op_call none = {0};
            struct err why = {0};
            (void)err_set(&why, ERR_NOT_FOUND, "tenant_not_found", "there is no tenant %.60s", id);
            tally->count++;
            tally->refused++;
            say(call, NULL, id, &none, &why);
        }
    }
    return 0;
}

static int take_page(struct op_call *call, const struct tenant_page *page, struct tally *tally,
                     struct err *err)
{
    for (unsigned i = 0; page->at != NULL && i < page->count; i++)
        if (take(call, &page->at[i], tally, err) != 0)
            return -1;
    return 0;
}

static unsigned count_ids(const char *ids)
{
    unsigned n = ids[0] != '\0';

    for (; *ids != '\0'; ids++)
        n += *ids == ',' && ids[1] != '\0';
    return n;
}

/* Nobody deletes more, or others, than they have seen counted. */
static int confirmed(const struct op_call *call, unsigned count, struct err *err)
{
    const struct bulk_params *p = call->params;
    char wanted[16];

    (void)str_format(wanted, sizeof wanted, "%u", count);
    if (p->act != ACT_DELETE || call->plan || str_equal(p->confirm, wanted))
        return 0;
    (void)err_field(err, "confirm", "not_confirmed", "%s tenants would be deleted", wanted);
    return err_hint(err, "look at the plan, then confirm with the number of tenants: %s", wanted);
}

static int find(struct op_call *call, struct tenant_page *page, struct err *err)
{
    const struct bulk_params *p = call->params;
    struct list_params list = {.limit = 0};
    struct tenant_filter filter;

    (void)str_copy(list.starting_after, sizeof list.starting_after, p->starting_after);
    return tenant_filter_read(call, &p->wish, &filter, err) != 0
               ? -1
               : tenant_find(call, &filter, 0, &list, p->limit == 0 ? AT_ONCE : p->limit, page,
                             err);
}

static void say_end(struct op_call *call, const struct tally *t, const struct tenant_page *page)
{
    const struct bulk_params *p = call->params;
    struct json_out *j = call->out;

    json_out_key_text(j, "act", act_names[p->act]);
    json_out_key_u64(j, "count", t->count);
    json_out_key_u64(j, "started", t->started);
    json_out_key_u64(j, "unchanged", t->unchanged);
    json_out_key_u64(j, "refused", t->refused);
    json_out_key_bool(j, "has_more", page->has_more);
    json_out_key(j, "next");
    if (page->has_more)
        json_out_text(j, page->next);
    else
        json_out_null(j);
    (void)str_format(call->audit.reason, sizeof call->audit.reason,
                     "%s: %u meant, %u started, %u refused", act_names[p->act], t->count,
                     t->started, t->refused);
}

static int bulk(struct op_call *call, struct err *err)
{
    const struct bulk_params *p = call->params;
    struct json_out *j = call->out;
    struct tenant_page page = {.count = 0};
    struct tally tally = {0};
    int r = -1;

    if (check(call, p, err) != 0 || (p->ids[0] == '\0' && find(call, &page, err) != 0))
        return -1;
    if (confirmed(call, p->ids[0] != '\0' ? count_ids(p->ids) : page.count, err) == 0) {
        json_out_object(j);
        json_out_key_text(j, "object", "bulk");
        json_out_key(j, "results");
        json_out_array(j);
        r = p->ids[0] != '\0' ? take_ids(call, &tally, err) : take_page(call, &page, &tally, err);
        json_out_end_array(j);
        say_end(call, &tally, &page);
        json_out_end_object(j);
    }
    tenant_page_free(&page);
    return r;
}

const struct op tenant_many_ops[] = {
    {.name = "tenant.bulk",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_PREVIEW | OP_PARTIAL,
     .params = PARAMS(bulk_rows, struct bulk_params),
     .help = "Do the same to many tenants: those named, or all that filters mean",
     .example = "restart --state active --runtime docker",
     .result = &bulk_shape,
     .run = bulk},
    {.name = NULL},
};
