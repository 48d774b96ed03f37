/* API keys: how programs sign in. A key is shown once, when it is made. */
#include "auth.h"

#include "list.h"
#include "network.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "scope.h"
#include "str.h"
#include "tenant.h"

#define GRACE_HOURS 24 /* if nothing is said */
#define HOUR_MS     (INT64_C(3600) * 1000)

struct key_list_params {
    struct list_params list;
    char user[128];
};
static const struct field key_list_rows[] = {
    LIST_FIELDS(struct key_list_params),
    FIELD(struct key_list_params, user, FIELD_TEXT, .help = "only those of this user"),
};

struct key_params {
    char id[96], name[96], user[128];
    uint32_t role;
    int64_t expires_at;
    char scopes[2 * AUTH_SCOPES_SIZE], networks[2 * AUTH_NETWORKS_SIZE], tenant[96];
};
#define SHARED                                                                                     \
    FIELD(struct key_params, expires_at, FIELD_TIME, .help = "until when it is good (for ever)"),  \
        FIELD(struct key_params, scopes, FIELD_TEXT,                                               \
              .help = "what it is for: tenant:read snapshot:write *:read (all of its role)"),      \
        FIELD(struct key_params, networks, FIELD_TEXT,                                             \
              .help = "where it may come from: 192.0.2.0/24 2001:db8::1 (anywhere)")
static const struct field key_create_rows[] = {
    FIELD(struct key_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .max = 90,
          .help = "what it is for"),
    FIELD(struct key_params, role, FIELD_ENUM, .names = role_names,
          .help = "what it may do, at most what its user may (viewer)"),
    FIELD(struct key_params, user, FIELD_TEXT, .help = "whose it is (oneself)"),
    FIELD(struct key_params, tenant, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "for this tenant alone: its id, number or name"),
    SHARED,
};
static const struct field key_update_rows[] = {
    ID_FIELD(struct key_params),
    FIELD(struct key_params, name, FIELD_TEXT, .min = 1, .max = 90, .help = "what it is for"),
    SHARED,
};

struct renew_params {
    char id[96];
    uint32_t grace_hours;
};
static const struct field renew_rows[] = {
    ID_FIELD(struct renew_params),
    FIELD(struct renew_params, grace_hours, FIELD_U32, .max = 720,
          .help = "hours for which the present one stays good (24)"),
};

static const struct field scope_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 48, .help = "the scope"},
};
static const struct fields scope_shape = {scope_rows, 1, 0};

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

static int key_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct api_key key = {0};

    if (object_get(call, &api_key_table, p->id, &key, err) != 0)
        return -1;
    return object_reply(call, &view_key, &key, err);
}

/* What narrows a key down, as far as it was given. */
static int set_bounds(struct op_call *call, struct api_key *key, struct err *err)
{
    const struct key_params *p = call->params;

    if (op_given(call, "expires_at")) {
        if (p->expires_at != 0 && p->expires_at <= txn_time_ms(call->txn))
            return err_field(err, "expires_at", "out_of_range", "expires_at has passed");
        key->expires_at = p->expires_at;
    }
    if (op_given(call, "scopes") && scope_list(p->scopes, key->scopes, err) != 0)
        return -1;
    if (op_given(call, "networks") &&
        network_list(p->networks, key->networks, sizeof key->networks, err) != 0)
        return -1;
    return 0;
}

/* The key with its text, this once. */
static int show_made(struct op_call *call, const struct api_key *key, const char *text)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", view_key.object);
    fields_json(&api_key_table.fields, key, j);
    json_out_key_text(j, "key", text);
    json_out_end_object(j);
    return 0;
}

