/*
 * What a probe's findings come to. Apart from the looks because this is one list of causes, in the
 * order in which one hides another: who mends a cause further down first gains nothing by it.
 */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

static bool has_tunnel(const struct kv *f)
{
    return kv_get(f, FACT_TUNNEL) != NULL;
}

/* The service as it was asked. */
static const char *service(const struct kv *f)
{
    const char *url = kv_get(f, PROBE_URL);

    return url != NULL ? url : verdict_fact(f, FACT_SERVICE);
}

/* A tenant's program that does not do what it should is restarted; another one is its owner's. */
static bool mend_service(const struct kv *f, struct probe_verdict *v, const char *otherwise)
{
    if (kv_get(f, PROBE_TENANT) == NULL)
        return verdict_change(v, "%s", otherwise);
    (void)verdict_change(v,
                         "Restart the tenant's program; its log (sett tenant logs %s) says more.",
                         verdict_fact(f, PROBE_TENANT));
    return verdict_command(v, "sett tenant restart %s", verdict_fact(f, PROBE_TENANT));
}

/* What is changed at a rule, as options of its command. The tunnel's own route has no options that
 * could be changed: a rule of the same name before it has its say. */
__attribute__((format(printf, 4, 5))) static bool
by_rule(const struct kv *f, struct probe_verdict *v, const char *leads, const char *fmt, ...)
{
    char options[200];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(options, sizeof options, fmt, args);
    va_end(args);
    if (!verdict_at_cloudflare(f) || !has_tunnel(f))
        return true;
    if (kv_get(f, PROBE_RULE_ID) == NULL)
        return verdict_command(
            v, "sett rule create %s --hostname %s --path ^/ --service %s --position 1%s",
            verdict_fact(f, FACT_TUNNEL_NUMBER), verdict_fact(f, FACT_HOSTNAME), leads, options);
    if (!str_equal(leads, service(f)))
        return verdict_command(v, "sett rule update %s --service %s%s",
                               verdict_fact(f, PROBE_RULE_ID), leads, options);
    return verdict_command(v, "sett rule update %s%s", verdict_fact(f, PROBE_RULE_ID), options);
}

/* ---- all is well, or is meant to be so ---- */

static bool suspended(const struct kv *f, struct probe_verdict *v)
{
    if (kv_get(f, PROBE_SUSPENDED) == NULL)
        return false;
    (void)verdict_because(v, "suspended", "Nothing answers on purpose: its tenant is suspended.");
    (void)verdict_change(v, "Resume the tenant.");
    return verdict_command(v, "sett tenant resume %s", verdict_fact(f, PROBE_TENANT));
}

static bool maintenance(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_RULE, "maintenance") && kv_get(f, FACT_MAINTENANCE) == NULL)
        return false;
    (void)verdict_because(v, "maintenance",
                          "Its visitors get 503 on purpose: it is in maintenance.");
    (void)verdict_change(v, "End the maintenance.");
    return verdict_command(v, "sett tenant update %s --maintenance false",
                           verdict_fact(f, PROBE_TENANT));
}

static bool to_itself(const struct kv *f)
{
    char self[400];

    return verdict_number(f, PROBE_DOOR) >= 300 && verdict_number(f, PROBE_DOOR) < 400 &&
           str_format(self, sizeof self, "%s%s", verdict_fact(f, FACT_URL),
                      verdict_fact(f, PROBE_PATH) + 1) == 0 &&
           str_equal(verdict_fact(f, PROBE_DOOR_LOCATION), self);
}

static bool door_fine(const struct kv *f)
{
    long door = verdict_number(f, PROBE_DOOR);

    return kv_get(f, PROBE_DOOR_FAILURE) == NULL && kv_get(f, PROBE_DOOR_CODE) == NULL &&
           (door == 101 || (door >= 200 && door < 400) || door == 401 || door == 426 ||
            (door >= 400 && door < 500 && kv_get(f, PROBE_WEBSOCKET) != NULL)) &&
           !probe_is(f, PROBE_DOOR_WEBSOCKET, "0") && !to_itself(f) &&
           strstr(verdict_fact(f, PROBE_DOOR_LOCATION), ".cloudflareaccess.com/") == NULL;
}

/* Nobody but cloudflared access can ask for a stream: all that leads to it is there. */
static bool stream_fine(const struct kv *f)
{
    return probe_is(f, PROBE_SPEAKS, "stream") && probe_is(f, PROBE_CONNECTOR, "connected") &&
           probe_is(f, PROBE_RULE, "fine") && probe_is(f, PROBE_RECORD, "fine");
}

