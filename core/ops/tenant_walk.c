/*
 * Walks among many tenants. Apart from the gathering of few: here nothing is sorted, for each order
 * has an index, and nothing is counted that would have to be read.
 */
#include "tenant_find_parts.h"

#include "str.h"

#define LOOK_AT_MOST  4000
#define COUNT_AT_MOST 10000

/* With the order of ids any index of one value will do: the one that leaves out most. */
static void choose_index(struct find *f)
{
    const struct tenant_filter *filter = f->filter;
    struct tenant *m = &f->match;

    (void)str_copy(m->customer_id, sizeof m->customer_id, filter->customer_id);
    (void)str_copy(m->plan_id, sizeof m->plan_id, filter->plan_id);
    (void)str_copy(m->runtime, sizeof m->runtime, filter->runtime);
    if (filter->customer_id[0] != '\0')
        f->index = "customer_id";
    else if (filter->healths != 0 && (filter->healths & (filter->healths - 1)) == 0)
        f->index = "health";
    else if (filter->states != 0 && (filter->states & (filter->states - 1)) == 0)
        f->index = "state";
    else if (filter->plan_id[0] != '\0')
        f->index = "plan_id";
    else
        f->index = filter->runtime[0] != '\0' ? "runtime" : NULL;
    m->health = m->state = 0;
    while (filter->healths >> m->health > 1)
        m->health++;
    while (filter->states >> m->state > 1)
        m->state++;
}

/* Begin the walk, or its next segment. */
static int walk_from(struct find *f, bool at_cursor, struct err *err)
{
    struct tenant_text text = {.words = ""};
    struct tenant place;
    bool backward = f->down != f->back, fixed = f->index != NULL && f->by != SORT_UPDATED;
    const void *from = &place;
    int r;

    if (f->by == SORT_PLAN)
        (void)str_copy(f->match.plan_id, ID_SIZE, f->plans[f->segment].id);
    else if (f->by == SORT_STATE)
        f->match.state = f->states[f->segment];
    r = f->by == SORT_NAME ? scan_start(&f->scan, f->call->txn, &tenant_text_table, "name_key",
                                        NULL, 0, backward, err)
                           : scan_start(&f->scan, f->call->txn, &tenant_table, f->index, &f->match,
                                        fixed ? 1 : 0, backward, err);
    if (r != 0 || !at_cursor)
        return r;
    place = f->match;
    (void)str_copy(place.id, sizeof place.id, f->cursor.id);
    if (f->by == SORT_UPDATED)
        place.updated_at = (int64_t)f->cursor.n;
    if (f->by == SORT_NAME) {
        (void)str_copy(text.tenant_id, sizeof text.tenant_id, f->cursor.id);
        (void)str_copy(text.name_key, sizeof text.name_key, f->cursor.text);
        from = &text;
    }
    return scan_after(&f->scan, from, err);
}

/* The values of the order's index that are walked one after the other, and where to begin. Return
 * whether the cursor lies in that one. */
static bool set_segments(struct find *f)
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

static int walk_start(struct find *f, struct err *err)
{
    bool at_cursor = f->from;

    if (f->by == SORT_CREATED)
        choose_index(f);
    else if (f->by != SORT_NAME)
        f->index = f->by == SORT_STATE ? "state" : f->by == SORT_PLAN ? "plan_id" : "updated_at";
    if (f->by == SORT_STATE || f->by == SORT_PLAN) {
        at_cursor = set_segments(f);
        if (f->segments == 0) {
            f->scan.nothing = true;
            return 0;
        }
    }
    return walk_from(f, at_cursor, err);
}

static int next_segment(struct find *f, struct err *err)
{
    bool backward = f->down != f->back;

    if (f->segments == 0 || f->segment == (backward ? 0 : f->segments - 1))
        return 0;
    f->segment = backward ? f->segment - 1 : f->segment + 1;
    return walk_from(f, false, err) != 0 ? -1 : 1;
}

/* The next one of the order, meant or not. 1, 0 or -1. */
static int walk_next(struct find *f, struct tenant *t, struct err *err)
{
    struct tenant_text text;
    int found, more = 1;

    if (f->by == SORT_NAME) {
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
static int next_meant(struct find *f, struct tenant *t, struct err *err)
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
    struct tenant tenant;
    int found = 0;

    *count = 0;
    while (*count < COUNT_AT_MOST && (found = scan_skim(scan, &tenant, err)) == 1)
        ++*count;
    return found < 0 ? -1 : 0;
}

static int count_index(struct find *f, const char *index, const struct tenant *match,
                       int64_t *count, struct err *err)
{
    struct scan scan;

    return scan_start(&scan, f->call->txn, &tenant_table, index, match, 1, false, err) != 0
               ? -1
               : count_to(&scan, count, err);
}

/* Without reading what is counted: all, or by a filter that is alone. */
static int count_many(struct find *f, struct err *err)
{
    const struct tenant_filter *w = f->filter;
    struct tenant m = {.state = TENANT_DELETED};
    int64_t all = record_count(f->call->txn, &tenant_table, err), count = 0;
    unsigned filters = w->word_count;

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
        if (!w->deleted && count_index(f, "state", &m, &count, err) != 0)
            return -1;
        f->page->exact = count < COUNT_AT_MOST;
        f->page->total = f->page->exact ? all - count : -1;
        return 0;
    }
    choose_index(f);
    if (filters > 1 || f->index == NULL)
        return 0;
    if (count_index(f, f->index, &f->match, &count, err) != 0)
        return -1;
    f->page->total = count;
    f->page->exact = count < COUNT_AT_MOST && (w->deleted || w->states != 0);
    return 0;
}

int tenant_walk(struct find *f, struct err *err)
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
