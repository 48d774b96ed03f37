#ifndef SETT_SHARED_H
#define SETT_SHARED_H
/*
 * Shared tunnels: one tunnel with one connector and one wildcard record that many tenants' host
 * names go by. Cloudflare has 1,000 tunnels for an account and 200 to 3,500 records for a zone, and
 * a connector takes memory; what a tunnel of one's own gives instead is isolation.
 *
 * A shared tunnel is a tunnel record (tunnel->shared) that has no route of its own. A route that
 * goes by it is a tunnel record, too, with its carrier's id: it has neither tunnel nor connector at
 * Cloudflare, and is among the carrier's rules while it is `carried`. The carrier's configuration
 * is made from these records alone, and whatever changes one of them counts a change of the
 * carrier's rules (rule_changed): however many do while one configuration is being sent, the next
 * one has all.
 */
#include "conf.h"
#include "job.h"
#include "rule.h"

enum ingress_mode { INGRESS_MODE_INHERIT, INGRESS_MODE_OWN, INGRESS_MODE_SHARED };
extern const char *const ingress_mode_names[];

/* Rules of a shared tunnel that new routes may take: cloudflared knows no bound and looks at one
 * after the other; the rest of CLOUDFLARED_RULES_MAX is kept for further rules of those that are
 * there, as customers' own domains. */
#define SHARED_ROUTES_MAX 900

/* A shared tunnel's configuration waits for others' changes to go with it: a little at first, and
 * longer when one has just been sent. Each costs two calls of the API, of which there are three a
 * second. */
#define SHARED_GATHER_MS 300
#define SHARED_PAUSE_MS  1000

/** shared_mode(txn, conf, plan_mode, asked, err): what holds: what was asked for, else the plan's,
 * else the setting ingress.mode. Return INGRESS_MODE_OWN or _SHARED, or -1. */
int shared_mode(struct txn *txn, const struct conf *conf, uint32_t plan_mode, uint32_t asked,
                struct err *err);

/** shared_open(txn, conf, carrier, err): fill in what makes a new tunnel a shared one: its kind,
 * and the record "*.domain" unless another one has that. The caller stores it and starts its job. 0
 * or -1. */
int shared_open(struct txn *txn, const struct conf *conf, struct tunnel *carrier, struct err *err);

/** shared_join(txn, conf, route, job, err): give a route a carrier that has room, and make one if
 * none has: the first of a domain gets the record "*.domain", and the job tunnel.create is started
 * for it, as ${job}'s actor. The caller stores ${route}. Fine if it has one. Return 0 or -1. */
int shared_join(struct txn *txn, const struct conf *conf, struct tunnel *route,
                const struct job *job, struct err *err);

/** shared_leave(txn, route, err): it has no carrier any more, which must not carry it. The caller
 * stores ${route}. Return 0 or -1. */
int shared_leave(struct txn *txn, struct tunnel *route, struct err *err);

/** shared_carrier(txn, route, carrier, err): Return 1, 0 if the route has none, or -1. */
int shared_carrier(struct txn *txn, const struct tunnel *route, struct tunnel *carrier,
                   struct err *err);

/** shared_changed(txn, route, job, wanted, err): the carrier is to be configured anew, as ${job}'s
 * actor; *wanted: the count at which this change is in force. Return 0 or -1. */
int shared_changed(struct txn *txn, const struct tunnel *route, const struct job *job,
                   uint64_t *wanted, struct err *err);

/** shared_way(txn, route, err): put into ${route}, which is then not to be stored, what it goes by:
 * number and Cloudflare's ids of its carrier, if it has one. Return 0 or -1. */
int shared_way(struct txn *txn, struct tunnel *route, struct err *err);

/** shared_covers(carrier, hostname): whether the carrier's wildcard record answers for it. */
bool shared_covers(const struct tunnel *carrier, const char *hostname);

/** shared_room(txn, route, more, err): count ${more} rules of a route among its carrier's.
 * ERR_QUOTA when there is no room. Nothing for a route without one. Return 0 or -1. */
int shared_room(struct txn *txn, const char *tunnel_id, int more, struct err *err);

/** shared_config(txn, carrier, config, err): the whole configuration of a carrier, into an empty
 * one: the rules of all that it carries. Return 0 or -1. */
int shared_config(struct txn *txn, const struct tunnel *carrier, struct cloudflared_config *config,
                  struct err *err);

/** shared_wanted(txn, tunnel, maintenance, config, err): the whole configuration that a tunnel's
 * records mean, whatever kind it is of, with what its connector asks visitors for (guard.h); into
 * an empty one. ${maintenance}: what leads to its own service answers 503. Return 0 or -1. */
int shared_wanted(struct txn *txn, const struct tunnel *tunnel, bool maintenance,
                  struct cloudflared_config *config, struct err *err);

#endif
