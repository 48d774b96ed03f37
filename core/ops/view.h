#ifndef SETT_VIEW_H
#define SETT_VIEW_H
/* How an object is shown: the fields of its table, and what a reader would otherwise have to look
 * up. */
#include "op.h"

struct view {
    const char *object; /* "tenant": the value of the member "object" */
    const struct table *table;
    /* The members after "object"; NULL: the table's fields, nothing else. */
    int (*members)(struct op_call *call, const void *record, struct json_out *j, struct err *err);
};

extern const struct view view_access, view_rule, view_rate_limit;
extern const struct view view_audit, view_customer, view_event, view_job, view_key, view_order,
    view_plan, view_port, view_domain, view_session, view_subscription, view_tenant, view_tunnel,
    view_turn, view_user;

extern const struct view view_alert, view_channel, view_message;

/* What the views add to the tables' fields, for the OpenAPI document. */
extern const struct fields view_tenant_more, view_plan_more, view_tunnel_more, view_job_more,
    view_audit_more, view_rule_more;

extern const struct fields view_domain_more, view_alert_more, view_port_more, view_session_more;

/** view_job_members(call, record, j, err): a job's fields, and what it is about, by name. 0 or -1.
 */
int view_job_members(struct op_call *call, const void *record, struct json_out *j, struct err *err);

struct domain_record;
struct limits;

/** view_domain_records(records, count, j): the member "records": what has to be entered. */
void view_domain_records(const struct domain_record *records, unsigned count, struct json_out *j);

/** view_limits(limits, j): the member "limits". */
void view_limits(const struct limits *limits, struct json_out *j);

/** view_actor(call, actor, j, err): the member "actor_name": who did it, by the name that people
 * know; null for a customer, who is not told who works for the box. Return 0 or -1. */
int view_actor(struct op_call *call, const char *actor, struct json_out *j, struct err *err);

/** view_object(call, view, record, err): the whole object to call->out, with "job" if this call has
 * started one. Return 0 or -1. */
int view_object(struct op_call *call, const struct view *view, const void *record, struct err *err);

#endif
