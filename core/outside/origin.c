/*
 * A service asked directly. Apart from http.c because a cause must be found by layers, which a
 * whole request hides: that a port is closed, that what is there speaks another protocol.
 */
#include "origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "address.h"
#include "clock.h"
#include "str.h"

#define CONNECT_MS 3000
#define ASK_S      4

/* The key of RFC 6455's own example, and the answer that it must get. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* ---- addresses of services ---- */

static const struct {
    const char *scheme;
    enum origin_kind kind;
    bool tls;
    uint32_t port;
} schemes[] = {
    {"http", ORIGIN_HTTP, false, 80},    {"https", ORIGIN_HTTP, true, 443},
    {"ws", ORIGIN_HTTP, false, 80},      {"wss", ORIGIN_HTTP, true, 443},
    {"tcp", ORIGIN_STREAM, false, 0},    {"ssh", ORIGIN_STREAM, false, 22},
    {"rdp", ORIGIN_STREAM, false, 3389}, {"smb", ORIGIN_STREAM, false, 445},
};

static int invalid(const char *text, const char *why, struct err *err)
{
    return err_set(err, ERR_INVALID, "service_invalid", "\"%.200s\" %s", text, why);
}

/* "host", "host:port" or "[v6]:port" of ${len} bytes. */
static int take_host(struct origin *o, const char *text, const char *at, size_t len,
                     struct err *err)
{
    const char *end = at + len, *stop, *colon;
    char digits[8];
    uint64_t port;

    if (len == 0 || memchr(at, '@', len) != NULL)
        return invalid(text, "names no host", err);
    if (*at == '[') {
        if ((stop = memchr(at, ']', len)) == NULL)
            return invalid(text, "has an address that does not end", err);
        if (str_copy_n(o->host, sizeof o->host, at + 1, (size_t)(stop - at - 1)) == -1)
            return invalid(text, "is too long", err);
        colon = stop + 1 < end ? stop + 1 : NULL;
    } else {
        colon = memchr(at, ':', len);
        stop = colon == NULL ? end : colon;
        if (str_copy_n(o->host, sizeof o->host, at, (size_t)(stop - at)) == -1)
            return invalid(text, "is too long", err);
    }
    if (o->host[0] == '\0' || strpbrk(o->host, " \t\"\\<>%") != NULL)
        return invalid(text, "names no host", err);
    if (colon == NULL)
        return 0;
    if (*colon != ':' ||
        str_copy_n(digits, sizeof digits, colon + 1, (size_t)(end - colon - 1)) == -1 ||
        str_u64(digits, 1, 65535, &port) == -1)
        return invalid(text, "has no port between 1 and 65535", err);
    o->port = (uint32_t)port;
    return 0;
}

/* Schemes that are none: the connector's own answers, and UNIX sockets. 1 if it is one of them. */
static int take_special(struct origin *o, const char *text, struct err *err)
{
    const char *path = str_starts(text, "unix:")       ? text + strlen("unix:")
                       : str_starts(text, "unix+tls:") ? text + strlen("unix+tls:")
                                                       : NULL;

    if (str_starts(text, "http_status:") || str_equal(text, "hello_world") ||
        str_equal(text, "hello-world") || str_equal(text, "bastion") ||
        str_equal(text, "socks-proxy")) {
        o->kind = ORIGIN_NONE;
        return 1;
    }
    if (path == NULL)
        return 0;
    o->kind = ORIGIN_UNIX;
    (void)str_copy(o->host, sizeof o->host, "localhost");
    if (path[0] != '/' || str_copy(o->socket, sizeof o->socket, path) == -1)
        return invalid(text, "names no socket", err);
    return 1;
}

