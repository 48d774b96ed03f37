/* Messages over UNIX sockets. Apart because front, worker, hands and CLI all speak this way, and
 * because time limits, peers that vanish and left-over sockets are easy to get wrong once each. */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "enc.h"
#include "str.h"

#define BACKLOG         64
#define SEND_TIMEOUT_MS 10000

static int address(struct sockaddr_un *sa, const char *path, struct err *err)
{
    memset(sa, 0, sizeof *sa);
    sa->sun_family = AF_UNIX;
    if (path[0] == '\0' || str_copy(sa->sun_path, sizeof sa->sun_path, path) == -1)
        return err_set(err, ERR_INVALID, "socket_path", "not a usable path of a socket: %s", path);
    return 0;
}

/* For connecting as well: a full backlog of a UNIX socket waits as long as sending may. */
static int limit_sending(int fd, int timeout_ms)
{
    struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = (timeout_ms % 1000) * 1000};

    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* Whether somebody answers at a socket that is there: 1, or 0 for a left-over. */
static int alive(const struct sockaddr_un *sa)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), dead;

    if (fd == -1)
        return 1;
    dead = connect(fd, (const struct sockaddr *)sa, sizeof *sa) == -1 &&
           (errno == ECONNREFUSED || errno == ENOENT);
    (void)close(fd);
    return !dead;
}

static int bind_or_replace(int fd, const struct sockaddr_un *sa)
{
    struct stat st;

    if (bind(fd, (const struct sockaddr *)sa, sizeof *sa) == 0)
        return 0;
    if (errno != EADDRINUSE || lstat(sa->sun_path, &st) == -1)
        return -1;
    if (!S_ISSOCK(st.st_mode) || alive(sa)) {
        errno = EADDRINUSE;
        return -1;
    }
    if (unlink(sa->sun_path) == -1 && errno != ENOENT)
        return -1;
    return bind(fd, (const struct sockaddr *)sa, sizeof *sa);
}

int channel_listen(const char *path, mode_t mode, struct err *err)
{
    struct sockaddr_un sa;
    int fd, failed;

    if (address(&sa, path, err) == -1)
        return -1;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
        return err_sys(err, "socket", errno, path);
    /* The mode of the socket's inode bounds the file's from its first moment, whatever the umask.
     */
    if (fchmod(fd, mode & 0700) == -1 || bind_or_replace(fd, &sa) == -1 ||
        chmod(path, mode) == -1 || listen(fd, BACKLOG) == -1) {
        failed = errno;
        (void)close(fd);
        if (failed == EADDRINUSE)
            return err_set(err, ERR_CONFLICT, "socket_in_use", "somebody already listens at %s",
                           path);
        return err_sys(err, "socket_listen", failed, path);
    }
    return fd;
}

int channel_accept(int fd, uid_t *uid, struct err *err)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    int conn;

    do
        conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    while (conn == -1 && errno == ECONNABORTED);
    if (conn == -1)
        return err_sys(err, "socket_accept", errno, "accept");
    if (getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1 ||
        limit_sending(conn, SEND_TIMEOUT_MS) == -1) {
        (void)err_sys(err, "socket_peer", errno, "the peer's user");
        (void)close(conn);
        return -1;
    }
    *uid = peer.uid;
    return conn;
}

int channel_connect(const char *path, int timeout_ms, struct err *err)
{
    struct sockaddr_un sa;
    int fd, failed;

    if (address(&sa, path, err) == -1)
        return -1;
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
        return err_sys(err, "socket", errno, path);
    if (limit_sending(fd, timeout_ms > 0 ? timeout_ms : SEND_TIMEOUT_MS) == -1 ||
        connect(fd, (const struct sockaddr *)&sa, sizeof sa) == -1) {
        failed = errno;
        (void)close(fd);
        if (failed == EACCES || failed == EPERM)
            return err_set(err, ERR_FORBIDDEN, "socket_forbidden", "no right to connect to %s",
                           path);
        if (failed == ENOENT || failed == ECONNREFUSED || failed == EAGAIN || failed == EINTR)
            return err_set(err, ERR_UNAVAILABLE, "nobody_listens", "nobody answers at %s", path);
        return err_sys(err, "socket_connect", failed, path);
    }
    return fd;
}

