/* Schemas from field tables. Apart from the document because they are the same rows that decode
 * input and write output, seen once more. */
#include "openapi_schema.h"

#include "resource_limits.h"
#include "params.h"
#include "str.h"

static void type_members(const struct field *f, struct json_out *j)
{
    switch (f->type) {
    case FIELD_BOOL:
        json_out_key_text(j, "type", "boolean");
        break;
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I64:
        json_out_key_text(j, "type", "integer");
        if (f->min != 0 || f->max != 0) {
            json_out_key_u64(j, "minimum", f->min);
            if (f->max != 0)
                json_out_key_u64(j, "maximum", f->max);
        } else if (f->type != FIELD_I64) {
            json_out_key_u64(j, "minimum", 0);
        }
        break;
    case FIELD_KV:
        json_out_key_text(j, "type", "object");
        break;
    case FIELD_ENUM:
        json_out_key_text(j, "type", "string");
        json_out_key(j, "enum");
        json_out_array(j);
        for (const char *const *name = f->names; *name != NULL; name++)
            json_out_text(j, *name);
        json_out_end_array(j);
        break;
    case FIELD_TEXT:
    case FIELD_ID:
    case FIELD_TIME:
    case FIELD_BYTES:
    case FIELD_SEALED:
        json_out_key_text(j, "type", "string");
        break;
    }
}

/* What a text may look like, beyond being one. */
static void text_members(const struct field *f, bool input, struct json_out *j)
{
    char pattern[64];

    if (f->type == FIELD_TIME)
        json_out_key_text(j, "format", "date-time");
    if (f->type == FIELD_ID && f->ref_prefix != NULL && input) {
        (void)str_format(pattern, sizeof pattern, "^%s_[0-9a-z]{26}$", f->ref_prefix);
        json_out_key_text(j, "pattern", pattern);
    }
    if (f->type != FIELD_TEXT || !input)
        return;
    if (f->flags & FIELD_SLUG)
        json_out_key_text(j, "pattern", "^[a-z](-?[a-z0-9])*$");
    if (f->min > 0)
        json_out_key_u64(j, "minLength", f->min);
    json_out_key_u64(j, "maxLength", f->max > 0 ? f->max : f->size - 1);
    if (f->flags & FIELD_SECRET)
        json_out_key_text(j, "format", "password");
}

/* The value "null" stands beside the type: times never, ids of nothing, numbers left open. */
static bool nullable(const struct field *f)
{
    return (f->flags & FIELD_OPEN) || f->type == FIELD_TIME || f->type == FIELD_ID ||
           f->type == FIELD_SEALED;
}

void openapi_schema_type(const struct field *f, struct json_out *j)
{
    json_out_object(j);
    type_members(f, j);
    text_members(f, true, j);
    json_out_end_object(j);
}

static void schema_of(const struct field *f, bool input, struct json_out *j)
{
    json_out_object(j);
    if (!input && nullable(f)) {
        json_out_key(j, "type");
        json_out_array(j);
        json_out_text(j, f->flags & FIELD_OPEN ? "integer" : "string");
        json_out_text(j, "null");
        json_out_end_array(j);
        if (f->type == FIELD_TIME)
            json_out_key_text(j, "format", "date-time");
    } else if (input && (f->flags & FIELD_NUMBERED)) {
        json_out_key(j, "anyOf");
        json_out_array(j);
        openapi_schema_type(f, j);
        json_out_object(j);
        json_out_key_text(j, "type", "integer");
        json_out_key_u64(j, "minimum", 0);
        json_out_end_object(j);
        json_out_end_array(j);
    } else {
        type_members(f, j);
        text_members(f, input, j);
    }
    if (f->help != NULL)
        json_out_key_text(j, "description", f->help);
    json_out_end_object(j);
}

static bool is_limit(const struct field *f)
{
    static const char *const names[] = {"memory_bytes",  "cpu_millis", "pids", "nofile",
                                        "storage_bytes", "max_users",  NULL};

    return enum_find(names, f->name) >= 0;
}

static void limits_ref(struct json_out *j)
{
    json_out_key(j, "limits");
    json_out_object(j);
    json_out_key_text(j, "$ref", "#/components/schemas/limits");
    json_out_end_object(j);
}

/* The members that an object has, or that a body may have. Limits stand in one object of their own.
 */
void openapi_schema_properties(const struct fields *f, bool input, bool *limits, struct json_out *j)
{
    for (size_t i = 0; f != NULL && i < f->count; i++) {
        const struct field *field = &f->at[i];
        if ((field->flags & (input ? FIELD_INTERNAL | FIELD_PATH : FIELD_HIDDEN)) ||
            (!input && str_equal(field->name, "object"))) /* there that says what it is */
            continue;
        if (is_limit(field)) {
            if (!*limits)
                limits_ref(j);
            *limits = true;
            if (!input)
                continue;
        }
        json_out_key(j, field->name);
        schema_of(field, input, j);
    }
}

