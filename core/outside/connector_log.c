/*
 * What the lines of a connector's log mean. Apart because it is one table: what the program says,
 * why, and what a person does about it.
 */
#include "connector.h"

#include <string.h>

#include "json_in.h"
#include "str.h"

/* More words come before fewer of the same: the first row that fits is taken. */
static const struct {
    const char *says, *and_says; /* and_says: NULL if says is enough */
    const char *code;
    bool edge;
    const char *cause, *remedy;
} rows[] = {
    {"Unauthorized: Tunnel not found", NULL, "tunnel_gone", true,
     "Cloudflare has no such tunnel any more: somebody deleted it there.",
     "Delete it here, too, and create it anew: sett tunnel delete, then sett tunnel create."},
    {"Unauthorized: Invalid tunnel secret", NULL, "tunnel_secret", true,
     "The tunnel has another secret than the connector's token: it was changed elsewhere.",
     "Delete the tunnel and create it anew: sett tunnel delete, then sett tunnel create."},
    {"Unauthorized: Failed to get tunnel", NULL, "tunnel_unknown", true,
     "Cloudflare could not look up the tunnel.",
     "It passes by itself; if it does not, the tunnel is of another account: see the setting "
     "cloudflare.account."},
    {"Tunnel token is not valid", NULL, "token_bad", true,
     "The connector's token is not one that cloudflared can read.",
     "Delete the tunnel and create it anew: sett tunnel delete, then sett tunnel create."},
    {"Failed to read token file", NULL, "token_unread", true,
     "The connector cannot read the file that its token is in.",
     "Is the disk full, or were rights changed below /var/lib/sett/live/hands? Then: sett tunnel "
     "restart."},
    {"flag provided but not defined", NULL, "connector_old", true,
     "The installed cloudflared does not know an option that it is given: it is too old.",
     "Install cloudflared 2025.4.0 or newer; then: sett tunnel restart."},
    {"metrics server", "address already in use", "port_taken", true,
     "Another program holds the port that the connector wants for its metrics.",
     "Find it with ss -ltnp and stop it; then: sett tunnel restart."},
    {"address already in use", NULL, "port_taken", true,
     "Another program holds a port that the connector wants.",
     "Find it with ss -ltnp and stop it; then: sett tunnel restart."},
    {"argotunnel.com", "no such host", "edge_dns", true,
     "The names of Cloudflare's edge cannot be looked up: this machine's DNS does not answer.",
     "Look at /etc/resolv.conf; test with: getent hosts region1.v2.argotunnel.com"},
    {"edge discovery", NULL, "edge_dns", true,
     "The names of Cloudflare's edge cannot be looked up: this machine's DNS does not answer.",
     "Look at /etc/resolv.conf; test with: getent hosts region1.v2.argotunnel.com"},
    {"origintunneld", NULL, "edge_dns", true,
     "The names of Cloudflare's edge cannot be looked up: this machine's DNS does not answer.",
     "Look at /etc/resolv.conf; test with: getent hosts region1.v2.argotunnel.com"},
    {"argotunnel.com", "lookup", "edge_dns", true,
     "The names of Cloudflare's edge cannot be looked up: this machine's DNS does not answer.",
     "Look at /etc/resolv.conf; test with: getent hosts region1.v2.argotunnel.com"},
    {"x509: certificate has expired", NULL, "origin_expired", false,
     "The service's certificate has expired, or this machine's clock is wrong.",
     "Renew it; or give the rule noTLSVerify if that certificate need not be checked."},
    {"x509: certificate is valid for", NULL, "origin_name", false,
     "The service's certificate is for another name.",
     "Give the rule the name in the certificate as originServerName."},
    {"doesn't contain any IP SANs", NULL, "origin_name", false,
     "The service's certificate is for a name, and the rule leads to an IP address.",
     "Give the rule the name in the certificate as originServerName, or noTLSVerify."},
    {"x509:", NULL, "origin_certificate", false,
     "The service's certificate is by nobody whom cloudflared trusts.",
     "Give the rule noTLSVerify if it is the service's own certificate."},
    {"gave HTTP response to HTTPS client", NULL, "origin_speaks_http", false,
     "The rule says https://, and the service speaks plain HTTP.",
     "Let the rule's service begin with http:// instead."},
    {"malformed HTTP response", NULL, "origin_speaks_tls", false,
     "The rule says http://, and the service does not answer in HTTP: most likely it speaks TLS.",
     "Let the rule's service begin with https:// instead."},
    {"websocket: bad handshake", NULL, "origin_no_websocket", false,
     "The service refused to become a WebSocket.", "Find the right path: sett tunnel probe."},
    {"Unable to reach the origin service", "connection refused", "origin_refused", false,
     "Nothing listens where the rule leads to.",
     "Start the service, or correct its port in the rule; sett tunnel probe tells which."},
    {"Unable to reach the origin service", "no such host", "origin_unknown", false,
     "The rule leads to a name that this machine does not know.",
     "Correct the host in the rule's service."},
    {"Unable to reach the origin service", "timeout", "origin_silent", false,
     "The service takes connections and does not answer.",
     "Look at the service's own log; sett tunnel probe shows where it stops."},
    {"Unable to reach the origin service", NULL, "origin_failed", false,
     "The connector cannot get an answer from the service.", "sett tunnel probe tells why."},
    {"connect: connection refused", NULL, "origin_refused", false,
     "Nothing listens where the rule leads to.",
     "Start the service, or correct its port in the rule; sett tunnel probe tells which."},
    {"quic", "timeout", "edge_quic", true,
     "The edge does not answer over UDP port 7844; the connector falls back to TCP.",
     "Let UDP port 7844 out of this machine, and of the firewall before it."},
    {":7844", NULL, "edge_unreached", true,
     "The edge is not reached on port 7844: a firewall lets neither UDP nor TCP through.",
     "Let UDP and TCP port 7844 out to region1 and region2.v2.argotunnel.com."},
    {"too many open files", NULL, "files", false,
     "The connector has as many connections open as it may.",
     "Raise LimitNOFILE of its unit sett-tunnel@."},
};

