/*
 * A tunnel's rules as one list: looked at before they are anybody's, put in place, gone back to.
 * Apart from single rules because here the list decides, and what it does not say stays as it was:
 * the own route's service, what follows it, what customers' domains have.
 */
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "json_out.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "rule_edit.h"
#include "rule_look.h"
#include "rule_past.h"
#include "rule_show.h"
#include "str.h"

struct replace_params {
    char id[96];
    char config[49152];
    uint64_t rules_wanted;
};
static const struct field replace_rows[] = {
    FIELD(struct replace_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "tunnel: its id, number, name or host name"),
    FIELD(struct replace_params, config, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FREE,
          .help = "all rules, as config.yml or as JSON {\"ingress\":[…]}; the last catches all"),
    FIELD(struct replace_params, rules_wanted, FIELD_U64,
          .help = "only while the tunnel has this rules_wanted: nobody changed them meanwhile"),
};

struct check_params {
    char id[96];
    char config[49152];
    char url[512];
};
static const struct field check_rows[] = {
    FIELD(struct check_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "tunnel: its id, number, name or host name"),
    FIELD(struct check_params, config, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FREE,
          .help = "all rules, as config.yml or as JSON {\"ingress\":[…]}; the last catches all"),
    FIELD(struct check_params, url, FIELD_TEXT,
          .help = "also say which of them this address would meet"),
};

struct revert_params {
    char id[96];
    uint32_t to;
};
static const struct field revert_rows[] = {
    FIELD(struct revert_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "tunnel: its id, number, name or host name"),
    FIELD(struct revert_params, to, FIELD_U32, .min = 1, .max = UINT32_MAX,
          .help = "a former version (rule versions); else what is in force"),
};

/* ---- looking ---- */

static int check_list(struct op_call *call, struct err *err)
{
    const struct check_params *p = call->params;
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0)
        return -1;
    return rule_look(call, &tunnel, p->config, p->url, err);
}

/* ---- putting in place ---- */

/* Each must be one that can be, whatever list it came in. */
static int check_each(struct op_call *call, const struct tunnel *tunnel,
                      const struct rule_list *list, struct err *err)
{
    char field[ERR_FIELD_SIZE];

    for (uint32_t i = 0; i < list->count; i++) {
        if (rule_check(&list->rules[i], err) == 0 &&
            rule_edit_host_free(call, tunnel, &list->rules[i], err) == 0)
            continue;
        if (err != NULL && err->field[0] != '\0') {
            memcpy(field, err->field, sizeof field);
            (void)str_format(err->field, sizeof err->field, "ingress[%u].%s",
                             rule_look_position(tunnel, list, i) - 1, field);
        }
        return -1;
    }
    return 0;
}

static int put_list(struct op_call *call, struct rule_edit *e, struct rule_list *list,
                    struct err *err)
{
    if (check_each(call, &e->tunnel, list, err) == -1 ||
        rule_replace(call->txn, &e->tunnel, list->rules, list->count, list->own, err) == -1)
        return -1;
    return rule_edit_end(call, e, err);
}

static int replace_with(struct op_call *call, struct rule_edit *e, const char *text,
                        struct err *err)
{
    struct cloudflared_config config = {0};
    struct cloudflared_remarks remarks;
    struct rule_list list = {0};
    int result = cloudflared_validate(text, strlen(text), &config, &remarks, err);

    if (result == 0 && remarks.unused > 0)
        result = err_field(err, "config", "unknown_keys", "cloudflared knows no %s",
                           remarks.unused_keys);
    if (result == 0 && (result = rule_look_read(call, &e->tunnel, &config, &list, err)) == 0 &&
        (result = rule_look_last(&e->tunnel, &config, err)) == 0)
        result = put_list(call, e, &list, err);
    rule_list_free(&list);
    cloudflared_free(&config);
    return result;
}

static int finish(struct op_call *call, struct rule_edit *e, int result, struct err *err)
{
    cloudflared_free(&e->before);
    if (result == -1)
        return -1;
    object_after(call, &tunnel_table, &e->tunnel);
    return object_reply(call, &view_tunnel, &e->tunnel, err);
}

static int replace_rules(struct op_call *call, struct err *err)
{
    const struct replace_params *p = call->params;
    struct rule_edit e;
    int result = -1;

    if (rule_edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_before(call, &tunnel_table, &e.tunnel);
    if (op_given(call, "rules_wanted") && p->rules_wanted != e.tunnel.rules_wanted) {
        (void)err_set(err, ERR_PRECONDITION, "rules_changed",
                      "the rules of tunnel %s were changed since they were read", e.tunnel.name);
        (void)err_hint(err, "read them again and repeat the change");
    } else {
        result = replace_with(call, &e, p->config, err);
    }
    return finish(call, &e, result, err);
}

/* ---- going back ---- */

/* What its own route was is taken over but for what is not the operator's to say. */
static void own_route_back(struct tunnel *tunnel, const struct rule_past *head)
{
    memcpy(tunnel->catch_all, head->catch_all, sizeof tunnel->catch_all);
    if (!tunnel_routed(tunnel))
        return;
    (void)str_copy(tunnel->path, sizeof tunnel->path, head->is.path);
    tunnel->no_tls_verify = head->is.origin.no_tls_verify;
    memcpy(tunnel->origin_server_name, head->is.origin.origin_server_name,
           sizeof tunnel->origin_server_name);
    memcpy(tunnel->http_host_header, head->is.origin.http_host_header,
           sizeof tunnel->http_host_header);
    if (tunnel->tenant_id[0] == '\0')
        (void)str_copy(tunnel->service, sizeof tunnel->service, head->is.service);
}

static int to_version(struct op_call *call, struct rule_edit *e, uint32_t version, struct err *err)
{
    struct rule_list list = {0};
    struct rule_past head;
    int result = rule_past_head(call->txn, e->tunnel.id, version, &head, err);

    if (result == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "version_not_found",
                      "version %u of the rules of tunnel %s is not kept", version, e->tunnel.name);
        return err_hint(err, "sett rule versions %s", e->tunnel.name);
    }
    if (result == -1 || rule_past_read(call->txn, &head, &list, err) == -1)
        return -1;
    own_route_back(&e->tunnel, &head);
    result = rule_look_domains(call, &e->tunnel, &list, err);
    if (result == 0)
        result = put_list(call, e, &list, err);
    rule_list_free(&list);
    return result;
}

