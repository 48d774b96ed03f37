#ifndef SETT_PRICE_WATCH_H
#define SETT_PRICE_WATCH_H
/* What Stripe asks for the plans that are sold at one of its prices: read when a plan is new or was
 * changed, and once an hour, so that the order page says what the buyer will see at Stripe. */
#include "outside.h"
#include "saga_context.h"

/** price_watch_look(context, outside, err): read the prices that are due; what cannot be read is
 * said in the plan's price_fault. Return how many were read, or -1. */
int price_watch_look(const struct saga_context *context, struct outside *outside, struct err *err);

/** price_watch_start(context, outside, err): on a thread that lives as long as the process does.
 * Return 0 or -1. */
int price_watch_start(const struct saga_context *context, struct outside *outside, struct err *err);

#endif
