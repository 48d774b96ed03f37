/* What Stripe sends. The signature is checked over the bytes as they came, before anything reads
 * them; then event, job and audit record are one commit, and only then Stripe is told that it was
 * received. */
#include <sodium.h>

#include "clock.h"
#include "event.h"
#include "json_in.h"
#include "nouns.h"
#include "object.h"
#include "setting.h"
#include "str.h"
#include "stripe.h"

#define SECRETS      2
#define SECRET_BYTES 512

struct delivery {
    char secrets[SECRETS][SECRET_BYTES];
    uint64_t tolerance_s;
    struct stripe_event event;
};

/* A secret that the front can open; "" if it is not set. */
static int read_secret(struct op_call *call, struct txn *txn, const char *name, char *out,
                       struct err *err)
{
    struct buf plain;
    int found;

    buf_init(&plain, SECRET_BYTES - 1);
    found = secret_get_web(txn, &call->box->web_key, name, &plain, err);
    if (found == 1 && str_copy_n(out, SECRET_BYTES, plain.data, plain.len) != 0)
        found = err_set(err, ERR_CORRUPT, "secret_broken", "the secret %s cannot be used", name);
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.len);
    buf_free(&plain);
    return found < 0 ? -1 : 0;
}

static int read_terms(struct op_call *call, struct delivery *d, struct err *err)
{
    struct txn *txn;
    int r;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    r = read_secret(call, txn, "stripe.webhook_secret", d->secrets[0], err);
    if (r == 0)
        r = read_secret(call, txn, "stripe.webhook_secret_previous", d->secrets[1], err);
    d->tolerance_s = setting_u64(txn, &call->box->conf, "stripe.tolerance_s");
    db_read_end(txn);
    if (r == 0 && d->secrets[0][0] == '\0' && d->secrets[1][0] == '\0') {
        err_set(err, ERR_UNAVAILABLE, "webhook_secret_missing",
                "there is no secret to check webhooks with");
        err->retry_after_s = 60;
        return err_hint(err, "sett secret set stripe.webhook_secret --value-file FILE");
    }
    return r;
}

static int webhook_slow(struct op_call *call, struct err *err)
{
    struct delivery *d = call->scratch;
    const char *secrets[SECRETS] = {d->secrets[0], d->secrets[1]};
    struct cJSON *json;
    int r;

    call->actor.id[0] = '\0'; /* whoever it is, it is not Stripe yet */
    (void)str_copy(call->actor.kind, sizeof call->actor.kind, "webhook");
    if (read_terms(call, d, err) != 0)
        return -1;
    call->audit_refusal = true;
    if (stripe_signature_check(call->header, call->body, call->body_len, secrets, SECRETS,
                               clock_wall_ms() / 1000, (int64_t)d->tolerance_s, err) != 0)
        return -1;
    sodium_memzero(d->secrets, sizeof d->secrets);
    if ((json = json_parse(call->body, call->body_len, &json_limits_webhook, err)) == NULL)
        return -1;
    r = stripe_read_event(json, &d->event, err);
    json_free(json);
    (void)str_copy(call->actor.id, sizeof call->actor.id, "stripe");
    call->audit_refusal = r != 0;
    return r;
}

static int webhook(struct op_call *call, struct err *err)
{
    const struct delivery *d = call->scratch;
    struct json_out *j = call->out;
    struct event event = {.livemode = d->event.livemode, .event_at = d->event.created_s * 1000};
    bool fresh = false;

    if (str_copy(event.id, sizeof event.id, d->event.id) != 0 ||
        str_copy(event.type, sizeof event.type, d->event.type) != 0 ||
        str_copy(event.api_version, sizeof event.api_version, d->event.api_version) != 0 ||
        str_copy(event.object_id, sizeof event.object_id, d->event.object_id) != 0)
        return err_set(err, ERR_MALFORMED, "event_malformed",
                       "the event has a member that is too long");
    if (event_store(call->txn, &event, call->body, call->body_len, call->actor.request_id, &fresh,
                    err) != 0)
        return -1;
    call->wake = fresh && event.job_id[0] != '\0';
    call->unchanged = !fresh;
    (void)str_copy(call->audit.job_id, sizeof call->audit.job_id, event.job_id);
    if (fresh)
        object_after(call, &event_table, &event);
    json_out_object(j);
    json_out_key_text(j, "object", "event");
    json_out_key_text(j, "id", event.id);
    json_out_key_bool(j, "received", true);
    json_out_key_bool(j, "duplicate", !fresh);
    json_out_end_object(j);
    return 0;
}

const struct op webhook_ops[] = {
    {.name = "stripe.webhook",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_RAW,
     .help = "Take an event from Stripe, signed with the webhook secret",
     .example = "",
     .scratch_size = sizeof(struct delivery),
     .slow = webhook_slow,
     .run = webhook},
    {.name = NULL},
};
