/*
 * Pages of tenants. Apart from the lists of other nouns because of its orders: each has an index,
 * and a cursor holds the value that the record had when it was shown, so that going on is right
 * even when the record has moved since.
 */
#include "tenant_find.h"

#include <stdlib.h>

#include "enc.h"
#include "object.h"
#include "plan.h"
#include "str.h"
#include "tenant_find_parts.h"

#define PLANS_MOST 500

const char *const tenant_sort_names[] = {"-created", "created",  "name", "-name",
                                         "state",    "-state",   "plan", "-plan",
                                         "updated",  "-updated", NULL};

static unsigned rank_of(const struct tenant_find *f, const char *plan_id)
{
    unsigned i = 0;

    while (i < f->plan_count && !str_equal(f->plans[i].id, plan_id))
        i++;
    return i;
}

void tenant_find_place(const struct tenant_find *f, const struct tenant *t, struct tenant_place *p)
{
    memset(p, 0, sizeof *p);
    (void)str_copy(p->id, sizeof p->id, t->id);
    switch (f->by) {
    case SORT_CREATED:
        return;
    case SORT_NAME:
        tenant_text_key(t->name, p->text);
        return;
    case SORT_STATE:
        p->n = t->state;
        return;
    case SORT_PLAN:
        p->n = rank_of(f, t->plan_id);
        (void)str_copy(p->text, sizeof p->text, t->plan_id);
        return;
    case SORT_UPDATED:
        p->n = (uint64_t)t->updated_at;
        return;
    }
}

/* As the list goes: less than 0 when ${a} comes first. */
static int compare(const struct tenant_find *f, const struct tenant_place *a,
                   const struct tenant_place *b)
{
    int order = a->n != b->n ? (a->n < b->n ? -1 : 1) : 0;

    if (order == 0)
        order = strcmp(a->text, b->text);
    if (order == 0)
        order = strcmp(a->id, b->id);
    return f->down ? -order : order;
}

/* ---- cursors ---- */

static void say_place(const struct tenant_find *f, const struct tenant_place *p,
                      char out[TENANT_CURSOR_SIZE])
{
    char value[72];

    if (f->by == SORT_CREATED)
        value[0] = '\0';
    else if (f->by == SORT_NAME)
        (void)enc_base64url(value, sizeof value, p->text, strlen(p->text));
    else if (f->by == SORT_PLAN)
        (void)str_copy(value, sizeof value, p->text);
    else
        (void)str_format(value, sizeof value, "%llu", (unsigned long long)p->n);
    (void)str_format(out, TENANT_CURSOR_SIZE, "%s%s%s", p->id, f->by == SORT_CREATED ? "" : ".",
                     value);
}

/* The value behind the id. */
static int read_value(struct tenant_find *f, const char *value, struct tenant_place *p)
{
    int len;

    switch (f->by) {
    case SORT_CREATED:
        return -1;
    case SORT_NAME:
        len = enc_unbase64url(p->text, sizeof p->text - 1, value, strlen(value));
        p->text[len < 0 ? 0 : len] = '\0';
        return len < 0 ? -1 : 0;
    case SORT_PLAN:
        p->n = rank_of(f, value);
        return str_copy(p->text, sizeof p->text, value);
    default:
        return str_u64(value, 0, UINT64_MAX, &p->n);
    }
}

static int read_place(struct tenant_find *f, const char *field, const char *text, struct err *err)
{
    struct tenant_place *p = &f->cursor;
    struct tenant tenant = {0};
    uint8_t bytes[ID_BYTES];
    size_t len = strcspn(text, ".");
    int found;

    if (str_copy_n(p->id, sizeof p->id, text, len) != 0 ||
        id_bytes(p->id, tenant_table.prefix, bytes) != 0)
        goto bad;
    f->from = true;
    if (text[len] == '.') {
        if (read_value(f, text + len + 1, p) != 0)
            goto bad;
        return 0;
    }
    if (f->by == SORT_CREATED)
        return 0;
    (void)str_copy(tenant.id, sizeof tenant.id, p->id);
    if ((found = record_get(f->call->txn, &tenant_table, &tenant, err)) < 0)
        return -1;
    if (found == 0)
        goto bad;
    tenant_find_place(f, &tenant, p);
    return 0;
bad:
    return err_field(err, field, "bad_cursor", "%s is not a place in this list", field);
}

static int read_cursor(struct tenant_find *f, const struct list_params *params, struct err *err)
{
    f->back = params->ending_before[0] != '\0';
    if (f->back && params->starting_after[0] != '\0')
        return err_field(err, "ending_before", "two_cursors",
                         "give starting_after or ending_before, not both");
    if (f->back)
        return read_place(f, "ending_before", params->ending_before, err);
    return params->starting_after[0] == '\0'
               ? 0
               : read_place(f, "starting_after", params->starting_after, err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct rank *)a)->name, ((const struct rank *)b)->name);
}

