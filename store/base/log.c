/* The log: one line an event, in one write. Apart because its place and level are the one thing
 * that a whole process shares; log_open is called once, before there are threads. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "log_journal.h"
#include "str.h"

#define LOG_LINE_SIZE 2048

static struct {
    char program[32];
    enum log_level level;
    int journal_fd; /* -1: lines go to standard error */
} log_state = {"sett", LOG_LEVEL_INFO, -1};

static _Thread_local struct log_about log_now;

const char *const log_event_ids[LOG_EVENTS] = {
    [LOG_PLAIN] = "",
    [LOG_READY] = "d13c513a42f84da197b1165f0971b7c4",
    [LOG_START_FAILED] = "25abd89bd67e4d928a8318174d645fa6",
    [LOG_JOB_ENDED] = "3cbb7daa64c144fa88a7c8252abc5619",
    [LOG_JOB_STUCK] = "eca9bad1449e48e4b15ce760f3e452f2",
    [LOG_JOB_REFUSED] = "76e9c8092966493d8bc16f01162794bf",
    [LOG_STORE_WAIT] = "29ec148cead54263b4d6d23508bd9d96",
    [LOG_STORE_BROKEN] = "959575fe0a734d03b43a2c9fbed3e91c",
    [LOG_REQUEST_FAILED] = "cc9ff851b6ab4f1ab79db4df2694e1f7",
    [LOG_PEER_REFUSED] = "72488b810dfa4e398727d4dad921bf95",
    [LOG_PEER_MALFORMED] = "e14c1d7e84484709af4d6ee6dda4dd1e",
    [LOG_PROCESS_ENDED] = "f9fc2f72a562407cbc2c8e3e93afd954",
    [LOG_PROCESS_LOST] = "4630de19bf77438d8b9b7cefad989a70",
    [LOG_PORTS_OPEN] = "86ad910108d243b7b25a55f4796ce0e9",
    [LOG_SNAPSHOT_FAILED] = "3dbf2458c92840e1b9c919c108050a4e",
    [LOG_VAULT_AWAY] = "627e79c72b424dd882e2e271c93de18f",
    [LOG_DRILL_FAILED] = "e973d4d0d37e47498087c813f045f6e0",
    [LOG_LETTER_LOST] = "68b49734b70d403b866b3aa827a0018a",
    [LOG_WEB_SERVER_REFUSED] = "a06bcdfe753340fda33911c082f5e35d",
};

void log_open(const char *program, enum log_level level)
{
    (void)snprintf(log_state.program, sizeof log_state.program, "%s", program);
    log_state.level = level;
    log_state.journal_fd = journal_here() ? journal_open() : -1;
}

void log_about(const struct log_about *about)
{
    if (about == NULL)
        memset(&log_now, 0, sizeof log_now);
    else
        log_now = *about;
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

/* An entry of fields. Return 0, or -1 when the journal does not take it. */
static int to_journal(enum log_event what, enum log_level level, const char *text)
{
    struct journal_entry e;
    char priority[4];

    e.len = 0;
    e.full = false;
    (void)snprintf(priority, sizeof priority, "%d", (int)level);
    journal_add(&e, "MESSAGE", text);
    journal_add(&e, "PRIORITY", priority);
    journal_add(&e, "SYSLOG_IDENTIFIER", log_state.program);
    journal_add(&e, "MESSAGE_ID", log_event_ids[what]);
    journal_add(&e, "SETT_TENANT", log_now.tenant);
    journal_add(&e, "SETT_TENANT", log_now.tenant_id);
    journal_add(&e, "SETT_JOB", log_now.job);
    journal_add(&e, "SETT_REQUEST_ID", log_now.request);
    return journal_send(log_state.journal_fd, &e);
}

static void to_stderr(enum log_level level, const char *text)
{
    char out[LOG_LINE_SIZE + 128], when[CLOCK_TEXT_SIZE];

    clock_text(when, clock_wall_ms());
    if (log_state.journal_fd != -1) /* its stream is there, if its socket is not */
        (void)snprintf(out, sizeof out, "<%d>%s: %s\n", (int)level, log_state.program, text);
    else
        (void)snprintf(out, sizeof out, "%s %s %s: %s\n", when, log_state.program,
                       level_word(level), text);
    (void)file_write_all(STDERR_FILENO, out, strlen(out));
}

__attribute__((format(printf, 3, 0))) static void line(enum log_event what, enum log_level level,
                                                       const char *fmt, va_list ap)
{
    char text[LOG_LINE_SIZE];

    if (level > log_state.level)
        return;
    (void)vsnprintf(text, sizeof text, fmt, ap);
    for (size_t i = 0; text[i] != '\0'; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = ' ';
    if (log_state.journal_fd == -1 || to_journal(what, level, text) == -1)
        to_stderr(level, text);
}

void log_event(enum log_event what, enum log_level level, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(what, level, fmt, ap);
    va_end(ap);
}

void log_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_PLAIN, LOG_LEVEL_ERROR, fmt, ap);
    va_end(ap);
}

void log_warning(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_PLAIN, LOG_LEVEL_WARNING, fmt, ap);
    va_end(ap);
}

void log_info(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_PLAIN, LOG_LEVEL_INFO, fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    line(LOG_PLAIN, LOG_LEVEL_DEBUG, fmt, ap);
    va_end(ap);
}
