#ifndef SETT_TENANT_FIND_PARTS_H
#define SETT_TENANT_FIND_PARTS_H
/* What tenant_find.c and tenant_walk.c share: one search under way. For these two alone. */
#include "tenant_find.h"
#include "tenant_gather.h"

/* A place in the order. */
struct tenant_place {
    uint64_t n;
    char text[TENANT_NAME_KEY]; /* the name, or the id of the plan */
    char id[ID_SIZE];
};

struct rank { /* a plan's place among all by name */
    char name[32], id[ID_SIZE];
};

struct tenant_find {
    struct op_call *call;
    const struct tenant_filter *filter;
    enum tenant_sort by;
    bool down, back; /* the order; towards its beginning */
    unsigned most;
    struct tenant_page *page;
    struct tenant_gather gather;
    struct rank *plans;
    unsigned plan_count;
    bool from; /* a cursor was given: */
    struct tenant_place cursor;
    unsigned looked;
    bool gave_up;
    struct tenant_place last; /* that was looked at */
    /* The walk. */
    struct scan scan;
    struct tenant_match match;
    unsigned segment, segments; /* by state or plan: which value of the index is walked */
    uint32_t states[32];        /* by state: its values */
};

/** tenant_find_place(f, t, p): where a tenant stands in the order. */
void tenant_find_place(const struct tenant_find *f, const struct tenant *t, struct tenant_place *p);

/** tenant_find_fits(f, t): whether it is meant, as far as its own record says. */
bool tenant_find_fits(const struct tenant_find *f, const struct tenant *t);

/** tenant_find_has_words(f, t, err): and by the words of it that are not proven yet. Return 1, 0 or
 * -1. */
int tenant_find_has_words(struct tenant_find *f, const struct tenant *t, struct err *err);

/** tenant_find_get(f, id, t, err): Return 1, 0 or -1. */
int tenant_find_get(struct tenant_find *f, const char *id, struct tenant *t, struct err *err);

/** tenant_walk(f, err): fill the page from a walk along the index of the order, nearest to the
 * cursor first. Return 0 or -1. */
int tenant_walk(struct tenant_find *f, struct err *err);

#endif
