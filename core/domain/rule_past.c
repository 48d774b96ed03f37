/*
 * Former versions of tunnels' rules. Apart from the rules because nothing that runs goes by them:
 * they are there for people who want to go back.
 */
#include "rule_past.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"

static const struct field rows[] = {
    FIELD(struct rule_past, tunnel_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tun"),
    FIELD(struct rule_past, version, FIELD_U32, .help = "from 1, in the order of time"),
    FIELD(struct rule_past, place, FIELD_U32, .help = "0: its own route; from 1: a rule"),
    RULE_IS_FIELDS(struct rule_past),
    FIELD(struct rule_past, note, FIELD_TEXT, .help = "what it was for"),
    FIELD(struct rule_past, rules, FIELD_U32, .help = "how many rules"),
    FIELD(struct rule_past, own, FIELD_U32, .help = "how many of them before its own route"),
    FIELD(struct rule_past, catch_all, FIELD_TEXT, .help = "what answered where none fitted"),
    FIELD(struct rule_past, actor, FIELD_TEXT, .help = "who changed it"),
    FIELD(struct rule_past, ended_at, FIELD_TIME, .help = "and when"),
};

const struct table rule_past_table = {
    .name = "rule_pasts",
    .noun = "rule_past",
    .id = 95,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct rule_past)},
    .key = {"tunnel_id", "version", "place"},
};

static int walk(struct scan *scan, struct txn *txn, const char *tunnel_id, uint32_t version,
                bool backward, struct err *err)
{
    struct rule_past key = {.version = version};

    (void)str_copy(key.tunnel_id, sizeof key.tunnel_id, tunnel_id);
    return scan_start(scan, txn, &rule_past_table, NULL, &key, version == 0 ? 1 : 2, backward, err);
}

/* Version 0: all of them. */
static int forget(struct txn *txn, const char *tunnel_id, uint32_t version, struct err *err)
{
    struct rule_past past;
    struct scan scan;
    int got;

    if (walk(&scan, txn, tunnel_id, version, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &past, err)) == 1)
        if (record_delete(txn, &rule_past_table, &past, err) == -1)
            return -1;
    return got;
}

int rule_past_delete_all(struct txn *txn, const char *tunnel_id, struct err *err)
{
    return forget(txn, tunnel_id, 0, err);
}

int rule_past_newest(struct txn *txn, const char *tunnel_id, uint32_t *version, struct err *err)
{
    struct rule_past past;
    struct scan scan;
    int got;

    *version = 0;
    if (walk(&scan, txn, tunnel_id, 0, true, err) == -1 ||
        (got = scan_next(&scan, &past, err)) == -1)
        return -1;
    if (got == 1)
        *version = past.version;
    return 0;
}

int rule_past_head(struct txn *txn, const char *tunnel_id, uint32_t version, struct rule_past *head,
                   struct err *err)
{
    memset(head, 0, sizeof *head);
    (void)str_copy(head->tunnel_id, sizeof head->tunnel_id, tunnel_id);
    head->version = version;
    return version == 0 ? 0 : record_get(txn, &rule_past_table, head, err);
}

int rule_past_read(struct txn *txn, const struct rule_past *head, struct rule_list *list,
                   struct err *err)
{
    struct rule_past past;
    struct scan scan;
    int got;

