/*
 * Gathering from indexes. Apart because it knows what each index costs: a walk along one is broken
 * off at a bound, so that what is common costs no more than what is rare.
 */
#include "tenant_gather.h"

#include <stdlib.h>

#include "job.h"
#include "str.h"

#define ENOUGH 64 /* so few are looked at one by one rather than compared with more indexes */

static int ids_new(struct find_ids *ids, struct err *err)
{
    *ids = (struct find_ids){.prefix = tenant_table.prefix, .most = TENANT_GATHER_MOST};
    ids->at = malloc((size_t)TENANT_GATHER_MOST * ID_BYTES);
    return ids->at == NULL ? err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search")
                           : 0;
}

void tenant_match_set(struct tenant_match *m, const struct tenant_filter *f)
{
    (void)str_copy(m->tenant.subdomain, sizeof m->tenant.subdomain, f->subdomain);
    (void)str_copy(m->tenant.customer_id, sizeof m->tenant.customer_id, f->customer_id);
    (void)str_copy(m->tenant.plan_id, sizeof m->tenant.plan_id, f->plan_id);
    (void)str_copy(m->text.runtime, sizeof m->text.runtime, f->runtime);
}

bool tenant_match_texts(const struct tenant_match *m)
{
    return m->index != NULL && index_find(&tenant_text_table, m->index) != NULL;
}

int tenant_match_scan(struct scan *scan, struct txn *txn, const struct tenant_match *m,
                      unsigned fields, bool backward, struct err *err)
{
    return tenant_match_texts(m)
               ? scan_start(scan, txn, &tenant_text_table, m->index, &m->text, fields, backward,
                            err)
               : scan_start(scan, txn, &tenant_table, m->index, &m->tenant, fields, backward, err);
}

static int take_index(struct op_call *call, struct find_ids *ids, const struct tenant_match *match,
                      struct err *err)
{
    struct scan scan;

    return tenant_match_scan(&scan, call->txn, match, 1, false, err) != 0
               ? -1
               : find_walk(ids, &scan, err);
}

static int take_word(struct op_call *call, struct find_ids *ids, const char *word, struct err *err)
{
    struct scan scan;

    if (scan_words(&scan, call->txn, &tenant_text_table, "words", word, err) != 0)
        return -1;
    return find_walk(ids, &scan, err);
}

/* The values of an enum whose bits are set. */
static int take_set(struct op_call *call, struct find_ids *ids, const char *index, uint32_t set,
                    struct err *err)
{
    struct tenant_match match = {.index = index};

    for (uint32_t i = 0; set >> i != 0 && !ids->over; i++) {
        match.tenant.state = match.text.health = i;
        if ((set >> i & 1) && take_index(call, ids, &match, err) != 0)
            return -1;
    }
    return 0;
}

static int take_stuck(struct op_call *call, struct find_ids *ids, struct err *err)
{
    struct job job = {.state = JOB_STUCK};
    struct scan scan;
    int found = 0;

    if (scan_start(&scan, call->txn, &job_table, "state", &job, 1, false, err) != 0)
        return -1;
    while (!ids->over && (found = scan_next(&scan, &job, err)) == 1)
        for (unsigned i = 0; i < JOB_SUBJECTS; i++)
            if (str_starts(job.subjects[i], "tenant:"))
                find_add(ids, job.subjects[i] + strlen("tenant:"));
    return found < 0 ? -1 : 0;
}

static int take_flagged(struct op_call *call, struct find_ids *ids, struct err *err)
{
    return take_set(call, ids, "state", TENANT_FLAGGED_STATES, err) != 0 ||
                   take_set(call, ids, "health", TENANT_FLAGGED_HEALTHS, err) != 0 ||
                   take_stuck(call, ids, err) != 0
               ? -1
               : 0;
}

/* What is in both, in the order of bytes. */
static void narrow(struct tenant_gather *g, const struct find_ids *ids)
{
    unsigned kept = 0, k = 0;

    for (unsigned i = 0; i < g->count; i++) {
        while (k < ids->count && memcmp(ids->at[k], g->ids[i], ID_BYTES) < 0)
            k++;
        if (k < ids->count && memcmp(ids->at[k], g->ids[i], ID_BYTES) == 0)
            memmove(g->ids[kept++], g->ids[i], ID_BYTES);
    }
    g->count = kept;
}

/* What one walk found narrows what there was; too many say nothing. */
static bool use(struct tenant_gather *g, struct find_ids *ids)
{
    if (ids->over)
        return false;
    find_settle(ids);
    if (g->few) {
        narrow(g, ids);
    } else {
        memcpy(g->ids, ids->at, (size_t)ids->count * ID_BYTES);
        g->count = ids->count;
        g->few = true;
    }
    return true;
}

static bool done(const struct tenant_gather *g)
{
    return g->few && g->count <= ENOUGH;
}

static void begin(struct find_ids *ids)
{
    ids->count = 0;
    ids->over = false;
}

static int gather_words(struct op_call *call, const struct tenant_filter *f,
                        struct tenant_gather *g, struct find_ids *ids, struct err *err)
{
    for (unsigned i = 0; i < f->words.count && !done(g); i++) {
        begin(ids);
        if (take_word(call, ids, f->words.at[i], err) != 0)
            return -1;
        if (use(g, ids))
            g->proven |= 1u << i;
    }
    return 0;
}

/* The filters that an index knows, those first that mostly leave the fewest. */
static int gather_fields(struct op_call *call, const struct tenant_filter *f,
                         struct tenant_gather *g, struct find_ids *ids, struct err *err)
{
    const struct {
        const char *index;
        const char *value;
    } texts[] = {{"subdomain", f->subdomain},
                 {"customer_id", f->customer_id},
                 {"plan_id", f->plan_id},
                 {"runtime", f->runtime}};
    struct tenant_match match = {0};
    int r = 0;

    tenant_match_set(&match, f);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && !done(g); i++) {
        if (texts[i].value[0] == '\0')
            continue;
        begin(ids);
        match.index = texts[i].index;
        if (take_index(call, ids, &match, err) != 0)
            return -1;
        (void)use(g, ids);
    }
    if (f->states != 0 && !done(g)) {
        begin(ids);
        if ((r = take_set(call, ids, "state", f->states, err)) == 0)
            (void)use(g, ids);
    }
    if (r == 0 && f->healths != 0 && !done(g)) {
        begin(ids);
        if ((r = take_set(call, ids, "health", f->healths, err)) == 0)
            (void)use(g, ids);
    }
    return r;
}

static int gather(struct op_call *call, const struct tenant_filter *f, struct tenant_gather *g,
                  struct find_ids *ids, struct err *err)
{
    if (f->id[0] != '\0') {
        find_add(ids, f->id);
        (void)use(g, ids);
        return 0;
    }
    if (f->attention) {
        if (take_flagged(call, ids, err) != 0)
            return -1;
        g->flagged = use(g, ids);
    }
    if (gather_words(call, f, g, ids, err) != 0)
        return -1;
    return gather_fields(call, f, g, ids, err);
}

int tenant_gather(struct op_call *call, const struct tenant_filter *filter,
                  struct tenant_gather *out, struct err *err)
{
    struct find_ids ids, own;
    int r;

    memset(out, 0, sizeof *out);
    if (ids_new(&ids, err) != 0)
        return -1;
    if ((r = ids_new(&own, err)) == 0) {
        out->ids = own.at;
        r = gather(call, filter, out, &ids, err);
    }
    free(ids.at);
    return r;
}

void tenant_gather_free(struct tenant_gather *g)
{
    free(g->ids);
    memset(g, 0, sizeof *g);
}
