/*
 * Second factors as operations: a user enters an authenticator app in two steps and gets recovery
 * codes; an admin can only take one away. The command line, whose user owns the box, says with
 * --user whose is meant.
 */
#include <sodium.h>

#include "user_letter.h"
#include "auth_show.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "qr.h"
#include "second_factor.h"
#include "setting.h"
#include "str.h"

#define QR_BYTES 65536

struct whose_params {
    char user[128];
};
#define USER_ROW(t_)                                                                               \
    FIELD(t_, user, FIELD_TEXT, .help = "whose (the command line alone; else one's own)")
static const struct field whose_rows[] = {USER_ROW(struct whose_params)};

struct show_params {
    char id[96];
};
static const struct field show_rows[] = {
    FIELD(struct show_params, id, FIELD_TEXT, .flags = FIELD_PATH, .help = "admins: whose"),
};

struct code_params {
    char code[64], user[128];
};
static const struct field code_rows[] = {
    FIELD(struct code_params, code, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "six digits of the app"),
    USER_ROW(struct code_params),
};

static const struct field state_more[] = {
    {.name = "state", .type = FIELD_TEXT, .size = 8, .help = "on, begun or off"},
    {.name = "required", .type = FIELD_BOOL, .size = 1, .help = "the role may not be without one"},
};
static const struct fields state_more_fields = {state_more, 2, 0};

static const struct field offer_rows[] = {
    {.name = "secret",
     .type = FIELD_TEXT,
     .size = TOTP_SECRET_TEXT,
     .help = "to be typed into an app that reads no picture"},
    {.name = "uri", .type = FIELD_TEXT, .size = TOTP_URI_SIZE, .help = "what the picture says"},
    {.name = "qr", .type = FIELD_TEXT, .size = QR_BYTES, .help = "the picture, an SVG"},
};
static const struct fields offer_fields = {offer_rows, 3, 0};

static const struct field codes_rows[] = {
    {.name = "codes", .type = FIELD_KV, .help = "ten recovery codes, each good once, shown once"},
};
static const struct fields codes_fields = {codes_rows, 1, 0};

struct work {
    struct auth_terms terms;
    struct user user;
    struct second_factor_batch batch;
    struct auth_grant grant;
};

/* ---- whose ---- */

static bool on_box(const struct op_call *call)
{
    return str_equal(call->actor.kind, "cli");
}

/* The user that is meant: oneself, in a session; or, on the box, whoever is named. */
static int whose(const struct op_call *call, struct txn *txn, const char *named, struct user *user,
                 struct err *err)
{
    struct op_call look = *call;
    int found;

    memset(user, 0, sizeof *user);
    look.txn = txn;
    if (on_box(call) && named[0] != '\0')
        return object_refer(&look, &user_table, "user", named, user, err);
    if (on_box(call))
        return err_field(err, "user", "required", "user is missing: whose second factor it is");
    if (named[0] != '\0')
        return err_set(err, ERR_FORBIDDEN, "only_on_the_box",
                       "that of another is set up on the box alone");
    if (call->actor.session_id[0] == '\0')
        return err_set(err, ERR_FORBIDDEN, "no_session",
                       "a second factor is of somebody signed in with a password");
    (void)str_copy(user->id, sizeof user->id, call->actor.user_id);
    if ((found = record_get(txn, &user_table, user, err)) < 0)
        return -1;
    return found == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "user_not_found", "this user is gone");
}

static void note(struct op_call *call, const struct user *user, const char *reason)
{
    (void)str_copy(call->audit.object, sizeof call->audit.object, user->id);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, reason);
}

/* ---- how it stands ---- */

