/*
 * Steps that lead visitors to a tenant: tunnel, rules, connector, name. Apart from the ingress
 * drivers because a saga asks for a stage and does not know which driver answers; only the
 * connector is the hands' own, whoever the provider is.
 */
#include "facts.h"
#include "ingress_cloudflare.h"
#include "outside.h"
#include "secret_once.h"
#include "steps.h"
#include "steps_move.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define CONNECTOR_MS 45000
#define SECRET_BYTES 32
#define SECRET_SIZE  64       /* in base64 */
#define SECRET_NAME  "tunnel" /* in the job's secrets */

bool steps_without_tunnel(const struct job *job)
{
    return !str_equal(kv_get_or(&job->facts, FACT_INGRESS, ""), "cloudflare") || steps_carried(job);
}

bool steps_without_connector(const struct job *job)
{
    return steps_without_tunnel(job) || kv_get(&job->facts, FACT_ELSEWHERE) != NULL;
}

bool steps_without_ingress(const struct job *job)
{
    return kv_get(&job->facts, FACT_TUNNEL) == NULL;
}

bool steps_in_maintenance(const struct job *job)
{
    return kv_get(&job->facts, FACT_MAINTENANCE) != NULL;
}

bool steps_without_front_door(const struct job *job)
{
    return steps_without_ingress(job) || steps_in_maintenance(job);
}

/* One stage of the ingress, with this route. */
static enum outcome stage_of(struct step_call *call, enum ingress_stage which,
                             enum ingress_verb verb, const struct ingress_route *route,
                             struct err *err)
{
    struct providers *p;
    enum outcome outcome;

    if (!str_equal(kv_get_or(call->facts, FACT_INGRESS, ""), "cloudflare"))
        return call->outside->local.stage(call->outside->local.self, which, verb, route, NULL,
                                          call->facts, err);
    p = outside_use(call->outside);
    if (p->cloudflare_set) {
        outcome = p->ingress.stage(p->ingress.self, which, verb, route,
                                   kv_get(call->secret, SECRET_NAME), call->facts, err);
    } else {
        *err = p->cloudflare_why;
        outcome = OUTCOME_FAIL;
    }
    outside_done(call->outside, p);
    return outcome;
}

/* One stage of the job's own ingress. */
static enum outcome stage(struct step_call *call, enum ingress_stage which, enum ingress_verb verb,
                          bool old, struct err *err)
{
    struct ingress_route route;

    facts_route(call->job, call->facts, old, &route);
    if (which == INGRESS_RULES && call->text != NULL && call->text[0] != '\0')
        route.rules = call->text;
    return stage_of(call, which, verb, &route, err);
}

enum outcome steps_move_pause(struct step_call *call, struct err *err)
{
    struct ingress_route route;

    facts_route(call->job, call->facts, true, &route);
    route.maintenance = true;
    return stage_of(call, INGRESS_RULES, INGRESS_MAKE, &route, err);
}

enum outcome steps_tunnel_check(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_TUNNEL, INGRESS_CHECK, false, err);
}

enum outcome steps_tunnel_make(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_TUNNEL, INGRESS_MAKE, false, err);
}

enum outcome steps_tunnel_undo(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_TUNNEL, INGRESS_UNDO, false, err);
}

/* Whether its rules are files of this box, so that its connector is who is to be told. */
static bool is_local(const struct step_call *call)
{
    return kv_get(call->facts, FACT_LOCAL) != NULL;
}

static enum outcome start_connector(struct step_call *call, const char *rules, struct err *err);

enum outcome steps_rules_check(struct step_call *call, struct err *err)
{
    if (is_local(call))
        return OUTCOME_ABSENT;
    return stage(call, INGRESS_RULES, INGRESS_CHECK, false, err);
}

enum outcome steps_rules_make(struct step_call *call, struct err *err)
{
    if (is_local(call))
        return start_connector(call, call->text, err);
    return stage(call, INGRESS_RULES, INGRESS_MAKE, false, err);
}

enum outcome steps_rules_undo(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_RULES, INGRESS_UNDO, false, err);
}

enum outcome steps_rules_undo_old(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_RULES, INGRESS_UNDO, true, err);
}

enum outcome steps_rules_make_old(struct step_call *call, struct err *err)
{
    if (is_local(call))
        return start_connector(call, call->text, err);
    return stage(call, INGRESS_RULES, INGRESS_MAKE, true, err);
}

enum outcome steps_dns_check(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_DNS, INGRESS_CHECK, false, err);
}

enum outcome steps_dns_make(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_DNS, INGRESS_MAKE, false, err);
}

enum outcome steps_dns_undo(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_DNS, INGRESS_UNDO, false, err);
}

enum outcome steps_dns_undo_old(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_DNS, INGRESS_UNDO, true, err);
}

enum outcome steps_dns_make_old(struct step_call *call, struct err *err)
{
    return stage(call, INGRESS_DNS, INGRESS_MAKE, true, err);
}

/* A verb about the tunnel's connector. */
static enum outcome connector(struct step_call *call, enum hands_verb verb, const char *token,
                              const char *rules, struct hands_reply *reply, struct err *err)
{
    struct hands_request request;
    enum outcome outcome;

    facts_request(call, verb, &request);
    request.flag = rules == NULL; /* its files stay as they are */
    if (rules != NULL && str_copy(request.rules, sizeof request.rules, rules) == -1) {
        (void)err_set(err, ERR_QUOTA, "rules_too_long",
                      "a tunnel whose rules are files has at most %zu bytes of them",
                      sizeof request.rules - 1);
        (void)err_hint(err, "make a tunnel whose config is remote for so many rules");
        return OUTCOME_FAIL;
    }
    request.number = kv_get_u64(call->facts, FACT_TUNNEL_NUMBER, 0);
    if (request.hostname[0] == '*') /* of a shared tunnel; to the hands that is no host name */
        request.hostname[0] = '\0';
    if (token != NULL && str_copy(request.secret, sizeof request.secret, token) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "token_too_long", "the connector's token is too long");
        return OUTCOME_FAIL;
    }
    outcome = outside_hands(call->outside, &request, CONNECTOR_MS, reply, NULL, err);
    sodium_memzero(request.secret, sizeof request.secret);
    return outcome;
}

