/* Other machines: what their API says. Apart because it is a provider's and not an object of ours.
 */
#include "nouns.h"

#include "ask.h"
#include "enquire.h"

#define WAIT_MS 60000

static int check_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return ask(call->box->paths.ask_sock, "proxmox", &params, WAIT_MS, &call->answer, err);
}

const struct op proxmox_ops[] = {
    {.name = "proxmox.check",
     .role = ROLE_OPERATOR,
     .flags = OP_READ | OP_ASK,
     .help = "What Proxmox VE lets our token do, what its nodes have free, and what is missing",
     .example = "",
     .slow = check_slow,
     .run = enquire_reply_json},
    {.name = NULL},
};
