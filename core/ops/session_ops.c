/* Sessions: everybody sees and ends their own, an admin those of others too. */
#include "auth.h"

#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

#include <string.h>

struct session_list_params {
    struct list_params list;
    char user[128];
};
static const struct field session_list_rows[] = {
    LIST_FIELDS(struct session_list_params),
    FIELD(struct session_list_params, user, FIELD_TEXT, .help = "admins: those of this user"),
};

struct session_clear_params {
    char user[128];
};
static const struct field session_clear_rows[] = {
    FIELD(struct session_clear_params, user, FIELD_TEXT, .help = "admins: those of this user"),
};
static const struct field ended_rows[] = {
    {.name = "ended", .type = FIELD_U64, .size = 8, .help = "how many"},
};
static const struct fields ended_fields = {ended_rows, 1, 0};

static int session_list(struct op_call *call, struct err *err)
{
    const struct session_list_params *p = call->params;
    struct user user = {0};
    struct session match = {0};
    struct list list = {.view = &view_session, .url = "/api/sessions", .match = &match};

    (void)str_copy(match.user_id, sizeof match.user_id, call->actor.user_id);
    if (op_given(call, "user")) {
        if (call->actor.role < ROLE_ADMIN)
            return err_set(err, ERR_FORBIDDEN, "role_too_low", "sessions of others are for admins");
        if (object_refer(call, &user_table, "user", p->user, &user, err) != 0)
            return -1;
        (void)str_copy(match.user_id, sizeof match.user_id, user.id);
    }
    if (match.user_id[0] != '\0') { /* else an admin who is no user: all of them */
        list.index = "user_id";
        list.fields = 1;
    } else if (call->actor.role < ROLE_ADMIN) {
        return err_set(err, ERR_FORBIDDEN, "role_too_low", "sessions of others are for admins");
    }
    return list_reply(call, &p->list, &list, err);
}

static int session_revoke(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct session session = {0};

    if (object_get(call, &session_table, p->id, &session, err) != 0)
        return -1;
    if (call->actor.role < ROLE_ADMIN && !str_equal(session.user_id, call->actor.user_id))
        return err_set(err, ERR_NOT_FOUND, "session_not_found", "there is no session %.80s", p->id);
    object_before(call, &session_table, &session);
    if (auth_session_end(call->txn, session.id, err) < 0)
        return -1;
    return object_removed(call, &view_session, session.id);
}

/* After a lost telephone, a borrowed machine: whatever is open elsewhere is shut. */
static int session_clear(struct op_call *call, struct err *err)
{
    const struct session_clear_params *p = call->params;
    struct json_out *j = call->out;
    struct user user = {0};
    int ended;

    if (call->actor.session_id[0] != '\0') /* a key has none to be spared */
        (void)str_copy(user.id, sizeof user.id, call->actor.user_id);
    if (op_given(call, "user")) {
        if (call->actor.role < ROLE_ADMIN)
            return err_set(err, ERR_FORBIDDEN, "role_too_low", "sessions of others are for admins");
        memset(&user, 0, sizeof user);
        if (object_refer(call, &user_table, "user", p->user, &user, err) != 0)
            return -1;
    }
    if (user.id[0] == '\0')
        return err_field(err, "user", "required", "user is missing: whose sessions end");
    if ((ended = auth_sessions_end(call->txn, user.id, call->actor.session_id, err)) < 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, user.id);
    (void)str_format(call->audit.reason, sizeof call->audit.reason, "%d ended", ended);
    json_out_object(j);
    json_out_key_text(j, "object", "sessions_ended");
    json_out_key_u64(j, "ended", (uint64_t)ended);
    json_out_end_object(j);
    return 0;
}

const struct op session_ops[] = {
    {.name = "session.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(session_list_rows, struct session_list_params),
     .help = "List one's sessions, newest first",
     .example = "--user admin",
     .result = &session_table.fields,
     .more = &view_session_more,
     .run = session_list},
    {.name = "session.revoke",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "End a session; its tokens are dead at once",
     .example = "ses_01jd3v7q2c0000000000000000",
     .run = session_revoke},
    {.name = "session.clear",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(session_clear_rows, struct session_clear_params),
     .help = "End all of one's sessions but this one",
     .example = "--user ann",
     .result = &ended_fields,
     .run = session_clear},
    {.name = NULL},
};
