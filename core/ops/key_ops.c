/* API keys: how programs sign in. A key is shown once, when it is made. */
#include "auth.h"

#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

struct key_list_params {
    struct list_params list;
    char user[128];
};
static const struct field key_list_rows[] = {
    LIST_FIELDS(struct key_list_params),
    FIELD(struct key_list_params, user, FIELD_TEXT, .help = "only those of this user"),
};

struct key_params {
    char name[96], user[128];
    uint32_t role;
    int64_t expires_at;
};
static const struct field key_create_rows[] = {
    FIELD(struct key_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .max = 90,
          .help = "what it is for"),
    FIELD(struct key_params, role, FIELD_ENUM, .names = role_names,
          .help = "what it may do, at most what its user may (viewer)"),
    FIELD(struct key_params, user, FIELD_TEXT, .help = "whose it is (oneself)"),
    FIELD(struct key_params, expires_at, FIELD_TIME, .help = "until when it is good (for ever)"),
};
static const struct field key_more[] = {
    {.name = "key",
     .type = FIELD_TEXT,
     .size = AUTH_KEY_SIZE,
     .help = "the key, shown once, when it is made"},
};
static const struct fields key_made = {key_more, 1, 0};

static int key_list(struct op_call *call, struct err *err)
{
    const struct key_list_params *p = call->params;
    struct user user = {0};
    struct api_key match = {0};
    struct list list = {.view = &view_key, .url = "/api/keys", .match = &match};

    if (op_given(call, "user")) {
        if (object_refer(call, &user_table, "user", p->user, &user, err) != 0)
            return -1;
        (void)str_copy(match.user_id, sizeof match.user_id, user.id);
        list.index = "user_id";
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int key_create(struct op_call *call, struct err *err)
{
    const struct key_params *p = call->params;
    struct json_out *j = call->out;
    struct user user = {0};
    struct api_key key = {.role = op_given(call, "role") ? p->role : ROLE_VIEWER,
                          .expires_at = p->expires_at};
    char text[AUTH_KEY_SIZE];
    const char *whose = op_given(call, "user") ? p->user : call->actor.user_id;

    if (whose[0] == '\0')
        return err_field(err, "user", "required", "user is missing: whose key it is");
    if (key.role == ROLE_PUBLIC)
        return err_field(err, "role", "unknown_word",
                         "role must be one of: customer, viewer, operator, admin");
    if (key.expires_at != 0 && key.expires_at <= txn_time_ms(call->txn))
        return err_field(err, "expires_at", "out_of_range", "expires_at has passed");
    if (object_refer(call, &user_table, "user", whose, &user, err) != 0)
        return -1;
    (void)str_copy(key.user_id, sizeof key.user_id, user.id);
    (void)str_copy(key.name, sizeof key.name, p->name);
    if (auth_key_new(call->txn, &key, text, err) != 0)
        return -1;
    object_after(call, &api_key_table, &key);
    json_out_object(j);
    json_out_key_text(j, "object", view_key.object);
    fields_json(&api_key_table.fields, &key, j);
    json_out_key_text(j, "key", text);
    json_out_end_object(j);
    return 0;
}

static int key_revoke(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct api_key key = {0};

    if (object_get(call, &api_key_table, p->id, &key, err) != 0)
        return -1;
    object_before(call, &api_key_table, &key);
    if (auth_key_revoke(call->txn, key.id, err) < 0 ||
        record_get(call->txn, &api_key_table, &key, err) < 0)
        return -1;
    object_after(call, &api_key_table, &key);
    return object_reply(call, &view_key, &key, err);
}

const struct op key_ops[] = {
    {.name = "key.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(key_list_rows, struct key_list_params),
     .help = "List API keys, newest first",
     .example = "",
     .result = &api_key_table.fields,
     .run = key_list},
    {.name = "key.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_CREATE | OP_SECRET,
     .params = PARAMS(key_create_rows, struct key_params),
     .help = "Make an API key; it is shown this once",
     .example = "deploy --user admin --role operator",
     .result = &api_key_table.fields,
     .more = &key_made,
     .run = key_create},
    {.name = "key.revoke",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "Take back an API key; it is dead at once",
     .example = "key_01jd3v7q2c0000000000000000",
     .result = &api_key_table.fields,
     .run = key_revoke},
    {.name = NULL},
};
