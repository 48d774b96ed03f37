#ifndef SETT_CLOUDFLARE_ACCESS_H
#define SETT_CLOUDFLARE_ACCESS_H
/*
 * Access at Cloudflare: applications that stand before a host name, and the policies of one
 * application. Of the account, with a permission of its own. Errors as in cloudflare.h. Source:
 * https://developers.cloudflare.com/api/resources/zero_trust/subresources/access.
 *
 * Policies belong to one application here and go with it: what is made for a host name is taken
 * back by one call, and nothing is left over that nobody refers to.
 */
#include "cloudflare.h"

#define CLOUDFLARE_APPS_MAX        500 /* an account's, unless it is an enterprise's */
#define CLOUDFLARE_ACCESS_LIST_MAX 1700
#define CLOUDFLARE_POLICIES_MAX    16 /* that are looked at of one application */

struct cloudflare_app {
    char id[CLOUDFLARE_ID_SIZE], aud[128];
    char name[320], domain[256];
};

enum cloudflare_decision { CLOUDFLARE_ALLOW, CLOUDFLARE_DENY, CLOUDFLARE_BYPASS };

/* Lists are separated by commas, "" for none. */
struct cloudflare_policy {
    char id[CLOUDFLARE_ID_SIZE], name[128];
    enum cloudflare_decision decision;
    uint32_t precedence, session_h; /* session_h 0: the application's own, 24 hours */
    bool everyone;                  /* include everybody: with ALLOW, everybody who signs in */
    char emails[CLOUDFLARE_ACCESS_LIST_MAX], domains[CLOUDFLARE_ACCESS_LIST_MAX],
        ips[CLOUDFLARE_ACCESS_LIST_MAX];         /* who is included */
    char except_ips[CLOUDFLARE_ACCESS_LIST_MAX]; /* and who of them is not */
};

/** cloudflare_access_find(c, hostname, out, err): the application whose domain is exactly this host
 * name. Return 1, 0 or -1. */
int cloudflare_access_find(struct cloudflare *c, const char *hostname, struct cloudflare_app *out,
                           struct err *err);

/** cloudflare_access_team(c, out, size, err): the name under which the account's people sign in:
 * "acme" of acme.cloudflareaccess.com. ERR_AUTH without the permission to read it, ERR_NOT_FOUND if
 * there is none. Return 0 or -1. */
int cloudflare_access_team(struct cloudflare *c, char *out, size_t size, struct err *err);

/** cloudflare_access_list(c, each, arg, err): all applications of the account. ${each} returns 0,
 * or -1 having filled err to stop. 0 or -1. */
int cloudflare_access_list(struct cloudflare *c,
                           int (*each)(void *arg, const struct cloudflare_app *app,
                                       struct err *err),
                           void *arg, struct err *err);

/** cloudflare_access_create(c, name, hostname, out, err): a self-hosted application without
 * policies, which lets nobody in. ERR_CONFLICT when the host name has one. Return 0 or -1. */
int cloudflare_access_create(struct cloudflare *c, const char *name, const char *hostname,
                             struct cloudflare_app *out, struct err *err);

/** cloudflare_access_delete(c, id, err): with its policies; fine if it is gone. Return 0 or -1. */
int cloudflare_access_delete(struct cloudflare *c, const char *id, struct err *err);

struct cloudflare_policies {
    uint32_t count;
    struct {
        char id[CLOUDFLARE_ID_SIZE], name[128];
        uint32_t precedence;
    } at[CLOUDFLARE_POLICIES_MAX];
};

/** cloudflare_access_policies(c, app, out, err): those of one application, by name and place.
 * Return 0 or -1. */
int cloudflare_access_policies(struct cloudflare *c, const char *app,
                               struct cloudflare_policies *out, struct err *err);

/** cloudflare_access_policy_add(c, app, policy, err): ${policy}->id is not looked at. 0 or -1. */
int cloudflare_access_policy_add(struct cloudflare *c, const char *app,
                                 const struct cloudflare_policy *policy, struct err *err);

/** cloudflare_access_policy_delete(c, app, id, err): fine if it is gone. Return 0 or -1. */
int cloudflare_access_policy_delete(struct cloudflare *c, const char *app, const char *id,
                                    struct err *err);

#endif
