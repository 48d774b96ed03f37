/* The OpenAPI document. One pass over the routes, grouped by path; schemas come from the field tables
 * that decode the same input and write the same output. */
#include "openapi.h"

#include "params.h"
#include "limits.h"
#include "setting.h"
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

/* The value "null" stands beside the type: times never, ids of nothing. */
static bool nullable(const struct field *f)
{
    return f->type == FIELD_TIME || f->type == FIELD_ID || f->type == FIELD_SEALED;
}

static void one_schema(const struct field *f, struct json_out *j)
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
        json_out_text(j, "string");
        json_out_text(j, "null");
        json_out_end_array(j);
        if (f->type == FIELD_TIME)
            json_out_key_text(j, "format", "date-time");
    } else if (input && (f->flags & FIELD_NUMBERED)) {
        json_out_key(j, "anyOf");
        json_out_array(j);
        one_schema(f, j);
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

/* The members that an object has, or that a body may have. Limits stand in one object of their own. */
static void properties(const struct fields *f, bool input, bool *limits, struct json_out *j)
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

static void required(const struct fields *f, struct json_out *j)
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
static void noun_of(const struct op *op, char *out, size_t size)
{
    (void)str_copy_n(out, size, op->name, strcspn(op->name, "."));
}

static void answer_schema(const struct op *op, struct json_out *j)
{
    char ref[128], noun[64];

    json_out_object(j);
    if (op->result == NULL) {
        json_out_key_text(j, "type", "object");
    } else if (op->flags & OP_LIST) {
        noun_of(op, noun, sizeof noun);
        (void)str_format(ref, sizeof ref, "#/components/schemas/%s", noun);
        json_out_key_text(j, "type", "object");
        json_out_key(j, "properties");
        json_out_object(j);
        json_out_key(j, "object");
        json_out_object(j);
        json_out_key_text(j, "const", "list");
        json_out_end_object(j);
        json_out_key(j, "data");
        json_out_object(j);
        json_out_key_text(j, "type", "array");
        json_out_key(j, "items");
        json_out_object(j);
        json_out_key_text(j, "$ref", ref);
        json_out_end_object(j);
        json_out_end_object(j);
        json_out_key(j, "has_more");
        json_out_object(j);
        json_out_key_text(j, "type", "boolean");
        json_out_end_object(j);
        json_out_key(j, "url");
        json_out_object(j);
        json_out_key_text(j, "type", "string");
        json_out_end_object(j);
        json_out_end_object(j);
    } else {
        noun_of(op, noun, sizeof noun);
        (void)str_format(ref, sizeof ref, "#/components/schemas/%s", noun);
        json_out_key_text(j, "$ref", ref);
    }
    json_out_end_object(j);
}

static void content(const struct op *op, const char *type, struct json_out *j)
{
    json_out_key(j, "content");
    json_out_object(j);
    json_out_key(j, type);
    json_out_object(j);
    json_out_key(j, "schema");
    answer_schema(op, j);
    json_out_end_object(j);
    json_out_end_object(j);
}

static void responses(const struct op *op, struct json_out *j)
{
    const char *status = op->flags & OP_JOB ? "202" : op->flags & OP_CREATE ? "201" : "200";

    json_out_key(j, "responses");
    json_out_object(j);
    json_out_key(j, status);
    json_out_object(j);
    json_out_key_text(j, "description",
                      op->flags & OP_JOB ? "under way: the object with its job" : "done");
    content(op, str_equal(op->name, "metrics") ? "text/plain" : "application/json", j);
    json_out_end_object(j);
    json_out_key(j, "default");
    json_out_object(j);
    json_out_key_text(j, "$ref", "#/components/responses/problem");
    json_out_end_object(j);
    json_out_end_object(j);
}

static void parameter(const struct field *f, const char *in, bool is_required, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "name", f->name);
    json_out_key_text(j, "in", in);
    json_out_key_bool(j, "required", is_required);
    if (f->help != NULL)
        json_out_key_text(j, "description", f->help);
    json_out_key(j, "schema");
    one_schema(f, j);
    json_out_end_object(j);
}

