/*
 * The one way to fail: a kind, a stable code, a sentence, a hint. Apart from everything so that
 * every floor can fill the same struct and only the top decides what to do with it.
 */
#define ERR_DEFINES
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int status, exit_code;
} kinds[] = {
    [ERR_NONE] = {"none", 200, 0},
    [ERR_MALFORMED] = {"malformed", 400, 2},
    [ERR_INVALID] = {"invalid", 422, 2},
    [ERR_UNAUTHENTICATED] = {"unauthenticated", 401, 4},
    [ERR_FORBIDDEN] = {"forbidden", 403, 4},
    [ERR_NOT_FOUND] = {"not-found", 404, 3},
    [ERR_CONFLICT] = {"conflict", 409, 5},
    [ERR_PRECONDITION] = {"precondition", 412, 5},
    [ERR_TOO_LARGE] = {"too-large", 413, 2},
    [ERR_RATE] = {"rate", 429, 1},
    [ERR_QUOTA] = {"quota", 409, 5},
    [ERR_NETWORK] = {"network", 502, 1},
    [ERR_UNAVAILABLE] = {"unavailable", 503, 1},
    [ERR_TIMEOUT] = {"timeout", 504, 6},
    [ERR_FULL] = {"full", 507, 1},
    [ERR_CORRUPT] = {"corrupt", 500, 1},
    [ERR_INTERNAL] = {"internal", 500, 1},
};

/* A copy of what vsnprintf made, with control characters out of the way of logs and terminals. */
__attribute__((format(printf, 3, 0))) static void fill(char *out, size_t size, const char *fmt,
                                                       va_list ap)
{
    (void)vsnprintf(out, size, fmt, ap);
    for (char *p = out; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

static void copy_word(char *out, size_t size, const char *word)
{
    (void)snprintf(out, size, "%s", word == NULL ? "" : word);
}

void err_clear(struct err *e)
{
    if (e != NULL)
        memset(e, 0, sizeof *e);
}

int err_set(struct err *e, enum err_kind kind, const char *code, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return -1;
    err_clear(e);
    e->kind = kind;
    copy_word(e->code, sizeof e->code, code);
    va_start(ap, fmt);
    fill(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return -1;
}

int err_field(struct err *e, const char *field, const char *code, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return -1;
    err_clear(e);
    e->kind = ERR_INVALID;
    copy_word(e->code, sizeof e->code, code);
    copy_word(e->field, sizeof e->field, field);
    va_start(ap, fmt);
    fill(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return -1;
}

int err_sys(struct err *e, const char *code, int errnum, const char *what)
{
    char room[128];
    const char *why = strerror_r(errnum, room, sizeof room); /* GNU's: it returns the text */
    int full = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;

    return err_set(e, full ? ERR_FULL : ERR_INTERNAL, code, "%s: %s", what, why);
}

int err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;

    if (e == NULL)
        return -1;
    va_start(ap, fmt);
    fill(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return -1;
}

int err_http_status(enum err_kind kind)
{
    return kinds[kind].status;
}

int err_exit_code(enum err_kind kind)
{
    return kinds[kind].exit_code;
}

const char *err_kind_name(enum err_kind kind)
{
    return kinds[kind].name;
}
