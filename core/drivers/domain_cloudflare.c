/*
 * Zones of customers' domains. Apart from the API's calls because here is what a step needs: look
 * before making, know one's own, believe no list too early, and leave alone what somebody else
 * made.
 */
#include "domain_cloudflare.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "domain_parts.h"
#include "ingress_cloudflare.h"
#include "str.h"

#define OURS_MAX 16 /* records with our mark in one zone: two names and a sign are usual */

bool domain_parts_id(const char *id)
{
    size_t len = strspn(id, "0123456789abcdefABCDEF-");

    return len >= 32 && len <= 36 && id[len] == '\0';
}

int domain_parts_fact(struct kv *facts, const char *name, const char *value, struct err *err)
{
    if (value[0] == '\0')
        kv_unset(facts, name);
    else if (kv_set(facts, name, value) == -1)
        return err_set(err, ERR_TOO_LARGE, "facts_full", "The job's facts are full.");
    return 0;
}

bool domain_parts_ours(const struct cloudflare_record *record, const char *mark)
{
    size_t len = strlen(mark);

    return len > 0 && str_starts(record->comment, mark) &&
           (record->comment[len] == '\0' || record->comment[len] == ' ');
}

void domain_parts_comment(const struct domain_site *site, struct cloudflare_record *record)
{
    if (str_format(record->comment, CLOUDFLARE_MARK_MAX + 1, "%s %s", site->mark, site->job_id) ==
        -1)
        (void)str_copy(record->comment, CLOUDFLARE_MARK_MAX + 1, site->mark);
}

/* ---- the zone ---- */

static enum outcome zone_known(const struct cloudflare_domain *zone, struct kv *facts,
                               struct err *err)
{
    if (!domain_parts_id(zone->id)) {
        (void)err_set(err, ERR_NETWORK, "cloudflare_answer",
                      "Cloudflare's answer names a zone \"%s\", which is no id.", zone->id);
        return OUTCOME_AGAIN;
    }
    if (domain_parts_fact(facts, DOMAIN_FACT_ID, zone->id, err) == -1 ||
        domain_parts_fact(facts, DOMAIN_FACT_STATUS, zone->status, err) == -1 ||
        domain_parts_fact(facts, DOMAIN_FACT_NAME_SERVERS, zone->name_servers, err) == -1)
        return OUTCOME_FAIL;
    return OUTCOME_OK;
}

enum outcome domain_zone_look(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err)
{
    struct cloudflare_domain zone;
    int found = cloudflare_domain_find(c, site->name, &zone, err);

    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 1 && !site->adopt) {
        (void)err_set(err, ERR_CONFLICT, "zone_foreign",
                      "The Cloudflare account has a zone %s already, which this box did not make.",
                      site->name);
        (void)err_hint(err, "If it is to be used as it is, add the domain anew with --adopt; only "
                            "our own records in it will ever be changed.");
        return OUTCOME_FAIL;
    }
    if (found == 1 && !domain_parts_id(zone.id)) {
        (void)err_set(err, ERR_NETWORK, "cloudflare_answer", "Cloudflare's answer names no zone.");
        return OUTCOME_AGAIN;
    }
    return domain_parts_fact(facts, DOMAIN_FACT_BEFORE, found == 1 ? zone.id : "-", err) == -1
               ? OUTCOME_FAIL
               : OUTCOME_OK;
}

/* The domain's zone: by its id, else, as the one that was not there before, by its name. Return 1,
 * 0 or -1. */
static int find_zone(struct cloudflare *c, const struct domain_site *site, const struct kv *facts,
                     struct cloudflare_domain *out, struct err *err)
{
    const char *before = kv_get_or(facts, DOMAIN_FACT_BEFORE, "");

    if (site->id[0] != '\0')
        return cloudflare_domain_get(c, site->id, out, err);
    if (before[0] != '\0' && !str_equal(before, "-"))
        return cloudflare_domain_get(c, before, out, err);
    return before[0] == '\0' ? 0 : cloudflare_domain_find(c, site->name, out, err);
}

static bool was_there(const struct kv *facts)
{
    return !str_equal(kv_get_or(facts, DOMAIN_FACT_BEFORE, "-"), "-");
}

static enum outcome found_zone(const struct cloudflare_domain *zone, struct kv *facts,
                               struct err *err)
{
    if (domain_parts_fact(facts, DOMAIN_FACT_MADE, was_there(facts) ? "" : "1", err) == -1)
        return OUTCOME_FAIL;
    return zone_known(zone, facts, err);
}

enum outcome domain_zone_find(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err)
{
    struct cloudflare_domain zone;
    int found = find_zone(c, site, facts, &zone, err);

    if (found == -1)
        return ingress_cloudflare_outcome(err);
    return found == 1 ? found_zone(&zone, facts, err) : OUTCOME_ABSENT;
}

enum outcome domain_zone_make(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err)
{
    struct cloudflare_domain zone;
    enum outcome outcome = domain_zone_find(c, site, facts, err);

