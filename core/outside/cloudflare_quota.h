#ifndef SETT_CLOUDFLARE_QUOTA_H
#define SETT_CLOUDFLARE_QUOTA_H
/*
 * What an account and a zone may have at Cloudflare, and how much of it there is. The numbers are
 * those of its documentation (August 2026): they are not to be had from the API, and an enterprise
 * may have agreed on others.
 */
#include "cloudflare.h"

enum cloudflare_quota_of {
    CLOUDFLARE_TUNNELS,   /* of the account: 1,000 */
    CLOUDFLARE_RECORDS,   /* of the zone: 200 in the free plan (1,000 if it is older), else 3,500 */
    CLOUDFLARE_HOSTNAMES, /* custom host names of the zone: 100 */
    CLOUDFLARE_APPLICATIONS, /* Access applications of the account: 500 */
    CLOUDFLARE_LIMIT_RULES,  /* rate-limiting rules of the zone: 1, 2, 5 or 100 */
    CLOUDFLARE_CALLS, /* of the API: what was spent of the 300 that we allow ourselves at once */
    CLOUDFLARE_QUOTAS
};

#define CLOUDFLARE_QUOTA_WARN  80 /* percent: somebody should know */
#define CLOUDFLARE_QUOTA_GRAVE 95 /* and this is grave */

struct cloudflare_quota {
    const char *name;  /* "tunnels" */
    const char *title; /* "tunnels of the account" */
    uint64_t used, most;
    char unknown[200]; /* why it is not known; "": it is */
};

/** cloudflare_quota_name(of): "tunnels". */
const char *cloudflare_quota_name(enum cloudflare_quota_of of);

/** cloudflare_quota_read(c, of, out, err): ask now; one or two calls. What the token may not see is
 * not known and no error. Return 0 or -1. */
int cloudflare_quota_read(struct cloudflare *c, enum cloudflare_quota_of of,
                          struct cloudflare_quota *out, struct err *err);

/** cloudflare_quota_lately(c, of, out): as it was known within the last ten minutes, asked only if
 * it was not; corrected by what we made since. */
void cloudflare_quota_lately(struct cloudflare *c, enum cloudflare_quota_of of,
                             struct cloudflare_quota *out);

/** cloudflare_quota_room(c, of, err): whether one more may be made. ERR_QUOTA
 * "cloudflare_quota_<name>" saying how many there are and what to do. Not knowing is no refusal. 0
 * or -1. */
int cloudflare_quota_room(struct cloudflare *c, enum cloudflare_quota_of of, struct err *err);

/** cloudflare_quota_made(c, of, more): one more was made (1) or is gone (-1). */
void cloudflare_quota_made(struct cloudflare *c, enum cloudflare_quota_of of, int more);

#endif