/* A rule that answers by itself does as it says: "http_status:410". */
static bool fixed_answer(const struct kv *f, struct probe_verdict *v)
{
    const char *leads = verdict_fact(f, FACT_SERVICE);
    char status[24];

    (void)str_format(status, sizeof status, "http_status:%ld", verdict_number(f, PROBE_DOOR));
    if (!probe_is(f, PROBE_REACH, "none") || !str_equal(leads, status))
        return false;
    v->fine = true;
    (void)verdict_because(v, "fixed_answer", "Its rule answers by itself, as it says: %s.", leads);
    return verdict_change(v, "Nothing is to be done.");
}

/* What answers with a page where a WebSocket is wanted elsewhere is worth a word. */
static bool fine(const struct kv *f, struct probe_verdict *v)
{
    long status = verdict_number(f, PROBE_STATUS);
    bool websocket = kv_get(f, PROBE_WEBSOCKET) != NULL;
    bool service_fine = probe_is(f, PROBE_REACH, "none") || websocket ||
                        probe_is(f, PROBE_SPEAKS, "stream") || (status >= 200 && status < 400) ||
                        status == 401 || status == 426;
    bool certificate = kv_get(f, PROBE_CERTIFICATE) == NULL ||
                       probe_is(f, PROBE_CERTIFICATE, "fine") ||
                       probe_is(f, PROBE_CERTIFICATE, "unchecked");

    if (!verdict_at_cloudflare(f) &&
        (probe_is(f, PROBE_NAME, "none") || probe_is(f, PROBE_NAME, "empty")))
        return false; /* the box asks its own door whatever the DNS says; visitors do not */
    if (has_tunnel(f) && kv_get(f, FACT_HOSTNAME) != NULL ? !door_fine(f) && !stream_fine(f)
                                                          : !service_fine || !certificate)
        return false;
    v->fine = true;
    (void)verdict_because(v, "fine", "It answers at %s%s%s.", verdict_fact(f, PROBE_PATH),
                          websocket ? ", as a WebSocket" : "",
                          has_tunnel(f) ? ", through the front door, too" : "");
    if (!websocket && kv_get(f, PROBE_ELSEWHERE) != NULL)
        return verdict_change(v, "For a WebSocket use the path %s.",
                              verdict_fact(f, PROBE_ELSEWHERE));
    return verdict_change(v, "Nothing is to be done.");
}

/* ---- the service ---- */

static bool invalid(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "invalid"))
        return false;
    (void)verdict_because(v, "service_invalid", "It leads nowhere: %s.",
                          verdict_fact(f, PROBE_WHY));
    return verdict_change(v, "Let its service be an address such as http://localhost:8080.");
}

static bool not_public(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "forbidden"))
        return false;
    (void)verdict_because(v, "address_not_public",
                          "%s leads to an address that is not of the internet.",
                          verdict_fact(f, PROBE_AT));
    return verdict_change(v, "Name a public address; ask an operator about one inside.");
}

static bool no_name(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "no_name"))
        return false;
    (void)verdict_because(v, "service_unknown", "This machine does not know the host of %s.",
                          service(f));
    return verdict_change(v, "Correct the host of the service, or enter it in /etc/hosts.");
}

static bool refused(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "refused"))
        return false;
    (void)verdict_because(v, "service_down", "Nothing listens on %s: %s.",
                          verdict_fact(f, PROBE_AT), verdict_fact(f, PROBE_WHY));
    return mend_service(f, v, "Start the service that is to listen there, or correct the port.");
}

static bool unreached(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "silent"))
        return false;
    (void)verdict_because(v, "service_unreached",
                          "%s takes no connection: a firewall drops it, or the "
                          "machine is off.",
                          verdict_fact(f, PROBE_AT));
    return verdict_change(v, "Let this machine through to that port, or correct the address.");
}

static bool speaks_tls(const struct kv *f, struct probe_verdict *v)
{
    char leads[320];

    if (!probe_is(f, PROBE_SPEAKS, "https") || !str_starts(service(f), "http:"))
        return false;
    (void)verdict_because(v, "wants_https", "%s speaks TLS, and is asked in plain HTTP.",
                          verdict_fact(f, PROBE_AT));
    (void)verdict_change(
        v,
        "Let its service be https://%s (with noTLSVerify if the certificate is its "
        "own).",
        verdict_fact(f, PROBE_AT));
    (void)str_format(leads, sizeof leads, "https://%s", verdict_fact(f, PROBE_AT));
    return by_rule(f, v, leads, " --no-tls-verify true");
}

