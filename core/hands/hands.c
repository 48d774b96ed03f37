/* What both sides of the hands' socket share: names and field tables. Apart because the worker
 * links this and must not link the verbs. */
#include "hands.h"

#include "str.h"

const char *const hands_verb_names[] = {"ping",
                                        "port_probe",
                                        "runtime_create",
                                        "runtime_start",
                                        "runtime_stop",
                                        "runtime_restart",
                                        "runtime_remove",
                                        "runtime_inspect",
                                        "runtime_logs",
                                        "runtime_stats",
                                        "runtime_init",
                                        "route_set",
                                        "route_unset",
                                        "route_show",
                                        "connector_start",
                                        "connector_stop",
                                        "connector_restart",
                                        "connector_status",
                                        "connector_logs",
                                        "runtime_fit",
                                        "inventory",
                                        "survey",
                                        "retire",
                                        "volumes",
                                        "exchange",
                                        "quiet",
                                        "receive",
                                        "discard",
                                        "journal",
                                        "programs",
                                        "link_start",
                                        "link_stop",
                                        "link_status",
                                        "link_logs",
                                        "link_port",
                                        "engine_local",
                                        NULL};

_Static_assert(sizeof hands_verb_names / sizeof hands_verb_names[0] == HANDS_VERBS + 1,
               "a name for each verb");

#define Q struct hands_request
#define R struct hands_reply

/* A signed number of 32 bits crosses as its bits. */
#define NESTED(type_, name_, member_, kind_)                                                       \
    {                                                                                              \
        .name = (name_), .type = (kind_), .offset = offsetof(type_, member_),                      \
        .size = sizeof(((type_ *)0)->member_), .since = 1                                          \
    }

static const struct field request_rows[] = {
    FIELD(Q, verb, FIELD_U32, .max = HANDS_VERBS - 1),
    FIELD(Q, number, FIELD_U64, 0),
    FIELD(Q, tenant_id, FIELD_TEXT, 0),
    FIELD(Q, job_id, FIELD_TEXT, 0),
    FIELD(Q, box_id, FIELD_TEXT, 0),
    FIELD(Q, blueprint, FIELD_TEXT, 0),
    FIELD(Q, port, FIELD_U32, 0),
    FIELD(Q, lines, FIELD_U32, 0),
    FIELD(Q, flag, FIELD_BOOL, 0),
    LIMITS_FIELDS(Q),
    FIELD(Q, hostname, FIELD_TEXT, 0),
    FIELD(Q, service, FIELD_TEXT, 0),
    FIELD(Q, secret, FIELD_TEXT, .flags = FIELD_HIDDEN | FIELD_SECRET),
    FIELD(Q, env, FIELD_KV, .flags = FIELD_HIDDEN),
    FIELD(Q, runtime, FIELD_TEXT, 0),
    FIELD(Q, address, FIELD_U32, 0),
    FIELD(Q, rules, FIELD_TEXT, 0),
};
const struct fields hands_request_fields = {
    request_rows, sizeof request_rows / sizeof request_rows[0], sizeof(struct hands_request)};

static const struct field reply_rows[] = {
    FIELD(R, outcome, FIELD_U32, 0),
    FIELD(R, err_kind, FIELD_U32, 0),
    FIELD(R, retry_after_s, FIELD_U32, 0),
    FIELD(R, err_code, FIELD_TEXT, 0),
    FIELD(R, err_text, FIELD_TEXT, 0),
    FIELD(R, err_hint, FIELD_TEXT, 0),
    FIELD(R, present, FIELD_BOOL, 0),
    FIELD(R, running, FIELD_BOOL, 0),
    NESTED(R, "state", status.state, FIELD_U32),
    NESTED(R, "id", status.id, FIELD_TEXT),
    NESTED(R, "status_restarts", status.restarts, FIELD_U32),
    NESTED(R, "exit_code", status.exit_code, FIELD_U32),
    NESTED(R, "started_at", status.started_at, FIELD_I64),
    NESTED(R, "oom_killed", status.oom_killed, FIELD_BOOL),
    NESTED(R, "detail", status.detail, FIELD_TEXT),
    NESTED(R, "cpu_ns", stats.cpu_ns, FIELD_U64),
    NESTED(R, "memory_bytes", stats.memory_bytes, FIELD_U64),
    NESTED(R, "memory_limit_bytes", stats.memory_limit_bytes, FIELD_U64),
    NESTED(R, "pids", stats.pids, FIELD_U64),
    NESTED(R, "received_bytes", stats.received_bytes, FIELD_U64),
    NESTED(R, "sent_bytes", stats.sent_bytes, FIELD_U64),
    NESTED(R, "storage_bytes", stats.storage_bytes, FIELD_U64),
    FIELD(R, pid, FIELD_U32, 0),
    FIELD(R, restarts, FIELD_U32, 0),
    FIELD(R, owner, FIELD_TEXT, 0),
    FIELD(R, port, FIELD_U32, 0),
    FIELD(R, number, FIELD_U64, 0),
    FIELD(R, maintenance, FIELD_BOOL, 0),
    FIELD(R, address, FIELD_U32, 0),
    NESTED(R, "status_address", status.address, FIELD_TEXT),
    NESTED(R, "node", status.node, FIELD_TEXT),
    FIELD(R, flag, FIELD_BOOL, 0),
};
const struct fields hands_reply_fields = {reply_rows, sizeof reply_rows / sizeof reply_rows[0],
                                          sizeof(struct hands_reply)};

void hands_order(const struct hands_request *request, struct runtime_order *order)
{
    order->number = request->number;
    (void)str_format(order->mark, sizeof order->mark, "sett-t%06llu",
                     (unsigned long long)request->number);
    (void)str_copy(order->tenant_id, sizeof order->tenant_id, request->tenant_id);
    (void)str_copy(order->job_id, sizeof order->job_id, request->job_id);
    (void)str_copy(order->box_id, sizeof order->box_id, request->box_id);
    (void)str_copy(order->blueprint, sizeof order->blueprint, request->blueprint);
    order->port = request->port;
    order->limits = request->limits;
    order->adopt = request->verb == HANDS_RUNTIME_CREATE && request->flag;
    order->env = request->env;
}

void hands_unit_name(char out[64], uint64_t number)
{
    (void)str_format(out, 64, "sett-tunnel@%llu", (unsigned long long)number);
}
