#ifndef SETT_TENANT_FIND_H
#define SETT_TENANT_FIND_H
/*
 * Tenants by what is known of them, in an order, a page at a time, as fast among 100,000 as among
 * ten: what is rare is gathered from indexes and sorted in memory; what is common is met soon
 * enough on a walk in the order that is asked for.
 */
#include "tenant_filter.h"
#include "tenant_text.h"

enum tenant_sort { SORT_CREATED, SORT_NAME, SORT_STATE, SORT_PLAN, SORT_UPDATED };
extern const char *const tenant_sort_names[]; /* "-created", "created", "name", "-name", … */

#define TENANT_CURSOR_SIZE 96

struct tenant_page {
    struct tenant *at; /* in the order that was asked for; tenant_page_free */
    unsigned count;
    bool has_more; /* in the direction that was gone */
    char next[TENANT_CURSOR_SIZE], previous[TENANT_CURSOR_SIZE]; /* "": there is nothing there */
    int64_t total; /* how many there are in all, or, if not exact, at least; -1: not counted */
    bool exact;
};

/** tenant_find(call, filter, sort, params, most, page, err): the page behind or before the cursors
 * of ${params}, of at most ${most}. ${sort}: index in tenant_sort_names. A cursor is an id or what
 * an earlier page said; the latter stays good whatever happens to the record. 0 or -1. */
int tenant_find(struct op_call *call, const struct tenant_filter *filter, uint32_t sort,
                const struct list_params *params, unsigned most, struct tenant_page *page,
                struct err *err);

/** tenant_page_free(page): its memory; fine for one that is all zero. */
void tenant_page_free(struct tenant_page *page);

#endif
