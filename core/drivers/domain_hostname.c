/* Custom hostnames: the second way, for domains whose DNS stays where it is. Apart from zones: all
 * of these belong to our own zone, and its fallback origin comes first. */
#include "domain_cloudflare.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "domain_parts.h"
#include "ingress_cloudflare.h"
#include "str.h"

#define NO_ORIGIN "100::" /* discard prefix, RFC 6666: the edge answers, nothing stands behind */

/* ---- the fallback origin ---- */

static int remember(void *arg, const struct cloudflare_record *record, struct err *err)
{
    (void)err;
    (void)record;
    ++*(unsigned *)arg;
    return 0;
}

enum outcome domain_hostname_fallback(struct cloudflare *c, const struct domain_site *site,
                                      struct err *err)
{
    struct cloudflare_record record = {.type = "AAAA", .content = NO_ORIGIN, .proxied = true};
    char origin[256];
    unsigned there = 0;

    if (cloudflare_fallback_get(c, origin, sizeof origin, err) == -1)
        return ingress_cloudflare_outcome(err);
    if (origin[0] != '\0')
        return OUTCOME_OK;
    if (cloudflare_record_list(c, c->zone, site->fallback, remember, &there, err) == -1)
        return ingress_cloudflare_outcome(err);
    if (there == 0) {
        (void)str_copy(record.name, sizeof record.name, site->fallback);
        domain_parts_comment(site, &record);
        if (cloudflare_record_create(c, c->zone, &record, err) == -1 && err->kind != ERR_CONFLICT)
            return ingress_cloudflare_outcome(err);
    }
    return cloudflare_fallback_put(c, site->fallback, err) == -1 ? ingress_cloudflare_outcome(err)
                                                                 : OUTCOME_OK;
}

/* ---- the hostname ---- */

static enum outcome known(const struct cloudflare_hostname *h, struct kv *facts, struct err *err)
{
    if (!domain_parts_id(h->id)) {
        (void)err_set(err, ERR_NETWORK, "cloudflare_answer",
                      "Cloudflare's answer names a custom hostname \"%s\", which is no id.", h->id);
        return OUTCOME_AGAIN;
    }
    if (domain_parts_fact(facts, DOMAIN_FACT_ID, h->id, err) == -1 ||
        domain_parts_fact(facts, DOMAIN_FACT_STATUS, h->status, err) == -1 ||
        domain_parts_fact(facts, DOMAIN_FACT_SSL, h->ssl_status, err) == -1)
        return OUTCOME_FAIL;
    /* If they are too long for a fact, the next look at it will bring them. */
    (void)kv_set(facts, DOMAIN_FACT_RECORDS, h->records);
    return OUTCOME_OK;
}

enum outcome domain_hostname_look(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err)
{
    struct cloudflare_hostname *h = calloc(1, sizeof *h);
    enum outcome outcome = OUTCOME_OK;
    int found;

    if (h == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a custom hostname.");
        return OUTCOME_AGAIN;
    }
    if ((found = cloudflare_hostname_find(c, site->name, h, err)) == -1) {
        outcome = ingress_cloudflare_outcome(err);
    } else if (found == 1 && !site->adopt) {
        (void)err_set(err, ERR_CONFLICT, "hostname_foreign",
                      "The zone has a custom hostname %s already, which this box did not make.",
                      site->name);
        (void)err_hint(err, "If it is to be used, add the domain anew with --adopt.");
        outcome = OUTCOME_FAIL;
    } else if (domain_parts_fact(facts, DOMAIN_FACT_BEFORE, found == 1 ? h->id : "-", err) == -1) {
        outcome = OUTCOME_FAIL;
    }
    free(h);
    return outcome;
}

static int find(struct cloudflare *c, const struct domain_site *site, const struct kv *facts,
                struct cloudflare_hostname *out, struct err *err)
{
    const char *before = kv_get_or(facts, DOMAIN_FACT_BEFORE, "");

