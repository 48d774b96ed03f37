/*
 * Cloudflare as an ingress. Apart from the API's calls because here is what a step needs: look
 * before making, know one's own, believe no list too early, and leave alone what somebody else
 * made.
 */
#include "ingress_cloudflare.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_quota.h"
#include "ingress_cloudflare_parts.h"
#include "json_in.h"
#include "str.h"

enum outcome ingress_cloudflare_outcome(const struct err *err)
{
    switch (err->kind) {
    case ERR_NETWORK:
    case ERR_TIMEOUT:
    case ERR_RATE:
    case ERR_UNAVAILABLE:
        return OUTCOME_AGAIN;
    case ERR_CONFLICT: /* theirs passes: lists that lag, connections that linger; ours does not */
        return str_starts(err->code, "cloudflare_") ? OUTCOME_AGAIN : OUTCOME_FAIL;
    default:
        return OUTCOME_FAIL;
    }
}

/* ---- tunnel ---- */

/* A tunnel's id is a UUID. An answer with something else in its place is not to be built upon: the
 * tunnel will be found by its name. */
static int check_uuid(const char *id, struct err *err)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool fits = strlen(id) == sizeof shape - 1;

    for (size_t i = 0; fits && i < sizeof shape - 1; i++)
        fits = shape[i] == '-' ? id[i] == '-' : strchr("0123456789abcdefABCDEF", id[i]) != NULL;
    if (fits)
        return 0;
    return err_set(err, ERR_NETWORK, "cloudflare_answer",
                   "Cloudflare's answer names a tunnel \"%s\", which is no id.", id);
}

/* Whether the token of a tunnel holds ${secret}. Return 1, 0 or -1. */
static int has_secret(struct cloudflare *c, const char *id, const char *secret, struct err *err)
{
    char token[CLOUDFLARE_TOKEN_SIZE], text[CLOUDFLARE_TOKEN_SIZE];
    struct cJSON *json = NULL;
    size_t len = 0;
    int same = 0;

    if (cloudflare_tunnel_token(c, id, token, err) == -1)
        return -1;
    if (sodium_base642bin((unsigned char *)text, sizeof text, token, strlen(token), NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
        json = json_parse(text, len, &json_limits_api, NULL);
    same = str_equal(json_text(json, "s", ""), secret) && secret[0] != '\0';
    json_free(json);
    sodium_memzero(token, sizeof token);
    sodium_memzero(text, sizeof text);
    return same;
}

/* The route's tunnel, by the id that we know, else by name and secret. Return 1; 0 when there is
 * none of ours; -1. ${foreign}: there is one of that name that is not ours, or not provably. */
static int find_tunnel(struct cloudflare *c, const struct ingress_route *r, const char *secret,
                       struct cloudflare_tunnel *out, bool *foreign, struct err *err)
{
    struct err why;
    int found;

    *foreign = false;
    if (r->cf_tunnel[0] != '\0') {
        err_clear(&why);
        if (cloudflare_tunnel_get(c, r->cf_tunnel, out, &why) == 0 &&
            check_uuid(out->id, &why) == 0)
            return !out->deleted;
        if (why.kind == ERR_NOT_FOUND)
            return 0;
        if (err != NULL)
            *err = why;
        return -1;
    }
    if ((found = cloudflare_tunnel_find(c, r->name, out, err)) != 1)
        return found;
    if (check_uuid(out->id, err) == -1)
        return -1;
    if (secret == NULL)
        found = 0;
    else
        found = has_secret(c, out->id, secret, err);
    *foreign = found == 0;
    return found;
}

static enum outcome tunnel_known(struct cloudflare *c, const struct cloudflare_tunnel *tunnel,
                                 struct kv *facts, struct err *err)
{
    if (ingress_cloudflare_set(facts, "cf_tunnel", tunnel->id, err) == -1 ||
        ingress_cloudflare_set(facts, "cf_account", c->account, err) == -1)
        return OUTCOME_FAIL;
    return OUTCOME_OK;
}

static enum outcome name_taken(const struct ingress_route *r, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "tunnel_name_taken",
                  "The account has a tunnel \"%s\" that this box did not make.", r->name);
    (void)err_hint(err, "Does another box use this account? Delete the tunnel in Cloudflare's "
                        "dashboard if nobody does, or make this one under another name.");
    return OUTCOME_FAIL;
}

static enum outcome tunnel_make(struct cloudflare *c, const struct ingress_route *r,
                                const char *secret, struct kv *facts, struct err *err)
{
    struct ingress_route by_name = *r;
    struct cloudflare_tunnel tunnel;
    bool foreign;
    int found = find_tunnel(c, r, secret, &tunnel, &foreign, err);

    if (found == 0 && !foreign && r->cf_tunnel[0] != '\0') { /* deleted by hand: make it anew */
        by_name.cf_tunnel[0] = '\0';
        found = find_tunnel(c, &by_name, secret, &tunnel, &foreign, err);
    }
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 1)
        return tunnel_known(c, &tunnel, facts, err);
    if (foreign)
        return name_taken(r, err);
    if (secret == NULL) {
        (void)err_set(err, ERR_CORRUPT, "tunnel_secret_gone", "The tunnel's secret is not there.");
        (void)err_hint(err, "Delete the tunnel and create it anew.");
        return OUTCOME_FAIL;
    }
    if (cloudflare_quota_room(c, CLOUDFLARE_TUNNELS, err) == -1)
        return OUTCOME_FAIL;
    if (cloudflare_tunnel_create(c, r->name, secret, !r->local_config, &tunnel, err) == -1) {
        if (err->kind == ERR_CONFLICT)
            err->retry_after_s = LAG_S; /* the next look will find whose it is */
        return ingress_cloudflare_outcome(err);
    }
    cloudflare_quota_made(c, CLOUDFLARE_TUNNELS, 1);
    if (check_uuid(tunnel.id, err) == -1)
        return OUTCOME_AGAIN;
    return tunnel_known(c, &tunnel, facts, err);
}