static int to_what_is_in_force(struct op_call *call, struct rule_edit *e, struct err *err)
{
    struct buf text;
    int result = -1;

    buf_init(&text, CLOUDFLARED_TEXT_MAX);
    if (rule_text_read(call->txn, e->tunnel.id, RULE_TEXT_IN_FORCE, &text, err) == 0) {
        if (text.len == 0)
            (void)err_set(err, ERR_CONFLICT, "nothing_in_force",
                          "nothing was brought to tunnel %s yet: there is nothing to go back to",
                          e->tunnel.name);
        else
            result = replace_with(call, e, buf_string(&text), err);
    }
    buf_free(&text);
    return result;
}

static int revert_rules(struct op_call *call, struct err *err)
{
    const struct revert_params *p = call->params;
    struct rule_edit e;
    int result;

    if (rule_edit_begin(call, p->id, &e, err) == -1)
        return -1;
    object_before(call, &tunnel_table, &e.tunnel);
    result = op_given(call, "to") ? to_version(call, &e, p->to, err)
                                  : to_what_is_in_force(call, &e, err);
    return finish(call, &e, result, err);
}

/* ---- former versions ---- */

/* What would change if one went back to it. */
static int show_version(struct op_call *call, const struct tunnel *tunnel,
                        const struct cloudflared_config *now, const struct rule_past *head,
                        struct err *err)
{
    struct cloudflared_config then = {0};
    struct tunnel was = *tunnel;
    struct rule_list list;
    struct json_out *j = call->out;
    int result;

    if (rule_past_read(call->txn, head, &list, err) == -1)
        return -1;
    own_route_back(&was, head);
    if ((result = rule_look_domains(call, &was, &list, err)) == 0 &&
        (result = rule_config(&list, &was, false, &then, err)) == 0 &&
        (result = guard_doors(call->txn, was.tenant_id, &then, 0, err)) == 0) {
        json_out_object(j);
        json_out_key_text(j, "object", "rule_version");
        json_out_key_u64(j, "version", head->version);
        json_out_key_u64(j, "rules", head->rules);
        json_out_key_text(j, "changed_by", head->actor);
        result = view_actor(call, head->actor, j, err);
        json_out_key_time(j, "changed_at", head->ended_at);
        json_out_key(j, "changes");
        rule_show_changes(now, &then, j);
        json_out_end_object(j);
    }
    cloudflared_free(&then);
    rule_list_free(&list);
    return result;
}

static int list_versions(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct cloudflared_config now = {0};
    struct tunnel tunnel = {0};
    struct rule_past head;
    struct json_out *j = call->out;
    uint32_t newest = 0;
    char url[128];
    int found = 1;

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0 ||
        rule_past_newest(call->txn, tunnel.id, &newest, err) == -1)
        return -1;
    if (newest > 0 && rule_edit_meaning(call, &tunnel, &now, err) == -1) {
        cloudflared_free(&now);
        return -1;
    }
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (uint32_t i = 0; found == 1 && i < RULE_PASTS_KEPT && i < newest; i++) {
        found = rule_past_head(call->txn, tunnel.id, newest - i, &head, err);
        if (found == 1 && show_version(call, &tunnel, &now, &head, err) == -1)
            found = -1;
    }
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    (void)str_format(url, sizeof url, "/api/tunnels/%s/rules/versions", tunnel.id);
    json_out_key_text(j, "url", url);
    json_out_end_object(j);
    cloudflared_free(&now);
    return found == -1 ? -1 : 0;
}

const struct op rule_all_ops[] = {
    {.name = "rule.check",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(check_rows, struct check_params),
     .help = "Say all that is wrong with a list of rules for a tunnel, and what it would change",
     .example = "pbx --config-file config.yml --url https://pbx.example.com/ws",
     .run = check_list},
    {.name = "rule.replace",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(replace_rows, struct replace_params),
     .help = "Put a whole list in place of a tunnel's rules, all or nothing",
     .example = "pbx --config-file config.yml --dry-run",
     .result = &tunnel_table.fields,
     .run = replace_rules},
    {.name = "rule.versions",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "List former versions of a tunnel's rules: who changed them, what going back changes",
     .example = "pbx",
     .run = list_versions},
    {.name = "rule.revert",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(revert_rows, struct revert_params),
     .help = "Go back to a former version of the rules, or to those in force if newer ones were "
             "refused",
     .example = "pbx --to 3 --dry-run",
     .result = &tunnel_table.fields,
     .run = revert_rules},
    {.name = NULL},
};
