/*
 * Everything by what a person types: an id or its beginning, a number, words or their beginnings.
 * For the palette of the admin, so it answers while somebody types: a few records are read,
 * whatever the size of the box.
 */
#include "op.h"

#include <stdlib.h>
#include <string.h>

#include "custom_domain.h"
#include "customer.h"
#include "fold.h"
#include "job.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "snapshot.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"
#include "tenant_find.h"
#include "tunnel.h"
#include "user.h"

#define MOST      20 /* found in all */
#define EACH_MOST 6  /* of a kind */
#define LOOK_MOST 60 /* records read for one beginning */
#define ID_DIGITS 26

/* Where something is looked for, in the order in which it is shown. Names are of fields. */
struct source {
    const struct table *table;
    const char *object, *op; /* op: who may see its list may find it */
    const char *page;        /* of the admin, before the id */
    const char *title, *detail, *state;
    const char *by[3]; /* indexes whose first field may begin with what is sought */
};

static const struct source sources[] = {
    {&tenant_table,
     "tenant",
     "tenant.list",
     "/admin/tenants/",
     "name",
     "url",
     "state",
     {"subdomain"}},
    {&tunnel_table,
     "tunnel",
     "tunnel.list",
     "/admin/tunnels/",
     "hostname",
     "name",
     "state",
     {"hostname", "name"}},
    {&custom_domain_table,
     "domain",
     "domain.list",
     "/admin/domains/",
     "unicode",
     "name",
     "state",
     {"name"}},
    {&customer_table,
     "customer",
     "customer.list",
     "/admin/customers/",
     "name",
     "email",
     NULL,
     {"email"}},
    {&job_table, "job", "job.list", "/admin/jobs/", "saga", "subject", "state", {NULL}},
    {&snapshot_table,
     "snapshot",
     "snapshot.list",
     "/admin/backups/",
     "file",
     "number",
     "state",
     {NULL}},
    {&subscription_table,
     "subscription",
     "subscription.list",
     "/admin/customers/",
     "stripe_subscription",
     "wanted_name",
     "status",
     {"stripe_subscription"}},
    {&plan_table, "plan", "plan.list", "/admin/plans?id=", "title", "name", NULL, {"name"}},
    {&user_table, "user", "user.list", "/admin/users?id=", "name", NULL, "role", {"name"}},
};

struct found {
    const struct source *source;
    char id[ID_SIZE];
};

struct search {
    struct op_call *call;
    char wanted[160]; /* in small letters */
    struct found at[MOST];
    unsigned count, of_kind;
};

static void value_of(const struct table *table, const char *name, const void *record, char *out,
                     size_t size)
{
    const struct field *f = name == NULL ? NULL : fields_find(&table->fields, name);
    uint64_t n;

    out[0] = '\0';
    if (f == NULL)
        return;
    n = fields_get_u64(f, record);
    if (f->type == FIELD_TEXT || f->type == FIELD_ID)
        str_cut(out, size, (const char *)record + f->offset);
    else if (f->type == FIELD_ENUM)
        str_cut(out, size, f->names[n]);
    else
        (void)str_format(out, size, "%llu", (unsigned long long)n);
}

static bool is_over(const struct source *s, const void *record)
{
    char state[32];

    value_of(s->table, s->state, record, state, sizeof state);
    return str_equal(state, "deleted") || str_equal(state, "removed");
}

static void write_found(struct search *s, const struct source *source, const void *record)
{
    struct json_out *j = s->call->out;
    char id[ID_SIZE], text[300], page[96];
    const char *at = source->page;

    value_of(source->table, source->table->key[0], record, id, sizeof id);
    json_out_object(j);
    json_out_key_text(j, "object", source->object);
    json_out_key_text(j, "id", id);
    value_of(source->table, source->title, record, text, sizeof text);
    if (text[0] == '\0')
        value_of(source->table, source->detail, record, text, sizeof text);
    json_out_key_text(j, "title", text[0] == '\0' ? id : text);
    value_of(source->table, source->detail, record, text, sizeof text);
    json_out_key_text(j, "detail", text);
    if (source->state != NULL) {
        value_of(source->table, source->state, record, text, sizeof text);
        json_out_key_text(j, "state", text);
    }
    if (source->table == &subscription_table)
        value_of(source->table, "customer_id", record, id, sizeof id);
    (void)str_format(page, sizeof page, "%s%s", at, id);
    json_out_key_text(j, "page", page);
    json_out_end_object(j);
}

