/* Rate-limiting rules. Apart from DNS, though both are the zone's, because rules are few, belong to
 * a plan, and need another permission. */
#include "cloudflare_limit.h"

#include <string.h>

#include "cloudflare_call.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX 8192u
#define PHASE    "http_ratelimit"
#define MAY_WAF  "Zone / Zone WAF / Edit"

const struct cloudflare_limit_plan cloudflare_limit_plans[] = {
    {"free", 1, 10, 10, false},
    {"pro", 2, 60, 3600, true},
    {"business", 5, 600, 86400, true},
    {"enterprise", 100, 65535, 86400, true},
    {NULL, 0, 0, 0, false},
};

const uint32_t cloudflare_limit_periods[] = {10,  15,  20,  30,  40,  45,   60,   90,   120,  180,
                                             240, 300, 480, 600, 900, 1200, 1800, 2400, 3600, 0};

static int zone_known(const struct cloudflare *c, struct err *err)
{
    if (c->zone[0] != '\0')
        return 0;
    (void)err_field(err, "cloudflare.zone", "cloudflare_zone", "no zone is set");
    return err_hint(err,
                    "Set cloudflare.zone to the id of the zone that the tenants' names lie in.");
}

int cloudflare_limit_plan(struct cloudflare *c, const struct cloudflare_limit_plan **out,
                          struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (zone_known(c, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/zones/%s", c->zone);
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_ZONE, &json, err) == -1)
        return -1;
    *out = cloudflare_limit_plans;
    while ((*out)[1].name != NULL &&
           !str_equal((*out)->name, json_text(json, "result.plan.legacy_id", "")))
        ++*out;
    json_free(json);
    return 0;
}

static void read_rule(const struct cJSON *json, struct cloudflare_limit *out)
{
    cloudflare_copy(json, "id", out->id, sizeof out->id);
    cloudflare_copy(json, "description", out->mark, sizeof out->mark);
    cloudflare_copy(json, "expression", out->expression, sizeof out->expression);
    out->requests = (uint32_t)json_i64(json, "ratelimit.requests_per_period", 0);
    out->period_s = (uint32_t)json_i64(json, "ratelimit.period", 0);
    out->block_s = (uint32_t)json_i64(json, "ratelimit.mitigation_timeout", 0);
    out->enabled = json_bool(json, "enabled", true);
}

int cloudflare_limit_find(struct cloudflare *c, const char *mark, struct cloudflare_limit *out,
                          uint32_t *count, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;
    const struct cJSON *all, *item = NULL;
    int found = 0;

    memset(out, 0, sizeof *out);
    *count = 0;
    if (zone_known(c, e) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/zones/%s/rulesets/phases/" PHASE "/entrypoint", c->zone);
    if (cloudflare_call(c, "GET", path, NULL, MAY_WAF, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    cloudflare_copy(json, "result.id", out->ruleset, sizeof out->ruleset);
    all = json_at(json, "result.rules");
    while ((item = json_next(all, item)) != NULL) {
        ++*count;
        if (!found && mark[0] != '\0' && str_equal(json_text(item, "description", ""), mark)) {
            read_rule(item, out);
            found = 1;
        }
    }
    json_free(json);
    return found;
}

int cloudflare_limit_expression(const char *hosts, char *out, size_t size, struct err *err)
{
    size_t len = 0;
    int bad = str_copy(out, size, "http.host in {");

    for (const char *at = hosts; *at != '\0' && bad == 0;) {
        size_t host = strcspn(at, ",");
        if (host == 0 || strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-.") < host)
            break;
        len = strlen(out);
        bad =
            str_format(out + len, size - len, "%s\"%.*s\"", at == hosts ? "" : " ", (int)host, at);
        at += at[host] == ',' ? host + 1 : host;
        if (*at == '\0') {
            len = strlen(out);
            return str_copy(out + len, size - len, "}") == 0
                       ? 0
                       : err_set(err, ERR_INVALID, "limit_hosts", "too many host names for a rule");
        }
    }
    return err_set(err, ERR_INVALID, "limit_hosts", "no rule can be made about \"%.100s\"", hosts);
}

static void write_rule(struct json_out *j, const struct cloudflare_limit *limit)
{
    json_out_object(j);
    json_out_key_text(j, "description", limit->mark);
    json_out_key_text(j, "expression", limit->expression);
    json_out_key_text(j, "action", "block");
    json_out_key_bool(j, "enabled", true);
    json_out_key(j, "ratelimit");
    json_out_object(j);
    json_out_key(j, "characteristics");
    json_out_array(j);
    json_out_text(j, "cf.colo.id");
    json_out_text(j, "ip.src");
    json_out_end_array(j);
    json_out_key_u64(j, "period", limit->period_s);
    json_out_key_u64(j, "requests_per_period", limit->requests);
    json_out_key_u64(j, "mitigation_timeout", limit->block_s);
    json_out_end_object(j);
    json_out_end_object(j);
}

int cloudflare_limit_put(struct cloudflare *c, const struct cloudflare_limit *limit,
                         struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct json_out j;
    struct cJSON *json;
    struct buf body;
    bool whole = limit->ruleset[0] == '\0';
    int result;

    if (zone_known(c, err) == -1)
        return -1;
    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    if (whole) {
        (void)str_format(path, sizeof path, "/zones/%s/rulesets", c->zone);
        json_out_object(&j);
        json_out_key_text(&j, "name", "default");
        json_out_key_text(&j, "kind", "zone");
        json_out_key_text(&j, "phase", PHASE);
        json_out_key(&j, "rules");
        json_out_array(&j);
    } else {
        (void)str_format(path, sizeof path, "/zones/%s/rulesets/%s/rules%s%s", c->zone,
                         limit->ruleset, limit->id[0] == '\0' ? "" : "/", limit->id);
    }
    write_rule(&j, limit);
    if (whole) {
        json_out_end_array(&j);
        json_out_end_object(&j);
    }
    result = cloudflare_call(c, limit->id[0] == '\0' ? "POST" : "PATCH", path, &body, MAY_WAF,
                             &json, err);
    buf_free(&body);
    if (result == 0)
        json_free(json);
    return result;
}

int cloudflare_limit_delete(struct cloudflare *c, const struct cloudflare_limit *limit,
                            struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (zone_known(c, e) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/zones/%s/rulesets/%s/rules/%s", c->zone, limit->ruleset,
                     limit->id);
    if (cloudflare_call(c, "DELETE", path, NULL, MAY_WAF, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    json_free(json);
    return 0;
}
