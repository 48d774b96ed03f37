/*
 * A tunnel as it is at the provider, whoever made it. Apart from the answers about what the store
 * knows, because this one is not in the store yet.
 */
#include "answer.h"
#include "answer_about.h"

#include <string.h>

#include "json_out.h"
#include "outside.h"
#include "str.h"

static void write_answer(const struct cloudflare *c, const struct cloudflare_tunnel *tunnel,
                         const struct cloudflare_config *config, struct buf *out)
{
    struct json_out j;
    struct buf rules;

    buf_init(&rules, CLOUDFLARED_TEXT_MAX);
    (void)cloudflared_write_json(&config->ingress, &rules);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "cf_tunnel", tunnel->id);
    json_out_key_text(&j, "cf_account", c->account);
    json_out_key_text(&j, "name", tunnel->name);
    json_out_key_text(&j, "status", tunnel->status);
    json_out_key_u64(&j, "version", config->version);
    json_out_key(&j, "config");
    json_out_raw(&j, buf_string(&rules), rules.len);
    json_out_end_object(&j);
    buf_free(&rules);
}

static int look(struct cloudflare *c, const char *id, struct buf *out, struct err *err)
{
    struct cloudflare_config config;
    struct cloudflare_tunnel tunnel;
    if (cloudflare_tunnel_get(c, id, &tunnel, err) == -1)
        return -1;
    if (tunnel.deleted)
        return err_set(err, ERR_NOT_FOUND, "tunnel_gone", "the tunnel %s is deleted at Cloudflare",
                       tunnel.name);
    if (!tunnel.remote) {
        (void)err_set(err, ERR_CONFLICT, "tunnel_local",
                      "the rules of tunnel %s are files of the machine that runs it", tunnel.name);
        return err_hint(err,
                        "migrate it in Cloudflare's dashboard first; what was made so stays so");
    }
    if (cloudflare_config_get(c, id, &config, err) == -1)
        return -1;
    write_answer(c, &tunnel, &config, out);
    cloudflare_config_free(&config);
    return 0;
}

int answer_adopt(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err)
{
    struct providers *p = outside_use(s->outside);
    int result = -1;

    if (p->cloudflare_set)
        result = look(&p->cloudflare, kv_get_or(params, "cf_tunnel", ""), out, err);
    else
        *err = p->cloudflare_why;
    outside_done(s->outside, p);
    return result;
}
