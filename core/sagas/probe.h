#ifndef SETT_PROBE_H
#define SETT_PROBE_H
/*
 * Why does it not answer? A probe goes the visitor's way backwards, from the service to the front
 * door, in stages. What each finds stands in a list of facts, from which the next go on and a
 * verdict follows: the one change to make. The list is all there is between two stages, so that the
 * same stages are steps of a saga (saga_probe.c) and the parts of an answer (answer_probe.c).
 */
#include "facts.h"
#include "outside.h"

/* Given: what to probe. Besides these a tunnel's own facts (facts.h). */
#define PROBE_URL    "probe.url"    /* of a service without a tunnel */
#define PROBE_PATH   "probe.path"   /* "/ws" */
#define PROBE_PUBLIC "probe.public" /* "1": the address is a customer's word */
#define PROBE_DNS    "probe.dns_server"
#define PROBE_TENANT "probe.tenant" /* number of the tunnel's tenant */
#define PROBE_SUSPENDED                                                                            \
    "probe.suspended" /* "1": that tenant is suspended, and meant to be silent */

#define PROBE_SERVER_NAME "probe.server_name" /* of the rule: what the certificate must be for */
#define PROBE_HOST_HEADER "probe.host_header" /* of the rule: the Host that the service is sent */
#define PROBE_RULE_ID     "probe.rule_id"     /* of the rule, unless it is the tunnel's own route */

/* Found at the service. */
#define PROBE_AT          "probe.at"          /* "localhost:8089" */
#define PROBE_REACH       "probe.reach"       /* open, no_name, refused, silent, forbidden, none */
#define PROBE_WHY         "probe.why"         /* of what went wrong there, in the library's words */
#define PROBE_SPEAKS      "probe.speaks"      /* http, https, stream, other, closed, silent */
#define PROBE_CERTIFICATE "probe.certificate" /* fine, unchecked, own, name, expired, other */
#define PROBE_NAMES       "probe.names"       /* that the certificate is for, with commas */
#define PROBE_STATUS      "probe.status"      /* of a GET */
#define PROBE_LOCATION    "probe.location"    /* where it redirects to */
#define PROBE_WEBSOCKET   "probe.websocket"   /* "1": the path becomes one */
#define PROBE_ELSEWHERE   "probe.elsewhere"   /* another path that does */
#define PROBE_PAGE        "probe.page"        /* another path that has a page */

/* Found on the way. */
#define PROBE_CONNECTOR "probe.connector" /* none, stopped, mute, unconnected, connected */
#define PROBE_CAUSE     "probe.cause"     /* why not, from its log */
#define PROBE_REMEDY    "probe.remedy"
#define PROBE_TUNNEL    "probe.tunnel" /* Cloudflare's word; deleted, unknown */
#define PROBE_RULE      "probe.rule"   /* fine, none, other, maintenance, empty, unknown */
#define PROBE_LEADS     "probe.leads"  /* the service that the rule found has */
#define PROBE_RECORD                                                                               \
    "probe.record" /* fine, none, elsewhere, unproxied, pending, unproved, foreign, unknown */
#define PROBE_CONTENT "probe.content" /* what the record says */
#define PROBE_NAME    "probe.name"    /* in the DNS: fine, none, empty, tunnel, unknown */

/* Found at the front door. */
#define PROBE_DOOR           "probe.door"         /* status */
#define PROBE_DOOR_CODE      "probe.door_code"    /* Cloudflare's own: 1033 */
#define PROBE_DOOR_FAILURE   "probe.door_failure" /* no_name, refused, tls, certificate, … */
#define PROBE_DOOR_WEBSOCKET "probe.door_websocket"
#define PROBE_DOOR_LOCATION  "probe.door_location"
#define PROBE_DOOR_SERVER    "probe.door_server"

/* Where the findings of a stage go, one sentence each. */
enum probe_sign { PROBE_GOOD, PROBE_NOTE, PROBE_BAD };
extern const char *const probe_sign_names[]; /* "good", … */
struct probe_notes {
    void (*add)(void *arg, enum probe_sign sign, const char *text);
    void *arg;
};

/** probe_note(notes, sign, fmt, ...): one finding. */
void probe_note(const struct probe_notes *notes, enum probe_sign sign, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** probe_fact(facts, name, value): "" takes it out; what does not fit is cut at its end. */
void probe_fact(struct kv *facts, const char *name, const char *value);

/** probe_is(facts, name, value): whether the fact is there and is ${value}. */
bool probe_is(const struct kv *facts, const char *name, const char *value);

struct probe_stage {
    const char *name, *title;
    bool (*needless)(const struct kv *facts); /* may be NULL */
    void (*look)(struct outside *o, struct kv *facts, const struct probe_notes *notes);
};
extern const struct probe_stage probe_stages[]; /* in their order */
extern const size_t probe_stage_count;

/* The looks, one file each: probe_origin.c, probe_way.c (connector, provider, name), probe_door.c.
 */

/** probe_origin(o, facts, notes): the service itself: TCP, TLS, HTTP, WebSocket, usual paths. */
void probe_origin(struct outside *o, struct kv *facts, const struct probe_notes *notes);

/** probe_connector(o, facts, notes): the unit, and whether it is connected. */
void probe_connector(struct outside *o, struct kv *facts, const struct probe_notes *notes);

/** probe_provider(o, facts, notes): tunnel, rule and DNS record at Cloudflare; the line in the web
 * server's map for a local tunnel. */
void probe_provider(struct outside *o, struct kv *facts, const struct probe_notes *notes);

/** probe_record(c, tunnel, facts, notes): the record that leads the host name to the tunnel. */
void probe_record(struct cloudflare *c, const char *tunnel, struct kv *facts,
                  const struct probe_notes *notes);

/** probe_name(o, facts, notes): what the DNS says of the host name. */
void probe_name(struct outside *o, struct kv *facts, const struct probe_notes *notes);

/** probe_door(o, facts, notes): the same path through the front door, as a visitor would. */
void probe_door(struct outside *o, struct kv *facts, const struct probe_notes *notes);

/** probe_edge_code(answer): the code on an error page of Cloudflare's edge ("error code: 1033" for
 * programs, an HTML page for browsers), or 0. */
long probe_edge_code(const struct http_answer *answer);

struct probe_verdict {
    bool fine;
    const char *code;  /* "wrong_path" */
    char cause[400];   /* why it does not answer */
    char change[400];  /* the one thing to do */
    char command[300]; /* that does it, when it is ours; else "" */
};

/** probe_verdict(facts, out): what all of it comes to. */
void probe_verdict(const struct kv *facts, struct probe_verdict *out);

/** probe_read(txn, context, job, err): facts of what the job's arguments name (tunnel_id, or url,
 * path, public). A url whose host is one of our tunnels' is taken as that tunnel and path. 0 or -1.
 */
int probe_read(struct txn *txn, const struct saga_context *context, struct job *job,
               struct err *err);

#endif
