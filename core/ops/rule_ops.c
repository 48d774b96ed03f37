/*
 * A tunnel's ingress rules: what a person may say of them. Each change is one commit with the job
 * that brings it about; a plan shows the whole list before and after.
 */
#include "rule.h"
#include "shared.h"

#include <stdlib.h>

#include "custom_domain.h"
#include "json_out.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "rule_show.h"
#include "str.h"
#include "tenant.h"

/* What may be said of a rule, for the field table of a struct ${t} that has it as `is`. */
#define IS(t, name_, member_, kind_, ...)                                                          \
    {                                                                                              \
        .name = name_, .type = kind_, .offset = offsetof(t, is.member_),                           \
        .size = sizeof(((t *)0)->is.member_), .since = 1, __VA_ARGS__                              \
    }
#define RULE_FIELDS(t)                                                                                \
    IS(t, "hostname", hostname, FIELD_TEXT, .help = "exact or with a leading \"*.\""),                \
        IS(t, "path", path, FIELD_TEXT,                                                               \
           .help = "regular expression (RE2) found anywhere in the path: ^/api/"),                    \
        IS(t, "service", service, FIELD_TEXT,                                                         \
           .help = "https://localhost:8089, ssh://…, unix:/path, http_status:404, … \"\": where " \
                   "the tunnel's own route leads"),                                                   \
        IS(t, "no_tls_verify", origin.no_tls_verify, FIELD_BOOL,                                      \
           .help = "do not check the service's certificate"),                                         \
        IS(t, "origin_server_name", origin.origin_server_name, FIELD_TEXT,                            \
           .help = "name that the service's certificate must bear"),                                  \
        IS(t, "http_host_header", origin.http_host_header, FIELD_TEXT,                                \
           .help = "Host header that the service is sent"),                                           \
        IS(t, "connect_timeout_s", origin.connect_timeout_s, FIELD_U32, .min = 0, .max = 3600,        \
           .help = "to reach the service (30)"),                                                      \
        IS(t, "tls_timeout_s", origin.tls_timeout_s, FIELD_U32, .min = 0, .max = 3600,                \
           .help = "for its TLS handshake (10)"),                                                     \
        IS(t, "tcp_keep_alive_s", origin.tcp_keep_alive_s, FIELD_U32, .min = 0, .max = 86400,         \
           .help = "between keep-alives (30)"),                                                       \
        IS(t, "keep_alive_timeout_s", origin.keep_alive_timeout_s, FIELD_U32, .min = 0,               \
           .max = 86400, .help = "that an idle connection is kept (90)"),                             \
        IS(t, "keep_alive_connections", origin.keep_alive_connections, FIELD_U32, .min = 0,           \
           .max = 100000, .help = "idle connections that are kept (100)"),                            \
        IS(t, "http2_origin", origin.http2_origin, FIELD_BOOL, .help = "speak HTTP/2 to it"),         \
        IS(t, "disable_chunked_encoding", origin.disable_chunked_encoding, FIELD_BOOL,                \
           .help = "send it no chunked bodies"),                                                      \
        IS(t, "access_required", origin.access_required, FIELD_BOOL,                                  \
           .help = "let in only with a token of Cloudflare Access"),                                  \
        IS(t, "access_team", origin.access_team, FIELD_TEXT, .help = "the team's name at Access"),    \
        IS(t, "access_audiences", origin.access_audiences, FIELD_TEXT,                                \
           .help = "audience tags of Access applications, with commas"),                              \
        FIELD(t, note, FIELD_TEXT, .help = "what it is for")

struct rule_params {
    char id[96];
    uint32_t position;
    struct cloudflared_rule is;
    char note[96];
};
static const struct field create_rows[] = {
    FIELD(struct rule_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "tunnel: its id, number, name or host name"),
    FIELD(struct rule_params, position, FIELD_U32, .min = 1, .max = CLOUDFLARED_RULES_MAX,
          .help = "place in the list, from 1 (behind all, but before what would hide it)"),
    RULE_FIELDS(struct rule_params),
};
static const struct field update_rows[] = {
    FIELD(struct rule_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "which: its id"),
    FIELD(struct rule_params, position, FIELD_U32, .min = 1, .max = CLOUDFLARED_RULES_MAX,
          .help = "its new place in the list, from 1"),
    RULE_FIELDS(struct rule_params),
};

