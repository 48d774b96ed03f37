#ifndef SETT_WAIT_FOR_H
#define SETT_WAIT_FOR_H
/* Waiting for a condition with a deadline, for tests of what happens in other threads and
 * processes; and free ports. Include after cmocka.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

/* WAIT_FOR(condition): look every 5 ms, fail the test after 20 s. */
#define WAIT_FOR(condition_)                                                                       \
    do {                                                                                           \
        int64_t until_ = clock_mono_ms() + 20000;                                                  \
        while (!(condition_)) {                                                                    \
            if (clock_mono_ms() > until_)                                                          \
                fail_msg("waited too long for %s", #condition_);                                   \
            clock_sleep_ms(5);                                                                     \
        }                                                                                          \
    } while (0)

/* A TCP port of 127.0.0.1 that nobody has now. */
static inline uint32_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd == -1 || bind(fd, (const struct sockaddr *)&at, sizeof at) == -1 ||
        getsockname(fd, (struct sockaddr *)&at, &len) == -1)
        return 0;
    (void)close(fd);
    return ntohs(at.sin_port);
}

#endif
