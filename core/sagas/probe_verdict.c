/*
 * What a probe's findings come to. Apart from the looks because this is one list of causes, in the
 * order in which one hides another: who mends a cause further down first gains nothing by it.
 */
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "str.h"

/* Whether the cause is this one; if so, it fills the verdict. */
typedef bool rule(const struct kv *f, struct probe_verdict *v);

static bool say(char *out, size_t size, const char *fmt, va_list args)
{
    (void)vsnprintf(out, size, fmt, args);
    return true;
}

__attribute__((format(printf, 3, 4))) static bool because(struct probe_verdict *v, const char *code,
                                                          const char *fmt, ...)
{
    va_list args;

    v->code = code;
    va_start(args, fmt);
    (void)say(v->cause, sizeof v->cause, fmt, args);
    va_end(args);
    return true;
}

__attribute__((format(printf, 2, 3))) static bool do_this(struct probe_verdict *v, const char *fmt,
                                                          ...)
{
    va_list args;

    va_start(args, fmt);
    (void)say(v->change, sizeof v->change, fmt, args);
    va_end(args);
    return true;
}

__attribute__((format(printf, 2, 3))) static bool by(struct probe_verdict *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)say(v->command, sizeof v->command, fmt, args);
    va_end(args);
    return true;
}

static const char *get(const struct kv *f, const char *name)
{
    return kv_get_or(f, name, "");
}

static long number(const struct kv *f, const char *name)
{
    return (long)kv_get_u64(f, name, 0);
}

static bool has_tunnel(const struct kv *f)
{
    return kv_get(f, FACT_TUNNEL) != NULL;
}

static bool at_cloudflare(const struct kv *f)
{
    return probe_is(f, FACT_INGRESS, "cloudflare");
}

/* The service as it was asked. */
static const char *service(const struct kv *f)
{
    const char *url = kv_get(f, PROBE_URL);

    return url != NULL ? url : get(f, FACT_SERVICE);
}

/* A tenant's program that does not do what it should is restarted; another one is its owner's. */
static bool mend_service(const struct kv *f, struct probe_verdict *v, const char *otherwise)
{
    if (kv_get(f, PROBE_TENANT) == NULL)
        return do_this(v, "%s", otherwise);
    (void)do_this(v, "Restart the tenant's program; its log (sett tenant logs %s) says more.",
                  get(f, PROBE_TENANT));
    return by(v, "sett tenant restart %s", get(f, PROBE_TENANT));
}

/* What is changed at a rule, as options of its command. The tunnel's own route has no options that
 * could be changed: a rule of the same name before it has its say. */
__attribute__((format(printf, 4, 5))) static bool
by_rule(const struct kv *f, struct probe_verdict *v, const char *leads, const char *fmt, ...)
{
    char options[200];
    va_list args;

    va_start(args, fmt);
    (void)say(options, sizeof options, fmt, args);
    va_end(args);
    if (!at_cloudflare(f) || !has_tunnel(f))
        return true;
    if (kv_get(f, PROBE_RULE_ID) == NULL)
        return by(v, "sett rule create %s --hostname %s --path ^/ --service %s --position 1%s",
                  get(f, FACT_TUNNEL_NUMBER), get(f, FACT_HOSTNAME), leads, options);
    if (!str_equal(leads, service(f)))
        return by(v, "sett rule update %s --service %s%s", get(f, PROBE_RULE_ID), leads, options);
    return by(v, "sett rule update %s%s", get(f, PROBE_RULE_ID), options);
}

/* ---- all is well, or is meant to be so ---- */

static bool maintenance(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_RULE, "maintenance") && kv_get(f, FACT_MAINTENANCE) == NULL)
        return false;
    (void)because(v, "maintenance", "Its visitors get 503 on purpose: it is in maintenance.");
    (void)do_this(v, "End the maintenance.");
    return by(v, "sett tenant update %s --maintenance false", get(f, PROBE_TENANT));
}

static bool to_itself(const struct kv *f)
{
    char self[400];

    return number(f, PROBE_DOOR) >= 300 && number(f, PROBE_DOOR) < 400 &&
           str_format(self, sizeof self, "%s%s", get(f, FACT_URL), get(f, PROBE_PATH) + 1) == 0 &&
           str_equal(get(f, PROBE_DOOR_LOCATION), self);
}

