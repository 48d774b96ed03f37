#ifndef SETT_RESTORE_HEALTH_H
#define SETT_RESTORE_HEALTH_H
/* One FastCGI request, for who wants to know whether the front is well. */
#include "err.h"

/** restore_front_answers(sock, err): GET /health at the front's socket: 200. Return 0 or -1. */
int restore_front_answers(const char *sock, struct err *err);

#endif
