#ifndef SETT_CUSTOM_DOMAIN_NOTE_H
#define SETT_CUSTOM_DOMAIN_NOTE_H
/* What was seen of a domain, outside, becomes what is recorded of it: states, countdowns,
 * reminders. All of it in one change and none of it waiting, so that it can be tested with a clock.
 */
#include "conf.h"
#include "custom_domain.h"

struct domain_seen {
    bool provider; /* it was asked; what follows it said */
    bool gone;     /* it knows no such zone or custom hostname */
    uint32_t zone_status;
    char name_servers[400];
    bool activation; /* and was asked to look at the name servers */
    char hostname_status[32], ssl_status[32], records[1536];
    bool servers; /* the DNS was asked for the name servers */
    char name_servers_seen[400];
    bool txt, proved; /* the DNS was asked for the challenge, and has it */
    bool where, points;
    char address[256];  /* what the name leads to */
    bool door, answers; /* the front door was asked, and the tenant answered */
    char trouble[300];  /* what could not be asked, and why; "" nothing */
};

#define DOMAIN_MISSES_MOST 2 /* looks in a row that find nothing, before it is believed */

/** custom_domain_note(txn, conf, domain, seen, route, err): change the record accordingly, raise
 * and clear what is to be told, queue letters, set when to look again, and store it. *${route}: a
 * job domain.route is to be started. Return 0 or -1. */
int custom_domain_note(struct txn *txn, const struct conf *conf, struct custom_domain *domain,
                       const struct domain_seen *seen, bool *route, struct err *err);

/** custom_domain_waits(txn, conf, domain, err): it has come to wait for its customer: pending, with
 * its countdown begun and the letter that tells the name servers. The caller stores it. 0 or -1. */
int custom_domain_waits(struct txn *txn, const struct conf *conf, struct custom_domain *domain,
                        struct err *err);

/** custom_domain_answers(txn, domain, err): it was seen to answer: active, with its letter, and
 * what was wrong is over. The caller stores it. 0 or -1. */
int custom_domain_answers(struct txn *txn, struct custom_domain *domain, struct err *err);

/** custom_domain_ready(domain): whether everything that the customer has to do is done. */
bool custom_domain_ready(const struct custom_domain *domain);

/** custom_domain_days_left(domain, now_ms): whole days until deadline_at, rounded up; 0: over or no
 * deadline. */
uint32_t custom_domain_days_left(const struct custom_domain *domain, int64_t now_ms);

#endif
