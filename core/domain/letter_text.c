/*
 * Letters from templates. Apart from the sending because here a stranger's name meets HTML: every
 * value is escaped there, whoever wrote the template.
 */
#include "letter_text.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "clock.h"
#include "enc.h"
#include "file.h"
#include "str.h"

const char *const letter_languages[] = {"en", "es", "de", NULL};

/* What every letter may speak of, besides its kind's own parameters. */
static const char *const common[] = {"customer", "tenant", "address", "box", "portal"};

const char *letter_language(const char *wanted, const char *otherwise)
{
    for (size_t i = 0; letter_languages[i] != NULL; i++)
        if (str_equal(letter_languages[i], wanted))
            return letter_languages[i];
    return otherwise == NULL ? letter_languages[0] : letter_language(otherwise, NULL);
}

void letter_parts_init(struct letter_parts *parts)
{
    parts->subject[0] = '\0';
    buf_init(&parts->text, LETTER_BYTES);
    buf_init(&parts->html, 4 * LETTER_BYTES);
}

void letter_parts_free(struct letter_parts *parts)
{
    buf_free(&parts->text);
    buf_free(&parts->html);
}

/* ---- templates ---- */

/* Copy a template with its values in place; as HTML each value is escaped. */
static int expand(struct buf *out, const char *text, const struct kv *values, bool html,
                  struct err *err)
{
    const char *at = text, *begin, *end, *value;
    char name[KV_NAME_MAX];

    while ((begin = strstr(at, "{{")) != NULL) {
        (void)buf_add(out, at, (size_t)(begin - at));
        if ((end = strstr(begin, "}}")) == NULL ||
            str_copy_n(name, sizeof name, begin + 2, (size_t)(end - begin - 2)) != 0)
            return err_set(err, ERR_INVALID, "template_open", "a {{ has no }} behind it");
        if ((value = kv_get(values, name)) == NULL)
            return err_set(err, ERR_INVALID, "template_name", "there is no {{%s}} to speak of",
                           name);
        if (html)
            enc_html(out, value, strlen(value));
        else
            (void)buf_text(out, value);
        at = end + 2;
    }
    (void)buf_text(out, at);
    return out->failed ? err_set(err, ERR_TOO_LARGE, "letter_too_large", "a letter is too large")
                       : 0;
}

/* A word of the finished text: an address becomes a link. */
static void html_word(struct buf *out, const char *word, size_t len)
{
    bool link = (len > 8 && strncmp(word, "https://", 8) == 0) ||
                (len > 7 && strncmp(word, "http://", 7) == 0);

    while (link && len > 0 && strchr(".,;:)", word[len - 1]) != NULL) {
        html_word(out, word, len - 1);
        enc_html(out, word + len - 1, 1);
        return;
    }
    if (link) {
        (void)buf_text(out, "<a href=\"");
        enc_html(out, word, len);
        (void)buf_text(out, "\">");
    }
    enc_html(out, word, len);
    if (link)
        (void)buf_text(out, "</a>");
}

/* The HTML part of a finished text: paragraphs, lines, links; all of it is escaped. */
static void html_of(struct buf *out, const char *language, const char *subject, const char *text)
{
    bool open = false;

    (void)buf_format(
        out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>", language);
    enc_html(out, subject, strlen(subject));
    (void)buf_text(out, "</title></head>\n<body style=\"font-family:sans-serif;line-height:1.5;"
                        "max-width:40em\">\n");
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        if (len == 0) {
            (void)buf_text(out, open ? "</p>\n" : "");
            open = false;
        } else {
            (void)buf_text(out, open ? "<br>\n" : "<p>");
            open = true;
        }
        for (size_t i = 0; i < len;) {
            size_t word = strcspn(text + i, " \n");

            html_word(out, text + i, word);
            i += word;
            if (i < len)
                (void)buf_byte(out, text[i++]);
        }
        text += len + (text[len] == '\n');
    }
    (void)buf_text(out, open ? "</p>\n</body></html>\n" : "</body></html>\n");
}

