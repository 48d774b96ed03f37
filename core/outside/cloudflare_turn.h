#ifndef SETT_CLOUDFLARE_TURN_H
#define SETT_CLOUDFLARE_TURN_H
/*
 * Cloudflare's TURN service. Keys belong to the account and are made with its token; credentials
 * are made with the key itself, which is shown once, at rtc.live.cloudflare.com, where the
 * account's token is not accepted. Source: https://developers.cloudflare.com/realtime/turn/.
 */
#include "cloudflare.h"

#define CLOUDFLARE_TURN_KEY_SIZE 128

struct cloudflare_turn {
    char uid[CLOUDFLARE_ID_SIZE], name[128];
};

/** cloudflare_turn_list(c, each, arg, err): all keys of the account. ${each} returns 0, or -1
 * having filled err to stop. Return 0 or -1. */
int cloudflare_turn_list(struct cloudflare *c,
                         int (*each)(void *arg, const struct cloudflare_turn *key, struct err *err),
                         void *arg, struct err *err);

/** cloudflare_turn_create(c, name, out, key, err): ${key} is shown this once; the caller wipes it.
 * Names need not be unique over there. Return 0 or -1. */
int cloudflare_turn_create(struct cloudflare *c, const char *name, struct cloudflare_turn *out,
                           char key[CLOUDFLARE_TURN_KEY_SIZE], struct err *err);

/** cloudflare_turn_delete(c, uid, err): fine if it is gone. Return 0 or -1. */
int cloudflare_turn_delete(struct cloudflare *c, const char *uid, struct err *err);

struct cloudflare_turn_usage {
    uint64_t egress_bytes, ingress_bytes; /* to clients, from them */
};

/** cloudflare_turn_usage(c, uid, from_ms, to_ms, out, err): what a key has relayed, by the GraphQL
 * analytics API, which counts from samples and some minutes late. ERR_FORBIDDEN without the
 * permission Account Analytics. Return 0 or -1. */
int cloudflare_turn_usage(struct cloudflare *c, const char *uid, int64_t from_ms, int64_t to_ms,
                          struct cloudflare_turn_usage *out, struct err *err);

/* Where credentials are made. */
struct cloudflare_rtc {
    const char *api;     /* "https://rtc.live.cloudflare.com" */
    const char *ca_file; /* "" for the system's */
    const char *uid, *key;
};

/** cloudflare_rtc_generate(r, ttl_s, custom, servers, username, err): short-lived credentials, as
 * the JSON array that a browser's RTCPeerConnection takes as iceServers, appended to ${servers}.
 * Addresses with port 53, at which browsers hang, are left out. ${custom}: whose they are, for the
 * analytics. Return 0 or -1. */
int cloudflare_rtc_generate(const struct cloudflare_rtc *r, uint32_t ttl_s, const char *custom,
                            struct buf *servers, char username[256], struct err *err);

/** cloudflare_rtc_revoke(r, username, err): end one credential before its time. ERR_NOT_FOUND. 0 or
 * -1. */
int cloudflare_rtc_revoke(const struct cloudflare_rtc *r, const char *username, struct err *err);

/** cloudflare_rtc_servers(text, len, servers, username, err): the answer of a generation, filtered
 * as above. ERR_MALFORMED. For tests, too. Return 0 or -1. */
int cloudflare_rtc_servers(const char *text, size_t len, struct buf *servers, char username[256],
                           struct err *err);

#endif