static bool door_fine(const struct kv *f)
{
    long door = number(f, PROBE_DOOR);

    return kv_get(f, PROBE_DOOR_FAILURE) == NULL && kv_get(f, PROBE_DOOR_CODE) == NULL &&
           (door == 101 || (door >= 200 && door < 400) || door == 401 || door == 426 ||
            (door >= 400 && door < 500 && kv_get(f, PROBE_WEBSOCKET) != NULL)) &&
           !probe_is(f, PROBE_DOOR_WEBSOCKET, "0") && !to_itself(f) &&
           strstr(get(f, PROBE_DOOR_LOCATION), ".cloudflareaccess.com/") == NULL;
}

/* What answers with a page where a WebSocket is wanted elsewhere is worth a word. */
static bool fine(const struct kv *f, struct probe_verdict *v)
{
    long status = number(f, PROBE_STATUS);
    bool websocket = kv_get(f, PROBE_WEBSOCKET) != NULL;
    bool service_fine = probe_is(f, PROBE_REACH, "none") || websocket ||
                        probe_is(f, PROBE_SPEAKS, "stream") || (status >= 200 && status < 400) ||
                        status == 401 || status == 426;
    bool certificate = kv_get(f, PROBE_CERTIFICATE) == NULL ||
                       probe_is(f, PROBE_CERTIFICATE, "fine") ||
                       probe_is(f, PROBE_CERTIFICATE, "unchecked");

    if (has_tunnel(f) && kv_get(f, FACT_HOSTNAME) != NULL ? !door_fine(f)
                                                          : !service_fine || !certificate)
        return false;
    v->fine = true;
    (void)because(v, "fine", "It answers at %s%s%s.", get(f, PROBE_PATH),
                  websocket ? ", as a WebSocket" : "",
                  has_tunnel(f) ? ", through the front door, too" : "");
    if (!websocket && kv_get(f, PROBE_ELSEWHERE) != NULL)
        return do_this(v, "For a WebSocket use the path %s.", get(f, PROBE_ELSEWHERE));
    return do_this(v, "Nothing is to be done.");
}

/* ---- the service ---- */

static bool invalid(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "invalid"))
        return false;
    (void)because(v, "service_invalid", "It leads nowhere: %s.", get(f, PROBE_WHY));
    return do_this(v, "Let its service be an address such as http://localhost:8080.");
}

static bool not_public(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "forbidden"))
        return false;
    (void)because(v, "address_not_public", "%s leads to an address that is not of the internet.",
                  get(f, PROBE_AT));
    return do_this(v, "Name a public address; ask an operator about one inside.");
}

static bool no_name(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "no_name"))
        return false;
    (void)because(v, "service_unknown", "This machine does not know the host of %s.", service(f));
    return do_this(v, "Correct the host of the service, or enter it in /etc/hosts.");
}

static bool refused(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "refused"))
        return false;
    (void)because(v, "service_down", "Nothing listens on %s: %s.", get(f, PROBE_AT),
                  get(f, PROBE_WHY));
    return mend_service(f, v, "Start the service that is to listen there, or correct the port.");
}

static bool unreached(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_REACH, "silent"))
        return false;
    (void)because(v, "service_unreached",
                  "%s takes no connection: a firewall drops it, or the "
                  "machine is off.",
                  get(f, PROBE_AT));
    return do_this(v, "Let this machine through to that port, or correct the address.");
}

static bool speaks_tls(const struct kv *f, struct probe_verdict *v)
{
    char leads[320];

    if (!probe_is(f, PROBE_SPEAKS, "https") || !str_starts(service(f), "http:"))
        return false;
    (void)because(v, "wants_https", "%s speaks TLS, and is asked in plain HTTP.", get(f, PROBE_AT));
    (void)do_this(v,
                  "Let its service be https://%s (with noTLSVerify if the certificate is its "
                  "own).",
                  get(f, PROBE_AT));
    (void)str_format(leads, sizeof leads, "https://%s", get(f, PROBE_AT));
    return by_rule(f, v, leads, " --no-tls-verify true");
}

static bool speaks_http(const struct kv *f, struct probe_verdict *v)
{
    char leads[320];

    if (!probe_is(f, PROBE_SPEAKS, "http") || !str_starts(service(f), "https:"))
        return false;
    (void)because(v, "wants_http", "%s speaks plain HTTP, and is asked for TLS.", get(f, PROBE_AT));
    (void)do_this(v, "Let its service be http://%s.", get(f, PROBE_AT));
    (void)str_format(leads, sizeof leads, "http://%s", get(f, PROBE_AT));
    return by_rule(f, v, leads, "%s", "");
}

