#ifndef SETT_DOMAIN_CLOUDFLARE_H
#define SETT_DOMAIN_CLOUDFLARE_H
/*
 * A customer's domain at Cloudflare, by one of two ways: a zone of its own, or a custom hostname of
 * our zone. Each function is one stage of a saga and is fine to be called again.
 *
 * What is ours: a record by its comment, which is the domain's mark. Zones and custom hostnames
 * have no comment. So it is looked before one is made, and that none was there is committed (fact
 * DOMAIN_FACT_BEFORE) before the first request that makes it: what is found later is then the
 * answer that was lost. One that was there before is used only when adopted and never deleted. A
 * TXT record _sett.NAME with the mark tells another box that the zone is taken.
 */
#include "cloudflare_zone.h"
#include "id.h"
#include "kv.h"
#include "outcome.h"

#define DOMAIN_FACT_BEFORE       "domain_before" /* "-": there was none; else the id that was there */
#define DOMAIN_FACT_ID           "domain_cf"     /* id of the zone or of the custom hostname */
#define DOMAIN_FACT_MADE         "domain_made"   /* "1": by us */
#define DOMAIN_FACT_STATUS       "domain_status"
#define DOMAIN_FACT_SSL          "domain_ssl_status"
#define DOMAIN_FACT_NAME_SERVERS "domain_name_servers"
#define DOMAIN_FACT_RECORDS      "domain_records"
#define DOMAIN_FACT_KEPT         "domain_kept" /* why the zone was not deleted */

struct domain_site {
    char name[256], mark[96], job_id[ID_SIZE];
    bool www;                    /* www.NAME as well */
    bool adopt;                  /* use what is there already */
    bool made;                   /* the zone or custom hostname was made by us */
    char id[CLOUDFLARE_ID_SIZE]; /* of it, "" until known */
    char tunnel[64];             /* the id of the tenant's tunnel */
    char origin[256],
        fallback[256]; /* custom hostname: the tenant's own name; the fallback origin */
    char method[8];    /* of its certificate's validation */
};

/** domain_zone_look(c, site, facts, err): whether there is a zone of that name, before any is made.
 * FAIL zone_foreign: one is there and not adopted. */
enum outcome domain_zone_look(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err);

/** domain_zone_find(c, site, facts, err): the domain's zone as facts; ABSENT. */
enum outcome domain_zone_find(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err);

/** domain_zone_make(c, site, facts, err): likewise, made if it is not there. */
enum outcome domain_zone_make(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err);

/** domain_zone_drop(c, site, facts, err): delete it if we made it and it holds nothing foreign;
 * else it stays, and DOMAIN_FACT_KEPT says why. Our own records have been taken out before. */
enum outcome domain_zone_drop(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err);

/** domain_zone_sign(c, site, err): put our mark into it. FAIL zone_of_another_box. */
enum outcome domain_zone_sign(struct cloudflare *c, const struct domain_site *site,
                              struct err *err);

/** domain_zone_leads(c, site, err): whether NAME (and www) lead to the tunnel; ABSENT. */
enum outcome domain_zone_leads(struct cloudflare *c, const struct domain_site *site,
                               struct err *err);

/** domain_zone_lead(c, site, err): make it so, by proxied CNAMEs. FAIL dns_record_foreign naming
 * the record that is in the way. */
enum outcome domain_zone_lead(struct cloudflare *c, const struct domain_site *site,
                              struct err *err);

/** domain_zone_clear(c, site, all, err): take out what carries our mark: what leads visitors, with
 * ${all} also the sign. */
enum outcome domain_zone_clear(struct cloudflare *c, const struct domain_site *site, bool all,
                               struct err *err);

/** domain_hostname_fallback(c, site, err): the zone has a fallback origin: the one that is set,
 * else site->fallback, a proxied record without an origin that is made for it. */
enum outcome domain_hostname_fallback(struct cloudflare *c, const struct domain_site *site,
                                      struct err *err);

/** domain_hostname_look(c, site, facts, err): as domain_zone_look. */
enum outcome domain_hostname_look(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err);

/** domain_hostname_find(c, site, facts, err): as domain_zone_find. */
enum outcome domain_hostname_find(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err);

/** domain_hostname_make(c, site, facts, err): as domain_zone_make; one that leads elsewhere is led
 * to site->origin. */
enum outcome domain_hostname_make(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err);

/** domain_hostname_drop(c, site, facts, err): delete it if we made it. */
enum outcome domain_hostname_drop(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err);

#endif
