/*
 * Rules: their table, their order, and what a tunnel's records mean as one configuration. Apart
 * from tunnels because most tunnels have none.
 */
#include "rule.h"

#include <stdlib.h>
#include <string.h>

#include "job_start.h"
#include "rule_past.h"
#include "shared.h"
#include "str.h"
#include "url.h"

static const struct field rows[] = {
    FIELD(struct rule, id, FIELD_ID, .ref_prefix = "rul"),
    FIELD(struct rule, tunnel_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tun"),
    FIELD(struct rule, position, FIELD_U32, .flags = FIELD_HIDDEN),
    RULE_IS_FIELDS(struct rule),
    FIELD(struct rule, note, FIELD_TEXT, .help = "what it is for"),
    FIELD(struct rule, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct rule, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "by_place", .id = 179, .fields = {"tunnel_id", "position"}},
    {.name = "hostname", .id = 180, .sparse = true, .fields = {"hostname"}},
};

const struct table rule_table = {
    .name = "rules",
    .noun = "rule",
    .id = 23,
    .version = 1,
    .prefix = "rul",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct rule)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "rule", .about = "tunnel_id"},
};

/* ---- what may be one ---- */

/* The schemes of services that sett knows; cloudflared takes any other for raw TCP. */
static const char *const schemes[] = {"http", "https", "ws",  "wss", "tcp",
                                      "ssh",  "rdp",   "smb", NULL};

static int check_scheme(const char *service, struct err *err)
{
    struct url_parts parts;

    if (url_split(service, &parts) == -1 || parts.host_len == 0) /* a word, or a socket's path */
        return 0;
    for (size_t i = 0; schemes[i] != NULL; i++)
        if (strlen(schemes[i]) == parts.scheme_len &&
            memcmp(schemes[i], service, parts.scheme_len) == 0)
            return 0;
    (void)err_field(err, "service", "bad_scheme",
                    "%.100s: a service begins with http, https, ws, wss, tcp, ssh, rdp or smb",
                    service);
    return err_hint(err, "or is unix:/path, unix+tls:/path, http_status:404, hello_world, bastion "
                         "or socks-proxy");
}

/* What the DNS could hold, Unicode included. */
static int check_hostname(const char *hostname, struct err *err)
{
    const char *host = str_starts(hostname, "*.") ? hostname + 2 : hostname;
    char plain[256];
    size_t label = 0;

    if (hostname[0] == '\0')
        return 0;
    if (strchr(host, '*') != NULL || url_punycode(host, plain, sizeof plain) == -1)
        return err_field(err, "hostname", "bad_hostname",
                         "a host name is exact, or *. and a host name");
    for (const char *c = plain;; c++) {
        bool end = *c == '.' || *c == '\0';
        if (end ? label == 0 || label > 63
                : !(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && *c != '-' && *c != '_')
            return err_field(err, "hostname", "bad_hostname", "%.100s is not a host name",
                             hostname);
        label = end ? 0 : label + 1;
        if (*c == '\0')
            return 0;
    }
}

int rule_check(const struct rule *rule, struct err *err)
{
    struct cloudflared_rule is = rule->is;

    if (is.hostname[0] == '\0' && is.path[0] == '\0')
        return err_field(err, "hostname", "required",
                         "a rule needs a host name or a path: what nothing else meets is answered "
                         "by the tunnel's catch_all");
    if (is.service[0] == '\0') /* the tunnel's own, which was checked there */
        (void)str_copy(is.service, sizeof is.service, CLOUDFLARED_CATCH_ALL);
    if (check_hostname(is.hostname, err) == -1 || cloudflared_check_rule(&is, err) == -1)
        return -1;
    return check_scheme(is.service, err);
}

/* ---- order ---- */

void rule_list_free(struct rule_list *list)
{
    free(list->rules);
    memset(list, 0, sizeof *list);
}

static int list_add(struct rule_list *list, const struct rule *rule, struct err *err)
{
    uint32_t room = list->room == 0 ? 8 : list->room * 2;
    struct rule *grown;

    if (list->count == list->room) {
        if (list->count >= CLOUDFLARED_RULES_MAX ||
            (grown = realloc(list->rules, room * sizeof *grown)) == NULL)
            return err_set(err, ERR_QUOTA, "rules_full", "a tunnel has at most %u rules",
                           CLOUDFLARED_RULES_MAX);
        list->rules = grown;
        list->room = room;
    }
    list->rules[list->count++] = *rule;
    return 0;
}

int rule_list(struct txn *txn, const struct tunnel *tunnel, struct rule_list *list, struct err *err)
{
    struct rule rule = {0};
    struct scan scan;
    int got;

    memset(list, 0, sizeof *list);
    (void)str_copy(rule.tunnel_id, sizeof rule.tunnel_id, tunnel->id);
    if (scan_start(&scan, txn, &rule_table, "by_place", &rule, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &rule, err)) == 1) {
        if (list_add(list, &rule, err) == -1) {
            got = -1;
            break;
        }
        if (rule.position < tunnel->own_position)
            list->own = list->count;
    }
    if (got == -1)
        rule_list_free(list);
    return got;
}

