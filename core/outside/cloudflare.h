#ifndef SETT_CLOUDFLARE_H
#define SETT_CLOUDFLARE_H
/*
 * Cloudflare's API v4, as far as a tunnel per tenant needs it: the token, the zone, tunnels with
 * their remote configuration, and DNS records. Source: https://developers.cloudflare.com/api.
 *
 * Cloudflare knows no idempotency keys: look by name or mark, then create, and on a conflict look
 * again. What was just written may be missing from a list for some seconds.
 *
 * All calls: no retry of their own. ERR_UNAUTHENTICATED (the token is wrong, expired or disabled),
 * ERR_FORBIDDEN (a permission is missing; the hint names it), ERR_NOT_FOUND, ERR_CONFLICT (a name
 * or record is taken; with retry_after_s: connections linger), ERR_INVALID, ERR_QUOTA, ERR_RATE
 * (with retry_after_s; also answered without sending when the budget is spent), ERR_NETWORK (no
 * connection, 5xx, not Cloudflare's answer), ERR_TIMEOUT (sent, effect unknown). err->code is
 * "cloudflare_…".
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "cloudflared.h"
#include "err.h"

struct cJSON;
struct http_client;

#define CLOUDFLARE_ID_SIZE    64
#define CLOUDFLARE_MARK_MAX   100 /* characters of a record's comment in the free plan */
#define CLOUDFLARE_TOKEN_SIZE 1024
#define CLOUDFLARE_COUNTS     6

/* One token's access to one account and zone. Shared by threads. */
struct cloudflare {
    char api[256]; /* "https://api.cloudflare.com/client/v4", no slash at its end */
    char token[256], account[CLOUDFLARE_ID_SIZE], zone[CLOUDFLARE_ID_SIZE];
    struct http_client *client; /* the caller's */
    /* The budget: 1,200 calls in any five minutes, after which Cloudflare blocks everything for
     * five more. A bucket of 300 that gains 3 a second never exceeds that. */
    pthread_mutex_t lock;
    int64_t budget_milli, budget_at_ms, blocked_until_ms;
    char zone_name[256]; /* "" until somebody asks (cloudflare_zone_covers) */
    struct {             /* what was counted lately (cloudflare_quota.h); at_ms 0: nothing */
        int64_t at_ms, used;
        uint64_t most;
    } counts[CLOUDFLARE_COUNTS];
};

/** cloudflare_init(c, api, token, account, zone, client, err): ${zone} may be "" until it is found.
 * ERR_INVALID naming the setting that cannot be. Return 0 or -1. */
int cloudflare_init(struct cloudflare *c, const char *api, const char *token, const char *account,
                    const char *zone, struct http_client *client, struct err *err);

/** cloudflare_free(c): wipe the token. */
void cloudflare_free(struct cloudflare *c);

/** cloudflare_budget(c, now_ms, err): take one call from the budget at monotonic ${now_ms}. Every
 * call below does it first. ERR_RATE with retry_after_s when none is left. Return 0 or -1. */
int cloudflare_budget(struct cloudflare *c, int64_t now_ms, struct err *err);

/** cloudflare_verify(c, err): whether the token is one and active; tokens of a user and of the
 * account. It says nothing about permissions. Return 0 or -1. */
int cloudflare_verify(struct cloudflare *c, struct err *err);

struct trial;

/** cloudflare_trial(c, domain, t): which account and zone, what may be read there, whether
 * ${domain} lies in it. In cloudflare_trial.c. */
void cloudflare_trial(struct cloudflare *c, const char *domain, const struct trial *t);

struct cloudflare_zone {
    char id[CLOUDFLARE_ID_SIZE], name[256], status[32], account[CLOUDFLARE_ID_SIZE];
};

/** cloudflare_zone_find(c, domain, out, err): the zone that ${domain} lies in: it or the nearest
 * name above it. Return 1, 0 if the token sees none, or -1. */
int cloudflare_zone_find(struct cloudflare *c, const char *domain, struct cloudflare_zone *out,
                         struct err *err);

/** cloudflare_zone_covers(c, hostname, err): whether it lies in the zone that is set; asked once.
 * Return 1, 0 or -1. */
int cloudflare_zone_covers(struct cloudflare *c, const char *hostname, struct err *err);

/* ---- tunnels ---- */

struct cloudflare_tunnel {
    char id[CLOUDFLARE_ID_SIZE], name[128];
    char status[32];      /* inactive, healthy, degraded, down */
    bool remote, deleted; /* remote: configured by config_put */
};

/** cloudflare_tunnel_find(c, name, out, err): a tunnel that is not deleted. Return 1, 0 or -1. */
int cloudflare_tunnel_find(struct cloudflare *c, const char *name, struct cloudflare_tunnel *out,
                           struct err *err);

/** cloudflare_tunnel_get(c, id, out, err): also one that was deleted, as out->deleted. 0 or -1. */
int cloudflare_tunnel_get(struct cloudflare *c, const char *id, struct cloudflare_tunnel *out,
                          struct err *err);