int origin_parse(const char *text, struct origin *out, struct err *err)
{
    const char *at = strstr(text, "://");
    size_t len, scheme = at == NULL ? 0 : (size_t)(at - text);
    int special;

    memset(out, 0, sizeof *out);
    if ((special = take_special(out, text, err)) != 0)
        return special == 1 ? 0 : -1;
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return invalid(text, "holds a blank or a control character", err);
    if (at == NULL || scheme == 0)
        return invalid(text, "has no scheme, as in http://localhost:8080", err);
    out->kind = ORIGIN_STREAM; /* any other scheme is a stream to cloudflared as well */
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strlen(schemes[i].scheme) == scheme && strncmp(text, schemes[i].scheme, scheme) == 0) {
            out->kind = schemes[i].kind;
            out->tls = schemes[i].tls;
            out->port = schemes[i].port;
        }
    at += strlen("://");
    len = strcspn(at, "/?#");
    if (take_host(out, text, at, len, err) == -1)
        return -1;
    if (out->port == 0)
        return invalid(text, "has no port", err);
    if (str_copy_n(out->path, sizeof out->path, at + len, strcspn(at + len, "#")) == -1)
        return invalid(text, "has too long a path", err);
    return 0;
}

/* ---- reaching ---- */

/* Whether the connection that was begun is there within the time. Return 0 or -1 with errno. */
static int await(int fd, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t left = until_ms - clock_mono_ms();
    int error = 0, got;
    socklen_t len = sizeof error;

    got = poll(&p, 1, left > 0 ? (int)left : 0);
    if (got <= 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

static int try_address(const struct sockaddr *sa, socklen_t len, int64_t until_ms)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), result, error;

    if (fd == -1)
        return -1;
    result = connect(fd, sa, len);
    if (result == -1 && errno == EINPROGRESS)
        result = await(fd, until_ms);
    error = errno;
    (void)close(fd);
    errno = error;
    return result;
}

static enum origin_reach failed(const struct origin *o, int error, struct err *err)
{
    if (error == ETIMEDOUT || error == EAGAIN) {
        (void)err_set(err, ERR_TIMEOUT, "origin_silent", "%s:%u takes no connection in %d s",
                      o->host, o->port, CONNECT_MS / 1000);
        return ORIGIN_SILENT;
    }
    (void)err_set(err, ERR_NETWORK, "origin_refused", "%s:%u: %s", o->host, o->port,
                  strerrordesc_np(error));
    return ORIGIN_REFUSED;
}

static enum origin_reach connect_unix(const struct origin *o, struct err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    if (str_copy(sa.sun_path, sizeof sa.sun_path, o->socket) == 0 &&
        try_address((const struct sockaddr *)(const void *)&sa, sizeof sa,
                    clock_mono_ms() + CONNECT_MS) == 0)
        return ORIGIN_OPEN;
    (void)err_set(err, ERR_NETWORK, "origin_refused", "%s: %s", o->socket, strerrordesc_np(errno));
    return ORIGIN_REFUSED;
}

static bool forbidden(const struct origin *o, const struct addrinfo *all)
{
    for (const struct addrinfo *a = all; o->public_only && a != NULL; a = a->ai_next)
        if (!address_public(a->ai_addr) || address_own(a->ai_addr))
            return true;
    return false;
}

enum origin_reach origin_connect(struct origin *o, struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all;
    int64_t until_ms = clock_mono_ms() + CONNECT_MS;
    char port[8];
    int error = 0;

    o->address[0] = '\0';
    if (o->kind == ORIGIN_UNIX && o->public_only) {
        (void)err_set(err, ERR_FORBIDDEN, "address_not_public", "that is not a public address");
        return ORIGIN_FORBIDDEN;
    }
    if (o->kind == ORIGIN_UNIX)
        return connect_unix(o, err);
    (void)str_format(port, sizeof port, "%u", o->port);
    if ((error = getaddrinfo(o->host, port, &hints, &all)) != 0) {
        (void)err_set(err, ERR_NETWORK, "name_not_found", "%s: %s", o->host, gai_strerror(error));
        return ORIGIN_NO_NAME;
    }
    if (forbidden(o, all)) {
        freeaddrinfo(all);
        (void)err_set(err, ERR_FORBIDDEN, "address_not_public",
                      "%s leads to an address that is not public", o->host);
        return ORIGIN_FORBIDDEN;
    }
    for (const struct addrinfo *a = all; a != NULL && o->address[0] == '\0'; a = a->ai_next) {
        if (try_address(a->ai_addr, a->ai_addrlen, until_ms) == -1)
            error = errno;
        else
            (void)getnameinfo(a->ai_addr, a->ai_addrlen, o->address, sizeof o->address, NULL, 0,
                              NI_NUMERICHOST);
    }
    freeaddrinfo(all);
    return o->address[0] != '\0' ? ORIGIN_OPEN : failed(o, error, err);
}

