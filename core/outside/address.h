#ifndef SETT_ADDRESS_H
#define SETT_ADDRESS_H
/* Which addresses the worker may be sent to by somebody else's word. */
#include <stdbool.h>

struct sockaddr;

/** address_public(sa): whether ${sa} is an IPv4 or IPv6 address of the public internet: none of the
 * ranges that IANA's special-purpose registries (RFC 6890) keep for private, shared, link-local,
 * loopback, benchmark, multicast, translated or reserved use. */
bool address_public(const struct sockaddr *sa);

/** address_own(sa): whether it is an address of an interface of this machine (getifaddrs). True
 * when that cannot be found out. */
bool address_own(const struct sockaddr *sa);

#endif
