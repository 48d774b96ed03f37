/* Customers' zones at Cloudflare and their records. Apart from cloudflare_dns.c, which knows the
 * one zone that the tenants' names lie in. */
#include "cloudflare_zone.h"

#include <string.h>

#include "cloudflare_call.h"
#include "idn.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX     4096u
#define RECORDS_PAGE 100u

#define MAY_ZONES "Zone / Zone / Edit (all zones of the account)"

static void read_domain(const struct cJSON *json, struct cloudflare_domain *out)
{
    const struct cJSON *servers = json_at(json, "name_servers"), *item = NULL;

    memset(out, 0, sizeof *out);
    cloudflare_copy(json, "id", out->id, sizeof out->id);
    cloudflare_copy(json, "name", out->name, sizeof out->name);
    cloudflare_copy(json, "status", out->status, sizeof out->status);
    while ((item = json_next(servers, item)) != NULL) {
        size_t len = strlen(out->name_servers);
        (void)str_format(out->name_servers + len, sizeof out->name_servers - len, "%s%s",
                         len == 0 ? "" : " ", json_text(item, "", ""));
    }
    str_lower(out->name_servers);
}

static int zone_path(char out[CLOUDFLARE_PATH_SIZE], const char *zone, const char *rest,
                     struct err *err)
{
    char escaped[CLOUDFLARE_ID_SIZE * 3];

    if (cloudflare_part(escaped, sizeof escaped, zone, err) == -1)
        return -1;
    return str_format(out, CLOUDFLARE_PATH_SIZE, "/zones/%s%s", escaped, rest) == 0
               ? 0
               : err_set(err, ERR_INVALID, "cloudflare_request", "the request is too long");
}

/* Zones bear the Unicode spelling of their names, which is also the only one they are found by;
 * their records' names are in ASCII. */
static bool same_name(const char *theirs, const char *ascii)
{
    struct idn_name name;

    return str_equal_nocase(theirs, ascii) ||
           (idn_read(theirs, &name, NULL) == 0 && str_equal(name.ascii, ascii));
}

static int find_by(struct cloudflare *c, const char *spelling, const char *ascii,
                   struct cloudflare_domain *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[600];
    const struct cJSON *all, *item = NULL;
    struct cJSON *json;
    int found = 0;

    if (cloudflare_part(escaped, sizeof escaped, spelling, err) == -1)
        return -1;
    if (str_format(path, sizeof path, "/zones?name=%s&account.id=%s&per_page=50", escaped,
                   c->account) == -1)
        return err_set(err, ERR_INVALID, "cloudflare_request", "the request is too long");
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_ZONE, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (!found && (item = json_next(all, item)) != NULL) {
        read_domain(item, out);
        found = out->id[0] != '\0' && same_name(out->name, ascii);
    }
    json_free(json);
    return found;
}

int cloudflare_domain_find(struct cloudflare *c, const char *name, struct cloudflare_domain *out,
                           struct err *err)
{
    char unicode[512];
    int found = find_by(c, name, name, out, err);

    if (found != 0)
        return found;
    idn_unicode(name, unicode, sizeof unicode);
    return str_equal(unicode, name) ? 0 : find_by(c, unicode, name, out, err);
}

int cloudflare_domain_get(struct cloudflare *c, const char *id, struct cloudflare_domain *out,
                          struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (zone_path(path, id, "", e) == -1)
        return -1;
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_ZONE, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND || str_equal(e->code, "cloudflare_wrong_id") ? 0 : -1;
    read_domain(json_at(json, "result"), out);
    json_free(json);
    if (out->id[0] != '\0')
        return 1;
    return err_set(e, ERR_NETWORK, "cloudflare_answer",
                   "Cloudflare described a zone without an id");
}

