/* Channels: where alerts go. */
#include "alert_channel.h"

#include "ask.h"
#include "enquire.h"
#include "list.h"
#include "mail.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"
#include "webhook_sign.h"

#include <sodium.h>
#include <string.h>

#define TEST_WAIT_MS 70000 /* a mail server may take its minute */

struct channel_params {
    char id[96], name[64], target[400], slack_url[400], kinds[500];
    uint32_t type, severity;
    bool enabled;
};
#define SHARED                                                                                     \
    FIELD(struct channel_params, kinds, FIELD_TEXT,                                                \
          .help = "only these kinds of alerts, as in \"tenant.*, job.stuck\" (all)"),              \
        FIELD(struct channel_params, severity, FIELD_ENUM, .names = notice_severity_names,         \
              .help = "only as grave as this or graver (info)"),                                   \
        FIELD(struct channel_params, target, FIELD_TEXT,                                           \
              .help = "email: the address; webhook: the URL"),                                     \
        FIELD(struct channel_params, slack_url, FIELD_TEXT, .flags = FIELD_SECRET,                 \
              .help = "slack: URL of the incoming webhook; it is sealed")
static const struct field create_rows[] = {
    FIELD(struct channel_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "name for people"),
    FIELD(struct channel_params, type, FIELD_ENUM, .flags = FIELD_REQUIRED,
          .names = channel_type_names, .help = "email, slack or webhook"),
    SHARED,
};
static const struct field update_rows[] = {
    ID_FIELD(struct channel_params),
    FIELD(struct channel_params, enabled, FIELD_BOOL, .help = "whether anything goes over it"),
    SHARED,
};

static const struct field made_rows[] = {
    {.name = "secret",
     .type = FIELD_TEXT,
     .size = WEBHOOK_SECRET_SIZE,
     .help = "webhook: what signs it, shown this once"},
};
static const struct fields made = {made_rows, 1, 0};
static const struct field test_rows[] = {
    {.name = "message", .type = FIELD_TEXT, .size = 32, .help = "id of the test message"},
    {.name = "target", .type = FIELD_TEXT, .size = 400, .help = "where it went"},
    {.name = "answer", .type = FIELD_TEXT, .size = 240, .help = "what the other side said"},
    {.name = "took_ms", .type = FIELD_U64, .size = 8, .help = "how long it took"},
};
static const struct fields tested = {test_rows, sizeof test_rows / sizeof test_rows[0], 0};

/* That a URL can be one: which addresses it may lead to is seen when it is used. */
static int check_url(const struct op_call *call, const char *field, const char *url,
                     struct err *err)
{
    char allowed[512];

