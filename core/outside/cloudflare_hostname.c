/* Custom hostnames (Cloudflare for SaaS): names of domains whose DNS stays where it is. Apart from
 * zones because all of them belong to our own zone. */
#include "cloudflare_zone.h"

#include <string.h>

#include "cloudflare_call.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BODY_MAX 4096u

#define MAY_HOSTNAMES "Zone / SSL and Certificates / Edit"

static int path_of(const struct cloudflare *c, char out[CLOUDFLARE_PATH_SIZE], const char *rest,
                   struct err *err)
{
    if (c->zone[0] == '\0') {
        (void)err_field(err, "cloudflare.zone", "cloudflare_zone", "no zone is set");
        return err_hint(
            err, "Set cloudflare.zone to the id of the zone that the tenants' names lie in.");
    }
    return str_format(out, CLOUDFLARE_PATH_SIZE, "/zones/%s/custom_hostnames%s", c->zone, rest) == 0
               ? 0
               : err_set(err, ERR_INVALID, "cloudflare_request", "the request is too long");
}

static int path_of_one(const struct cloudflare *c, char out[CLOUDFLARE_PATH_SIZE], const char *id,
                       struct err *err)
{
    char rest[CLOUDFLARE_ID_SIZE * 3 + 2] = "/";

    return cloudflare_part(rest + 1, sizeof rest - 1, id, err) == -1 ? -1
                                                                     : path_of(c, out, rest, err);
}

/* One more line of what proves it; what is not there, or not one word, is left out. */
static void add_record(struct cloudflare_hostname *out, const char *kind, const char *name,
                       const char *value)
{
    size_t len = strlen(out->records);

    if (name[0] == '\0' || value[0] == '\0' || strpbrk(name, " \n") != NULL ||
        strchr(value, '\n') != NULL)
        return;
    (void)str_format(out->records + len, sizeof out->records - len, "%s %s %s\n", kind, name,
                     value);
}

static void read_hostname(const struct cJSON *json, struct cloudflare_hostname *out)
{
    const struct cJSON *records = json_at(json, "ssl.validation_records"), *item = NULL;

    memset(out, 0, sizeof *out);
    cloudflare_copy(json, "id", out->id, sizeof out->id);
    cloudflare_copy(json, "hostname", out->hostname, sizeof out->hostname);
    cloudflare_copy(json, "custom_origin_server", out->origin, sizeof out->origin);
    cloudflare_copy(json, "status", out->status, sizeof out->status);
    cloudflare_copy(json, "ssl.status", out->ssl_status, sizeof out->ssl_status);
    (void)snprintf(out->trouble, sizeof out->trouble, "%.190s",
                   json_text(json, "verification_errors[0]",
                             json_text(json, "ssl.validation_errors[0].message", "")));
    if (!str_equal(out->status, "active"))
        add_record(out, "TXT", json_text(json, "ownership_verification.name", ""),
                   json_text(json, "ownership_verification.value", ""));
    while ((item = json_next(records, item)) != NULL) {
        add_record(out, "TXT", json_text(item, "txt_name", ""), json_text(item, "txt_value", ""));
        add_record(out, "HTTP", json_text(item, "http_url", ""), json_text(item, "http_body", ""));
    }
}

int cloudflare_hostname_find(struct cloudflare *c, const char *hostname,
                             struct cloudflare_hostname *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], rest[700], escaped[600];
    const struct cJSON *all, *item = NULL;
    struct cJSON *json;
    int found = 0;

    if (cloudflare_part(escaped, sizeof escaped, hostname, err) == -1)
        return -1;
    (void)str_format(rest, sizeof rest, "?hostname=%s&per_page=50", escaped);
    if (path_of(c, path, rest, err) == -1 ||
        cloudflare_call(c, "GET", path, NULL, MAY_HOSTNAMES, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while (!found && (item = json_next(all, item)) != NULL) {
        read_hostname(item, out);
        found = out->id[0] != '\0' && str_equal_nocase(out->hostname, hostname);
    }
    json_free(json);
    return found;
}

int cloudflare_hostname_get(struct cloudflare *c, const char *id, struct cloudflare_hostname *out,
                            struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (path_of_one(c, path, id, e) == -1)
        return -1;
    if (cloudflare_call(c, "GET", path, NULL, MAY_HOSTNAMES, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    read_hostname(json_at(json, "result"), out);
    json_free(json);
    if (out->id[0] != '\0')
        return 1;
    return err_set(e, ERR_NETWORK, "cloudflare_answer",
                   "Cloudflare described a custom hostname without an id");
}

/* POST or PATCH: where it leads, and how its certificate is validated. */
static int write_hostname(struct cloudflare *c, const char *verb, const char *path,
                          const char *hostname, const char *origin, const char *method,
                          struct cloudflare_hostname *out, struct err *err)
{
    struct cJSON *json;
    struct json_out j;
    struct buf body;
    int result;

    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    if (hostname != NULL)
        json_out_key_text(&j, "hostname", hostname);
    json_out_key_text(&j, "custom_origin_server", origin);
    json_out_key(&j, "ssl");
    json_out_object(&j);
    json_out_key_text(&j, "method", method);
    json_out_key_text(&j, "type", "dv");
    json_out_end_object(&j);
    json_out_end_object(&j);
    result = cloudflare_call(c, verb, path, &body, MAY_HOSTNAMES, &json, err);
    buf_free(&body);
    if (result == -1)
        return -1;
    read_hostname(json_at(json, "result"), out);
    json_free(json);
    return out->id[0] != '\0' ? 0
                              : err_set(err, ERR_NETWORK, "cloudflare_answer",
                                        "Cloudflare made a custom hostname without an id");
}

int cloudflare_hostname_create(struct cloudflare *c, const char *hostname, const char *origin,
                               const char *method, struct cloudflare_hostname *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];

    return path_of(c, path, "", err) == -1
               ? -1
               : write_hostname(c, "POST", path, hostname, origin, method, out, err);
}

int cloudflare_hostname_again(struct cloudflare *c, const char *id, const char *origin,
                              const char *method, struct cloudflare_hostname *out, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];

    return path_of_one(c, path, id, err) == -1
               ? -1
               : write_hostname(c, "PATCH", path, NULL, origin, method, out, err);
}

int cloudflare_hostname_delete(struct cloudflare *c, const char *id, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    if (path_of_one(c, path, id, e) == -1)
        return -1;
    if (cloudflare_call(c, "DELETE", path, NULL, MAY_HOSTNAMES, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    json_free(json);
    return 0;
}

int cloudflare_fallback_get(struct cloudflare *c, char *origin, size_t size, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;

    origin[0] = '\0';
    if (path_of(c, path, "/fallback_origin", e) == -1)
        return -1;
    if (cloudflare_call(c, "GET", path, NULL, MAY_HOSTNAMES, &json, e) == -1)
        return e->kind == ERR_NOT_FOUND ? 0 : -1;
    cloudflare_copy(json, "result.origin", origin, size);
    json_free(json);
    return 0;
}

int cloudflare_fallback_put(struct cloudflare *c, const char *origin, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;
    struct json_out j;
    struct buf body;
    int result;

    if (path_of(c, path, "/fallback_origin", err) == -1)
        return -1;
    buf_init(&body, BODY_MAX);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_text(&j, "origin", origin);
    json_out_end_object(&j);
    result = cloudflare_call(c, "PUT", path, &body, MAY_HOSTNAMES, &json, err);
    buf_free(&body);
    if (result == 0)
        json_free(json);
    return result;
}