static void header(const char *name, const char *help, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "name", name);
    json_out_key_text(j, "in", "header");
    json_out_key_bool(j, "required", false);
    json_out_key_text(j, "description", help);
    json_out_key(j, "schema");
    json_out_object(j);
    json_out_key_text(j, "type", "string");
    json_out_end_object(j);
    json_out_end_object(j);
}

static void parameters(const struct op *op, const char *method, struct json_out *j)
{
    static const struct field plan = {.name = "plan", .type = FIELD_BOOL,
                                      .help = "1: answer with what would be done, and do nothing"};
    const struct fields *f = op->params;
    bool query = str_equal(method, "GET") || str_equal(method, "DELETE");

    json_out_key(j, "parameters");
    json_out_array(j);
    for (size_t i = 0; f != NULL && i < f->count; i++)
        if (f->at[i].flags & FIELD_PATH)
            parameter(&f->at[i], "path", true, j);
        else if (query && !(f->at[i].flags & FIELD_INTERNAL))
            parameter(&f->at[i], "query", (f->at[i].flags & FIELD_REQUIRED) != 0, j);
    if (op->flags & OP_JOB)
        parameter(&plan, "query", false, j);
    if (str_equal(method, "POST") && (op->flags & OP_WRITE) && !(op->flags & OP_RAW))
        header("Idempotency-Key", "the same request again gets the same answer, for 24 hours", j);
    if (str_equal(method, "PATCH") || str_equal(method, "DELETE"))
        header("If-Match", "the ETag of the version that is meant", j);
    json_out_end_array(j);
}

static bool has_body(const struct op *op, const char *method)
{
    if (op->params == NULL || str_equal(method, "GET") || str_equal(method, "DELETE"))
        return false;
    for (size_t i = 0; i < op->params->count; i++)
        if (!(op->params->at[i].flags & (FIELD_PATH | FIELD_INTERNAL)))
            return true;
    return false;
}

static void body(const struct op *op, struct json_out *j)
{
    static const char *const types[] = {"application/json", "application/x-www-form-urlencoded"};

    json_out_key(j, "requestBody");
    json_out_object(j);
    json_out_key(j, "content");
    json_out_object(j);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        bool limits = i > 0; /* a form has no objects: its limits stand by themselves */
        json_out_key(j, types[i]);
        json_out_object(j);
        json_out_key(j, "schema");
        json_out_object(j);
        json_out_key_text(j, "type", "object");
        json_out_key_bool(j, "additionalProperties", false);
        json_out_key(j, "properties");
        json_out_object(j);
        properties(op->params, true, &limits, j);
        json_out_end_object(j);
        required(op->params, j);
        json_out_end_object(j);
        json_out_end_object(j);
    }
    json_out_end_object(j);
    json_out_end_object(j);
}

static void raw_body(struct json_out *j)
{
    json_out_key(j, "requestBody");
    json_out_object(j);
    json_out_key(j, "content");
    json_out_object(j);
    json_out_key(j, "application/json");
    json_out_object(j);
    json_out_end_object(j);
    json_out_end_object(j);
    json_out_end_object(j);
}

static void security(const struct op *op, struct json_out *j)
{
    json_out_key(j, "security");
    json_out_array(j);
    if (op->role != ROLE_PUBLIC)
        for (unsigned i = 0; i < 2; i++) {
            json_out_object(j);
            json_out_key(j, i == 0 ? "bearer" : "cookie");
            json_out_array(j);
            json_out_end_array(j);
            json_out_end_object(j);
        }
    json_out_end_array(j);
}

/* "tenant.create" once, "auth.login.2" for its second route: operation ids are unique. */
static void operation_id(const struct op_route *routes, const struct op_route *route,
                         struct json_out *j)
{
    char id[96];
    unsigned n = 1;

    for (const struct op_route *r = routes; r < route; r++)
        if (str_equal(r->op, route->op))
            n++;
    if (n == 1)
        (void)str_copy(id, sizeof id, route->op);
    else
        (void)str_format(id, sizeof id, "%s.%u", route->op, n);
    json_out_key_text(j, "operationId", id);
}

static void operation(const struct op_route *routes, const struct op_route *route,
                      struct json_out *j)
{
    const struct op *op = op_find(route->op);
    char method[16], noun[64];

