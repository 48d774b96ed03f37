/* Ports: the pool as a map, who sits where, and which are kept from tenants. */
#include "enquire.h"
#include "json_in.h"
#include "list.h"
#include "nouns.h"
#include "params.h"
#include "port_map.h"
#include "setting.h"
#include "str.h"

#include <string.h>

#define RUNS_MOST 4000 /* of a map; what is left is asked for by `from` */

struct port_list_params {
    struct list_params list;
    uint32_t from, to;
};
static const struct field port_list_rows[] = {
    LIST_FIELDS(struct port_list_params),
    FIELD(struct port_list_params, from, FIELD_U32, .min = 1, .max = 65535,
          .help = "none below this one"),
    FIELD(struct port_list_params, to, FIELD_U32, .min = 1, .max = 65535,
          .help = "none above this one"),
};

struct map_params {
    uint32_t from, to;
};
static const struct field map_rows[] = {
    FIELD(struct map_params, from, FIELD_U32, .min = 1, .max = 65535,
          .help = "none below this one"),
    FIELD(struct map_params, to, FIELD_U32, .min = 1, .max = 65535, .help = "none above this one"),
};

#define PORT_FIELD(t)                                                                              \
    FIELD(t, port, FIELD_U32, .flags = FIELD_PATH | FIELD_REQUIRED, .min = 1, .max = 65535,        \
          .help = "which port")

struct port_params {
    uint32_t port;
};
static const struct field port_rows[] = {PORT_FIELD(struct port_params)};

struct reserve_params {
    uint32_t port;
    char note[96];
};
static const struct field reserve_rows[] = {
    PORT_FIELD(struct reserve_params),
    FIELD(struct reserve_params, note, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1,
          .help = "for what it is kept free"),
};

/* ---- reading ---- */

static bool keep(const struct op_call *call, const void *record)
{
    const struct port_list_params *p = call->params;
    const struct port *port = record;

    return port->port >= p->from && (p->to == 0 || port->port <= p->to);
}

/* Those before `from` are not walked: the cursor stands there. */
static int port_list(struct op_call *call, struct err *err)
{
    const struct port_list_params *p = call->params;
    struct list_params where = p->list;
    struct list list = {
        .view = &view_port, .url = "/api/ports", .oldest_first = true, .keep = keep};

    if (p->from > 1 && where.starting_after[0] == '\0' && where.ending_before[0] == '\0')
        (void)str_format(where.starting_after, sizeof where.starting_after, "%u", p->from - 1);
    return list_reply(call, &where, &list, err);
}

static int pool(struct op_call *call, struct port_ranges *ranges, char text[512], struct err *err)
{
    if (setting_text(call->txn, &call->box->conf, "ports.ranges", text, 512, err) < 0)
        return -1;
    return port_ranges_read(ranges, text, err);
}

struct map {
    struct json_out *j;
    uint32_t from, to, runs, next; /* next: 0, or where it goes on */
    uint64_t counts[PORT_STATES], outside;
};

static void on_run(void *arg, uint32_t low, uint32_t high, enum port_state state, bool in_pool)
{
    struct map *m = arg;

    if (in_pool)
        m->counts[state] += high - low + 1;
    else
        m->outside += high - low + 1;
    if (high < m->from || (m->to != 0 && low > m->to) || m->next != 0)
        return;
    if (m->runs == RUNS_MOST) {
        m->next = low;
        return;
    }
    m->runs++;
    json_out_object(m->j);
    json_out_key_u64(m->j, "from", low < m->from ? m->from : low);
    json_out_key_u64(m->j, "to", m->to != 0 && high > m->to ? m->to : high);
    json_out_key_text(m->j, "state", port_state_names[state]);
    json_out_key_bool(m->j, "in_pool", in_pool);
    json_out_end_object(m->j);
}

static int map(struct op_call *call, struct err *err)
{
    const struct map_params *p = call->params;
    struct json_out *j = call->out;
    struct map m = {.j = j, .from = p->from, .to = p->to};
    struct port_ranges ranges;
    char text[512];

    if (pool(call, &ranges, text, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "port_map");
    json_out_key_text(j, "ranges", text);
    json_out_key_u64(j, "total", ranges.total);
    json_out_key(j, "runs");
    json_out_array(j);
    if (port_map(call->txn, &ranges, on_run, &m, err) == -1)
        return -1;
    json_out_end_array(j);
    for (unsigned i = 0; i < PORT_STATES; i++)
        json_out_key_u64(j, port_state_names[i], m.counts[i]);
    json_out_key_u64(j, "outside", m.outside);
    json_out_key(j, "next");
    if (m.next == 0)
        json_out_null(j);
    else
        json_out_u64(j, m.next);
    json_out_end_object(j);
    return 0;
}

/* A port that nobody has has no record, and can be shown all the same. */
static int show(struct op_call *call, uint32_t number, struct err *err)
{
    struct port port = {.port = number};

    if (record_get(call->txn, &port_table, &port, err) == -1)
        return -1;
    return view_object(call, &view_port, &port, err);
}

static int port_show(struct op_call *call, struct err *err)
{
    return show(call, ((const struct port_params *)call->params)->port, err);
}

/* ---- keeping ---- */

static void name_it(struct op_call *call, uint32_t port)
{
    (void)str_format(call->audit.object, sizeof call->audit.object, "port:%u", port);
}

static int port_reserve_run(struct op_call *call, struct err *err)
{
    const struct reserve_params *p = call->params;

    name_it(call, p->port);
    if (port_keep(call->txn, p->port, p->note, err) == -1)
        return -1;
    return show(call, p->port, err);
}

static int port_release_run(struct op_call *call, struct err *err)
{
    const struct port_params *p = call->params;
    int found = port_let_go(call->txn, p->port, err);

    name_it(call, p->port);
    if (found == -1)
        return -1;
    call->unchanged = found == 0;
    return show(call, p->port, err);
}

/* ---- who listens ---- */

static int scan_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return enquire_ask(call, "ports", &params, 30000, err);
}

