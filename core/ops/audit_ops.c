/* The audit, to look at, to check and to take away. Nothing here can change it. */
#include "nouns.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "audit_export.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "str.h"

#define EXPORT_WAIT_MS 120000 /* until the first byte: all lines were counted by then */
#define NOT_OK         "failed"

struct audit_list_params {
    struct list_params list;
    char object_id[96], actor[64], action[48], result[16], text[64];
    int64_t from, until;
};
static const struct field audit_list_rows[] = {
    LIST_FIELDS(struct audit_list_params),
    FIELD(struct audit_list_params, object_id, FIELD_TEXT, .help = "only about this object's id"),
    FIELD(struct audit_list_params, actor, FIELD_TEXT, .help = "only by this actor's id"),
    FIELD(struct audit_list_params, action, FIELD_TEXT,
          .help = "only of this operation; \"tenant.*\": of all of tenants"),
    FIELD(struct audit_list_params, result, FIELD_TEXT,
          .help = "only those that ended so: ok, failed (whatever is not ok), forbidden, …"),
    FIELD(struct audit_list_params, from, FIELD_TIME, .help = "not older than this"),
    FIELD(struct audit_list_params, until, FIELD_TIME, .help = "not newer than this"),
    FIELD(struct audit_list_params, text, FIELD_TEXT,
          .help = "only with this in who, what, why, from where, or the request"),
};

struct export_params {
    uint32_t format;
    int64_t from, until;
};
static const struct field export_rows[] = {
    FIELD(struct export_params, format, FIELD_ENUM, .names = audit_format_names,
          .help = "ndjson or csv (ndjson)"),
    FIELD(struct export_params, from, FIELD_TIME, .help = "not older than this"),
    FIELD(struct export_params, until, FIELD_TIME, .help = "not newer than this"),
};

static bool is_action(const struct audit *entry, const char *wanted)
{
    size_t len = strlen(wanted);

    if (len > 0 && wanted[len - 1] == '*')
        return strncmp(entry->action, wanted, len - 1) == 0;
    return str_equal(entry->action, wanted);
}

static bool has(const struct audit *entry, const char *text)
{
    return str_has(entry->actor, text) || str_has(entry->action, text) ||
           str_has(entry->object, text) || str_has(entry->reason, text) ||
           str_has(entry->address, text) || str_has(entry->request_id, text) ||
           str_has(entry->job_id, text);
}

static bool keep(const struct op_call *call, const void *record)
{
    const struct audit_list_params *p = call->params;
    const struct audit *entry = record;

    return (!op_given(call, "object_id") || str_equal(entry->object, p->object_id)) &&
           (!op_given(call, "actor") || str_equal(entry->actor, p->actor)) &&
           (!op_given(call, "action") || is_action(entry, p->action)) &&
           (!op_given(call, "result") ||
            (str_equal(p->result, NOT_OK) ? !str_equal(entry->result, "ok")
                                          : str_equal(entry->result, p->result))) &&
           (p->from == 0 || entry->at >= p->from) && (p->until == 0 || entry->at <= p->until) &&
           has(entry, p->text);
}

static int beyond(const struct op_call *call, const void *record)
{
    const struct audit_span *span = call->scratch;
    const struct audit *entry = record;

    return entry->number < span->next ? -1 : entry->number > span->last;
}

static int audit_list(struct op_call *call, struct err *err)
{
    const struct audit_list_params *p = call->params;
    struct audit_span *span = call->scratch;
    struct audit match = {0}, start;
    struct list list = {.view = &view_audit,
                        .url = "/api/audit",
                        .match = &match,
                        .keep = keep,
                        .beyond = beyond,
                        .start = &start};

    if (audit_span_find(call->txn, p->from, p->until, span, err) != 0)
        return -1;
    (void)str_copy(match.object, sizeof match.object, p->object_id);
    (void)str_copy(match.actor, sizeof match.actor, p->actor);
    list.index = p->object_id[0] != '\0' ? "object" : p->actor[0] != '\0' ? "actor" : NULL;
    list.fields = list.index == NULL ? 0 : 1;
    start = match;
    start.number = span->last + 1;
    return list_reply(call, &p->list, &list, err);
}

