/* Which tunnels are meant. Apart from what is done with one because a list of 100,000 has to be as
 * quick as one of ten, whatever is asked of it. */
#include "tunnel_find.h"

#include "str.h"
#include "tenant.h"

enum kind { KIND_ANY, KIND_TENANT, KIND_ALONE, KIND_SHARED, KIND_CARRIED, KIND_ADOPTED };
static const char *const kind_names[] = {"any",     "tenant",  "alone", "shared",
                                         "carried", "adopted", NULL};

static const char *const sort_names[] = {"created",   "-created", "name",   "-name", "hostname",
                                         "-hostname", "state",    "-state", NULL};
static const struct find_sort sorts[] = {
    {NULL, NULL}, {"name", "name"}, {"hostname", "by_host"}, {"state", "state"}};
#define NEWEST_FIRST 1

static const struct field rows[] = {
    LIST_FIELDS(struct tunnel_list_params),
    FIELD(struct tunnel_list_params, q, FIELD_TEXT,
          .help = "with these words, or beginnings of them, in name, host name, number or tenant"),
    FIELD(struct tunnel_list_params, state, FIELD_TEXT,
          .help = "only in this state, or these, parted by commas"),
    FIELD(struct tunnel_list_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this tenant"),
    FIELD(struct tunnel_list_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only of this customer"),
    FIELD(struct tunnel_list_params, carrier_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only those that go by this shared tunnel"),
    FIELD(struct tunnel_list_params, hostname, FIELD_TEXT, .help = "only for this host name"),
    FIELD(struct tunnel_list_params, kind, FIELD_ENUM, .names = kind_names,
          .help = "only tenants', those that stand alone, shared ones, those carried by a shared "
                  "one, or adopted ones"),
    FIELD(struct tunnel_list_params, trouble, FIELD_BOOL,
          .help = "only those that a person should look at"),
    FIELD(struct tunnel_list_params, deleted, FIELD_BOOL, .help = "also those that are deleted"),
    FIELD(struct tunnel_list_params, sort, FIELD_ENUM, .names = sort_names,
          .help = "in which order (-created); with - the other way round"),
    FIELD(struct tunnel_list_params, totals, FIELD_BOOL,
          .help = "also say how many there are of each state"),
};
const struct fields tunnel_list_fields = {rows, sizeof rows / sizeof rows[0],
                                          sizeof(struct tunnel_list_params)};

/* A wish with its names looked up. */
struct filter {
    struct find_words words;
    uint32_t states; /* a bit for each; 0: any but deleted ones */
    enum kind kind;
    bool trouble, deleted, totals, nothing;
    struct tunnel want; /* id, tenant_id, customer_id, carrier_id, hostname; "": any */
};

/* ---- the filter ---- */

static int read_filter(struct op_call *call, struct filter *f, struct err *err)
{
    const struct tunnel_list_params *p = call->params;
    uint8_t bytes[ID_BYTES];

    memset(f, 0, sizeof *f);
    f->kind = (enum kind)p->kind;
    f->trouble = p->trouble;
    f->deleted = p->deleted;
    f->totals = p->totals;
    (void)str_copy(f->want.hostname, sizeof f->want.hostname, p->hostname);
    if (id_bytes(p->q, tunnel_table.prefix, bytes) == 0)
        (void)str_copy(f->want.id, sizeof f->want.id, p->q);
    else
        find_words_read(&f->words, p->q);
    if (find_set("state", tunnel_state_names, p->state, &f->states, err) != 0 ||
        find_refer(call, &tenant_table, "tenant_id", p->tenant_id, f->want.tenant_id, err) != 0 ||
        find_refer(call, &tunnel_table, "carrier_id", p->carrier_id, f->want.carrier_id, err) != 0)
        return -1;
    return find_refer_customer(call, p->customer_id, f->want.customer_id, err);
}

static bool of_kind(enum kind kind, const struct tunnel *t)
{
    switch (kind) {
    case KIND_ANY:
        return true;
    case KIND_TENANT:
        return t->tenant_id[0] != '\0';
    case KIND_ALONE:
        return t->tenant_id[0] == '\0' && !t->shared;
    case KIND_SHARED:
        return t->shared;
    case KIND_CARRIED:
        return t->carrier_id[0] != '\0';
    case KIND_ADOPTED:
        return t->adopted;
    }
    return false;
}

static int fits(struct op_call *call, const void *filter, const void *record, struct err *err)
{
    const struct filter *f = filter;
    const struct tunnel *t = record;

    if (f->states != 0 ? (f->states >> t->state & 1) == 0
                       : t->state == TUNNEL_DELETED && !f->deleted)
        return 0;
    if ((f->trouble && !tunnel_troubled(t)) || !of_kind(f->kind, t) ||
        !find_wanted(f->want.id, t->id) || !find_wanted(f->want.tenant_id, t->tenant_id) ||
        !find_wanted(f->want.customer_id, t->customer_id) ||
        !find_wanted(f->want.carrier_id, t->carrier_id) ||
        !find_wanted(f->want.hostname, t->hostname))
        return 0;
    return find_words_fit(call, &f->words, t->words, t->tenant_id, err);
}

/* ---- the ways ---- */

static int take_word(struct op_call *call, struct find_ids *ids, const char *word, struct err *err)
{
    struct scan scan;

    if (scan_words(&scan, call->txn, &tunnel_table, "words", word, err) != 0)
        return -1;
    return find_walk(ids, &scan, err);
}

static int way(struct op_call *call, const void *filter, unsigned nth, struct find_ids *ids,
               struct err *err)
{
    const struct filter *f = filter;
    struct tunnel shared = {.shared = true};
    int r = 0;

    switch (nth) {
    case 0:
        if (f->want.id[0] != '\0')
            find_add(ids, f->want.id);
        else
            ids->over = true;
        break;
    case 1:
        r = find_text(call, ids, &tunnel_table, "hostname", &f->want, err);
        break;
    case 2:
        r = find_text(call, ids, &tunnel_table, "tenant_id", &f->want, err);
        break;
    case 3:
        r = find_text(call, ids, &tunnel_table, "customer_id", &f->want, err);
        break;
    case 4:
        r = find_text(call, ids, &tunnel_table, "carrier_id", &f->want, err);
        break;
    case 5:
        if (f->kind == KIND_SHARED)
            r = find_equal(call, ids, &tunnel_table, "shared", &shared, err);
        else
            ids->over = true;
        break;
    case 6:
        if (f->trouble)
            r = take_word(call, ids, TUNNEL_WORD_TROUBLE, err);
        else
            ids->over = true;
        break;
    case 7:
        if (f->states != 0)
            r = find_states(call, ids, &tunnel_table, f->states, err);
        else
            ids->over = true;
        break;
    default:
        if (nth - 8 >= f->words.count)
            return 0;
        if ((r = take_word(call, ids, f->words.at[nth - 8], err)) == 0)
            r = find_words_tenants(call, ids, &tunnel_table, f->words.at[nth - 8], err);
    }
    return r != 0 ? -1 : 1;
}

/* ---- how many ---- */

/* Most are active: they are what is left of all, so that they need not be counted. "errors" are
 * those that a person should look at, whatever their state. */
static int write_totals(struct op_call *call, struct json_out *j, struct err *err)
{
    int64_t counts[TUNNEL_FAILED + 1], all = record_count(call->txn, &tunnel_table, err), active;
    struct scan scan;
    int64_t trouble;

    if ((active = all) < 0)
        return -1;
    for (unsigned i = 0; i <= TUNNEL_FAILED; i++) {
        if (i == TUNNEL_ACTIVE)
            continue;
        if ((counts[i] = find_count_states(call, &tunnel_table, 1u << i, err)) < 0)
            return -1;
        active -= counts[i];
    }
    if (scan_words(&scan, call->txn, &tunnel_table, "words", TUNNEL_WORD_TROUBLE, err) != 0 ||
        (trouble = scan_count(&scan, err)) < 0)
        return -1;
    json_out_key_i64(j, "all", all - counts[TUNNEL_DELETED]);
    json_out_key_i64(j, "active", active < 0 ? 0 : active);
    json_out_key_i64(j, "provisioning", counts[TUNNEL_PROVISIONING]);
    json_out_key_i64(j, "errors", trouble);
    json_out_key_i64(j, "paused", counts[TUNNEL_PAUSED]);
    json_out_key_i64(j, "deleting", counts[TUNNEL_DELETING]);
    json_out_key_i64(j, "failed", counts[TUNNEL_FAILED]);
    return 0;
}

/* Of all, not of what is searched for: they are what one chooses from. Not a customer's to know. */
static int more(struct op_call *call, const void *filter, struct err *err)
{
    const struct filter *f = filter;
    struct json_out *j = call->out;

    if (!f->totals || call->actor.role == ROLE_CUSTOMER)
        return 0;
    json_out_key(j, "totals");
    json_out_object(j);
    if (write_totals(call, j, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

static bool asks_nothing(const struct filter *f)
{
    return f->words.count == 0 && f->states == 0 && f->kind == KIND_ANY && !f->trouble &&
           f->want.id[0] == '\0' && f->want.tenant_id[0] == '\0' &&
           f->want.customer_id[0] == '\0' && f->want.carrier_id[0] == '\0' &&
           f->want.hostname[0] == '\0';
}

int tunnel_list_run(struct op_call *call, struct err *err)
{
    const struct tunnel_list_params *p = call->params;
    struct filter f;
    struct find find = {.view = &view_tunnel,
                        .url = "/api/tunnels",
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
         (find.all =
              find_count_but(call, &tunnel_table, f.deleted ? 0 : 1u << TUNNEL_DELETED, err)) < 0))
        return -1;
    return find_reply(call, &p->list, &find, err);
}