/* A value with a line break would be a header's end; mails encode it, lists of mails would not. */
static int subject_of(struct letter_parts *parts, const char *subject, const struct kv *values,
                      struct err *err)
{
    struct buf line;
    int result;

    buf_init(&line, 4096);
    result = expand(&line, subject, values, false, err);
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.data[i] < ' ')
            line.data[i] = ' ';
    if (result == 0)
        str_cut(parts->subject, sizeof parts->subject, buf_string(&line));
    buf_free(&line);
    return result;
}

static int render(const char *language, const char *subject, const char *text, const char *html,
                  const struct kv *values, struct letter_parts *parts, struct err *err)
{
    buf_reset(&parts->text);
    buf_reset(&parts->html);
    if (subject_of(parts, subject, values, err) != 0 ||
        expand(&parts->text, text, values, false, err) != 0)
        return -1;
    if (html != NULL)
        return expand(&parts->html, html, values, true, err);
    html_of(&parts->html, language, parts->subject, buf_string(&parts->text));
    return 0;
}

int letter_render_own(const char *subject, const char *text, const struct kv *values,
                      struct letter_parts *parts, struct err *err)
{
    return render(kv_get_or(values, "language", "en"), subject, text, NULL, values, parts, err);
}

/* ---- root's files ---- */

