#ifndef SETT_STEPS_DOMAIN_H
#define SETT_STEPS_DOMAIN_H
/*
 * The steps of customers' domains. A job's arguments: domain_id, tenant_id, name, via, www. What
 * the provider said goes through the facts of domain_cloudflare.h into the domain's record.
 */
#include "custom_domain.h"
#include "step.h"
#include "tenant.h"

#define FACT_DOMAIN_CHALLENGE "domain_challenge"
#define FACT_DOMAIN_ADOPT     "domain_adopt"
#define FACT_DOMAIN_FALLBACK  "domain_fallback"
#define FACT_DOMAIN_WANTED    "domain_wanted" /* "1": visitors are to be led to the tenant */
#define FACT_DOMAIN_TARGET    "domain_target"
#define FACT_DOMAIN_ADDRESSES "domain_addresses"
#define FACT_DOMAIN_SERVER    "dns_server"
#define FACT_DOMAIN_ANSWERS   "domain_answers" /* "1": it was seen to answer */
#define FACT_DOMAIN_WHY       "domain_why"     /* else why not */
#define FACT_DOMAIN_TUNNEL    "domain_tunnel"  /* Cloudflare's id of the tunnel that carries it */
#define FACT_DOMAIN_KEEP      "domain_keep"    /* "1": its tunnel goes as a whole, with its rules */

/* ---- store: steps_domain.c ---- */

step_store steps_domain_read, steps_domain_removing, steps_domain_waiting, steps_domain_routed,
    steps_domain_removed;
/* The rate limit of the tenant follows its host names. */
step_store steps_domain_limits;
step_store steps_domain_settle, steps_domain_unsettle;
step_store steps_domain_begun, steps_domain_ended;
/* Claim: it is the claimant's from now on; the former one is told. */
step_store steps_domain_claim_read, steps_domain_take;

/** steps_domain_start(txn, job, domain, saga, err): start a job about a domain, as ${job}'s actor
 * (or the worker's, if it is NULL). ERR_CONFLICT "busy". Return 0 or -1. */
int steps_domain_start(struct txn *txn, const struct job *job, const struct custom_domain *domain,
                       const char *saga, struct err *err);

/** steps_domain_route(txn, job, domain, err): start domain.route if its tenant can be led to and no
 * job is at work on it; else say in its reason what it waits for. The caller stores it. 0 or -1. */
int steps_domain_route(struct txn *txn, const struct job *job, struct custom_domain *domain,
                       struct err *err);

/** steps_domain_follow(txn, job, tenant, err): a tenant was suspended, resumed or changed: those of
 * its domains whose route depends on that are led anew. Return 0 or -1. */
int steps_domain_follow(struct txn *txn, const struct job *job, const struct tenant *tenant,
                        struct err *err);

/** steps_domain_end_all(txn, job, tenant, start, err): how many domains a tenant still has; with
 * ${start} each that is not being removed begins to be. -1. */
int steps_domain_end_all(struct txn *txn, const struct job *job, const struct tenant *tenant,
                         bool start, struct err *err);

/* ---- store: steps_domain_rules.c ---- */

/* The rules of the tenant's tunnel for the domain's names, and their end; then: wait until the
 * tunnel has them. */
step_store steps_domain_rules, steps_domain_unrules, steps_domain_configured;

/** steps_domain_configure_again(txn, job, err): a job that was stuck is taken up again: a tunnel
 * that is behind and has no job gets one. Return 0 or -1. */
int steps_domain_configure_again(struct txn *txn, const struct job *job, struct err *err);

/* ---- outside: steps_domain_outside.c ---- */

step_outside steps_domain_look, steps_domain_fallback;
step_outside steps_domain_check, steps_domain_make, steps_domain_drop; /* zone or custom hostname */
step_outside steps_domain_sign, steps_domain_clear_all;
step_outside steps_domain_prove, steps_domain_prove_claim;
step_outside steps_domain_map_check, steps_domain_map, steps_domain_unmap;
step_outside steps_domain_origin;
step_outside steps_domain_dns_check, steps_domain_dns, steps_domain_undns;
step_outside steps_domain_reachable;

/* What a job need not do: answers for struct step.needless, from the job's arguments and facts. */

/** steps_domain_not_provided(job): local: there is no provider. */
bool steps_domain_not_provided(const struct job *job);
/** steps_domain_not_zone(job): it has no zone of its own. */
bool steps_domain_not_zone(const struct job *job);
/** steps_domain_not_hostname(job): it is no custom hostname. */
bool steps_domain_not_hostname(const struct job *job);
/** steps_domain_not_local(job): the box's web server does not know it. */
bool steps_domain_not_local(const struct job *job);
/** steps_domain_not_ruled(job): local, or its tunnel goes as a whole. */
bool steps_domain_not_ruled(const struct job *job);
/** steps_domain_not_wanted(job): visitors are not to be led. */
bool steps_domain_not_wanted(const struct job *job);
/** steps_domain_no_dns(job): no zone, or not wanted. */
bool steps_domain_no_dns(const struct job *job);
/** steps_domain_no_origin(job): no custom hostname, or not wanted. */
bool steps_domain_no_origin(const struct job *job);
/** steps_domain_no_guard(job): nobody stands before the tenant, or the provider cannot. */
bool steps_domain_no_guard(const struct job *job);
/** steps_domain_no_door(job): not wanted, or in maintenance. */
bool steps_domain_no_door(const struct job *job);

/* ---- plans ---- */

/** steps_domain_plan_provider(job, out, size): the zone or custom hostname. 0 or -1. */
int steps_domain_plan_provider(const struct job *job, char *out, size_t size);
/** steps_domain_plan_names(job, out, size): the names that would lead to the tenant. 0 or -1. */
int steps_domain_plan_names(const struct job *job, char *out, size_t size);

#endif
