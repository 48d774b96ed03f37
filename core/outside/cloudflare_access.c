/* Access applications and their policies. Apart from tunnels because they need another permission,
 * and because an account without Access works with everything else. */
#include "cloudflare_access.h"

#include <string.h>

#include "cloudflare_call.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX   (32u * 1024u)
#define LIST_PAGE  100u
#define MAY_ACCESS "Account / Access: Apps and Policies / Edit"
#define MAY_TEAM   "Account / Access: Organizations, Identity Providers, and Groups / Read"

static void read_app(const struct cJSON *json, struct cloudflare_app *out)
{
    memset(out, 0, sizeof *out);
    cloudflare_copy(json, "id", out->id, sizeof out->id);
    cloudflare_copy(json, "aud", out->aud, sizeof out->aud);
    cloudflare_copy(json, "name", out->name, sizeof out->name);
    cloudflare_copy(json, "domain", out->domain, sizeof out->domain);
}

int cloudflare_access_find(struct cloudflare *c, const char *hostname, struct cloudflare_app *out,
                           struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[600];
    struct cJSON *json;
    const struct cJSON *all, *item = NULL;
    int found = 0;

    if (cloudflare_part(escaped, sizeof escaped, hostname, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/accounts/%s/access/apps?domain=%s&exact=true", c->account,
                     escaped);
    if (cloudflare_call(c, "GET", path, NULL, MAY_ACCESS, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (!found && (item = json_next(all, item)) != NULL) {
        read_app(item, out);
        found = out->id[0] != '\0' && str_equal_nocase(out->domain, hostname);
    }
    json_free(json);
    return found;
}

int cloudflare_access_team(struct cloudflare *c, char *out, size_t size, struct err *err)
{
    static const char below[] = ".cloudflareaccess.com";
    char path[CLOUDFLARE_PATH_SIZE], domain[256];
    struct cJSON *json;
    size_t len;

    (void)str_format(path, sizeof path, "/accounts/%s/access/organizations", c->account);
    if (cloudflare_call(c, "GET", path, NULL, MAY_TEAM, &json, err) == -1)
        return -1;
    cloudflare_copy(json, "result.auth_domain", domain, sizeof domain);
    json_free(json);
    len = strlen(domain);
    if (len > strlen(below) && str_equal(domain + len - strlen(below), below) &&
        str_copy_n(out, size, domain, len - strlen(below)) == 0)
        return 0;
    return err_set(err, ERR_NOT_FOUND, "access_no_team",
                   "Cloudflare names \"%.100s\" as where the account's people sign in, which is "
                   "no name below cloudflareaccess.com",
                   domain);
}

struct listing {
    int (*each)(void *arg, const struct cloudflare_app *app, struct err *err);
    void *arg;
};

static int list_one(void *arg, const struct cJSON *item, struct err *err)
{
    const struct listing *l = arg;
    struct cloudflare_app app;

    read_app(item, &app);
    return l->each(l->arg, &app, err);
}

int cloudflare_access_list(struct cloudflare *c,
                           int (*each)(void *arg, const struct cloudflare_app *app,
                                       struct err *err),
                           void *arg, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct listing l = {.each = each, .arg = arg};

    /* The pages' own parameters follow an "&". */
    (void)str_format(path, sizeof path, "/accounts/%s/access/apps?exact=false", c->account);
    return cloudflare_pages(c, path, LIST_PAGE, MAY_ACCESS, list_one, &l, err);
}

int cloudflare_access_create(struct cloudflare *c, const char *name, const char *hostname,
                             struct cloudflare_app *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct json_out j;
    struct cJSON *json;
    struct buf body;
    int result;

    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_text(&j, "name", name);
    json_out_key_text(&j, "type", "self_hosted");
    json_out_key_text(&j, "domain", hostname);
    json_out_key_bool(&j, "app_launcher_visible", false);
    json_out_end_object(&j);
    (void)str_format(path, sizeof path, "/accounts/%s/access/apps", c->account);
    result = cloudflare_call(c, "POST", path, &body, MAY_ACCESS, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    read_app(json_at(json, "result"), out);
    json_free(json);
    if (out->id[0] == '\0')
        return err_set(err, ERR_NETWORK, "cloudflare_answer",
                       "Cloudflare made an application without an id");
    return 0;
}

/* Fine if it is gone. */
static int delete_path(struct cloudflare *c, const char *path, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    struct cJSON *json;

    if (cloudflare_call(c, "DELETE", path, NULL, MAY_ACCESS, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    json_free(json);
    return 0;
}

static int app_path(char path[CLOUDFLARE_PATH_SIZE], const struct cloudflare *c, const char *app,
                    const char *below, struct err *err)
{
    char escaped[CLOUDFLARE_ID_SIZE * 3];

    if (cloudflare_part(escaped, sizeof escaped, app, err) == -1)
        return -1;
    return str_format(path, CLOUDFLARE_PATH_SIZE, "/accounts/%s/access/apps/%s%s", c->account,
                      escaped, below);
}

int cloudflare_access_delete(struct cloudflare *c, const char *id, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];

    return app_path(path, c, id, "", err) == -1 ? -1 : delete_path(c, path, err);
}

/* ---- policies ---- */

int cloudflare_access_policies(struct cloudflare *c, const char *app,
                               struct cloudflare_policies *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;
    const struct cJSON *all, *item = NULL;

    memset(out, 0, sizeof *out);
    if (app_path(path, c, app, "/policies", err) == -1 ||
        cloudflare_call(c, "GET", path, NULL, MAY_ACCESS, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (out->count < CLOUDFLARE_POLICIES_MAX && (item = json_next(all, item)) != NULL) {
        cloudflare_copy(item, "id", out->at[out->count].id, sizeof out->at[0].id);
        cloudflare_copy(item, "name", out->at[out->count].name, sizeof out->at[0].name);
        out->at[out->count++].precedence = (uint32_t)json_i64(item, "precedence", 0);
    }
    json_free(json);
    return 0;
}

/* Each item of a list as {"kind":{"member":item}}. */
static void write_rules(struct json_out *j, const char *list, const char *kind, const char *member)
{
    for (const char *at = list; *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (len > 0) {
            json_out_object(j);
            json_out_key(j, kind);
            json_out_object(j);
            json_out_key(j, member);
            json_out_text_n(j, at, len);
            json_out_end_object(j);
            json_out_end_object(j);
        }
        at += at[len] == ',' ? len + 1 : len;
    }
}

static void write_policy(struct json_out *j, const struct cloudflare_policy *policy)
{
    static const char *const decisions[] = {"allow", "deny", "bypass"};

    json_out_object(j);
    json_out_key_text(j, "name", policy->name);
    json_out_key_text(j, "decision", decisions[policy->decision]);
    json_out_key_u64(j, "precedence", policy->precedence);
    json_out_key(j, "include");
    json_out_array(j);
    write_rules(j, policy->emails, "email", "email");
    write_rules(j, policy->domains, "email_domain", "domain");
    write_rules(j, policy->ips, "ip", "ip");
    if (policy->everyone) {
        json_out_object(j);
        json_out_key(j, "everyone");
        json_out_object(j);
        json_out_end_object(j);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_key(j, "exclude");
    json_out_array(j);
    write_rules(j, policy->except_ips, "ip", "ip");
    json_out_end_array(j);
    if (policy->session_h > 0) {
        char duration[16];
        (void)str_format(duration, sizeof duration, "%uh", policy->session_h);
        json_out_key_text(j, "session_duration", duration);
    }
    json_out_end_object(j);
}

int cloudflare_access_policy_add(struct cloudflare *c, const char *app,
                                 const struct cloudflare_policy *policy, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct json_out j;
    struct cJSON *json;
    struct buf body;
    int result;

    if (app_path(path, c, app, "/policies", err) == -1)
        return -1;
    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    write_policy(&j, policy);
    result = cloudflare_call(c, "POST", path, &body, MAY_ACCESS, &json, err);
    buf_free(&body);
    if (result == 0)
        json_free(json);
    return result;
}

int cloudflare_access_policy_delete(struct cloudflare *c, const char *app, const char *id,
                                    struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], below[CLOUDFLARE_ID_SIZE * 3 + 16],
        escaped[CLOUDFLARE_ID_SIZE * 3];

    if (cloudflare_part(escaped, sizeof escaped, id, err) == -1)
        return -1;
    (void)str_format(below, sizeof below, "/policies/%s", escaped);
    return app_path(path, c, app, below, err) == -1 ? -1 : delete_path(c, path, err);
}
