/* The JSON writer: text goes into a bounded buffer as it is made. Apart, and with no tree behind
 * it, because printing a page of records must cost no more than copying it. */
#include "json_out.h"

#include <string.h>

#include "clock.h"
#include "str.h"

void json_out_init(struct json_out *j, struct buf *buf)
{
    memset(j, 0, sizeof *j);
    j->buf = buf;
}

/* Room for ${len} bytes at the end of the buffer; the way that almost every piece of JSON takes. */
static inline char *room(struct buf *b, size_t len)
{
    if (b->data != NULL && !b->failed && b->len + len < b->cap && b->len + len <= b->max)
        return b->data + b->len;
    return buf_reserve(b, len);
}

/* ${len} bytes were written there. */
static inline void written(struct buf *b, size_t len)
{
    b->len += len;
    b->data[b->len] = '\0';
}

/* Room for a value of ${len} bytes, behind the comma that is due unless it is the first here or a
 * key came just before. NULL when there is none. */
static inline char *value_room(struct json_out *j, size_t len)
{
    size_t comma = !j->keyed && j->after[j->depth] ? 1 : 0;
    char *to = room(j->buf, len + comma);

    j->keyed = false;
    j->after[j->depth] = true;
    if (to == NULL || comma == 0)
        return to;
    *to = ',';
    written(j->buf, 1);
    return to + 1;
}

static void before(struct json_out *j)
{
    (void)value_room(j, 0);
}

static void begin(struct json_out *j, char c)
{
    char *to;

    before(j);
    if (j->depth == JSON_OUT_DEPTH) {
        j->buf->failed = true;
        return;
    }
    j->after[++j->depth] = false;
    if ((to = room(j->buf, 1)) == NULL)
        return;
    *to = c;
    written(j->buf, 1);
}

static void end(struct json_out *j, char c)
{
    if (j->depth == 0 || j->keyed) {
        j->buf->failed = true;
        return;
    }
    j->depth--;
    (void)buf_byte(j->buf, c);
}

void json_out_object(struct json_out *j)
{
    begin(j, '{');
}

void json_out_array(struct json_out *j)
{
    begin(j, '[');
}

void json_out_end_object(struct json_out *j)
{
    end(j, '}');
}

void json_out_end_array(struct json_out *j)
{
    end(j, ']');
}

static void escape(struct buf *b, unsigned char c)
{
    static const char short_form[] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r',
                                      ['\t'] = 't', ['"'] = '"',  ['\\'] = '\\'};

    if (c < sizeof short_form && short_form[c] != '\0') {
        (void)buf_byte(b, '\\');
        (void)buf_byte(b, short_form[c]);
    } else {
        (void)buf_format(b, "\\u%04x", c);
    }
}

/* Bytes at ${s} that make one well-formed character of UTF-8, or 0. */
static size_t character(const char *s, size_t len)
{
    unsigned char c = (unsigned char)*s;
    size_t want = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

    if (want == 0 || want > len)
        return 0;
    return want == 1 || str_utf8(s, want) ? want : 0;
}

/* Whether all eight bytes of ${w} stand for themselves: none below 0x20 or above 0x7e, no quote, no
 * backslash. A borrow may only make a plain byte look odd next to one that is: the answer holds. */
static bool eight_plain(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';

    return ((w | (w - ones * 0x20) | (w + ones) | (quote - ones) | (slash - ones)) & tops) == 0;
}

/* How many bytes at ${s} stand for themselves. */
static size_t plain(const char *s, size_t len)
{
    size_t i = 0;

    for (; len - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, s + i, 8);
        if (!eight_plain(w))
            break;
    }
    while (i < len && (unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x7f && s[i] != '"' &&
           s[i] != '\\')
        i++;
    return i;
}

/* What follows the plain beginning of a string that is not all plain. */
static void mixed(struct buf *b, const char *s, size_t len)
{
    size_t from = 0, i = 0, size;

    while (i < len) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            i++;
            continue;
        }
        if (c >= 0x80 && (size = character(s + i, len - i)) > 0) {
            i += size;
            continue;
        }
        (void)buf_add(b, s + from, i - from);
        if (c < 0x80)
            escape(b, c);
        else
            (void)buf_text(b, "\xef\xbf\xbd");
        from = ++i;
    }
    (void)buf_add(b, s + from, len - from);
}

/* ${s} in quotes as a value, with ${after} behind it if that is not NUL. */
static inline void quoted(struct json_out *j, const char *s, size_t len, char after)
{
    size_t some = plain(s, len), more = after == '\0' ? 0 : 1;
    char *to = value_room(j, some + 2 + more);

    if (to == NULL)
        return;
    *to++ = '"';
    memcpy(to, s, some);
    if (some < len) {
        written(j->buf, some + 1);
        mixed(j->buf, s + some, len - some);
        (void)buf_add(j->buf, (char[2]){'"', after}, 1 + more);
        return;
    }
    to[some] = '"';
    if (more == 1)
        to[some + 1] = after;
    written(j->buf, some + 2 + more);
}

void json_out_key(struct json_out *j, const char *key)
{
    if (j->keyed) {
        j->buf->failed = true;
        return;
    }
    quoted(j, key, strlen(key), ':');
    j->keyed = true;
}

void json_out_text_n(struct json_out *j, const char *s, size_t len)
{
    quoted(j, s, len, '\0');
}

void json_out_text(struct json_out *j, const char *s)
{
    json_out_text_n(j, s, strlen(s));
}

void json_out_u64(struct json_out *j, uint64_t n)
{
    char text[24], *p = text + sizeof text;

    do
        *--p = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    json_out_raw(j, p, (size_t)(text + sizeof text - p));
}

void json_out_i64(struct json_out *j, int64_t n)
{
    if (n >= 0) {
        json_out_u64(j, (uint64_t)n);
        return;
    }
    before(j);
    (void)buf_format(j->buf, "%lld", (long long)n);
}

void json_out_bool(struct json_out *j, bool value)
{
    json_out_raw(j, value ? "true" : "false", value ? 4 : 5);
}

void json_out_null(struct json_out *j)
{
    json_out_raw(j, "null", 4);
}

void json_out_time(struct json_out *j, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    if (ms == 0) {
        json_out_null(j);
        return;
    }
    clock_text(text, ms);
    json_out_text(j, text);
}

void json_out_raw(struct json_out *j, const char *json, size_t len)
{
    char *to = value_room(j, len);

    if (to == NULL || len == 0)
        return;
    memcpy(to, json, len);
    written(j->buf, len);
}

void json_out_key_text(struct json_out *j, const char *key, const char *s)
{
    json_out_key(j, key);
    json_out_text(j, s);
}

void json_out_key_u64(struct json_out *j, const char *key, uint64_t n)
{
    json_out_key(j, key);
    json_out_u64(j, n);
}

void json_out_key_i64(struct json_out *j, const char *key, int64_t n)
{
    json_out_key(j, key);
    json_out_i64(j, n);
}

void json_out_key_bool(struct json_out *j, const char *key, bool value)
{
    json_out_key(j, key);
    json_out_bool(j, value);
}

void json_out_key_null(struct json_out *j, const char *key)
{
    json_out_key(j, key);
    json_out_null(j);
}

void json_out_key_time(struct json_out *j, const char *key, int64_t ms)
{
    json_out_key(j, key);
    json_out_time(j, ms);
}
