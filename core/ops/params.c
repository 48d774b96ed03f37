/* Input into parameter structs. Apart from HTTP and from the command line because both must refuse
 * the same things: what is not in the table does not exist. */
#include "params.h"

#include "enc.h"
#include "str.h"

#define VALUE_MAX (64u * 1024u)

/* The field of this name that may be given from outside; its bit in ${bit}. */
static const struct field *settable(const struct fields *f, const char *name, uint64_t *bit,
                                    struct err *err)
{
    for (size_t i = 0; f != NULL && i < f->count; i++)
        if (!(f->at[i].flags & FIELD_INTERNAL) && str_equal(f->at[i].name, name)) {
            *bit = UINT64_C(1) << i;
            return &f->at[i];
        }
    err_field(err, name, "unknown_field", "there is no field %.80s here", name);
    return NULL;
}

/* The field, if it has not been given yet, marked as given. */
static const struct field *claim(const struct fields *f, const char *name, uint64_t *given,
                                 struct err *err)
{
    uint64_t bit;
    const struct field *field = settable(f, name, &bit, err);

    if (field == NULL)
        return NULL;
    if (*given & bit) {
        err_field(err, name, "duplicate_field", "%s is given twice", name);
        return NULL;
    }
    *given |= bit;
    return field;
}

int params_one(const struct fields *f, const char *name, const char *value, void *out,
               uint64_t *given, struct err *err)
{
    const struct field *field = claim(f, name, given, err);

    return field == NULL ? -1 : fields_set_text(field, out, value, err);
}

static bool is_text(enum field_type type)
{
    return type == FIELD_TEXT || type == FIELD_ID || type == FIELD_ENUM || type == FIELD_TIME ||
           type == FIELD_BYTES;
}

static int wrong_type(const struct field *field, struct err *err)
{
    const char *want = field->type == FIELD_BOOL ? "true or false"
                       : field->type == FIELD_KV ? "an object of strings"
                       : is_text(field->type)    ? "a string"
                                                 : "a whole number";

    return err_field(err, field->name, "wrong_type", "%s must be %s", field->name, want);
}

static int set_object(const struct field *field, const struct cJSON *item, void *out,
                      struct err *err)
{
    struct kv *kv = (struct kv *)((char *)out + field->offset);
    const struct cJSON *member = NULL;

    while ((member = json_next(item, member)) != NULL) {
        const char *value = json_text(member, "", NULL);
        if (json_type(member) != JSON_STRING || value == NULL)
            return wrong_type(field, err);
        if (kv_set(kv, json_name(member), value) != 0)
            return err_field(err, field->name, "too_long",
                             "%s holds too much, or a name that is empty or too long", field->name);
    }
    return 0;
}

static int set_number(const struct field *field, const struct cJSON *item, void *out,
                      struct err *err)
{
    bool negative;
    uint64_t n;
    char text[24];

    if (!json_integer(item, &negative, &n))
        return wrong_type(field, err);
    if (field->flags & FIELD_NUMBERED && !negative) {
        (void)str_format(text, sizeof text, "%llu", (unsigned long long)n);
        return fields_set_text(field, out, text, err);
    }
    if (is_text(field->type) || field->type == FIELD_BOOL || field->type == FIELD_KV)
        return wrong_type(field, err);
    return fields_set_number(field, out, negative, n, err);
}

/* JSON has types, so they must be right: "5" is no number here. */
static int set_json(const struct field *field, const struct cJSON *item, void *out, struct err *err)
{
    switch (json_type(item)) {
    case JSON_STRING:
        return is_text(field->type) ? fields_set_text(field, out, json_text(item, "", ""), err)
                                    : wrong_type(field, err);
    case JSON_NUMBER:
        return set_number(field, item, out, err);
    case JSON_BOOL:
        return field->type == FIELD_BOOL
                   ? fields_set_bool(field, out, json_bool(item, "", false), err)
                   : wrong_type(field, err);
    case JSON_OBJECT:
        return field->type == FIELD_KV ? set_object(field, item, out, err) : wrong_type(field, err);
    default:
        return wrong_type(field, err);
    }
}

static bool is_group(const struct fields *f, const char *name)
{
    const struct field *field = f == NULL ? NULL : fields_find(f, name);

    return field != NULL && (field->flags & FIELD_GROUP);
}