bool rule_covers(const char *host_a, const char *path_a, const struct cloudflared_rule *b)
{
    bool host = host_a[0] == '\0' || str_equal(host_a, b->hostname) ||
                (b->hostname[0] != '\0' && cloudflared_host_matches(host_a, b->hostname));

    return host && (path_a[0] == '\0' || str_equal(path_a, b->path));
}

/* The place, from 0, before which a new rule is not met in vain. The own route counts. */
static uint32_t best_place(const struct rule_list *list, const struct tunnel *tunnel,
                           const struct rule *rule)
{
    uint32_t place = 0;

    for (uint32_t i = 0; i <= list->count; i++) {
        if (i == list->own && tunnel_routed(tunnel)) {
            if (rule_covers(tunnel->hostname, tunnel->path, &rule->is))
                return place;
            place++;
        }
        if (i == list->count)
            break;
        if (rule_covers(list->rules[i].is.hostname, list->rules[i].is.path, &rule->is))
            return place;
        place++;
    }
    return place;
}

/* Give all their positions anew: ${rule} goes to ${place} (from 0, the own route counting), those
 * that have changed are stored, but for ${rule} itself. */
static int arrange(struct txn *txn, struct tunnel *tunnel, const struct rule_list *list,
                   struct rule *rule, uint32_t place, struct err *err)
{
    uint32_t position = 1, at = 0;
    bool routed = tunnel_routed(tunnel), placed = false;

    for (uint32_t i = 0; i <= list->count; i++) {
        if (i == list->own) {
            if (!placed && at == place) {
                rule->position = position++;
                placed = true;
            }
            tunnel->own_position = position++;
            at += routed;
        }
        if (i < list->count && str_equal(list->rules[i].id, rule->id))
            continue;
        if (!placed && (at >= place || i == list->count)) {
            rule->position = position++;
            placed = true;
        }
        if (i == list->count)
            break;
        at++;
        if (list->rules[i].position != position) {
            list->rules[i].position = position;
            if (record_put(txn, &rule_table, &list->rules[i], err) == -1)
                return -1;
        }
        position++;
    }
    return 0;
}

static int refuse_twin(const struct rule_list *list, const struct tunnel *tunnel,
                       const struct rule *rule, struct err *err)
{
    if (tunnel_routed(tunnel) && str_equal(tunnel->hostname, rule->is.hostname) &&
        str_equal(tunnel->path, rule->is.path))
        return err_set(err, ERR_CONFLICT, "rule_exists", "the tunnel's own route serves %s already",
                       rule->is.hostname);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct rule *other = &list->rules[i];
        if (!str_equal(other->id, rule->id) && str_equal(other->is.hostname, rule->is.hostname) &&
            str_equal(other->is.path, rule->is.path))
            return err_set(err, ERR_CONFLICT, "rule_exists",
                           "rule %s is for that host name and path already", other->id);
    }
    return 0;
}

/* Behind all of them, without reading each: lists of hundreds are put down in one commit. */
static int place_last(struct txn *txn, const struct tunnel *tunnel, struct rule *rule,
                      struct err *err)
{
    struct rule last = {0};
    struct scan scan;
    int64_t count;
    int got;

