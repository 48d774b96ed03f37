/* Keys of Cloudflare's TURN service, and what they have relayed. Apart from credentials because
 * this is done with the account's token. */
#include "cloudflare_turn.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_call.h"
#include "http.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX    4096u
#define MAY_TURN    "Account / Calls / Edit"
#define MAY_ANALYSE "Account / Account Analytics / Read"

static int keys_path(char path[CLOUDFLARE_PATH_SIZE], const struct cloudflare *c, const char *uid,
                     struct err *err)
{
    char escaped[CLOUDFLARE_ID_SIZE * 3] = "";

    if (uid[0] != '\0' && cloudflare_part(escaped, sizeof escaped, uid, err) == -1)
        return -1;
    (void)str_format(path, CLOUDFLARE_PATH_SIZE, "/accounts/%s/calls/turn_keys%s%s", c->account,
                     uid[0] != '\0' ? "/" : "", escaped);
    return 0;
}

static void read_key(const struct cJSON *json, struct cloudflare_turn *out)
{
    memset(out, 0, sizeof *out);
    cloudflare_copy(json, "uid", out->uid, sizeof out->uid);
    cloudflare_copy(json, "name", out->name, sizeof out->name);
}

int cloudflare_turn_list(struct cloudflare *c,
                         int (*each)(void *arg, const struct cloudflare_turn *key, struct err *err),
                         void *arg, struct err *err)
{
    const struct cJSON *all, *item = NULL;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cloudflare_turn key;
    struct cJSON *json;
    int result = 0;

    if (keys_path(path, c, "", err) == -1 ||
        cloudflare_call(c, "GET", path, NULL, MAY_TURN, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (result == 0 && (item = json_next(all, item)) != NULL) {
        read_key(item, &key);
        result = each(arg, &key, err);
    }
    json_free(json);
    return result;
}

int cloudflare_turn_create(struct cloudflare *c, const char *name, struct cloudflare_turn *out,
                           char key[CLOUDFLARE_TURN_KEY_SIZE], struct err *err)
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
    json_out_end_object(&j);
    (void)keys_path(path, c, "", NULL);
    result = cloudflare_call(c, "POST", path, &body, MAY_TURN, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    read_key(json_at(json, "result"), out);
    cloudflare_copy(json, "result.key", key, CLOUDFLARE_TURN_KEY_SIZE);
    json_free(json);
    if (out->uid[0] == '\0' || key[0] == '\0')
        return err_set(err, ERR_NETWORK, "cloudflare_answer",
                       "Cloudflare made a TURN key without showing it");
    return 0;
}

int cloudflare_turn_delete(struct cloudflare *c, const char *uid, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (keys_path(path, c, uid, e) == -1)
        return -1;
    if (cloudflare_call(c, "DELETE", path, NULL, MAY_TURN, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    json_free(json);
    return 0;
}

/* ---- usage ---- */

static bool is_id(const char *s)
{
    return s[0] != '\0' && strspn(s, "0123456789abcdefABCDEF-") == strlen(s);
}

/* Times to the second: the analytics want no fraction. */
static void second_of(char out[24], int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_text(text, ms);
    (void)str_format(out, 24, "%.19sZ", text);
}

static int write_query(const struct cloudflare *c, const char *uid, int64_t from_ms, int64_t to_ms,
                       struct buf *body, struct err *err)
{
    char query[600], from[24], to[24];
    struct json_out j;

    if (!is_id(c->account) || !is_id(uid))
        return err_set(err, ERR_INVALID, "cloudflare_request", "not a TURN key's id: %s", uid);
    second_of(from, from_ms);
    second_of(to, to_ms);
    (void)str_format(query, sizeof query,
                     "{viewer{accounts(filter:{accountTag:\"%s\"}){callsTurnUsageAdaptiveGroups("
                     "limit:1,filter:{keyId:\"%s\",datetimeMinute_gt:\"%s\",datetimeMinute_lt:"
                     "\"%s\"}){sum{egressBytes ingressBytes}}}}}",
                     c->account, uid, from, to);
    json_out_init(&j, body);
    json_out_object(&j);
    json_out_key_text(&j, "query", query);
    json_out_end_object(&j);
    return 0;
}

/* {"data":…,"errors":null}: no envelope of the API's, so an error is told by its words. */
static int read_usage(const struct http_answer *a, struct cloudflare_turn_usage *out,
                      struct err *err)
{
    struct cJSON *json = json_parse(buf_string(&a->body), a->body.len, &json_limits_provider, NULL);
    const char *why = json_text(json, "errors[0].message", "");
    int result = 0;

    if (a->status == 401 || a->status == 403 || strstr(why, "not authorized") != NULL ||
        strstr(why, "does not have access") != NULL) {
        (void)err_set(err, ERR_FORBIDDEN, "cloudflare_permission",
                      "Cloudflare does not tell the usage: %s",
                      why[0] != '\0' ? why : "not allowed");
        result = err_hint(err, "Give the token the permission \"" MAY_ANALYSE "\".");
    } else if (a->status != 200 || json == NULL || why[0] != '\0') {
        result = err_set(err, ERR_NETWORK, "cloudflare_down", "Cloudflare answered %ld: %s",
                         a->status, why[0] != '\0' ? why : "nothing that is its JSON");
    } else {
        const struct cJSON *sum =
            json_at(json, "data.viewer.accounts[0].callsTurnUsageAdaptiveGroups[0].sum");
        out->egress_bytes = (uint64_t)json_i64(sum, "egressBytes", 0);
        out->ingress_bytes = (uint64_t)json_i64(sum, "ingressBytes", 0);
    }
    json_free(json);
    return result;
}

int cloudflare_turn_usage(struct cloudflare *c, const char *uid, int64_t from_ms, int64_t to_ms,
                          struct cloudflare_turn_usage *out, struct err *err)
{
    char url[sizeof c->api + 16];
    struct http_request r = {.profile = HTTP_PROVIDER,
                             .method = "POST",
                             .url = url,
                             .bearer = c->token,
                             .content_type = "application/json"};
    struct http_answer a;
    struct buf body;
    int result;

    memset(out, 0, sizeof *out);
    (void)str_format(url, sizeof url, "%s/graphql", c->api);
    buf_init(&body, BODY_MAX);
    if (write_query(c, uid, from_ms, to_ms, &body, err) == -1 ||
        cloudflare_budget(c, clock_mono_ms(), err) == -1) {
        buf_free(&body);
        return -1;
    }
    r.body = buf_string(&body);
    r.body_len = body.len;
    http_answer_init(&a, 0);
    if ((result = http_call(c->client, &r, &a, err)) == 0)
        result = read_usage(&a, out, err);
    http_answer_free(&a);
    buf_free(&body);
    return result;
}
