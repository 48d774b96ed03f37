#ifndef SETT_LOG_LINE_H
#define SETT_LOG_LINE_H
/*
 * Lines of logs as other programs write them, taken apart: when, how grave, what. Ours, the web
 * server's, cloudflared's and those of container engines have their own forms; of any other program
 * a time in front is understood, and a grave word. Before a line is shown, what looks like a secret
 * is taken out of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "log.h"

struct log_line {
    int64_t at_ms; /* 0: it does not say */
    enum log_level level;
    const char *text; /* within the line: what is left behind time and level */
    size_t len;
};

/** log_line_read(line, len, out): take one line apart, without its line break. */
void log_line_read(const char *line, size_t len, struct log_line *out);

/** log_level_name(level): "error", "warning", "info", "debug". */
const char *log_level_name(enum log_level level);

/** log_level_find(name): the level of that name, or -1. */
int log_level_find(const char *name);

/** log_within(text, len, word): whether the text has ${word} in it, ASCII letters alike. */
bool log_within(const char *text, size_t len, const char *word);

/** log_redact(out, text, len, addresses): append the text without keys, tokens, passwords and
 * credentials within addresses; ${addresses}: nor e-mail addresses. Control characters become
 * blanks. */
void log_redact(struct buf *out, const char *text, size_t len, bool addresses);

#endif