static bool speaks_http(const struct kv *f, struct probe_verdict *v)
{
    char leads[320];

    if (!probe_is(f, PROBE_SPEAKS, "http") || !str_starts(service(f), "https:"))
        return false;
    (void)verdict_because(v, "wants_http", "%s speaks plain HTTP, and is asked for TLS.",
                          verdict_fact(f, PROBE_AT));
    (void)verdict_change(v, "Let its service be http://%s.", verdict_fact(f, PROBE_AT));
    (void)str_format(leads, sizeof leads, "http://%s", verdict_fact(f, PROBE_AT));
    return by_rule(f, v, leads, "%s", "");
}

static bool speaks_other(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_SPEAKS, "other") && !probe_is(f, PROBE_SPEAKS, "closed"))
        return false;
    (void)verdict_because(v, "not_http", "What listens on %s does not speak HTTP: %s.",
                          verdict_fact(f, PROBE_AT), verdict_fact(f, PROBE_WHY));
    return verdict_change(v, "Correct the port: it is another service's; or use tcp:// for it.");
}

static bool hangs(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_SPEAKS, "silent"))
        return false;
    (void)verdict_because(v, "service_silent", "%s takes connections and does not answer.",
                          verdict_fact(f, PROBE_AT));
    return mend_service(f, v,
                        "Look at the service's own log and restart it: it hangs, or that "
                        "port waits for another protocol.");
}

/* The first name of a certificate that can stand as a server name. */
static bool first_name(const struct kv *f, char *out, size_t size)
{
    const char *names = verdict_fact(f, PROBE_NAMES);

    return names[0] != '\0' && names[0] != '*' &&
           str_copy_n(out, size, names, strcspn(names, ",")) == 0;
}

static bool certificate(const struct kv *f, struct probe_verdict *v)
{
    const char *kind = verdict_fact(f, PROBE_CERTIFICATE);
    char name[200];

    if (kind[0] == '\0' || str_equal(kind, "fine") || str_equal(kind, "unchecked"))
        return false;
    if (str_equal(kind, "name") && first_name(f, name, sizeof name)) {
        (void)verdict_because(v, "certificate_name",
                              "The service's certificate is for %s, and it is asked "
                              "as %s.",
                              verdict_fact(f, PROBE_NAMES), verdict_fact(f, PROBE_AT));
        (void)verdict_change(v, "Give the rule originServerName %s.", name);
        return by_rule(f, v, service(f), " --origin-server-name %s", name);
    }
    if (str_equal(kind, "expired")) {
        (void)verdict_because(v, "certificate_expired",
                              "The service's certificate is out of its time.");
        (void)verdict_change(v, "Renew it; until then give the rule noTLSVerify.");
        return by_rule(f, v, service(f), " --no-tls-verify true");
    }
    (void)verdict_because(v, "certificate_untrusted",
                          "The service's certificate is not accepted: it is by "
                          "nobody who is trusted.");
    (void)verdict_change(v, "Give the rule noTLSVerify: true.");
    return by_rule(f, v, service(f), " --no-tls-verify true");
}

static bool wrong_path(const struct kv *f, struct probe_verdict *v)
{
    const char *other = kv_get_or(f, PROBE_ELSEWHERE, verdict_fact(f, PROBE_PAGE));
    long status = verdict_number(f, PROBE_STATUS);

    if (kv_get(f, PROBE_WEBSOCKET) != NULL || (status != 404 && status != 405 && status != 400) ||
        other[0] == '\0')
        return false;
    (void)verdict_because(v, "wrong_path", "The service answers %ld at %s; at %s it %s.", status,
                          verdict_fact(f, PROBE_PATH), other,
                          kv_get(f, PROBE_ELSEWHERE) != NULL ? "becomes a WebSocket"
                                                             : "has a page");
    return verdict_change(v, "Use the path %s.", other);
}

static bool service_404(const struct kv *f, struct probe_verdict *v)
{
    if (kv_get(f, PROBE_WEBSOCKET) != NULL || verdict_number(f, PROBE_STATUS) != 404)
        return false;
    (void)verdict_because(v, "path_unknown",
                          "The service itself answers 404 at %s, and none of the usual "
                          "paths leads anywhere.",
                          verdict_fact(f, PROBE_PATH));
    return verdict_change(v, "Name the path that the service is configured for: --path.");
}