    if (site->id[0] != '\0')
        return cloudflare_hostname_get(c, site->id, out, err);
    if (before[0] != '\0' && !str_equal(before, "-"))
        return cloudflare_hostname_get(c, before, out, err);
    return before[0] == '\0' ? 0 : cloudflare_hostname_find(c, site->name, out, err);
}

static bool was_there(const struct kv *facts)
{
    return !str_equal(kv_get_or(facts, DOMAIN_FACT_BEFORE, "-"), "-");
}

/* Look; with ${make} bring it about. */
static enum outcome bring(struct cloudflare *c, const struct domain_site *site, bool make,
                          struct cloudflare_hostname *h, struct kv *facts, struct err *err)
{
    int found = find(c, site, facts, h, err);

    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 0 && !make)
        return OUTCOME_ABSENT;
    if (found == 1 && !str_equal(h->origin, site->origin)) {
        if (!make)
            return OUTCOME_ABSENT;
        if (cloudflare_hostname_again(c, h->id, site->origin, site->method, h, err) == -1)
            return ingress_cloudflare_outcome(err);
    } else if (found == 0) {
        if (cloudflare_hostname_create(c, site->name, site->origin, site->method, h, err) == -1) {
            if (str_equal(err->code, "cloudflare_hostname_exists"))
                err->retry_after_s = DOMAIN_LAG_S;
            else if (err->kind == ERR_INVALID || err->kind == ERR_FORBIDDEN)
                (void)err_hint(err,
                               "Custom hostnames that lead to a tenant's own name need \"custom "
                               "origin servers\" in the account (Cloudflare for SaaS); without "
                               "them use --via zone.");
            return ingress_cloudflare_outcome(err);
        }
    }
    if (domain_parts_fact(facts, DOMAIN_FACT_MADE, was_there(facts) ? "" : "1", err) == -1)
        return OUTCOME_FAIL;
    return known(h, facts, err);
}

static enum outcome bring_in_memory(struct cloudflare *c, const struct domain_site *site, bool make,
                                    struct kv *facts, struct err *err)
{
    struct cloudflare_hostname *h = calloc(1, sizeof *h);
    enum outcome outcome;

    if (h == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a custom hostname.");
        return OUTCOME_AGAIN;
    }
    outcome = bring(c, site, make, h, facts, err);
    free(h);
    return outcome;
}

enum outcome domain_hostname_find(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err)
{
    return bring_in_memory(c, site, false, facts, err);
}

enum outcome domain_hostname_make(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err)
{
    return bring_in_memory(c, site, true, facts, err);
}

enum outcome domain_hostname_drop(struct cloudflare *c, const struct domain_site *site,
                                  struct kv *facts, struct err *err)
{
    struct cloudflare_hostname *h = calloc(1, sizeof *h);
    enum outcome outcome = OUTCOME_OK;
    int found;

    if (h == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a custom hostname.");
        return OUTCOME_AGAIN;
    }
    found = find(c, site, facts, h, err);
    if (found == 0 && site->id[0] == '\0' && kv_get(facts, DOMAIN_FACT_BEFORE) != NULL) {
        clock_sleep_ms(DOMAIN_LAG_MS);
        found = find(c, site, facts, h, err);
    }
    if (found == -1) {
        outcome = ingress_cloudflare_outcome(err);
    } else if (found == 1 && !site->made &&
               (was_there(facts) || kv_get(facts, DOMAIN_FACT_BEFORE) == NULL)) {
        (void)kv_set(facts, DOMAIN_FACT_KEPT,
                     "the custom hostname stays: this box did not make it");
    } else if (found == 1 && cloudflare_hostname_delete(c, h->id, err) == -1) {
        outcome = ingress_cloudflare_outcome(err);
    }
    if (outcome == OUTCOME_OK && kv_get(facts, DOMAIN_FACT_KEPT) == NULL) {
        kv_unset(facts, DOMAIN_FACT_ID);
        kv_unset(facts, DOMAIN_FACT_MADE);
    }
    free(h);
    return outcome;
}
