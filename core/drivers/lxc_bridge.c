/*
 * Bridges by ioctl(2). Apart because an interface belongs to the whole machine: here is what keeps
 * us from somebody else's.
 */
#include "lxc_bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

static void set_address(struct ifreq *r, uint32_t address)
{
    struct sockaddr_in at = {.sin_family = AF_INET};

    at.sin_addr.s_addr = address;
    memcpy(&r->ifr_addr, &at, sizeof at);
}

/* The interface's address in network order. Return 1, 0 when it has none, -1 when there is no such
 * interface. */
static int address_of(int fd, const char *name, uint32_t *out)
{
    struct ifreq r = {.ifr_flags = 0};
    struct sockaddr_in at;

    (void)str_copy(r.ifr_name, sizeof r.ifr_name, name);
    if (ioctl(fd, SIOCGIFADDR, &r) == -1)
        return errno == ENODEV ? -1 : 0;
    memcpy(&at, &r.ifr_addr, sizeof at);
    *out = at.sin_addr.s_addr;
    return 1;
}

static int foreign(const char *name, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "foreign_interface",
                  "an interface %s exists that is not of this tenant", name);
    return err_hint(err, "Look at it (ip addr show %s); rename or remove it, then retry.", name);
}

static int set_up(int fd, const char *name, uint32_t gateway)
{
    struct ifreq r = {.ifr_flags = 0};

    (void)str_copy(r.ifr_name, sizeof r.ifr_name, name);
    set_address(&r, gateway);
    if (ioctl(fd, SIOCSIFADDR, &r) == -1)
        return -1;
    set_address(&r, htonl(0xfffffff8u)); /* /29 */
    if (ioctl(fd, SIOCSIFNETMASK, &r) == -1 || ioctl(fd, SIOCGIFFLAGS, &r) == -1)
        return -1;
    r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
    return ioctl(fd, SIOCSIFFLAGS, &r);
}

int lxc_bridge_ensure(const char *name, const struct docker_network *net, struct err *err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), has, rc = 0;
    struct in_addr gateway;
    uint32_t address = 0;

    if (fd == -1 || inet_pton(AF_INET, net->gateway, &gateway) != 1)
        rc = err_sys(err, "bridge", errno, name);
    else if ((has = address_of(fd, name, &address)) == 1 && address != gateway.s_addr)
        rc = foreign(name, err);
    else if ((has == -1 && ioctl(fd, SIOCBRADDBR, name) == -1) ||
             set_up(fd, name, gateway.s_addr) == -1)
        rc = err_sys(err, "bridge", errno, name);
    if (fd != -1)
        (void)close(fd);
    return rc;
}

int lxc_bridge_remove(const char *name, const struct docker_network *net, struct err *err)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), has, rc = 0;
    struct ifreq r = {.ifr_flags = 0};
    struct in_addr gateway;
    uint32_t address = 0;

    if (fd == -1 || inet_pton(AF_INET, net->gateway, &gateway) != 1) {
        rc = err_sys(err, "bridge", errno, name);
    } else if ((has = address_of(fd, name, &address)) == 1 && address != gateway.s_addr) {
        rc = foreign(name, err);
    } else if (has != -1) {
        (void)str_copy(r.ifr_name, sizeof r.ifr_name, name);
        (void)ioctl(fd, SIOCSIFFLAGS, &r); /* down: flags 0 */
        if (ioctl(fd, SIOCBRDELBR, name) == -1 && errno != ENXIO && errno != ENODEV)
            rc = err_sys(err, "bridge", errno, name);
    }
    if (fd != -1)
        (void)close(fd);
    return rc;
}

void lxc_bridge_traffic(const char *name, uint64_t *received, uint64_t *sent)
{
    char begin[IFNAMSIZ + 2];
    const char *at;
    struct buf b;

    *received = *sent = 0;
    buf_init(&b, 1u << 20);
    if (file_read("/proc/self/net/dev", &b, NULL) == 0 &&
        str_format(begin, sizeof begin, "%s:", name) == 0 &&
        (at = strstr(buf_string(&b), begin)) != NULL) {
        unsigned long long in = 0, out = 0;
        /* Numbers of the kernel's. NOLINTNEXTLINE(cert-err34-c) */
        if (sscanf(at + strlen(begin), "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &in, &out) == 2) {
            *received = in;
            *sent = out;
        }
    }
    buf_free(&b);
}
