/* Tunnels: the ways in. A tunnel can be taken away while its tenant stays, unreachable. */
#include "tunnel_start.h"

#include "enquire.h"
#include "log_page.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "tunnel_find.h"

enum { ACTION_DELETE, ACTION_RELEASE };
static const char *const action_names[] = {"delete", "release", NULL};

struct delete_params {
    char id[96]; /* first, as in struct id_params */
    uint32_t action;
};
static const struct field delete_rows[] = {
    ID_FIELD(struct delete_params),
    FIELD(struct delete_params, action, FIELD_ENUM, .names = action_names,
          .help = "of an adopted one: delete it at Cloudflare, or release it"),
};

struct logs_params {
    char id[96];
    struct log_wish wish;
};
static const struct field logs_rows[] = {
    ID_FIELD(struct logs_params),
    LOG_WISH_FIELDS(struct logs_params),
};

static int tunnel_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0)
        return -1;
    return object_reply(call, &view_tunnel, &tunnel, err);
}

static int change(struct op_call *call, const char *saga, struct err *err)
{
    const struct id_params *p = call->params;
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0 ||
        object_match(call, &tunnel_table, &tunnel, err) != 0)
        return -1;
    object_before(call, &tunnel_table, &tunnel);
    if (tunnel.state == TUNNEL_DELETED)
        return err_set(err, ERR_CONFLICT, "tunnel_deleted", "tunnel %s is deleted", tunnel.id);
    if (tunnel.elsewhere && str_equal(saga, "tunnel.restart"))
        return err_set(err, ERR_CONFLICT, "connector_elsewhere",
                       "this box does not run the connector of tunnel %s", tunnel.name);
    if (tunnel.shared && tunnel.routes > 0 && str_equal(saga, "tunnel.delete")) {
        err_set(err, ERR_CONFLICT, "tunnel_carries", "%u rules of tenants go by tunnel %s",
                tunnel.routes, tunnel.name);
        return err_hint(err, "give them tunnels of their own first: sett tenant update TENANT "
                             "--ingress-mode own");
    }
    return tunnel_start(call, saga, &tunnel, err);
}

static int tunnel_restart(struct op_call *call, struct err *err)
{
    return change(call, "tunnel.restart", err);
}

/* One that somebody else made goes only when that is said; else it is let go. */
static int tunnel_delete(struct op_call *call, struct err *err)
{
    const struct delete_params *p = call->params;
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0)
        return -1;
    if (op_given(call, "action") && p->action == ACTION_RELEASE) {
        if (tunnel.adopted)
            return change(call, "tunnel.release", err);
        return err_field(err, "action", "not_adopted",
                         "tunnel %s was made by this box: it can be deleted, not let go",
                         tunnel.name);
    }
    if (tunnel.adopted && !op_given(call, "action")) {
        (void)err_set(err, ERR_CONFLICT, "tunnel_adopted",
                      "this box did not make tunnel %s: say what is to become of it", tunnel.name);
        return err_hint(err, "--action release leaves it as it is at Cloudflare; --action delete "
                             "deletes it there");
    }
    return change(call, "tunnel.delete", err);
}

static int status_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    return enquire(call, &tunnel_table, p->id, "status", &params, err);
}

static int logs_slow(struct op_call *call, struct err *err)
{
    const struct logs_params *p = call->params;

    return log_page_ask(call, &tunnel_table, p->id, &p->wish, err);
}

static int logs(struct op_call *call, struct err *err)
{
    return log_page_reply(call, &((const struct logs_params *)call->params)->wish, err);
}

#define RESULT .result = &tunnel_table.fields, .more = &view_tunnel_more

const struct op tunnel_ops[] = {
    {.name = "tunnel.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = &tunnel_list_fields,
     .help = "List tunnels, newest first, or those that are searched for, in any order",
     .example = "--q acme --state active,failed --sort hostname",
     RESULT,
     .run = tunnel_list_run},
    {.name = "tunnel.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a tunnel",
     .example = "1",
     RESULT,
     .run = tunnel_show},
    {.name = "tunnel.status",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .params = &object_id,
     .help = "What its provider and its connector say of a tunnel now",
     .example = "1",
     .slow = status_slow,
     .run = enquire_reply_json},
    {.name = "tunnel.logs",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .params = PARAMS(logs_rows, struct logs_params),
     .help = "The newest lines of a tunnel's connector, or those with a level or text",
     .example = "1 --level warning --q timeout",
     .slow = logs_slow,
     .run = logs},
    {.name = "tunnel.restart",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = &object_id,
     .help = "Restart a tunnel's connector",
     .example = "1",
     RESULT,
     .run = tunnel_restart},
    {.name = "tunnel.delete",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(delete_rows, struct delete_params),
     .help = "Delete a tunnel; its tenant stays, unreachable by it",
     .example = "1",
     RESULT,
     .run = tunnel_delete},
    {.name = NULL},
};
