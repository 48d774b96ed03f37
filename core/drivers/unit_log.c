/*
 * Reading logs of our own programs. Apart from the supervisors, which read whole tails of one unit,
 * because here many are searched by time, level and words.
 */
#include "unit_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "json_in.h"
#include "log_line.h"
#include "process_launch.h"
#include "str.h"

#define WINDOW_MIN  (128u * 1024u)
#define WINDOW_MAX  (8u * 1024u * 1024u)
#define JOURNAL_MAX (8u * 1024u * 1024u)
#define JOURNAL_S   20
#define SEARCH_MOST 20000 /* lines of the journal that are looked through for a word */

static bool wanted(const struct unit_log_wish *w, int64_t at_ms, enum log_level level,
                   const char *text, size_t len)
{
    return level <= w->level && (w->since_ms == 0 || at_ms >= w->since_ms) &&
           (w->until_ms == 0 || at_ms <= w->until_ms) && log_within(text, len, w->text);
}

/* The lines of a window that are wanted: the newest ${most} of them to ${each}, unless that is
 * NULL. Return how many there are; -1 when ${each} said so. */
static int64_t walk(const char *data, size_t len, const struct unit_log_wish *w, int64_t skip,
                    unit_log_line *each, void *arg, int64_t *oldest_ms)
{
    int64_t count = 0, last_ms = 0;

    *oldest_ms = 0;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(data + at, '\n', len - at);
        size_t line = end == NULL ? len - at : (size_t)(end - data - (ptrdiff_t)at);
        struct log_line l;

        log_line_read(data + at, line, &l);
        if (l.at_ms == 0)
            l.at_ms = last_ms;
        last_ms = l.at_ms;
        if (*oldest_ms == 0)
            *oldest_ms = l.at_ms;
        if (l.len > 0 && wanted(w, l.at_ms, l.level, l.text, l.len) && count++ >= skip &&
            each != NULL && each(arg, l.at_ms, l.level, l.text, l.len) == -1)
            return -1;
        at += line + 1;
    }
    return count;
}

/* The file's last ${size} bytes, beginning behind a line break. */
static int read_window(int fd, off_t file_size, size_t size, struct buf *b)
{
    off_t at = file_size > (off_t)size ? file_size - (off_t)size : 0;
    char *cut;

    buf_reset(b);
    while (at < file_size) {
        char *room = buf_reserve(b, 65536);
        ssize_t got = room == NULL ? -1 : pread(fd, room, 65536, at);
        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        b->len += (size_t)got;
        at += got;
    }
    if (file_size > (off_t)size && b->len > 0 && (cut = memchr(b->data, '\n', b->len)) != NULL) {
        size_t gone = (size_t)(cut + 1 - b->data);
        memmove(b->data, b->data + gone, b->len - gone);
        b->len -= gone;
    }
    return b->failed ? -1 : 0;
}

int unit_log_file(const char *path, const struct unit_log_wish *w, unit_log_line *each, void *arg,
                  struct err *err)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct stat st;
    int64_t count = 0, oldest_ms;
    struct buf b;

    if (fd == -1)
        return errno == ENOENT || errno == EACCES ? 0 : err_sys(err, "log_read", errno, path);
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return err_set(err, ERR_INTERNAL, "log_read", "%s is no plain file", path);
    }
    if (w->since_ms != 0 && (int64_t)st.st_mtim.tv_sec * 1000 + 1000 < w->since_ms) {
        (void)close(fd); /* nothing was written since */
        return 0;
    }
    buf_init(&b, WINDOW_MAX + 131072);
    for (size_t size = WINDOW_MIN;; size *= 4) {
        if (size > WINDOW_MAX)
            size = WINDOW_MAX;
        if (read_window(fd, st.st_size, size, &b) == -1)
            break;
        count = walk(b.data, b.len, w, 0, NULL, NULL, &oldest_ms);
        if (count >= w->lines || st.st_size <= (off_t)size || size == WINDOW_MAX ||
            (w->since_ms != 0 && oldest_ms != 0 && oldest_ms < w->since_ms))
            break;
    }
    (void)walk(b.data, b.len, w, count > w->lines ? count - w->lines : 0, each, arg, &oldest_ms);
    buf_free(&b);
    (void)close(fd);
    return 0;
}

/* ---- the journal ---- */

/* MESSAGE is a text, or, when it is none, a list of bytes. */
static size_t message_of(const struct cJSON *json, char out[4096])
{
    const struct cJSON *list = json_at(json, "MESSAGE"), *at = NULL;
    size_t n = 0;

    if (json_type(list) == JSON_STRING)
        str_cut(out, 4096, json_text(json, "MESSAGE", ""));
    else {
        while (n < 4095 && (at = json_next(list, at)) != NULL)
            out[n++] = (char)json_i64(at, "", '?');
        out[n] = '\0';
    }
    return strlen(out);
}