static enum outcome tunnel_undo(struct cloudflare *c, const struct ingress_route *r,
                                const char *secret, struct kv *facts, struct err *err)
{
    struct cloudflare_tunnel tunnel;
    bool foreign;
    int found = find_tunnel(c, r, secret, &tunnel, &foreign, err);

    if (found == 0 && !foreign && r->cf_tunnel[0] == '\0' && secret != NULL) {
        clock_sleep_ms(LAG_MS);
        found = find_tunnel(c, r, secret, &tunnel, &foreign, err);
    }
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 1 && cloudflare_tunnel_delete(c, tunnel.id, err) == -1)
        return ingress_cloudflare_outcome(err);
    ingress_cloudflare_unset(facts, "cf_tunnel", r->cf_tunnel);
    return OUTCOME_OK;
}

static enum outcome tunnel_stage(struct cloudflare *c, enum ingress_verb verb,
                                 const struct ingress_route *r, const char *secret,
                                 struct kv *facts, struct err *err)
{
    struct cloudflare_tunnel tunnel;
    bool foreign;
    int found;

    if (verb == INGRESS_MAKE)
        return tunnel_make(c, r, secret, facts, err);
    if (verb == INGRESS_UNDO)
        return tunnel_undo(c, r, secret, facts, err);
    found = find_tunnel(c, r, secret, &tunnel, &foreign, err);
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    return found == 1 ? tunnel_known(c, &tunnel, facts, err) : OUTCOME_ABSENT;
}

/* ---- rules ---- */

/* Cloudflare's edge itself answers for a service of the form http_status:CODE. */
static const char *service_of(const struct ingress_route *r)
{
    return r->maintenance ? "http_status:503" : r->service;
}

static bool same_rule(const struct cloudflared_rule *rule, const struct ingress_route *r)
{
    return str_equal(rule->hostname, r->hostname) && str_equal(rule->path, r->path) &&
           str_equal(rule->service, service_of(r)) &&
           rule->origin.no_tls_verify == r->no_tls_verify;
}

static enum outcome version_known(const struct cloudflare_config *config, struct kv *facts,
                                  struct err *err)
{
    if (facts != NULL && kv_set_u64(facts, "cf_version", config->version) == -1) {
        (void)err_set(err, ERR_TOO_LARGE, "facts_full", "The job's facts are full.");
        return OUTCOME_FAIL;
    }
    return OUTCOME_OK;
}

/* Take out the rules of a host name; with ${path} only that one's. Return how many went. */
static uint32_t drop_rules(struct cloudflared_config *all, const char *hostname, const char *path)
{
    uint32_t kept = 0, count = all->count;

    for (uint32_t i = 0; i < count; i++) {
        const struct cloudflared_rule *rule = &all->rules[i];
        if (rule->hostname[0] != '\0' && str_equal(rule->hostname, hostname) &&
            (path == NULL || str_equal(rule->path, path)))
            continue;
        if (kept != i)
            all->rules[kept] = *rule;
        kept++;
    }
    all->count = kept;
    return count - kept;
}

/* Nothing was put yet: then there is no rule that catches all. */
static int need_catch_all(struct cloudflared_config *all, struct err *err)
{
    struct cloudflared_rule *last = all->count == 0 ? NULL : &all->rules[all->count - 1];

    if (last != NULL && last->hostname[0] == '\0' && last->path[0] == '\0')
        return 0;
    if ((last = cloudflared_add(all, all->count, err)) == NULL)
        return -1;
    (void)str_copy(last->service, sizeof last->service, CLOUDFLARED_CATCH_ALL);
    return 0;
}

