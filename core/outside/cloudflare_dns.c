/* DNS records at Cloudflare. Apart from tunnels because they belong to the zone, and because here
 * the mark in the comment decides what is ours to delete. */
#include "cloudflare.h"

#include <string.h>

#include "cloudflare_call.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX  4096u
#define LIST_PAGE 100u

static int zone_known(const struct cloudflare *c, struct err *err)
{
    if (c->zone[0] != '\0')
        return 0;
    (void)err_field(err, "cloudflare.zone", "cloudflare_zone", "no zone is set");
    return err_hint(err,
                    "Set cloudflare.zone to the id of the zone that the tenants' names lie in.");
}

void cloudflare_record_read(const struct cJSON *json, struct cloudflare_record *out)
{
    memset(out, 0, sizeof *out);
    cloudflare_copy(json, "id", out->id, sizeof out->id);
    cloudflare_copy(json, "name", out->name, sizeof out->name);
    cloudflare_copy(json, "type", out->type, sizeof out->type);
    cloudflare_copy(json, "content", out->content, sizeof out->content);
    cloudflare_copy(json, "comment", out->comment, sizeof out->comment);
    out->proxied = json_bool(json, "proxied", false);
}

static bool is_address(const char *type)
{
    return str_equal(type, "A") || str_equal(type, "AAAA") || str_equal(type, "CNAME");
}

int cloudflare_dns_find(struct cloudflare *c, const char *name, const char *type,
                        struct cloudflare_record *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[600];
    struct cJSON *json;
    const struct cJSON *all, *item = NULL;
    int found = 0;

    if (zone_known(c, err) == -1 || cloudflare_part(escaped, sizeof escaped, name, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/zones/%s/dns_records?name.exact=%s%s%s", c->zone, escaped,
                     type == NULL ? "" : "&type=", type == NULL ? "" : type);
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_DNS, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (!found && (item = json_next(all, item)) != NULL) {
        cloudflare_record_read(item, out);
        found = out->id[0] != '\0' && str_equal_nocase(out->name, name) &&
                (type == NULL ? is_address(out->type) : str_equal(out->type, type));
    }
    json_free(json);
    return found;
}

int cloudflare_dns_create(struct cloudflare *c, const char *name, const char *tunnel,
                          const char *mark, struct cloudflare_record *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], target[CLOUDFLARE_ID_SIZE + 32];
    struct json_out j;
    struct cJSON *json;
    struct buf body;
    int result;

    if (zone_known(c, err) == -1)
        return -1;
    if (strlen(mark) > CLOUDFLARE_MARK_MAX ||
        str_format(target, sizeof target, "%s.cfargotunnel.com", tunnel) == -1)
        return err_set(err, ERR_INVALID, "cloudflare_request",
                       "the mark or the tunnel's id is too long");
    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_text(&j, "type", "CNAME");
    json_out_key_text(&j, "name", name);
    json_out_key_text(&j, "content", target);
    json_out_key_bool(&j, "proxied", true);
    json_out_key_u64(&j, "ttl", 1);
    json_out_key_text(&j, "comment", mark);
    json_out_end_object(&j);
    (void)str_format(path, sizeof path, "/zones/%s/dns_records", c->zone);
    result = cloudflare_call(c, "POST", path, &body, CLOUDFLARE_MAY_DNS, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    cloudflare_record_read(json_at(json, "result"), out);
    json_free(json);
    if (out->id[0] == '\0')
        return err_set(err, ERR_NETWORK, "cloudflare_answer",
                       "Cloudflare made a record without an id");
    return 0;
}

int cloudflare_dns_delete(struct cloudflare *c, const char *id, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[CLOUDFLARE_ID_SIZE * 3];
    struct err local = {0}, *e = err == NULL ? &local : err;
    struct cJSON *json;

    if (zone_known(c, e) == -1 || cloudflare_part(escaped, sizeof escaped, id, e) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/zones/%s/dns_records/%s", c->zone, escaped);
    if (cloudflare_call(c, "DELETE", path, NULL, CLOUDFLARE_MAY_DNS, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    json_free(json);
    return 0;
}

struct listing {
    int (*each)(void *arg, const struct cloudflare_record *record, struct err *err);
    void *arg;
    const char *mark;
};

/* The prefix is looked at here again: nothing without our mark may ever come out. */
static int list_one(void *arg, const struct cJSON *item, struct err *err)
{
    const struct listing *l = arg;
    struct cloudflare_record record;

    cloudflare_record_read(item, &record);
    return str_starts(record.comment, l->mark) ? l->each(l->arg, &record, err) : 0;
}

int cloudflare_dns_list_marked(struct cloudflare *c, const char *mark,
                               int (*each)(void *arg, const struct cloudflare_record *record,
                                           struct err *err),
                               void *arg, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[CLOUDFLARE_MARK_MAX * 3 + 1];
    struct listing l = {.each = each, .arg = arg, .mark = mark};

    if (zone_known(c, err) == -1 || cloudflare_part(escaped, sizeof escaped, mark, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/zones/%s/dns_records?comment.startswith=%s", c->zone,
                     escaped);
    return cloudflare_pages(c, path, LIST_PAGE, CLOUDFLARE_MAY_DNS, list_one, &l, err);
}
