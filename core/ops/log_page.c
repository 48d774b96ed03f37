/*
 * Pages of a log. Apart from asking for the lines because here is what makes a log readable: its
 * levels, and a cursor. A log has no numbers, and is cut off at its beginning; so a cursor is a
 * digest of the last lines that were seen, which is looked for from the end.
 */
#include "log_page.h"

#include <sodium.h>
#include <string.h>

#include "connector.h"
#include "enc.h"
#include "enquire.h"
#include "json_out.h"
#include "str.h"

#define TAIL_LINES   4 /* that a cursor is made of */
#define TAIL_BYTES   8
#define LEVEL_WITHIN 160 /* bytes of a line in which its level stands */

const char *const log_page_level_names[] = {"debug", "info", "warning", "error", NULL};

struct line {
    const char *at;
    size_t len;
    enum log_page_level level;
};

struct log {
    struct line *lines;
    uint32_t count;
};

/* ---- levels ---- */

/* How programs write them, in plain small letters; the first that is found counts. */
static const struct {
    const char *word;
    enum log_page_level level;
} words[] = {
    {"debug", LOG_PAGE_DEBUG},     {"dbg", LOG_PAGE_DEBUG},       {"trace", LOG_PAGE_DEBUG},
    {"info", LOG_PAGE_INFO},       {"inf", LOG_PAGE_INFO},        {"notice", LOG_PAGE_INFO},
    {"warn", LOG_PAGE_WARNING},    {"warning", LOG_PAGE_WARNING}, {"wrn", LOG_PAGE_WARNING},
    {"error", LOG_PAGE_ERROR},     {"err", LOG_PAGE_ERROR},       {"fatal", LOG_PAGE_ERROR},
    {"ftl", LOG_PAGE_ERROR},       {"critical", LOG_PAGE_ERROR},  {"crit", LOG_PAGE_ERROR},
    {"alert", LOG_PAGE_ERROR},     {"emerg", LOG_PAGE_ERROR},     {"panic", LOG_PAGE_ERROR},
    {"exception", LOG_PAGE_ERROR},
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int level_of(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].word) == len && strncasecmp(words[i].word, word, len) == 0)
            return (int)words[i].level;
    return -1;
}

/* A word in capitals, in brackets, or behind "level" is a level; in a sentence it is a word. */
static bool stands_out(const char *line, const char *word, size_t len)
{
    bool capitals = true;

    for (size_t i = 0; i < len; i++)
        capitals = capitals && word[i] >= 'A' && word[i] <= 'Z';
    if (capitals)
        return true;
    if (word == line)
        return word[len] == ':' || word[len] == ' ';
    return word[-1] == '[' || word[-1] == '<' || word[-1] == '=' || word[-1] == '"';
}

enum log_page_level log_page_level(const char *line, size_t len, enum log_page_level before)
{
    size_t most = len < LEVEL_WITHIN ? len : LEVEL_WITHIN;
    char head[LEVEL_WITHIN + 1];

    (void)str_copy_n(head, sizeof head, line, most);
    for (const char *at = head; *at != '\0';) {
        const char *word = at;
        int level;
        while (is_letter(*at))
            at++;
        if (at == word) {
            at++;
            continue;
        }
        level = level_of(word, (size_t)(at - word));
        if (level != -1 && stands_out(head, word, (size_t)(at - word)))
            return (enum log_page_level)level;
    }
    return before;
}

/* ---- lines ---- */

