/*
 * Passwords that were forgotten. What anybody may ask here is answered alike whoever is named, and
 * costs the same commit; what a link is good for is a new password, and nothing of signing in.
 */
#include "password_reset.h"

#include "auth.h"
#include "clock.h"
#include "link_reply.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"
#include "user_letter.h"

#include <sodium.h>
#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define LETTER    "password_reset"

struct forgotten_params {
    char username[128];
};
static const struct field forgotten_rows[] = {
    FIELD(struct forgotten_params, username, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "name of the user"),
};

struct make_params {
    char id[96];
    uint32_t minutes;
    bool mail;
};
static const struct field make_rows[] = {
    ID_FIELD(struct make_params),
    FIELD(struct make_params, minutes, FIELD_U32, .min = 5, .max = 1440,
          .help = "life of the link (auth.reset_minutes)"),
    FIELD(struct make_params, mail, FIELD_BOOL,
          .help = "send it to the user's address instead of showing it"),
};

struct use_params {
    char token[LINK_TOKEN_SIZE + 16], password[260];
};
static const struct field use_rows[] = {
    FIELD(struct use_params, token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the link behind the #"),
    FIELD(struct use_params, password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "8 to 256 bytes"),
};
static const struct field look_rows[] = {
    FIELD(struct use_params, token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the link behind the #"),
};

static const struct field taken_rows[] = {
    {.name = "accepted",
     .type = FIELD_BOOL,
     .size = 1,
     .help = "true, whether or not there is such a user"},
};
static const struct fields taken = {taken_rows, 1, 0};
static const struct field named_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 128, .help = "name to sign in with"},
    {.name = "expires_at", .type = FIELD_TIME, .size = 8, .help = "the link is over at"},
};
static const struct fields named = {named_rows, sizeof named_rows / sizeof named_rows[0], 0};

static int64_t minutes_ms(const struct op_call *call)
{
    return (int64_t)setting_u64(call->txn, &call->box->conf, "auth.reset_minutes") * MINUTE_MS;
}

static int write_letter(struct op_call *call, const struct user *user, const char *email,
                        const char *token, int64_t until_ms, struct err *err)
{
    struct kv params;
    struct user_letter letter = {.kind = LETTER,
                                 .email = email,
                                 .language = user->language,
                                 .params = &params,
                                 .token = token,
                                 .until_ms = until_ms};
    char until[40];

    clock_text(until, until_ms);
    kv_clear(&params);
    if (kv_set(&params, "name", user->name) != 0 || kv_set(&params, "until", until) != 0)
        return err_set(err, ERR_INTERNAL, "letter_too_large", "a letter's values are too long");
    return user_letter_queue(call->txn, &call->box->vault, &letter, err);
}

/* Whoever is named, the same is written: that somebody asked for a letter. The worker looks who it
 * is, so that nothing of it can be measured here. */
static int note_wish(struct op_call *call, const char *name, struct err *err)
{
    struct kv params;
    struct user_letter letter = {.kind = LETTER, .email = "", .language = "", .params = &params};
    char lower[128];

    (void)str_copy(lower, sizeof lower, name);
    str_lower(lower);
    letter.until_ms = txn_time_ms(call->txn) + minutes_ms(call);
    kv_clear(&params);
    if (kv_set(&params, "name", lower) != 0 || kv_set(&params, "from", call->actor.address) != 0)
        return err_set(err, ERR_INTERNAL, "letter_too_large", "a letter's values are too long");
    return user_letter_queue(call->txn, &call->box->vault, &letter, err);
}

static int password_forgotten(struct op_call *call, struct err *err)
{
    const struct forgotten_params *p = call->params;
    struct json_out *j = call->out;

    if (!user_letter_possible(call->txn, &call->box->conf)) {
        (void)err_set(err, ERR_CONFLICT, "mail_not_set", "this box cannot send mail");
        return err_hint(err, "an admin can make a link to a new password");
    }
    if (note_wish(call, p->username, err) != 0)
        return -1;
    call->wake = true;
    json_out_object(j);
    json_out_key_text(j, "object", "password_forgotten");
    json_out_key_bool(j, "accepted", true);
    json_out_end_object(j);
    return 0;
}

