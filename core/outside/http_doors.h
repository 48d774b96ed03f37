#ifndef SETT_HTTP_DOORS_H
#define SETT_HTTP_DOORS_H
/* What the files that know libcurl share: how a handle's doors are closed. ${curl} is libcurl's
 * easy handle. For http*.c, smtp.c and certificate.c only. */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

/** http_close_doors(curl, protocols, err): only these protocols, no redirect, no proxy, no
 * netrc, no user name in a URL, HTTP/1.1 if it is HTTP, no signals, our own name. Return 0, or -1
 * when the library lacks an option that closes a door. */
int http_close_doors(void *curl, const char *protocols, struct err *err);

#define HTTP_PIN_SIZE 65

/** http_pinned(curl, pin, seen): whether the certificate that the connection of ${curl} (with
 * CURLOPT_CERTINFO) shows has the SHA-256 ${pin}; ${seen}: the one that it has, in hex. */
bool http_pinned(void *curl, const uint8_t pin[32], char seen[HTTP_PIN_SIZE]);

/** http_trust(curl, ca, verify): TLS 1.2 or newer, verified unless ${verify} is false, against
 * the PEM file ${ca} ("": the system's). */
void http_trust(void *curl, const char *ca, bool verify);

struct http_identity;

/** http_identify(curl, identity, err): trust only what its CA signed, and show its certificate.
 * Return 0, or -1 when the library lacks an option that is needed. */
int http_identify(void *curl, const struct http_identity *identity, struct err *err);

#endif
