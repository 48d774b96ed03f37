/* The strict scanner. Apart from the reading so that it can be fuzzed against cJSON: it walks the
 * text once, keeps one byte for each open bracket instead of recursing, and finds double keys with
 * a hash set, so that no input costs more than time linear to its length. */
#include "json_in.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

#define DEPTH_MAX  64
#define KEY_MAX    2048 /* bytes of a member's name */
#define NUMBER_MAX 63   /* characters that cJSON reads */
#define SET_FIRST  128u /* places of the set before it grows; needs no memory of its own */

const struct json_limits json_limits_api = {64u * 1024u, 1000, 16, true};
const struct json_limits json_limits_webhook = {512u * 1024u, 20000, 32, false};
const struct json_limits json_limits_provider = {4u * 1024u * 1024u, 200000, 64, false};

/* A name in an object, as a 128-bit hash under a key nobody outside knows. All zero: free. */
struct name_hash {
    uint64_t a, b;
};

struct scan {
    const char *text, *at, *end;
    const struct json_limits *limits;
    struct err *err;
    unsigned members, depth, objects;
    bool is_object[DEPTH_MAX + 1];
    unsigned object_number[DEPTH_MAX + 1];
    struct name_hash first[SET_FIRST], *set;
    unsigned set_size, set_used;
    uint8_t hash_key[crypto_shorthash_siphashx24_KEYBYTES];
    /* 4 bytes of the object's number, then the decoded name. */
    uint8_t name[4 + KEY_MAX + 1];
    size_t name_len;
};

static int refuse(struct scan *s, const char *code, const char *why)
{
    (void)err_set(s->err, ERR_MALFORMED, code, "not acceptable JSON at byte %zu: %s",
                  (size_t)(s->at - s->text), why);
    if (s->err != NULL && s->name_len > 0)
        (void)str_copy_n(s->err->field, sizeof s->err->field, (const char *)s->name + 4,
                         s->name_len);
    return -1;
}

static int count_member(struct scan *s)
{
    if (++s->members > s->limits->members)
        return err_set(s->err, ERR_TOO_LARGE, "json_members",
                       "more than %u values in one JSON text", s->limits->members);
    return 0;
}

/* ---- the set of names ---- */

/* The place of a hash, or the free place where it belongs. */
static struct name_hash *place(struct name_hash *set, unsigned size, struct name_hash h)
{
    unsigned i = (unsigned)h.a & (size - 1);

    while ((set[i].a | set[i].b) != 0 && (set[i].a != h.a || set[i].b != h.b))
        i = (i + 1) & (size - 1);
    return &set[i];
}

static int grow(struct scan *s)
{
    unsigned size = s->set_size * 4;
    struct name_hash *set = calloc(size, sizeof *set);

    if (set == NULL)
        return err_set(s->err, ERR_UNAVAILABLE, "memory", "no memory to read JSON with");
    for (unsigned i = 0; i < s->set_size; i++)
        if ((s->set[i].a | s->set[i].b) != 0)
            *place(set, size, s->set[i]) = s->set[i];
    if (s->set != s->first)
        free(s->set);
    s->set = set;
    s->set_size = size;
    return 0;
}

/* Note the name in s->name for the object that is open. */
static int add_name(struct scan *s)
{
    struct name_hash h, *at;
    unsigned number = s->object_number[s->depth];
    uint8_t digest[crypto_shorthash_siphashx24_BYTES];

    memcpy(s->name, &number, 4);
    (void)crypto_shorthash_siphashx24(digest, s->name, 4 + s->name_len, s->hash_key);
    memcpy(&h, digest, sizeof h);
    h.b |= 1; /* never all zero */
    if (s->set_used * 2 >= s->set_size && grow(s) == -1)
        return -1;
    at = place(s->set, s->set_size, h);
    if ((at->a | at->b) != 0)
        return refuse(s, "json_duplicate", "a member's name stands twice in one object");
    *at = h;
    s->set_used++;
    return 0;
}

