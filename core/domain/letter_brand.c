/*
 * What every letter to customers ends with. Apart from the texts because it is the same in all of
 * them, whoever wrote the rest.
 */
#include "letter_text.h"

#include <string.h>

#include "brand.h"
#include "enc.h"
#include "str.h"

static const struct {
    const char *language, *help, *imprint, *privacy, *terms;
} words[] = {
    {"en", "Help", "Imprint", "Privacy", "Terms"},
    {"es", "Ayuda", "Aviso legal", "Privacidad", "Condiciones"},
    {"de", "Hilfe", "Impressum", "Datenschutz", "AGB"},
};

struct line {
    const char *label, *value;
};

#define LINES 5

static void lines_of(struct line lines[LINES], const struct brand *b, const char *language)
{
    size_t w = 0;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal(words[i].language, language))
            w = i;
    lines[0] = (struct line){words[w].help, b->support_email};
    lines[1] = (struct line){words[w].help, b->support_url};
    lines[2] = (struct line){words[w].imprint, b->imprint_url};
    lines[3] = (struct line){words[w].privacy, b->privacy_url};
    lines[4] = (struct line){words[w].terms, b->terms_url};
}

/* RFC 3676, 4.3: a signature begins behind "-- ". */
static void text_end(struct buf *out, const struct brand *b, const struct line *lines)
{
    (void)buf_format(out, "\n-- \n%s\n", b->name);
    for (unsigned i = 0; i < LINES; i++)
        if (lines[i].value[0] != '\0')
            (void)buf_format(out, "%s: %s\n", lines[i].label, lines[i].value);
}

static void html_end(struct buf *out, const struct brand *b, const struct line *lines)
{
    (void)buf_text(out, "<p style=\"border-top:1px solid #ccc;padding-top:1em;color:#555;"
                        "font-size:small\"><strong>");
    enc_html(out, b->name, strlen(b->name));
    (void)buf_text(out, "</strong>");
    for (unsigned i = 0; i < LINES; i++) {
        const char *value = lines[i].value;
        bool mail = strchr(value, '@') != NULL && !str_starts(value, "http");
        if (value[0] == '\0')
            continue;
        (void)buf_format(out, "<br>\n<a href=\"%s", mail ? "mailto:" : "");
        enc_html(out, value, strlen(value));
        (void)buf_format(out, "\">%s</a>", lines[i].label);
    }
    (void)buf_text(out, "</p>\n");
}

void letter_brand(struct letter_parts *parts, const struct brand *brand, const char *language)
{
    static const char end[] = "</body></html>\n", body[] = "<body style=\"";
    struct line lines[LINES];
    struct buf html;
    char *begin;

    lines_of(lines, brand, language);
    text_end(&parts->text, brand, lines);
    if (!str_ends(buf_string(&parts->html), end) ||
        (begin = strstr(parts->html.data, body)) == NULL)
        return;
    begin += sizeof body - 1;
    buf_init(&html, parts->html.max);
    (void)buf_add(&html, parts->html.data, (size_t)(begin - parts->html.data));
    (void)buf_format(&html, "border-top:4px solid %s;padding-top:1em;", brand->color);
    (void)buf_add(&html, begin,
                  parts->html.len - (size_t)(begin - parts->html.data) - (sizeof end - 1));
    html_end(&html, brand, lines);
    (void)buf_text(&html, end);
    buf_free(&parts->html);
    parts->html = html;
}
