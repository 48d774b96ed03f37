#ifndef SETT_UNIT_LOG_H
#define SETT_UNIT_LOG_H
/* The logs of our own units: in systemd's journal, or, below a folder, files. */
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "log.h"

struct unit_log_wish {
    int64_t since_ms, until_ms; /* 0: open */
    enum log_level level;       /* at least so grave */
    const char *text;           /* only lines with this in them; "" for all */
    uint32_t lines;             /* the newest so many */
};

/* Called with each line, oldest first; ${text} has no line break. Return 0, or -1 to stop. */
typedef int unit_log_line(void *arg, int64_t at_ms, enum log_level level, const char *text,
                          size_t len);

/** unit_log_file(path, wish, each, arg, err): of a log file, from its end backwards, 8 MiB at most.
 * A line without a time has that of the one before it. No file, no lines. Return 0 or -1. */
int unit_log_file(const char *path, const struct unit_log_wish *wish, unit_log_line *each,
                  void *arg, struct err *err);

/** unit_log_journal(journalctl, unit, wish, each, arg, err): of a unit, or of all that a pattern
 * means
 * ("sett-tunnel@*"); ${each} is told which. Return 0 or -1. */
int unit_log_journal(const char *journalctl, const char *unit, const struct unit_log_wish *wish,
                     int (*each)(void *arg, const char *unit, int64_t at_ms, enum log_level level,
                                 const char *text, size_t len),
                     void *arg, struct err *err);

#endif