    if (outcome != OUTCOME_ABSENT)
        return outcome;
    if (was_there(facts)) {
        (void)err_set(err, ERR_NOT_FOUND, "zone_gone",
                      "The zone %s that was to be adopted is gone.", site->name);
        (void)err_hint(err, "Remove the domain and add it anew, without --adopt.");
        return OUTCOME_FAIL;
    }
    if (cloudflare_domain_create(c, site->name, &zone, err) == -1) {
        if (str_equal(err->code, "cloudflare_zone_exists")) {
            err->retry_after_s = DOMAIN_LAG_S; /* the answer that was lost, or another account's */
            (void)err_hint(err, "If it does not pass: another Cloudflare account has the zone; its "
                                "owner must remove it there, or use --via hostname.");
        } else if (str_equal(err->code, "cloudflare_not_registered")) {
            (void)err_hint(err, "The domain must be registered before it can be added.");
        }
        return ingress_cloudflare_outcome(err);
    }
    return found_zone(&zone, facts, err);
}

/* ---- what is in it ---- */

struct contents {
    const struct domain_site *site;
    struct cloudflare_record ours[OURS_MAX];
    unsigned count, foreign;
    char example[200]; /* one of the foreign records */
    bool all;          /* the sign as well */
};

static bool is_sign(const struct cloudflare_record *record)
{
    return str_equal(record->type, "TXT");
}

static bool of_the_zone_itself(const struct cloudflare_record *record)
{
    return str_equal(record->type, "SOA") || str_equal(record->type, "NS");
}

static int sort_one(void *arg, const struct cloudflare_record *record, struct err *err)
{
    struct contents *s = arg;

    (void)err;
    if (domain_parts_ours(record, s->site->mark)) {
        if ((s->all || !is_sign(record)) && s->count < OURS_MAX)
            s->ours[s->count++] = *record;
    } else if (!of_the_zone_itself(record)) {
        if (s->foreign++ == 0)
            (void)str_format(s->example, sizeof s->example, "%s %.150s", record->type,
                             record->name);
    }
    return 0;
}

/* Our own records are taken out, as often as it takes: a list shows what was just made too late. */
enum outcome domain_zone_clear(struct cloudflare *c, const struct domain_site *site, bool all,
                               struct err *err)
{
    const char *zone = site->id;
    struct contents *s = calloc(1, sizeof *s);
    enum outcome outcome = OUTCOME_OK;
    struct cloudflare_domain there;
    int found = 1;

    if (s == NULL || zone[0] == '\0' || site->mark[0] == '\0') {
        free(s);
        return OUTCOME_OK;
    }
    for (unsigned look = 0; look < 2 && outcome == OUTCOME_OK; look++) {
        if (look == 1)
            clock_sleep_ms(DOMAIN_LAG_MS);
        *s = (struct contents){.site = site, .all = all};
        if (cloudflare_record_list(c, zone, NULL, sort_one, s, err) == -1) {
            found = cloudflare_domain_get(c, zone, &there, NULL);
            outcome = found == 0 ? OUTCOME_OK : ingress_cloudflare_outcome(err);
            break;
        }
        for (unsigned i = 0; i < s->count && outcome == OUTCOME_OK; i++)
            if (cloudflare_record_delete(c, zone, s->ours[i].id, err) == -1)
                outcome = ingress_cloudflare_outcome(err);
        if (s->count > 0)
            break;
    }
    free(s);
    return outcome;
}

enum outcome domain_zone_drop(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err)
{
    struct contents *s = calloc(1, sizeof *s);
    struct cloudflare_domain zone;
    char kept[300] = "";
    int found;

    if (s == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a zone's records.");
        return OUTCOME_AGAIN;
    }
    s->site = site;
    found = find_zone(c, site, facts, &zone, err);
    if (found == 0 && site->id[0] == '\0' && kv_get(facts, DOMAIN_FACT_BEFORE) != NULL) {
        clock_sleep_ms(DOMAIN_LAG_MS);
        found = find_zone(c, site, facts, &zone, err);
    }
    if (found == 1 && !site->made &&
        (was_there(facts) || kv_get(facts, DOMAIN_FACT_BEFORE) == NULL)) {
        (void)str_format(kept, sizeof kept, "the zone stays: this box did not make it");
    } else if (found == 1) {
        if (cloudflare_record_list(c, zone.id, NULL, sort_one, s, err) == -1)
            found = -1;
        else if (s->foreign > 0)
            (void)str_format(
                kept, sizeof kept,
                "the zone stays: it holds %u records that this box did not make, as %s", s->foreign,
                s->example);
        else if (cloudflare_domain_delete(c, zone.id, err) == -1)
            found = -1;
    }
    free(s);
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if (kept[0] == '\0') {
        kv_unset(facts, DOMAIN_FACT_ID);
        kv_unset(facts, DOMAIN_FACT_MADE);
    }
    return domain_parts_fact(facts, DOMAIN_FACT_KEPT, kept, err) == -1 ? OUTCOME_FAIL : OUTCOME_OK;
}
