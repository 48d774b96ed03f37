/* Signing in and out. What proves somebody is auth's; here it becomes operations, slow parts
 * outside the transaction, and a record of those who were refused. */
#include "auth.h"

#include "auth_show.h"
#include "clock.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "passkey.h"
#include "str.h"

struct login_params {
    char username[128], password[260];
};
static const struct field login_rows[] = {
    FIELD(struct login_params, username, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "name of the user"),
    FIELD(struct login_params, password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "password of the user"),
};

struct refresh_params {
    char refresh_token[AUTH_SECRET_SIZE + 16];
};
static const struct field refresh_rows[] = {
    FIELD(struct refresh_params, refresh_token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the refresh token of the last answer"),
};

struct sign_in {
    struct auth_terms terms;
    struct user user;
    struct auth_grant grant;
};

/* From the store what a password check needs. 1: there is such a user, 0, -1. */
static int read_user(struct op_call *call, struct sign_in *in, struct err *err)
{
    const struct login_params *p = call->params;
    struct txn *txn;
    int found = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    (void)str_copy(in->user.name, sizeof in->user.name, p->username);
    str_lower(in->user.name);
    if (auth_terms(txn, &call->box->conf, &in->terms, err) == 0)
        found = record_find(txn, &user_table, "name", &in->user, err);
    db_read_end(txn);
    return found;
}

static int wrong(struct op_call *call, const struct user *user, struct err *err)
{
    call->audit_refusal = true;
    (void)str_copy(call->audit.object, sizeof call->audit.object, user->id);
    return err_set(err, ERR_UNAUTHENTICATED, "credentials_wrong",
                   "the name or the password is wrong");
}

/* The same work and the same words whether the name, the password or both are wrong. */
static int login_slow(struct op_call *call, struct err *err)
{
    const struct login_params *p = call->params;
    struct sign_in *in = call->scratch;
    int found = read_user(call, in, err), right;

    if (found < 0)
        return -1;
    right = auth_password_check(call->box->gate, &in->terms,
                                found && !in->user.disabled ? in->user.password : NULL, p->password,
                                err);
    if (right < 0)
        return -1;
    if (right == 0 || !found || in->user.disabled)
        return wrong(call, &in->user, err);
    return 0;
}

static int login(struct op_call *call, struct err *err)
{
    struct sign_in *in = call->scratch;
    struct user present;

    /* A second factor may have come since the password was checked. */
    if (auth_user_still(call->txn, &in->user, &present, err) != 0)
        return -1;
    if (present.second_factor_at != 0)
        return auth_first_step(call, &in->user, "password", err);
    if (auth_sign_in(call->txn, &in->terms, &call->box->web_key, &in->user, call->actor.address,
                     call->actor.agent, &in->grant, err) != 0)
        return -1;
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, in->user.id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind, "password");
    (void)str_copy(call->audit.object, sizeof call->audit.object, in->grant.session_id);
    return auth_show_session(call, &in->terms, &in->grant, &in->user, "none", err);
}

/* An old token that comes again was stolen: its session ends, and that stays although the caller is
 * refused. */
static int refresh(struct op_call *call, struct err *err)
{
    const struct refresh_params *p = call->params;
    struct sign_in *in = call->scratch;
    struct json_out *j = call->out;
    int r;

    if (auth_terms(call->txn, &call->box->conf, &in->terms, err) != 0)
        return -1;
    r = auth_refresh(call->txn, &in->terms, &call->box->web_key, p->refresh_token, &in->grant, err);
    call->refused = r == 1;
    if (r < 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, in->grant.session_id);
    if (r == 1)
        return 0;
    json_out_object(j);
    auth_show_grant(call, &in->terms, &in->grant);
    json_out_end_object(j);
    return 0;
}

static int logout(struct op_call *call, struct err *err)
{
    struct sign_in *in = call->scratch;
    const char *session = call->actor.session_id;

    if (session[0] == '\0')
        return err_set(err, ERR_CONFLICT, "no_session", "there is no session to end here");
    if (auth_terms(call->txn, &call->box->conf, &in->terms, err) != 0 ||
        auth_session_end(call->txn, session, err) < 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, session);
    auth_cookie_header(&in->terms, "", call->cookie);
    return object_removed(call, &view_session, session);
}

static int me(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    const struct actor *actor = &call->actor;
    struct user user = {0};
    struct scan scan = {0};
    struct passkey passkey;
    char csrf[AUTH_CSRF_SIZE];
    int found;

    (void)str_copy(user.id, sizeof user.id, actor->user_id);
    if ((found = user.id[0] == '\0' ? 0 : record_get(call->txn, &user_table, &user, err)) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "identity");
    json_out_key_text(j, "id", actor->id);
    json_out_key_text(j, "kind", actor->kind);
    json_out_key_text(j, "role", role_names[actor->role]);
    if (str_equal(actor->kind, "key")) {
        json_out_key_text(j, "scopes", actor->scopes);
        json_out_key_text(j, "tenant_id", actor->tenant_id);
    }
    json_out_key(j, "user");
    if (!found)
        json_out_null(j);
    else if (view_object(call, &view_user, &user, err) != 0)
        return -1;
    json_out_key_text(j, "second_factor",
                      user.second_factor_at != 0 ? "on"
                      : actor->enrol             ? "enrol"
                                                 : "off");
    json_out_key(j, "fresh_until");
    if (actor->fresh_at + AUTH_FRESH_MS <= clock_wall_ms())
        json_out_null(j);
    else
        json_out_time(j, actor->fresh_at + AUTH_FRESH_MS);
    json_out_key_text(j, "session_id", actor->session_id);
    json_out_key_bool(j, "has_password", user.password[0] != '\0');
    json_out_key_bool(j, "has_passkey",
                      passkeys_next(&scan, call->txn, user.id, &passkey, err) == 1);
    if (str_equal(actor->kind, "cookie")) {
        auth_csrf(&call->box->web_key, actor->session_id, csrf);
        json_out_key_text(j, "csrf_token", csrf);
    }
    json_out_end_object(j);
    return 0;
}

const struct op auth_ops[] = {
    {.name = "auth.login",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(login_rows, struct login_params),
     .help = "Sign in: tokens and a cookie; or, with a second factor, a token for the second step",
     .example = "admin --password-file admin-password",
     .result = &auth_grant_fields,
     .scratch_size = sizeof(struct sign_in),
     .slow = login_slow,
     .run = login},
    {.name = "auth.refresh",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(refresh_rows, struct refresh_params),
     .help = "A new access token for a refresh token, which is good once",
     .example = "--refresh-token-file token",
     .result = &auth_grant_fields,
     .scratch_size = sizeof(struct sign_in),
     .run = refresh},
    {.name = "auth.logout",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_ENROL,
     .help = "End the session with which this is asked",
     .example = "",
     .scratch_size = sizeof(struct sign_in),
     .run = logout},
    {.name = "auth.me",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ENROL,
     .help = "Who is asking, with what, and how fresh the password is",
     .example = "",
     .result = &user_table.fields,
     .run = me},
    {.name = NULL},
};