    memset(list, 0, sizeof *list);
    list->own = head->own;
    list->room = head->rules == 0 ? 1 : head->rules;
    if ((list->rules = calloc(list->room, sizeof *list->rules)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a tunnel's rules");
    got = walk(&scan, txn, head->tunnel_id, head->version, false, err);
    while (got != -1 && (got = scan_next(&scan, &past, err)) == 1) {
        struct rule *rule = &list->rules[list->count];
        if (past.place == 0 || list->count == list->room)
            continue;
        (void)str_copy(rule->tunnel_id, sizeof rule->tunnel_id, head->tunnel_id);
        rule->is = past.is;
        memcpy(rule->note, past.note, sizeof rule->note);
        list->count++;
    }
    if (got == -1)
        rule_list_free(list);
    return got;
}

/* ---- keeping ---- */

static void head_of(const struct tunnel *tunnel, const struct rule_list *list,
                    struct rule_past *head)
{
    memset(head, 0, sizeof *head);
    memcpy(head->tunnel_id, tunnel->id, sizeof head->tunnel_id);
    (void)str_copy(head->is.hostname, sizeof head->is.hostname, tunnel->hostname);
    (void)str_copy(head->is.path, sizeof head->is.path, tunnel->path);
    (void)str_copy(head->is.service, sizeof head->is.service, tunnel->service);
    head->is.origin.no_tls_verify = tunnel->no_tls_verify;
    (void)str_copy(head->is.origin.origin_server_name, sizeof head->is.origin.origin_server_name,
                   tunnel->origin_server_name);
    (void)str_copy(head->is.origin.http_host_header, sizeof head->is.origin.http_host_header,
                   tunnel->http_host_header);
    memcpy(head->catch_all, tunnel->catch_all, sizeof head->catch_all);
    head->rules = list->count;
    head->own = list->own;
}

static bool same_list(const struct rule_list *a, const struct rule_list *b)
{
    bool same = a->count == b->count;

    for (uint32_t i = 0; same && i < a->count; i++)
        same = cloudflared_same_rule(&a->rules[i].is, &b->rules[i].is) &&
               str_equal(a->rules[i].note, b->rules[i].note);
    return same;
}

/* Whether the newest version says the same. Return 1, 0 or -1. */
static int is_kept(struct txn *txn, const struct rule_past *head, uint32_t newest,
                   const struct rule_list *list, struct err *err)
{
    struct rule_past last;
    struct rule_list old;
    bool same;
    int found = rule_past_head(txn, head->tunnel_id, newest, &last, err);

    if (found != 1)
        return found;
    if (!cloudflared_same_rule(&last.is, &head->is) || last.own != head->own ||
        !str_equal(last.catch_all, head->catch_all))
        return 0;
    if (rule_past_read(txn, &last, &old, err) == -1)
        return -1;
    same = same_list(&old, list);
    rule_list_free(&old);
    return same;
}

static int insert(struct txn *txn, const struct rule_past *head, const struct rule_list *list,
                  struct err *err)
{
    if (record_insert(txn, &rule_past_table, head, err) == -1)
        return -1;
    for (uint32_t i = 0; i < list->count; i++) {
        struct rule_past past = {.version = head->version, .place = i + 1};
        memcpy(past.tunnel_id, head->tunnel_id, sizeof past.tunnel_id);
        past.is = list->rules[i].is;
        memcpy(past.note, list->rules[i].note, sizeof past.note);
        if (record_insert(txn, &rule_past_table, &past, err) == -1)
            return -1;
    }
    return 0;
}

int rule_past_keep(struct txn *txn, const struct tunnel *tunnel, const char *actor, struct err *err)
{
    struct rule_past head;
    struct rule_list list;
    uint32_t newest;
    int result;

    if (rule_past_newest(txn, tunnel->id, &newest, err) == -1 ||
        rule_list(txn, tunnel, &list, err) == -1)
        return -1;
    head_of(tunnel, &list, &head);
    result = is_kept(txn, &head, newest, &list, err);
    if (result == 0) {
        head.version = newest + 1;
        head.ended_at = txn_time_ms(txn);
        str_cut(head.actor, sizeof head.actor, actor);
        result = insert(txn, &head, &list, err);
        if (result == 0 && newest >= RULE_PASTS_KEPT)
            result = forget(txn, tunnel->id, newest + 1 - RULE_PASTS_KEPT, err);
    }
    rule_list_free(&list);
    return result == -1 ? -1 : 0;
}
