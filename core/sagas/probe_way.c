/*
 * A probe's look at what leads to the service: connector, Cloudflare's tunnel, rule and record, the
 * DNS. Apart from the door because each of these is a cause, and what the door answers is only what
 * comes of it.
 */
#include "probe.h"

#include <string.h>

#include "cloudflared.h"
#include "connector.h"
#include "dns.h"
#include "str.h"

#define ASK_MS    10000
#define LOG_LINES 200
#define LOG_MAX   (256u * 1024u)

static enum outcome ask_hands(struct outside *o, const struct kv *facts, enum hands_verb verb,
                              struct hands_reply *reply, struct buf *stream, struct err *err)
{
    struct hands_request request = {.verb = (uint32_t)verb, .lines = LOG_LINES};

    request.number = kv_get_u64(facts, FACT_TUNNEL_NUMBER, 0);
    (void)str_copy(request.box_id, sizeof request.box_id, kv_get_or(facts, FACT_BOX, ""));
    (void)str_copy(request.hostname, sizeof request.hostname, kv_get_or(facts, FACT_HOSTNAME, ""));
    if (request.hostname[0] == '*') /* of a shared tunnel; to the hands that is no host name */
        request.hostname[0] = '\0';
    return outside_hands(o, &request, ASK_MS, reply, stream, err);
}

/* ---- the connector ---- */

/* It is not connected: its log may know why. */
static void why_unconnected(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    struct connector_trouble t;
    struct hands_reply reply;
    struct err ignored = {0};
    struct buf log;

    buf_init(&log, LOG_MAX);
    if (ask_hands(o, facts, HANDS_CONNECTOR_LOGS, &reply, &log, &ignored) == OUTCOME_OK &&
        connector_trouble(buf_string(&log), log.len, &t) && t.edge && !t.over) {
        probe_fact(facts, PROBE_CAUSE, t.cause[0] != '\0' ? t.cause : t.line);
        probe_fact(facts, PROBE_REMEDY, t.remedy);
        probe_note(notes, PROBE_BAD, "its log says: %s", t.cause[0] != '\0' ? t.cause : t.line);
    }
    buf_free(&log);
}

static void is_connected(struct outside *o, struct kv *facts, const struct hands_reply *unit,
                         const struct probe_notes *notes)
{
    struct connector_ready ready;
    struct err err = {0};

    if (connector_ready(o->probe, unit->port, &ready, &err) == -1) {
        probe_fact(facts, PROBE_CONNECTOR, "mute");
        probe_note(notes, PROBE_BAD, "it runs, and does not answer on its metrics port: %s",
                   err.text);
    } else if (ready.connections == 0) {
        probe_fact(facts, PROBE_CONNECTOR, "unconnected");
        probe_note(notes, PROBE_BAD, "it runs, with no connection to the edge");
    } else {
        probe_fact(facts, PROBE_CONNECTOR, "connected");
        probe_note(notes, PROBE_GOOD, "it runs, with %u connections to the edge (%s%s)",
                   ready.connections, ready.location_count > 0 ? ready.locations[0] : "?",
                   ready.location_count > 1 ? ", …" : "");
        return;
    }
    why_unconnected(o, facts, notes);
}

void probe_connector(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    struct hands_reply unit;
    struct err err = {0};
    enum outcome outcome = ask_hands(o, facts, HANDS_CONNECTOR_STATUS, &unit, NULL, &err);

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT) {
        probe_note(notes, PROBE_NOTE, "nobody can say whether it runs: %s", err.text);
    } else if (outcome == OUTCOME_ABSENT || !unit.present) {
        probe_fact(facts, PROBE_CONNECTOR, "none");
        probe_note(notes, PROBE_BAD, "this box has no connector for it");
    } else if (!unit.running) {
        probe_fact(facts, PROBE_CONNECTOR, "stopped");
        probe_note(notes, PROBE_BAD, "it does not run; it ended with status %d",
                   (int)unit.status.exit_code);
        why_unconnected(o, facts, notes);
    } else {
        is_connected(o, facts, &unit, notes);
    }
}

