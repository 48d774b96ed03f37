#ifndef SETT_SEND_H
#define SETT_SEND_H
/* Sending a signed event to the box's own door, as Stripe would. */
#include "cli.h"

/** send_event(cli, url, body, len, status, answer, err): sign ${body} with the box's webhook secret
 * and POST it to ${url}; append the answer's body. Return 0 (with the HTTP status) or -1. */
int send_event(struct cli *cli, const char *url, const char *body, size_t len, long *status,
               struct buf *answer, struct err *err);

/** send_url(cli, port, out, size, err): the box's own webhook address: http://127.0.0.1:PORT/…, or
 * with ${port} 0 from the setting box.url. Return 0 or -1. */
int send_url(struct cli *cli, uint32_t port, char *out, size_t size, struct err *err);

#endif