static bool speaks_other(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_SPEAKS, "other") && !probe_is(f, PROBE_SPEAKS, "closed"))
        return false;
    (void)because(v, "not_http", "What listens on %s does not speak HTTP: %s.", get(f, PROBE_AT),
                  get(f, PROBE_WHY));
    return do_this(v, "Correct the port: it is another service's; or use tcp:// for it.");
}

static bool hangs(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_SPEAKS, "silent"))
        return false;
    (void)because(v, "service_silent", "%s takes connections and does not answer.",
                  get(f, PROBE_AT));
    return mend_service(f, v,
                        "Look at the service's own log and restart it: it hangs, or that "
                        "port waits for another protocol.");
}

/* The first name of a certificate that can stand as a server name. */
static bool first_name(const struct kv *f, char *out, size_t size)
{
    const char *names = get(f, PROBE_NAMES);

    return names[0] != '\0' && names[0] != '*' &&
           str_copy_n(out, size, names, strcspn(names, ",")) == 0;
}

static bool certificate(const struct kv *f, struct probe_verdict *v)
{
    const char *kind = get(f, PROBE_CERTIFICATE);
    char name[200];

    if (kind[0] == '\0' || str_equal(kind, "fine") || str_equal(kind, "unchecked"))
        return false;
    if (str_equal(kind, "name") && first_name(f, name, sizeof name)) {
        (void)because(v, "certificate_name",
                      "The service's certificate is for %s, and it is asked "
                      "as %s.",
                      get(f, PROBE_NAMES), get(f, PROBE_AT));
        (void)do_this(v, "Give the rule originServerName %s.", name);
        return by_rule(f, v, service(f), " --origin-server-name %s", name);
    }
    if (str_equal(kind, "expired")) {
        (void)because(v, "certificate_expired", "The service's certificate is out of its time.");
        (void)do_this(v, "Renew it; until then give the rule noTLSVerify.");
        return by_rule(f, v, service(f), " --no-tls-verify true");
    }
    (void)because(v, "certificate_untrusted",
                  "The service's certificate is not accepted: it is by "
                  "nobody who is trusted.");
    (void)do_this(v, "Give the rule noTLSVerify: true.");
    return by_rule(f, v, service(f), " --no-tls-verify true");
}

static bool wrong_path(const struct kv *f, struct probe_verdict *v)
{
    const char *other = kv_get_or(f, PROBE_ELSEWHERE, get(f, PROBE_PAGE));
    long status = number(f, PROBE_STATUS);

    if ((status != 404 && status != 405 && status != 400) || other[0] == '\0')
        return false;
    (void)because(v, "wrong_path", "The service answers %ld at %s; at %s it %s.", status,
                  get(f, PROBE_PATH), other,
                  kv_get(f, PROBE_ELSEWHERE) != NULL ? "becomes a WebSocket" : "has a page");
    return do_this(v, "Use the path %s.", other);
}

static bool service_404(const struct kv *f, struct probe_verdict *v)
{
    if (number(f, PROBE_STATUS) != 404)
        return false;
    (void)because(v, "path_unknown",
                  "The service itself answers 404 at %s, and none of the usual "
                  "paths leads anywhere.",
                  get(f, PROBE_PATH));
    return do_this(v, "Name the path that the service is configured for: --path.");
}

static bool service_broken(const struct kv *f, struct probe_verdict *v)
{
    long status = number(f, PROBE_STATUS);

    if (status < 500)
        return false;
    (void)because(v, "service_fails", "The service itself answers %ld.", status);
    return mend_service(f, v, "Look at the service's own log.");
}

static bool redirected(const struct kv *f, struct probe_verdict *v)
{
    if (!to_itself(f))
        return false;
    (void)because(v, "redirect_loop",
                  "It redirects to itself: the service wants HTTPS and does "
                  "not see that the visitor has it.");
    return do_this(v, "Let the service trust X-Forwarded-Proto, or let its service be https://.");
}

/* ---- the way ---- */

static bool tunnel_gone(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_TUNNEL, "deleted"))
        return false;
    (void)because(v, "tunnel_gone", "Cloudflare has no such tunnel (a visitor sees error 1033).");
    (void)do_this(v, "Delete it here, too, and create it anew.");
    return by(v, "sett tunnel delete %s && sett tunnel create %s", get(f, FACT_TUNNEL_NUMBER),
              get(f, PROBE_TENANT));
}

