/*
 * Rules as JSON, which is how a remotely configured tunnel has them. One table of members serves
 * reading and writing; what it does not know is carried along as it came, so that a tunnel that
 * somebody else set up loses nothing when a rule of it is changed.
 */
#include "cloudflared.h"

#include <string.h>

#include "json_in.h"
#include "json_out.h"
#include "str.h"

#include "cloudflared_members.h"

const struct cloudflared_member cloudflared_members[] = {
    MEMBER("connectTimeout", MEMBER_SECONDS, connect_timeout_s),
    MEMBER("tlsTimeout", MEMBER_SECONDS, tls_timeout_s),
    MEMBER("tcpKeepAlive", MEMBER_SECONDS, tcp_keep_alive_s),
    MEMBER("keepAliveConnections", MEMBER_COUNT, keep_alive_connections),
    MEMBER("keepAliveTimeout", MEMBER_SECONDS, keep_alive_timeout_s),
    MEMBER("httpHostHeader", MEMBER_TEXT, http_host_header),
    MEMBER("originServerName", MEMBER_TEXT, origin_server_name),
    MEMBER("noTLSVerify", MEMBER_BOOL, no_tls_verify),
    MEMBER("disableChunkedEncoding", MEMBER_BOOL, disable_chunked_encoding),
    MEMBER("http2Origin", MEMBER_BOOL, http2_origin),
    {.name = NULL},
};

/* ---- reading ---- */

static int too_long(const char *name, struct err *err)
{
    return err_field(err, name, "too_long", "%s is longer than sett keeps it", name);
}

static int not_of_type(const char *name, const char *wanted, struct err *err)
{
    return err_field(err, name, "bad_type", "%s must be %s", name, wanted);
}

static int read_number(const struct cJSON *item, const struct cloudflared_member *m,
                       struct cloudflared_origin *origin, struct err *err)
{
    bool negative;
    uint64_t n;

    if (!json_integer(item, &negative, &n) || negative || n > UINT32_MAX)
        return not_of_type(m->name, "a whole number, of seconds where it is a time", err);
    *(uint32_t *)(void *)((char *)origin + m->offset) = (uint32_t)n;
    return 0;
}

static int read_member(const struct cJSON *item, const struct cloudflared_member *m,
                       struct cloudflared_origin *origin, struct err *err)
{
    char *at = (char *)origin + m->offset;
    enum json_type type = json_type(item);

    if (type == JSON_NULL)
        return 0;
    if (m->kind == MEMBER_BOOL) {
        if (type != JSON_BOOL)
            return not_of_type(m->name, "true or false", err);
        *(bool *)(void *)at = json_bool(item, "", false);
        return 0;
    }
    if (m->kind != MEMBER_TEXT)
        return read_number(item, m, origin, err);
    if (type != JSON_STRING)
        return not_of_type(m->name, "a text", err);
    return str_copy(at, m->size, json_text(item, "", "")) == 0 ? 0 : too_long(m->name, err);
}

/* A value of any kind as text again. */
static void rewrite(const struct cJSON *item, struct json_out *j)
{
    const struct cJSON *at = NULL;
    bool negative;
    uint64_t n;

    switch (json_type(item)) {
    case JSON_NULL:
        json_out_null(j);
        break;
    case JSON_BOOL:
        json_out_bool(j, json_bool(item, "", false));
        break;
    case JSON_NUMBER:
        if (json_integer(item, &negative, &n))
            json_out_i64(j, negative ? -(int64_t)n : (int64_t)n);
        else
            j->buf->failed = true; /* no member of cloudflared's has a fraction */
        break;
    case JSON_STRING:
        json_out_text(j, json_text(item, "", ""));
        break;
    case JSON_ARRAY:
        json_out_array(j);
        while ((at = json_next(item, at)) != NULL)
            rewrite(at, j);
        json_out_end_array(j);
        break;
    case JSON_OBJECT:
        json_out_object(j);
        while ((at = json_next(item, at)) != NULL) {
            json_out_key(j, json_name(at));
            rewrite(at, j);
        }
        json_out_end_object(j);
        break;
    }
}

int cloudflared_carry(const struct cJSON *item, char *more, size_t size, struct err *err)
{
    struct json_out j;
    struct buf b;
    size_t len = strlen(more);
    int result = 0;

    buf_init(&b, size);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key(&j, json_name(item));
    rewrite(item, &j);
    json_out_end_object(&j); /* {"name":value}: without its braces */
    if (b.failed || b.len < 2 ||
        str_format(more + len, size - len, "%s%.*s", len > 0 ? "," : "", (int)b.len - 2,
                   b.data + 1) == -1) {
        more[len] = '\0';
        result = too_long(json_name(item), err);
    }
    buf_free(&b);
    return result;
}

static int read_access(const struct cJSON *access, struct cloudflared_origin *origin,
                       struct err *err)
{
    const struct cJSON *all = json_at(access, "audTag"), *at = NULL;
    size_t len = 0;

    origin->access_required = json_bool(access, "required", false);
    if (str_copy(origin->access_team, sizeof origin->access_team,
                 json_text(access, "teamName", "")) == -1)
        return too_long("teamName", err);
    while ((at = json_next(all, at)) != NULL) {
        const char *tag = json_text(at, "", "");
        if (strchr(tag, ',') != NULL ||
            str_format(origin->access_audiences + len, sizeof origin->access_audiences - len,
                       "%s%s", len > 0 ? "," : "", tag) == -1)
            return too_long("audTag", err);
        len += strlen(origin->access_audiences + len);
    }
    return 0;
}

