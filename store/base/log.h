#ifndef SETT_LOG_H
#define SETT_LOG_H
/*
 * The log: one line an event. When standard error is the journal's stream, an entry of fields goes
 * to the journal's socket (systemd.journal-fields(7)): MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, what
 * the thread is at work on (SETT_TENANT, SETT_JOB, SETT_REQUEST_ID) and, for what the catalogue
 * explains (`journalctl -x`, appliance/systemd/sett.catalog), a MESSAGE_ID. Otherwise a line with a
 * readable time goes to standard error.
 */
#include "id.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Events that have an entry in the catalogue. */
enum log_event {
    LOG_PLAIN,        /* has none */
    LOG_READY,        /* a program answers */
    LOG_START_FAILED, /* a program cannot begin */
    LOG_JOB_ENDED,
    LOG_JOB_STUCK,
    LOG_JOB_REFUSED,     /* the end of a step cannot be committed as it is */
    LOG_STORE_WAIT,      /* the store is full or busy */
    LOG_STORE_BROKEN,    /* a commit failed */
    LOG_REQUEST_FAILED,  /* answered with 500 */
    LOG_PEER_REFUSED,    /* somebody at a socket who may not be there */
    LOG_PEER_MALFORMED,  /* the worker says what it never would */
    LOG_PROCESS_ENDED,   /* of a tenant; it is started again */
    LOG_PROCESS_LOST,    /* it cannot be */
    LOG_PORTS_OPEN,      /* the swarm's, to the outside */
    LOG_SNAPSHOT_FAILED, /* one was due and could not begin */
    LOG_VAULT_AWAY,      /* and so on */
    LOG_DRILL_FAILED,
    LOG_LETTER_LOST,
    LOG_WEB_SERVER_REFUSED, /* its test said no to the tenants' map */
    LOG_EVENTS
};
/* 32 digits each; "" for LOG_PLAIN. */
extern const char *const log_event_ids[LOG_EVENTS];

struct log_about {
    char tenant[64];         /* its name, or "" */
    char tenant_id[ID_SIZE]; /* is a value of SETT_TENANT, too */
    char job[ID_SIZE], request[ID_SIZE];
};

/** log_open(program, level): the name in each line and the least urgent level written. */
void log_open(const char *program, enum log_level level);

/** log_about(about): what this thread is at work on until it says otherwise; copied. NULL: nothing
 * in particular. */
void log_about(const struct log_about *about);

/** log_event(what, level, fmt, ...): one line, which the catalogue explains. */
void log_event(enum log_event what, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** log_error(fmt, ...): one line of that urgency; control characters are replaced. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** log_warning(fmt, ...): likewise. */
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** log_info(fmt, ...): likewise. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** log_debug(fmt, ...): likewise. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