enum outcome steps_connector_check(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome = connector(call, HANDS_CONNECTOR_STATUS, NULL, NULL, &reply, err);

    if (outcome == OUTCOME_OK && !reply.running)
        return OUTCOME_ABSENT;
    return outcome;
}

/* An adopted tunnel's token is asked for where its secret was not given. */
static int adopted_token(struct step_call *call, char token[CLOUDFLARE_TOKEN_SIZE], struct err *err)
{
    struct providers *p = outside_use(call->outside);
    int result = -1;

    if (p->cloudflare_set)
        result = cloudflare_tunnel_token(&p->cloudflare, kv_get_or(call->facts, FACT_CF_TUNNEL, ""),
                                         token, err);
    else
        *err = p->cloudflare_why;
    outside_done(call->outside, p);
    return result;
}

enum outcome steps_adopt_look(struct step_call *call, struct err *err)
{
    struct providers *p = outside_use(call->outside);
    struct cloudflare_tunnel tunnel;
    enum outcome outcome = OUTCOME_FAIL;

    if (!p->cloudflare_set)
        *err = p->cloudflare_why;
    else if (cloudflare_tunnel_get(&p->cloudflare, kv_get_or(call->facts, FACT_CF_TUNNEL, ""),
                                   &tunnel, err) == -1)
        outcome = ingress_cloudflare_outcome(err);
    else if (tunnel.deleted)
        (void)err_set(err, ERR_NOT_FOUND, "tunnel_gone", "the tunnel %s is deleted at Cloudflare",
                      tunnel.name);
    else
        outcome = OUTCOME_OK;
    outside_done(call->outside, p);
    return outcome;
}

/* ${rules}: of a tunnel whose rules are files; NULL: those that are there. */
static enum outcome start_connector(struct step_call *call, const char *rules, struct err *err)
{
    const char *secret = kv_get(call->secret, SECRET_NAME);
    char token[CLOUDFLARE_TOKEN_SIZE];
    struct hands_reply reply;
    enum outcome outcome;

    if (secret == NULL && kv_get(call->facts, FACT_ADOPTED) != NULL) {
        if (adopted_token(call, token, err) == -1)
            return ingress_cloudflare_outcome(err);
    } else if (secret == NULL) {
        (void)err_set(err, ERR_CORRUPT, "tunnel_secret_gone", "the tunnel's secret is not there");
        (void)err_hint(err, "delete the tunnel and create it anew");
        return OUTCOME_FAIL;
    } else if (cloudflare_connector_token(kv_get_or(call->facts, FACT_CF_ACCOUNT, ""),
                                          kv_get_or(call->facts, FACT_CF_TUNNEL, ""), secret, token,
                                          err) == -1) {
        return OUTCOME_FAIL;
    }
    outcome = connector(call, HANDS_CONNECTOR_START, token, rules, &reply, err);
    sodium_memzero(token, sizeof token);
    return outcome;
}

enum outcome steps_connector_make(struct step_call *call, struct err *err)
{
    return start_connector(call, is_local(call) ? NULL : "", err);
}

enum outcome steps_connector_undo(struct step_call *call, struct err *err)
{
    struct hands_reply reply;

    return connector(call, HANDS_CONNECTOR_STOP, NULL, NULL, &reply, err);
}

enum outcome steps_connector_restart(struct step_call *call, struct err *err)
{
    struct hands_reply reply;

    return connector(call, HANDS_CONNECTOR_RESTART, NULL, NULL, &reply, err);
}

/* The tunnel's secret, from under the tunnel's own name. Return 1, 0 if there is none, -1. */
static int recall(struct txn *txn, const struct job *job, const struct saga_context *c,
                  char name[96], struct kv *secrets, struct err *err)
{
    if (str_format(name, 96, "tunnel:%s", kv_get_or(&job->facts, FACT_TUNNEL, "")) == -1)
        return err_set(err, ERR_INTERNAL, "tunnel_id", "the tunnel's id is too long");
    return secret_once_recall(txn, c, name, SECRET_NAME, secrets, err);
}

int steps_tunnel_recall(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                        struct err *err)
{
    char name[96];

    return recall(txn, job, context, name, secrets, err) == -1 ? -1 : 0;
}

int steps_rules_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                        struct err *err)
{
    return kv_get(&job->facts, FACT_LOCAL) == NULL
               ? 0
               : steps_tunnel_recall(txn, job, context, secrets, err);
}

/* The secret lives as long as the tunnel: it is made once, before the tunnel, and kept under the
 * tunnel's own name, from which every later job takes it. */
int steps_tunnel_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                         struct err *err)
{
    const struct saga_context *c = context;
    uint8_t bytes[SECRET_BYTES];
    char name[96], text[SECRET_SIZE];
    int result = recall(txn, job, c, name, secrets, err);

    if (result != 0)
        return result == 1 ? 0 : -1;
    randombytes_buf(bytes, sizeof bytes);
    (void)enc_base64(text, sizeof text, bytes, sizeof bytes);
    result = secret_once_keep(txn, c, name, SECRET_NAME, text, secrets, err);
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(text, sizeof text);
    return result;
}
