/*
 * Parameters into struct request. Apart from front.c so that tests and the fuzzer can feed it
 * without a socket: this is the code that sees every byte a stranger sends.
 */
#include "request.h"
#include <stddef.h>
#include <string.h>
#include "str.h"

const char *const request_method_names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};

#define ROW_CUT  0x1u /* longer: cut; other than printable ASCII: '?' */
#define ROW_MANY 0x2u /* may stand several times: the first counts */
#define ROW_JOIN 0x4u /* several are joined by "; " */
#define ROW_ONE                                                                                    \
    0x8u /* never holds ", ", by which nginx joins several since 1.23 (RFC 9110, 5.3)              \
          */

#define ROW_TAIL 0x10u /* several are joined by ", "; longer: cut at its beginning */

struct row {
    const char *name;
    size_t offset, size;
    unsigned flags;
};
#define ROW(name_, member_, flags_)                                                                \
    {                                                                                              \
        name_, offsetof(struct request, member_), sizeof(((struct request *)0)->member_), flags_   \
    }

static const struct row rows[] = {
    ROW("REQUEST_METHOD", method_text, 0),
    ROW("REQUEST_URI", uri, 0),
    ROW("CONTENT_TYPE", content_type, 0),
    ROW("CONTENT_LENGTH", length_text, 0),
    ROW("REMOTE_ADDR", address, 0),
    ROW("HTTP_HOST", host_text, 0),
    ROW("HTTP_X_FORWARDED_FOR", forwarded, ROW_TAIL),
    ROW("HTTP_CF_CONNECTING_IP", cloudflare, ROW_CUT | ROW_MANY),
    ROW("HTTP_AUTHORIZATION", authorization, ROW_ONE),
    ROW("HTTP_COOKIE", cookie, ROW_JOIN),
    ROW("HTTP_ORIGIN", origin, ROW_ONE),
    ROW("HTTP_SEC_FETCH_SITE", fetch_site, ROW_ONE),
    ROW("HTTP_X_CSRF", csrf, ROW_ONE),
    ROW("HTTP_IF_MATCH", if_match, 0),
    ROW("HTTP_RANGE", range, ROW_CUT | ROW_MANY),
    ROW("HTTP_IF_NONE_MATCH", if_none_match, 0),
    ROW("HTTP_IDEMPOTENCY_KEY", idempotency_key, ROW_ONE),
    ROW("HTTP_STRIPE_SIGNATURE", stripe_signature, ROW_ONE),
    ROW("HTTP_LAST_EVENT_ID", last_event_id, ROW_ONE),
    ROW("HTTP_X_ORDER_SECRET", order_secret, ROW_ONE),
    ROW("HTTP_ACCEPT", accept, ROW_CUT | ROW_MANY),
    ROW("HTTP_USER_AGENT", user_agent, ROW_CUT | ROW_MANY),
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct row *row_find(const char *param, size_t name_len)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strncmp(rows[i].name, param, name_len) == 0 && rows[i].name[name_len] == '\0') {
            return &rows[i];
        }
    }
    return NULL;
}

static bool clean(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f) {
            return false;
        }
    }
    return true;
}

static void take_cut(char *to, size_t size, const char *value)
{
    size_t n = 0;
    for (; value[n] != '\0' && n + 1 < size; n++) {
        unsigned char c = (unsigned char)value[n];
        to[n] = (char)(c < 0x20 || c >= 0x7f ? '?' : c);
    }
    to[n] = '\0';
}

/* What came last is what the nearest proxy says. */
static void take_tail(char *to, size_t size, const char *value)
{
    size_t have = strlen(to), len = strlen(value), keep;
    if (len >= size - 1) {
        take_cut(to, size, value + (len - (size - 1)));
        return;
    }
    keep = have + 1 + len > size - 1 ? size - 2 - len : have;
    memmove(to, to + (have - keep), keep);
    if (have > 0) {
        to[keep++] = ',';
    }
    take_cut(to + keep, size - keep, value);
}

static int take_join(char *to, size_t size, const char *value)
{
    size_t have = strlen(to);
    if (have > 0) {
        if (str_copy(to + have, size - have, "; ") < 0) {
            return -1;
        }
        have += 2;
    }
    return str_copy(to + have, size - have, value);
}

static int take(struct request *r, const struct row *row, bool again, const char *value,
                struct err *err)
{
    char *to = (char *)r + row->offset;
    if (again && (row->flags & ROW_MANY) != 0) {
        return 0;
    }
    if ((row->flags & ROW_TAIL) != 0) {
        take_tail(to, row->size, value);
        return 0;
    }
    if ((again && (row->flags & ROW_JOIN) == 0) ||
        ((row->flags & ROW_ONE) != 0 && strstr(value, ", ") != NULL)) {
        return err_set(err, ERR_MALFORMED, "header_twice", "%s was given twice", row->name);
    }
    if ((row->flags & ROW_CUT) != 0) {
        take_cut(to, row->size, value);
        return 0;
    }
    if (!clean(value)) {
        return err_set(err, ERR_MALFORMED, "header_bytes",
                       "%s holds bytes other than printable ASCII", row->name);
    }
    int rc = (row->flags & ROW_JOIN) != 0 ? take_join(to, row->size, value)
                                          : str_copy(to, row->size, value);
    if (rc < 0) {
        return err_set(err, ERR_MALFORMED, "header_long", "%s is longer than %zu bytes", row->name,
                       row->size - 1);
    }
    return 0;
}