static int read_file(struct buf *out, const char *folder, const char *kind, const char *language,
                     const char *ending, struct err *err)
{
    char path[512];
    struct stat st;

    if (str_format(path, sizeof path, "%s/%s.%s.%s", folder, kind, language, ending) != 0)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if (stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return err_set(err, ERR_FORBIDDEN, "template_writable",
                       "%s can be written by others than its owner", path);
    if (file_read(path, out, err) != 0)
        return -1;
    if (!str_utf8(buf_string(out), out->len))
        return err_set(err, ERR_INVALID, "template_utf8", "%s is not UTF-8", path);
    return 0;
}

/* Part the first line "Subject: …" from the text. */
static int part_subject(struct buf *file, const char **subject, const char **text, struct err *err)
{
    char *end = file->data == NULL ? NULL : strstr(file->data, "\n\n");

    if (end == NULL || strncmp(file->data, "Subject: ", 9) != 0 ||
        memchr(file->data, '\n', (size_t)(end - file->data)) != NULL)
        return err_set(err, ERR_INVALID, "template_subject",
                       "the first line must be \"Subject: …\", the second empty");
    *end = '\0';
    *subject = file->data + 9;
    *text = end + 2;
    return 0;
}

/* The letter from root's files. Return 1, 0 if there are none, -1 if they cannot be used. */
static int render_files(const char *folder, const char *kind, const char *language,
                        const struct kv *values, struct letter_parts *parts, struct err *err)
{
    const char *subject = "", *text = "";
    struct buf file, html;
    bool has_html = false;
    int result = -1;

    buf_init(&file, LETTER_BYTES);
    buf_init(&html, LETTER_BYTES);
    if (read_file(&file, folder, kind, language, "txt", err) != 0) {
        result = err->kind == ERR_NOT_FOUND ? 0 : -1;
        goto done;
    }
    if (read_file(&html, folder, kind, language, "html", err) == 0)
        has_html = true;
    else if (err->kind != ERR_NOT_FOUND)
        goto done;
    if (part_subject(&file, &subject, &text, err) == 0 &&
        render(language, subject, text, has_html ? buf_string(&html) : NULL, values, parts, err) ==
            0)
        result = 1;
done:
    buf_free(&file);
    buf_free(&html);
    return result;
}

int letter_render(const char *folder, const char *kind, const char *language,
                  const struct kv *values, struct err *own, struct letter_parts *parts,
                  struct err *err)
{
    struct err why;
    int got;

    if (own != NULL)
        err_clear(own);
    if (folder != NULL && (got = render_files(folder, kind, language, values, parts, &why)) != 0) {
        if (got > 0)
            return 0;
        if (own != NULL)
            *own = why;
    }
    for (size_t i = 0; i < letter_text_count; i++)
        if (str_equal(letter_texts[i].kind, kind) && str_equal(letter_texts[i].language, language))
            return render(language, letter_texts[i].subject, letter_texts[i].text, NULL, values,
                          parts, err);
    return err_set(err, ERR_INTERNAL, "letter_text", "there is no text %s in %s", kind, language);
}

void letter_sample(const struct letter_kind *kind, const char *language, struct kv *values)
{
    kv_clear(values);
    (void)kv_set(values, "language", language);
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        (void)kv_set(values, common[i], common[i]);
    for (size_t i = 0; kind != NULL && i < LETTER_PARAMS && kind->params[i] != NULL; i++)
        (void)kv_set(values, kind->params[i], kind->params[i]);
    if (kind != NULL && kind->page != NULL)
        (void)kv_set(values, "link", "https://sett.example.com/reveal.html#token");
}

/* What is wrong with a file, going by its name and content; NULL: nothing. */
static const char *file_fault(const char *folder, const char *name, struct err *why)
{
    const struct letter_kind *kind = NULL;
    struct letter_parts parts;
    char text[64], *language, *ending;
    struct kv values;

    if (str_copy(text, sizeof text, name) != 0 || (language = strchr(text, '.')) == NULL ||
        (ending = strchr(language + 1, '.')) == NULL)
        return "is not named KIND.LANGUAGE.txt or KIND.LANGUAGE.html";
    *language++ = *ending++ = '\0';
    if (!str_equal(ending, "txt") && !str_equal(ending, "html"))
        return "ends neither in .txt nor in .html";
    if ((kind = letter_kind_find(text)) == NULL || str_equal(text, "message"))
        return "names no kind of letter (sett mail kinds)";
    if (!str_equal(letter_language(language, NULL), language))
        return "names no language: en, es or de";
    letter_sample(kind, language, &values);
    letter_parts_init(&parts);
    int got = render_files(folder, text, language, &values, &parts, why);
    letter_parts_free(&parts);
    if (got == 0)
        return "has no KIND.LANGUAGE.txt beside it and is not used";
    return got > 0 ? NULL : why->text;
}

int letter_folder_check(const char *folder,
                        void (*found)(void *arg, const char *file, const char *fault), void *arg,
                        struct err *err)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    struct err why;
    int wrong = 0;

    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "mail_folder", errno, folder);
    while ((entry = readdir(dir)) != NULL) {
        const char *fault;

        if (entry->d_name[0] == '.')
            continue;
        fault = file_fault(folder, entry->d_name, &why);
        found(arg, entry->d_name, fault);
        wrong += fault != NULL;
    }
    (void)closedir(dir);
    return wrong;
}

/* ---- dates ---- */

int letter_date(char *out, size_t size, const char *language, int64_t at_ms, int32_t offset_s,
                bool with_time)
{
    static const struct {
        const char *language, *before_month, *before_year;
        const char *months[12];
    } forms[] = {
        {"en",
         " ",
         " ",
         {"January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"}},
        {"es",
         " de ",
         " de ",
         {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
          "octubre", "noviembre", "diciembre"}},
        {"de",
         ". ",
         " ",
         {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
          "Oktober", "November", "Dezember"}},
    };
    time_t at = (time_t)(at_ms / 1000 + offset_s);
    size_t form = 0;
    char time[16] = "";
    struct tm tm;

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (str_equal(forms[i].language, language))
            form = i;
    (void)gmtime_r(&at, &tm);
    if (with_time)
        (void)str_format(time, sizeof time, ", %02d:%02d", tm.tm_hour % 24, tm.tm_min % 60);
    return str_format(out, size, "%d%s%s%s%d%s", tm.tm_mday, forms[form].before_month,
                      forms[form].months[tm.tm_mon], forms[form].before_year, tm.tm_year + 1900,
                      time);
}
