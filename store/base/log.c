/* The log: one line an event, in one write. Apart because its place and level are the one thing
 * that a whole process shares; log_open is called once, before there are threads. */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "str.h"

#define LOG_LINE_SIZE 2048

static struct {
    char program[32];
    enum log_level level;
    bool journal; /* standard error is the journal's own stream */
} log_state = {"sett", LOG_LEVEL_INFO, false};

/* systemd names device and inode of the stream it gave (systemd.exec(5), JOURNAL_STREAM), so a
 * redirected standard error is told from the journal's. */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
        return false;
    (void)str_format(mine, sizeof mine, "%llu:%llu", (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino);
    return str_equal(stream, mine);
}

void log_open(const char *program, enum log_level level)
{
    (void)snprintf(log_state.program, sizeof log_state.program, "%s", program);
    log_state.level = level;
    log_state.journal = is_journal();
}

static const char *level_word(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARNING:
        return "warning";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    return "?";
}

__attribute__((format(printf, 2, 0))) static void line(enum log_level level, const char *fmt,
                                                       va_list ap)
{
    char out[LOG_LINE_SIZE], when[CLOCK_TEXT_SIZE];
    size_t len;

    if (level > log_state.level)
        return;
    clock_text(when, clock_wall_ms());
    if (log_state.journal)
        (void)snprintf(out, sizeof out, "<%d>%s: ", (int)level, log_state.program);
    else
        (void)snprintf(out, sizeof out, "%s %s %s: ", when, log_state.program, level_word(level));
    len = strlen(out);
    (void)vsnprintf(out + len, sizeof out - len - 1, fmt, ap); /* room is kept for the newline */
    for (; out[len] != '\0'; len++)
        if ((unsigned char)out[len] < 0x20 || out[len] == 0x7f)
            out[len] = ' ';
    out[len++] = '\n';
    (void)file_write_all(STDERR_FILENO, out, len);
}

void log_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_LEVEL_ERROR, fmt, ap);
    va_end(ap);
}

void log_warning(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_LEVEL_WARNING, fmt, ap);
    va_end(ap);
}

void log_info(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_LEVEL_INFO, fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_LEVEL_DEBUG, fmt, ap);
    va_end(ap);
}
