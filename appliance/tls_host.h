#ifndef SETT_TLS_HOST_H
#define SETT_TLS_HOST_H
/* Under which names a box is reached, for its certificate. */
#include "cli.h"

struct tls_host {
    char url[300];    /* box.url as it is set */
    char host[256];   /* its host, without port; never empty */
    char domain[256]; /* box.domain: tenants are below it; "" where that is no real one */
};

/** tls_host_read(cli, host, err): asked of the store by a process that gives up root for it; where
 * there is no box yet, of sett.conf and the machine's own name. Return 0 or -1. */
int tls_host_read(struct cli *cli, struct tls_host *host, struct err *err);

/** tls_host_token(cli, out, err): append the box's Cloudflare token, in the same way. ERR_NOT_FOUND
 * when none is set. Return 0 or -1. */
int tls_host_token(struct cli *cli, struct buf *out, struct err *err);

/** tls_host_public(name): whether anybody out there could know it: neither an address, nor a bare
 * word, nor below localhost, .local and the like. */
bool tls_host_public(const char *name);

/** tls_host_addresses(out, most): the machine's own addresses, the loopback's last. How many. */
unsigned tls_host_addresses(char out[][48], unsigned most);

#endif
