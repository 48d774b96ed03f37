#ifndef SETT_HTTP_DOORS_H
#define SETT_HTTP_DOORS_H
/* What the files that know libcurl share: how a handle's doors are closed. ${curl} is libcurl's
 * easy handle. For core/outside/http*.c only. */
#include <stdbool.h>
#include "err.h"

/** http_close_doors(curl, protocols, err): only these protocols, no redirect, no proxy, no
 * netrc, no user name in a URL, HTTP/1.1, no signals, our own name. Return 0, or -1 when the
 * library lacks an option that closes a door. */
int http_close_doors(void *curl, const char *protocols, struct err *err);

/** http_trust(curl, ca, verify): TLS 1.2 or newer, verified unless ${verify} is false, against
 * the PEM file ${ca} ("": the system's). */
void http_trust(void *curl, const char *ca, bool verify);

#endif
