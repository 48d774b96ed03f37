/* What messages say. Apart from the sending so that the same alert can be read beside itself in
 * each of its forms. */
#include "post_text.h"

#include <string.h>

#include "clock.h"
#include "json_out.h"
#include "str.h"
#include "zone.h"

/* A value as the language has it: what is a time is written as one. */
static int put_value(const struct post_item *item, const char *language, const char *name,
                     const char *value, struct kv *values)
{
    bool with_time = str_equal(name, "from") || str_equal(name, "until");
    char text[128], zone[sizeof text + sizeof item->terms.time_zone + 4] = "";
    int32_t offset_s;
    struct err err;
    int64_t at_ms;

    if (clock_parse(value, &at_ms) != 0)
        return kv_set(values, name, value);
    if (zone_offset(item->terms.time_zone, at_ms, &offset_s, &err) != 0)
        offset_s = 0;
    if (letter_date(text, sizeof text, language, at_ms, offset_s, with_time) != 0)
        return -1;
    if (with_time)
        (void)str_format(zone, sizeof zone, "%s (%s)", text, item->terms.time_zone);
    else
        (void)str_copy(zone, sizeof zone, text);
    return kv_set(values, name, zone);
}

static int letter_values(const struct post_item *item, const char *language, struct kv *values)
{
    const char *name, *value;
    char link[700];
    size_t at = 0;
    int bad = 0;

    kv_clear(values);
    while (kv_next(&item->message.params, &at, &name, &value) == 1)
        bad |= put_value(item, language, name, value, values);
    bad |= kv_set(values, "language", language);
    bad |= kv_set(values, "customer",
                  item->customer.name[0] != '\0' ? item->customer.name : item->message.recipient);
    bad |= kv_set(values, "tenant",
                  item->tenant.name[0] != '\0' ? item->tenant.name : item->terms.box_name);
    bad |= kv_set(values, "address",
                  item->tenant.url[0] != '\0' ? item->tenant.url : item->terms.box_url);
    bad |= kv_set(values, "box", item->terms.brand.name);
    bad |= str_format(link, sizeof link, "%s%sportal", item->terms.box_url,
                      str_ends(item->terms.box_url, "/") ? "" : "/");
    bad |= kv_set(values, "portal", link);
    if (item->token[0] != '\0') {
        const struct letter_kind *kind = letter_kind_find(item->message.kind);

        bad |= str_format(link, sizeof link, "%s%s%s#%s", item->terms.box_url,
                          str_ends(item->terms.box_url, "/") ? "" : "/",
                          kind == NULL || kind->page == NULL ? "" : kind->page, item->token);
        bad |= kv_set(values, "link", link);
    }
    return bad;
}

int post_text_letter(const struct post_item *item, const char *folder, struct letter_parts *parts,
                     struct err *err)
{
    const char *language = letter_language(item->message.language, item->terms.language);
    struct kv values;
    struct err own;
    int result;

    if (letter_values(item, language, &values) != 0)
        return err_set(err, ERR_TOO_LARGE, "letter_too_large", "a letter's values are too long");
    if (str_equal(item->message.kind, "message"))
        result = letter_render_own(item->mailing.subject, item->mailing.text, &values, parts, err);
    else
        result = letter_render(folder, item->message.kind, language, &values, &own, parts, err);
    if (result == 0)
        letter_brand(parts, &item->terms.brand, language);
    return result;
}

static const char *param(const struct post_item *item, const char *name)
{
    return kv_get_or(&item->message.params, name, "");
}

