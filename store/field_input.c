/*
 * Values as people and programs give them: typed, bounded, and refused with the name of the field.
 * Apart from field.c because everything here faces input that nobody has checked. No refusal
 * repeats the value, which may be a secret.
 */
#include "field.h"

#include <string.h>

#include "clock.h"
#include "enc.h"
#include "id.h"
#include "str.h"

#define WORDS_SIZE 160

static int wrong_type(const struct field *f, const char *wanted, struct err *err)
{
    return err_field(err, f->name, "wrong_type", "%s must be %s", f->name, wanted);
}

static int out_of_range(const struct field *f, uint64_t min, uint64_t max, struct err *err)
{
    return err_field(err, f->name, "out_of_range", "%s must be from %llu to %llu", f->name,
                     (unsigned long long)min, (unsigned long long)max);
}

static int set_unsigned(const struct field *f, void *to, uint64_t n, struct err *err)
{
    bool bounded = f->min != 0 || f->max != 0;
    uint64_t max = bounded ? f->max : UINT64_MAX;
    uint32_t n32;

    if (f->type == FIELD_U32 && max > UINT32_MAX)
        max = UINT32_MAX;
    if (n < f->min || n > max)
        return out_of_range(f, f->min, max, err);
    if (f->type == FIELD_U32) {
        n32 = (uint32_t)n;
        memcpy(to, &n32, sizeof n32);
    } else {
        memcpy(to, &n, sizeof n);
    }
    return 0;
}

static int set_signed(const struct field *f, void *to, bool negative, uint64_t n, struct err *err)
{
    bool bounded = f->min != 0 || f->max != 0;
    int64_t min = bounded ? (int64_t)f->min : INT64_MIN,
            max = bounded ? (int64_t)f->max : INT64_MAX;
    uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    int64_t value;

    if (n <= most) {
        value = negative ? (int64_t)(0 - n) : (int64_t)n;
        if (value >= min && value <= max) {
            memcpy(to, &value, sizeof value);
            return 0;
        }
    }
    return err_field(err, f->name, "out_of_range", "%s must be from %lld to %lld", f->name,
                     (long long)min, (long long)max);
}

int fields_set_number(const struct field *f, void *record, bool negative, uint64_t n,
                      struct err *err)
{
    void *to = (char *)record + f->offset;

    switch (f->type) {
    case FIELD_U32:
    case FIELD_U64:
        if (negative && n > 0)
            return err_field(err, f->name, "out_of_range", "%s must not be negative", f->name);
        return set_unsigned(f, to, n, err);
    case FIELD_I64:
        return set_signed(f, to, negative, n, err);
    default:
        return wrong_type(f, "something else than a number", err);
    }
}

int fields_set_bool(const struct field *f, void *record, bool value, struct err *err)
{
    if (f->type != FIELD_BOOL)
        return wrong_type(f, "something else than true or false", err);
    memcpy((char *)record + f->offset, &value, sizeof value);
    return 0;
}

static int set_bool_text(const struct field *f, void *record, const char *value, struct err *err)
{
    static const char *const yes[] = {"true", "1", "yes", "on", NULL};
    static const char *const no[] = {"false", "0", "no", "off", NULL};

    if (enum_find(yes, value) >= 0)
        return fields_set_bool(f, record, true, err);
    if (enum_find(no, value) >= 0)
        return fields_set_bool(f, record, false, err);
    return wrong_type(f, "true or false", err);
}

static int set_number_text(const struct field *f, void *record, const char *value, struct err *err)
{
    bool negative = f->type == FIELD_I64 && value[0] == '-';
    uint64_t n;

    if (str_u64(value + (negative ? 1 : 0), 0, UINT64_MAX, &n) == -1 || (negative && n == 0))
        return wrong_type(f, "a whole number", err);
    return fields_set_number(f, record, negative, n, err);
}

static int set_time(const struct field *f, void *to, const char *value, struct err *err)
{
    int64_t ms = 0;

    if (value[0] != '\0' && clock_parse(value, &ms) == -1)
        return wrong_type(f, "a time like 2026-11-23T02:35:02Z", err);
    memcpy(to, &ms, sizeof ms);
    return 0;
}

/* The words of an enum with commas, as many as fit. */
static void list_words(char out[WORDS_SIZE], const char *const *names)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t more = strlen(names[i]) + 2;
        if (len + more >= WORDS_SIZE)
            break;
        (void)str_format(out + len, WORDS_SIZE - len, "%s%s", i == 0 ? "" : ", ", names[i]);
        len = strlen(out);
    }
}

static int set_enum(const struct field *f, void *to, const char *value, struct err *err)
{
    char words[WORDS_SIZE];
    int found = enum_find(f->names, value);
    uint32_t n;

    if (found == -1) {
        list_words(words, f->names);
        return err_field(err, f->name, "unknown_word", "%s must be one of: %s", f->name, words);
    }
    n = (uint32_t)found;
    memcpy(to, &n, sizeof n);
    return 0;
}

/* Whether a control character stands in valid UTF-8: C0, DEL and C1. Lines and tabs are one unless
 * they are allowed. */