static int take_all(struct request *r, const char *const *params, struct err *err)
{
    bool seen[ROW_COUNT] = {false};
    size_t bytes = 0;
    for (size_t i = 0; params[i] != NULL; i++) {
        bytes += strlen(params[i]);
        if (i >= REQUEST_PARAMS_MAX || bytes > REQUEST_BYTES_MAX) {
            return err_set(err, ERR_MALFORMED, "headers_many",
                           "more than %d parameters or %u bytes of them", REQUEST_PARAMS_MAX,
                           REQUEST_BYTES_MAX);
        }
        const char *equal = strchr(params[i], '=');
        if (equal == NULL) {
            continue;
        }
        const struct row *row = row_find(params[i], (size_t)(equal - params[i]));
        if (row == NULL) {
            continue;
        }
        bool *was = &seen[row - rows];
        if (take(r, row, *was, equal + 1, err) < 0) {
            return -1;
        }
        *was = true;
    }
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of the path at *s, decoded; -1 if it may not stand there. */
static int path_byte(const char **s)
{
    unsigned char c = (unsigned char)**s;
    if (c != '%') {
        (*s)++;
        return c <= 0x20 || c >= 0x7f || c == '\\' || c == '#' ? -1 : c;
    }
    int high = hex_digit((*s)[1]);
    int low = high < 0 ? -1 : hex_digit((*s)[2]);
    if (low < 0) {
        return -1;
    }
    *s += 3;
    int byte = high * 16 + low;
    return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\' ? -1 : byte;
}

/* Segments of a decoded path: none empty but the last, none "." or "..". */
static bool segments_plain(const char *path)
{
    const char *at = path;
    while (*at == '/') {
        const char *segment = at + 1;
        size_t len = strcspn(segment, "/");
        if (len == 0 && segment[0] != '\0') {
            return false;
        }
        if ((len == 1 && segment[0] == '.') || (len == 2 && memcmp(segment, "..", 2) == 0)) {
            return false;
        }
        at = segment + len;
    }
    return true;
}

int request_uri(const char *uri, char *path, size_t path_size, char *query, size_t query_size,
                struct err *err)
{
    size_t n = 0;
    const char *s = uri;
    path[0] = query[0] = '\0';
    if (*s != '/') {
        return err_set(err, ERR_MALFORMED, "uri_form", "the request's URI does not begin with '/'");
    }
    while (*s != '\0' && *s != '?') {
        int byte = path_byte(&s);
        if (byte < 0 || n + 1 >= path_size) {
            path[0] = '\0';
            return err_set(err, ERR_MALFORMED, byte < 0 ? "uri_bytes" : "uri_long",
                           byte < 0 ? "the path holds an escape or a character that is not allowed"
                                    : "the path is too long");
        }
        path[n++] = (char)byte;
    }
    path[n] = '\0';
    if (!str_utf8(path, n) || !segments_plain(path)) {
        path[0] = '\0';
        return err_set(err, ERR_MALFORMED, "uri_path",
                       "the path has empty or dot segments, or is not UTF-8");
    }
    if (*s == '?' && str_copy(query, query_size, s + 1) < 0) {
        return err_set(err, ERR_MALFORMED, "uri_long", "the query is too long");
    }
    if (!clean(query) || strpbrk(query, " #\\\"<>") != NULL) {
        query[0] = '\0';
        return err_set(err, ERR_MALFORMED, "uri_bytes",
                       "the query holds a character that is not allowed");
    }
    return 0;
}

/* "Host.Example:4443" or "[::1]:80" into lower case without the port. */
static int host_split(struct request *r, struct err *err)
{
    const char *text = r->host_text;
    size_t len = text[0] == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
    const char *port = text + (len <= strlen(text) ? len : strlen(text));
    bool fine = len > 0 && len <= strlen(text) && (*port == '\0' || *port == ':');
    uint64_t number = 0;
    if (fine && *port == ':' && str_u64(port + 1, 1, 65535, &number) < 0) {
        fine = false;
    }
    if (!fine || str_copy_n(r->host, sizeof(r->host), text, len) < 0) {
        return err_set(err, ERR_MALFORMED, "host_form", "the Host header is missing or malformed");
    }
    str_lower(r->host);
    if (strspn(r->host, "abcdefghijklmnopqrstuvwxyz0123456789.-_[]:") != strlen(r->host)) {
        return err_set(err, ERR_MALFORMED, "host_form", "the Host header is malformed");
    }
    return 0;
}

static enum request_type type_of(const char *content_type)
{
    char type[64];
    size_t len = strcspn(content_type, ";");
    if (content_type[0] == '\0') {
        return REQUEST_TYPE_NONE;
    }
    if (str_copy_n(type, sizeof(type), content_type, len) < 0) {
        return REQUEST_TYPE_OTHER;
    }
    const char *word = str_trim(type);
    if (str_equal_nocase(word, "application/json")) {
        return REQUEST_TYPE_JSON;
    }
    if (str_equal_nocase(word, "application/x-www-form-urlencoded")) {
        return REQUEST_TYPE_FORM;
    }
    return REQUEST_TYPE_OTHER;
}

static enum request_method method_of(const char *text)
{
    for (int i = 0; request_method_names[i] != NULL; i++) {
        if (str_equal(request_method_names[i], text)) {
            return (enum request_method)i;
        }
    }
    return REQUEST_OTHER;
}

/* What was read before: only what another request of the same thread would otherwise see. */
static void forget(struct request *r)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        ((char *)r)[rows[i].offset] = '\0';
    }
    r->path[0] = r->query[0] = r->host[0] = '\0';
    r->method = REQUEST_OTHER;
    r->type = REQUEST_TYPE_NONE;
    r->content_length = 0;
}

