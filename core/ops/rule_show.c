/* Showing rules. Apart from changing them because plans of other operations show them too. */
#include "rule_show.h"

#include <string.h>

#include "str.h"

/* A row that has no record: the own route, what catches all. */
static void show_fixed(struct json_out *j, const struct tunnel *tunnel,
                       const struct cloudflared_rule *is, const char *note, uint32_t place)
{
    struct rule rule = {.is = *is};

    (void)str_copy(rule.tunnel_id, sizeof rule.tunnel_id, tunnel->id);
    (void)str_copy(rule.note, sizeof rule.note, note);
    json_out_object(j);
    json_out_key_text(j, "object", "rule");
    json_out_key_u64(j, "position", place);
    fields_json(&rule_table.fields, &rule, j);
    json_out_end_object(j);
}

static void show_rule(struct json_out *j, const struct rule *rule, uint32_t place)
{
    json_out_object(j);
    json_out_key_text(j, "object", "rule");
    json_out_key_u64(j, "position", place);
    fields_json(&rule_table.fields, rule, j);
    json_out_end_object(j);
}

int rule_show_list(struct op_call *call, const struct tunnel *tunnel, const struct rule_list *list,
                   struct err *err)
{
    struct cloudflared_config all = {0};
    struct json_out *j = call->out;
    struct buf text;
    uint32_t place = 0;
    char url[128];

    if (rule_config(list, tunnel, false, &all, err) == -1) {
        cloudflared_free(&all);
        return -1;
    }
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (uint32_t i = 0; i <= list->count; i++) {
        if (i == list->own && tunnel_routed(tunnel)) {
            show_fixed(j, tunnel, &all.rules[place], "the tunnel's own route", place + 1);
            place++;
        }
        if (i < list->count)
            show_rule(j, &list->rules[i], ++place);
    }
    show_fixed(j, tunnel, &all.rules[all.count - 1], "what no other rule meets", place + 1);
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    (void)str_format(url, sizeof url, "/api/tunnels/%s/rules", tunnel->id);
    json_out_key_text(j, "url", url);
    buf_init(&text, CLOUDFLARED_TEXT_MAX);
    (void)cloudflared_write_json(&all, &text);
    json_out_key(j, "config");
    json_out_raw(j, buf_string(&text), text.len);
    json_out_end_object(j);
    buf_free(&text);
    cloudflared_free(&all);
    return 0;
}

/* ---- a change ---- */

static void line_of(const struct cloudflared_rule *is, uint32_t place, char *out, size_t size)
{
    (void)str_format(out, size, "%u. %s%s%s -> %s%s%s", place + 1,
                     is->hostname[0] == '\0' ? "(all)" : is->hostname,
                     is->path[0] == '\0' ? "" : " ", is->path, is->service,
                     is->origin.no_tls_verify ? ", certificate not checked" : "",
                     is->origin.access_required ? ", with a token of Access" : "");
}

static bool has(const struct cloudflared_config *all, const struct cloudflared_rule *is)
{
    for (uint32_t i = 0; i < all->count; i++)
        if (cloudflared_same_rule(&all->rules[i], is))
            return true;
    return false;
}

static void show_config(const struct cloudflared_config *config, const char *name, struct buf *out)
{
    (void)buf_format(out, "\"%s\":", name);
    (void)cloudflared_write_json(config, out);
    (void)buf_byte(out, ',');
}

/* The lines of ${these} that are not in ${those}, with a sign before them. Return how many. */
static uint32_t differences(struct json_out *j, const char *sign,
                            const struct cloudflared_config *these,
                            const struct cloudflared_config *those)
{
    char line[900], text[800];
    uint32_t count = 0;

    for (uint32_t i = 0; i < these->count; i++) {
        if (has(those, &these->rules[i]))
            continue;
        line_of(&these->rules[i], i, text, sizeof text);
        (void)str_format(line, sizeof line, "%s %s", sign, text);
        json_out_text(j, line);
        count++;
    }
    return count;
}

void rule_show_changes(const struct cloudflared_config *before,
                       const struct cloudflared_config *after, struct json_out *j)
{
    uint32_t count;

    json_out_array(j);
    count = differences(j, "-", before, after);
    count += differences(j, "+", after, before);
    if (count == 0)
        json_out_text(j, cloudflared_same(before, after) ? "nothing changes" : "the order changes");
    json_out_end_array(j);
}

void rule_show_change(const struct cloudflared_config *before,
                      const struct cloudflared_config *after, struct buf *out)
{
    struct json_out j;

    if (out->max == 0)
        buf_init(out, 3 * CLOUDFLARED_TEXT_MAX);
    buf_reset(out);
    show_config(before, "before", out);
    show_config(after, "after", out);
    (void)buf_text(out, "\"changes\":");
    json_out_init(&j, out);
    rule_show_changes(before, after, &j);
}
