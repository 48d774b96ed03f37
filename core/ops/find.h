#ifndef SETT_FIND_H
#define SETT_FIND_H
/*
 * Lists that are searched, filtered and put in an order, a page at a time, whatever the table: what
 * is rare is gathered by the index that leaves fewest and sorted in memory; what is common is met
 * soon enough on a walk in the order that is asked for. Cursors hold the value by which the list is
 * sorted, so they stay good whatever becomes of the record.
 */
#include "fold.h"
#include "list.h"

#define FIND_GATHER_MOST 2000 /* that are sorted in memory */
#define FIND_WORDS       8

/* One order of a list. The names of all stand in pairs in an array for FIELD_ENUM: row 0 has names
 * 0 and 1, row 1 has 2 and 3; a name with "-" before it is the other way round. */
struct find_sort {
    const char *field; /* NULL: by id, which is by time of birth */
    const char *index; /* of that field, with all records; NULL: only what was gathered is sorted */
};

/* Ids that are being gathered. */
struct find_ids {
    const char *prefix; /* of the ids */
    unsigned most;      /* there is room for */
    uint8_t (*at)[ID_BYTES];
    unsigned count;
    bool over; /* there were more than fit */
};

struct find {
    const struct view *view;
    const char *url;
    const struct find_sort *sorts;
    const char *const *sort_names;
    uint32_t sort; /* an index of sort_names */
    const void *filter;
    /* Add what can be meant by way number ${nth}: all that the filter lets through is among it.
     * Return 1, 0 behind the last way, or -1. */
    int (*way)(struct op_call *call, const void *filter, unsigned nth, struct find_ids *ids,
               struct err *err);
    /* Whether the filter lets a record through. Return 1, 0 or -1. */
    int (*fits)(struct op_call *call, const void *filter, const void *record, struct err *err);
    int64_t all; /* how many it lets through, where that is known without looking; else -1 */
    /* Further members of the answer; NULL: none. Return 0 or -1. */
    int (*more)(struct op_call *call, const void *filter, struct err *err);
};

/** find_reply(call, params, find, err): write the page: {"object":"list","data":[…],"has_more":…,
 * "total":…} with the cursors "next" and "previous" where there is something. ERR_INVALID for a
 * cursor that is none, and for an order in which so many cannot be put. Return 0 or -1. */
int find_reply(struct op_call *call, const struct list_params *params, const struct find *find,
               struct err *err);

/* ---- the filter ---- */

/** find_set(field, names, text, set, err): words parted by commas as a bit for each. ERR_INVALID
 * naming ${field}. Return 0 or -1. */
int find_set(const char *field, const char *const *names, const char *text, uint32_t *set,
             struct err *err);

/** find_refer(call, table, field, text, id, err): the id of what a parameter means by id, number or
 * name; "" for "". ERR_INVALID naming ${field}. Return 0 or -1. */
int find_refer(struct op_call *call, const struct table *table, const char *field, const char *text,
               char id[ID_SIZE], struct err *err);

/** find_refer_customer(call, text, id, err): the same of the parameter customer_id; for a customer
 * always their own, since nobody else's objects exist for them. Return 0 or -1. */
int find_refer_customer(struct op_call *call, const char *text, char id[ID_SIZE], struct err *err);

/** find_wanted(want, is): whether ${want} is "", which means any, or the same. */
bool find_wanted(const char *want, const char *is);

/* ---- ids ---- */

/** find_add(ids, id): note one. */
void find_add(struct find_ids *ids, const char *id);

/** find_walk(ids, scan, err): note all of a walk along a table whose key begins with the id. 0 or
 * -1. */
int find_walk(struct find_ids *ids, struct scan *scan, struct err *err);

/** find_equal(call, ids, table, index, match, err): note all whose first field of an index is that
 * of ${match}. Return 0 or -1. */
int find_equal(struct op_call *call, struct find_ids *ids, const struct table *table,
               const char *index, const void *match, struct err *err);

/** find_text(call, ids, table, index, match, err): the same of an index that is called after its
 * field, a text; where ${match} has "" there, the way does not help: ${ids} is over. 0 or -1. */
int find_text(struct op_call *call, struct find_ids *ids, const struct table *table,
              const char *index, const void *match, struct err *err);

/** find_states(call, ids, table, states, err): note all in one of these states, a bit for each, of
 * a table that has a field and an index "state". Return 0 or -1. */
int find_states(struct op_call *call, struct find_ids *ids, const struct table *table,
                uint32_t states, struct err *err);

/** find_count_states(call, table, states, err): how many are in one of them, or -1. */
int64_t find_count_states(struct op_call *call, const struct table *table, uint32_t states,
                          struct err *err);

/** find_count_but(call, table, states, err): how many are in none of them, or -1. */
int64_t find_count_but(struct op_call *call, const struct table *table, uint32_t states,
                       struct err *err);

/** find_settle(ids): each once, in the order of bytes. */
void find_settle(struct find_ids *ids);

/* ---- words ---- */

struct find_words {
    unsigned count;
    char at[FIND_WORDS][FOLD_WORD_MAX + 1];
};

/** find_words_split(words, text): the words of a text, folded, up to FIND_WORDS. */
void find_words_split(struct find_words *words, const char *text);

/** find_words_read(words, q): what somebody typed or pasted; of an address its host. */
void find_words_read(struct find_words *words, const char *q);

/** find_words_tenants(call, ids, table, word, err): note those of a table, which has an index
 * tenant_id, whose tenants have the word. Return 0 or -1. */
int find_words_tenants(struct op_call *call, struct find_ids *ids, const struct table *table,
                       const char *word, struct err *err);

/** find_words_fit(call, words, own, tenant_id, err): whether each word is among ${own}, which is as
 * fold_words makes it, or the tenant's. Return 1, 0 or -1. */
int find_words_fit(struct op_call *call, const struct find_words *words, const char *own,
                   const char *tenant_id, struct err *err);

#endif