static int read_lines(const struct op_call *call, struct log *log, struct err *err)
{
    const char *at = buf_string(&call->answer), *end = at + call->answer.len;
    enum log_page_level level = LOG_PAGE_INFO;
    size_t room = 1;

    for (const char *c = at; c < end; c++)
        room += *c == '\n';
    log->count = 0;
    if ((log->lines = calloc(room, sizeof *log->lines)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a log");
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct line *line = &log->lines[log->count++];
        line->at = at;
        line->len = (size_t)((stop == NULL ? end : stop) - at);
        at += line->len + 1;
        if (line->len > 0 && line->at[line->len - 1] == '\r')
            line->len--;
        line->level = level = log_page_level(line->at, line->len, level);
    }
    return 0;
}

/* A digest of the lines before place ${end}. */
static void cursor_at(const struct log *log, uint32_t end, char out[2 * TAIL_BYTES + 1])
{
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES_MIN];

    (void)crypto_generichash_init(&state, NULL, 0, sizeof digest);
    for (uint32_t i = end < TAIL_LINES ? 0 : end - TAIL_LINES; i < end; i++) {
        (void)crypto_generichash_update(&state, (const uint8_t *)log->lines[i].at,
                                        log->lines[i].len);
        (void)crypto_generichash_update(&state, (const uint8_t *)"\n", 1);
    }
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    enc_hex(out, digest, TAIL_BYTES);
}

/* Behind which line to go on; -1: the cursor's place is gone. */
static int64_t place_of(const struct log *log, const char *cursor)
{
    char at[2 * TAIL_BYTES + 1];

    for (uint32_t end = log->count;; end--) {
        cursor_at(log, end, at);
        if (str_equal(at, cursor))
            return end;
        if (end == 0)
            return -1;
    }
}

static bool has(const struct line *line, const char *q)
{
    size_t len = strlen(q);

    for (size_t i = 0; i + len <= line->len; i++)
        if (strncasecmp(line->at + i, q, len) == 0)
            return true;
    return false;
}

static bool fits(const struct line *line, const struct log_wish *wish)
{
    return (uint32_t)line->level >= wish->level && has(line, wish->q);
}

/* ---- showing ---- */

static void show_entry(struct json_out *j, const struct line *line)
{
    struct connector_trouble means;

    json_out_object(j);
    json_out_key_text(j, "level", log_page_level_names[line->level]);
    json_out_key(j, "line");
    json_out_text_n(j, line->at, line->len);
    if (line->level == LOG_PAGE_ERROR && connector_trouble(line->at, line->len, &means) &&
        means.cause[0] != '\0') {
        json_out_key_text(j, "cause", means.cause);
        json_out_key_text(j, "remedy", means.remedy);
    }
    json_out_end_object(j);
}

static void show(struct json_out *j, const struct log *log, uint32_t from, uint32_t end,
                 const struct log_wish *wish)
{
    for (uint32_t i = from; i < end; i++) {
        if (!fits(&log->lines[i], wish))
            continue;
        if (wish->parsed)
            show_entry(j, &log->lines[i]);
        else
            json_out_text_n(j, log->lines[i].at, log->lines[i].len);
    }
}

/* The first of the newest lines that fit and may be shown. */
static uint32_t first_of(const struct log *log, uint32_t from, const struct log_wish *wish)
{
    uint32_t left = wish->lines == 0 ? LOG_PAGE_LINES : wish->lines, at = log->count;

    while (at > from && left > 0)
        left -= fits(&log->lines[--at], wish);
    return at;
}

int log_page_ask(struct op_call *call, const struct table *table, const char *id,
                 const struct log_wish *wish, struct err *err)
{
    bool all = wish->q[0] != '\0' || wish->level > 0 || wish->after[0] != '\0';

    return enquire_lines(call, table, id, all ? LOG_PAGE_MOST : wish->lines, err);
}

int log_page_reply(struct op_call *call, const struct log_wish *wish, struct err *err)
{
    char cursor[2 * TAIL_BYTES + 1];
    struct json_out *j = call->out;
    struct log log;
    int64_t from = 0;

    if (read_lines(call, &log, err) == -1)
        return -1;
    if (wish->after[0] != '\0')
        from = place_of(&log, wish->after);
    cursor_at(&log, log.count, cursor);
    json_out_object(j);
    json_out_key_text(j, "object", "log");
    json_out_key(j, wish->parsed ? "entries" : "lines");
    json_out_array(j);
    show(j, &log, first_of(&log, from < 0 ? 0 : (uint32_t)from, wish), log.count, wish);
    json_out_end_array(j);
    json_out_key_text(j, "cursor", cursor);
    json_out_key_bool(j, "gap", from < 0);
    json_out_end_object(j);
    free(log.lines);
    return 0;
}
