/* Tunnels at Cloudflare and their remote configuration. Apart from DNS because they belong to the
 * account and need another permission. */
#include "cloudflare.h"

#include <string.h>

#include "cloudflare_call.h"
#include "cloudflared_members.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX  (64u * 1024u)
#define LIST_PAGE 100u

static void read_tunnel(const struct cJSON *json, struct cloudflare_tunnel *out)
{
    memset(out, 0, sizeof *out);
    cloudflare_copy(json, "id", out->id, sizeof out->id);
    cloudflare_copy(json, "name", out->name, sizeof out->name);
    cloudflare_copy(json, "status", out->status, sizeof out->status);
    out->remote = str_equal(json_text(json, "config_src", ""), "cloudflare") ||
                  json_bool(json, "remote_config", false);
    out->deleted = json_text(json, "deleted_at", "")[0] != '\0';
}

static int tunnel_path(char path[CLOUDFLARE_PATH_SIZE], const struct cloudflare *c, const char *id,
                       const char *below, struct err *err)
{
    char escaped[CLOUDFLARE_ID_SIZE * 3];

    if (cloudflare_part(escaped, sizeof escaped, id, err) == -1)
        return -1;
    return str_format(path, CLOUDFLARE_PATH_SIZE, "/accounts/%s/cfd_tunnel/%s%s", c->account,
                      escaped, below);
}

int cloudflare_tunnel_find(struct cloudflare *c, const char *name, struct cloudflare_tunnel *out,
                           struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[400];
    struct cJSON *json;
    const struct cJSON *all, *item = NULL;
    int found = 0;

    if (cloudflare_part(escaped, sizeof escaped, name, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/accounts/%s/cfd_tunnel?name=%s&is_deleted=false",
                     c->account, escaped);
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_TUNNEL, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (!found && (item = json_next(all, item)) != NULL) {
        read_tunnel(item, out);
        found = !out->deleted && out->id[0] != '\0' && str_equal(out->name, name);
    }
    json_free(json);
    return found;
}

int cloudflare_tunnel_get(struct cloudflare *c, const char *id, struct cloudflare_tunnel *out,
                          struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (tunnel_path(path, c, id, "", err) == -1 ||
        cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_TUNNEL, &json, err) == -1)
        return -1;
    read_tunnel(json_at(json, "result"), out);
    json_free(json);
    return 0;
}

int cloudflare_tunnel_create(struct cloudflare *c, const char *name, const char *secret,
                             bool remote, struct cloudflare_tunnel *out, struct err *err)
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
    json_out_key_text(&j, "config_src", remote ? "cloudflare" : "local");
    json_out_key_text(&j, "tunnel_secret", secret);
    json_out_end_object(&j);
    (void)str_format(path, sizeof path, "/accounts/%s/cfd_tunnel", c->account);
    result = cloudflare_call(c, "POST", path, &body, CLOUDFLARE_MAY_TUNNEL, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    read_tunnel(json_at(json, "result"), out);
    json_free(json);
    if (out->id[0] == '\0')
        return err_set(err, ERR_NETWORK, "cloudflare_answer",
                       "Cloudflare made a tunnel without an id");
    return 0;
}

int cloudflare_tunnel_token(struct cloudflare *c, const char *id, char out[CLOUDFLARE_TOKEN_SIZE],
                            struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (tunnel_path(path, c, id, "/token", err) == -1 ||
        cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_TUNNEL, &json, err) == -1)
        return -1;
    cloudflare_copy(json, "result", out, CLOUDFLARE_TOKEN_SIZE);
    json_free(json);
    if (out[0] == '\0')
        return err_set(err, ERR_NETWORK, "cloudflare_answer", "Cloudflare's answer holds no token");
    return 0;
}

/* A DELETE that finds nothing has had its effect. The empty object satisfies older texts of the
 * API. */
static int delete_path(struct cloudflare *c, const char *path, struct err *err)
{
    struct cJSON *json;
    struct buf body;
    int result;

    buf_init(&body, 16);
    (void)buf_text(&body, "{}");
    result = cloudflare_call(c, "DELETE", path, &body, CLOUDFLARE_MAY_TUNNEL, &json, err);
    buf_free(&body);
    json_free(json);
    if (result == -1 && err != NULL && err->kind == ERR_NOT_FOUND)
        return 0;
    return result;
}

