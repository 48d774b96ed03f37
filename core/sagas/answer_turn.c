/*
 * Answers about TURN: credentials for browsers, their end, what a key has relayed. Apart from the
 * keys' sagas because a credential is nothing that the box keeps: it is made, given away, and ends
 * by itself.
 */
#include "answer_about.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_turn.h"
#include "json_out.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"
#include "turn.h"

#define SERVERS_MAX 32768u
#define DAY_MS      (INT64_C(24) * 3600 * 1000)

/* What is read from the store for one question. */
struct turn {
    struct turn_key key;
    char api[512], ca_file[512], secret[CLOUDFLARE_TURN_KEY_SIZE];
    uint64_t per_minute, ttl_s;
    char custom[64]; /* whose the credentials are, in the analytics */
};

static int read_secret(const struct answer_setup *s, struct txn *txn, struct turn *t,
                       struct err *err)
{
    char name[64];
    struct buf plain;
    int found;

    turn_secret_name(&t->key, name);
    buf_init(&plain, sizeof t->secret - 1);
    found = secret_get(txn, &s->context->vault, name, &plain, err);
    if (found == 1 && str_copy_n(t->secret, sizeof t->secret, plain.data, plain.len) == -1)
        found = err_set(err, ERR_CORRUPT, "secret_no_text", "the TURN key is not a text");
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    if (found == 0)
        return err_set(err, ERR_CONFLICT, "turn_key_unmade", "the TURN key %s is not made yet",
                       t->key.id);
    return found == 1 ? 0 : -1;
}

static int read_all(const struct answer_setup *s, struct txn *txn, const char *id, struct turn *t,
                    struct err *err)
{
    const struct conf *conf = &s->context->conf;
    struct tenant tenant = {0};
    int found = 0;

    if (str_copy(t->key.id, sizeof t->key.id, id) == 0)
        found = record_get(txn, &turn_table, &t->key, err);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "turn_key_not_found", "there is no TURN key %s", id);
    if (found == -1 || read_secret(s, txn, t, err) == -1 ||
        setting_text(txn, conf, "turn.api", t->api, sizeof t->api, err) == -1 ||
        setting_text(txn, conf, "outside.ca_file", t->ca_file, sizeof t->ca_file, err) == -1)
        return -1;
    t->per_minute = setting_u64(txn, conf, "turn.per_minute");
    t->ttl_s = setting_u64(txn, conf, "turn.ttl_s");
    (void)str_copy(tenant.id, sizeof tenant.id, t->key.tenant_id);
    if (tenant.id[0] != '\0' && record_get(txn, &tenant_table, &tenant, err) == -1)
        return -1;
    if (tenant.number != 0)
        tenant_mark(t->custom, tenant.number);
    return 0;
}

static int load(const struct answer_setup *s, const struct kv *params, struct turn *t,
                struct err *err)
{
    struct txn *txn;
    int result;

    memset(t, 0, sizeof *t);
    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    result = read_all(s, txn, kv_get_or(params, "turn_key_id", ""), t, err);
    db_read_end(txn);
    return result;
}

static int gate(const struct answer_setup *s, const struct turn *t, struct err *err)
{
    uint32_t wait_s = outside_gate(s->outside, t->key.id, (uint32_t)t->per_minute);

    if (wait_s == 0)
        return 0;
    (void)err_set(err, ERR_RATE, "turn_rate", "this TURN key makes %llu credentials in a minute",
                  (unsigned long long)t->per_minute);
    err->retry_after_s = wait_s;
    return err_hint(err, "A credential is good for its whole ttl: ask for one a session, not one a "
                         "call. The setting turn.per_minute is the bound.");
}

static struct cloudflare_rtc rtc_of(const struct turn *t)
{
    return (struct cloudflare_rtc){
        .api = t->api, .ca_file = t->ca_file, .uid = t->key.uid, .key = t->secret};
}

static void write_credentials(const struct turn *t, uint32_t ttl_s, const char *username,
                              const struct buf *servers, struct buf *out)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "turn_credentials");
    json_out_key_text(&j, "key", t->key.id);
    json_out_key_text(&j, "tenant_id", t->key.tenant_id);
    json_out_key_text(&j, "username", username);
    json_out_key_u64(&j, "ttl_s", ttl_s);
    json_out_key_time(&j, "expires_at", clock_wall_ms() + (int64_t)ttl_s * 1000);
    json_out_key(&j, "iceServers");
    json_out_raw(&j, buf_string(servers), servers->len);
    json_out_end_object(&j);
}

int answer_turn_credentials(const struct answer_setup *s, const struct kv *params, struct buf *out,
                            struct err *err)
{
    struct cloudflare_rtc rtc;
    char username[256];
    struct buf servers;
    struct turn t;
    uint32_t ttl_s;
    int result = load(s, params, &t, err);

    if (result == 0) {
        ttl_s = (uint32_t)kv_get_u64(params, "ttl_s", t.ttl_s);
        rtc = rtc_of(&t);
        buf_init(&servers, SERVERS_MAX);
        result = gate(s, &t, err);
        if (result == 0)
            result = cloudflare_rtc_generate(&rtc, ttl_s, t.custom, &servers, username, err);
        if (result == 0)
            write_credentials(&t, ttl_s, username, &servers, out);
        if (servers.data != NULL)
            sodium_memzero(servers.data, servers.cap);
        buf_free(&servers);
    }
    sodium_memzero(&t, sizeof t);
    return result;
}

int answer_turn_revoke(const struct answer_setup *s, const struct kv *params, struct buf *out,
                       struct err *err)
{
    const char *username = kv_get_or(params, "username", "");
    struct cloudflare_rtc rtc;
    struct json_out j;
    struct turn t;
    int result = load(s, params, &t, err);

    if (result == 0) {
        rtc = rtc_of(&t);
        result = cloudflare_rtc_revoke(&rtc, username, err);
    }
    sodium_memzero(&t, sizeof t);
    if (result == -1)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "turn_credential");
    json_out_key_text(&j, "username", username);
    json_out_key_bool(&j, "revoked", true);
    json_out_end_object(&j);
    return 0;
}

int answer_turn_usage(const struct answer_setup *s, const struct kv *params, struct buf *out,
                      struct err *err)
{
    int64_t now = clock_wall_ms(), from = now - (int64_t)kv_get_u64(params, "days", 30) * DAY_MS;
    struct cloudflare_turn_usage usage = {0};
    struct providers *p;
    struct json_out j;
    struct turn t;
    int result = load(s, params, &t, err);

    sodium_memzero(t.secret, sizeof t.secret);
    if (result == -1)
        return -1;
    p = outside_use(s->outside);
    if (p->cloudflare_set)
        result = cloudflare_turn_usage(&p->cloudflare, t.key.uid, from, now, &usage, err);
    else
        *err = p->cloudflare_why, result = -1;
    outside_done(s->outside, p);
    if (result == -1)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "turn_usage");
    json_out_key_text(&j, "key", t.key.id);
    json_out_key_text(&j, "tenant_id", t.key.tenant_id);
    json_out_key_time(&j, "from", from);
    json_out_key_time(&j, "to", now);
    json_out_key_u64(&j, "egress_bytes", usage.egress_bytes);
    json_out_key_u64(&j, "ingress_bytes", usage.ingress_bytes);
    json_out_end_object(&j);
    return 0;
}
