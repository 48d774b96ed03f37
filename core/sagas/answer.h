#ifndef SETT_ANSWER_H
#define SETT_ANSWER_H
/*
 * The worker's answers to the front and the CLI: a closed table of questions that change nothing
 * but what is bought, whose order exists before it is asked.
 *
 *   plan              saga, arguments of the job   JSON: what each step would touch
 *   logs              tenant_id or tunnel_id, lines  plain text, streamed
 *   log               source, level, q, since_ms, until_ms, after, before, limit, format
 *                                                  lines of many logs: JSON, or as text
 *   stats             tenant_id                    JSON: memory, processor, processes, traffic
 *   status            tenant_id or tunnel_id       JSON: what runtime, connector, provider say now
 *   probe             tenant_id                    JSON: what its health path answers now
 *   tunnel_probe      tunnel_id or url, path       JSON: why it does not answer, and the remedy;
 *                     public                       "1": only public addresses may be asked
 *   turn_credentials  turn_key_id, ttl_s           JSON: short-lived credentials; at most
 *                                                  turn.per_minute
 *   turn_revoke       turn_key_id, username        JSON: one of them is over before its time
 *   turn_usage        turn_key_id, days            JSON: what a key has relayed
 *   domain            domain_id                    JSON: what is seen of a domain outside
 *   proxmox                                        JSON: what its token may, nodes, what is missing
 *   engine_test       engine_id                    JSON: what an engine elsewhere is and can
 *   engine_local                                   JSON: what this box's own engine is
 *   progress                                       JSON: how far the snapshot under way is
 *   vault_test        vault_id                     JSON: what was put there came back
 *   vault_room                                     JSON: what room each vault has
 *   audit_export      format, from_ms, until_ms,   a file: lines of the audit, from this byte on
 *                     from
 *   trial             provider                     JSON: where its credentials lead
 *   programs, versions, certificates               JSON: what runs, in which version (core/watch/)
 *   doctor                                         JSON: what is wrong with the box (core/ops/)
 *   checkout          order_id, secret             JSON: {"session","url"} of Stripe's page
 *   checkout_end      session                      JSON: that page is closed
 *   reveal            secret                       JSON: first credentials of an order, once
 *   portal            customer, return_url,        JSON: {"url"} of Stripe's customer portal
 *                     locale
 */
#include <sys/types.h>
#include "outside.h"
#include "saga_context.h"
#include "step.h"

#define ANSWER_PEERS 4

struct answer_setup;

/* A question and who answers it. */
struct answer_row {
    const char *question;
    int (*answer)(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                  struct err *err);
};

struct answer; /* the server */

struct answer_setup {
    const struct saga_context *context;
    struct outside *outside;
    uid_t peers[ANSWER_PEERS]; /* who may ask, besides root and the worker's own user */
    unsigned peer_count;
    /* Set by the server for one question: a line for people, told while the answer is being made.
     * NULL: nobody listens. */
    void (*progress)(void *arg, const char *line);
    void *progress_arg;
    /* Likewise: send what ${out} has to say of a file, and a descriptor to read it from; ${out} is
     * empty then, and the answer ends when the question's function returns. 0 or -1. */
    int (*file)(void *arg, struct buf *out, int fd);
    const struct answer_row *more; /* of the floors above, ended by a row without question; NULL */
    void *more_context;            /* what those need */
    const struct answer_row *backup; /* likewise, of the floor of snapshots; or NULL */
    const struct saga *const *sagas; /* of the floors above, for plans; or NULL */
    size_t saga_count;
};

/** answer_start(a, setup, err): listen on context->paths.ask_sock, with a thread of its own and one
 * a question, at most 8 at once. Return 0 or -1. */
int answer_start(struct answer **a, const struct answer_setup *setup, struct err *err);

/** answer_stop(a, wait_ms): no new questions; wait for those under way, then free; if some are
 * still there, nothing is freed and the process must end. */
void answer_stop(struct answer *a, int wait_ms);

/** answer_to(setup, question, params, out, err): one answer, appended to ${out}. For the server and
 * for tests. ERR_NOT_FOUND for a question that is not in the table. Return 0 or -1. */
int answer_to(const struct answer_setup *setup, const char *question, const struct kv *params,
              struct buf *out, struct err *err);

#endif