int request_parse(struct request *r, const char *const *params, struct err *err)
{
    forget(r);
    if (take_all(r, params, err) < 0) {
        return -1;
    }
    /* Of a chunked body Caddy says -1, which no client can (web servers refuse it), Apache nothing. */
    if (r->length_text[0] == '\0' || str_equal(r->length_text, "-1")) {
        r->content_length = REQUEST_LENGTH_OPEN;
    } else if (str_u64(r->length_text, 0, UINT64_C(1) << 50, &r->content_length) < 0) {
        return err_set(err, ERR_MALFORMED, "length_form", "Content-Length is not a plain number");
    }
    r->method = method_of(r->method_text);
    r->type = type_of(r->content_type);
    if (request_uri(r->uri, r->path, sizeof(r->path), r->query, sizeof(r->query), err) < 0) {
        return -1;
    }
    return host_split(r, err);
}

/* What comes until the web server says, by the end of its stream, that it was all. */
static int body_open(const struct wire *wire, size_t cap, struct buf *out, struct err *err)
{
    char part[4096];
    for (size_t sum = 0;;) {
        int got = wire->read(wire->arg, part, sizeof(part));
        if (got < 0) {
            return err_set(err, ERR_MALFORMED, "body_short", "the body was broken off");
        }
        if (got == 0) {
            return 0;
        }
        sum += (size_t)got;
        if (sum > cap || buf_add(out, part, (size_t)got) < 0) {
            return err_set(err, ERR_TOO_LARGE, "body_large", "the body is larger than %zu bytes",
                           cap);
        }
    }
}

int request_body(const struct request *r, const struct wire *wire, size_t cap, struct buf *out,
                 struct err *err)
{
    if (r->content_length == REQUEST_LENGTH_OPEN) {
        return body_open(wire, cap, out, err);
    }
    if (r->content_length > cap) {
        return err_set(err, ERR_TOO_LARGE, "body_large", "the body is larger than %zu bytes", cap);
    }
    size_t left = (size_t)r->content_length;
    while (left > 0) {
        char *to = buf_reserve(out, left);
        int got = to == NULL ? -1 : wire->read(wire->arg, to, left);
        if (got <= 0) {
            return err_set(err, ERR_MALFORMED, "body_short",
                           "the body ended %zu bytes before its Content-Length", left);
        }
        out->len += (size_t)got;
        out->data[out->len] = '\0';
        left -= (size_t)got;
    }
    char more;
    if (wire->read(wire->arg, &more, 1) > 0) {
        return err_set(err, ERR_MALFORMED, "body_long", "the body is longer than Content-Length");
    }
    return 0;
}

void request_drain(const struct wire *wire, size_t max)
{
    char bin[4096];
    size_t sum = 0;
    while (sum < max) {
        int got = wire->read(wire->arg, bin, sizeof(bin));
        if (got <= 0) {
            return;
        }
        sum += (size_t)got;
    }
}

int request_cookie(const struct request *r, const char *name, char *out, size_t size)
{
    int found = 0;
    size_t name_len = strlen(name);
    const char *at = r->cookie;
    out[0] = '\0';
    while (*at != '\0') {
        at += strspn(at, "; ");
        size_t len = strcspn(at, ";");
        if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
            size_t value_len = len - name_len - 1;
            while (value_len > 0 && at[name_len + value_len] == ' ') {
                value_len--;
            }
            if (found == 0 && str_copy_n(out, size, at + name_len + 1, value_len) < 0) {
                return -1;
            }
            found++;
        }
        at += len;
    }
    return found;
}

int request_query_take(char *query, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    char *at = query;
    while (*at != '\0') {
        size_t len = strcspn(at, "&");
        if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
            if (str_copy_n(out, size, at + name_len + 1, len - name_len - 1) < 0) {
                return 0;
            }
            size_t gap = len + (at[len] == '&' ? 1u : 0u);
            memmove(at, at + gap, strlen(at + gap) + 1);
            size_t left = strlen(query);
            if (left > 0 && query[left - 1] == '&') {
                query[left - 1] = '\0';
            }
            return 1;
        }
        at += len + (at[len] == '&' ? 1u : 0u);
    }
    return 0;
}