/* The first match wins: a rule with a path goes before those without. */
static int add_rule(struct cloudflared_config *all, const struct ingress_route *r, struct err *err)
{
    struct cloudflared_rule *rule;

    if (need_catch_all(all, err) == -1 ||
        (rule = cloudflared_add(all, r->path[0] != '\0' ? 0 : all->count - 1, err)) == NULL)
        return -1;
    rule->origin.no_tls_verify = r->no_tls_verify;
    (void)str_copy(rule->hostname, sizeof rule->hostname, r->hostname);
    (void)str_copy(rule->path, sizeof rule->path, r->path);
    (void)str_copy(rule->service, sizeof rule->service, service_of(r));
    return 0;
}

static int put_rules(struct cloudflare *c, const struct ingress_route *r,
                     struct cloudflare_config *config, struct err *err)
{
    uint64_t before = config->version;

    if (cloudflare_config_put(c, r->cf_tunnel, config, err) == -1)
        return -1;
    if (config->version > before)
        return 0;
    return err_set(err, ERR_NETWORK, "cloudflare_answer",
                   "Cloudflare took the rules of %s and did not count them: version %llu.", r->name,
                   (unsigned long long)config->version);
}

/* What is to be configured, from what is now: the whole list, or this route among the others.
 * Return 1 if it is so already, 0 if config->ingress was changed and is to be put, or -1. */
static int bring_about(struct cloudflare_config *config, const struct ingress_route *r,
                       struct err *err)
{
    struct cloudflared_config wanted = {0};

    if (r->rules != NULL) {
        if (cloudflared_parse_json(r->rules, strlen(r->rules), &wanted, err) == -1 ||
            cloudflared_check(&wanted, err) == -1) {
            cloudflared_free(&wanted);
            return -1;
        }
        if (cloudflared_same(&wanted, &config->ingress)) {
            cloudflared_free(&wanted);
            return 1;
        }
        cloudflared_free(&config->ingress);
        config->ingress = wanted;
        return 0;
    }
    for (uint32_t i = 0; i < config->ingress.count; i++)
        if (same_rule(&config->ingress.rules[i], r))
            return 1;
    (void)drop_rules(&config->ingress, r->hostname, r->path);
    return add_rule(&config->ingress, r, err);
}

static enum outcome rules_make(struct cloudflare *c, enum ingress_verb verb,
                               const struct ingress_route *r, struct cloudflare_config *config,
                               struct kv *facts, struct err *err)
{
    int there = bring_about(config, r, err);

    if (there == 0 && verb == INGRESS_CHECK)
        return OUTCOME_ABSENT;
    if (there == -1 || (there == 0 && put_rules(c, r, config, err) == -1))
        return ingress_cloudflare_outcome(err);
    return version_known(config, facts, err);
}

static enum outcome rules_undo(struct cloudflare *c, const struct ingress_route *r,
                               struct cloudflare_config *config, struct err *err)
{
    if (drop_rules(&config->ingress, r->hostname, NULL) == 0)
        return OUTCOME_OK;
    return need_catch_all(&config->ingress, err) == 0 && put_rules(c, r, config, err) == 0
               ? OUTCOME_OK
               : ingress_cloudflare_outcome(err);
}

static enum outcome rules_stage(struct cloudflare *c, enum ingress_verb verb,
                                const struct ingress_route *r, struct kv *facts, struct err *err)
{
    struct cloudflare_config config;
    enum outcome outcome;

    if (r->cf_tunnel[0] == '\0') {
        if (verb == INGRESS_MAKE)
            (void)err_set(err, ERR_INTERNAL, "tunnel_unknown", "The tunnel's id is not known.");
        return verb == INGRESS_MAKE   ? OUTCOME_FAIL
               : verb == INGRESS_UNDO ? OUTCOME_OK
                                      : OUTCOME_ABSENT;
    }
    if (cloudflare_config_get(c, r->cf_tunnel, &config, err) == -1) {
        if (err->kind == ERR_NOT_FOUND && verb != INGRESS_MAKE)
            return verb == INGRESS_UNDO ? OUTCOME_OK : OUTCOME_ABSENT;
        return ingress_cloudflare_outcome(err);
    }
    outcome = verb == INGRESS_UNDO ? rules_undo(c, r, &config, err)
                                   : rules_make(c, verb, r, &config, facts, err);
    cloudflare_config_free(&config);
    return outcome;
}

static enum outcome stage(void *self, enum ingress_stage which, enum ingress_verb verb,
                          const struct ingress_route *r, const char *secret, struct kv *facts,
                          struct err *err)
{
    struct err unread;

    if (err == NULL)
        err = &unread;
    err_clear(err);
    switch (which) {
    case INGRESS_TUNNEL:
        return tunnel_stage(self, verb, r, secret, facts, err);
    case INGRESS_RULES:
        return r->local_config ? OUTCOME_OK : rules_stage(self, verb, r, facts, err);
    case INGRESS_DNS:
        return ingress_cloudflare_dns(self, verb, r, facts, err);
    default:
        return OUTCOME_OK;
    }
}

void ingress_cloudflare(struct ingress *out, struct cloudflare *c)
{
    out->name = "cloudflare";
    out->self = c;
    out->stage = stage;
}