static bool no_connector(const struct kv *f, struct probe_verdict *v)
{
    const char *state = get(f, PROBE_CONNECTOR);

    if (state[0] == '\0' || str_equal(state, "connected"))
        return false;
    if (str_equal(state, "unconnected")) {
        (void)because(v, "not_connected",
                      "Its connector is not connected to the edge (a visitor "
                      "sees error 1033)%s%s",
                      kv_get(f, PROBE_CAUSE) != NULL ? ": " : ".", get(f, PROBE_CAUSE));
        return do_this(
            v, "%s", kv_get_or(f, PROBE_REMEDY, "Let this machine out to UDP and TCP port 7844."));
    }
    if (kv_get(f, PROBE_CAUSE) != NULL && kv_get(f, PROBE_REMEDY) != NULL) {
        (void)because(v, "connector_down",
                      "Its connector does not run (a visitor sees error "
                      "1033): %s",
                      get(f, PROBE_CAUSE));
        return do_this(v, "%s", get(f, PROBE_REMEDY));
    }
    (void)because(v, "connector_down",
                  "Its connector does not run, or hangs (a visitor sees error "
                  "1033).");
    (void)do_this(v, "Start the connector.");
    return by(v, "sett tunnel restart %s", get(f, FACT_TUNNEL_NUMBER));
}

static bool no_rule(const struct kv *f, struct probe_verdict *v)
{
    const char *rule_is = get(f, PROBE_RULE);

    if (!str_equal(rule_is, "none") && !str_equal(rule_is, "empty"))
        return false;
    (void)because(v, "no_rule",
                  at_cloudflare(f) ? (str_equal(rule_is, "empty")
                                          ? "The tunnel has no rules at all: %s gets 503."
                                          : "None of the tunnel's rules is for %s: the last one, "
                                            "which takes all others, answers 404.")
                                   : "The web server does not know %s: it answers 421.",
                  get(f, FACT_HOSTNAME));
    (void)do_this(v, "Put its rules down anew.");
    return by(v, at_cloudflare(f) ? "sett tunnel configure %s" : "sett tunnel restart %s",
              get(f, FACT_TUNNEL_NUMBER));
}

static bool other_rule(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_RULE, "other") || door_fine(f))
        return false;
    (void)because(v, "rule_elsewhere",
                  "At Cloudflare the rule for %s leads to %s, not to %s: "
                  "somebody changed it there.",
                  get(f, FACT_HOSTNAME), get(f, PROBE_LEADS), get(f, FACT_SERVICE));
    (void)do_this(v, "Let the rule lead to %s again.", get(f, FACT_SERVICE));
    return by(v, "sett tunnel configure %s", get(f, FACT_TUNNEL_NUMBER));
}

static bool no_record(const struct kv *f, struct probe_verdict *v)
{
    const char *record = get(f, PROBE_RECORD);

    if (!str_equal(record, "none") && !str_equal(record, "unproxied") &&
        !str_equal(record, "elsewhere"))
        return false;
    if (str_equal(record, "none"))
        (void)because(v, "record_missing",
                      "The zone has no record %s (a visitor finds no such "
                      "name, or sees error 1016).",
                      get(f, FACT_HOSTNAME));
    else if (str_equal(record, "unproxied"))
        (void)because(v, "record_unproxied",
                      "The record %s is not proxied, and what it leads to "
                      "has no address of its own.",
                      get(f, FACT_HOSTNAME));
    else
        (void)because(v, "record_elsewhere",
                      "The record %s leads to %s, which is not this tunnel "
                      "(a visitor sees error 1016 or 1033, or somebody else's page).",
                      get(f, FACT_HOSTNAME), get(f, PROBE_CONTENT));
    return do_this(v, "In Cloudflare's DNS let %s be a proxied CNAME to %s.cfargotunnel.com.",
                   get(f, FACT_HOSTNAME), get(f, FACT_CF_TUNNEL));
}

