#ifndef SETT_EVENTS_READ_H
#define SETT_EVENTS_READ_H
/* Stripe's events, read instead of received: after a restore, and when webhooks did not arrive. */
#include "outside.h"
#include "saga_context.h"

/** events_read(context, outside, since_ms, request_id, fresh, err): store every event that Stripe
 * has from then on (it keeps them 30 days); what is known already changes nothing. *${fresh}: how
 * many were not. Return 1, 0 when there is no key to read them with, or -1. */
int events_read(const struct saga_context *context, struct outside *outside, int64_t since_ms,
                const char *request_id, uint32_t *fresh, struct err *err);

#endif
