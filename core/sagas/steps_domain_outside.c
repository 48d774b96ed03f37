/*
 * The outside steps of customers' domains: the provider, the DNS, the box's own web server. Apart
 * from the records because nothing here sees the store.
 */
#include "steps_domain.h"

#include <stdlib.h>
#include <string.h>

#include "domain_cloudflare.h"
#include "domain_look.h"
#include "facts.h"
#include "outside.h"
#include "steps.h"
#include "str.h"

#define PROVE_WAIT_MS 5000  /* between looks for a record that was just entered */
#define PROVE_S       60    /* after so long it is not there */
#define REACH_MS      20000 /* then the rounds go on asking */

static const char *arg(const struct job *job, const char *name)
{
    return kv_get_or(&job->args, name, "");
}

static bool via(const struct job *job, enum domain_via which)
{
    return str_equal(arg(job, "via"), domain_via_names[which]);
}

/* ---- what need not be done ---- */

bool steps_domain_not_provided(const struct job *job)
{
    return via(job, DOMAIN_VIA_LOCAL);
}

bool steps_domain_not_zone(const struct job *job)
{
    return !via(job, DOMAIN_VIA_ZONE);
}

bool steps_domain_not_hostname(const struct job *job)
{
    return !via(job, DOMAIN_VIA_HOSTNAME);
}

bool steps_domain_not_local(const struct job *job)
{
    return !via(job, DOMAIN_VIA_LOCAL);
}

bool steps_domain_not_ruled(const struct job *job)
{
    return via(job, DOMAIN_VIA_LOCAL) || kv_get(&job->facts, FACT_DOMAIN_KEEP) != NULL;
}

bool steps_domain_not_wanted(const struct job *job)
{
    return kv_get(&job->facts, FACT_DOMAIN_WANTED) == NULL;
}

bool steps_domain_no_dns(const struct job *job)
{
    return steps_domain_not_zone(job) || steps_domain_not_wanted(job);
}

bool steps_domain_no_origin(const struct job *job)
{
    return steps_domain_not_hostname(job) || steps_domain_not_wanted(job);
}

bool steps_domain_no_guard(const struct job *job)
{
    return via(job, DOMAIN_VIA_LOCAL) || steps_without_access(job);
}

bool steps_domain_no_door(const struct job *job)
{
    return steps_domain_not_wanted(job) || steps_in_maintenance(job);
}

/* ---- the provider ---- */

static void site_of(const struct step_call *call, struct domain_site *site)
{
    const struct kv *f = call->facts;

    memset(site, 0, sizeof *site);
    (void)str_copy(site->name, sizeof site->name, arg(call->job, "name"));
    (void)str_format(site->mark, sizeof site->mark, "sett %s %s", kv_get_or(f, FACT_BOX, "-"),
                     arg(call->job, "domain_id"));
    (void)str_copy(site->job_id, sizeof site->job_id, call->job->id);
    site->www = str_equal(arg(call->job, "www"), "1");
    site->adopt = kv_get(f, FACT_DOMAIN_ADOPT) != NULL;
    site->made = kv_get(f, DOMAIN_FACT_MADE) != NULL;
    (void)str_copy(site->id, sizeof site->id, kv_get_or(f, DOMAIN_FACT_ID, ""));
    (void)str_copy(site->tunnel, sizeof site->tunnel, kv_get_or(f, FACT_DOMAIN_TUNNEL, ""));
    (void)str_copy(site->origin, sizeof site->origin, kv_get_or(f, FACT_HOSTNAME, ""));
    (void)str_copy(site->fallback, sizeof site->fallback, kv_get_or(f, FACT_DOMAIN_FALLBACK, ""));
    (void)str_copy(site->method, sizeof site->method, "http");
}

typedef enum outcome stage(struct cloudflare *c, const struct domain_site *site, struct kv *facts,
                           struct err *err);

/* One stage at Cloudflare, which differs by the way. */
static enum outcome at_provider(struct step_call *call, stage *zone, stage *hostname,
                                struct err *err)
{
    struct domain_site site;
    struct providers *p = outside_use(call->outside);
    enum outcome outcome = OUTCOME_FAIL;

    site_of(call, &site);
    if (!p->cloudflare_set)
        *err = p->cloudflare_why;
    else
        outcome = (via(call->job, DOMAIN_VIA_ZONE) ? zone : hostname)(&p->cloudflare, &site,
                                                                      call->facts, err);
    outside_done(call->outside, p);
    return outcome;
}

enum outcome steps_domain_look(struct step_call *call, struct err *err)
{
    return at_provider(call, domain_zone_look, domain_hostname_look, err);
}

enum outcome steps_domain_check(struct step_call *call, struct err *err)
{
    return at_provider(call, domain_zone_find, domain_hostname_find, err);
}