/* What was noted before and is not seen any more is free again; a tenant's port and one that is
 * reserved are left as they are. */
static int forget_gone(struct op_call *call, const struct port_ranges *ranges,
                       const struct cJSON *found, unsigned *gone, struct err *err)
{
    struct port port;
    struct scan scan;
    int got;

    if (scan_start(&scan, call->txn, &port_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &port, err)) == 1) {
        const struct cJSON *at = NULL;
        if (port.tenant_id[0] != '\0' || port.reserved || !port_ranges_has(ranges, port.port))
            continue;
        while ((at = json_next(found, at)) != NULL && json_i64(at, "port", 0) != port.port)
            continue;
        if (at != NULL)
            continue;
        if (port_let_go(call->txn, port.port, err) == -1)
            return -1;
        ++*gone;
    }
    return got;
}

static int note_found(struct op_call *call, const struct port_ranges *ranges,
                      const struct cJSON *found, unsigned *foreign, struct err *err)
{
    const struct cJSON *at = NULL;

    while ((at = json_next(found, at)) != NULL) {
        struct port port = {.port = (uint32_t)json_i64(at, "port", 0)};
        const char *owner = json_text(at, "owner", "");
        int known;

        if (!port_ranges_has(ranges, port.port) || owner[0] == '\0')
            continue;
        if ((known = record_get(call->txn, &port_table, &port, err)) == -1)
            return -1;
        if (known == 1 && (port.tenant_id[0] != '\0' || port.reserved))
            continue; /* somebody got it meanwhile */
        if (port_foreign(call->txn, port.port, owner, txn_time_ms(call->txn) + PORT_FOREIGN_MS,
                         err) == -1)
            return -1;
        ++*foreign;
    }
    return 0;
}

static int port_scan(struct op_call *call, struct err *err)
{
    struct cJSON *said =
        json_parse(buf_string(&call->answer), call->answer.len, &json_limits_provider, err);
    const struct cJSON *found = json_at(said, "found");
    struct json_out *j = call->out;
    struct port_ranges ranges;
    unsigned foreign = 0, gone = 0;
    char text[512];
    int result = -1;

    (void)str_copy(call->audit.object, sizeof call->audit.object, "ports");
    if (said != NULL && pool(call, &ranges, text, err) == 0 &&
        forget_gone(call, &ranges, found, &gone, err) == 0 &&
        (result = note_found(call, &ranges, found, &foreign, err)) == 0) {
        json_out_object(j);
        json_out_key_text(j, "object", "port_scan");
        json_out_key_u64(j, "looked", (uint64_t)json_i64(said, "looked", 0));
        json_out_key_u64(j, "foreign", foreign);
        json_out_key_u64(j, "gone", gone);
        json_out_end_object(j);
    }
    json_free(said);
    return result;
}

#define RESULT .result = &port_table.fields, .more = &view_port_more

const struct op port_ops[] = {
    {.name = "port.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(port_list_rows, struct port_list_params),
     .help = "List the ports that are taken, with their owners",
     .example = "--from 3100 --to 3199",
     RESULT,
     .run = port_list},
    {.name = "port.map",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(map_rows, struct map_params),
     .help = "Show the pool of ports as runs that are free, tenants', reserved or somebody else's",
     .example = "--from 3100 --to 3999",
     .run = map},
    {.name = "port.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(port_rows, struct port_params),
     .help = "Show who has a port",
     .example = "3100",
     RESULT,
     .run = port_show},
    {.name = "port.reserve",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(reserve_rows, struct reserve_params),
     .help = "Keep a port from tenants, for a program of one's own",
     .example = "3105 --note 'our own wiki'",
     RESULT,
     .run = port_reserve_run},
    {.name = "port.release",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(port_rows, struct port_params),
     .help = "Let a tenant have a port that was reserved or held by something else",
     .example = "3105",
     RESULT,
     .run = port_release_run},
    {.name = "port.scan",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .help = "Look who listens on ports of the pool that no tenant has, and note it",
     .example = "",
     .slow = scan_slow,
     .run = port_scan},
    {.name = NULL},
};
