#ifndef SETT_ANSWER_PARTS_H
#define SETT_ANSWER_PARTS_H
/* What the files answer_*.c share. */
#include "answer.h"
#include "facts.h"

#define ANSWER_ASK_MS 10000 /* the hands' time for one look */

/* The object that a question is about. */
struct about {
    struct tenant tenant;
    struct tunnel tunnel;
    bool is_tunnel;
    char box_id[ID_SIZE];       /* whose mark the engine's objects carry */
    struct outside_where where; /* of the tenant */
    /* Of a tunnel that its job waits to have its name led to, at another provider of DNS: what
     * stands there, and what must be entered; "": of no other. */
    char waits[512], waits_remedy[512];
};

/** answer_load(s, params, a, err): the tunnel or tenant that the parameter tunnel_id or tenant_id
 * names. Return 0 or -1. */
int answer_load(const struct answer_setup *s, const struct kv *params, struct about *a,
                struct err *err);

/** answer_hands(s, a, verb, lines, reply, stream, err): ask the hands about it. */
enum outcome answer_hands(const struct answer_setup *s, const struct about *a, enum hands_verb verb,
                          uint32_t lines, struct hands_reply *reply, struct buf *stream,
                          struct err *err);

/** answer_connected(a): whether the tunnel has a connector: its ingress is Cloudflare. */
bool answer_connected(const struct about *a);

/** answer_tunnel_status(s, a, out, err): the status of a tunnel; in answer_tunnel.c. 0 or -1. */
int answer_tunnel_status(const struct answer_setup *s, const struct about *a, struct buf *out,
                         struct err *err);

#endif
