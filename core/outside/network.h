#ifndef SETT_NETWORK_H
#define SETT_NETWORK_H
/* Lists of networks: from which addresses something may come. */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"

#define NETWORK_MOST 16 /* of a list */

/** network_list(text, out, size, err): networks (192.0.2.0/24, 2001:db8::/32) or single addresses,
 * parted by blanks or commas, into ${out} in their canonical form, parted by one blank: bits behind
 * the prefix must be zero. "" stays "". ERR_INVALID, field "networks". Return 0 or -1. */
int network_list(const char *text, char *out, size_t size, struct err *err);

/** network_list_has(list, address): whether ${address} is in one of them. A list that is empty has
 * everything; an IPv4 address that comes mapped into IPv6 (::ffff:192.0.2.1) is that IPv4 address.
 * What cannot be read is in no list. */
bool network_list_has(const char *list, const char *address);

#endif
