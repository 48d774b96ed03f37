#ifndef SETT_INGRESS_LOCAL_H
#define SETT_INGRESS_LOCAL_H
/*
 * The local ingress on the worker's side: host names lead to ports of this machine through the
 * box's own web server, whose map the hands keep (route_map.h). Only the stage RULES does anything.
 */
#include "ingress.h"

/** ingress_local_new(out, hands_sock, timeout_ms, err): requests go to the hands at ${hands_sock}.
 * The service of a route must be http://127.0.0.1:PORT or http://localhost:PORT, its path "". Facts
 * set by check and make: local_port. Return 0 or -1. */
int ingress_local_new(struct ingress *out, const char *hands_sock, int timeout_ms, struct err *err);

/** ingress_local_free(in): give back what ingress_local_new took. */
void ingress_local_free(struct ingress *in);

#endif
