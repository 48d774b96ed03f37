/* The stages of a probe and what they are given. Apart from the looks because this is the order,
 * and the only part that sees the store. */
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cloudflared.h"
#include "origin.h"
#include "rule.h"
#include "setting.h"
#include "shared.h"
#include "str.h"

#define TEXT_SIZE 400

const char *const probe_sign_names[] = {"good", "note", "bad"};

static bool without_tunnel(const struct kv *facts)
{
    return kv_get(facts, FACT_TUNNEL) == NULL;
}

static bool without_connector(const struct kv *facts)
{
    return !probe_is(facts, FACT_INGRESS, "cloudflare");
}

static bool without_name(const struct kv *facts)
{
    const char *host = kv_get_or(facts, FACT_HOSTNAME, "");

    return without_tunnel(facts) || host[0] == '\0' || str_equal(host, "localhost") ||
           str_ends(host, ".localhost");
}

const struct probe_stage probe_stages[] = {
    {"service", "Ask the service itself", NULL, probe_origin},
    {"connector", "Look at the connector", without_connector, probe_connector},
    {"way", "Look at rule and record", without_tunnel, probe_provider},
    {"name", "Ask the DNS", without_name, probe_name},
    {"door", "Ask at the front door", without_tunnel, probe_door},
};
const size_t probe_stage_count = sizeof probe_stages / sizeof probe_stages[0];

void probe_note(const struct probe_notes *notes, enum probe_sign sign, const char *fmt, ...)
{
    char text[TEXT_SIZE];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    notes->add(notes->arg, sign, text);
}

void probe_fact(struct kv *facts, const char *name, const char *value)
{
    char text[200];

    if (value[0] == '\0') {
        kv_unset(facts, name);
        return;
    }
    str_cut(text, sizeof text, value);
    (void)kv_set(facts, name, text);
}

bool probe_is(const struct kv *facts, const char *name, const char *value)
{
    const char *have = kv_get(facts, name);

    return have != NULL && str_equal(have, value);
}

/* The tunnel that serves this host name, by its own route or by one of its rules, and is not
 * deleted. 1, 0 or -1. */
static int tunnel_by_host(struct txn *txn, const char *host, struct tunnel *out, struct err *err)
{
    struct tunnel match = {0};
    struct rule rule = {0};
    struct scan scan;
    int found;

    if (host[0] == '\0' || str_copy(match.hostname, sizeof match.hostname, host) == -1)
        return 0;
    str_lower(match.hostname);
    (void)str_copy(rule.is.hostname, sizeof rule.is.hostname, match.hostname);
    if (scan_start(&scan, txn, &tunnel_table, "hostname", &match, 1, true, err) == -1)
        return -1;
    while ((found = scan_next(&scan, out, err)) == 1)
        if (out->state != TUNNEL_DELETED)
            return 1;
    if (found == -1 || scan_start(&scan, txn, &rule_table, "hostname", &rule, 1, true, err) == -1)
        return -1;
    while ((found = scan_next(&scan, &rule, err)) == 1)
        if ((found = facts_load_tunnel(txn, rule.tunnel_id, out, err)) == -1 ||
            (found == 1 && out->state != TUNNEL_DELETED))
            return found;
    return found;
}

/* What the path of a rule can be asked as: its own when it holds nothing of a regular expression
 * but a mark of its begin or end. */
static void path_of_rule(const char *rule, char *out, size_t size)
{
    size_t len;

    rule += rule[0] == '^';
    len = strlen(rule);
    if (len > 0 && rule[len - 1] == '$')
        len--;
    if (len == 0 || strcspn(rule, "*+?()[]{}|\\.") < len || str_copy_n(out, size, rule, len) == -1)
        (void)str_copy(out, size, "/");
}

/* The record of the rule at this place of the configuration; the tunnel's own route has none. */
static void note_rule(struct kv *facts, const struct rule_list *list, const struct tunnel *tunnel,
                      uint32_t at)
{
    bool own = tunnel_routed(tunnel);

    if (own && at == list->own)
        return;
    at -= own && at > list->own;
    if (at < list->count)
        probe_fact(facts, PROBE_RULE_ID, list->rules[at].id);
}

