/* INI files, read with inih. Apart so that the library's own ideas (lines of 200 bytes cut in two,
 * continuation lines, comments behind a value) are switched off in one place, and so that an
 * error names its line. */
#include "conf.h"

#include <ini.h>
#include <pthread.h>
#include <string.h>

#include "file.h"
#include "str.h"

#define FILE_MAX       (256u * 1024u)
#define LINE_MAX_BYTES 1024

struct reading {
    struct conf *conf;
    const char *path, *at, *end;
    int line;
    bool failed;
    struct err *err;
};

static int refuse(struct reading *r, const char *code, const char *why)
{
    if (!r->failed)
        (void)err_set(r->err, ERR_INVALID, code, "%s, line %d: %s", r->path, r->line, why);
    r->failed = true;
    return -1;
}

/* inih's fgets: one whole line from memory, counted, or none once something was wrong. */
static char *next_line(char *out, int size, void *arg)
{
    struct reading *r = arg;
    const char *newline;
    size_t len;

    if (r->failed || r->at == r->end)
        return NULL;
    r->line++;
    newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
    len = (size_t)((newline == NULL ? r->end : newline + 1) - r->at);
    if (len + 1 > (size_t)size || len + 1 > LINE_MAX_BYTES) {
        (void)refuse(r, "conf_line_too_long", "the line is too long");
        return NULL;
    }
    memcpy(out, r->at, len);
    out[len] = '\0';
    r->at += len;
    return out;
}

/* inih's handler: 1 to go on, 0 for an error. */
static int add_row(void *arg, const char *section, const char *name, const char *value)
{
    struct reading *r = arg;
    struct conf_row *row;

    if (r->conf->count == CONF_ROWS)
        return (void)refuse(r, "conf_too_many_rows", "the file has too many values"), 0;
    if (name[0] == '\0')
        return (void)refuse(r, "conf_bad_line", "a name is missing before the ="), 0;
    row = &r->conf->rows[r->conf->count];
    if (str_copy(row->section, sizeof row->section, section) == -1 ||
        str_copy(row->name, sizeof row->name, name) == -1)
        return (void)refuse(r, "conf_name_too_long", "the section or the name is too long"), 0;
    if (str_copy(row->value, sizeof row->value, value) == -1)
        return (void)refuse(r, "conf_value_too_long", "the value is too long"), 0;
    row->line = r->line;
    r->conf->count++;
    return 1;
}

/* The library's switches are variables of its own: set once, before its first use. */
static void set_switches(void)
{
    ini_max_line = LINE_MAX_BYTES;
    ini_use_stack = true;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_stop_on_first_error = true;
}

int conf_read(struct conf *conf, const char *path, struct err *err)
{
    struct buf text;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct reading r = {.conf = conf, .path = path, .err = err};
    int bad;

    conf->count = 0;
    buf_init(&text, FILE_MAX);
    if (file_read(path, &text, err) == -1) {
        buf_free(&text);
        return -1;
    }
    if (!str_utf8(buf_string(&text), text.len)) {
        buf_free(&text);
        return err_set(err, ERR_INVALID, "conf_not_text", "%s is not UTF-8 text", path);
    }
    r.at = buf_string(&text);
    r.end = r.at + text.len;
    (void)pthread_once(&once, set_switches);
    bad = ini_parse_stream(next_line, &r, add_row, &r);
    buf_free(&text);
    if (bad != 0 && !r.failed)
        (void)refuse(&r, "conf_bad_line", "neither a [section] nor a name = value");
    return r.failed ? -1 : 0;
}

const char *conf_get(const struct conf *conf, const char *section, const char *name)
{
    const char *found = NULL;

    for (uint32_t i = 0; i < conf->count; i++)
        if (str_equal(conf->rows[i].section, section) && str_equal(conf->rows[i].name, name))
            found = conf->rows[i].value;
    return found;
}