/* ---- tokens ---- */

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool next_is(const struct scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

/* Four hex digits. The value, or -1. */
static int hex4(struct scan *s)
{
    int n = 0;

    if (s->end - s->at < 4)
        return refuse(s, "json_escape", "an escape is cut off");
    for (int i = 0; i < 4; i++, s->at++) {
        char c = *s->at;
        if (c >= '0' && c <= '9')
            n = n * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            n = n * 16 + ((c | 0x20) - 'a' + 10);
        else
            return refuse(s, "json_escape", "not a hex digit");
    }
    return n;
}

/* The code point of an escape; s->at stands behind the backslash. The value, or -1. */
static int escape(struct scan *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;
    int c, low;

    if (s->at == s->end)
        return refuse(s, "json_escape", "an escape is cut off");
    if (*s->at != 'u') {
        if (*s->at == '\0' || (known = strchr(from, *s->at)) == NULL)
            return refuse(s, "json_escape", "an unknown escape");
        s->at++;
        return to[known - from];
    }
    s->at++;
    if ((c = hex4(s)) == -1)
        return -1;
    if (c == 0)
        return refuse(s, "json_nul", "a NUL character");
    if (c < 0xd800 || c > 0xdfff)
        return c;
    if (c > 0xdbff || s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
        return refuse(s, "json_surrogate", "half a surrogate pair");
    s->at += 2;
    if ((low = hex4(s)) == -1)
        return -1;
    if (low < 0xdc00 || low > 0xdfff)
        return refuse(s, "json_surrogate", "half a surrogate pair");
    return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

static size_t put_utf8(uint8_t out[4], unsigned c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

/* A string from its opening quote; with ${name} its decoded bytes go to s->name. UTF-8 was checked
 * over the whole text before. */
static int scan_string(struct scan *s, bool name)
{
    size_t len = 0;

    if (name)
        s->name_len = 0;
    s->at++;
    while (s->at < s->end && *s->at != '"') {
        uint8_t bytes[4] = {(uint8_t)*s->at};
        size_t n = 1;
        if (bytes[0] < 0x20)
            return refuse(s, "json_control", "a control character in a string");
        s->at++;
        if (bytes[0] == '\\') {
            int c = escape(s);
            if (c == -1)
                return -1;
            n = put_utf8(bytes, (unsigned)c);
        }
        if (!name)
            continue;
        if (len + n > KEY_MAX)
            return refuse(s, "json_name_too_long", "a member's name is too long");
        memcpy(s->name + 4 + len, bytes, n);
        len += n;
    }
    if (s->at == s->end)
        return refuse(s, "json_cut", "a string is cut off");
    s->at++;
    if (name)
        s->name_len = len;
    return 0;
}

static size_t digits(struct scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - from);
}

static int scan_number(struct scan *s)
{
    const char *from = s->at;
    char text[NUMBER_MAX + 1];
    bool integer = true;
    size_t whole;
    double value;

    if (next_is(s, '-'))
        s->at++;
    whole = digits(s);
    if (whole == 0 || (whole > 1 && s->at[-(ptrdiff_t)whole] == '0'))
        return refuse(s, "json_number", "not a number");
    if (next_is(s, '.')) {
        integer = false;
        s->at++;
        if (digits(s) == 0)
            return refuse(s, "json_number", "digits are missing behind the point");
    }
    if (next_is(s, 'e') || next_is(s, 'E')) {
        integer = false;
        s->at++;
        if (next_is(s, '+') || next_is(s, '-'))
            s->at++;
        if (digits(s) == 0)
            return refuse(s, "json_number", "digits are missing in the exponent");
    }
    if (str_copy_n(text, sizeof text, from, (size_t)(s->at - from)) == -1)
        return refuse(s, "json_number", "a number of too many digits");
    value = strtod(text, NULL);
    if (!isfinite(value))
        return refuse(s, "json_number", "a number out of range");
    if (integer && s->limits->exact && fabs(value) > 9007199254740991.0)
        return refuse(s, "json_number", "an integer beyond 2^53 - 1");
    return 0;
}

static int scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return refuse(s, "json_word",
                      "neither a string, number, object, array, true, false nor null");
    s->at += len;
    return 0;
}

/* ---- structure ---- */

static int open_bracket(struct scan *s, bool object)
{
    if (s->depth == s->limits->depth || s->depth == DEPTH_MAX)
        return refuse(s, "json_depth", "nested too deeply");
    s->at++;
    s->depth++;
    s->is_object[s->depth] = object;
    if (object)
        s->object_number[s->depth] = ++s->objects;
    return 0;
}

/* A member's name and its colon. */
static int scan_name(struct scan *s)
{
    skip_space(s);
    if (!next_is(s, '"'))
        return refuse(s, "json_name", "a member's name is missing");
    if (scan_string(s, true) == -1 || add_name(s) == -1)
        return -1;
    skip_space(s);
    if (!next_is(s, ':'))
        return refuse(s, "json_colon", "a colon is missing");
    s->at++;
    return 0;
}

/* The beginning of a value. 1: a bracket with something in it was opened, so that another value is
 * due; 0: the value is complete; -1. */
static int begin_value(struct scan *s)
{
    bool object;

    skip_space(s);
    if (s->at == s->end)
        return refuse(s, "json_cut", "the text ends too early");
    if (*s->at == '"')
        return scan_string(s, false);
    if (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'))
        return scan_number(s);
    if (*s->at != '{' && *s->at != '[')
        return scan_word(s, *s->at == 't' ? "true" : *s->at == 'f' ? "false" : "null");
    object = *s->at == '{';
    if (open_bracket(s, object) == -1)
        return -1;
    skip_space(s);
    if (next_is(s, object ? '}' : ']')) {
        s->at++;
        s->depth--;
        return 0;
    }
    if (count_member(s) == -1 || (object && scan_name(s) == -1))
        return -1;
    return 1;
}

/* What follows a complete value: closing brackets, or a comma. 1: another value is due; 0: the
 * outermost value is complete; -1. */
static int after_value(struct scan *s)
{
    while (s->depth > 0) {
        bool object = s->is_object[s->depth];
        skip_space(s);
        if (next_is(s, ',')) {
            s->at++;
            return count_member(s) == -1 || (object && scan_name(s) == -1) ? -1 : 1;
        }
        if (!next_is(s, object ? '}' : ']'))
            return refuse(s, "json_comma", "a comma or a closing bracket is missing");
        s->at++;
        s->depth--;
    }
    return 0;
}

static int scan_all(struct scan *s)
{
    int due = 1;

    while (due == 1)
        if ((due = begin_value(s)) == 0)
            due = after_value(s);
    if (due == -1)
        return -1;
    skip_space(s);
    if (s->at != s->end)
        return refuse(s, "json_trailing", "something stands behind the end");
    return 0;
}

int json_check(const char *text, size_t len, const struct json_limits *limits, struct err *err)
{
    struct scan s = {.text = text, .at = text, .end = text + len, .limits = limits, .err = err};
    int result;

    if (len > limits->bytes)
        return err_set(err, ERR_TOO_LARGE, "json_bytes", "more than %zu bytes of JSON",
                       limits->bytes);
    if (sodium_init() == -1)
        return err_set(err, ERR_INTERNAL, "sodium", "libsodium does not start");
    if (!str_utf8(text, len))
        return err_set(err, ERR_MALFORMED, "json_utf8", "the JSON text is not UTF-8 without NUL");
    s.set = s.first;
    s.set_size = SET_FIRST;
    randombytes_buf(s.hash_key, sizeof s.hash_key);
    result = scan_all(&s);
    if (s.set != s.first)
        free(s.set);
    return result;
}
