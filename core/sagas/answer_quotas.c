/* The answer about quotas. Apart from those about what runs because it is about an account, which
 * no object of the box stands for. */
#include "answer_about.h"

#include "cloudflare_quota.h"
#include "json_out.h"
#include "outside.h"

static void write_quota(struct json_out *j, const struct cloudflare_quota *q)
{
    json_out_object(j);
    json_out_key_text(j, "object", "quota");
    json_out_key_text(j, "name", q->name);
    json_out_key_text(j, "title", q->title);
    if (q->unknown[0] != '\0') {
        json_out_key_null(j, "used");
        json_out_key_null(j, "most");
        json_out_key_null(j, "percent");
    } else {
        json_out_key_u64(j, "used", q->used);
        json_out_key_u64(j, "most", q->most);
        json_out_key_u64(j, "percent", q->most == 0 ? 0 : q->used * 100 / q->most);
    }
    json_out_key_text(j, "unknown", q->unknown);
    json_out_end_object(j);
}

int answer_quotas(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct providers *p = outside_use(s->outside);
    struct cloudflare_quota q;
    struct json_out j;
    int result = 0;

    (void)params;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "list");
    json_out_key(&j, "data");
    json_out_array(&j);
    if (!p->cloudflare_set) {
        *err = p->cloudflare_why;
        result = -1;
    }
    for (int of = 0; result == 0 && of < CLOUDFLARE_QUOTAS; of++) {
        result = cloudflare_quota_read(&p->cloudflare, (enum cloudflare_quota_of)of, &q, err);
        if (result == 0)
            write_quota(&j, &q);
    }
    json_out_end_array(&j);
    json_out_key_bool(&j, "has_more", false);
    json_out_key_text(&j, "url", "/api/cloudflare/quotas");
    json_out_end_object(&j);
    outside_done(s->outside, p);
    return result;
}
