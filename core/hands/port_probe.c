/* Trying a port before it is given to a tenant. Apart because only root sees whose it is. */
#include "port_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process_find.h"
#include "str.h"

/* Bind and let go. Return 0 or errno. SO_REUSEADDR: connections that linger are no owner. */
static int try_bind(uint32_t port, uint32_t address)
{
    struct sockaddr_in at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, failed = 0;

    if (fd == -1)
        return errno;
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons((uint16_t)port);
    at.sin_addr.s_addr = htonl(address);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1 ||
        bind(fd, (const struct sockaddr *)&at, sizeof at) == -1 || listen(fd, 1) == -1)
        failed = errno;
    (void)close(fd);
    return failed;
}

int port_probe(uint32_t port, const char *mine, char *owner, size_t size, struct err *err)
{
    struct process_seen seen;
    char mark[400];
    int failed = try_bind(port, INADDR_LOOPBACK);

    owner[0] = '\0';
    if (failed == 0)
        failed = try_bind(port, INADDR_ANY);
    if (failed == 0)
        return 0;
    if (failed == EACCES)
        return err_set(err, ERR_FORBIDDEN, "port_forbidden", "port %u may not be bound", port);
    if (failed != EADDRINUSE)
        return err_sys(err, "port_probe", failed, "bind");
    if (process_port_owner(port, &seen) != 1 || seen.pid == 0) {
        (void)str_copy(owner, size, "a process that cannot be seen");
        return 1;
    }
    if (process_environment(seen.pid, "SETT_UNIT", mark, sizeof mark) == 0) {
        const char *name = strrchr(mark, '/');
        if (mine != NULL && str_equal(mark, mine))
            return 0;
        (void)str_format(owner, size, "process %s of a box (pid %d)", name == NULL ? "" : name + 1,
                         (int)seen.pid);
        return 1;
    }
    (void)str_format(owner, size, "%s (pid %d)", seen.name, (int)seen.pid);
    return 1;
}
