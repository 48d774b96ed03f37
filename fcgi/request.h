#ifndef SETT_REQUEST_H
#define SETT_REQUEST_H
/*
 * A request, made from FastCGI parameters by an allow-list: what is not named here does not
 * exist for us. Every member is bounded and free of control characters, the path was decoded
 * exactly once from REQUEST_URI (RFC 3986), and whatever two readers could understand differently
 * is refused. Nothing here knows libfcgi.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"
#include "wire.h"

#define REQUEST_PARAMS_MAX  100
#define REQUEST_LENGTH_OPEN UINT64_MAX
#define REQUEST_BYTES_MAX   (48u * 1024u)

enum request_method {
    REQUEST_GET,
    REQUEST_HEAD,
    REQUEST_POST,
    REQUEST_PUT,
    REQUEST_PATCH,
    REQUEST_DELETE,
    REQUEST_OTHER /* known or unknown, no route has it */
};
extern const char *const request_method_names[]; /* by enum, NULL after the last that has a route */

enum request_type { REQUEST_TYPE_NONE, REQUEST_TYPE_JSON, REQUEST_TYPE_FORM, REQUEST_TYPE_OTHER };

struct request {
    enum request_method method;
    enum request_type type;  /* from content_type */
    uint64_t content_length; /* REQUEST_LENGTH_OPEN: as much as comes */
    char path[1024];         /* decoded, begins with '/', no "//", no dot segments */
    char query[2048];        /* behind the '?', still encoded */
    char host[256];          /* lower case, without port */
    char method_text[16], uri[4096], length_text[24], host_text[264];
    char content_type[128];
    char address[48];
    char forwarded[256], cloudflare[48]; /* X-Forwarded-For (its end), CF-Connecting-IP */
    char authorization[2304];
    char cookie[4096]; /* several Cookie headers are joined by "; " */
    char origin[264], fetch_site[32], csrf[160];
    char range[128];
    char if_match[128], if_none_match[256];
    char idempotency_key[256];
    char stripe_signature[2048];
    char last_event_id[32];
    char order_secret[64];             /* X-Order-Secret, of an order's event stream */
    char accept[256], user_agent[160]; /* cut where they are longer */
};

/** request_parse(r, params, err): fill ${r} from "NAME=value" strings, ended by NULL. ERR_MALFORMED
 * for a method, URI, length, host or header that is missing, doubled, too long or not clean. Return
 * 0 or -1; the members that were read stand in either case. */
int request_parse(struct request *r, const char *const *params, struct err *err);

/** request_uri(uri, path, path_size, query, query_size, err): split and decode once. ERR_MALFORMED
 * on %00 %2f %5c, control characters, bad escapes, bad UTF-8, "//" and dot segments. 0 or -1. */
int request_uri(const char *uri, char *path, size_t path_size, char *query, size_t query_size,
                struct err *err);

/** request_body(r, wire, cap, out, err): exactly content_length bytes appended to ${out}; where the
 * web server did not say how many, those that it sends. ERR_TOO_LARGE beyond ${cap}, ERR_MALFORMED
 * when fewer or more arrive. Return 0 or -1. */
int request_body(const struct request *r, const struct wire *wire, size_t cap, struct buf *out,
                 struct err *err);

/** request_drain(wire, max): read and forget what is left of the body, at most ${max} bytes, so
 * that the peer can finish sending before it reads the answer. */
void request_drain(const struct wire *wire, size_t max);

/** request_cookie(r, name, out, size): the cookie's value. Return how many of that name there are
 * (out holds the first), or -1 when it does not fit. */
int request_cookie(const struct request *r, const char *name, char *out, size_t size);

/** request_query_take(query, name, out, size): cut the first "name=value" pair out of a
 * raw query, in place. Return 1 with its (still encoded) value, 0 if there is none or it is too
 * long. */
int request_query_take(char *query, const char *name, char *out, size_t size);

#endif
