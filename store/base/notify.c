/*
 * Datagrams to the manager. Apart so that no program links a library of systemd's for four lines
 * of text; nothing here can fail in a way that a caller could do something about.
 */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "str.h"

static void send_line(const char *line)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to;
    size_t len;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@') || path[1] == '\0')
        return;
    memset(&to, 0, sizeof to);
    to.sun_family = AF_UNIX;
    if (str_copy(to.sun_path, sizeof to.sun_path, path) == -1)
        return;
    if (to.sun_path[0] == '@') /* a name that is no file */
        to.sun_path[0] = '\0';
    if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
        return;
    len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
    while (sendto(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to,
                  (socklen_t)len) == -1 &&
           errno == EINTR)
        ;
    (void)close(fd);
}

void notify_ready(void)
{
    send_line("READY=1");
}

void notify_watchdog(void)
{
    send_line("WATCHDOG=1");
}

void notify_stopping(void)
{
    send_line("STOPPING=1");
}

int64_t notify_watchdog_ms(int64_t otherwise)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t n, whose;

    if (usec == NULL || str_u64(usec, 1, INT64_MAX, &n) == -1)
        return otherwise;
    if (pid != NULL && (str_u64(pid, 1, INT32_MAX, &whose) == -1 || (pid_t)whose != getpid()))
        return otherwise;
    n /= 2000;
    return n < 100 ? 100 : (int64_t)n;
}
