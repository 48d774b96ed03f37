/*
 * Credentials of Cloudflare's TURN service. Apart from its keys because another host makes them,
 * with another credential, and what comes back goes to a browser.
 */
#include "cloudflare_turn.h"

#include <string.h>

#include "http.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX   1024u
#define ANSWER_MAX 65536u
#define PATH_SIZE  700

/* One request with the key, over a connection of its own: keys do not share any. */
static int call(const struct cloudflare_rtc *r, const char *path, const struct buf *body,
                struct http_answer *answer, struct err *err)
{
    char url[PATH_SIZE + 256];
    struct http_request q = {
        .profile = HTTP_PROVIDER, .method = "POST", .url = url, .bearer = r->key};
    struct http_client *client;
    int result;

    if (str_format(url, sizeof url, "%s%s", r->api, path) == -1)
        return err_set(err, ERR_INVALID, "rtc_request", "the request is too long");
    if (body != NULL) {
        q.body = buf_string(body);
        q.body_len = body->len;
        q.content_type = "application/json";
    }
    if (http_client_new(&client, err) == -1)
        return -1;
    result = http_client_set_ca(client, r->ca_file) == -1
                 ? err_set(err, ERR_INVALID, "ca_file", "outside.ca_file is too long")
                 : http_call(client, &q, answer, err);
    http_client_free(client);
    return result;
}

static int refused(const struct http_answer *a, struct err *err)
{
    if (a->status == 401 || a->status == 403) {
        (void)err_set(err, ERR_UNAUTHENTICATED, "turn_key_refused",
                      "Cloudflare does not accept the TURN key (%ld)", a->status);
        return err_hint(err, "It was deleted or changed there: sett turn delete, then ask again.");
    }
    if (a->status == 404)
        return err_set(err, ERR_NOT_FOUND, "turn_unknown",
                       "Cloudflare knows no such TURN key or credential");
    if (a->status == 429) {
        (void)err_set(err, ERR_RATE, "turn_rate", "Cloudflare makes no more credentials now");
        if (err != NULL)
            err->retry_after_s = a->retry_after_s != 0 ? a->retry_after_s : 10;
        return -1;
    }
    return err_set(err, ERR_NETWORK, "turn_down", "Cloudflare's TURN service answered %ld",
                   a->status);
}

static int path_of(const struct cloudflare_rtc *r, const char *rest, char out[PATH_SIZE],
                   struct err *err)
{
    char uid[CLOUDFLARE_ID_SIZE * 3];

    if (http_escape(uid, sizeof uid, r->uid) == 0 &&
        str_format(out, PATH_SIZE, "/v1/turn/keys/%s/credentials/%s", uid, rest) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "rtc_request", "the request is too long");
}

/* ---- what came back ---- */

/* "turn:turn.cloudflare.com:53?transport=udp" */
static bool is_port_53(const char *url)
{
    const char *at = strstr(url, ":53");

    return at != NULL && (at[3] == '\0' || at[3] == '?');
}

/* One server: its addresses but those, and its credential. Nothing if none is left. */
static void write_server(const struct cJSON *server, struct json_out *j)
{
    const struct cJSON *urls = json_at(server, "urls"), *url = NULL;
    const char *one = json_text(server, "urls", NULL);
    bool any = one != NULL && !is_port_53(one);

    while (one == NULL && (url = json_next(urls, url)) != NULL)
        any = any || !is_port_53(json_text(url, "", ":53"));
    if (!any)
        return;
    json_out_object(j);
    json_out_key(j, "urls");
    json_out_array(j);
    if (one != NULL)
        json_out_text(j, one);
    while (one == NULL && (url = json_next(urls, url)) != NULL)
        if (!is_port_53(json_text(url, "", ":53")))
            json_out_text(j, json_text(url, "", ""));
    json_out_end_array(j);
    if (json_text(server, "username", NULL) != NULL) {
        json_out_key_text(j, "username", json_text(server, "username", ""));
        json_out_key_text(j, "credential", json_text(server, "credential", ""));
    }
    json_out_end_object(j);
}

int cloudflare_rtc_servers(const char *text, size_t len, struct buf *servers, char username[256],
                           struct err *err)
{
    struct cJSON *json = json_parse(text, len, &json_limits_provider, NULL);
    const struct cJSON *all = json_at(json, "iceServers"), *server = NULL;
    struct json_out j;

    username[0] = '\0';
    json_out_init(&j, servers);
    json_out_array(&j);
    if (json_type(all) == JSON_OBJECT) /* the older form has one */
        write_server(all, &j);
    while (json_type(all) == JSON_ARRAY && (server = json_next(all, server)) != NULL) {
        write_server(server, &j);
        if (username[0] == '\0')
            (void)str_copy(username, 256, json_text(server, "username", ""));
    }
    json_out_end_array(&j);
    if (username[0] == '\0' && json_type(all) == JSON_OBJECT)
        (void)str_copy(username, 256, json_text(all, "username", ""));
    json_free(json);
    if (username[0] == '\0' || servers->failed)
        return err_set(err, ERR_MALFORMED, "turn_answer",
                       "Cloudflare's answer holds no credential");
    return 0;
}

int cloudflare_rtc_generate(const struct cloudflare_rtc *r, uint32_t ttl_s, const char *custom,
                            struct buf *servers, char username[256], struct err *err)
{
    struct http_answer a;
    struct json_out j;
    struct buf body;
    char path[PATH_SIZE];
    int result;

    if (path_of(r, "generate-ice-servers", path, err) == -1)
        return -1;
    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_u64(&j, "ttl", ttl_s);
    if (custom[0] != '\0')
        json_out_key_text(&j, "customIdentifier", custom);
    json_out_end_object(&j);
    http_answer_init(&a, ANSWER_MAX);
    if ((result = call(r, path, &body, &a, err)) == 0)
        result =
            a.status == 201 || a.status == 200
                ? cloudflare_rtc_servers(buf_string(&a.body), a.body.len, servers, username, err)
                : refused(&a, err);
    http_answer_free(&a);
    buf_free(&body);
    return result;
}

int cloudflare_rtc_revoke(const struct cloudflare_rtc *r, const char *username, struct err *err)
{
    char path[PATH_SIZE], rest[500], escaped[480];
    struct http_answer a;
    int result;

    /* As a part of a path, dots alone would lead out of it. */
    if (username[strspn(username, ".")] == '\0' ||
        http_escape(escaped, sizeof escaped, username) == -1)
        return err_field(err, "username", "username_invalid", "that is no credential's user name");
    (void)str_format(rest, sizeof rest, "%s/revoke", escaped);
    if (path_of(r, rest, path, err) == -1)
        return -1;
    http_answer_init(&a, ANSWER_MAX);
    if ((result = call(r, path, NULL, &a, err)) == 0)
        result = a.status >= 200 && a.status < 300 ? 0 : refused(&a, err);
    http_answer_free(&a);
    return result;
}
