/* The second step of signing in, and giving the password again within a session. Apart from the
 * first step because both ask for what only the second factor can judge. */
#include <sodium.h>

#include "user_letter.h"
#include "auth_show.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "second_factor.h"
#include "second_step.h"
#include "str.h"

struct second_params {
    char step_token[SECOND_STEP_TOKEN_SIZE + 16], code[64];
};
static const struct field second_rows[] = {
    FIELD(struct second_params, step_token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "what the first step answered"),
    FIELD(struct second_params, code, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "six digits of the app, or a recovery code"),
};

struct confirm_params {
    char password[260], code[64];
};
static const struct field confirm_rows[] = {
    FIELD(struct confirm_params, password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "password of the user"),
    FIELD(struct confirm_params, code, FIELD_TEXT, .flags = FIELD_SECRET,
          .help = "with a second factor: six digits of the app, or a recovery code"),
};
static const struct field confirmed_rows[] = {
    {.name = "fresh_until",
     .type = FIELD_TIME,
     .size = 8,
     .help = "until then, acts that need the password need no more"},
};
static const struct fields confirmed = {confirmed_rows, 1, 0};

struct second {
    struct auth_terms terms;
    struct user user;
    struct second_step step;
    struct second_factor_proof proof;
    struct auth_grant grant;
};

/* Whose step it is, and what kind of code was given. */
static int second_slow(struct op_call *call, struct err *err)
{
    const struct second_params *p = call->params;
    struct second *s = call->scratch;
    struct txn *txn;
    int result = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (auth_terms(txn, &call->box->conf, &s->terms, err) == 0)
        result = second_step_find(txn, p->step_token, &s->step, &s->user, err);
    db_read_end(txn);
    if (result != 0)
        return -1;
    return second_factor_read(call->box->gate, call->box->db, s->user.id, p->code, &s->proof, err);
}

/* Whether the code is right, and now spent. 1: it is not, and that is committed; 0; -1. */
static int use(struct op_call *call, const struct second *s, struct err *err)
{
    int used = second_factor_use(call->txn, &call->box->web_key, s->user.id, &s->proof, err);

    (void)str_copy(call->audit.object, sizeof call->audit.object, s->user.id);
    call->audit_refusal = used != 0;
    call->refused = used == 1;
    if (used == 1)
        (void)str_copy(call->audit.reason, sizeof call->audit.reason,
                       s->proof.recovery ? "a wrong recovery code" : "a wrong code of the app");
    return used;
}

/* A recovery code that is gone is worth knowing: it may have been somebody else's use. */
static int tell(struct op_call *call, const struct second *s, struct err *err)
{
    return s->proof.recovery
               ? user_letter_tell(call->txn, &call->box->conf, &s->user, "recovery_code_used", err)
               : 0;
}

static int second(struct op_call *call, struct err *err)
{
    const struct second_params *p = call->params;
    struct second *s = call->scratch;
    int used;

    if (second_step_find(call->txn, p->step_token, &s->step, &s->user, err) != 0)
        return -1;
    if ((used = use(call, s, err)) != 0) {
        if (err->kind == ERR_INVALID)
            err->kind = ERR_UNAUTHENTICATED;
        return used < 0 ? -1 : 0;
    }
    if (second_step_end(call->txn, &s->step, err) != 0 || tell(call, s, err) != 0 ||
        auth_sign_in(call->txn, &s->terms, &call->box->web_key, &s->user, call->actor.address,
                     call->actor.agent, &s->grant, err) != 0)
        return -1;
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, s->user.id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind,
                   s->proof.recovery ? "recovery_code" : "app");
    (void)str_copy(call->audit.object, sizeof call->audit.object, s->grant.session_id);
    return auth_show_session(call, &s->terms, &s->grant, &s->user, "given", err);
}

/* ---- the password again ---- */

static int confirm_slow(struct op_call *call, struct err *err)
{
    const struct confirm_params *p = call->params;
    struct second *s = call->scratch;
    struct txn *txn;
    int found = -1, right;

    if (call->actor.session_id[0] == '\0')
        return err_set(err, ERR_CONFLICT, "no_session", "there is no session to confirm here");
    (void)str_copy(s->user.id, sizeof s->user.id, call->actor.user_id);
    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (auth_terms(txn, &call->box->conf, &s->terms, err) == 0)
        found = record_get(txn, &user_table, &s->user, err);
    db_read_end(txn);
    if (found == 1 && s->user.password[0] == '\0') {
        (void)err_set(err, ERR_CONFLICT, "no_password", "%s has no password", s->user.name);
        return err_hint(err, "choose one, or sign in again by a link");
    }
    if (found < 0 || (right = auth_password_check(call->box->gate, &s->terms, s->user.password,
                                                  p->password, err)) < 0)
        return -1;
    if (right == 0) {
        call->audit_refusal = true;
        (void)str_copy(call->audit.object, sizeof call->audit.object, s->user.id);
        return err_field(err, "password", "password_wrong", "the password is wrong");
    }
    if (s->user.second_factor_at == 0)
        return 0;
    if (p->code[0] == '\0')
        return err_field(err, "code", "required", "code is missing: there is a second factor");
    return second_factor_read(call->box->gate, call->box->db, s->user.id, p->code, &s->proof, err);
}

static int confirm(struct op_call *call, struct err *err)
{
    const struct confirm_params *p = call->params;
    struct second *s = call->scratch;
    struct json_out *j = call->out;
    struct user present;
    int64_t until_ms;
    int used;

    if (auth_user_still(call->txn, &s->user, &present, err) != 0)
        return -1;
    if (present.second_factor_at != 0) {
        if (p->code[0] == '\0') /* it came since */
            return err_field(err, "code", "required", "code is missing: there is a second factor");
        if ((used = use(call, s, err)) != 0)
            return used < 0 ? -1 : 0;
        if (tell(call, s, err) != 0)
            return -1;
    }
    if (auth_session_fresh(call->txn, call->actor.session_id, &until_ms, err) != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, call->actor.session_id);
    json_out_object(j);
    json_out_key_text(j, "object", "confirmation");
    json_out_key_time(j, "fresh_until", until_ms);
    json_out_end_object(j);
    return 0;
}

const struct op auth_second_ops[] = {
    {.name = "auth.second",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(second_rows, struct second_params),
     .help = "The second step of signing in: a code of the app, or a recovery code",
     .example = "--step-token-file token --code-file code",
     .result = &auth_grant_fields,
     .scratch_size = sizeof(struct second),
     .slow = second_slow,
     .run = second},
    {.name = "auth.confirm",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_ENROL,
     .params = PARAMS(confirm_rows, struct confirm_params),
     .help = "Give the password again, for what needs it fresh",
     .example = "--password-file password",
     .result = &confirmed,
     .scratch_size = sizeof(struct second),
     .slow = confirm_slow,
     .run = confirm},
    {.name = NULL},
};
