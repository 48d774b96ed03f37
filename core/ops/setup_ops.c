/*
 * The first run. Anybody may ask whether a box is new, and no more; what has been done of the
 * setup, and that it is done, is the admin's. The steps themselves are the operations that they
 * always are.
 */
#include "nouns.h"

#include "box_move.h"
#include "object.h"
#include "setting.h"
#include "setup_state.h"
#include "snapshot.h"
#include "str.h"
#include "user_letter.h"

#include <string.h>

static const struct field show_rows[] = {
    {.name = "needed", .type = FIELD_BOOL, .size = 1, .help = "the box has not been set up"},
    {.name = "mail", .type = FIELD_BOOL, .size = 1, .help = "it can send mail"},
    {.name = "name", .type = FIELD_TEXT, .size = 512, .help = "its name, for people"},
    {.name = "copied",
     .type = FIELD_BOOL,
     .size = 1,
     .help = "it is on a machine that it does not know, and does nothing"},
};
static const struct fields show = {show_rows, sizeof show_rows / sizeof show_rows[0], 0};

static const struct field step_rows[] = {
    {.name = "needed", .type = FIELD_BOOL, .size = 1, .help = "the box has not been set up"},
    {.name = "password", .type = FIELD_BOOL, .size = 1, .help = "the first password was changed"},
    {.name = "address", .type = FIELD_BOOL, .size = 1, .help = "its address was set"},
    {.name = "mail", .type = FIELD_BOOL, .size = 1, .help = "it can send mail"},
    {.name = "cloudflare", .type = FIELD_BOOL, .size = 1, .help = "it has a token of Cloudflare's"},
    {.name = "stripe", .type = FIELD_BOOL, .size = 1, .help = "it has a key of Stripe's"},
    {.name = "recovery", .type = FIELD_BOOL, .size = 1, .help = "it has a recovery key"},
    {.name = "vault", .type = FIELD_BOOL, .size = 1, .help = "it has a vault for snapshots"},
};
static const struct fields steps = {step_rows, sizeof step_rows / sizeof step_rows[0], 0};

static int setup_show(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    int needed = setup_needed(call->txn, err);
    struct box_move move;
    char name[512];

    if (needed < 0 || box_move_get(call->txn, &move, err) != 0 ||
        setting_text(call->txn, &call->box->conf, "box.name", name, sizeof name, err) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "setup");
    json_out_key_bool(j, "needed", needed == 1);
    json_out_key_bool(j, "mail", user_letter_possible(call->txn, &call->box->conf));
    json_out_key_text(j, "name", name);
    json_out_key_bool(j, "copied", move.place == BOX_COPIED);
    json_out_end_object(j);
    return 0;
}

/* Whether somebody has set it in the store: what sett.conf was born with is nobody's choice. */
static int chosen(struct op_call *call, const char *name, struct err *err)
{
    char value[512];

    if (setting_text(call->txn, NULL, name, value, sizeof value, err) < 0)
        return -1;
    return !str_equal(value, setting_row_find(name)->otherwise);
}

static int password_changed(struct op_call *call, struct err *err)
{
    struct user user = {0};
    int found;

    (void)str_copy(user.id, sizeof user.id, call->actor.user_id);
    found = user.id[0] == '\0' ? 0 : record_get(call->txn, &user_table, &user, err);
    return found < 0 ? -1 : found == 1 && user.password_at > user.created_at;
}

static int setup_steps(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    int64_t keys = recipient_count(call->txn, err);
    int64_t vaults = keys < 0 ? -1 : record_count(call->txn, &vault_place_table, err);
    int done[7];

    if (vaults < 0 || (done[0] = setup_needed(call->txn, err)) < 0 ||
        (done[1] = password_changed(call, err)) < 0 ||
        (done[2] = chosen(call, "box.url", err)) < 0 ||
        (done[4] = secret_exists(call->txn, "cloudflare.token", err)) < 0 ||
        (done[5] = secret_exists(call->txn, "stripe.secret_key", err)) < 0)
        return -1;
    done[3] = user_letter_possible(call->txn, &call->box->conf);
    json_out_object(j);
    json_out_key_text(j, "object", "setup_steps");
    for (size_t i = 0; i < 6; i++)
        json_out_key_bool(j, step_rows[i].name, done[i] == 1);
    json_out_key_bool(j, "recovery", keys > 0);
    json_out_key_bool(j, "vault", vaults > 0);
    json_out_end_object(j);
    return 0;
}

static int finished(struct op_call *call, struct err *err)
{
    if (setup_finish(call->txn, call->actor.id, err) != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, "box");
    return setup_show(call, err);
}

const struct op setup_ops[] = {
    {.name = "box.setup",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .help = "Say whether this box still has to be set up",
     .example = "",
     .result = &show,
     .run = setup_show},
    {.name = "box.steps",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .help = "Say what has been done of the setup",
     .example = "",
     .result = &steps,
     .run = setup_steps},
    {.name = "box.finish",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .help = "Note that the box has been set up",
     .example = "",
     .result = &show,
     .run = finished},
    {.name = NULL},
};
