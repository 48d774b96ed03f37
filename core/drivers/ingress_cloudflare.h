#ifndef SETT_INGRESS_CLOUDFLARE_H
#define SETT_INGRESS_CLOUDFLARE_H
/*
 * The ingress driver over Cloudflare: a remotely configured tunnel, its rules, a proxied CNAME.
 *
 * What is ours: a tunnel by its secret, since two boxes may share an account and therefore a name
 * (the connector's token, which Cloudflare hands out, holds the secret); a DNS record by its
 * comment, which is the route's mark and the id of the job that made it. Nothing else is ever
 * changed or deleted: a foreign thing in the way is ERR_CONFLICT naming it.
 *
 *   INGRESS_TUNNEL     found by name or made with the secret given; fact cf_tunnel, cf_account.
 *                      undo: its connections, then itself; AGAIN while connections linger
 *   INGRESS_RULES      all rules as route->rules says, or, without that, the rule of the route's
 *                      host name and path among the tunnel's other rules; fact cf_version. What a
 *                      configuration has beside its rules is left alone. undo: every rule of that
 *                      host name goes
 *   INGRESS_CONNECTOR  OK at once: the connector is a unit of the box, which the hands start with
 *                      cloudflare_connector_token
 *   INGRESS_DNS        the record; facts cf_record, cf_zone. A name that lies in no zone of ours
 * has none: fact dns_elsewhere. undo: whatever of that name has our mark
 *
 * What was written may be missing from Cloudflare's lists for some seconds. So a refusal "exists
 * already" of what cannot be found is AGAIN, and an undo that does not know an id does not believe
 * the first list that is empty.
 */
#include "cloudflare.h"
#include "ingress.h"

/** ingress_cloudflare(out, c): fill the table; ${c} must outlive it. Several threads may call, each
 * for a tunnel of its own: the rules of one tunnel are written by one at a time. */
void ingress_cloudflare(struct ingress *out, struct cloudflare *c);

/** ingress_cloudflare_outcome(err): AGAIN for what passes by itself: network, time, rate, and
 * conflicts of Cloudflare's own (lists lag, connections linger); else FAIL. */
enum outcome ingress_cloudflare_outcome(const struct err *err);

#endif
