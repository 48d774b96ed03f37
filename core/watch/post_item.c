/*
 * Gathering what a message needs. Apart from the sending because this is the part that sees the
 * store, and the other is the part that may wait.
 */
#include "post_item.h"

#include <sodium.h>
#include <stddef.h>
#include <string.h>

#include "setting.h"
#include "str.h"

#define TEXT_SIZE 512 /* what a setting takes */

static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"smtp.url", offsetof(struct post_terms, smtp_url)},
    {"smtp.user", offsetof(struct post_terms, smtp_user)},
    {"outside.ca_file", offsetof(struct post_terms, ca_file)},
    {"mail.from", offsetof(struct post_terms, from)},
    {"mail.from_name", offsetof(struct post_terms, from_name)},
    {"mail.reply_to", offsetof(struct post_terms, reply_to)},
    {"mail.language", offsetof(struct post_terms, language)},
    {"box.name", offsetof(struct post_terms, box_name)},
    {"box.url", offsetof(struct post_terms, box_url)},
    {"box.time_zone", offsetof(struct post_terms, time_zone)},
};

static int read_password(struct txn *txn, const struct saga_context *context,
                         struct post_terms *terms, struct err *err)
{
    struct buf plain;
    int found;

    buf_init(&plain, sizeof terms->smtp_password - 1);
    found = secret_get(txn, &context->vault, "smtp.password", &plain, err);
    if (found == 1 &&
        str_copy_n(terms->smtp_password, sizeof terms->smtp_password, plain.data, plain.len) != 0)
        found = err_set(err, ERR_INVALID, "secret_invalid", "the secret smtp.password is no text");
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return found < 0 ? -1 : 0;
}

int post_terms_read(struct txn *txn, const struct saga_context *context, struct post_terms *terms,
                    struct err *err)
{
    const struct conf *conf = &context->conf;
    char text[TEXT_SIZE];
    int tls;

    memset(terms, 0, sizeof *terms);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (setting_text(txn, conf, texts[i].name, (char *)terms + texts[i].offset, TEXT_SIZE,
                         err) < 0)
            return -1;
    if (setting_text(txn, conf, "smtp.tls", text, sizeof text, err) < 0)
        return -1;
    tls = enum_find(smtp_tls_names, text);
    terms->tls = tls < 0 ? SMTP_TLS_REQUIRED : (enum smtp_tls)tls;
    if (setting_text(txn, conf, "alerts.private_targets", text, sizeof text, err) < 0)
        return -1;
    terms->private_targets = str_equal(text, "true");
    if (setting_text(txn, conf, "mail.customers", text, sizeof text, err) < 0)
        return -1;
    terms->customers = str_equal(text, "true");
    terms->smtp_timeout_s = (uint32_t)setting_u64(txn, conf, "smtp.timeout_s");
    terms->retry_s = (uint32_t)setting_u64(txn, conf, "outbox.retry_s");
    terms->give_up_hours = (uint32_t)setting_u64(txn, conf, "outbox.give_up_hours");
    terms->credentials_days = (uint32_t)setting_u64(txn, conf, "credentials.days");
    if (brand_read(txn, conf, &terms->brand, err) < 0)
        return -1;
    if (terms->from_name[0] == '\0')
        (void)str_copy(terms->from_name, sizeof terms->from_name, terms->brand.name);
    return read_password(txn, context, terms, err);
}

/* A record that the message points to, if it still is there. */
static int follow(struct txn *txn, const struct table *table, const char *id, void *record,
                  struct err *err)
{
    int found;

    if (id[0] == '\0')
        return 0;
    (void)str_copy(record, ID_SIZE, id); /* each of these tables begins with its id */
    found = record_get(txn, table, record, err);
    if (found == 0)
        ((char *)record)[0] = '\0';
    return found < 0 ? -1 : 0;
}

int post_item_read(struct txn *txn, const struct saga_context *context, const char *id,
                   struct post_item *item, struct err *err)
{
    struct message *m = &item->message;
    int found;

    memset(item, 0, sizeof *item);
    (void)str_copy(m->id, sizeof m->id, id);
    if ((found = record_get(txn, &message_table, m, err)) <= 0)
        return found;
    if (follow(txn, &alert_channel_table, m->channel_id, &item->channel, err) != 0 ||
        follow(txn, &customer_table, m->customer_id, &item->customer, err) != 0 ||
        follow(txn, &tenant_table, m->tenant_id, &item->tenant, err) != 0 ||
        follow(txn, &mailing_table, m->mailing_id, &item->mailing, err) != 0 ||
        post_terms_read(txn, context, &item->terms, err) != 0)
        return -1;
    return 1;
}