int cloudflare_tunnel_delete(struct cloudflare *c, const char *id, struct err *err)
{
    char tunnel[CLOUDFLARE_PATH_SIZE], connections[CLOUDFLARE_PATH_SIZE];
    struct cloudflare_tunnel now;
    struct err local = {0}, *e = err == NULL ? &local : err;

    if (tunnel_path(tunnel, c, id, "", e) == -1 ||
        tunnel_path(connections, c, id, "/connections", e) == -1)
        return -1;
    if (cloudflare_tunnel_get(c, id, &now, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    if (now.deleted)
        return 0;
    if (delete_path(c, connections, e) == -1)
        return -1;
    return delete_path(c, tunnel, e);
}

struct listing {
    int (*each)(void *arg, const struct cloudflare_tunnel *tunnel, struct err *err);
    void *arg;
    const char *prefix;
};

static int list_one(void *arg, const struct cJSON *item, struct err *err)
{
    const struct listing *l = arg;
    struct cloudflare_tunnel tunnel;

    read_tunnel(item, &tunnel);
    if (tunnel.deleted || !str_starts(tunnel.name, l->prefix))
        return 0;
    return l->each(l->arg, &tunnel, err);
}

int cloudflare_tunnel_list(struct cloudflare *c, const char *prefix,
                           int (*each)(void *arg, const struct cloudflare_tunnel *tunnel,
                                       struct err *err),
                           void *arg, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[400];
    struct listing l = {.each = each, .arg = arg, .prefix = prefix};

    if (prefix[0] == '\0') {
        (void)str_format(path, sizeof path, "/accounts/%s/cfd_tunnel?is_deleted=false", c->account);
        return cloudflare_pages(c, path, LIST_PAGE, CLOUDFLARE_MAY_TUNNEL, list_one, &l, err);
    }
    if (cloudflare_part(escaped, sizeof escaped, prefix, err) == -1)
        return -1;
    (void)str_format(path, sizeof path,
                     "/accounts/%s/cfd_tunnel?include_prefix=%s&is_deleted=false", c->account,
                     escaped);
    return cloudflare_pages(c, path, LIST_PAGE, CLOUDFLARE_MAY_TUNNEL, list_one, &l, err);
}

/* ---- configuration ---- */

void cloudflare_config_free(struct cloudflare_config *config)
{
    cloudflared_free(&config->ingress);
}

/* What stands beside the rules goes back as it came. */
static int read_config(const struct cJSON *config, struct cloudflare_config *out, struct err *err)
{
    const struct cJSON *item = NULL;

    while ((item = json_next(config, item)) != NULL) {
        if (str_equal(json_name(item), "ingress")) {
            if (cloudflared_read_json(item, &out->ingress, err) == -1)
                return -1;
        } else if (cloudflared_carry(item, out->beside, sizeof out->beside, err) == -1) {
            return -1;
        }
    }
    return 0;
}

int cloudflare_config_get(struct cloudflare *c, const char *tunnel, struct cloudflare_config *out,
                          struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;
    int result;

    memset(out, 0, sizeof *out);
    if (tunnel_path(path, c, tunnel, "/configurations", err) == -1 ||
        cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_TUNNEL, &json, err) == -1)
        return -1;
    out->version = (uint64_t)json_i64(json, "result.version", 0);
    result = read_config(json_at(json, "result.config"), out, err);
    if (result == -1)
        cloudflare_config_free(out);
    json_free(json);
    return result;
}

/* {"config":{"ingress":[…],"warp-routing":{…}}} */
static void write_config(struct buf *body, const struct cloudflare_config *config)
{
    (void)buf_text(body, "{\"config\":");
    (void)cloudflared_write_json(&config->ingress, body);
    if (config->beside[0] != '\0' && !body->failed) {
        body->len--; /* the closing brace */
        (void)buf_byte(body, ',');
        (void)buf_text(body, config->beside);
        (void)buf_byte(body, '}');
    }
    (void)buf_byte(body, '}');
}

int cloudflare_config_put(struct cloudflare *c, const char *tunnel,
                          struct cloudflare_config *config, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;
    struct buf body;
    int result;

    if (tunnel_path(path, c, tunnel, "/configurations", err) == -1)
        return -1;
    buf_init(&body, CLOUDFLARED_TEXT_MAX);
    write_config(&body, config);
    if (body.failed)
        result = err_set(err, ERR_TOO_LARGE, "cloudflare_rules", "too many rules for one tunnel");
    else
        result = cloudflare_call(c, "PUT", path, &body, CLOUDFLARE_MAY_TUNNEL, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    config->version = (uint64_t)json_i64(json, "result.version", 0);
    json_free(json);
    return 0;
}
