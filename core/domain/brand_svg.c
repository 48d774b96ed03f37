/*
 * Whether an SVG only draws. Apart from the logo's record because this reads a stranger's XML: a
 * small strict reader with a closed list of elements, which refuses whatever it does not know.
 */
#include "brand.h"

#include "str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH     32
#define NAME_SIZE 32
#define VALUE_MAX 16384

static const char *const elements[] = {
    "svg",   "g",    "path",           "rect",           "circle",   "ellipse", "line", "text",
    "tspan", "defs", "linearGradient", "radialGradient", "stop",     "mask",    "use",  "symbol",
    "title", "desc", "polygon",        "clipPath",       "polyline", NULL};

struct reading {
    const char *at, *end;
    char open[DEPTH][NAME_SIZE];
    unsigned depth, count;
    uint32_t width, height;
    struct err *err;
};

static int refuse(struct reading *r, const char *why, const char *what)
{
    err_field(r->err, "data", "logo_invalid", "the SVG is not acceptable: %s%s%.40s", why,
              what[0] == '\0' ? "" : " ", what);
    return err_hint(r->err, "plain shapes only: save it as an optimised or plain SVG, without "
                            "styles, scripts and links, or take a PNG");
}

static bool skips(struct reading *r, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
        return false;
    r->at += len;
    return true;
}

static void blanks(struct reading *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL)
        r->at++;
}

static int name_read(struct reading *r, char out[NAME_SIZE])
{
    size_t n = 0;

    while (r->at < r->end && (isalnum((unsigned char)*r->at) || strchr(":_-", *r->at) != NULL)) {
        if (n + 1 == NAME_SIZE)
            return refuse(r, "a name is too long", "");
        out[n++] = *r->at++;
    }
    out[n] = '\0';
    return n > 0 ? 0 : refuse(r, "it is not well-formed", "");
}

