#ifndef SETT_LIST_H
#define SETT_LIST_H
/*
 * Lists: {"object":"list","data":[…],"has_more":…,"url":…}, newest first, by cursors that stay good
 * whatever is inserted or deleted around them. Always a walk along one index, never of everything.
 */
#include "view.h"

#define LIST_DEFAULT 25
#define LIST_MOST    100

/* The member `list` of every list's parameters. */
struct list_params {
    uint32_t limit; /* 0: LIST_DEFAULT */
    char starting_after[96], ending_before[96];
};

/* Its rows, for the field table of a struct ${t} that has it as `list`. */
#define LIST_FIELDS(t)                                                                             \
    {.name = "limit",                                                                              \
     .type = FIELD_U32,                                                                            \
     .offset = offsetof(t, list.limit),                                                            \
     .size = 4,                                                                                    \
     .since = 1,                                                                                   \
     .min = 1,                                                                                     \
     .max = LIST_MOST,                                                                             \
     .help = "how many, 1 to 100 (25)"},                                                           \
        {.name = "starting_after",                                                                 \
         .type = FIELD_TEXT,                                                                       \
         .offset = offsetof(t, list.starting_after),                                               \
         .size = 96,                                                                               \
         .since = 1,                                                                               \
         .help = "those that come after this one in the list"},                                    \
    {                                                                                              \
        .name = "ending_before", .type = FIELD_TEXT, .offset = offsetof(t, list.ending_before),    \
        .size = 96, .since = 1, .help = "those that come before this one in the list"              \
    }

struct list {
    const struct view *view; /* its table is walked */
    const char *url;
    const char *index; /* NULL: by key */
    const void *match; /* a record: its first ${fields} fields of the index must be equal */
    unsigned fields;
    bool oldest_first;
    /* What no index knows: whether to show it. At most some thousand records are looked at for one
     * answer; then it says "has_more" with "next", the cursor to go on from. */
    bool (*keep)(const struct op_call *call, const void *record);
    /* Where the walk ends before its index does: whether a record lies behind (-1), within (0) or
     * before (1) what is asked for, in the order of the index. What is before is passed over by
     * ${start}, a record to begin at when no cursor is given. NULL: there are no such ends. */
    int (*beyond)(const struct op_call *call, const void *record);
    const void *start;
    /* Members of the list itself, behind its data. NULL: none. Return 0 or -1. */
    int (*also)(struct op_call *call, struct err *err);
};

/** list_reply(call, params, list, err): write the list. ERR_INVALID for a cursor that cannot be.
 * Return 0 or -1. */
int list_reply(struct op_call *call, const struct list_params *params, const struct list *list,
               struct err *err);

#endif