static int key_create(struct op_call *call, struct err *err)
{
    const struct key_params *p = call->params;
    struct user user = {0};
    struct tenant tenant = {0};
    struct api_key key = {.role = op_given(call, "role") ? p->role : ROLE_VIEWER};
    char text[AUTH_KEY_SIZE];
    const char *whose = op_given(call, "user") ? p->user : call->actor.user_id;

    if (whose[0] == '\0')
        return err_field(err, "user", "required", "user is missing: whose key it is");
    if (key.role == ROLE_PUBLIC)
        return err_field(err, "role", "unknown_word",
                         "role must be one of: customer, viewer, operator, admin");
    if (set_bounds(call, &key, err) != 0 ||
        object_refer(call, &user_table, "user", whose, &user, err) != 0)
        return -1;
    (void)str_copy(key.user_id, sizeof key.user_id, user.id);
    (void)str_copy(key.name, sizeof key.name, p->name);
    if (p->tenant[0] != '\0') {
        if (object_refer(call, &tenant_table, "tenant", p->tenant, &tenant, err) != 0)
            return -1;
        (void)str_copy(key.tenant_id, sizeof key.tenant_id, tenant.id);
    }
    if (auth_key_new(call->txn, &key, text, err) != 0)
        return -1;
    object_after(call, &api_key_table, &key);
    return show_made(call, &key, text);
}

static int key_update(struct op_call *call, struct err *err)
{
    const struct key_params *p = call->params;
    struct api_key key = {0};

    if (object_get(call, &api_key_table, p->id, &key, err) != 0 ||
        object_match(call, &api_key_table, &key, err) != 0)
        return -1;
    object_before(call, &api_key_table, &key);
    if (op_given(call, "name"))
        (void)str_copy(key.name, sizeof key.name, p->name);
    if (set_bounds(call, &key, err) != 0 || record_put(call->txn, &api_key_table, &key, err) != 0)
        return -1;
    object_after(call, &api_key_table, &key);
    return object_reply(call, &view_key, &key, err);
}

static int key_renew(struct op_call *call, struct err *err)
{
    const struct renew_params *p = call->params;
    uint32_t hours = op_given(call, "grace_hours") ? p->grace_hours : GRACE_HOURS;
    struct api_key old = {0}, key;
    char text[AUTH_KEY_SIZE];

    if (object_get(call, &api_key_table, p->id, &old, err) != 0)
        return -1;
    object_before(call, &api_key_table, &old);
    if (auth_key_rotate(call->txn, &old, hours * HOUR_MS, &key, text, err) != 0)
        return -1;
    object_after(call, &api_key_table, &old);
    return show_made(call, &key, text);
}

static int key_scopes(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    char scope[48];
    size_t at = 0;

    (void)err;
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    while (scope_next(&at, scope)) {
        json_out_object(j);
        json_out_key_text(j, "name", scope);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", "/api/key-scopes");
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
    {.name = "key.show",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show an API key, but for its secret",
     .example = "key_01jd3v7q2c0000000000000000",
     .result = &api_key_table.fields,
     .run = key_show},
    {.name = "key.scopes",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .help = "List the scopes that an API key can have",
     .example = "",
     .result = &scope_shape,
     .run = key_scopes},
    {.name = "key.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(key_update_rows, struct key_params),
     .help = "Change an API key's name, end, scopes or networks",
     .example = "key_01jd3v7q2c0000000000000000 --networks 192.0.2.0/24",
     .result = &api_key_table.fields,
     .run = key_update},
    {.name = "key.renew",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_CREATE | OP_SECRET,
     .params = PARAMS(renew_rows, struct renew_params),
     .help = "Make a key in the place of another, which stays good for a while",
     .example = "key_01jd3v7q2c0000000000000000 --grace-hours 48",
     .result = &api_key_table.fields,
     .more = &key_made,
     .run = key_renew},
    {.name = "key.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_CREATE | OP_SECRET,
     .params = PARAMS(key_create_rows, struct key_params),
     .help = "Make an API key; it is shown this once",
     .example = "deploy --user admin --role operator --scopes \"tenant:read tenant:write\"",
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