/* What it repeats while all is well, or on its way out. */
static const char *const harmless[] = {"already connected to this server", "context canceled",
                                       "icmp router terminated", "ICMP proxy feature is disabled"};

static bool is_harmless(const char *line)
{
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (strstr(line, harmless[i]) != NULL)
            return true;
    return false;
}

/* The row that explains a line, or -1. */
static int explain(const char *line)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strstr(line, rows[i].says) != NULL &&
            (rows[i].and_says == NULL || strstr(line, rows[i].and_says) != NULL))
            return (int)i;
    return -1;
}

/* Whether the line says that something is wrong: its level, or, of a program that does not get as
 * far as levels, its words. */
static bool is_trouble(const char *line)
{
    if (strstr(line, "ERR ") != NULL || strstr(line, "FTL ") != NULL ||
        strstr(line, "\"level\":\"error\"") != NULL || strstr(line, "\"level\":\"fatal\"") != NULL)
        return !is_harmless(line);
    return strstr(line, "token is not valid") != NULL ||
           strstr(line, "Failed to read token file") != NULL ||
           strstr(line, "flag provided but not defined") != NULL;
}

/* "2026-11-22T02:59:50Z ERR …", or the member "time" of a line of JSON. */
static void take_time(const char *line, char *out, size_t size)
{
    size_t len = strcspn(line, " ");
    struct cJSON *json;

    out[0] = '\0';
    if (line[0] == '{') {
        json = json_parse(line, strlen(line), &json_limits_api, NULL);
        (void)str_copy(out, size, json_text(json, "time", ""));
        json_free(json);
    } else if (len >= 20 && line[4] == '-' && line[10] == 'T') {
        (void)str_copy_n(out, size, line, len);
    }
}

bool connector_trouble(const char *log, size_t len, struct connector_trouble *out)
{
    const char *at = log, *end = log + len;
    bool any = false, known = false;

    memset(out, 0, sizeof *out);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop == NULL ? end : stop) - at);
        char line[2048];
        int row;
        if (str_copy_n(line, sizeof line, at, size < sizeof line ? size : sizeof line - 1) == -1)
            line[0] = '\0';
        at += size + 1;
        if (strstr(line, "Registered tunnel connection") != NULL)
            out->over = any && out->edge;
        if (!is_trouble(line) || ((row = explain(line)) == -1 && known && !out->over))
            continue;
        any = true;
        known = row >= 0;
        out->code = known ? rows[row].code : "";
        out->cause = known ? rows[row].cause : "";
        out->remedy = known ? rows[row].remedy : "";
        out->edge = !known || rows[row].edge;
        out->over = false;
        take_time(line, out->at, sizeof out->at);
        str_cut(out->line, sizeof out->line, line);
    }
    return any;
}
