/*
 * The answer about logs: lines of all sources together, newest first, from a place on. Apart from
 * the answers about one tenant or tunnel because here lines of many are put in one order, and
 * because what is shown of them has no secrets left in it.
 */
#include "answer_about.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "answer_parts.h"
#include "clock.h"
#include "csv.h"
#include "json_out.h"
#include "log_line.h"
#include "str.h"

#define LINES_MAX  30000 /* that are put in order */
#define TEXT_MAX   2000  /* of a line, as it is shown */
#define READ_MS    25000
#define ANSWER_MAX (900u * 1024u)
#define SETTLE_MS  300
#define MARGIN     3 /* so many times as many lines are read as are wanted */

struct line {
    int64_t at_ms;
    uint32_t seq; /* its place among those of its source */
    enum log_level level;
    const char *source, *text;
    size_t source_len, text_len;
};

enum form { FORM_JSON, FORM_CSV, FORM_TEXT, FORM_EVENTS };
static const char *const form_names[] = {"json", "csv", "text", "events", NULL};

struct reading {
    const struct answer_setup *setup;
    uint64_t limit, lines;
    int64_t since_ms, until_ms;
    enum log_level level;
    const char *text;
    enum form form;
    char after[48], before[48]; /* ids of lines: only newer ones, only older ones */
    struct buf streams[24];     /* what was read; the lines point into them */
    unsigned stream_count;
    struct line *at;
    size_t count;
    struct buf clean; /* of a line, what is shown */
};

/* ---- reading ---- */

static struct buf *new_stream(struct reading *r, struct err *err)
{
    struct buf *b;

    if (r->stream_count == sizeof r->streams / sizeof r->streams[0]) {
        (void)err_field(err, "source", "too_many", "that are too many sources at once");
        return NULL;
    }
    b = &r->streams[r->stream_count++];
    buf_init(b, HANDS_STREAM_MAX + 4096);
    return b;
}

/* Whether the words that are looked for stand in what is shown of it: else a secret could be found
 * out letter by letter. */
static bool shows(struct reading *r, const struct line *l)
{
    if (r->text[0] == '\0')
        return true;
    buf_reset(&r->clean);
    log_redact(&r->clean, l->text, l->text_len < TEXT_MAX ? l->text_len : TEXT_MAX, false);
    return log_within(buf_string(&r->clean), r->clean.len, r->text);
}

static void keep(struct reading *r, const struct line *line)
{
    if (r->count < LINES_MAX && shows(r, line))
        r->at[r->count++] = *line;
}

/* "SOURCE AT LEVEL TEXT" as the hands stream it. */
static void take_journal(struct reading *r, const struct buf *b)
{
    for (size_t at = 0; at < b->len;) {
        const char *begin = b->data + at, *end = memchr(begin, '\n', b->len - at);
        size_t len = end == NULL ? b->len - at : (size_t)(end - begin);
        const char *stop = begin + len, *p = memchr(begin, ' ', len);
        struct line line = {.seq = (uint32_t)r->count, .source = begin};
        char *next;

        at += len + 1;
        if (p == NULL)
            continue;
        line.source_len = (size_t)(p - begin);
        line.at_ms = strtoll(p + 1, &next, 10);
        line.level = (enum log_level)strtol(next, &next, 10);
        if (next >= stop || *next != ' ')
            continue;
        line.text = next + 1;
        line.text_len = (size_t)(stop - line.text);
        keep(r, &line);
    }
}

static int read_journal(struct reading *r, const char *source, uint64_t number, struct err *err)
{
    struct hands_request request = {.verb = HANDS_JOURNAL, .number = number};
    struct hands_reply reply;
    struct buf *b = new_stream(r, err);
    char text[256];

    if (b == NULL)
        return -1;
    request.lines = (uint32_t)r->lines;
    (void)str_copy(request.runtime, sizeof request.runtime, source);
    (void)kv_set_u64(&request.env, "SINCE", (uint64_t)r->since_ms);
    (void)kv_set_u64(&request.env, "UNTIL", (uint64_t)r->until_ms);
    (void)kv_set_u64(&request.env, "LEVEL", (uint64_t)r->level);
    str_cut(text, sizeof text, r->text);
    (void)kv_set(&request.env, "TEXT", text);
    if (outside_hands(r->setup->outside, &request, READ_MS, &reply, b, err) != OUTCOME_OK)
        return -1;
    take_journal(r, b);
    return 0;
}

