/* Trying the providers. Apart from each of them because the answer has one shape: facts, checks,
 * and for each that failed what to do. */
#include "ask.h"
#include "enquire.h"
#include "nouns.h"
#include "str.h"

#include <string.h>

#define WAIT_MS 60000

static const struct field rows[] = {
    {.name = "provider", .type = FIELD_TEXT, .size = 32, .help = "stripe, cloudflare or database"},
    {.name = "fine", .type = FIELD_BOOL, .size = 1, .help = "nothing that is needed is missing"},
    {.name = "facts",
     .type = FIELD_KV,
     .help = "list of name and value: whose account, which zone"},
    {.name = "checks",
     .type = FIELD_KV,
     .help = "list of name, ok, needed, what was found and the fix"},
    {.name = "took_ms", .type = FIELD_U64, .size = 8, .help = "how long it took"},
};
static const struct fields shape = {rows, sizeof rows / sizeof rows[0], 0};

/* "stripe" of "stripe.test". */
static int trial_slow(struct op_call *call, struct err *err)
{
    char provider[32];
    struct kv params;

    (void)str_copy_n(provider, sizeof provider, call->op->name, strcspn(call->op->name, "."));
    kv_clear(&params);
    (void)kv_set(&params, "provider", provider);
    return ask(call->box->paths.ask_sock, "trial", &params, WAIT_MS, &call->answer, err);
}

#define TRIAL(name_, help_)                                                                        \
    {                                                                                              \
        .name = (name_), .role = ROLE_OPERATOR, .flags = OP_READ | OP_ASK | OP_VERDICT,            \
        .help = (help_), .example = "", .result = &shape, .slow = trial_slow,                      \
        .run = enquire_reply_json                                                                  \
    }

const struct op trial_ops[] = {
    TRIAL("stripe.test",
          "Try Stripe's key: account, mode, permissions, webhook; nothing is changed"),
    TRIAL("cloudflare.test", "Try Cloudflare's token: account, zone, permissions; likewise"),
    TRIAL("database.test", "Try PostgreSQL's account: server, rights; likewise"),
    {.name = NULL},
};
