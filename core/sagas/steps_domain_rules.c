/*
 * Domains among the rules of a tenant's tunnel. Apart from the records of domains because the rules
 * are the tunnel's, and its whole configuration is brought about by a job of its own.
 */
#include "steps_domain.h"

#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "job_start.h"
#include "rule.h"
#include "shared.h"
#include "steps.h"
#include "str.h"

#define FACT_COUNT "domain_rules" /* the tunnel's count of changes that holds ours */

struct change {
    struct txn *txn;
    struct job *job;
    struct tunnel tunnel;
    bool changed;
};

static void note_of(const struct job *job, char out[96])
{
    const char *id = kv_get_or(&job->args, "domain_id", "");

    (void)str_format(out, 96, RULE_NOTE_DOMAIN "%s", id);
}

/* The rule of this host name on the tunnel. Return 1, 0 or -1. */
static int find(struct change *c, const char *host, struct rule *rule, struct err *err)
{
    struct scan scan;
    int got;

    memset(rule, 0, sizeof *rule);
    (void)str_copy(rule->is.hostname, sizeof rule->is.hostname, host);
    if (scan_start(&scan, c->txn, &rule_table, "hostname", rule, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, rule, err)) == 1)
        if (str_equal(rule->tunnel_id, c->tunnel.id) && rule->is.path[0] == '\0')
            return 1;
    return got;
}

