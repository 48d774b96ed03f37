/*
 * Causes that only the front door shows: what Cloudflare's edge, or the web server, answers in a
 * service's place although everything behind it is as it should be. Apart from the other causes
 * because they come last, and because the edge's codes are a table of their own.
 */
#include "verdict.h"

#include <string.h>

#include "str.h"

/* Universal certificates cover the zone's apex and one label below it. */
static bool too_deep(const struct kv *f, struct probe_verdict *v)
{
    const char *host = verdict_fact(f, FACT_HOSTNAME);
    unsigned dots = 0;

    for (const char *c = host; *c != '\0'; c++)
        dots += *c == '.';
    if (!verdict_at_cloudflare(f) || dots < 3 ||
        (!probe_is(f, PROBE_DOOR_FAILURE, "tls") &&
         !probe_is(f, PROBE_DOOR_FAILURE, "certificate")))
        return false;
    (void)verdict_because(v, "edge_certificate",
                          "Cloudflare's certificate does not cover %s: the one that "
                          "comes with a zone is for one label below the domain.",
                          host);
    return verdict_change(v,
                          "Use a host name with one label below the domain, or order an advanced "
                          "certificate for it at Cloudflare.");
}

static bool door_certificate(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_DOOR_FAILURE, "certificate") && !probe_is(f, PROBE_DOOR_FAILURE, "tls"))
        return false;
    (void)verdict_because(v, "door_certificate", "The front door has no certificate for %s.",
                          verdict_fact(f, FACT_HOSTNAME));
    return verdict_change(v, verdict_at_cloudflare(f)
                                 ? "Wait if the zone is new: its certificate takes minutes, "
                                   "at most a day; look at SSL/TLS, Edge certificates."
                                 : "Give the web server a certificate for it.");
}

static bool door_shut(const struct kv *f, struct probe_verdict *v)
{
    const char *why = verdict_fact(f, PROBE_DOOR_FAILURE);

    if (why[0] == '\0')
        return false;
    (void)verdict_because(v, "door_shut", "The front door does not answer (%s).", why);
    return verdict_change(v, verdict_at_cloudflare(f)
                                 ? "Is this machine let out to port 443?"
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
    long code = verdict_number(f, PROBE_DOOR_CODE), door = verdict_number(f, PROBE_DOOR);

    for (size_t i = 0; i < sizeof edge_rows / sizeof edge_rows[0]; i++)
        if (edge_rows[i].code == code || (code == 0 && edge_rows[i].code == door)) {
            (void)verdict_because(v, edge_rows[i].name, "%s", edge_rows[i].cause);
            return verdict_change(v, "%s", edge_rows[i].change);
        }
    return false;
}

static bool access_asked(const struct kv *f, struct probe_verdict *v)
{
    if (strstr(verdict_fact(f, PROBE_DOOR_LOCATION), ".cloudflareaccess.com/") == NULL)
        return false;
    (void)verdict_because(v, "access",
                          "Cloudflare Access asks visitors to sign in before the service.");
    return verdict_change(v, "Sign in, or change the policies of that Access application.");
}

static bool door_404(const struct kv *f, struct probe_verdict *v)
{
    long door = verdict_number(f, PROBE_DOOR);

    if (door != 404 && door != 421)
        return false;
    (void)verdict_because(v, "door_404",
                          "The front door answers %ld at %s, and the service itself %ld: no "
                          "rule fits this path, or another comes before it.",
                          door, verdict_fact(f, PROBE_PATH), verdict_number(f, PROBE_STATUS));
    return verdict_change(v, "Look at the path of the tunnel's rule, and at their order.");
}

static bool door_websocket(const struct kv *f, struct probe_verdict *v)
{
    if (!probe_is(f, PROBE_DOOR_WEBSOCKET, "0"))
        return false;
    (void)verdict_because(v, "door_websocket",
                          "The service becomes a WebSocket, and through the front "
                          "door it does not.");
    return verdict_change(v, verdict_at_cloudflare(f)
                                 ? "Switch WebSockets on for the zone: Network in "
                                   "Cloudflare's dashboard."
                                 : "Let the web server pass Upgrade and Connection on.");
}

static verdict_rule *const rules[] = {
    access_asked, too_deep, door_certificate, door_shut, edge_error, door_404, door_websocket,
};

bool verdict_door(const struct kv *f, struct probe_verdict *v)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i](f, v))
            return true;
    return false;
}
