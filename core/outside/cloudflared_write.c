/*
 * config.yml, written. Apart from reading because the hands write it, and they read no YAML. All
 * texts are quoted: a host name that begins with a star and one that is "no" are then what they
 * say.
 */
#include "cloudflared.h"

#include <string.h>

#include "cloudflared_members.h"
#include "json_out.h"

/* JSON's strings are YAML's double-quoted scalars. */
static void quoted(struct buf *out, const char *text)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_text(&j, text);
}

static void pair(struct buf *out, const char *indent, const char *key, const char *value)
{
    (void)buf_format(out, "%s%s: ", indent, key);
    quoted(out, value);
    (void)buf_byte(out, '\n');
}

static void write_member(struct buf *out, const struct cloudflared_member *m,
                         const struct cloudflared_origin *o)
{
    static const char indent[] = "      ";
    const void *at = (const char *)o + m->offset;
    uint32_t number = 0;

    if (m->kind == MEMBER_BOOL) {
        if (*(const bool *)at)
            (void)buf_format(out, "%s%s: true\n", indent, m->name);
        return;
    }
    if (m->kind == MEMBER_TEXT) {
        if (*(const char *)at != '\0')
            pair(out, indent, m->name, at);
        return;
    }
    memcpy(&number, at, sizeof number);
    if (number != 0)
        (void)buf_format(out, "%s%s: %u%s\n", indent, m->name, number,
                         m->kind == MEMBER_SECONDS ? "s" : "");
}

static void write_access(struct buf *out, const struct cloudflared_origin *o)
{
    struct json_out j;
    const char *at = o->access_audiences;

    if (!o->access_required && o->access_team[0] == '\0' && *at == '\0')
        return;
    (void)buf_format(out, "      access:\n        required: %s\n",
                     o->access_required ? "true" : "false");
    if (o->access_team[0] != '\0')
        pair(out, "        ", "teamName", o->access_team);
    if (*at == '\0')
        return;
    (void)buf_text(out, "        audTag: ");
    json_out_init(&j, out);
    json_out_array(&j);
    while (*at != '\0') {
        size_t len = strcspn(at, ",");
        json_out_text_n(&j, at, len);
        at += len + (at[len] == ',');
    }
    json_out_end_array(&j);
    (void)buf_byte(out, '\n');
}

/* Members as they came, "\"caPool\":\"/x\",…", one a line: JSON's values are YAML's flow style. */
static void write_more(struct buf *out, const char *more)
{
    unsigned depth = 0;
    bool in_text = false, fresh = true;

    for (const char *c = more; *c != '\0'; c++) {
        if (fresh)
            (void)buf_text(out, "      ");
        fresh = false;
        if (*c == '"')
            in_text = !in_text;
        else if (in_text && *c == '\\' && c[1] != '\0')
            (void)buf_byte(out, *c++);
        else if (!in_text && (*c == '[' || *c == '{'))
            depth++;
        else if (!in_text && (*c == ']' || *c == '}'))
            depth--;
        if (!in_text && depth == 0 && *c == ',') {
            (void)buf_byte(out, '\n');
            fresh = true;
            continue;
        }
        (void)buf_byte(out, *c);
        if (!in_text && *c == ':')
            (void)buf_byte(out, ' ');
    }
    if (!fresh)
        (void)buf_byte(out, '\n');
}

static void write_rule(struct buf *out, const struct cloudflared_rule *rule)
{
    (void)buf_text(out, "  - service: ");
    quoted(out, rule->service);
    (void)buf_byte(out, '\n');
    if (rule->hostname[0] != '\0')
        pair(out, "    ", "hostname", rule->hostname);
    if (rule->path[0] != '\0')
        pair(out, "    ", "path", rule->path);
    if (cloudflared_plain(&rule->origin))
        return;
    (void)buf_text(out, "    originRequest:\n");
    for (const struct cloudflared_member *m = cloudflared_members; m->name != NULL; m++)
        write_member(out, m, &rule->origin);
    write_access(out, &rule->origin);
    write_more(out, rule->origin.more);
}

int cloudflared_write_yaml(const struct cloudflared_config *config,
                           const struct cloudflared_file *file, struct buf *out)
{
    if (file->tunnel[0] != '\0')
        pair(out, "", "tunnel", file->tunnel);
    if (file->credentials_file[0] != '\0')
        pair(out, "", "credentials-file", file->credentials_file);
    (void)buf_text(out, "ingress:\n");
    for (uint32_t i = 0; i < config->count; i++)
        write_rule(out, &config->rules[i]);
    return out->failed ? -1 : 0;
}
