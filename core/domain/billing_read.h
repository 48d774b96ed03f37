#ifndef SETT_BILLING_READ_H
#define SETT_BILLING_READ_H
/* From Stripe's objects to facts. */
#include "billing.h"
#include "stripe.h"

/** billing_read_event(event, facts, err): the facts of an event by its own object, whichever shape
 * it has. A type that moves nothing gives event_id, type and at alone. ERR_MALFORMED when the
 * object is not what the type says. Return 0 or -1. */
int billing_read_event(const struct cJSON *event, struct billing_facts *facts, struct err *err);

/* The same for objects that were read again: they replace what the event's own object said and
 * leave event_id and type as they are; the caller sets facts->at to the time of asking. */

/** billing_read_subscription(object, facts): of a subscription. */
void billing_read_subscription(const struct stripe_subscription *object,
                               struct billing_facts *facts);

/** billing_read_checkout(object, facts): of a checkout session. */
void billing_read_checkout(const struct stripe_checkout *object, struct billing_facts *facts);

/** billing_read_invoice(object, facts): of an invoice. */
void billing_read_invoice(const struct stripe_invoice *object, struct billing_facts *facts);

/** billing_read_charge(object, facts): of a charge. */
void billing_read_charge(const struct stripe_charge *object, struct billing_facts *facts);

/** billing_read_customer(object, facts): of a customer. */
void billing_read_customer(const struct stripe_customer *object, struct billing_facts *facts);

#endif