static int read_plans(struct tenant_find *f, struct err *err)
{
    struct plan plan;
    struct scan scan;
    int found = 0;

    if ((f->plans = calloc(PLANS_MOST, sizeof *f->plans)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for plans");
    if (scan_start(&scan, f->call->txn, &plan_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while (f->plan_count < PLANS_MOST && (found = scan_next(&scan, &plan, err)) == 1) {
        if (f->filter->plan_id[0] != '\0' && !str_equal(f->filter->plan_id, plan.id))
            continue;
        (void)str_copy(f->plans[f->plan_count].name, sizeof plan.name, plan.name);
        (void)str_copy(f->plans[f->plan_count++].id, ID_SIZE, plan.id);
    }
    qsort(f->plans, f->plan_count, sizeof *f->plans, by_name);
    return found < 0 ? -1 : 0;
}

/* ---- whether one is meant ---- */

static bool words_proven(const struct tenant_find *f)
{
    return f->gather.proven == (1u << f->filter->words.count) - 1;
}

int tenant_find_has_words(struct tenant_find *f, const struct tenant *t, struct err *err)
{
    const struct tenant_filter *filter = f->filter;
    struct tenant_text text;
    int found;

    if (words_proven(f))
        return 1;
    memset(&text, 0, sizeof text);
    (void)str_copy(text.tenant_id, sizeof text.tenant_id, t->id);
    if ((found = record_get(f->call->txn, &tenant_text_table, &text, err)) != 1)
        return found;
    for (unsigned i = 0; i < filter->words.count; i++)
        if (!fold_has(text.words, filter->words.at[i]))
            return 0;
    return 1;
}

/* As far as its own record says. */
bool tenant_find_fits(const struct tenant_find *f, const struct tenant *t)
{
    return tenant_filter_fits(f->filter, t) &&
           (!f->filter->attention || f->gather.flagged || tenant_filter_flagged(t));
}

/* ---- those that are few ---- */

static int in_order(const void *a, const void *b, void *find)
{
    return compare(find, a, b);
}

int tenant_find_get(struct tenant_find *f, const char *id, struct tenant *t, struct err *err)
{
    memset(t, 0, sizeof *t);
    (void)str_copy(t->id, sizeof t->id, id);
    return record_get(f->call->txn, &tenant_table, t, err);
}

static int places_of_few(struct tenant_find *f, struct tenant_place *places, unsigned *count,
                         struct err *err)
{
    struct tenant tenant;
    char id[ID_SIZE];

    for (unsigned i = 0; i < f->gather.count; i++) {
        int found;

        id_text(id, tenant_table.prefix, f->gather.ids[i]);
        if ((found = tenant_find_get(f, id, &tenant, err)) < 0)
            return -1;
        if (found == 1 && tenant_find_fits(f, &tenant))
            tenant_find_place(f, &tenant, &places[(*count)++]);
    }
    qsort_r(places, *count, sizeof *places, in_order, f);
    return 0;
}

static void reverse(struct tenant_page *page)
{
    struct tenant kept;

    for (unsigned i = 0; i < page->count / 2; i++) {
        kept = page->at[i];
        page->at[i] = page->at[page->count - 1 - i];
        page->at[page->count - 1 - i] = kept;
    }
}

/* The page out of all places, from the cursor on. Words that no index proved are looked up now, for
 * those alone that may be shown. */
static int page_of_few(struct tenant_find *f, const struct tenant_place *places, unsigned count,
                       struct err *err)
{
    struct tenant_page *page = f->page;
    unsigned at = 0;
    int has;

    page->total = count;
    page->exact = words_proven(f);
    while (f->from && at < count && compare(f, &places[at], &f->cursor) < 0)
        at++;
    if (f->from && !f->back && at < count && compare(f, &places[at], &f->cursor) == 0)
        at++;
    if (f->back && !f->from)
        at = count;
    for (; f->back ? at > 0 : at < count; at = f->back ? at - 1 : at + 1) {
        struct tenant *t = &page->at[page->count];

        if (tenant_find_get(f, places[f->back ? at - 1 : at].id, t, err) != 1 ||
            (has = tenant_find_has_words(f, t, err)) < 0)
            return -1;
        if (has && page->count == f->most) {
            page->has_more = true;
            break;
        }
        page->count += has == 1;
    }
    return 0;
}

static int find_few(struct tenant_find *f, struct err *err)
{
    struct tenant_place *places = calloc((size_t)f->gather.count + 1, sizeof *places);
    unsigned count = 0;
    int r;

    if (places == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    r = places_of_few(f, places, &count, err);
    if (r == 0)
        r = page_of_few(f, places, count, err);
    free(places);
    return r;
}

/* ---- the page ---- */

static void say_cursors(struct tenant_find *f)
{
    struct tenant_page *page = f->page;
    struct tenant_place first = f->cursor, last = f->cursor;

    if (page->count > 0) {
        tenant_find_place(f, &page->at[0], &first);
        tenant_find_place(f, &page->at[page->count - 1], &last);
    }
    if (f->gave_up && page->count < f->most)
        *(f->back ? &first : &last) = f->last;
    if (f->back ? f->from : page->has_more)
        say_place(f, &last, page->next);
    if (f->back ? page->has_more : f->from)
        say_place(f, &first, page->previous);
}

static int find(struct tenant_find *f, const struct list_params *params, struct err *err)
{
    if ((f->by == SORT_PLAN && read_plans(f, err) != 0) || read_cursor(f, params, err) != 0 ||
        tenant_gather(f->call, f->filter, &f->gather, err) != 0 ||
        (f->gather.few ? find_few(f, err) : tenant_walk(f, err)) != 0)
        return -1;
    if (f->back)
        reverse(f->page);
    say_cursors(f);
    return 0;
}

int tenant_find(struct op_call *call, const struct tenant_filter *filter, uint32_t sort_,
                const struct list_params *params, unsigned most, struct tenant_page *page,
                struct err *err)
{
    struct tenant_find f = {.call = call, .filter = filter, .most = most, .page = page};
    int r;

    memset(page, 0, sizeof *page);
    f.by = (enum tenant_sort)(sort_ / 2);
    f.down = f.by == SORT_CREATED ? sort_ == 0 : sort_ % 2 == 1;
    if ((page->at = calloc((size_t)most + 1, sizeof *page->at)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a page");
    r = find(&f, params, err);
    tenant_gather_free(&f.gather);
    free(f.plans);
    if (r != 0)
        tenant_page_free(page);
    return r;
}

void tenant_page_free(struct tenant_page *page)
{
    free(page->at);
    memset(page, 0, sizeof *page);
}