static bool service_broken(const struct kv *f, struct probe_verdict *v)
{
    long status = verdict_number(f, PROBE_STATUS);

    if (kv_get(f, PROBE_WEBSOCKET) != NULL || status < 500)
        return false;
    (void)verdict_because(v, "service_fails", "The service itself answers %ld.", status);
    return mend_service(f, v, "Look at the service's own log.");
}

static bool redirected(const struct kv *f, struct probe_verdict *v)
{
    if (!to_itself(f))
        return false;
    (void)verdict_because(v, "redirect_loop",
                          "It redirects to itself: the service wants HTTPS and does "
                          "not see that the visitor has it.");
    return verdict_change(
        v, "Let the service trust X-Forwarded-Proto, or let its service be https://.");
}

/* ---- the way ---- */

static bool tunnel_gone(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_TUNNEL, "deleted"))
        return false;
    (void)verdict_because(v, "tunnel_gone",
                          "Cloudflare has no such tunnel (a visitor sees error 1033).");
    (void)verdict_change(v, "Delete it here, too, and create it anew.");
    return verdict_command(v, "sett tunnel delete %s && sett tunnel create %s",
                           verdict_fact(f, FACT_TUNNEL_NUMBER), verdict_fact(f, PROBE_TENANT));
}

static bool no_connector(const struct kv *f, struct probe_verdict *v)
{
    const char *state = verdict_fact(f, PROBE_CONNECTOR);

    if (state[0] == '\0' || str_equal(state, "connected"))
        return false;
    if (str_equal(state, "unconnected")) {
        (void)verdict_because(v, "not_connected",
                              "Its connector is not connected to the edge (a visitor "
                              "sees error 1033)%s%s",
                              kv_get(f, PROBE_CAUSE) != NULL ? ": " : ".",
                              verdict_fact(f, PROBE_CAUSE));
        return verdict_change(
            v, "%s", kv_get_or(f, PROBE_REMEDY, "Let this machine out to UDP and TCP port 7844."));
    }
    if (kv_get(f, PROBE_CAUSE) != NULL && kv_get(f, PROBE_REMEDY) != NULL) {
        (void)verdict_because(v, "connector_down",
                              "Its connector does not run (a visitor sees error "
                              "1033): %s",
                              verdict_fact(f, PROBE_CAUSE));
        return verdict_change(v, "%s", verdict_fact(f, PROBE_REMEDY));
    }
    (void)verdict_because(v, "connector_down",
                          "Its connector does not run, or hangs (a visitor sees error "
                          "1033).");
    (void)verdict_change(v, "Start the connector.");
    return verdict_command(v, "sett tunnel restart %s", verdict_fact(f, FACT_TUNNEL_NUMBER));
}

static bool no_rule(const struct kv *f, struct probe_verdict *v)
{
    const char *rule_is = verdict_fact(f, PROBE_RULE);

    if (!str_equal(rule_is, "none") && !str_equal(rule_is, "empty"))
        return false;
    (void)verdict_because(v, "no_rule",
                          verdict_at_cloudflare(f)
                              ? (str_equal(rule_is, "empty")
                                     ? "The tunnel has no rules at all: %s gets 503."
                                     : "None of the tunnel's rules is for %s: the last one, "
                                       "which takes all others, answers 404.")
                              : "The web server does not know %s: it answers 421.",
                          verdict_fact(f, FACT_HOSTNAME));
    (void)verdict_change(v, "Put its rules down anew.");
    return verdict_command(
        v, verdict_at_cloudflare(f) ? "sett tunnel configure %s" : "sett tunnel restart %s",
        verdict_fact(f, FACT_TUNNEL_NUMBER));
}

static bool other_rule(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_RULE, "other") || door_fine(f))
        return false;
    (void)verdict_because(v, "rule_elsewhere",
                          "At Cloudflare the rule for %s leads to %s, not to %s: "
                          "somebody changed it there.",
                          verdict_fact(f, FACT_HOSTNAME), verdict_fact(f, PROBE_LEADS),
                          verdict_fact(f, FACT_SERVICE));
    (void)verdict_change(v, "Let the rule lead to %s again.", verdict_fact(f, FACT_SERVICE));
    return verdict_command(v, "sett tunnel configure %s", verdict_fact(f, FACT_TUNNEL_NUMBER));
}

