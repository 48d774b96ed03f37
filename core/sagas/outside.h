#ifndef SETT_OUTSIDE_H
#define SETT_OUTSIDE_H
/*
 * All that the steps of this worker can touch: the hands, the providers with the credentials that
 * hold now, a client for probes. Shared by the engine's threads and those that answer questions.
 */
#include <pthread.h>
#include "cloudflare.h"
#include "conf.h"
#include "db.h"
#include "engines.h"
#include "hands.h"
#include "http.h"
#include "ingress.h"
#include "paths.h"
#include "runtime_proxmox.h"
#include "stripe.h"
#include "vault.h"

/* The providers as they are set at one moment. Somebody who uses them keeps them, also when newer
 * ones have taken their place. */
struct providers {
    unsigned users; /* outside's lock holds it */
    bool cloudflare_set, stripe_set;
    struct err cloudflare_why, stripe_why; /* why not */
    struct cloudflare cloudflare;
    struct ingress ingress; /* over cloudflare */
    struct stripe stripe;
    bool proxmox_set;
    struct err proxmox_why;
    struct proxmox proxmox;
    struct runtime guests;   /* the runtime over proxmox */
    char guest_nodes[512];   /* those that tenants may be put on */
    struct engines *engines; /* on other machines; NULL: none */
    struct http_client *cloudflare_client, *stripe_client, *proxmox_client;
    char success_url[512], cancel_url[512];
    char database_admin[512], database_password[256];
    uint8_t print[32]; /* of all settings that are in here */
};

/* How often each of the things done last may still be done; see outside_gate. */
#define OUTSIDE_GATES 64
struct outside_gate {
    char key[48];
    int64_t left_milli, at_ms;
};

struct outside {
    struct paths paths;
    char front_door[128]; /* address that the reachable step asks, whatever a tenant's name
                             resolves to; "" asks the name. sett.conf: [outside] front_door */
    struct http_client *probe;
    pthread_mutex_t lock;
    struct providers *providers;
    bool refreshed; /* the settings were read at least once */
    struct ingress local;
    struct outside_gate gates[OUTSIDE_GATES]; /* the lock holds them, and the next */
    uint32_t probes;                          /* under way */
    _Atomic uint64_t quiet; /* number of the tenant that stands still for a snapshot; 0: none */
    void *backup; /* struct backup_world, which the floor of snapshots puts here; or NULL */
};

/** outside_new(out, paths, conf, err): with no provider yet. Return 0 or -1. */
int outside_new(struct outside **out, const struct paths *paths, const struct conf *conf,
                struct err *err);

/** outside_free(o): nobody may use its providers any more. NULL is fine. */
void outside_free(struct outside *o);

/** outside_refresh(o, db, conf, vault, err): take over credentials and addresses as they are set
 * now. Cheap when nothing has changed. A credential that cannot be is noted in the providers and
 * fails the steps that need it, not this. Return 0 or -1. */
int outside_refresh(struct outside *o, struct db *db, const struct conf *conf,
                    const struct vault *vault, struct err *err);

/** outside_use(o): the providers of now; given back with outside_done. */
struct providers *outside_use(struct outside *o);

/** outside_done(o, p): give them back; replaced ones go with their last user. */
void outside_done(struct outside *o, struct providers *p);

/** outside_gate(o, key, per_minute): take one from what may be done of ${key} in a minute. Return
 * 0, or after how many seconds there is one. */
uint32_t outside_gate(struct outside *o, const char *key, uint32_t per_minute);

/** outside_probe_enter(o): whether one more probe may begin: they take long, and others have
 * questions too. Ended by outside_probe_leave. */
bool outside_probe_enter(struct outside *o);

/** outside_probe_leave(o): a probe has ended. */
void outside_probe_leave(struct outside *o);

/** outside_hands(o, request, timeout_ms, reply, stream, err): ask the hands; see hands_call. */
enum outcome outside_hands(struct outside *o, const struct hands_request *request, int timeout_ms,
                           struct hands_reply *reply, struct buf *stream, struct err *err);

/* Who runs a tenant, and what whoever is not on this box must know besides. */
struct outside_where {
    char runtime[16];
    uint32_t guest;
    char node[64], inside[64];
};

/** outside_runtime(o, where, request, timeout_ms, reply, stream, err): a RUNTIME verb, to whoever
 * runs the tenant: the hands, or a provider that the worker itself asks. Outcome as of hands_call.
 */
enum outcome outside_runtime(struct outside *o, const struct outside_where *where,
                             const struct hands_request *request, int timeout_ms,
                             struct hands_reply *reply, struct buf *stream, struct err *err);

/** outside_engine(o, where, request, stream, reply, err): likewise, of a tenant that lives on the
 * engine ${where}->node of another machine. */
enum outcome outside_engine(struct outside *o, const struct outside_where *where,
                            const struct hands_request *request, struct buf *stream,
                            struct hands_reply *reply, struct err *err);

/** outside_guests(o, where, request, work, arg, reply, err): likewise, for what only a provider can
 * do: ${work} is called with the order and its blueprint. */
enum outcome outside_guests(struct outside *o, const struct outside_where *where,
                            const struct hands_request *request,
                            int (*work)(struct providers *p, const struct runtime_order *order,
                                        const struct blueprint *b, void *arg,
                                        struct hands_reply *reply, struct err *err),
                            void *arg, struct hands_reply *reply, struct err *err);

#endif
