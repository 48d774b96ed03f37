/*
 * Sending. Apart from the queue because here is only what the other side says, and what each answer
 * means for trying again.
 */
#include "post_send.h"

#include <sodium.h>
#include <string.h>

#include "http.h"
#include "mail.h"
#include "post_text.h"
#include "str.h"
#include "webhook_sign.h"

#define HTTP_S       20
#define ANSWER_BYTES 16384

static void say(char out[240], const char *text)
{
    size_t n = 0;

    for (; *text != '\0' && n < 236; text++)
        out[n++] = (unsigned char)*text < ' ' ? ' ' : *text;
    out[n] = '\0';
    while (n > 0 && !str_utf8(out, n))
        out[--n] = '\0';
}

static void refuse(struct post_result *r, enum post_outcome outcome, const struct err *err)
{
    char text[ERR_TEXT_SIZE + ERR_HINT_SIZE + 4];

    r->outcome = outcome;
    (void)str_format(text, sizeof text, "%s%s%s", err->text, err->hint[0] != '\0' ? "; " : "",
                     err->hint);
    say(r->cause, text);
}

/* ---- mail ---- */

/* The part behind the @ of the sender, for Message-IDs. */
static const char *domain_of(const char *address)
{
    const char *at = strrchr(address, '@');

    return at == NULL ? "localhost" : at + 1;
}

static void send_mail(const struct post_item *item, const char *to, const char *language,
                      const struct letter_parts *parts, int64_t now_ms, struct post_result *r)
{
    const struct post_terms *t = &item->terms;
    struct smtp_server server = {.url = t->smtp_url,
                                 .user = t->smtp_user,
                                 .password = t->smtp_password,
                                 .ca_file = t->ca_file,
                                 .tls = t->tls,
                                 .timeout_s = t->smtp_timeout_s};
    struct mail mail = {.from_name = t->from_name,
                        .from = t->from,
                        .to = to,
                        .reply_to = t->reply_to[0] != '\0' ? t->reply_to : NULL,
                        .id = item->message.id,
                        .domain = domain_of(t->from),
                        .language = language,
                        .subject = parts->subject,
                        .text = buf_string(&parts->text),
                        .html = buf_string(&parts->html),
                        .at_ms = item->message.created_at};
    struct smtp_answer answer = {0};
    struct err err = {0};
    struct buf data;

    (void)now_ms;
    buf_init(&data, MAIL_MAX);
    if (mail_compose(&mail, &data, &err) != 0)
        refuse(r, str_equal(err.code, "mail_from") ? POST_AGAIN : POST_NEVER, &err);
    else if (smtp_send(&server, t->from, to, data.data, data.len, &answer, &err) == 0)
        r->outcome = POST_SENT;
    else
        refuse(r, answer.final_no ? POST_NEVER : POST_AGAIN, &err);
    say(r->answer, answer.text);
    buf_free(&data);
}

static bool can_mail(const struct post_item *item, struct post_result *r)
{
    struct err err = {0};

    if (item->terms.smtp_url[0] != '\0' && item->terms.from[0] != '\0')
        return true;
    (void)err_set(&err, ERR_UNAVAILABLE, "mail_not_set", "no mail server or sender is set");
    (void)err_hint(&err, "sett setting set smtp.url and mail.from");
    refuse(r, POST_AGAIN, &err);
    return false;
}

static void send_letter(const struct post_item *item, const char *folder, int64_t now_ms,
                        struct post_result *r)
{
    const char *language = letter_language(item->message.language, item->terms.language);
    struct letter_parts parts;
    struct err err = {0};

    if (!can_mail(item, r))
        return;
    letter_parts_init(&parts);
    if (post_text_letter(item, folder, &parts, &err) == 0) {
        (void)str_copy(r->subject, sizeof r->subject, parts.subject);
        send_mail(item, item->message.recipient, language, &parts, now_ms, r);
    } else {
        refuse(r, POST_NEVER, &err);
    }
    if (parts.text.data != NULL)
        sodium_memzero(parts.text.data, parts.text.cap); /* a link stands in it */
    if (parts.html.data != NULL)
        sodium_memzero(parts.html.data, parts.html.cap);
    letter_parts_free(&parts);
}

static void alert_by_mail(const struct post_item *item, int64_t now_ms, struct post_result *r)
{
    struct letter_parts parts;

    if (!can_mail(item, r))
        return;
    letter_parts_init(&parts);
    post_text_alert(item, &parts);
    (void)str_copy(r->subject, sizeof r->subject, parts.subject);
    send_mail(item, item->channel.target, "en", &parts, now_ms, r);
    letter_parts_free(&parts);
}

/* ---- HTTP ---- */

/* What an answer means: 2xx is yes; 410 is no for ever; all else, redirects too, is not now. */
static void judge(const struct http_answer *answer, const char *url_name, struct post_result *r)
{
    char text[400];

    (void)str_format(text, sizeof text, "HTTP %ld %.300s", answer->status,
                     buf_string(&answer->body));
    say(r->answer, text);
    r->retry_after_s = answer->retry_after_s;
    if (answer->status >= 200 && answer->status < 300) {
        r->outcome = POST_SENT;
        return;
    }
    r->outcome = answer->status == 410 ? POST_GONE : POST_AGAIN;
    (void)str_format(text, sizeof text, "%s answered %.300s", url_name, r->answer);
    say(r->cause, text);
}