    (void)str_copy(last.tunnel_id, sizeof last.tunnel_id, tunnel->id);
    if (scan_start(&scan, txn, &rule_table, "by_place", &last, 1, false, err) == -1 ||
        (count = scan_count(&scan, err)) == -1)
        return -1;
    if (count + 2 > CLOUDFLARED_RULES_MAX)
        return err_set(err, ERR_QUOTA, "rules_full", "a tunnel has at most %u rules",
                       CLOUDFLARED_RULES_MAX);
    if (scan_start(&scan, txn, &rule_table, "by_place", &last, 1, true, err) == -1 ||
        (got = scan_next(&scan, &last, err)) == -1)
        return -1;
    rule->position =
        got == 1 && last.position > tunnel->own_position ? last.position : tunnel->own_position;
    rule->position++;
    return 0;
}

/* Among the others, whose places follow. */
static int place_among(struct txn *txn, struct tunnel *tunnel, struct rule *rule, uint32_t place,
                       struct err *err)
{
    struct rule_list list;
    int result = -1;

    if (rule_list(txn, tunnel, &list, err) == -1)
        return -1;
    if (list.count + 2 > CLOUDFLARED_RULES_MAX)
        (void)err_set(err, ERR_QUOTA, "rules_full", "a tunnel has at most %u rules",
                      CLOUDFLARED_RULES_MAX);
    else if (refuse_twin(&list, tunnel, rule, err) == 0)
        result = 0;
    place = place == RULE_PLACE_END ? best_place(&list, tunnel, rule) : place == 0 ? 0 : place - 1;
    if (result == 0)
        result = arrange(txn, tunnel, &list, rule, place, err);
    rule_list_free(&list);
    return result;
}

int rule_new(struct txn *txn, struct tunnel *tunnel, struct rule *rule, uint32_t place,
             struct err *err)
{
    int result;

    rule->id[0] = '\0'; /* it is nobody's twin */
    (void)str_copy(rule->tunnel_id, sizeof rule->tunnel_id, tunnel->id);
    result = place == RULE_PLACE_LAST ? place_last(txn, tunnel, rule, err)
                                      : place_among(txn, tunnel, rule, place, err);
    id_make(rule->id, rule_table.prefix);
    rule->created_at = rule->updated_at = txn_time_ms(txn);
    if (result == 0 && (result = record_insert(txn, &rule_table, rule, err)) == 0)
        result = shared_room(txn, tunnel->id, 1, err);
    return result;
}

int rule_put(struct txn *txn, struct rule *rule, struct err *err)
{
    struct tunnel tunnel = {0};
    struct rule_list list;
    int result;

    (void)str_copy(tunnel.id, sizeof tunnel.id, rule->tunnel_id);
    if (record_get(txn, &tunnel_table, &tunnel, err) == -1 ||
        rule_list(txn, &tunnel, &list, err) == -1)
        return -1;
    result = refuse_twin(&list, &tunnel, rule, err);
    rule_list_free(&list);
    rule->updated_at = txn_time_ms(txn);
    return result == -1 ? -1 : record_put(txn, &rule_table, rule, err);
}

int rule_move(struct txn *txn, struct tunnel *tunnel, const struct rule *rule, uint32_t place,
              struct err *err)
{
    struct rule moved = *rule;
    struct rule_list list;
    int result;

    if (rule_list(txn, tunnel, &list, err) == -1)
        return -1;
    result = arrange(txn, tunnel, &list, &moved, place == 0 ? 0 : place - 1, err);
    rule_list_free(&list);
    return result == -1 ? -1 : record_put(txn, &rule_table, &moved, err);
}

int rule_delete(struct txn *txn, const struct rule *rule, struct err *err)
{
    if (record_delete(txn, &rule_table, rule, err) == -1)
        return -1;
    return shared_room(txn, rule->tunnel_id, -1, err);
}

int rule_delete_all(struct txn *txn, const char *tunnel_id, struct err *err)
{
    struct rule rule = {0};
    struct scan scan;
    int got;

    (void)str_copy(rule.tunnel_id, sizeof rule.tunnel_id, tunnel_id);
    if (scan_start(&scan, txn, &rule_table, "by_place", &rule, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &rule, err)) == 1)
        if (rule_delete(txn, &rule, err) == -1)
            return -1;
    if (got == -1 || rule_text_keep(txn, tunnel_id, RULE_TEXT_SENT, "", 0, err) == -1 ||
        rule_past_delete_all(txn, tunnel_id, err) == -1)
        return -1;
    return rule_text_keep(txn, tunnel_id, RULE_TEXT_IN_FORCE, "", 0, err);
}