/* "CRITICAL", "over", … as the first word of all forms. */
static const char *head(const struct post_item *item)
{
    static const struct {
        const char *event, *severity, *word;
    } words[] = {
        {"alert.cleared", "", "OVER"},
        {"test", "", "TEST"},
        {"", "critical", "CRITICAL"},
        {"", "warning", "WARNING"},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if ((words[i].event[0] == '\0' || str_equal(words[i].event, param(item, "event"))) &&
            (words[i].severity[0] == '\0' || str_equal(words[i].severity, param(item, "severity"))))
            return words[i].word;
    return "INFO";
}

/* What it is about: "tenant tn_…". */
static void about(const struct post_item *item, struct buf *out)
{
    (void)buf_format(out, "%s%s%s", param(item, "subject"),
                     param(item, "subject_id")[0] != '\0' ? " " : "", param(item, "subject_id"));
}

static void escape_into(struct buf *out, const char *s)
{
    for (; *s != '\0'; s++) {
        const char *as = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : NULL;

        if (as != NULL)
            (void)buf_text(out, as);
        else
            (void)buf_byte(out, *s);
    }
}

/* The whole of it as lines of text, the way a person reads it at night. */
static void lines(const struct post_item *item, struct buf *out)
{
    (void)buf_format(out, "%s\n\n", param(item, "text"));
    (void)buf_format(out, "Kind:  %s\nAbout: ", param(item, "kind"));
    about(item, out);
    (void)buf_format(out, "\nSince: %s\n", param(item, "raised_at"));
    if (param(item, "cleared_at")[0] != '\0')
        (void)buf_format(out, "Over:  %s\n", param(item, "cleared_at"));
    if (param(item, "list")[0] != '\0')
        (void)buf_format(out, "\n%s\n", param(item, "list"));
    if (param(item, "hint")[0] != '\0' && param(item, "cleared_at")[0] == '\0')
        (void)buf_format(out, "\nWhat to do: %s\n", param(item, "hint"));
    if (item->message.notice_id[0] != '\0' && param(item, "cleared_at")[0] == '\0')
        (void)buf_format(out, "\nTo say that you know: sett alert ack %s\n",
                         item->message.notice_id);
    (void)buf_format(out, "\n%s, %s\n", item->terms.box_name, item->terms.box_url);
}

void post_text_alert(const struct post_item *item, struct letter_parts *parts)
{
    struct buf subject;

    buf_init(&subject, sizeof parts->subject - 1);
    (void)buf_format(&subject, "[%.60s] %s: ", item->terms.box_name, head(item));
    for (const char *p = param(item, "text"); *p != '\0' && subject.len < 180; p++)
        (void)buf_byte(&subject, (unsigned char)*p < ' ' ? ' ' : *p);
    while (subject.len > 0 && !str_utf8(subject.data, subject.len))
        subject.len--;
    (void)str_copy_n(parts->subject, sizeof parts->subject, buf_string(&subject), subject.len);
    buf_free(&subject);
    buf_reset(&parts->text);
    buf_reset(&parts->html);
    lines(item, &parts->text);
    (void)buf_text(&parts->html, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                                 "</head>\n<body><pre style=\"white-space:pre-wrap\">");
    escape_into(&parts->html, buf_string(&parts->text));
    (void)buf_text(&parts->html, "</pre></body></html>\n");
}

void post_text_slack(const struct post_item *item, struct buf *out)
{
    struct json_out j;
    struct buf text;

    buf_init(&text, LETTER_BYTES);
    (void)buf_format(&text, "*%s* ", head(item));
    escape_into(&text, param(item, "text"));
    (void)buf_text(&text, "\n");
    escape_into(&text, item->terms.box_name);
    (void)buf_format(&text, ", %s, ", param(item, "kind"));
    about(item, &text);
    (void)buf_format(&text, ", since %s", param(item, "raised_at"));
    if (param(item, "list")[0] != '\0') {
        (void)buf_text(&text, "\n");
        escape_into(&text, param(item, "list"));
    }
    if (param(item, "hint")[0] != '\0' && param(item, "cleared_at")[0] == '\0') {
        (void)buf_text(&text, "\n_");
        escape_into(&text, param(item, "hint"));
        (void)buf_text(&text, "_");
    }
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "text", buf_string(&text));
    json_out_end_object(&j);
    buf_free(&text);
}

void post_text_webhook(const struct post_item *item, struct buf *out)
{
    static const char *const members[] = {"kind",       "severity", "subject",   "subject_id",
                                          "text",       "hint",     "raised_at", "cleared_at",
                                          "told_times", "count",    "list"};
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "type", param(item, "event"));
    json_out_key_time(&j, "timestamp", item->message.created_at);
    json_out_key(&j, "data");
    json_out_object(&j);
    json_out_key_text(&j, "id", item->message.notice_id);
    json_out_key_text(&j, "box", param(item, "box"));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (kv_get(&item->message.params, members[i]) != NULL)
            json_out_key_text(&j, members[i], param(item, members[i]));
    json_out_end_object(&j);
    json_out_end_object(&j);
}