/* ---- asking ---- */

static const char *const handshake[] = {"Connection: Upgrade", "Upgrade: websocket",
                                        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " KEY};
#define HANDSHAKE (sizeof handshake / sizeof handshake[0])

static int ask(struct http_client *c, struct http_request *r, const char *host_header,
               bool websocket, struct http_answer *answer, struct err *err)
{
    const char *headers[HANDSHAKE + 2] = {NULL};
    char host[300];
    size_t n = 0;
    int result;

    r->method = "GET";
    r->connect_timeout_s = r->timeout_s = ASK_S;
    r->certificate = r->profile == HTTP_PROBE;
    r->upgrade = websocket;
    for (size_t i = 0; websocket && i < HANDSHAKE; i++)
        headers[n++] = handshake[i];
    if (host_header[0] != '\0') {
        (void)str_format(host, sizeof host, "Host: %s", host_header);
        headers[n++] = host;
    }
    r->headers = headers;
    result = http_call(c, r, answer, err);
    r->headers = NULL;
    if (result == -1 && answer->status > 0 && answer->failure == HTTP_OTHER &&
        err->kind == ERR_TOO_LARGE)
        result = 0; /* a long page is a page */
    return result;
}

int origin_ask(struct http_client *c, const struct origin *o, const char *path, bool websocket,
               struct http_answer *answer, struct err *err)
{
    const char *name = o->tls && o->server_name[0] != '\0' ? o->server_name : o->host;
    struct http_request r = {
        .profile = HTTP_PROBE, .no_verify = o->no_verify, .public_only = o->public_only};
    bool v6 = strchr(name, ':') != NULL;
    char url[900], resolve[400], host[300];

    if (o->kind == ORIGIN_UNIX) {
        r.profile = HTTP_ENGINE;
        r.unix_path = o->socket;
    }
    if (str_format(url, sizeof url, "%s://%s%s%s:%u%s%s", o->tls ? "https" : "http", v6 ? "[" : "",
                   name, v6 ? "]" : "", o->port == 0 ? 80 : o->port, path[0] == '/' ? "" : "/",
                   path) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "the path is too long");
    if (o->address[0] != '\0' && !v6) { /* libcurl takes an address in a URL as it is */
        bool v6_at = strchr(o->address, ':') != NULL;
        (void)str_format(resolve, sizeof resolve, "%s:%u:%s%s%s", name, o->port, v6_at ? "[" : "",
                         o->address, v6_at ? "]" : "");
        r.resolve = resolve;
    }
    r.url = url;
    (void)str_copy(host, sizeof host, o->host_header);
    return ask(c, &r, host, websocket, answer, err);
}

int origin_door(struct http_client *c, const char *url, const char *resolve, bool websocket,
                bool no_verify, struct http_answer *answer, struct err *err)
{
    struct http_request r = {
        .profile = HTTP_PROBE, .url = url, .resolve = resolve, .no_verify = no_verify};

    return ask(c, &r, "", websocket, answer, err);
}

bool origin_switched(const struct http_answer *answer)
{
    return answer->status == 101 && str_equal_nocase(answer->upgrade, "websocket") &&
           str_equal(answer->accept, ACCEPT);
}
