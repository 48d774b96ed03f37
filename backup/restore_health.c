/*
 * Asking the front as a web server asks it. Apart because it is a protocol of its own; the web
 * server itself may be anybody's and on any port, so it is not asked.
 */
#include "restore_health.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "str.h"

#define BEGIN_REQUEST 1
#define PARAMS        4
#define STDIN         5
#define RESPONDER     1
#define ANSWER_MAX    16384

/* A record's header: version, type, request 1, length. */
static void header(struct buf *out, uint8_t type, size_t len)
{
    const uint8_t h[8] = {1, type, 0, 1, (uint8_t)(len >> 8), (uint8_t)len, 0, 0};

    (void)buf_add(out, h, sizeof h);
}

static void param(struct buf *out, const char *name, const char *value)
{
    const uint8_t lengths[2] = {(uint8_t)strlen(name), (uint8_t)strlen(value)};

    (void)buf_add(out, lengths, sizeof lengths);
    (void)buf_text(out, name);
    (void)buf_text(out, value);
}

static void request(struct buf *out)
{
    const uint8_t begin[8] = {0, RESPONDER};
    struct buf params;

    buf_init(&params, 1024);
    param(&params, "REQUEST_METHOD", "GET");
    param(&params, "REQUEST_URI", "/health");
    param(&params, "QUERY_STRING", "");
    param(&params, "SERVER_PROTOCOL", "HTTP/1.1");
    param(&params, "REMOTE_ADDR", "127.0.0.1");
    param(&params, "HTTP_HOST", "localhost");
    header(out, BEGIN_REQUEST, sizeof begin);
    (void)buf_add(out, begin, sizeof begin);
    header(out, PARAMS, params.len);
    (void)buf_add(out, params.data, params.len);
    header(out, PARAMS, 0);
    header(out, STDIN, 0);
    buf_free(&params);
}

static int silent(struct err *err, const char *what)
{
    return err_set(err, ERR_UNAVAILABLE, "front_silent", "the front %s", what);
}

static int converse(int fd, const struct buf *out, struct err *err)
{
    char answer[ANSWER_MAX];
    size_t len = 0;
    ssize_t n;

    if (file_write_all(fd, out->data, out->len) == -1)
        return silent(err, "does not listen");
    while (len + 1 < sizeof answer && (n = read(fd, answer + len, sizeof answer - 1 - len)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    for (size_t i = 0; i < len; i++) /* records lie around it, with zeros among them */
        if (str_starts(answer + i, "\"status\":\"ok\"") || str_starts(answer + i, "Status: 200"))
            return 0;
    return silent(err, "is not well");
}

int restore_front_answers(const char *sock, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval wait = {.tv_sec = 2};
    struct buf out;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

    if (fd == -1 || str_copy(address.sun_path, sizeof address.sun_path, sock) == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == -1 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) == -1) {
        if (fd != -1)
            (void)close(fd);
        return silent(err, "does not listen");
    }
    buf_init(&out, 2048);
    request(&out);
    rc = converse(fd, &out, err);
    buf_free(&out);
    (void)close(fd);
    return rc;
}