static bool has_control(const char *s, bool lines_allowed)
{
    for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++) {
        if (lines_allowed && (*p == '\n' || *p == '\r' || *p == '\t'))
            continue;
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            return true;
    }
    return false;
}

static size_t characters(const char *s)
{
    size_t n = 0;

    for (; *s != '\0'; s++)
        if ((*s & 0xc0) != 0x80)
            n++;
    return n;
}

static bool is_slug(const char *s)
{
    size_t len = strlen(s);

    if (len < 1 || len > 30 || s[0] < 'a' || s[0] > 'z' || s[len - 1] == '-' ||
        str_starts(s, "xn--"))
        return false;
    for (; *s != '\0'; s++) {
        if (*s == '-' && s[1] == '-')
            return false;
        if (*s != '-' && !(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9'))
            return false;
    }
    return true;
}

static int check_text(const struct field *f, const char *value, struct err *err)
{
    size_t len = strlen(value), count;

    if (!str_utf8(value, len))
        return err_field(err, f->name, "bad_utf8", "%s must be UTF-8", f->name);
    if (has_control(value, (f->flags & FIELD_FREE) != 0))
        return err_field(err, f->name, "control_character", "%s must not have control characters",
                         f->name);
    count = characters(value);
    if (len >= f->size || (f->max > 0 && count > f->max))
        return err_field(err, f->name, "too_long", "%s must not be longer than %llu %s", f->name,
                         (unsigned long long)(f->max > 0 && count > f->max ? f->max : f->size - 1),
                         f->max > 0 && count > f->max ? "characters" : "bytes");
    if (count < f->min)
        return err_field(err, f->name, "too_short", "%s must have at least %llu characters",
                         f->name, (unsigned long long)f->min);
    if ((f->flags & FIELD_SLUG) == 0 || (len == 0 && (f->flags & FIELD_REQUIRED) == 0))
        return 0;
    if (is_slug(value))
        return 0;
    (void)err_field(err, f->name, "not_a_slug", "%s is not a name that can be an address", f->name);
    return err_hint(err, "small letters, digits and single hyphens between them, a letter first, "
                         "at most 30, not beginning with xn--");
}

static int set_id(const struct field *f, void *to, const char *value, struct err *err)
{
    uint8_t raw[ID_BYTES];

    if (value[0] != '\0' && f->ref_prefix != NULL && id_bytes(value, f->ref_prefix, raw) == -1)
        return err_field(err, f->name, "not_an_id", "%s must be an id that begins with %s_",
                         f->name, f->ref_prefix);
    if (f->ref_prefix == NULL && check_text(f, value, err) == -1)
        return -1;
    if (str_copy(to, f->size, value) == -1)
        return err_field(err, f->name, "too_long", "%s is too long for an id", f->name);
    return 0;
}

/* Lines of name=value, each added to the list, so that a repeated option adds up. */
static int set_kv(const struct field *f, struct kv *kv, const char *value, struct err *err)
{
    char name[KV_NAME_MAX + 1], rest[KV_SIZE];

    if (!str_utf8(value, strlen(value)) || has_control(value, true))
        return err_field(err, f->name, "bad_utf8", "%s must be UTF-8 without control characters",
                         f->name);
    while (*value != '\0') {
        size_t len = strcspn(value, "\n");
        const char *equals = memchr(value, '=', len);
        if (len > 0 &&
            (equals == NULL ||
             str_copy_n(name, sizeof name, value, (size_t)(equals - value)) == -1 ||
             str_copy_n(rest, sizeof rest, equals + 1, len - (size_t)(equals + 1 - value)) == -1))
            return wrong_type(f, "lines of name=value", err);
        if (len > 0 && kv_set(kv, name, rest) == -1)
            return err_field(err, f->name, "too_long",
                             "%s holds too much, or a name that is empty or too long", f->name);
        value += len + (value[len] == '\n' ? 1 : 0);
    }
    return 0;
}

int fields_set_text(const struct field *f, void *record, const char *value, struct err *err)
{
    void *to = (char *)record + f->offset;

    if (value[strspn(value, " ")] == '\0' && (f->flags & FIELD_REQUIRED) != 0)
        return err_field(err, f->name, "required", "%s must not be empty", f->name);
    switch (f->type) {
    case FIELD_BOOL:
        return set_bool_text(f, record, value, err);
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I64:
        return set_number_text(f, record, value, err);
    case FIELD_TIME:
        return set_time(f, to, value, err);
    case FIELD_ENUM:
        return set_enum(f, to, value, err);
    case FIELD_TEXT:
        if (check_text(f, value, err) == -1)
            return -1;
        return str_copy(to, f->size, value); /* check_text has seen that it fits */
    case FIELD_ID:
        return set_id(f, to, value, err);
    case FIELD_BYTES:
        if (enc_unhex(to, f->size, value) == -1)
            return err_field(err, f->name, "wrong_type", "%s must be %u bytes in hex", f->name,
                             (unsigned)f->size);
        return 0;
    case FIELD_KV:
        return set_kv(f, to, value, err);
    case FIELD_SEALED:
        break;
    }
    return err_field(err, f->name, "not_settable", "%s cannot be given here", f->name);
}