static int reply_state(struct op_call *call, const struct user *user, struct err *err)
{
    struct json_out *j = call->out;
    struct second_factor factor;
    struct auth_terms terms;

    if (second_factor_get(call->txn, user->id, &factor, err) < 0 ||
        auth_terms(call->txn, &call->box->conf, &terms, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "second_factor");
    fields_json(&second_factor_table.fields, &factor, j);
    json_out_key_text(j, "name", user->name);
    json_out_key_text(j, "state",
                      factor.confirmed_at != 0 ? "on"
                      : factor.begun_at != 0   ? "begun"
                                               : "off");
    json_out_key_bool(j, "required",
                      terms.second_factor != ROLE_PUBLIC && user->role >= terms.second_factor);
    json_out_end_object(j);
    return 0;
}

static int factor_show(struct op_call *call, struct err *err)
{
    const struct show_params *p = call->params;
    struct user user = {0};

    if (!op_given(call, "id")) {
        if (whose(call, call->txn, "", &user, err) != 0)
            return -1;
    } else if (object_get(call, &user_table, p->id, &user, err) != 0) {
        return -1;
    }
    if (call->actor.role < ROLE_ADMIN && !str_equal(user.id, call->actor.user_id))
        return err_set(err, ERR_NOT_FOUND, "user_not_found", "there is no user %.80s", p->id);
    return reply_state(call, &user, err);
}

/* ---- the app ---- */

static int factor_begin(struct op_call *call, struct err *err)
{
    const struct whose_params *p = call->params;
    struct json_out *j = call->out;
    struct second_factor_offer offer;
    struct user user;
    char issuer[512];
    struct buf qr;
    int result;

    if (whose(call, call->txn, p->user, &user, err) != 0 ||
        setting_text(call->txn, &call->box->conf, "box.name", issuer, sizeof issuer, err) < 0 ||
        second_factor_begin(call->txn, &call->box->web_key, &user, issuer, &offer, err) != 0)
        return -1;
    note(call, &user, "an app is being entered");
    buf_init(&qr, QR_BYTES);
    if ((result = qr_svg(&qr, offer.uri, err)) == 0) {
        json_out_object(j);
        json_out_key_text(j, "object", "second_factor_offer");
        json_out_key_text(j, "secret", offer.secret);
        json_out_key_text(j, "uri", offer.uri);
        if (!on_box(call))
            json_out_key_text(j, "qr", buf_string(&qr));
        json_out_end_object(j);
    }
    if (qr.data != NULL)
        sodium_memzero(qr.data, qr.cap);
    buf_free(&qr);
    sodium_memzero(&offer, sizeof offer);
    return result;
}

/* Ten codes, but only for somebody whose code is right. */
static int confirm_slow(struct op_call *call, struct err *err)
{
    const struct code_params *p = call->params;
    struct work *w = call->scratch;
    struct txn *txn;
    int right = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (auth_terms(txn, &call->box->conf, &w->terms, err) == 0 &&
        whose(call, txn, p->user, &w->user, err) == 0)
        right = second_factor_right(txn, &call->box->web_key, w->user.id, p->code, err);
    db_read_end(txn);
    return right <= 0 ? right : second_factor_batch(call->box->gate, &w->terms, &w->batch, err);
}

static void show_codes(struct json_out *j, const struct second_factor_batch *batch)
{
    json_out_key(j, "codes");
    json_out_array(j);
    for (size_t i = 0; i < SECOND_FACTOR_CODES; i++)
        json_out_text(j, batch->text[i]);
    json_out_end_array(j);
}

/* The session in which it is entered goes on under another id; all others, begun with a password
 * alone, end. */
static int renew(struct op_call *call, struct work *w, struct err *err)
{
    const char *session = on_box(call) ? NULL : call->actor.session_id;

    if (auth_sessions_end(call->txn, w->user.id, session, err) < 0)
        return -1;
    return session == NULL ? 0
                           : auth_session_renew(call->txn, &w->terms, &call->box->web_key, session,
                                                &w->grant, err);
}

static int factor_confirm(struct op_call *call, struct err *err)
{
    const struct code_params *p = call->params;
    struct work *w = call->scratch;
    struct json_out *j = call->out;
    int taken;

    if (whose(call, call->txn, p->user, &w->user, err) != 0)
        return -1;
    note(call, &w->user, "a second factor is needed to sign in");
    taken =
        second_factor_confirm(call->txn, &call->box->web_key, &w->user, p->code, &w->batch, err);
    call->audit_refusal = taken != 0;
    call->refused = taken == 1;
    if (taken != 0)
        return taken < 0 ? -1 : 0;
    if (w->batch.mib == 0)
        return err_field(err, "code", "code_wrong", "the code came too early: give the next one");
    if (renew(call, w, err) != 0 ||
        user_letter_tell(call->txn, &call->box->conf, &w->user, "second_factor_on", err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "recovery_codes");
    show_codes(j, &w->batch);
    if (w->grant.access_token[0] != '\0')
        auth_show_grant(call, &w->terms, &w->grant);
    json_out_end_object(j);
    return 0;
}

/* ---- recovery codes ---- */

static int codes_slow(struct op_call *call, struct err *err)
{
    const struct whose_params *p = call->params;
    struct work *w = call->scratch;
    struct txn *txn;
    int result = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (auth_terms(txn, &call->box->conf, &w->terms, err) == 0)
        result = whose(call, txn, p->user, &w->user, err);
    db_read_end(txn);
    if (result == 0 && w->user.second_factor_at == 0)
        result = err_set(err, ERR_CONFLICT, "no_second_factor", "there is no second factor");
    return result != 0 ? -1 : second_factor_batch(call->box->gate, &w->terms, &w->batch, err);
}

static int factor_codes(struct op_call *call, struct err *err)
{
    struct work *w = call->scratch;
    struct json_out *j = call->out;

    note(call, &w->user, "new recovery codes");
    if (second_factor_codes_set(call->txn, w->user.id, &w->batch, err) != 0 ||
        user_letter_tell(call->txn, &call->box->conf, &w->user, "recovery_codes_new", err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "recovery_codes");
    show_codes(j, &w->batch);
    json_out_end_object(j);
    return 0;
}

/* ---- ends ---- */

static int take_away(struct op_call *call, struct user *user, struct err *err)
{
    int removed = second_factor_remove(call->txn, user, err);

    if (removed < 0)
        return -1;
    if (removed == 0)
        return err_set(err, ERR_CONFLICT, "no_second_factor", "there is no second factor");
    return user_letter_tell(call->txn, &call->box->conf, user, "second_factor_off", err);
}

static int factor_disable(struct op_call *call, struct err *err)
{
    const struct whose_params *p = call->params;
    struct auth_terms terms;
    struct user user;

    if (whose(call, call->txn, p->user, &user, err) != 0 ||
        auth_terms(call->txn, &call->box->conf, &terms, err) != 0)
        return -1;
    note(call, &user, "the password alone is enough to sign in");
    if (terms.second_factor != ROLE_PUBLIC && user.role >= terms.second_factor) {
        (void)err_set(err, ERR_CONFLICT, "second_factor_required",
                      "the role %s may not be without a second factor", role_names[user.role]);
        return err_hint(err, "another app can be entered in place of this one");
    }
    return take_away(call, &user, err) != 0 ? -1 : reply_state(call, &user, err);
}

/* For somebody who has lost the app and the codes: whoever may do this must be sure who asks. */
static int factor_remove(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct user user = {0};

    if (object_get(call, &user_table, p->id, &user, err) != 0)
        return -1;
    note(call, &user, "taken away; its sessions ended");
    if (take_away(call, &user, err) != 0 || auth_sessions_end(call->txn, user.id, NULL, err) < 0)
        return -1;
    return reply_state(call, &user, err);
}

const struct op second_factor_ops[] = {
    {.name = "second-factor.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ENROL,
     .params = PARAMS(show_rows, struct show_params),
     .help = "Show whether a user has a second factor for signing in",
     .example = "admin",
     .result = &second_factor_table.fields,
     .more = &state_more_fields,
     .run = factor_show},
    {.name = "second-factor.begin",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_SECRET | OP_ENROL,
     .params = PARAMS(whose_rows, struct whose_params),
     .help = "Begin to enter an authenticator app; it is in use once a code of it is confirmed",
     .example = "--user admin",
     .result = &offer_fields,
     .run = factor_begin},
    {.name = "second-factor.confirm",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_SECRET | OP_ENROL,
     .params = PARAMS(code_rows, struct code_params),
     .help = "Confirm the app by a code of it: ten recovery codes are shown, this once",
     .example = "123456 --user admin",
     .result = &codes_fields,
     .scratch_size = sizeof(struct work),
     .slow = confirm_slow,
     .run = factor_confirm},
    {.name = "second-factor.codes",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_SECRET,
     .params = PARAMS(whose_rows, struct whose_params),
     .help = "Make ten new recovery codes; those before are void",
     .example = "--user admin",
     .result = &codes_fields,
     .scratch_size = sizeof(struct work),
     .slow = codes_slow,
     .run = factor_codes},
    {.name = "second-factor.disable",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(whose_rows, struct whose_params),
     .help = "Sign in by password alone again, where the role allows it",
     .example = "--user admin",
     .result = &second_factor_table.fields,
     .more = &state_more_fields,
     .run = factor_disable},
    {.name = "second-factor.remove",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &object_id,
     .help = "Take a user's second factor away, who has lost app and codes; its sessions end",
     .example = "ann",
     .result = &second_factor_table.fields,
     .more = &state_more_fields,
     .run = factor_remove},
    {.name = NULL},
};
