#ifndef SETT_DOMAIN_WATCH_H
#define SETT_DOMAIN_WATCH_H
/*
 * The rounds from domain to domain: each is looked at when its time has come
 * (custom_domain.due_at): the DNS, the provider, the front door. What was seen is noted in one
 * change, which also starts the job that leads a domain to its tenant as soon as the customer's
 * part is done. Some at once, since most of a look is waiting; the provider's calls have a budget
 * of their own (cloudflare_budget).
 */
#include "outside.h"
#include "saga_context.h"

struct domain_watch;

/** domain_watch_start(w, context, outside, each_ms, err): on a thread of its own, which asks the
 * store what is due every ${each_ms} (0: a second). Return 0 or -1. */
int domain_watch_start(struct domain_watch **w, const struct saga_context *context,
                       struct outside *outside, uint32_t each_ms, struct err *err);

/** domain_watch_stop(w): waits for the looks under way. NULL is fine. */
void domain_watch_stop(struct domain_watch *w);

#endif
