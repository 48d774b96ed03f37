/*
 * Taking over a tunnel that somebody else made, and letting it go. Apart because everything else in
 * this box leaves alone what does not bear its mark: here an admin says so, and it is audited.
 */
#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "cloudflare.h"
#include "enquire.h"
#include "json_in.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "rule.h"
#include "setting.h"
#include "str.h"
#include "tunnel_start.h"

struct adopt_params {
    char tunnel[64], token[CLOUDFLARE_TOKEN_SIZE];
    bool connect;
};
static const struct field adopt_rows[] = {
    FIELD(struct adopt_params, tunnel, FIELD_TEXT, .flags = FIELD_WORD,
          .help = "its id at Cloudflare: xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    FIELD(struct adopt_params, token, FIELD_TEXT, .flags = FIELD_SECRET,
          .help = "or the token of its connector"),
    FIELD(struct adopt_params, connect, FIELD_BOOL,
          .help = "run a connector on this box, too (what runs it now goes on)"),
};

/* From slow to run. */
struct adoption {
    struct cloudflare_credentials credentials; /* secret "": not given */
};

/* xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, in hexadecimal digits. */
static bool is_uuid(const char *s)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t i = 0;

    for (; form[i] != '\0' && s[i] != '\0'; i++)
        if (form[i] == '-' ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
            return false;
    return form[i] == s[i];
}

static int which(struct op_call *call, struct adoption *a, struct err *err)
{
    const struct adopt_params *p = call->params;

    if ((p->tunnel[0] == '\0') == (p->token[0] == '\0'))
        return err_field(err, "tunnel", "one_of_two", "give the tunnel's id or its token");
    if (p->token[0] != '\0')
        return cloudflare_token_read(p->token, &a->credentials, err);
    if (!is_uuid(p->tunnel)) {
        (void)err_field(err, "tunnel", "bad_id", "\"%s\" is no tunnel's id", p->tunnel);
        return err_hint(err, "it is like c1744f8b-faa1-48a4-9e5c-02ac921467fa; cloudflared tunnel "
                             "list shows it, and so does Cloudflare's dashboard");
    }
    for (size_t i = 0; p->tunnel[i] != '\0'; i++)
        a->credentials.tunnel[i] = (char)tolower((unsigned char)p->tunnel[i]);
    return 0;
}

static int adopt_slow(struct op_call *call, struct err *err)
{
    struct adoption *a = call->scratch;
    struct kv params;

    kv_clear(&params);
    if (which(call, a, err) == -1)
        return -1;
    if (kv_set(&params, "cf_tunnel", a->credentials.tunnel) == -1)
        return err_field(err, "tunnel", "bad_id", "that is not a tunnel's id");
    return enquire_ask(call, "adopt", &params, 0, err);
}

