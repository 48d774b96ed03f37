/* What is wrong with the box, asked of the worker. Apart from the checks themselves, which the
 * command line makes without anybody's help. */
#include "ask.h"
#include "enquire.h"
#include "nouns.h"

#define WAIT_MS 60000

static const struct field rows[] = {
    {.name = "fine", .type = FIELD_BOOL, .size = 1, .help = "nothing is broken"},
    {.name = "checks",
     .type = FIELD_KV,
     .help = "list of name, ok, finding (ok, warning, broken, skipped), what was found, the fix"},
    {.name = "at", .type = FIELD_TIME, .size = 8, .help = "when it was looked"},
};
static const struct fields shape = {rows, sizeof rows / sizeof rows[0], 0};

static int doctor_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return ask(call->box->paths.ask_sock, "doctor", &params, WAIT_MS, &call->answer, err);
}

const struct op doctor_ops[] = {
    {.name = "system.doctor",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK | OP_VERDICT,
     .help = "What is wrong with this box as the worker sees it, and what to do about each",
     .example = "",
     .result = &shape,
     .slow = doctor_slow,
     .run = enquire_reply_json},
    {.name = NULL},
};