/* Of all rules the one that the probed address meets says which service, and how it is asked. */
static int read_rule(struct txn *txn, struct job *job, const struct tunnel *tunnel, struct err *err)
{
    struct cloudflared_config config = {0};
    const struct cloudflared_rule *rule;
    struct rule_list list;
    struct err unmatched;
    char url[600];
    int at = -1, result;

    if (rule_list(txn, tunnel, &list, err) == -1)
        return -1;
    result = rule_config(&list, tunnel, false, &config, err);
    if (result == 0 &&
        str_format(url, sizeof url, "https://%s%s", kv_get_or(&job->facts, FACT_HOSTNAME, ""),
                   kv_get_or(&job->facts, PROBE_PATH, "/")) == 0)
        at = cloudflared_match(&config, url, &unmatched);
    if (at >= 0 && (uint32_t)at + 1 < config.count) {
        rule = &config.rules[at];
        note_rule(&job->facts, &list, tunnel, (uint32_t)at);
        probe_fact(&job->facts, FACT_SERVICE, rule->service);
        probe_fact(&job->facts, FACT_NO_VERIFY, rule->origin.no_tls_verify ? "1" : "");
        probe_fact(&job->facts, PROBE_SERVER_NAME, rule->origin.origin_server_name);
        probe_fact(&job->facts, PROBE_HOST_HEADER, rule->origin.http_host_header);
    }
    cloudflared_free(&config);
    rule_list_free(&list);
    return result;
}

/* ${host}: "" for the tunnel's own. */
static int read_tunnel(struct txn *txn, const struct saga_context *c, struct job *job,
                       const struct tunnel *tunnel, const char *host, struct err *err)
{
    struct tunnel named = *tunnel;
    struct tenant tenant = {0};
    char path[160];
    int found = 0;

    (void)str_copy(tenant.id, sizeof tenant.id, tunnel->tenant_id);
    if (tenant.id[0] != '\0' && (found = record_get(txn, &tenant_table, &tenant, err)) == -1)
        return -1;
    if (found == 1 &&
        (facts_set_u64(job, PROBE_TENANT, tenant.number, err) == -1 ||
         facts_set(job, FACT_MAINTENANCE, tenant.maintenance ? "1" : "", err) == -1 ||
         facts_set(job, PROBE_SUSPENDED, tenant.state == TENANT_SUSPENDED ? "1" : "", err) == -1))
        return -1;
    path_of_rule(tunnel->path, path, sizeof path);
    if (kv_get(&job->facts, PROBE_PATH) == NULL && facts_set(job, PROBE_PATH, path, err) == -1)
        return -1;
    if (host[0] != '\0' && str_copy(named.hostname, sizeof named.hostname, host) == 0)
        str_lower(named.hostname);
    if (shared_way(txn, &named, err) == -1)
        return -1;
    return facts_tunnel(txn, job, c, &named, err) == -1 ? -1 : read_rule(txn, job, tunnel, err);
}

static int read_url(struct txn *txn, const struct saga_context *c, struct job *job, const char *url,
                    struct err *err)
{
    struct tunnel tunnel;
    struct origin o;
    int found;

    if (origin_parse(url, &o, err) == -1)
        return -1;
    if (o.path[0] != '\0' && kv_get(&job->facts, PROBE_PATH) == NULL)
        probe_fact(&job->facts, PROBE_PATH, o.path);
    if ((found = tunnel_by_host(txn, o.host, &tunnel, err)) == -1)
        return -1;
    if (found == 1 && kv_get(&job->args, "public") == NULL)
        return read_tunnel(txn, c, job, &tunnel, o.host, err);
    if (kv_get(&job->facts, PROBE_PATH) == NULL)
        probe_fact(&job->facts, PROBE_PATH, "/");
    return facts_set(job, PROBE_URL, url, err);
}

int probe_read(struct txn *txn, const struct saga_context *c, struct job *job, struct err *err)
{
    const char *id = kv_get(&job->args, "tunnel_id"), *url = kv_get(&job->args, "url");
    const char *path = kv_get_or(&job->args, "path", "");
    char server[512];
    struct tunnel tunnel;
    int found;

    if (path[0] != '\0' && path[0] != '/')
        return err_field(err, "path", "path_invalid", "a path begins with /");
    if (setting_text(txn, &c->conf, "dns.server", server, sizeof server, err) == -1 ||
        facts_set(job, PROBE_DNS, server, err) == -1 ||
        facts_set(job, PROBE_PATH, path, err) == -1 ||
        facts_set(job, PROBE_PUBLIC, kv_get_or(&job->args, "public", ""), err) == -1)
        return -1;
    if (id == NULL && url == NULL)
        return err_field(err, "id", "missing", "probe what?");
    if (id == NULL)
        return read_url(txn, c, job, url, err);
    if ((found = facts_load_tunnel(txn, id, &tunnel, err)) == -1)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "tunnel_not_found", "there is no tunnel %s", id);
    return read_tunnel(txn, c, job, &tunnel, "", err);
}