/* That none of ours is this one. */
static int unknown(struct op_call *call, const char *cf_tunnel, struct err *err)
{
    struct tunnel tunnel;
    struct scan scan;
    int got;

    if (scan_start(&scan, call->txn, &tunnel_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1)
        if (tunnel.state != TUNNEL_DELETED && str_equal(tunnel.cf_tunnel, cf_tunnel))
            return err_set(err, ERR_CONFLICT, "tunnel_known", "that is tunnel %s already",
                           tunnel.name);
    return got;
}

static int take_rules(struct op_call *call, struct tunnel *tunnel,
                      const struct cloudflared_config *config, struct err *err)
{
    const struct cloudflared_rule *last;

    if (config->count == 0)
        return 0;
    last = &config->rules[config->count - 1];
    if (!cloudflared_plain(&last->origin) ||
        str_copy(tunnel->catch_all, sizeof tunnel->catch_all, last->service) == -1)
        return err_set(err, ERR_CONFLICT, "catch_all",
                       "the last rule of tunnel %s has options, which sett would not keep",
                       tunnel->name);
    if (str_equal(tunnel->catch_all, CLOUDFLARED_CATCH_ALL))
        tunnel->catch_all[0] = '\0';
    for (uint32_t i = 0; i + 1 < config->count; i++) {
        struct rule rule = {.is = config->rules[i]};
        if (rule_new(call->txn, tunnel, &rule, RULE_PLACE_LAST, err) == -1)
            return -1;
    }
    return 0;
}

/* Its rules as they are in force there become its records, and nothing is left to be done. */
static int take(struct op_call *call, struct tunnel *tunnel, const struct cJSON *said,
                struct err *err)
{
    struct cloudflared_config config = {0};
    struct buf text;
    int result = cloudflared_read_json(json_at(said, "config.ingress"), &config, err);

    buf_init(&text, CLOUDFLARED_TEXT_MAX);
    if (result == 0 && (result = tunnel_new(call->txn, tunnel, err)) == 0 &&
        (result = take_rules(call, tunnel, &config, err)) == 0) {
        tunnel->rules_wanted = tunnel->rules_in_force = 1;
        (void)cloudflared_write_json(&config, &text);
        result = rule_text_keep(call->txn, tunnel->id, RULE_TEXT_IN_FORCE, buf_string(&text),
                                text.len, err);
    }
    if (result == 0)
        result = tunnel_put(call->txn, tunnel, err);
    buf_free(&text);
    cloudflared_free(&config);
    return result;
}

static int keep_secret(struct op_call *call, const struct tunnel *tunnel, const struct adoption *a,
                       struct err *err)
{
    char name[96];

    if (a->credentials.secret[0] == '\0')
        return 0;
    (void)str_format(name, sizeof name, "tunnel:%s", tunnel->id);
    return secret_set(call->txn, &call->box->vault, name, a->credentials.secret,
                      strlen(a->credentials.secret), err);
}

static int adopt(struct op_call *call, struct err *err)
{
    const struct adopt_params *p = call->params;
    const struct adoption *a = call->scratch;
    struct tunnel tunnel = {.adopted = true, .elsewhere = !p->connect};
    struct cJSON *said =
        json_parse(buf_string(&call->answer), call->answer.len, &json_limits_provider, err);
    int result = -1;

    if (said == NULL)
        return -1;
    (void)str_copy(tunnel.ingress, sizeof tunnel.ingress, "cloudflare");
    tunnel.cf_version = (uint64_t)json_i64(said, "version", 0);
    if (a->credentials.account[0] != '\0' &&
        !str_equal(a->credentials.account, json_text(said, "cf_account", "")))
        (void)err_field(err, "token", "other_account", "the token is of another account");
    else if (str_copy(tunnel.name, sizeof tunnel.name, json_text(said, "name", "")) == -1 ||
             str_copy(tunnel.cf_tunnel, sizeof tunnel.cf_tunnel,
                      json_text(said, "cf_tunnel", "")) == -1 ||
             str_copy(tunnel.cf_account, sizeof tunnel.cf_account,
                      json_text(said, "cf_account", "")) == -1)
        (void)err_set(err, ERR_INVALID, "name_too_long", "the tunnel's name is too long");
    else if (unknown(call, tunnel.cf_tunnel, err) == 0)
        result = take(call, &tunnel, said, err);
    json_free(said);
    if (result == -1 || keep_secret(call, &tunnel, a, err) == -1)
        return -1;
    if (call->planned != NULL) {
        if (call->preview.max == 0)
            buf_init(&call->preview, CLOUDFLARED_TEXT_MAX * 2);
        buf_reset(&call->preview);
        (void)buf_format(&call->preview, "\"takes_over\":%s", buf_string(&call->answer));
    }
    return tunnel_start(call, "tunnel.adopt", &tunnel, err);
}

const struct op adoption_ops[] = {
    {.name = "tunnel.adopt",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB | OP_CREATE | OP_ASK,
     .params = PARAMS(adopt_rows, struct adopt_params),
     .help = "Take over a tunnel that somebody else made; its rules stay as they are",
     .example = "c1744f8b-faa1-48a4-9e5c-02ac921467fa --dry-run",
     .result = &tunnel_table.fields,
     .more = &view_tunnel_more,
     .scratch_size = sizeof(struct adoption),
     .slow = adopt_slow,
     .run = adopt},
    {.name = NULL},
};
