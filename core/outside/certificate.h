#ifndef SETT_CERTIFICATE_H
#define SETT_CERTIFICATE_H
/* Until when a server's certificate is good. */
#include <stdint.h>
#include "err.h"

/** certificate_expiry(url, expires_ms, err): of the certificate that the server of this https://
 * URL shows, whoever has signed it. Nothing is sent but the handshake. ERR_NETWORK. Return 0 or -1.
 */
int certificate_expiry(const char *url, int64_t *expires_ms, struct err *err);

#endif
