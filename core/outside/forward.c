/*
 * The forwarding of a tenant's port: one thread, one epoll. Apart from the hands because it must
 * not end when they do, and because whoever speaks to a tenant should meet as little of us as
 * possible. Memory is bounded: a pair holds 16 KiB in each direction, and reads no more before
 * that is written.
 */
#include "forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE  16384u
#define ROUNDS 8 /* pieces in a row from one side, before others have their turn */

struct pair;

struct end {
    struct pair *pair;
    struct end *other;
    int fd;
    uint32_t watched;
    bool ended;  /* nothing more comes from it */
    bool closed; /* and the other side was told */
    bool gone;   /* hung up with something left to read: no longer watched, the other side drives */
    size_t at, len;
    char piece[PIECE]; /* read from it, not yet written to the other */
};

struct pair {
    struct end client, tenant;
    bool connecting, dead;
    struct pair *next_dead;
};

struct forward {
    struct sockaddr_in to;
    int epoll_fd, listen_fd;
    unsigned count;
    bool listening;
    struct pair *dead; /* freed once no event in hand can point to them */
};

static void watch(struct forward *f, struct end *e, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = e};

    if (e->gone || e->watched == events)
        return;
    e->watched = events;
    (void)epoll_ctl(f->epoll_fd, EPOLL_CTL_MOD, e->fd, &event);
}

static void watch_door(struct forward *f)
{
    struct epoll_event event = {.events = f->count < FORWARD_PAIRS ? EPOLLIN : 0, .data.ptr = NULL};

    if (f->listening == (f->count < FORWARD_PAIRS))
        return;
    f->listening = !f->listening;
    (void)epoll_ctl(f->epoll_fd, EPOLL_CTL_MOD, f->listen_fd, &event);
}

static void end_pair(struct forward *f, struct pair *p)
{
    if (p->dead)
        return;
    (void)close(p->client.fd);
    (void)close(p->tenant.fd);
    p->dead = true;
    p->next_dead = f->dead;
    f->dead = p;
    f->count--;
    watch_door(f);
}

static bool would_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Fill the empty piece. Return 1 something came, 0 nothing now, -1 it is broken. */
static int fill(struct end *from)
{
    ssize_t got = read(from->fd, from->piece, PIECE);

    if (got == -1)
        return would_wait() ? 0 : -1;
    from->at = 0;
    from->len = (size_t)got;
    from->ended = got == 0;
    return got > 0;
}

/* Lead what comes from one end to the other, as far as it goes without waiting. 0 or -1. */
static int lead(struct end *from)
{
    for (int i = 0; i < ROUNDS; i++) {
        if (from->len == 0 && !from->ended) {
            int got = fill(from);
            if (got <= 0 && !from->ended)
                return got;
        }
        while (from->len > 0) {
            ssize_t put = send(from->other->fd, from->piece + from->at, from->len, MSG_NOSIGNAL);
            if (put == -1)
                return would_wait() ? 0 : -1;
            from->at += (size_t)put;
            from->len -= (size_t)put;
        }
        if (from->ended) {
            if (!from->closed)
                (void)shutdown(from->other->fd, SHUT_WR);
            from->closed = true;
            return 0;
        }
    }
    return 0;
}

static uint32_t wanted(const struct end *e)
{
    const struct end *from = e->other;
    bool put = from->len > 0 || (from->gone && !from->ended);

    return (e->len == 0 && !e->ended ? EPOLLIN : 0u) | (put ? EPOLLOUT : 0u);
}

static bool connected(struct pair *p)
{
    int failed = 0;
    socklen_t len = sizeof failed;

    if (getsockopt(p->tenant.fd, SOL_SOCKET, SO_ERROR, &failed, &len) == -1 || failed != 0)
        return false;
    p->connecting = false;
    return true;
}

static void on_event(struct forward *f, struct end *e, uint32_t events)
{
    struct pair *p = e->pair;

    if (p->dead)
        return;
    if ((events & EPOLLERR) != 0 ||
        (p->connecting && e == &p->client && (events & EPOLLHUP) != 0) ||
        (p->connecting && e == &p->tenant && !connected(p))) {
        end_pair(f, p);
        return;
    }
    if (p->connecting)
        return;
    if (lead(&p->client) == -1 || lead(&p->tenant) == -1 ||
        (p->client.closed && p->tenant.closed) ||
        ((events & EPOLLHUP) != 0 && e->ended)) { /* both of its directions are over */
        end_pair(f, p);
        return;
    }
    if ((events & EPOLLHUP) != 0 && !e->gone) {
        (void)epoll_ctl(f->epoll_fd, EPOLL_CTL_DEL, e->fd, NULL); /* else it would be told again */
        e->gone = true;
    }
    watch(f, &p->client, wanted(&p->client));
    watch(f, &p->tenant, wanted(&p->tenant));
}

static int add(struct forward *f, struct end *e, struct pair *p, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = e};
    int one = 1;

    e->pair = p;
    e->fd = fd;
    e->watched = events;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void on_client(struct forward *f)
{
    int client = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), tenant = -1;
    struct pair *p = NULL;

    if (client == -1)
        return;
    tenant = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tenant == -1 || (p = malloc(sizeof *p)) == NULL)
        goto no;
    memset(&p->client, 0, offsetof(struct end, piece));
    memset(&p->tenant, 0, offsetof(struct end, piece));
    p->client.other = &p->tenant;
    p->tenant.other = &p->client;
    p->connecting = true;
    p->dead = false;
    if ((connect(tenant, (const struct sockaddr *)&f->to, sizeof f->to) == -1 &&
         errno != EINPROGRESS) ||
        add(f, &p->client, p, client, 0) == -1 || add(f, &p->tenant, p, tenant, EPOLLOUT) == -1)
        goto no;
    f->count++;
    watch_door(f);
    return;
no:
    free(p);
    (void)close(client);
    if (tenant != -1)
        (void)close(tenant);
}

static int open_door(struct forward *f, uint32_t port, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int one = 1;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (f->listen_fd == -1 || f->epoll_fd == -1 ||
        setsockopt(f->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1)
        return err_sys(err, "forward_socket", errno, "a socket");
    if (bind(f->listen_fd, (const struct sockaddr *)&at, sizeof at) == -1 ||
        listen(f->listen_fd, SOMAXCONN) == -1)
        return errno == EADDRINUSE
                   ? err_set(err, ERR_CONFLICT, "port_taken",
                             "port %u of 127.0.0.1 is held by another program", port)
                   : err_sys(err, "forward_bind", errno, "the port");
    f->listening = true;
    if (epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, f->listen_fd, &event) == -1)
        return err_sys(err, "forward_watch", errno, "epoll");
    return 0;
}

int forward_run(const struct forward_setup *setup, struct err *err)
{
    struct forward f = {.to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)setup->to_port)},
                        .listen_fd = -1,
                        .epoll_fd = -1};
    struct epoll_event events[64];

    if (setup->port == 0 || setup->port > 65535 || setup->to_port == 0 || setup->to_port > 65535 ||
        inet_pton(AF_INET, setup->to, &f.to.sin_addr) != 1)
        return err_set(err, ERR_INVALID, "forward_address", "%s:%u is no address to lead to",
                       setup->to, setup->to_port);
    if (open_door(&f, setup->port, err) == -1)
        return -1;
    for (;;) {
        int count = epoll_wait(f.epoll_fd, events, 64, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                on_client(&f);
            else
                on_event(&f, events[i].data.ptr, events[i].events);
        }
        while (f.dead != NULL) {
            struct pair *p = f.dead;
            f.dead = p->next_dead;
            free(p);
        }
    }
}