static bool no_record(const struct kv *f, struct probe_verdict *v)
{
    const char *record = verdict_fact(f, PROBE_RECORD);

    if (!str_equal(record, "none") && !str_equal(record, "unproxied") &&
        !str_equal(record, "elsewhere"))
        return false;
    if (str_equal(record, "none"))
        (void)verdict_because(v, "record_missing",
                              "The zone has no record %s (a visitor finds no such "
                              "name, or sees error 1016).",
                              verdict_fact(f, FACT_HOSTNAME));
    else if (str_equal(record, "unproxied"))
        (void)verdict_because(v, "record_unproxied",
                              "The record %s is not proxied, and what it leads to "
                              "has no address of its own.",
                              verdict_fact(f, FACT_HOSTNAME));
    else
        (void)verdict_because(v, "record_elsewhere",
                              "The record %s leads to %s, which is not this tunnel "
                              "(a visitor sees error 1016 or 1033, or somebody else's page).",
                              verdict_fact(f, FACT_HOSTNAME), verdict_fact(f, PROBE_CONTENT));
    (void)verdict_change(v,
                         "In Cloudflare's DNS let %s be a proxied CNAME to %s.cfargotunnel.com%s",
                         verdict_fact(f, FACT_HOSTNAME), verdict_fact(f, FACT_CF_TUNNEL),
                         str_equal(record, "elsewhere") ? "."
                                                        : ": a scan finds that it is not so, and "
                                                          "sett drift revert brings it back.");
    return str_equal(record, "elsewhere") || verdict_command(v, "sett drift scan");
}

/* A customer's own domain that is not led here yet. */
static bool domain_waits(const struct kv *f, struct probe_verdict *v)
{
    if (probe_is(f, PROBE_RECORD, "pending")) {
        (void)verdict_because(v, "zone_pending",
                              "The zone %s is not active: its registrar does not name "
                              "Cloudflare's name servers yet.",
                              verdict_fact(f, PROBE_CONTENT));
        (void)verdict_change(v, "Let its owner enter the name servers that were assigned to it.");
        return verdict_command(v, "sett domain instructions %s", verdict_fact(f, PROBE_CONTENT));
    }
    if (!probe_is(f, PROBE_RECORD, "unproved"))
        return false;
    (void)verdict_because(v, "hostname_unproved",
                          "The custom hostname %s is %s: Cloudflare has not seen the "
                          "records that prove it.",
                          verdict_fact(f, FACT_HOSTNAME), verdict_fact(f, PROBE_CONTENT));
    (void)verdict_change(v, "Let its owner enter the records that prove it.");
    return verdict_command(v, "sett domain instructions %s", verdict_fact(f, FACT_HOSTNAME));
}

static bool no_dns(const struct kv *f, struct probe_verdict *v)
{
    const char *name = verdict_fact(f, PROBE_NAME);

    if (!str_equal(name, "none") && !str_equal(name, "empty") && !str_equal(name, "tunnel") &&
        !probe_is(f, PROBE_DOOR_FAILURE, "no_name"))
        return false;
    if (str_equal(name, "tunnel")) {
        (void)verdict_because(v, "record_unproxied",
                              "%s leads straight to the tunnel's name, which is no "
                              "address for visitors.",
                              verdict_fact(f, FACT_HOSTNAME));
        return verdict_change(v, "Switch the proxy of its DNS record on.");
    }
    (void)verdict_because(
        v, "name_unknown", "There is no name %s in the DNS%s.", verdict_fact(f, FACT_HOSTNAME),
        probe_is(f, PROBE_RECORD, "fine") ? ", although the zone has its record" : "");
    if (probe_is(f, PROBE_RECORD, "fine"))
        return verdict_change(
            v, "Let the domain's registrar name Cloudflare's name servers; if it does, "
               "wait: a \"no such name\" from before is kept for up to some hours.");
    return verdict_change(v, verdict_at_cloudflare(f)
                                 ? "Enter a proxied CNAME of that name to the tunnel."
                                 : "Enter an A record of that name with this box's address.");
}

static verdict_rule *const rules[] = {
    fixed_answer, fine,           suspended,   maintenance, invalid,      not_public, no_name,
    refused,      unreached,      speaks_tls,  speaks_http, speaks_other, hangs,      tunnel_gone,
    no_connector, domain_waits,   no_record,   no_dns,      no_rule,      other_rule, certificate,
    wrong_path,   service_broken, service_404, redirected,  verdict_door,
};

void probe_verdict(const struct kv *facts, struct probe_verdict *v)
{
    memset(v, 0, sizeof *v);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i](facts, v))
            return;
    (void)verdict_because(v, "unknown", "The service answers %ld, the front door %ld.",
                          verdict_number(facts, PROBE_STATUS), verdict_number(facts, PROBE_DOOR));
    (void)verdict_change(v, "What was found above is all that can be seen from here.");
}
