/* Webhook events as they were stored: to look at, and to apply once more. */
#include "event.h"

#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

#define BODY_MAX (512u * 1024u)

struct event_list_params {
    struct list_params list;
    uint32_t state;
    char type[64];
};
static const struct field event_list_rows[] = {
    LIST_FIELDS(struct event_list_params),
    FIELD(struct event_list_params, state, FIELD_ENUM, .names = event_state_names,
          .help = "only in this state"),
    FIELD(struct event_list_params, type, FIELD_TEXT,
          .help = "only of this type, in Stripe's words"),
};
static const struct field event_more_rows[] = {
    {.name = "body", .type = FIELD_KV, .help = "the event as Stripe sent it (show only)"},
};
static const struct fields event_more = {event_more_rows, 1, 0};

static bool keep(const struct op_call *call, const void *record)
{
    const struct event_list_params *p = call->params;
    const struct event *event = record;

    return (!op_given(call, "state") || event->state == p->state) &&
           (!op_given(call, "type") || str_equal(event->type, p->type));
}

static int event_list(struct op_call *call, struct err *err)
{
    const struct event_list_params *p = call->params;
    struct event match = {.state = p->state};
    struct list list = {.view = &view_event,
                        .url = "/api/events",
                        .index = "received_at",
                        .match = &match,
                        .keep = keep};

    if (op_given(call, "state") && p->state != EVENT_APPLIED) { /* the few, in the order of ids */
        list.index = "state";
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int event_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct event event = {0};
    struct buf body;
    int r;

    if (object_get(call, &event_table, p->id, &event, err) != 0)
        return -1;
    buf_init(&body, BODY_MAX + 1);
    if ((r = event_body(call->txn, &event, &body, err)) == 0) {
        object_etag(&event_table, &event, call->etag);
        json_out_object(j);
        json_out_key_text(j, "object", view_event.object);
        fields_json(&event_table.fields, &event, j);
        json_out_key(j, "body");
        json_out_raw(j, body.data, body.len);
        json_out_end_object(j);
    }
    buf_free(&body);
    return r;
}

static int replay(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct event event = {0};
    char job_id[ID_SIZE];

    if (object_get(call, &event_table, p->id, &event, err) != 0)
        return -1;
    object_before(call, &event_table, &event);
    if (event_replay(call->txn, event.id, call->actor.id, call->actor.request_id, job_id, err) !=
            0 ||
        record_get(call->txn, &event_table, &event, err) < 0)
        return -1;
    object_after(call, &event_table, &event);
    (void)str_copy(call->job_id, sizeof call->job_id, job_id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job_id);
    return object_reply(call, &view_event, &event, err);
}

const struct op event_ops[] = {
    {.name = "event.list",
     .role = ROLE_OPERATOR,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(event_list_rows, struct event_list_params),
     .help = "List webhook events, newest first",
     .example = "--state failed",
     .result = &event_table.fields,
     .run = event_list},
    {.name = "event.show",
     .role = ROLE_OPERATOR,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a webhook event with its body",
     .example = "evt_1QAcmeCheckout",
     .result = &event_table.fields,
     .more = &event_more,
     .run = event_show},
    {.name = "event.replay",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "Apply a webhook event once more",
     .example = "evt_1QAcmeCheckout",
     .result = &event_table.fields,
     .run = replay},
    {.name = NULL},
};
