#ifndef SETT_RULE_PAST_H
#define SETT_RULE_PAST_H
/*
 * How a tunnel's rules were before people changed them: the newest RULE_PASTS_KEPT versions of each
 * tunnel. Kept as records, not as the text that was sent, so that what followed the tunnel's own
 * route still does when one goes back, wherever that route leads by then.
 */
#include "rule.h"

#define RULE_PASTS_KEPT 10

struct rule_past {
    char tunnel_id[ID_SIZE];
    uint32_t version; /* from 1, in the order of time */
    uint32_t place;   /* 0: the head, which has the own route in `is`; from 1: a rule */
    struct cloudflared_rule is;
    char note[96];
    /* Of the head alone. */
    uint32_t rules, own; /* how many, and how many of them come before the own route */
    char catch_all[160];
    char actor[64];   /* who changed it */
    int64_t ended_at; /* and when */
};
extern const struct table rule_past_table; /* key tunnel_id, version, place */

/** rule_past_keep(txn, tunnel, actor, err): note how its rules are now, before ${actor} changes
 * them; the oldest version goes. Nothing if they are as the newest version has them. 0 or -1. */
int rule_past_keep(struct txn *txn, const struct tunnel *tunnel, const char *actor,
                   struct err *err);

/** rule_past_newest(txn, tunnel_id, version, err): the newest version, 0: none. Return 0 or -1. */
int rule_past_newest(struct txn *txn, const char *tunnel_id, uint32_t *version, struct err *err);

/** rule_past_head(txn, tunnel_id, version, head, err): Return 1, 0 or -1. */
int rule_past_head(struct txn *txn, const char *tunnel_id, uint32_t version, struct rule_past *head,
                   struct err *err);

/** rule_past_read(txn, head, list, err): its rules into an empty list, which is to be freed: what
 * they are and their notes. Return 0 or -1. */
int rule_past_read(struct txn *txn, const struct rule_past *head, struct rule_list *list,
                   struct err *err);

/** rule_past_delete_all(txn, tunnel_id, err): when the tunnel goes. Return 0 or -1. */
int rule_past_delete_all(struct txn *txn, const char *tunnel_id, struct err *err);

#endif
