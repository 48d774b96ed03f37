#ifndef SETT_INGRESS_HANDS_H
#define SETT_INGRESS_HANDS_H
/* The local ingress as the worker sees it: a route in the box's own web server, set by the hands. */
#include "ingress.h"

/** ingress_hands(out, hands_sock): ${hands_sock} must outlive it. Only INGRESS_RULES does anything. */
void ingress_hands(struct ingress *out, const char *hands_sock);

#endif