int channel_send_fds(int fd, const void *data, size_t len, const int *fds, size_t count,
                     struct err *err)
{
    union {
        char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        struct cmsghdr align;
    } control;
    uint8_t head[4];
    struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof head},
                             {.iov_base = (void *)(uintptr_t)data, .iov_len = len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    size_t left = sizeof head + len;

    if (len > CHANNEL_MESSAGE_MAX || count > CHANNEL_FDS_MAX)
        return err_set(err, ERR_TOO_LARGE, "message_too_large", "a message of %zu bytes", len);
    enc_put32(head, (uint32_t)len);
    if (count > 0) {
        struct cmsghdr *c;

        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    }
    while (left > 0) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent == -1 && errno == EINTR)
            continue;
        if (sent == -1 && errno == EAGAIN)
            return err_set(err, ERR_TIMEOUT, "peer_slow", "the other side does not read");
        if (sent == -1)
            return err_set(err, ERR_UNAVAILABLE, "peer_gone",
                           "the other side closed the connection");
        message.msg_control = NULL; /* they went with the first bytes */
        message.msg_controllen = 0;
        left -= (size_t)sent;
        for (size_t i = 0, rest = (size_t)sent; i < 2 && rest > 0; i++) {
            size_t part = rest < parts[i].iov_len ? rest : parts[i].iov_len;
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            rest -= part;
        }
    }
    return 0;
}

int channel_send(int fd, const void *data, size_t len, struct err *err)
{
    return channel_send_fds(fd, data, len, NULL, 0, err);
}

/* Descriptors that come with a message. */
struct carried {
    int *fds; /* NULL: none may come */
    size_t count;
};

/* One recv, taking what descriptors come with it. */
static ssize_t receive_some(int fd, void *out, size_t len, struct carried *carried)
{
    union {
        char space[CMSG_SPACE(sizeof(int) * CHANNEL_FDS_MAX)];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = out, .iov_len = len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.space,
                             .msg_controllen = sizeof control.space};
    ssize_t got;

    if (carried->fds == NULL)
        return recv(fd, out, len, MSG_DONTWAIT);
    got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    for (struct cmsghdr *c = got < 0 ? NULL : CMSG_FIRSTHDR(&message); c != NULL;
         c = CMSG_NXTHDR(&message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count; i++) {
            int one;

            memcpy(&one, CMSG_DATA(c) + i * sizeof one, sizeof one);
            if (carried->count < CHANNEL_FDS_MAX)
                carried->fds[carried->count++] = one;
            else
                (void)close(one);
        }
    }
    return got;
}

/* Exactly ${len} bytes before the deadline (monotonic; -1: none). 1, 0 if the peer closed before
 * the first of them, or -1. */
static int receive_all(int fd, void *out, size_t len, int64_t deadline_ms, struct carried *carried,
                       struct err *err)
{
    size_t have = 0;

    while (have < len) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - clock_mono_ms();
        int ready;
        ssize_t got;
        if (deadline_ms >= 0 && left < 0)
            left = 0;
        ready = poll(&p, 1, (int)(left > INT32_MAX ? INT32_MAX : left));
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "no_answer", "no answer in time");
        if (ready == -1 && errno != EINTR)
            return err_sys(err, "socket_poll", errno, "poll");
        if (ready == -1)
            continue;
        got = receive_some(fd, (uint8_t *)out + have, len - have, carried);
        if (got == -1 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got == 0 && have == 0)
            return 0;
        if (got <= 0)
            return err_set(err, ERR_UNAVAILABLE, "peer_gone", "the other side broke off");
        have += (size_t)got;
    }
    return 1;
}

static int receive(int fd, struct buf *out, struct carried *carried, int timeout_ms,
                   struct err *err)
{
    int64_t deadline = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    uint8_t head[4];
    uint32_t len;
    char *to;
    int got = receive_all(fd, head, sizeof head, deadline, carried, err);

    if (got != 1)
        return got;
    len = enc_get32(head);
    if (len > CHANNEL_MESSAGE_MAX)
        return err_set(err, ERR_MALFORMED, "message_too_large", "a message announced %u bytes",
                       len);
    if ((to = buf_reserve(out, len)) == NULL)
        return err_set(err, ERR_TOO_LARGE, "message_too_large", "a message of %u bytes is too much",
                       len);
    if (len > 0 && (got = receive_all(fd, to, len, deadline, carried, err)) != 1)
        return got == 0 ? err_set(err, ERR_UNAVAILABLE, "peer_gone", "the other side broke off")
                        : -1;
    out->len += len;
    out->data[out->len] = '\0';
    return 1;
}

int channel_receive(int fd, struct buf *out, int timeout_ms, struct err *err)
{
    struct carried none = {0};

    return receive(fd, out, &none, timeout_ms, err);
}

int channel_receive_fds(int fd, struct buf *out, int fds[CHANNEL_FDS_MAX], size_t *count,
                        int timeout_ms, struct err *err)
{
    struct carried carried = {.fds = fds};
    int got = receive(fd, out, &carried, timeout_ms, err);

    for (size_t i = 0; got != 1 && i < carried.count; i++)
        (void)close(fds[i]);
    *count = got == 1 ? carried.count : 0;
    return got;
}