    if (setting_text(call->txn, &call->box->conf, "alerts.private_targets", allowed, sizeof allowed,
                     err) < 0)
        return -1;
    if (!str_starts(url, "https://") && !(str_equal(allowed, "true") && str_starts(url, "http://")))
        return err_field(err, field, "url_invalid", "%s must begin with https://", field);
    for (const char *p = url; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~' || strchr("\"'\\<>{}|^`", *p) != NULL)
            return err_field(err, field, "url_invalid", "%s is not a URL", field);
    if (strchr(url, '@') != NULL)
        return err_field(err, field, "url_invalid", "%s must have no user in it", field);
    return 0;
}

/* Of Slack's URL, which is a secret, only where it begins and how it ends. */
static void mask(char *out, size_t size, const char *url)
{
    const char *host = strstr(url, "://") + 3;
    size_t len = strlen(url);

    (void)str_format(out, size, "%.*s/…%s", (int)((size_t)(host - url) + strcspn(host, "/")), url,
                     len > 40 ? url + len - 4 : "");
}

/* The target as it was given, for the channel's type. */
static int set_target(struct op_call *call, struct alert_channel *channel, struct err *err)
{
    const struct channel_params *p = call->params;
    bool slack = channel->type == CHANNEL_SLACK;

    if (slack ? op_given(call, "target") : op_given(call, "slack_url"))
        return err_field(err, slack ? "target" : "slack_url", "not_for_type",
                         "a channel of the type %s has %s", channel_type_names[channel->type],
                         slack ? "slack_url" : "target");
    if (slack) {
        if (check_url(call, "slack_url", p->slack_url, err) != 0 ||
            channel_seal(&call->box->vault, channel, p->slack_url, &channel->secret, err) != 0)
            return -1;
        mask(channel->target, sizeof channel->target, p->slack_url);
        return 0;
    }
    if (channel->type == CHANNEL_WEBHOOK ? check_url(call, "target", p->target, err) != 0
                                         : !mail_address(p->target))
        return channel->type == CHANNEL_WEBHOOK
                   ? -1
                   : err_field(err, "target", "email_invalid", "target is not an e-mail address");
    return str_copy(channel->target, sizeof channel->target, p->target);
}

static int seal_fresh(struct op_call *call, struct alert_channel *channel,
                      char secret[WEBHOOK_SECRET_SIZE], struct err *err)
{
    webhook_secret(secret);
    return channel_seal(&call->box->vault, channel, secret, &channel->secret, err);
}

/* The channel, with the secret that is shown this once. */
static int reply_with(struct op_call *call, const struct alert_channel *channel, char *secret)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", view_channel.object);
    fields_json(&alert_channel_table.fields, channel, j);
    if (secret[0] != '\0')
        json_out_key_text(j, "secret", secret);
    json_out_end_object(j);
    sodium_memzero(secret, WEBHOOK_SECRET_SIZE);
    return 0;
}

static int channel_list(struct op_call *call, struct err *err)
{
    const struct list_params *p = call->params;
    struct list list = {.view = &view_channel, .url = "/api/channels"};

    return list_reply(call, p, &list, err);
}

static int channel_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct alert_channel channel = {0};

    if (object_get(call, &alert_channel_table, p->id, &channel, err) != 0)
        return -1;
    return object_reply(call, &view_channel, &channel, err);
}

static int channel_create(struct op_call *call, struct err *err)
{
    const struct channel_params *p = call->params;
    struct alert_channel channel = {.type = p->type,
                                    .enabled = true,
                                    .severity =
                                        op_given(call, "severity") ? p->severity : NOTICE_INFO};
    char secret[WEBHOOK_SECRET_SIZE] = "";

    id_make(channel.id, alert_channel_table.prefix);
    (void)str_copy(channel.name, sizeof channel.name, p->name);
    (void)str_copy(channel.kinds, sizeof channel.kinds, p->kinds);
    if (channel_kinds_check(channel.kinds, err) != 0 || set_target(call, &channel, err) != 0 ||
        (channel.type == CHANNEL_WEBHOOK && seal_fresh(call, &channel, secret, err) != 0) ||
        channel_new(call->txn, &channel, err) != 0 || notice_tell_untold(call->txn, err) != 0)
        return -1;
    object_after(call, &alert_channel_table, &channel);
    return reply_with(call, &channel, secret);
}

static int channel_update(struct op_call *call, struct err *err)
{
    const struct channel_params *p = call->params;
    struct alert_channel channel = {0};

    if (object_get(call, &alert_channel_table, p->id, &channel, err) != 0 ||
        object_match(call, &alert_channel_table, &channel, err) != 0)
        return -1;
    object_before(call, &alert_channel_table, &channel);
    if (op_given(call, "kinds"))
        (void)str_copy(channel.kinds, sizeof channel.kinds, p->kinds);
    if (op_given(call, "severity"))
        channel.severity = p->severity;
    if (channel_kinds_check(channel.kinds, err) != 0 ||
        ((op_given(call, "target") || op_given(call, "slack_url")) &&
         set_target(call, &channel, err) != 0))
        return -1;
    if (op_given(call, "enabled")) {
        channel.enabled = p->enabled;
        channel.disabled_reason[0] = '\0';
        channel.failures = 0;
        if (notice_clear(call->txn, "channel.failing", channel.name, err) != 0)
            return -1;
    }
    if (channel_put(call->txn, &channel, err) != 0 || notice_tell_untold(call->txn, err) != 0)
        return -1;
    object_after(call, &alert_channel_table, &channel);
    return object_reply(call, &view_channel, &channel, err);
}

static int channel_delete(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct alert_channel channel = {0};

    if (object_get(call, &alert_channel_table, p->id, &channel, err) != 0)
        return -1;
    object_before(call, &alert_channel_table, &channel);
    if (record_delete(call->txn, &alert_channel_table, &channel, err) < 0 ||
        notice_clear_subject(call->txn, "channel", channel.name, err) != 0)
        return -1;
    object_after(call, &alert_channel_table, NULL);
    return object_removed(call, &view_channel, channel.id);
}

/* For a day both secrets sign, so that the other side can change over when it likes. */
static int channel_rotate(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct alert_channel channel = {0};
    char secret[WEBHOOK_SECRET_SIZE] = "";

    if (object_get(call, &alert_channel_table, p->id, &channel, err) != 0)
        return -1;
    if (channel.type != CHANNEL_WEBHOOK)
        return err_set(err, ERR_CONFLICT, "channel_type", "only a webhook has a secret that signs");
    object_before(call, &alert_channel_table, &channel);
    channel.previous = channel.secret;
    channel.previous_until = txn_time_ms(call->txn) + CHANNEL_PREVIOUS_MS;
    if (seal_fresh(call, &channel, secret, err) != 0 || channel_put(call->txn, &channel, err) != 0)
        return -1;
    object_after(call, &alert_channel_table, &channel);
    return reply_with(call, &channel, secret);
}

static int test_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct alert_channel channel = {0};
    struct kv params;
    struct txn *txn;
    int r = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    call->txn = txn;
    r = object_get(call, &alert_channel_table, p->id, &channel, err);
    db_read_end(txn);
    call->txn = NULL;
    if (r != 0)
        return -1;
    kv_clear(&params);
    (void)kv_set(&params, "channel_id", channel.id);
    return ask(call->box->paths.ask_sock, "channel_test", &params, TEST_WAIT_MS, &call->answer,
               err);
}

static int channel_test(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;

    (void)str_copy(call->audit.object, sizeof call->audit.object, p->id);
    return enquire_reply_json(call, err);
}

static const struct field channel_list_rows[] = {
    {.name = "limit",
     .type = FIELD_U32,
     .offset = offsetof(struct list_params, limit),
     .size = 4,
     .since = 1,
     .min = 1,
     .max = LIST_MOST,
     .help = "how many, 1 to 100 (25)"},
    FIELD(struct list_params, starting_after, FIELD_TEXT,
          .help = "those that come after this one in the list"),
    FIELD(struct list_params, ending_before, FIELD_TEXT,
          .help = "those that come before this one in the list"),
};

const struct op channel_ops[] = {
    {.name = "channel.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(channel_list_rows, struct list_params),
     .help = "List where alerts go",
     .example = "",
     .result = &alert_channel_table.fields,
     .run = channel_list},
    {.name = "channel.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a channel of alerts",
     .example = "oncall",
     .result = &alert_channel_table.fields,
     .run = channel_show},
    {.name = "channel.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE | OP_SECRET,
     .params = PARAMS(create_rows, struct channel_params),
     .help = "Add a channel for alerts; a webhook's secret is shown this once",
     .example = "oncall email --target oncall@example.com --severity warning",
     .result = &alert_channel_table.fields,
     .more = &made,
     .run = channel_create},
    {.name = "channel.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(update_rows, struct channel_params),
     .help = "Change what a channel gets and where it leads, or switch it on or off",
     .example = "oncall --kinds \"tenant.*, job.stuck\" --enabled true",
     .result = &alert_channel_table.fields,
     .run = channel_update},
    {.name = "channel.delete",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "Remove a channel",
     .example = "oncall",
     .result = &alert_channel_table.fields,
     .run = channel_delete},
    {.name = "channel.test",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = &object_id,
     .help = "Send a test over a channel, and say what the other side answered",
     .example = "oncall",
     .result = &tested,
     .slow = test_slow,
     .run = channel_test},
    {.name = "channel.rotate",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = &object_id,
     .help = "Give a webhook a new secret, shown this once; for a day both sign",
     .example = "oncall",
     .result = &alert_channel_table.fields,
     .more = &made,
     .run = channel_rotate},
    {.name = NULL},
};
