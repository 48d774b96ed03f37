#ifndef SETT_ANSWER_ABOUT_H
#define SETT_ANSWER_ABOUT_H
/* Answers about what runs and what can be bought; see answer.h for the questions. Each appends to
 * ${out}. Return 0 or -1. */
#include "answer.h"

/** answer_logs: the last lines that a tenant or its connector wrote. */
int answer_logs(const struct answer_setup *s, const struct kv *params, struct buf *out,
                struct err *err);
/** answer_stats: what a tenant uses of its limits. */
int answer_stats(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);
/** answer_status: the state of a tenant or tunnel, and what its runtime, its connector and
 * Cloudflare say of it. */
int answer_status(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);
/** answer_quotas: what there is at Cloudflare of what there may be, counted now. */
int answer_quotas(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);
/** answer_log: lines of many logs in one order, newest first. In answer_log.c. */
int answer_log(const struct answer_setup *s, const struct kv *params, struct buf *out,
               struct err *err);
/** answer_trial: whether a provider's credentials lead anywhere, and what is missing. In
 * answer_trial.c. */
int answer_trial(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);
/** answer_adopt: a tunnel of the account that somebody else may have made, with its configuration.
 * In answer_adopt.c. */
int answer_adopt(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);
/** answer_probe: what a tenant answers to a GET of its health path; no answer is a result too. */
int answer_probe(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);

/** answer_tunnel_probe: why a tunnel or a service does not answer. In answer_probe.c. */
int answer_tunnel_probe(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err);

/** answer_turn_credentials: for a browser, from a TURN key. In answer_turn.c, as the next two. */
int answer_turn_credentials(const struct answer_setup *s, const struct kv *params, struct buf *out,
                            struct err *err);

/** answer_turn_revoke: end one before its time. */
int answer_turn_revoke(const struct answer_setup *s, const struct kv *params, struct buf *out,
                       struct err *err);

/** answer_turn_usage: what a TURN key has relayed in so many days. */
int answer_turn_usage(const struct answer_setup *s, const struct kv *params, struct buf *out,
                      struct err *err);

/** answer_domain: what the DNS, the provider and the front door say of a domain now. In
 * answer_domain.c. */
int answer_domain(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);

/** answer_ports: who listens on ports of the pool that no tenant has. In answer_ports.c. */
int answer_ports(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err);

/** answer_checkout: a page of Stripe's for an open order, made with the order's id as idempotency
 * key: the same order gives the same page. In answer_checkout.c. */
int answer_checkout(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err);

/** answer_audit_export: lines of the audit as a file. */
int answer_audit_export(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err);

/** answer_checkout_end: close the page of an order that is given up. In answer_checkout.c, as the
 * next two. */
int answer_checkout_end(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err);

/** answer_reveal: the first credentials of what was ordered, for whoever has the order's secret,
 * once. */
int answer_reveal(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);

/** answer_portal: the address of a session of Stripe's customer portal. */
int answer_portal(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);

#endif
