/* Which domains are meant. Apart from what is done with one because there may be as many as
 * tenants, and those whose time runs out are wanted first. */
#include "domain_find.h"

#include "custom_domain.h"
#include "domain_change.h"
#include "find.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tenant.h"

static const char *const sort_names[] = {"created",  "-created",  "name", "-name",
                                         "deadline", "-deadline", NULL};
static const struct find_sort sorts[] = {{NULL, NULL}, {"name", "name"}, {"deadline_at", NULL}};
#define NEWEST_FIRST 1
#define BY_DEADLINE  2 /* the row of sorts */

#define WAITING (1u << DOMAIN_PENDING)
#define MOVING                                                                                     \
    (1u << DOMAIN_ADDING | 1u << DOMAIN_ROUTING | 1u << DOMAIN_VERIFYING | 1u << DOMAIN_REMOVING)
#define TROUBLED (1u << DOMAIN_MOVED | 1u << DOMAIN_LOST | 1u << DOMAIN_FAILED)
#define COUNTING (WAITING | 1u << DOMAIN_MOVED | 1u << DOMAIN_LOST) /* that have a deadline */

struct domain_list_params {
    struct list_params list;
    char q[160], state[96], tenant_id[96], customer_id[96], name[256];
    uint32_t via, sort;
    bool trouble, deleted, totals;
};
static const struct field rows[] = {
    LIST_FIELDS(struct domain_list_params),
    FIELD(struct domain_list_params, q, FIELD_TEXT,
          .help = "with these words, or beginnings of them, in its name or its tenant's"),
    FIELD(struct domain_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this tenant"),
    FIELD(struct domain_list_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this customer"),
    FIELD(struct domain_list_params, state, FIELD_TEXT,
          .help = "only in this state, or these, parted by commas"),
    FIELD(struct domain_list_params, via, FIELD_ENUM, .names = domain_via_names,
          .help = "only by this way"),
    FIELD(struct domain_list_params, name, FIELD_TEXT, .help = "only of this name"),
    FIELD(struct domain_list_params, trouble, FIELD_BOOL,
          .help = "only those that a person should look at: moved, lost or failed"),
    FIELD(struct domain_list_params, deleted, FIELD_BOOL, .help = "also those that are removed"),
    FIELD(struct domain_list_params, sort, FIELD_ENUM, .names = sort_names,
          .help = "in which order (-created); by deadline: only those that have one"),
    FIELD(struct domain_list_params, totals, FIELD_BOOL,
          .help = "also say how many there are of each state"),
};
const struct fields domain_list_fields = {rows, sizeof rows / sizeof rows[0],
                                          sizeof(struct domain_list_params)};

struct filter {
    struct find_words words;
    uint32_t states; /* a bit for each; 0: any but removed ones */
    bool by_via, by_deadline, deleted, totals;
    struct custom_domain want; /* tenant_id, customer_id, name, via */
};

/* ---- the filter ---- */

static int read_filter(struct op_call *call, struct filter *f, struct err *err)
{
    const struct domain_list_params *p = call->params;

    memset(f, 0, sizeof *f);
    f->by_via = op_given(call, "via");
    f->by_deadline = op_given(call, "sort") && p->sort / 2 == BY_DEADLINE;
    f->deleted = p->deleted;
    f->totals = p->totals;
    f->want.via = p->via;
    find_words_read(&f->words, p->q);
    if (find_set("state", domain_state_names, p->state, &f->states, err) != 0)
        return -1;
    if (p->trouble)
        f->states = f->states == 0 ? TROUBLED : f->states & TROUBLED;
    if (p->name[0] != '\0' && domain_change_name(p->name, f->want.name, err) != 0)
        return -1;
    if (find_refer(call, &tenant_table, "tenant_id", p->tenant_id, f->want.tenant_id, err) != 0)
        return -1;
    return find_refer_customer(call, p->customer_id, f->want.customer_id, err);
}

/* Its own words and its tenant's names, but not those of the tenant's other domains. */
static int words_fit(struct op_call *call, const struct filter *f, const struct custom_domain *d,
                     struct err *err)
{
    struct tenant tenant = {0};
    char own[512] = "";

    (void)str_copy(tenant.id, sizeof tenant.id, d->tenant_id);
    if (tenant.id[0] != '\0' && record_get(call->txn, &tenant_table, &tenant, err) < 0)
        return -1;
    fold_words(own, sizeof own, d->name);
    fold_words(own, sizeof own, d->unicode);
    fold_words(own, sizeof own, tenant.name);
    fold_words(own, sizeof own, tenant.subdomain);
    return find_words_fit(call, &f->words, own, "", err);
}

static int fits(struct op_call *call, const void *filter, const void *record, struct err *err)
{
    const struct filter *f = filter;
    const struct custom_domain *d = record;

    if (f->states != 0 ? (f->states >> d->state & 1) == 0
                       : d->state == DOMAIN_REMOVED && !f->deleted)
        return 0;
    if ((f->by_via && d->via != f->want.via) || (f->by_deadline && d->deadline_at == 0) ||
        !find_wanted(f->want.tenant_id, d->tenant_id) ||
        !find_wanted(f->want.customer_id, d->customer_id) || !find_wanted(f->want.name, d->name))
        return 0;
    return f->words.count == 0 ? 1 : words_fit(call, f, d, err);
}

/* ---- the ways ---- */

/* Names that begin so, removed ones among them; a tenant's words have those of its domains. */
static int take_word(struct op_call *call, struct find_ids *ids, const char *word, struct err *err)
{
    struct custom_domain d = {0};
    struct scan scan;
    int found = 0;

    (void)str_copy(d.name, sizeof d.name, word);
    if (find_words_tenants(call, ids, &custom_domain_table, word, err) != 0 ||
        scan_start(&scan, call->txn, &custom_domain_table, "name", NULL, 0, false, err) != 0 ||
        scan_from(&scan, &d, 1, err) != 0)
        return -1;
    while (!ids->over && (found = scan_next(&scan, &d, err)) == 1 && str_starts(d.name, word))
        find_add(ids, d.id);
    return found < 0 ? -1 : 0;
}

static int way(struct op_call *call, const void *filter, unsigned nth, struct find_ids *ids,
               struct err *err)
{
    const struct filter *f = filter;
    int r = 0;

    switch (nth) {
    case 0:
        r = find_text(call, ids, &custom_domain_table, "name", &f->want, err);
        break;
    case 1:
        r = find_text(call, ids, &custom_domain_table, "tenant_id", &f->want, err);
        break;
    case 2:
        r = find_text(call, ids, &custom_domain_table, "customer_id", &f->want, err);
        break;
    case 3:
        if (f->states != 0 || f->by_deadline)
            r = find_states(call, ids, &custom_domain_table, f->states != 0 ? f->states : COUNTING,
                            err);
        else
            ids->over = true;
        break;
    default:
        if (nth - 4 >= f->words.count)
            return 0;
        r = take_word(call, ids, f->words.at[nth - 4], err);
    }
    return r != 0 ? -1 : 1;
}

/* ---- how many ---- */

static const struct {
    const char *name;
    uint32_t states;
} totals[] = {{"waiting", WAITING}, {"working", MOVING}, {"errors", TROUBLED}};

/* Of all, not of what is searched for. Not a customer's to know. */
static int more(struct op_call *call, const void *filter, struct err *err)
{
    const struct filter *f = filter;
    struct json_out *j = call->out;
    int64_t all = record_count(call->txn, &custom_domain_table, err), count, active;

    if (!f->totals || call->actor.role == ROLE_CUSTOMER)
        return 0;
    if (all < 0 ||
        (count = find_count_states(call, &custom_domain_table, 1u << DOMAIN_REMOVED, err)) < 0)
        return -1;
    active = all -= count;
    json_out_key(j, "totals");
    json_out_object(j);
    json_out_key_i64(j, "all", all);
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        if ((count = find_count_states(call, &custom_domain_table, totals[i].states, err)) < 0)
            return -1;
        json_out_key_i64(j, totals[i].name, count);
        active -= count;
    }
    json_out_key_i64(j, "active", active);
    json_out_end_object(j);
    return 0;
}

static bool asks_nothing(const struct filter *f)
{
    return f->words.count == 0 && f->states == 0 && !f->by_via && !f->by_deadline &&
           f->want.tenant_id[0] == '\0' && f->want.customer_id[0] == '\0' &&
           f->want.name[0] == '\0';
}

int domain_list_run(struct op_call *call, struct err *err)
{
    const struct domain_list_params *p = call->params;
    struct filter f;
    struct find find = {.view = &view_domain,
                        .url = "/api/domains",
                        .sorts = sorts,
                        .sort_names = sort_names,
                        .sort = op_given(call, "sort") ? p->sort : NEWEST_FIRST,
                        .filter = &f,
                        .way = way,
                        .fits = fits,
                        .all = -1,
                        .more = more};

    if (read_filter(call, &f, err) != 0 ||
        (asks_nothing(&f) &&
         (find.all = find_count_but(call, &custom_domain_table,
                                    f.deleted ? 0 : 1u << DOMAIN_REMOVED, err)) < 0))
        return -1;
    return find_reply(call, &p->list, &find, err);
}
