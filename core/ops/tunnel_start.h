#ifndef SETT_TUNNEL_START_H
#define SETT_TUNNEL_START_H
/* What all operations that start a job about a tunnel share. */
#include "op.h"
#include "tunnel.h"

/** tunnel_start(call, saga, tunnel, err): start the job and show the tunnel. Return 0 or -1. */
int tunnel_start(struct op_call *call, const char *saga, struct tunnel *tunnel, struct err *err);

#endif
