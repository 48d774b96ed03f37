/* What an account at Cloudflare has left. Apart from the settings because it is asked of the
 * provider, and so of the worker. */
#include "ask.h"
#include "enquire.h"
#include "nouns.h"

#define WAIT_MS 30000

static const struct field shape_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 32, .help = "what is counted, as in tunnels"},
    {.name = "title", .type = FIELD_TEXT, .size = 64, .help = "the same for people"},
    {.name = "used", .type = FIELD_U64, .size = 8, .help = "how many there are; null: not known"},
    {.name = "most", .type = FIELD_U64, .size = 8, .help = "how many there may be"},
    {.name = "percent", .type = FIELD_U64, .size = 8, .help = "of those, used"},
    {.name = "unknown", .type = FIELD_TEXT, .size = 200, .help = "why it is not known"},
};
static const struct fields shape = {shape_rows, sizeof shape_rows / sizeof shape_rows[0], 0};

static int quotas_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return ask(call->box->paths.ask_sock, "quotas", &params, WAIT_MS, &call->answer, err);
}

const struct op cloudflare_ops[] = {
    {.name = "cloudflare.quotas",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK | OP_LIST,
     .help = "What there is at Cloudflare of what there may be: tunnels, records, calls",
     .example = "",
     .result = &shape,
     .slow = quotas_slow,
     .run = enquire_reply_json},
    {.name = NULL},
};