/* ---- at Cloudflare ---- */

static void at_tunnel(struct cloudflare *c, const char *id, struct kv *facts,
                      const struct probe_notes *notes)
{
    struct cloudflare_tunnel tunnel;
    struct err err = {0};

    if (cloudflare_tunnel_get(c, id, &tunnel, &err) == 0) {
        probe_fact(facts, PROBE_TUNNEL, tunnel.deleted ? "deleted" : tunnel.status);
        probe_note(notes,
                   tunnel.deleted                        ? PROBE_BAD
                   : str_equal(tunnel.status, "healthy") ? PROBE_GOOD
                                                         : PROBE_NOTE,
                   "Cloudflare calls the tunnel %s", tunnel.deleted ? "deleted" : tunnel.status);
    } else if (err.kind == ERR_NOT_FOUND) {
        probe_fact(facts, PROBE_TUNNEL, "deleted");
        probe_note(notes, PROBE_BAD, "Cloudflare has no such tunnel");
    } else {
        probe_fact(facts, PROBE_TUNNEL, "unknown");
        probe_note(notes, PROBE_NOTE, "Cloudflare does not tell: %s", err.text);
    }
}

/* The rule that the very address meets which is probed. */
static const char *compare(const struct cloudflare_config *config, const struct kv *facts,
                           const struct cloudflared_rule **rule)
{
    char url[600];
    struct err err;
    int at;

    *rule = NULL;
    if (config->ingress.count == 0)
        return "empty";
    if (str_format(url, sizeof url, "https://%s%s", kv_get_or(facts, FACT_HOSTNAME, ""),
                   kv_get_or(facts, PROBE_PATH, "/")) == -1 ||
        (at = cloudflared_match(&config->ingress, url, &err)) == -1)
        return "unknown";
    *rule = &config->ingress.rules[at];
    if (str_equal((*rule)->service, kv_get_or(facts, FACT_SERVICE, "")))
        return "fine";
    if ((uint32_t)at + 1 == config->ingress.count && str_starts((*rule)->service, "http_status:"))
        return "none";
    if (str_equal((*rule)->service, "http_status:503") && kv_get(facts, FACT_MAINTENANCE) != NULL)
        return "maintenance";
    return "other";
}

static void at_rule(struct cloudflare *c, const char *id, struct kv *facts,
                    const struct probe_notes *notes)
{
    const struct cloudflared_rule *rule;
    struct cloudflare_config config;
    struct err err = {0};
    const char *found;

    if (cloudflare_config_get(c, id, &config, &err) == -1) {
        probe_note(notes, PROBE_NOTE, "its rules cannot be read: %s", err.text);
        return;
    }
    found = compare(&config, facts, &rule);
    if (str_equal(found, "empty"))
        probe_note(notes, PROBE_BAD, "it has no rules at all");
    else if (str_equal(found, "none"))
        probe_note(notes, PROBE_BAD, "none of its rules is for this host name and path");
    else if (rule != NULL)
        probe_note(notes, str_equal(found, "fine") ? PROBE_GOOD : PROBE_BAD,
                   "its rule for it leads to %s", rule->service);
    probe_fact(facts, PROBE_LEADS, rule == NULL ? "" : rule->service);
    probe_fact(facts, PROBE_RULE, found);
    cloudflare_config_free(&config);
}

