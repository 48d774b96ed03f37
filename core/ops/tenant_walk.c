/*
 * Walks among many tenants. Apart from the gathering of few: here nothing is sorted, for each order
 * has an index, and nothing is counted that would have to be read.
 */
#include "tenant_find_parts.h"

#include "str.h"

#define LOOK_AT_MOST  4000
#define COUNT_AT_MOST 10000

static bool single(uint32_t set)
{
    return set != 0 && (set & (set - 1)) == 0;
}

static uint32_t first_of(uint32_t set)
{
    uint32_t i = 0;

    while (set >> i > 1)
        i++;
    return i;
}

/* With the order of ids any index of one value will do: the one that leaves out most. */
static void choose_index(struct tenant_find *f)
{
    const struct tenant_filter *filter = f->filter;
    struct tenant_match *m = &f->match;

    tenant_match_set(m, filter);
    m->text.health = first_of(filter->healths);
    m->tenant.state = first_of(filter->states);
    m->index = filter->customer_id[0] != '\0' ? "customer_id"
               : single(filter->healths)      ? "health"
               : single(filter->states)       ? "state"
               : filter->plan_id[0] != '\0'   ? "plan_id"
               : filter->runtime[0] != '\0'   ? "runtime"
                                              : NULL;
}

/* Begin the walk, or its next segment. */
static int walk_from(struct tenant_find *f, bool at_cursor, struct err *err)
{
    struct tenant_match *m = &f->match, place;
    bool whole = m->index == NULL || f->by == SORT_NAME || f->by == SORT_UPDATED;

    if (f->by == SORT_PLAN)
        (void)str_copy(m->tenant.plan_id, ID_SIZE, f->plans[f->segment].id);
    else if (f->by == SORT_STATE)
        m->tenant.state = f->states[f->segment];
    if (tenant_match_scan(&f->scan, f->call->txn, m, whole ? 0 : 1, f->down != f->back, err) != 0)
        return -1;
    if (!at_cursor)
        return 0;
    place = *m;
    (void)str_copy(place.tenant.id, ID_SIZE, f->cursor.id);
    (void)str_copy(place.text.tenant_id, ID_SIZE, f->cursor.id);
    if (f->by == SORT_NAME)
        (void)str_copy(place.text.name_key, sizeof place.text.name_key, f->cursor.text);
    else if (f->by == SORT_UPDATED)
        place.text.updated_at = (int64_t)f->cursor.n;
    return tenant_match_texts(m) ? scan_after(&f->scan, &place.text, err)
                                 : scan_after(&f->scan, &place.tenant, err);
}

/* The values of the order's index that are walked one after the other, and where to begin. Return
 * whether the cursor lies in that one. */
static bool set_segments(struct tenant_find *f)
{
    bool backward = f->down != f->back;
    uint64_t value = 0;

    f->segments = f->by == SORT_PLAN ? f->plan_count : 0;
    for (uint32_t i = 0; f->by == SORT_STATE && tenant_state_names[i] != NULL; i++)
        if (f->filter->states == 0 || (f->filter->states >> i & 1) != 0)
            f->states[f->segments++] = i;
    if (f->segments == 0)
        return false;
    f->segment = backward ? f->segments - 1 : 0;
    if (!f->from)
        return false;
    for (;; f->segment = backward ? f->segment - 1 : f->segment + 1) {
        value = f->by == SORT_STATE ? f->states[f->segment] : f->segment;
        if (backward ? value <= f->cursor.n : value >= f->cursor.n)
            return value == f->cursor.n;
        if (f->segment == (backward ? 0 : f->segments - 1)) {
            f->segments = 0; /* nothing lies behind the cursor */
            return false;
        }
    }
}

static int walk_start(struct tenant_find *f, struct err *err)
{
    static const char *const indexes[] = {[SORT_NAME] = "name_key",
                                          [SORT_STATE] = "state",
                                          [SORT_PLAN] = "plan_id",
                                          [SORT_UPDATED] = "updated_at"};
    bool at_cursor = f->from;

    if (f->by == SORT_CREATED)
        choose_index(f);
    else
        f->match.index = indexes[f->by];
    if (f->by == SORT_STATE || f->by == SORT_PLAN) {
        at_cursor = set_segments(f);
        if (f->segments == 0) {
            f->scan.nothing = true;
            return 0;
        }
    }
    return walk_from(f, at_cursor, err);
}

