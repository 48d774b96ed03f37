#ifndef SETT_PORT_PROBE_H
#define SETT_PORT_PROBE_H
/* Whether a TCP port of this machine can be had, and else who has it. */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

/** port_probe(port, mine, owner, size, err): try to bind ${port} on 127.0.0.1 and on all addresses.
 * ${mine}: the mark (SETT_UNIT) of a process that may have it, or NULL. Return 0: it is free, or
 * ${mine} has it; 1: somebody else has it, ${owner} says who ("nginx (pid 12)"); -1: it cannot be
 * known. */
int port_probe(uint32_t port, const char *mine, char *owner, size_t size, struct err *err);

#endif