/* A customer's own domain that is not led here yet. */
static bool domain_waits(const struct kv *f, struct probe_verdict *v)
{
    if (probe_is(f, PROBE_RECORD, "pending")) {
        (void)because(v, "zone_pending",
                      "The zone %s is not active: its registrar does not name "
                      "Cloudflare's name servers yet.",
                      get(f, PROBE_CONTENT));
        (void)do_this(v, "Let its owner enter the name servers that were assigned to it.");
        return by(v, "sett domain instructions %s", get(f, PROBE_CONTENT));
    }
    if (!probe_is(f, PROBE_RECORD, "unproved"))
        return false;
    (void)because(v, "hostname_unproved",
                  "The custom hostname %s is %s: Cloudflare has not seen the "
                  "records that prove it.",
                  get(f, FACT_HOSTNAME), get(f, PROBE_CONTENT));
    (void)do_this(v, "Let its owner enter the records that prove it.");
    return by(v, "sett domain instructions %s", get(f, FACT_HOSTNAME));
}

static bool no_dns(const struct kv *f, struct probe_verdict *v)
{
    const char *name = get(f, PROBE_NAME);

    if (!str_equal(name, "none") && !str_equal(name, "empty") && !str_equal(name, "tunnel") &&
        !probe_is(f, PROBE_DOOR_FAILURE, "no_name"))
        return false;
    if (str_equal(name, "tunnel")) {
        (void)because(v, "record_unproxied",
                      "%s leads straight to the tunnel's name, which is no "
                      "address for visitors.",
                      get(f, FACT_HOSTNAME));
        return do_this(v, "Switch the proxy of its DNS record on.");
    }
    (void)because(v, "name_unknown", "There is no name %s in the DNS%s.", get(f, FACT_HOSTNAME),
                  probe_is(f, PROBE_RECORD, "fine") ? ", although the zone has its record" : "");
    if (probe_is(f, PROBE_RECORD, "fine"))
        return do_this(v, "Let the domain's registrar name Cloudflare's name servers; if it does, "
                          "wait: a \"no such name\" from before is kept for up to some hours.");
    return do_this(v, at_cloudflare(f) ? "Enter a proxied CNAME of that name to the tunnel."
                                       : "Enter an A record of that name with this box's address.");
}

/* ---- the door ---- */

/* Universal certificates cover the zone's apex and one label below it. */
static bool too_deep(const struct kv *f, struct probe_verdict *v)
{
    const char *host = get(f, FACT_HOSTNAME);
    unsigned dots = 0;

    for (const char *c = host; *c != '\0'; c++)
        dots += *c == '.';
    if (!at_cloudflare(f) || dots < 3 ||
        (!probe_is(f, PROBE_DOOR_FAILURE, "tls") &&
         !probe_is(f, PROBE_DOOR_FAILURE, "certificate")))
        return false;
    (void)because(v, "edge_certificate",
                  "Cloudflare's certificate does not cover %s: the one that "
                  "comes with a zone is for one label below the domain.",
                  host);
    return do_this(v, "Use a host name with one label below the domain, or order an advanced "
                      "certificate for it at Cloudflare.");
}

static bool door_certificate(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_DOOR_FAILURE, "certificate") && !probe_is(f, PROBE_DOOR_FAILURE, "tls"))
        return false;
    (void)because(v, "door_certificate", "The front door has no certificate for %s.",
                  get(f, FACT_HOSTNAME));
    return do_this(v, at_cloudflare(f) ? "Wait if the zone is new: its certificate takes minutes, "
                                         "at most a day; look at SSL/TLS, Edge certificates."
                                       : "Give the web server a certificate for it.");
}

static bool door_shut(const struct kv *f, struct probe_verdict *v)
{
    const char *why = get(f, PROBE_DOOR_FAILURE);

    if (why[0] == '\0')
        return false;
    (void)because(v, "door_shut", "The front door does not answer (%s).", why);
    return do_this(v, at_cloudflare(f) ? "Is this machine let out to port 443?"
                                       : "Start the web server: sett doctor says what it lacks.");
}

