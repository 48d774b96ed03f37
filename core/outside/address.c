/* Which addresses are public. Apart from http.c so that the ranges can be tested one by one. */
#include "address.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
    uint8_t prefix[4];
    unsigned bits;
} denied4[] = {
    {{0, 0, 0, 0}, 8},      {{10, 0, 0, 0}, 8},    {{100, 64, 0, 0}, 10},   {{127, 0, 0, 0}, 8},
    {{169, 254, 0, 0}, 16}, {{172, 16, 0, 0}, 12}, {{192, 0, 0, 0}, 24},    {{192, 0, 2, 0}, 24},
    {{192, 168, 0, 0}, 16}, {{198, 18, 0, 0}, 15}, {{198, 51, 100, 0}, 24}, {{203, 0, 113, 0}, 24},
    {{224, 0, 0, 0}, 4},    {{240, 0, 0, 0}, 4},
};

static const struct {
    uint8_t prefix[16];
    unsigned bits;
} denied6[] = {
    {{0}, 96},                                  /* ::, ::1, v4-compatible */
    {{[10] = 0xff, 0xff}, 96},                  /* ::ffff:0/96, v4-mapped */
    {{0x00, 0x64, 0xff, 0x9b}, 96},             /* 64:ff9b::/96, NAT64 */
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, /* 64:ff9b:1::/48, local NAT64 */
    {{0x20, 0x01}, 32},                         /* 2001::/32, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},             /* 2001:db8::/32, documentation */
    {{0x20, 0x02}, 16},                         /* 2002::/16, 6to4 */
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
    {{0xfe, 0xc0}, 10},
    {{0xff}, 8},
};

static bool within(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(address, prefix, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ prefix[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

bool address_public(const struct sockaddr *sa)
{
    uint8_t bytes[16];

    if (sa->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
        for (size_t i = 0; i < sizeof denied4 / sizeof denied4[0]; i++)
            if (within(bytes, denied4[i].prefix, denied4[i].bits))
                return false;
        return true;
    }
    if (sa->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
        for (size_t i = 0; i < sizeof denied6 / sizeof denied6[0]; i++)
            if (within(bytes, denied6[i].prefix, denied6[i].bits))
                return false;
        return true;
    }
    return false;
}

bool address_own(const struct sockaddr *sa)
{
    struct ifaddrs *all;
    bool own = false;

    if (getifaddrs(&all) == -1)
        return true;
    for (const struct ifaddrs *i = all; i != NULL && !own; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != sa->sa_family)
            continue;
        if (sa->sa_family == AF_INET)
            own =
                memcmp(&((const struct sockaddr_in *)(const void *)sa)->sin_addr,
                       &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4) == 0;
        else if (sa->sa_family == AF_INET6)
            own = memcmp(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
                         &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr,
                         16) == 0;
    }
    freeifaddrs(all);
    return own;
}