static int user_reset(struct op_call *call, struct err *err)
{
    const struct make_params *p = call->params;
    int64_t life = op_given(call, "minutes") ? p->minutes * MINUTE_MS : minutes_ms(call);
    struct json_out *j = call->out;
    struct user user = {0};
    char email[256], token[LINK_TOKEN_SIZE];

    if (object_get(call, &user_table, p->id, &user, err) != 0 ||
        user_letter_address(call->txn, &user, email, err) != 0)
        return -1;
    if (user.disabled)
        return err_set(err, ERR_CONFLICT, "user_disabled", "%s may not sign in", user.name);
    if (p->mail && email[0] == '\0')
        return err_set(err, ERR_CONFLICT, "no_address", "%s has no address", user.name);
    if (p->mail && !user_letter_possible(call->txn, &call->box->conf))
        return err_set(err, ERR_CONFLICT, "mail_not_set", "this box cannot send mail");
    if (password_reset_new(call->txn, &user, life, call->actor.id, call->actor.address, token,
                           err) != 0 ||
        (p->mail && write_letter(call, &user, email, token, txn_time_ms(call->txn) + life, err)))
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, user.id);
    json_out_object(j);
    json_out_key_text(j, "object", "password_reset");
    json_out_key_text(j, "name", user.name);
    json_out_key_time(j, "expires_at", txn_time_ms(call->txn) + life);
    if (link_members(call, LETTER, token, p->mail, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

/* ---- for whoever holds the link ---- */

static int password_look(struct op_call *call, struct err *err)
{
    const struct use_params *p = call->params;
    struct json_out *j = call->out;
    struct password_reset r;
    struct user user;

    if (password_reset_user(call->txn, p->token, &user, err) != 0 ||
        password_reset_get(call->txn, user.id, &r, err) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "password_reset");
    json_out_key_text(j, "name", user.name);
    json_out_key_time(j, "expires_at", r.expires_at);
    json_out_end_object(j);
    return 0;
}

struct resetting {
    char password[160];
};

static int reset_slow(struct op_call *call, struct err *err)
{
    const struct use_params *p = call->params;
    struct resetting *r = call->scratch;
    struct auth_terms terms;
    struct user user;
    struct txn *txn;
    int rc;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    rc = password_reset_user(txn, p->token, &user, err) != 0 ||
                 auth_terms(txn, &call->box->conf, &terms, err) != 0
             ? -1
             : 0;
    db_read_end(txn);
    return rc != 0 || auth_password_rules(p->password, user.name, err) != 0
               ? -1
               : auth_password_hash(call->box->gate, &terms, p->password, r->password, err);
}

static int password_reset(struct op_call *call, struct err *err)
{
    const struct use_params *p = call->params;
    const struct resetting *r = call->scratch;
    struct json_out *j = call->out;
    struct user user;

    if (password_reset_user(call->txn, p->token, &user, err) != 0 ||
        password_reset_forget(call->txn, user.id, err) != 0)
        return -1;
    object_before(call, &user_table, &user);
    if (auth_password_set(call->txn, user.id, r->password, NULL, err) != 0 ||
        user_letter_tell(call->txn, &call->box->conf, &user, "password_changed", err) != 0 ||
        record_get(call->txn, &user_table, &user, err) < 0)
        return -1;
    object_after(call, &user_table, &user);
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, user.id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind, "reset");
    json_out_object(j);
    json_out_key_text(j, "object", "password_reset");
    json_out_key_text(j, "name", user.name);
    json_out_end_object(j);
    return 0;
}

const struct op reset_ops[] = {
    {.name = "user.reset",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_SECRET,
     .params = PARAMS(make_rows, struct make_params),
     .help = "Make a one-time link with which a user chooses a new password",
     .example = "ann",
     .result = &named,
     .more = &link_more,
     .run = user_reset},
    {.name = "password.forgotten",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(forgotten_rows, struct forgotten_params),
     .help = "Ask for a link to a new password, by mail",
     .example = "ann@example.com",
     .result = &taken,
     .run = password_forgotten},
    {.name = "password.look",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .params = PARAMS(look_rows, struct use_params),
     .help = "Say whose password a link sets, to whoever holds it",
     .example = "--token-file token",
     .result = &named,
     .run = password_look},
    {.name = "password.reset",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(use_rows, struct use_params),
     .help = "Set a new password by a link; sessions end, and signing in is as ever",
     .example = "--token-file token --password-file password",
     .result = &named,
     .scratch_size = sizeof(struct resetting),
     .slow = reset_slow,
     .run = password_reset},
    {.name = NULL},
};
