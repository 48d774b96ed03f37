#ifndef SETT_GUARD_CLOUDFLARE_H
#define SETT_GUARD_CLOUDFLARE_H
/*
 * What stands before a tenant's door at Cloudflare: an Access application for each host name, and
 * one rate-limiting rule for all of them. Each as a step needs it: check, make, undo.
 *
 * What is ours: an application whose name ends with the mark in brackets, a rule whose description
 * is the mark. Nothing else is changed or deleted; a foreign application before the same host name
 * is ERR_CONFLICT naming it. Policies that somebody added to an application of ours stay.
 */
#include "cloudflare.h"
#include "kv.h"
#include "outcome.h"

#define GUARD_LIST_SIZE  1700
#define GUARD_HOSTS_SIZE 1024
#define GUARD_TEAM_SIZE  64

#define GUARD_AUD_BYTES  32 /* an audience tag is so many, in hexadecimal digits */
#define GUARD_AUD_SIZE   (GUARD_AUD_BYTES * 2 + 1)
#define GUARD_AUD_PACKED 44
#define GUARD_AUDS_MAX   16 /* host names whose tags a job's facts have room for */

/* Facts: what a connector must know to look at a visitor's token itself. */
#define GUARD_FACT_AUD    "access_aud"    /* the tag of the first host name */
#define GUARD_FACT_AUDS   "access_auds"   /* of each, in the order of hosts: guard_access_unpack */
#define GUARD_FACT_TEAM   "access_team"   /* whose tokens they are */
#define GUARD_FACT_UNTOLD "access_untold" /* or why it is not known */

/* Who may come in. Lists are separated by commas, "" for none. With addresses alone there is no
 * login: those come in, nobody else does. */
struct guard_access {
    char mark[96];                /* "sett BOX TENANT" */
    char hosts[GUARD_HOSTS_SIZE]; /* undo: "" is all that carries the mark */
    char emails[GUARD_LIST_SIZE], domains[GUARD_LIST_SIZE], ips[GUARD_LIST_SIZE];
    bool login; /* everybody who can sign in */
    bool
        ips_suffice; /* who comes from such an address need not sign in; else: must come from one */
    uint32_t session_h;
};

/** guard_access_tokens(want): whether everybody who is let in has a token; else some come in by
 * their address alone, and a connector must not ask for one. */
bool guard_access_tokens(const struct guard_access *want);

/** guard_access_unpack(at, aud): the next tag of GUARD_FACT_AUDS, whose reading begins at its
 * value; "" for one that is not known. Return 1, or 0 at the end. */
int guard_access_unpack(const char **at, char aud[GUARD_AUD_SIZE]);

/** guard_access_check(c, want, facts, err): whether all of it is there; then the facts above are
 * set, those of the team only if tokens are to be asked for. */
enum outcome guard_access_check(struct cloudflare *c, const struct guard_access *want,
                                struct kv *facts, struct err *err);

/** guard_access_make(c, want, facts, err): the same facts. An application that is made lets nobody
 * in until its policies are there. New policies are added before the old ones go. */
enum outcome guard_access_make(struct cloudflare *c, const struct guard_access *want,
                               struct kv *facts, struct err *err);

/** guard_access_undo(c, want, err): only mark and hosts are looked at. */
enum outcome guard_access_undo(struct cloudflare *c, const struct guard_access *want,
                               struct err *err);

/* How often one address may ask. */
struct guard_limit {
    char mark[96];
    char hosts[GUARD_HOSTS_SIZE];
    uint32_t requests, period_s, block_s;
};

/** guard_limit_check(c, want, err): whether the rule is there as it is wanted. */
enum outcome guard_limit_check(struct cloudflare *c, const struct guard_limit *want,
                               struct err *err);

/** guard_limit_make(c, want, err): add or change the rule. ERR_QUOTA, before anything is sent that
 * changes something, when the zone's plan has no rule left, no such period, or no rules that know
 * host names. */
enum outcome guard_limit_make(struct cloudflare *c, const struct guard_limit *want,
                              struct err *err);

/** guard_limit_undo(c, mark, err): the rule goes. */
enum outcome guard_limit_undo(struct cloudflare *c, const char *mark, struct err *err);

#endif
