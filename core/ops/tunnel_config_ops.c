/*
 * A tunnel's configuration as a whole: checked before it is anybody's, looked up, shown, brought
 * about once more. Apart from the rules, which are its parts.
 */
#include <stdlib.h>
#include <string.h>

#include "json_out.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "rule_show.h"
#include "shared.h"
#include "str.h"
#include "tenant.h"

struct validate_params {
    char config[49152];
};
static const struct field validate_rows[] = {
    FIELD(struct validate_params, config, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_FREE,
          .help = "config.yml, or JSON {\"ingress\":[…]}"),
};

struct match_params {
    char id[96], url[512];
};
static const struct field match_rows[] = {
    ID_FIELD(struct match_params),
    FIELD(struct match_params, url, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "address that a visitor asks for"),
};

/* cloudflared's words do not say which rule they are about; people count from 1. */
static int say_where(struct err *err)
{
    char digits[8], hint[ERR_HINT_SIZE];
    size_t len;
    uint64_t n = 0;

    if (!str_starts(err->field, "ingress[") || err->hint[0] != '\0')
        return -1;
    len = strcspn(err->field + strlen("ingress["), "]");
    if (str_copy_n(digits, sizeof digits, err->field + strlen("ingress["), len) == -1 ||
        str_u64(digits, 0, UINT32_MAX, &n) == -1)
        return -1;
    (void)str_format(hint, sizeof hint, "rule %llu (%s)", (unsigned long long)n + 1, err->field);
    return err_hint(err, "%s", hint);
}

static int validate(struct op_call *call, struct err *err)
{
    const struct validate_params *p = call->params;
    struct cloudflared_config config = {0};
    struct cloudflared_remarks remarks;
    struct json_out *j = call->out;
    int result = cloudflared_validate(p->config, strlen(p->config), &config, &remarks, err);

    if (result == 0) {
        json_out_object(j);
        json_out_key_text(j, "object", "validation");
        json_out_key_bool(j, "valid", true);
        json_out_key_u64(j, "rules", config.count);
        json_out_key(j, "unused_keys");
        if (remarks.unused == 0)
            json_out_null(j);
        else
            json_out_text(j, remarks.unused_keys);
        json_out_end_object(j);
    }
    cloudflared_free(&config);
    return result == -1 ? say_where(err) : 0;
}

static int load(struct op_call *call, const char *id, struct tunnel *tunnel,
                struct cloudflared_config *config, struct err *err)
{
    struct tenant tenant = {0};

    if (object_get(call, &tunnel_table, id, tunnel, err) != 0)
        return -1;
    (void)str_copy(tenant.id, sizeof tenant.id, tunnel->tenant_id);
    if (tenant.id[0] != '\0' && record_get(call->txn, &tenant_table, &tenant, err) == -1)
        return -1;
    return shared_wanted(call->txn, tunnel, tenant.maintenance, config, err);
}

static int match(struct op_call *call, struct err *err)
{
    const struct match_params *p = call->params;
    struct cloudflared_config config = {0};
    struct json_out *j = call->out;
    struct tunnel tunnel = {0};
    int met = load(call, p->id, &tunnel, &config, err);

    if (met == 0 && (met = cloudflared_match(&config, p->url, err)) >= 0) {
        const struct cloudflared_rule *is = &config.rules[met];
        json_out_object(j);
        json_out_key_text(j, "object", "match");
        json_out_key_text(j, "tunnel_id", tunnel.id);
        json_out_key_text(j, "url", p->url);
        json_out_key_u64(j, "position", (uint64_t)met + 1);
        json_out_key_text(j, "hostname", is->hostname);
        json_out_key_text(j, "path", is->path);
        json_out_key_text(j, "service", is->service);
        json_out_key_bool(j, "catch_all", (uint32_t)met + 1 == config.count);
        json_out_end_object(j);
    }
    cloudflared_free(&config);
    return met == -1 ? -1 : 0;
}

static int show_config(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct cloudflared_config config = {0};
    struct json_out *j = call->out;
    struct tunnel tunnel = {0};
    struct buf wanted, in_force;
    int result = load(call, p->id, &tunnel, &config, err);

    buf_init(&wanted, CLOUDFLARED_TEXT_MAX);
    buf_init(&in_force, CLOUDFLARED_TEXT_MAX);
    if (result == 0 &&
        (result = rule_text_read(call->txn, tunnel.id, RULE_TEXT_IN_FORCE, &in_force, err)) == 0) {
        (void)cloudflared_write_json(&config, &wanted);
        json_out_object(j);
        json_out_key_text(j, "object", "configuration");
        json_out_key_text(j, "tunnel_id", tunnel.id);
        json_out_key_bool(j, "same", str_equal(buf_string(&wanted), buf_string(&in_force)));
        json_out_key_text(j, "reason", tunnel.rules_reason);
        json_out_key_u64(j, "version", tunnel.cf_version);
        json_out_key(j, "wanted");
        json_out_raw(j, buf_string(&wanted), wanted.len);
        json_out_key(j, "in_force");
        if (in_force.len == 0)
            json_out_null(j);
        else
            json_out_raw(j, buf_string(&in_force), in_force.len);
        json_out_end_object(j);
    }
    buf_free(&wanted);
    buf_free(&in_force);
    cloudflared_free(&config);
    return result;
}

/* Once more, after what refused it was mended elsewhere. */
static int configure(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tunnel tunnel = {0};
    struct job job = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0)
        return -1;
    object_before(call, &tunnel_table, &tunnel);
    if (tunnel.state != TUNNEL_ACTIVE || !str_equal(tunnel.ingress, "cloudflare"))
        return err_set(err, ERR_CONFLICT, "tunnel_state", "tunnel %s is %s%s", tunnel.name,
                       tunnel_state_names[tunnel.state],
                       str_equal(tunnel.ingress, "cloudflare") ? "" : " and has no rules");
    (void)str_copy(job.actor, sizeof job.actor, call->actor.id);
    (void)str_copy(job.request_id, sizeof job.request_id, call->actor.request_id);
    if (rule_changed(call->txn, &tunnel, &job, err) == -1)
        return -1;
    if (call->planned != NULL && str_equal(job.saga, "tunnel.configure"))
        *call->planned = job;
    (void)str_copy(call->job_id, sizeof call->job_id, job.id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job.id);
    call->wake = true;
    object_after(call, &tunnel_table, &tunnel);
    return object_reply(call, &view_tunnel, &tunnel, err);
}

const struct op configure_ops[] = {
    {.name = "tunnel.validate",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(validate_rows, struct validate_params),
     .help = "Check rules as `cloudflared tunnel ingress validate` does, sending nothing",
     .example = "--config-file config.yml",
     .run = validate},
    {.name = "tunnel.match",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(match_rows, struct match_params),
     .help = "Say which rule of a tunnel an address meets",
     .example = "pbx --url https://pbx.example.com/ws",
     .run = match},
    {.name = "tunnel.config",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a tunnel's whole configuration: as it is wanted, and as it is in force",
     .example = "pbx",
     .run = show_config},
    {.name = "tunnel.configure",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Bring a tunnel's whole configuration to what its rules say, once more",
     .example = "pbx",
     .result = &tunnel_table.fields,
     .more = &view_tunnel_more,
     .run = configure},
    {.name = NULL},
};