/* One POST. The URL of Slack is a secret, so errors do not repeat it. */
static void post_to(const struct post_item *item, struct http_request *request,
                    struct post_result *r)
{
    struct http_client *client;
    struct http_answer answer;
    struct err err = {0};
    int got;

    if (http_client_new(&client, &err) != 0) {
        refuse(r, POST_AGAIN, &err);
        return;
    }
    (void)http_client_set_ca(client, item->terms.ca_file);
    http_answer_init(&answer, ANSWER_BYTES);
    got = http_call(client, request, &answer, &err);
    if (got == 0 || (err.kind == ERR_TOO_LARGE && answer.status != 0)) { /* it has taken it */
        judge(&answer, item->channel.target, r);
    } else if (item->channel.type == CHANNEL_SLACK && err.kind != ERR_NONE) {
        struct err plain = {0};

        (void)err_set(&plain, err.kind, err.code, "Slack: %s", err_kind_name(err.kind));
        refuse(r, POST_AGAIN, &plain);
    } else {
        refuse(r, err.kind == ERR_INVALID ? POST_NEVER : POST_AGAIN, &err);
    }
    http_answer_free(&answer);
    http_client_free(client);
}

static void alert_to_slack(const struct post_item *item, const struct vault *vault,
                           struct post_result *r)
{
    char url[600];
    struct http_request request = {.profile = HTTP_PROBE,
                                   .method = "POST",
                                   .url = url,
                                   .content_type = "application/json",
                                   .timeout_s = HTTP_S,
                                   .public_only = !item->terms.private_targets};
    struct err err = {0};
    struct buf body;

    if (channel_open(vault, &item->channel, &item->channel.secret, url, sizeof url, &err) != 0) {
        refuse(r, POST_AGAIN, &err);
        return;
    }
    buf_init(&body, LETTER_BYTES);
    post_text_slack(item, &body);
    request.body = body.data;
    request.body_len = body.len;
    post_to(item, &request, r);
    sodium_memzero(url, sizeof url);
    buf_free(&body);
}

struct signing {
    char secret[128], previous[128], signature[WEBHOOK_SIGNATURE_SIZE];
    char header_id[64], header_time[64], header_signature[WEBHOOK_SIGNATURE_SIZE + 32];
};

static int sign(const struct post_item *item, const struct vault *vault, const struct buf *body,
                int64_t now_ms, struct signing *s, struct err *err)
{
    const struct alert_channel *c = &item->channel;
    int64_t now_s = now_ms / 1000;

    if (channel_open(vault, c, &c->secret, s->secret, sizeof s->secret, err) != 0 ||
        (c->previous_until > now_ms &&
         channel_open(vault, c, &c->previous, s->previous, sizeof s->previous, err) != 0) ||
        webhook_sign(s->signature, s->secret, s->previous, item->message.id, now_s, body->data,
                     body->len, err) != 0)
        return -1;
    (void)str_format(s->header_id, sizeof s->header_id, "webhook-id: %s", item->message.id);
    (void)str_format(s->header_time, sizeof s->header_time, "webhook-timestamp: %lld",
                     (long long)now_s);
    return str_format(s->header_signature, sizeof s->header_signature, "webhook-signature: %s",
                      s->signature);
}

static void alert_to_webhook(const struct post_item *item, const struct vault *vault,
                             int64_t now_ms, struct post_result *r)
{
    struct http_request request = {.profile = HTTP_PROBE,
                                   .method = "POST",
                                   .url = item->channel.target,
                                   .content_type = "application/json",
                                   .timeout_s = HTTP_S,
                                   .public_only = !item->terms.private_targets};
    struct signing s = {0};
    const char *headers[] = {s.header_id, s.header_time, s.header_signature, NULL};
    struct err err = {0};
    struct buf body;

    buf_init(&body, LETTER_BYTES);
    post_text_webhook(item, &body);
    if (sign(item, vault, &body, now_ms, &s, &err) == 0) {
        request.headers = headers;
        request.body = body.data;
        request.body_len = body.len;
        post_to(item, &request, r);
    } else {
        refuse(r, POST_AGAIN, &err);
    }
    sodium_memzero(&s, sizeof s);
    buf_free(&body);
}

void post_send(const struct post_item *item, const struct vault *vault, const char *folder,
               int64_t now_ms, struct post_result *r)
{
    struct err err = {0};

    memset(r, 0, sizeof *r);
    r->outcome = POST_AGAIN;
    if (item->message.audience != MESSAGE_OPERATOR) {
        send_letter(item, folder, now_ms, r);
        return;
    }
    if (item->channel.id[0] == '\0') {
        (void)err_set(&err, ERR_NOT_FOUND, "channel_gone", "the channel was removed");
        refuse(r, POST_NEVER, &err);
        return;
    }
    switch ((enum channel_type)item->channel.type) {
    case CHANNEL_EMAIL:
        alert_by_mail(item, now_ms, r);
        break;
    case CHANNEL_SLACK:
        alert_to_slack(item, vault, r);
        break;
    case CHANNEL_WEBHOOK:
        alert_to_webhook(item, vault, now_ms, r);
        break;
    }
}
