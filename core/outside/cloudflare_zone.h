#ifndef SETT_CLOUDFLARE_ZONE_H
#define SETT_CLOUDFLARE_ZONE_H
/*
 * Customers' domains at Cloudflare: zones of their own with their records, and custom hostnames of
 * our zone (Cloudflare for SaaS). What cloudflare.h says of all calls holds here, too.
 */
#include "cloudflare.h"

#define CLOUDFLARE_SERVERS_SIZE 400 /* names of name servers with blanks between them */

struct cloudflare_domain {
    char id[CLOUDFLARE_ID_SIZE], name[256];
    char status[32]; /* initializing, pending, active, moved */
    char name_servers[CLOUDFLARE_SERVERS_SIZE];
};

/** cloudflare_domain_find(c, name, out, err): the account's zone of exactly this name (A-labels).
 * Return 1, 0 or -1. */
int cloudflare_domain_find(struct cloudflare *c, const char *name, struct cloudflare_domain *out,
                           struct err *err);

/** cloudflare_domain_get(c, id, out, err): Return 1, 0 when there is no such zone, or -1. */
int cloudflare_domain_get(struct cloudflare *c, const char *id, struct cloudflare_domain *out,
                          struct err *err);

/** cloudflare_domain_create(c, name, out, err): a full zone, pending. ERR_CONFLICT
 * cloudflare_zone_exists: in this account or in another; ERR_INVALID cloudflare_not_registered. 0
 * or -1. */
int cloudflare_domain_create(struct cloudflare *c, const char *name, struct cloudflare_domain *out,
                             struct err *err);

/** cloudflare_domain_delete(c, id, err): with all its records. Fine if it is gone. 0 or -1. */
int cloudflare_domain_delete(struct cloudflare *c, const char *id, struct err *err);

/** cloudflare_domain_check(c, id, err): ask Cloudflare to look at the name servers now: once an
 * hour in the free plan, else every five minutes (ERR_UNAVAILABLE cloudflare_activation). 0 or -1.
 */
int cloudflare_domain_check(struct cloudflare *c, const char *id, struct err *err);

/** cloudflare_record_list(c, zone, name, each, arg, err): all records of a zone, with ${name} not
 * NULL those of this name. ${each} as in cloudflare.h. 0 or -1. */
int cloudflare_record_list(struct cloudflare *c, const char *zone, const char *name,
                           int (*each)(void *arg, const struct cloudflare_record *record,
                                       struct err *err),
                           void *arg, struct err *err);

/** cloudflare_record_create(c, zone, record, err): type, name, content, comment and proxied are the
 * caller's; its id is set. Conflicts as cloudflare_dns_create. 0 or -1. */
int cloudflare_record_create(struct cloudflare *c, const char *zone,
                             struct cloudflare_record *record, struct err *err);

/** cloudflare_record_delete(c, zone, id, err): fine if it is gone. 0 or -1. */
int cloudflare_record_delete(struct cloudflare *c, const char *zone, const char *id,
                             struct err *err);

/* ---- custom hostnames of the zone cloudflare.zone ---- */

#define CLOUDFLARE_RECORDS_SIZE 1536

struct cloudflare_hostname {
    char id[CLOUDFLARE_ID_SIZE], hostname[256], origin[256];
    char status[32], ssl_status[32]; /* pending, active, …; initializing, pending_validation, … */
    char trouble[200];               /* the first of its validation errors, or "" */
    /* What proves it, a line each: "TXT name value" or "HTTP url body". */
    char records[CLOUDFLARE_RECORDS_SIZE];
};

/** cloudflare_hostname_find(c, hostname, out, err): Return 1, 0 or -1. */
int cloudflare_hostname_find(struct cloudflare *c, const char *hostname,
                             struct cloudflare_hostname *out, struct err *err);

/** cloudflare_hostname_get(c, id, out, err): Return 1, 0 when there is none, or -1. */
int cloudflare_hostname_get(struct cloudflare *c, const char *id, struct cloudflare_hostname *out,
                            struct err *err);

/** cloudflare_hostname_create(c, hostname, origin, method, out, err): ${origin}: a proxied name of
 * our zone that its visitors are led to; ${method}: "http" or "txt", of the certificate's
 * validation. ERR_CONFLICT cloudflare_hostname_exists. 0 or -1. */
int cloudflare_hostname_create(struct cloudflare *c, const char *hostname, const char *origin,
                               const char *method, struct cloudflare_hostname *out,
                               struct err *err);

/** cloudflare_hostname_again(c, id, origin, method, out, err): lead it to ${origin} and have it
 * validated once more. 0 or -1. */
int cloudflare_hostname_again(struct cloudflare *c, const char *id, const char *origin,
                              const char *method, struct cloudflare_hostname *out, struct err *err);

/** cloudflare_hostname_delete(c, id, err): fine if it is gone. 0 or -1. */
int cloudflare_hostname_delete(struct cloudflare *c, const char *id, struct err *err);

/** cloudflare_fallback_get(c, origin, size, err): the zone's fallback origin, without which there
 * are no custom hostnames; "" if none is set. 0 or -1. */
int cloudflare_fallback_get(struct cloudflare *c, char *origin, size_t size, struct err *err);

/** cloudflare_fallback_put(c, origin, err): set it: a proxied name of the zone. 0 or -1. */
int cloudflare_fallback_put(struct cloudflare *c, const char *origin, struct err *err);

#endif