/** cloudflare_tunnel_create(c, name, secret, remote, out, err): a tunnel, ${remote}: configured by
 * config_put, else by its connector's own files, which is for ever. ${secret}:
 * base64 of 32 or more bytes, which the caller keeps. ERR_CONFLICT cloudflare_name_taken. 0 or -1.
 */
int cloudflare_tunnel_create(struct cloudflare *c, const char *name, const char *secret,
                             bool remote, struct cloudflare_tunnel *out, struct err *err);

/** cloudflare_tunnel_token(c, id, out, err): the connector's token, from Cloudflare. 0 or -1. */
int cloudflare_tunnel_token(struct cloudflare *c, const char *id, char out[CLOUDFLARE_TOKEN_SIZE],
                            struct err *err);

/** cloudflare_tunnel_delete(c, id, err): drop its connections, then delete it. Fine if it is gone.
 * Stop the connector before: ERR_CONFLICT cloudflare_tunnel_connected with retry_after_s while
 * connections linger. Its DNS records stay. 0 or -1. */
int cloudflare_tunnel_delete(struct cloudflare *c, const char *id, struct err *err);

/** cloudflare_tunnel_list(c, prefix, each, arg, err): all tunnels that are not deleted and whose
 * name begins with ${prefix} ("": all of the account's). ${each} returns 0, or -1 having filled err
 * to stop. 0 or -1. */
int cloudflare_tunnel_list(struct cloudflare *c, const char *prefix,
                           int (*each)(void *arg, const struct cloudflare_tunnel *tunnel,
                                       struct err *err),
                           void *arg, struct err *err);

/** cloudflare_connector_token(account, tunnel, secret, out, err): the token that cloudflared takes,
 * made here: base64 (standard, padded) of {"a":account,"t":tunnel,"s":secret}. 0 or -1. */
int cloudflare_connector_token(const char *account, const char *tunnel, const char *secret,
                               char out[CLOUDFLARE_TOKEN_SIZE], struct err *err);

struct cloudflare_credentials {
    char account[CLOUDFLARE_ID_SIZE], tunnel[CLOUDFLARE_ID_SIZE], secret[256];
};

/** cloudflare_token_read(token, out, err): what such a token holds; the caller wipes ${out}.
 * ERR_INVALID. 0 or -1. */
int cloudflare_token_read(const char *token, struct cloudflare_credentials *out, struct err *err);

/* ---- a tunnel's configuration ---- */

/* A configuration as the provider keeps it. */
struct cloudflare_config {
    struct cloudflared_config ingress; /* the last one catches all */
    char beside[1024]; /* members beside the rules, as they came: "\"warp-routing\":{…}" */
    uint64_t version;
};

/** cloudflare_config_free(config): give its rules back. */
void cloudflare_config_free(struct cloudflare_config *config);

/** cloudflare_config_get(c, tunnel, out, err): the present rules; version 0 and none when nothing
 * was put yet. ${out} is overwritten, and freed by the caller unless this fails. ERR_TOO_LARGE or
 * ERR_QUOTA beyond what can be kept. 0 or -1. */
int cloudflare_config_get(struct cloudflare *c, const char *tunnel, struct cloudflare_config *out,
                          struct err *err);

/** cloudflare_config_put(c, tunnel, config, err): replace all; config->version becomes the new one.
 * The provider pushes it to running connectors; their connections stay. There is no check against
 * somebody else's change in between: one job at a time may do this. ERR_INVALID when the provider
 * refuses it: the former version then stays in force. 0 or -1. */
int cloudflare_config_put(struct cloudflare *c, const char *tunnel,
                          struct cloudflare_config *config, struct err *err);

/* ---- DNS ---- */

struct cloudflare_record {
    char id[CLOUDFLARE_ID_SIZE], name[256], type[16], content[512];
    char comment[CLOUDFLARE_MARK_MAX * 4 + 1]; /* our mark, or somebody else's text */
    bool proxied;
};

/** cloudflare_dns_find(c, name, type, out, err): the record of exactly this name; ${type} NULL: any
 * of A, AAAA and CNAME, since each of them excludes a CNAME. Return 1, 0 or -1. */
int cloudflare_dns_find(struct cloudflare *c, const char *name, const char *type,
                        struct cloudflare_record *out, struct err *err);

/** cloudflare_dns_create(c, name, tunnel, mark, out, err): a proxied CNAME to the tunnel with
 * ${mark} as its comment. ERR_CONFLICT cloudflare_name_taken or cloudflare_record_exists. 0 or -1.
 */
int cloudflare_dns_create(struct cloudflare *c, const char *name, const char *tunnel,
                          const char *mark, struct cloudflare_record *out, struct err *err);

/** cloudflare_dns_delete(c, id, err): fine if it is gone. 0 or -1. */
int cloudflare_dns_delete(struct cloudflare *c, const char *id, struct err *err);

/** cloudflare_dns_list_marked(c, mark, each, arg, err): all records whose comment begins with
 * ${mark}. ${each} as above. 0 or -1. */
int cloudflare_dns_list_marked(struct cloudflare *c, const char *mark,
                               int (*each)(void *arg, const struct cloudflare_record *record,
                                           struct err *err),
                               void *arg, struct err *err);

#endif
