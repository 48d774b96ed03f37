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

/** guard_access_check(c, want, facts, err): whether all of it is there; the fact access_aud is then
 * the first host name's. */
enum outcome guard_access_check(struct cloudflare *c, const struct guard_access *want,
                                struct kv *facts, struct err *err);

/** guard_access_make(c, want, facts, err): the same fact. An application that is made lets nobody
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
