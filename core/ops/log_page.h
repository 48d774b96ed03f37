#ifndef SETT_LOG_PAGE_H
#define SETT_LOG_PAGE_H
/* A log as people read it: from a level on, with a text in it, from where they were on, and with
 * what a line means where that is known. For the logs of whatever runs, which are lines. */
#include "op.h"

/* In this order, unlike those of our own log (log.h): what is asked for is "from this one on". */
enum log_page_level { LOG_PAGE_DEBUG, LOG_PAGE_INFO, LOG_PAGE_WARNING, LOG_PAGE_ERROR };
extern const char *const log_page_level_names[];

/* The member `wish` of the parameters of operations that show a log. */
struct log_wish {
    uint32_t lines; /* 0: LOG_PAGE_LINES */
    uint32_t level;
    char q[160], after[40];
    bool parsed;
};
#define LOG_PAGE_LINES 100
#define LOG_PAGE_MOST  5000

#define LOG_WISH_FIELD(t, member_, kind_, ...)                                                     \
    {                                                                                              \
        .name = #member_, .type = kind_, .offset = offsetof(t, wish.member_),                      \
        .size = sizeof(((t *)0)->wish.member_), .since = 1, __VA_ARGS__                            \
    }

/* Its rows, for the field table of a struct ${t} that has it as `wish`. */
#define LOG_WISH_FIELDS(t)                                                                         \
    LOG_WISH_FIELD(t, lines, FIELD_U32, .min = 1, .max = LOG_PAGE_MOST,                            \
                   .help = "how many of the newest lines (100)"),                                  \
        LOG_WISH_FIELD(t, level, FIELD_ENUM, .names = log_page_level_names,                        \
                       .help = "only lines of this level or a graver one"),                        \
        LOG_WISH_FIELD(t, q, FIELD_TEXT, .help = "only lines with this text, in any case"),        \
        LOG_WISH_FIELD(t, after, FIELD_TEXT,                                                       \
                       .help = "only lines since: the cursor of a former answer"),                 \
        LOG_WISH_FIELD(t, parsed, FIELD_BOOL,                                                      \
                       .help = "as entries with time, level and meaning, not as bare lines")

/** log_page_ask(call, table, id, wish, err): the slow part: get as many lines of the object's log
 * as the wish needs. Return 0 or -1. */
int log_page_ask(struct op_call *call, const struct table *table, const char *id,
                 const struct log_wish *wish, struct err *err);

/** log_page_reply(call, wish, err): the newest lines that fit, oldest first, with the cursor to go
 * on from; "gap": what the cursor stood at is not in the log any more. Return 0 or -1. */
int log_page_reply(struct op_call *call, const struct log_wish *wish, struct err *err);

/** log_page_level(line, len, before): the level that a line says, else ${before}: a line without
 * one belongs to the line before it. */
enum log_page_level log_page_level(const char *line, size_t len, enum log_page_level before);

#endif