struct show_params {
    uint64_t number;
};
static const struct field show_rows[] = {
    FIELD(struct show_params, number, FIELD_U64, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "its number"),
};

/* With what it is sealed to, and whether that is so. */
static int audit_show(struct op_call *call, struct err *err)
{
    const struct show_params *p = call->params;
    struct audit entry = {.number = p->number}, before = {.number = p->number - 1};
    struct json_out *j = call->out;
    bool intact;
    int found;

    if ((found = record_get(call->txn, &audit_table, &entry, err)) != 1)
        return found == -1 ? -1
                           : err_set(err, ERR_NOT_FOUND, "audit_entry_not_found",
                                     "there is no audit entry %llu", (unsigned long long)p->number);
    if (before.number > 0 && (found = record_get(call->txn, &audit_table, &before, err)) == -1)
        return -1;
    if (audit_intact(&entry, before.hash, &intact, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", view_audit.object);
    if (view_audit.members(call, &entry, j, err) == -1)
        return -1;
    json_out_key(j, "previous");
    fields_json_one(fields_find(&audit_table.fields, "hash"), &before, j);
    json_out_key_bool(j, "intact", intact && found == 1);
    json_out_end_object(j);
    return 0;
}

static int verify(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    uint64_t count = 0;

    if (audit_verify(call->txn, &count, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "audit_check");
    json_out_key_bool(j, "intact", true);
    json_out_key_u64(j, "entries", count);
    json_out_end_object(j);
    return 0;
}

/* ---- taking it away ---- */

static int export_slow(struct op_call *call, struct err *err)
{
    const struct export_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    (void)kv_set(&params, "format", audit_format_names[p->format]);
    (void)kv_set_u64(&params, "from_ms", p->from < 0 ? 0 : (uint64_t)p->from);
    (void)kv_set_u64(&params, "until_ms", p->until < 0 ? 1 : (uint64_t)p->until);
    (void)kv_set_u64(&params, "from", call->from);
    if ((call->file = calloc(1, sizeof *call->file)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a file");
    if (ask_for_file(call->box->paths.ask_sock, "audit_export", &params, EXPORT_WAIT_MS, call->file,
                     err) == 0)
        return 0;
    free(call->file);
    call->file = NULL;
    return -1;
}

/* Who took it away is worth an entry itself. */
static int export(struct op_call *call, struct err *err)
{
    const struct export_params *p = call->params;

    (void)err;
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, audit_format_names[p->format]);
    json_out_object(call->out);
    json_out_end_object(call->out);
    return 0;
}

static const struct field more_rows[] = {
    {.name = "previous", .type = FIELD_TEXT, .size = 65, .help = "hash that it is sealed to"},
    {.name = "intact", .type = FIELD_BOOL, .size = 1, .help = "whether its own hash is right"},
};
static const struct fields more = {more_rows, sizeof more_rows / sizeof more_rows[0], 0};

const struct op audit_ops[] = {
    {.name = "audit.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(audit_list_rows, struct audit_list_params),
     .help = "List who did what, newest first",
     .example = "--action \"tenant.*\" --result failed --from 2026-11-01T00:00:00Z",
     .result = &audit_table.fields,
     .more = &view_audit_more,
     .scratch_size = sizeof(struct audit_span),
     .run = audit_list},
    {.name = "audit.show",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = PARAMS(show_rows, struct show_params),
     .help = "Show an entry, what it is sealed to, and whether its hash is right",
     .example = "17",
     .result = &audit_table.fields,
     .more = &more,
     .run = audit_show},
    {.name = "audit.verify",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .help = "Check the chain of the audit: nothing edited, taken out or put in",
     .example = "",
     .run = verify},
    {.name = "audit.export",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK | OP_FILE,
     .params = PARAMS(export_rows, struct export_params),
     .help = "Take the audit away as lines, with the chain's hashes to check it elsewhere",
     .example = "--format csv --from 2026-11-01T00:00:00Z",
     .slow = export_slow,
     .run = export},
    {.name = NULL},
};
