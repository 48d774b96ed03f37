/*
 * Channels of alerts: their table and what each wants to hear of. Apart from the telling, because
 * they are made by operators and read by the worker alone.
 */
#include "alert_channel.h"

#include "str.h"

#include <sodium.h>
#include <string.h>

const char *const channel_type_names[] = {"email", "slack", "webhook", NULL};

static const struct field rows[] = {
    FIELD(struct alert_channel, id, FIELD_ID, .ref_prefix = "ch"),
    FIELD(struct alert_channel, name, FIELD_TEXT, .help = "name for people"),
    FIELD(struct alert_channel, type, FIELD_ENUM, .names = channel_type_names,
          .help = "email, slack or webhook"),
    FIELD(struct alert_channel, target, FIELD_TEXT, .help = "address or URL"),
    FIELD(struct alert_channel, kinds, FIELD_TEXT,
          .help = "kinds of alerts that it gets; \"\": all"),
    FIELD(struct alert_channel, severity, FIELD_ENUM, .names = notice_severity_names,
          .help = "least severity that it gets"),
    FIELD(struct alert_channel, enabled, FIELD_BOOL, .help = "whether anything goes over it"),
    FIELD(struct alert_channel, disabled_reason, FIELD_TEXT, .help = "why it was switched off"),
    FIELD(struct alert_channel, secret, FIELD_SEALED, .flags = FIELD_HIDDEN),
    FIELD(struct alert_channel, previous, FIELD_SEALED, .flags = FIELD_HIDDEN),
    FIELD(struct alert_channel, previous_until, FIELD_TIME,
          .help = "until then the former secret signs too"),
    FIELD(struct alert_channel, failures, FIELD_U32, .help = "failures in a row"),
    FIELD(struct alert_channel, last_error, FIELD_TEXT, .help = "the last failure"),
    FIELD(struct alert_channel, sent_at, FIELD_TIME, .help = "last delivered at"),
    FIELD(struct alert_channel, failed_at, FIELD_TIME, .help = "last failed at"),
    FIELD(struct alert_channel, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct alert_channel, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "name", .id = 215, .unique = true, .fields = {"name"}},
};

const struct table alert_channel_table = {
    .name = "channels",
    .noun = "channel",
    .id = 41,
    .version = 1,
    .prefix = "ch",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct alert_channel)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "channel"},
};

int channel_new(struct txn *txn, struct alert_channel *channel, struct err *err)
{
    int64_t count = record_count(txn, &alert_channel_table, err);

    if (count < 0)
        return -1;
    if (count >= CHANNEL_MOST)
        return err_set(err, ERR_QUOTA, "channels_full", "there are %d channels already",
                       CHANNEL_MOST);
    if (channel->id[0] == '\0')
        id_make(channel->id, alert_channel_table.prefix);
    channel->created_at = channel->updated_at = txn_time_ms(txn);
    return record_insert(txn, &alert_channel_table, channel, err);
}

int channel_put(struct txn *txn, struct alert_channel *channel, struct err *err)
{
    channel->updated_at = txn_time_ms(txn);
    return record_put(txn, &alert_channel_table, channel, err);
}

int channel_seal(const struct vault *vault, const struct alert_channel *channel, const char *text,
                 struct sealed *out, struct err *err)
{
    return vault_seal(vault, alert_channel_table.name, channel->id, "secret", text, strlen(text),
                      out, err);
}

int channel_open(const struct vault *vault, const struct alert_channel *channel,
                 const struct sealed *sealed, char *out, size_t size, struct err *err)
{
    struct buf plain;
    int result = 0;

    out[0] = '\0';
    if (sealed->len == 0)
        return 0;
    buf_init(&plain, size);
    if (vault_open(vault, alert_channel_table.name, channel->id, "secret", sealed, &plain, err) !=
            0 ||
        str_copy_n(out, size, plain.data, plain.len) != 0)
        result = -1;
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return result;
}

/* The next word of a list parted by commas and blanks: its length, 0 at the end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, ", ");
    return strcspn(*at, ", ");
}

/* Whether a word of a list means this kind: itself, or all that begin so ("tenant.*", "*"). */
static bool means(const char *word, size_t len, const char *kind)
{
    if (len > 0 && word[len - 1] == '*')
        return strncmp(word, kind, len - 1) == 0;
    return strlen(kind) == len && strncmp(word, kind, len) == 0;
}

int channel_kinds_check(const char *kinds, struct err *err)
{
    for (const char *at = kinds;;) {
        size_t len = next_word(&at), i;

        if (len == 0)
            return 0;
        for (i = 0; i < notice_kind_count && !means(at, len, notice_kinds[i].name); i++)
            ;
        if (i == notice_kind_count) {
            (void)err_field(err, "kinds", "kind_unknown", "there is no kind of alert \"%.*s\"",
                            (int)(len > 60 ? 60 : len), at);
            return err_hint(err, "sett alert rules lists them; tenant.* means all that begin so");
        }
        at += len;
    }
}

bool channel_wants(const struct alert_channel *channel, const struct notice *notice)
{
    size_t len;

    if (!channel->enabled || notice->severity < channel->severity ||
        (str_equal(notice->subject, "channel") && str_equal(notice->subject_id, channel->name)))
        return false;
    if (channel->kinds[0] == '\0')
        return true;
    for (const char *at = channel->kinds; (len = next_word(&at)) > 0; at += len)
        if (means(at, len, notice->kind))
            return true;
    return false;
}
