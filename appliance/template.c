/* Templates of configuration files. Apart because a value that could end a directive must be
 * refused. */
#include "template.h"

#include <string.h>

#include "file.h"
#include "str.h"

/* What one line is expanded with. */
struct line {
    const char *from; /* the template, for errors */
    const struct kv *values;
    const char *each; /* name whose words are gone through, or "" */
    const char *word; /* the present one */
};

static bool value_safe(const char *value)
{
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || strchr("{}\"'\\$", *value) != NULL)
            return false;
    return true;
}

/* "NAME@…" at ${p}. Return the length of NAME, 0 when it is none. */
static size_t name_at(const char *p)
{
    size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return p[len] == '@' ? len : 0;
}

/* The value of the name at ${p}, or NULL with ${err}. */
static const char *value_of(const struct line *l, const char *p, size_t len, struct err *err)
{
    char name[KV_NAME_MAX];
    const char *value;

    if (str_copy_n(name, sizeof name, p, len) == -1 || (value = kv_get(l->values, name)) == NULL) {
        err_set(err, ERR_INVALID, "template_name", "%s: no value for @%.*s@", l->from, (int)len, p);
        return NULL;
    }
    if (!value_safe(value)) {
        err_set(err, ERR_INVALID, "template_value",
                "%s: the value of @%s@ has a character that would change the meaning of the file: "
                "%s",
                l->from, name, value);
        return NULL;
    }
    return str_equal(name, l->each) ? l->word : value;
}

/* The text from ${p} up to ${end}, with its names replaced. */
static int expand(const struct line *l, const char *p, const char *end, struct buf *out,
                  struct err *err)
{
    while (p < end) {
        const char *at = memchr(p, '@', (size_t)(end - p)), *value;
        size_t len;
        (void)buf_add(out, p, (size_t)((at == NULL ? end : at) - p));
        if (at == NULL)
            break;
        if ((len = name_at(at + 1)) == 0) {
            (void)buf_byte(out, '@');
            p = at + 1;
            continue;
        }
        if ((value = value_of(l, at + 1, len, err)) == NULL)
            return -1;
        (void)buf_text(out, value);
        p = at + len + 2;
    }
    return 0;
}

static int expand_each(struct line *l, const char *words, const char *p, const char *end,
                       struct buf *out, struct err *err)
{
    char word[KV_SIZE];
    size_t len;

    for (words += strspn(words, " "); *words != '\0'; words += len, words += strspn(words, " ")) {
        len = strcspn(words, " ");
        (void)str_copy_n(word, sizeof word, words, len);
        l->word = word;
        if (expand(l, p, end, out, err) == -1)
            return -1;
    }
    return 0;
}

/* One line of the template, with what is at its beginning. */
static int expand_line(const struct line *plain, const char *p, const char *end, struct buf *out,
                       struct err *err)
{
    struct line l = *plain;
    char mark = p[0] == '@' ? p[1] : '\0', name[KV_NAME_MAX];
    size_t len = mark != '\0' && strchr("?!*", mark) != NULL ? name_at(p + 2) : 0;
    const char *value;

    if (len == 0)
        return expand(&l, p, end, out, err);
    if ((value = value_of(&l, p + 2, len, err)) == NULL)
        return -1;
    p += len + 3;
    if (mark == '*') {
        (void)str_copy_n(name, sizeof name, p - len - 1, len);
        l.each = name;
        return expand_each(&l, value, p, end, out, err);
    }
    return (value[0] != '\0') == (mark == '?') ? expand(&l, p, end, out, err) : 0;
}

/* From "@{NAME@" to "@}", lines of their own: once for each word of NAME. Return what comes behind
 * it, NULL with ${err}. */
static const char *expand_block(const struct line *plain, const char *p, struct buf *out,
                                struct err *err)
{
    struct line l = *plain;
    char name[KV_NAME_MAX], word[KV_SIZE];
    const char *words, *from = strchr(p, '\n'), *end = strstr(p, "\n@}\n");
    size_t len = name_at(p + 2);

    if (len == 0 || from == NULL || end == NULL ||
        str_copy_n(name, sizeof name, p + 2, len) == -1) {
        err_set(err, ERR_INVALID, "template_block", "%s: a block does not end", l.from);
        return NULL;
    }
    if ((words = value_of(&l, p + 2, len, err)) == NULL)
        return NULL;
    l.each = name;
    l.word = word;
    for (words += strspn(words, " "); *words != '\0'; words += len, words += strspn(words, " ")) {
        len = strcspn(words, " ");
        (void)str_copy_n(word, sizeof word, words, len);
        for (const char *at = from + 1, *next; at <= end; at = next) {
            next = at + strcspn(at, "\n") + 1;
            if (expand_line(&l, at, next, out, err) == -1)
                return NULL;
        }
    }
    return end + strlen("\n@}\n");
}

int template_text(const char *from, const struct kv *values, struct buf *out, struct err *err)
{
    const struct line plain = {.from = from, .values = values, .each = "", .word = ""};
    struct buf in;
    int rc = 0;

    buf_init(&in, TEMPLATE_MAX);
    if (file_read(from, &in, err) == -1)
        rc = -1;
    for (const char *p = buf_string(&in), *end; rc == 0 && *p != '\0'; p = end) {
        end = p + strcspn(p, "\n");
        end += *end == '\n' ? 1 : 0;
        if (str_starts(p, "@{"))
            rc = (end = expand_block(&plain, p, out, err)) == NULL ? -1 : 0;
        else
            rc = expand_line(&plain, p, end, out, err);
    }
    if (rc == 0 && out->failed)
        rc = err_set(err, ERR_TOO_LARGE, "template_size", "%s grows too large", from);
    buf_free(&in);
    return rc;
}

int template_write(const char *from, const char *to, const struct kv *values, struct err *err)
{
    struct buf out;
    int rc;

    buf_init(&out, TEMPLATE_MAX);
    rc = template_text(from, values, &out, err);
    if (rc == 0)
        rc = file_write(to, buf_string(&out), out.len, 0644, err);
    buf_free(&out);
    return rc;
}
