/* The audit, to look at and to check. Nothing here can change it. */
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

struct audit_list_params {
    struct list_params list;
    char object_id[96], actor[64], action[48];
};
static const struct field audit_list_rows[] = {
    LIST_FIELDS(struct audit_list_params),
    FIELD(struct audit_list_params, object_id, FIELD_TEXT, .help = "only about this object's id"),
    FIELD(struct audit_list_params, actor, FIELD_TEXT, .help = "only by this actor's id"),
    FIELD(struct audit_list_params, action, FIELD_TEXT, .help = "only of this operation"),
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct audit_list_params *p = call->params;
    const struct audit *entry = record;

    return (!op_given(call, "object_id") || str_equal(entry->object, p->object_id)) &&
           (!op_given(call, "actor") || str_equal(entry->actor, p->actor)) &&
           (!op_given(call, "action") || str_equal(entry->action, p->action));
}

static int audit_list(struct op_call *call, struct err *err)
{
    const struct audit_list_params *p = call->params;
    struct audit match = {0};
    struct list list = {.view = &view_audit, .url = "/api/audit", .match = &match, .keep = keep};

    (void)str_copy(match.object, sizeof match.object, p->object_id);
    (void)str_copy(match.actor, sizeof match.actor, p->actor);
    list.index = p->object_id[0] != '\0' ? "object" : p->actor[0] != '\0' ? "actor" : NULL;
    list.fields = list.index == NULL ? 0 : 1;
    return list_reply(call, &p->list, &list, err);
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

const struct op audit_ops[] = {
    {.name = "audit.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(audit_list_rows, struct audit_list_params),
     .help = "List who did what, newest first",
     .example = "--object-id tn_01jd3v7q2c0000000000000000",
     .result = &audit_table.fields,
     .more = &view_audit_more,
     .run = audit_list},
    {.name = "audit.verify",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .help = "Check the chain of the audit: nothing edited, taken out or put in",
     .example = "",
     .run = verify},
    {.name = NULL},
};