/* What a rule of a new list takes over from the one that was for the same host name and path. */
static void inherit(const struct rule_list *old, struct rule *rule)
{
    for (uint32_t i = 0; i < old->count; i++) {
        const struct rule *was = &old->rules[i];
        if (!str_equal(was->is.hostname, rule->is.hostname) ||
            !str_equal(was->is.path, rule->is.path))
            continue;
        memcpy(rule->id, was->id, sizeof rule->id);
        rule->created_at = was->created_at;
        if (rule->note[0] == '\0')
            memcpy(rule->note, was->note, sizeof rule->note);
        return;
    }
}

static bool has_id(const struct rule *rules, uint32_t count, const char *id)
{
    for (uint32_t i = 0; i < count; i++)
        if (str_equal(rules[i].id, id))
            return true;
    return false;
}

/* The new list, with the ids that stay; of two alike the second one is new. */
static int number_all(struct txn *txn, struct tunnel *tunnel, const struct rule_list *old,
                      struct rule *rules, uint32_t count, uint32_t own, struct err *err)
{
    uint32_t position = 1;

    if (count + 2 > CLOUDFLARED_RULES_MAX)
        return err_set(err, ERR_QUOTA, "rules_full", "a tunnel has at most %u rules",
                       CLOUDFLARED_RULES_MAX);
    for (uint32_t i = 0; i <= count; i++) {
        if (i == own)
            tunnel->own_position = position++;
        if (i == count)
            break;
        rules[i].id[0] = '\0';
        (void)str_copy(rules[i].tunnel_id, sizeof rules[i].tunnel_id, tunnel->id);
        rules[i].position = position++;
        rules[i].created_at = rules[i].updated_at = txn_time_ms(txn);
        inherit(old, &rules[i]);
        if (rules[i].id[0] == '\0' || has_id(rules, i, rules[i].id))
            id_make(rules[i].id, rule_table.prefix);
    }
    return 0;
}

int rule_replace(struct txn *txn, struct tunnel *tunnel, struct rule *rules, uint32_t count,
                 uint32_t own, struct err *err)
{
    struct rule_list old;
    int result;

    if (rule_list(txn, tunnel, &old, err) == -1)
        return -1;
    result = number_all(txn, tunnel, &old, rules, count, own, err);
    for (uint32_t i = 0; result == 0 && i < old.count; i++)
        result = rule_delete(txn, &old.rules[i], err);
    for (uint32_t i = 0; result == 0 && i < count; i++)
        if ((result = record_insert(txn, &rule_table, &rules[i], err)) == 0)
            result = shared_room(txn, tunnel->id, 1, err);
    rule_list_free(&old);
    return result;
}

int rule_changed(struct txn *txn, struct tunnel *tunnel, struct job *job, struct err *err)
{
    struct job holder;
    struct tunnel carrier;
    int busy = shared_carrier(txn, tunnel, &carrier, err);

    job->id[0] = '\0';
    if (busy == 1) { /* it is the shared tunnel's configuration that has them */
        if (rule_changed(txn, &carrier, job, err) == -1)
            return -1;
        tunnel->rules_wanted = carrier.rules_wanted;
        return tunnel_put(txn, tunnel, err);
    }
    if (busy == -1)
        return -1;
    tunnel->rules_wanted++;
    tunnel->rules_reason[0] = '\0';
    if (tunnel_put(txn, tunnel, err) == -1 ||
        (busy = job_of_subject(txn, "tunnel", tunnel->id, &holder, err)) == -1)
        return -1;
    if (busy == 1) {
        *job = holder;
        return 0;
    }
    if (tunnel->state != TUNNEL_ACTIVE)
        return 0;
    if (tunnel->shared)
        job->wake_at = txn_time_ms(txn) + SHARED_GATHER_MS;
    (void)str_copy(job->saga, sizeof job->saga, "tunnel.configure");
    job_subject(job->subjects[0], "tunnel", tunnel->id);
    if (kv_set(&job->args, "tunnel_id", tunnel->id) == -1 ||
        kv_set(&job->args, "tenant_id", tunnel->tenant_id) == -1)
        return err_set(err, ERR_INTERNAL, "args_full", "the arguments of a job are full");
    return job_start(txn, job, err);
}