/* One that was found, unless it was already, or is not theirs. */
static void take(struct search *s, const struct source *source, const void *record)
{
    struct found *f = &s->at[s->count];
    char id[ID_SIZE];

    value_of(source->table, source->table->key[0], record, id, sizeof id);
    if (s->count == MOST || s->of_kind == EACH_MOST ||
        !object_owned(s->call, source->table, record))
        return;
    for (unsigned i = 0; i < s->count; i++)
        if (s->at[i].source == source && str_equal(s->at[i].id, id))
            return;
    f->source = source;
    memcpy(f->id, id, sizeof id);
    s->count++;
    s->of_kind++;
    write_found(s, source, record);
}

/* As an id, a number, a whole name. */
static int exactly(struct search *s, const struct source *source, void *record, struct err *err)
{
    int found;

    memset(record, 0, source->table->fields.struct_size);
    if ((found = object_find(s->call, source->table, s->wanted, record, err)) == 1)
        take(s, source, record);
    return found < 0 ? -1 : 0;
}

/* By the beginning of the first field of an index. */
static int beginning(struct search *s, const struct source *source, const char *index, void *record,
                     struct err *err)
{
    const struct table *table = source->table;
    const struct field *f = fields_find(&table->fields, index_find(table, index)->fields[0]);
    const char *value = (const char *)record + f->offset;
    struct scan scan;
    int got = 0;

    memset(record, 0, table->fields.struct_size);
    if (str_copy((char *)record + f->offset, f->size, s->wanted) != 0)
        return 0;
    if (scan_start(&scan, s->call->txn, table, index, NULL, 0, false, err) != 0 ||
        scan_from(&scan, record, 1, err) != 0)
        return -1;
    for (unsigned i = 0; i < LOOK_MOST && s->of_kind < EACH_MOST; i++) {
        if ((got = scan_next(&scan, record, err)) != 1 || !str_starts(value, s->wanted))
            break;
        if (!is_over(source, record))
            take(s, source, record);
    }
    return got < 0 ? -1 : 0;
}

/* The beginning of an id: the first that could be it is that with zeros behind. */
static int id_beginning(struct search *s, const struct source *source, void *record,
                        struct err *err)
{
    const struct table *table = source->table;
    const struct field *f = fields_find(&table->fields, table->key[0]);
    size_t prefix = table->prefix == NULL ? 0 : strlen(table->prefix), len = strlen(s->wanted);
    const char *value = (const char *)record + f->offset;
    char id[ID_SIZE];
    uint8_t bytes[ID_BYTES];
    struct scan scan;
    int got = 0;

    if (prefix == 0 || len <= prefix + 1 || len >= prefix + 1 + ID_DIGITS ||
        strncmp(s->wanted, table->prefix, prefix) != 0 || s->wanted[prefix] != '_')
        return 0;
    (void)str_format(id, sizeof id, "%s%.*s", s->wanted, (int)(prefix + 1 + ID_DIGITS - len),
                     "00000000000000000000000000");
    if (id_bytes(id, table->prefix, bytes) != 0)
        return 0;
    memset(record, 0, table->fields.struct_size);
    memcpy((char *)record + f->offset, id, sizeof id);
    if (scan_start(&scan, s->call->txn, table, NULL, NULL, 0, false, err) != 0 ||
        scan_from(&scan, record, 1, err) != 0)
        return -1;
    while (s->of_kind < EACH_MOST && (got = scan_next(&scan, record, err)) == 1 &&
           str_starts(value, s->wanted))
        take(s, source, record);
    return got < 0 ? -1 : 0;
}

