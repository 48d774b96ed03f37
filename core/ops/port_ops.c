/* Ports: which of the pool are taken, and by whom. */
#include "list.h"
#include "nouns.h"
#include "params.h"
#include "port.h"

struct port_list_params {
    struct list_params list;
};
static const struct field port_list_rows[] = {LIST_FIELDS(struct port_list_params)};

static int port_list(struct op_call *call, struct err *err)
{
    const struct port_list_params *p = call->params;
    struct list list = {.view = &view_port, .url = "/api/ports", .oldest_first = true};

    return list_reply(call, &p->list, &list, err);
}

const struct op port_ops[] = {
    {.name = "port.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(port_list_rows, struct port_list_params),
     .help = "List the ports that are taken, with their owners",
     .example = "--limit 100",
     .result = &port_table.fields,
     .run = port_list},
    {.name = NULL},
};
