/* The OpenAPI document: one pass over the routes, grouped by path. The schemas stand in
 * openapi_schema.c. */
#include "openapi.h"

#include "help.h"
#include "openapi_schema.h"
#include "params.h"
#include "scope.h"
#include "setting.h"
#include "str.h"

/* The same as a command, with the row's own example. */
static void command(const struct op *op, struct json_out *j)
{
    char words[64], text[512];

    help_words(op, words, sizeof words);
    if (words[0] != '\0' && str_format(text, sizeof text, "sett %s%s%s", words,
                                       op->example[0] != '\0' ? " " : "", op->example) == 0)
        json_out_key_text(j, "x-command", text);
}

static void answer_schema(const struct op *op, struct json_out *j)
{
    char ref[128], noun[64];

    json_out_object(j);
    if (op->result == NULL) {
        json_out_key_text(j, "type", "object");
    } else if (op->flags & OP_LIST) {
        openapi_schema_noun(op, noun, sizeof noun);
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
        openapi_schema_noun(op, noun, sizeof noun);
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
    openapi_schema_type(f, j);
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
    static const struct field plan = {.name = "plan",
                                      .type = FIELD_BOOL,
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
    if (op->flags & (OP_JOB | OP_PREVIEW))
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
        openapi_schema_properties(op->params, true, &limits, j);
        json_out_end_object(j);
        openapi_schema_required(op->params, j);
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
    char method[16], noun[64], scope[48];

    if (op == NULL)
        return;
    (void)str_copy(method, sizeof method, route->method);
    str_lower(method);
    openapi_schema_noun(op, noun, sizeof noun);
    json_out_key(j, method);
    json_out_object(j);
    operation_id(routes, route, j);
    json_out_key_text(j, "summary", op->help);
    json_out_key(j, "tags");
    json_out_array(j);
    json_out_text(j, noun);
    json_out_end_array(j);
    json_out_key_text(j, "x-role", role_names[op->role]);
    scope_of(op, scope);
    if (scope[0] != '\0' && !(op->flags & OP_FRESH))
        json_out_key_text(j, "x-scope", scope);
    if (op->flags & OP_FRESH)
        json_out_key_bool(j, "x-fresh-password", true);
    command(op, j);
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

void openapi_write(const struct op_route *routes, size_t count, const char *url, struct json_out *j)
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
    openapi_schema_components(j);
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