static const struct {
    long code;
    const char *name, *cause, *change;
} edge_rows[] = {
    {1016, "error_1016", "The name leads to a target that is gone (error 1016).",
     "Let its DNS record be a proxied CNAME to this tunnel; the edge may keep the error for some "
     "minutes."},
    {1033, "error_1033",
     "The name leads to a tunnel without a connector (error 1033): it is another tunnel, or this "
     "one's connector has just come.",
     "Wait a minute and probe again; if it stays, look which tunnel its DNS record names."},
    {1000, "error_1000", "The name leads to an address of Cloudflare's own (error 1000).",
     "Let its DNS record be a proxied CNAME to this tunnel."},
    {1003, "error_1003", "Cloudflare was asked by an address and not by a name (error 1003).",
     "Use the host name."},
    {1014, "error_1014", "The name leads to a tunnel of another account (error 1014).",
     "Let record and tunnel be of the same account."},
    {1020, "error_1020", "A firewall rule of the zone turns visitors away (error 1020).",
     "Look at Security, Events in Cloudflare's dashboard."},
    {502, "error_502",
     "The connector cannot get an answer from the service (502), although this machine can.",
     "Compare the rule's TLS options: noTLSVerify for a certificate of its own, originServerName "
     "for one of another name."},
    {503, "error_503", "The tunnel has no rules, or the service has said so (503).",
     "Put its rules down anew: sett tunnel restart."},
    {504, "error_504", "The service takes too long (504).", "Look at the service's own log."},
    {520, "error_520", "The service breaks off its answers (520).",
     "Look at the service's own log."},
    {521, "error_521",
     "The record leads to an address, not to a tunnel, where nothing listens "
     "(521).",
     "Let its DNS record be a proxied CNAME to this tunnel."},
    {522, "error_522", "The record leads to an address, not to a tunnel, that is silent (522).",
     "Let its DNS record be a proxied CNAME to this tunnel."},
    {523, "error_523", "The record leads to an address that cannot be reached (523).",
     "Let its DNS record be a proxied CNAME to this tunnel."},
    {524, "error_524", "The service takes longer than 100 s to answer (524).",
     "Look at the service's own log."},
    {525, "error_525", "The record leads to an address, not to a tunnel, without TLS (525).",
     "Let its DNS record be a proxied CNAME to this tunnel."},
    {526, "error_526", "The record leads to an address whose certificate is refused (526).",
     "Let its DNS record be a proxied CNAME to this tunnel."},
};

static bool edge_error(const struct kv *f, struct probe_verdict *v)
{
    long code = number(f, PROBE_DOOR_CODE), door = number(f, PROBE_DOOR);

    for (size_t i = 0; i < sizeof edge_rows / sizeof edge_rows[0]; i++)
        if (edge_rows[i].code == code || (code == 0 && edge_rows[i].code == door)) {
            (void)because(v, edge_rows[i].name, "%s", edge_rows[i].cause);
            return do_this(v, "%s", edge_rows[i].change);
        }
    return false;
}

static bool access_asked(const struct kv *f, struct probe_verdict *v)
{
    if (strstr(get(f, PROBE_DOOR_LOCATION), ".cloudflareaccess.com/") == NULL)
        return false;
    (void)because(v, "access", "Cloudflare Access asks visitors to sign in before the service.");
    return do_this(v, "Sign in, or change the policies of that Access application.");
}

static bool door_404(const struct kv *f, struct probe_verdict *v)
{
    long door = number(f, PROBE_DOOR);

    if (door != 404 && door != 421)
        return false;
    (void)because(v, "door_404",
                  "The front door answers %ld at %s, and the service itself %ld: no "
                  "rule fits this path, or another comes before it.",
                  door, get(f, PROBE_PATH), number(f, PROBE_STATUS));
    return do_this(v, "Look at the path of the tunnel's rule, and at their order.");
}

static bool door_websocket(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_DOOR_WEBSOCKET, "0"))
        return false;
    (void)because(v, "door_websocket",
                  "The service becomes a WebSocket, and through the front "
                  "door it does not.");
    return do_this(v, at_cloudflare(f) ? "Switch WebSockets on for the zone: Network in "
                                         "Cloudflare's dashboard."
                                       : "Let the web server pass Upgrade and Connection on.");
}

static rule *const rules[] = {
    fine,         maintenance,      invalid,        not_public,   no_name,    refused,
    unreached,    speaks_tls,       speaks_http,    speaks_other, hangs,      tunnel_gone,
    no_connector, domain_waits,     no_record,      no_dns,       no_rule,    other_rule,
    certificate,  wrong_path,       service_broken, service_404,  redirected, access_asked,
    too_deep,     door_certificate, door_shut,      edge_error,   door_404,   door_websocket,
};

void probe_verdict(const struct kv *facts, struct probe_verdict *v)
{
    memset(v, 0, sizeof *v);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i](facts, v))
            return;
    (void)because(v, "unknown", "The service answers %ld, the front door %ld.",
                  number(facts, PROBE_STATUS), number(facts, PROBE_DOOR));
    (void)do_this(v, "What was found above is all that can be seen from here.");
}
