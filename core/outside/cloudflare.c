/* Requests to Cloudflare: the budget, the envelope, the errors and the pages that all calls share,
 * and the token and the zone. Apart from tunnels and records, which are lists of calls. */
#include "cloudflare.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_call.h"
#include "http.h"
#include "json_in.h"
#include "str.h"

#define BLOCKED_S 120u /* after a 429 that does not say how long */
#define LINGER_S  10u  /* connections after their connector stopped */
#define PAGES_MAX 1000u

/* An id of theirs: what may stand in a path as it is. */
static bool is_id(const char *s)
{
    for (const char *p = s; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
            return false;
    return s[0] != '\0';
}

int cloudflare_init(struct cloudflare *c, const char *api, const char *token, const char *account,
                    const char *zone, struct http_client *client, struct err *err)
{
    memset(c, 0, sizeof *c);
    c->client = client;
    (void)pthread_mutex_init(&c->lock, NULL);
    c->budget_milli = CLOUDFLARE_BUDGET_MILLI;
    c->budget_at_ms = clock_mono_ms();
    if (!str_starts(api, "https://") || str_copy(c->api, sizeof c->api, api) == -1)
        return err_field(err, "cloudflare.api", "cloudflare_api", "not an https address: %s", api);
    for (size_t len = strlen(c->api); len > 0 && c->api[len - 1] == '/'; len--)
        c->api[len - 1] = '\0';
    if (token[0] == '\0' || str_copy(c->token, sizeof c->token, token) == -1)
        return err_field(err, "cloudflare.token", "cloudflare_token", "that is no API token");
    if (!is_id(account) || str_copy(c->account, sizeof c->account, account) == -1)
        return err_field(err, "cloudflare.account", "cloudflare_account",
                         "not an account id: \"%s\"", account);
    if ((zone[0] != '\0' && !is_id(zone)) || str_copy(c->zone, sizeof c->zone, zone) == -1)
        return err_field(err, "cloudflare.zone", "cloudflare_zone", "not a zone id: \"%s\"", zone);
    return 0;
}

void cloudflare_free(struct cloudflare *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_destroy(&c->lock);
    sodium_memzero(c, sizeof *c);
}

/* ---- the budget ---- */

int cloudflare_budget(struct cloudflare *c, int64_t now_ms, struct err *err)
{
    int64_t wait_ms = 0;

    (void)pthread_mutex_lock(&c->lock);
    if (now_ms > c->budget_at_ms) {
        c->budget_milli += (now_ms - c->budget_at_ms) * CLOUDFLARE_BUDGET_PER_S;
        if (c->budget_milli > CLOUDFLARE_BUDGET_MILLI)
            c->budget_milli = CLOUDFLARE_BUDGET_MILLI;
        c->budget_at_ms = now_ms;
    }
    if (now_ms < c->blocked_until_ms)
        wait_ms = c->blocked_until_ms - now_ms;
    else if (c->budget_milli < 1000)
        wait_ms = (1000 - c->budget_milli) / CLOUDFLARE_BUDGET_PER_S + 1;
    else
        c->budget_milli -= 1000;
    (void)pthread_mutex_unlock(&c->lock);
    if (wait_ms == 0)
        return 0;
    (void)err_set(err, ERR_RATE, "cloudflare_budget", "the budget of calls to Cloudflare is spent");
    if (err != NULL)
        err->retry_after_s = (uint32_t)((wait_ms + 999) / 1000);
    return err_hint(err,
                    "It goes on by itself. Other programs with the same token share its limit.");
}

static void block(struct cloudflare *c, uint32_t wait_s)
{
    int64_t until_ms = clock_mono_ms() + (int64_t)wait_s * 1000;

    (void)pthread_mutex_lock(&c->lock);
    if (until_ms > c->blocked_until_ms)
        c->blocked_until_ms = until_ms;
    (void)pthread_mutex_unlock(&c->lock);
}

/* ---- errors ---- */

enum hint {
    HINT_NONE,
    HINT_TOKEN,
    HINT_PERMISSION,
    HINT_IDS,
    HINT_RECORD,
    HINT_CONNECTED,
    HINT_LIMIT
};

static const struct {
    int64_t code;
    long status; /* 0: any */
    const char *name;
    enum err_kind kind;
    enum hint hint;
} codes[] = {
    {1013, 0, "cloudflare_name_taken", ERR_CONFLICT, HINT_NONE},
    {1022, 0, "cloudflare_tunnel_connected", ERR_CONFLICT, HINT_CONNECTED},
    {1023, 0, "cloudflare_tunnel_routed", ERR_CONFLICT, HINT_NONE},
    {81053, 0, "cloudflare_name_taken", ERR_CONFLICT, HINT_RECORD},
    {81054, 0, "cloudflare_name_taken", ERR_CONFLICT, HINT_RECORD},
    {1003, 409, "cloudflare_name_taken", ERR_CONFLICT, HINT_RECORD},
    {81057, 0, "cloudflare_record_exists", ERR_CONFLICT, HINT_RECORD},
    {81058, 0, "cloudflare_record_exists", ERR_CONFLICT, HINT_RECORD},
    {81044, 0, "cloudflare_not_found", ERR_NOT_FOUND, HINT_NONE},
    {81045, 0, "cloudflare_quota", ERR_QUOTA, HINT_LIMIT},
    {1061, 0, "cloudflare_zone_exists", ERR_CONFLICT, HINT_NONE},
    {1049, 0, "cloudflare_not_registered", ERR_INVALID, HINT_NONE},
    {1224, 0, "cloudflare_activation", ERR_UNAVAILABLE, HINT_NONE},
    {1406, 0, "cloudflare_hostname_exists", ERR_CONFLICT, HINT_NONE},
    {1436, 0, "cloudflare_not_found", ERR_NOT_FOUND, HINT_NONE},
    {1404, 0, "cloudflare_quota", ERR_QUOTA, HINT_LIMIT},
    {1405, 0, "cloudflare_quota", ERR_QUOTA, HINT_LIMIT},
    {50001, 0, "cloudflare_quota", ERR_QUOTA, HINT_LIMIT},
    {20217, 0, "cloudflare_conflict", ERR_CONFLICT, HINT_NONE},
    {1004, 400, "cloudflare_dns_invalid", ERR_INVALID, HINT_NONE},
    {7000, 0, "cloudflare_wrong_id", ERR_INVALID, HINT_IDS},
    {7003, 0, "cloudflare_wrong_id", ERR_INVALID, HINT_IDS},
    {1001, 0, "cloudflare_wrong_id", ERR_INVALID, HINT_IDS},
    {6003, 0, "cloudflare_token_malformed", ERR_UNAUTHENTICATED, HINT_TOKEN},
    {6111, 0, "cloudflare_token_malformed", ERR_UNAUTHENTICATED, HINT_TOKEN},
    {1000, 0, "cloudflare_token_wrong", ERR_UNAUTHENTICATED, HINT_TOKEN},
    {9109, 401, "cloudflare_token_wrong", ERR_UNAUTHENTICATED, HINT_TOKEN},
    {9109, 0, "cloudflare_permission", ERR_FORBIDDEN, HINT_PERMISSION},
    {10000, 401, "cloudflare_token_wrong", ERR_UNAUTHENTICATED, HINT_PERMISSION},
    {10000, 0, "cloudflare_permission", ERR_FORBIDDEN, HINT_PERMISSION},
    {971, 0, "cloudflare_rate", ERR_RATE, HINT_LIMIT},
    {10429, 0, "cloudflare_rate", ERR_RATE, HINT_LIMIT},
};

static const struct {
    long status;
    const char *name;
    enum err_kind kind;
    enum hint hint;
} statuses[] = {
    {401, "cloudflare_token_wrong", ERR_UNAUTHENTICATED, HINT_TOKEN},
    {403, "cloudflare_permission", ERR_FORBIDDEN, HINT_PERMISSION},
    {404, "cloudflare_not_found", ERR_NOT_FOUND, HINT_NONE},
    {409, "cloudflare_conflict", ERR_CONFLICT, HINT_NONE},
    {429, "cloudflare_rate", ERR_RATE, HINT_LIMIT},
};

static void add_hint(enum hint hint, const char *permission, struct err *err)
{
    static const char *const texts[] = {
        [HINT_NONE] = "",
        [HINT_TOKEN] = "Make an API token (not a global key) in Cloudflare's dashboard and set the "
                       "secret cloudflare.token to it.",
        [HINT_IDS] = "Look at the settings cloudflare.account and cloudflare.zone: both are 32 hex "
                     "digits from the dashboard's overview of the zone.",
        [HINT_RECORD] =
            "A record of that name is there and is not ours to change: remove it in the "
            "dashboard, or choose another name.",
        [HINT_CONNECTED] = "Connections linger for about a minute after the connector has stopped.",
        [HINT_LIMIT] =
            "It goes on by itself where the limit is of calls; else raise it with Cloudflare.",
    };

    if (hint == HINT_PERMISSION)
        (void)err_hint(err,
                       "The token is wrong, or lacks the permission \"%s\" for this account or "
                       "zone: edit it in Cloudflare's dashboard.",
                       permission);
    else
        (void)err_hint(err, "%s", texts[hint]);
}

/* "message (code); detail (code)", or that it was none of Cloudflare's own answers. */
static void describe(const struct cJSON *error, char *out, size_t size)
{
    const struct cJSON *chain = json_at(error, "error_chain[0]");

    if (error == NULL)
        (void)snprintf(out, size, "nothing that is its JSON");
    else if (chain != NULL)
        (void)snprintf(out, size, "%.150s (%lld): %.150s (%lld)", json_text(error, "message", ""),
                       (long long)json_i64(error, "code", 0), json_text(chain, "message", ""),
                       (long long)json_i64(chain, "code", 0));
    else
        (void)snprintf(out, size, "%.300s (%lld)", json_text(error, "message", "no message"),
                       (long long)json_i64(error, "code", 0));
}

static int refused(struct cloudflare *c, long status, uint32_t wait_s, const struct cJSON *json,
                   const char *permission, struct err *err)
{
    const struct cJSON *error = json_at(json, "errors[0]");
    int64_t code = json_i64(error, "code", 0);
    enum err_kind kind = status >= 500 || error == NULL ? ERR_NETWORK : ERR_INVALID;
    const char *name = status >= 500 || error == NULL ? "cloudflare_down" : "cloudflare_invalid";
    enum hint hint = HINT_NONE;
    char text[360];
    size_t i;

    for (i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (statuses[i].status == status) {
            kind = statuses[i].kind, name = statuses[i].name, hint = statuses[i].hint;
        }
    for (i = 0; i < sizeof codes / sizeof codes[0] && status < 500 && status != 429; i++)
        if (codes[i].code == code && (codes[i].status == 0 || codes[i].status == status)) {
            kind = codes[i].kind, name = codes[i].name, hint = codes[i].hint;
            break;
        }
    if (kind == ERR_FORBIDDEN && str_equal(json_text(error, "message", ""), "Invalid access token"))
        kind = ERR_UNAUTHENTICATED, name = "cloudflare_token_wrong", hint = HINT_TOKEN;
    describe(error, text, sizeof text);
    (void)err_set(err, kind, name, "Cloudflare answered %ld: %s", status, text);
    add_hint(hint, permission, err);
    if (kind == ERR_RATE) {
        wait_s = wait_s == 0 ? BLOCKED_S : wait_s;
        block(c, wait_s);
    } else if (hint == HINT_CONNECTED) {
        wait_s = LINGER_S;
    }
    if (err != NULL && (kind == ERR_RATE || kind == ERR_NETWORK || hint == HINT_CONNECTED))
        err->retry_after_s = wait_s;
    return -1;
}

int cloudflare_answer(struct cloudflare *c, long status, uint32_t retry_after_s, const char *text,
                      size_t len, const char *permission, struct cJSON **json, struct err *err)
{
    *json = json_parse(text, len, &json_limits_provider, NULL); /* an error page is no JSON */
    /* A custom hostname's DELETE answers without the envelope: {"id": …}. */
    if (status >= 200 && status < 300 &&
        (json_bool(*json, "success", false) ||
         (json_at(*json, "success") == NULL && json_text(*json, "id", "")[0] != '\0')))
        return 0;
    (void)refused(c, status, retry_after_s, *json, permission, err);
    json_free(*json);
    *json = NULL;
    return -1;
}

/* ---- requests ---- */

int cloudflare_call(struct cloudflare *c, const char *method, const char *path,
                    const struct buf *body, const char *permission, struct cJSON **json,
                    struct err *err)
{
    char url[sizeof c->api + CLOUDFLARE_PATH_SIZE];
    struct http_request r = {
        .profile = HTTP_PROVIDER, .method = method, .url = url, .bearer = c->token};
    struct http_answer a;
    int result = -1;

    *json = NULL;
    if (str_format(url, sizeof url, "%s%s", c->api, path) == -1 || (body != NULL && body->failed))
        return err_set(err, ERR_INVALID, "cloudflare_request",
                       "the request to Cloudflare is too long");
    if (cloudflare_budget(c, clock_mono_ms(), err) == -1)
        return -1;
    if (body != NULL) {
        r.body = buf_string(body);
        r.body_len = body->len;
        r.content_type = "application/json";
    }
    http_answer_init(&a, 0);
    if (http_call(c->client, &r, &a, err) == 0)
        result = cloudflare_answer(c, a.status, a.retry_after_s, buf_string(&a.body), a.body.len,
                                   permission, json, err);
    http_answer_free(&a);
    return result;
}

int cloudflare_pages(struct cloudflare *c, const char *path, unsigned per_page,
                     const char *permission,
                     int (*each)(void *arg, const struct cJSON *item, struct err *err), void *arg,
                     struct err *err)
{
    char whole[CLOUDFLARE_PATH_SIZE];
    int64_t seen = 0;

    for (unsigned page = 1; page <= PAGES_MAX; page++) {
        struct cJSON *json;
        const struct cJSON *all, *item = NULL;
        int64_t total;
        unsigned here = 0;
        int result = 0;
        if (str_format(whole, sizeof whole, "%s&page=%u&per_page=%u", path, page, per_page) == -1)
            return err_set(err, ERR_INVALID, "cloudflare_request", "the request is too long");
        if (cloudflare_call(c, "GET", whole, NULL, permission, &json, err) == -1)
            return -1;
        all = json_at(json, "result");
        for (; result == 0 && (item = json_next(all, item)) != NULL; here++)
            result = each(arg, item, err);
        total = json_i64(json, "result_info.total_count", -1);
        json_free(json);
        seen += here;
        if (result == -1)
            return -1;
        if (here == 0 || (total >= 0 ? seen >= total : here < per_page))
            return 0;
    }
    return err_set(err, ERR_TOO_LARGE, "cloudflare_pages", "a list at Cloudflare does not end");
}

int cloudflare_part(char *out, size_t size, const char *s, struct err *err)
{
    if (s[strspn(s, ".")] == '\0' || http_escape(out, size, s) == -1)
        return err_set(err, ERR_INVALID, "cloudflare_request",
                       "cannot be asked of Cloudflare: \"%s\"", s);
    return 0;
}

void cloudflare_copy(const struct cJSON *json, const char *path, char *out, size_t size)
{
    (void)str_copy(out, size, json_text(json, path, ""));
}

/* ---- token and zone ---- */

int cloudflare_verify(struct cloudflare *c, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], status[32];
    struct cJSON *json;
    int result = cloudflare_call(c, "GET", "/user/tokens/verify", NULL, "none", &json, err);

    /* The user's path refuses tokens that belong to the account. */
    if (result == -1 && err != NULL &&
        (err->kind == ERR_UNAUTHENTICATED || err->kind == ERR_FORBIDDEN) &&
        str_format(path, sizeof path, "/accounts/%s/tokens/verify", c->account) == 0)
        result = cloudflare_call(c, "GET", path, NULL, "none", &json, err);
    if (result == -1)
        return -1;
    cloudflare_copy(json, "result.status", status, sizeof status);
    json_free(json);
    if (str_equal(status, "active"))
        return 0;
    (void)err_set(err, ERR_UNAUTHENTICATED, "cloudflare_token_inactive", "the API token is %s",
                  status);
    add_hint(HINT_TOKEN, "", err);
    return -1;
}

int cloudflare_zone_find(struct cloudflare *c, const char *domain, struct cloudflare_zone *out,
                         struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], name[CLOUDFLARE_PATH_SIZE - 64];

    memset(out, 0, sizeof *out);
    /* A name without a dot is no zone of anybody's. */
    for (const char *at = domain; at != NULL && strchr(at, '.') != NULL; at = strchr(at, '.') + 1) {
        struct cJSON *json;
        if (cloudflare_part(name, sizeof name, at, err) == -1 ||
            str_format(path, sizeof path, "/zones?name=%s&per_page=50", name) == -1)
            return -1;
        if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_ZONE, &json, err) == -1)
            return -1;
        cloudflare_copy(json, "result[0].id", out->id, sizeof out->id);
        cloudflare_copy(json, "result[0].name", out->name, sizeof out->name);
        cloudflare_copy(json, "result[0].status", out->status, sizeof out->status);
        cloudflare_copy(json, "result[0].account.id", out->account, sizeof out->account);
        json_free(json);
        if (out->id[0] != '\0')
            return 1;
    }
    return 0;
}

int cloudflare_zone_covers(struct cloudflare *c, const char *hostname, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], name[256];
    size_t host = strlen(hostname), len;
    struct cJSON *json;

    (void)pthread_mutex_lock(&c->lock);
    memcpy(name, c->zone_name, sizeof name);
    (void)pthread_mutex_unlock(&c->lock);
    if (name[0] == '\0') {
        (void)str_format(path, sizeof path, "/zones/%s", c->zone);
        if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_ZONE, &json, err) == -1)
            return -1;
        cloudflare_copy(json, "result.name", name, sizeof name);
        json_free(json);
        (void)pthread_mutex_lock(&c->lock);
        memcpy(c->zone_name, name, sizeof name);
        (void)pthread_mutex_unlock(&c->lock);
    }
    len = strlen(name);
    if (len == 0) /* it cannot be told: as if it were */
        return 1;
    return host >= len && str_equal_nocase(hostname + host - len, name) &&
           (host == len || hostname[host - len - 1] == '.');
}