static int next_segment(struct tenant_find *f, struct err *err)
{
    bool backward = f->down != f->back;

    if (f->segments == 0 || f->segment == (backward ? 0 : f->segments - 1))
        return 0;
    f->segment = backward ? f->segment - 1 : f->segment + 1;
    return walk_from(f, false, err) != 0 ? -1 : 1;
}

/* The next one of the order, meant or not. 1, 0 or -1. */
static int walk_next(struct tenant_find *f, struct tenant *t, struct err *err)
{
    struct tenant_text text;
    int found, more = 1;

    if (tenant_match_texts(&f->match)) {
        while ((found = scan_skim(&f->scan, &text, err)) == 1)
            if ((found = tenant_find_get(f, text.tenant_id, t, err)) != 0)
                break;
        return found;
    }
    if ((f->by == SORT_STATE || f->by == SORT_PLAN) && f->segments == 0)
        return 0;
    while ((found = scan_next(&f->scan, t, err)) == 0 && (more = next_segment(f, err)) == 1)
        ;
    return more < 0 ? -1 : found;
}

/* The next one that is meant. 1, 0 at the end or when too many were looked at, -1. */
static int next_meant(struct tenant_find *f, struct tenant *t, struct err *err)
{
    int found, is;

    while ((found = walk_next(f, t, err)) == 1) {
        if ((is = tenant_find_fits(f, t) ? tenant_find_has_words(f, t, err) : 0) != 0)
            return is;
        if (++f->looked >= LOOK_AT_MOST) {
            f->gave_up = true;
            tenant_find_place(f, t, &f->last);
            return 0;
        }
    }
    return found;
}

static int count_to(struct scan *scan, int64_t *count, struct err *err)
{
    union {
        struct tenant tenant;
        struct tenant_text text;
    } skimmed;
    int found = 0;

    *count = 0;
    while (*count < COUNT_AT_MOST && (found = scan_skim(scan, &skimmed, err)) == 1)
        ++*count;
    return found < 0 ? -1 : 0;
}

static int count_index(struct tenant_find *f, const struct tenant_match *match, int64_t *count,
                       struct err *err)
{
    struct scan scan;

    return tenant_match_scan(&scan, f->call->txn, match, 1, false, err) != 0
               ? -1
               : count_to(&scan, count, err);
}

/* Without reading what is counted: all, or by a filter that is alone. */
static int count_many(struct tenant_find *f, struct err *err)
{
    const struct tenant_filter *w = f->filter;
    struct tenant_match gone = {.index = "state", .tenant = {.state = TENANT_DELETED}};
    int64_t all = record_count(f->call->txn, &tenant_table, err), count = 0;
    unsigned filters = w->words.count;

    f->page->total = -1;
    if (all < 0)
        return -1;
    filters += w->plan_id[0] != '\0';
    filters += w->customer_id[0] != '\0';
    filters += w->runtime[0] != '\0';
    filters += w->states != 0;
    filters += w->healths != 0;
    filters += w->attention;
    if (filters == 0) {
        if (!w->deleted && count_index(f, &gone, &count, err) != 0)
            return -1;
        f->page->exact = count < COUNT_AT_MOST;
        f->page->total = f->page->exact ? all - count : -1;
        return 0;
    }
    choose_index(f);
    if (filters > 1 || f->match.index == NULL)
        return 0;
    if (count_index(f, &f->match, &count, err) != 0)
        return -1;
    f->page->total = count;
    f->page->exact = count < COUNT_AT_MOST && (w->deleted || w->states != 0);
    return 0;
}

int tenant_walk(struct tenant_find *f, struct err *err)
{
    struct tenant_page *page = f->page;
    int found = 0;

    if (walk_start(f, err) != 0)
        return -1;
    while (page->count <= f->most && (found = next_meant(f, &page->at[page->count], err)) == 1)
        page->count++;
    if (found < 0)
        return -1;
    page->has_more = page->count > f->most || f->gave_up;
    if (page->count > f->most)
        page->count--;
    return count_many(f, err);
}