int cloudflare_domain_create(struct cloudflare *c, const char *name, struct cloudflare_domain *out,
                             struct err *err)
{
    struct cJSON *json;
    struct json_out j;
    struct buf body;
    int result;

    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key(&j, "account");
    json_out_object(&j);
    json_out_key_text(&j, "id", c->account);
    json_out_end_object(&j);
    json_out_key_text(&j, "name", name);
    json_out_key_text(&j, "type", "full");
    json_out_end_object(&j);
    result = cloudflare_call(c, "POST", "/zones", &body, MAY_ZONES, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    read_domain(json_at(json, "result"), out);
    json_free(json);
    if (out->id[0] == '\0')
        return err_set(err, ERR_NETWORK, "cloudflare_answer",
                       "Cloudflare made a zone without an id");
    return 0;
}

/* A DELETE or PUT without a body; "not there" is success for ${gone_is_fine}. */
static int act(struct cloudflare *c, const char *method, const char *path, const char *permission,
               bool gone_is_fine, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    struct cJSON *json;

    if (cloudflare_call(c, method, path, NULL, permission, &json, e) == -1)
        return gone_is_fine &&
                       (e->kind == ERR_NOT_FOUND || str_equal(e->code, "cloudflare_wrong_id"))
                   ? 0
                   : -1;
    json_free(json);
    return 0;
}

int cloudflare_domain_delete(struct cloudflare *c, const char *id, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];

    return zone_path(path, id, "", err) == -1 ? -1 : act(c, "DELETE", path, MAY_ZONES, true, err);
}

int cloudflare_domain_check(struct cloudflare *c, const char *id, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];

    return zone_path(path, id, "/activation_check", err) == -1
               ? -1
               : act(c, "PUT", path, MAY_ZONES, false, err);
}

/* ---- records ---- */

struct listing {
    int (*each)(void *arg, const struct cloudflare_record *record, struct err *err);
    void *arg;
};

static int list_one(void *arg, const struct cJSON *item, struct err *err)
{
    const struct listing *l = arg;
    struct cloudflare_record record;

    cloudflare_record_read(item, &record);
    return l->each(l->arg, &record, err);
}

int cloudflare_record_list(struct cloudflare *c, const char *zone, const char *name,
                           int (*each)(void *arg, const struct cloudflare_record *record,
                                       struct err *err),
                           void *arg, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], rest[700], escaped[600];
    struct listing l = {each, arg};

    if (name != NULL && cloudflare_part(escaped, sizeof escaped, name, err) == -1)
        return -1;
    (void)str_format(rest, sizeof rest, "/dns_records?%s%s",
                     name == NULL ? "order=name" : "name.exact=", name == NULL ? "" : escaped);
    if (zone_path(path, zone, rest, err) == -1)
        return -1;
    return cloudflare_pages(c, path, RECORDS_PAGE, CLOUDFLARE_MAY_DNS, list_one, &l, err);
}

int cloudflare_record_create(struct cloudflare *c, const char *zone,
                             struct cloudflare_record *record, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cloudflare_record made;
    struct cJSON *json;
    struct json_out j;
    struct buf body;
    int result;

    if (strlen(record->comment) > CLOUDFLARE_MARK_MAX)
        return err_set(err, ERR_INVALID, "cloudflare_request", "the mark is too long");
    if (zone_path(path, zone, "/dns_records", err) == -1)
        return -1;
    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_text(&j, "type", record->type);
    json_out_key_text(&j, "name", record->name);
    json_out_key_text(&j, "content", record->content);
    if (!str_equal(record->type, "TXT"))
        json_out_key_bool(&j, "proxied", record->proxied);
    json_out_key_u64(&j, "ttl", 1);
    json_out_key_text(&j, "comment", record->comment);
    json_out_end_object(&j);
    result = cloudflare_call(c, "POST", path, &body, CLOUDFLARE_MAY_DNS, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    cloudflare_record_read(json_at(json, "result"), &made);
    json_free(json);
    (void)str_copy(record->id, sizeof record->id, made.id);
    return made.id[0] != '\0' ? 0
                              : err_set(err, ERR_NETWORK, "cloudflare_answer",
                                        "Cloudflare made a record without an id");
}

int cloudflare_record_delete(struct cloudflare *c, const char *zone, const char *id,
                             struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], rest[CLOUDFLARE_ID_SIZE * 3 + 32],
        escaped[CLOUDFLARE_ID_SIZE * 3];

    if (cloudflare_part(escaped, sizeof escaped, id, err) == -1)
        return -1;
    (void)str_format(rest, sizeof rest, "/dns_records/%s", escaped);
    return zone_path(path, zone, rest, err) == -1
               ? -1
               : act(c, "DELETE", path, CLOUDFLARE_MAY_DNS, true, err);
}
