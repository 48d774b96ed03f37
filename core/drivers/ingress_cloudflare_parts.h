#ifndef SETT_INGRESS_CLOUDFLARE_PARTS_H
#define SETT_INGRESS_CLOUDFLARE_PARTS_H
/* What the files of the ingress over Cloudflare share; for them alone. */
#include "ingress_cloudflare.h"

#define LAG_MS 2000 /* before a second look at a list that was empty */
#define LAG_S  5    /* before a create is tried again that met what we cannot see */

/** ingress_cloudflare_dns(c, verb, r, facts, err): the stage INGRESS_DNS. */
enum outcome ingress_cloudflare_dns(struct cloudflare *c, enum ingress_verb verb,
                                    const struct ingress_route *r, struct kv *facts,
                                    struct err *err);

/** ingress_cloudflare_set(facts, name, value, err): a fact that became known; no ${facts} is fine.
 * 0 or -1. */
int ingress_cloudflare_set(struct kv *facts, const char *name, const char *value, struct err *err);

/** ingress_cloudflare_unset(facts, name, id): a fact that named what is gone now; another one in
 * its place stays. */
void ingress_cloudflare_unset(struct kv *facts, const char *name, const char *id);

#endif