struct entries {
    const struct unit_log_wish *wish;
    int (*each)(void *arg, const char *unit, int64_t at_ms, enum log_level level, const char *text,
                size_t len);
    void *arg;
};

/* "sett-worker: ready": whose it is, is known. */
static void skip_name(struct log_line *l)
{
    const char *colon = memchr(l->text, ':', l->len);
    size_t n = colon == NULL ? 0 : (size_t)(colon - l->text) + 2;

    if (l->len > 5 && memcmp(l->text, "sett-", 5) == 0 && colon != NULL && n <= l->len &&
        memchr(l->text, ' ', n - 1) == NULL) {
        l->text += n;
        l->len -= n;
    }
}

/* One line of `journalctl --output=json`. */
static void entry(const struct entries *e, const char *line, size_t len)
{
    struct cJSON *json = json_parse(line, len, &json_limits_webhook, NULL);
    char text[4096], priority[8];
    uint64_t at_us = 0, level = LOG_LEVEL_INFO;
    struct log_line l;
    size_t n;

    if (json == NULL)
        return;
    n = message_of(json, text);
    (void)str_u64(json_text(json, "__REALTIME_TIMESTAMP", ""), 0, UINT64_MAX, &at_us);
    str_cut(priority, sizeof priority, json_text(json, "PRIORITY", ""));
    (void)str_u64(priority, 0, 7, &level);
    log_line_read(text, n, &l);
    /* what the program says of itself counts where the journal only has its default */
    if (level != LOG_LEVEL_INFO && level != 5)
        l.level = level <= LOG_LEVEL_ERROR ? LOG_LEVEL_ERROR : (enum log_level)level;
    l.at_ms = (int64_t)(at_us / 1000);
    skip_name(&l);
    /* what systemd itself says of a unit bears that unit's name in another field */
    if (wanted(e->wish, l.at_ms, l.level, l.text, l.len))
        (void)e->each(e->arg, json_text(json, "UNIT", json_text(json, "_SYSTEMD_UNIT", "")),
                      l.at_ms, l.level, l.text, l.len);
    json_free(json);
}

/* That a pattern means no unit that has ever written is no failure. */
static bool none(const struct buf *out)
{
    return out->len > 0 && strstr(out->data, "No data available") != NULL;
}

int unit_log_journal(const char *journalctl, const char *unit, const struct unit_log_wish *w,
                     int (*each)(void *arg, const char *unit, int64_t at_ms, enum log_level level,
                                 const char *text, size_t len),
                     void *arg, struct err *err)
{
    bool searching = w->text[0] != '\0' || w->level < LOG_LEVEL_DEBUG;
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct entries e = {w, each, arg};
    char lines[32], since[48], until[48];
    const char *argv[12];
    unsigned n = 0;
    struct buf out;
    int code = 0, rc = -1;

    if (plan == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory to read the journal");
    (void)str_format(lines, sizeof lines, "--lines=%u", searching ? SEARCH_MOST : w->lines);
    (void)str_format(since, sizeof since, "--since=@%lld", (long long)w->since_ms / 1000);
    (void)str_format(until, sizeof until, "--until=@%lld", (long long)w->until_ms / 1000 + 1);
    argv[n++] = journalctl;
    argv[n++] = "--no-pager";
    argv[n++] = "--quiet";
    argv[n++] = "--output=json";
    argv[n++] = "--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT";
    argv[n++] = lines;
    if (w->since_ms != 0)
        argv[n++] = since;
    if (w->until_ms != 0)
        argv[n++] = until;
    argv[n++] = "--unit";
    argv[n++] = unit;
    argv[n] = NULL;
    (void)str_copy(plan->name, sizeof plan->name, "journal");
    buf_init(&out, JOURNAL_MAX);
    if (process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1)
        (void)err_set(err, ERR_INTERNAL, "arguments", "the arguments of journalctl do not fit");
    else if (process_run(plan, JOURNAL_S, &out, &code, err) == 0)
        rc = code == 0 || none(&out)
                 ? 0
                 : err_set(err, ERR_UNAVAILABLE, "journal", "journalctl ended with code %d: %.200s",
                           code, buf_string(&out));
    for (size_t at = 0; rc == 0 && at < out.len;) {
        const char *end = memchr(out.data + at, '\n', out.len - at);
        size_t len = end == NULL ? out.len - at : (size_t)(end - out.data - (ptrdiff_t)at);
        entry(&e, out.data + at, len);
        at += len + 1;
    }
    buf_free(&out);
    free(plan);
    return rc;
}
