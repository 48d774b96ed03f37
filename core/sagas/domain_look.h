#ifndef SETT_DOMAIN_LOOK_H
#define SETT_DOMAIN_LOOK_H
/* What the provider, the DNS and the front door say of a domain now. Changes nothing, but for
 * asking Cloudflare to look at the name servers when that is due. */
#include "custom_domain_note.h"
#include "outside.h"
#include "saga_context.h"

/* What must be known of a domain to look at it, copied out of the store. */
struct domain_terms {
    char id[ID_SIZE], name[256], cf_id[64], challenge[64], name_servers[400];
    uint32_t via, zone_status;
    bool www;
    bool activate;    /* the provider may be asked to look, or to validate once more */
    bool door;        /* it is led, and not yet seen to answer */
    bool local;       /* by the box's own web server */
    char server[512]; /* dns.server */
    char origin[256]; /* custom hostname: the tenant's own name */
    char target[256], addresses[512]; /* where it is to lead */
    char url[300], blueprint[32];     /* its front door */
};

/** domain_terms_read(txn, conf, domain, terms, err): Return 0 or -1. */
int domain_terms_read(struct txn *txn, const struct conf *conf, const struct custom_domain *domain,
                      struct domain_terms *terms, struct err *err);

/** domain_look(context, outside, terms, seen): look. What could not be asked is told in
 * seen->trouble and otherwise left out. May take some seconds. */
void domain_look(const struct saga_context *context, struct outside *outside,
                 const struct domain_terms *terms, struct domain_seen *seen);

/** domain_look_txt(server, name, challenge, proved, err): whether _sett-challenge.NAME says it. 0
 * or -1. */
int domain_look_txt(const char *server, const char *name, const char *challenge, bool *proved,
                    struct err *err);

#endif
