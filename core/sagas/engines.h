#ifndef SETT_ENGINES_H
#define SETT_ENGINES_H
/*
 * The container engines on other machines as they are set at one moment, each with a runtime over
 * it. Those that are reached by SSH have a link, which the hands keep alive.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "conf.h"
#include "container_engine.h"
#include "hands.h"
#include "http.h"
#include "paths.h"
#include "runtime.h"
#include "ssh_key.h"

struct outside;

struct engine_at {
    struct container_engine record;
    struct container_engine_address address;
    char ca[ENGINE_PEM_MAX + 1], certificate[ENGINE_PEM_MAX + 1], key[ENGINE_PEM_MAX + 1];
    char seed[64];
    struct http_identity identity;
    struct runtime docker; /* self NULL: it cannot be, and why */
    struct err why;
    pthread_mutex_t lock; /* one at a time makes the link */
    _Atomic bool told;    /* the hands know these terms */
    /* The watch's own: what was noted last, and when. */
    char noted[200];
    bool noted_fine;
    int64_t noted_ms;
};

struct engines {
    unsigned count;
    struct engine_at at[ENGINES_MOST];
};

/** engines_read(out, txn, vault, err): what the store says, secrets opened; NULL when there is no
 * engine. To be freed. Return 0 or -1. */
int engines_read(struct engines **out, struct txn *txn, const struct vault *vault, struct err *err);

/** engines_print(e, out): a hash of all that makes a difference to how they are asked. */
void engines_print(const struct engines *e, uint8_t out[32]);

/** engines_make(e, paths, conf): a runtime over each. What cannot be is noted with it. */
void engines_make(struct engines *e, const struct paths *paths, const struct conf *conf);

/** engines_free(e): NULL is fine. Nobody may use them any more. */
void engines_free(struct engines *e);

/** engines_find(e, name): by name or id; NULL: there is none such. */
struct engine_at *engines_find(struct engines *e, const char *name);

/** engine_at_reach(o, e, err): see that there is a way to it: over TLS there always is; else its
 * link runs and takes connections. ERR_UNAVAILABLE with the cause and what to do. 0 or -1. */
int engine_at_reach(struct outside *o, struct engine_at *e, struct err *err);

/** engine_at_explain(o, e, err): put what the link's own words say about a failure in place of
 * ${err}, if they say anything. Return -1. */
int engine_at_explain(struct outside *o, const struct engine_at *e, struct err *err);

/** engine_at_port(o, e, port, on, err): bring a port of its machine's loopback here, or no longer;
 * fine for one whose ports are published elsewhere. Return 0 or -1. */
int engine_at_port(struct outside *o, struct engine_at *e, uint32_t port, bool on, struct err *err);

#endif