enum outcome steps_domain_make(struct step_call *call, struct err *err)
{
    enum outcome outcome = at_provider(call, domain_zone_make, domain_hostname_make, err);

    if (outcome == OUTCOME_OK && via(call->job, DOMAIN_VIA_ZONE))
        (void)str_format(call->note, sizeof call->note, "the name servers are %.350s",
                         kv_get_or(call->facts, DOMAIN_FACT_NAME_SERVERS, "not told"));
    return outcome;
}

enum outcome steps_domain_drop(struct step_call *call, struct err *err)
{
    enum outcome outcome = at_provider(call, domain_zone_drop, domain_hostname_drop, err);

    if (outcome == OUTCOME_OK)
        (void)str_copy(call->note, sizeof call->note, kv_get_or(call->facts, DOMAIN_FACT_KEPT, ""));
    return outcome;
}

enum outcome steps_domain_origin(struct step_call *call, struct err *err)
{
    return at_provider(call, domain_zone_find, domain_hostname_make, err);
}

static enum outcome fallback(struct cloudflare *c, const struct domain_site *site, struct kv *facts,
                             struct err *err)
{
    (void)facts;
    return domain_hostname_fallback(c, site, err);
}

static enum outcome sign(struct cloudflare *c, const struct domain_site *site, struct kv *facts,
                         struct err *err)
{
    (void)facts;
    return domain_zone_sign(c, site, err);
}

static enum outcome clear_all(struct cloudflare *c, const struct domain_site *site,
                              struct kv *facts, struct err *err)
{
    (void)facts;
    return domain_zone_clear(c, site, true, err);
}

static enum outcome clear_names(struct cloudflare *c, const struct domain_site *site,
                                struct kv *facts, struct err *err)
{
    (void)facts;
    return domain_zone_clear(c, site, false, err);
}

static enum outcome leads(struct cloudflare *c, const struct domain_site *site, struct kv *facts,
                          struct err *err)
{
    (void)facts;
    return domain_zone_leads(c, site, err);
}

static enum outcome lead(struct cloudflare *c, const struct domain_site *site, struct kv *facts,
                         struct err *err)
{
    (void)facts;
    return domain_zone_lead(c, site, err);
}

enum outcome steps_domain_fallback(struct step_call *call, struct err *err)
{
    return at_provider(call, fallback, fallback, err);
}

enum outcome steps_domain_sign(struct step_call *call, struct err *err)
{
    return at_provider(call, sign, sign, err);
}

enum outcome steps_domain_clear_all(struct step_call *call, struct err *err)
{
    return at_provider(call, clear_all, clear_all, err);
}

enum outcome steps_domain_dns_check(struct step_call *call, struct err *err)
{
    return at_provider(call, leads, leads, err);
}

enum outcome steps_domain_dns(struct step_call *call, struct err *err)
{
    return at_provider(call, lead, lead, err);
}

enum outcome steps_domain_undns(struct step_call *call, struct err *err)
{
    return at_provider(call, clear_names, clear_names, err);
}

/* ---- proof ---- */

/* By TXT. What was just entered may take a while; what is not there then is not there. */
static enum outcome prove_txt(struct step_call *call, bool patient, struct err *err)
{
    const char *name = arg(call->job, "name");
    bool proved = false;

    if (domain_look_txt(kv_get_or(call->facts, FACT_DOMAIN_SERVER, ""), name,
                        kv_get_or(call->facts, FACT_DOMAIN_CHALLENGE, ""), &proved, err) == -1)
        return err->kind == ERR_INVALID ? OUTCOME_FAIL : OUTCOME_AGAIN;
    if (proved)
        return OUTCOME_OK;
    (void)err_set(err, ERR_FORBIDDEN, "domain_not_proved",
                  "the TXT record " DOMAIN_CHALLENGE_LABEL
                  ".%.200s does not say " DOMAIN_CHALLENGE_PREFIX "%.40s",
                  name, kv_get_or(call->facts, FACT_DOMAIN_CHALLENGE, ""));
    (void)err_hint(err, "Enter it where the DNS of the domain is kept, wait some minutes, and try "
                        "again.");
    if (!patient || call->elapsed_ms >= PROVE_S * 1000)
        return OUTCOME_FAIL;
    call->wait_ms = PROVE_WAIT_MS;
    return OUTCOME_AGAIN;
}

/* What the rounds saw is no longer so: nobody is led, and the domain waits again. */
static enum outcome not_proved(struct step_call *call, const struct err *err)
{
    kv_unset(call->facts, FACT_DOMAIN_WANTED);
    (void)kv_set(call->facts, FACT_DOMAIN_WHY, err->text);
    (void)str_copy(call->note, sizeof call->note, err->text);
    return OUTCOME_OK;
}

