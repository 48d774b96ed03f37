/*
 * Guarded acts: a closed list of what an administrator can have done at once. Apart from all other
 * operations because these are about the box and none of its objects; each asks for a password that
 * was given just now, and each is in the audit.
 */
#include "ask.h"
#include "alert_channel.h"
#include "drift.h"
#include "enquire.h"
#include "nouns.h"
#include "params.h"
#include "restart.h"
#include "str.h"
#include "webhook_sign.h"

#include <sodium.h>
#include <string.h>

#define ACT_WAIT_MS 120000 /* a check of the whole store takes its time */

enum action {
    ACT_RESTART_WORKER,
    ACT_RESTART_FRONT,
    ACT_RESTART_HANDS,
    ACT_CHECK_ALERTS,
    ACT_CHECK_STORE,
    ACT_CHECK_COPY,
    ACT_SCAN_DRIFT,
    ACT_PRUNE,
    ACT_TEST_MAIL,
    ACT_ROTATE_WEBHOOKS,
    ACT_UNSTICK,
    ACT_READ_EVENTS
};
static const char *const action_names[] = {"restart-worker",
                                           "restart-front",
                                           "restart-hands",
                                           "check-alerts",
                                           "check-store",
                                           "check-copy",
                                           "scan-drift",
                                           "prune",
                                           "test-mail",
                                           "rotate-webhooks",
                                           "unstick",
                                           "read-events",
                                           NULL};

struct act_params {
    uint32_t action;
    char argument[256];
};
static const struct field act_rows[] = {
    FIELD(struct act_params, action, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = action_names,
          .help = "what is to be done"),
    FIELD(struct act_params, argument, FIELD_TEXT,
          .help = "test-mail: the address; read-events: of how many days, 1 to 30 (4)"),
};

static const struct field result_rows[] = {
    {.name = "action", .type = FIELD_TEXT, .size = 32, .help = "what was done"},
    {.name = "findings", .type = FIELD_U64, .size = 8, .help = "check-store: how many"},
    {.name = "first", .type = FIELD_TEXT, .size = 400, .help = "check-store: the first of them"},
    {.name = "changes", .type = FIELD_U64, .size = 8, .help = "check-alerts: raised and cleared"},
    {.name = "removed", .type = FIELD_U64, .size = 8, .help = "prune: records that were over"},
    {.name = "freed_bytes", .type = FIELD_U64, .size = 8, .help = "unstick: what the ballast took"},
    {.name = "events", .type = FIELD_U64, .size = 8, .help = "read-events: that were not known"},
    {.name = "secrets",
     .type = FIELD_KV,
     .help = "rotate-webhooks: new secret of each channel, shown this once"},
};
static const struct fields result = {result_rows, sizeof result_rows / sizeof result_rows[0], 0};

/* What is done here, in the store; all else is the worker's. */
static bool is_ours(uint32_t action)
{
    return action == ACT_RESTART_FRONT || action == ACT_SCAN_DRIFT || action == ACT_ROTATE_WEBHOOKS;
}

static int act_slow(struct op_call *call, struct err *err)
{
    const struct act_params *p = call->params;
    struct kv params;

    if (p->action == ACT_TEST_MAIL && p->argument[0] == '\0')
        return err_field(err, "argument", "required", "argument is missing: the address");
    if (is_ours(p->action))
        return 0;
    kv_clear(&params);
    (void)kv_set(&params, "action", action_names[p->action]);
    (void)kv_set(&params, "argument", p->argument);
    return ask(call->box->paths.ask_sock, "act", &params, ACT_WAIT_MS, &call->answer, err);
}

/* A new secret for each webhook; for a day the former signs too. */
static int rotate_webhooks(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct alert_channel channel;
    char secret[WEBHOOK_SECRET_SIZE];
    struct scan scan;
    int got;

    if (scan_start(&scan, call->txn, &alert_channel_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    json_out_key(j, "secrets");
    json_out_object(j);
    while ((got = scan_next(&scan, &channel, err)) == 1) {
        if (channel.type != CHANNEL_WEBHOOK)
            continue;
        webhook_secret(secret);
        channel.previous = channel.secret;
        channel.previous_until = txn_time_ms(call->txn) + CHANNEL_PREVIOUS_MS;
        if (channel_seal(&call->box->vault, &channel, secret, &channel.secret, err) != 0 ||
            channel_put(call->txn, &channel, err) != 0) {
            got = -1;
            break;
        }
        json_out_key_text(j, channel.name, secret);
    }
    json_out_end_object(j);
    sodium_memzero(secret, sizeof secret);
    return got;
}

static int act(struct op_call *call, struct err *err)
{
    const struct act_params *p = call->params;
    struct json_out *j = call->out;
    struct drift_scan drift;
    int done = 0;

    (void)str_copy(call->audit.object, sizeof call->audit.object, action_names[p->action]);
    if (!is_ours(p->action))
        return enquire_reply_json(call, err);
    json_out_object(j);
    json_out_key_text(j, "object", "act");
    json_out_key_text(j, "action", action_names[p->action]);
    if (p->action == ACT_RESTART_FRONT)
        done = restart_want(call->txn, "front", call->actor.id, err);
    else if (p->action == ACT_SCAN_DRIFT)
        done = drift_scan_want(call->txn, call->actor.id, &drift, err);
    else
        done = rotate_webhooks(call, err);
    json_out_end_object(j);
    return done < 0 ? -1 : 0;
}

const struct op act_ops[] = {
    {.name = "system.act",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_ASK | OP_SECRET,
     .params = PARAMS(act_rows, struct act_params),
     .help = "Do one of a closed list of guarded acts: restart a program, check, prune, rotate",
     .example = "check-store",
     .result = &result,
     .slow = act_slow,
     .run = act},
    {.name = NULL},
};
