/*
 * Lists of rules, looked at. Apart from putting them in place because an editor asks while somebody
 * types, and is told everything at once instead of the first fault.
 */
#include "rule_look.h"

#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "json_out.h"
#include "rule_edit.h"
#include "rule_show.h"
#include "str.h"

#define FAULTS_OF_A_RULE 6

/* ---- reading ---- */

static const struct rule *twin(const struct rule_list *list, const struct cloudflared_rule *is)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (str_equal(list->rules[i].is.hostname, is->hostname) &&
            str_equal(list->rules[i].is.path, is->path))
            return &list->rules[i];
    return NULL;
}

static bool of_domain(const struct rule *rule)
{
    return str_starts(rule->note, RULE_NOTE_DOMAIN);
}

static int add(struct rule_list *list, const struct rule *rule, struct err *err)
{
    struct rule *grown;
    uint32_t room = list->room == 0 ? 8 : list->room * 2;

    if (list->count == list->room) {
        if ((grown = realloc(list->rules, room * sizeof *grown)) == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a tunnel's rules");
        list->rules = grown;
        list->room = room;
    }
    list->rules[list->count++] = *rule;
    return 0;
}

/* What stands in the configuration because the tenant's access wants it is left out. */
static int without_door(struct op_call *call, const struct tunnel *tunnel,
                        struct cloudflared_rule *is, struct err *err)
{
    struct cloudflared_rule plain = *is, asked;
    struct cloudflared_config one = {.rules = &asked, .count = 1, .room = 1};

    plain.origin.access_required = false;
    plain.origin.access_team[0] = plain.origin.access_audiences[0] = '\0';
    asked = plain;
    if (guard_doors(call->txn, tunnel->tenant_id, &one, 0, err) == -1)
        return -1;
    if (cloudflared_same_rule(&asked, is))
        *is = plain;
    return 0;
}

/* Where the tunnel's own route leads, as a configuration says it. */
static bool leads_home(const struct tunnel *tunnel, const char *service)
{
    return str_equal(service, tunnel->service[0] != '\0' ? tunnel->service : CLOUDFLARED_CATCH_ALL);
}

static int read_rule(struct op_call *call, const struct tunnel *tunnel, const struct rule_list *old,
                     const struct cloudflared_rule *is, struct rule_list *list, struct err *err)
{
    struct rule rule = {.is = *is};
    const struct rule *was = twin(old, is);

    if (without_door(call, tunnel, &rule.is, err) == -1)
        return -1;
    if (was != NULL) {
        memcpy(rule.note, was->note, sizeof rule.note);
        if (was->is.service[0] == '\0' && leads_home(tunnel, is->service)) {
            rule.is.service[0] = '\0';
            rule.is.origin.no_tls_verify = was->is.origin.no_tls_verify;
        }
    }
    return add(list, &rule, err);
}

static int add_domains(const struct rule_list *old, struct rule_list *list, struct err *err)
{
    for (uint32_t i = 0; i < old->count; i++)
        if (of_domain(&old->rules[i]) && twin(list, &old->rules[i].is) == NULL &&
            add(list, &old->rules[i], err) == -1)
            return -1;
    return 0;
}

int rule_look_read(struct op_call *call, const struct tunnel *tunnel,
                   const struct cloudflared_config *config, struct rule_list *list, struct err *err)
{
    struct rule_list old;
    bool own_seen = !tunnel_routed(tunnel);
    int result = rule_list(call->txn, tunnel, &old, err);

    *list = (struct rule_list){.count = 0};
    for (uint32_t i = 0; result == 0 && i + 1 < config->count; i++) {
        const struct cloudflared_rule *is = &config->rules[i];
        if (!own_seen && str_equal(is->hostname, tunnel->hostname) &&
            str_equal(is->path, tunnel->path)) {
            own_seen = true; /* where it leads is not the list's to say */
            list->own = list->count;
        } else {
            result = read_rule(call, tunnel, &old, is, list, err);
        }
    }
    if (!own_seen)
        list->own = list->count;
    if (result == 0)
        result = add_domains(&old, list, err);
    rule_list_free(&old);
    if (result == -1)
        rule_list_free(list);
    return result;
}

int rule_look_domains(struct op_call *call, const struct tunnel *tunnel, struct rule_list *list,
                      struct err *err)
{
    struct rule_list now;
    uint32_t kept = 0, own = list->own;
    int result;

    if (rule_list(call->txn, tunnel, &now, err) == -1)
        return -1;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct rule *is = twin(&now, &list->rules[i].is);
        if (of_domain(&list->rules[i]) &&
            (is == NULL || !str_equal(is->note, list->rules[i].note))) {
            list->own -= i < own; /* its domain is gone */
            continue;
        }
        list->rules[kept++] = list->rules[i];
    }
    list->count = kept;
    result = add_domains(&now, list, err);
    rule_list_free(&now);
    return result;
}