static void at_cloudflare(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    struct providers *p = outside_use(o);
    char id[CLOUDFLARE_ID_SIZE];

    (void)str_copy(id, sizeof id, kv_get_or(facts, FACT_CF_TUNNEL, ""));
    if (!p->cloudflare_set) {
        probe_note(notes, PROBE_NOTE, "Cloudflare's API cannot be asked: %s",
                   p->cloudflare_why.text);
    } else if (id[0] == '\0') {
        probe_fact(facts, PROBE_TUNNEL, "deleted");
        probe_note(notes, PROBE_BAD, "it was never made at Cloudflare");
    } else {
        at_tunnel(&p->cloudflare, id, facts, notes);
        if (kv_get(facts, FACT_LOCAL) != NULL)
            probe_note(notes, PROBE_NOTE, "its rules are a file of this box");
        else if (!probe_is(facts, PROBE_TUNNEL, "deleted"))
            at_rule(&p->cloudflare, id, facts, notes);
        if (kv_get(facts, FACT_HOSTNAME) != NULL)
            probe_record(&p->cloudflare, id, facts, notes);
    }
    outside_done(o, p);
}

/* ---- the box's own web server ---- */

static void at_web_server(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    struct hands_reply reply;
    struct err err = {0};
    enum outcome outcome = ask_hands(o, facts, HANDS_ROUTE_SHOW, &reply, NULL, &err);
    bool here = outcome == OUTCOME_OK && reply.number == kv_get_u64(facts, FACT_TUNNEL_NUMBER, 0);

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT) {
        probe_fact(facts, PROBE_RULE, "unknown");
        probe_note(notes, PROBE_NOTE, "nobody can say where it leads: %s", err.text);
        return;
    }
    probe_fact(facts, PROBE_RULE, !here ? "none" : reply.maintenance ? "maintenance" : "fine");
    if (here)
        probe_note(notes, PROBE_GOOD, "the web server's map leads %s to port %u",
                   kv_get_or(facts, FACT_HOSTNAME, ""), reply.port);
    else
        probe_note(notes, PROBE_BAD, "the web server's map does not have %s",
                   kv_get_or(facts, FACT_HOSTNAME, ""));
}

void probe_provider(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    if (probe_is(facts, FACT_INGRESS, "cloudflare"))
        at_cloudflare(o, facts, notes);
    else
        at_web_server(o, facts, notes);
}

/* ---- the DNS ---- */

void probe_name(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    struct dns_answer *answer = calloc(1, sizeof *answer);
    const char *server = kv_get_or(facts, PROBE_DNS, "");
    struct err err = {0};
    char host[256];

    (void)str_copy(host, sizeof host, kv_get_or(facts, FACT_HOSTNAME, ""));
    if (answer == NULL || (o->front_door[0] != '\0' && server[0] == '\0')) {
        if (answer != NULL)
            probe_note(notes, PROBE_NOTE, "not asked: this box asks %s for every front door",
                       o->front_door);
        free(answer);
        return;
    }
    if (dns_ask(server, host, DNS_A, answer, &err) == -1 ||
        (answer->found == DNS_NONE && dns_ask(server, host, DNS_AAAA, answer, &err) == -1)) {
        probe_fact(facts, PROBE_NAME, "unknown");
        probe_note(notes, PROBE_NOTE, "the DNS does not answer: %s", err.text);
    } else if (answer->found == DNS_NO_NAME) {
        probe_fact(facts, PROBE_NAME, "none");
        probe_note(notes, PROBE_BAD, "there is no name %s in the DNS", host);
    } else if (str_ends(answer->alias, ".cfargotunnel.com")) {
        probe_fact(facts, PROBE_NAME, "tunnel");
        probe_note(notes, PROBE_BAD, "%s leads to %s, which is no address for visitors", host,
                   answer->alias);
    } else if (answer->found == DNS_NONE) {
        probe_fact(facts, PROBE_NAME, "empty");
        probe_note(notes, PROBE_BAD, "%s has no address in the DNS", host);
    } else {
        probe_fact(facts, PROBE_NAME, "fine");
        probe_note(notes, PROBE_GOOD, "%s has the address %s in the DNS%s", host, answer->values[0],
                   answer->count > 1 ? " and others" : "");
    }
    free(answer);
}