static bool is_wanted(const struct reading *r, const struct log_line *l)
{
    return l->len > 0 && l->level <= r->level && log_within(l->text, l->len, r->text) &&
           (l->at_ms == 0 || ((r->since_ms == 0 || l->at_ms >= r->since_ms) &&
                              (r->until_ms == 0 || l->at_ms <= r->until_ms)));
}

/* What a tenant's program wrote: lines of any form. */
static int read_tenant(struct reading *r, const char *id, const char *source, struct err *err)
{
    struct hands_reply reply;
    struct about *a = calloc(1, sizeof *a);
    struct buf *b = new_stream(r, err);
    struct kv params;
    int64_t last_ms = 0;
    enum outcome outcome = OUTCOME_FAIL;

    kv_clear(&params);
    (void)kv_set(&params, "tenant_id", id);
    if (a == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a log");
    else if (b != NULL && answer_load(r->setup, &params, a, err) == 0)
        outcome = answer_hands(r->setup, a, HANDS_RUNTIME_LOGS, HANDS_LINES_MAX, &reply, b, err);
    free(a);
    if (outcome != OUTCOME_OK)
        return outcome == OUTCOME_ABSENT ? 0 : -1;
    for (size_t at = 0; at < b->len;) {
        const char *begin = b->data + at, *end = memchr(begin, '\n', b->len - at);
        size_t len = end == NULL ? b->len - at : (size_t)(end - begin);
        struct line line = {
            .seq = (uint32_t)r->count, .source = source, .source_len = strlen(source)};
        struct log_line l;

        at += len + 1;
        log_line_read(begin, len, &l);
        if (l.at_ms == 0)
            l.at_ms = last_ms;
        last_ms = l.at_ms;
        line.at_ms = l.at_ms;
        line.level = l.level;
        line.text = l.text;
        line.text_len = l.len;
        if (is_wanted(r, &l))
            keep(r, &line);
    }
    return 0;
}

/* "worker", "connectors", "tunnel:ID", "tenant:ID". */
static int read_source(struct reading *r, char *source, struct err *err)
{
    struct about *a;
    struct kv params;
    int rc;

    if (str_starts(source, "tenant:"))
        return read_tenant(r, source + strlen("tenant:"), source, err);
    if (!str_starts(source, "tunnel:"))
        return read_journal(r, source, 0, err);
    if ((a = calloc(1, sizeof *a)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a log");
    kv_clear(&params);
    (void)kv_set(&params, "tunnel_id", source + strlen("tunnel:"));
    rc = answer_load(r->setup, &params, a, err);
    if (rc == 0)
        rc = read_journal(r, "connectors", a->tunnel.number, err);
    free(a);
    return rc;
}

/* A list with commas; empty: all that are the box's own. ${list} is cut up. */
static int read_sources(struct reading *r, char *list, struct err *err)
{
    char *save = NULL;

    if (list[0] == '\0')
        return read_journal(r, "", 0, err);
    for (char *s = strtok_r(list, ",", &save); s != NULL; s = strtok_r(NULL, ",", &save))
        if (read_source(r, s, err) == -1)
            return -1;
    return 0;
}

/* ---- order and place ---- */

static int newest_first(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms > y->at_ms ? -1 : 1;
    return x->seq > y->seq ? -1 : x->seq < y->seq;
}

/* A line's id: its time and a digest of what it says. */
static void id_of(const struct line *l, char out[48])
{
    unsigned char digest[crypto_generichash_BYTES_MIN];
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof digest);
    (void)crypto_generichash_update(&state, (const unsigned char *)l->source, l->source_len);
    (void)crypto_generichash_update(&state, (const unsigned char *)l->text, l->text_len);
    (void)crypto_generichash_final(&state, digest, sizeof digest);
    (void)str_format(out, 48, "%lld-%02x%02x%02x%02x", (long long)l->at_ms, digest[0], digest[1],
                     digest[2], digest[3]);
}

/* Where a line stands among those in order, or where it would: the first that is older. */
static size_t place_of(const struct reading *r, const char *id, bool *found)
{
    int64_t at_ms = strtoll(id, NULL, 10);
    size_t i = 0;
    char other[48];

    *found = false;
    while (i < r->count && r->at[i].at_ms > at_ms)
        i++;
    for (size_t k = i; k < r->count && r->at[k].at_ms == at_ms; k++) {
        id_of(&r->at[k], other);
        if (str_equal(other, id)) {
            *found = true;
            return k;
        }
    }
    /* it is gone: what bears its time counts as told */
    while (i < r->count && r->at[i].at_ms == at_ms && at_ms != 0)
        i++;
    return i;
}

/* The part that is asked for: ${from} up to ${to}, newest first. */
static void part_of(const struct reading *r, size_t *from, size_t *to)
{
    bool found;

    *from = 0;
    *to = r->count;
    if (r->form == FORM_EVENTS) /* another source may yet have something to say of this moment */
        while (*from < *to && r->at[*from].at_ms > clock_wall_ms() - SETTLE_MS)
            ++*from;
    if (r->before[0] != '\0') {
        *from = place_of(r, r->before, &found);
        *from += found;
    }
    if (r->after[0] != '\0') {
        *to = place_of(r, r->after, &found);
        *to = *to < *from ? *from : *to;
        if (*to - *from > r->limit) /* those that come next, not the newest of all */
            *from = *to - r->limit;
    }
    if (*to - *from > r->limit)
        *to = *from + r->limit;
}

/* ---- writing ---- */

static void write_json(const struct line *l, const char *text, size_t len, struct json_out *j)
{
    char id[48];

    id_of(l, id);
    json_out_object(j);
    json_out_key_text(j, "object", "log_line");
    json_out_key_text(j, "id", id);
    json_out_key_time(j, "at", l->at_ms);
    json_out_key(j, "source");
    json_out_text_n(j, l->source, l->source_len);
    json_out_key_text(j, "level", log_level_name(l->level));
    json_out_key(j, "text");
    json_out_text_n(j, text, len);
    json_out_end_object(j);
}

static void write_line(const struct reading *r, const struct line *l, struct json_out *j,
                       struct buf *clean)
{
    struct buf *out = j->buf;
    char at[CLOCK_TEXT_SIZE] = "", id[48];

    buf_reset(clean);
    log_redact(clean, l->text, l->text_len < TEXT_MAX ? l->text_len : TEXT_MAX, false);
    if (l->at_ms != 0)
        clock_text(at, l->at_ms);
    switch (r->form) {
    case FORM_JSON:
        write_json(l, buf_string(clean), clean->len, j);
        return;
    case FORM_EVENTS:
        id_of(l, id);
        (void)buf_format(out, "id: %s\nevent: line\ndata: ", id);
        json_out_init(j, out);
        write_json(l, buf_string(clean), clean->len, j);
        (void)buf_text(out, "\n\n");
        return;
    case FORM_CSV:
        (void)buf_format(out, "%s,%.*s,%s,", at, (int)l->source_len, l->source,
                         log_level_name(l->level));
        csv_text(out, buf_string(clean), clean->len);
        (void)buf_text(out, "\r\n");
        return;
    case FORM_TEXT:
        (void)buf_format(out, "%-24s %-10.*s %-7s ", at[0] == '\0' ? "-" : at, (int)l->source_len,
                         l->source, log_level_name(l->level));
        (void)buf_add(out, buf_string(clean), clean->len);
        (void)buf_byte(out, '\n');
        return;
    }
}

/* Newest first as a list; as text, a table or events in the order in which it happened. */
static void write_all(const struct reading *r, struct buf *out)
{
    size_t from, to, done = 0;
    struct json_out j;
    struct buf clean;

    part_of(r, &from, &to);
    buf_init(&clean, 8 * TEXT_MAX);
    json_out_init(&j, out);
    if (r->form == FORM_JSON) {
        json_out_object(&j);
        json_out_key_text(&j, "object", "list");
        json_out_key(&j, "data");
        json_out_array(&j);
        for (size_t i = from; i < to && out->len < ANSWER_MAX; i++, done++)
            write_line(r, &r->at[i], &j, &clean);
        json_out_end_array(&j);
        json_out_key_bool(&j, "has_more",
                          from + done < r->count && (r->after[0] == '\0' || done < to - from));
        json_out_key_text(&j, "url", "/api/logs");
        json_out_end_object(&j);
    } else {
        if (r->form == FORM_CSV)
            (void)buf_text(out, "at,source,level,text\r\n");
        for (size_t i = to; i > from && out->len < ANSWER_MAX; i--)
            write_line(r, &r->at[i - 1], &j, &clean);
    }
    buf_free(&clean);
}

/* ---- the question ---- */

static int read_wish(struct reading *r, const struct kv *params, struct err *err)
{
    int level = log_level_find(kv_get_or(params, "level", "debug"));
    int form = enum_find(form_names, kv_get_or(params, "format", "json"));

    r->limit = kv_get_u64(params, "limit", 200);
    r->since_ms = (int64_t)kv_get_u64(params, "since_ms", 0);
    r->until_ms = (int64_t)kv_get_u64(params, "until_ms", 0);
    r->text = kv_get_or(params, "q", "");
    (void)str_copy(r->after, sizeof r->after, kv_get_or(params, "after", ""));
    (void)str_copy(r->before, sizeof r->before, kv_get_or(params, "before", ""));
    if (level < 0 || form < 0 || r->limit == 0 || r->limit > 5000)
        return err_set(err, ERR_INVALID, "log_wish", "that is no wish about a log");
    r->level = (enum log_level)level;
    r->form = (enum form)form;
    r->lines = r->limit * MARGIN;
    /* of what is beyond the place that was reached, nothing need be read */
    if (r->after[0] != '\0') {
        int64_t at_ms = strtoll(r->after, NULL, 10);
        if (at_ms > r->since_ms)
            r->since_ms = at_ms;
        r->lines = HANDS_LINES_MAX;
    }
    if (r->before[0] != '\0') {
        int64_t at_ms = strtoll(r->before, NULL, 10);
        if (at_ms > 0 && (r->until_ms == 0 || at_ms < r->until_ms))
            r->until_ms = at_ms;
    }
    if (r->lines > HANDS_LINES_MAX)
        r->lines = HANDS_LINES_MAX;
    return 0;
}

int answer_log(const struct answer_setup *s, const struct kv *params, struct buf *out,
               struct err *err)
{
    struct reading *r = calloc(1, sizeof *r);
    char sources[512];
    int rc = -1;

    if (r == NULL || (r->at = calloc(LINES_MAX, sizeof *r->at)) == NULL) {
        free(r);
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for logs");
    }
    r->setup = s;
    buf_init(&r->clean, 8 * TEXT_MAX);
    (void)str_copy(sources, sizeof sources, kv_get_or(params, "source", ""));
    if (read_wish(r, params, err) == 0 && read_sources(r, sources, err) == 0) {
        qsort(r->at, r->count, sizeof *r->at, newest_first);
        write_all(r, out);
        rc = 0;
    }
    for (unsigned i = 0; i < r->stream_count; i++)
        buf_free(&r->streams[i]);
    buf_free(&r->clean);
    free(r->at);
    free(r);
    return rc;
}
