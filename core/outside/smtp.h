#ifndef SETT_SMTP_H
#define SETT_SMTP_H
/* A mail handed to a mail server: SMTP (RFC 5321) with STARTTLS (RFC 3207) or TLS from the start,
 * and AUTH (RFC 4954) over TLS. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

/* Whether a connection that begins in the clear must become, may become or stays one without TLS.
 * smtps:// is TLS from the start whatever is said. */
enum smtp_tls { SMTP_TLS_REQUIRED, SMTP_TLS_IF_OFFERED, SMTP_TLS_NONE };
extern const char *const smtp_tls_names[];

struct smtp_server {
    const char *url;             /* smtp://host[:port] or smtps://host[:port] */
    const char *user, *password; /* "" for none; never sent without TLS but to this machine */
    const char *ca_file;         /* trusted instead of the system's; "" */
    enum smtp_tls tls;
    uint32_t timeout_s; /* for the whole; 0: 60 */
};

struct smtp_answer {
    char text[240];  /* the server's last line: "250 2.0.0 queued as 4XyZ" */
    bool final_no;   /* it refused this mail for good (5xx to sender, recipient or content) */
    bool maybe_sent; /* the whole mail was on its way when the connection broke */
};

/** smtp_url(url, err): that it is one that this file takes. ERR_INVALID. Return 0 or -1. */
int smtp_url(const char *url, struct err *err);

/** smtp_send(server, from, to, data, len, answer, err): hand over one composed mail. It is sent
 * when this returns 0. -1: ERR_NETWORK, ERR_TIMEOUT, ERR_UNAUTHENTICATED (the server does not know
 * user and password), ERR_INVALID (what cannot be sent at all), ERR_FORBIDDEN (a password would
 * have gone without TLS, or the server offers none), ERR_UNAVAILABLE (it said no for now: 4xx),
 * ERR_CONFLICT (for good: 5xx). ${answer} is filled in any case. Return 0 or -1. */
int smtp_send(const struct smtp_server *server, const char *from, const char *to, const void *data,
              size_t len, struct smtp_answer *answer, struct err *err);

#endif