struct replace_params {
    char id[96];
    char config[49152];
};
static const struct field replace_rows[] = {
    FIELD(struct replace_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "tunnel: its id, number, name or host name"),
    FIELD(struct replace_params, config, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FREE,
          .help = "all rules, as config.yml or as JSON {\"ingress\":[…]}; the last catches all"),
};

struct route_params {
    char id[96];
    char service[160], path[160], catch_all[160];
    char origin_server_name[256], http_host_header[256];
    bool no_tls_verify;
};
static const struct field route_rows[] = {
    FIELD(struct route_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "tunnel: its id, number, name or host name"),
    FIELD(struct route_params, service, FIELD_TEXT,
          .help = "where its own route leads, if it stands alone"),
    FIELD(struct route_params, path, FIELD_TEXT,
          .help = "regular expression (RE2) of the paths of its own route"),
    FIELD(struct route_params, catch_all, FIELD_TEXT,
          .help = "what answers where no rule fits (http_status:404)"),
    FIELD(struct route_params, origin_server_name, FIELD_TEXT,
          .help = "name that its service's certificate must bear"),
    FIELD(struct route_params, http_host_header, FIELD_TEXT,
          .help = "Host header that its service is sent"),
    FIELD(struct route_params, no_tls_verify, FIELD_BOOL,
          .help = "do not check its service's certificate"),
};

/* A change of one tunnel's rules, from before to after. */
struct edit {
    struct tunnel tunnel;
    struct cloudflared_config before; /* only for a plan */
};

static int meaning(struct op_call *call, const struct tunnel *tunnel,
                   struct cloudflared_config *config, struct err *err)
{
    return shared_wanted(call->txn, tunnel, false, config, err);
}

static int edit_begin(struct op_call *call, const char *which, struct edit *e, struct err *err)
{
    memset(e, 0, sizeof *e);
    if (object_get(call, &tunnel_table, which, &e->tunnel, err) != 0)
        return -1;
    if (e->tunnel.state == TUNNEL_DELETED || e->tunnel.state == TUNNEL_DELETING)
        return err_set(err, ERR_CONFLICT, "tunnel_deleted", "tunnel %s is %s", e->tunnel.name,
                       tunnel_state_names[e->tunnel.state]);
    if (!str_equal(e->tunnel.ingress, "cloudflare")) {
        (void)err_set(err, ERR_CONFLICT, "no_rules_here",
                      "tunnel %s is a route of the box's own web server, which has one host name "
                      "and one service",
                      e->tunnel.name);
        return err_hint(err, "rules need a tunnel whose ingress is cloudflare");
    }
    if (e->tunnel.shared) {
        (void)err_set(err, ERR_CONFLICT, "tunnel_shared",
                      "the rules of the shared tunnel %s are those of the routes that go by it",
                      e->tunnel.name);
        return err_hint(err, "give the rule to one of these: sett tunnel list");
    }
    return call->planned == NULL ? 0 : meaning(call, &e->tunnel, &e->before, err);
}

/* The change is counted and its job started; a plan is shown what it comes to. */
static int edit_end(struct op_call *call, struct edit *e, struct err *err)
{
    struct cloudflared_config after = {0};
    struct job job = {0};
    int result = 0;

    (void)str_copy(job.actor, sizeof job.actor, call->actor.id);
    (void)str_copy(job.request_id, sizeof job.request_id, call->actor.request_id);
    if (rule_changed(call->txn, &e->tunnel, &job, err) == -1)
        return -1;
    if (call->planned != NULL) {
        if (str_equal(job.saga, "tunnel.configure"))
            *call->planned = job;
        result = meaning(call, &e->tunnel, &after, err);
        if (result == 0)
            rule_show_change(&e->before, &after, &call->preview);
        cloudflared_free(&after);
    }
    if (job.id[0] == '\0') {
        call->status = 200; /* it is not running: its next start brings them */
        return result;
    }
    (void)str_copy(call->job_id, sizeof call->job_id, job.id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job.id);
    call->wake = true;
    return result;
}

