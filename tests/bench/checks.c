/*
 * Health checks beside the least that could be done: so many GETs, each to a port of its own, over
 * the module that the worker's rounds use, or over bare sockets.
 * usage: checks origin|ours|bare FIRST_PORT COUNT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"
#include "http_multi.h"
#include "str.h"

#define AT_ONCE 500
#define EVENTS  256
#define ANSWER  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

static int epoll_fd;

static void watch(int fd, uint32_t events, int op)
{
    struct epoll_event e = {.events = events, .data.fd = fd};

    if (epoll_ctl(epoll_fd, op, fd, &e) == -1)
        exit(1);
}

static struct sockaddr_in address(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Answers on all ports until it is ended. */
static int origin(unsigned first, unsigned count)
{
    struct epoll_event events[EVENTS];
    char request[4096];
    int last_listener = -1;

    for (unsigned i = 0; i < count; i++) {
        struct sockaddr_in at = address(first + i);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&at, sizeof at) == -1 || listen(fd, 16) == -1)
            return 1;
        watch(fd, EPOLLIN, EPOLL_CTL_ADD);
        last_listener = fd;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd <= last_listener) {
                int c = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
                if (c > last_listener)
                    watch(c, EPOLLIN, EPOLL_CTL_ADD);
                else if (c != -1)
                    return 1;
            } else {
                if (read(fd, request, sizeof request) > 0)
                    (void)!send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL);
                (void)close(fd);
            }
        }
    }
}

static void told(void *arg, const struct http_told *t)
{
    unsigned *counts = arg;

    counts[0]++;
    counts[1] += t->end == HTTP_END_ANSWERED && t->status == 200;
}

static unsigned ours(unsigned first, unsigned count)
{
    unsigned counts[2] = {0}, asked = 0;
    struct http_multi *m;
    struct err err;
    char url[64];

    if (http_init(&err) == -1 || http_multi_new(&m, AT_ONCE, "", &err) == -1)
        return 0;
    while (counts[0] < count) {
        while (asked < count && http_multi_room(m) > 0) {
            struct http_ask ask = {.token = asked, .url = url, .timeout_ms = 5000};
            (void)str_format(url, sizeof url, "http://127.0.0.1:%u/health", first + asked++);
            if (http_multi_ask(m, &ask, &err) == -1)
                return 0;
        }
        http_multi_turn(m, 100, told, counts);
    }
    return counts[1];
}

static unsigned bare(unsigned first, unsigned count)
{
    static const char get[] =
        "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    struct epoll_event events[EVENTS];
    unsigned asked = 0, ended = 0, good = 0;
    char answer[4096];

    while (ended < count) {
        int n;
        while (asked < count && asked - ended < AT_ONCE) {
            struct sockaddr_in at = address(first + asked++);
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            if (connect(fd, (struct sockaddr *)&at, sizeof at) == -1 && errno != EINPROGRESS)
                return 0;
            watch(fd, EPOLLOUT, EPOLL_CTL_ADD);
        }
        n = epoll_wait(epoll_fd, events, EVENTS, 100);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (events[i].events & EPOLLOUT) {
                (void)!send(fd, get, sizeof get - 1, MSG_NOSIGNAL);
                watch(fd, EPOLLIN, EPOLL_CTL_MOD);
                continue;
            }
            ssize_t len = read(fd, answer, sizeof answer - 1);
            good += len > 12 && strncmp(answer, "HTTP/1.1 200", 12) == 0;
            ended++;
            (void)close(fd);
        }
    }
    return good;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    struct rusage used;
    uint64_t first, count;
    int64_t began;
    unsigned good;

    if (argc != 4 || str_u64(argv[2], 1, 65535, &first) == -1 ||
        str_u64(argv[3], 1, 60000, &count) == -1)
        return 2;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    epoll_fd = epoll_create1(0);
    if (str_equal(argv[1], "origin"))
        return origin((unsigned)first, (unsigned)count);
    began = clock_mono_ms();
    good = str_equal(argv[1], "ours") ? ours((unsigned)first, (unsigned)count)
                                      : bare((unsigned)first, (unsigned)count);
    (void)getrusage(RUSAGE_SELF, &used);
    (void)printf("RESULT %lld %lld %ld %u\n", (long long)(clock_mono_ms() - began),
                 (long long)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
                     (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000,
                 used.ru_maxrss, good);
    return good == count ? 0 : 1;
}
