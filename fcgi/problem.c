/* Failures into bodies. Apart so that the API and the event streams say them alike. */
#include "problem.h"
#include "json_out.h"
#include "str.h"

static const struct {
    unsigned status;
    const char *phrase;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {507, "Insufficient Storage"},
};

const char *problem_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].phrase;
        }
    }
    return "Status";
}

/* "limits.memory_bytes" as a JSON pointer (RFC 6901): "/limits/memory_bytes". */
static void pointer_write(struct json_out *j, const char *field)
{
    char pointer[2 * ERR_FIELD_SIZE + 2];
    size_t n = 0;
    if (field[0] != '/') {
        pointer[n++] = '/';
    }
    for (; *field != '\0' && n + 2 < sizeof(pointer); field++) {
        if (*field == '~') {
            pointer[n++] = '~';
            pointer[n++] = '0';
        } else {
            pointer[n++] = *field == '.' ? '/' : *field;
        }
    }
    pointer[n] = '\0';
    json_out_key_text(j, "pointer", pointer);
}

void problem_write(struct buf *out, unsigned status, const struct err *err, const char *instance,
                   const char *request_id)
{
    struct json_out j;
    char type[ERR_CODE_SIZE + 24];
    json_out_init(&j, out);
    json_out_object(&j);
    if (str_format(type, sizeof(type), "urn:sett:problem:%s", err->code) < 0) {
        type[0] = '\0';
    }
    json_out_key_text(&j, "type", type);
    json_out_key_text(&j, "title", problem_reason(status));
    json_out_key_u64(&j, "status", status);
    json_out_key_text(&j, "detail", err->text);
    json_out_key_text(&j, "instance", instance);
    json_out_key_text(&j, "code", err->code);
    json_out_key_text(&j, "request_id", request_id);
    if (err->hint[0] != '\0') {
        json_out_key_text(&j, "hint", err->hint);
    }
    if (err->field[0] != '\0') {
        json_out_key(&j, "errors");
        json_out_array(&j);
        json_out_object(&j);
        pointer_write(&j, err->field);
        json_out_key_text(&j, "code", err->code);
        json_out_key_text(&j, "detail", err->text);
        json_out_end_object(&j);
        json_out_end_array(&j);
    }
    json_out_end_object(&j);
}
