/*
 * A tunnel's ingress rules: what a person may say of them. Each change is one commit with the job
 * that brings it about; a plan shows the whole list before and after.
 */
#include "rule.h"
#include "shared.h"

#include <stdlib.h>

#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "rule_edit.h"
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

static int create_rule(struct op_call *call, struct err *err)
{
    const struct rule_params *p = call->params;
    struct rule rule = {0};
    struct rule_edit e;
    int result = -1;

    if (rule_edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_fill(call, &rule_table, &rule);
    if (rule_check(&rule, err) == 0 && rule_edit_host_free(call, &e.tunnel, &rule, err) == 0 &&
        rule_new(call->txn, &e.tunnel, &rule,
                 op_given(call, "position") ? p->position : RULE_PLACE_END, err) == 0 &&
        rule_edit_end(call, &e, err) == 0) {
        object_after(call, &rule_table, &rule);
        result = object_reply(call, &view_rule, &rule, err);
    }
    cloudflared_free(&e.before);
    return result;
}

static int take_rule(struct op_call *call, const char *id, struct rule *rule, struct rule_edit *e,
                     struct err *err)
{
    memset(rule, 0, sizeof *rule);
    if (object_get(call, &rule_table, id, rule, err) != 0 ||
        object_match(call, &rule_table, rule, err) != 0)
        return -1;
    object_before(call, &rule_table, rule);
    return rule_edit_begin(call, rule->tunnel_id, e, err);
}

static int update_rule(struct op_call *call, struct err *err)
{
    const struct rule_params *p = call->params;
    struct rule rule;
    struct rule_edit e;
    int result = -1;

    if (take_rule(call, p->id, &rule, &e, err) == -1)
        return -1;
    object_fill(call, &rule_table, &rule);
    if (rule_check(&rule, err) == 0 && rule_edit_host_free(call, &e.tunnel, &rule, err) == 0 &&
        rule_put(call->txn, &rule, err) == 0 &&
        (!op_given(call, "position") ||
         rule_move(call->txn, &e.tunnel, &rule, p->position, err) == 0) &&
        record_get(call->txn, &rule_table, &rule, err) == 1 && rule_edit_end(call, &e, err) == 0) {
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
    struct rule_edit e;
    int result = -1;

    if (take_rule(call, p->id, &rule, &e, err) == -1)
        return -1;
    if (rule_delete(call->txn, &rule, err) == 0 && rule_edit_end(call, &e, err) == 0) {
        object_after(call, &rule_table, NULL);
        result = object_reply(call, &view_rule, &rule, err);
    }
    cloudflared_free(&e.before);
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
    struct rule_edit e;
    int result = -1;

    if (rule_edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_before(call, &tunnel_table, &e.tunnel);
    if (object_match(call, &tunnel_table, &e.tunnel, err) == 0) {
        object_fill(call, &tunnel_table, &e.tunnel);
        if (check_route(call, &e.tunnel, err) == 0 && rule_edit_end(call, &e, err) == 0) {
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