/* ---- reading ---- */

static int list_rules(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tunnel tunnel = {0};
    struct rule_list list;
    int result;

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0 ||
        rule_list(call->txn, &tunnel, &list, err) == -1)
        return -1;
    result = rule_show_list(call, &tunnel, &list, err);
    rule_list_free(&list);
    return result;
}

static int rule_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct rule rule = {0};

    if (object_get(call, &rule_table, p->id, &rule, err) != 0)
        return -1;
    return object_reply(call, &view_rule, &rule, err);
}

/* ---- changing ---- */

/* A host name that another tunnel serves leads there: its DNS record is that one's. */
static int host_free(struct op_call *call, const struct tunnel *tunnel, const struct rule *rule,
                     struct err *err)
{
    struct tunnel other = {0};
    struct scan scan;
    int got;

    if (rule->is.hostname[0] == '\0')
        return 0;
    if (custom_domain_free(call->txn, rule->is.hostname, tunnel->tenant_id, err) != 0)
        return -1;
    (void)str_copy(other.hostname, sizeof other.hostname, rule->is.hostname);
    if (scan_start(&scan, call->txn, &tunnel_table, "hostname", &other, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &other, err)) == 1)
        if (other.state != TUNNEL_DELETED && !str_equal(other.id, tunnel->id)) {
            err_set(err, ERR_CONFLICT, "hostname_taken", "%s is served by tunnel %s",
                    rule->is.hostname, other.name);
            (void)str_copy(err->field, sizeof err->field, "hostname");
            return -1;
        }
    return got;
}