/* Only the five entities that XML itself has: nothing can hide behind them. */
static bool entities_plain(const char *s, size_t len)
{
    static const char *const plain[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;", NULL};

    for (size_t i = 0; i < len; i++) {
        bool known = s[i] != '&';
        for (size_t k = 0; !known && plain[k] != NULL; k++)
            known = len - i >= strlen(plain[k]) && memcmp(s + i, plain[k], strlen(plain[k])) == 0;
        if (!known)
            return false;
    }
    return true;
}

static bool within(const char *value, const char *word)
{
    size_t len = strlen(word);

    for (; *value != '\0'; value++) {
        size_t i = 0;
        while (i < len && tolower((unsigned char)value[i]) == word[i])
            i++;
        if (i == len)
            return true;
    }
    return false;
}

/* "url(" may only lead to a part of the same picture. */
static bool urls_inside(const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        if (strncasecmp(p, "url(", 4) == 0 && p[4 + strspn(p + 4, " '\"")] != '#')
            return false;
    return true;
}

static int attribute_check(struct reading *r, const char *element, const char *name,
                           const char *value)
{
    const char *colon = strchr(name, ':');
    bool space = str_equal(name, "xmlns") || str_starts(name, "xmlns:");

    if (strncasecmp(name, "on", 2) == 0)
        return refuse(r, "it has a handler:", name);
    if (str_equal(name, "href") || str_equal(name, "xlink:href"))
        return value[0] == '#' ? 0 : refuse(r, "it leads elsewhere:", value);
    if (colon != NULL && !space && !str_equal(name, "xml:space"))
        return refuse(r, "it has the attribute", name);
    if (!space &&
        (within(value, "javascript:") || within(value, "data:") || within(value, "@import") ||
         within(value, "expression") || strchr(value, '\\') != NULL || !urls_inside(value)))
        return refuse(r, "an attribute leads elsewhere:", name);
    if (r->depth == 1 && str_equal(element, "svg")) {
        double box[4] = {0};
        int n = 0;
        if (str_equal(name, "viewBox")) {
            char *stop;
            for (const char *p = value; n < 4; n++, p = stop + strspn(stop, " ,"))
                if ((box[n] = strtod(p, &stop), stop == p))
                    break;
            if (n == 4 && box[2] >= 1 && box[3] >= 1 && box[2] <= 1e6 && box[3] <= 1e6) {
                r->width = (uint32_t)box[2];
                r->height = (uint32_t)box[3];
            }
        }
    }
    return 0;
}

static int attributes(struct reading *r, const char *element)
{
    char name[NAME_SIZE], *value;
    int rc;

    for (blanks(r); r->at < r->end && *r->at != '>' && *r->at != '/'; blanks(r)) {
        const char *begin, *stop;
        char quote;
        if (name_read(r, name) == -1)
            return -1;
        blanks(r);
        if (!skips(r, "="))
            return refuse(r, "an attribute has no value:", name);
        blanks(r);
        quote = r->at < r->end ? *r->at : '\0';
        if (quote != '"' && quote != '\'')
            return refuse(r, "a value has no quotes:", name);
        begin = ++r->at;
        stop = memchr(begin, quote, (size_t)(r->end - begin));
        if (stop == NULL || stop - begin > VALUE_MAX || memchr(begin, '<', (size_t)(stop - begin)))
            return refuse(r, "a value does not end:", name);
        if (!entities_plain(begin, (size_t)(stop - begin)))
            return refuse(r, "it has an entity in", name);
        if ((value = strndup(begin, (size_t)(stop - begin))) == NULL)
            return err_set(r->err, ERR_UNAVAILABLE, "no_memory", "no memory for a picture");
        r->at = stop + 1;
        rc = attribute_check(r, element, name, value);
        free(value);
        if (rc == -1)
            return -1;
    }
    return 0;
}

static int element_open(struct reading *r)
{
    char name[NAME_SIZE];
    bool known = false;

    if (name_read(r, name) == -1)
        return -1;
    for (size_t i = 0; elements[i] != NULL; i++)
        known = known || str_equal(elements[i], name);
    if (!known)
        return refuse(r, "it has the element", name);
    if (r->depth == 0 && (r->count > 0 || !str_equal(name, "svg")))
        return refuse(r, "it does not begin with svg", "");
    if (r->depth == DEPTH)
        return refuse(r, "it is nested too deep", "");
    (void)str_copy(r->open[r->depth++], NAME_SIZE, name);
    r->count++;
    if (attributes(r, name) == -1)
        return -1;
    if (skips(r, "/>")) {
        r->depth--;
        return 0;
    }
    return skips(r, ">") ? 0 : refuse(r, "it is not well-formed", "");
}

static int element_close(struct reading *r)
{
    char name[NAME_SIZE];

    if (name_read(r, name) == -1)
        return -1;
    blanks(r);
    if (r->depth == 0 || !str_equal(r->open[r->depth - 1], name) || !skips(r, ">"))
        return refuse(r, "it is not well-formed at", name);
    r->depth--;
    return 0;
}

static int comment(struct reading *r)
{
    const char *stop = memmem(r->at, (size_t)(r->end - r->at), "-->", 3);

    if (stop == NULL)
        return refuse(r, "a comment does not end", "");
    r->at = stop + 3;
    return 0;
}

/* The text up to the next tag. */
static int words(struct reading *r)
{
    const char *stop = memchr(r->at, '<', (size_t)(r->end - r->at));
    size_t len = (size_t)((stop == NULL ? r->end : stop) - r->at);

    if (!entities_plain(r->at, len))
        return refuse(r, "it has an entity in its text", "");
    for (size_t i = 0; r->depth == 0 && i < len; i++)
        if (strchr(" \t\r\n", r->at[i]) == NULL)
            return refuse(r, "text stands outside of it", "");
    r->at += len;
    return 0;
}

/* Whoever shows it must read the bytes as they are read here: as UTF-8, and without the controls by
 * which other encodings change what the bytes behind them mean. */
static bool reads_alike(const char *declaration, size_t len, const char *text, size_t text_len)
{
    const char *encoding = memmem(declaration, len, "encoding", 8);

    for (size_t i = 0; i < text_len; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\t' && text[i] != '\r' && text[i] != '\n')
            return false;
    if (encoding == NULL)
        return true;
    encoding += 8;
    encoding += strspn(encoding, " \t\r\n=");
    return strncasecmp(encoding, "\"utf-8\"", 7) == 0 || strncasecmp(encoding, "'utf-8'", 7) == 0;
}

int brand_svg_check(const char *text, size_t len, uint32_t *width, uint32_t *height,
                    struct err *err)
{
    struct reading r = {.at = text, .end = text + len, .err = err};
    size_t declared = 0;
    int rc = 0;

    if (!str_utf8(text, len))
        return refuse(&r, "it is not UTF-8", "");
    if (skips(&r, "<?xml ")) {
        const char *stop = memmem(r.at, (size_t)(r.end - r.at), "?>", 2);
        if (stop == NULL)
            return refuse(&r, "it is not well-formed", "");
        declared = (size_t)(stop - text);
        r.at = stop + 2;
    }
    if (!reads_alike(text, declared, text, len))
        return refuse(&r, "it is in another encoding than UTF-8", "");
    while (rc == 0 && r.at < r.end) {
        if (*r.at != '<')
            rc = words(&r);
        else if (skips(&r, "<!--"))
            rc = comment(&r);
        else if (skips(&r, "</"))
            rc = element_close(&r);
        else if (skips(&r, "<!") || skips(&r, "<?"))
            rc = refuse(&r, "it has a declaration", "");
        else if (skips(&r, "<"))
            rc = element_open(&r);
    }
    if (rc == -1)
        return -1;
    if (r.depth > 0 || r.count == 0)
        return refuse(&r, "it is cut off", "");
    if (r.width == 0 || r.height == 0)
        return refuse(&r, "it has no viewBox that says how large it is", "");
    *width = r.width > BRAND_LOGO_PIXELS ? BRAND_LOGO_PIXELS : r.width;
    *height = r.height > BRAND_LOGO_PIXELS ? BRAND_LOGO_PIXELS : r.height;
    return 0;
}
