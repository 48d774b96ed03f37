#ifndef SETT_LOG_H
#define SETT_LOG_H
/*
 * The log: one line an event to standard error, "<6>sett-worker: text key=value …" with the
 * journal's priority prefix when standard error is the journal, and a readable time otherwise.
 */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/** log_open(program, level): the name in each line and the least urgent level written. */
void log_open(const char *program, enum log_level level);

/** log_error(fmt, ...): one line of that urgency; control characters are replaced. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** log_warning(fmt, ...): likewise. */
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** log_info(fmt, ...): likewise. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** log_debug(fmt, ...): likewise. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
