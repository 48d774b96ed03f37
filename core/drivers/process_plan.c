/*
 * Plans kept in files, so that a program can be started again by hands that were not there when it
 * was asked for. Apart from the starting itself. One "name=value" a line, in the order of the
 * struct; '%' and control characters are written as %XX; the last line says that the file is whole.
 */
#include "process_launch.h"

#include <stdlib.h>
#include <string.h>

#include "enc.h"
#include "file.h"
#include "str.h"

#define PLAN_MAX (64u * 1024u)

static void put(struct buf *b, const char *name, const char *value)
{
    (void)buf_text(b, name);
    (void)buf_byte(b, '=');
    for (; *value != '\0'; value++)
        if ((unsigned char)*value < 0x20 || *value == '%' || *value == 0x7f)
            (void)buf_format(b, "%%%02x", (unsigned)(unsigned char)*value);
        else
            (void)buf_byte(b, *value);
    (void)buf_byte(b, '\n');
}

static void put_number(struct buf *b, const char *name, uint64_t n)
{
    (void)buf_format(b, "%s=%llu\n", name, (unsigned long long)n);
}

int process_plan_write(const struct process_plan *p, bool wanted, const char *path, struct err *err)
{
    const char *name, *value, *arg = p->args;
    struct buf b;
    size_t at = 0;
    int result;

    buf_init(&b, PLAN_MAX);
    put(&b, "name", p->name);
    put(&b, "owner", p->owner);
    put_number(&b, "wanted", wanted);
    put(&b, "folder", p->folder);
    put(&b, "log", p->log);
    put_number(&b, "uid", p->uid);
    put_number(&b, "nofile", p->nofile);
    put_number(&b, "pids", p->pids);
    put_number(&b, "memory", p->memory_bytes);
    put_number(&b, "stop", p->stop_s);
    put_number(&b, "signal", p->stop_signal);
    put_number(&b, "inherit", p->inherit);
    for (uint32_t i = 0; i < p->argc; i++, arg += strlen(arg) + 1)
        put(&b, "arg", arg);
    while (kv_next(&p->env, &at, &name, &value) == 1) {
        put(&b, "env", name);
        put(&b, "value", value);
    }
    put(&b, "end", p->name);
    result = b.failed ? err_set(err, ERR_TOO_LARGE, "plan_too_large", "the plan of %s does not fit",
                                p->name)
             : wanted || p->argc > 0 ? file_write(path, b.data, b.len, 0600, err)
                                     : file_write_soon(path, b.data, b.len, 0600, err);
    buf_free(&b);
    return result;
}

/* Undo put's %XX in place. Return 0 or -1. */
static int unescape(char *s)
{
    char *to = s;

    for (; *s != '\0'; s++) {
        char two[3];
        if (*s != '%') {
            *to++ = *s;
            continue;
        }
        if (s[1] == '\0' || s[2] == '\0')
            return -1;
        two[0] = s[1];
        two[1] = s[2];
        two[2] = '\0';
        if (enc_unhex(to, 1, two) == -1 || *to == '\0')
            return -1;
        to++;
        s += 2;
    }
    *to = '\0';
    return 0;
}

static int number(const char *value, uint64_t max, uint64_t *out)
{
    return str_u64(value, 0, max, out);
}

struct reading {
    struct process_plan *p;
    bool wanted, ended;
    char env[KV_NAME_MAX]; /* the name whose value comes next */
};

/* Members that are texts. Return 1 if ${name} was one, 0 if not, -1 if it does not fit. */
static int take_text(struct process_plan *p, const char *name, const char *value)
{
    const struct {
        const char *name;
        char *out;
        size_t size;
    } texts[] = {{"name", p->name, sizeof p->name},
                 {"owner", p->owner, sizeof p->owner},
                 {"folder", p->folder, sizeof p->folder},
                 {"log", p->log, sizeof p->log}};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (str_equal(name, texts[i].name))
            return str_copy(texts[i].out, texts[i].size, value) == -1 ? -1 : 1;
    return 0;
}

static int take_number(struct reading *r, const char *name, const char *value)
{
    struct process_plan *p = r->p;
    uint32_t *const small[] = {&p->uid, &p->nofile, &p->pids, &p->stop_s, &p->stop_signal};
    const char *const names[] = {"uid", "nofile", "pids", "stop", "signal"};
    uint64_t n;

    if (number(value, UINT64_MAX, &n) == -1)
        return -1;
    if (str_equal(name, "memory"))
        return p->memory_bytes = n, 0;
    if (str_equal(name, "wanted"))
        return r->wanted = n != 0, n > 1 ? -1 : 0;
    if (str_equal(name, "inherit"))
        return p->inherit = n != 0, n > 1 ? -1 : 0;
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        if (str_equal(name, names[i]))
            return *small[i] = (uint32_t)n, n > UINT32_MAX ? -1 : 0;
    return -1;
}

static int take(struct reading *r, char *line)
{
    char *value = strchr(line, '=');
    int text;

    if (value == NULL || r->ended)
        return -1;
    *value++ = '\0';
    if (unescape(value) == -1)
        return -1;
    if ((text = take_text(r->p, line, value)) != 0)
        return text == 1 ? 0 : -1;
    if (str_equal(line, "arg"))
        return process_plan_arg(r->p, value);
    if (str_equal(line, "env"))
        return str_copy(r->env, sizeof r->env, value);
    if (str_equal(line, "value"))
        return kv_set(&r->p->env, r->env, value);
    if (str_equal(line, "end")) {
        r->ended = true;
        return str_equal(value, r->p->name) ? 0 : -1;
    }
    return take_number(r, line, value);
}

int process_plan_read(struct process_plan *p, bool *wanted, const char *path, struct err *err)
{
    struct reading r = {.p = p};
    struct buf b;
    char *line, *end;
    int result = -1;

    memset(p, 0, sizeof *p);
    buf_init(&b, PLAN_MAX);
    if (file_read(path, &b, err) == -1)
        goto done;
    for (line = b.data; line != NULL && *line != '\0'; line = end + 1) {
        if ((end = strchr(line, '\n')) == NULL)
            break;
        *end = '\0';
        if (take(&r, line) == -1) {
            r.ended = false;
            break;
        }
    }
    *wanted = r.wanted;
    result =
        r.ended ? 0 : err_set(err, ERR_CORRUPT, "plan_corrupt", "%s is not a whole plan", path);
done:
    buf_free(&b);
    return result;
}
