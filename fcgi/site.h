#ifndef SETT_SITE_H
#define SETT_SITE_H
/* What of the settings the front goes by: its names and its limits of rate. Each thread keeps a
 * copy and reads it anew once a second, so that a request costs no look-ups of settings. */
#include "auth.h"
#include "conf.h"
#include "db.h"
#include "prefix.h"
#include "request.h"
#include "sender.h"

#define SITE_HOSTS 16

struct site {
    int64_t read_ms; /* monotonic; 0: never */
    unsigned host_count;
    char hosts[SITE_HOSTS][256]; /* lower case, without port */
    char origin[264];            /* of box.url: "https://box.example" */
    char prefix[PREFIX_SIZE];    /* of box.url */
    bool https;
    bool unnamed; /* nobody has set box.url: also behind the machine's numbers and its own name */
    char trusted[SENDER_TRUSTED_SIZE]; /* of box.trusted_proxies */
    struct auth_terms terms;
    uint64_t login, anonymous, authenticated, webhook, names; /* per minute */
};

/** site_refresh(s, db, conf, now_ms, err): read it if it is older than a second. Return 0 or -1. */
int site_refresh(struct site *s, struct db *db, const struct conf *conf, int64_t now_ms,
                 struct err *err);

/** site_take(s, r): the request as if it came straight to the top of our host: its path without
 * the prefix (a reverse proxy may have kept it or taken it off), its address that of who sent it.
 */
void site_take(const struct site *s, struct request *r);

/** site_local(r): whether it came from this machine, through no proxy. After site_take. */
bool site_local(const struct request *r);

/** site_host(s, r): whether the request is for one of our names. */
bool site_host(const struct site *s, const struct request *r);

/** site_same(s, r): whether a browser sent it from a page of ours: Sec-Fetch-Site says same-origin,
 * or, without that header, Origin is ours. */
bool site_same(const struct site *s, const struct request *r);

#endif
