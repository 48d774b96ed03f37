/*
 * The manifest's lines. Apart from packing and unpacking, which both need them, and plain enough
 * for a stranger with a shell.
 */
#include "manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "enc.h"
#include "str.h"

#define FIRST "SETT-MANIFEST 1\n"
#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-+@="

static int written(FILE *out, struct err *err)
{
    return ferror(out) ? err_sys(err, "manifest", errno, "the manifest") : 0;
}

void manifest_put_name(FILE *out, const char *name)
{
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        if (strchr(PLAIN, *c) != NULL)
            (void)fputc(*c, out);
        else
            (void)fprintf(out, "%%%02X", *c);
    }
}

int manifest_begin(FILE *out, struct err *err)
{
    (void)fputs(FIRST, out);
    return written(out, err);
}

int manifest_write(FILE *out, const struct manifest_entry *e, struct err *err)
{
    char hash[65] = "-", from[33] = ".";

    if (e->has_hash)
        enc_hex(hash, e->hash, sizeof e->hash);
    if (!e->here)
        enc_hex(from, e->from, sizeof e->from);
    (void)fprintf(out, "%c %o %" PRIu32 " %" PRIu32 " %" PRId64 ".%09" PRIu32 " %" PRIu64 " %s %s ",
                  e->changed ? 'F' : e->type, e->mode, e->uid, e->gid, e->mtime_s, e->mtime_ns,
                  e->size, hash, from);
    manifest_put_name(out, e->name);
    if (e->target[0] != '\0') {
        (void)fputc(' ', out);
        manifest_put_name(out, e->target);
    }
    (void)fputc('\n', out);
    return written(out, err);
}

int manifest_end(FILE *out, uint64_t count, struct err *err)
{
    (void)fprintf(out, "END %" PRIu64 "\n", count);
    (void)fflush(out);
    return written(out, err);
}

static int corrupt(const struct manifest_reader *r, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "manifest_corrupt", "line %llu of the manifest cannot be read",
                   (unsigned long long)r->count + 2);
}

static int next_line(struct manifest_reader *r, struct err *err)
{
    size_t len;

    if (fgets(r->line, sizeof r->line, r->in) == NULL)
        return corrupt(r, err);
    len = strlen(r->line);
    if (len == 0 || r->line[len - 1] != '\n')
        return corrupt(r, err);
    return 0;
}

int manifest_open(struct manifest_reader *r, FILE *in, struct err *err)
{
    r->in = in;
    r->count = 0;
    r->ended = false;
    if (next_line(r, err) == -1)
        return -1;
    return str_equal(r->line, FIRST) ? 0 : corrupt(r, err);
}

/* The next word of the line, which ends at a blank or the line's end; NULL when there is none. */
static char *word(char **at)
{
    char *start = *at, *end;

    if (*start == '\0')
        return NULL;
    end = start + strcspn(start, " \n");
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return start;
}

int manifest_take_name(char out[PACK_NAME_MAX + 1], const char *text)
{
    size_t n = 0;

    for (const char *c = text; *c != '\0'; n++) {
        uint8_t byte;

        if (n == PACK_NAME_MAX)
            return -1;
        if (*c == '%') {
            if (c[1] == '\0' || c[2] == '\0')
                return -1;
            if (enc_unhex(&byte, 1, (const char[]){c[1], c[2], '\0'}) == -1 || byte == 0)
                return -1;
            out[n] = (char)byte;
            c += 3;
        } else if (strchr(PLAIN, *c) != NULL) {
            out[n] = *c++;
        } else {
            return -1;
        }
    }
    out[n] = '\0';
    return 0;
}

static int take_number(const char *text, uint64_t most, uint64_t *out)
{
    return text == NULL ? -1 : str_u64(text, 0, most, out);
}

static int take_time(char *text, struct manifest_entry *e)
{
    char *point;
    uint64_t s, ns = 0;
    bool before = text != NULL && *text == '-';

    if (text == NULL || (point = strchr(text, '.')) == NULL || strlen(point) != 10)
        return -1;
    *point = '\0';
    if (str_u64(text + before, 0, INT64_MAX, &s) == -1)
        return -1;
    for (const char *c = point + 1; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return -1;
        ns = ns * 10 + (uint64_t)(*c - '0');
    }
    e->mtime_s = before ? -(int64_t)s : (int64_t)s;
    e->mtime_ns = (uint32_t)ns;
    return 0;
}