int rule_look_last(struct tunnel *tunnel, const struct cloudflared_config *config, struct err *err)
{
    const struct cloudflared_rule *last = &config->rules[config->count - 1];

    if (!cloudflared_plain(&last->origin))
        return err_field(err, "config", "catch_all_options",
                         "the last rule has options, which sett would not keep");
    if (str_copy(tunnel->catch_all, sizeof tunnel->catch_all, last->service) == -1)
        return err_field(err, "config", "too_long", "the last rule's service is too long");
    if (str_equal(tunnel->catch_all, CLOUDFLARED_CATCH_ALL))
        tunnel->catch_all[0] = '\0';
    return 0;
}

uint32_t rule_look_position(const struct tunnel *tunnel, const struct rule_list *list, uint32_t i)
{
    return i + 1 + (tunnel_routed(tunnel) && i >= list->own);
}

/* ---- what is wrong ---- */

struct look {
    struct op_call *call;
    const struct tunnel *tunnel;
    struct rule_list list;
    unsigned errors;
};

/* Position 0: it is about the list. */
static void say(struct look *l, uint32_t position, const struct err *what)
{
    struct json_out *j = l->call->out;

    json_out_object(j);
    json_out_key(j, "position");
    if (position == 0)
        json_out_null(j);
    else
        json_out_u64(j, position);
    json_out_key_text(j, "field", what->field);
    json_out_key_text(j, "code", what->code);
    json_out_key_text(j, "detail", what->text);
    json_out_key_text(j, "hint", what->hint);
    json_out_end_object(j);
}

/* What is wrong is put right in a copy, so that the next look finds what else is. */
static void mend(struct rule *rule, const char *field)
{
    if (str_equal(field, "service"))
        (void)str_copy(rule->is.service, sizeof rule->is.service, CLOUDFLARED_CATCH_ALL);
    else if (str_equal(field, "path"))
        rule->is.path[0] = '\0';
    else if (str_equal(field, "access_team"))
        (void)str_copy(rule->is.origin.access_team, sizeof rule->is.origin.access_team, "team");
    else
        (void)str_copy(rule->is.hostname, sizeof rule->is.hostname, "mended.example");
}

static void fault(struct look *l, uint32_t position, const struct err *what)
{
    l->errors++;
    say(l, position, what);
}

static void check_one(struct look *l, uint32_t position, const struct rule *rule)
{
    struct rule copy = *rule;
    struct err err = {0};

    for (unsigned i = 0; i < FAULTS_OF_A_RULE && rule_check(&copy, &err) == -1; i++) {
        fault(l, position, &err);
        mend(&copy, err.field);
    }
}

/* The rule that catches all: its service can be one, and it has nothing that would be lost. */
static void check_last(struct look *l, const struct cloudflared_config *config)
{
    const struct cloudflared_rule *last = &config->rules[config->count - 1];
    struct rule rule = {.is = {.hostname = "all.example"}};
    struct tunnel tunnel = *l->tunnel;
    struct err err = {0};

    memcpy(rule.is.service, last->service, sizeof rule.is.service);
    if (!cloudflared_catches_all(last)) {
        (void)err_field(&err, "hostname", "no_catch_all",
                        "the last rule must have neither host name nor path: it answers what no "
                        "other rule meets");
        fault(l, config->count, &err);
    }
    if (rule.is.service[0] == '\0') {
        (void)err_field(&err, "service", "required", "where is it to lead?");
        fault(l, config->count, &err);
    } else {
        check_one(l, config->count, &rule);
    }
    if (rule_look_last(&tunnel, config, &err) == -1) {
        (void)str_copy(err.field, sizeof err.field, "service");
        fault(l, config->count, &err);
    }
}

static int check_rules(struct look *l, struct err *err)
{
    struct op_call *call = l->call;

    for (uint32_t i = 0; i < l->list.count; i++) {
        const struct rule *rule = &l->list.rules[i];
        uint32_t position = rule_look_position(l->tunnel, &l->list, i);
        struct err why = {0};

        check_one(l, position, rule);
        if (rule_edit_host_free(call, l->tunnel, rule, &why) == 0)
            continue;
        if (why.kind != ERR_CONFLICT) {
            *err = why;
            return -1;
        }
        (void)str_copy(why.field, sizeof why.field, "hostname");
        fault(l, position, &why);
    }
    return 0;
}

/* A fault of the text as a whole: cloudflared's words name the place, if there is one. */
static void fault_of_text(struct look *l, struct err *why)
{
    const char *at = why->field + strlen("ingress["), *rest;
    char digits[8], field[ERR_FIELD_SIZE];
    uint64_t n = 0;

    if (str_starts(why->field, "ingress[") && (rest = strchr(at, ']')) != NULL &&
        str_copy_n(digits, sizeof digits, at, (size_t)(rest - at)) == 0 &&
        str_u64(digits, 0, CLOUDFLARED_RULES_MAX, &n) == 0) {
        (void)str_copy(field, sizeof field, rest[1] == '.' ? rest + 2 : "");
        memcpy(why->field, field, sizeof field);
        fault(l, (uint32_t)n + 1, why);
        return;
    }
    fault(l, 0, why);
}

