/*
 * Lines of logs, taken apart. Apart from who reads them because files, the journal and engines all
 * come down to such lines.
 */
#include "log_line.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "str.h"

static const struct {
    const char *name;
    enum log_level level;
} names[] = {{"error", LOG_LEVEL_ERROR},
             {"warning", LOG_LEVEL_WARNING},
             {"info", LOG_LEVEL_INFO},
             {"debug", LOG_LEVEL_DEBUG}};

const char *log_level_name(enum log_level level)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].level == level)
            return names[i].name;
    return "info";
}

int log_level_find(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_equal(names[i].name, name))
            return (int)names[i].level;
    return -1;
}

bool log_within(const char *text, size_t len, const char *word)
{
    size_t need = strlen(word);

    for (size_t i = 0; i + need <= len; i++)
        if (strncasecmp(text + i, word, need) == 0)
            return true;
    return need == 0;
}

static void skip(struct log_line *l, size_t n)
{
    l->text += n;
    l->len -= n;
    while (l->len > 0 && *l->text == ' ') {
        l->text++;
        l->len--;
    }
}

/* Length of the word at the beginning. */
static size_t word_len(const struct log_line *l)
{
    const char *blank = memchr(l->text, ' ', l->len);

    return blank == NULL ? l->len : (size_t)(blank - l->text);
}

/* "2026-11-27T00:22:12.123456789Z", or with "+01:00", "+0100" behind it. */
static bool take_rfc3339(struct log_line *l)
{
    char word[48];
    size_t len = word_len(l), zone;
    int64_t offset_s = 0, at;

    if (len < 20 || len >= sizeof word || str_copy_n(word, sizeof word, l->text, len) == -1 ||
        word[10] != 'T')
        return false;
    zone = 19 + (word[19] == '.' ? 1 + strspn(word + 20, "0123456789") : 0);
    if (word[zone] == '+' || word[zone] == '-') {
        int h, m;
        const char *z = word + zone + 1;
        if (!isdigit((unsigned char)z[0]) || !isdigit((unsigned char)z[1]))
            return false;
        h = (z[0] - '0') * 10 + z[1] - '0';
        z += z[2] == ':' ? 3 : 2;
        m = isdigit((unsigned char)z[0]) && isdigit((unsigned char)z[1])
                ? (z[0] - '0') * 10 + z[1] - '0'
                : 0;
        offset_s = (h * 60 + m) * 60 * (word[zone] == '-' ? -1 : 1);
        word[zone] = 'Z';
        word[zone + 1] = '\0';
    }
    if (clock_parse(word, &at) == -1)
        return false;
    l->at_ms = at - offset_s * 1000;
    skip(l, len);
    return true;
}

/* The web server's "2026/11/27 00:22:12", and "2026-11-27 00:22:12,123" of many programs: local. */
static bool take_local(struct log_line *l)
{
    char text[20];
    struct tm tm;
    const char *end;
    time_t at;
    size_t len = 19;

    if (l->len < 19 || str_copy_n(text, sizeof text, l->text, 19) == -1)
        return false;
    for (char *p = text; *p != '\0'; p++)
        *p = *p == '/' ? '-' : *p;
    memset(&tm, 0, sizeof tm);
    end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    if (end == NULL || *end != '\0')
        return false;
    tm.tm_isdst = -1;
    if ((at = mktime(&tm)) == -1)
        return false;
    l->at_ms = (int64_t)at * 1000;
    if (l->len > 20 && (l->text[19] == ',' || l->text[19] == '.')) {
        int64_t unit = 100;
        for (len = 20; len < l->len && isdigit((unsigned char)l->text[len]); len++, unit /= 10)
            l->at_ms += (l->text[len] - '0') * unit;
    }
    skip(l, len);
    return true;
}

/* What stands behind the time: "sett-worker warning:", "INF", "[error]", "level=warn". */
static const struct {
    const char *word;
    enum log_level level;
    bool drop; /* the word says nothing else */
} marks[] = {
    {"error:", LOG_LEVEL_ERROR, true},        {"warning:", LOG_LEVEL_WARNING, true},
    {"info:", LOG_LEVEL_INFO, true},          {"debug:", LOG_LEVEL_DEBUG, true},
    {"ERR", LOG_LEVEL_ERROR, true},           {"FTL", LOG_LEVEL_ERROR, true},
    {"WRN", LOG_LEVEL_WARNING, true},         {"INF", LOG_LEVEL_INFO, true},
    {"DBG", LOG_LEVEL_DEBUG, true},           {"[emerg]", LOG_LEVEL_ERROR, true},
    {"[alert]", LOG_LEVEL_ERROR, true},       {"[crit]", LOG_LEVEL_ERROR, true},
    {"[error]", LOG_LEVEL_ERROR, true},       {"[warn]", LOG_LEVEL_WARNING, true},
    {"[notice]", LOG_LEVEL_INFO, true},       {"[info]", LOG_LEVEL_INFO, true},
    {"[debug]", LOG_LEVEL_DEBUG, true},       {"ERROR", LOG_LEVEL_ERROR, false},
    {"ERROR:", LOG_LEVEL_ERROR, false},       {"CRITICAL", LOG_LEVEL_ERROR, false},
    {"FATAL", LOG_LEVEL_ERROR, false},        {"FATAL:", LOG_LEVEL_ERROR, false},
    {"PANIC:", LOG_LEVEL_ERROR, false},       {"WARNING", LOG_LEVEL_WARNING, false},
    {"WARNING:", LOG_LEVEL_WARNING, false},   {"WARN", LOG_LEVEL_WARNING, false},
    {"INFO", LOG_LEVEL_INFO, false},          {"DEBUG", LOG_LEVEL_DEBUG, false},
    {"Traceback", LOG_LEVEL_ERROR, false},    {"level=error", LOG_LEVEL_ERROR, false},
    {"level=warn", LOG_LEVEL_WARNING, false},
};

static bool take_mark(struct log_line *l)
{
    size_t len = word_len(l);

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strlen(marks[i].word) == len && memcmp(l->text, marks[i].word, len) == 0) {
            l->level = marks[i].level;
            if (marks[i].drop)
                skip(l, len);
            return true;
        }
    return false;
}

void log_line_read(const char *line, size_t len, struct log_line *out)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    *out = (struct log_line){.level = LOG_LEVEL_INFO, .text = line, .len = len};
    if (!take_rfc3339(out) && !take_local(out) && len > 2 && line[0] == '[') {
        out->text++; /* "[2026-11-27 00:22:12] …" */
        out->len--;
        if ((take_rfc3339(out) || take_local(out)) && out->len > 0 && *out->text == ']')
            skip(out, 1);
        else
            *out = (struct log_line){.level = LOG_LEVEL_INFO, .text = line, .len = len};
    }
    /* ours have the program's name before the level */
    if (out->len > 5 && memcmp(out->text, "sett-", 5) == 0) {
        struct log_line ours = *out;
        skip(&ours, word_len(&ours));
        if (take_mark(&ours))
            *out = ours;
        return;
    }
    (void)take_mark(out);
}