enum outcome steps_domain_prove(struct step_call *call, struct err *err)
{
    bool zone = via(call->job, DOMAIN_VIA_ZONE);
    enum outcome outcome = zone ? at_provider(call, domain_zone_find, domain_hostname_find, err)
                                : prove_txt(call, true, err);

    if (zone && (outcome == OUTCOME_ABSENT ||
                 (outcome == OUTCOME_OK &&
                  !str_equal(kv_get_or(call->facts, DOMAIN_FACT_STATUS, ""), "active")))) {
        outcome = OUTCOME_FAIL;
        (void)err_set(err, ERR_FORBIDDEN, "domain_not_proved",
                      "the zone of %.200s is not active: its name servers are not those of ours",
                      arg(call->job, "name"));
    }
    return outcome == OUTCOME_FAIL && str_equal(err->code, "domain_not_proved")
               ? not_proved(call, err)
               : outcome;
}

enum outcome steps_domain_prove_claim(struct step_call *call, struct err *err)
{
    return prove_txt(call, false, err);
}

/* ---- the box's own web server ---- */

static enum outcome map(struct step_call *call, enum ingress_verb verb, struct err *err)
{
    const struct ingress *local = &call->outside->local;
    struct ingress_route route;
    enum outcome outcome;

    if (verb == INGRESS_MAKE && kv_get(call->facts, FACT_DOMAIN_WANTED) == NULL)
        verb = INGRESS_UNDO;
    facts_route(call->job, call->facts, false, &route);
    (void)str_copy(route.hostname, sizeof route.hostname, arg(call->job, "name"));
    outcome = local->stage(local->self, INGRESS_RULES, verb, &route, NULL, call->facts, err);
    if (outcome != OUTCOME_OK && !(verb == INGRESS_UNDO && outcome == OUTCOME_ABSENT))
        return outcome;
    if (!str_equal(arg(call->job, "www"), "1"))
        return outcome;
    (void)str_format(route.hostname, sizeof route.hostname, "www.%.250s", arg(call->job, "name"));
    return local->stage(local->self, INGRESS_RULES, verb, &route, NULL, call->facts, err);
}

enum outcome steps_domain_map_check(struct step_call *call, struct err *err)
{
    if (kv_get(call->facts, FACT_DOMAIN_WANTED) == NULL)
        return OUTCOME_ABSENT;
    return map(call, INGRESS_CHECK, err);
}

enum outcome steps_domain_map(struct step_call *call, struct err *err)
{
    enum outcome outcome = map(call, INGRESS_MAKE, err);

    return outcome == OUTCOME_ABSENT ? OUTCOME_OK : outcome;
}

enum outcome steps_domain_unmap(struct step_call *call, struct err *err)
{
    enum outcome outcome = map(call, INGRESS_UNDO, err);

    return outcome == OUTCOME_ABSENT ? OUTCOME_OK : outcome;
}

/* ---- the front door ---- */

/* A certificate may take hours: what does not answer within moments is asked again by the rounds.
 */
enum outcome steps_domain_reachable(struct step_call *call, struct err *err)
{
    if (steps_blueprint(call, err) == -1)
        return err->kind == ERR_UNAVAILABLE ? OUTCOME_AGAIN : OUTCOME_FAIL;
    if (steps_door_ask(call->outside, kv_get_or(call->facts, FACT_URL, ""),
                       kv_get_or(call->facts, FACT_HEALTH_PATH, "/"),
                       via(call->job, DOMAIN_VIA_LOCAL) ? STEPS_DOOR_OWN : STEPS_DOOR_CUSTOMERS,
                       err) == 0) {
        (void)kv_set(call->facts, FACT_DOMAIN_ANSWERS, "1");
        (void)str_format(call->note, sizeof call->note, "%s answers",
                         kv_get_or(call->facts, FACT_URL, ""));
        return OUTCOME_OK;
    }
    if (call->elapsed_ms < REACH_MS) {
        call->wait_ms = 1000;
        return OUTCOME_AGAIN;
    }
    (void)kv_set(call->facts, FACT_DOMAIN_WHY, err->text);
    (void)str_format(call->note, sizeof call->note, "it does not answer yet: %.300s", err->text);
    return OUTCOME_OK;
}

/* ---- plans ---- */

int steps_domain_plan_provider(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "%s %s at Cloudflare",
                      via(job, DOMAIN_VIA_ZONE) ? "zone" : "custom hostname", arg(job, "name"));
}

int steps_domain_plan_names(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "%s%s%s", arg(job, "name"),
                      str_equal(arg(job, "www"), "1") ? " and www." : "",
                      str_equal(arg(job, "www"), "1") ? arg(job, "name") : "");
}
