/* The tables of users, their sessions and API keys, and how users are found and made. How they
 * prove who they are is auth's. */
#include "user.h"

#include "str.h"

#include <string.h>

const char *const role_names[] = {"public", "customer", "viewer", "operator", "admin", NULL};

static const struct field rows[] = {
    FIELD(struct user, id, FIELD_ID, .ref_prefix = "us"),
    FIELD(struct user, name, FIELD_TEXT, .help = "name to sign in with"),
    FIELD(struct user, role, FIELD_ENUM, .names = role_names, .help = "what it may do"),
    FIELD(struct user, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu",
          .help = "role customer: whose tenants it sees"),
    FIELD(struct user, password, FIELD_TEXT, .flags = FIELD_HIDDEN),
    FIELD(struct user, disabled, FIELD_BOOL, .help = "may not sign in"),
    FIELD(struct user, epoch, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct user, password_at, FIELD_TIME, .help = "password changed at"),
    FIELD(struct user, last_login_at, FIELD_TIME, .help = "last signed in at"),
    FIELD(struct user, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct user, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct user, email, FIELD_TEXT, 2, .help = "where it can be written to"),
    FIELD_SINCE(struct user, language, FIELD_TEXT, 2, .help = "of letters to it: en, es or de"),
    FIELD_SINCE(struct user, second_factor_at, FIELD_TIME, 3,
                .help = "has a second factor for signing in, since"),
    FIELD_SINCE(struct user, password_once, FIELD_BOOL, 4,
                .help = "the password has to be changed before anything else"),
};

static const struct index indexes[] = {
    {.name = "name", .id = 167, .unique = true, .fields = {"name"}},
    {.name = "customer_id", .id = 168, .sparse = true, .fields = {"customer_id"}},
};

const struct table user_table = {
    .name = "users",
    .noun = "user",
    .id = 16,
    .version = 4,
    .prefix = "us",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct user)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "user", .customer = "customer_id"},
};

static const struct field session_rows[] = {
    FIELD(struct session, id, FIELD_ID, .ref_prefix = "ses"),
    FIELD(struct session, user_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "us"),
    FIELD(struct session, cookie_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct session, refresh_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct session, refresh_old, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct session, epoch, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct session, address, FIELD_TEXT, .help = "from where"),
    FIELD(struct session, agent, FIELD_TEXT, .help = "program that signed in"),
    FIELD(struct session, fresh_at, FIELD_TIME, .help = "password given at"),
    FIELD(struct session, seen_at, FIELD_TIME, .help = "last used at"),
    FIELD(struct session, expires_at, FIELD_TIME, .help = "over at"),
    FIELD(struct session, created_at, FIELD_TIME, .help = "made at"),
};

static const struct index session_indexes[] = {
    {.name = "cookie_hash", .id = 169, .unique = true, .sparse = true, .fields = {"cookie_hash"}},
    {.name = "refresh_hash", .id = 170, .unique = true, .sparse = true, .fields = {"refresh_hash"}},
    {.name = "refresh_old", .id = 171, .sparse = true, .fields = {"refresh_old"}},
    {.name = "user_id", .id = 172, .fields = {"user_id"}},
    {.name = "expires_at", .id = 173, .fields = {"expires_at"}},
};

const struct table session_table = {
    .name = "sessions",
    .noun = "session",
    .id = 17,
    .version = 1,
    .prefix = "ses",
    .fields = {session_rows, sizeof session_rows / sizeof session_rows[0], sizeof(struct session)},
    .key = {"id"},
    .indexes = session_indexes,
    .index_count = sizeof session_indexes / sizeof session_indexes[0],
    .feed = {.object = "session", .about = "user_id", .beside = {"seen_at"}},
};

static const struct field key_rows[] = {
    FIELD(struct api_key, id, FIELD_ID, .ref_prefix = "key"),
    FIELD(struct api_key, name, FIELD_TEXT, .help = "what it is for"),
    FIELD(struct api_key, user_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "us"),
    FIELD(struct api_key, role, FIELD_ENUM, .names = role_names,
          .help = "what it may do, at most what its user may"),
    FIELD(struct api_key, hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct api_key, expires_at, FIELD_TIME, .help = "over at"),
    FIELD(struct api_key, revoked_at, FIELD_TIME, .help = "revoked at"),
    FIELD(struct api_key, last_used_at, FIELD_TIME, .help = "last used at, to the minute"),
    FIELD(struct api_key, created_at, FIELD_TIME, .help = "made at"),
    FIELD_SINCE(struct api_key, scopes, FIELD_TEXT, 2,
                .help = "what it is for: tenant:read snapshot:write; none: all of its role"),
    FIELD_SINCE(struct api_key, networks, FIELD_TEXT, 2,
                .help = "networks it may come from; none: anywhere"),
    FIELD_SINCE(struct api_key, last_address, FIELD_TEXT, 2, .help = "from where it was last used"),
    FIELD_SINCE(struct api_key, next_id, FIELD_ID, 2, .ref_prefix = "key",
                .help = "the key that took its place"),
    FIELD_SINCE(struct api_key, tenant_id, FIELD_ID, 3, .ref_prefix = "tn",
                .help = "the one tenant that it is for"),
};

static const struct index key_indexes[] = {
    {.name = "hash", .id = 174, .unique = true, .fields = {"hash"}},
    {.name = "user_id", .id = 175, .fields = {"user_id"}},
};

const struct table api_key_table = {
    .name = "api_keys",
    .noun = "api_key",
    .id = 18,
    .version = 3,
    .prefix = "key",
    .fields = {key_rows, sizeof key_rows / sizeof key_rows[0], sizeof(struct api_key)},
    .key = {"id"},
    .indexes = key_indexes,
    .index_count = sizeof key_indexes / sizeof key_indexes[0],
    .feed = {.object = "key", .about = "user_id", .beside = {"last_used_at"}},
};

int user_check(struct user *user, struct err *err)
{
    uint8_t bytes[ID_BYTES];

    str_lower(user->name);
    if (user->name[0] == '\0' || strpbrk(user->name, " \t/\\\"<>") != NULL ||
        id_bytes(user->name, user_table.prefix, bytes) == 0)
        return err_field(err, "name", "user_name_invalid", "\"%s\" cannot be a user's name",
                         user->name);
    if (user->role <= ROLE_PUBLIC || user->role > ROLE_ADMIN)
        return err_field(err, "role", "role_invalid", "a user needs a role");
    if ((user->role == ROLE_CUSTOMER) != (user->customer_id[0] != '\0'))
        return err_field(err, "customer_id", "customer_id_invalid",
                         "customer_id goes with the role customer, and with no other");
    return 0;
}

int user_new(struct txn *txn, struct user *user, struct err *err)
{
    if (user_check(user, err) != 0)
        return -1;
    id_make(user->id, user_table.prefix);
    user->epoch = 1;
    user->created_at = user->updated_at = user->password_at = txn_time_ms(txn);
    return record_insert(txn, &user_table, user, err);
}