/* ---- what will never be met ---- */

/* The rule before this one that meets all that it would; 0: none. */
static uint32_t hidden_by(const struct look *l, uint32_t i)
{
    const struct cloudflared_rule *is = &l->list.rules[i].is;

    for (uint32_t k = 0; k < i; k++) {
        if (k == l->list.own && tunnel_routed(l->tunnel) &&
            rule_covers(l->tunnel->hostname, l->tunnel->path, is))
            return rule_look_position(l->tunnel, &l->list, k) - 1;
        if (rule_covers(l->list.rules[k].is.hostname, l->list.rules[k].is.path, is))
            return rule_look_position(l->tunnel, &l->list, k);
    }
    if (i == l->list.own && tunnel_routed(l->tunnel) &&
        rule_covers(l->tunnel->hostname, l->tunnel->path, is))
        return i + 1;
    return 0;
}

static void warn(struct look *l, const struct cloudflared_config *config,
                 const struct cloudflared_remarks *remarks)
{
    struct err what = {0};

    if (remarks->unused > 0) {
        (void)err_field(&what, "config", "unknown_keys", "cloudflared knows no %s",
                        remarks->unused_keys);
        say(l, 0, &what);
    }
    for (uint32_t i = 0; config->count > 0 && i < l->list.count; i++) {
        uint32_t by = hidden_by(l, i);
        if (by == 0)
            continue;
        (void)err_field(&what, "hostname", "never_met",
                        "rule %u meets whatever this one would: it is never met", by);
        (void)err_hint(&what, "move it before that one");
        say(l, rule_look_position(l->tunnel, &l->list, i), &what);
    }
}

/* ---- what it comes to ---- */

static int show_outcome(struct look *l, const struct cloudflared_config *config, const char *url,
                        struct err *err)
{
    struct cloudflared_config before = {0}, after = {0};
    struct tunnel tunnel = *l->tunnel;
    struct json_out *j = l->call->out;
    struct err why = {0};
    int met = -1;
    int result = rule_edit_meaning(l->call, l->tunnel, &before, err);

    (void)rule_look_last(&tunnel, config, &why);
    if (result == 0 && (result = rule_config(&l->list, &tunnel, false, &after, err)) == 0)
        result = guard_doors(l->call->txn, tunnel.tenant_id, &after, 0, err);
    if (result == 0) {
        json_out_key(j, "changes");
        rule_show_changes(&before, &after, j);
        json_out_key_bool(j, "same", cloudflared_same(&before, &after));
        json_out_key(j, "match");
        if (url[0] == '\0' || (met = cloudflared_match(&after, url, &why)) == -1) {
            json_out_null(j);
            json_out_key_text(j, "match_error", url[0] == '\0' ? "" : why.text);
        } else {
            json_out_object(j);
            json_out_key_u64(j, "position", (uint64_t)met + 1);
            json_out_key_text(j, "service", after.rules[met].service);
            json_out_key_bool(j, "catch_all", (uint32_t)met + 1 == after.count);
            json_out_end_object(j);
            json_out_key_text(j, "match_error", "");
        }
    }
    cloudflared_free(&before);
    cloudflared_free(&after);
    return result;
}

static int show_faults(struct look *l, const struct cloudflared_config *config, struct err *unread,
                       struct err *err)
{
    struct err none = {0};

    if (unread->kind != ERR_NONE) {
        fault_of_text(l, unread);
        return 0;
    }
    if (config->count == 0) {
        (void)err_field(&none, "config", "no_rules", "there is no rule, not even a last one");
        fault(l, 0, &none);
        return 0;
    }
    if (check_rules(l, err) == -1)
        return -1;
    check_last(l, config);
    return 0;
}

int rule_look(struct op_call *call, const struct tunnel *tunnel, const char *text, const char *url,
              struct err *err)
{
    struct look l = {.call = call, .tunnel = tunnel};
    struct cloudflared_config config = {0};
    struct cloudflared_remarks remarks;
    struct err unread = {0};
    struct json_out *j = call->out;
    int result = 0;

    if (cloudflared_read(text, strlen(text), &config, &remarks, &unread) == -1)
        cloudflared_free(&config);
    else if (config.count > 0)
        result = rule_look_read(call, tunnel, &config, &l.list, err);
    if (result == 0) {
        json_out_object(j);
        json_out_key_text(j, "object", "rule_check");
        json_out_key_text(j, "tunnel_id", tunnel->id);
        json_out_key(j, "errors");
        json_out_array(j);
        result = show_faults(&l, &config, &unread, err);
        json_out_end_array(j);
        json_out_key_bool(j, "valid", l.errors == 0);
        json_out_key(j, "warnings");
        json_out_array(j);
        warn(&l, &config, &remarks);
        json_out_end_array(j);
    }
    if (result == 0 && config.count > 0)
        result = show_outcome(&l, &config, url, err);
    if (result == 0)
        json_out_end_object(j);
    rule_list_free(&l.list);
    cloudflared_free(&config);
    return result;
}
