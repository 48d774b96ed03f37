#ifndef SETT_HTTP_H
#define SETT_HTTP_H
/* Requests to the outside, the only file that knows libcurl. Four profiles, nothing else. */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

enum http_profile {
    HTTP_PROVIDER, /* https only, verified, no redirect, no proxy, HTTP/1.1, 4 MiB, 5 s / 30 s */
    HTTP_ENGINE,   /* a UNIX socket: unix_path */
    HTTP_REMOTE,   /* an engine elsewhere: https only, by the client's own identity */
    HTTP_PROBE     /* http or https to a tenant's own port or an operator's rule */
};

struct http_request {
    enum http_profile profile;
    const char *method; /* "GET" */
    const char *url;
    const char *unix_path; /* HTTP_ENGINE */
    const char *bearer;    /* Authorization: Bearer, or NULL */
    const char *content_type;
    const void *body;
    size_t body_len;
    const char *const *headers;            /* more "Name: value", ended by NULL, or NULL */
    uint32_t connect_timeout_s, timeout_s; /* 0: the profile's */
    bool no_verify;                        /* HTTP_PROBE only: take any certificate */
    bool public_only;    /* HTTP_PROBE: the target is a tenant's word: public addresses only */
    const char *resolve; /* HTTP_PROBE: "host:port:address", or NULL */
    bool upgrade;        /* HTTP_PROBE: an answer 101 ends the call at its head */
    bool certificate;    /* HTTP_PROBE: read the server's certificate; see the answer */
};

/* Why there is no answer, for whoever looks for the cause. */
enum http_failure {
    HTTP_ANSWERED,
    HTTP_NO_NAME,     /* the host has no address */
    HTTP_REFUSED,     /* no connection to any of its addresses */
    HTTP_TLS,         /* no TLS handshake: whatever is there speaks another protocol */
    HTTP_CERTIFICATE, /* a handshake, and a certificate that is not accepted */
    HTTP_NO_HTTP,     /* bytes, which are not HTTP */
    HTTP_BROKEN,      /* it closed the connection without an answer */
    HTTP_SILENT,      /* no answer in time */
    HTTP_OTHER
};

struct http_answer {
    long status;
    struct buf body;        /* its max is set by http_answer_init */
    uint32_t retry_after_s; /* from Retry-After, 0 if none */
    char request_id[96];    /* Request-Id, cf-ray, … */
    char content_type[96];
    char api_version[16]; /* Docker: Api-Version */
    char should_retry[8]; /* Stripe-Should-Retry */
    char reason[300];     /* the words behind the status */
    bool sent;            /* the request may have had its effect */
    enum http_failure failure;
    char why[160];                  /* of a failure, in the library's words */
    char location[256], server[64]; /* response headers */
    char upgrade[32], accept[64];   /* Upgrade, Sec-WebSocket-Accept */
    char certificate_names[256];    /* asked for: what it is for, with commas */
    char certificate_issuer[128];   /* who made it */
    char certificate_expires[64];   /* until when it is good */
};

/* One client per credential: connections are never shared between credentials. Thread-safe; it
 * keeps a small set of handles with their open connections. */
struct http_client;

/** http_version(): of the library: "libcurl/7.88.1 OpenSSL/3.0.17 …". */
const char *http_version(void);

/** http_init(err): once per process, before threads. 0 or -1. */
int http_init(struct err *err);

/** http_client_new(c, err): a client without connections; to be freed. 0 or -1. */
int http_client_new(struct http_client **c, struct err *err);

/** http_client_free(c): close its connections. No call may be under way. NULL is fine. */
void http_client_free(struct http_client *c);

/** http_client_set_ca(c, path): from now on trust only the certificates in this PEM file, for https
 * of every profile; "" or NULL: the system's again. There is no way to trust everything. Before
 * threads use the client. 0, or -1 if the path is too long. */
int http_client_set_ca(struct http_client *c, const char *path);

/** http_client_set_pin(c, fingerprint): from now on trust exactly the certificate with this SHA-256
 * ("AB:CD:…", 64 hex digits), whoever signed it and whatever name it bears; nothing is sent to
 * another. "": none. Before threads use the client. 0, or -1 if it is not one. */
int http_client_set_pin(struct http_client *c, const char *fingerprint);

/* Over TLS, who an engine must be and who we are to it: texts in PEM, from memory. */
struct http_identity {
    const char *ca, *certificate, *key;
};

/** http_client_set_identity(c, identity): from now on trust for HTTP_REMOTE what this CA signed,
 * and show this certificate. Borrowed: it must outlive the client. Before threads use the client.
 */
void http_client_set_identity(struct http_client *c, const struct http_identity *identity);

/** http_pin_read(out, fingerprint): 64 hex digits, with or without colons, as bytes. 0 or -1. */
int http_pin_read(uint8_t out[32], const char *fingerprint);

/** http_pin_of(out, pem): the SHA-256 of the first certificate in a PEM text. 0 or -1. */
int http_pin_of(uint8_t out[32], const char *pem);

/** http_answer_init(a, body_max): an empty answer that takes at most ${body_max} bytes; 0: 4 MiB.
 */
void http_answer_init(struct http_answer *a, size_t body_max);

/** http_answer_free(a): free its body; the struct is the caller's. */
void http_answer_free(struct http_answer *a);

/** http_call(c, request, answer, err): any HTTP status is success here; the answer's old content is
 * forgotten. -1: ERR_NETWORK (nothing was sent, or the connection broke: see answer->sent),
 * ERR_TIMEOUT (sent, no whole answer in time), ERR_TOO_LARGE, ERR_INVALID (a URL or header that the
 * profile does not allow), ERR_FORBIDDEN (public_only and the address is not). Return 0 or -1. */
int http_call(struct http_client *c, const struct http_request *request, struct http_answer *answer,
              struct err *err);

/** http_stream(c, request, on_data, arg, answer, err): as http_call, the body handed on as it
 * arrives (image pulls, logs); ${on_data} returns 0, or -1 to stop, which is success. Without
 * timeout_s there is no limit for the whole, only for ten minutes of silence. The body of an answer
 * with status 400 or more is not handed on but kept in ${answer}. Return 0 or -1. */
int http_stream(struct http_client *c, const struct http_request *request,
                int (*on_data)(void *arg, const char *data, size_t len), void *arg,
                struct http_answer *answer, struct err *err);

/** http_escape(out, size, s): percent-encode everything but unreserved characters (RFC 3986). 0 or
 * -1. */
int http_escape(char *out, size_t size, const char *s);

/** http_form(out, name, value): append "name=value", both percent-encoded, behind a & if something
 * stands there already: a form body or the query of a URL. Failure is the buffer's. */
void http_form(struct buf *out, const char *name, const char *value);

#endif