static int read_origin(const struct cJSON *json, struct cloudflared_origin *origin, struct err *err)
{
    const struct cJSON *item = NULL;

    while ((item = json_next(json, item)) != NULL) {
        const struct cloudflared_member *m = cloudflared_members;
        while (m->name != NULL && !str_equal(m->name, json_name(item)))
            m++;
        if (m->name != NULL ? read_member(item, m, origin, err) == -1
            : str_equal(json_name(item), "access") && json_type(item) == JSON_OBJECT
                ? read_access(item, origin, err) == -1
                : cloudflared_carry(item, origin->more, sizeof origin->more, err) == -1)
            return -1;
    }
    return 0;
}

static int read_text(const struct cJSON *item, const char *name, char *out, size_t size,
                     struct err *err)
{
    return str_copy(out, size, json_text(item, name, "")) == 0 ? 0 : too_long(name, err);
}

int cloudflared_read_json(const struct cJSON *ingress, struct cloudflared_config *config,
                          struct err *err)
{
    const struct cJSON *item = NULL;
    struct cloudflared_rule *rule;

    while ((item = json_next(ingress, item)) != NULL)
        if ((rule = cloudflared_add(config, config->count, err)) == NULL ||
            read_text(item, "hostname", rule->hostname, sizeof rule->hostname, err) == -1 ||
            read_text(item, "path", rule->path, sizeof rule->path, err) == -1 ||
            read_text(item, "service", rule->service, sizeof rule->service, err) == -1 ||
            read_origin(json_at(item, "originRequest"), &rule->origin, err) == -1)
            return -1;
    return 0;
}

int cloudflared_parse_json(const char *text, size_t len, struct cloudflared_config *config,
                           struct err *err)
{
    struct cJSON *json = json_parse(text, len, &json_limits_provider, err);
    int result;

    if (json == NULL)
        return -1;
    result = cloudflared_read_json(json_at(json, "ingress"), config, err);
    json_free(json);
    return result;
}

/* ---- writing ---- */

static void write_member(struct json_out *j, const struct cloudflared_member *m,
                         const struct cloudflared_origin *origin)
{
    const char *at = (const char *)origin + m->offset;

    if (m->kind == MEMBER_BOOL) {
        if (*(const bool *)(const void *)at)
            json_out_key_bool(j, m->name, true);
    } else if (m->kind == MEMBER_TEXT) {
        if (*at != '\0')
            json_out_key_text(j, m->name, at);
    } else if (*(const uint32_t *)(const void *)at != 0) {
        json_out_key_u64(j, m->name, *(const uint32_t *)(const void *)at);
    }
}

static void write_access(struct json_out *j, const struct cloudflared_origin *origin)
{
    const char *at = origin->access_audiences;

    if (!origin->access_required && origin->access_team[0] == '\0' && *at == '\0')
        return;
    json_out_key(j, "access");
    json_out_object(j);
    json_out_key_bool(j, "required", origin->access_required);
    json_out_key_text(j, "teamName", origin->access_team);
    json_out_key(j, "audTag");
    json_out_array(j);
    while (*at != '\0') {
        size_t len = strcspn(at, ",");
        json_out_text_n(j, at, len);
        at += len + (at[len] == ',');
    }
    json_out_end_array(j);
    json_out_end_object(j);
}

static bool same_member(const struct cloudflared_member *m, const void *a, const void *b)
{
    if (m->kind == MEMBER_TEXT)
        return str_equal(a, b);
    return m->kind == MEMBER_BOOL ? *(const bool *)a == *(const bool *)b
                                  : memcmp(a, b, sizeof(uint32_t)) == 0;
}

bool cloudflared_same_origin(const struct cloudflared_origin *a, const struct cloudflared_origin *b)
{
    for (const struct cloudflared_member *m = cloudflared_members; m->name != NULL; m++)
        if (!same_member(m, (const char *)a + m->offset, (const char *)b + m->offset))
            return false;
    return a->access_required == b->access_required && str_equal(a->access_team, b->access_team) &&
           str_equal(a->access_audiences, b->access_audiences) && str_equal(a->more, b->more);
}

bool cloudflared_plain(const struct cloudflared_origin *origin)
{
    static const struct cloudflared_origin none;

    return cloudflared_same_origin(origin, &none);
}

static void write_rule(struct json_out *j, const struct cloudflared_rule *rule)
{
    json_out_object(j);
    if (rule->hostname[0] != '\0')
        json_out_key_text(j, "hostname", rule->hostname);
    if (rule->path[0] != '\0')
        json_out_key_text(j, "path", rule->path);
    json_out_key_text(j, "service", rule->service);
    if (rule->hostname[0] == '\0' && cloudflared_plain(&rule->origin)) { /* the last one */
        json_out_end_object(j);
        return;
    }
    json_out_key(j, "originRequest");
    json_out_object(j);
    for (const struct cloudflared_member *m = cloudflared_members; m->name != NULL; m++)
        write_member(j, m, &rule->origin);
    write_access(j, &rule->origin);
    if (rule->origin.more[0] != '\0') {
        if (j->after[j->depth])
            (void)buf_byte(j->buf, ',');
        (void)buf_text(j->buf, rule->origin.more);
        j->after[j->depth] = true;
    }
    json_out_end_object(j);
    json_out_end_object(j);
}

int cloudflared_write_json(const struct cloudflared_config *config, struct buf *out)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key(&j, "ingress");
    json_out_array(&j);
    for (uint32_t i = 0; i < config->count; i++)
        write_rule(&j, &config->rules[i]);
    json_out_end_array(&j);
    json_out_end_object(&j);
    return out->failed ? -1 : 0;
}
