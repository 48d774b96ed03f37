#ifndef SETT_GREETING_H
#define SETT_GREETING_H
/* What a machine that is a sett box says to whoever stands before it. */
#include "cli.h"

#define GREETING_ADDRESSES 6

/* Addresses at which others may reach this machine. */
struct greeting_addresses {
    char at[GREETING_ADDRESSES][64]; /* IPv4 first; IPv6 in brackets */
    unsigned count;
};

/** greeting_addresses(a): those of all interfaces that are up, without loopback and link-local. */
void greeting_addresses(struct greeting_addresses *a);

/** greeting_first_password(cli, out, size): the first password, as long as nobody has chosen
 * another. Opens the store, and gives up root for it. Return whether there is one. */
bool greeting_first_password(struct cli *cli, char *out, size_t size);

#endif
