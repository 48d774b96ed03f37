#ifndef SETT_EVENT_MAKE_H
#define SETT_EVENT_MAKE_H
/* Test events: the few members of Stripe's events that sett reads, in the present shape of the API
 * (https://docs.stripe.com/api/events). For `sett stripe send` and the demonstration. */
#include "buf.h"
#include "err.h"

struct event_make {
    const char *type; /* "checkout.session.completed" */
    const char *id;   /* "": a fresh one */
    const char *name, *email, *plan, *subdomain, *customer, *subscription, *price, *order;
    const char *status; /* "": what the type implies */
    int64_t at_s;       /* 0: now */
};

/** event_make(e, out, err): append the JSON of the event. ERR_INVALID for a type that is not known,
 * with the list of those that are. Return 0 or -1. */
int event_make(const struct event_make *e, struct buf *out, struct err *err);

#endif