/* Tenants by words of their name, customer, domains. */
static int tenants(struct search *s, const struct source *source, struct err *err)
{
    struct tenant_wish wish = {0};
    struct tenant_filter filter;
    struct tenant_page page = {0};
    struct list_params params = {0};
    struct err ignored;

    (void)str_copy(wish.q, sizeof wish.q, s->wanted);
    if (tenant_filter_read(s->call, &wish, &filter, &ignored) != 0)
        return 0; /* nothing that could be a word */
    if (tenant_find(s->call, &filter, SORT_CREATED, &params, EACH_MOST, &page, err) != 0)
        return -1;
    for (unsigned i = 0; i < page.count; i++)
        take(s, source, &page.at[i]);
    tenant_page_free(&page);
    return 0;
}

static bool has_all(const char *words, const char *wanted)
{
    char word[FOLD_WORD_MAX + 1];

    while (*wanted != '\0') {
        size_t len = strcspn(wanted, " ");
        if (str_copy_n(word, sizeof word, wanted, len) == 0 && !fold_has(words, word))
            return false;
        wanted += len;
        wanted += strspn(wanted, " ");
    }
    return true;
}

/* Customers by the first of the words, if they have the others too. */
static int customers(struct search *s, const struct source *source, void *record, struct err *err)
{
    const struct customer *c = record;
    char words[200] = "", *first = words, *rest;
    struct scan scan;
    int got = 0;

    fold_words(words, sizeof words, s->wanted);
    if ((rest = strchr(words, ' ')) != NULL)
        *rest++ = '\0';
    if (first[0] == '\0' ||
        scan_words(&scan, s->call->txn, &customer_table, "words", first, err) != 0)
        return first[0] == '\0' ? 0 : -1;
    for (unsigned i = 0; i < LOOK_MOST && s->of_kind < EACH_MOST; i++) {
        if ((got = scan_next(&scan, record, err)) != 1)
            break;
        if (rest == NULL || has_all(c->words, rest))
            take(s, source, record);
    }
    return got < 0 ? -1 : 0;
}

static int look_in(struct search *s, const struct source *source, struct err *err)
{
    void *record = malloc(source->table->fields.struct_size);
    int result;

    if (record == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    s->of_kind = 0;
    result = exactly(s, source, record, err);
    if (result == 0)
        result = id_beginning(s, source, record, err);
    for (size_t i = 0; result == 0 && i < 3 && source->by[i] != NULL; i++)
        result = beginning(s, source, source->by[i], record, err);
    if (result == 0 && source->table == &tenant_table)
        result = tenants(s, source, err);
    if (result == 0 && source->table == &customer_table)
        result = customers(s, source, record, err);
    free(record);
    return result;
}

struct search_params {
    char q[128];
};
static const struct field search_rows[] = {
    FIELD(struct search_params, q, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_WORD, .min = 1,
          .max = 120, .help = "an id or its beginning, a number, the beginning of a name"),
};

/* What is typed, without what stands around it. */
static void tidy(const char *q, char *out, size_t size)
{
    size_t len;

    q += strspn(q, " \t#");
    str_cut(out, size, q);
    for (len = strlen(out); len > 0 && out[len - 1] == ' '; len--)
        out[len - 1] = '\0';
    for (char *c = out; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

static int search(struct op_call *call, struct err *err)
{
    const struct search_params *p = call->params;
    struct json_out *j = call->out;
    struct search s = {.call = call};
    int result = 0;

    tidy(p->q, s.wanted, sizeof s.wanted);
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (size_t i = 0; result == 0 && s.wanted[0] != '\0' && i < sizeof sources / sizeof sources[0];
         i++) {
        const struct op *op = op_find(sources[i].op);
        struct err ignored;
        if (op != NULL && op_allowed(op, &call->actor, &ignored) == 0)
            result = look_in(&s, &sources[i], err);
    }
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", "/api/search");
    json_out_end_object(j);
    return result;
}

const struct op search_ops[] = {
    {.name = "system.search",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = PARAMS(search_rows, struct search_params),
     .help = "Find anything by its id, number or the beginning of its name",
     .example = "acme",
     .run = search},
    {.name = NULL},
};
