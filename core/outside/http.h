#ifndef SETT_HTTP_H
#define SETT_HTTP_H
/* Requests to the outside, the only file that knows libcurl. Three profiles, nothing else. */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

enum http_profile {
    HTTP_PROVIDER, /* https only, verified, no redirect, no proxy, HTTP/1.1, 4 MiB, 5 s / 30 s */
    HTTP_ENGINE,   /* a UNIX socket: unix_path */
    HTTP_PROBE     /* http or https to a tenant's own port or an operator's rule */
};

struct http_request {
    enum http_profile profile;
    const char *method;    /* "GET" */
    const char *url;
    const char *unix_path; /* HTTP_ENGINE */
    const char *bearer;    /* Authorization: Bearer, or NULL */
    const char *content_type;
    const void *body;
    size_t body_len;
    const char *const *headers; /* more "Name: value", ended by NULL, or NULL */
    uint32_t connect_timeout_s, timeout_s; /* 0: the profile's */
    bool no_verify;        /* HTTP_PROBE only */
    const char *resolve;   /* HTTP_PROBE: "host:port:address", or NULL */
};

struct http_answer {
    long status;
    struct buf body;           /* its max is set by http_answer_init */
    uint32_t retry_after_s;    /* from Retry-After, 0 if none */
    char request_id[96];       /* Request-Id, cf-ray, … */
    char content_type[96];
    char api_version[16];      /* Docker: Api-Version */
    char should_retry[8];      /* Stripe-Should-Retry */
    bool sent;                 /* the request may have had its effect */
};

/* One client per credential: connections are never shared between credentials. Thread-safe; it keeps
 * a small set of handles. */
struct http_client;

/** http_init(err): once per process, before threads. 0 or -1. */
int http_init(struct err *err);
int http_client_new(struct http_client **c, struct err *err);
void http_client_free(struct http_client *c);

void http_answer_init(struct http_answer *a, size_t body_max);
void http_answer_free(struct http_answer *a);

/** http_call(c, request, answer, err): any HTTP status is success here. -1: ERR_NETWORK (nothing was
 * sent, or the connection broke: see answer->sent), ERR_TIMEOUT, ERR_TOO_LARGE. Return 0 or -1. */
int http_call(struct http_client *c, const struct http_request *request, struct http_answer *answer,
              struct err *err);

/** http_stream(c, request, on_data, arg, answer, err): as http_call, the body handed on as it
 * arrives (image pulls, logs); ${on_data} returns 0, or -1 to stop. */
int http_stream(struct http_client *c, const struct http_request *request,
                int (*on_data)(void *arg, const char *data, size_t len), void *arg,
                struct http_answer *answer, struct err *err);

/** http_escape(out, size, s): percent-encode everything but unreserved characters. 0 or -1. */
int http_escape(char *out, size_t size, const char *s);

#endif
