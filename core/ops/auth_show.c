/* The answers of signing in. Apart from the operations because four of them give the same. */
#include "auth_show.h"

#include <sodium.h>

#include "second_step.h"
#include "str.h"
#include "view.h"

/* For the OpenAPI document. */
struct grant_shape {
    char second_factor[16], step_token[SECOND_STEP_TOKEN_SIZE];
    char access_token[AUTH_TOKEN_SIZE], token_type[8], refresh_token[AUTH_SECRET_SIZE];
    uint64_t expires_in;
    char csrf_token[AUTH_CSRF_SIZE];
    struct kv user;
};
static const struct field rows[] = {
    FIELD(struct grant_shape, second_factor, FIELD_TEXT,
          .help = "none, given, enrol (one has to be entered before anything else), or needed: "
                  "then there is only step_token"),
    FIELD(struct grant_shape, step_token, FIELD_TEXT,
          .help = "needed: for POST /api/auth/second, and for nothing else"),
    FIELD(struct grant_shape, access_token, FIELD_TEXT, .help = "bearer token (RFC 6750)"),
    FIELD(struct grant_shape, token_type, FIELD_TEXT, .help = "Bearer"),
    FIELD(struct grant_shape, expires_in, FIELD_U64, .help = "seconds that the token lives"),
    FIELD(struct grant_shape, refresh_token, FIELD_TEXT, .help = "good once, for the next token"),
    FIELD(struct grant_shape, csrf_token, FIELD_TEXT,
          .help = "to be sent as X-CSRF with each change under the cookie"),
    FIELD(struct grant_shape, user, FIELD_KV, .help = "who signed in"),
};
const struct fields auth_grant_fields = {rows, sizeof rows / sizeof rows[0],
                                         sizeof(struct grant_shape)};

void auth_show_grant(struct op_call *call, const struct auth_terms *terms,
                     const struct auth_grant *grant)
{
    struct json_out *j = call->out;

    if (grant->cookie[0] != '\0')
        auth_cookie_header(terms, grant->cookie, call->cookie);
    json_out_key_text(j, "access_token", grant->access_token);
    json_out_key_text(j, "token_type", "Bearer");
    json_out_key_u64(j, "expires_in", grant->expires_in_s);
    json_out_key_text(j, "refresh_token", grant->refresh_token);
    json_out_key_text(j, "csrf_token", grant->csrf);
}

int auth_show_session(struct op_call *call, const struct auth_terms *terms,
                      const struct auth_grant *grant, const struct user *user, const char *step,
                      struct err *err)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "second_factor", auth_must_enrol(terms, user) ? "enrol" : step);
    auth_show_grant(call, terms, grant);
    json_out_key(j, "user");
    if (view_object(call, &view_user, user, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

int auth_first_step(struct op_call *call, const struct user *user, const char *kind,
                    struct err *err)
{
    struct json_out *j = call->out;
    char token[SECOND_STEP_TOKEN_SIZE];

    if (second_step_new(call->txn, user, call->actor.address, token, err) != 0)
        return -1;
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, user->id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind, kind);
    (void)str_copy(call->audit.object, sizeof call->audit.object, user->id);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, "a second factor is needed");
    json_out_object(j);
    json_out_key_text(j, "second_factor", "needed");
    json_out_key_text(j, "step_token", token);
    json_out_key_u64(j, "expires_in", SECOND_STEP_MS / 1000);
    json_out_key(j, "methods");
    json_out_array(j);
    json_out_text(j, "app");
    json_out_text(j, "recovery_code");
    json_out_end_array(j);
    json_out_end_object(j);
    sodium_memzero(token, sizeof token);
    return 0;
}