static int create_rule(struct op_call *call, struct err *err)
{
    const struct rule_params *p = call->params;
    struct rule rule = {0};
    struct edit e;
    int result = -1;

    if (edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_fill(call, &rule_table, &rule);
    if (rule_check(&rule, err) == 0 && host_free(call, &e.tunnel, &rule, err) == 0 &&
        rule_new(call->txn, &e.tunnel, &rule,
                 op_given(call, "position") ? p->position : RULE_PLACE_END, err) == 0 &&
        edit_end(call, &e, err) == 0) {
        object_after(call, &rule_table, &rule);
        result = object_reply(call, &view_rule, &rule, err);
    }
    cloudflared_free(&e.before);
    return result;
}

static int take_rule(struct op_call *call, const char *id, struct rule *rule, struct edit *e,
                     struct err *err)
{
    memset(rule, 0, sizeof *rule);
    if (object_get(call, &rule_table, id, rule, err) != 0 ||
        object_match(call, &rule_table, rule, err) != 0)
        return -1;
    object_before(call, &rule_table, rule);
    return edit_begin(call, rule->tunnel_id, e, err);
}

static int update_rule(struct op_call *call, struct err *err)
{
    const struct rule_params *p = call->params;
    struct rule rule;
    struct edit e;
    int result = -1;

    if (take_rule(call, p->id, &rule, &e, err) == -1)
        return -1;
    object_fill(call, &rule_table, &rule);
    if (rule_check(&rule, err) == 0 && host_free(call, &e.tunnel, &rule, err) == 0 &&
        rule_put(call->txn, &rule, err) == 0 &&
        (!op_given(call, "position") ||
         rule_move(call->txn, &e.tunnel, &rule, p->position, err) == 0) &&
        record_get(call->txn, &rule_table, &rule, err) == 1 && edit_end(call, &e, err) == 0) {
        object_after(call, &rule_table, &rule);
        result = object_reply(call, &view_rule, &rule, err);
    }
    cloudflared_free(&e.before);
    return result;
}

static int delete_rule(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct rule rule;
    struct edit e;
    int result = -1;

    if (take_rule(call, p->id, &rule, &e, err) == -1)
        return -1;
    if (rule_delete(call->txn, &rule, err) == 0 && edit_end(call, &e, err) == 0) {
        object_after(call, &rule_table, NULL);
        result = object_reply(call, &view_rule, &rule, err);
    }
    cloudflared_free(&e.before);
    return result;
}

/* ---- all at once ---- */

/* Whether a rule of the new list is the tunnel's own route, whose service is not the list's to say.
 */
static bool is_own(const struct tunnel *tunnel, const struct cloudflared_rule *is)
{
    return tunnel_routed(tunnel) && str_equal(is->hostname, tunnel->hostname) &&
           str_equal(is->path, tunnel->path);
}

static int put_all(struct op_call *call, struct edit *e, const struct cloudflared_config *config,
                   struct err *err)
{
    struct rule_list old;
    uint32_t place = 1;
    bool own_seen = false;

    if (rule_list(call->txn, &e->tunnel, &old, err) == -1)
        return -1;
    for (uint32_t i = 0; i < old.count; i++)
        if (rule_delete(call->txn, &old.rules[i], err) == -1) {
            rule_list_free(&old);
            return -1;
        }
    rule_list_free(&old);
    e->tunnel.own_position = 0;
    for (uint32_t i = 0; i + 1 < config->count; i++, place++) {
        struct rule rule = {.is = config->rules[i]};
        if (is_own(&e->tunnel, &rule.is)) {
            own_seen = true;
            continue; /* it stands at the head of what follows already */
        }
        if (rule_check(&rule, err) == -1 || host_free(call, &e->tunnel, &rule, err) == -1 ||
            rule_new(call->txn, &e->tunnel, &rule,
                     tunnel_routed(&e->tunnel) && !own_seen ? place : RULE_PLACE_LAST, err) == -1)
            return -1;
    }
    if (str_copy(e->tunnel.catch_all, sizeof e->tunnel.catch_all,
                 config->rules[config->count - 1].service) == -1)
        return err_field(err, "config", "too_long", "the last rule's service is too long");
    if (str_equal(e->tunnel.catch_all, CLOUDFLARED_CATCH_ALL))
        e->tunnel.catch_all[0] = '\0';
    return 0;
}

static int replace_with(struct op_call *call, struct edit *e, const char *text, struct err *err)
{
    struct cloudflared_config config = {0};
    struct cloudflared_remarks remarks;
    int result = cloudflared_validate(text, strlen(text), &config, &remarks, err);

    if (result == 0 && remarks.unused > 0)
        result = err_field(err, "config", "unknown_keys", "cloudflared knows no %s",
                           remarks.unused_keys);
    if (result == 0)
        result = put_all(call, e, &config, err);
    if (result == 0)
        result = edit_end(call, e, err);
    cloudflared_free(&config);
    cloudflared_free(&e->before);
    if (result == -1)
        return -1;
    object_after(call, &tunnel_table, &e->tunnel);
    return object_reply(call, &view_tunnel, &e->tunnel, err);
}

static int replace_rules(struct op_call *call, struct err *err)
{
    const struct replace_params *p = call->params;
    struct edit e;

    if (edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_before(call, &tunnel_table, &e.tunnel);
    return replace_with(call, &e, p->config, err);
}

/* Back to what the connector goes by. */
static int revert_rules(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct edit e;
    struct buf text;
    int result = -1;

    if (edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_before(call, &tunnel_table, &e.tunnel);
    buf_init(&text, CLOUDFLARED_TEXT_MAX);
    if (rule_text_read(call->txn, e.tunnel.id, RULE_TEXT_IN_FORCE, &text, err) == -1)
        cloudflared_free(&e.before);
    else if (text.len == 0) {
        cloudflared_free(&e.before);
        (void)err_set(err, ERR_CONFLICT, "nothing_in_force",
                      "nothing was brought to tunnel %s yet: there is nothing to go back to",
                      e.tunnel.name);
    } else
        result = replace_with(call, &e, buf_string(&text), err);
    buf_free(&text);
    return result;
}

/* ---- the own route ---- */

static int check_route(const struct op_call *call, const struct tunnel *tunnel, struct err *err)
{
    struct rule own = {0}, last = {0};

    if (op_given(call, "service") && tunnel->tenant_id[0] != '\0')
        return err_field(err, "service", "service_of_tenant",
                         "tunnel %s leads to its tenant, whose port is not said here",
                         tunnel->name);
    (void)str_copy(last.is.service, sizeof last.is.service,
                   tunnel->catch_all[0] != '\0' ? tunnel->catch_all : CLOUDFLARED_CATCH_ALL);
    if (cloudflared_check_rule(&last.is, err) == -1) {
        (void)str_copy(err->field, sizeof err->field, "catch_all");
        return -1;
    }
    if (!tunnel_routed(tunnel))
        return 0;
    (void)str_copy(own.is.hostname, sizeof own.is.hostname, tunnel->hostname);
    (void)str_copy(own.is.path, sizeof own.is.path, tunnel->path);
    (void)str_copy(own.is.service, sizeof own.is.service, tunnel->service);
    return own.is.service[0] == '\0' ? err_field(err, "service", "required", "where is it to lead?")
                                     : rule_check(&own, err);
}

static int update_route(struct op_call *call, struct err *err)
{
    const struct route_params *p = call->params;
    struct edit e;
    int result = -1;

    if (edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_before(call, &tunnel_table, &e.tunnel);
    if (object_match(call, &tunnel_table, &e.tunnel, err) == 0) {
        object_fill(call, &tunnel_table, &e.tunnel);
        if (check_route(call, &e.tunnel, err) == 0 && edit_end(call, &e, err) == 0) {
            object_after(call, &tunnel_table, &e.tunnel);
            result = object_reply(call, &view_tunnel, &e.tunnel, err);
        }
    }
    cloudflared_free(&e.before);
    return result;
}

#define RESULT .result = &rule_table.fields, .more = &view_rule_more

const struct op rule_ops[] = {
    {.name = "rule.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "List a tunnel's ingress rules in their order, its own route among them",
     .example = "1",
     .run = list_rules},
    {.name = "rule.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show an ingress rule",
     .example = "rul_01hw3v7q2cfz8e5m1x9k4n6d7p",
     RESULT,
     .run = rule_show},
    {.name = "rule.create",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE,
     .params = PARAMS(create_rows, struct rule_params),
     .help = "Lead a host name or path of a tunnel to a service; connections stay",
     .example = "pbx --hostname pbx.example.com --path ^/ws --service https://localhost:8089 "
                "--no-tls-verify",
     RESULT,
     .run = create_rule},
    {.name = "rule.update",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(update_rows, struct rule_params),
     .help = "Change an ingress rule or its place; connections stay",
     .example = "rul_01hw3v7q2cfz8e5m1x9k4n6d7p --position 1",
     RESULT,
     .run = update_rule},
    {.name = "rule.delete",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Delete an ingress rule; connections stay",
     .example = "rul_01hw3v7q2cfz8e5m1x9k4n6d7p",
     RESULT,
     .run = delete_rule},
    {.name = "rule.replace",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(replace_rows, struct replace_params),
     .help = "Put a whole list in place of a tunnel's rules, all or nothing",
     .example = "pbx --config-file config.yml --dry-run",
     .result = &tunnel_table.fields,
     .run = replace_rules},
    {.name = "rule.revert",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Go back to the rules that are in force, where newer ones were refused",
     .example = "pbx",
     .result = &tunnel_table.fields,
     .run = revert_rules},
    {.name = "tunnel.update",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(route_rows, struct route_params),
     .help = "Change where a tunnel's own route leads, and what answers for the rest",
     .example = "pbx --service https://localhost:8090",
     .result = &tunnel_table.fields,
     .more = &view_tunnel_more,
     .run = update_route},
    {.name = NULL},
};
