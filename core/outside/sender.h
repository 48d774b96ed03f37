#ifndef SETT_SENDER_H
#define SETT_SENDER_H
/* Who sent a request that came through reverse proxies: only what a trusted one says counts. */
#include <stddef.h>
#include "err.h"

#define SENDER_TRUSTED_SIZE 1024 /* networks, canonical */
#define SENDER_ADDRESS_SIZE 48

/** sender_trusted(text, out, size, err): the setting box.trusted_proxies, networks and the words
 * "loopback" and "cloudflare" (its published networks), as networks parted by one blank.
 * ERR_INVALID, field "value". Return 0 or -1. */
int sender_trusted(const char *text, char *out, size_t size, struct err *err);

/** sender_find(trusted, peer, forwarded, cloudflare, out): ${out} is the address of who sent it.
 * That is ${peer}, unless that is in ${trusted} (of sender_trusted) or came by a UNIX socket
 * ("unix:"): then the last address of ${forwarded} (X-Forwarded-For, several joined by commas)
 * which is not trusted itself, or, without that header, ${cloudflare} (CF-Connecting-IP). Whatever
 * is no address ends the search: the proxy that said it stands for it. */
void sender_find(const char *trusted, const char *peer, const char *forwarded,
                 const char *cloudflare, char out[SENDER_ADDRESS_SIZE]);

#endif
