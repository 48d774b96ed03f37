/*
 * Secrets of the swarm. Apart because they are objects of their own, which must be there before the
 * service that names them and can go only after it.
 */
#include "swarm_secret.h"

#include "docker_network.h"
#include "enc.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"
#include "swarm_ask.h"

#include <sodium.h>
#include <string.h>

#define VALUE_MAX 2048u

/* Named by what it holds, so that the same is found again. */
static void name_of(char out[64], const struct runtime_order *o, const char *value)
{
    unsigned char digest[16];
    char hex[33];

    crypto_generichash(digest, sizeof digest, (const unsigned char *)value, strlen(value), NULL, 0);
    enc_hex(hex, digest, sizeof digest);
    (void)str_format(out, 64, "%s-%.16s", o->mark, hex);
}

static void write_secret(struct buf *body, const struct runtime_order *o, const char *name,
                         const char *value)
{
    char coded[sodium_base64_ENCODED_LEN(VALUE_MAX, sodium_base64_VARIANT_ORIGINAL)], number[24];
    struct json_out j;

    (void)sodium_bin2base64(coded, sizeof coded, (const unsigned char *)value, strlen(value),
                            sodium_base64_VARIANT_ORIGINAL);
    json_out_init(&j, body);
    json_out_object(&j);
    json_out_key_text(&j, "Name", name);
    json_out_key(&j, "Labels");
    json_out_object(&j);
    json_out_key_text(&j, "sett.tenant", o->tenant_id);
    json_out_key_text(&j, "sett.job", o->job_id);
    json_out_key_text(&j, "sett.box", o->box_id);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)o->number);
    json_out_key_text(&j, "sett.number", number);
    json_out_end_object(&j);
    json_out_key_text(&j, "Data", coded);
    json_out_end_object(&j);
    sodium_memzero(coded, sizeof coded);
}

/* Return 1 with its id in ${p}, 0, -1. */
static int find(struct docker_api *api, const struct runtime_order *o, struct swarm_plan *p,
                struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    (void)str_format(path, sizeof path, "/secrets/%s", p->secret_name);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 404)
        rc = 0;
    else if (reply.status != 200)
        (void)swarm_refused(&reply, "looking for the tenant's secret", err);
    else if (!docker_labels_ours(json_at(reply.json, "Spec.Labels"), o))
        (void)err_set(err, ERR_CONFLICT, "foreign_secret",
                      "A secret \"%s\" exists that is not of this tenant on this box.",
                      p->secret_name);
    else
        rc = 1;
    if (rc == 1)
        swarm_copy_cut(p->secret_id, sizeof p->secret_id, json_text(reply.json, "ID", ""));
    docker_reply_free(&reply);
    return rc;
}

int swarm_secret_ensure(struct docker_api *api, const struct runtime_order *o, const char *value,
                        struct swarm_plan *p, struct err *err)
{
    struct docker_reply reply;
    struct buf body;
    int rc;

    if (strlen(value) >= VALUE_MAX)
        return err_set(err, ERR_TOO_LARGE, "secret_too_large", "The password of %s is too long.",
                       o->mark);
    name_of(p->secret_name, o, value);
    if ((rc = find(api, o, p, err)) != 0)
        return rc == 1 ? 0 : -1;
    buf_init(&body, 16 * 1024);
    write_secret(&body, o, p->secret_name, value);
    rc = docker_api_call(api, "POST", "/secrets/create", &body, 60, &reply, err);
    if (body.data != NULL)
        sodium_memzero(body.data, body.len);
    buf_free(&body);
    if (rc != 0)
        return -1;
    if (reply.status != 201 && reply.status != 200 && reply.status != 409)
        rc = swarm_refused(&reply, "creating the tenant's secret", err);
    docker_reply_free(&reply);
    return rc == 0 && find(api, o, p, err) == 1 ? 0 : -1;
}

int swarm_secret_remove(struct docker_api *api, const struct runtime_order *o, const char *but,
                        struct err *err)
{
    char value[64], path[DOCKER_API_PATH];
    struct docker_reply all, reply;
    int rc = 0;

    (void)str_format(value, sizeof value, "sett.number=%llu", (unsigned long long)o->number);
    if (swarm_ask_list(api, "/secrets", "label", value, &all, err) != 0)
        return -1;
    for (const struct cJSON *at = json_next(all.json, NULL); rc == 0 && at != NULL;
         at = json_next(all.json, at)) {
        if (!docker_labels_ours(json_at(at, "Spec.Labels"), o) ||
            str_equal(json_text(at, "Spec.Name", ""), but))
            continue;
        (void)str_format(path, sizeof path, "/secrets/%s", json_text(at, "ID", ""));
        if ((rc = docker_api_call(api, "DELETE", path, NULL, 60, &reply, err)) != 0)
            break;
        if (reply.status >= 300 && reply.status != 404)
            rc = swarm_refused(&reply, "removing the tenant's secret", err);
        docker_reply_free(&reply);
    }
    docker_reply_free(&all);
    return rc;
}