static int set_members(const struct fields *f, const struct cJSON *object, bool grouped, void *out,
                       uint64_t *given, struct err *err)
{
    const struct cJSON *item = NULL;
    const struct field *field;

    while ((item = json_next(object, item)) != NULL) {
        if (!grouped && is_group(f, json_name(item))) {
            if (json_type(item) != JSON_OBJECT)
                return err_field(err, json_name(item), "wrong_type", "%s must be an object",
                                 json_name(item));
            if (set_members(f, item, true, out, given, err) != 0)
                return -1;
            continue;
        }
        if ((field = claim(f, json_name(item), given, err)) == NULL ||
            set_json(field, item, out, err) != 0)
            return -1;
    }
    return 0;
}

int params_json(const struct fields *f, const char *body, size_t len, void *out, uint64_t *given,
                struct err *err)
{
    struct cJSON *json = json_parse(body, len, &json_limits_api, err);
    int r;

    if (json == NULL)
        return -1;
    if (json_type(json) != JSON_OBJECT)
        r = err_set(err, ERR_MALFORMED, "not_an_object", "the body must be a JSON object");
    else
        r = set_members(f, json, false, out, given, err);
    json_free(json);
    return r;
}

/* One part of a form, decoded: "+" is a blank, %XX a byte; no NUL. */
static int unescape(char *out, size_t size, const char *s, size_t len, struct err *err)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char hex[3] = {0};
        uint8_t c = (uint8_t)s[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            if (len - i < 3)
                return err_set(err, ERR_MALFORMED, "bad_form", "the form has a broken escape");
            hex[0] = s[i + 1];
            hex[1] = s[i + 2];
            if (enc_unhex(&c, 1, hex) != 0)
                return err_set(err, ERR_MALFORMED, "bad_form", "the form has a broken escape");
            i += 2;
        }
        if (c == 0)
            return err_set(err, ERR_MALFORMED, "bad_form", "the form has a NUL");
        if (n + 1 >= size)
            return err_set(err, ERR_TOO_LARGE, "form_too_long", "a part of the form is too long");
        out[n++] = (char)c;
    }
    out[n] = '\0';
    if (!str_utf8(out, n))
        return err_set(err, ERR_MALFORMED, "bad_utf8", "the form is not UTF-8");
    return 0;
}

int params_form(const struct fields *f, const char *body, size_t len, void *out, uint64_t *given,
                struct err *err)
{
    char name[FIELD_NAME_MAX + 1];
    char *value;
    int r = 0;

    if (len > VALUE_MAX)
        return err_set(err, ERR_TOO_LARGE, "form_too_long", "the form is too long");
    if (len == 0)
        return 0;
    if ((value = malloc(len + 1)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a form");
    for (size_t at = 0; r == 0 && at < len;) {
        const char *pair = body + at, *end = memchr(pair, '&', len - at), *equals;
        size_t size = end == NULL ? len - at : (size_t)(end - pair), name_len;
        at += size + 1;
        if (size == 0)
            continue;
        equals = memchr(pair, '=', size);
        name_len = equals == NULL ? size : (size_t)(equals - pair);
        if (unescape(name, sizeof name, pair, name_len, err) != 0 ||
            unescape(value, len + 1, equals == NULL ? "" : equals + 1,
                     equals == NULL ? 0 : size - name_len - 1, err) != 0 ||
            params_one(f, name, value, out, given, err) != 0)
            r = -1;
    }
    memset(value, 0, len + 1);
    free(value);
    return r;
}

int params_done(const struct fields *f, uint64_t given, struct err *err)
{
    for (size_t i = 0; f != NULL && i < f->count; i++)
        if ((f->at[i].flags & FIELD_REQUIRED) && !(given >> i & 1))
            return err_field(err, f->at[i].name, "required", "%s is missing", f->at[i].name);
    return 0;
}

/* An address is only used to write to; what it must have is an @ with something on both sides. */
int params_email(const char *field, const char *email, struct err *err)
{
    const char *at = strchr(email, '@');

    if (email[0] == '\0' ||
        (at != NULL && at != email && at[1] != '\0' && strpbrk(email, " ,;<>\"") == NULL))
        return 0;
    return err_field(err, field, "bad_email", "%s is not an e-mail address", field);
}