static int lead(struct change *c, const char *host, struct err *err)
{
    struct rule *rule = calloc(1, sizeof *rule);
    char note[96];
    int found = -1;

    note_of(c->job, note);
    if (rule == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a rule");
    if ((found = find(c, host, rule, err)) == 1 && !str_equal(rule->note, note)) {
        (void)err_set(err, ERR_CONFLICT, "rule_foreign",
                      "tunnel %s has a rule for %s already, which is not this domain's (%s)",
                      c->tunnel.name, host, rule->id);
        (void)err_hint(err, "sett rule delete %s, then sett job retry %s", rule->id, c->job->id);
        found = -1;
    } else if (found == 0) {
        memset(rule, 0, sizeof *rule);
        (void)str_copy(rule->is.hostname, sizeof rule->is.hostname, host);
        (void)str_copy(rule->note, sizeof rule->note, note);
        c->changed = true;
        found = rule_new(c->txn, &c->tunnel, rule, RULE_PLACE_END, err);
    }
    free(rule);
    return found == -1 ? -1 : 0;
}

static int unlead(struct change *c, const char *host, struct err *err)
{
    struct rule *rule = calloc(1, sizeof *rule);
    char note[96];
    int found;

    note_of(c->job, note);
    if (rule == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a rule");
    if ((found = find(c, host, rule, err)) == 1 && str_equal(rule->note, note)) {
        c->changed = true;
        found = rule_delete(c->txn, rule, err);
    }
    free(rule);
    return found == -1 ? -1 : 0;
}

/* What became of it is counted, and a job brings it about. */
static int commit(struct change *c, struct err *err)
{
    struct job *job;
    int result;

    if (!c->changed)
        return facts_set_u64(c->job, FACT_COUNT, c->tunnel.rules_wanted, err);
    if ((job = calloc(1, sizeof *job)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    memcpy(job->actor, c->job->actor, sizeof job->actor);
    memcpy(job->request_id, c->job->request_id, sizeof job->request_id);
    result = rule_changed(c->txn, &c->tunnel, job, err);
    free(job);
    return result == -1 ? -1 : facts_set_u64(c->job, FACT_COUNT, c->tunnel.rules_wanted, err);
}

static int change(struct txn *txn, struct job *job,
                  int (*act)(struct change *c, const char *host, struct err *err), struct err *err)
{
    const char *name = kv_get_or(&job->args, "name", "");
    struct change *c = calloc(1, sizeof *c);
    char www[260];
    int found, result = -1;

    if (c == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a tunnel");
    c->txn = txn;
    c->job = job;
    (void)str_format(www, sizeof www, "www.%s", name);
    found = facts_load_tunnel(txn, kv_get_or(&job->facts, FACT_TUNNEL, ""), &c->tunnel, err);
    if (found == 0 && act == lead)
        (void)err_set(err, ERR_CONFLICT, "tenant_not_routed", "its tenant has no tunnel");
    else if (found == 0 || (found == 1 && c->tunnel.state == TUNNEL_DELETED && act == unlead))
        result = 0;
    else if (found == 1 && act(c, name, err) == 0 &&
             (!str_equal(kv_get_or(&job->args, "www", "0"), "1") || act(c, www, err) == 0))
        result = commit(c, err);
    free(c);
    return result;
}

int steps_domain_rules(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return change(txn, job, kv_get(&job->facts, FACT_DOMAIN_WANTED) != NULL ? lead : unlead, err);
}

int steps_domain_unrules(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return change(txn, job, unlead, err);
}

/* What stands between the tunnel and the change of its rules that is waited for. */
static int hindrance(const struct job *job, const struct tunnel *tunnel, const struct job *holder,
                     int busy, struct err *err)
{
    if ((busy == 1 && holder->state != JOB_STUCK) || (busy == 0 && tunnel->rules_reason[0] == '\0'))
        return err_set(err, ERR_CONFLICT, "busy", "tunnel %s is being configured", tunnel->name);
    if (busy == 1) {
        (void)err_set(err, ERR_UNAVAILABLE, "tunnel_stuck", "job %s of tunnel %s is stuck: %.200s",
                      holder->id, tunnel->name, holder->cause);
        return err_hint(err, "sett job retry %s, then sett job retry %s", holder->id, job->id);
    }
    (void)err_set(err, ERR_INVALID, "rules_rejected",
                  "the rules of tunnel %s are not in force: %.200s", tunnel->name,
                  tunnel->rules_reason);
    return err_hint(err, "put right what it says, then sett job retry %s", job->id);
}

/* The tunnel whose configuration has still to learn the rules: the tenant's, or the shared one that
 * it goes by. Return 1, 0 if there is nothing to wait for (one that does not run is configured when
 * it does again), or -1. */
static int behind(struct txn *txn, const struct job *job, struct tunnel *tunnel, struct err *err)
{
    struct tunnel *carrier;
    int found = facts_load_tunnel(txn, kv_get_or(&job->facts, FACT_TUNNEL, ""), tunnel, err);

    if (found != 1 || tunnel->state != TUNNEL_ACTIVE ||
        tunnel->rules_in_force >= kv_get_u64(&job->facts, FACT_COUNT, 0))
        return found == -1 ? -1 : 0;
    if ((carrier = calloc(1, sizeof *carrier)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a tunnel");
    if ((found = shared_carrier(txn, tunnel, carrier, err)) == 1)
        *tunnel = *carrier;
    free(carrier);
    return found == -1 ? -1 : 1;
}

int steps_domain_configured(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tunnel tunnel;
    struct job *holder;
    int result = behind(txn, job, &tunnel, err);

    (void)context;
    if (result != 1)
        return result;
    if ((holder = calloc(1, sizeof *holder)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    result = job_of_subject(txn, "tunnel", tunnel.id, holder, err);
    if (result != -1)
        result = hindrance(job, &tunnel, holder, result, err);
    free(holder);
    return result;
}

int steps_domain_configure_again(struct txn *txn, const struct job *job, struct err *err)
{
    struct tunnel tunnel;
    struct job *holder;
    int result = kv_get(&job->facts, FACT_COUNT) == NULL ? 0 : behind(txn, job, &tunnel, err);

    if (result != 1)
        return result;
    if ((holder = calloc(1, sizeof *holder)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    result = job_of_subject(txn, "tunnel", tunnel.id, holder, err);
    free(holder);
    if (result != 0)
        return result == 1 ? 0 : -1;
    tunnel.rules_reason[0] = '\0';
    return tunnel_put(txn, &tunnel, err) == -1
               ? -1
               : steps_tunnel_start(txn, job, &tunnel, "tunnel.configure", err);
}
