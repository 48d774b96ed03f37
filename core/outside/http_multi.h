#ifndef SETT_HTTP_MULTI_H
#define SETT_HTTP_MULTI_H
/*
 * Thousands of small GETs at once in one thread: the rounds of health checks. What an answer says
 * is not kept, only whether one came, with which status and how fast. The doors are those of the
 * profile HTTP_PROBE: http and https, no redirect, no proxy.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

enum http_end {
    HTTP_END_ANSWERED,
    HTTP_END_REFUSED, /* nobody listens */
    HTTP_END_TIMEOUT,
    HTTP_END_NAME, /* the name has no address */
    HTTP_END_TLS,
    HTTP_END_BROKEN /* broke off, or was no HTTP */
};

struct http_ask {
    uint64_t token; /* comes back with the end */
    const char *url;
    const char *connect_to; /* "host:port:address:port": where to connect instead, or NULL */
    bool no_verify;
    uint32_t timeout_ms;
};

struct http_told {
    uint64_t token;
    enum http_end end;
    uint32_t status;     /* with HTTP_END_ANSWERED */
    uint32_t latency_ms; /* from the beginning to the end; at least 1 */
};

struct http_multi; /* used by one thread */

/** http_multi_new(m, most, ca, err): for at most ${most} at once; ${ca}: trust only the
 * certificates in this PEM file, "" the system's. Return 0 or -1. */
int http_multi_new(struct http_multi **m, unsigned most, const char *ca, struct err *err);

/** http_multi_free(m): what is under way is forgotten. NULL is fine. */
void http_multi_free(struct http_multi *m);

/** http_multi_room(m): how many more can be asked now. */
unsigned http_multi_room(const struct http_multi *m);

/** http_multi_ask(m, ask, err): begin one; the strings are copied. ERR_UNAVAILABLE without room. 0
 * or -1. */
int http_multi_ask(struct http_multi *m, const struct http_ask *ask, struct err *err);

/** http_multi_turn(m, wait_ms, told, arg): go on with all, ${wait_ms} at most if nothing happens;
 * ${told} is called for each that ended, and may ask the next. */
void http_multi_turn(struct http_multi *m, int wait_ms,
                     void (*told)(void *arg, const struct http_told *told), void *arg);

/** http_multi_idle(m): give the memory of idle handles back but for some. Now and then. */
void http_multi_idle(struct http_multi *m);

#endif