void openapi_schema_required(const struct fields *f, struct json_out *j)
{
    bool any = false;

    for (size_t i = 0; i < f->count; i++)
        if ((f->at[i].flags & FIELD_REQUIRED) && !(f->at[i].flags & FIELD_PATH)) {
            if (!any) {
                json_out_key(j, "required");
                json_out_array(j);
            }
            any = true;
            json_out_text(j, f->at[i].name);
        }
    if (any)
        json_out_end_array(j);
}

/* The schema's name of what an operation answers: its noun. */
void openapi_schema_noun(const struct op *op, char *out, size_t size)
{
    (void)str_copy_n(out, size, op->name, strcspn(op->name, "."));
}

/* Whether an earlier operation has described this noun. */
static bool described(const struct op *op)
{
    char noun[64], other[64];
    const struct op *at = NULL;

    openapi_schema_noun(op, noun, sizeof noun);
    while ((at = op_next(at)) != op) {
        openapi_schema_noun(at, other, sizeof other);
        if (at->result != NULL && str_equal(noun, other))
            return true;
    }
    return false;
}

/* Members that only some operations of a noun show. */
static void more_properties(const char *noun, struct json_out *j)
{
    const struct op *at = NULL;
    const struct fields *seen[4] = {NULL};
    unsigned count = 0;
    char other[64];

    while ((at = op_next(at)) != NULL) {
        bool limits = true, new = at->more != NULL &&count < 4;
        openapi_schema_noun(at, other, sizeof other);
        for (unsigned i = 0; i < count; i++)
            new = new &&seen[i] != at->more;
        if (!new || !str_equal(noun, other))
            continue;
        seen[count++] = at->more;
        openapi_schema_properties(at->more, false, &limits, j);
    }
}

static void noun_schema(const struct op *op, struct json_out *j)
{
    static const struct field object = {
        .name = "object", .type = FIELD_TEXT, .size = 32, .help = "what kind of object this is"};
    static const struct field job = {.name = "job",
                                     .type = FIELD_TEXT,
                                     .size = ID_SIZE,
                                     .help = "in a 202: the job that was started"};
    char noun[64];
    bool limits = false;

    openapi_schema_noun(op, noun, sizeof noun);
    json_out_key(j, noun);
    json_out_object(j);
    json_out_key_text(j, "type", "object");
    json_out_key(j, "properties");
    json_out_object(j);
    json_out_key(j, object.name);
    schema_of(&object, false, j);
    openapi_schema_properties(op->result, false, &limits, j);
    more_properties(noun, j);
    json_out_key(j, job.name);
    schema_of(&job, false, j);
    json_out_end_object(j);
    json_out_end_object(j);
}

static void limits_schema(struct json_out *j)
{
    struct holder {
        struct limits limits;
    };
    static const struct field rows[] = {LIMITS_FIELDS(struct holder)};

    json_out_key(j, "limits");
    json_out_object(j);
    json_out_key_text(j, "type", "object");
    json_out_key_bool(j, "additionalProperties", false);
    json_out_key(j, "properties");
    json_out_object(j);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_out_key(j, rows[i].name);
        schema_of(&rows[i], true, j);
    }
    json_out_end_object(j);
    json_out_end_object(j);
}

/* RFC 9457, with our own members. */
static void problem(struct json_out *j)
{
    static const char problem_json[] =
        "{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},"
        "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
        "\"detail\":{\"type\":\"string\"},\"instance\":{\"type\":\"string\"},"
        "\"code\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},"
        "\"hint\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":"
        "{\"type\":\"object\",\"properties\":{\"pointer\":{\"type\":\"string\"},"
        "\"code\":{\"type\":\"string\"}}}}},\"required\":[\"title\",\"status\",\"code\"]}";
    static const char response_json[] =
        "{\"description\":\"refused: what is wrong, and what to do about it\",\"content\":"
        "{\"application/problem+json\":{\"schema\":"
        "{\"$ref\":\"#/components/schemas/problem\"}}}}";

    json_out_key(j, "problem");
    json_out_raw(j, problem_json, sizeof problem_json - 1);
    json_out_end_object(j); /* schemas */
    json_out_key(j, "responses");
    json_out_object(j);
    json_out_key(j, "problem");
    json_out_raw(j, response_json, sizeof response_json - 1);
    json_out_end_object(j);
}

void openapi_schema_components(struct json_out *j)
{
    static const char schemes[] =
        "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
        "\"an access token of POST /api/auth/login, or an API key (sett_…)\"},"
        "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-sett\","
        "\"description\":\"set by POST /api/auth/login (__Secure-sett for a box below a path); "
        "changes need X-CSRF too\"}}";
    const struct op *op = NULL;

    json_out_key(j, "components");
    json_out_object(j);
    json_out_key(j, "securitySchemes");
    json_out_raw(j, schemes, sizeof schemes - 1);
    json_out_key(j, "schemas");
    json_out_object(j);
    while ((op = op_next(op)) != NULL)
        if (op->result != NULL && !described(op))
            noun_schema(op, j);
    limits_schema(j);
    problem(j);
    json_out_end_object(j);
}