static int take_mode(const char *text, uint32_t *out)
{
    uint32_t mode = 0;

    if (text == NULL || *text == '\0' || strlen(text) > 5)
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '7')
            return -1;
        mode = mode * 8 + (uint32_t)(*text - '0');
    }
    *out = mode;
    return 0;
}

static int take_source(const char *hash, const char *from, struct manifest_entry *e)
{
    if (hash == NULL || from == NULL)
        return -1;
    e->has_hash = !str_equal(hash, "-");
    e->here = str_equal(from, ".");
    if (e->has_hash && enc_unhex(e->hash, sizeof e->hash, hash) == -1)
        return -1;
    return e->here ? 0 : enc_unhex(e->from, sizeof e->from, from);
}

static int take_line(char *at, struct manifest_entry *e)
{
    const char *type = word(&at), *mode = word(&at), *uid = word(&at), *gid = word(&at);
    char *time = word(&at), *name, *target;
    const char *size = word(&at), *hash = word(&at), *from = word(&at);
    uint64_t n;

    name = word(&at);
    target = word(&at);
    if (type == NULL || strlen(type) != 1 || strchr("fFdlhs", *type) == NULL ||
        take_mode(mode, &e->mode) == -1 || take_number(uid, UINT32_MAX - 1, &n) == -1)
        return -1;
    e->changed = *type == 'F';
    e->type = e->changed ? 'f' : *type;
    e->uid = (uint32_t)n;
    if (take_number(gid, UINT32_MAX - 1, &n) == -1)
        return -1;
    e->gid = (uint32_t)n;
    if (take_time(time, e) == -1 || take_number(size, INT64_MAX, &e->size) == -1 ||
        take_source(hash, from, e) == -1 || name == NULL || manifest_take_name(e->name, name) == -1)
        return -1;
    e->target[0] = '\0';
    return target == NULL ? 0 : manifest_take_name(e->target, target);
}

int manifest_next(struct manifest_reader *r, struct manifest_entry *e, struct err *err)
{
    uint64_t count;
    size_t len;

    if (r->ended)
        return 0;
    if (next_line(r, err) == -1)
        return -1;
    if (str_starts(r->line, "END ")) {
        len = strlen(r->line);
        r->line[len - 1] = '\0';
        if (str_u64(r->line + 4, 0, UINT64_MAX, &count) == -1 || count != r->count)
            return corrupt(r, err);
        r->ended = true;
        return 0;
    }
    if (take_line(r->line, e) == -1)
        return corrupt(r, err);
    r->count++;
    return 1;
}

int manifest_name_at(FILE *file, uint64_t at, char name[PACK_NAME_MAX + 1], struct err *err)
{
    char line[3 * PACK_NAME_MAX + 256], *word = line;
    ssize_t n;

    if (fflush(file) != 0 || (n = pread(fileno(file), line, sizeof line - 1, (off_t)at)) == -1)
        return err_sys(err, "manifest", errno, "the manifest");
    line[n] = '\0';
    for (unsigned blank = 0; blank < 8 && word != NULL; blank++)
        word = (word = strchr(word, ' ')) == NULL ? NULL : word + 1;
    if (word == NULL || word[strcspn(word, " \n")] == '\0')
        return err_set(err, ERR_INTERNAL, "manifest", "a line of the manifest is not there");
    word[strcspn(word, " \n")] = '\0';
    return manifest_take_name(name, word) == 0
               ? 0
               : err_set(err, ERR_INTERNAL, "manifest", "a line of the manifest is no line");
}

bool manifest_within(const char *name, const char *only)
{
    size_t len;

    if (only == NULL)
        return true;
    do {
        len = strcspn(only, "\n");
        if (strncmp(name, only, len) == 0 && (name[len] == '\0' || name[len] == '/'))
            return true;
        only += len;
    } while (*only++ == '\n');
    return false;
}

int manifest_order(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    if (*a == *b)
        return 0;
    /* A part that ends sorts before one that goes on. */
    if (*a == '\0' || *a == '/')
        return *a == '/' && *b == '\0' ? 1 : -1;
    if (*b == '\0' || *b == '/')
        return 1;
    return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}