    if (op == NULL)
        return;
    (void)str_copy(method, sizeof method, route->method);
    str_lower(method);
    noun_of(op, noun, sizeof noun);
    json_out_key(j, method);
    json_out_object(j);
    operation_id(routes, route, j);
    json_out_key_text(j, "summary", op->help);
    json_out_key(j, "tags");
    json_out_array(j);
    json_out_text(j, noun);
    json_out_end_array(j);
    json_out_key_text(j, "x-role", role_names[op->role]);
    if (op->flags & OP_FRESH)
        json_out_key_bool(j, "x-fresh-password", true);
    security(op, j);
    parameters(op, route->method, j);
    if (op->flags & OP_RAW)
        raw_body(j);
    else if (has_body(op, route->method))
        body(op, j);
    responses(op, j);
    json_out_end_object(j);
}

static void paths(const struct op_route *routes, size_t count, struct json_out *j)
{
    json_out_key(j, "paths");
    json_out_object(j);
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (!str_equal(routes[first].path, routes[i].path))
            first++;
        if (first < i)
            continue; /* it stands with the first of this path */
        json_out_key(j, routes[i].path);
        json_out_object(j);
        for (size_t k = i; k < count; k++)
            if (str_equal(routes[k].path, routes[i].path))
                operation(routes, &routes[k], j);
        json_out_end_object(j);
    }
    json_out_end_object(j);
}

/* Whether an earlier operation has described this noun. */
static bool described(const struct op *op)
{
    char noun[64], other[64];
    const struct op *at = NULL;

    noun_of(op, noun, sizeof noun);
    while ((at = op_next(at)) != op) {
        noun_of(at, other, sizeof other);
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
        bool limits = true, new = at->more != NULL && count < 4;
        noun_of(at, other, sizeof other);
        for (unsigned i = 0; i < count; i++)
            new = new && seen[i] != at->more;
        if (!new || !str_equal(noun, other))
            continue;
        seen[count++] = at->more;
        properties(at->more, false, &limits, j);
    }
}

static void noun_schema(const struct op *op, struct json_out *j)
{
    static const struct field object = {.name = "object", .type = FIELD_TEXT, .size = 32,
                                        .help = "what kind of object this is"};
    static const struct field job = {.name = "job", .type = FIELD_TEXT, .size = ID_SIZE,
                                     .help = "in a 202: the job that was started"};
    char noun[64];
    bool limits = false;

    noun_of(op, noun, sizeof noun);
    json_out_key(j, noun);
    json_out_object(j);
    json_out_key_text(j, "type", "object");
    json_out_key(j, "properties");
    json_out_object(j);
    json_out_key(j, object.name);
    schema_of(&object, false, j);
    properties(op->result, false, &limits, j);
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

static void components(struct json_out *j)
{
    static const char schemes[] =
        "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":"
        "\"an access token of POST /api/auth/login, or an API key (sett_…)\"},"
        "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-sett\","
        "\"description\":\"set by POST /api/auth/login; changes need X-CSRF too\"}}";
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

void openapi_write(const struct op_route *routes, size_t count, const char *url,
                   struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "openapi", "3.1.0");
    json_out_key(j, "info");
    json_out_object(j);
    json_out_key_text(j, "title", "sett");
    json_out_key_text(j, "version", SETT_VERSION);
    json_out_key_text(j, "description",
                      "Customers, plans, subscriptions, tenants and tunnels of one box.");
    json_out_end_object(j);
    if (url[0] != '\0') {
        json_out_key(j, "servers");
        json_out_array(j);
        json_out_object(j);
        json_out_key_text(j, "url", url);
        json_out_end_object(j);
        json_out_end_array(j);
    }
    paths(routes, count, j);
    components(j);
    json_out_end_object(j);
}

int openapi_run(struct op_call *call, struct err *err)
{
    char url[512];

    if (call->box->routes == NULL)
        return err_set(err, ERR_NOT_FOUND, "no_api", "there are no routes to describe here");
    if (setting_text(call->txn, &call->box->conf, "box.url", url, sizeof url, err) < 0)
        return -1;
    openapi_write(call->box->routes, call->box->route_count, url, call->out);
    return 0;
}
