#ifndef SETT_FORWARD_H
#define SETT_FORWARD_H
/*
 * A TCP port of 127.0.0.1 led to an address of a tenant's own network. A program of its own runs
 * it (sett-forward), so that it outlives the hands and is supervised like a tenant.
 */
#include <stdint.h>
#include "err.h"

#define FORWARD_PAIRS 1024 /* connections at once; further ones wait in the kernel's queue */

struct forward_setup {
    uint32_t port;    /* on 127.0.0.1 */
    const char *to;   /* an IPv4 address */
    uint32_t to_port; /* where the tenant's program listens */
};

/** forward_run(setup, err): serve for ever. Each connection is led byte for byte, each direction
 * ended by itself; one whose tenant does not answer is closed at once. Return -1 when it cannot
 * begin: ERR_CONFLICT "port_taken", ERR_INVALID. */
int forward_run(const struct forward_setup *setup, struct err *err);

#endif
